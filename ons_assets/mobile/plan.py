"""The cell plan as the methods use it: cells by number, with positions in metres."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.geography.grid import Grid
from ons_assets.mobile.countries import served_abroad
from ons_assets.mobile.versions import network_versions

METRES_PER_DEGREE = 111_320.0
UNKNOWN, NOT_VALID = -1, -2
# An event in another country has as its cell this, less a thousand times the number of its operator, less the mobile
# country code.
ABROAD, COUNTRY_CODES = -1_000, 1_000


@dataclass(frozen=True)
class CellPlan:
    """Cells by number.

    Parameters
    ----------
    cells
        cell (Int32, from 0), operator, cell_id, valid_from_utc, valid_until_utc, x_m, y_m, azimuth_degrees,
        beam_width_degrees, range_m, technology, easting_m, northing_m. A cell that was changed has a
        number for each of its forms.
    home
        Mobile country codes of the country of the networks; see `ons_assets.mobile.countries.home_codes`.
    """

    cells: pl.DataFrame
    home: frozenset[str] = frozenset()

    @property
    def x_m(self) -> npt.NDArray[np.float64]:
        """Position to the east, metres; only differences mean anything."""
        return self.cells["x_m"].to_numpy()

    @property
    def y_m(self) -> npt.NDArray[np.float64]:
        """Position to the north, metres."""
        return self.cells["y_m"].to_numpy()

    @property
    def operators(self) -> pl.Series:
        """The operators, sorted; abroad they go by their number here."""
        return self.cells["operator"].unique().sort()

    def operators_of(self, numbers: pl.Series) -> pl.Series:
        """Return the operator of what `numbers` returned: a cell, or a country abroad; null of neither."""
        ranks = self.operators
        known = pl.concat(
            [
                self.cells.select(pl.col("cell").cast(pl.Int64()), "operator"),
                pl.DataFrame({"cell": -1 - np.arange(len(ranks)), "operator": ranks}),
            ]
        )
        rank = pl.col("number").cast(pl.Int64())
        key = pl.when(rank <= ABROAD).then(-1 - (ABROAD - rank) // COUNTRY_CODES).when(rank >= 0).then(rank)
        rows = pl.DataFrame({"number": numbers}).select(cell=key)
        return rows.join(known, on="cell", how="left", maintain_order="left")["operator"]

    @property
    def first_forms(self) -> pl.Series:
        """The first form of the cell that each number is of: one number of a cell, however often it was changed."""
        return self.cells.select(pl.col("cell").min().over("operator", "cell_id")).to_series()

    def on_air(self, operator: str, begins_utc: datetime, ends_utc: datetime) -> pl.DataFrame:
        """Return the cells that an operator has on the air at some time between two moments.

        Parameters
        ----------
        operator, begins_utc, ends_utc
            Whose, and when: a local day lasts from one local midnight to the next.

        Returns
        -------
        pl.DataFrame
            cell (its first form), at_both_ends (whether it is on the air when the time begins, and when it ends).
        """
        begins, ends = pl.lit(begins_utc, pl.Datetime("us", "UTC")), pl.lit(ends_utc, pl.Datetime("us", "UTC"))
        since, until = pl.col("valid_from_utc"), pl.col("valid_until_utc")
        forms = self.cells.with_columns(cell=self.first_forms).filter(
            (pl.col("operator") == operator) & (since < ends) & (until > begins).fill_null(True)
        )
        return forms.group_by("cell").agg(
            at_both_ends=(since <= begins).any() & (until >= ends).fill_null(True).any(),
        )

    def numbers(self, events: pl.DataFrame) -> pl.Series:
        """Return the cell of each event by number; -1 where no plan has it, -2 where it is not valid at that moment.

        Parameters
        ----------
        events
            operator, cell_id, time_utc, and plmn if it is known: what a network abroad served has a number of its own
            by operator and country, `ABROAD` or less.
        """
        known = self.cells.select("operator", "cell_id", "valid_from_utc", "valid_until_utc", "cell")
        ids = events.select("operator", "cell_id", "time_utc")
        several = known.select("operator", "cell_id").is_duplicated().any()
        ids = ids.with_row_index("row") if several else ids
        joined = ids.join(known, on=["operator", "cell_id"], how="left", maintain_order="left")
        begun, ended = pl.col("time_utc") >= pl.col("valid_from_utc"), pl.col("time_utc") >= pl.col("valid_until_utc")
        number = pl.when(begun & ~ended.fill_null(False)).then("cell").when(begun.is_not_null()).then(NOT_VALID)
        numbered = joined.select(*(["row"] if several else []), cell=number.fill_null(UNKNOWN).cast(pl.Int32()))
        if several:
            # A moment is in one form of a cell at most.
            numbered = numbered.group_by("row", maintain_order=True).agg(pl.col("cell").max())
        if "plmn" not in events.columns or events["plmn"].null_count() == len(events):
            return numbered["cell"]
        ranks = self.operators
        rank = pl.col("operator").replace_strict(ranks, range(len(ranks)), default=None, return_dtype=pl.Int32())
        country = ABROAD - rank * COUNTRY_CODES - pl.col("plmn").str.head(3).cast(pl.Int32())
        abroad = pl.when(served_abroad(self.home)).then(country)
        named = numbered.with_columns(events["plmn"], events["operator"])
        return named.select(cell=pl.coalesce(abroad, "cell"))["cell"]


def cell_plan(
    cells: pl.DataFrame | pl.LazyFrame, grid: Grid | None = None, home: frozenset[str] = frozenset()
) -> CellPlan:
    """Number the forms of the cells of a plan; see `network_versions`.

    Parameters
    ----------
    cells
        Rows of `mobile/cells`. Outside the country positions are laid flat, which is good enough for distances
        between cells, and for nothing else: of an operator without any cell in the country around the latitude of
        its median cell, in whole degrees; of another beyond the edge of the grid. No other operator, nor a single cell
        that lies elsewhere, moves a cell.
    grid
        Of the positions; None for that of Great Britain.
    home
        Mobile country codes of the country of the networks.
    """
    placed = (
        network_versions(cells)
        .with_columns(_flat(grid or Grid()))
        .with_columns(x_m=pl.coalesce("easting_m", "x_m"), y_m=pl.coalesce("northing_m", "y_m"))
    )
    return CellPlan(placed.with_row_index("cell").with_columns(pl.col("cell").cast(pl.Int32())), home)


def _flat(grid: Grid) -> tuple[pl.Expr, pl.Expr]:
    """Positions without the grid, as x_m and y_m."""
    has_grid = pl.col("easting_m").is_not_null().any().over("operator")
    middle = pl.when(has_grid).then("latitude").otherwise(pl.col("latitude").median().over("operator").round())
    latitude, longitude, easting_m, northing_m = grid.origin
    # The shorter way round: 179 degrees east and 179 west are neighbours.
    apart = (pl.col("longitude") - longitude + 180) % 360 - 180
    east = apart * METRES_PER_DEGREE * middle.radians().cos()
    north = (pl.col("latitude") - latitude) * METRES_PER_DEGREE
    return (east + easting_m).alias("x_m"), (north + northing_m).alias("y_m")
