import json
from pathlib import Path

import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import quarantine
from ons_assets.reference.geography import AddressFiles, AreaFiles
from tests.workbench import Workbench

SQUARE = [[-2.0, 52.0], [-1.9, 52.0], [-1.9, 52.1], [-2.0, 52.1], [-2.0, 52.0]]
CORE = "UPRN,EASTING,NORTHING,CLASSIFICATION_CODE,POSTCODE,CHANGE_CODE\n"


@pytest.fixture
def areas(workbench: Workbench) -> Workbench:
    workbench.source, workbench.table = AreaFiles.of(workbench.settings), CATALOGUE["reference/areas"]
    return workbench


@pytest.fixture
def addresses(workbench: Workbench) -> Workbench:
    workbench.source, workbench.table = AddressFiles.of(workbench.settings), CATALOGUE["reference/addresses"]
    return workbench


def boundaries(**codes: str | None) -> bytes:
    geometry = {"type": "Polygon", "coordinates": [SQUARE]}
    features = [{"type": "Feature", "properties": codes, "geometry": geometry}]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def test_boundaries_correct_centres_and_other_levels_stay(areas: Workbench) -> None:
    areas.register("centres.csv", b"MSOA11CD,latitude,longitude\nE02000001,52.0,-2.0\nE02000002,52.5,-2.0\n,1,1\n")
    areas.register("m.geojson", boundaries(MSOA11CD="E02000001"))
    areas.register("d.geojson", boundaries(LAD23CD="E06000001"))
    areas.ingest()
    rows = areas.published().select("level", "area", has=areas.published()["boundary"].is_not_null()).rows()
    assert sorted(rows) == [
        ("lad23", "E06000001", True),
        ("msoa11", "E02000001", True),
        ("msoa11", "E02000002", False),
    ]
    assert [entry.reason for entry in quarantine.entries(areas.home)] == ["1 row: code of the area is missing"]
    areas.check_books()


def test_a_file_without_an_area_is_refused(areas: Workbench) -> None:
    areas.register("m.geojson", boundaries(MSOA11CD=None))
    assert areas.statuses() == {"m.geojson": "refused"}
    areas.register("n.geojson", b"[1, 2]")
    assert "no header that a layout knows" in (areas.drop("n.geojson").reason or "")


def test_files_are_recognised(areas: Workbench) -> None:
    of_areas, of_addresses = AreaFiles.of(areas.settings), AddressFiles.of(areas.settings)
    centres = areas.leave("c.csv", b"WD11CD,easting,northing\nE05000001,400000,300000\n")
    core = areas.leave("a.csv", (CORE + "1,400000,300000,RD04,AB1 2CD,I\n").encode())
    assert of_areas.recognises(centres, centres.name)
    assert not of_areas.recognises(core, core.name)
    assert of_addresses.recognises(core, core.name)
    assert not of_addresses.recognises(centres, centres.name)


def test_addresses_are_published_and_a_change_file_corrects_them(addresses: Workbench) -> None:
    addresses.register(
        "core.csv", (CORE + "1,400000,300000,RD04,AB1 2CD,I\n2,400010,300000,CR08,,I\n3,0,,RD04,,I\n").encode()
    )
    addresses.register("change.csv", (CORE + "2,400010,300000,CE05,,U\n").encode())
    addresses.ingest()
    assert addresses.published().select("uprn", "class", "postcode").sort("uprn").rows() == [
        (1, "residential", "AB1 2CD"),
        (2, "education", None),
    ]
    addresses.check_books()


def test_real_boundaries_and_centres(areas: Workbench, shared_data: Path) -> None:
    folder = shared_data / "geo" / "geography"
    for name in ("wards_2011_ew.csv.gz", "liverpool_msoa11_boundaries.geojson.gz", "lsoa_centroids.csv.gz"):
        areas.register(name, (folder / name).read_bytes())
    areas.ingest()
    counts = dict(areas.published().group_by("level").len().rows())
    # Northern Ireland has a grid of its own.
    assert counts["wd11"] == 8_588
    assert counts["msoa11"] == 61
    assert 40_000 < counts["lsoa"] < 48_424
    areas.check_books()
