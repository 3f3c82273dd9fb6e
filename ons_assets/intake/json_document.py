"""JSON documents: one value in which, at some path, lie the rows. GeoJSON is one whose rows are its features."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from ons_assets.intake.blocks import Block, rejected_rows, texts
from ons_assets.intake.encodings import as_utf8
from ons_assets.intake.json_values import NOT_JSON, NOT_JSON_ERRORS, TOO_DEEP, Faulty, as_text, decoded, row
from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.streams import Stream
from ons_assets.intake.unreadable import Unreadable

ROWS = 50_000
KEPT_CHARACTERS = 1000
FEATURES, GEOMETRY = "features", "geometry"
# Column of what GeoJSON says of the reference system of its coordinates, as the form of 2008 has it.
CRS = "crs"

_objects = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_arrays = msgspec.json.Decoder(list[msgspec.Raw]).decode

Found = tuple[msgspec.Raw, Mapping[str, str | None]]


def blocks(
    stream: Stream, layout: Layout, limits: Limits, columns: Collection[str] | None, rows: int = ROWS
) -> Iterator[Block]:
    """Yield the rows of a JSON document as text; `line` is the number of the row, the first being 1.

    What the objects around the rows say beside them is in columns too, by its whole path:
    `meter_reading.usage_point_id`. Of a row that is an array the columns are `column_1` and so on. GeoJSON that states
    its coordinate reference system has it in the column `crs`.

    Parameters
    ----------
    stream
        Of a part of a file, unpacked.
    layout
        Says the path and the encoding.
    limits
        On the size of the document.
    columns
        That are needed; all of them if None.
    rows
        Of a block.

    Raises
    ------
    Unreadable
        If it is too large, cut short, no JSON, or has nothing at the path.
    """
    utf8, _ = as_utf8(stream, layout.encoding)
    content = _content(utf8, limits)
    path = layout.path or (FEATURES if layout.format == "geojson" else "")
    try:
        around = _reference_system(content) if layout.format == "geojson" else {}
        found = _rows_at(content, [part for part in path.split(".") if part], layout.decimal, around)
        yield from _blocks(found, layout, columns, rows)
    except _Nothing:
        raise Unreadable("is a JSON document with nothing at the path of the layout") from None
    except RecursionError:
        raise Unreadable(TOO_DEEP) from None
    except Faulty as fault:
        raise Unreadable(str(fault)) from None
    except NOT_JSON_ERRORS:
        raise Unreadable(NOT_JSON) from None


def elements(stream: Stream, limits: Limits) -> Iterator[msgspec.Raw]:
    """Yield the elements of a JSON array.

    Raises
    ------
    Unreadable
        If it is too large, cut short, or no JSON.
    """
    content = _content(stream, limits)
    try:
        found = _arrays(content)
    except RecursionError:
        raise Unreadable(TOO_DEEP) from None
    except NOT_JSON_ERRORS:
        raise Unreadable("begins as a JSON array and is not valid JSON") from None
    yield from found


def rows_inside(text: bytes, layout: Layout, columns: Collection[str] | None) -> list[dict[str, str | None]]:
    """Return the rows at the path of a layout of one JSON value of several, such as a page of an interface.

    Parameters
    ----------
    text
        The value.
    layout
        Says the path, and the decimal mark of texts.
    columns
        As for `blocks`.

    Raises
    ------
    Faulty
        If it is no JSON, has nothing at the path, or something there is no row.
    """
    try:
        found = list(_rows_at(text, (layout.path or "").split("."), layout.decimal))
    except Faulty:
        raise
    except (_Nothing, Unreadable):
        raise Faulty("has nothing at the path of the layout") from None
    except RecursionError:
        raise Faulty(TOO_DEEP) from None
    except NOT_JSON_ERRORS:
        raise Faulty(NOT_JSON) from None
    return [_with(row(decoded(bytes(raw), layout.decimal), columns), around, columns) for raw, around in found]


def _content(stream: Stream, limits: Limits) -> bytes:
    content = stream.read(limits.document_bytes + 1)
    if len(content) > limits.document_bytes:
        raise Unreadable(f"is one JSON value of more than {limits.document_bytes} bytes; one a line can be streamed")
    if stream.cut_short:
        raise Unreadable("is cut short")
    if not content.strip():
        raise Unreadable("is empty")
    return content


class _Nothing(Exception):
    """There is nothing at a path."""


def _rows_at(
    content: bytes | msgspec.Raw,
    path: Sequence[str],
    decimal: str | None,
    around: Mapping[str, str | None] = MappingProxyType({}),
    prefix: str = "",
) -> Iterator[Found]:
    kind = _kind(content)
    if kind == b"[":
        yield from _rows_of_array(_arrays(content), path, decimal, around, prefix)
    elif kind == b"{" and path:
        inside = _objects(content)
        if path[0] not in inside:
            raise _Nothing
        beside = {
            f"{prefix}{key}": as_text(decoded(bytes(raw), decimal))
            for key, raw in inside.items()
            if _kind(raw) not in b"{["
        }
        yield from _rows_at(inside[path[0]], path[1:], decimal, {**around, **beside}, f"{prefix}{path[0]}.")
    elif kind == b"{" and prefix:
        yield msgspec.Raw(bytes(content)), around
    elif kind == b"{":
        raise Unreadable("is a JSON document: say path, where its rows are")
    elif kind != b"n":
        raise Unreadable("is a JSON document with neither objects nor arrays at the path of the layout")


def _reference_system(content: bytes) -> dict[str, str | None]:
    """Return what a collection of features says of its reference system: a name, or the number that EPSG gave it."""
    stated = decoded(bytes(_objects(content).get(CRS, b"null")))
    said = stated.get("properties", {}) if isinstance(stated, dict) else {}
    if not isinstance(said, dict):
        return {}
    name = as_text(said.get("name"))
    if name is None and said.get("code") is not None:
        name = f"EPSG:{as_text(said['code'])}"
    return {CRS: name} if name is not None else {}


def _rows_of_array(
    inner: Sequence[msgspec.Raw],
    path: Sequence[str],
    decimal: str | None,
    around: Mapping[str, str | None],
    prefix: str,
) -> Iterator[Found]:
    """Rows of the elements of an array; one that has nothing at the path does not matter, as long as not all have."""
    if not path:
        yield from ((each, around) for each in inner)
        return
    lacking = 0
    for each in inner:
        try:
            yield from _rows_at(each, path, decimal, around, prefix)
        except _Nothing:
            lacking += 1
    if inner and lacking == len(inner):
        raise _Nothing


def _kind(content: bytes | msgspec.Raw) -> bytes:
    """Return the character with which a value begins."""
    return bytes(memoryview(content)[:64]).lstrip()[:1]


def _blocks(found: Iterator[Found], layout: Layout, columns: Collection[str] | None, rows: int) -> Iterator[Block]:
    names: dict[str, None] = dict.fromkeys(columns or ())
    gathered: list[dict[str, str | None]] = []
    numbers: list[int] = []
    rejected: list[tuple[int, str, str]] = []
    is_geojson = layout.format == "geojson"
    for number, (raw, around) in enumerate(found, start=1):
        text = bytes(raw)
        try:
            values = _feature(text, layout, columns) if is_geojson else row(decoded(text, layout.decimal), columns)
        except Faulty as fault:
            rejected.append((number, str(fault), text[:KEPT_CHARACTERS].decode("utf-8", "replace")))
            continue
        names.update(dict.fromkeys(_with(values, around, columns)))
        gathered.append(values)
        numbers.append(number)
        if len(gathered) >= rows:
            yield Block(texts(gathered, list(names), numbers), rejected_rows(rejected))
            gathered, numbers, rejected = [], [], []
    yield Block(texts(gathered, list(names), numbers), rejected_rows(rejected))


def _with(
    values: dict[str, str | None], around: Mapping[str, str | None], columns: Collection[str] | None
) -> dict[str, str | None]:
    """Return a row with what the objects around it say."""
    for name, value in around.items():
        if columns is None:
            values.setdefault(name, value)
        elif name in columns and values.get(name) is None:
            values[name] = value
    return values


def _feature(text: bytes, layout: Layout, columns: Collection[str] | None) -> dict[str, str | None]:
    """Return a feature: its properties, and its geometry as the JSON text that it was."""
    try:
        inside: dict[str, Any] = _objects(text)
    except (*NOT_JSON_ERRORS, RecursionError):
        raise Faulty("is not a JSON object") from None
    try:
        geometry = bytes(inside.pop(GEOMETRY, b"null")).decode()
    except UnicodeDecodeError:
        raise Faulty("is not UTF-8 text") from None
    values = row({key: decoded(bytes(raw), layout.decimal) for key, raw in inside.items()}, columns)
    if columns is None or GEOMETRY in columns:
        values[GEOMETRY] = None if geometry == "null" else geometry
    return values
