"""Compilation of the published indices: from quotes to items, from items to groups."""

from collections.abc import Iterator
from functools import partial

import polars as pl

from ons_assets.engine.local import HERE
from ons_assets.engine.parts import Engine
from ons_assets.lakehouse.buckets import groups
from ons_assets.parameters.prices import AggregationParameters, IndexParameters
from ons_assets.prices.followed import Followed, followed
from ons_assets.prices.indices import ChainRules, aggregate, linked_aggregate, rate_contributions
from ons_assets.prices.period_prices import period_prices
from ons_assets.prices.sales import indices_of_items

BEYOND = "the index is below {:g} or above {:,g}: a price or a unit is wrong"
PRICES_AT_ONCE = 100_000
PERIODS = {"day": ("1d", "%Y-%m-%d"), "week": ("1w", "%G-W%V"), "month": ("1mo", "%Y-%m")}

_NO_GROUPS = pl.DataFrame(
    schema={
        "frequency": pl.String,
        "method": pl.String,
        "group": pl.String,
        "period": pl.String,
        "index": pl.Float64,
        "items": pl.Int64,
        "weight_share": pl.Float64,
        "reason": pl.String,
    }
)


def item_indices(quotes: pl.LazyFrame, parameters: IndexParameters, engine: Engine = HERE) -> pl.DataFrame:
    """Compute the index of every item by day, week and month, by each method of the parameters.

    Parameters
    ----------
    quotes
        As the table `prices/checked_quotes`; those with a flag of `parameters.excludes` are left out.
    parameters
        Which prices are followed, and by which methods.
    engine
        Where the indices of items are computed, some items at a time.

    Returns
    -------
    DataFrame
        As the table `prices/item_indices`. The base period of an item is its first period.

    Notes
    -----
    The price of a product in a period is the geometric mean of its observed quotes, as in the pilot: several
    runs of a day, and the repetitions within a run, then count as one price; where quotes have quantities, it is the
    turnover divided by the quantity. Carried quotes count only where there is no observed one (`period_prices`).
    """
    follow = followed(quotes, parameters)
    items = quotes.group_by("item_id").agg(pl.col("item").mode().sort().first()).collect()
    frames = []
    for frequency in parameters.frequencies:
        prices = _prices_of_periods(follow, parameters, frequency)
        of_items = partial(
            indices_of_items,
            chosen=parameters.methods,
            product=follow.product,
            periods=prices["period"].unique().sort(),
        )
        made = list(engine.map(of_items, _some_items(prices))) or [of_items(prices)]
        indices = _withhold_impossible(pl.concat(made), *parameters.possible)
        left_out = (
            follow.excluded.group_by("item_id", period=_period(frequency))
            .agg(excluded_quotes=pl.len().cast(pl.Int64))
            .collect()
        )
        frames.append(
            indices.join(left_out, on=["item_id", "period"], how="left").with_columns(
                pl.col("excluded_quotes").fill_null(0), frequency=pl.lit(frequency)
            )
        )
    columns = ["frequency", "method", "item_id", "item", "period", "base_period", "index", "matched_products", "reason"]
    return (
        pl.concat(frames)
        .join(items, on="item_id")
        .with_columns(offers=pl.lit(parameters.offers), excludes=pl.lit(", ".join(parameters.excludes)))
        .select(*columns, "offers", "excludes", "excluded_quotes")
    )


def _some_items(prices: pl.DataFrame) -> Iterator[tuple[pl.DataFrame]]:
    """Prices of so many items at a time as are worth a task of an engine."""
    rows = dict(prices.group_by("item_id").len().iter_rows())
    for items in groups(rows, PRICES_AT_ONCE):
        yield (prices.filter(pl.col("item_id").is_in(items)),)


def prices_of_periods(
    quotes: pl.LazyFrame, parameters: IndexParameters, frequency: str
) -> tuple[tuple[str, ...], pl.DataFrame]:
    """Return the prices of which the indices of a frequency are made.

    Parameters
    ----------
    quotes, parameters
        As for `item_indices`.
    frequency
        "day", "week" or "month".

    Returns
    -------
    tuple of str, DataFrame
        The columns that together identify a product of an item; and prices as `period_prices` gives them, with
        periods as they are published.
    """
    follow = followed(quotes, parameters)
    return follow.product, _prices_of_periods(follow, parameters, frequency)


