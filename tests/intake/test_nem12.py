import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ons_assets.intake.limits import Limits
from ons_assets.intake.records import header, records
from tests.intake.reading import layout, read, rejected, why

METER = "200,NMI0000001,E1B1,E1,E1,N1,S1,KWH,30,20240101"
HALF_HOURS = ",".join(f"{n / 10}" for n in range(48))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


def table(blocks: list) -> pl.DataFrame:  # type: ignore[type-arg]
    return pl.concat([block.rows for block in blocks])


def test_a_day_is_a_row_an_interval_and_keeps_its_quality(path: Path) -> None:
    content = "\n".join([
        "100,NEM12,202401040001,MDA1,RET1", METER,
        f"300,20240101,{HALF_HOURS},A,,,20240102010101,",
        f"300,20240102,{HALF_HOURS},V,,,20240102010101,",
        "400,1,20,A,,", '400,21,30,E52,,"late, by phone"',
        "500,O,S01,20240103,", "900", "",
    ]).encode()  # fmt: skip
    for each in (content, content.replace(b"\n", b"\r\n"), gzip.compress(content)):
        found = table(read(path, each))
        assert found.shape == (96, 10)
        assert found.row(1) == ("NMI0000001", "E1", "S1", "kWh", 30, date(2024, 1, 1), 2, "0.1", "A", 3)
        second = found.filter(line=4)
        assert second["slot"].to_list() == list(range(1, 49))
        assert second["quality"].to_list() == ["A"] * 20 + ["E52"] * 10 + ["V"] * 18
        assert header(path, layout(), Limits()) == [name for name in found.columns if name != "line"]
    [block] = records(path, layout(), Limits(), columns=["value"])
    assert block.rows.columns == ["value", "line"]


def test_what_distributors_leave_out_is_not_needed(path: Path) -> None:
    """No 100 or 900, no day of the next reading, no time of the load, numbers without a zero, blanks."""
    values = ",".join([".362"] * 287 + [""])
    content = f"200,N1,,5,E1,, ,kwh,5\n300,20200914,{values},A\n 300 ,20200915,{values},A,,,20200915012258\n"
    found = table(read(path, content.encode()))
    assert found.shape == (576, 10)
    assert found.row(287) == ("N1", "E1", None, "kWh", 5, date(2020, 9, 14), 288, None, "A", 2)


def test_records_that_cannot_be_read_are_rejected_alone(path: Path) -> None:
    days = ",".join(["1"] * 96)
    content = "\n".join([
        f"300,20240101,{HALF_HOURS},A,,,,", METER,
        f"300,20240101,{days},A,,,,",
        f"300,2024010,{HALF_HOURS},A,,,,",
        "400,1,48,A,,",
        f"300,20240102,{HALF_HOURS},V,,,,", "400,40,50,A,,", "400,x", "777,x",
        "200,N2,E1,E1,E1,N1,S1,KWH,7,", f"300,20240102,{HALF_HOURS},A,,,,",
    ])  # fmt: skip
    blocks = read(path, content.encode(), format="nem12")
    assert table(blocks)["line"].unique().to_list() == [6]
    assert [row[:2] for row in rejected(blocks)] == [
        (1, "record of a day without a record of its meter before it"),
        (3, "record of a day that does not have 48 intervals and their quality"),
        (4, "record of a day that does not say which"),
        (5, "record of quality without a record of a day before it"),
        (7, "record of quality that does not say of which intervals"),
        (8, "record of quality that does not say of which intervals"),
        (9, "record is of no known kind"),
        (10, "record of a meter without the length of its intervals"),
        (11, "record of a day without a record of its meter before it"),
    ]


def test_what_is_not_nem12_says_so(path: Path) -> None:
    assert why(path, b"a,b\n1,2\n", format="nem12") == "is not NEM12: no record begins with 200 and 300"
    assert why(path, b"100,NEM13,200401\n250,N\n") == "is NEM13, readings of accumulation meters, and has no intervals"


def test_long_files_come_in_blocks(path: Path) -> None:
    days = "\n".join(f"300,202401{day:02d},{HALF_HOURS},A,,,," for day in range(1, 32))
    content = "100,NEM12,1,A,B\n" + "".join(f"{METER}\n{days}\n" for _ in range(100))
    blocks = read(path, content.encode())
    assert len(blocks) > 1
    assert sum(len(block.rows) for block in blocks) == 100 * 31 * 48
