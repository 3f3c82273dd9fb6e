"""Indices of samples of products: a panel in which each product counts none, one or several times."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.prices.indices.geks import geks_windows
from ons_assets.prices.indices.methods import extended, index_of_panel
from ons_assets.prices.indices.panel import FloatArray, IntArray, Panel

# Numbers that a step holds at once, at most: 160 MB.
_CELLS = 20_000_000


def levels_of_samples(panel: Panel, method: str, counts: FloatArray, base: int, options: dict[str, Any]) -> FloatArray:
    """Return the log index of each sample, 0 at the base; NaN where a sample has none.

    Where the method is made of sums over products (fixed-base, chained and GEKS indices of `TERMS`), one
    matrix product gives the sums of all samples. For any other method each sample is laid out as a panel.

    Parameters
    ----------
    panel
        Prices, and quantities where the method needs them.
    method
        As for `index_of_panel`.
    counts : (samples, products)
        How often each product counts.
    base
        Number of the base period.
    options
        Options of `index_of_panel`, the base not among them.

    Returns
    -------
    levels : (samples, T)
    """
    plan = _plan(method, options)
    if plan is None:
        return np.array([_level_of(panel, method, count, base, options) for count in counts]).reshape(
            len(counts), panel.n_periods
        )
    formula, kind = plan
    first, second = _PAIRS[kind](panel, base)
    step = max(1, _CELLS // max(1, len(first), panel.n_periods**2))
    parts = []
    for start in range(0, len(counts), step):
        part = counts[start : start + step]
        links = _Links(panel, part, first, second, links_of_samples(panel, formula, part, first, second))
        levels = _LEVELS[kind](links, base, options)
        for sample in np.flatnonzero(np.isnan(levels).all(axis=1)):
            levels[sample] = _level_of(panel, method, part[sample], base, options)
        parts.append(levels - levels[:, [base]])
    return np.concatenate(parts)


@dataclass(frozen=True)
class Pairs:
    """Prices and quantities of all products in pairs of periods, (products, pairs); 0 where not matched."""

    price_0: FloatArray
    price_1: FloatArray
    quantity_0: FloatArray
    quantity_1: FloatArray
    matched: FloatArray

    @cached_property
    def relative(self) -> FloatArray:
        """Price relatives."""
        return np.divide(self.price_1, self.price_0, out=np.zeros_like(self.price_0), where=self.matched > 0)

    @cached_property
    def log_relative(self) -> FloatArray:
        """Their logarithms."""
        return np.log(self.relative, out=np.zeros_like(self.relative), where=self.matched > 0)


# A formula is made of ratios of two sums over products; its logarithm is the mean of theirs. A ratio that is marked is
# the mean of logarithms, and taken as it is.
Term = tuple[FloatArray, FloatArray, bool]
TERMS: dict[str, Callable[[Pairs], list[Term]]] = {
    "jevons": lambda m: [(m.log_relative, m.matched, True)],
    "carli": lambda m: [(m.relative, m.matched, False)],
    "dutot": lambda m: [(m.price_1, m.price_0, False)],
    "laspeyres": lambda m: [(m.price_1 * m.quantity_0, m.price_0 * m.quantity_0, False)],
    "paasche": lambda m: [(m.price_1 * m.quantity_1, m.price_0 * m.quantity_1, False)],
    "fisher": lambda m: [*TERMS["laspeyres"](m), *TERMS["paasche"](m)],
    "walsh": lambda m: [
        (m.price_1 * np.sqrt(m.quantity_0 * m.quantity_1), m.price_0 * np.sqrt(m.quantity_0 * m.quantity_1), False)
    ],
    "geometric-laspeyres": lambda m: [(m.price_0 * m.quantity_0 * m.log_relative, m.price_0 * m.quantity_0, True)],
    "geometric-paasche": lambda m: [(m.price_1 * m.quantity_1 * m.log_relative, m.price_1 * m.quantity_1, True)],
    "tornqvist": lambda m: [*TERMS["geometric-laspeyres"](m), *TERMS["geometric-paasche"](m)],
}


def links_of_samples(panel: Panel, formula: str, counts: FloatArray, first: IntArray, second: IntArray) -> FloatArray:
    """Return the log index of each sample between pairs of periods; NaN where a sample shares no product.

    Parameters
    ----------
    panel
        Prices, and quantities where the formula needs them.
    formula
        A name of `TERMS`.
    counts : (samples, products)
        How often each product counts.
    first, second : (pairs,)
        Numbers of the periods that are compared.

    Returns
    -------
    links : (samples, pairs)
    """
    price = panel.by_period(panel.price, 0.0).T
    quantity = np.zeros_like(price) if panel.quantity is None else panel.by_period(panel.quantity, 0.0).T
    links = np.empty((len(counts), len(first)))
    step = max(1, _CELLS // (8 * max(1, len(price))))
    for start in range(0, len(first), step):
        a, b = first[start : start + step], second[start : start + step]
        matched = ((price[:, a] > 0) & (price[:, b] > 0)).astype(np.float64)
        pairs = Pairs(
            price_0=price[:, a] * matched,
            price_1=price[:, b] * matched,
            quantity_0=quantity[:, a] * matched,
            quantity_1=quantity[:, b] * matched,
            matched=matched,
        )
        logs = [_log_ratio(counts @ above, counts @ below, term) for above, below, term in TERMS[formula](pairs)]
        links[:, start : start + step] = np.mean(logs, axis=0)
    return links


def _log_ratio(above: FloatArray, below: FloatArray, is_log: bool) -> FloatArray:
    ratio = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
    if is_log:
        return ratio
    return np.log(ratio, out=np.full_like(ratio, np.nan), where=ratio > 0)


def resampled(panel: Panel, count: FloatArray) -> Panel:
    """Return the panel in which each product stands as often as it counts, each time as another product.

    Parameters
    ----------
    panel
        Quotes, laid out by product and period.
    count : (products,)
        Whole numbers, not negative.
    """
    chosen = np.repeat(np.arange(len(count)), count.astype(np.int64))
    lengths = np.diff(panel.offsets)[chosen]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.arange(offsets[-1]) + np.repeat(panel.offsets[:-1][chosen] - offsets[:-1], lengths)
    return replace(
        panel,
        products=pl.Series("product", np.arange(len(chosen))),
        offsets=offsets,
        period=panel.period[rows],
        price=panel.price[rows],
        quantity=None if panel.quantity is None else panel.quantity[rows],
        features=None if panel.features is None else panel.features[chosen],
    )


def _level_of(panel: Panel, method: str, count: FloatArray, base: int, options: dict[str, Any]) -> FloatArray:
    sample = resampled(panel, count)
    index = index_of_panel(sample, method, base=panel.periods[base], **options)["index"]
    return np.log(index.fill_null(np.nan).to_numpy() / 100)


def _plan(method: str, options: dict[str, Any]) -> tuple[str, str] | None:
    """Return the formula and the kind of a method that is made of sums; None of any other."""
    chain = options.get("chain")
    formula = method.removeprefix("chained-")
    if formula in TERMS and chain in (None, "fixed-base", "chained"):
        return formula, "chained" if chain == "chained" or (chain is None and formula != method) else "fixed-base"
    formula = method.removeprefix("geks-")
    if method != formula and formula in TERMS:
        return formula, "geks" if formula in _REVERSIBLE else "geks-both-ways"
    return None


@dataclass(frozen=True)
class _Links:
    """Log links of samples between pairs of periods."""

    panel: Panel
    counts: FloatArray
    first: IntArray
    second: IntArray
    links: FloatArray

    @cached_property
    def present(self) -> npt.NDArray[np.bool_]:
        """Whether each sample has a price in each period, (samples, T)."""
        return self.counts @ (self.panel.by_period(self.panel.price, 0.0).T > 0) > 0


def _fixed_base(links: _Links, _base: int, _options: dict[str, Any]) -> FloatArray:
    return links.links


def _chained(links: _Links, _base: int, _options: dict[str, Any]) -> FloatArray:
    """Add up the links; a sample that lacks one is left to the chain of `index_of_panel`, which steps over it."""
    levels = np.full((len(links.counts), links.panel.n_periods), np.nan)
    periods = np.flatnonzero(links.panel.products_in_period)
    levels[:, periods] = np.cumsum(np.pad(links.links, ((0, 0), (1, 0))), axis=1)
    levels[np.isnan(links.links).any(axis=1)] = np.nan
    return levels


def _geks(links: _Links, _base: int, options: dict[str, Any]) -> FloatArray:
    window, splice = options.get("window"), options.get("splice")
    n_periods = links.panel.n_periods
    square = np.full((len(links.counts), n_periods, n_periods), np.nan)
    if n_periods * (n_periods - 1) > len(links.first):
        square[:, links.second, links.first] = -links.links
    square[:, links.first, links.second] = links.links
    diagonal = np.arange(n_periods)
    square[:, diagonal, diagonal] = np.where(links.present, 0.0, np.nan)
    in_one_window = window is None and splice is None
    levels = _means(square) if in_one_window else np.full((len(square), n_periods), np.nan)
    for sample in np.flatnonzero(np.isnan(levels).all(axis=1)):
        levels[sample] = extended(links.panel, geks_windows(square[sample]), window, splice)
    return levels


def _means(square: FloatArray) -> FloatArray:
    """Return the mean links to each period, for the samples in which all periods with prices are linked."""
    defined = np.isfinite(square)
    present = np.diagonal(defined, axis1=1, axis2=2)
    count = defined.sum(axis=1)
    complete = np.all((count == present.sum(axis=1)[:, None]) | ~present, axis=1)
    total = np.where(defined, square, 0.0).sum(axis=1)
    levels: FloatArray = np.divide(total, count, out=np.full_like(total, np.nan), where=present)
    levels[~complete] = np.nan
    return levels


def _base_pairs(panel: Panel, base: int) -> tuple[IntArray, IntArray]:
    return np.full(panel.n_periods, base), np.arange(panel.n_periods)


def _neighbours(panel: Panel, _base: int) -> tuple[IntArray, IntArray]:
    present = np.flatnonzero(panel.products_in_period)
    return present[:-1], present[1:]


def _pairs_forward(panel: Panel, _base: int) -> tuple[IntArray, IntArray]:
    first, second = np.triu_indices(panel.n_periods, 1)
    return first, second


def _pairs_both_ways(panel: Panel, _base: int) -> tuple[IntArray, IntArray]:
    first, second = np.nonzero(~np.eye(panel.n_periods, dtype=bool))
    return first, second


# From b to a these are the inverse of a to b, so that half of the pairs will do.
_REVERSIBLE = ("jevons", "dutot", "fisher", "walsh", "tornqvist")
_PAIRS = {
    "fixed-base": _base_pairs,
    "chained": _neighbours,
    "geks": _pairs_forward,
    "geks-both-ways": _pairs_both_ways,
}
_LEVELS = {"fixed-base": _fixed_base, "chained": _chained, "geks": _geks, "geks-both-ways": _geks}
