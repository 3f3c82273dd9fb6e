"""Files about the people of areas: how many live there, in how many dwellings, and how many officially moved."""

import polars as pl

from ons_assets.intake.plain import PlainSource
from ons_assets.intake.rules import Rule, missing, outside

ALL = "all"
MOST_PEOPLE = 100_000_000


class PopulationFiles(PlainSource):
    """The population by area, and by age and sex if they are given."""

    name = "population"
    table = "reference/population"
    files_are = "`area, population`, and if known `age, sex, students`"
    unit = "areas"
    key = ("area", "age", "sex")
    columns = {"area": pl.String(), "population": pl.Float64()}
    optional = {"age": pl.String(), "sex": pl.String(), "students": pl.Float64()}
    defaults = {"age": ALL, "sex": ALL}
    faults = (
        missing("area", "area is missing"),
        Rule(~(pl.col("population") >= 0), "population is missing, negative or not a number", null_is_fault=True),
        outside("population", 0, MOST_PEOPLE, "population is more than 100 million"),
        Rule(~pl.col("students").is_between(0, "population"), "students are negative or more than the population"),
    )


class DwellingFiles(PlainSource):
    """The dwellings by area, and by type if those are given."""

    name = "dwellings"
    table = "reference/dwellings"
    files_are = "`area, dwellings`, and if known `dwelling_type`"
    unit = "counts"
    key = ("area", "dwelling_type")
    columns = {"area": pl.String(), "dwellings": pl.Float64()}
    optional = {"dwelling_type": pl.String()}
    defaults = {"dwelling_type": ALL}
    faults = (
        missing("area", "area is missing"),
        Rule(~(pl.col("dwellings") >= 0), "dwellings are missing, negative or not a number", null_is_fault=True),
        outside("dwellings", 0, MOST_PEOPLE, "dwellings are more than 100 million"),
    )


class EstimateFiles(PlainSource):
    """Official estimates of migration within the country.

    A file has either the columns area and direction (in or out), or origin and destination.
    """

    name = "migration_estimates"
    table = "reference/migration_estimates"
    files_are = "`period, moves` and `area, direction` or `origin, destination`"
    unit = "estimates"
    key = ("area_type", "period", "age", "origin", "destination")
    columns = {"period": pl.String(), "moves": pl.Float64()}
    optional = dict.fromkeys(("area_type", "age", "area", "direction", "origin", "destination"), pl.String())
    defaults = {"area_type": "unknown", "age": ALL}
    one_of = ((("area", "direction"), ("origin", "destination")),)
    faults = (
        missing("period", "period is missing"),
        Rule(~(pl.col("moves") >= 0), "moves are missing, negative or not a number", null_is_fault=True),
        outside("moves", 0, MOST_PEOPLE, "moves are more than 100 million"),
        Rule(~pl.col("direction").is_in(["in", "out"]), "direction is neither in nor out"),
        missing(["origin", "destination"], "area, or origin and destination, are missing"),
    )

    def derived(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Moves into an area come from all areas, and moves out of it go to all."""
        return rows.with_columns(
            origin=pl.coalesce("origin", _end(area="out", everywhere="in")),
            destination=pl.coalesce("destination", _end(area="in", everywhere="out")),
        )

    def helpers(self) -> tuple[str, ...]:
        """See `TableSource.helpers`."""
        return ("area", "direction")


def _end(*, area: str, everywhere: str) -> pl.Expr:
    """Return the area of a row with one direction, and "all" of a row with the other."""
    return pl.when(direction=area).then("area").when(direction=everywhere).then(pl.lit(ALL))
