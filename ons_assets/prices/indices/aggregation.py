"""Weighted aggregation of item indices to groups."""

from typing import Literal, get_args

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.prices.indices.chaining import year_of
from ons_assets.prices.indices.numbers import as_floats

Rule = Literal["complete", "available", "pilot-sum"]


def aggregate(indices: pl.DataFrame, weights: pl.DataFrame, *, rule: Rule = "complete") -> pl.DataFrame:
    """Aggregate item indices to groups by the weights of each period's year.

    The group index is the weighted arithmetic mean of the item indices (a Laspeyres-type, or Young, index
    where weights are older than the base). Where the weights change between two years the series may step;
    `double_chain_link` links the years instead.

    Parameters
    ----------
    indices
        Columns ``item_id``, ``period``, ``index`` and, where there are several, ``method``.
    weights
        Columns ``item_id``, ``group_id``, ``year`` and ``weight`` (any unit). Items without a weight, or
        with a weight of zero, take no part.
    rule
        "complete": a group has an index only where each of its weighted items has one.
        "available": the mean of the items that have an index; ``weight_share`` tells how much that is.
        "pilot-sum": the plain sum of weight times index, as the pilot of 2014 to 2016 formed it. A missing
        index counts as zero and weights that do not add up to one are not corrected: use it only to
        reproduce the pilot's figures.

    Returns
    -------
    Frame with ``group_id``, ``period`` [, ``method``], ``index``, ``items`` (number of items in the mean),
    ``weight_share`` (their share of the group's weight in that year) and ``reason``.

    Raises
    ------
    ValueError
        If an item has two weights in a year in one group, or a weight is negative.

    References
    ----------
    Consumer Price Index Manual (2020), chapter 8 (higher-level indices).
    """
    if rule not in get_args(Rule):
        raise ValueError(f"unknown rule {rule!r}. Rules: {', '.join(get_args(Rule))}")
    indices, weights = as_floats(indices, "index"), as_floats(weights, "weight")
    keys = [*(["method"] if "method" in indices.columns else []), "group_id", "period"]
    known = pl.col("index").is_not_null() & pl.col("index").is_finite()
    weighted_sum = exact_sum(pl.when(known).then(pl.col("index") * pl.col("weight")))
    known_weight = exact_sum(pl.when(known).then("weight"))
    incomplete = (pl.col("weight_share") < 1 - 1e-9) & pl.lit(rule == "complete")
    return (
        _with_weights(indices, weights)
        .group_by(keys)
        .agg(
            index=weighted_sum / (1.0 if rule == "pilot-sum" else known_weight),
            items=known.sum(),
            weight_share=known_weight / pl.col("group_weight").first(),
        )
        .with_columns(
            reason=pl.when(pl.col("items") == 0)
            .then(pl.lit("no weighted item has an index"))
            .when(incomplete)
            .then(pl.lit("a weighted item has no index"))
        )
        .with_columns(index=pl.when(pl.col("reason").is_null()).then("index"))
        .sort(keys)
    )


def _with_weights(indices: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    weights = weights.select("item_id", "group_id", pl.col("year").cast(pl.Int64), "weight").filter(
        pl.col("weight").is_not_null() & (pl.col("weight") != 0)
    )
    if weights.select(pl.struct("item_id", "group_id", "year").is_duplicated().any()).item():
        raise ValueError("weights hold more than one weight for an item, group and year")
    if weights.select((pl.col("weight") < 0).any()).item():
        raise ValueError("weights hold a negative weight")
    weights = weights.with_columns(group_weight=exact_sum("weight").over("group_id", "year"))
    years = pl.Series("year", year_of(indices["period"])).cast(pl.Int64)
    return indices.with_columns(years).join(weights, on=["item_id", "year"], how="inner")
