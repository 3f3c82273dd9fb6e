"""From cells to areas: where a device may be that is seen at a cell.

The country is laid out in tiles. A cell is shared among areas as its tiles are, so that a mast that
reaches over three wards says so, and does not point at one of them.
"""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.spatial import cKDTree

from ons_assets.geography.areas import Areas
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.plan import CellPlan
from ons_assets.parameters.mobile import CoverageParameters

FloatArray = npt.NDArray[np.float64]

SCHEMA = {"cell": pl.Int32(), "area": pl.String(), "share": pl.Float64()}


def coverage(
    plan: CellPlan,
    areas: Areas,
    parameters: CoverageParameters | None = None,
    *,
    prior: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Say how each cell is shared among areas.

    Parameters
    ----------
    plan
        Cells with positions on the British National Grid; others have no rows in the result.
    areas
        By boundaries or centres.
    parameters
        None for the defaults. Of `location`, ``"voronoi"``: all cells of a mast cover what is nearer to it than to any
        other mast of the operator.
        ``"overlap"``: a cell covers its sector, as far as it reaches. ``"dominance"``: as overlap, but where
        several cells of the operator reach, each serves by the strength of its signal.
        `tile_m`, the side of a tile, is far below the size of an area.
    prior
        area, weight: how many people may be there, such as residents for homes; None if tiles are alike.

    Returns
    -------
    pl.DataFrame
        cell, area, share (above zero; sums to 1 by cell). Sorted.

    References
    ----------
    Tennekes and Gootzen (2022), "Bayesian location estimation of mobile devices using a signal strength
    model", Journal of Spatial Information Science 25, pp. 29-66, for dominance.
    """
    parameters = parameters or CoverageParameters()
    placed = plan.cells.drop_nulls(["easting_m", "northing_m"])
    if placed.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    parts = []
    for _, cells in placed.group_by("operator", maintain_order=True):
        tiles = _tiles(cells, areas, parameters, prior)
        if parameters.location == "voronoi":
            weights = _nearest_mast(cells, tiles)
        else:
            weights = _reached(cells, tiles, parameters)
        parts.append(_shares(weights, tiles, cells, areas, parameters.least_share))
    return pl.concat(parts).sort("cell", "area")


def _reach(cells: pl.DataFrame, parameters: CoverageParameters) -> FloatArray:
    by_technology = pl.col("technology").replace_strict(
        parameters.range_m, default=parameters.other_range_m, return_dtype=pl.Float64()
    )
    return cells.select(pl.col("range_m").fill_null(by_technology)).to_series().to_numpy()


def _tiles(
    cells: pl.DataFrame, areas: Areas, parameters: CoverageParameters, prior: pl.DataFrame | None
) -> pl.DataFrame:
    """Tiles within reach of some cell and in an area: x_m, y_m, area, weight."""
    x, y, tile_m = cells["easting_m"].to_numpy(), cells["northing_m"].to_numpy(), parameters.tile_m
    reach = float(_reach(cells, parameters).max()) * parameters.beyond
    across = np.arange(np.floor((x.min() - reach) / tile_m), np.ceil((x.max() + reach) / tile_m)) * tile_m + tile_m / 2
    up = np.arange(np.floor((y.min() - reach) / tile_m), np.ceil((y.max() + reach) / tile_m)) * tile_m + tile_m / 2
    grid_x, grid_y = (axis.ravel() for axis in np.meshgrid(across, up))
    near = cKDTree(np.column_stack([x, y])).query(np.column_stack([grid_x, grid_y]), distance_upper_bound=reach)[0]
    grid_x, grid_y = grid_x[np.isfinite(near)], grid_y[np.isfinite(near)]
    tiles = areas.locate(grid_x, grid_y).select("area").with_columns(x_m=pl.Series(grid_x), y_m=pl.Series(grid_y))
    tiles = tiles.drop_nulls("area")
    if prior is None:
        return tiles.with_columns(weight=pl.lit(1.0))
    people = prior.select("area", people="weight")
    # A few people everywhere, so that a cell in an area of no residents is still somewhere.
    return tiles.join(people, on="area", how="left", maintain_order="left").with_columns(
        weight=(pl.col("people").fill_null(0.0) + 1.0) / pl.len().over("area")
    )


def _nearest_mast(cells: pl.DataFrame, tiles: pl.DataFrame) -> pl.DataFrame:
    masts = cells.select("easting_m", "northing_m").unique(maintain_order=True).with_row_index("mast")
    nearest = cKDTree(masts.select("easting_m", "northing_m").to_numpy()).query(tiles.select("x_m", "y_m").to_numpy())[
        1
    ]
    of_mast = cells.join(masts, on=["easting_m", "northing_m"]).select("mast", "cell")
    served = pl.DataFrame({"mast": nearest.astype(np.uint32), "tile": np.arange(len(tiles))})
    return served.join(of_mast, on="mast").select("cell", "tile", strength=pl.lit(1.0))


def _reached(cells: pl.DataFrame, tiles: pl.DataFrame, parameters: CoverageParameters) -> pl.DataFrame:
    """The tiles that each cell reaches, with its part in serving them: cell, tile, strength."""
    schema = {"cell": pl.Int32(), "tile": pl.Int64(), "strength": pl.Float64()}
    if tiles.is_empty():
        return pl.DataFrame(schema=schema)
    where = tiles.select("x_m", "y_m").to_numpy()
    masts, reach = cells.select("easting_m", "northing_m").to_numpy(), _reach(cells, parameters)
    by_strength = parameters.location == "dominance"
    found = cKDTree(where).query_ball_point(masts, reach * parameters.beyond if by_strength else reach)
    counts = np.array([len(each) for each in found])
    tile = np.concatenate([np.asarray(each, dtype=np.int64) for each in found]) if counts.sum() else np.empty(0, int)
    row = np.repeat(np.arange(len(cells)), counts)
    east, north = (where[tile] - masts[row]).T
    apart = np.hypot(east, north)
    azimuth = cells["azimuth_degrees"].fill_null(float("nan")).to_numpy()[row]
    half_beam = cells["beam_width_degrees"].fill_null(parameters.beam_width_degrees).to_numpy()[row] / 2
    off = np.abs((np.degrees(np.arctan2(east, north)) - azimuth + 180) % 360 - 180)
    inside = np.isnan(azimuth) | (off <= half_beam) | (apart < parameters.near_field_m)
    if by_strength:
        strength = (apart + parameters.near_field_m) ** -parameters.path_loss * np.where(
            inside, 1.0, parameters.back_lobe
        )
        strength *= np.where(apart <= reach[row], 1.0, parameters.out_of_range)
        # Weak signals are still served where nothing stronger is: shares, not sums, decide.
        best = np.zeros(len(tiles))
        np.maximum.at(best, tile, strength)
        strength = np.where(strength >= parameters.weakest * best[tile], strength, 0.0)
        total = np.bincount(tile, weights=strength, minlength=len(tiles))
        strength = strength / total[tile]
    else:
        strength = inside.astype(np.float64)
    numbers = cells["cell"].to_numpy()[row]
    made = pl.DataFrame({"cell": numbers, "tile": tile, "strength": strength}, schema=schema)
    return made.filter(pl.col("strength") > 0)


def _shares(
    weights: pl.DataFrame, tiles: pl.DataFrame, cells: pl.DataFrame, areas: Areas, least_share: float
) -> pl.DataFrame:
    located = weights.with_columns(
        area=tiles["area"].gather(weights["tile"]), weight=tiles["weight"].gather(weights["tile"]) * weights["strength"]
    )
    shares = located.group_by("cell", "area").agg(exact_sum("weight"))
    shares = shares.with_columns(share=pl.col("weight") / exact_sum("weight").over("cell"))
    # A tiny share moves nobody, and there are many of them.
    shares = shares.filter(pl.col("share") >= least_share).with_columns(
        pl.col("share") / exact_sum("share").over("cell")
    )
    # A cell that reaches no middle of a tile covers what it stands in.
    small = cells.join(shares, on="cell", how="anti")
    stands_in = areas.locate(small["easting_m"].to_numpy(), small["northing_m"].to_numpy())["area"]
    alone = small.select("cell", area=stands_in, share=pl.lit(1.0)).drop_nulls("area")
    return pl.concat([shares.select("cell", "area", "share"), alone])


def coverage_of_parts(
    plan: CellPlan, parts: pl.DataFrame, parameters: CoverageParameters | None = None
) -> pl.DataFrame:
    """Say how each cell is shared among areas that have parts; residents of the parts, where known, are the prior.

    Parameters
    ----------
    parts
        part, area, easting_m, northing_m, residents: rows of `reference/area_parts`.

    Returns
    -------
    pl.DataFrame
        cell, area, share; see `coverage`.
    """
    centres = parts.select("easting_m", "northing_m", area="part").sort("area")
    known = parts["residents"].null_count() < len(parts)
    prior = parts.select(area="part", weight=pl.col("residents").fill_null(0.0)) if known else None
    by_part = coverage(plan, Areas(centres.select("area", "easting_m", "northing_m")), parameters, prior=prior)
    whole = by_part.rename({"area": "part"}).join(parts.select("part", "area"), on="part")
    return whole.group_by("cell", "area").agg(exact_sum("share").round(9)).sort("cell", "area")
