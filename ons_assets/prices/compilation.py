"""Compilation of the published indices: from quotes to items, from items to groups."""

import polars as pl

from ons_assets.prices.indices import IndexMethod, aggregate, average_prices, by_item
from ons_assets.settings import Prices

PERIODS = {"day": ("1d", "%Y-%m-%d"), "week": ("1w", "%G-W%V"), "month": ("1mo", "%Y-%m")}
# A product is followed within a shop; a pack of another shop is another product.
PRODUCT = ("retailer", "product")


def item_indices(quotes: pl.LazyFrame, settings: Prices) -> pl.DataFrame:
    """Compute the index of every item by day, week and month, by each method of the settings.

    Parameters
    ----------
    quotes
        `retailer`, `collected_on` (date), `item_id`, `item`, `product`, `price` (of a pack; one currency).

    Returns
    -------
    DataFrame
        As the table `prices/item_indices`. The base period of an item is its first period.

    Notes
    -----
    The price of a product in a period is the geometric mean of its quotes, as in the pilot: several
    runs of a day, and the repetitions within a run, then count as one price.
    """
    items = quotes.group_by("item_id").agg(pl.col("item").mode().sort().first()).collect()
    frames = []
    for frequency in settings.frequencies:
        length, code = PERIODS[frequency]
        first_day = pl.col("collected_on").dt.truncate(length)
        prices = average_prices(quotes.with_columns(period=first_day), by=("item_id", "period", *PRODUCT))
        prices = prices.with_columns(pl.col("period").dt.strftime(code))
        indices = by_item(prices, [IndexMethod.of(method) for method in settings.index_methods], product=PRODUCT)
        base = prices.group_by("item_id").agg(base_period=pl.col("period").min())
        frames.append(indices.join(base, on="item_id").with_columns(frequency=pl.lit(frequency)))
    columns = ["frequency", "method", "item_id", "item", "period", "base_period", "index", "matched_products", "reason"]
    return pl.concat(frames).join(items, on="item_id").select(columns)


def aggregate_indices(items: pl.LazyFrame, weights: pl.LazyFrame, settings: Prices) -> pl.DataFrame:
    """Aggregate item indices to the groups of the weights, by frequency and method.

    Parameters
    ----------
    items
        As the table `prices/item_indices`.
    weights
        As the table `reference/item_weights`; a year without weights takes those of the last year before
        it that has some.

    Returns
    -------
    DataFrame
        As the table `prices/aggregate_indices`.
    """
    indices = items.select("frequency", "method", "item_id", "period", "index").collect()
    in_force = _weights_in_force(indices, weights.collect())
    groups = [
        aggregate(part, in_force, rule=settings.aggregation).with_columns(frequency=pl.lit(frequency))
        for (frequency,), part in indices.partition_by("frequency", as_dict=True, include_key=False).items()
    ]
    columns = ["frequency", "method", "group", "period", "index", "items", "weight_share", "reason"]
    return pl.concat(groups).rename({"group_id": "group"}).select(columns)


def _weights_in_force(indices: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Weights of every year of the indices: of each group, those of its last year of weights until then."""
    years = indices.select(pl.col("period").str.slice(0, 4).cast(pl.Int32).alias("year")).unique().sort("year")
    groups = weights.select("group", weights_of="year").unique().sort("weights_of")
    in_force = (
        years.join(groups.select("group").unique(), how="cross")
        .sort("year")
        .join_asof(
            groups, left_on="year", right_on="weights_of", by="group", strategy="backward", check_sortedness=False
        )
        .drop_nulls("weights_of")
    )
    return in_force.join(weights.rename({"year": "weights_of"}), on=["group", "weights_of"]).select(
        "item_id", pl.col("group").alias("group_id"), "year", "weight"
    )
