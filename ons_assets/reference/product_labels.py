"""Labels of products, such as the review queue that a person has filled in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from ons_assets.intake import times, values
from ons_assets.intake.layouts import Layout
from ons_assets.intake.plain import PlainSource
from ons_assets.intake.rules import Rule, missing
from ons_assets.lakehouse.spreadsheets import restored

YES = ("true", "1", "yes", "y", "in")
NO = ("false", "0", "no", "n", "out")
LONGEST_NAME, LONGEST_LABELLER = 1_000, 200
# Tried in order; a label without a zone was given in UTC.
TIMES = ("%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")


@dataclass(frozen=True)
class LabelFiles(PlainSource):
    """What people said of products: whether they are the item."""

    name = "product_labels"
    table = "reference/product_labels"
    files_are = "what people say of products: `data/reports/classification/review_queue.csv`, filled in"
    unit = "labels"
    key = ("retailer", "item_id", "product", "labelled_by", "labelled_at_utc")
    columns = dict.fromkeys(("retailer", "item_id", "product", "in_scope", "labelled_by"), pl.String())
    optional = dict.fromkeys(("labelled_at_utc", "note"), pl.String())

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        verdict = values.column_text(rows, "in_scope")
        known = verdict.str.to_lowercase()
        absent = values.column_text(rows, "labelled_at_utc")
        given = rows["labelled_at_utc"] if "labelled_at_utc" in rows.columns else absent
        moments = times.moments(given, layout.model_copy(update={"time_formats": TIMES}), "UTC").early
        days = times.days(given, layout).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        return pl.DataFrame(
            {
                "retailer": restored(values.column_text(rows, "retailer")).str.to_lowercase(),
                "item_id": values.identifier(restored(values.column_text(rows, "item_id"))),
                "product": restored(values.column_text(rows, "product")),
                "in_scope": known.replace_strict(
                    {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}, default=None, return_dtype=pl.Boolean()
                ),
                "labelled_by": values.column_text(rows, "labelled_by"),
                "labelled_at_utc": moments.zip_with(moments.is_not_null(), days),
                "note": values.column_text(rows, "note"),
                "line": rows["line"],
                "has_verdict": verdict.is_not_null(),
                "has_time": values.text(given).is_not_null(),
            }
        )

    def helpers(self) -> tuple[str, ...]:
        """See `TableSource.helpers`."""
        return ("has_verdict", "has_time")

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`; a row without a verdict was not looked at."""
        received = pl.lit(received_utc).cast(pl.Datetime("us", "UTC"))
        return (
            missing(["retailer", "item_id", "product"], "retailer, item or product is missing"),
            Rule(pl.col("product").str.len_chars() > LONGEST_NAME, f"product is longer than {LONGEST_NAME} characters"),
            Rule(~pl.col("has_verdict"), "has no verdict yet"),
            missing("in_scope", "in_scope is neither true nor false"),
            missing("labelled_by", "does not say who labelled it"),
            Rule(
                pl.col("labelled_by").str.len_chars() > LONGEST_LABELLER,
                f"who labelled it is longer than {LONGEST_LABELLER} characters",
            ),
            Rule(pl.col("has_time") & pl.col("labelled_at_utc").is_null(), "labelled_at_utc is no time"),
            Rule(pl.col("labelled_at_utc") > received + pl.duration(days=1), "was labelled after it was received"),
        )

    def completed(self, accepted: pl.DataFrame, name: str, received_utc: datetime) -> pl.DataFrame:
        """See `TableSource.completed`; a label without a time takes that of the file.

        Parameters
        ----------
        accepted
            Rows that no rule rejects.
        name
            Name of the file when it arrived.
        received_utc
            When it arrived.
        """
        received = pl.lit(received_utc).cast(pl.Datetime("us", "UTC"))
        return accepted.with_columns(pl.col("labelled_at_utc").fill_null(received))
