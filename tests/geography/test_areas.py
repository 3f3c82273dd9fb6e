import gzip
import json
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from ons_assets.geography.areas import UnknownLevel, areas_of
from ons_assets.geography.national_grid import to_national_grid
from ons_assets.intake.unreadable import Unreadable
from ons_assets.reference.geography import AreaFiles

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
                        "properties": {"MSOA11CD": code},
                        "geometry": {"type": "Polygon", "coordinates": [ring]},
                    }
                    for code, ring in features
                ],
            }
        )
    )
    return path


def read_areas(path):
    return AreaFiles().whole(path, path.name, datetime.now(UTC))


def rows_of(path):
    return read_areas(path).accepted


@pytest.fixture
def squares(tmp_path):
    return areas_of(rows_of(write(tmp_path / "areas.geojson", [("A", SQUARE), ("B", NEXT)])))


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


def test_areas_without_a_boundary_keep_their_centre(tmp_path):
    squares = rows_of(write(tmp_path / "areas.geojson", [("A", SQUARE), ("B", NEXT)]))
    table = tmp_path / "centres.csv"
    table.write_text("MSOA11CD,latitude,longitude\nC,53.0,-2.0\n")
    both = areas_of(pl.concat([squares, rows_of(table)]))
    assert both.centres["area"].to_list() == ["A", "B", "C"]
    assert both.locate(*to_national_grid([53.001], [-2.0])).row(0)[:2] == ("C", "nearest_centre")
    assert both.locate(*to_national_grid([52.05], [-1.99])).row(0)[:2] == ("A", "boundary")


@pytest.mark.parametrize(
    ("columns", "values", "level"),
    [
        ("area,easting_m,northing_m", "{code},400000,300000", "area"),
        ("level,area,easting_m,northing_m", "lad,{code},400000,300000", "lad"),
        ("FID,WD11CD,WD11NM,LAD11CD,easting,northing", "1,{code},Name,E06000001,400000,300000", "wd11"),
        ("LSOACD,latitude,longitude", "{code},52.6,-2.0", "lsoa"),
        ("msoa11cd, Latitude ,LONGITUDE", "{code},52.6,-2.0", "msoa11"),
        ("Area,Easting_M,Northing_M", "{code},400000,300000", "area"),
    ],
)
def test_centres_come_in_several_layouts(tmp_path, columns, values, level):
    path = tmp_path / "centres.csv"
    path.write_text(f"{columns}\n{values.format(code='E05000051')}\n{values.format(code='')}\n")
    parsed = read_areas(path)
    [row] = parsed.accepted.rows(named=True)
    assert (row["level"], row["area"], row["boundary"], row["line"]) == (level, "E05000051", None, 2)
    assert abs(row["easting_m"] - 400_000) < 100
    assert abs(row["northing_m"] - 300_000) < 3_000
    assert parsed.rejected.select("line", "reason").rows() == [(3, "code of the area is missing")]


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
@pytest.mark.parametrize("pair", ["BNG_E,BNG_N", "LAT,LONG", "LONG,LAT", "latitude,longitude", "easting,northing"])
def test_the_columns_of_the_portal_are_found_in_any_case_of_letters(tmp_path, pair, case):
    """The files of the Open Geography portal have both, and other columns around them."""
    values = {"BNG_E": 400000, "BNG_N": 300000, "EASTING": 400000, "NORTHING": 300000}
    values |= {"LAT": 52.6, "LONG": -2.0, "LATITUDE": 52.6, "LONGITUDE": -2.0}
    path = tmp_path / "portal.csv"
    row = ",".join(str(values[name.upper()]) for name in pair.split(","))
    path.write_text(f"FID,LAD23CD,LAD23NM,{case(pair)},Shape__Area\n1,E08000012,Liverpool,{row},9.5\n")
    assert AreaFiles().recognises(path, path.name)
    read = read_areas(path).accepted
    assert read["level"].to_list() == ["lad23"]
    assert read["easting_m"][0] == pytest.approx(400_000, abs=500)
    assert read["northing_m"][0] == pytest.approx(300_000, abs=1_000)


def test_the_level_must_be_clear(tmp_path):
    path = tmp_path / "centres.csv"
    path.write_text("level,area,easting_m,northing_m\nlad,A,400000,300000\nmsoa,B,400000,300000\n")
    rows = rows_of(path)
    assert areas_of(rows, "msoa").centres["area"].to_list() == ["B"]
    with pytest.raises(UnknownLevel, match="lad, msoa: say which"):
        areas_of(rows)
    with pytest.raises(UnknownLevel, match="no level of areas 'oa'"):
        areas_of(rows, "oa")


def test_swapped_axes_are_rejected(tmp_path):
    swapped = write(tmp_path / "swapped.geojson", [("A", [[y, x] for x, y in SQUARE])])
    table = tmp_path / "centres.csv"
    table.write_text("MSOA11CD,latitude,longitude\nA,-1.9,52.0\n")
    for path in (swapped, table):
        with pytest.raises(Unreadable, match="are the axes swapped") as raised:
            read_areas(path)
        assert raised.value.rejected["line"].len() == 1


def test_areas_that_contradict_each_other_and_what_is_no_polygon_are_rejected(tmp_path):
    path = write(
        tmp_path / "areas.geojson", [("A", SQUARE), ("A", NEXT), ("B", SQUARE[:2]), ("C", SQUARE), ("C", SQUARE)]
    )
    parsed = read_areas(path)
    assert parsed.accepted.select("area", "line").rows() == [("C", 4)]
    assert parsed.rejected.select("line", "reason").rows() == [
        (1, "contradicts line 2"),
        (2, "contradicts line 1"),
        (3, "neither a centre nor a polygon"),
        (5, "repeats line 4"),
    ]


def test_what_is_neither_layout_is_refused(tmp_path):
    path = tmp_path / "x.geojson"
    path.write_text("{}")
    with pytest.raises(Unreadable, match="has no header that a layout knows"):
        read_areas(path)


def test_real_boundaries_against_the_brute_force_of_every_polygon(shared_data):
    import shapely

    path = shared_data / "geo" / "geography" / "liverpool_msoa11_boundaries.geojson.gz"
    areas = areas_of(rows_of(path))
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


def test_how_often_the_nearest_centre_is_the_right_area(shared_data, tmp_path):
    """The figure that docs/methods/geography.md gives."""
    folder = shared_data / "geo" / "geography"
    boundaries = areas_of(rows_of(folder / "liverpool_msoa11_boundaries.geojson.gz"))
    lookup = pl.read_csv(folder / "msoa_lookup_centroids.csv.gz", infer_schema_length=None).drop_nulls("MSOA11CD")
    table = tmp_path / "centres.csv"
    lookup.select("MSOA11CD", "latitude", "longitude").write_csv(table)
    centres = areas_of(rows_of(table))
    sales = pl.read_csv(shared_data / "geo" / "address" / "liverpool_price_paid_2014.csv.gz")
    at = (sales["easting"].cast(pl.Float64()).to_numpy(), sales["northing"].cast(pl.Float64()).to_numpy())
    truth, guess = boundaries.locate(*at), centres.locate(*at)
    right = (truth["area"] == guess["area"]).mean()
    assert (truth["method"] == "boundary").mean() > 0.99
    assert 0.75 < right < 0.95
