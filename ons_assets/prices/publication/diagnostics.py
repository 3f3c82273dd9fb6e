"""What lies behind the change of an item from one month to the next: relatives, churn, imputation, outliers."""

from collections.abc import Sequence

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.parameters.prices import IndexParameters
from ons_assets.prices.followed import followed
from ons_assets.prices.publication.figures import month_number
from ons_assets.prices.publication.series import MONTH, month_prices

ITEM_MONTH = ["item_id", "period"]
QUANTILES = {
    "relative_minimum": 0.0,
    "relative_p05": 0.05,
    "relative_p25": 0.25,
    "relative_median": 0.5,
    "relative_p75": 0.75,
    "relative_p95": 0.95,
    "relative_maximum": 1.0,
}
OUTLIER = "outlier"


def elementary_diagnostics(quotes: pl.LazyFrame, indices: IndexParameters) -> pl.DataFrame:
    """Describe, for each item and month, the price relatives to the month before and what they are made of.

    Parameters
    ----------
    quotes
        As the table `prices/checked_quotes`.
    indices
        Which quotes are left out, and which price is followed.

    Returns
    -------
    DataFrame
        As the table `prices/elementary_diagnostics`. The link is the index from the month before to this one over the
        products that both have: Törnqvist where both have quantities, else Jevons.

    Notes
    -----
    The effect of imputation is the link less the link without carried prices; the effect of outliers is the link,
    from which they are left out, less the link with them. Both are in points of a link that is 100 without change.
    """
    dated = quotes.with_columns(period=pl.col("collected_on").dt.strftime(MONTH))
    follow = followed(dated, indices)
    product, prices = follow.product, month_prices(follow, indices)
    pairs = matched_pairs(prices, product)
    kept = [flag for flag in indices.excludes if flag != OUTLIER]
    with_outliers = month_prices(followed(dated, indices, kept), indices)
    counted = follow.usable.filter(~pl.col("imputed")).group_by(ITEM_MONTH).agg(observed_quotes=pl.len().cast(pl.Int64))
    odd = dated.group_by(ITEM_MONTH).agg(outliers=pl.col(OUTLIER).sum().cast(pl.Int64))
    names = dated.group_by("item_id").agg(pl.col("item").mode().sort().first())
    return (
        _counts(prices, pairs)
        .join(_relatives(pairs), on=ITEM_MONTH, how="left")
        .join(links(pairs, "link"), on=ITEM_MONTH, how="left")
        .join(
            links(matched_pairs(prices.filter(~pl.col("imputed")), product), "link_observed"), on=ITEM_MONTH, how="left"
        )
        .join(links(matched_pairs(with_outliers, product), "link_outliers"), on=ITEM_MONTH, how="left")
        .join(counted.collect(), on=ITEM_MONTH, how="left")
        .join(odd.collect(), on=ITEM_MONTH, how="left")
        .join(names.collect(), on="item_id", how="left")
        .with_columns(
            pl.col("observed_quotes", "outliers").fill_null(0),
            imputation_effect=pl.col("link") - pl.col("link_observed"),
            outlier_effect=pl.col("link") - pl.col("link_outliers"),
        )
        .drop("link_observed", "link_outliers")
        .sort(ITEM_MONTH)
    )


def matched_pairs(prices: pl.DataFrame, product: Sequence[str]) -> pl.DataFrame:
    """Return the products that have a price in a month and in the one before, with their relatives and weights.

    Parameters
    ----------
    prices
        As `month_prices` returns them.
    product
        Columns that together identify a product of an item.

    Returns
    -------
    DataFrame
        ``item_id``, ``period`` (of the later month), ``relative`` and ``weight``: of a Törnqvist index where both
        months have quantities, else equal; the weights of an item and month add up to 1.
    """
    numbered = prices.with_columns(number=month_number(), value=pl.col("price") * pl.col("quantity"))
    before = numbered.select("item_id", *product, pl.col("number") + 1, price_before="price", value_before="value")
    pairs = numbered.join(before, on=["item_id", *product, "number"])
    shares = [pl.col(value) / exact_sum(value).over(ITEM_MONTH) for value in ("value", "value_before")]
    # A month has quantities of all its products or of none.
    tornqvist = pl.sum_horizontal(shares, ignore_nulls=False) / 2
    equal = 1 / pl.len().over(ITEM_MONTH)
    both = (pl.col("value").is_not_null() & pl.col("value_before").is_not_null()).all().over(ITEM_MONTH)
    return pairs.select(
        *ITEM_MONTH,
        relative=pl.col("price") / pl.col("price_before"),
        weight=pl.when(both).then(tornqvist).otherwise(equal),
        is_weighted=both,
    )


def links(pairs: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the link of each item and month, 100 where no price has changed.

    Parameters
    ----------
    pairs
        As `matched_pairs` returns them.
    name
        Of the column.
    """
    log_link = exact_sum(pl.col("weight") * pl.col("relative").log())
    return pairs.group_by(ITEM_MONTH).agg((100 * log_link.exp()).alias(name))


def _counts(prices: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """How many products came, stayed and went; a month without a price has no row."""
    of_month = prices.group_by(ITEM_MONTH).agg(
        products=pl.len().cast(pl.Int64), share_imputed=pl.col("imputed").mean(), number=month_number().first()
    )
    before = of_month.select("item_id", pl.col("number") + 1, products_before="products")
    matched = pairs.group_by(ITEM_MONTH).agg(
        matched=pl.len().cast(pl.Int64),
        formula=pl.when(pl.col("is_weighted").all()).then(pl.lit("tornqvist")).otherwise(pl.lit("jevons")),
    )
    rows = (
        of_month.join(before, on=["item_id", "number"], how="left")
        .join(matched, on=ITEM_MONTH, how="left")
        .with_columns(matched=pl.when(pl.col("products_before").is_not_null()).then(pl.col("matched").fill_null(0)))
    )
    entries, exits = pl.col("products") - pl.col("matched"), pl.col("products_before") - pl.col("matched")
    return rows.select(
        *ITEM_MONTH,
        "formula",
        "products",
        "share_imputed",
        "matched",
        matched_share=pl.col("matched") / pl.col("products"),
        entries=entries,
        exits=exits,
        churn=(entries + exits) / (pl.col("matched") + entries + exits),
    )


def _relatives(pairs: pl.DataFrame) -> pl.DataFrame:
    of_relatives = {
        name: pl.col("relative").quantile(share, interpolation="linear") for name, share in QUANTILES.items()
    }
    return pairs.group_by(ITEM_MONTH).agg(**of_relatives)
