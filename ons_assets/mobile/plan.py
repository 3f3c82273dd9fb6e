"""The cell plan as the methods use it: cells by number, with positions in metres."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.sums import exact_mean

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


def cell_plan(cells: pl.DataFrame) -> CellPlan:
    """Number the cells of a plan; rows of the same cell that only continue each other are one.

    Parameters
    ----------
    cells
        Rows of `mobile/cells`. Outside Great Britain positions are laid flat around their middle, which is
        good enough for distances between cells, and for nothing else.
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
    if merged["easting_m"].null_count():
        middle = merged.select(exact_mean("latitude")).item() or 0.0
        narrowing = float(np.cos(np.radians(float(middle))))
        placed = merged.with_columns(
            x_m=pl.col("longitude") * METRES_PER_DEGREE * narrowing, y_m=pl.col("latitude") * METRES_PER_DEGREE
        )
    else:
        placed = merged.with_columns(x_m="easting_m", y_m="northing_m")
    return CellPlan(placed.with_row_index("cell").with_columns(pl.col("cell").cast(pl.Int32())))
