"""Delimited text in blocks: what is regular goes through Arrow, what is not is put right before or told apart after.

Every record is a row or is rejected with its line and reason. Blank lines are no records.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from ons_assets.intake.blocks import WITHOUT_NAME, Block, column_names, rejected_rows
from ons_assets.intake.encodings import (
    MARK,
    MARKING,
    REPLACEMENT,
    as_utf8,
    checked,
    hint,
    not_utf8,
)
from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.record_blocks import NEWLINE, RETURN, Fault, Splitter, has_only_returns
from ons_assets.intake.streams import CutShort, Stream
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA

BLOCK_BYTES = 8 << 20
MAX_PREAMBLE_LINES = 10_000
BLANKS, TAB = "blanks", "\t"
# Excel writes it to itself; it is no line of the table.
FORMULA = r'(?s)^="(.*)"$'
# Excel's hint at the delimiter, for itself; quoted where everything is.
SEPARATOR_LINE = re.compile(r'"?sep=(?P<delimiter>[ !#-~]?)"?', re.IGNORECASE)
MOSTLY = 0.5
ENOUGH_RECORDS = 1000


@dataclass(frozen=True)
class Table:
    """A delimited text whose header was read.

    Parameters
    ----------
    names
        Of the columns, in order.
    preamble
        Lines before the header.
    stream
        What follows the header, as UTF-8.
    encoding
        That the text came in.
    first
        Number of the line after the header, the first of the file being 1.
    """

    names: list[str]
    preamble: tuple[str, ...]
    stream: Stream
    encoding: str
    first: int


def opened(stream: Stream, layout: Layout, limits: Limits) -> Table:
    """Read up to the header of a delimited text.

    Parameters
    ----------
    stream
        What the container holds, from its first byte.
    layout
        Delimiter, marks, lines to skip, names; what it leaves open is found out.
    limits
        Greatest sizes of a line and of the whole.

    Raises
    ------
    Unreadable
        If it is empty, or its header is missing or blank.
    """
    if not stream.peek(1):
        raise Unreadable("is a packed file cut short before its first line" if stream.cut_short else "is empty")
    stream, encoding = as_utf8(stream, layout.encoding)
    if has_only_returns(stream):
        stream = _with_newlines(stream)
    preamble: list[str] = []
    if SEPARATOR_LINE.fullmatch(_text(stream.peek(16).split(b"\n")[0]).strip()):
        preamble.append(_line(stream, limits))
    preamble += [_line(stream, limits) for _ in range(layout.skip_lines)]
    if layout.skip_until is not None:
        preamble += _lines_until(stream, layout.skip_until, limits)
    while layout.comment is not None and stream.peek(4).startswith(layout.comment.encode()):
        preamble.append(_line(stream, limits))
    if layout.header:
        record = _record(stream, layout, limits)
        names = _header_names(record, layout, encoding)
        return Table(names, tuple(preamble), stream, encoding, first=len(preamble) + max(record.count(b"\n"), 1) + 1)
    names = list(layout.names) or _positions(stream, layout, limits)
    if not names:
        raise Unreadable("has no record")
    return Table(names, tuple(preamble), stream, encoding, first=len(preamble) + 1)


def blocks(
    stream: Stream, layout: Layout, limits: Limits, columns: Collection[str] | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """Yield the rows of a delimited text; at least one block, if only to show its columns.

    Parameters
    ----------
    stream
        Of a part of a file, unpacked.
    layout
        How it is written.
    limits
        On its records.
    columns
        That are needed; all of them if None, or if the layout names columns by their place.
    block_bytes
        How much is read at a time.

    Raises
    ------
    Unreadable
        As in `opened`; or if most records are not valid in the encoding but would be in another.
    """
    table = opened(stream, layout, limits)
    text = _without_last_lines(table.stream, layout.skip_footer, limits) if layout.skip_footer else table.stream
    reader = _Reader(table, layout, columns)
    quote = b"" if layout.delimiter == BLANKS and not layout.quote else layout.quote.encode()
    splitter = Splitter(text, reader.delimiter.encode(), quote, limits.line_bytes, block_bytes)
    yielded = ended_inside = False
    for piece in splitter:
        if isinstance(piece, Fault):
            yield reader.fault(piece)
            yielded, ended_inside = True, piece.is_end
            continue
        content, has_ended = reader.without_comments_and_footer(piece.content, splitter)
        if content:
            yield reader.block(content, splitter, piece.is_unterminated)
            yielded = True
        if has_ended:
            # What is damaged after the table is damaged, too.
            text.drain()
            break
    reader.check_encoding(at_end=True)
    if not yielded or (table.stream.cut_short and not ended_inside):
        yield reader.empty(table.stream.cut_short)


class _Reader:
    """Turns whole records into blocks, and counts them."""

    def __init__(self, table: Table, layout: Layout, columns: Collection[str] | None) -> None:
        self._table, self._layout = table, layout
        self.delimiter = TAB if layout.delimiter == BLANKS else layout.delimiter
        by_position = any(origin.position is not None for origin in layout.origins.values())
        self._wanted = [name for name in table.names if columns is None or by_position or name in columns]
        self._next = table.first
        self._footer = re.compile(layout.footer) if layout.footer is not None else None
        self._comment = layout.comment.encode() if layout.comment is not None else None
        self._garbled = self._records = 0
        self._garbled_text = b""

    def without_comments_and_footer(self, content: bytes, splitter: Splitter) -> tuple[bytes, bool]:
        """Return the records, comments being blank lines, up to the one that ends the table, and whether it came."""
        if self._footer is None and self._comment is None:
            return content, False
        kept: list[bytes] = []
        begin = 0
        for end in splitter.ends(content).tolist():
            record = content[begin:end]
            begin = end
            if self._comment is not None and record.startswith(self._comment):
                kept.append(b"\n" * record.count(b"\n"))
                continue
            if self._footer is not None and self._footer.search(_text(record).rstrip("\r\n")):
                return b"".join(kept), True
            kept.append(record)
        return b"".join(kept), False

    def block(self, content: bytes, splitter: Splitter, is_unterminated: bool) -> Block:
        """Return records as a block."""
        original = content
        content, is_garbled = checked(content, self._table.encoding)
        if self._layout.delimiter == BLANKS:
            content = _with_tabs(content, self._layout.quote)
        # A garbled record is rejected whichever of its columns are needed.
        names = self._table.names if is_garbled else self._wanted
        rows, irregular = self._parsed(content, names)
        count = len(rows) + len(irregular)
        numbers = self._next + _lines_of_records(content, splitter, count)
        short = [(int(numbers[row.number - 1]), _fields(row), _shown(row.text)) for row in irregular]
        if irregular:
            numbers = np.delete(numbers, [row.number - 1 for row in irregular])
        rows = _without_formulas(rows).with_columns(line=pl.Series(numbers, dtype=pl.Int64()))
        rejected = rejected_rows(short)
        self._records += count
        if is_garbled:
            rows, garbled = self._told_apart(rows)
            self._garbled += len(garbled)
            self._garbled_text = self._garbled_text or original[: 1 << 16]
            rejected = pl.concat([rejected, garbled]).sort("line")
            rows = rows.select(*self._wanted, "line")
            self.check_encoding()
        self._next += max(content.count(b"\n"), count)
        ends_inside = is_unterminated and bool(irregular) and irregular[-1].number == count
        return Block(rows, rejected, None, self._table.preamble, ends_inside)

    def fault(self, fault: Fault) -> Block:
        """Return a block of nothing but a record that has no end, or is too long."""
        text = _shown(fault.text.decode("utf-8", "replace"))
        rejected = rejected_rows([(self._next, fault.reason, text)])
        self._next += 1
        return Block(self._no_rows(), rejected, None, self._table.preamble, fault.is_end)

    def empty(self, cut_short: bool) -> Block:
        """Return a block without rows."""
        return Block(self._no_rows(), pl.DataFrame(schema=REJECTED_SCHEMA), None, self._table.preamble, cut_short)

    def check_encoding(self, *, at_end: bool = False) -> None:
        """Raise if most records, once there are some, are valid only in another encoding."""
        if self._table.encoding != "utf-8" or not (at_end or self._records >= ENOUGH_RECORDS):
            return
        if self._garbled > MOSTLY * self._records and (said := hint(not_utf8(self._garbled_text))) is not None:
            raise Unreadable(said)

    def _no_rows(self) -> pl.DataFrame:
        return pl.DataFrame(schema={**dict.fromkeys(self._wanted, pl.String()), "line": pl.Int64()})

    def _parsed(self, content: bytes, names: list[str]) -> tuple[pl.DataFrame, list[arrow_csv.InvalidRow]]:
        try:
            return _by_arrow(content, self._table.names, names, self.delimiter, self._layout.quote)
        except pa.ArrowInvalid:
            return _one_by_one(content, self._table.names, names, self.delimiter, self._layout.quote)

    def _told_apart(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the rows without and, as rejected, with bytes that are no characters."""
        names = pl.col(self._table.names)
        is_garbled = pl.any_horizontal(names.str.contains(MARK, literal=True).fill_null(False))
        text = pl.concat_str(names.fill_null(""), separator=self.delimiter).str.replace_all(MARK, REPLACEMENT)
        garbled = rows.filter(is_garbled).select("line", reason=pl.lit(f"not valid {self._table.encoding}"), text=text)
        return rows.filter(~is_garbled), garbled


