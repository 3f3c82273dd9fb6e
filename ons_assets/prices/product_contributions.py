"""What each product contributes to the index of its item, by whatever method the index is made."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from ons_assets.parameters.prices import IndexParameters
from ons_assets.prices.compilation import prices_of_periods
from ons_assets.prices.indices import IndexMethod, drop_products
from ons_assets.prices.sales import indices_of_items

# Rows that are looked at together: each product needs all prices of the item once more.
ROWS_AT_ONCE = 2_000_000


def product_contributions(
    quotes: pl.LazyFrame, parameters: IndexParameters, *, frequency: str, method: str, item_id: str, period: str
) -> pl.DataFrame:
    """Split the change of an item's index since its base period into the contributions of its products.

    A product contributes the logarithm of what the index would be if the prices of this product alone had moved and
    all others had stayed at their first price: who has a price when, and what is sold, stays as it is. Where the
    logarithm of an index is a sum over products (Jevons, direct or chained, GEKS of them, the unweighted time dummy),
    the contributions add up to the change exactly; where weights follow prices, the rest is what products do together.

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
    Webster and Tarnow-Mordi (2019), "Decomposing Multilateral Price Indexes into the Contributions of Individual
    Commodities", Journal of Official Statistics 35(2), 461-486, for GEKS and time dummies as sums over products. Balk
    (2008), "Price and Quantity Index Numbers", equation 4.13, for the logarithmic mean that turns them into points.
    """
    [chosen] = [each for each in map(IndexMethod.of, parameters.methods) if each.label == method]
    product, prices = prices_of_periods(quotes, parameters, frequency)
    periods = prices["period"].unique().sort()
    of_item = prices.filter(item_id=item_id)
    options = dict(chosen.options)
    if filters := options.pop("filters", None):
        # What is dropped is dropped by the prices that there were; filters look at what is sold.
        sold = of_item.drop_nulls("quantity").with_columns(product=pl.struct(product))
        of_item = drop_products(sold, filters).kept.drop("product")
    unfiltered = IndexMethod(chosen.method, options, chosen.label)

    def log_index(of: pl.DataFrame) -> pl.DataFrame:
        made = indices_of_items(of, [unfiltered], product=product, periods=periods).filter(period=period)
        return made.select("item_id", log=(pl.col("index") / 100).log())

    known = log_index(of_item)["log"].drop_nulls()
    described = of_item.group_by(product, maintain_order=True).agg(
        price=pl.col("price").filter(pl.col("period") == period).first(), periods=pl.len()
    )
    if known.is_empty():
        return described.clear().with_columns(contribution=pl.lit(None, dtype=pl.Float64))
    parts = pl.concat(log_index(each) for each in _each_alone(of_item, product, described))
    change = known[0]
    points = 100.0 if change == 0 else 100 * np.expm1(change) / change
    return (
        described.with_row_index("item_id")
        .with_columns(pl.col("item_id").cast(pl.String))
        .join(parts, on="item_id", how="left")
        .select(*product, "price", "periods", contribution=pl.col("log") * points)
        .sort(pl.col("contribution").abs(), *product, descending=[True, *([False] * len(product))], nulls_last=True)
    )


def _each_alone(of_item: pl.DataFrame, product: Sequence[str], described: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Prices of the item once for each product, whose number is the item then: all others stay at their first price."""
    numbers = described.select(product).with_row_index("number")
    first = pl.col("price").sort_by("period").first().over(product)
    moving = of_item.with_columns(first=first).join(numbers, on=list(product))
    at_once = max(1, ROWS_AT_ONCE // len(of_item))
    for start in range(0, len(described), at_once):
        movers = numbers.slice(start, at_once).select(mover="number")
        yield movers.join(moving, how="cross").select(
            pl.col("mover").cast(pl.String).alias("item_id"),
            "period",
            *product,
            price=pl.when(pl.col("mover") == pl.col("number")).then("price").otherwise("first"),
            quantity="quantity",
        )
