"""Small files that list meters: delimited text or Parquet, read as text and accountable row by row."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ons_assets.intake.limits import Limits, is_parquet, read_delimited
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA


@dataclass(frozen=True)
class Listed:
    """A file as text: `rows` with `line`, stripped, blanks null; what could not be cut into rows; a note."""

    rows: pl.DataFrame
    rejected: pl.DataFrame
    note: str | None = None


def read_listed(path: Path, limits: Limits, encoding: str = "utf-8") -> Listed:
    """Read a file whole.

    Parameters
    ----------
    path
        Comma-separated text, plain or gzip, or Parquet.
    limits
        Bytes that the file and a line may have once they are unpacked.
    encoding
        Encoding of text; of no account for Parquet.

    Raises
    ------
    Unreadable
        If it is empty, broken, or larger than the limits.
    """
    if is_parquet(path):
        try:
            rows = pl.read_parquet(path).with_columns(pl.all().cast(pl.String)).with_row_index("line", offset=1)
        except pl.exceptions.PolarsError:
            raise Unreadable("is a broken Parquet file, or one with columns that are no text or numbers") from None
        return Listed(_stripped(rows.cast({"line": pl.Int64()})), pl.DataFrame(schema=REJECTED_SCHEMA))
    text = read_delimited(path, limits, encoding=encoding)
    note = "ends inside a record" if text.ends_inside_record else None
    return Listed(_stripped(text.rows), text.rejected, note)


def _stripped(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.exclude("line").str.strip_chars().replace("", None)).rename(str.strip)


def judged(rows: pl.DataFrame, reason: pl.Expr, rejected: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Divide rows into those without a reason against them and the rejected ones.

    Parameters
    ----------
    reason
        Why a row is none; null where it is good.
    rejected
        What was rejected before.
    """
    with_reason = rows.with_columns(reason=reason)
    bad = with_reason.filter(pl.col("reason").is_not_null())
    text = pl.struct(pl.exclude("line", "reason")).struct.json_encode()
    return (
        with_reason.filter(pl.col("reason").is_null()).drop("reason"),
        pl.concat([rejected, bad.select("line", "reason", text=text)]).sort("line"),
    )
