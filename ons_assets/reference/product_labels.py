"""Labels of products: CSV or Parquet, such as the review queue that a person has filled in."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from ons_assets.lakehouse.delimited import Limits, header
from ons_assets.lakehouse.sources import Parsed
from ons_assets.lakehouse.table_files import at_least_one, read_rows, sift
from ons_assets.settings import Settings

NEEDED = ("retailer", "item_id", "product", "in_scope", "labelled_by")
OPTIONAL = ("labelled_at_utc", "note")
YES = ("true", "1", "yes", "y", "in")
NO = ("false", "0", "no", "n", "out")
TIMES = ("%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")


@dataclass(frozen=True)
class LabelFiles:
    """What people said of products: whether they are the item."""

    limits: Limits

    name = "product_labels"
    table = "reference/product_labels"
    files_are = "what people say of products: `data/reports/classification/review_queue.csv`, filled in"
    batch = ()
    fingerprint = ""

    @classmethod
    def of(cls, settings: Settings) -> "LabelFiles":
        """Return the source of one home."""
        return cls(Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes))

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file has the columns of labels."""
        return set(NEEDED) <= set(header(path))

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; a row without a verdict was not looked at, and is rejected with that reason.

        A label without a time takes that of the file; see `ons_assets.lakehouse.sources.Source.parse`.
        """
        read = read_rows(path, self.limits, NEEDED, OPTIONAL)
        text = read.accepted
        verdict = pl.col("in_scope").str.to_lowercase()
        given = pl.col("labelled_at_utc")
        time = pl.coalesce(
            *(given.str.to_datetime(form, strict=False, time_unit="us") for form in TIMES),
            given.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")),
        ).dt.replace_time_zone("UTC")
        typed = text.with_columns(
            retailer=pl.col("retailer").str.to_lowercase(),
            item_id=pl.col("item_id").str.strip_suffix(".0"),  # of another program
            in_scope=pl.when(verdict.is_in(YES)).then(True).when(verdict.is_in(NO)).then(False),
            labelled_at_utc=pl.when(given.is_null())
            .then(pl.lit(received_utc).cast(pl.Datetime("us", "UTC")))
            .otherwise(time),
        )
        reasons = typed.select(
            pl.when(pl.any_horizontal(pl.col("retailer", "item_id", "product").is_null()))
            .then(pl.lit("retailer, item or product is missing"))
            .when(text["in_scope"].is_null())
            .then(pl.lit("has no verdict yet"))
            .when(pl.col("in_scope").is_null())
            .then(pl.lit("in_scope is neither true nor false"))
            .when(pl.col("labelled_by").is_null())
            .then(pl.lit("does not say who labelled it"))
            .when(pl.col("labelled_at_utc").is_null())
            .then(pl.lit("labelled_at_utc is no time"))
            .when(pl.col("labelled_at_utc") > pl.lit(received_utc).cast(pl.Datetime("us", "UTC")) + pl.duration(days=1))
            .then(pl.lit("was labelled after it was received"))
        ).to_series()
        return sift(typed, reasons, read)

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return no days: a label holds until the next one."""
        at_least_one(self.parse(path, name, received_utc))
        return []
