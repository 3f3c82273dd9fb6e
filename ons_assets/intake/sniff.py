"""What a file is, in words, and what a layout for it would say; of its content nothing but names is told.

A name is told only if it looks like one and the rows below it look like values: the first line of a file
without a header is somebody's record.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec

from ons_assets.intake import parquet, workbook
from ons_assets.intake.cer import begins_as_cer
from ons_assets.intake.containers import Part, as_file, is_workbook_zip, is_zip, members, opened_zip, parts
from ons_assets.intake.delimited import SEPARATOR_LINE
from ons_assets.intake.encodings import (
    BYTE_ORDER_MARKS,
    MARK,
    MARKING,
    WESTERN_AND_EASTERN,
    likely,
    not_utf8,
    unmarked_utf16,
)
from ons_assets.intake.formats import (
    ESPI,
    FEATURES,
    LOOKED_AT_BYTES,
    NEM12,
    OLE_MAGIC,
    PARQUET_MAGICS,
    WORKBOOK_PARTS,
    foreign,
    has_objects_below,
)
from ons_assets.intake.header_rows import is_name, is_value, looking_like_names, names_of
from ons_assets.intake.json_document import GEOMETRY
from ons_assets.intake.json_values import NOT_JSON_ERRORS, TOO_DEEP, Faulty, decoded, row
from ons_assets.intake.layouts import Format, Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.streams import GZIP_MAGIC, ZIP_INSIDE, ZIP_MAGIC, ZSTANDARD_MAGIC, Stream
from ons_assets.intake.unreadable import Unreadable
from ons_assets.intake.xml_rows import Element, Walker
from ons_assets.wording import counted

DELIMITERS = (";", "\t", "|", ",")
BLANKS = "blanks"
DAMAGED_LINES = "JSON lines of which the first is damaged"
LOOKED_AT_LINES = 400
MOST_LEVELS, MOST_PLACES = 6, 10
# Three digits behind a comma may be thousands, unless there is only a zero before it.
DECIMAL_COMMA, DECIMAL_POINT = (
    re.compile(r"\s*[+-]?(?:0,\d+|\d+,(?:\d{1,2}|\d{4,}))\s*"),
    re.compile(r"\s*[+-]?\d+\.\d+\s*"),
)
OLD_WORKBOOK, OLD_DOCUMENT = ("Workbook", "Book"), "WordDocument"
# Tab, line ends, and the end of a file of old.
LAYOUT_BYTES = (9, 10, 12, 13, 26)


@dataclass(frozen=True)
class FileKind:
    """What a file is.

    Parameters
    ----------
    words
        In words, without an article only where there is none: "delimited text", "an Excel workbook". They
        hold nothing of the file; see also `said`.
    format
        For a layout; None if it cannot be read.
    packing
        What is around it: gzip, zstandard or zip.
    encoding
        Of text.
    encoding_is_open
        Whether the text is not UTF-8, and reads well in several encodings.
    delimiter
        One character, or `blanks`.
    decimal
        Mark that its numbers seem to have.
    header
        Whether delimited text seems to have one.
    columns
        Names that look like ones; a column that has none is called by its place.
    preamble_lines
        Lines before the header, or the first record.
    path
        Of the rows in a JSON document.
    element
        Of XML, the element that seems to be a row.
    path_in_lines
        Of what may be the rows, where a line of JSON lines holds several.
    width
        How many columns delimited text has.
    has_footer
        Whether lines with fewer fields follow its last row.
    count
        Members of a zip, or sheets of a workbook.
    """

    words: str
    format: Format | None = None
    packing: Literal["gzip", "zstandard", "zip"] | None = None
    encoding: str | None = None
    encoding_is_open: bool = False
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    header: bool = True
    columns: tuple[str, ...] = ()
    preamble_lines: int = 0
    path: str | None = None
    element: str | None = None
    path_in_lines: str | None = None
    width: int | None = None
    has_footer: bool = False
    count: int | None = None

    def said(self, *, individual: bool) -> str:
        """Return the words, and where the rows of a document are: of one about people, a name in it may be a value.

        Parameters
        ----------
        individual
            Whether the file is about people.
        """
        if self.format != "json" or not self.path:
            return self.words
        return f"{self.words} with rows {'inside it' if individual else f'at {self.path}'}"


def describe(path: Path, limits: Limits) -> FileKind:
    """Say what a file is. Nothing is raised: a file that cannot be read is described by the sentence why.

    Parameters
    ----------
    path
        The file.
    limits
        On what it unpacks to.
    """
    try:
        return _described(path, limits)
    except Unreadable as why:
        return FileKind(f"a file that {why}")


def _described(path: Path, limits: Limits) -> FileKind:
    if is_workbook_zip(path):
        return _workbook(path, limits)
    packing = _packing(path)
    count = 0
    if packing == "zip":
        with opened_zip(path) as archive:
            count = len(members(archive))
    for part in parts(path, limits, of_workbooks=True):
        kind = _content(path, part, limits)
        if packing == "zip":
            files = counted(count, "file")
            kind = replace(kind, words=f"a zip archive of {files}: {kind.words}", count=count)
        return replace(kind, packing=packing)
    raise Unreadable("is empty")


def _packing(path: Path) -> Literal["gzip", "zstandard", "zip"] | None:
    if is_zip(path):
        return "zip"
    with path.open("rb") as file:
        first = file.read(4)
    return "gzip" if first[:2] == GZIP_MAGIC else "zstandard" if first == ZSTANDARD_MAGIC else None


def _content(path: Path, part: Part, limits: Limits) -> FileKind:
    start = part.stream.peek(LOOKED_AT_BYTES)
    if not start:
        return FileKind("an empty file")
    if what := foreign(start):
        return FileKind(what)
    if start.startswith(PARQUET_MAGICS):
        with as_file(path, part, limits.unpacked_bytes, "a Parquet file") as file:
            return FileKind("a Parquet file", "parquet", columns=looking_like_names(parquet.names(file)))
    if start.startswith(OLE_MAGIC) or (start.startswith(ZIP_MAGIC) and any(name in start for name in WORKBOOK_PARTS)):
        with as_file(path, part, limits.document_bytes, "a workbook") as file:
            return _ole(file) if start.startswith(OLE_MAGIC) else _workbook(file, limits)
    if start.startswith(ZIP_MAGIC):
        raise Unreadable(ZIP_INSIDE)
    return _text(start, part.stream, limits)


def _ole(path: Path) -> FileKind:
    with path.open("rb") as file:
        start = file.read(1 << 22)
    if workbook.is_protected(path):
        return FileKind("an Excel workbook under a password")
    if OLD_DOCUMENT.encode("utf-16-le") in start:
        return FileKind("an old Word document")
    if any(name.encode("utf-16-le") in start for name in OLD_WORKBOOK):
        return FileKind("an old Excel workbook (.xls)", "xlsx")
    return FileKind("an old Office file")


def _workbook(path: Path, limits: Limits) -> FileKind:
    count = len(workbook.sheets(path, limits))
    texts = workbook.first_rows(path, limits)
    kind = FileKind("an Excel workbook", "xlsx", count=count)
    records = [[cell or "" for cell in cells] for cells in texts]
    filled = [sum(1 for cell in record if cell) for record in records]
    if not records or max(filled) < 2:
        return kind
    usual = Counter(number for number in filled if number > 1).most_common(1)[0][0]
    start = next(place for place, number in enumerate(filled) if number >= usual)
    names = names_of(records[start], records[start + 1 :])
    return replace(kind, columns=names or (), header=names is not None, preamble_lines=start)


def _text(start: bytes, stream: Stream, limits: Limits) -> FileKind:
    encoding, text = _decoded(start)
    if text is None:
        return FileKind("a file of bytes that are no text")
    stripped = text.lstrip()
    kind = FileKind("text", encoding=encoding)
    if encoding in WESTERN_AND_EASTERN:
        kind = replace(kind, encoding_is_open=len(_likely(start)) > 1)
        if stripped.startswith(("{", "[")) and start.decode("utf-8", MARKING).count(MARK) == 1:
            # JSON is UTF-8: one letter that is not is damage.
            kind = FileKind("text", encoding="utf-8")
    if stripped.startswith("<"):
        return _xml(stripped, stream, limits, kind)
    if stripped.startswith(("{", "[")):
        return _json(stripped, stream, limits, kind)
    if found := NEM12.match(start):
        return replace(kind, words="NEM13 text" if b"NEM13" in found[0].upper() else "NEM12 text", format="nem12")
    if begins_as_cer(start) or begins_as_cer(start.partition(b"\n")[2]):
        return replace(kind, words="CER text", format="cer")
    if has_objects_below(start):
        return replace(kind, words=DAMAGED_LINES, format="json-lines")
    return _delimited(text, kind, is_whole=len(start) < LOOKED_AT_BYTES)


def _decoded(start: bytes) -> tuple[str, str | None]:
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return encoding, start[len(mark) :].decode(encoding, "ignore")
    if wide := unmarked_utf16(start):
        return wide, start.decode(wide, "ignore")
    if sum(byte < 32 and byte not in LAYOUT_BYTES for byte in start) > len(start) / 100:
        return "utf-8", None
    try:
        # What was looked at may end inside a character.
        return "utf-8", codecs.getincrementaldecoder("utf-8")().decode(start, len(start) < LOOKED_AT_BYTES)
    except UnicodeDecodeError:
        encoding = max(_likely(start), default="utf-8")
        return encoding, start.decode(encoding, "replace")


def _likely(start: bytes) -> set[str]:
    """In which encodings text may be; none if more of its lines with such letters are UTF-8 than are not."""
    damaged = not_utf8(start)
    lines = sum(not line.isascii() for line in start.split(b"\n"))
    return likely(damaged) if 2 * (damaged.count(b"\n") + 1) > lines else set()


def _in_words(kind: FileKind) -> str:
    if kind.encoding_is_open:
        return "text that is not UTF-8"
    if kind.encoding is not None and kind.encoding.startswith("utf-16"):
        return "UTF-16 text"
    return f"{kind.encoding} text" if kind.encoding in WESTERN_AND_EASTERN else "text"


def _delimited(text: str, kind: FileKind, *, is_whole: bool) -> FileKind:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not is_whole:
        lines = lines[:-1] or lines
    lines = lines[:LOOKED_AT_LINES]
    # The reader passes over that line by itself.
    hinted = SEPARATOR_LINE.fullmatch(lines[0].strip())
    lines = lines[1:] if hinted else lines
    what = _in_words(kind)
    best: tuple[float, int, str, int, list[list[str]]] | None = None
    for delimiter in (hinted["delimiter"],) if hinted and hinted["delimiter"] else (*DELIMITERS, BLANKS):
        records = [_fields(line, delimiter) for line in lines]
        widths = Counter(len(record) for record in records if len(record) > 1)
        if not widths or (delimiter == BLANKS and best is not None):
            continue
        width, found = max(widths.items(), key=lambda item: (item[1], item[0]))
        share = found / max(1, sum(1 for line in lines if line.strip()))
        if best is None or (share, width) > (best[0] + 0.05, best[1]) or share > best[0] + 0.2:
            best = (share, width, delimiter, found, records)
    if best is None or (best[0] < 0.5 and best[3] < 3) or (best[2] == BLANKS and best[0] < 0.8):
        return replace(kind, words=what)
    _, width, delimiter, _, records = best
    if delimiter == BLANKS and not any(is_value(cell) for record in records for cell in record):
        return replace(kind, words=what)  # prose
    start = _first_record(records, width)
    below = [record for record in records[start + 1 :] if len(record) == width]
    names = names_of(records[start], below)
    last = max(place for place, record in enumerate(records) if len(record) == width)
    return replace(
        kind,
        words=f"delimited {what}",
        width=width,
        has_footer=is_whole and len(lines) < LOOKED_AT_LINES and any(records[last + 1 :]),
        format="delimited",
        delimiter=delimiter,
        decimal=_decimal(below if names is not None else [records[start], *below]),
        header=names is not None,
        columns=names or (),
        preamble_lines=start,
    )


def _first_record(records: Sequence[Sequence[str]], width: int) -> int:
    """Return the place of the header, or of the first record; a table exported whole pads the lines before it, too."""
    places = [place for place, record in enumerate(records) if len(record) == width]
    reach = {
        place: max((at for at, cell in enumerate(records[place], 1) if cell.strip()), default=0) for place in places
    }
    usual, _ = max(Counter(reach.values()).items(), key=lambda item: (item[1], item[0]))
    full = next(place for place in places if reach[place] >= usual)
    padded = full != places[0] and names_of(records[full], [records[place] for place in places if place > full])
    return full if padded else places[0]


def _fields(line: str, delimiter: str) -> list[str]:
    if delimiter == BLANKS:
        return line.split()
    return next(csv.reader(io.StringIO(line), delimiter=delimiter), []) if line.strip() else []


def _decimal(records: Sequence[Sequence[str]]) -> Literal[".", ","] | None:
    cells = [cell for record in records for cell in record]
    commas = sum(DECIMAL_COMMA.fullmatch(cell) is not None for cell in cells)
    points = sum(DECIMAL_POINT.fullmatch(cell) is not None for cell in cells)
    if commas == points == 0:
        return None
    return "," if commas > points else "."


def _json(text: str, stream: Stream, limits: Limits, kind: FileKind) -> FileKind:
    if FEATURES.search(text[:1024].encode()):
        return replace(kind, words="GeoJSON", format="geojson", path="features", columns=_of_features(stream, limits))
    first, _, rest = text.partition("\n")
    if _is_too_deep(first):
        return replace(kind, words="JSON lines", format="json-lines")
    if (
        text.startswith("{")
        and (values := _row(first)) is not None
        and (rest.lstrip().startswith("{") or not rest.strip())
    ):
        found = _rows_below(first.encode()) if not rest.strip() else None
        if found is None:
            within = _rows_below(first.encode(), fewest=2) if rest.strip() else None
            return replace(
                kind,
                words="JSON lines",
                format="json-lines",
                columns=looking_like_names(inner_names(values)),
                path_in_lines=within[0] or None if within else None,
            )
    if text.startswith("{") and has_objects_below(text.encode()):
        return replace(kind, words=DAMAGED_LINES, format="json-lines")
    content = stream.peek(limits.document_bytes + 1)
    if len(content) > limits.document_bytes:
        return replace(kind, words="a large JSON document", format="json")
    found = _rows_below(content.removeprefix(b"\xef\xbb\xbf") if kind.encoding == "utf-8" else text.encode())
    if found is None:
        return replace(kind, words="a JSON document", format="json")
    path, element = found
    values = _row(element) or {}
    return replace(
        kind,
        words="a JSON document" if path else "a JSON document of rows",
        format="json",
        path=path or None,
        columns=looking_like_names(inner_names(values)),
    )


def inner_names(values: Mapping[str, str | None]) -> list[str]:
    """Return the names of what is inside of the objects and arrays of JSON, in place of theirs.

    Parameters
    ----------
    values
        By the names of their columns, where what is inside of objects has a dotted name already.
    """
    objects = {".".join(parts[:end]) for name in values if (parts := name.split(".")) for end in range(1, len(parts))}
    names: list[str] = []
    for name, value in values.items():
        array = _array(value)
        if array is not None:
            names += [f"{name}.{place}" for place, each in enumerate(array) if not isinstance(each, list | dict)]
        elif name not in objects and value != "{}":
            names.append(name)
    return names


def _array(text: str | None) -> list[object] | None:
    """The first places of an array of JSON; None if a text is none."""
    if text is None or not text.startswith("["):
        return None
    try:
        return msgspec.json.decode(text, type=list[object])[:MOST_PLACES]
    except (*NOT_JSON_ERRORS, RecursionError):
        return None


def _row(text: str | bytes) -> dict[str, str | None] | None:
    try:
        return row(decoded(text.encode() if isinstance(text, str) else text), None)
    except Faulty:
        return None


def _is_too_deep(text: str) -> bool:
    try:
        decoded(text.encode())
    except Faulty as fault:
        return str(fault) == TOO_DEEP
    return False


def _of_features(stream: Stream, limits: Limits) -> tuple[str, ...]:
    """Return the columns of GeoJSON, as its first feature has them; none if it is too large to be looked into."""
    content = stream.peek(limits.document_bytes + 1)
    if len(content) > limits.document_bytes:
        return ()
    found = _rows_below(content.removeprefix(b"\xef\xbb\xbf"))
    names = list(_row(found[1]) or {}) if found is not None and found[0] == "features" else []
    within = [name for name in names if not name.startswith(f"{GEOMETRY}.")]
    return looking_like_names([*within, *([GEOMETRY] if len(within) < len(names) else [])])


def _rows_below(content: bytes, fewest: int = 1) -> tuple[str, bytes] | None:
    """Return the path of the longest array of objects in a document, and its first object."""
    best: tuple[int, str, bytes] | None = None
    try:
        for path, array in _arrays(msgspec.Raw(content), (), 0):
            objects = [bytes(each) for each in array if bytes(each)[:1] == b"{"]
            if len(objects) >= fewest and (best is None or len(objects) > best[0]):
                best = (len(objects), ".".join(path), objects[0])
    except (*NOT_JSON_ERRORS, RecursionError):
        return None
    return best[1:] if best else None


def _arrays(
    value: msgspec.Raw, path: tuple[str, ...], level: int
) -> Iterator[tuple[tuple[str, ...], list[msgspec.Raw]]]:
    kind = bytes(memoryview(value)[:64]).lstrip()[:1]
    if level > MOST_LEVELS or not all(is_name(part) or part.isidentifier() for part in path):
        return
    if kind == b"[":
        array = msgspec.json.decode(value, type=list[msgspec.Raw])
        yield path, array
        if array:
            yield from _arrays(array[0], path, level + 1)
    elif kind == b"{":
        for key, each in msgspec.json.decode(value, type=dict[str, msgspec.Raw]).items():
            yield from _arrays(each, (*path, key), level + 1)


def _xml(text: str, stream: Stream, limits: Limits, kind: FileKind) -> FileKind:
    if ESPI.search(text.encode()):
        return replace(kind, words="Green Button XML", format="green-button")
    counts = _Counts(limits)
    seen = Stream(io.BytesIO(stream.peek(1 << 20)).read)
    try:
        for _ in counts.walk(seen, lambda: iter(())):
            pass
    except Unreadable:
        return replace(kind, words="XML that is not well-formed")
    element = counts.row()
    return replace(kind, words="XML", format="xml", element=element)


class _Counts(Walker):
    """Counts elements that have children or attributes, by their path."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._counts: Counter[str] = Counter()
        self._structured: set[str] = set()

    def ended(self, element: Element) -> None:
        self._counts[element.path] += 1
        if element.has_children or element.attributes:
            self._structured.add(element.path)

    def row(self) -> str | None:
        """Return the element that comes most often; of several the outermost."""
        repeated = [
            (count, -path.count("."), path)
            for path, count in self._counts.items()
            if count > 1 and path in self._structured
        ]
        if not repeated:
            return None
        return max(repeated)[2].rsplit(".", 1)[-1]


def draft(kind: FileKind, name: str) -> Layout:
    """Return a layout without columns that reads a file of this kind.

    Raises
    ------
    Unreadable
        If no layout does.
    """
    if kind.format is None:
        raise Unreadable(f"is {kind.words}: no layout reads it")
    said: dict[str, object] = {"format": kind.format}
    if kind.format in ("json", "json-lines", "geojson", "delimited") and kind.encoding:
        said["encoding"] = kind.encoding
    if kind.format == "delimited":
        said |= {"delimiter": kind.delimiter, "decimal": kind.decimal or ".", "header": kind.header}
    if kind.format in ("delimited", "xlsx"):
        said["skip_lines"] = kind.preamble_lines
    if kind.format == "json" and kind.path:
        said["path"] = kind.path
    if kind.element:
        said["element"] = kind.element
    return Layout.model_validate({"name": name, "columns": {}, **said})
