"""Compilation of the published indices: from quotes to items, from items to groups."""

from collections.abc import Sequence

import polars as pl

from ons_assets.parameters.prices import AggregationParameters, IndexParameters
from ons_assets.prices.indices import IndexMethod, aggregate, average_prices, by_item

OUT_OF_SCOPE = "out_of_scope"
# Beyond these lies an error of a price or of a unit, and no change of prices; the base is 100.
LEAST_INDEX, LARGEST_INDEX = 1.0, 10_000.0
BEYOND = "the index is below 1 or above 10,000: a price or a unit is wrong"
PERIODS = {"day": ("1d", "%Y-%m-%d"), "week": ("1w", "%G-W%V"), "month": ("1mo", "%Y-%m")}
# A product is followed within a shop; a pack of another shop is another product. The price of a pack is
# followed from pack to pack, the price of a kilogram from a product to its relaunch in another size.
FOLLOWED = {
    "pack": (("retailer", "product_id"), "price"),
    "unit": (("retailer", "lineage_id"), "price_per_unit"),
}


def item_indices(quotes: pl.LazyFrame, parameters: IndexParameters) -> pl.DataFrame:
    """Compute the index of every item by day, week and month, by each method of the parameters.

    Parameters
    ----------
    quotes
        As the table `prices/checked_quotes`; those with a flag of `parameters.excludes` are left out.

    Returns
    -------
    DataFrame
        As the table `prices/item_indices`. The base period of an item is its first period.

    Notes
    -----
    The price of a product in a period is the geometric mean of its quotes, as in the pilot: several
    runs of a day, and the repetitions within a run, then count as one price.
    """
    product, price = FOLLOWED[parameters.price]
    items = quotes.group_by("item_id").agg(pl.col("item").mode().sort().first()).collect()
    excluded = is_excluded(parameters.excludes)
    usable = quotes.filter(~excluded, pl.col(price) > 0).with_columns(price=price)
    frames = []
    for frequency in parameters.frequencies:
        length, code = PERIODS[frequency]
        first_day = pl.col("collected_on").dt.truncate(length)
        prices = average_prices(usable.with_columns(period=first_day), by=("item_id", "period", *product))
        prices = prices.with_columns(pl.col("period").dt.strftime(code))
        indices = _withhold_impossible(
            by_item(prices, [IndexMethod.of(method) for method in parameters.methods], product=product)
        )
        base = prices.group_by("item_id").agg(base_period=pl.col("period").min())
        left_out = (
            quotes.filter(excluded)
            .group_by("item_id", period=first_day.dt.strftime(code))
            .agg(excluded_quotes=pl.len().cast(pl.Int64))
            .collect()
        )
        frames.append(
            indices.join(base, on="item_id")
            .join(left_out, on=["item_id", "period"], how="left")
            .with_columns(pl.col("excluded_quotes").fill_null(0), frequency=pl.lit(frequency))
        )
    columns = ["frequency", "method", "item_id", "item", "period", "base_period", "index", "matched_products", "reason"]
    return (
        pl.concat(frames)
        .join(items, on="item_id")
        .with_columns(excludes=pl.lit(", ".join(parameters.excludes)))
        .select(*columns, "excludes", "excluded_quotes")
    )


def _withhold_impossible(indices: pl.DataFrame) -> pl.DataFrame:
    """Leave an index out that no change of prices explains; where most items have such, the gate shall see it."""
    beyond = ~pl.col("index").is_between(LEAST_INDEX, LARGEST_INDEX).fill_null(True)
    of_method = pl.col("item_id").filter(beyond).n_unique().over("method")
    few = of_method * 2 < pl.col("item_id").n_unique().over("method")
    withheld = beyond & few
    return indices.with_columns(
        index=pl.when(~withheld).then("index"), reason=pl.when(withheld).then(pl.lit(BEYOND)).otherwise("reason")
    )


def is_excluded(flags: Sequence[str]) -> pl.Expr:
    """Return whether a checked quote has one of the flags; "out_of_scope" is the absence of `in_scope`."""
    return pl.any_horizontal(
        pl.lit(False), *(~pl.col("in_scope") if flag == OUT_OF_SCOPE else pl.col(flag) for flag in flags)
    )


def aggregate_indices(items: pl.LazyFrame, weights: pl.LazyFrame, parameters: AggregationParameters) -> pl.DataFrame:
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
        aggregate(part, in_force, rule=parameters.rule).with_columns(frequency=pl.lit(frequency))
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
