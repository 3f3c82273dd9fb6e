"""The workbook: what is in its cells, read back, is what was released; and it follows the guidance on workbooks."""

import re
import warnings
from dataclasses import replace
from zipfile import ZipFile

import openpyxl
import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.releases import accessible_workbook
from ons_assets.governance.releases.accessible_workbook import MARKS, write_workbook
from ons_assets.governance.releases.figures import figures, withheld
from ons_assets.lakehouse.spreadsheets import neutralised, restored
from ons_assets.lakehouse.tables import Column
from tests.governance.released import RELEASED, release_of


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """The release of a table and its workbook, read back, made once."""
    kept = {}

    def of(name):
        if name not in kept:
            release = release_of(name)
            (path,) = write_workbook(release, tmp_path_factory.mktemp("workbook"))
            kept[name] = release, path, openpyxl.load_workbook(path)
        return kept[name]

    return of


def cells(sheet):
    """Header and rows of the one table of a sheet."""
    (table,) = sheet.tables.values()
    header, *rows = [[cell.value for cell in row] for row in sheet[table.ref]]
    return header, rows


@pytest.mark.parametrize("name", RELEASED)
def test_cells_are_the_figures_and_the_text_of_the_release(name, opened):
    release, _, book = opened(name)
    header, rows = cells(book["Table"])
    assert header == release.table.column_names
    assert len(rows) == release.rows.height
    told = {each.name for each in figures(release.table)}
    for number, column in enumerate(release.table.columns):
        hidden = release.rows.select(withheld(release.table, column.name)).to_series()
        for value, row, is_hidden in zip(release.rows[column.name], rows, hidden, strict=True):
            assert_shown(value, row[number], "[c]" if is_hidden else "[x]" if column.name in told else "[z]")


def assert_shown(value, cell, mark):
    if value is None or value != value:
        assert cell == mark
    elif isinstance(value, bool):
        assert cell is value
    elif isinstance(value, float) and abs(value) < 1e307:
        assert isinstance(cell, int | float)
        assert cell == pytest.approx(value, rel=1e-15, abs=0)
    elif isinstance(value, int | float):
        assert cell == value or (isinstance(cell, str) and type(value)(cell.lstrip("'")) == value)
    elif isinstance(value, str):
        safe = neutralised(pl.DataFrame({"text": [value]}))["text"].item() if value.strip() else "[z]"
        assert unescaped(cell) == unescaped(safe)


def unescaped(text):
    """A workbook keeps control characters as _x0000_, and one kind of line end."""
    plain = re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)
    return plain.replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "\ufffd")


@pytest.mark.parametrize("name", RELEASED)
def test_it_follows_the_guidance_and_runs_nothing(name, opened):
    _, path, book = opened(name)
    assert book.sheetnames == ["Cover", "Contents", "Notes", "Table", "Columns"]
    for sheet in book:
        assert not sheet.merged_cells.ranges
        for row in sheet.iter_rows():
            assert not [cell.value for cell in row if cell.data_type == "f"]
    for label in book.sheetnames[1:]:
        (table,) = book[label].tables.values()
        assert all(cell.value is not None for row in book[label][table.ref] for cell in row), "a blank cell"
    assert all(10 <= book["Table"].column_dimensions[each].width <= 61 for each in book["Table"].column_dimensions)
    with ZipFile(path) as parts:
        sheets = [parts.read(each).decode() for each in parts.namelist() if each.startswith("xl/worksheets/")]
    assert not re.search(r"<f[ >]", "".join(sheets))
    links = re.findall(r'Target="([^"]*)"', "".join(_relations(path)))
    assert not [each for each in links if "script" in each or "example.org" in each]


def _relations(path):
    with ZipFile(path) as parts:
        return [parts.read(each).decode() for each in parts.namelist() if each.endswith(".rels")]


