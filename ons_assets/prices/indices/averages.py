"""Average price of a product in a period, from several quotes."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.sums import exact_mean
from ons_assets.prices.indices.numbers import as_floats

POSITIVE_PRICE = pl.col("price").is_finite() & (pl.col("price") > 0)


def average_prices(quotes: pl.DataFrame | pl.LazyFrame, *, by: tuple[str, ...] = ("period", "product")) -> pl.DataFrame:
    """Average the quotes of each product and period by the geometric mean.

    Quotes whose price is missing, zero, negative or infinite are left out: they have no logarithm.

    Parameters
    ----------
    quotes
        Columns of `by` and ``price`` (currency units, any).
    by
        Columns that identify one average.

    Returns
    -------
    Frame with the columns of `by`, ``price`` (geometric mean) and ``quotes`` (number of quotes averaged),
    sorted by `by`.

    References
    ----------
    Geometric means per product and period are what the 2014 to 2016 pilot of the Office for National
    Statistics used; see also the Consumer Price Index Manual (IMF and others, 2020), chapter 8.
    """
    grouped = (
        as_floats(quotes.lazy(), "price")
        .filter(POSITIVE_PRICE)
        .group_by(by)
        .agg(pl.col("price").sort())
        .sort(by)
        .collect()
    )
    quoted = grouped["price"].list.len()
    log_means = _sums(grouped["price"], np.log) / quoted.to_numpy()
    return grouped.select(*by).with_columns(price=np.exp(log_means), quotes=quoted)


def unit_values(quotes: pl.DataFrame | pl.LazyFrame, *, by: tuple[str, ...] = ("period", "product")) -> pl.DataFrame:
    """Add the quantities of each product and period, and divide its turnover by them.

    Quotes without a positive price and a positive quantity are left out: nothing was sold at that price.

    Parameters
    ----------
    quotes
        Columns of `by`, ``price`` and ``quantity``.
    by
        Columns that identify one unit value.

    Returns
    -------
    Frame with the columns of `by`, ``price`` (turnover divided by quantity), ``quantity`` (sum) and
    ``quotes`` (number of quotes), sorted by `by`.

    References
    ----------
    Consumer Price Index Manual (IMF and others, 2020), chapter 10.
    """
    sold = pl.col("quantity").is_finite() & (pl.col("quantity") > 0)
    grouped = (
        as_floats(quotes.lazy(), "price", "quantity")
        .filter(POSITIVE_PRICE & sold)
        .group_by(by)
        .agg(turnover=(pl.col("price") * pl.col("quantity")).sort(), quantity=pl.col("quantity").sort())
        .sort(by)
        .collect()
    )
    quantity = _sums(grouped["quantity"])
    return grouped.select(*by).with_columns(
        price=_sums(grouped["turnover"]) / quantity, quantity=quantity, quotes=grouped["quantity"].list.len()
    )


def _sums(
    groups: pl.Series, of: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]] = lambda values: values
) -> npt.NDArray[np.float64]:
    """Add each group from its smallest value on, so that neither rows nor threads decide the last digit.

    Polars adds the parts of a group in whatever order its threads come to an end.
    """
    if groups.is_empty():
        return np.empty(0)
    starts = np.concatenate([[0], np.cumsum(groups.list.len().to_numpy(), dtype=np.int64)[:-1]])
    return np.add.reduceat(of(groups.explode().to_numpy()), starts)


def average_index(indices: pl.DataFrame, coarse: pl.Expr, *, by: str = "item_id") -> pl.DataFrame:
    """Average a daily index over weeks or months by the geometric mean, and set the first one to 100.

    Parameters
    ----------
    indices
        Columns of `by`, ``period`` and ``index``.
    coarse
        Expression over ``period`` that gives the week or month.
    by
        Column that identifies a series.

    Returns
    -------
    Frame with `by`, ``period`` (the coarse one) and ``index``.
    """
    return (
        as_floats(indices, "index")
        .group_by(by, coarse.alias("period"))
        .agg(exact_mean(pl.col("index").log()).exp())
        .sort(by, "period")
        .with_columns(index=100 * pl.col("index") / pl.col("index").first().over(by))
    )
