import gzip
import json

import numpy as np
import polars as pl
import pytest

from ons_assets.geography.areas import areas_from_centres, areas_from_geojson, combine
from ons_assets.geography.national_grid import to_national_grid

SQUARE = [[-2.0, 52.0], [-1.9, 52.0], [-1.9, 52.1], [-2.0, 52.1], [-2.0, 52.0]]
NEXT = [[x + 0.1, y] for x, y in SQUARE]


def write(path, features):
    path.write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "properties": {"code": code},
                        "geometry": {"type": "Polygon", "coordinates": [ring]},
                    }
                    for code, ring in features
                ],
            }
        )
    )
    return path


@pytest.fixture
def squares(tmp_path):
    return areas_from_geojson(write(tmp_path / "areas.geojson", [("A", SQUARE), ("B", NEXT)]), "code")


def test_a_point_inside_a_boundary(squares):
    found = squares.locate(*to_national_grid([52.05, 52.05], [-1.99, -1.81]))
    assert found["area"].to_list() == ["A", "B"]
    assert found["method"].unique().to_list() == ["boundary"]


def test_a_point_outside_every_boundary_has_the_nearest_centre_and_says_so(squares):
    found = squares.locate(*to_national_grid([52.12], [-1.99]))
    assert found.row(0)[:2] == ("A", "nearest_centre")
    assert 5_000 < found["centre_distance_m"][0] < 10_000


def test_a_point_far_from_every_centre_has_no_area(squares):
    found = squares.locate(*to_national_grid([55.0], [-2.0]))
    assert found.row(0) == (None, None, None)


def test_a_point_that_is_not_known_has_no_area(squares):
    assert squares.locate(np.array([np.nan]), np.array([np.nan])).row(0) == (None, None, None)


def test_no_points(squares):
    assert squares.locate(np.array([]), np.array([])).is_empty()


def test_areas_without_a_boundary_keep_their_centre(squares):
    centres = areas_from_centres(
        pl.DataFrame({"code": ["A", "C"], "latitude": [52.05, 53.0], "longitude": [-1.95, -2.0]}), "code"
    )
    both = combine(squares, centres)
    assert both.centres["area"].to_list() == ["A", "B", "C"]
    assert both.locate(*to_national_grid([53.001], [-2.0])).row(0)[:2] == ("C", "nearest_centre")


def test_swapped_axes_are_refused(tmp_path):
    swapped = write(tmp_path / "swapped.geojson", [("A", [[y, x] for x, y in SQUARE])])
    with pytest.raises(ValueError, match="outside Great Britain"):
        areas_from_geojson(swapped, "code")
    with pytest.raises(ValueError, match="swapped"):
        areas_from_centres(pl.DataFrame({"c": ["A"], "latitude": [-1.9], "longitude": [52.0]}), "c")


def test_what_is_no_geojson_is_refused(tmp_path):
    path = tmp_path / "x.geojson"
    path.write_text("{}")
    with pytest.raises(ValueError, match="is not a GeoJSON"):
        areas_from_geojson(path, "code")


def test_real_boundaries_against_the_brute_force_of_every_polygon(shared_data):
    import shapely

    path = shared_data / "geo" / "geography" / "liverpool_msoa11_boundaries.geojson.gz"
    areas = areas_from_geojson(path, "MSOA11CD")
    generator = np.random.default_rng(3)
    latitude, longitude = generator.uniform(53.35, 53.46, 500), generator.uniform(-3.0, -2.85, 500)
    found = areas.locate(*to_national_grid(latitude, longitude))
    features = json.loads(gzip.decompress(path.read_bytes()))["features"]
    polygons = {f["properties"]["MSOA11CD"]: shapely.from_geojson(json.dumps(f["geometry"])) for f in features}
    for row, (area, method, _) in enumerate(found.iter_rows()):
        truth = [
            code for code, polygon in polygons.items() if polygon.contains(shapely.Point(longitude[row], latitude[row]))
        ]
        assert ([area] if method == "boundary" else []) == truth
    assert (found["method"] == "boundary").sum() > 200


def test_how_often_the_nearest_centre_is_the_right_area(shared_data):
    """The figure that docs/methods/geography.md gives."""
    folder = shared_data / "geo" / "geography"
    boundaries = areas_from_geojson(folder / "liverpool_msoa11_boundaries.geojson.gz", "MSOA11CD")
    lookup = pl.read_csv(folder / "msoa_lookup_centroids.csv.gz", infer_schema_length=None).drop_nulls("MSOA11CD")
    centres = areas_from_centres(lookup, "MSOA11CD")
    sales = pl.read_csv(shared_data / "geo" / "address" / "liverpool_price_paid_2014.csv.gz")
    at = (sales["easting"].cast(pl.Float64()).to_numpy(), sales["northing"].cast(pl.Float64()).to_numpy())
    truth, guess = boundaries.locate(*at), centres.locate(*at)
    right = (truth["area"] == guess["area"]).mean()
    assert (truth["method"] == "boundary").mean() > 0.99
    assert 0.75 < right < 0.95
