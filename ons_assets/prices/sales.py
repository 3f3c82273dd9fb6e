"""Prices with quantities: what a product was sold for in a period, and indices that weigh it."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ons_assets.prices.indices import IndexMethod, average_prices, by_item, methods, unit_values

NO_QUANTITIES = "the quotes of the item have no quantities, which the method needs"


def product_prices(quotes: pl.LazyFrame, *, by: tuple[str, ...]) -> pl.DataFrame:
    """Give each product its price in each period: turnover divided by quantity where it was sold, else the mean.

    A displayed price beside sales of the same product and period is left out: nobody is known to have paid it.

    Parameters
    ----------
    quotes
        Columns of `by`, ``price``, ``quantity`` (null where nothing is known to have been sold).
    by
        Columns that identify one price.

    Returns
    -------
    DataFrame
        The columns of `by`, ``price``, ``quantity`` (sum; null where the price is a geometric mean of quotes without
        quantities) and ``quotes`` (their number), sorted by `by`.

    References
    ----------
    Consumer Price Index Manual (IMF and others, 2020), chapter 10.
    """
    is_sold = (pl.col("quantity") > 0).fill_null(False)
    sold = unit_values(quotes.filter(is_sold), by=by)
    shown = average_prices(quotes.filter(~is_sold), by=by)
    if sold.is_empty():
        return shown.with_columns(quantity=pl.lit(None, dtype=pl.Float64)).select(*by, "price", "quantity", "quotes")
    shown = shown.join(sold, on=by, how="anti", nulls_equal=True)
    return pl.concat([sold, shown], how="diagonal_relaxed").select(*by, "price", "quantity", "quotes").sort(by)


def indices_of_items(
    prices: pl.DataFrame,
    chosen: Sequence[str | Mapping[str, Any] | IndexMethod],
    *,
    product: Sequence[str],
    periods: pl.Series | None = None,
) -> pl.DataFrame:
    """Compute the index of every item by every method; those that weigh take only prices with quantities.

    Parameters
    ----------
    prices
        ``item_id``, ``period``, ``price``, the columns of `product`, and ``quantity``, null where it is not known.
    chosen
        Methods, as for `by_item`.
    product
        Columns that together identify a product.
    periods
        That each item must show; by default those of all items' prices.

    Returns
    -------
    DataFrame
        As `by_item` gives it, with ``base_period``, in which the index is 100. An item without quantities has a row for
        each period and method that needs them, with the reason why it has no index.
    """
    needing = set(methods().filter("needs_quantity")["method"])
    named = [IndexMethod.of(each) for each in chosen]
    weighted = [each for each in named if each.method in needing]
    plain = [each for each in named if each.method not in needing]
    periods = prices["period"].unique().sort() if periods is None else periods
    made = []
    if plain or not weighted:
        made.append(_made(prices.drop("quantity"), plain, product, periods))
    if weighted:
        sold = prices.drop_nulls("quantity")
        made += [_made(sold, weighted, product, periods), _missing(prices, sold, weighted, periods)]
    return pl.concat(made).sort("item_id", "method", "period")


def _made(
    prices: pl.DataFrame, chosen: Sequence[IndexMethod], product: Sequence[str], periods: pl.Series
) -> pl.DataFrame:
    base = prices.group_by("item_id").agg(base_period=pl.col("period").min())
    return by_item(prices, chosen, product=product, periods=periods).join(base, on="item_id", how="left")


def _missing(
    prices: pl.DataFrame, sold: pl.DataFrame, weighted: Sequence[IndexMethod], periods: pl.Series
) -> pl.DataFrame:
    """Rows of the items without quantities."""
    items = prices.select("item_id").unique().join(sold.select("item_id").unique(), on="item_id", how="anti")
    labels = pl.DataFrame({"method": [each.label for each in weighted]})
    base = prices.group_by("item_id").agg(base_period=pl.col("period").min())
    return (
        items.join(labels, how="cross")
        .join(periods.alias("period").to_frame(), how="cross")
        .join(base, on="item_id")
        .select(
            "item_id",
            "period",
            "method",
            pl.lit(None, dtype=pl.Float64).alias("index"),
            pl.lit(0, dtype=pl.Int64).alias("matched_products"),
            pl.lit(NO_QUANTITIES).alias("reason"),
            "base_period",
        )
    )
