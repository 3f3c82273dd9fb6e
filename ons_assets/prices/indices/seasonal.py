"""Indices for products that are sold in a part of the year only: Rothwell's, and a basket of a whole year."""

from typing import Literal

import numpy as np
import polars as pl

from ons_assets.prices.indices.chaining import year_of
from ons_assets.prices.indices.panel import FloatArray, IntArray, Panel
from ons_assets.prices.indices.series import NOT_IN_BASKET, Levels

MONTHS = 12


def rothwell(panel: Panel, base: int) -> Levels:
    """Compare each month with the base year, by the basket of the same month of the base year.

    The index of a month is the cost of the quantities that were bought in that month of the base year, at
    the prices of the month and at the mean prices of the base year (its turnover divided by its quantity).
    The base year is the calendar year of the base period. With the base period at 100 it is the normalized
    Rothwell index.

    Months are compared well with the same month of another year. From month to month the baskets differ,
    so that the index moves with the season even where no price does.

    Parameters
    ----------
    panel
        Prices and quantities; the periods are months, or lie within months.
    base
        Number of the base period.

    Returns
    -------
    Levels, the matched products being those of the month's basket that have a price.

    Raises
    ------
    ValueError
        If the labels of the periods do not say year and month.

    References
    ----------
    Rothwell (1958), Use of varying seasonal weights in price index construction, Journal of the American
    Statistical Association 53; Producer Price Index Manual (IMF and others, 2004), chapter 22, section J,
    and Consumer Price Index Manual (ILO and others, 2004), chapter 22 (Bean and Stine type C or Rothwell
    indices); Consumer Price Index Manual (2020), chapter 11.
    """
    in_base_year = (year_of(panel.periods) == year_of(panel.periods)[base])[panel.period]
    month = month_of(panel.periods)[panel.period] - 1
    cell = panel.product * MONTHS + month
    basket = np.bincount(cell, np.where(in_base_year, panel.sold, 0.0), len(panel.products) * MONTHS)
    quantity = basket[cell]
    price, _ = base_year_averages(panel, base)
    bought = quantity > 0
    now = np.bincount(panel.period[bought], (panel.price * quantity)[bought], panel.n_periods)
    then = np.bincount(panel.period[bought], (price[panel.product] * quantity)[bought], panel.n_periods)
    ratio = np.divide(now, then, out=np.full(panel.n_periods, np.nan), where=then > 0)
    return Levels(np.log(ratio), np.bincount(panel.period[bought], minlength=panel.n_periods), NOT_IN_BASKET)


def annual_basket(panel: Panel, base: int, *, out_of_season: Literal["carry", "estimate"]) -> Levels:
    """Follow the cost of one fixed basket, the quantities of a whole year (a Lowe index).

    The year is the calendar year of the base period. A product of the basket that has no price in a period
    keeps its weight; its price is "carried" forward unchanged, or "estimated": it moves with the cost of
    those that have one (all-seasonal estimation). Before its first price a product stands at the mean price
    of the base year, and moves from there alike.

    A carried price draws the index towards no change, and lets all change of the season come in at once when
    it ends. An estimated one does not, and returns to the true price as soon as there is one.

    Parameters
    ----------
    panel
        Prices and quantities; the periods say their year.
    base
        Number of the base period.
    out_of_season
        What is done where a product has no price.

    Returns
    -------
    Levels, the matched products being those of the basket that have a price.

    Raises
    ------
    ValueError
        If the labels of the periods do not say their year.

    References
    ----------
    Producer Price Index Manual (IMF and others, 2004), chapter 22, sections H and I; Consumer Price Index
    Manual (ILO and others, 2004), chapter 22, and its edition of 2020, chapter 11; Commission Regulation
    (EC) No 330/2009 on seasonal products in harmonised indices, for all-seasonal estimation under strict
    annual weights.
    """
    price, quantity = base_year_averages(panel, base)
    in_basket = quantity > 0
    observed = panel.by_period(panel.price)[:, in_basket]
    quantity, standing = quantity[in_basket], price[in_basket]
    known = np.isfinite(observed)
    log_level = np.full(panel.n_periods, np.nan)
    for period in range(panel.n_periods):
        now = known[period]
        if not now.any():
            continue
        moved = 1.0
        if out_of_season == "estimate":
            moved = observed[period, now] @ quantity[now] / (standing[now] @ quantity[now])
        standing = np.where(now, observed[period], standing * moved)
        log_level[period] = np.log(standing @ quantity)
    return Levels(log_level, known.sum(axis=1), NOT_IN_BASKET)


def base_year_averages(panel: Panel, base: int) -> tuple[FloatArray, FloatArray]:
    """Return the mean price and the quantity of each product in the calendar year of the base period.

    The mean price is turnover divided by quantity; NaN, with quantity zero, where nothing was sold.
    """
    inside = (year_of(panel.periods) == year_of(panel.periods)[base])[panel.period]
    turnover = np.bincount(panel.product, np.where(inside, panel.value, 0.0), len(panel.products))
    quantity = np.bincount(panel.product, np.where(inside, panel.sold, 0.0), len(panel.products))
    price: FloatArray = np.divide(turnover, quantity, out=np.full(len(quantity), np.nan), where=quantity > 0)
    return price, quantity.astype(np.float64)


def month_of(periods: pl.Series) -> IntArray:
    """Return the month of dates, of texts such as 2014-07, or of numbers such as 201407.

    Raises
    ------
    ValueError
        If a label does not say its month.

    Examples
    --------
    >>> month_of(pl.Series(["2014-07", "2014-12"])).tolist(), month_of(pl.Series([201401])).tolist()
    ([7, 12], [1])
    """
    if periods.dtype.is_temporal():
        return periods.dt.month().to_numpy()
    if periods.dtype.is_numeric():
        periods = periods.cast(pl.Int64)
    month = periods.cast(pl.String).str.extract(r"^\d{4}\D?(\d{2})").cast(pl.Int64)
    if not month.is_between(1, MONTHS).fill_null(value=False).all():
        raise ValueError("periods must be dates, or codes of year and month, such as 2014-07 or 201407")
    return month.to_numpy()
