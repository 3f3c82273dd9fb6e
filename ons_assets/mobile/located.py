"""Where a device may be, by the cells at which it is seen: what other methods plug in where they need an area."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_array

from ons_assets.geography.areas import Areas
from ons_assets.geography.grid import Grid
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.footprints import TILE
from ons_assets.mobile.plan import CellPlan
from ons_assets.mobile.tile_grids import on_grid
from ons_assets.parameters.mobile_network import FootprintParameters

# Places of devices that are held at once beside all tiles of each.
PLACES_AT_ONCE = 20_000
DIGITS = 9
PLACE = ("user", "place")


@dataclass(frozen=True)
class Whereabouts:
    """Tiles and areas of devices by the cells of their places.

    Parameters
    ----------
    told
        By cell of the plan and tile: the logarithm of how much likelier a device in the tile is seen at the cell than
        one in a tile that the cell does not serve.
    prior : array of float64, shape (tiles,)
        Where people are before anything is seen.
    shares
        By tile and area: the part of the tile that lies in the area.
    areas
        Their names.
    parameters
        How much the events at a place tell together, and which probability moves nobody.
    """

    told: csr_array
    prior: npt.NDArray[np.float64]
    shares: csr_array
    areas: pl.Series
    parameters: FootprintParameters

    def of_places(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Say in which areas the places of devices may be.

        Parameters
        ----------
        cells
            user, place, cell, events: which cells of the plan make up a place, and how often the device was seen at
            each. Numbers that are of no cell of the plan are nowhere.

        Returns
        -------
        pl.DataFrame
            user, place, area, probability. The probabilities of a place sum to 1; one none of whose cells has a
            footprint in an area has no row. Sorted.
        """
        known = cells.filter(pl.col("cell").is_between(0, self.told.shape[0], closed="left"))
        seen = known.sort(*PLACE, "cell").with_columns(number=pl.struct(PLACE).rle_id().cast(pl.Int64()))
        places = seen.select("number", *PLACE).unique("number", keep="first", maintain_order=True)
        counted = seen.with_columns(part=pl.col("events") / pl.col("events").sum().over("number"))
        rows = [self._of_some(part) for part in _in_turn(counted)]
        found = pl.concat(rows).join(places, on="number")
        kept = found.filter(pl.col("probability") >= self.parameters.least_area)
        whole = exact_sum("probability").over("number")
        told = kept.select(*PLACE, "area", probability=pl.col("probability") / whole)
        return told.sort(*PLACE, "area")

    def _of_some(self, seen: pl.DataFrame) -> pl.DataFrame:
        first = seen["number"][0] if len(seen) else 0
        number, weight = (seen["number"] - first).to_numpy(), seen["part"].to_numpy()
        shape = (int(number[-1]) + 1 if len(number) else 0, self.told.shape[0])
        weights = csr_array((weight * self.parameters.draws_a_place, (number, seen["cell"].to_numpy())), shape=shape)
        evidence = csr_array(weights @ self.told)
        row = np.repeat(np.arange(shape[0]), np.diff(evidence.indptr))
        most = np.full(shape[0], -np.inf)
        np.maximum.at(most, row, evidence.data)
        evidence.data = np.exp(evidence.data - most[row]) * self.prior[evidence.indices]
        by_area = csr_array(evidence @ self.shares)
        row = np.repeat(np.arange(shape[0]), np.diff(by_area.indptr))
        whole = np.bincount(row, weights=by_area.data, minlength=shape[0])[row]
        share = np.divide(by_area.data, whole, out=np.zeros(len(whole)), where=whole > 0)
        return pl.DataFrame(
            {
                "number": pl.Series(row + first, dtype=pl.Int64()),
                "area": self.areas.gather(by_area.indices),
                "probability": pl.Series(share, dtype=pl.Float64()).round(DIGITS),
            }
        )


def _in_turn(seen: pl.DataFrame) -> Iterator[pl.DataFrame]:
    most = int(seen["number"][-1]) + 1 if len(seen) else 0
    for start in range(0, max(most, 1), PLACES_AT_ONCE):
        yield seen.filter(pl.col("number").is_between(start, start + PLACES_AT_ONCE, closed="left"))


