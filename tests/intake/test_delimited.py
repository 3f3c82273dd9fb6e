import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ons_assets.intake.limits import Limits
from ons_assets.intake.records import header, records
from ons_assets.intake.unreadable import Unreadable
from tests.intake.reading import layout, read, rejected, rows, why


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


def test_every_column_is_text_and_every_row_has_its_record_number(path: Path) -> None:
    [block] = read(path, b"a,b\n1,\n 2 ,x\n")
    assert block.rows.rows() == [("1", None, 2), (" 2 ", "x", 3)]
    assert block.rejected.is_empty()
    assert not block.ends_inside_record
    assert block.part is None


def test_records_of_another_length_are_rejected_with_their_text(path: Path) -> None:
    blocks = read(path, b"a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert rows(blocks) == [("1", "2", 2), ("7", "8", 5)]
    assert rejected(blocks) == [
        (3, "1 fields where 2 are expected", "3"),
        (4, "3 fields where 2 are expected", "4,5,6"),
    ]
    assert not blocks[-1].ends_inside_record


def test_a_last_record_that_is_cut_short_is_rejected_and_said(path: Path) -> None:
    [block] = read(path, b"a,b\n1,2\n3")
    assert (len(block.rows), block.rejected["text"].to_list(), block.ends_inside_record) == (1, ["3"], True)
    assert not read(path, b"a,b\n1,2\n3\n")[-1].ends_inside_record


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
        " a , b \n1,2\n3,4\n".encode("utf-16"),
        "a,b\r\n1,2\r\n3,4\r\n".encode("utf-16-be").join([b"\xfe\xff", b""]),
        b"sep=,\na,b\n1,2\n3,4\n",
    ],
)
def test_forms_of_the_same_content(path: Path, content: bytes) -> None:
    for each in (content, gzip.compress(content)):
        blocks = read(path, each)
        lines = content.decode("utf-16" if b"\0" in content else "utf-8-sig").splitlines()
        one, two = (next(n for n, line in enumerate(lines, start=1) if first in line) for first in "13")
        assert rows(blocks) == [("1", "2", one), ("3", "4", two)]
        assert not rejected(blocks)
        assert header(path, layout(), Limits()) == ["a", "b"]


def test_a_line_end_inside_quotes_belongs_to_the_field(path: Path) -> None:
    assert rows(read(path, b'a,b\n"x\ny",2\n"say ""no""",3\n')) == [("x\ny", "2", 2), ('say "no"', "3", 4)]


def test_a_quotation_mark_inside_a_field_is_text(path: Path) -> None:
    assert rows(read(path, b'a,b\n5" pipe,2\n3,"x\ny"\n')) == [('5" pipe', "2", 2), ("3", "x\ny", 3)]


@pytest.mark.parametrize("block_bytes", [1, 7, 8 << 20])
def test_a_quotation_mark_without_its_pair_costs_its_line_only(path: Path, block_bytes: int) -> None:
    blocks = read(path, b'a,b\n1,2\n"x,2\n3,4\n5,6\n', block_bytes=block_bytes)
    assert rows(blocks) == [("1", "2", 2), ("3", "4", 4), ("5", "6", 5)]
    assert rejected(blocks) == [(3, "quotation mark without its pair", '"x,2')]


@pytest.mark.parametrize("block_bytes", [30, 1000, 8 << 20])
def test_a_quotation_mark_without_its_pair_in_a_long_file_costs_its_line_only(path: Path, block_bytes: int) -> None:
    content = b'a,b\n"x,2\n' + b"3,4\n" * 200 + b'"y,5\n' + b"6,7\n" * 200
    blocks = read(path, content, Limits(line_bytes=100), block_bytes=block_bytes)
    assert [row[2] for row in rows(blocks)] == [*range(3, 203), *range(204, 404)]
    assert [row[:2] for row in rejected(blocks)] == [(n, "quotation mark without its pair") for n in (2, 203)]


