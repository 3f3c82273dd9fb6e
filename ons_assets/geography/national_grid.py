"""The British National Grid: metres from degrees, by the Ordnance Survey's OSTN15.

pyproj without its grid file falls back, without a word, to a transformation that is metres off; convertbng
has OSTN15 built in. It also converts Belfast, Dublin and Calais, so points are clipped here.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import shapely
from convertbng.cutil import convert_lonlat, convert_to_osgb36

FloatArray = npt.NDArray[np.float64]
Degrees = npt.ArrayLike | Sequence[float]

OUTLINE = Path(__file__).parent / "great_britain.csv"


def to_national_grid(latitude: Degrees, longitude: Degrees) -> tuple[FloatArray, FloatArray]:
    """Convert degrees to the British National Grid, by OSTN15.

    Parameters
    ----------
    latitude, longitude : array of float, shape (n,) or one number
        Degrees, ETRS89 or WGS 84 (they differ by less than a metre), in that order.

    Returns
    -------
    easting_m, northing_m : array of float64, the shape of the input
        Metres on the British National Grid (EPSG:27700). NaN where a point is not in Great Britain (see
        `in_great_britain`) or a coordinate is not a finite number.

    Raises
    ------
    ValueError
        If the two shapes differ.

    References
    ----------
    Ordnance Survey, "Transformations and OSGM15: user guide", for OSTN15 and its 40 test points, which
    this function meets to the millimetre.

    Examples
    --------
    The clock tower at Westminster, and Dublin:

    >>> easting_m, northing_m = to_national_grid([51.5007, 53.3498], [-0.1246, -6.2603])
    >>> easting_m.round(1), northing_m.round(1)
    (array([530268.2,      nan]), array([179640.5,      nan]))
    """
    latitudes, longitudes = as_pair(latitude, longitude)
    inside = in_great_britain(latitudes, longitudes)
    easting, northing = np.full(latitudes.shape, np.nan), np.full(latitudes.shape, np.nan)
    easting[inside], northing[inside] = convert_to_osgb36(longitudes[inside], latitudes[inside])
    return easting, northing


def from_national_grid(easting_m: Degrees, northing_m: Degrees) -> tuple[FloatArray, FloatArray]:
    """Convert metres on the British National Grid to degrees, by OSTN15.

    Returns
    -------
    latitude, longitude : array of float64
        Degrees, ETRS89; NaN off the grid of OSTN15.
    """
    easting, northing = as_pair(easting_m, northing_m)
    longitude, latitude = convert_lonlat(easting.ravel(), northing.ravel())
    return latitude.reshape(easting.shape), longitude.reshape(easting.shape)


def in_great_britain(latitude: Degrees, longitude: Degrees) -> npt.NDArray[np.bool_]:
    """Return which points lie in Great Britain or within some 20 km of its coast.

    The outline, `great_britain.csv`, is coarse: a ring around the mainland and the islands near it, and
    boxes around the far ones and the Isle of Man (which is on the National Grid). It holds every centre
    of a small area in England, Wales and Scotland, all 40 test points of OSTN15, and none of Northern
    Ireland, the Republic, France or the Channel Islands. Points in inshore waters pass.

    Returns
    -------
    array of bool, the shape of the input
        False where a coordinate is not a finite number.
    """
    latitudes, longitudes = as_pair(latitude, longitude)
    return np.asarray(shapely.contains_xy(_outline(), longitudes, latitudes), dtype=np.bool_)


@cache
def _outline() -> shapely.Geometry:
    parts = pl.read_csv(OUTLINE).group_by("part", maintain_order=True).agg("longitude", "latitude")
    rings = [
        shapely.Polygon(np.column_stack([longitude, latitude]))
        for longitude, latitude in zip(parts["longitude"], parts["latitude"], strict=True)
    ]
    outline = shapely.union_all(rings)
    shapely.prepare(outline)
    return outline


def as_pair(first: Degrees, second: Degrees) -> tuple[FloatArray, FloatArray]:
    """Return two coordinates as arrays of one shape.

    Raises
    ------
    ValueError
        If their shapes differ.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"the two coordinates have different shapes: {a.shape} and {b.shape}")
    return a, b
