"""The index of items that is published: by month, each month computed from what was known by then."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import polars as pl

from ons_assets.engine.local import HERE
from ons_assets.engine.parts import Engine
from ons_assets.parameters.prices import IndexParameters
from ons_assets.parameters.publication import PublicationParameters
from ons_assets.prices.compilation import BEYOND
from ons_assets.prices.followed import Followed, followed
from ons_assets.prices.indices.geks import geks_windows
from ons_assets.prices.indices.links import all_links
from ons_assets.prices.indices.panel import FloatArray, Panel, make_panel
from ons_assets.prices.indices.series import NO_CHAIN, Levels, to_frame
from ons_assets.prices.indices.splicing import non_revisable
from ons_assets.prices.period_prices import period_prices

FREQUENCY = "month"
MONTH = "%Y-%m"


def publication_indices(
    quotes: pl.LazyFrame, indices: IndexParameters, parameters: PublicationParameters, engine: Engine = HERE
) -> pl.DataFrame:
    """Compute the index of every item by month as it is published.

    GEKS over a rolling window, spliced onto what was published before. The link between two months is the Törnqvist
    index where both have the quantities that were sold, else the Jevons index: an item changes from one to the other
    with its data, and its past does not.

    Parameters
    ----------
    quotes
        As the table `prices/checked_quotes`.
    indices
        Which quotes are left out, and which price is followed.
    parameters
        Window, splice and label.
    engine
        Where the indices are computed, an item at a time.

    Returns
    -------
    DataFrame
        As the table `prices/item_indices`: one row for each item and month of the calendar, `method` being the label.
        The figure of a month is the same whatever months are added after it.

    References
    ----------
    Office for National Statistics (2020), Introducing multilateral index methods into consumer price statistics;
    Chessa (2021), Extension of multilateral index series over time: analysis and comparison of methods.
    """
    follow = followed(quotes.with_columns(period=pl.col("collected_on").dt.strftime(MONTH)), indices)
    prices = month_prices(follow, indices)
    months = months_between(prices["period"])
    of_item = partial(
        index_of_item, product=follow.product, months=months, parameters=parameters, possible=indices.possible
    )
    by_item = prices.partition_by("item_id", as_dict=True)
    made = engine.map(of_item, ((item_prices,) for item_prices in by_item.values()))
    tables = [table.with_columns(item_id=pl.lit(item)) for (item,), table in zip(by_item, made, strict=True)]
    names = follow.quotes.group_by("item_id").agg(pl.col("item").mode().sort().first())
    left_out = follow.excluded.group_by("item_id", "period").agg(excluded_quotes=pl.len().cast(pl.Int64))
    columns = ["frequency", "method", "item_id", "item", "period", "base_period", "index", "matched_products", "reason"]
    return (
        pl.concat([_NOTHING, *tables], how="diagonal")
        .join(names.collect(), on="item_id")
        .join(left_out.collect(), on=["item_id", "period"], how="left")
        .with_columns(
            pl.col("excluded_quotes").fill_null(0),
            frequency=pl.lit(FREQUENCY),
            method=pl.lit(parameters.label),
            offers=pl.lit(indices.offers),
            excludes=pl.lit(", ".join(indices.excludes)),
        )
        .select(*columns, "offers", "excludes", "excluded_quotes")
        .sort("item_id", "period")
    )


_NOTHING = pl.DataFrame(
    schema={
        "item_id": pl.String,
        "period": pl.String,
        "base_period": pl.String,
        "index": pl.Float64,
        "matched_products": pl.Int64,
        "reason": pl.String,
    }
)


def months_between(periods: pl.Series) -> list[str]:
    """Return every month of the calendar from the first to the last of some, as 2016-07; of none, none."""
    if periods.is_empty():
        return []
    first, last = (int(each[:4]) * 12 + int(each[5:7]) - 1 for each in (str(periods.min()), str(periods.max())))
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, last + 1)]


def month_prices(follow: Followed, parameters: IndexParameters) -> pl.DataFrame:
    """Give each product of an item one price a month, and where it was counted, the quantity that was sold.

    A month of an item has quantities if each of its observed quotes has one; what was not sold or not observed then has
    no price. In another month all prices are taken, without quantities.

    Parameters
    ----------
    follow
        Quotes with ``period``, a month.
    parameters
        How prices are imputed.

    Returns
    -------
    DataFrame
        As `period_prices` gives it, ``quantity`` being null in a month without quantities.
    """
    month = ("item_id", "period")
    counted = (
        follow.usable.filter(~pl.col("imputed"))
        .group_by(month)
        .agg(every=pl.col("quantity").is_not_null().all(), any=(pl.col("quantity") > 0).any())
        .select(*month, is_counted=pl.col("every") & pl.col("any"))
        .collect()
    )
    prices = period_prices(follow.quotes, follow.usable, follow.product, parameters)
    is_counted = pl.col("is_counted").fill_null(value=False)
    return (
        prices.join(counted, on=month, how="left", maintain_order="left")
        .filter(~is_counted | (pl.col("quantity") > 0))
        .with_columns(quantity=pl.when(is_counted).then("quantity"))
        .drop("is_counted")
    )


def index_of_item(
    prices: pl.DataFrame,
    product: Sequence[str],
    months: Sequence[str],
    parameters: PublicationParameters,
    possible: tuple[float, float],
) -> pl.DataFrame:
    """Compute the published index of one item.

    Parameters
    ----------
    prices
        Of the item, as `month_prices` gives them.
    product
        Columns that together identify a product.
    months
        All months of the calendar that it shall show.
    parameters
        Window, splice and label.
    possible
        Bounds; an index beyond them is withheld, with the reason.

    Returns
    -------
    DataFrame
        One row a month: ``period``, ``base_period``, ``index``, ``matched_products``, ``reason``.
    """
    quotes = prices.select("period", "price", "quantity", product=pl.struct(product))
    panel = make_panel(quotes.drop("quantity"), periods=months)
    first = int(np.flatnonzero(panel.products_in_period)[0])
    levels = non_revisable(
        panel.n_periods, parameters.window, parameters.splice, geks_windows(_links(quotes, panel)), first
    )
    index = to_frame(panel, Levels(levels, _products_before(panel, parameters.window), NO_CHAIN), first, 1)
    beyond = ~pl.col("index").is_between(*possible).fill_null(True)
    return index.with_columns(
        index=pl.when(~beyond).then("index"),
        reason=pl.when(beyond).then(pl.lit(BEYOND.format(*possible))).otherwise("reason"),
        base_period=pl.lit(months[first]),
    )


def _links(quotes: pl.DataFrame, panel: Panel) -> FloatArray:
    """Log links of all pairs of months: Törnqvist where both have quantities, else Jevons."""
    links = all_links(panel, "jevons")
    sold = quotes.drop_nulls("quantity")
    if sold.is_empty():
        return links
    weighted = all_links(make_panel(sold, periods=panel.periods), "tornqvist")
    has_quantities = panel.periods.is_in(sold["period"].unique()).to_numpy()
    return np.where(np.outer(has_quantities, has_quantities), weighted, links)


def _products_before(panel: Panel, window: int) -> np.ndarray:
    """Products of each month that have a price in an earlier month of its window; of the first, all."""
    gap = np.diff(panel.period, prepend=panel.period[:1])
    same_product = np.diff(panel.product, prepend=-1) == 0
    matched = np.bincount(panel.period[same_product & (gap < window)], minlength=panel.n_periods)
    present = np.flatnonzero(panel.products_in_period)
    matched[present[:1]] = panel.products_in_period[present[:1]]
    return matched