def test_without_quotation_marks_they_are_text(path: Path) -> None:
    assert rows(read(path, b'a;b\n"x;2\n', delimiter=";", quote="")) == [('"x', "2", 2)]
    assert rows(read(path, b"a;b\n'x;y';2\n", delimiter=";", quote="'")) == [("x;y", "2", 2)]


@pytest.mark.parametrize("block_bytes", [50, 1000, 8 << 20])
@pytest.mark.parametrize("field", [b"x" * 5000, b'"' + b"x" * 5000 + b'"', b'"' + b'x""' * 5000 + b'"'])
def test_a_record_that_is_too_long_is_rejected_and_the_others_are_read(
    path: Path, block_bytes: int, field: bytes
) -> None:
    content = b"a,b\n1,2\n" + field + b",2\n3,4\n"
    blocks = read(path, content, Limits(line_bytes=1000), block_bytes=block_bytes)
    assert rows(blocks) == [("1", "2", 2), ("3", "4", 4)]
    assert [row[:2] for row in rejected(blocks)] == [(3, "line is longer than 1000 bytes")]
    assert len(blocks[0].rejected["text"].item(0) if len(blocks[0].rejected) else "") <= 1000


def test_the_longest_record_is_read(path: Path) -> None:
    content = b"a\n" + b"x" * 10 + b"\n" + b"y" * 11 + b"\n"
    for block_bytes in (3, 11, 12, 100):
        blocks = read(path, content, Limits(line_bytes=10), block_bytes=block_bytes)
        assert rows(blocks) == [("x" * 10, 2)]
        assert [row[0] for row in rejected(blocks)] == [3]


def test_nul_bytes_are_kept_in_their_field(path: Path) -> None:
    assert rows(read(path, b"a,b\n1\x00,2\n")) == [("1\x00", "2", 2)]


def test_text_that_is_not_in_the_encoding_is_rejected_row_by_row(path: Path) -> None:
    blocks = read(path, b"a,b,c\ncaf\xe9,,2\nx,3,4\n")
    assert rows(blocks) == [("x", "3", "4", 3)]
    assert rejected(blocks) == [(2, "not valid utf-8", "caf\N{REPLACEMENT CHARACTER},,2")]
    assert rows(read(path, b"a,b,c\ncaf\xe9,,2\n", encoding="cp1252")) == [("café", None, "2", 2)]
    blocks = read(path, b"a,b\ncaf\x81,2\nx,3\n", encoding="cp1252")
    assert rows(blocks) == [("x", "3", 3)]
    assert rejected(blocks) == [(2, "not valid cp1252", "caf\N{REPLACEMENT CHARACTER},2")]


def test_a_bad_byte_costs_its_record_also_if_its_column_is_not_needed(path: Path) -> None:
    path.write_bytes(b"a,b\n1,\xff\n2,3\n")
    [block] = records(path, layout(), Limits(), columns=["a"])
    assert block.rows.rows() == [("2", 3)]
    assert block.rejected["line"].to_list() == [2]


def test_a_replacement_character_that_the_supplier_wrote_is_text(path: Path) -> None:
    content = "a,b\ncaf\N{REPLACEMENT CHARACTER},2\n".encode() + b"\xff,3\n"
    assert rows(read(path, content)) == [("caf\N{REPLACEMENT CHARACTER}", "2", 2)]


def test_cp1252_that_is_not_said_is_hinted_at(path: Path) -> None:
    hint = "is not valid utf-8 but reads well as cp1252: say encoding: cp1252"
    assert why(path, "größe,b\n1,2\n".encode("cp1252")) == hint
    assert why(path, "a,b\nGröße,€ 1\nMüll,2\nx,1\n".encode("cp1252")) == hint
    assert why(path, b"a,b\n" + b"gr\xfc,1\n" * 5000, block_bytes=1000) == hint
    assert why(path, "příkrm,b\n1,2\n".encode("cp1250")) == "is not UTF-8: say the encoding, such as cp1252 or cp1250"
    # Bytes that are letters in no language are faults of their rows.
    assert len(rejected(read(path, b"a,b\n\x81\x8d,1\n\x90\x9d,2\n"))) == 2


