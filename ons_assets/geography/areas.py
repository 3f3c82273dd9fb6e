"""Statistical areas of points: by boundary where boundaries are given, else by the nearest centre."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
import shapely
from scipy.spatial import cKDTree

from ons_assets.geography.boundaries import Boundaries
from ons_assets.geography.grid import Grid
from ons_assets.parameters.geography import REACH_M
from ons_assets.wording import no_such

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# How the area of a point was found: it lies in it, or its centre is the nearest; or why it has none: no centre is so
# near, or there are no areas at all.
BOUNDARY, NEAREST_CENTRE, NONE_NEAR, NO_AREAS = "boundary", "nearest_centre", "none_near", "no_areas"
POINTS_AT_ONCE = 500_000
# Most points lie between the centres, or not farther from them.
AROUND_CENTRES_M = 20_000.0


@dataclass(frozen=True)
class Areas:
    """Areas of one level of the geography, such as MSOA.

    Parameters
    ----------
    centres
        area (GSS code), easting_m, northing_m.
    boundaries
        area and boundary (shapely polygons, longitude and latitude in degrees); may cover some areas only.
    grid
        Of the centres, and of the points that are asked for.
    reach_m
        A point farther than this from every centre, and in no boundary, is in no area.
    """

    centres: pl.DataFrame
    boundaries: tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]] | None = None
    grid: Grid = field(default_factory=Grid)
    reach_m: float = REACH_M

    def locate(
        self, easting_m: FloatArray, northing_m: FloatArray, max_distance_m: float | None = None
    ) -> pl.DataFrame:
        """Return the area of each point.

        A point inside a boundary has that area. Any other point has the area of the nearest centre, with
        the method and the distance saying so: near the edge of an area the nearest centre is often that
        of its neighbour.

        Parameters
        ----------
        easting_m, northing_m : array of float64, shape (n,)
            Metres on the grid.
        max_distance_m
            A point farther than this from every centre has no area; None for `reach_m`.

        Returns
        -------
        pl.DataFrame
            area (null if none), method ("boundary", "nearest_centre" or null), centre_distance_m (to the
            centre of that area), one row a point in their order.
        """
        reach_m = self.reach_m if max_distance_m is None else max_distance_m
        parts = [
            self._locate(easting_m[start : start + POINTS_AT_ONCE], northing_m[start : start + POINTS_AT_ONCE], reach_m)
            for start in range(0, max(len(easting_m), 1), POINTS_AT_ONCE)
        ]
        return pl.concat(parts)

    def _locate(self, easting_m: FloatArray, northing_m: FloatArray, max_distance_m: float) -> pl.DataFrame:
        known = np.isfinite(easting_m) & np.isfinite(northing_m)
        points = np.column_stack([easting_m, northing_m])
        # Row of the area in `centres`; -1 for none.
        area = self._within(easting_m, northing_m, known)
        inside = area >= 0
        outside = known & ~inside
        distance, nearest = self._tree.query(points[outside], distance_upper_bound=np.nextafter(max_distance_m, np.inf))
        area[outside] = np.where(np.isfinite(distance), nearest, -1)
        found = area >= 0
        centre = self._tree.data[np.where(found, area, 0)]
        apart = np.hypot(points[:, 0] - centre[:, 0], points[:, 1] - centre[:, 1])
        number = pl.Series(np.where(found, area, 0))
        return pl.DataFrame(
            {
                "found": found,
                "inside": inside,
                "area": self.centres["area"].cast(pl.String()).gather(number),
                "apart": apart,
            }
        ).select(
            area=pl.when("found").then("area"),
            method=pl.when(pl.col("found") & pl.col("inside"))
            .then(pl.lit(BOUNDARY))
            .when("found")
            .then(pl.lit(NEAREST_CENTRE)),
            centre_distance_m=pl.when("found").then("apart"),
        )

    def _within(self, easting_m: FloatArray, northing_m: FloatArray, known: npt.NDArray[np.bool_]) -> IntArray:
        """Row in `centres` of the boundary around each point, -1 for none."""
        within = np.full(len(easting_m), -1, dtype=np.int64)
        if self.boundaries is None or not known.any():
            return within
        boundaries, row_of_polygon = self._bounded
        polygon = boundaries.around(easting_m[known], northing_m[known])
        within[known] = np.where(polygon >= 0, row_of_polygon[polygon], -1)
        return within

    @cached_property
    def _bounded(self) -> tuple[Boundaries, IntArray]:
        """The boundaries, and the row in `centres` of each."""
        assert self.boundaries is not None
        codes, polygons = self.boundaries
        rows = {code: row for row, code in enumerate(self.centres["area"])}
        (west, south), (east, north) = self._tree.mins - AROUND_CENTRES_M, self._tree.maxes + AROUND_CENTRES_M
        boundaries = Boundaries(polygons, self.grid, (west, south, east, north))
        return boundaries, np.array([rows[code] for code in codes], dtype=np.int64)

    @property
    def _tree(self) -> cKDTree:
        if not hasattr(self, "_kept_tree"):
            tree = cKDTree(self.centres.select("easting_m", "northing_m").to_numpy())
            object.__setattr__(self, "_kept_tree", tree)
        return self._kept_tree  # type: ignore[attr-defined]


def placed_in(
    points: pl.DataFrame, areas: Areas | None, easting: str = "easting_m", northing: str = "northing_m"
) -> pl.DataFrame:
    """Add to points area, area_method, which says how the area was found or why there is none, and area_distance_m.

    Parameters
    ----------
    points
        Metres on the grid.
    areas
        None if there are none.
    easting, northing
        Names of the columns of metres.
    """
    if areas is None:
        return points.with_columns(
            area=pl.lit(None, dtype=pl.String()),
            area_method=pl.lit(NO_AREAS),
            area_distance_m=pl.lit(None, dtype=pl.Float64()),
        )
    found = areas.locate(points[easting].to_numpy(), points[northing].to_numpy())
    renamed = found.rename({"method": "area_method", "centre_distance_m": "area_distance_m"})
    return pl.concat([points, renamed.with_columns(pl.col("area_method").fill_null(NONE_NEAR))], how="horizontal")


class UnknownLevel(ValueError):
    """There are no areas of that level, or several levels to choose from."""


def areas_of(rows: pl.DataFrame, level: str | None = None, grid: Grid | None = None, reach_m: float = REACH_M) -> Areas:
    """Make areas from rows of `reference/areas`.

    Parameters
    ----------
    rows
        level, area, easting_m, northing_m, boundary (GeoJSON of the geometry, or null).
    level
        Level that is wanted; None if there is one only.
    grid
        Of the centres; None for that of Great Britain.
    reach_m
        See `Areas`.

    Raises
    ------
    UnknownLevel
        If there is no such level, or none was named and there are several.
    """
    levels = sorted(rows["level"].unique())
    if level is None and len(levels) > 1:
        raise UnknownLevel(f"there are areas of the levels {', '.join(levels)}: say which, with area_level")
    if level is not None and level not in levels:
        raise UnknownLevel(no_such("level of areas", level, levels))
    chosen = rows.filter(pl.col("level") == level) if level is not None else rows
    centres = chosen.select("area", "easting_m", "northing_m").sort("area")
    bounded = chosen.drop_nulls("boundary").sort("area")
    if bounded.is_empty():
        return Areas(centres, grid=grid or Grid(), reach_m=reach_m)
    polygons = shapely.from_geojson(bounded["boundary"].to_list())
    codes = bounded["area"].to_numpy().astype(object)
    return Areas(centres, (codes, np.asarray(polygons, dtype=object)), grid or Grid(), reach_m)