def _lines_of_records(content: bytes, splitter: Splitter, count: int) -> npt.NDArray[np.int64]:
    """Return in which line of a text each of its records begins, from 0; blank lines and quoted ones are lines too."""
    in_order = np.arange(count, dtype=np.int64)
    if content.count(b"\n") == count:
        return in_order
    buffer = np.frombuffer(content, dtype=np.uint8)
    ends = splitter.ends(content)
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    length = ends - starts
    is_blank = (length == 1) | ((length == 2) & (buffer[starts] == RETURN))
    lines = np.searchsorted(np.flatnonzero(buffer == NEWLINE), starts)[~is_blank]
    # A carriage return alone ends a record for Arrow, and no line.
    return lines if len(lines) == count else in_order


def _by_arrow(
    content: bytes, names: list[str], wanted: list[str], delimiter: str, quote: str
) -> tuple[pl.DataFrame, list[arrow_csv.InvalidRow]]:
    irregular: list[arrow_csv.InvalidRow] = []

    def keep(row: arrow_csv.InvalidRow) -> str:
        irregular.append(row)
        return "skip"

    table = arrow_csv.read_csv(
        pa.BufferReader(content),
        # One thread: only then does Arrow say the number of an irregular record.
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter,
            quote_char=quote or False,
            newlines_in_values=bool(quote) and quote.encode() in content,
            invalid_row_handler=keep,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=wanted or names[:1],
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=True,
            check_utf8=False,  # `checked` has looked
        ),
    )
    frame = pl.DataFrame(table)
    return frame if wanted else frame.rename({names[0]: "line"}), irregular


