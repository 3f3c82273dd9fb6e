"""Layouts of tables: a small YAML file says which column of a supplier's file means what.

For files that differ only in names, formats and codes, one source serves all of them::

    name: mitms-districts
    files: "*od_distritos*"
    columns: {origin: id_origin, destination: id_destination, count: n_trips, day: date}
    constants: {operator: mitms, unit: trips}
    only: {activity_origin: [home], activity_destination: [work_or_study]}
    detail: [hour, age, sex]

Layouts of an office of its own lie in `<home>/mappings/<source>/` and are tried first.
"""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from ons_assets.lakehouse.delimited import Limits, is_parquet, read_delimited
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.lakehouse.sources import Unreadable


class Layout(BaseModel):
    """One layout of the files of a source."""

    model_config = ConfigDict(extra="forbid")

    name: str
    columns: dict[str, str] = Field(description="column of the file, by what the source calls it")
    optional: dict[str, str] = Field({}, description="the same, for columns that a file may lack")
    files: str = "*"
    delimiter: str = ","
    encoding: str = "utf-8"
    constants: dict[str, str] = Field({}, description="what all rows have, by what the source calls it")
    codes: dict[str, dict[str, str]] = Field({}, description="values to be replaced, by what the source calls them")
    only: dict[str, tuple[str, ...]] = Field({}, description="values, by column of the file, that a row must have")
    detail: tuple[str, ...] = Field((), description="further columns of the file that tell rows from each other")
    time_formats: tuple[str, ...] = Field((), description="formats of times, tried in this order")
    zone: str = Field("UTC", description="zone of times that do not say one")

    @property
    def needed(self) -> list[str]:
        """Columns without which a file is not of this layout."""
        return sorted({*self.columns.values(), *self.only, *self.detail})

    def recognises(self, name: str, header: Sequence[str]) -> bool:
        """Return whether a file of this name and header has this layout."""
        return fnmatch(name, self.files) and set(self.needed) <= set(header)

    def apply(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the rows under the names of the source, and those that `only` leaves out.

        Parameters
        ----------
        rows
            Columns of the file and `line`.

        Returns
        -------
        rows : pl.DataFrame
            line, the columns and constants of the layout, and detail (text, empty if there is none).
        left_out : pl.DataFrame
            line, reason, text.
        """
        wanted = pl.Series("wanted", [True]).new_from_index(0, len(rows))
        for name, values in self.only.items():
            wanted &= rows[name].cast(pl.String()).is_in(list(values)).fill_null(False)
        left_out = rows.filter(~wanted).select(
            "line", reason=pl.lit(f"left out by the layout {self.name}"), text=pl.lit("")
        )
        present = {**self.columns, **{name: column for name, column in self.optional.items() if column in rows.columns}}
        named = {name: pl.col(column) for name, column in present.items()}
        for name, replaced in self.codes.items():
            if name in named:
                named[name] = named[name].cast(pl.String()).str.strip_chars().replace(replaced)
        parts = [
            pl.concat_str(pl.lit(f"{name}="), pl.col(name).cast(pl.String()).fill_null("")) for name in self.detail
        ]
        detail = pl.concat_str(parts, separator=";") if parts else pl.lit("")
        constants = {name: pl.lit(value) for name, value in self.constants.items() if name not in named}
        kept = rows.filter(wanted)
        return kept.select("line", **named, **constants, detail=detail), left_out


def read_rows(path: Path, layout: Layout, limits: Limits) -> tuple[pl.DataFrame, pl.DataFrame, str | None]:
    """Read a delimited or Parquet file.

    Parameters
    ----------
    path
        Plain or gzip text, or Parquet.
    layout
        Says delimiter and encoding of text.
    limits
        Bytes that a file and a line may have once they are unpacked.

    Returns
    -------
    rows : pl.DataFrame
        Its columns, text or typed, and `line`.
    rejected : pl.DataFrame
        line, reason, text of records that have no fields.
    note : str or None
        What else there is to say of the file.
    """
    if is_parquet(path):
        try:
            rows = pl.read_parquet(path).with_row_index("line", offset=1)
        except pl.exceptions.PolarsError:
            raise Unreadable("is a broken Parquet file") from None
        return rows.with_columns(pl.col("line").cast(pl.Int64())), pl.DataFrame(schema=REJECTED_SCHEMA), None
    text = read_delimited(path, limits, delimiter=layout.delimiter, encoding=layout.encoding)
    return text.rows, text.rejected, "ends inside a record" if text.ends_inside_record else None


def as_text(rows: pl.DataFrame, name: str, otherwise: str | None = None) -> pl.Expr:
    """Return a column as text without blanks around it; null, or `otherwise`, where it is empty or absent.

    Parameters
    ----------
    rows
        Rows as read, of which only the names of the columns matter here.
    name
        Column to take, which the result is named for; it may be absent.
    otherwise
        Text in place of what is empty or absent.
    """
    if name not in rows.columns:
        return pl.lit(otherwise, dtype=pl.String()).alias(name)
    text = pl.col(name).cast(pl.String()).str.strip_chars()
    return pl.when(text == "").then(None).otherwise(text).fill_null(pl.lit(otherwise, dtype=pl.String())).alias(name)


def as_number(rows: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column as finite numbers; null where it is absent or none."""
    if name not in rows.columns:
        return pl.lit(None, dtype=pl.Float64()).alias(name)
    column = pl.col(name).str.strip_chars() if rows.schema[name] == pl.String() else pl.col(name)
    number = column.cast(pl.Float64(), strict=False)
    return pl.when(number.is_finite()).then(number).alias(name)


def as_time_utc(rows: pl.DataFrame, name: str, layout: Layout) -> pl.Expr:
    """Return a column as UTC; of several formats the first that fits, null if none does.

    An hour that the clock shows twice is taken as the first; one that it skips does not exist.

    Parameters
    ----------
    rows
        Rows as read; the column is text, a time with or without a zone, or else null throughout.
    name
        Column to take, which the result is named for.
    layout
        Gives the formats of text, in order of trial, and the zone of times that name none.
    """
    dtype = rows.schema[name]
    if isinstance(dtype, pl.Datetime):
        column = pl.col(name).dt.cast_time_unit("us")
        if dtype.time_zone is not None:
            return column.dt.convert_time_zone("UTC").alias(name)
        return _in_utc(column, layout.zone).alias(name)
    if dtype != pl.String():
        return pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias(name)
    text = pl.col(name).str.strip_chars()
    tried = []
    for form in layout.time_formats:
        if "%z" in form or "%:z" in form or "%#z" in form:
            zoned = text.str.replace(r"[Zz]$", "+00:00")
            tried.append(zoned.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False))
        else:
            tried.append(_in_utc(text.str.to_datetime(form, time_unit="us", strict=False), layout.zone))
    return pl.coalesce(tried).alias(name)


def as_date(rows: pl.DataFrame, name: str, layout: Layout) -> pl.Expr:
    """Return a column as days; of several formats the first that fits, null if none does.

    Parameters
    ----------
    rows
        Rows as read; text is parsed, anything else is cast, and an absent column is null throughout.
    name
        Column to take, which the result is named for.
    layout
        Gives the formats of text, of which those without an hour are tried, then the first ten characters as ISO.
    """
    if name not in rows.columns:
        return pl.lit(None, dtype=pl.Date()).alias(name)
    if rows.schema[name] == pl.String():
        text = pl.col(name).str.strip_chars()
        forms = [form for form in layout.time_formats if "%H" not in form] or ["%Y-%m-%d"]
        tried = [text.str.to_date(form, strict=False) for form in forms]
        return pl.coalesce(*tried, text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)).alias(name)
    return pl.col(name).cast(pl.Date(), strict=False).alias(name)


def _in_utc(naive: pl.Expr, zone: str) -> pl.Expr:
    return naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
