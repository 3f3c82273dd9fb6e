"""The simplest source there is: files, CSV or Parquet, that have the columns of their table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl

from ons_assets.lakehouse.delimited import Limits, header, is_parquet, read_bytes, read_delimited
from ons_assets.lakehouse.sources import Parsed, Unreadable
from ons_assets.lakehouse.tables import DataType


@dataclass(frozen=True)
class TableFiles:
    """Files of one table without days; a later file corrects an earlier one key by key.

    Parameters
    ----------
    name
        Name of the drop folder.
    table
        Name of the table.
    columns
        Columns that a file must have, and their types: text, whole numbers or numbers.
    optional
        Columns that a file may leave out, and their types.
    defaults
        What stands in such a column where a file says nothing; null if it is not named here.
    faults
        Why a row is rejected, and whether it is; of several reasons the first is given. The conditions
        see the columns in their types, null where the text does not fit; null counts as false.
    limits
        How much is read.
    derived
        Columns that are made of others, before faults are looked for.
    helpers
        Columns that are read for that only, and are not in the table.
    files_are
        What the files are, in words; without it, their columns say so.
    """

    name: str
    table: str
    columns: Mapping[str, DataType]
    faults: tuple[tuple[str, pl.Expr], ...]
    limits: Limits
    optional: Mapping[str, DataType] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, pl.Expr] = field(default_factory=dict)
    helpers: tuple[str, ...] = ()
    files_are: str = ""

    def __post_init__(self) -> None:
        if not self.files_are:
            known = f", and if known `{', '.join(self.optional)}`" if self.optional else ""
            object.__setattr__(self, "files_are", f"CSV or Parquet: `{', '.join(self.columns)}`{known}")

    batch = ()
    fingerprint = ""

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file has the columns of the table."""
        return set(self.columns) <= set(header(path))

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; see `ons_assets.lakehouse.sources.Source.parse`."""
        read = read_rows(path, self.limits, list(self.columns), list(self.optional))
        typed = read.accepted.with_columns(_typed(column, dtype) for column, dtype in self._types.items())
        typed = typed.with_columns(pl.col(name).fill_null(pl.lit(value)) for name, value in self.defaults.items())
        typed = typed.with_columns(**self.derived)
        reason: pl.Expr = pl.lit(None, dtype=pl.String())
        for sentence, is_fault in reversed(self.faults):
            reason = pl.when(is_fault.fill_null(False)).then(pl.lit(sentence)).otherwise(reason)
        reasons = typed.select(reason=reason).to_series()
        return sift(typed.select(pl.exclude(self.helpers)), reasons, read)

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return no days: the table has none."""
        at_least_one(self.parse(path, name, received_utc))
        return []

    @property
    def _types(self) -> dict[str, DataType]:
        return {**self.columns, **self.optional}


def read_rows(path: Path, limits: Limits, needed: Sequence[str], optional: Sequence[str] = ()) -> Parsed:
    """Read the columns of a file as text, with `line`; empty text, and an optional column that it lacks, is null.

    Parameters
    ----------
    path
        Comma-separated text, plain or gzip, or Parquet.
    limits
        Bytes that a file and a line may have once they are unpacked.
    needed
        Columns without which the file is refused.
    optional
        Columns that are null throughout where the file lacks them.

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
        read = Parsed(_parquet(path, wanted))
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


def _parquet(path: Path, columns: list[str]) -> pl.DataFrame:
    """Columns as text; whole numbers without a decimal point, whatever their type."""
    try:
        rows = pl.read_parquet(path, columns=columns).with_row_index("line", offset=1)
        whole = [name for name in columns if rows[name].dtype.is_float() and (rows[name] % 1 == 0).all()]
        rows = rows.with_columns(pl.col("line", *whole).cast(pl.Int64()))
        return rows.with_columns(pl.exclude("line").cast(pl.String()))
    except pl.exceptions.PolarsError:
        raise Unreadable("is a broken Parquet file, or one with columns that are neither text nor numbers") from None


def _typed(column: str, dtype: DataType) -> pl.Expr:
    # Other programs write whole numbers with a decimal point.
    text = pl.col(column).str.strip_suffix(".0") if dtype.is_integer() else pl.col(column)
    return text.cast(dtype, strict=False)


def is_missing(*columns: str) -> pl.Expr:
    """Return whether one of the columns is null: missing, or not of its type."""
    return pl.any_horizontal(pl.col(column).is_null() for column in columns)


def is_no_quantity(column: str) -> pl.Expr:
    """Return whether a column is not a number of zero or more."""
    return ~(pl.col(column).is_finite() & (pl.col(column) >= 0)).fill_null(False)
