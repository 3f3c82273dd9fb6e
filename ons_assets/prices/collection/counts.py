"""What each run found, what is usual for its day, and which run of a day to use."""

import polars as pl

from ons_assets.parameters.collection import CollectionParameters
from ons_assets.prices.collection.accepted import add_epochs

RUN = ["retailer", "run"]
DAY = ["retailer", "day"]


def count_items(quotes: pl.LazyFrame, runs: pl.LazyFrame) -> pl.DataFrame:
    """Count the rows and the different products of every item in every run.

    Parameters
    ----------
    quotes : LazyFrame
        Canonical quotes.
    runs : LazyFrame
        `retailer`, `run` and `day` of the runs to count.

    Returns
    -------
    DataFrame
        One row per run and item: `rows`, `products` (different product names), `first_line`, `prices` (different
        pairs of product and price), `fingerprint` (equal when those pairs are equal), `first_stamp`, `last_stamp`
        (local days) and `item`.
    """
    pair = pl.struct("product", "price").hash()
    return (
        quotes.join(runs, on=RUN)
        .group_by(*RUN, "day", "item_id")
        .agg(
            item=pl.col("item").min(),
            rows=pl.len(),
            products=pl.col("product").hash().n_unique(),
            first_line=pl.col("line").min(),
            prices=pair.n_unique(),
            fingerprint=pair.unique().bitwise_xor(),
            first_stamp=pl.col("collected_on").min(),
            last_stamp=pl.col("collected_on").max(),
        )
        .collect()
    )


def _trailing(column: str, quantile: float, parameters: CollectionParameters) -> pl.Expr:
    return pl.col(column).rolling_quantile_by(
        "day",
        window_size=f"{parameters.window_days}d",
        quantile=quantile,
        interpolation="linear",
        closed="left",
        min_samples=parameters.minimum_history_days,
    )


def trailing_levels(
    daily: pl.DataFrame, column: str, group: list[str], parameters: CollectionParameters, *, high: float = 0.75
) -> pl.DataFrame:
    """Add a low, a usual and a high level from the days before each day, the day itself left out.

    Parameters
    ----------
    daily : DataFrame
        One row per day and group.
    column : str
        The number whose levels are wanted.
    group : list of str
        Columns that name a series.
    parameters : CollectionParameters
        Window and least history.
    high : float
        Quantile that is the high level; the low level is the lower quartile and the usual level the median.

    Returns
    -------
    DataFrame
        `daily` with `<column>_low`, `<column>_usual` and `<column>_high`; null where the history is too short.
    """
    return daily.sort(*group, "day").with_columns(
        _trailing(column, quantile, parameters).over(group).alias(f"{column}_{name}")
        for name, quantile in (("low", 0.25), ("usual", 0.5), ("high", high))
    )


def expected_items(items: pl.DataFrame, parameters: CollectionParameters, accepted: pl.DataFrame) -> pl.DataFrame:
    """Find the usual number of products of every item on every day that has a run with rows.

    A past day counts with its fullest run, so that a run that failed and was repeated does no harm, and with zero
    where the item was absent.

    Parameters
    ----------
    items : DataFrame
        Result of `count_items`.
    parameters : CollectionParameters
        Window and least history.
    accepted : DataFrame
        Levels that people accepted, as for `accepted.add_epochs`: history begins with them.

    Returns
    -------
    DataFrame
        `retailer`, `day`, `item_id`, `products_low`, `products_usual`, `products_high`.
    """
    fullest = items.group_by(*DAY, "item_id").agg(pl.col("products").max())
    grid = items.select(DAY).unique().join(items.select("retailer", "item_id").unique(), on="retailer")
    daily = grid.join(fullest, on=[*DAY, "item_id"], how="left").with_columns(pl.col("products").fill_null(0))
    levels = trailing_levels(add_epochs(daily, accepted), "products", ["retailer", "item_id", "epoch"], parameters)
    return levels.drop("products", "epoch")


def compare_with_usual(items: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """Set what every run found beside what was expected of it; an expected item that is absent has 0 products.

    Parameters
    ----------
    items : DataFrame
        Result of `count_items`.
    expected : DataFrame
        Result of `expected_items`.

    Returns
    -------
    DataFrame
        One row per run and item that was found or has a usual level above zero.
    """
    names = items.group_by("retailer", "item_id").agg(name=pl.col("item").min())
    return (
        items.select(*RUN, "day")
        .unique()
        .join(expected, on=DAY)
        .join(items.drop("day"), on=[*RUN, "item_id"], how="left")
        .join(names, on=["retailer", "item_id"])
        .with_columns(pl.col("products", "rows").fill_null(0), item=pl.coalesce("item", "name"))
        .drop("name")
        .filter((pl.col("products") > 0) | (pl.col("products_usual") > 0))
    )


def choose_runs(compared: pl.DataFrame) -> pl.DataFrame:
    """Choose for every day the run that covers most of what is usual, to the per cent; of equals, the last.

    Without history: the run with most items, then most products, then the last.

    Parameters
    ----------
    compared : DataFrame
        Result of `compare_with_usual`.

    Returns
    -------
    DataFrame
        `retailer`, `day`, `run` (the run chosen).
    """
    coverage = pl.min_horizontal("products", "products_usual").sum() / pl.col("products_usual").sum()
    return (
        compared.group_by(*RUN, "day")
        .agg(
            coverage=coverage.fill_nan(None).round(2),
            items=(pl.col("products") > 0).sum(),
            products=pl.col("products").sum(),
        )
        .with_columns(pl.when(pl.col("coverage").is_null()).then(pl.col(c)).otherwise(0) for c in ("items", "products"))
        .sort("retailer", "day", "coverage", "items", "products", "run", nulls_last=False)
        .group_by(DAY, maintain_order=True)
        .agg(pl.col("run").last())
    )
