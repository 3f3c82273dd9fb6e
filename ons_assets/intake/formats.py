"""Which format a file has, by its first bytes, where a layout does not say it."""

import re
from pathlib import Path

import msgspec

from ons_assets.intake.containers import is_workbook_zip, parts
from ons_assets.intake.encodings import as_utf8
from ons_assets.intake.json_values import NOT_JSON_ERRORS
from ons_assets.intake.layouts import Format, Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.streams import GZIP_MAGIC, ZIP_INSIDE, ZIP_MAGIC, ZSTANDARD_MAGIC
from ons_assets.intake.unreadable import Unreadable

LOOKED_AT_BYTES = 1 << 16
PARQUET_MAGICS = (b"PAR1", b"PARE")
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WORKBOOK_PARTS = (b"[Content_Types].xml", b"xl/", b"_rels/.rels", b"opendocument.spreadsheet")
# What it is, for the sentence that it is not read.
FOREIGN = {
    b"%PDF": "a PDF",
    b"SQLite format 3\0": "a SQLite database",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"BZh": "a file packed by bzip2",
    b"\xfd7zXZ\0": "a file packed by xz",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
}
HTML = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
NEM12 = re.compile(rb"\s*(100\s*,\s*NEM1[23]\b|200,[^\n]*\r?\n\s*300,\d{8},)", re.IGNORECASE)
ESPI = re.compile(rb"naesb\.org/espi|IntervalBlock")
FEATURES = re.compile(rb'"type"\s*:\s*"FeatureCollection"')


def foreign(start: bytes) -> str | None:
    """Return what a file is by its first bytes, if it is of no format that can be read."""
    if HTML.match(start):
        return "an HTML page"
    return next((what for magic, what in FOREIGN.items() if start.startswith(magic)), None)


def format_of(path: Path, layout: Layout, limits: Limits) -> Format:
    """Return the format of a file: what the layout says, or else its first part.

    Parameters
    ----------
    path
        The file.
    layout
        May say the format, or a path or an element by which it is known.
    limits
        On what it unpacks to.

    Raises
    ------
    Unreadable
        If it is damaged, or of no format that can be read.
    """
    if layout.format is not None:
        return layout.format
    if is_workbook_zip(path):
        return "xlsx"
    for part in parts(path, limits, layout.member, of_workbooks=True):
        start = part.stream.peek(LOOKED_AT_BYTES)
        if what := foreign(start):
            raise Unreadable(f"is {what}, which is not read")
        if start.startswith(PARQUET_MAGICS):
            return "parquet"
        if start.startswith(OLE_MAGIC):
            return "xlsx"
        if start.startswith(ZIP_MAGIC):
            return _nested_zip(start)
        if start.startswith((GZIP_MAGIC, ZSTANDARD_MAGIC)):
            raise Unreadable("is packed twice: unpack it once")
        utf8, _ = as_utf8(part.stream, layout.encoding)
        return _of_text(utf8.peek(LOOKED_AT_BYTES), layout)
    return "delimited"


def _nested_zip(start: bytes) -> Format:
    if not any(name in start for name in WORKBOOK_PARTS):
        raise Unreadable(ZIP_INSIDE)
    return "xlsx"


def _of_text(start: bytes, layout: Layout) -> Format:
    text = start.lstrip()
    if text.startswith(b"<"):
        return "green-button" if layout.element is None and ESPI.search(text) else "xml"
    if text.startswith(b"["):
        return "json"
    if text.startswith(b"{"):
        return _of_json(text, layout)
    if NEM12.match(text):
        return "nem12"
    return "json-lines" if has_objects_below(start) else "delimited"


def has_objects_below(start: bytes) -> bool:
    """Return whether most lines behind the first are JSON objects, whatever that is.

    The first is none where a stream was cut, or a disk lost the beginning.
    """
    below = [line for line in start.split(b"\n")[1:] if line.strip()]
    is_cut = len(start) >= LOOKED_AT_BYTES
    objects = sum(_is_object(line) or (is_cut and line is below[-1] and line.startswith(b"{")) for line in below)
    return 2 * objects > len(below)


def _is_object(line: bytes) -> bool:
    try:
        return line.lstrip().startswith(b"{") and bool(msgspec.json.decode(line, type=msgspec.Raw))
    except (*NOT_JSON_ERRORS, RecursionError):
        return False


def _of_json(text: bytes, layout: Layout) -> Format:
    if layout.path is None and FEATURES.search(text[:1024]):
        return "geojson"
    first, end, rest = text.partition(b"\n")
    try:
        msgspec.json.decode(first, type=msgspec.Raw)
    except RecursionError:
        return "json-lines"
    except NOT_JSON_ERRORS:
        # A line longer than what was looked at is one of many rather than a document without a break.
        is_document = end or layout.path is not None
        return "json" if is_document and not has_objects_below(text) else "json-lines"
    # One value with a path in it is a document; several, one a line, are pages of one.
    return "json" if layout.path is not None and not rest.strip() else "json-lines"
