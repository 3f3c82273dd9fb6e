"""What the readers of reference files share: text columns in, typed rows and rejected ones out."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ons_assets.lakehouse.delimited import Limits, header, is_parquet, read_bytes, read_delimited
from ons_assets.lakehouse.sources import Parsed, Unreadable


def read_rows(path: Path, limits: Limits, needed: Sequence[str], optional: Sequence[str] = ()) -> Parsed:
    """Read the columns of a file as text, with `line`; an optional column that the file lacks is null.

    Raises
    ------
    Unreadable
        If a needed column is missing, or the file is broken.
    """
    found = header(path)
    if missing := [name for name in needed if name not in found]:
        if not found:
            read_bytes(path, limits)  # says whether it is empty, broken or too large
        raise Unreadable(f"needs the columns {', '.join(needed)}; it lacks {', '.join(missing)}")
    wanted = [*needed, *(name for name in optional if name in found)]
    if is_parquet(path):
        try:
            rows = pl.read_parquet(path, columns=wanted).with_row_index("line", offset=1)
            rows = rows.with_columns(pl.col("line").cast(pl.Int64()), pl.exclude("line").cast(pl.String()))
        except pl.exceptions.PolarsError:
            raise Unreadable("is a broken Parquet file, or one with columns that are no text and no numbers") from None
        read = Parsed(rows)
    else:
        text = read_delimited(path, limits)
        read = Parsed(text.rows.select(*wanted, "line"), text.rejected)
    lacking = [pl.lit(None, dtype=pl.String).alias(name) for name in optional if name not in found]
    stripped = read.accepted.with_columns(pl.col(wanted).str.strip_chars().replace("", None), *lacking)
    return Parsed(stripped, read.rejected)


def sift(typed: pl.DataFrame, reasons: pl.Series, read: Parsed) -> Parsed:
    """Divide rows into those without a reason against them and the rejected ones.

    Parameters
    ----------
    typed
        Rows with the columns of the table, and `line`, in the order of what was read.
    reasons
        Why a row cannot be taken; null where it can.
    read
        Result of `read_rows`.
    """
    texts = read.accepted.select(
        "line", reason=reasons, text=pl.struct(pl.exclude("line")).struct.json_encode()
    ).drop_nulls("reason")
    return Parsed(typed.filter(reasons.is_null()), pl.concat([read.rejected, texts]).sort("line"))


def at_least_one(parsed: Parsed) -> None:
    """Raise if a file has no row that could be read.

    Raises
    ------
    Unreadable
        With the rejected rows.
    """
    if parsed.accepted.is_empty():
        raise Unreadable("has no row that could be read", parsed.rejected)