def whereabouts(
    plan: CellPlan,
    footprints: pl.DataFrame | pl.LazyFrame,
    parts: pl.DataFrame,
    parameters: FootprintParameters | None = None,
    country: Grid | None = None,
) -> Whereabouts:
    """Prepare what footprints tell of the places of devices.

    A place has one position. Where it is seen at several cells, a tile is as likely as all of them say together: by the
    product of their connection probabilities, each as often as its share of the events says, `draws_a_place` times in
    all. The obstacles between a place and a mast stay as they are, so that a hundred events tell little more than two.

    Parameters
    ----------
    plan
        The cells by number. One that stays while its neighbours change has the mean over the time; what is open at the
        end counts to the last change.
    footprints
        Rows of `mobile/cell_footprints`.
    parts
        part, area, easting_m, northing_m: rows of `reference/area_parts`.
    parameters
        The grid of the tiles, their side, and what belongs to places; None for the defaults.
    country
        Grid of the parts; None for that of Great Britain.

    References
    ----------
    Tennekes and Gootzen (2022), "Bayesian location estimation of mobile devices using a signal strength model",
    Journal of Spatial Information Science 25, pp. 29-66.
    """
    parameters = parameters or FootprintParameters()
    served = _served(plan, footprints)
    key = ["operator", *TILE]
    tiles = served.group_by(key).agg(pl.col("prior").max()).sort(key).with_row_index("tile")
    rows = served.join(tiles.select("tile", *key), on=key).sort("cell", "tile")
    least = parameters.unserved
    likely = np.log(np.maximum(rows["connection_probability"].to_numpy(), least) / least)
    told = csr_array((likely, (rows["cell"].to_numpy(), rows["tile"].to_numpy())), shape=(len(plan.cells), len(tiles)))
    inside = tiles.select("tile", *TILE).join(area_of_tiles(tiles, parts, parameters, country), on=TILE)
    areas = inside["area"].unique().sort()
    inside = inside.with_columns(
        column=pl.col("area").replace_strict(areas, pl.int_range(len(areas), eager=True), return_dtype=pl.Int64())
    ).sort("tile", "column")
    columns = (inside["share"].to_numpy(), (inside["tile"].to_numpy(), inside["column"].to_numpy()))
    prior = tiles.select(pl.coalesce("prior", pl.col("prior").min(), 1.0)).to_series().to_numpy()
    return Whereabouts(told, prior, csr_array(columns, shape=(len(tiles), len(areas))), areas, parameters)


def _served(plan: CellPlan, footprints: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Tiles that each cell of a plan serves, in the mean over the networks in which it is: cell, operator and tile."""
    network = ["operator", "valid_from_utc"]
    networks = footprints.lazy().select(*network, "valid_until_utc").unique().collect()
    mine = plan.cells.select("cell", "operator", "cell_id", begins="valid_from_utc", ends="valid_until_utc")
    during = (pl.col("valid_from_utc") >= pl.col("begins")) & (pl.col("valid_from_utc") < pl.col("ends")).fill_null(
        True
    )
    lasts = (pl.col("valid_until_utc") - pl.col("valid_from_utc")).dt.total_seconds()
    # An open network of which nobody knows the end counts as long as the longest that has one.
    held = mine.join(networks, on="operator").filter(during).with_columns(lasts=lasts)
    held = held.with_columns(pl.col("lasts").fill_null(pl.col("lasts").max()).fill_null(1).cast(pl.Float64()))
    weighed = held.with_columns(lasts=pl.col("lasts") / pl.col("lasts").sum().over("cell"))
    columns = [*network, "cell_id", *TILE, "connection_probability", "prior"]
    # A cell that is best in no tile is surely seen where it stands, and nobody asked for the prior there. The prior of
    # a tile is a share of all tiles of its network: networks of one operator differ by few of them.
    surely = pl.col("connection_probability").fill_null(1.0)
    return (
        footprints.lazy()
        .select(columns)
        .join(weighed.lazy().select("cell", *network, "cell_id", "lasts"), on=[*network, "cell_id"])
        .group_by("cell", "operator", *TILE)
        .agg(connection_probability=exact_sum(surely * pl.col("lasts")), prior=pl.col("prior").max())
        .collect()
    )


def area_of_tiles(
    tiles: pl.DataFrame, parts: pl.DataFrame, parameters: FootprintParameters, country: Grid | None = None
) -> pl.DataFrame:
    """Say which part of each tile lies in which area: by points within the tile, each in the area of the nearest part.

    Parameters
    ----------
    tiles
        tile_easting_m, tile_northing_m.
    parts
        part, area, easting_m, northing_m.
    parameters
        The grid of the tiles, their side, and how many points each has along a side.
    country
        Grid of the parts; None for that of Great Britain.

    Returns
    -------
    pl.DataFrame
        tile_easting_m, tile_northing_m, area, share. A point that is in no area is of none. Sorted.
    """
    own = tiles.select(TILE).unique().sort(TILE)
    centres = on_grid(parts, parameters.grid, country).drop_nulls(["x_m", "y_m"]).sort("part")
    known = Areas(centres.select("area", easting_m="x_m", northing_m="y_m"))
    points = parameters.points_a_side
    steps = (np.arange(points) + 0.5) * parameters.tile_m / points
    found = [
        own.with_columns(known.locate(own[TILE[0]].to_numpy() + east, own[TILE[1]].to_numpy() + north)["area"])
        for east in steps
        for north in steps
    ]
    counted = pl.concat(found).drop_nulls("area").group_by(*TILE, "area").len("points")
    return counted.select(*TILE, "area", share=pl.col("points") / points**2).sort(*TILE, "area")