def test_utf_16_without_a_byte_order_mark_is_hinted_at(path: Path) -> None:
    content = "meter;value\n1;2\n".encode("utf-16-le")
    assert why(path, content) == "is UTF-16 text without a byte order mark: say encoding: utf-16-le"
    assert rows(read(path, content, encoding="utf-16-le", delimiter=";")) == [("1", "2", 2)]


def test_a_header_can_come_late(path: Path) -> None:
    content = b"Export of readings\n\nmeter 5;from;to\na;b\n1;2\n"
    for said in ({"skip_lines": 3}, {"skip_until": "^a;"}):
        [block] = read(path, content, delimiter=";", **said)
        assert block.rows.rows() == [("1", "2", 5)]
        assert block.preamble == ("Export of readings", "", "meter 5;from;to")
    assert why(path, content, skip_until="^x") == "has no line that is a header as the layout's skip_until has it"


def test_a_file_without_a_header(path: Path) -> None:
    [block] = read(path, b"1,2\n3\n4,5\n", header=False, names=["a", "b"])
    assert block.rows.to_dict(as_series=False) == {"a": ["1", "4"], "b": ["2", "5"], "line": [1, 3]}
    [block] = read(path, b"1,2\n3\n4,5\n", header=False, columns={"x": {"position": 2}})
    assert block.rows.columns == ["column_1", "column_2", "line"]
    assert block.rows["line"].to_list() == [1, 3]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n\r\n"])
@pytest.mark.parametrize("block_bytes", [1, 5, 1000])
def test_footers(path: Path, end: bytes, block_bytes: int) -> None:
    content = b"a,b\n1,2\n3,4\n\nTotal,6\nof 2 rows" + end
    for said in ({"skip_footer": 3}, {"skip_footer": 2}, {"footer": "^Total"}):
        blocks = read(path, content, block_bytes=block_bytes, **said)
        assert rows(blocks) == [("1", "2", 2), ("3", "4", 3)]
        assert not rejected(blocks)
    assert rows(read(path, content, skip_footer=9)) == []


def test_comments_are_passed_over(path: Path) -> None:
    content = b'# made by hand\na,b\n1,2\n# 3,4\n"5\n# six",7\n'
    [block] = read(path, content, comment="#")
    assert block.rows.rows() == [("1", "2", 3), ("5\n# six", "7", 5)]
    assert block.preamble == ("# made by hand",)


def test_any_number_of_blanks_between_fields(path: Path) -> None:
    blocks = read(path, b'  a   b c\n1\t 2   3  \r\n   \n 4 5\n"x  y" "" 6\n', delimiter="blanks")
    assert rows(blocks) == [("1", "2", "3", 2), ("x  y", None, "6", 5)]
    assert rejected(blocks) == [(4, "2 fields where 3 are expected", "4\t5")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (gzip.compress(b""), "is empty"),
        (b"\n\n\n", "has a blank line, or nothing, where the header should be"),
        (b"\n\na,b\n1,2\n", "has a blank line, or nothing, where the header should be"),
        (b",,\n1,2,3\n", "has a header without a name"),
        (b"\0\1\2\0\n\0\0", "is not text"),
        (b"a\0\xff\xfe garbage", "is not text"),
        (b"x" * 2000 + b"\n", "has a header longer than 1000 bytes"),
    ],
)
def test_what_has_no_header_says_so_and_quotes_nothing(path: Path, content: bytes, reason: str) -> None:
    assert why(path, content, Limits(line_bytes=1000)) == reason
    assert header(path, layout(), Limits(line_bytes=1000)) == []


def test_a_name_that_comes_twice_means_no_column(path: Path) -> None:
    [block] = read(path, b"a; b;a\n1;2;3\n", delimiter=";")
    assert block.rows.rows(named=True) == [{"column_1": "1", "b": "2", "column_3": "3", "line": 2}]


