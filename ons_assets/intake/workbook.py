"""Workbooks (XLSX, and what else calamine reads): one sheet, typed; lines before the header and after the table."""

import logging
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal

import fastexcel
import polars as pl

from ons_assets.intake.blocks import LINE, ROWS_PER_BLOCK, WITHOUT_NAME, Block, column_names, numbered
from ons_assets.intake.containers import is_zip, opened_zip
from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
# Times lie in a workbook as fractions of days: a half hour may be a millisecond off.
GRAIN = "1s"
LARGEST_EXACT = 1 << 53
# With a fraction, as the reader writes it.
NUMBER = r"^(-?\d+)\.(\d+)$"
# It tells on the console of columns in which nothing stands.
logging.getLogger("fastexcel").setLevel(logging.ERROR)


def blocks(
    path: Path, layout: Layout, limits: Limits, columns: Collection[str] | None, rows: int = ROWS_PER_BLOCK
) -> Iterator[Block]:
    """Yield the rows of a sheet; `line` is the row of the sheet, the first being 1.

    Whole numbers, numbers, times and truths are typed; a column whose cells are of several kinds is text, its
    numbers with the decimal mark of the layout.
    Rows without a cell are none.

    Parameters
    ----------
    path
        Unpacked.
    layout
        Says the sheet, and what is before and after the table.
    limits
        On the size of the workbook.
    columns
        That are needed; all of them if None.
    rows
        Of a block.

    Raises
    ------
    Unreadable
        If it is damaged, protected by a password, too large, or lacks the sheet or its header.
    """
    reader = _opened(path, limits)
    sheet = _sheet(reader, layout)
    texts = _loaded(reader, sheet, skip=0, dtypes="string")
    names, preamble, start = _header(texts, layout)
    end = _end(texts, layout, start)
    if end > start:
        frame = _loaded(reader, sheet, skip=start, count=end - start)
        if layout.decimal == ",":
            frame = _with_decimal_commas(frame, reader, sheet, start, end - start)
        frame = frame.select(frame.columns[: len(names)])
        frame = frame.rename(dict(zip(frame.columns, names, strict=False)))
    else:
        frame = pl.DataFrame(schema=dict.fromkeys(names, pl.String()))
    frame = numbered(frame, start + 1)
    named = pl.exclude(LINE)
    frame = frame.filter(~pl.all_horizontal(named.is_null())) if frame.width > 1 else frame
    frame = _typed(frame)
    if columns is not None and not any(origin.position is not None for origin in layout.origins.values()):
        frame = frame.select(*(name for name in frame.columns if name in columns), LINE)
    for slice_ in frame.iter_slices(rows) if len(frame) else [frame]:
        yield Block(slice_, pl.DataFrame(schema=REJECTED_SCHEMA), preamble=preamble)


def names(path: Path, layout: Layout, limits: Limits) -> list[str]:
    """Return the names of the columns of the sheet; see `blocks`.

    Parameters
    ----------
    path
        The workbook.
    layout
        Sheet, lines to skip, names.
    limits
        Greatest size of the whole.
    """
    reader = _opened(path, limits)
    texts = _loaded(reader, _sheet(reader, layout), skip=0, dtypes="string")
    return _header(texts, layout)[0]


def sheets(path: Path, limits: Limits) -> list[str]:
    """Return the names of the sheets."""
    return list(_opened(path, limits).sheet_names)


def first_rows(path: Path, limits: Limits, count: int = 100) -> list[tuple[str | None, ...]]:
    """Return the first rows of the first sheet, as text.

    Parameters
    ----------
    path
        The workbook.
    limits
        Greatest size of the whole.
    count
        How many rows at most.
    """
    return _loaded(_opened(path, limits), 0, skip=0, count=count, dtypes="string").rows()


def is_protected(path: Path) -> bool:
    """Return whether a file is a workbook under a password."""
    with path.open("rb") as file:
        return file.read(len(OLE_MAGIC)) == OLE_MAGIC and ENCRYPTED_PACKAGE in file.read(1 << 22)


def _opened(path: Path, limits: Limits) -> fastexcel.ExcelReader:
    if path.stat().st_size > limits.document_bytes:
        raise Unreadable(f"is a workbook of more than {limits.document_bytes} bytes")
    if is_protected(path):
        raise Unreadable("is a workbook that is protected by a password: save it without one")
    if is_zip(path):
        _check_size(path, limits)
    try:
        return fastexcel.read_excel(path)
    except fastexcel.FastExcelError:
        raise Unreadable("is no workbook, or a damaged one") from None


