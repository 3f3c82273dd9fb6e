"""Chaining of yearly series: at the January that two years share, and across a change of weights."""

import polars as pl

from ons_assets.prices.indices.aggregation import Rule, aggregate
from ons_assets.prices.indices.numbers import as_floats


def chain_years(indices: pl.DataFrame, *, by: str = "item_id") -> pl.DataFrame:
    """Chain yearly series, each of which ends with the base period of the next.

    Parameters
    ----------
    indices
        Columns of `by`, ``year`` (the series that a row belongs to), ``period`` and ``index`` (100 at the
        first period of the series).
    by
        Column that identifies a series of years.

    Returns
    -------
    Frame with `by`, ``period`` and ``index``: each year multiplied by the level that the years before it
    reached in its base period. The index is null from the first year whose base period has no level.

    References
    ----------
    Consumer Price Indices Technical Manual (Office for National Statistics, 2019), section 2.5 (chaining).
    """
    ordered = as_floats(indices, "index").sort(by, "year", "period")
    yearly = (
        ordered.group_by(by, "year", maintain_order=True)
        .agg(pl.col("index").last() / 100)
        # A null growth must stay null for every later year: NaN does so under multiplication.
        .with_columns(growth=pl.col("index").fill_null(float("nan")))
        .with_columns(level=pl.col("growth").cum_prod().shift(1, fill_value=1.0).over(by))
    )
    first_year = pl.col("year") == pl.col("year").min().over(by)
    base_row = pl.col("period") == pl.col("period").min().over(by, "year")
    return (
        ordered.filter(first_year | ~base_row)
        .join(yearly.select(by, "year", "level"), on=[by, "year"])
        .select(by, "period", index=(pl.col("index") * pl.col("level")).fill_nan(None))
        .sort(by, "period")
    )


def double_chain_link(
    indices: pl.DataFrame,
    item_weights: pl.DataFrame,
    class_weights: pl.DataFrame,
    *,
    rule: Rule = "complete",
) -> pl.DataFrame:
    """Aggregate yearly item series to groups with two links a year, in December and in January.

    Weights change every January. Items are aggregated to classes within the year, the January after it
    included. That January is compared with the year's December in each class, the classes are aggregated with
    the new weights, and the groups are chained: December, the January on new weights, and on from there.

    Parameters
    ----------
    indices
        Columns ``item_id``, ``year`` (series), ``period`` and ``index``; each year but the last ends with
        the first period of the next.
    item_weights
        Columns ``item_id``, ``class_id``, ``year`` and ``weight``.
    class_weights
        Columns ``class_id``, ``group_id``, ``year`` and ``weight``.
    rule
        What to do about items without an index, as for `aggregate`. Under "pilot-sum" the January after a year
        has the new weights of the items too, as in the pilot, so that a class may move though no price does.

    Returns
    -------
    Frame with ``group_id``, ``period`` and ``index`` (100 at the first period).

    References
    ----------
    Consumer Price Indices Technical Manual (Office for National Statistics, 2019), section 2.5. The order
    of the steps is that of the pilot of 2014 to 2016; its published group series contain the level of
    January 2015 twice from January 2016 on, which this function does not repeat
    (docs/methods/price_indices.md).
    """
    of_items = item_weights.rename({"class_id": "group_id"})
    classes = _aggregate_each_year(indices, of_items, rule, keeps_weights=rule != "pilot-sum")
    last_on_december = classes.with_columns(_at_year_end(100 * pl.col("index") / _previous()))
    groups = _aggregate_each_year(
        last_on_december.rename({"group_id": "item_id"}), class_weights.rename({"class_id": "item_id"}), rule
    )
    return chain_years(groups.with_columns(_at_year_end(pl.col("index") * _previous() / 100)), by="group_id")


def _previous() -> pl.Expr:
    return pl.col("index").shift(1).over("group_id", "year", order_by="period")


def _at_year_end(replacement: pl.Expr) -> pl.Expr:
    """Replace the last index of each yearly series that another year follows."""
    is_last = pl.col("period") == pl.col("period").max().over("group_id", "year")
    followed = pl.col("year") < pl.col("year").max().over("group_id")
    return pl.when(is_last & followed).then(replacement).otherwise("index").alias("index")


def _aggregate_each_year(
    indices: pl.DataFrame, weights: pl.DataFrame, rule: Rule, *, keeps_weights: bool = False
) -> pl.DataFrame:
    """Aggregate each yearly series by itself, with the weights of each period's year, or of the year of the series."""
    return pl.concat(
        aggregate(series.drop("year"), _kept(weights, year) if keeps_weights else weights, rule=rule).select(
            "group_id", pl.lit(year).alias("year"), "period", "index"
        )
        for (year,), series in indices.partition_by("year", as_dict=True).items()
    ).sort("group_id", "year", "period")


def _kept(weights: pl.DataFrame, year: object) -> pl.DataFrame:
    """Weights of a year, for that year and for the January after it."""
    own = weights.filter(pl.col("year") == year)
    return pl.concat([own, own.with_columns(pl.col("year") + 1)])
