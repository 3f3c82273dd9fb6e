"""What a release is written as, read by tools that others wrote."""

import json
import warnings
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.releases import formats
from ons_assets.governance.releases.content import Release
from ons_assets.governance.releases.words import PAGE_OF, method_page
from ons_assets.lakehouse.disclosure import Exempt
from ons_assets.lakehouse.spreadsheets import restored
from ons_assets.lakehouse.tables import Column, Sensitivity, Table
from tests.workbench import provenance

EVERYTHING = Table(
    name="test/of_all_types",
    description="A row has a value of every type.",
    columns=(
        Column("area", pl.String(), "code of the area"),
        Column("number", pl.Int32(), "number of the row"),
        Column("note", pl.String(), "text", nullable=True),
        Column("share", pl.Float64(), "share", nullable=True),
        Column("homes", pl.Int64(), "homes", nullable=True),
        Column("is_small", pl.Boolean(), "whether it is small", nullable=True),
        Column("day", pl.Date(), "day", nullable=True),
        Column("seen_utc", pl.Datetime("us", "UTC"), "when", nullable=True),
        Column("days", pl.List(pl.Date()), "days"),
    ),
    key=("area", "number"),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:test",
    source="tests",
)
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))
TEXTS = st.text(st.sampled_from("abé=+-@#;,'\"\n\t 1＝"), min_size=1, max_size=6)


@st.composite
def rows(draw: st.DrawFn) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "area": draw(TEXTS),
                "number": number,
                "note": draw(st.none() | TEXTS),
                "share": draw(st.none() | st.floats(allow_nan=False)),
                "homes": draw(st.none() | st.integers(-(2**63), 2**63 - 1)),
                "is_small": draw(st.none() | st.booleans()),
                "day": draw(st.none() | DAYS),
                "seen_utc": draw(
                    st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
                ),
                "days": draw(st.lists(DAYS, max_size=3)),
            }
            for number in range(draw(st.integers(1, 4)))
        ],
        schema=EVERYTHING.schema,
    )


def written(found: pl.DataFrame, folder: Path, table: Table = EVERYTHING) -> Path:
    made = provenance(inputs={"tweets/moves": "3:abc", "f" * 64: "file"})
    release = Release(
        table, 1, found, datetime(2026, 11, 29, tzinfo=UTC), "Jo Bloggs", 0, made, ("Good.",), "# Method\n"
    )
    paths = formats.write_all(release, folder)
    assert sorted(paths) == sorted(folder.iterdir())
    return folder


property_of_files = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(rows())
@property_of_files
def test_csv_and_parquet_give_back_every_digit(tmp_path_factory: pytest.TempPathFactory, found: pl.DataFrame) -> None:
    folder = written(found, tmp_path_factory.mktemp("release"))
    assert_frame_equal(pl.read_parquet(folder / "of_all_types.parquet"), found, check_exact=True)
    text = pl.read_csv(folder / "of_all_types.csv", infer_schema=False)
    back = text.with_columns(restored(text["area"]), restored(text["note"])).select(
        "area",
        pl.col("number").cast(pl.Int32()),
        "note",
        pl.col("share").str.replace("INF", "inf").cast(pl.Float64()),
        pl.col("homes").cast(pl.Int64()),
        pl.col("is_small") == "true",
        pl.col("day").str.to_date(),
        pl.col("seen_utc").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC"),
        pl.col("days").fill_null("").str.split(";").list.eval(pl.element().filter(pl.element() != "").str.to_date()),
    )
    assert_frame_equal(back, found, check_exact=True)
    for line in text.select("area", "note").iter_rows():
        assert not any(cell and cell.lstrip()[:1] in {*"=+-@＝"} for cell in line if cell)


@given(rows())
@property_of_files
def test_frictionless_finds_the_package_valid(tmp_path_factory: pytest.TempPathFactory, found: pl.DataFrame) -> None:
    frictionless = pytest.importorskip("frictionless")
    folder = written(found, tmp_path_factory.mktemp("release"))
    report = frictionless.validate(str(folder / "datapackage.json"))
    assert report.valid, report.flatten(["fieldName", "type", "message"])
    assert report.tasks[0].stats["rows"] == len(found)


@given(rows())
@property_of_files
def test_csvw_finds_the_metadata_valid(tmp_path_factory: pytest.TempPathFactory, found: pl.DataFrame) -> None:
    csvw = pytest.importorskip("csvw")
    folder = written(found, tmp_path_factory.mktemp("release"))
    read = csvw.CSVW(str(folder / "of_all_types.csv"), validate=True)
    assert read.is_valid, [str(each.message) for each in read.warnings]
    assert not read.no_metadata
    [table] = read.to_json()["tables"]
    assert len(table["row"]) == len(found)


def test_the_validators_would_find_a_fault(tmp_path: Path) -> None:
    """A validator that lets everything pass would show nothing."""
    frictionless, csvw = pytest.importorskip("frictionless"), pytest.importorskip("csvw")
    row = {"area": "A", "number": 1, "homes": 12, "days": []}
    folder = written(pl.DataFrame([row], schema=EVERYTHING.schema), tmp_path)
    path = folder / "of_all_types.csv"
    path.write_text(path.read_text().replace("12", "twelve"))
    assert not frictionless.validate(str(folder / "datapackage.json")).valid
    with warnings.catch_warnings():
        # It counts warnings, which a command may have switched off in this process.
        warnings.simplefilter("always")
        assert not csvw.CSVW(str(path), validate=True).is_valid


def test_where_it_comes_from_is_read_as_prov_and_names_no_file(tmp_path: Path) -> None:
    prov = pytest.importorskip("prov.model")
    folder = written(EVERYTHING.empty(), tmp_path)
    document = prov.ProvDocument.deserialize(str(folder / "provenance.json"), format="json")
    told = document.get_provn()
    assert "test-of_all_types-v1" in told
    assert "tweets/moves" in told
    assert len(list(document.get_records(prov.ProvDerivation))) == 1
    people = [each for each in document.get_records(prov.ProvAgent) if "Jo Bloggs" in str(each)]
    assert len(people) == 1


def test_a_table_without_rows_is_a_release_too(tmp_path: Path) -> None:
    folder = written(EVERYTHING.empty(), tmp_path)
    assert (folder / "of_all_types.csv").read_text().split("\n")[1:] == [""]


def test_what_is_read_first_names_every_file_and_column(tmp_path: Path) -> None:
    folder = written(EVERYTHING.empty(), tmp_path)
    text = (folder / "README.txt").read_text()
    for path in folder.iterdir():
        assert path.name in text or path.name == "README.txt"
    for column in EVERYTHING.columns:
        assert f"{column.name}: {column.description}" in text
    assert "approved by Jo Bloggs" in text
    assert "Good." in text


@pytest.mark.parametrize("name", [name for name, each in CATALOGUE.items() if not each.is_individual])
def test_every_table_that_may_leave_can_be_described(name: str, tmp_path: Path) -> None:
    table = CATALOGUE[name]
    folder = written(table.empty(), tmp_path, table)
    fields = json.loads((folder / "datapackage.json").read_text())["resources"][0]["schema"]["fields"]
    assert [field["name"] for field in fields] == table.column_names
    if table.disclosure is not None and not isinstance(table.disclosure, Exempt):
        assert method_page(name), "an aggregate about people says how it is made"


def test_pages_on_methods_are_of_tables() -> None:
    for table in PAGE_OF:
        assert table in CATALOGUE
        assert method_page(table), table
