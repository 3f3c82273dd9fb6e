from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ons_assets.intake import values
from ons_assets.intake.fields import fields
from ons_assets.intake.limits import Limits
from ons_assets.intake.records import header, records
from ons_assets.intake.times import moments
from tests.intake.reading import layout, read, rows, why
from tests.intake.workbooks import workbook

MIDNIGHT = datetime(2024, 1, 2)
TABLE = [
    ["Export of readings"],
    [],
    ["meter", " t ", "kwh", "mixed", "flag", None],
    [1392, MIDNIGHT, 0.5, 1, True],
    [],
    [1393, MIDNIGHT + timedelta(minutes=30), 1, "x", False],
    ["Total", None, 1.5],
    [],
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.xlsx"


def test_cells_are_typed_and_lines_are_rows_of_the_sheet(path: Path) -> None:
    for said in ({"skip_lines": 2, "skip_footer": 1}, {"skip_until": "^meter,", "footer": "^Total"}):
        [block] = read(path, workbook({"S": TABLE}), **said)
        assert block.rows.select(pl.exclude("column_6")).rows() == [
            (1392, MIDNIGHT, 0.5, "1", True, 4),
            (1393, MIDNIGHT + timedelta(minutes=30), 1.0, "x", False, 6),
        ]
        assert block.rows.columns[:5] == ["meter", "t", "kwh", "mixed", "flag"]
        assert block.preamble == ("Export of readings", "")
        assert header(path, layout(**said), Limits())[:5] == block.rows.columns[:5]


def test_every_minute_of_a_day_is_exact(path: Path) -> None:
    times = [MIDNIGHT + timedelta(minutes=minute) for minute in range(0, 1440, 5)]
    blocks = read(path, workbook({"S": [["t", "v"], *([time, 1] for time in times)]}))
    assert [row[0] for row in rows(blocks)] == times


def test_the_sheet_by_name_or_number(path: Path) -> None:
    content = workbook({"One": [["a", "b"], [1, 2]], "Two": [["c", "d"], [3, 4]]})
    assert rows(read(path, content)) == [(1, 2, 2)]
    assert rows(read(path, content, sheet="Two")) == rows(read(path, content, sheet=2)) == [(3, 4, 2)]
    reason = "is a workbook without the sheet of the layout; it has 2"
    assert why(path, content, sheet="Three") == why(path, content, sheet=3) == why(path, content, sheet=0) == reason


def test_only_columns_that_are_needed_and_tables_without_header_or_rows(path: Path) -> None:
    path.write_bytes(workbook({"S": [["a", "b"], [1, "x"]]}))
    [block] = records(path, layout(), Limits(), columns=["b", "z"])
    assert block.rows.rows() == [("x", 2)]
    [block] = records(path, layout(header=False, names=["p", "q"]), Limits())
    assert block.rows.rows() == [("a", "b", 1), ("1", "x", 2)]
    [block] = read(path, workbook({"S": [["a", "b"]]}))
    assert block.rows.columns == ["a", "b", "line"]
    assert block.rows.is_empty()


def test_what_cannot_be_read_says_why(path: Path) -> None:
    content = workbook({"S": [["a", "b"], [1, 2]]})
    assert why(path, content, skip_lines=9) == "is a workbook whose sheet has no header where the layout has it"
    assert why(path, workbook({"S": []})) == "is a workbook whose sheet is empty"
    assert why(path, content[:-40], format="xlsx") == "is a damaged zip file or workbook, or one that is cut short"
    protected = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600
    assert why(path, protected) == "is a workbook that is protected by a password: save it without one"
    assert why(path, protected[:500]) == "is no workbook, or a damaged one"
    assert why(path, b"a,b\n1,2\n", format="xlsx") == "is no workbook, or a damaged one"
    damaged = content.replace(b"xl/workbook.xml", b"xl/workbook.xm_")
    assert why(path, damaged, format="xlsx") in (
        "is no workbook, or a damaged one",
        "is a zip file without a member that is to be read",
        "holds a zip file inside another packed file: unpack the outer one",
    )
    assert why(path, workbook({"S": [["x" * 9000]]}), Limits(unpacked_bytes=5000)) == "unpacks to more than 5000 bytes"


def test_days_and_times_in_two_columns_are_joined_as_the_layout_writes_them(path: Path) -> None:
    form = {"zone": "UTC", "time_formats": ["%d.%m.%Y %H:%M"], "columns": {"t": {"join": ["day", "at"]}}}
    said = layout(**form)
    # What a workbook shows as a time of day is a moment of its first day.
    of_day = [datetime(1899, 12, 30, hour, 15) for hour in (7, 0)]
    for days, ats in (([MIDNIGHT] * 2, of_day), (["02.01.2024"] * 2, of_day), ([MIDNIGHT] * 2, ["07:15", "00:15"])):
        path.write_bytes(
            workbook({"S": [["day", "at", "v"], *([day, at, 1] for day, at in zip(days, ats, strict=True))]})
        )
        [block] = records(path, said, Limits())
        early = moments(fields(block, said, "a.xlsx").rows["t"], said).early.dt.replace_time_zone(None)
        assert early.to_list() == [MIDNIGHT + timedelta(hours=hour, minutes=15) for hour in (7, 0)]


def test_a_column_of_nothing_is_told_to_nobody(path: Path, capfd: pytest.CaptureFixture[str], caplog) -> None:
    read(path, workbook({"S": [["a", "b"], [1, None], [2, ""]]}))
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_a_number_among_texts_has_the_decimal_mark_of_the_layout(path: Path) -> None:
    cells = [["meter", "value"], ["1", 1.125], ["2", "1.125"], ["3", "n/a"], ["4", 6.0], ["5", "1,5"]]
    [block] = read(path, workbook({"S": cells}), decimal=",")
    # A text in such a column is taken for a number as programs write it; that of a column of texts is not.
    assert values.number(block.rows["value"], layout(decimal=",")).to_list() == [1.125, 1.125, None, 6.0, 1.5]
    [block] = read(path, workbook({"S": [["meter", "value"], ["1", "1.125"], ["2", "1,5"]]}), decimal=",")
    assert values.number(block.rows["value"], layout(decimal=",")).to_list() == [1125.0, 1.5]
    [block] = read(path, workbook({"S": cells[:2]}), decimal=",")
    assert values.number(block.rows["value"], layout(decimal=",")).to_list() == [1.125]
