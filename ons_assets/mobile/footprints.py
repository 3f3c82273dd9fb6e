"""Footprints of cells on a grid of tiles: where a device may be that is seen at a cell."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.spatial import cKDTree

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.signal import Antennas, FloatArray, served
from ons_assets.parameters.mobile_network import FootprintParameters

# Tiles along the side of a block that is worked at once.
BLOCK = 100
TILE = ("tile_easting_m", "tile_northing_m")
UTC = pl.Datetime("us", "UTC")
FIGURES = ("signal_dbm", "dominance", "connection_probability", "prior", "probability")
SCHEMA = {
    "operator": pl.String(), "cell_id": pl.String(), "valid_from_utc": UTC, "valid_until_utc": UTC,
    **dict.fromkeys(TILE, pl.Int64()), **dict.fromkeys(FIGURES, pl.Float64()),
}  # fmt: skip


@dataclass(frozen=True)
class Prior:
    """Where people are, before anything is seen.

    Parameters
    ----------
    points
        x_m, y_m, weight, on the grid of the tiles: people, addresses, or how much land is used.
    spread
        Whether a point stands for the land around it (the middle of an area, or of a tile), and not for itself alone.
    """

    points: pl.DataFrame
    spread: bool

    def of(self, tiles: FloatArray, tile_m: float) -> FloatArray:
        """Return the weight of tiles.

        Parameters
        ----------
        tiles
            Middles of all tiles, shape (n, 2), metres.
        tile_m
            Their side.
        """
        at, weight = self.points.select("x_m", "y_m").to_numpy(), self.points["weight"].to_numpy()
        made = np.zeros(len(tiles))
        alone = np.ones(len(at), dtype=bool)
        if self.spread and len(at):
            nearest = cKDTree(at).query(tiles)[1]
            around = np.bincount(nearest, minlength=len(at))
            made = weight[nearest] / around[nearest]
            alone = around == 0
        if alone.any():
            apart, tile = cKDTree(tiles).query(at[alone], p=np.inf)
            inside = apart <= tile_m / 2
            made += np.bincount(tile[inside], weights=weight[alone][inside], minlength=len(tiles))
        return made


def footprints(
    versions: pl.DataFrame, parameters: FootprintParameters | None = None, prior: Prior | None = None
) -> Iterator[pl.DataFrame]:
    """Yield the footprints of the cells of each network, as long as none of its cells changes.

    Parameters
    ----------
    versions
        Rows of `mobile/network_versions`, with x_m and y_m on the grid of the tiles; others have no footprint.
    parameters
        None for the defaults.
    prior
        None if all tiles are alike.

    Yields
    ------
    pl.DataFrame
        The columns of `mobile/cell_footprints` of one network; its probabilities sum to 1 by cell. Sorted. A cell that
        serves no middle of a tile has the tile that it stands in.

    References
    ----------
    Tennekes and Gootzen (2022), "Bayesian location estimation of mobile devices using a signal strength model",
    Journal of Spatial Information Science 25, pp. 29-66.
    """
    parameters = parameters or FootprintParameters()
    placed = versions.drop_nulls(["x_m", "y_m"])
    for (operator,), of_operator in placed.group_by("operator", maintain_order=True):
        for begins, ends, cells in networks(of_operator):
            made = _footprints(cells, parameters, prior)
            named = made.with_columns(
                pl.lit(operator).alias("operator"),
                pl.lit(begins, dtype=UTC).alias("valid_from_utc"),
                pl.lit(ends, dtype=UTC).alias("valid_until_utc"),
            )
            yield named.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()).sort("cell_id", *TILE)


def networks(versions: pl.DataFrame) -> Iterator[tuple[datetime, datetime | None, pl.DataFrame]]:
    """Yield the cells of an operator that are on the air together, with the moments between which they are.

    Parameters
    ----------
    versions
        Rows of `mobile/network_versions` of one operator.
    """
    begun, ended = versions["valid_from_utc"], versions["valid_until_utc"].drop_nulls()
    moments: list[datetime] = pl.concat([begun, ended]).unique().sort().to_list()
    for start, end in zip(moments, [*moments[1:], None], strict=True):
        on_air = versions.filter(
            (pl.col("valid_from_utc") <= start) & (pl.col("valid_until_utc") > start).fill_null(True)
        )
        if len(on_air):
            yield start, end, on_air.sort("cell_id")


def tiles_near(at: FloatArray, reach_m: float, tile_m: float) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the tiles within reach of some mast, a block after another: their numbers to the east and north.

    Parameters
    ----------
    at
        Masts, shape (n, 2), metres.
    reach_m
        How far from a mast the middle of a tile may be.
    tile_m
        Side of a tile.
    """
    side = BLOCK * tile_m
    tree = cKDTree(at)
    (west, south), (east, north) = (
        np.floor((edge + sign * reach_m) / side).astype(int) for edge, sign in ((at.min(0), -1), (at.max(0), 1))
    )
    own = np.stack(np.meshgrid(np.arange(BLOCK), np.arange(BLOCK), indexing="ij"), axis=-1).reshape(-1, 2)
    for column in range(west, east + 1):
        rows = np.arange(south, north + 1)
        middles = np.column_stack([np.full(len(rows), (column + 0.5) * side), (rows + 0.5) * side])
        near = tree.query(middles)[0] <= reach_m + side * np.sqrt(0.5)
        for row in rows[near]:
            tiles = own + np.array([column, row]) * BLOCK
            within = tree.query((tiles + 0.5) * tile_m)[0] <= reach_m
            if within.any():
                yield tiles[within]


