"""The simplest source there is: files, CSV or Parquet, that have the columns of their table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl
from polars._typing import PolarsDataType

from ons_assets.lakehouse.delimited import Limits, header, is_parquet, read_bytes, read_delimited
from ons_assets.lakehouse.sources import Parsed, Unreadable

NO_ROW = "has no row that could be read"


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
    """

    name: str
    table: str
    columns: Mapping[str, PolarsDataType]
    faults: tuple[tuple[str, pl.Expr], ...]
    limits: Limits
    optional: Mapping[str, PolarsDataType] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, pl.Expr] = field(default_factory=dict)
    helpers: tuple[str, ...] = ()

    batch = ()
    fingerprint = ""

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file has the columns of the table."""
        return set(self.columns) <= set(header(path))

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; see `ons_assets.lakehouse.sources.Source.parse`."""
        if not self.recognises(path, name):
            if not (found := header(path)):
                read_bytes(path, self.limits)
            raise Unreadable(f"needs the columns {', '.join(self.columns)}; it has {', '.join(found) or 'none'}")
        rows, structural = self._rows(path)
        typed = rows.with_columns(
            *(_typed(column, dtype) for column, dtype in self._types.items() if column in rows.columns),
            *(pl.lit(None, dtype=dtype).alias(name) for name, dtype in self.optional.items() if name not in rows),
        )
        typed = typed.with_columns(pl.col(name).fill_null(pl.lit(value)) for name, value in self.defaults.items())
        typed = typed.with_columns(**self.derived)
        reason: pl.Expr = pl.lit(None, dtype=pl.String())
        for sentence, is_fault in reversed(self.faults):
            reason = pl.when(is_fault.fill_null(False)).then(pl.lit(sentence)).otherwise(reason)
        reasons = typed.select(reason=reason).to_series()
        text = pl.struct(pl.exclude("line", "reason")).struct.json_encode()
        rejected = rows.with_columns(reason=reasons).filter(reasons.is_not_null()).select("line", "reason", text=text)
        return Parsed(
            accepted=typed.filter(reasons.is_null()).select(pl.exclude(self.helpers)),
            rejected=pl.concat([structural, rejected]).sort("line"),
        )

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return no days: the table has none."""
        parsed = self.parse(path, name, received_utc)
        if parsed.accepted.is_empty():
            raise Unreadable(NO_ROW, parsed.rejected)
        return []

    @property
    def _types(self) -> dict[str, PolarsDataType]:
        return {**self.columns, **self.optional}

    def _rows(self, path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The columns of the file as text with the line, and what is no record."""
        wanted = [column for column in header(path) if column in self._types]
        if not is_parquet(path):
            text = read_delimited(path, self.limits)
            return text.rows.select(*wanted, "line"), text.rejected
        try:
            rows = pl.read_parquet(path, columns=wanted).with_row_index("line", offset=1)
            whole = [name for name in wanted if rows[name].dtype.is_float() and (rows[name] % 1 == 0).all()]
            rows = rows.with_columns(pl.col("line", *whole).cast(pl.Int64()))
            rows = rows.with_columns(pl.exclude("line").cast(pl.String()))
        except pl.exceptions.PolarsError:
            raise Unreadable(
                "is a broken Parquet file, or one with columns that are neither text nor numbers"
            ) from None
        return rows, Parsed(rows).rejected


def _typed(column: str, dtype: PolarsDataType) -> pl.Expr:
    text = pl.col(column).str.strip_chars().replace("", None)
    if dtype.is_integer():
        text = text.str.strip_suffix(".0")  # as other programs write whole numbers
    return text.cast(dtype, strict=False)


def is_missing(*columns: str) -> pl.Expr:
    """Return whether one of the columns is null: missing, or not of its type."""
    return pl.any_horizontal(pl.col(column).is_null() for column in columns)


def is_no_quantity(column: str) -> pl.Expr:
    """Return whether a column is not a number of zero or more."""
    return ~(pl.col(column).is_finite() & (pl.col(column) >= 0)).fill_null(False)