def _check_size(path: Path, limits: Limits) -> None:
    with opened_zip(path) as archive:
        size = sum(info.file_size for info in archive.infolist())
    if size > min(limits.unpacked_bytes, 8 * limits.document_bytes):
        raise Unreadable(f"unpacks to more than {min(limits.unpacked_bytes, 8 * limits.document_bytes)} bytes")


def _sheet(reader: fastexcel.ExcelReader, layout: Layout) -> int:
    sheet = 1 if layout.sheet is None else layout.sheet
    if isinstance(sheet, str) and sheet in reader.sheet_names:
        return int(reader.sheet_names.index(sheet))
    if isinstance(sheet, int) and 1 <= sheet <= len(reader.sheet_names):
        return sheet - 1
    raise Unreadable(f"is a workbook without the sheet of the layout; it has {len(reader.sheet_names)}")


def _loaded(
    reader: fastexcel.ExcelReader,
    sheet: int,
    *,
    skip: int,
    count: int | None = None,
    dtypes: Literal["string"] | None = None,
) -> pl.DataFrame:
    try:
        loaded = reader.load_sheet(
            sheet, header_row=None, skip_rows=skip, n_rows=count, schema_sample_rows=None, dtypes=dtypes
        )
        return pl.DataFrame(loaded)
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError, ValueError):
        raise Unreadable("is a damaged workbook") from None
    except BaseException as error:
        # A panic of the reader is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise Unreadable("is a damaged workbook") from None


def _header(texts: pl.DataFrame, layout: Layout) -> tuple[list[str], tuple[str, ...], int]:
    """Return the names of the columns, what is before them, and the row after them."""
    if not texts.width or not len(texts):
        raise Unreadable("is a workbook whose sheet is empty")
    start = layout.skip_lines
    if layout.skip_until is not None:
        pattern = re.compile(layout.skip_until)
        found = (number for number in range(start, len(texts)) if pattern.search(_row(texts, number, layout)))
        start = next(found, len(texts))
    if start >= len(texts):
        raise Unreadable("is a workbook whose sheet has no header where the layout has it")
    preamble = tuple(_row(texts, number, layout) for number in range(start))
    if not layout.header:
        positions = [WITHOUT_NAME.format(position=position) for position in range(1, texts.width + 1)]
        return list(layout.names) or positions, preamble, start
    cells = [cell or "" for cell in texts.row(start)]
    return column_names(cells), preamble, start + 1


def _row(texts: pl.DataFrame, number: int, layout: Layout) -> str:
    delimiter = layout.delimiter if len(layout.delimiter) == 1 else " "
    return delimiter.join(cell or "" for cell in texts.row(number)).rstrip(delimiter)


def _end(texts: pl.DataFrame, layout: Layout, start: int) -> int:
    """Return the row after the table."""
    end = len(texts)
    while end > start and not _row(texts, end - 1, layout):
        end -= 1
    if layout.footer is not None:
        footer = re.compile(layout.footer)
        end = next((number for number in range(start, end) if footer.search(_row(texts, number, layout))), end)
    return max(start, end - layout.skip_footer)


def _with_decimal_commas(
    frame: pl.DataFrame, reader: fastexcel.ExcelReader, sheet: int, start: int, count: int
) -> pl.DataFrame:
    """Return texts whose numbers have decimal commas where they were numbers among texts, which the reader writes."""
    mixed = [
        name
        for place, name in enumerate(frame.columns)
        if frame[name].dtype == pl.String()
        and frame[name].str.contains(NUMBER).any()
        and _has_several_kinds(reader, sheet, start, count, place)
    ]
    return frame.with_columns(pl.col(mixed).str.replace(NUMBER, "$1,$2"))


def _has_several_kinds(reader: fastexcel.ExcelReader, sheet: int, start: int, count: int, place: int) -> bool:
    try:
        reader.load_sheet(
            sheet,
            header_row=None,
            skip_rows=start,
            n_rows=count,
            schema_sample_rows=None,
            use_columns=[place],
            dtype_coercion="strict",
        )
    except fastexcel.FastExcelError:
        return True
    return False


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    """Return times to the second, and numbers that are whole without a fraction."""
    whole = [
        name
        for name, dtype in frame.schema.items()
        if dtype.is_float()
        and ((frame[name] % 1 == 0) & (frame[name].abs() < LARGEST_EXACT)).fill_null(True).all()
        and frame[name].null_count() < len(frame)
    ]
    return frame.with_columns(
        pl.col(whole).cast(pl.Int64()),
        pl.col(pl.Datetime).dt.round(GRAIN).dt.cast_time_unit("us"),
        pl.col(pl.String).replace("", None),
    )
