from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ons_assets.intake import parquet
from ons_assets.intake.limits import Limits
from ons_assets.intake.records import header, records
from ons_assets.intake.sniff import describe
from ons_assets.intake.unreadable import Unreadable
from tests.intake.reading import layout, why


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.parquet"


def test_columns_keep_their_types_and_structures_are_dotted(path: Path) -> None:
    when = datetime(2024, 1, 1, tzinfo=UTC)
    frame = pl.DataFrame({
        " meter ": [b"m1", b"m2"], "kwh": [0.5, None], "t": [when, when], "place": [{"x": {"y": 1}}, {"x": {"y": 2}}],
        "c": pl.Series(["p", ""], dtype=pl.Categorical()), "line": ["first", "second"], "bytes": [b"\xff\xfe", b"\x00"],
    })  # fmt: skip
    frame.write_parquet(path)
    [block] = records(path, layout(), Limits())
    assert block.rows.drop("t").rows() == [
        ("m1", 0.5, 1, "p", "first", b"\xff\xfe", 1),
        ("m2", None, 2, None, "second", b"\x00", 2),
    ]
    assert block.rows.columns == [*header(path, layout(), Limits()), "line"]
    assert block.rows["t"].dtype == pl.Datetime("us", "UTC")
    [block] = records(path, layout(), Limits(), columns=["place.x.y", "meter", "none"])
    assert block.rows.rows() == [("m1", 1, 1), ("m2", 2, 2)]
    [block] = records(path, layout(), Limits(), columns=[])
    assert block.rows.rows() == [(1,), (2,)]


def test_bytes_that_are_no_text_among_those_that_are_reject_their_row(path: Path) -> None:
    pl.DataFrame({"a": [b"x"] * 10 + [b"\xff", b""]}).write_parquet(path, row_group_size=10)
    blocks = list(parquet.blocks(path, Limits(), None, rows=10))
    assert [block.rows["line"].to_list() for block in blocks] == [[*range(1, 11)], [12]]
    assert blocks[1].rejected.rows() == [(11, "not valid utf-8", "")]
    assert blocks[1].rows["a"].to_list() == [None]


def test_blocks_have_running_numbers(path: Path) -> None:
    pl.DataFrame({"a": range(25)}).write_parquet(path)
    blocks = list(parquet.blocks(path, Limits(), ["a"], rows=10))
    assert [block.rows.rows()[0] for block in blocks] == [(0, 1), (10, 11), (20, 21)]


def test_a_table_without_rows_has_its_columns(path: Path) -> None:
    pl.DataFrame({"a": [1], "b": [{"c": 1}]}).clear().write_parquet(path)
    [block] = records(path, layout(), Limits())
    assert block.rows.columns == ["a", "b.c", "line"]


def test_what_cannot_be_read_says_why(path: Path) -> None:
    pl.DataFrame({"a": range(1000)}).write_parquet(path)
    content = path.read_bytes()
    assert why(path, content[:-20]) == "is a Parquet file cut short"
    assert header(path, layout(), Limits()) == []
    assert why(path, content[:100] + b"\xff" * 50 + content[-4:]) == "is a damaged Parquet file"
    assert why(path, content[:-4] + b"PARE") == "is an encrypted Parquet file"
    assert why(path, content, Limits(unpacked_bytes=100), format="parquet") == "unpacks to more than 100 bytes"
    assert why(path, b"a,b\n1,2\n", format="parquet") == "is a damaged Parquet file"


def test_a_small_file_that_unpacks_without_end_is_refused(path: Path) -> None:
    table = pa.table({"a": pa.array([b"x" * 1000] * 20_000)})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 100_000
    content = path.read_bytes()
    assert why(path, content, Limits(unpacked_bytes=1_000_000)) == "unpacks to more than 1000000 bytes"


def test_a_byte_that_is_no_text_in_a_name_is_a_damaged_file(path: Path) -> None:
    """Wherever the name of a column stands in the file, in its footer and in the schema of Arrow inside it."""
    pl.DataFrame({"meter_name": [1], "inner": [{"field_name": 2}]}).write_parquet(path)
    content = path.read_bytes()
    for name in (b"meter_name", b"field_name"):
        for place in (at for at in range(len(content)) if content.startswith(name, at)):
            path.write_bytes(content[: place + 3] + b"\xff" + content[place + 4 :])
            describe(path, Limits())
            with suppress(Unreadable):
                list(records(path, layout(), Limits()))
