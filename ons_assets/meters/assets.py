"""Assets of the smart meters pilot. Tables of meters are made some buckets at a time; see `ons_assets.meters.parts`."""

from collections.abc import Iterator

import polars as pl

from ons_assets.meters import daily, low_use, profiles, quality, vacancy
from ons_assets.meters.area_figures import area_tables
from ons_assets.meters.cluster_tables import cluster_tables
from ons_assets.meters.half_hours import half_hours as half_hours_of
from ons_assets.meters.household_tables import household_tables
from ons_assets.meters.imputation import impute_half_hours
from ons_assets.meters.intake import take_in
from ons_assets.meters.meter_areas import MeterAreaFiles
from ons_assets.meters.occupancy import occupancy_table
from ons_assets.meters.parts import parts
from ons_assets.meters.questionnaire import QuestionnaireFiles
from ons_assets.meters.sources import MeterFiles
from ons_assets.orchestration.assets import ingested, published
from ons_assets.parameters.meters import Meters

Parts = Iterator[pl.DataFrame]

raw_readings = ingested("meters/raw_readings", MeterFiles.of, by=take_in)
questionnaire = ingested("meters/questionnaire", QuestionnaireFiles.of)
meter_areas = ingested("meters/meter_areas", MeterAreaFiles.of)


@published("meters/half_hours", inputs=["meters/raw_readings"])
def half_hours(raw_readings: pl.LazyFrame, settings: Meters) -> Parts:
    """Lay what files delivered on the clock face, and fill gaps if that was asked for."""
    for (rows,) in parts(raw_readings):
        made = half_hours_of(rows, settings.readings.negative)
        yield made if settings.impute == "none" else impute_half_hours(made, settings.impute)


@published("meters/reading_quality", inputs=["meters/half_hours"])
def reading_quality(half_hours: pl.LazyFrame, settings: Meters) -> Parts:
    """Say how complete and plausible readings are; gaps are judged by what all meters sent at the time."""
    trial = quality.collection(rows for (rows,) in parts(half_hours))
    for (rows,) in parts(half_hours):
        yield quality.reading_quality(rows, trial, settings.quality)


@published("meters/daily_consumption", inputs=["meters/half_hours"])
def daily_consumption(half_hours: pl.LazyFrame) -> Parts:
    """Sum up the days."""
    for (rows,) in parts(half_hours):
        yield daily.daily_consumption(rows)


@published("meters/profiles", "meters/profile_indicators", inputs=["meters/half_hours"])
def load_profiles(half_hours: pl.LazyFrame, settings: Meters) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Make mean profiles, and describe each meter by its own."""
    for (rows,) in parts(half_hours):
        described = profiles.descriptors(rows, settings.holidays, min_days=settings.household.min_days)
        yield profiles.profiles(rows, settings.holidays), described


@published("meters/low_use_runs", inputs=["meters/daily_consumption"])
def low_use_runs(daily_consumption: pl.LazyFrame, settings: Meters) -> Parts:
    """Find runs of low and of constant days."""
    for (rows,) in parts(daily_consumption):
        yield low_use.low_use_runs(rows, settings.low_use)


@published("meters/occupancy_probabilities", inputs=["meters/half_hours"])
def occupancy_probabilities(half_hours: pl.LazyFrame, settings: Meters) -> Parts:
    """Say for each half hour how likely somebody is at home."""
    for (rows,) in parts(half_hours):
        yield occupancy_table(rows, settings.occupancy)


@published("meters/vacancy", inputs=["meters/daily_consumption"])
def vacancies(daily_consumption: pl.LazyFrame, settings: Meters) -> Parts:
    """Divide the time of each home into spells."""
    for (rows,) in parts(daily_consumption):
        yield vacancy.vacancy(rows, settings.vacancy)


@published(
    "meters/household_size",
    "meters/household_size_accuracy",
    inputs=["meters/profile_indicators", "meters/questionnaire"],
)
def household_size(
    profile_indicators: pl.LazyFrame, questionnaire: pl.LazyFrame, settings: Meters
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Learn the size of households from those that answered, and judge what was learned."""
    # In one order, as the folds and the forest depend on it.
    indicators, answers = profile_indicators.sort("meter").collect(), questionnaire.sort("meter").collect()
    return household_tables(indicators, answers, settings.household)


@published(
    "meters/profile_clusters",
    "meters/profile_cluster_choice",
    "meters/cluster_profiles",
    inputs=["meters/half_hours"],
)
def profile_clusters(half_hours: pl.LazyFrame, settings: Meters) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Group days by the shape of their use."""
    return cluster_tables(lambda: (rows for (rows,) in parts(half_hours)), settings.clusters, settings.area)


@published(
    "meters/area_occupancy",
    "meters/fieldwork",
    inputs=["meters/occupancy_probabilities", "meters/vacancy", "meters/meter_areas"],
)
def area_figures(
    occupancy_probabilities: pl.LazyFrame, vacancy: pl.LazyFrame, meter_areas: pl.LazyFrame, settings: Meters
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Estimate occupancy of small areas, and rank the hours at which to call there."""
    homes = ((presence, spells) for presence, spells in parts(occupancy_probabilities, vacancy))
    return area_tables(homes, meter_areas.collect(), settings.holidays, settings.area, settings.fieldwork)
