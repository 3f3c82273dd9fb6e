"""Statistical areas of points: by boundary where boundaries are given, else by the nearest centre."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import shapely
from scipy.spatial import cKDTree

from ons_assets.geography.national_grid import from_national_grid, to_national_grid

FloatArray = npt.NDArray[np.float64]

BOUNDARY, NEAREST_CENTRE = "boundary", "nearest_centre"
POINTS_AT_ONCE = 500_000
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Areas:
    """Areas of one level of the geography, such as MSOA.

    Parameters
    ----------
    centres
        area (GSS code), easting_m, northing_m.
    boundaries
        area and boundary (shapely polygons, longitude and latitude in degrees); may cover some areas only.
    """

    centres: pl.DataFrame
    boundaries: tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]] | None = None

    def locate(self, easting_m: FloatArray, northing_m: FloatArray, max_distance_m: float = 20_000) -> pl.DataFrame:
        """Return the area of each point.

        A point inside a boundary has that area. Any other point has the area of the nearest centre, with
        the method and the distance saying so: near the edge of an area the nearest centre is often that
        of its neighbour.

        Parameters
        ----------
        easting_m, northing_m : array of float64, shape (n,)
            Metres on the British National Grid.
        max_distance_m
            A point farther than this from every centre is at sea, and has no area.

        Returns
        -------
        pl.DataFrame
            area (null if none), method ("boundary", "nearest_centre" or null), centre_distance_m (to the
            centre of that area), one row a point in their order.
        """
        parts = [
            self._locate(
                easting_m[start : start + POINTS_AT_ONCE], northing_m[start : start + POINTS_AT_ONCE], max_distance_m
            )
            for start in range(0, max(len(easting_m), 1), POINTS_AT_ONCE)
        ]
        return pl.concat(parts)

    def _locate(self, easting_m: FloatArray, northing_m: FloatArray, max_distance_m: float) -> pl.DataFrame:
        known = np.isfinite(easting_m) & np.isfinite(northing_m)
        points = np.column_stack([easting_m, northing_m])
        codes = self.centres["area"].to_numpy().astype(object)
        distance = np.full(len(points), np.nan)
        nearest = np.full(len(points), -1)
        distance[known], nearest[known] = self._tree.query(points[known])
        is_near = known & (distance <= max_distance_m)
        nothing = np.full(len(points), None, dtype=object)
        area = np.where(is_near, codes[nearest], nothing)
        method = np.where(is_near, np.full(len(points), NEAREST_CENTRE, dtype=object), nothing)
        if self.boundaries is not None and known.any():
            within = self._within(easting_m, northing_m, known)
            inside = within != None  # noqa: E711 (elementwise)
            area, method = (
                np.where(inside, within, area),
                np.where(inside, np.full(len(points), BOUNDARY, dtype=object), method),
            )
            distance = np.where(inside, self._centre_distances(within, points), distance)
        located = pl.DataFrame(
            {
                "area": pl.Series(area, dtype=pl.String()),
                "method": pl.Series(method, dtype=pl.String()),
                "centre_distance_m": pl.Series(distance, dtype=pl.Float64()).fill_nan(None),
            }
        )
        return located.with_columns(pl.when(pl.col("area").is_not_null()).then("centre_distance_m"))

    def _within(self, easting_m: FloatArray, northing_m: FloatArray, known: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
        assert self.boundaries is not None
        codes, polygons = self.boundaries
        latitude, longitude = from_national_grid(easting_m[known], northing_m[known])
        point, polygon = shapely.STRtree(polygons).query(shapely.points(longitude, latitude), predicate="intersects")
        within = np.full(len(easting_m), None, dtype=object)
        # A point on a shared edge goes to the area that is listed first.
        order = np.lexsort((-polygon, point))
        within[np.flatnonzero(known)[point[order]]] = codes[polygon[order]]
        return within

    def _centre_distances(self, area: npt.NDArray[Any], points: FloatArray) -> FloatArray:
        centres = pl.DataFrame({"area": pl.Series(area, dtype=pl.String())}).join(
            self.centres, on="area", how="left", maintain_order="left"
        )
        return np.asarray(
            np.hypot(points[:, 0] - centres["easting_m"].to_numpy(), points[:, 1] - centres["northing_m"].to_numpy())
        )

    @property
    def _tree(self) -> cKDTree:
        if not hasattr(self, "_kept_tree"):
            tree = cKDTree(self.centres.select("easting_m", "northing_m").to_numpy())
            object.__setattr__(self, "_kept_tree", tree)
        return self._kept_tree  # type: ignore[attr-defined]


def areas_from_centres(
    rows: pl.DataFrame, area: str, latitude: str = "latitude", longitude: str = "longitude"
) -> Areas:
    """Make areas from a table of centres.

    Parameters
    ----------
    rows
        One row an area, or a smaller part of it; the centre of several rows is their mean.
    area, latitude, longitude
        Names of its columns; degrees.

    Raises
    ------
    ValueError
        If no centre lies in Great Britain.
    """
    known = rows.select(area=pl.col(area).cast(pl.String()), latitude=latitude, longitude=longitude).drop_nulls()
    easting, northing = to_national_grid(known["latitude"].to_numpy(), known["longitude"].to_numpy())
    centres = (
        known.with_columns(easting_m=pl.Series(easting), northing_m=pl.Series(northing))
        .filter(pl.col("easting_m").is_finite())
        .group_by("area")
        .agg(pl.col("easting_m", "northing_m").mean())
        .sort("area")
    )
    if centres.is_empty():
        raise ValueError("no centre of an area lies in Great Britain: are latitude and longitude swapped?")
    return Areas(centres)


def areas_from_geojson(path: Path, area: str) -> Areas:
    """Read boundaries from a GeoJSON file, plain or gzip; longitude and latitude as RFC 7946 says.

    Parameters
    ----------
    area
        Property that holds the code.

    Raises
    ------
    ValueError
        If the file is no GeoJSON of polygons with that property in degrees.
    """
    content = path.read_bytes()
    text = gzip.decompress(content) if content.startswith(GZIP_MAGIC) else content
    try:
        features = json.loads(text)["features"]
        codes = np.array([str(feature["properties"][area]) for feature in features], dtype=object)
        polygons = shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features])
    except (KeyError, TypeError, ValueError, shapely.errors.GEOSException):
        raise ValueError(f"{path.name} is not a GeoJSON file of features with the property {area!r}") from None
    centre = shapely.centroid(polygons)
    easting, northing = to_national_grid(shapely.get_y(centre), shapely.get_x(centre))
    if not np.isfinite(easting).all():
        raise ValueError(f"{path.name} has boundaries outside Great Britain, or not in degrees longitude and latitude")
    centres = pl.DataFrame({"area": pl.Series(codes, dtype=pl.String()), "easting_m": easting, "northing_m": northing})
    return Areas(centres.group_by("area").agg(pl.all().mean()).sort("area"), (codes, polygons))


def combine(boundaries: Areas, centres: Areas) -> Areas:
    """Return areas with the boundaries of one and, for areas that it lacks, the centres of the other."""
    further = centres.centres.join(boundaries.centres, on="area", how="anti")
    return Areas(pl.concat([boundaries.centres, further]).sort("area"), boundaries.boundaries)
