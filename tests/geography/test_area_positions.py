"""Boundaries and centres may come in any reference system that their file states."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pyproj
import pytest
import shapely

from ons_assets.geography.cities import cities_without_areas
from ons_assets.geography.grid import Grid
from ons_assets.geography.national_grid import to_national_grid
from ons_assets.intake.unreadable import Unreadable
from ons_assets.parameters.geography import Country
from ons_assets.reference.geography import AddressFiles, AreaFiles
from ons_assets.reference.labour import AreaPartFiles

RECEIVED = datetime(2026, 3, 1, tzinfo=UTC)
NEW_YORK = Country(crs="EPSG:32618", time_zone="America/New_York")
SQUARE = [(-1.2, 50.7), (-1.0, 50.7), (-1.0, 50.9), (-1.2, 50.9), (-1.2, 50.7)]
MANHATTAN = [(-74.0, 40.7), (-73.9, 40.7), (-73.9, 40.8), (-74.0, 40.8), (-74.0, 40.7)]


def moved(ring: list[tuple[float, float]], crs: str) -> list[list[float]]:
    if crs == "EPSG:27700":
        x, y = to_national_grid([place[1] for place in ring], [place[0] for place in ring])
    else:
        x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*zip(*ring, strict=True))
    return [[float(a), float(b)] for a, b in zip(x, y, strict=True)]


def read(path: Path, crs: object, ring: list[list[float]], country: Country | None = None) -> pl.DataFrame:
    feature = {
        "type": "Feature",
        "properties": {"MSOA11CD": "E02000001"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    stated = {} if crs is None else {"crs": crs}
    path.write_text(json.dumps({"type": "FeatureCollection", **stated, "features": [feature]}))
    return AreaFiles(country=country or Country()).whole(path, path.name, RECEIVED).accepted


def named(crs: str) -> dict[str, object]:
    return {"type": "name", "properties": {"name": crs}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "areas.geojson"


@pytest.mark.parametrize(
    ("stated", "crs"),
    [
        (named("urn:ogc:def:crs:OGC:1.3:CRS84"), "EPSG:4326"),
        (named("urn:ogc:def:crs:EPSG::27700"), "EPSG:27700"),
        (named("EPSG:3857"), "EPSG:3857"),
        (named("http://www.opengis.net/def/crs/EPSG/0/3035"), "EPSG:3035"),
        ({"type": "EPSG", "properties": {"code": 27700}}, "EPSG:27700"),
        # A number of Esri's, called one of EPSG's, as ArcGIS writes it.
        (named("urn:ogc:def:crs:EPSG::102100"), "EPSG:3857"),
    ],
)
def test_the_same_boundary_in_any_system_is_the_same_area(path: Path, stated: object, crs: str) -> None:
    plain = read(path, None, [list(place) for place in SQUARE]).row(0, named=True)
    found = read(path, stated, moved(SQUARE, crs)).row(0, named=True)
    ring = np.array(json.loads(found["boundary"])["coordinates"][0])
    np.testing.assert_allclose(ring, SQUARE, atol=2e-8)
    assert [found["easting_m"], found["northing_m"]] == pytest.approx(
        [plain["easting_m"], plain["northing_m"]], abs=0.01
    )


def test_another_country_has_its_boundaries_on_its_own_grid(path: Path) -> None:
    found = read(path, named("EPSG:3857"), moved(MANHATTAN, "EPSG:3857"), NEW_YORK).row(0, named=True)
    centre = np.concatenate(Grid.of(NEW_YORK).to_grid([40.75], [-73.95]))
    assert [found["easting_m"], found["northing_m"]] == pytest.approx(centre, abs=0.01)
    assert shapely.from_geojson(found["boundary"]).contains(shapely.Point(-73.95, 40.75))
    with pytest.raises(Unreadable, match="not in Great Britain: are the axes swapped, or is it another projection"):
        read(path, named("EPSG:3857"), moved(MANHATTAN, "EPSG:3857"))


@pytest.mark.parametrize(
    ("crs", "said"),
    [
        ("EPSG:999999", "states coordinates in EPSG:999999, which is no coordinate reference system that PROJ knows"),
        ("EPSG:31467", "needs the grid file de_adv_BETA2007.tif"),
    ],
)
def test_a_system_that_cannot_be_reached_is_refused_with_its_reason(path: Path, crs: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read(path, named(crs), [[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, 1.0]])


def test_a_row_of_a_system_that_does_not_exist_is_rejected_alone(tmp_path: Path) -> None:
    path = tmp_path / "areas.csv"
    path.write_text("area,easting,northing,crs\nA,465000,101000,EPSG:27700\nB,465000,101000,EPSG:999999\n")
    found = AreaFiles().whole(path, path.name, RECEIVED)
    assert found.accepted["area"].to_list() == ["A"]
    [(line, reason)] = found.rejected.select("line", "reason").rows()
    assert line == 3
    assert reason.startswith("states coordinates in EPSG:999999, which is no coordinate reference system")


def test_centres_say_their_system_in_a_column_or_by_the_name_of_theirs(tmp_path: Path) -> None:
    path = tmp_path / "centres.csv"
    x, y = pyproj.Transformer.from_crs(4326, 3035, always_xy=True).transform(-1.1, 50.8)
    path.write_text(f"area,easting,northing,crs\nA,{x},{y},EPSG:3035\nB,465000,101000,\n")
    found = AreaFiles().whole(path, path.name, RECEIVED).accepted
    expected = to_national_grid([50.8], [-1.1])
    assert [found["easting_m"][0], found["northing_m"][0]] == pytest.approx([expected[0][0], expected[1][0]], abs=0.01)
    assert found.select("easting_m", "northing_m").row(1) == (465_000, 101_000)
    path.write_text("area,bng_e,bng_n\nA,465000,101000\n")
    with pytest.raises(Unreadable, match="not in the area of EPSG:32618"):
        AreaFiles(country=NEW_YORK).whole(path, path.name, RECEIVED)
    metres = AreaFiles(country=Country(crs="EPSG:3035")).whole(path, path.name, RECEIVED).accepted
    assert metres["easting_m"][0] == pytest.approx(3_539_000, abs=5_000)


def test_parts_and_addresses_are_on_the_grid_of_the_installation(tmp_path: Path) -> None:
    path = tmp_path / "parts.csv"
    path.write_text("part,area,easting_m,northing_m\np,A,588657,4511581\nq,A,465000,-5\n")
    found = AreaPartFiles(country=NEW_YORK).whole(path, path.name, RECEIVED)
    assert (found.accepted["part"].to_list(), found.rejected["line"].to_list()) == (["p"], [3])
    with pytest.raises(Unreadable, match="centre is missing or not on the National Grid of Great Britain"):
        AreaPartFiles().whole(path, path.name, RECEIVED)
    path.write_text("UPRN,X_COORDINATE,Y_COORDINATE,CLASS,LATITUDE,LONGITUDE\n1,465000,101000,RD04,,\n")
    with pytest.raises(Unreadable, match="is of Great Britain, on the National Grid, and this installation is on EPSG"):
        AddressFiles(country=NEW_YORK).whole(path, path.name, RECEIVED)


def test_a_nation_whose_centres_are_elsewhere_is_told() -> None:
    rng = np.random.default_rng(1)

    def nation(letter: str, easting: float, northing: float) -> pl.DataFrame:
        places = rng.normal([easting, northing], 1_000, (300, 2))
        codes = [f"{letter}{number:08d}" for number in range(300)]
        return pl.DataFrame({"level": "msoa", "area": codes, "easting_m": places[:, 0], "northing_m": places[:, 1]})

    cities = pl.DataFrame(
        {
            "level": "msoa",
            "area": [f"S1{number:07d}" for number in range(4)],
            "easting_m": [259_000.0, 325_800.0, 394_000.0, 340_200.0],
            "northing_m": [665_300.0, 673_900.0, 806_000.0, 730_400.0],
        }
    )
    astray = nation("S", 400_000, 850_000)
    assert cities_without_areas(pl.concat([astray, cities])) == []
    [said] = cities_without_areas(astray)
    assert said.startswith("300 areas of level msoa are of Scotland, and none is within 20 km of Glasgow, Edinburgh")
    assert cities_without_areas(astray.head(299)) == []
    assert cities_without_areas(nation("N", 400_000, 850_000)) == []


def test_the_lookup_of_2011_has_centres_of_scotland_that_are_those_of_other_areas(shared_data: Path) -> None:
    for name, said in (("msoa_lookup_centroids.csv.gz", "of Glasgow, Edinburgh"), ("lsoa_centroids.csv.gz", None)):
        path = shared_data / "geo" / "geography" / name
        notes = AreaFiles().whole(path, path.name, RECEIVED).notes
        assert [said in note for note in notes] == ([True] if said else [])
