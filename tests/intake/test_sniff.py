import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from ons_assets.intake.limits import Limits
from ons_assets.intake.records import records
from ons_assets.intake.sniff import FileKind, describe, draft
from ons_assets.intake.unreadable import Unreadable
from tests.intake.test_containers import zipped
from tests.intake.test_nem12 import HALF_HOURS, METER
from tests.intake.test_xml import EXPORT, feed
from tests.intake.workbooks import workbook

TABLE = "meter;time;kWh\nm1;2024-01-01 00:00;0,5\nm1;2024-01-01 00:30;1,25\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a"


def kind(path: Path, content: bytes) -> FileKind:
    path.write_bytes(content)
    return describe(path, Limits())


@pytest.mark.parametrize(
    ("content", "words", "form"),
    [
        (b"", "an empty file", None),
        (b"%PDF-1.4", "a PDF", None),
        (b"SQLite format 3\0", "a SQLite database", None),
        (b"<!doctype html><p>", "an HTML page", None),
        (TABLE.encode(), "delimited text", "delimited"),
        (TABLE.encode("utf-16"), "delimited UTF-16 text", "delimited"),
        (TABLE.replace("meter", "Zähler").encode("cp1252"), "delimited cp1252 text", "delimited"),
        (gzip.compress(TABLE.encode()), "delimited text", "delimited"),
        (zipped({"a": TABLE.encode(), "b": b"", "c": b""}), "a zip archive of 3 files: delimited text", "delimited"),
        (b"once upon a time\nthere was a text.\n", "text", None),
        ("grüße".encode("cp1252"), "cp1252 text", None),
        ("once upon".encode("utf-16"), "UTF-16 text", None),
        (bytes(range(1, 32)) * 50, "a file of bytes that are no text", None),
        (b'{"a": 1}\n{"a": 2}\n', "JSON lines", "json-lines"),
        (b'{"a":' * 3000 + b"}" * 3000, "JSON lines", "json-lines"),
        (b'{"count": 1, "results": [{"kwh": 1, "at": "x"}]}', "a JSON document with rows at results", "json"),
        (b'[{"kwh": 1}]', "a JSON document of rows", "json"),
        (b'{"type": "FeatureCollection", "features": []}', "GeoJSON", "geojson"),
        (EXPORT, "XML", "xml"),
        (b"<a><b></a>", "XML that is not well-formed", None),
        (feed(), "Green Button XML", "green-button"),
        (f"100,NEM12,1,A,B\n{METER}\n300,20240101,{HALF_HOURS},A\n".encode(), "NEM12 text", "nem12"),
        (b"1392 19501 0.125\n1392 19502 0.5\n", "CER text", "cer"),
        (b"Meter_ID Date_Time KWH\n1392 19501 0.125\n1392 19502 0.5\n", "CER text", "cer"),
        (workbook({"S": [["a", "b"], [1, 2]]}), "an Excel workbook", "xlsx"),
        (zipped({"a.xlsx": workbook({"S": [["a"]]})}), "a zip archive of 1 file: an Excel workbook", "xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le"), "an old Excel workbook (.xls)", "xlsx"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "an Excel workbook under a password",
            None,
        ),
        (gzip.compress(TABLE.encode())[:5], "an empty file", None),
        (zipped({"a": b"x"})[:-9], "a file that is a damaged zip file or workbook, or one that is cut short", None),
    ],
)
def test_files_are_named(path: Path, content: bytes, words: str, form: str | None) -> None:
    found = kind(path, content)
    assert found.said(individual=False) == words
    assert found.format == form or (form is None and found.format in (None, "xml", "json"))


def test_what_a_layout_says_reads_the_file(path: Path) -> None:
    for encoding in ("utf-8", "utf-16", "cp1252", "utf-16-le"):
        content = ("Export;of today\n\n" + TABLE.replace("meter", "Zähler")).encode(encoding)
        found = kind(path, content)
        assert (found.delimiter, found.decimal, found.header, found.preamble_lines) == (";", ",", True, 2)
        assert found.columns == ("Zähler", "time", "kWh")
        [block] = records(path, draft(found, "a"), Limits())
        assert block.rows.shape == (2, 4)
    for content, count in (
        (b'{"data": {"a": [1, 2], "list": [{"kwh": 1}, {"kwh": 2}]}}', 2),
        (EXPORT, 3),
        (workbook({"S": [["Title"], [], ["meter", "kwh"], ["m", 1.5], ["m", 2.5]]}), 2),
    ):
        found = kind(path, content)
        assert sum(len(block.rows) for block in records(path, draft(found, "a"), Limits())) == count
    with pytest.raises(Unreadable, match=r"^is a PDF: no layout reads it$"):
        draft(kind(path, b"%PDF"), "a")


