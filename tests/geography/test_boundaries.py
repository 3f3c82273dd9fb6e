"""Points are found in the polygons that are around them, whatever cell they are in."""

import numpy as np
import pytest
import shapely

from ons_assets.geography import boundaries
from ons_assets.geography.boundaries import Boundaries
from ons_assets.geography.grid import Grid

N = 20_000
# A grid, west, south, east and north in metres of where points lie, and the same about the polygons in degrees.
PLACES = {
    "Great Britain": (Grid(), (400_000, 200_000, 460_000, 260_000), (-2.2, 51.6, -0.9, 52.4)),
    "where OSTN15 ends": (Grid(), (640_000, 300_000, 720_000, 380_000), (1.3, 52.4, 3.2, 53.5)),
    "a zone of UTM": (Grid("EPSG:32633"), (250_000, 5_200_000, 750_000, 5_700_000), (11.0, 46.5, 19.0, 51.8)),
    "Europe": (Grid("EPSG:3035"), (2_500_000, 1_500_000, 6_500_000, 5_000_000), (-20.0, 30.0, 45.0, 68.0)),
    "where the day begins": (
        Grid("EPSG:3832"),
        (3_000_000, -2_000_000, 4_500_000, 1_000_000),
        (170.0, -20.0, 180.0, 9.0),
    ),
}


def polygons(seed: int, bounds: tuple[float, float, float, float]) -> np.ndarray:
    """Return polygons that share edges, overlap, have holes or several parts, or cross themselves."""
    random = np.random.default_rng(seed)
    low, high = np.array(bounds[:2]), np.array(bounds[2:])
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.MultiPoint(random.uniform(low, high, (30, 2))), extend_to=shapely.box(*bounds))
    )
    inside = shapely.intersection(cells, shapely.box(*bounds))
    middle, size = (low + high) / 2, (high - low).min()
    ring = shapely.difference(
        shapely.buffer(shapely.Point(middle), size / 3), shapely.buffer(shapely.Point(middle), size / 4)
    )
    bow = shapely.Polygon(middle + size / 5 * np.array([[-1, -1], [1, 1], [1, -1], [-1, 1]]))
    two = shapely.union(inside[0], shapely.buffer(inside[-1], -size / 50))
    return np.array([bow, *inside[5:], two, ring], dtype=object)


def asked_one_by_one(around: np.ndarray, grid: Grid, easting: np.ndarray, northing: np.ndarray) -> np.ndarray:
    latitude, longitude = grid.from_grid(easting, northing)
    found = np.full(len(easting), -1)
    for number in reversed(range(len(around))):
        found[shapely.intersects_xy(around[number], longitude, latitude)] = number
    return found


@pytest.mark.parametrize("place", PLACES)
def test_a_point_is_in_the_first_polygon_around_it(place: str) -> None:
    grid, box, bounds = PLACES[place]
    random = np.random.default_rng(11)
    around = polygons(11, bounds)
    corners = shapely.get_coordinates(around)
    on_edges = grid.to_grid(corners[:, 1], corners[:, 0])
    finite = np.isfinite(on_edges[0])
    # Many in few places, so that cells answer, and some far from there.
    places = random.uniform(box[:2], box[2:], (300, 2))
    near = places[random.integers(len(places), size=N)] + random.normal(0, (box[2] - box[0]) / 500, (N, 2))
    anywhere = random.uniform(np.array(box[:2]) - 50_000, np.array(box[2:]) + 50_000, (N, 2))
    points = np.concatenate([near, anywhere, np.column_stack(on_edges)[finite]])
    asked = Boundaries(around, grid, box)
    expected = asked_one_by_one(around, grid, points[:, 0], points[:, 1])
    # The second time more is known.
    for _ in range(2):
        assert np.array_equal(asked.around(points[:, 0], points[:, 1]), expected)
    assert len(set(expected)) > 10
    assert (asked._known >= 0).any()
    assert (asked._known == boundaries.TO_BE_ASKED).any()


def test_cells_answer_only_where_no_boundary_is_near() -> None:
    grid = Grid()
    easting, northing = np.full(100, 430_000.0), np.full(100, 230_000.0)
    latitude, longitude = grid.from_grid(easting[:1], northing[:1])
    # A hole of a metre, around the points: the cell is 400 metres wide.
    hole = shapely.buffer(shapely.Point(longitude[0], latitude[0]), 1e-5)
    square = shapely.difference(shapely.box(-2.2, 51.6, -0.9, 52.4), hole)
    asked = Boundaries(np.array([square], dtype=object), grid, (400_000, 200_000, 500_000, 300_000))
    assert set(asked.around(easting, northing)) == {-1}
    assert set(asked.around(easting + 50, northing)) == {0}
    assert set(asked.around(easting + 2_000, northing)) == {0}
    assert (asked._known >= 0).sum() == 1


def test_no_points() -> None:
    grid, box, bounds = PLACES["Great Britain"]
    assert len(Boundaries(polygons(1, bounds), grid, box).around(np.array([]), np.array([]))) == 0
