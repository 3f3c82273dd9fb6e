"""What each product contributes to the index of its item, by whatever method the index is made."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import polars as pl

from ons_assets.parameters.prices import IndexParameters
from ons_assets.parameters.publication import PublicationParameters
from ons_assets.prices.compilation import prices_of_periods
from ons_assets.prices.followed import followed
from ons_assets.prices.indices import IndexMethod, contributions, drop_products, methods
from ons_assets.prices.indices.bilateral import logarithmic_mean
from ons_assets.prices.indices.contributions import CONTRIBUTION_METHODS
from ons_assets.prices.publication.series import MONTH, index_of_item, month_prices, months_between
from ons_assets.prices.sales import indices_of_items

# Rows that are looked at together: each product needs all prices of the item once more.
ROWS_AT_ONCE = 2_000_000


# Gives the logarithm of an index in one period, by ``item_id``, of prices.
LogIndex = Callable[[pl.DataFrame], pl.DataFrame]


def product_contributions(
    quotes: pl.LazyFrame,
    parameters: IndexParameters,
    publication: PublicationParameters,
    *,
    frequency: str,
    method: str,
    item_id: str,
    period: str,
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
    publication
        Of the index that is published; its label is a method too.
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
    if method == publication.label:
        product, of_item, log_index = _published(quotes, parameters, publication, item_id, period)
        of_sum = None
    else:
        [chosen] = [each for each in map(IndexMethod.of, parameters.methods) if each.label == method]
        product, prices = prices_of_periods(quotes, parameters, frequency)
        of_item, unfiltered = _filtered(prices.filter(item_id=item_id), chosen, product)
        periods = prices["period"].unique().sort()
        log_index = partial(_log_index, method=unfiltered, product=product, periods=periods, period=period)
        of_sum = unfiltered if _is_sum(unfiltered) else None
    known = log_index(of_item)["log"].drop_nulls()
    described = of_item.group_by(product, maintain_order=True).agg(
        price=pl.col("price").filter(pl.col("period") == period).first(), periods=pl.len()
    )
    if known.is_empty():
        return described.clear().with_columns(contribution=pl.lit(None, dtype=pl.Float64))
    if of_sum is not None:
        parts = _parts_of_sum(of_item, of_sum, product, period)
    else:
        alone = [log_index(each) for each in _each_alone(of_item, described)]
        points = 100 * float(logarithmic_mean(np.exp(known[0]), np.array(1.0)))
        numbers = described.select(product).with_row_index("number")
        parts = pl.concat(alone).join(numbers, left_on=pl.col("item_id").cast(pl.UInt32), right_on="number")
        parts = parts.select(*product, contribution=pl.col("log") * points)
    return (
        described.join(parts, on=list(product), how="left")
        .with_columns(pl.col("contribution").fill_null(0.0))
        .sort(pl.col("contribution").abs(), *product, descending=[True, *([False] * len(product))])
    )


def _published(
    quotes: pl.LazyFrame, parameters: IndexParameters, publication: PublicationParameters, item_id: str, period: str
) -> tuple[tuple[str, ...], pl.DataFrame, LogIndex]:
    """The columns of a product, the prices of an item that its published index of a month knows, and that index."""
    follow = followed(quotes.with_columns(period=pl.col("collected_on").dt.strftime(MONTH)), parameters)
    # What comes later changes no month that was published.
    prices = month_prices(follow, parameters).filter(pl.col("period") <= period)
    months = months_between(prices["period"])

    def log_index(of_items: pl.DataFrame) -> pl.DataFrame:
        made = [
            index_of_item(each, follow.product, months, publication, (0.0, np.inf)).with_columns(item_id=pl.lit(item))
            for (item,), each in of_items.partition_by("item_id", as_dict=True).items()
        ]
        of_month = pl.concat(made).filter(period=period)
        return of_month.select("item_id", log=(pl.col("index") / 100).log())

    return follow.product, prices.filter(item_id=item_id), log_index


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
