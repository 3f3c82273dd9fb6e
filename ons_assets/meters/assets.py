"""Assets of the smart meters pilot. Tables of meters are made some buckets at a time."""

from dataclasses import replace
from functools import partial

import polars as pl

from ons_assets.catalogue.meters import (
    AREA_HOUSEHOLDS,
    AREA_OCCUPANCY,
    CLUSTER_PROFILES,
    FIELDWORK,
    HOUSEHOLD_SIZE_ACCURACY,
)
from ons_assets.engine.parts import Engine, Mapped
from ons_assets.geography.area_totals import dwellings_of_areas
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.lakehouse import buckets
from ons_assets.lakehouse.disclosure import Protected
from ons_assets.meters.absence import low_use, vacancy
from ons_assets.meters.areas.area_figures import area_tables, homes_lived_in
from ons_assets.meters.areas.area_households import area_households, mean_people
from ons_assets.meters.areas.dwelling_weights import NONE_COUNTED
from ons_assets.meters.areas.fieldwork import ranked
from ons_assets.meters.half_hours import daily, quality
from ons_assets.meters.half_hours.clock_face import half_hours as half_hours_of
from ons_assets.meters.half_hours.imputation import impute_half_hours
from ons_assets.meters.households.household_tables import household_tables
from ons_assets.meters.occupancy import occupancy_table, population_of_parts
from ons_assets.meters.profiles import load_profiles as profiles
from ons_assets.meters.profiles.cluster_tables import cluster_tables
from ons_assets.orchestration.assets import published
from ons_assets.parameters.meters import (
    AreaParameters,
    CalendarParameters,
    DailyParameters,
    FieldworkParameters,
    HouseholdParameters,
    ImputationParameters,
    LowUseParameters,
    OccupancyParameters,
    ProfileClusterParameters,
    QualityParameters,
    Readings,
    VacancyParameters,
)

# Within a bucket, tables are in the order of meters and time; of readings, in that of their files.
ORDER = ("meter", "day", "first_day", "arrival")
_parts, _read_parts = partial(buckets.parts, order=ORDER), partial(buckets.read_parts, order=ORDER)


@published("meters/half_hours", inputs=["meters/raw_readings"])
def half_hours(raw_readings: pl.LazyFrame, readings: Readings, imputation: ImputationParameters) -> Mapped:
    """Lay what files delivered on the clock face, and fill gaps if that was asked for."""
    return Mapped(partial(_laid, readings=readings, imputation=imputation), _parts(raw_readings))


def _laid(raw_readings: pl.DataFrame, readings: Readings, imputation: ImputationParameters) -> pl.DataFrame:
    made = half_hours_of(raw_readings, readings.negative)
    return made if imputation.method == "none" else impute_half_hours(made, imputation)


@published("meters/reading_quality", inputs=["meters/half_hours"])
def reading_quality(half_hours: pl.LazyFrame, parameters: QualityParameters, engine: Engine) -> Mapped:
    """Say how complete and plausible readings are; gaps are judged by what all meters sent at the time."""
    trial = quality.collection((rows for (rows,) in _parts(half_hours)), engine)
    return Mapped(partial(quality.reading_quality, trial=trial, parameters=parameters), _parts(half_hours))


@published("meters/daily_consumption", inputs=["meters/half_hours"])
def daily_consumption(half_hours: pl.LazyFrame, parameters: DailyParameters) -> Mapped:
    """Sum up the days."""
    return Mapped(partial(daily.daily_consumption, parameters=parameters), _parts(half_hours))


@published("meters/profiles", "meters/profile_indicators", inputs=["meters/half_hours"])
def load_profiles(
    half_hours: pl.LazyFrame, calendar: CalendarParameters, household: HouseholdParameters, daily: DailyParameters
) -> Mapped:
    """Make mean profiles, and describe each meter by its own."""
    described = partial(_described, calendar=calendar, household=household, daily=daily)
    return Mapped(described, _parts(half_hours))


def _described(
    half_hours: pl.DataFrame, calendar: CalendarParameters, household: HouseholdParameters, daily: DailyParameters
) -> tuple[pl.DataFrame, pl.DataFrame]:
    described = profiles.descriptors(half_hours, calendar.holidays, daily, min_days=household.min_days)
    return profiles.profiles(half_hours, calendar.holidays), described


@published("meters/low_use_runs", inputs=["meters/daily_consumption"])
def low_use_runs(daily_consumption: pl.LazyFrame, parameters: LowUseParameters) -> Mapped:
    """Find runs of low and of constant days."""
    return Mapped(partial(low_use.low_use_runs, parameters=parameters), _parts(daily_consumption))


