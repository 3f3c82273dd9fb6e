"""Tables of where devices are: permanence scores, usual environments, and the population that is present."""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.catalogue.mobile import OWNER
from ons_assets.lakehouse.blurring import Rounded
from ons_assets.lakehouse.disclosure import Counts, all_of
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

# Tables of the same devices by hour, season and pair of seasons differ by few, of whom exact numbers would tell, and so
# would those that are rounded to less than the fewest that may be told.
TENS = Rounded(10, with_fewest=True)

SCORES = (
    columns.PERMANENCE_HOURS,
    columns.DAYS_THERE,
    columns.OBSERVED_HOURS,
    columns.OBSERVED_DAYS,
)

DAILY_PERMANENCE = Table(
    name="mobile/daily_permanence",
    description="The hours of one local day in which one device was at one of its places.",
    columns=(
        columns.BUCKET,
        columns.OPERATOR,
        columns.USER,
        columns.PLACE,
        columns.DAY,
        Column("hours_mask", pl.Int32(), "bit h is set if it was there in hour h of the local clock"),
    ),
    key=("operator", "user", "place", "day"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/phone_events and mobile/cells",
)

DEVICE_PLACES = Table(
    name="mobile/device_places",
    description="The probability that one place of one device is in an area, by the footprints of its cells.",
    columns=(columns.BUCKET, columns.OPERATOR, columns.USER, columns.PLACE, columns.AREA, columns.PROBABILITY),
    key=("operator", "user", "place", "area"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/phone_events, mobile/cells, mobile/cell_footprints and reference/area_parts",
)

MIDTERM_PERMANENCE = Table(
    name="mobile/midterm_permanence",
    description="Hours and days of one device at one place in a month, by day type and time of the day.",
    columns=(
        columns.BUCKET,
        columns.OPERATOR,
        columns.USER,
        columns.PLACE,
        columns.MONTH,
        columns.DAY_GROUP,
        columns.TIME_INTERVAL,
        *SCORES,
        columns.REGULARITY_MEAN_DAYS,
        columns.REGULARITY_STD_DAYS.or_null(),
    ),
    key=("operator", "user", "place", "month", "day_group", "time_interval"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/daily_permanence",
)

LONGTERM_PERMANENCE = Table(
    name="mobile/longterm_permanence",
    description=(
        "Hours and days of one device at one place in a season, or in all of the time, by day type and time of the day."
    ),
    columns=(
        columns.BUCKET,
        columns.OPERATOR,
        columns.USER,
        columns.PLACE,
        columns.YEAR_SEASON,
        columns.DAY_GROUP,
        columns.TIME_INTERVAL,
        *SCORES,
        Column("days_mean", pl.Float64(), "mean of the days of its months"),
        Column("days_std", pl.Float64(), "standard deviation of the days of its months; null of one", nullable=True),
        columns.REGULARITY_MEAN_DAYS,
        columns.REGULARITY_STD_DAYS.or_null(),
    ),
    key=("operator", "user", "place", "year_season", "day_group", "time_interval"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/midterm_permanence",
)

USUAL_PLACES = Table(
    name="mobile/usual_places",
    description="One place of the usual environment of one device in a season, and what it is to it.",
    columns=(
        columns.BUCKET,
        columns.OPERATOR,
        columns.USER,
        columns.YEAR_SEASON,
        columns.PLACE,
        columns.LABEL,
        Column(
            "label_rule",
            pl.String(),
            "by which rule: all_hours, night_hours, working_hours, days, night_days, working_days or nights",
        ),
    ),
    key=("operator", "user", "year_season", "place", "label"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/longterm_permanence",
)

USUAL_ENVIRONMENT = Table(
    name="mobile/usual_environment",
    description=(
        "Devices that have their home, work, second home or usual environment in an area in a season, or nowhere "
        "(not_seen); in tens, or as coarsely as k, and nothing below k leaves."
    ),
    columns=(
        columns.OBSERVED,
        columns.OPERATOR,
        columns.YEAR_SEASON,
        columns.LABEL,
        columns.AREA,
        columns.DEVICES,
    ),
    key=("observed", "operator", "year_season", "label", "area"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Counts("devices", "devices", (all_of("area"),), blurred=TENS),
    owner=OWNER,
    source="mobile/usual_places and mobile/device_places",
)

PRESENT_POPULATION = Table(
    name="mobile/present_population",
    description=(
        "Devices in an area at an hour of the day, in the mean over the days of a kind; in tens, or as coarsely as "
        "k, and nothing below k leaves."
    ),
    columns=(
        columns.OBSERVED,
        columns.OPERATOR,
        columns.DAY_TYPE,
        columns.HOUR,
        columns.AREA,
        columns.DEVICES,
        Column(
            "people_present",
            pl.Float64(),
            "residents for whom the devices stand, by the area where each mostly is, as coarsely as k devices; null "
            "where unknown",
            nullable=True,
        ),
        Column("days_of_type", pl.Int32(), "days that the mean is over"),
    ),
    key=("observed", "operator", "day_type", "hour", "area"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Counts("devices", "devices", (all_of("area"),), blurred=TENS),
    owner=OWNER,
    source="mobile/daily_permanence and mobile/device_places",
)

INTERNAL_MIGRATION = Table(
    name="mobile/internal_migration",
    description=(
        "Devices by the areas of their homes in two seasons, with totals; who stays has one area twice, who has no "
        "home in one of them is not_seen in it. In tens, or as coarsely as k, and nothing below k leaves."
    ),
    columns=(
        columns.OPERATOR,
        Column("previous_season", pl.String(), "season of the old home, such as 2014-autumn"),
        columns.YEAR_SEASON,
        columns.ORIGIN,
        columns.DESTINATION,
        columns.DEVICES,
    ),
    key=("operator", "previous_season", "year_season", "origin", "destination"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Counts("devices", "devices", (all_of("origin"), all_of("destination")), blurred=TENS),
    owner=OWNER,
    source="mobile/usual_places and mobile/device_places",
)
