"""Files about the people of areas: how many live there, and how many officially moved."""

import polars as pl

from ons_assets.lakehouse.delimited import Limits
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.lakehouse.table_files import TableFiles, is_missing, is_no_quantity
from ons_assets.settings import Settings

ALL = "all"


def population_files(settings: Settings) -> TableFiles:
    """Return the source of the population by area, and by age and sex if they are given."""
    return TableFiles(
        name="population",
        table="reference/population",
        columns={"area": pl.String(), "population": pl.Float64()},
        optional={"age": pl.String(), "sex": pl.String(), "students": pl.Float64()},
        defaults={"age": ALL, "sex": ALL},
        faults=(
            ("area is missing", is_missing("area")),
            ("population is missing, negative or not a number", is_no_quantity("population")),
            ("students are negative or more than the population", ~pl.col("students").is_between(0, "population")),
        ),
        limits=_limits(settings),
    )


def totals_by_area(population: pl.DataFrame) -> pl.DataFrame:
    """Return area, population and students (null where unknown), from rows of `reference/population`.

    Where an area has a row for all ages and sexes, that row counts; else its groups are added up.
    """
    whole = pl.col("age").eq(ALL) & pl.col("sex").eq(ALL)
    counted = population.filter(whole | ~whole.any().over("area"))
    return (
        counted.group_by("area")
        .agg(exact_sum("population"), students=pl.when(pl.col("students").count() > 0).then(exact_sum("students")))
        .sort("area")
    )


def estimate_files(settings: Settings) -> TableFiles:
    """Return the source of official estimates of migration within the country.

    A file has either the columns area and direction (in or out), or origin and destination.
    """
    return TableFiles(
        name="migration_estimates",
        table="reference/migration_estimates",
        files_are="CSV or Parquet: `period, moves` and `area, direction` or `origin, destination`",
        columns={"period": pl.String(), "moves": pl.Float64()},
        optional=dict.fromkeys(("area_type", "age", "area", "direction", "origin", "destination"), pl.String()),
        defaults={"area_type": "unknown", "age": ALL},
        # Moves into an area come from all areas, and moves out of it go to all.
        derived={
            "origin": pl.coalesce("origin", _end(area="out", everywhere="in")),
            "destination": pl.coalesce("destination", _end(area="in", everywhere="out")),
        },
        helpers=("area", "direction"),
        faults=(
            ("period is missing", is_missing("period")),
            ("moves are missing, negative or not a number", is_no_quantity("moves")),
            ("direction is neither in nor out", ~pl.col("direction").is_in(["in", "out"])),
            ("area, or origin and destination, are missing", is_missing("origin", "destination")),
        ),
        limits=_limits(settings),
    )


def _end(*, area: str, everywhere: str) -> pl.Expr:
    """Return the area of a row with one direction, and "all" of a row with the other."""
    return pl.when(direction=area).then("area").when(direction=everywhere).then(pl.lit(ALL))


def _limits(settings: Settings) -> Limits:
    return Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes)
