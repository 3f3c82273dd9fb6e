import csv
import gzip
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.lakehouse.delimited import Limits, Text, header, is_parquet, read_bytes, read_delimited
from ons_assets.lakehouse.sources import Unreadable

LIMITS = Limits()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


def read(path: Path, content: bytes, limits: Limits = LIMITS, **options: str) -> Text:
    path.write_bytes(content)
    return read_delimited(path, limits, **options)  # type: ignore[arg-type]


def why(path: Path, content: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(Unreadable) as raised:
        read(path, content, limits)
    return str(raised.value)


def test_every_column_is_text_and_every_row_has_its_record_number(path: Path) -> None:
    text = read(path, b"a,b\n1,\n 2 ,x\n")
    assert text.rows.rows() == [("1", None, 2), (" 2 ", "x", 3)]
    assert text.rows.schema == {"a": pl.String, "b": pl.String, "line": pl.Int64}
    assert text.rejected.is_empty()
    assert not text.ends_inside_record


def test_records_of_another_length_are_rejected_with_their_text(path: Path) -> None:
    text = read(path, b"a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert text.rows["line"].to_list() == [2, 5]
    assert text.rejected.rows() == [
        (3, "1 fields where 2 are expected", "3"),
        (4, "3 fields where 2 are expected", "4,5,6"),
    ]
    assert not text.ends_inside_record


def test_a_last_record_that_is_cut_short_is_rejected_and_said(path: Path) -> None:
    text = read(path, b"a,b\n1,2\n3")
    assert (len(text.rows), text.rejected["text"].to_list(), text.ends_inside_record) == (1, ["3"], True)


def test_a_short_last_record_with_its_line_end_is_not_a_cut(path: Path) -> None:
    assert not read(path, b"a,b\n1,2\n3\n").ends_inside_record


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,2\n3,4\n",
        b"a,b\r\n1,2\r\n3,4\r\n",
        b"a,b\r1,2\r3,4\r",
        b"a,b\n1,2\n3,4",
        b"\xef\xbb\xbfa,b\n1,2\n3,4\n",
        b'"a","b"\n"1","2"\n3,"4"\n',
        b"a,b\n1,2\n\n\n3,4\n\n",
    ],
)
def test_forms_of_the_same_content(path: Path, content: bytes) -> None:
    for each in (content, gzip.compress(content)):
        text = read(path, each)
        assert text.rows.select("a", "b").rows() == [("1", "2"), ("3", "4")]
        assert text.rejected.is_empty()
        assert header(path) == ["a", "b"]


def test_a_line_end_inside_quotes_belongs_to_the_field(path: Path) -> None:
    text = read(path, b'a,b\n"x\ny",2\n"say ""no""",3\n')
    assert text.rows.rows() == [("x\ny", "2", 2), ('say "no"', "3", 3)]


def test_line_ends_inside_quotes_across_blocks(path: Path) -> None:
    rows = [[f"n{number}\nx", str(number)] for number in range(2_000)]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["a", "b"], *rows])
    text = read(path, buffer.getvalue().encode(), Limits(line_bytes=300))
    assert text.rows.select("a", "b").rows() == [tuple(row) for row in rows]
    assert text.rejected.is_empty()


def test_a_quotation_mark_inside_a_field_is_text(path: Path) -> None:
    assert read(path, b'a,b\n5" pipe,2\n3,4\n').rows["a"].to_list() == ['5" pipe', "3"]


def test_what_a_quotation_mark_without_its_pair_swallows_is_kept(path: Path) -> None:
    text = read(path, b'a,b\n1,2\n"x,2\n3,4\n5,6\n')
    assert text.rows.rows() == [("1", "2", 2)]
    assert text.rejected["text"].to_list() == ['"x,2\n3,4\n5,6']


def test_a_quotation_mark_without_its_pair_in_a_long_file_is_said(path: Path) -> None:
    content = b'a,b\n"x,2\n' + b"3,4\n" * 200
    assert why(path, content, Limits(line_bytes=100)) == (
        "holds a line longer than 100 bytes, or a quotation mark without its pair"
    )


def test_text_that_is_not_in_the_encoding_is_rejected_row_by_row(path: Path) -> None:
    text = read(path, b"a,b,c\ncaf\xe9,,2\nx,3,4\n")
    assert text.rows["a"].to_list() == ["x"]
    assert text.rejected.rows() == [(2, "not valid utf-8", "caf\N{REPLACEMENT CHARACTER},,2")]
    assert read(path, b"a,b,c\ncaf\xe9,,2\n", encoding="latin-1").rows["a"].to_list() == ["café"]


def test_a_replacement_character_that_the_supplier_wrote_is_text(path: Path) -> None:
    text = read(path, "a,b\ncaf\N{REPLACEMENT CHARACTER},2\n".encode())
    assert text.rows["a"].to_list() == ["caf\N{REPLACEMENT CHARACTER}"]


def test_nul_bytes_are_kept_in_their_field(path: Path) -> None:
    assert read(path, b"a,b\n1\x00,2\n").rows["a"].to_list() == ["1\x00"]


