"""Ways to string bilateral comparisons together: fixed base, chained, period on period, January link."""

from collections.abc import Callable

import numpy as np
import polars as pl

from ons_assets.prices.indices.panel import Panel
from ons_assets.prices.indices.series import (
    NO_CHAIN,
    NO_MATCH_WITH_BASE,
    NO_MATCH_WITH_PREVIOUS,
    Levels,
)

# A link compares two periods by their numbers: log index from the first to the second (NaN where no
# product is shared) and the number of shared products.
Link = Callable[[int, int], tuple[float, int]]


def fixed_base(panel: Panel, link: Link, base: int) -> Levels:
    """Compare every period with the base directly.

    Parameters
    ----------
    panel
        Quotes, laid out by product and period.
    link
        Gives the log index between two periods, and how many products they share.
    base
        Number of the base period.
    """
    links = [link(base, period) for period in range(panel.n_periods)]
    return Levels(*_split(links), undefined=NO_MATCH_WITH_BASE)


def chained(panel: Panel, link: Link, _base: int) -> Levels:
    """Multiply the links from period to period.

    A period is compared with the latest earlier period that has an index, so that a period without prices
    does not break the chain. Periods before the base are part of the chain.

    Parameters
    ----------
    panel
        Quotes, laid out by product and period.
    link
        Gives the log index between two periods, and how many products they share.
    _base
        Unused: the links do not depend on it.
    """
    log_level = np.full(panel.n_periods, np.nan)
    matched = np.zeros(panel.n_periods, dtype=np.int64)
    present = np.flatnonzero(panel.products_in_period)
    previous = int(present[0])
    log_level[previous], matched[previous] = 0.0, panel.products_in_period[previous]
    for period in present[1:]:
        log_link, matched[period] = link(previous, int(period))
        if np.isfinite(log_link):
            log_level[period] = log_level[previous] + log_link
            previous = int(period)
    return Levels(log_level, matched, undefined=NO_CHAIN)


def period_on_period(panel: Panel, link: Link, _base: int) -> Levels:
    """Compare every period with the one before it; the first is 100.

    Parameters
    ----------
    panel
        Quotes, laid out by product and period.
    link
        Gives the log index between two periods, and how many products they share.
    _base
        Unused: the links do not depend on it.
    """
    links = [link(max(period - 1, 0), period) for period in range(panel.n_periods)]
    return Levels(*_split(links), undefined=NO_MATCH_WITH_PREVIOUS, rebase=False)


def january(panel: Panel, link: Link, base: int) -> Levels:
    """Compare with the first period of the year, and chain the years at that period.

    From the base on, every period of a year is compared with the year's first period; that period itself
    is compared with the link period of the year before, which carries the chain. The year of the base is
    compared with the base.

    Parameters
    ----------
    panel
        Quotes, laid out by product and period.
    link
        Gives the log index between two periods, and how many products they share.
    base
        Number of the base period.
    """
    year = year_of(panel.periods)
    log_level = np.full(panel.n_periods, np.nan)
    matched = np.zeros(panel.n_periods, dtype=np.int64)
    reference = base
    log_level[base], matched[base] = link(base, base)
    for period in range(base + 1, panel.n_periods):
        log_link, matched[period] = link(reference, period)
        log_level[period] = log_level[reference] + log_link
        if year[period] != year[period - 1]:
            reference = period
    return Levels(log_level, matched, undefined=NO_CHAIN)


def chained_last_price(panel: Panel, _base: int) -> Levels:
    """Multiply the mean relatives of the products to their own last price, whenever that was.

    This is the chained daily index of the 2014 to 2016 pilot. A product that was not collected for a while
    enters with its whole change on the day it is back. Periods without any such product have no index, and
    the chain goes on after them (the pilot showed 100 there).
    """
    relative = np.diff(panel.log_price)[np.diff(panel.product) == 0]
    period = panel.period[1:][np.diff(panel.product) == 0]
    matched = np.bincount(period, minlength=panel.n_periods)
    total = np.bincount(period, relative, panel.n_periods)
    link = np.divide(total, matched, out=np.zeros(panel.n_periods), where=matched > 0)
    first = np.flatnonzero(panel.products_in_period)[0]
    known = (matched > 0) | (np.arange(panel.n_periods) == first)
    log_level = np.where(known, np.cumsum(link), np.nan)
    return Levels(log_level, matched, undefined=NO_CHAIN)


def year_of(periods: pl.Series) -> np.ndarray:
    """Return the calendar year of dates, of texts that begin with it, or of numbers such as 201407.

    Raises
    ------
    ValueError
        If a label does not begin with a year.
    """
    if periods.dtype.is_temporal():
        return periods.dt.year().to_numpy()
    if periods.dtype.is_numeric():
        periods = periods.cast(pl.Int64)
    year = periods.cast(pl.String).str.extract(r"^(\d{4})").cast(pl.Int64)
    if year.null_count():
        raise ValueError("periods must be dates, or codes that begin with the year, such as 2014-07 or 201407")
    return year.to_numpy()


CHAINS: dict[str, Callable[[Panel, Link, int], Levels]] = {
    "fixed-base": fixed_base,
    "chained": chained,
    "period-on-period": period_on_period,
    "january": january,
}


def _split(links: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([log for log, _ in links]), np.array([count for _, count in links])
