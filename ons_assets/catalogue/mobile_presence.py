"""Tables of where devices are: permanence scores, usual environments, and the population that is present."""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.catalogue.mobile import OWNER
from ons_assets.lakehouse.disclosure import Counts, all_of
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

PLACE = Column("place", pl.String(), "cell that the device uses most, of those that are one place")
SEASON = Column("season", pl.String(), "all, or such as 2014-autumn; a winter is of the year of its January")
TIME_INTERVAL = Column("time_interval", pl.String(), "all, night, working_hours or evening")
DAY_TYPE = Column("day_type", pl.String(), "all, workdays, weekends or holidays")
LABEL = Column("label", pl.String(), "home, work, second_home or usual")
SCORES = (
    Column("permanence_hours", pl.Int32(), "hours at the place"),
    Column("days", pl.Int32(), "days with an hour at the place"),
    Column("observed_hours", pl.Int32(), "hours of the device at any place"),
    Column("observed_days", pl.Int32(), "days with an hour at any place"),
)
REGULARITY_MEAN = Column("regularity_mean_days", pl.Float64(), "mean of the gaps between its days at the place")
REGULARITY_STD = Column("regularity_std_days", pl.Float64(), "standard deviation of the gaps", nullable=True)

DAILY_PERMANENCE = Table(
    name="mobile/daily_permanence",
    description="The hours of one local day in which one device was at one of its places.",
    columns=(
        columns.BUCKET,
        columns.OPERATOR,
        columns.USER,
        PLACE,
        columns.DAY,
        Column("hours_mask", pl.Int32(), "bit h is set if it was there for most of hour h of the local clock"),
    ),
    key=("operator", "user", "place", "day"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/phone_events and mobile/cells",
)

DEVICE_PLACES = Table(
    name="mobile/device_places",
    description="The probability that one place of one device is in an area, by the coverage of its cells.",
    columns=(columns.BUCKET, columns.OPERATOR, columns.USER, PLACE, columns.AREA, columns.PROBABILITY),
    key=("operator", "user", "place", "area"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/phone_events, mobile/cells and reference/area_parts",
)

MIDTERM_PERMANENCE = Table(
    name="mobile/midterm_permanence",
    description="Hours and days of one device at one place in a month, by day type and time of the day.",
    columns=(
        columns.BUCKET, columns.OPERATOR, columns.USER, PLACE, columns.MONTH, DAY_TYPE, TIME_INTERVAL, *SCORES,
        REGULARITY_MEAN, REGULARITY_STD,
    ),
    key=("operator", "user", "place", "month", "day_type", "time_interval"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/daily_permanence",
)  # fmt: skip

LONGTERM_PERMANENCE = Table(
    name="mobile/longterm_permanence",
    description=(
        "Hours and days of one device at one place in a season, or in all of the time, by day type and time of the day."
    ),
    columns=(
        columns.BUCKET, columns.OPERATOR, columns.USER, PLACE, SEASON, DAY_TYPE, TIME_INTERVAL, *SCORES,
        Column("days_mean", pl.Float64(), "mean of the days of its months"),
        Column("days_std", pl.Float64(), "standard deviation of the days of its months; null of one", nullable=True),
        REGULARITY_MEAN, REGULARITY_STD,
    ),
    key=("operator", "user", "place", "season", "day_type", "time_interval"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/midterm_permanence",
)  # fmt: skip

USUAL_PLACES = Table(
    name="mobile/usual_places",
    description="One place of the usual environment of one device in a season, and what it is to it.",
    columns=(
        columns.BUCKET,
        columns.OPERATOR,
        columns.USER,
        SEASON,
        PLACE,
        LABEL,
        Column(
            "rule",
            pl.String(),
            "by which rule: all_hours, night_hours, working_hours, days, night_days, working_days or nights",
        ),
    ),
    key=("operator", "user", "season", "place", "label"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/longterm_permanence",
)

USUAL_ENVIRONMENT = Table(
    name="mobile/usual_environment",
    description=(
        "Devices that have their home, work, second home or usual environment in an area in a season; nothing below k "
        "leaves."
    ),
    columns=(
        columns.OBSERVED,
        columns.OPERATOR,
        SEASON,
        LABEL,
        Column("area", pl.String(), "code of the area; not_seen where no place of the device has the label; or all"),
        Column(
            "devices", pl.Float64(), "devices with a usual environment, each 1 in a label, by where its places may be"
        ),
    ),
    key=("observed", "operator", "season", "label", "area"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Counts("devices", "devices", (all_of("area"),)),
    owner=OWNER,
    source="mobile/usual_places and mobile/device_places",
)

PRESENT_POPULATION = Table(
    name="mobile/present_population",
    description=(
        "Devices in an area at an hour of the day, in the mean over the days of a kind; nothing below k leaves."
    ),
    columns=(
        columns.OBSERVED,
        columns.OPERATOR,
        columns.DAY_TYPE,
        columns.HOUR,
        columns.AREA,
        Column("devices", pl.Float64(), "devices present, by where their places may be"),
        Column("days", pl.Int32(), "days that the mean is over"),
    ),
    key=("observed", "operator", "day_type", "hour", "area"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Counts("devices", "devices", (all_of("area"),)),
    owner=OWNER,
    source="mobile/daily_permanence and mobile/device_places",
)
