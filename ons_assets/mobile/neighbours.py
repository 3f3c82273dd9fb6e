"""Which footprints of cells are near each other, and how much of them is the same."""

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.footprints import TILE
from ons_assets.parameters.mobile_network import FootprintParameters

NETWORK = ("operator", "valid_from_utc", "valid_until_utc")
SCHEMA = {
    "operator": pl.String(), "valid_from_utc": pl.Datetime("us", "UTC"), "valid_until_utc": pl.Datetime("us", "UTC"),
    "cell_id": pl.String(), "other_cell_id": pl.String(), "mast_distance_m": pl.Float64(),
    "footprint_distance_m": pl.Float64(), "tiles_shared": pl.Int64(), "overlap": pl.Float64(),
}  # fmt: skip


def cell_neighbours(
    footprints: pl.DataFrame, versions: pl.DataFrame, parameters: FootprintParameters | None = None
) -> pl.DataFrame:
    """Return pairs of cells whose masts are near each other.

    Parameters
    ----------
    footprints
        Rows of `mobile/cell_footprints` of one network, one tile apart or more from others.
    versions
        Rows of `mobile/network_versions` with x_m and y_m on the grid of the tiles.
    parameters
        `neighbour_m` and the side of the tiles; None for the defaults.

    Returns
    -------
    pl.DataFrame
        The columns of `mobile/cell_neighbours`: distance of masts, least distance between middles of tiles of the two,
        tiles in both, and the sum over tiles of the lesser of the two probabilities. Sorted.
    """
    parameters = parameters or FootprintParameters()
    parts = [
        _pairs(of_network, versions, key, parameters)
        for key, of_network in footprints.group_by(NETWORK, maintain_order=True)
    ]
    made = pl.concat(parts) if parts else pl.DataFrame(schema=SCHEMA)
    return made.sort("operator", "valid_from_utc", "cell_id", "other_cell_id")


def _pairs(
    footprints: pl.DataFrame, versions: pl.DataFrame, network: tuple[object, ...], parameters: FootprintParameters
) -> pl.DataFrame:
    operator, begins = network[0], pl.lit(network[1])
    holds = (pl.col("valid_from_utc") <= begins) & (pl.col("valid_until_utc") > begins).fill_null(True)
    seen = footprints["cell_id"].unique()
    cells = versions.filter((pl.col("operator") == operator) & holds & pl.col("cell_id").is_in(seen.implode()))
    cells = cells.select("cell_id", "x_m", "y_m").sort("cell_id")
    at = cells.select("x_m", "y_m").to_numpy()
    near = cKDTree(at).query_pairs(parameters.neighbour_m, output_type="ndarray")
    near = near[np.lexsort((near[:, 1], near[:, 0]))]
    names, one, other = cells["cell_id"], near[:, 0], near[:, 1]
    trees = {
        name: cKDTree(tiles.select(TILE).to_numpy())
        for (name,), tiles in footprints.group_by("cell_id", maintain_order=True)
    }
    # The smaller of the two is looked up in the larger.
    gaps = [min(gap(trees[a], trees[b]), np.inf) for a, b in zip(names.gather(one), names.gather(other), strict=True)]
    pairs = pl.DataFrame(
        {
            "cell_id": names.gather(one),
            "other_cell_id": names.gather(other),
            "mast_distance_m": np.hypot(*(at[one] - at[other]).T),
            "footprint_distance_m": pl.Series(gaps, dtype=pl.Float64()),
        }
    )
    mine = footprints.select("cell_id", *TILE, "probability")
    both = (
        mine.join(pairs.select("cell_id", "other_cell_id"), on="cell_id")
        .join(mine.rename({"cell_id": "other_cell_id", "probability": "other"}), on=["other_cell_id", *TILE])
        .group_by("cell_id", "other_cell_id")
        .agg(tiles_shared=pl.len().cast(pl.Int64()), overlap=exact_sum(pl.min_horizontal("probability", "other")))
    )
    found = pairs.join(both, on=["cell_id", "other_cell_id"], how="left").with_columns(
        pl.col("tiles_shared").fill_null(0), pl.col("overlap").fill_null(0.0)
    )
    first = footprints.select(NETWORK).head(1)
    return found.join(first, how="cross").select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def gap(one: cKDTree, other: cKDTree) -> float:
    """Return the least distance between points of two sets."""
    few, many = (one, other) if one.n <= other.n else (other, one)
    return float(many.query(few.data)[0].min())