def test_another_delimiter(path: Path) -> None:
    assert read(path, b"a;b\n1,5;2\n", delimiter=";").rows.rows() == [("1,5", "2", 2)]
    assert header(path, ";") == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"\n\n\n", "is not delimited text with a header"),
        (b"\n\na,b\n1,2\n", "is not delimited text with a header"),
        (b"a,a,b,b\n1,2,3,4\n", "has columns of the same name: a, b"),
        (gzip.compress(b"a,b\n", mtime=0)[:5], "is a gzip file cut short"),
        (gzip.compress(b"a,b\n" * 99, mtime=0) + b"garbage", "is a broken gzip file (Not a gzipped file (b'ga'))"),
        (b"\x1f\x8bgarbage!!!!!", "is a broken gzip file (Unknown compression method)"),
    ],
)
def test_what_cannot_be_read_says_why(path: Path, content: bytes, reason: str) -> None:
    assert why(path, content) == reason


def test_a_flipped_bit_in_a_gzip_is_seen(path: Path) -> None:
    packed = bytearray(gzip.compress(b"a,b\n" + b"1,2\n" * 1_000, 0))
    packed[500] ^= 1
    assert why(path, bytes(packed)).startswith("is a broken gzip file (CRC check failed")


@pytest.mark.parametrize("packed", [False, True])
def test_content_without_end_is_refused(path: Path, packed: bool) -> None:
    content = b"a,b\n" + b"1,2\n" * 1_000_000
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(Unreadable, match=r"^unpacks to more than 1000000 bytes$"):
        read_bytes(path, Limits(unpacked_bytes=1_000_000))
    if packed:
        assert path.stat().st_size < 10_000


def test_a_long_line_is_refused(path: Path) -> None:
    content = b"a,b\n" + b"x" * 5_000 + b",2\n"
    assert why(path, content, Limits(line_bytes=1_000)).startswith("holds a line longer than 1000 bytes")


def test_a_header_alone_is_no_row(path: Path) -> None:
    for content in (b"a,b\n", b"a,b"):
        text = read(path, content)
        assert text.rows.shape == (0, 3)
        assert text.rejected.is_empty()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_of_a_gzip_cut_short_every_whole_record_is_read_and_the_cut_one_rejected(path: Path, share: float) -> None:
    lines = [f"{number},{number * 7919 % 10007}" for number in range(50_000)]
    packed = gzip.compress(("a,b\n" + "\n".join(lines) + "\n").encode())
    text = read(path, packed[: int(len(packed) * share)])
    number_read = len(text.rows)
    assert number_read > 50_000 * share * 0.8
    assert [f"{a},{b}" for a, b, _ in text.rows.rows()] == lines[:number_read]
    assert text.ends_inside_record
    if len(text.rejected):
        assert text.rejected["line"].to_list() == [number_read + 2]
        assert lines[number_read].startswith(text.rejected["text"].item())


def test_a_number_that_a_cut_gzip_leaves_whole_by_its_fields_only_is_not_believed(path: Path) -> None:
    packed = gzip.compress(b"a,b\n1,2\n3,45", 0)
    text = read(path, packed[:-9])  # the last digit and the trailer are missing
    assert text.rows.select("a", "b").rows() == [("1", "2")]
    assert text.rejected.rows() == [(3, "cut short", "3,4")]


def test_columns_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": [1], "b": ["x"]}).write_parquet(path)
    assert is_parquet(path)
    assert header(path) == ["a", "b"]
    path.write_bytes(path.read_bytes()[:-20])
    assert header(path) == []


def test_nothing_that_is_no_text_has_a_header(path: Path) -> None:
    path.write_bytes(bytes(range(128, 256)) * 10)
    assert header(path) == []


cell = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00\ufeff"), max_size=6)
table = st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), max_size=8))


@settings(max_examples=100, deadline=None)
@given(table, st.sampled_from([",", ";", "\t", "|"]), st.booleans())
def test_what_a_csv_writer_writes_is_read_as_a_csv_reader_reads_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str, packed: bool
) -> None:
    buffer = io.StringIO()
    width = len(rows[0]) if rows else 2
    names = [f"c{number}" for number in range(width)]
    csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([names, *rows])
    content = buffer.getvalue().encode()
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    text = read(path, gzip.compress(content) if packed else content, delimiter=delimiter)
    assert text.rejected.is_empty()
    assert [tuple(value or "" for value in row) for row in text.rows.select(names).rows()] == [*map(tuple, rows)]
    assert text.rows["line"].to_list() == list(range(2, len(rows) + 2))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 5), max_size=30), st.integers(64, 200))
def test_every_record_is_accepted_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, widths: list[int], line_bytes: int
) -> None:
    lines = [",".join(f"{number}.{field}" for field in range(width)) for number, width in enumerate(widths)]
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    text = read(path, "\n".join(["a,b,c", *lines, ""]).encode(), Limits(line_bytes=line_bytes))
    accepted = dict(zip(text.rows["line"], (",".join(row[:3]) for row in text.rows.rows()), strict=True))
    rejected = dict(text.rejected.select("line", "text").rows())
    assert accepted.keys().isdisjoint(rejected)
    assert accepted | rejected == dict(enumerate(lines, start=2))
    assert set(accepted) == {number for number, width in enumerate(widths, start=2) if width == 3}
