"""Indices of others, to compare with: official item indices, and a third party's daily index."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from ons_assets.intake import values
from ons_assets.intake.layouts import Layout, Origin
from ons_assets.intake.records import header
from ons_assets.intake.rules import Rule, outside
from ons_assets.intake.source import TableSource

WIDE, WIDE_ITEM = "one-column-a-month", "ITEM_ID"
MONTH_COLUMN = re.compile(r"(\d{4}-\d{2})-01(?: 00:00:00)?")
NO_INDEX = "-"
POSSIBLE = (0.1, 100_000)
ALL = "all"
"""The item of a series that is about no single item: it is compared with the groups."""
PERIODS = {"month": r"^\d{4}-\d{2}$", "week": r"^\d{4}-W\d{2}$", "day": r"^\d{4}-\d{2}-\d{2}$"}
COLUMNS = ("series", "item_id", "item", "frequency", "period", "index", "line")
ANY = Layout(name="any", columns={})


class OfficialIndexFiles(TableSource):
    """Published indices: one row an index, one column a month, or a date and an index."""

    name = "official_indices"
    table = "reference/official_indices"
    files_are = "`series, item_id, period, index`; one column a month; or a third party's `date, index`"
    unit = "indices"
    key = ("series", "item_id", "frequency", "period")
    needs = {"period": "2016-07-21, 2016-W29 or 2016-07", "index": "on its own base"}
    takes = {"series": "whose it is; else the name of the file", "item_id": "else all items", "item": "its name"}

    def layout(self, path: Path, name: str) -> Layout:
        """See `Source.layout`; a table with a column a month is known by the names of its columns."""
        return self._wide(path) or super().layout(path, name)

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file has one of the layouts."""
        return self._wide(path) is not None or super().recognises(path, name)

    def _wide(self, path: Path) -> Layout | None:
        found = header(path, ANY, self.limits)
        months = [name for name in found if MONTH_COLUMN.fullmatch(name)]
        if WIDE_ITEM not in found or not months:
            return None
        named = {"item_id": WIDE_ITEM, **{month: month for month in months}}
        return Layout(name=WIDE, columns={field: Origin(column=column) for field, column in named.items()})

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        long = _long(rows) if layout.name == WIDE else rows
        period = values.column_text(long, "period")
        frequency = pl.select(
            pl.coalesce(pl.when(period.str.contains(pattern)).then(pl.lit(name)) for name, pattern in PERIODS.items())
        ).to_series()
        series = values.column_text(long, "series")
        item = values.identifier(values.column_text(long, "item_id"))
        return pl.DataFrame(
            {
                # Blank in a file that names series is a fault; null, in one that does not, takes the name of the file.
                "series": series.fill_null("") if "series" in long.columns else series,
                "item_id": item if "item_id" in long.columns else item.fill_null(ALL),
                "item": values.column_text(long, "item"),
                "frequency": frequency,
                "period": period,
                "index": values.column_number(long, "index", layout),
                "line": long["line"],
            }
        )

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        is_day = pl.col("frequency") == "day"
        no_day = is_day & pl.col("period").str.to_date("%Y-%m-%d", strict=False).is_null()
        return (
            Rule(pl.col("item_id").is_null() | (pl.col("series") == ""), "series or item is missing"),
            Rule(
                pl.col("frequency").is_null() | no_day,
                "period is no day (2016-07-21), week (2016-W29) or month (2016-07)",
                null_is_fault=True,
            ),
            Rule(~(pl.col("index") > 0), "index is missing, not positive or not a number", null_is_fault=True),
            outside("index", *POSSIBLE, "index is not between 0.1 and 100,000: is it a rate?"),
        )

    def completed(self, accepted: pl.DataFrame, name: str, received_utc: datetime) -> pl.DataFrame:
        """See `TableSource.completed`; a series that is not named takes the name of the file.

        Parameters
        ----------
        accepted
            Rows that no rule rejects.
        name
            Name of the file when it arrived.
        received_utc
            When it arrived.
        """
        return accepted.with_columns(pl.col("series").fill_null(name.split("/")[-1].split(".")[0]))


def _long(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a month; an empty cell, or a dash, is a month without an index."""
    months = [name for name in rows.columns if MONTH_COLUMN.fullmatch(name)]
    texts = pl.DataFrame([values.text(rows[name]) for name in ("item_id", *months)]).with_columns(rows["line"])
    return (
        texts.unpivot(on=months, index=["item_id", "line"], variable_name="period", value_name="index")
        .filter(pl.col("index").is_not_null() & (pl.col("index") != NO_INDEX))
        .with_columns(pl.col("period").str.slice(0, 7))
        .sort("line", "period")
    )
