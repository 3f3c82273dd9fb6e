"""The grid that tiles lie on: that of the country, or the one that Europe shares."""

from functools import cache

import numpy as np
import polars as pl
from pyproj import Transformer

from ons_assets.geography.grid import Grid

COUNTRY, EUROPE = "country", "EPSG:3035"


def on_grid(places: pl.DataFrame, grid: str, country: Grid | None = None) -> pl.DataFrame:
    """Return places with x_m and y_m on the grid of the tiles; null where they have no place on it.

    Parameters
    ----------
    places
        easting_m, northing_m; and latitude, longitude if they are known, which then decide for Europe.
    grid
        ``"country"``, whose positions are taken as they are, or ``"EPSG:3035"`` (ETRS89, Lambert's equal areas: its
        tiles are those of INSPIRE; within a metre of WGS 84).
    country
        Its grid; None for that of Great Britain.
    """
    if grid == COUNTRY:
        return places.with_columns(x_m="easting_m", y_m="northing_m")
    if "latitude" in places.columns:
        latitude, longitude = (places[name].fill_null(float("nan")).to_numpy() for name in ("latitude", "longitude"))
    else:
        latitude, longitude = (country or Grid()).from_grid(
            places["easting_m"].to_numpy(), places["northing_m"].to_numpy()
        )
    known = np.isfinite(latitude) & np.isfinite(longitude)
    east, north = np.full(len(places), np.nan), np.full(len(places), np.nan)
    east[known], north[known] = _to_europe().transform(longitude[known], latitude[known])
    # Of what lies beyond its area PROJ makes infinity.
    made = places.with_columns(x_m=pl.Series(east), y_m=pl.Series(north))
    finite = pl.col("x_m").is_finite() & pl.col("y_m").is_finite()
    return made.with_columns(pl.when(finite).then(pl.col(name)).alias(name) for name in ("x_m", "y_m"))


@cache
def _to_europe() -> Transformer:
    return Transformer.from_crs("EPSG:4258", EUROPE, always_xy=True)
