"""What every reader yields: blocks of rows with their line numbers, and the records that are no rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA

# `line` is the number of the record; a column of a file that is called so is called this.
LINE, LINE_OF_FILE = "line", "line_"
WITHOUT_NAME = "column_{position}"
ROWS_PER_BLOCK = 100_000


@dataclass(frozen=True)
class Block:
    """Some rows of a file, in its order.

    Parameters
    ----------
    rows
        Columns of the file as text, empty text being null, or typed where the format has types; and
        `line` (Int64): the line of the file in which the record begins, or the row of the sheet, the first being 1,
        as editors count them; of Parquet, JSON documents and XML the number of the row.
    rejected
        Records that are no rows: line, reason, text.
    part
        Name of the member of a zip; None if the file is no zip.
    preamble
        Lines before the header.
    ends_inside_record
        Whether the file was not written to its end; true in the last block of a part, if anywhere.
    """

    rows: pl.DataFrame
    rejected: pl.DataFrame
    part: str | None = None
    preamble: tuple[str, ...] = ()
    ends_inside_record: bool = False


def rejected_rows(rows: Sequence[tuple[int, str, str]] = ()) -> pl.DataFrame:
    """Return line, reason and text as a frame."""
    return pl.DataFrame(list(rows), schema=REJECTED_SCHEMA, orient="row")


def column_names(cells: Sequence[str]) -> list[str]:
    """Return the names of columns by the cells of a header; one without a name is called by its place.

    A name that comes more than once means no column, so its columns too are called by their places.

    Raises
    ------
    Unreadable
        If there is no name.
    """
    names = [cell.strip() for cell in cells]
    if not any(names):
        raise Unreadable("has a header without a name")
    names = [name if names.count(name) == 1 else "" for name in names]
    names = [LINE_OF_FILE if name == LINE else name for name in names]
    return [name or WITHOUT_NAME.format(position=position) for position, name in enumerate(names, start=1)]


def texts(found: Sequence[Mapping[str, str | None]], names: Sequence[str], lines: Sequence[int]) -> pl.DataFrame:
    """Return rows of text as a frame; empty text is null.

    Parameters
    ----------
    found
        The values of each row.
    names
        Of the columns, in order.
    lines
        Of each row.
    """
    columns = {name: pl.Series(name, [row.get(name) or None for row in found], dtype=pl.String()) for name in names}
    return pl.DataFrame({**columns, LINE: pl.Series(LINE, lines, dtype=pl.Int64())})


def numbered(rows: pl.DataFrame, first: int) -> pl.DataFrame:
    """Return rows with `line`, counted from a number."""
    return rows.with_columns(line=pl.int_range(first, first + len(rows), dtype=pl.Int64()))
