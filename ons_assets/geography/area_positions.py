"""Where areas are: centres and boundaries of any reference system, on the grid and in degrees."""

from functools import partial

import numpy as np
import polars as pl
import shapely

from ons_assets.geography.grid import Grid, to_degrees
from ons_assets.geography.national_grid import FloatArray
from ons_assets.intake.json_document import CRS
from ons_assets.projections import BadProjection, is_wgs84

# Of a degree, in boundaries that were in metres: a tenth of a millimetre.
DECIMALS = 9
SHOWN_CHARACTERS = 60
PLACE = {"easting_m": pl.Float64(), "northing_m": pl.Float64(), "boundary": pl.String()}


def placed(rows: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """Put centres and boundaries, in whatever reference system, on the grid and in degrees.

    Parameters
    ----------
    rows
        latitude, longitude, easting_m, northing_m, boundary (GeoJSON geometry), any of them null; crs, what the file
        says of them. Where it says nothing, degrees are WGS 84, and metres on the grid.
    grid
        Of the installation.

    Returns
    -------
    pl.DataFrame
        easting_m, northing_m (of the centre that is given, else of the centroid; null off the grid), boundary (degrees,
        null if it is no polygon), has_centre, lost_because (which reference system it states and why that cannot be
        used: then there is neither centre nor boundary; null if it can). One row each, in their order.
    """
    numbered = rows.with_row_index("row")
    parts = [_of_stated(part, grid) for part in numbered.partition_by(CRS, maintain_order=True)]
    return (pl.concat(parts) if parts else _of_system(numbered, None, grid)).sort("row").drop("row")


def _of_stated(rows: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    stated = rows[CRS][0]
    try:
        return _of_system(rows, stated, grid)
    except BadProjection as error:
        nothing = (pl.lit(None, dtype=dtype).alias(name) for name, dtype in PLACE.items())
        why = pl.lit(f"{stated[:SHOWN_CHARACTERS]}, which {error}")
        return rows.select("row", *nothing, has_centre=pl.lit(False), lost_because=why)


def _of_system(rows: pl.DataFrame, crs: str | None, grid: Grid) -> pl.DataFrame:
    """Rows of one reference system; None for WGS 84, or the grid."""
    in_metres = pl.col("easting_m").is_not_null() & pl.col("northing_m").is_not_null()
    given = rows.select(
        x=pl.when(in_metres).then("easting_m").otherwise("longitude").fill_null(np.nan),
        y=pl.when(in_metres).then("northing_m").otherwise("latitude").fill_null(np.nan),
        in_metres=in_metres,
    )
    x, y = given["x"].to_numpy(), given["y"].to_numpy()
    polygons = np.array([_polygon(text) for text in rows["boundary"]], dtype=object)
    boundary = [text if polygon is not None else None for text, polygon in zip(rows["boundary"], polygons, strict=True)]
    latitude, longitude = y, x
    if crs is not None and not is_wgs84(crs):
        latitude, longitude = to_degrees(crs, x, y, grid.accuracy_m)
        polygons = shapely.transform(polygons, partial(_in_degrees, crs=crs, accuracy_m=grid.accuracy_m))
        boundary = [shapely.to_geojson(polygon) if polygon is not None else None for polygon in polygons]
    middle = shapely.centroid(polygons)
    has_centre = ~(np.isnan(x) | np.isnan(y))
    easting, northing = grid.to_grid(
        np.where(has_centre, latitude, shapely.get_y(middle)), np.where(has_centre, longitude, shapely.get_x(middle))
    )
    # A centre that is on the grid already stands as it is.
    stands = given["in_metres"].to_numpy() & (crs in (None, grid.crs))
    return pl.DataFrame(
        {
            "row": rows["row"],
            "easting_m": pl.Series(np.where(stands, x, easting)).fill_nan(None),
            "northing_m": pl.Series(np.where(stands, y, northing)).fill_nan(None),
            "boundary": pl.Series(boundary, dtype=pl.String()),
            "has_centre": has_centre | ~shapely.is_missing(polygons),
            "lost_because": pl.Series([None], dtype=pl.String()).new_from_index(0, len(rows)),
        }
    )


def _polygon(text: str | None) -> shapely.Geometry | None:
    try:
        polygon = shapely.from_geojson(text or "null")
    except shapely.errors.GEOSException:
        return None
    is_one = polygon is not None and not polygon.is_empty and polygon.geom_type in ("Polygon", "MultiPolygon")
    return polygon if is_one else None


def _in_degrees(points: FloatArray, *, crs: str, accuracy_m: float) -> FloatArray:
    latitude, longitude = to_degrees(crs, points[:, 0], points[:, 1], accuracy_m)
    return np.column_stack([longitude, latitude]).round(DECIMALS)
