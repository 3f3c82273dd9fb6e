"""Tables of positions, CSV or Parquet: which column means what.

A mapping is a small YAML file; another office writes its own into `<home>/mappings/tweets/`::

    name: flickr
    files: "*flickr*.csv.gz"
    columns: {user: user, time: date_taken, latitude: latitude, longitude: longitude}
    time_format: "%Y-%m-%d %H:%M:%S%.f"
    zone: Europe/London
    first_day: 1900-01-01
    pseudonymised: false
"""

import re
from collections.abc import Sequence
from datetime import date
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from ons_assets.lakehouse.pseudonyms import pseudonyms
from ons_assets.settings import FIRST_DAY
from ons_assets.tweets.applications import CLASSES, application_class
from ons_assets.tweets.json_lines import EXACT_INTEGER

BUILT_IN = Path(__file__).parent / "mappings"
ID_BITS = 62
ZONED = re.compile(r"%[:#]?z")


class Columns(BaseModel):
    """Names that the file gives to what a tweet has."""

    model_config = ConfigDict(extra="forbid")

    user: str
    time: str
    latitude: str
    longitude: str
    id: str | None = None
    place_type: str | None = None
    source: str | None = None

    def names(self) -> list[str]:
        """Return the names that the file must have."""
        return sorted({name for name in self.model_dump().values() if name is not None})


class Mapping(BaseModel):
    """One layout of tables of positions.

    Parameters
    ----------
    zone
        Zone of the clock where the times do not say one. An hour that the clock shows twice is taken as
        the first; one that it skips, as the hour after: a camera's clock may never have been put forward.
    first_day
        Earlier days are refused.
    pseudonymised
        Whether users are pseudonyms (whole numbers of 64 bits) already; they are kept as they are.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    columns: Columns
    files: str = "*"
    delimiter: str = ","
    encoding: str = "utf-8"
    time_format: str = "%Y-%m-%d %H:%M:%S%.f"
    zone: str | None = None
    first_day: date = FIRST_DAY
    pseudonymised: bool = False

    @property
    def needed(self) -> list[str]:
        """Columns without which a file is not of this layout."""
        return self.columns.names()

    def recognises(self, name: str, header: Sequence[str]) -> bool:
        """Return whether a file of this name and header has this layout."""
        return fnmatch(name, self.files) and set(self.needed) <= set(header)

    def records(self, rows: pl.DataFrame, secret: bytes) -> pl.DataFrame:
        """Turn the rows of a file into records, as `ons_assets.tweets.records.judge` takes them.

        Without a column of ids, an id is made from user, time and position, and the how-manieth of its
        kind a row is: a file that comes again, or a longer one, gives the same ids.

        Parameters
        ----------
        rows
            The file's columns, as text or typed, and `line`.
        secret
            Key of the pseudonyms.
        """
        columns = self.columns
        users = rows.select(_whole_number(rows, columns.user)).to_series()
        user = users.cast(pl.Int64(), strict=False) if self.pseudonymised else pseudonyms(users, secret)
        no_text = pl.lit(None, dtype=pl.String())
        made = rows.select(
            "line",
            self._time(rows).alias("created_utc"),
            latitude=_number(rows, columns.latitude),
            longitude=_number(rows, columns.longitude),
            place_type=pl.col(columns.place_type).cast(pl.String()) if columns.place_type else no_text,
        ).with_columns(
            user=user,
            application=_applications(rows, columns.source),
            event=pl.lit("tweet"),
            position=pl.when(pl.col("latitude").is_not_null()).then(pl.lit("point")).otherwise(pl.lit("none")),
        )
        if columns.id:
            ids = rows.select(_whole_number(rows, columns.id).cast(pl.Int64(), strict=False)).to_series()
        else:
            ids = _made_ids(made)
        return made.with_columns(tweet_id=ids, original_id=ids)

    def _time(self, rows: pl.DataFrame) -> pl.Expr:
        column, dtype = pl.col(self.columns.time), rows.schema[self.columns.time]
        if dtype == pl.String():
            column = column.str.strip_chars()
            if ZONED.search(self.time_format):
                zoned = column.str.replace(r"[Zz]$", "+00:00")
                return zoned.str.to_datetime(self.time_format, time_unit="us", time_zone="UTC", strict=False)
            column = column.str.to_datetime(self.time_format, strict=False, time_unit="us", exact=True)
        elif isinstance(dtype, pl.Datetime):
            if dtype.time_zone is not None:
                return column.dt.cast_time_unit("us").dt.convert_time_zone("UTC")
            column = column.dt.cast_time_unit("us")
        else:
            return pl.lit(None, dtype=pl.Datetime("us", "UTC"))
        if self.zone is None:
            return pl.lit(None, dtype=pl.Datetime("us", "UTC"))
        local = column.dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")
        later = column.dt.offset_by("1h").dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")
        return pl.coalesce(local, later).dt.convert_time_zone("UTC")


def _whole_number(rows: pl.DataFrame, column: str) -> pl.Expr:
    """An identifier as text; null where it was written as a number with a fraction, or with lost digits."""
    dtype = rows.schema[column]
    if dtype.is_integer():
        return pl.col(column).cast(pl.String())
    if dtype.is_float():
        return _from_float(pl.col(column))
    text = pl.col(column).cast(pl.String(), strict=False).str.strip_chars()
    looks_float = text.str.contains(r"^\d+(\.\d*)?([eE]\+?\d+)?$") & ~text.str.contains(r"^\d+$")
    return (
        pl.when(text == "")
        .then(None)
        .when(looks_float)
        .then(_from_float(text.cast(pl.Float64(), strict=False)))
        .otherwise(text)
    )


def _from_float(number: pl.Expr) -> pl.Expr:
    exact = number.is_finite() & (number == number.floor()) & (number.abs() < EXACT_INTEGER)
    return pl.when(exact).then(pl.when(exact).then(number).cast(pl.Int64(), strict=False).cast(pl.String()))


def _number(rows: pl.DataFrame, column: str) -> pl.Expr:
    if rows.schema[column] == pl.String():
        return pl.col(column).str.strip_chars().cast(pl.Float64(), strict=False)
    return pl.col(column).cast(pl.Float64(), strict=False).fill_nan(None)


def _applications(rows: pl.DataFrame, column: str | None) -> pl.Series:
    if column is None:
        return pl.Series([application_class(None)], dtype=pl.String()).new_from_index(0, len(rows))
    texts = rows[column].cast(pl.String())
    unique = texts.drop_nulls().unique()
    classes = [text if text in CLASSES else application_class(text) for text in unique]
    return texts.replace_strict(unique, pl.Series(classes, dtype=pl.String()), default=application_class(None))


def _made_ids(rows: pl.DataFrame) -> pl.Series:
    keys = rows.select("user", "created_utc", "latitude", "longitude")
    occurrence = pl.int_range(pl.len()).over("user", "created_utc", "latitude", "longitude")
    numbers = keys.with_columns(
        pl.col("created_utc").to_physical(),
        pl.col("latitude", "longitude").fill_null(np.inf),
        occurrence=occurrence,
    ).fill_null(0)
    # Arithmetic on the bits, and not a library's hash, which may change with its version.
    mixed = np.zeros(len(rows), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for column in numbers.iter_columns():
            mixed = _mix(mixed ^ column.to_numpy().astype(column.to_numpy().dtype, copy=True).view(np.uint64))
    return pl.Series((mixed >> np.uint64(64 - ID_BITS)).astype(np.int64))


def _mix(bits: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64: every bit of the input reaches every bit of the output."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = bits ^ (bits >> np.uint64(31))
    return mixed