def test_a_column_without_a_name_is_called_by_its_place(path: Path) -> None:
    [block] = read(path, b"a;;line;\n1;2;3;\n", delimiter=";")
    assert block.rows.rows(named=True) == [{"a": "1", "column_2": "2", "line_": "3", "column_4": None, "line": 2}]


def test_a_header_alone_is_no_row(path: Path) -> None:
    for content in (b"a,b\n", b"a,b"):
        [block] = read(path, content)
        assert block.rows.columns == ["a", "b", "line"]
        assert block.rows.is_empty()


def test_only_the_columns_that_are_needed_are_read(path: Path) -> None:
    path.write_bytes(b"a,b,c\n1,2,3\n4,5\n")
    for columns, expected in ((["c", "x"], ["c", "line"]), ([], ["line"])):
        [block] = records(path, layout(), Limits(), columns=columns)
        assert block.rows.columns == expected
        assert block.rows["line"].to_list() == [2]
        assert block.rejected["line"].to_list() == [3]


def test_columns_by_place_are_kept(path: Path) -> None:
    path.write_bytes(b"a,b,c\n1,2,3\n")
    [block] = records(path, layout(columns={"x": {"position": 3}}), Limits(), columns=["a"])
    assert block.rows.columns == ["a", "b", "c", "line"]


cell = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00\ufeff\ufdd0"), max_size=6)
irregular_rows = st.integers(2, 4).flatmap(
    lambda width: st.lists(
        st.one_of(
            st.lists(cell, min_size=width, max_size=width),
            st.lists(st.sampled_from(["x", "1.5", "a\nb", 'q"q', ",", ""]), min_size=2, max_size=5),
        ),
        min_size=1,
        max_size=12,
    ).map(lambda rows: (width, rows))
)


@settings(max_examples=300, deadline=None)
@given(
    irregular_rows,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 80),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
    st.booleans(),
)
@example((2, [["a\n", "b"], ["c"], ["d", "e"]]), ",", csv.QUOTE_ALL, "\r\n", 1, "utf-16", True, False)
def test_rows_in_are_rows_out_and_rejected_as_pythons_own_reader_has_them_on_lines_as_editors_count(
    tmp_path_factory: pytest.TempPathFactory,
    table: tuple[int, list[list[str]]],
    delimiter: str,
    quoting: int,
    line_end: str,
    block_bytes: int,
    encoding: str,
    packed: bool,
    has_end: bool,
) -> None:
    width, lines = table
    buffer = io.StringIO(newline="")
    names = [f"c{number}" for number in range(width)]
    csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator=line_end).writerows([names, *lines])
    text = buffer.getvalue() if has_end else buffer.getvalue().removesuffix(line_end)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    reference, begins = [], 1
    for record in reader:
        if record and begins > 1:
            reference.append((begins, record))
        begins = reader.line_num + 1
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    content = text.encode(encoding)
    blocks = read(path, gzip.compress(content) if packed else content, block_bytes=block_bytes, delimiter=delimiter)
    found = [(row[-1], [value or "" for value in row[:-1]]) for row in rows(blocks)]
    assert found == [(number, record) for number, record in reference if len(record) == width]
    assert [row[0] for row in rejected(blocks)] == [number for number, record in reference if len(record) != width]


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from([b'"', b",", b"\n", b"\r\n", b"x", b'",', b'\n"', b"\xe9", b"1,2\n"])).map(b"".join),
    ),
    st.integers(1, 400),
    st.integers(5, 60),
)
def test_no_bytes_whatever_make_the_reader_fail_or_depend_on_where_blocks_end(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, block_bytes: int, line_bytes: int
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    content = b"a,b\n" + content
    limits = Limits(line_bytes=line_bytes)
    seen: list[str] = []
    for size in (block_bytes, 8 << 20):
        try:
            blocks = read(path, content, limits, block_bytes=size)
        except Unreadable as error:
            seen.append(str(error))
        else:
            seen.append(str((rows(blocks), [row[:2] for row in rejected(blocks)])))
    assert seen[0] == seen[1]