def _footprints(cells: pl.DataFrame, parameters: FootprintParameters, prior: Prior | None) -> pl.DataFrame:
    antennas = Antennas(cells, parameters)
    tile_m = parameters.tile_m
    parts, tiles, count = [], [], 0
    for block in tiles_near(antennas.at, antennas.reach_m * parameters.beyond, tile_m):
        middles = np.asarray((block + 0.5) * tile_m, dtype=np.float64)
        parts.append(served(middles, antennas, parameters).with_columns(pl.col("tile") + count))
        tiles.append(block)
        count += len(block)
    every, pairs = np.concatenate(tiles), pl.concat(parts)
    middle = np.asarray((every + 0.5) * tile_m, dtype=np.float64)
    weight = prior.of(middle, tile_m) if prior else np.ones(count)
    total = weight.sum()
    even = parameters.everywhere if total > 0 else 1.0
    share = (1 - even) * weight / (total or 1.0) + even / count
    corner = (every * tile_m).round().astype(np.int64)
    tile = pairs["tile"].to_numpy()
    located = pairs.with_columns(
        cells["cell_id"].gather(pairs["cell"]),
        tile_easting_m=pl.Series(corner[tile, 0]),
        tile_northing_m=pl.Series(corner[tile, 1]),
        prior=pl.Series(share[tile]),
    ).with_columns(probability=pl.col("prior") * pl.col("connection_probability"))
    located = located.with_columns(pl.col("probability") / exact_sum("probability").over("cell_id"))
    kept = located.filter(pl.col("probability") >= parameters.least_probability)
    kept = kept.with_columns(pl.col("probability") / exact_sum("probability").over("cell_id"))
    return pl.concat([kept, _where_they_stand(cells, kept, parameters.tile_m)], how="diagonal")


def _where_they_stand(cells: pl.DataFrame, found: pl.DataFrame, tile_m: float) -> pl.DataFrame:
    """The tile of each cell that is best in no tile: it serves a corner of what it stands in."""
    corner = {
        name: ((pl.col(axis) / tile_m).floor() * tile_m).round().cast(pl.Int64())
        for name, axis in zip(TILE, ("x_m", "y_m"), strict=True)
    }
    alone = cells.join(found, on="cell_id", how="anti")
    return alone.select("cell_id", probability=pl.lit(1.0), **corner)
