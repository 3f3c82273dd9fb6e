"""From a cell and a moment to tiles and areas: what other methods plug in."""

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.plan import CellPlan

CELL_MOMENT = ("operator", "cell_id", "valid_from_utc", "valid_until_utc")


def shares_of_areas(footprints: pl.DataFrame | pl.LazyFrame, area_of_tile: pl.DataFrame) -> pl.DataFrame:
    """Say how each cell is shared among areas, as long as its network stays as it is.

    Parameters
    ----------
    footprints
        Rows of `mobile/cell_footprints`.
    area_of_tile
        tile_easting_m, tile_northing_m, area: the area that the middle of the tile lies in.

    Returns
    -------
    pl.DataFrame
        operator, cell_id, valid_from_utc, valid_until_utc, area, share. Shares sum to 1 by cell and moment, over
        tiles that have an area; a cell none of whose tiles has one has no row. Sorted.
    """
    tile = ["tile_easting_m", "tile_northing_m"]
    located = footprints.lazy().join(area_of_tile.lazy().drop_nulls("area"), on=tile)
    shares = located.group_by(*CELL_MOMENT, "area").agg(share=exact_sum("probability"))
    whole = exact_sum("share").over("operator", "cell_id", "valid_from_utc")
    return shares.with_columns(pl.col("share") / whole).sort(*CELL_MOMENT[:3], "area").collect()


def coverage_of_footprints(plan: CellPlan, shares: pl.DataFrame) -> pl.DataFrame:
    """Say how each cell of a plan is shared among areas, as `ons_assets.mobile.coverage.coverage` does.

    Parameters
    ----------
    plan
        The cells by number.
    shares
        What `shares_of_areas` returns. A cell that stays while its neighbours change has the mean over the time; what
        is open at the end counts to the last change.

    Returns
    -------
    pl.DataFrame
        cell, area, share. Sorted.
    """
    mine = plan.cells.select("cell", "operator", "cell_id", begins="valid_from_utc", ends="valid_until_utc")
    during = (pl.col("valid_from_utc") >= pl.col("begins")) & (pl.col("valid_from_utc") < pl.col("ends")).fill_null(
        True
    )
    lasts = (pl.col("valid_until_utc") - pl.col("valid_from_utc")).dt.total_seconds()
    # An open network of which nobody knows the end counts as long as the longest that has one.
    weighed = mine.join(shares, on=["operator", "cell_id"]).filter(during).with_columns(lasts=lasts)
    weighed = weighed.with_columns(pl.col("lasts").fill_null(pl.col("lasts").max()).fill_null(1))
    added = weighed.group_by("cell", "area").agg(share=exact_sum(pl.col("share") * pl.col("lasts")).round(9))
    whole = exact_sum("share").over("cell")
    return added.with_columns(pl.col("share") / whole).sort("cell", "area")