def test_every_mark_is_explained_above_the_table(opened):
    _, _, book = opened("tweets/migration_comparison")
    text = [row[0] for row in book["Table"].iter_rows(max_row=12, values_only=True)]
    assert all(f"{mark} = {meaning}" in text for mark, meaning in MARKS.items())
    _, notes = cells(book["Notes"])
    assert [number for number, _ in notes] == [1, 2, 3]


@pytest.mark.parametrize("name", ["tweets/migration_flows", "reference/area_codes", "meters/area_occupancy"])
def test_a_release_without_rows_has_a_workbook_that_says_so(name, tmp_path):
    (path,) = write_workbook(release_of(name, count=0), tmp_path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Cover", "Contents", "Notes", "Columns"]
    assert "has 0 rows" in cells(book["Notes"])[1][0][1]


def test_a_release_that_is_too_large_is_said_to_be_in_the_csv(tmp_path, monkeypatch):
    monkeypatch.setattr(accessible_workbook, "MOST_CELLS", 100)
    (path,) = write_workbook(release_of("tweets/migration_flows"), tmp_path)
    book = openpyxl.load_workbook(path)
    assert "Table" not in book.sheetnames
    assert "the CSV of the release does" in cells(book["Notes"])[1][0][1]


def test_text_that_is_too_long_for_a_cell_is_cut_and_said_to_be(tmp_path):
    release = release_of("reference/areas", count=1)
    rows = release.rows.with_columns(boundary=pl.lit("x" * 40_000))
    (path,) = write_workbook(release_of("reference/areas", rows=rows), tmp_path)
    header, ((*row,),) = cells(openpyxl.load_workbook(path)["Table"])
    text = row[header.index("boundary")]
    assert len(text) == accessible_workbook.LONGEST_TEXT
    assert text.endswith("[cut: the whole text is in the CSV]")


def test_gptables_warns_of_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        write_workbook(release_of("meters/area_occupancy"), tmp_path)
        write_workbook(release_of("meters/area_occupancy", count=0), tmp_path)


def test_what_was_neutralised_comes_back():
    text = pl.Series(["=1+1", "a;=b", "'=1", "plain"])
    assert restored(neutralised(text.to_frame("text"))["text"]).to_list() == text.to_list()


def test_tables_are_named_alike_in_the_catalogue_and_on_the_cover(tmp_path):
    for name in ("prices/item_indices", "mobile/weighted_flows"):
        (path,) = write_workbook(release_of(name), tmp_path)
        cover = [cell for (cell,) in openpyxl.load_workbook(path)["Cover"].iter_rows(values_only=True)]
        assert cover[0] == f"{name}, release 1"
        assert CATALOGUE[name].description in cover


def test_a_table_of_whole_numbers_alone_is_written(tmp_path):
    """Gptables once refused it (ONSdigital/gptables, issue 227)."""
    table = replace(
        CATALOGUE["tweets/migration_flows"],
        columns=tuple(Column(each, pl.Int64(), each) for each in ("period", "movers")),
        key=("period",),
    )
    rows = pl.DataFrame({"period": [2014, 2015], "movers": [0, 7]})
    (path,) = write_workbook(release_of(table.name, table=table, rows=rows), tmp_path)
    assert cells(openpyxl.load_workbook(path)["Table"])[1] == [[2014, 0], [2015, 7]]


def test_only_a_figure_that_the_rule_withholds_is_marked_as_withheld(tmp_path):
    """A withheld total has no number of suppressed flows, but not because that is withheld."""
    release = release_of("mobile/operator_flows", count=1)
    rows = release.rows.with_columns(is_suppressed=True, devices=None, suppressed_flows=None)
    rows = release.table.conform(rows)
    (path,) = write_workbook(release_of(release.table.name, rows=rows), tmp_path)
    header, (row,) = cells(openpyxl.load_workbook(path)["Table"])
    shown = dict(zip(header, row, strict=True))
    assert (shown["devices"], shown["suppressed_flows"]) == ("[c]", "[x]")
