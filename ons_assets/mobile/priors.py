"""What the office knows of where people are, as a prior for footprints."""

from collections.abc import Mapping

import polars as pl

from ons_assets.geography.grid import Grid
from ons_assets.mobile.footprints import Prior
from ons_assets.mobile.tile_grids import on_grid
from ons_assets.parameters.mobile_network import FootprintParameters

TABLES = {"land_use": "reference/land_use", "addresses": "reference/addresses", "residents": "reference/area_parts"}


def prior_of(
    known: Mapping[str, pl.LazyFrame | None], parameters: FootprintParameters, country: Grid | None = None
) -> Prior | None:
    """Return the prior that the parameters ask for; None if all tiles are alike.

    Parameters
    ----------
    known
        Tables by the word for their prior, None where there is none: land_use (weight of each tile of its own),
        addresses (of which residential ones count) and residents (of parts of areas).
    parameters
        `prior`, and the grid of the tiles.
    country
        The grid of the tables; None for that of Great Britain.

    Raises
    ------
    ValueError
        If a prior is asked for by name and its table is not there.
    """
    if parameters.prior == "area":
        return None
    asked = list(TABLES) if parameters.prior == "best" else [parameters.prior]
    for name in asked:
        table = known.get(name)
        if table is not None and len(points := _points(name, table)):
            placed = on_grid(points, parameters.grid, country).drop_nulls(["x_m", "y_m"])
            weighed = placed.select("x_m", "y_m", "weight").sort(pl.all())
            return Prior(weighed, spread=name != "addresses")
    if parameters.prior != "best":
        raise ValueError(f"prior is {parameters.prior}, and {TABLES[parameters.prior]} has no rows for it")
    return None


def _points(name: str, table: pl.LazyFrame) -> pl.DataFrame:
    if name == "land_use":
        return table.select("easting_m", "northing_m", weight="land_weight").collect()
    if name == "addresses":
        homes = table.filter(pl.col("class") == "residential")
        return homes.select("easting_m", "northing_m", weight=pl.lit(1.0)).collect()
    return table.select("easting_m", "northing_m", weight="residents").drop_nulls("weight").collect()
