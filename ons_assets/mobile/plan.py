"""The cell plan as the methods use it: cells by number, with positions in metres."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.geography.grid import Grid

METRES_PER_DEGREE = 111_320.0
GEOMETRY = ("latitude", "longitude", "azimuth_degrees", "beam_width_degrees", "range_m", "technology")


@dataclass(frozen=True)
class CellPlan:
    """Cells by number.

    Parameters
    ----------
    cells
        cell (Int32, from 0), operator, cell_id, valid_from, valid_to, x_m, y_m, azimuth_degrees,
        beam_width_degrees, range_m, technology, easting_m, northing_m. A cell that was changed has a
        number for each of its forms.
    """

    cells: pl.DataFrame

    @property
    def x_m(self) -> npt.NDArray[np.float64]:
        """Position to the east, metres; only differences mean anything."""
        return self.cells["x_m"].to_numpy()

    @property
    def y_m(self) -> npt.NDArray[np.float64]:
        """Position to the north, metres."""
        return self.cells["y_m"].to_numpy()

    def numbers(self, events: pl.DataFrame) -> pl.Series:
        """Return the cell of each event by number, -1 where the plan of that day lacks it.

        Parameters
        ----------
        events
            operator, cell_id, event_date.
        """
        known = self.cells.select("operator", "cell_id", "valid_from", "valid_to", "cell")
        ids = events.select("operator", "cell_id", "event_date").with_row_index("row")
        valid = pl.col("event_date").is_between(
            pl.col("valid_from"), pl.col("valid_to").fill_null(pl.col("event_date")), closed="both"
        )
        joined = ids.join(known, on=["operator", "cell_id"], how="left", maintain_order="left")
        joined = joined.with_columns(cell=pl.when(valid).then("cell"))
        if len(joined) > len(ids):
            joined = joined.group_by("row", maintain_order=True).agg(pl.col("cell").max())
        return joined["cell"].fill_null(-1).cast(pl.Int32())


def cell_plan(cells: pl.DataFrame, grid: Grid | None = None) -> CellPlan:
    """Number the cells of a plan; rows of the same cell that only continue each other are one.

    Parameters
    ----------
    cells
        Rows of `mobile/cells`. Outside the country positions are laid flat, which is good enough for distances
        between cells, and for nothing else: of an operator without any cell in the country around the latitude of
        its median cell, in whole degrees; of another beyond the edge of the grid. No other operator, nor a single cell
        that lies elsewhere, moves a cell.
    grid
        Of the positions; None for that of Great Britain.
    """
    merged = (
        cells.group_by("operator", "cell_id", *GEOMETRY)
        .agg(
            pl.col("easting_m", "northing_m").min(),
            pl.col("valid_from").min(),
            valid_to=pl.when(pl.col("valid_to").is_null().any()).then(None).otherwise(pl.col("valid_to").max()),
        )
        .sort("operator", "cell_id", "valid_from", *GEOMETRY)
    )
    placed = merged.with_columns(_flat(grid or Grid())).with_columns(
        x_m=pl.coalesce("easting_m", "x_m"), y_m=pl.coalesce("northing_m", "y_m")
    )
    return CellPlan(placed.with_row_index("cell").with_columns(pl.col("cell").cast(pl.Int32())))


def _flat(grid: Grid) -> tuple[pl.Expr, pl.Expr]:
    """Positions without the grid, as x_m and y_m."""
    has_grid = pl.col("easting_m").is_not_null().any().over("operator")
    middle = pl.when(has_grid).then("latitude").otherwise(pl.col("latitude").median().over("operator").round())
    latitude, longitude, easting_m, northing_m = grid.origin
    east = (pl.col("longitude") - longitude) * METRES_PER_DEGREE * middle.radians().cos()
    north = (pl.col("latitude") - latitude) * METRES_PER_DEGREE
    return (east + easting_m).alias("x_m"), (north + northing_m).alias("y_m")
