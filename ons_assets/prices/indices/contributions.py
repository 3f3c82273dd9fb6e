"""Contributions of products to the change of an index."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from ons_assets.prices.indices.bilateral import Matched, harmonic_sum, logarithmic_mean
from ons_assets.prices.indices.geks import least_squares_coefficients
from ons_assets.prices.indices.links import all_links, matched_pair
from ons_assets.prices.indices.panel import FloatArray, Panel, make_panel
from ons_assets.prices.indices.tpd import tpd_coefficients

LogWeights = Callable[[Matched], FloatArray]


def contributions(
    quotes: pl.DataFrame | pl.LazyFrame, method: str, start: Any, end: Any, *, chained: bool = False
) -> pl.DataFrame:
    """Split the change of an index between two periods into parts of its products.

    The logarithm of each of these indices is a weighted sum of log prices. The part of a product is its
    share in that sum, scaled so that the parts add up to the change in per cent exactly. A product whose
    prices do not change has no part in a bilateral index. In a multilateral one the prices of every
    period count, so that products found in only one of the two periods have a part too.

    Parameters
    ----------
    quotes
        As for `price_index`. All their periods are the window of a multilateral method.
    method
        A name of `CONTRIBUTION_METHODS`.
    start, end
        Labels of the two periods.
    chained
        Bilateral methods only: add up the links from period to period instead of comparing directly.

    Returns
    -------
    Frame sorted by falling size of the contribution: ``product``, ``price_start``, ``price_end`` (null
    where the product has none), ``contribution`` (percentage points) and ``status`` ("matched", "new",
    "gone", or "other periods only"). Products that play no part in the comparison are left out.

    Raises
    ------
    ValueError
        If the method is not among them, a period is missing, or the index between the periods is
        undefined.

    References
    ----------
    Balk (2008), Price and quantity index numbers, section 4.2; Reinsdorf, Diewert and Ehemann (2002),
    Additive decompositions for Fisher, Törnqvist and geometric mean indexes, Journal of Economic and
    Social Measurement 28. Multilateral: Webster and Tarnow-Mordi (2019), Decomposing multilateral price
    indexes into the contributions of individual commodities, Journal of Official Statistics 35.
    """
    if method not in CONTRIBUTION_METHODS:
        raise ValueError(f"no contributions for method {method!r}. Methods: {', '.join(CONTRIBUTION_METHODS)}")
    if chained and method not in _LOG_WEIGHTS:
        raise ValueError(f"chained does not apply to {method!r}: it is for bilateral methods")
    panel = make_panel(quotes)
    first, last = (_position(panel, label) for label in (start, end))
    parts = np.zeros(len(panel.products))
    involved = np.zeros(len(panel.products), dtype=bool)
    if method in _LOG_WEIGHTS:
        periods = _chain(panel, first, last) if chained else [first, last]
        for a, b in pairwise(periods):
            _add_link(panel, method, a, b, 1.0, parts, involved)
    elif method in _GEKS:
        _add_geks(panel, _GEKS[method], first, last, parts, involved)
    else:
        coefficient = tpd_coefficients(panel, first, last, weighted=method == "tpd")
        parts += np.bincount(panel.product, coefficient * panel.log_price, len(parts))
        involved[panel.product[coefficient != 0]] = True
    log_index = parts.sum()
    scale = 100 * float(logarithmic_mean(np.exp(log_index), np.array(1.0)))
    return _table(panel, first, last, parts * scale, involved)


def _position(panel: Panel, label: Any) -> int:
    position = panel.periods.index_of(label)
    if position is None or panel.products_in_period[position] == 0:
        raise ValueError(f"{label!r} is not a period with prices")
    return position


def _chain(panel: Panel, first: int, last: int) -> list[int]:
    """Periods from one to another, without those that share no product with the latest before them in the chain."""
    step = 1 if last >= first else -1
    periods = [first]
    for period in range(first + step, last, step):
        if len(panel.matched_rows(periods[-1], period)[0]):
            periods.append(period)
    return [*periods, last]


def _add_link(
    panel: Panel, formula: str, a: int, b: int, factor: float, parts: FloatArray, involved: np.ndarray
) -> None:
    """Add ``factor`` times the log index from a to b to the parts of its products."""
    matched, (rows, _) = matched_pair(panel, a, b)
    if len(rows) == 0:
        raise ValueError(f"the index is undefined: {panel.periods[a]!r} and {panel.periods[b]!r} share no product")
    product = panel.product[rows]
    parts[product] += factor * _LOG_WEIGHTS[formula](matched) * np.log(matched.relative)
    involved[product] = True


def _add_geks(panel: Panel, formula: str, first: int, last: int, parts: FloatArray, involved: np.ndarray) -> None:
    """Add the parts of all links, each as often as it enters the GEKS levels of the two periods."""
    coefficient = least_squares_coefficients(np.isfinite(all_links(panel, formula)), first, last)
    for a, b in np.argwhere(np.abs(coefficient) > 1e-15):
        _add_link(panel, formula, int(a), int(b), float(coefficient[a, b]), parts, involved)


def _table(panel: Panel, first: int, last: int, contribution: FloatArray, involved: np.ndarray) -> pl.DataFrame:
    prices = np.full((2, len(panel.products)), np.nan)
    for line, period in enumerate((first, last)):
        rows = panel.rows_in_period(period)
        prices[line, panel.product[rows]] = panel.price[rows]
    has_start, has_end = np.isfinite(prices)
    status = np.select([has_start & has_end, has_end, has_start], ["matched", "new", "gone"], "other periods only")
    return (
        pl.DataFrame(
            {
                "product": panel.products,
                "price_start": pl.Series(prices[0]).fill_nan(None),
                "price_end": pl.Series(prices[1]).fill_nan(None),
                "contribution": contribution,
                "status": status.tolist(),
            }
        )
        .filter(pl.Series(involved))
        .sort(pl.col("contribution").abs(), "product", descending=[True, False])
    )


def _equal(m: Matched) -> FloatArray:
    return np.full(len(m.price_0), 1 / len(m.price_0))


def _of_arithmetic_mean(weight: LogWeights) -> LogWeights:
    """Turn the weights of an arithmetic mean of relatives into weights of their logarithms."""

    def log_weights(m: Matched) -> FloatArray:
        arithmetic = weight(m) / weight(m).sum()
        index = arithmetic @ m.relative
        geometric = arithmetic * logarithmic_mean(m.relative, np.array(index))
        share: FloatArray = geometric / geometric.sum()
        return share

    return log_weights


def _normalised(weight: LogWeights) -> LogWeights:
    return lambda m: weight(m) / weight(m).sum()


def _fisher(m: Matched) -> FloatArray:
    return (_LOG_WEIGHTS["laspeyres"](m) + _LOG_WEIGHTS["paasche"](m)) / 2


# The weight of each product's log relative in the log index.
_LOG_WEIGHTS: dict[str, LogWeights] = {
    "jevons": _equal,
    "dutot": _of_arithmetic_mean(lambda m: m.price_0),
    "carli": _of_arithmetic_mean(_equal),
    "laspeyres": _of_arithmetic_mean(lambda m: m.share(0)),
    "paasche": _of_arithmetic_mean(lambda m: m.price_0 * m.quantity(1)),
    "fisher": _fisher,
    "walsh": _of_arithmetic_mean(lambda m: m.price_0 * np.sqrt(m.quantity(0) * m.quantity(1))),
    "marshall-edgeworth": _of_arithmetic_mean(lambda m: m.price_0 * (m.quantity(0) + m.quantity(1))),
    "geometric-laspeyres": lambda m: m.share(0),
    "geometric-paasche": lambda m: m.share(1),
    "tornqvist": lambda m: (m.share(0) + m.share(1)) / 2,
    "sato-vartia": _normalised(lambda m: logarithmic_mean(m.share(0), m.share(1))),
    "bilateral-tpd": _normalised(lambda m: harmonic_sum(m.share(0), m.share(1))),
}

_GEKS = {
    f"geks-{formula}": formula
    for formula in ("jevons", "fisher", "tornqvist", "walsh", "laspeyres", "geometric-laspeyres")
}

CONTRIBUTION_METHODS = (*_LOG_WEIGHTS, *_GEKS, "tpd", "tpd-unweighted")
