"""Indices of others, to compare with: official item indices, and a third party's daily index."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from ons_assets.lakehouse.delimited import Limits, header
from ons_assets.lakehouse.sources import Parsed
from ons_assets.lakehouse.table_files import at_least_one, read_rows, sift
from ons_assets.settings import Settings

LONG = ("series", "item_id", "period", "index")
LONG_OPTIONAL = ("item",)
WIDE_ITEM = "ITEM_ID"
DAILY = ("date", "index")
NO_INDEX = "-"
ALL = "all"
"""The item of a series that is about no single item: it is compared with the groups."""
PERIODS = {"month": r"^\d{4}-\d{2}$", "week": r"^\d{4}-W\d{2}$", "day": r"^\d{4}-\d{2}-\d{2}$"}
COLUMNS = ("series", "item_id", "item", "frequency", "period", "index", "line")


@dataclass(frozen=True)
class OfficialIndexFiles:
    """Published indices: one row an index, one column a month, or a date and an index."""

    limits: Limits

    name = "official_indices"
    table = "reference/official_indices"
    files_are = "`series, item_id, period, index`; one column a month; or a third party's `date, index`"
    batch = ()
    fingerprint = ""

    @classmethod
    def of(cls, settings: Settings) -> "OfficialIndexFiles":
        """Return the source of one home."""
        return cls(Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes))

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file has one of the three layouts."""
        return _layout(header(path)) is not None

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; see `ons_assets.lakehouse.sources.Source.parse`.

        A layout that does not name its series takes the name of the file.
        """
        found = header(path)
        layout = _layout(found)
        series = name.split("/")[-1].split(".")[0]
        if layout == "wide":
            return _wide(path, self.limits, found, series)
        if layout == "daily":
            return _daily(path, self.limits, found, series)
        read = read_rows(path, self.limits, LONG, LONG_OPTIONAL)
        return _checked(read.accepted, read)

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return no days: a series is replaced as a whole."""
        at_least_one(self.parse(path, name, received_utc))
        return []


def _layout(found: list[str]) -> str | None:
    if set(LONG) <= set(found):
        return "long"
    if WIDE_ITEM in found and _months(found):
        return "wide"
    if {name.lower() for name in found} == set(DAILY):
        return "daily"
    return None


def _months(found: list[str]) -> list[str]:
    """The columns of months: the first day of one, with or without midnight."""
    parsed = pl.Series(found, dtype=pl.String).str.extract(r"^(\d{4}-\d{2}-01)(?: 00:00:00)?$")
    return [name for name, month in zip(found, parsed, strict=True) if month is not None]


def _wide(path: Path, limits: Limits, found: list[str], series: str) -> Parsed:
    """Read one column a month; an empty cell, or a dash, is a month without an index."""
    months = _months(found)
    read = read_rows(path, limits, [WIDE_ITEM, *months])
    cells = (
        read.accepted.unpivot(on=months, index=[WIDE_ITEM, "line"], variable_name="period", value_name="index")
        .filter(pl.col("index").is_not_null() & (pl.col("index") != NO_INDEX))
        .select(
            "line",
            "index",
            series=pl.lit(series),
            item_id=WIDE_ITEM,
            item=pl.lit(None, dtype=pl.String),
            period=pl.col("period").str.slice(0, 7),
        )
        .sort("line", "period")
    )
    return _checked(cells, Parsed(cells, read.rejected))


def _daily(path: Path, limits: Limits, found: list[str], series: str) -> Parsed:
    names = {name.lower(): name for name in found}
    read = read_rows(path, limits, [names["date"], names["index"]])
    rows = read.accepted.select(
        "line",
        series=pl.lit(series),
        item_id=pl.lit(ALL),
        item=pl.lit(None, dtype=pl.String),
        period=names["date"],
        index=names["index"],
    )
    return _checked(rows, read)


def _checked(rows: pl.DataFrame, read: Parsed) -> Parsed:
    frequency = pl.coalesce(
        pl.when(pl.col("period").str.contains(pattern)).then(pl.lit(name)) for name, pattern in PERIODS.items()
    )
    typed = rows.with_columns(
        item_id=pl.col("item_id").str.strip_suffix(".0"),
        frequency=frequency,
        index=pl.col("index").cast(pl.Float64(), strict=False),
    )
    is_day = (pl.col("frequency") == "day") & pl.col("period").str.to_date("%Y-%m-%d", strict=False).is_null()
    reasons = typed.select(
        pl.when(pl.any_horizontal(pl.col("series", "item_id").is_null()))
        .then(pl.lit("series or item is missing"))
        .when(pl.col("frequency").is_null() | is_day)
        .then(pl.lit("period is no day (2016-07-21), week (2016-W29) or month (2016-07)"))
        .when(~(pl.col("index").is_finite() & (pl.col("index") > 0)).fill_null(False))
        .then(pl.lit("index is missing, not positive or not a number"))
    ).to_series()
    return sift(typed.select(COLUMNS), reasons, Parsed(rows, read.rejected))
