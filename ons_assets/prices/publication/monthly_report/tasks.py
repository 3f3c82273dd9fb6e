"""What needs a person before the figures of a month are released."""

from collections.abc import Iterator

import polars as pl

from ons_assets.parameters.publication import MonthlyReportParameters
from ons_assets.prices.publication.headings import ITEM
from ons_assets.prices.publication.release import MISSING

COLUMNS = ["heading", "title", "what", "evidence"]
NO_TASKS = pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))


def tasks(
    release: pl.DataFrame, diagnostics: pl.DataFrame, quotes: pl.LazyFrame, parameters: MonthlyReportParameters
) -> pl.DataFrame:
    """List what a person should look at, one row a heading and reason.

    Parameters
    ----------
    release, diagnostics
        Rows of the month, as the tables `prices/cpi_release` and `prices/elementary_diagnostics`.
    quotes
        The quotes of the month, as the table `prices/checked_quotes`.
    parameters
        Where the ordinary ends.

    Returns
    -------
    DataFrame
        ``heading``, ``title``, ``what`` and ``evidence``, in the order of the reasons.
    """
    items = diagnostics.rename({"item_id": "heading", "item": "title"})
    found = [*_of_figures(release, parameters), *_of_items(items, parameters), _of_scope(quotes)]
    return pl.concat([NO_TASKS, *(each.select(COLUMNS) for each in found)])


def _said(rows: pl.DataFrame, what: str, evidence: pl.Expr) -> pl.DataFrame:
    return rows.with_columns(what=pl.lit(what), evidence=evidence.cast(pl.String)).sort("heading")


def _of_figures(release: pl.DataFrame, parameters: MonthlyReportParameters) -> Iterator[pl.DataFrame]:
    missing = release.filter(figure_status=MISSING)
    yield _said(missing, "has no figure", pl.col("notes").fill_null("no reason is known"))
    stands = release.filter(pl.col("notes").str.contains("figure stands").fill_null(False))
    yield _said(stands, "stands as published, though it would be computed otherwise now", pl.col("notes"))
    fast = (pl.col("heading_type") == ITEM) & (pl.col("rate_1_month_percent").abs() > parameters.most_rate_percent)
    yield _said(
        release.filter(fast), "moved by more than usual", pl.format("{} % in the month", "rate_1_month_percent")
    )


def _of_items(items: pl.DataFrame, parameters: MonthlyReportParameters) -> Iterator[pl.DataFrame]:
    few = items.filter(pl.col("matched_share") < parameters.least_matched_share)
    yield _said(
        few, "has few products of the month before", pl.format("{} of {} products are matched", "matched", "products")
    )
    much = items.filter(pl.col("share_imputed") > parameters.most_imputed_share)
    yield _said(
        much,
        "is imputed to a large part",
        pl.format("{} % of {} products", (100 * pl.col("share_imputed")).round(0).cast(pl.Int64), "products"),
    )
    for name, what in (("imputation_effect", "moves with imputed prices"), ("outlier_effect", "hangs on its outliers")):
        decided = items.filter(pl.col(name).abs() > parameters.most_effect_points)
        yield _said(decided, what, pl.format("{} points of the link to the month before", pl.col(name).round(1)))


def _of_scope(quotes: pl.LazyFrame) -> pl.DataFrame:
    """Products of which nobody has decided yet whether they are the item."""
    if "needs_review" not in quotes.collect_schema().names():
        return NO_TASKS
    waiting = (
        quotes.filter("needs_review")
        .group_by(heading="item_id")
        .agg(title=pl.col("item").mode().sort().first(), products=pl.struct("retailer", "product").n_unique())
        .collect()
    )
    products_said = pl.format(
        "{} product{}", "products", pl.when(pl.col("products") > 1).then(pl.lit("s")).otherwise(pl.lit(""))
    )
    return _said(waiting, "has products that a person should decide on", products_said)
