"""In which of many polygons points lie, of millions of points.

Most points lie far from every boundary. The grid is divided into cells: no boundary touches most of them, so that all
points of such a cell lie in the same polygons as its middle, and only the cell is converted to the degrees of the
polygons. Points of the others, and those of cells with few, are asked one by one.
"""

from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from ons_assets.geography.grid import Grid

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Cells along a side: so many for each polygon along it, within bounds of use and of memory (16 MB).
CELLS_A_POLYGON, FEWEST_CELLS, MOST_CELLS = 32, 256, 2_048
# A cell with fewer points costs as much as they do.
FEWEST_POINTS = 3
# The sides of a cell are no straight lines in degrees: what is held for the cell is wider by this share of it. Those of
# a cell of 10 km are bent by some metres, so that it is far more than is needed.
WIDER = 0.05
# Where the middle and the ends of both sides are, in cells.
NINE = np.stack(np.meshgrid([0.5, 0, 1], [0.5, 0, 1]), axis=-1).reshape(9, 2)
# What is known of a cell, beside the number of the polygon around it.
IN_NONE, UNKNOWN, TO_BE_ASKED = -1, -2, -3


class Boundaries:
    """Polygons in degrees that are asked which of them is around a point of the grid.

    Parameters
    ----------
    polygons : array of polygons, shape (n,)
        Longitude and latitude. Of a point in several, or on an edge of several, the first counts.
    grid
        Of the points.
    box_m
        West, south, east and north of where most points lie, in metres on the grid.
    """

    def __init__(self, polygons: npt.NDArray[np.object_], grid: Grid, box_m: tuple[float, float, float, float]) -> None:
        self._polygons, self._grid = polygons, grid
        self._tree = shapely.STRtree(polygons)
        self._side = int(np.clip(CELLS_A_POLYGON * np.sqrt(len(polygons)), FEWEST_CELLS, MOST_CELLS))
        self._corner = np.array(box_m[:2])
        self._size = (np.array(box_m[2:]) - self._corner) / self._side
        self._known = np.full(self._side**2, UNKNOWN, dtype=np.int32)

    def around(self, easting_m: FloatArray, northing_m: FloatArray) -> IntArray:
        """Return the number of the polygon around each point, on its edge included; -1 for none.

        Parameters
        ----------
        easting_m, northing_m : array of float64, shape (n,)
            Finite numbers.
        """
        across, up = ((each - self._corner[i]) / self._size[i] for i, each in enumerate((easting_m, northing_m)))
        in_box = (across >= 0) & (across < self._side) & (up >= 0) & (up < self._side)
        cell = across[in_box].astype(np.int64) * self._side + up[in_box].astype(np.int64)
        self._get_to_know(cell)
        found = np.full(len(easting_m), TO_BE_ASKED, dtype=np.int64)
        found[in_box] = self._known[cell]
        asked = found < IN_NONE
        found[asked] = self._first_around(*self._degrees(easting_m[asked], northing_m[asked]))
        return found

    def _get_to_know(self, cells: IntArray) -> None:
        """Find out of cells that many points lie in which polygon is around all of the cell."""
        points = np.bincount(cells, minlength=self._side**2)
        [new] = np.nonzero((points >= FEWEST_POINTS) & (self._known == UNKNOWN))
        if self._edges is None or not len(new):
            return
        place = np.stack(np.divmod(new, self._side), axis=1)
        metres = self._corner + (place[:, None, :] + NINE) * self._size
        x, y = (each.reshape(-1, 9) for each in self._degrees(metres[..., 0].ravel(), metres[..., 1].ravel()))
        (west, east), (south, north) = ((each.min(axis=1), each.max(axis=1)) for each in (x, y))
        aside, above = (east - west) * WIDER, (north - south) * WIDER
        boxes = shapely.box(west - aside, south - above, east + aside, north + above)
        touched, _ = self._edges.query(boxes, predicate="intersects")
        known = self._first_around(x[:, 0], y[:, 0])
        known[touched] = TO_BE_ASKED
        # Where a part of a cell is off the grid.
        known[~np.isfinite(west + south + east + north)] = TO_BE_ASKED
        self._known[new] = known

    def _first_around(self, longitude: FloatArray, latitude: FloatArray) -> IntArray:
        point, polygon = self._tree.query(shapely.points(longitude, latitude), predicate="intersects")
        around = np.full(len(longitude), IN_NONE, dtype=np.int64)
        # A point on a shared edge goes to the polygon that is listed first.
        order = np.lexsort((-polygon, point))
        around[point[order]] = polygon[order]
        return around

    def _degrees(self, easting_m: FloatArray, northing_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        latitude, longitude = self._grid.from_grid(easting_m, northing_m)
        return longitude, latitude

    @cached_property
    def _edges(self) -> shapely.STRtree | None:
        """The boundaries of the polygons; None if one has none that could be named."""
        lines = shapely.boundary(self._polygons)
        return None if shapely.is_missing(lines).any() else shapely.STRtree(lines)