def _one_by_one(
    content: bytes, names: list[str], wanted: list[str], delimiter: str, quote: str
) -> tuple[pl.DataFrame, list[arrow_csv.InvalidRow]]:
    """Do as `_by_arrow`, where Arrow cannot."""
    csv.field_size_limit(len(content) + 1)
    reader = csv.reader(
        io.StringIO(content.decode(), newline=""),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    good: list[list[str | None]] = []
    irregular: list[arrow_csv.InvalidRow] = []
    for number, record in enumerate((record for record in reader if record), start=1):
        if len(record) == len(names):
            good.append([value or None for value in record])
        else:
            irregular.append(arrow_csv.InvalidRow(len(names), len(record), number, delimiter.join(record)))
    frame = pl.DataFrame(good, schema=dict.fromkeys(names, pl.String()), orient="row")
    return frame.select(wanted) if wanted else frame.select(line=names[0]), irregular


def _without_last_lines(stream: Stream, count: int, limits: Limits) -> Stream:
    """Return a text without its last lines; blank lines at its very end do not count."""
    held = b""

    def pull(size: int) -> bytes:
        nonlocal held
        while content := stream.read(size):
            held += content
            last = len(held.rstrip(b"\r\n"))
            for _ in range(count):
                last = held.rfind(b"\n", 0, max(last, 0))
            # A line without end is not waited for.
            cut = max(last + 1, len(held) - (count + 1) * limits.line_bytes)
            if cut > 0:
                given, held = held[:cut], held[cut:]
                return given
        if stream.cut_short:
            # The last lines lie beyond the cut.
            given, held = held, b""
            if not given:
                raise CutShort
            return given
        return b""

    return Stream(pull)


def _header_names(record: bytes, layout: Layout, encoding: str) -> list[str]:
    if not record.strip(b"\r\n"):
        raise Unreadable("has a blank line, or nothing, where the header should be")
    # No encoding makes a text of it.
    if b"\0" in record:
        raise Unreadable("is not text")
    content, is_garbled = checked(record, encoding)
    if is_garbled:
        if encoding == "utf-8" and (said := hint(record)) is not None:
            raise Unreadable(said)
        raise Unreadable(f"has a header that is not valid {encoding}")
    return column_names(_split(content.decode(), layout))


def _positions(stream: Stream, layout: Layout, limits: Limits) -> list[str]:
    """Return names for the columns of a text without a header, by its first record."""
    again = Stream(io.BytesIO(stream.peek(limits.line_bytes)).read)
    record = _record(again, layout, limits)
    while not record.strip(b"\r\n") and again.peek(1):
        record = _record(again, layout, limits)
    text = record.decode("utf-8", MARKING)
    return [WITHOUT_NAME.format(position=position) for position in range(1, len(_split(text, layout)) + 1)]


def _split(text: str, layout: Layout) -> list[str]:
    if layout.delimiter == BLANKS and (not layout.quote or layout.quote not in text):
        return text.split()
    delimiter = " " if layout.delimiter == BLANKS else layout.delimiter
    text = text.strip("\r\n")
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=layout.quote or None,
        quoting=csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE,
        skipinitialspace=layout.delimiter == BLANKS,
    )
    return next(reader, [])


