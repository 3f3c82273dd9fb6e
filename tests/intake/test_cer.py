import gzip
from pathlib import Path

import pytest

from ons_assets.intake.limits import Limits
from ons_assets.intake.records import header, records
from tests.intake.reading import layout, read, rejected, rows, why

EXPECTED = [(1392, 19501, 0.125, 1), (1392, 19502, 0.5, 2), (1393, 19549, 2.0, 3)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.txt"


@pytest.mark.parametrize("block_bytes", [1, 20, 8 << 20])
@pytest.mark.parametrize(
    "content",
    [
        b"1392 19501 0.125\n1392 19502 0.5\n1393 19549 2\n",
        b"1392,19501,0.125\r\n1392, 19502,0.5\r\n1393,19549,2",
        b"1392;19501;0,125\n1392;19502;0,5\n1393;19549;2\n",
        b"1392;19501;0.125\n1392; 19502;0.5\r\n1393;19549;2\n",
        b"  1392\t19501  0.125\n1392 19502 .5\n1393 19549 2.000\n",
        b"\xef\xbb\xbf1392 19501 0.125\n1392 19502 0.5\n1393 19549 2\n",
    ],
)
def test_readings(path: Path, content: bytes, block_bytes: int) -> None:
    for each in (content, gzip.compress(content)):
        assert rows(read(path, each, format="cer", block_bytes=block_bytes)) == EXPECTED
        assert header(path, layout(format="cer"), Limits()) == ["meter", "code", "value"]


def test_a_first_line_that_is_no_record_is_a_header(path: Path) -> None:
    content = b"Meter_ID Date_Time KWH\n1392 19501 0.125\n"
    assert rows(read(path, content, format="cer")) == [(1392, 19501, 0.125, 2)]
    assert not rejected(read(path, content, format="cer"))
    # A record with a fault is none.
    assert rejected(read(path, b"1392 1950 0.1\n1392 19501 1\n", format="cer")) == [
        (1, "day and slot are not five digits", "1392 1950 0.1")
    ]


def test_lines_that_are_no_readings(path: Path) -> None:
    content = b"1 19501 1\n\n2 19501\nx 19501 1\n2 1950x 1\n2 19501 x\n2 19501 nan\n" + b"9" * 60 + b"\n3 19501 1"
    blocks = read(path, content, Limits(line_bytes=50), format="cer")
    assert [row[3] for row in rows(blocks)] == [1, 9]
    assert [row[:2] for row in rejected(blocks)] == [
        (3, "not three fields"),
        (4, "meter is not a whole number"),
        (5, "day and slot are not five digits"),
        (6, "value is not a number"),
        (7, "value is not finite"),
        (8, "line is longer than 50 bytes"),
    ]


def test_a_cut_and_an_empty_file(path: Path) -> None:
    content = b"".join(b"%d 19501 0.125\n" % n for n in range(1000, 9000))
    blocks = read(path, gzip.compress(content)[:-2000], format="cer")
    assert blocks[-1].ends_inside_record
    found = rows(blocks)
    assert len(found) > 1000
    assert [row[3] for row in found] == list(range(1, len(found) + 1))
    assert why(path, b"", format="cer") == "is empty"
    assert why(path, b"Meter Date KWH\n", format="cer") == "has a header and no rows"
    [block] = records(_written(path, b"1 19501 1\n"), layout(format="cer"), Limits(), columns=["value"])
    assert block.rows.columns == ["value", "line"]


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
