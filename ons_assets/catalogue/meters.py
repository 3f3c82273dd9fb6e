"""Tables of the smart meters pilot. Those about single meters are individual; areas and models are not."""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.lakehouse.disclosure import Division, Exempt, Groups, OfReleased, Shares
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

OWNER = "team:meters"

READING_COUNTS = (
    columns.RECEIVED,
    columns.REPEATED,
    columns.CONTRADICTORY,
    columns.NEGATIVE,
    columns.OFF_GRID,
    columns.UNREADABLE,
    columns.TOO_LARGE,
    columns.SKIPPED_HOUR,
    columns.ESTIMATED,
    columns.SUBSTITUTED,
    columns.HOURLY,
    columns.PARTIAL,
)

RAW_READINGS = Table(
    name="meters/raw_readings",
    description=(
        "What one file delivered of one meter on one local day, half hour by half hour as time passes; of two "
        "files the later counts."
    ),
    columns=(
        columns.BUCKET,
        columns.METER,
        columns.DAY,
        columns.LAYOUT,
        Column("zone", pl.String(), "zone whose clock makes the local day"),
        Column(
            "readings_kwh",
            pl.List(pl.Float32()),
            "kWh of each half hour since local midnight, 46, 48 or 50 of them; NaN where none counts",
        ),
        columns.DELIVERED_MASK,
        columns.ESTIMATED_MASK,
        *READING_COUNTS,
        columns.ARRIVAL,
        columns.DROP_SHA256,
    ),
    key=("arrival", "meter", "day"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="Files of readings, under a layout",
)

HALF_HOURS = Table(
    name="meters/half_hours",
    description="The electricity of one meter on one local day in the 48 half hours of the clock face.",
    columns=(
        columns.BUCKET,
        columns.METER,
        columns.DAY,
        columns.LAYOUT,
        Column("kwh", pl.List(pl.Float32()), "kWh of the 48 half hours of the clock face; NaN where missing"),
        Column("extra_kwh", pl.Float32(), "energy of a repeated hour that the 48 half hours do not show"),
        Column("missing", pl.Int32(), "half hours of the day without a reading, of 46, 48 or 50"),
        Column("clock_change", pl.Int8(), "-1 if the clock goes forward on the day, 1 if it goes back, else 0"),
        Column("imputed_mask", pl.Int64(), "half hours that were filled: bit 0 for 00:00 to bit 47"),
        columns.DELIVERED_MASK,
        columns.ESTIMATED_MASK,
        columns.REPLACED,
        *READING_COUNTS,
    ),
    key=("meter", "day"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/raw_readings",
)

READING_QUALITY = Table(
    name="meters/reading_quality",
    description=(
        "How complete and how plausible the readings of one meter are in one month. What was read, estimated, missing "
        "and unreadable adds up to what was expected; of the missing, so do the five reasons."
    ),
    columns=(
        columns.BUCKET,
        columns.METER,
        columns.MONTH,
        columns.LAYOUT,
        Column("expected", pl.Int32(), "half hours of the month in the time of the trial"),
        Column("read", pl.Int32(), "half hours with a reading of the meter"),
        Column("estimated_half_hours", pl.Int32(), "half hours whose reading the supplier estimated or substituted"),
        Column("missing_half_hours", pl.Int32(), "half hours of which nothing came"),
        Column("unreadable_half_hours", pl.Int32(), "half hours of which something came, but no reading that counts"),
        Column("read_share", pl.Float64(), "share of the expected half hours"),
        Column("estimated_share", pl.Float64(), "share of the expected half hours"),
        Column("missing_share", pl.Float64(), "share of the expected half hours"),
        Column("unreadable_share", pl.Float64(), "share of the expected half hours"),
        Column("missing_not_started", pl.Int32(), "half hours before the first reading of the meter"),
        Column("missing_ended", pl.Int32(), "half hours after its last reading"),
        Column("missing_collection", pl.Int32(), "half hours in which nearly no meter of the layout was read"),
        Column("missing_meter_off", pl.Int32(), "half hours in gaps that zero readings border"),
        Column("missing_communication", pl.Int32(), "half hours in other gaps"),
        Column("gaps", pl.Int32(), "gaps that begin in the month, between first and last reading"),
        Column("longest_gap", pl.Int32(), "half hours of the longest of them"),
        Column("zero", pl.Int32(), "readings of zero"),
        Column("zero_runs", pl.Int32(), "long runs of zero that begin in the month"),
        Column("longest_zero_run", pl.Int32(), "half hours of the longest of them"),
        Column("flat_runs", pl.Int32(), "long runs of one value above zero that begin in the month"),
        Column("longest_flat_run", pl.Int32(), "half hours of the longest of them"),
        Column("spikes", pl.Int32(), "readings far above the usual highest of the meter"),
        Column("clock_change_days", pl.Int32(), "days on which the clock changes"),
        Column("imputed_half_hours", pl.Int32(), "half hours that were filled"),
        columns.REPLACED,
        *READING_COUNTS,
        Column("first_reading_day", pl.Date(), "first day with a reading, of all months", nullable=True),
        Column("last_reading_day", pl.Date(), "last day with a reading, of all months", nullable=True),
    ),
    key=("meter", "month"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/half_hours",
)

DAILY_CONSUMPTION = Table(
    name="meters/daily_consumption",
    description="What one meter used on one local day.",
    columns=(
        columns.BUCKET,
        columns.METER,
        columns.DAY,
        Column("energy_kwh", pl.Float64(), "what was read of the day; null if nothing was", nullable=True),
        Column("readings", pl.Int8(), "half hours of the clock face with a reading"),
        Column("is_complete", pl.Boolean(), "none is missing"),
        Column("base_kwh", pl.Float64(), "first decile of the half hours", nullable=True),
        Column("activity_kwh", pl.Float64(), "use from 06:00 to 23:00 above the base and 100 W", nullable=True),
        Column("highest_kwh", pl.Float64(), "the highest half hour", nullable=True),
    ),
    key=("meter", "day"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/half_hours",
)

PROFILES = Table(
    name="meters/profiles",
    description="The mean day of one meter in one season and on one type of day.",
    columns=(
        columns.BUCKET,
        columns.METER,
        Column("season", pl.String(), "winter, spring, summer or autumn of the meteorological year"),
        columns.DAY_TYPE,
        columns.DAYS,
        Column("mean_kwh", pl.List(pl.Float64()), "mean kWh of the 48 half hours; NaN where none was ever read"),
        Column("half_hour_readings", pl.List(pl.Int32()), "readings behind each of them"),
    ),
    key=("meter", "season", "day_type"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/half_hours",
)


def _indicator(name: str, description: str) -> Column:
    return Column(name, pl.Float64(), description, nullable=True)


PROFILE_INDICATORS = Table(
    name="meters/profile_indicators",
    description="Numbers that describe the load profile of one meter; null where not defined, or of too few days.",
    columns=(
        columns.BUCKET,
        columns.METER,
        columns.DAYS,
        _indicator("mean_day_kwh", "48 times the mean of the mean profile"),
        _indicator("night_base_kwh", "mean half hour from 02:00 to 05:00"),
        _indicator("base_share", "base over the mean half hour"),
        _indicator("evening_peak_kwh", "mean half hour from 16:00 to 20:00 on weekdays"),
        _indicator("evening_factor", "evening peak over the mean half hour of the rest of the weekday"),
        _indicator("load_factor", "mean over highest half hour of the mean profile"),
        _indicator("peak_hour", "local hour of that highest half hour"),
        _indicator("high_kwh", "97.5 % quantile of all half hours"),
        _indicator("night_share", "share of use from 23:00 to 06:00"),
        _indicator("morning_share", "share of use from 06:00 to 10:00"),
        _indicator("midday_share", "share of use from 10:00 to 16:00"),
        _indicator("evening_share", "share of use from 16:00 to 23:00"),
        _indicator("weekend_ratio", "mean of saturdays and sundays over that of weekdays"),
        _indicator("weekend_midday_ratio", "the same from 10:00 to 16:00"),
        _indicator("weekday_midday_ratio", "10:00 to 16:00 over 16:00 to 23:00 on weekdays"),
        _indicator("day_variation", "coefficient of variation of the daily totals"),
        _indicator("median_activity_kwh", "median daily activity"),
        _indicator("active_half_hours", "mean number of half hours of a day well above the base"),
        _indicator("habit_day", "autocorrelation of the half hours at a day"),
        _indicator("habit_week", "autocorrelation of the half hours at a week"),
    ),
    key=("meter",),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/half_hours",
)

LOW_USE_RUNS = Table(
    name="meters/low_use_runs",
    description="One run of low or constant days of one meter; the ratio is mean_energy_kwh / usual_kwh.",
    columns=(
        columns.BUCKET,
        columns.METER,
        columns.FIRST_DAY,
        columns.LAST_DAY,
        columns.DAYS,
        Column("low_days", pl.Int32(), "days far below the usual level of the meter, in use and in activity"),
        Column("constant_days", pl.Int32(), "days with next to nothing above the base"),
        Column("mean_energy_kwh", pl.Float64(), "mean use of a day of the run", nullable=True),
        Column("usual_kwh", pl.Float64(), "usual level of the meter", nullable=True),
        columns.RATIO.or_null(),
    ),
    key=("meter", "first_day"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/daily_consumption",
)

OCCUPANCY_PROBABILITIES = Table(
    name="meters/occupancy_probabilities",
    description="How likely somebody is at home in the 48 half hours of one local day of one meter.",
    columns=(
        columns.BUCKET,
        columns.METER,
        columns.DAY,
        Column(
            "occupied_probability", pl.List(pl.Float32()), "probability in each half hour; NaN where nothing was read"
        ),
    ),
    key=("meter", "day"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/half_hours",
)

DAILY_ABSENCE = Table(
    name="meters/daily_absence",
    description=(
        "How likely nobody was in one home on one local day, and how likely the home was vacant or a second home then; "
        "null where too few days are known."
    ),
    columns=(
        columns.BUCKET,
        columns.METER,
        columns.DAY,
        Column(
            "empty_probability", pl.Float64(), "probability that nobody was in from midnight to midnight", nullable=True
        ),
        columns.VACANT_PROBABILITY.or_null(),
        columns.SECOND_HOME_PROBABILITY.or_null(),
    ),
    key=("meter", "day"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/half_hours",
)

VACANCY = Table(
    name="meters/vacancy",
    description=(
        "One spell of one home: lived in, on holiday, long-term vacant, or a second home and its stays. The "
        "probabilities are means over its days: that nobody was in, or somebody, as the state says; what the home is."
    ),
    columns=(
        columns.BUCKET,
        columns.METER,
        columns.FIRST_DAY,
        columns.LAST_DAY,
        Column("spell_days", pl.Int32(), "days of the spell"),
        Column("state", pl.String(), "occupied, holiday, vacant, second_home, second_home_stay or unknown"),
        columns.PROBABILITY.or_null(),
        columns.VACANT_PROBABILITY.or_null(),
        columns.SECOND_HOME_PROBABILITY.or_null(),
        Column("mean_activity_kwh", pl.Float64(), "mean activity of a day", nullable=True),
        columns.REASON,
    ),
    key=("meter", "first_day"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/half_hours",
)

QUESTIONNAIRE = Table(
    name="meters/questionnaire",
    description="What one household said of itself in the survey before the trial.",
    columns=(
        columns.METER,
        Column("people", pl.Int32(), "people in the household", nullable=True),
        Column("over_15", pl.Int32(), "of 15 and over", nullable=True),
        Column("under_15", pl.Int32(), "under 15", nullable=True),
        Column("size_band", pl.String(), "1, 2, 3-4 or 5+", nullable=True),
        Column("has_children", pl.Boolean(), "whether there are children under 15", nullable=True),
        Column("respondent_over_65", pl.Boolean(), "whether who answered is 65 or over", nullable=True),
        Column("earner_in_work", pl.Boolean(), "whether who earns most is employed or self-employed", nullable=True),
        Column("is_rented", pl.Boolean(), "whether the home is rented", nullable=True),
        columns.DWELLING_TYPE.or_null(),
        columns.REASON.or_null(),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("meter",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="Answers in the columns of the CER pre-trial survey",
)

METER_AREAS = Table(
    name="meters/meter_areas",
    description="The small area in which one meter is.",
    columns=(
        columns.METER,
        columns.AREA_CODE,
        columns.DWELLING_TYPE.or_null(),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("meter",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="Files of the operator: meter, area_code and, if they say it, dwelling_type and trial",
)

HOUSEHOLD_SIZE = Table(
    name="meters/household_size",
    description=(
        "How likely the household of one meter is of one class of one target, said by a model that did not see its "
        "answer."
    ),
    columns=(
        columns.BUCKET,
        columns.METER,
        columns.TARGET,
        Column("target_class", pl.String(), "class of the target; unknown where nothing can be said"),
        columns.PROBABILITY.or_null(),
        Column(
            "basis",
            pl.String(),
            "out_of_fold: it answered, and the model was fitted without it; predicted: it did not answer",
            nullable=True,
        ),
        Column("is_answer", pl.Boolean(), "whether the home said that it is so; null if it did not say", nullable=True),
        columns.REASON.or_null(),
    ),
    key=("meter", "target", "target_class"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/profile_indicators and meters/questionnaire",
)

HOUSEHOLD_SIZE_ACCURACY = Table(
    name="meters/household_size_accuracy",
    description=(
        "How well one model tells one target of households that it was not fitted to; its homes answered and have "
        "a profile."
    ),
    columns=(
        columns.TARGET,
        Column("model", pl.String(), "most frequent, level only, or profile: the one that is used"),
        Column("classes", pl.String(), "classes that are told apart"),
        columns.HOMES.or_null(),
        Column("accuracy", pl.Float64(), "share of homes told rightly, mean over the seeds", nullable=True),
        Column("accuracy_lower", pl.Float64(), "lower end of its interval for so many homes", nullable=True),
        Column("accuracy_upper", pl.Float64(), "upper end of its interval", nullable=True),
        Column("accuracy_least", pl.Float64(), "least accuracy of a seed", nullable=True),
        Column("accuracy_most", pl.Float64(), "most accuracy of a seed", nullable=True),
        Column("balanced_accuracy", pl.Float64(), "mean over the classes of the share found", nullable=True),
        Column("log_loss", pl.Float64(), "mean negative logarithm of the probability of the truth", nullable=True),
        Column("brier_score", pl.Float64(), "mean sum over the classes of the squared differences", nullable=True),
        Column("warning", pl.String(), "why the model should not be used, or was not fitted", nullable=True),
    ),
    key=("target", "model"),
    sensitivity=Sensitivity.AGGREGATE,
    # No figure is a sum of what homes have: each says how rightly a model guessed, and what it guessed of a home is
    # told to nobody. A home counts once; where one alone makes a loss large, that says that some home is unusual.
    disclosure=Groups(
        "homes",
        "homes",
        (
            "homes",
            "accuracy",
            "accuracy_lower",
            "accuracy_upper",
            "accuracy_least",
            "accuracy_most",
            "balanced_accuracy",
            "log_loss",
            "brier_score",
        ),
    ),
    owner=OWNER,
    source="meters/profile_indicators and meters/questionnaire",
)

PROFILE_CLUSTER_CHOICE = Table(
    name="meters/profile_cluster_choice",
    description=(
        "How well one number of clusters fits the shapes of days, and whether other seeds find the same; or why "
        "one had to do."
    ),
    columns=(
        Column("clusters", pl.Int32(), "number of clusters"),
        Column("bic", pl.Float64(), "Bayesian information criterion; less is better", nullable=True),
        Column("mean_adjusted_rand", pl.Float64(), "mean agreement of the labels of two seeds", nullable=True),
        Column("least_adjusted_rand", pl.Float64(), "least agreement of two seeds", nullable=True),
        Column("is_stable", pl.Boolean(), "whether the mean agreement is enough; null if not judged", nullable=True),
        Column("is_chosen", pl.Boolean(), "whether it is the number that is used"),
        Column("drawn_days", pl.Int64(), "days that were drawn to fit"),
        columns.REASON.or_null(),
    ),
    key=("clusters",),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Exempt("how well numbers of clusters fit many days of all homes; no figure is of a home or of a group"),
    owner=OWNER,
    source="meters/half_hours",
)

PROFILE_CLUSTERS = Table(
    name="meters/profile_clusters",
    description="The cluster of the shape of one meter's use on one local day.",
    columns=(
        columns.BUCKET,
        columns.METER,
        columns.DAY,
        columns.PROFILE_CLUSTER,
    ),
    key=("meter", "day"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/half_hours and meters/profile_cluster_choice",
)

CLUSTER_PROFILES = Table(
    name="meters/cluster_profiles",
    description=(
        "What days of one cluster look like in one half hour of the clock face; null where too few homes have such "
        "days."
    ),
    columns=(
        columns.PROFILE_CLUSTER,
        Column("half_hour", pl.Int8(), "0 for 00:00 to 47"),
        Column("mean_half_hour_kwh", pl.Float64(), "mean use; null with too few homes", nullable=True),
        Column("share", pl.Float64(), "share of the day's use; null with too few homes", nullable=True),
        Column("meter_days", pl.Int64(), "days of the cluster; null with too few homes", nullable=True),
        columns.HOMES.or_null(),
        columns.IS_SUPPRESSED,
    ),
    key=("profile_cluster", "half_hour"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Groups(
        "homes",
        "homes",
        ("mean_half_hour_kwh", "share", "meter_days", "homes"),
        sums=("mean_half_hour_kwh", "share", "meter_days"),
    ),
    owner=OWNER,
    source="meters/half_hours and meters/profile_clusters",
)

AREA_FIGURES = (
    columns.HOMES.or_null(),
    columns.ESTIMATE.or_null(),
    columns.LOWER.or_null(),
    columns.UPPER.or_null(),
    columns.IS_SUPPRESSED,
    columns.REASON.or_null(),
)

AREA_OCCUPANCY = Table(
    name="meters/area_occupancy",
    description=(
        "One share of the homes of one small area in one month: lived_in, in_use, on_holiday, vacant, second_home, or "
        "somebody_at_home; null with too few homes."
    ),
    columns=(
        columns.AREA_CODE,
        columns.MONTH,
        columns.MEASURE,
        *AREA_FIGURES,
    ),
    key=("area_code", "month", "measure"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Shares(
        "homes",
        "homes",
        ("estimate", "lower", "upper", "homes"),
        divisions=(
            Division("measure", ("lived_in", "vacant", "second_home")),
            Division("measure", ("in_use", "on_holiday"), "lived_in"),
        ),
    ),
    owner=OWNER,
    source="meters/occupancy_probabilities, meters/vacancy and meters/meter_areas",
)

AREA_HOUSEHOLDS = Table(
    name="meters/area_households",
    description=(
        "One share of the households of one small area: sizes, with children, respondent of 65 and over, earner in "
        "work, rented; null with too few homes. Homes are those metered, whether or not a household lives there."
    ),
    columns=(
        columns.AREA_CODE,
        columns.MEASURE,
        *AREA_FIGURES,
        Column("weighting", pl.String(), "by what homes stand for all of the area: types of dwelling, dwellings, none"),
    ),
    key=("area_code", "measure"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Shares(
        "homes",
        "households",
        ("estimate", "lower", "upper", "homes"),
        divisions=(Division("measure", ("one_person", "two_people", "three_or_four", "five_or_more")),),
    ),
    owner=OWNER,
    source="meters/household_size, meters/vacancy, meters/meter_areas and reference/dwellings",
)

AREA_HOUSEHOLD_SIZE = Table(
    name="meters/area_household_size",
    description="Mean number of people of the households of one small area, where all its shares of sizes are told.",
    columns=(
        columns.AREA_CODE,
        columns.HOMES.or_null(),
        columns.MEAN_PEOPLE.or_null(),
        columns.LOWER.or_null(),
        columns.UPPER.or_null(),
        columns.REASON.or_null(),
    ),
    key=("area_code",),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OfReleased(),
    owner=OWNER,
    source="meters/area_households",
)

FIELDWORK = Table(
    name="meters/fieldwork",
    description=(
        "What share of the homes of one small area that are likely lived in have somebody in at one hour: when to "
        "call. Null with too few homes."
    ),
    columns=(
        columns.AREA_CODE,
        columns.DAY_TYPE,
        columns.HOUR,
        *AREA_FIGURES,
        Column("rank", pl.Int32(), "1 is the best time of the area; null if suppressed", nullable=True),
    ),
    key=("area_code", "day_type", "hour"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Shares("homes", "called_on", ("estimate", "lower", "upper", "homes", "rank")),
    owner=OWNER,
    source="meters/occupancy_probabilities, meters/vacancy, meters/daily_absence and meters/meter_areas",
)
