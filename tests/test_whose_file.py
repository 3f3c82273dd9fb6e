"""Whose a file is: every file that the simulators write is of one source, and of that in whose folder it lies."""

from datetime import date
from pathlib import Path

import pytest

from ons_assets import operations
from ons_assets.demo import PILOTS
from ons_assets.intake.source import Source
from ons_assets.settings import load_settings
from ons_assets.simulate.country import make_country, write_office_files
from tests.run_files import run_text

# A world has many files of the same kind.
FILES_OF_A_FOLDER = 3


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    return operations.sources(load_settings(tmp_path_factory.mktemp("home")))


def whose(sources: list[Source], file: Path) -> list[str]:
    return [source.name for source in operations.recognising(sources, file)]


@pytest.mark.parametrize("pilot", PILOTS)
def test_a_simulated_file_is_of_the_source_in_whose_folder_it_lies(
    sources: list[Source], tmp_path: Path, pilot: str
) -> None:
    PILOTS[pilot].simulate(tmp_path / "drops", tmp_path / "truth", "small")
    assert_of_its_folder(sources, tmp_path)


def test_a_file_of_the_office_of_the_country_is_of_the_source_in_whose_folder_it_lies(
    sources: list[Source], tmp_path: Path
) -> None:
    write_office_files(make_country(), tmp_path / "drops")
    assert_of_its_folder(sources, tmp_path)


def assert_of_its_folder(sources: list[Source], tmp_path: Path) -> None:
    files = [file for folder in (tmp_path / "drops").iterdir() for file in sorted(folder.iterdir())[:FILES_OF_A_FOLDER]]
    assert len(files) >= 3
    assert {file.name: whose(sources, file) for file in files} == {file.name: [file.parent.name] for file in files}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("tweets_2014-08-20.json", '{"id": 1, "user": {"id": 2}}\n', "tweets"),
        ("boundaries.geojson", '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties":'
         ' {"MSOA11CD": "E02000001"}, "geometry": {"type": "Polygon", "coordinates": [[[0, 51], [0, 52], [1, 52],'
         ' [0, 51]]]}}]}', "areas"),
        ("shapes.json", '\n {"type" : "FeatureCollection", "features": []}', None),
        ("parts.csv", "area,part,easting_m,northing_m\nE1,P1,400000,300000\n", "area_parts"),
        ("wards.csv", "WD11CD,LAD11CD,easting,northing\nE1,E2,400000,300000\n", "area_parts"),
        ("centres.csv", "area,easting_m,northing_m\nE1,400000,300000\n", "areas"),
        ("tesco_products_20160721050000.csv", "", "prices"),
        ("tesco_products_20160721050000.csv", run_text("tesco", date(2016, 7, 21)), "prices"),
        ("tesco_products_20160721050000.csv", '{"id": 1}\n', "tweets"),
        ("tesco_2014-08-20.csv", "area,population\nE1,100\n", "population"),
        ("letter.txt", "Dear Sir\n", None),
    ],
)  # fmt: skip
def test_a_file_is_known_by_its_columns_before_its_name(
    sources: list[Source], tmp_path: Path, name: str, text: str, expected: str | None
) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert whose(sources, file) == ([expected] if expected else [])


def test_a_damaged_run_is_one_still(sources: list[Source], tmp_path: Path) -> None:
    file = tmp_path / "tesco_products_20160721050000.csv.gz"
    file.write_bytes(b"\x1f\x8b\x08\x00torn")
    assert whose(sources, file) == ["prices"]
