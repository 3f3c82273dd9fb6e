"""Logarithms of bilateral indices between periods: one pair, or all pairs at once."""

from collections.abc import Callable

import numpy as np

from core_ext import log_relatives, pair_sums
from ons_assets.prices.indices.bilateral import FORMULAS, Matched
from ons_assets.prices.indices.chaining import Link
from ons_assets.prices.indices.panel import FloatArray, IntArray, Panel


def pair_link(panel: Panel, formula: str, *, weight_period: int | None = None, **parameters: float) -> Link:
    """Return the function that compares two periods by a bilateral formula.

    Parameters
    ----------
    panel
        Prices and, for weighted formulas, quantities.
    formula
        A name of `FORMULAS`.
    weight_period
        Number of the period that Lowe, Young and their kin take their weights from.
    **parameters
        The parameter of the formula, if it has one.
    """
    compute = FORMULAS[formula].function
    if FORMULAS[formula].needs_quantity and panel.quantity is None:
        raise ValueError(f"method {formula!r} needs a column quantity")

    def link(first: int, second: int) -> tuple[float, int]:
        shared, rows = matched_pair(panel, first, second, weight_period)
        if len(rows[0]) == 0:
            return np.nan, 0
        # Products that were carried but not sold can leave nothing to weight by: 0 / 0, no index.
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(np.log(compute(shared, **parameters))), len(rows[0])

    return link


def matched_pair(
    panel: Panel, first: int, second: int, weight_period: int | None = None
) -> tuple[Matched, list[IntArray]]:
    """Return the products that two periods (and the weight period) share, and their rows in the panel.

    Parameters
    ----------
    panel
        Quotes, laid out by product and period.
    first, second
        Numbers of the periods that are compared.
    weight_period
        Number of the period that the quantities of some formulas come from; the products must be in it too.
    """
    periods = [first, second] if weight_period is None else [first, second, weight_period]
    rows = panel.matched_rows(*periods)
    prices = [panel.price[row] for row in rows]
    quantities = [None if panel.quantity is None else panel.quantity[row] for row in rows]
    if weight_period is None:
        return Matched(prices[0], prices[1], quantities[0], quantities[1]), rows
    return Matched(prices[0], prices[1], quantities[0], quantities[1], prices[2], quantities[2]), rows


def all_links(panel: Panel, formula: str) -> FloatArray:
    """Return the logarithms of the index of each pair of periods, (T, T); NaN where no product is shared.

    ``links[a, b]`` is the log index from a to b. Jevons, Fisher, Törnqvist, Walsh and Laspeyres come from
    sums over all pairs at once; every other formula is evaluated pair by pair.
    """
    if formula in _FROM_SUMS:
        return _FROM_SUMS[formula](panel)
    link = pair_link(panel, formula)
    n = panel.n_periods
    return np.array([[link(a, b)[0] for b in range(n)] for a in range(n)]).reshape(n, n)


def _pair_sums(panel: Panel, left: FloatArray, right: FloatArray) -> FloatArray:
    sums: FloatArray = pair_sums(panel.offsets, panel.period, left, right, panel.n_periods)
    return sums


def _log_ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Logarithm of a ratio of sums of positive terms; a sum over no product is zero, the link then NaN."""
    defined = (numerator > 0) & (denominator > 0)
    return np.log(np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=defined))


def _jevons(panel: Panel) -> FloatArray:
    sums, counts = log_relatives(panel.offsets, panel.period, panel.log_price, panel.n_periods)
    means: FloatArray = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    return means


def _laspeyres(panel: Panel) -> FloatArray:
    # cost[a, b]: quantities of b at the prices of a; own[a, b]: turnover in a of the products shared with b.
    cost = _pair_sums(panel, panel.price, panel.sold)
    own = _pair_sums(panel, panel.value, np.ones_like(panel.price))
    return _log_ratio(cost.T, own)


def _fisher(panel: Panel) -> FloatArray:
    log_laspeyres = _laspeyres(panel)
    # Paasche from a to b is the inverse of Laspeyres from b to a.
    return (log_laspeyres - log_laspeyres.T) / 2


def _walsh(panel: Panel) -> FloatArray:
    root = np.sqrt(panel.sold)
    cost = _pair_sums(panel, panel.price * root, root)
    return _log_ratio(cost.T, cost)


def _geometric_laspeyres(panel: Panel) -> FloatArray:
    # Prices relative to the product's own mean: the difference of two large sums keeps its digits.
    lengths = np.diff(panel.offsets)
    mean = np.add.reduceat(panel.log_price, panel.offsets[:-1]) / lengths if len(lengths) else lengths
    log_price = panel.log_price - np.repeat(mean, lengths)
    ones = np.ones_like(log_price)
    own = _pair_sums(panel, panel.value, ones)
    change = _pair_sums(panel, panel.value, log_price) - _pair_sums(panel, panel.value * log_price, ones)
    return np.divide(change, own, out=np.full_like(own, np.nan), where=own > 0)


def _tornqvist(panel: Panel) -> FloatArray:
    # The geometric Paasche from a to b is the inverse of the geometric Laspeyres from b to a.
    log_laspeyres = _geometric_laspeyres(panel)
    return (log_laspeyres - log_laspeyres.T) / 2


_FROM_SUMS: dict[str, Callable[[Panel], FloatArray]] = {
    "jevons": _jevons,
    "laspeyres": _laspeyres,
    "fisher": _fisher,
    "walsh": _walsh,
    "geometric-laspeyres": _geometric_laspeyres,
    "tornqvist": _tornqvist,
}