@published("meters/occupancy_probabilities", inputs=["meters/half_hours"], optional=["meters/meter_areas"])
def occupancy_probabilities(
    half_hours: pl.LazyFrame, meter_areas: pl.LazyFrame | None, parameters: OccupancyParameters, engine: Engine
) -> Mapped:
    """Say for each half hour how likely somebody is at home; how high use is in other homes tells quiet from empty."""
    dwellings = meter_areas.select("meter", "dwelling_type").collect() if meter_areas is not None else None
    homes = population_of_parts((rows for (rows,) in _parts(half_hours)), parameters, dwellings, engine)
    told = partial(occupancy_table, parameters=parameters, homes=homes, dwellings=dwellings)
    return Mapped(told, _parts(half_hours))


@published("meters/daily_absence", "meters/vacancy", inputs=["meters/half_hours"])
def absences(half_hours: pl.LazyFrame, parameters: VacancyParameters) -> Mapped:
    """Say of each day how likely nobody was there, and divide the time of each home into spells."""
    return Mapped(partial(vacancy.absence_tables, parameters=parameters), _parts(half_hours))


@published(
    "meters/household_size",
    "meters/household_size_accuracy",
    inputs=["meters/profile_indicators", "meters/questionnaire"],
)
def household_size(
    profile_indicators: pl.LazyFrame, questionnaire: pl.LazyFrame, parameters: HouseholdParameters, area: AreaParameters
) -> tuple[pl.DataFrame, Protected]:
    """Learn the characteristics of households from those that answered, and judge what was learned."""
    # In one order, as the folds depend on it.
    indicators, answers = profile_indicators.sort("meter").collect(), questionnaire.sort("meter").collect()
    sizes, accuracy = household_tables(indicators, answers, parameters)
    return sizes, protect(HOUSEHOLD_SIZE_ACCURACY, accuracy, _thresholds(area))


@published(
    "meters/profile_clusters",
    "meters/profile_cluster_choice",
    "meters/cluster_profiles",
    inputs=["meters/half_hours"],
)
def profile_clusters(
    half_hours: pl.LazyFrame, parameters: ProfileClusterParameters, area: AreaParameters
) -> tuple[pl.DataFrame, pl.DataFrame, Protected]:
    """Group days by the shape of their use."""
    clusters, choice, shapes = cluster_tables(lambda: (rows for (rows,) in _read_parts(half_hours)), parameters)
    return clusters, choice, protect(CLUSTER_PROFILES, shapes, _thresholds(area))


@published(
    "meters/area_occupancy",
    "meters/fieldwork",
    inputs=["meters/occupancy_probabilities", "meters/vacancy", "meters/daily_absence", "meters/meter_areas"],
    optional=["reference/dwellings"],
)
def area_figures(
    occupancy_probabilities: pl.LazyFrame,
    vacancy: pl.LazyFrame,
    daily_absence: pl.LazyFrame,
    meter_areas: pl.LazyFrame,
    dwellings: pl.LazyFrame | None,
    calendar: CalendarParameters,
    parameters: AreaParameters,
    fieldwork: FieldworkParameters,
) -> tuple[Protected, Protected]:
    """Estimate occupancy of small areas, and rank the hours at which to call there."""
    homes = _read_parts(occupancy_probabilities, vacancy, daily_absence)
    counted = dwellings_of_areas(NONE_COUNTED if dwellings is None else dwellings.collect())
    counted = counted.rename({"area": "area_code"})
    occupancy, calls = area_tables(homes, meter_areas.collect(), calendar.holidays, parameters, fieldwork, counted)
    thresholds = _thresholds(parameters)
    told = protect(FIELDWORK, calls, thresholds)
    return protect(AREA_OCCUPANCY, occupancy, thresholds), replace(told, rows=ranked(told.rows))


@published(
    "meters/area_households",
    inputs=["meters/household_size", "meters/vacancy", "meters/meter_areas"],
    optional=["reference/dwellings"],
)
def households_of_areas(
    household_size: pl.LazyFrame,
    vacancy: pl.LazyFrame,
    meter_areas: pl.LazyFrame,
    dwellings: pl.LazyFrame | None,
    parameters: AreaParameters,
) -> Protected:
    """Estimate the households of small areas, weighted to their dwellings if those are counted."""
    lived_in = homes_lived_in(spells for (spells,) in _read_parts(vacancy))
    homes = meter_areas.collect().join(lived_in, on="meter")
    counted = NONE_COUNTED if dwellings is None else dwellings.collect()
    shares = area_households(household_size.collect(), homes, counted, parameters)
    return protect(AREA_HOUSEHOLDS, shares, _thresholds(parameters))


@published("meters/area_household_size", inputs=["meters/area_households"])
def mean_sizes_of_areas(
    area_households: pl.LazyFrame, household: HouseholdParameters, parameters: AreaParameters
) -> pl.DataFrame:
    """Make the mean size of households of the shares that are told."""
    return mean_people(area_households.collect(), household, parameters.level)


def _thresholds(area: AreaParameters) -> Thresholds:
    return Thresholds(area.min_homes, area.fewest_contributors, area.largest_share, area.least_rest)