@pytest.mark.parametrize(
    ("delimiter", "content"),
    [
        (",", "a,b\n1,2\n3,4\n"),
        ("\t", "a\tb, c\n1\t2\n"),
        ("|", "a|b\n1|2\n"),
        (";", "a;b\n1,5;2,5\n1,5;2,5\n"),
        ("blanks", "a   b\n1   2\n3   4\n"),
    ],
)
def test_delimiters(path: Path, delimiter: str, content: str) -> None:
    found = kind(path, content.encode())
    assert found.delimiter == delimiter
    assert found.columns[0] == "a"


@pytest.mark.parametrize(
    "content",
    [
        "1392,2024-01-01 00:00,0.5\n1392,2024-01-01 00:30,0.5\n",
        "MAC000123,Std,2013-03-29,0.06\nMAC000124,Std,2013-03-29,0.06\n",
        "Ada Lovelace,12 High Street,London,51\nAlan Turing,3 Low Street,Wilmslow,41\n",
        "Ada Lovelace,London\nAlan Turing,Wilmslow\n",
        "Ada Lovelace,London\n",
        "2024-01-01;2024-01-02\n",
    ],
)
def test_a_first_line_that_may_be_a_record_is_not_told(path: Path, content: str) -> None:
    found = kind(path, content.encode())
    assert found.columns == ()
    assert not found.header


def test_a_value_among_names_is_not_told(path: Path) -> None:
    found = kind(path, b"meter,MAC000123,kwh,at a.b@c.de,x\nm,1,0.5,7,8\nm,1,0.5,7,8\n")
    assert found.columns == ("meter", "column_2", "kwh", "column_4", "x")
    data = {"2024-01-01": 1, "kwh": 2}
    assert kind(path, json.dumps([data]).encode()).columns == ("column_1", "kwh")
    pl.DataFrame({"MAC000123": [1], "b": [2]}).write_parquet(path)
    assert describe(path, Limits()).columns == ("column_1", "b")


def test_times_of_day_are_names(path: Path) -> None:
    times = ",".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(0, 1440, 30))
    found = kind(path, f"MPAN,Date,{times}\n1,2024-01-01,{HALF_HOURS}\n".encode())
    assert found.columns[:3] == ("MPAN", "Date", "00:00")
    assert found.header


@pytest.mark.parametrize("first", [b'"a": 1}', b'{"a": 1, \xff', b"4711"])
def test_json_lines_are_known_though_the_first_is_damaged(path: Path, first: bytes) -> None:
    assert kind(path, first + b'\n{"a": 2}\n{"a": 3}\n').format == "json-lines"


@pytest.mark.parametrize(
    "text", [b'{"rows": [\n{"a": 1}\n]}', b'{"rows": [\n{"a": 1},\n{"a": 2}\n]}', b'[\n{"a": 1}\n]']
)
def test_a_document_with_a_row_a_line_is_no_lines(path: Path, text: bytes) -> None:
    assert kind(path, text).format == "json"


def test_a_row_that_ends_a_document_is_no_line_of_json(path: Path) -> None:
    assert kind(path, b'{"rows": [\n{"a": 1}]}').format == "json"


def test_numbers_of_another_table_are_no_readings_of_the_trial(path: Path) -> None:
    """Records of a telephone exchange begin with a type, and a number of five digits."""
    calls = "".join(f"1,{10033 + number},20033,1231{number},SEP0\n" for number in range(20))
    assert kind(path, calls.encode()).words == "delimited text"
    assert kind(path, f"cdrRecordType,callId,leg,time,name\n{calls}".encode()).words == "delimited text"
    assert kind(path, b"1,58099,3\n1,58098,4\n").words == "delimited text"
    assert kind(path, b"1392;19501;0,125\n1392;19502;-1e-3\nbad\n").words == "CER text"


def test_codes_above_numbers_are_names(tmp_path: Path) -> None:
    """The names of LODES have more digits than letters."""
    path = tmp_path / "a.csv"
    path.write_text("w_geo,S000,SA01,SA02,SE01\n010010201,5,2,3,1\n010010202,7,3,4,2\n")
    assert describe(path, Limits()).header
    path.write_text("A1,B2,5\nA2,B3,6\nA4,B4,7\n")
    assert not describe(path, Limits()).header