def _prices_of_periods(follow: Followed, parameters: IndexParameters, frequency: str) -> pl.DataFrame:
    length, code = PERIODS[frequency]
    first_day = pl.col("collected_on").dt.truncate(length)
    prices = period_prices(
        follow.quotes.with_columns(period=first_day),
        follow.usable.with_columns(period=first_day),
        follow.product,
        parameters,
    )
    return prices.with_columns(pl.col("period").dt.strftime(code))


def _period(frequency: str) -> pl.Expr:
    length, code = PERIODS[frequency]
    return pl.col("collected_on").dt.truncate(length).dt.strftime(code)


def _withhold_impossible(indices: pl.DataFrame, least: float, largest: float) -> pl.DataFrame:
    """Leave an index out that no change of prices explains; where most items have such, the gate shall see it."""
    beyond = ~pl.col("index").is_between(least, largest).fill_null(True)
    of_method = pl.col("item_id").filter(beyond).n_unique().over("method")
    few = of_method * 2 < pl.col("item_id").n_unique().over("method")
    withheld = beyond & few
    return indices.with_columns(
        index=pl.when(~withheld).then("index"),
        reason=pl.when(withheld).then(pl.lit(BEYOND.format(least, largest))).otherwise("reason"),
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
    parameters
        The rule, and where the weights change: `linked_aggregate`, or `aggregate` under the rules "complete"
        and "available".

    Returns
    -------
    DataFrame
        As the table `prices/aggregate_indices`.
    """
    indices = items.select("frequency", "method", "item_id", "period", "index").collect()
    made = _linked if parameters.rule == "linked" else _averaged
    groups = [
        made(part, weights.collect(), str(frequency), parameters).with_columns(frequency=pl.lit(frequency))
        for (frequency,), part in indices.partition_by("frequency", as_dict=True, include_key=False).items()
    ]
    made_of_all = [each.rename({"group_id": "group"}).select(_NO_GROUPS.columns) for each in groups]
    return pl.concat([_NO_GROUPS, *made_of_all], how="vertical_relaxed")


def aggregate_contributions(
    items: pl.LazyFrame, weights: pl.LazyFrame, parameters: AggregationParameters
) -> pl.DataFrame:
    """Split the rates of the monthly groups over 1 and 12 months into contributions of their items.

    Parameters
    ----------
    items, weights
        As for `aggregate_indices`.

    Returns
    -------
    DataFrame
        As the table `prices/aggregate_contributions`. It has no rows under a rule other than "linked", because a
        mean over a changing set of items has no contributions that add up.
    """
    months = items.filter(frequency="month").select("method", "item_id", "period", "index").collect()
    found = rate_contributions(
        months if parameters.rule == "linked" else months.clear(),
        _of_groups(weights.collect()),
        link=parameters.link,
        rules=chain_rules(parameters),
    )
    names = {"group_id": "group", "imputed": "item_imputed"}
    return found.rename(names).with_columns(frequency=pl.lit("month"))


def _linked(
    indices: pl.DataFrame, weights: pl.DataFrame, frequency: str, parameters: AggregationParameters
) -> pl.DataFrame:
    rules = chain_rules(parameters)
    return linked_aggregate(indices, _of_groups(weights), frequency=frequency, link=parameters.link, rules=rules)


def chain_rules(parameters: AggregationParameters) -> ChainRules:
    """Return the rules of a chain that the parameters of aggregation set."""
    return ChainRules(parameters.price_update, parameters.weight_lag_years, parameters.discontinued_after_months)


def _of_groups(weights: pl.DataFrame) -> pl.DataFrame:
    return weights.select("item_id", pl.col("group").alias("group_id"), "year", "weight")


def _averaged(
    indices: pl.DataFrame, weights: pl.DataFrame, _frequency: str, parameters: AggregationParameters
) -> pl.DataFrame:
    assert parameters.rule != "linked"
    return aggregate(indices, _weights_in_force(indices, weights), rule=parameters.rule)


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