def _record(stream: Stream, layout: Layout, limits: Limits) -> bytes:
    """Return the next record, which may go over several lines if it is quoted."""
    first = stream.readline(limits.line_bytes)
    if len(first) >= limits.line_bytes and not first.endswith(b"\n"):
        raise Unreadable(f"has a header longer than {limits.line_bytes} bytes")
    quote = layout.quote.encode()
    if not quote or quote not in first:
        return first
    splitter = Splitter(stream, layout.delimiter[:1].encode(), quote, limits.line_bytes, BLOCK_BYTES)
    record = first
    while not len(splitter.ends(record.rstrip(b"\r\n") + b"\n")):
        line = stream.readline(limits.line_bytes)
        record += line
        if not line or len(record) > limits.line_bytes:
            stream.push_back(record[len(first) :])
            return first
    return record


def _line(stream: Stream, limits: Limits) -> str:
    return _text(stream.readline(limits.line_bytes)).rstrip("\r\n")


def _lines_until(stream: Stream, pattern: str, limits: Limits) -> list[str]:
    header = re.compile(pattern)
    passed: list[str] = []
    for _ in range(MAX_PREAMBLE_LINES):
        line = stream.readline(limits.line_bytes)
        if not line:
            break
        if header.search(_text(line).rstrip("\r\n")):
            stream.push_back(line)
            return passed
        passed.append(_text(line).rstrip("\r\n"))
    raise Unreadable("has no line that is a header as the layout's skip_until has it")


def _with_newlines(stream: Stream) -> Stream:
    def pull(size: int) -> bytes:
        content = stream.read(size).replace(b"\r", b"\n")
        if not content and stream.cut_short:
            raise CutShort
        return content

    return Stream(pull)


def _with_tabs(content: bytes, quote: str) -> bytes:
    """Return records whose fields are divided by blanks, divided by one tab each."""
    if quote and quote.encode() in content:
        sign = re.escape(quote.encode())
        fields = re.compile(sign + rb"(?:[^" + sign + rb"]|" + sign * 2 + rb")*" + sign + rb"|[ \t]+")
        content = fields.sub(lambda found: b"\t" if found[0][:1] in b" \t" else found[0], content)
    else:
        content = re.sub(rb"[ \t]+", b"\t", content)
    return re.sub(rb"(?m)^\t|\t(?=\r?$)", b"", content)


def _text(content: bytes) -> str:
    return content.decode("utf-8", MARKING).replace(MARK, REPLACEMENT)


def _without_formulas(rows: pl.DataFrame) -> pl.DataFrame:
    """Return texts without the formula by which a writer tells a spreadsheet that digits are a text: `="0541"`."""
    formulas = [
        name for name, dtype in rows.schema.items() if dtype == pl.String() and rows[name].str.starts_with('="').any()
    ]
    return rows.with_columns(pl.col(formulas).str.replace(FORMULA, "$1")) if formulas else rows


def _shown(text: str) -> str:
    return text.replace(MARK, REPLACEMENT)


def _fields(row: arrow_csv.InvalidRow) -> str:
    return f"{row.actual_columns} fields where {row.expected_columns} are expected"
