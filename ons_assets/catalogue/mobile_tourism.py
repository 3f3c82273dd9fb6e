"""Tables of trips: where devices were all day, and visitors from abroad, to other countries, and within the country."""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.catalogue.mobile import OWNER
from ons_assets.catalogue.mobile_presence import TENS
from ons_assets.lakehouse.disclosure import Counts, all_of
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

TIME_SEGMENTS = Table(
    name="mobile/time_segments",
    description=(
        "What one device did in a part of a local day; of each device and day they cover all of it, without overlap."
    ),
    columns=(
        columns.BUCKET,
        columns.OPERATOR,
        columns.USER,
        columns.DAY,
        columns.START_UTC,
        columns.END_UTC,
        Column(
            "segment_state",
            pl.String(),
            "stay, undetermined (too short for a stay), move, abroad or unknown",
        ),
        columns.PLACE.or_null(),
        Column(
            "abroad_mcc",
            pl.String(),
            "mobile country code (ITU-T E.212) of the country that it is in; null at home",
            nullable=True,
        ),
    ),
    key=("operator", "user", "start_utc"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/phone_events, mobile/cells and mobile/cell_neighbours",
)

TOURISM_TRIPS = Table(
    name="mobile/tourism_trips",
    description="One trip of one device: into the country, out of it, or within it outside of its usual environment.",
    columns=(
        columns.BUCKET,
        columns.OPERATOR,
        columns.USER,
        columns.TOURISM,
        columns.TRIP,
        columns.START_UTC,
        columns.END_UTC,
        columns.MONTH,
        columns.VISIT,
        columns.NIGHTS,
        columns.COUNTRY,
        Column("is_whole", pl.Boolean(), "whether it began after the first and ended before the last day observed"),
    ),
    key=("operator", "user", "tourism", "trip"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/time_segments, mobile/phone_events, mobile/usual_places and mobile/device_places",
)

TOURISM_STAYS = Table(
    name="mobile/tourism_stays",
    description="One part of one trip of one device: at one place, or in one country abroad.",
    columns=(
        columns.BUCKET,
        columns.OPERATOR,
        columns.USER,
        columns.TOURISM,
        columns.TRIP,
        Column("stay", pl.Int32(), "number of the stay in its trip"),
        columns.START_UTC,
        columns.END_UTC,
        columns.PLACE.or_null(),
        columns.COUNTRY,
        columns.NIGHTS,
        Column(
            "first_evening",
            pl.Date(),
            "local day on whose evening the first of its nights begins; null of none",
            nullable=True,
        ),
    ),
    key=("operator", "user", "tourism", "trip", "stay"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/time_segments, mobile/phone_events, mobile/usual_places and mobile/device_places",
)

TOURISM_VISITS = Table(
    name="mobile/tourism",
    description=(
        "Devices of visitors, and those that spend a night, by country or by area in a month; to the nearest ten, and "
        "nothing below k leaves."
    ),
    columns=(
        columns.OPERATOR,
        columns.MONTH,
        columns.TOURISM,
        columns.VISIT,
        Column(
            "counted",
            pl.String(),
            "visitors (devices with a trip that ended in the month) or nights (devices in a mean night of it)",
        ),
        columns.COUNTRY,
        columns.AREA,
        columns.DEVICES,
        Column("days_observed", pl.Int32(), "days of the month that count; nights are devices times these"),
    ),
    key=("operator", "month", "tourism", "visit", "counted", "country", "area"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Counts("devices", "devices", (all_of("country"), all_of("area")), blurred=TENS),
    owner=OWNER,
    source="mobile/tourism_trips, mobile/tourism_stays and mobile/device_places",
)
