"""The one way from a file to its rows, whatever its format: blocks in bounded memory, every record accounted for.

What is a column where, and how records are counted, the reader of each format says.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ons_assets.intake import (
    cer,
    delimited,
    green_button,
    json_document,
    json_lines,
    nem12,
    parquet,
    workbook,
    xml_rows,
)
from ons_assets.intake.blocks import LINE, Block
from ons_assets.intake.containers import Part, as_file, is_workbook_zip, parts
from ons_assets.intake.formats import ESPI, LOOKED_AT_BYTES, NEM12, foreign, format_of
from ons_assets.intake.layouts import Format, Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.streams import GZIP_MAGIC, ZIP_INSIDE, ZIP_MAGIC, ZSTANDARD_MAGIC, Stream
from ons_assets.intake.unreadable import Unreadable

__all__ = ["Block", "Limits", "header", "records"]

# For a header a few rows say enough.
FEW_ROWS = 100


def records(
    path: Path,
    layout: Layout,
    limits: Limits,
    *,
    columns: Collection[str] | None = None,
    block_bytes: int = delimited.BLOCK_BYTES,
) -> Iterator[Block]:
    """Yield the rows of a file, block by block; memory holds a few blocks, whatever its size.

    Every part of a file has at least one block. Rows in are rows out and rejected ones.

    Parameters
    ----------
    path
        Plain, gzip, Zstandard, or a zip, of which each member that the layout means is a part.
    layout
        How the file is written.
    limits
        On what it unpacks to, on a record, and on what cannot be read piece by piece.
    columns
        That are needed; all of them if None. Of delimited text, Parquet and workbooks those that are there,
        of JSON and XML all of them, null where a row has none. If the layout names columns by their place,
        all are read.
    block_bytes
        How much of a text is read at a time.

    Raises
    ------
    Unreadable
        If nothing in it can be read, or it is damaged, in a sentence that quotes nothing of it. It may come
        after blocks were yielded: they are of a damaged file, and count no more.
    """
    kind = format_of(path, layout, limits)
    if kind == "green-button":
        yield from green_button.blocks(path, layout, limits, columns)
    elif kind == "xlsx" and (is_workbook_zip(path) or not _has_members(path, layout, limits)):
        yield from workbook.blocks(path, layout, limits, columns)
    else:
        for part in parts(path, limits, layout.member, of_workbooks=kind == "xlsx"):
            for block in _of_part(path, part, kind, layout, limits, columns, block_bytes):
                yield replace(block, part=part.name)


def header(path: Path, layout: Layout, limits: Limits) -> list[str]:
    """Return the names of the columns of a file's first part, without blanks around them; none if it has none.

    Parameters
    ----------
    path
        The file.
    layout
        How it would be written.
    limits
        As in `records`.
    """
    with suppress(Unreadable, OSError):
        kind = format_of(path, layout, limits)
        if kind == "xlsx" and is_workbook_zip(path):
            return workbook.names(path, layout, limits)
        for part in parts(path, limits, layout.member, of_workbooks=kind == "xlsx"):
            return _header(path, part, kind, layout, limits)
    return []


def _of_part(
    path: Path,
    part: Part,
    kind: Format,
    layout: Layout,
    limits: Limits,
    columns: Collection[str] | None,
    block_bytes: int,
) -> Iterator[Block]:
    if kind == "parquet":
        with as_file(path, part, limits.unpacked_bytes, "a Parquet file") as file:
            yield from parquet.blocks(file, limits, columns)
        return
    if kind == "xlsx":
        with as_file(path, part, limits.document_bytes, "a workbook") as file:
            yield from workbook.blocks(file, layout, limits, columns)
        return
    _check(path, part.stream)
    if kind == "delimited":
        yield from delimited.blocks(part.stream, layout, limits, columns, block_bytes)
    elif kind == "cer":
        yield from cer.blocks(part.stream, limits, columns, block_bytes)
    elif kind == "json-lines":
        yield from json_lines.blocks(part.stream, layout, limits, columns)
    elif kind in ("json", "geojson"):
        yield from json_document.blocks(part.stream, layout.model_copy(update={"format": kind}), limits, columns)
    elif kind == "xml":
        yield from xml_rows.blocks(part.stream, layout, limits, columns)
    elif kind == "nem12":
        yield from nem12.blocks(part.stream, layout, limits, columns)


def _header(path: Path, part: Part, kind: Format, layout: Layout, limits: Limits) -> list[str]:
    if kind == "parquet":
        with as_file(path, part, limits.unpacked_bytes, "a Parquet file") as file:
            return parquet.names(file)
    if kind == "xlsx":
        with as_file(path, part, limits.document_bytes, "a workbook") as file:
            return workbook.names(file, layout, limits)
    _check(path, part.stream)
    if kind == "delimited":
        return delimited.opened(part.stream, layout, limits).names
    if kind == "json-lines":
        return _columns(json_lines.blocks(part.stream, layout, limits, None, FEW_ROWS))
    if kind in ("json", "geojson"):
        typed = layout.model_copy(update={"format": kind})
        return _columns(json_document.blocks(part.stream, typed, limits, None, FEW_ROWS))
    if kind == "xml":
        return _columns(xml_rows.blocks(part.stream, layout, limits, None, FEW_ROWS))
    # A layout may say a format that the file does not have.
    start = part.stream.peek(cer.LOOKED_AT_BYTES)
    if kind == "green-button":
        return [name for name in green_button.SCHEMA if name != LINE] if ESPI.search(start) else []
    if kind == "nem12":
        return [name for name in nem12.SCHEMA if name != LINE] if NEM12.match(start) else []
    return [name for name in cer.SCHEMA if name != LINE] if cer.begins_as_cer(start) else []


def _columns(blocks: Iterator[Block]) -> list[str]:
    return [name for name in next(blocks).rows.columns if name != LINE]


def _check(path: Path, stream: Stream) -> None:
    start = stream.peek(LOOKED_AT_BYTES)
    if not start:
        raise Unreadable(f"is {_packed(path)} cut short before its first line" if stream.cut_short else "is empty")
    if what := foreign(start):
        raise Unreadable(f"is {what}, which is not read")
    if start.startswith((ZIP_MAGIC, GZIP_MAGIC, ZSTANDARD_MAGIC)):
        raise Unreadable(ZIP_INSIDE if start.startswith(ZIP_MAGIC) else "is packed twice: unpack it once")


def _packed(path: Path) -> str:
    with path.open("rb") as file:
        first = file.read(4)
    if first == ZSTANDARD_MAGIC:
        return "a Zstandard file"
    return "a gzip file" if first.startswith(GZIP_MAGIC) else "a packed file"


def _has_members(path: Path, layout: Layout, limits: Limits) -> bool:
    return any(part.name is not None for part in parts(path, limits, layout.member, of_workbooks=True))
