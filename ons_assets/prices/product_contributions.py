"""What each product contributes to the index of its item, by whatever method the index is made."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from ons_assets.parameters.prices import IndexParameters
from ons_assets.prices.compilation import prices_of_periods
from ons_assets.prices.indices import IndexMethod, contributions, drop_products, methods
from ons_assets.prices.indices.bilateral import logarithmic_mean
from ons_assets.prices.indices.contributions import CONTRIBUTION_METHODS
from ons_assets.prices.sales import indices_of_items

# Rows that are looked at together: each product needs all prices of the item once more.
ROWS_AT_ONCE = 2_000_000


def product_contributions(
    quotes: pl.LazyFrame, parameters: IndexParameters, *, frequency: str, method: str, item_id: str, period: str
) -> pl.DataFrame:
    """Split the change of an item's index since its base period into the contributions of its products.

    Where the logarithm of the index is a sum over products (`CONTRIBUTION_METHODS`, without window or splice), each
    contributes its part of it, and the contributions add up. For every other method it contributes what the index would
    be if its prices alone had moved and all others had stayed at their first price: who has a price when, and what is
    sold, stays as it is. Then they add up where prices have no weights; else the rest is what products do together.

    Parameters
    ----------
    quotes
        As the table `prices/checked_quotes`.
    parameters
        Of the index, with the method.
    frequency, method, item_id, period
        The key of a row of `prices/item_indices`.

    Returns
    -------
    DataFrame
        The columns that identify a product, ``price`` in the period (null if it has none), ``periods`` in which it has
        one, and ``contribution`` in points of the index; the largest first. Without rows if there is no index.

    References
    ----------
    `ons_assets.prices.indices.contributions`.
    """
    [chosen] = [each for each in map(IndexMethod.of, parameters.methods) if each.label == method]
    product, prices = prices_of_periods(quotes, parameters, frequency)
    periods = prices["period"].unique().sort()
    of_item, unfiltered = _filtered(prices.filter(item_id=item_id), chosen, product)
    known = _log_index(of_item, unfiltered, product, periods, period)["log"].drop_nulls()
    described = of_item.group_by(product, maintain_order=True).agg(
        price=pl.col("price").filter(pl.col("period") == period).first(), periods=pl.len()
    )
    if known.is_empty():
        return described.clear().with_columns(contribution=pl.lit(None, dtype=pl.Float64))
    if _is_sum(unfiltered):
        parts = _parts_of_sum(of_item, unfiltered, product, period)
    else:
        alone = [_log_index(each, unfiltered, product, periods, period) for each in _each_alone(of_item, described)]
        points = 100 * float(logarithmic_mean(np.exp(known[0]), np.array(1.0)))
        numbers = described.select(product).with_row_index("number")
        parts = pl.concat(alone).join(numbers, left_on=pl.col("item_id").cast(pl.UInt32), right_on="number")
        parts = parts.select(*product, contribution=pl.col("log") * points)
    return (
        described.join(parts, on=list(product), how="left")
        .with_columns(pl.col("contribution").fill_null(0.0))
        .sort(pl.col("contribution").abs(), *product, descending=[True, *([False] * len(product))])
    )


def _filtered(of_item: pl.DataFrame, chosen: IndexMethod, product: Sequence[str]) -> tuple[pl.DataFrame, IndexMethod]:
    """The prices of which the index is made, and the method on them: what is dropped is dropped by all prices."""
    options = dict(chosen.options)
    filters = options.pop("filters", None)
    if filters:
        sold = of_item.drop_nulls("quantity").with_columns(product=pl.struct(product))
        of_item = drop_products(sold, filters).kept.drop("product")
    return of_item, IndexMethod(chosen.method, options, chosen.label)


def _log_index(
    prices: pl.DataFrame, method: IndexMethod, product: Sequence[str], periods: pl.Series, period: str
) -> pl.DataFrame:
    made = indices_of_items(prices, [method], product=product, periods=periods).filter(period=period)
    return made.select("item_id", log=(pl.col("index") / 100).log())


def _is_sum(method: IndexMethod) -> bool:
    chain = method.options.get("chain", "fixed-base")
    return (
        method.method in CONTRIBUTION_METHODS and {*method.options} <= {"chain"} and chain in ("fixed-base", "chained")
    )


def _parts_of_sum(of_item: pl.DataFrame, method: IndexMethod, product: Sequence[str], period: str) -> pl.DataFrame:
    needs_quantity = methods().filter(method=method.method)["needs_quantity"].item()
    prices = of_item.drop_nulls("quantity") if needs_quantity else of_item.drop("quantity")
    found = contributions(
        prices.with_columns(product=pl.struct(product)),
        method.method,
        prices["period"].min(),
        period,
        chained=method.options.get("chain") == "chained",
    )
    return found.select(pl.col("product").struct.unnest(), "contribution")


def _each_alone(of_item: pl.DataFrame, described: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Prices of the item once for each product, whose number is the item then: all others stay at their first price."""
    product = [name for name in described.columns if name not in ("price", "periods")]
    numbers = described.select(product).with_row_index("number")
    first = pl.col("price").sort_by("period").first().over(product)
    moving = of_item.with_columns(first=first).join(numbers, on=list(product))
    at_once = max(1, ROWS_AT_ONCE // len(of_item))
    for start in range(0, len(described), at_once):
        movers = numbers.slice(start, at_once).select(mover="number")
        yield movers.join(moving, how="cross").select(
            pl.col("mover").cast(pl.String).alias("item_id"),
            *("period", *product),
            price=pl.when(pl.col("mover") == pl.col("number")).then("price").otherwise("first"),
            quantity="quantity",
        )
