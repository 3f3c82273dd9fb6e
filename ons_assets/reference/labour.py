"""Reference files of work and phones: travel to work, workers, histories of area codes, the phone market."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from ons_assets.geography.area_codes import not_codes
from ons_assets.geography.grid import Grid
from ons_assets.intake.layouts import Layout
from ons_assets.intake.plain import PlainSource
from ons_assets.intake.rules import Rule, missing, outside

MOST_WEIGHT = 1e12
PHONES_PER_PERSON = (0.01, 5)
SHARES = ("operator_share", "prepaid_share", "second_phone_share")


class CommutingFiles(PlainSource):
    """Travel to work tables of a census."""

    name = "commuting_flows"
    table = "reference/commuting_flows"
    files_are = "travel to work: `benchmark, origin, destination, commuters`, and if known `home_workers`"
    unit = "flows"
    key = ("benchmark", "origin", "destination")
    columns = {"origin": pl.String(), "destination": pl.String(), "commuters": pl.Float64()}
    optional = {"benchmark": pl.String(), "home_workers": pl.Float64()}
    faults = (
        missing(["origin", "destination"], "origin or destination is missing"),
        not_codes("origin", "destination"),
        Rule(
            ~(pl.col("commuters") >= 0), "number of commuters is missing, negative or not a number", null_is_fault=True
        ),
        Rule(~pl.col("home_workers").is_between(0, pl.col("commuters")), "more work at home than work"),
    )

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`; a benchmark that is not named is called as its layout."""
        return super().typed(rows, layout).with_columns(pl.col("benchmark").fill_null(layout.name))


class AreaCodeFiles(PlainSource):
    """Histories of area codes."""

    name = "area_codes"
    table = "reference/area_codes"
    files_are = "histories of codes: `code, current_code`, and if known `name`"
    unit = "codes"
    key = ("code",)
    columns = {"code": pl.String(), "current_code": pl.String()}
    optional = {"name": pl.String()}
    faults = (missing(["code", "current_code"], "a code is missing"), not_codes("code", "current_code"))


class AreaPartFiles(PlainSource):
    """Parts of areas, by their centres."""

    name = "area_parts"
    table = "reference/area_parts"
    files_are = "parts of areas: `part, area, easting_m, northing_m`, and if known `residents`"
    unit = "parts"
    key = ("part",)
    columns = {"part": pl.String(), "area": pl.String(), "easting_m": pl.Float64(), "northing_m": pl.Float64()}
    optional = {"residents": pl.Float64()}
    faults = (
        missing(["part", "area"], "a code is missing"),
        not_codes("area"),
        Rule(pl.col("residents") < 0, "number of residents is negative"),
    )
    has_positions = True

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`; centres are on the grid of the installation."""
        return (*self.faults, _off_grid(Grid.of(self.country), "centre"))


class LandUseFiles(PlainSource):
    """Weights of the tiles of a grid, by their middles."""

    name = "land_use"
    table = "reference/land_use"
    files_are = "weights of tiles, for where devices may be: `easting_m, northing_m, land_weight`"
    unit = "tiles"
    key = ("easting_m", "northing_m")
    columns = {"easting_m": pl.Float64(), "northing_m": pl.Float64(), "land_weight": pl.Float64()}
    faults = (
        missing("land_weight", "weight is missing or no number"),
        outside("land_weight", 0, MOST_WEIGHT, "weight is negative, or beyond all bounds"),
    )
    has_positions = True

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`; tiles are on the grid of the installation."""
        return (*self.faults, _off_grid(Grid.of(self.country), "middle"))


class MarketFiles(PlainSource):
    """Phones and operators by area and age group."""

    name = "phone_market"
    table = "reference/phone_market"
    files_are = "`operator, area, age_group, phones_per_person, operator_share, prepaid_share, second_phone_share`"
    unit = "shares"
    key = ("operator", "area", "age_group")
    columns = {"operator": pl.String(), "phones_per_person": pl.Float64(), **dict.fromkeys(SHARES, pl.Float64())}
    optional = {"area": pl.String(), "age_group": pl.String(), "population": pl.Float64()}
    defaults = {"area": "all", "age_group": "all"}
    faults = (
        missing("operator", "operator is missing"),
        Rule(
            ~(pl.col("phones_per_person") > 0),
            "phones for each person are missing or not above zero",
            null_is_fault=True,
        ),
        outside("phones_per_person", *PHONES_PER_PERSON, "phones for each person are not between 0.01 and 5"),
        *(
            Rule(~pl.col(name).is_between(0, 1), f"{name} is no share between 0 and 1", null_is_fault=True)
            for name in SHARES
        ),
        Rule(pl.col("population") < 0, "population is negative"),
    )


class WorkerFiles(PlainSource):
    """People in work by area of home or of work."""

    name = "workers"
    table = "reference/workers"
    files_are = "people in work: `area, side, workers`, the side being home or work"
    unit = "areas"
    key = ("area", "side")
    columns = {"area": pl.String(), "side": pl.String(), "workers": pl.Float64()}
    faults = (
        missing("area", "area is missing"),
        not_codes("area"),
        Rule(~pl.col("side").is_in(["home", "work"]), "side is neither home nor work", null_is_fault=True),
        Rule(~(pl.col("workers") >= 0), "number of workers is missing, negative or not a number", null_is_fault=True),
    )


def _off_grid(grid: Grid, point: str) -> Rule:
    """Return the rule that rejects a point that is not on the grid of the installation."""
    named = "the National Grid of Great Britain" if grid.is_british else f"the grid {grid.crs}"
    return Rule(~grid.holds("easting_m", "northing_m"), f"{point} is missing or not on {named}", null_is_fault=True)
