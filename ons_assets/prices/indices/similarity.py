"""Dissimilarity of relative prices between periods, and indices that link the periods that are most alike."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from ons_assets.prices.indices.geks import WindowLevels, largest_linked_set
from ons_assets.prices.indices.links import all_links
from ons_assets.prices.indices.numbers import as_floats
from ons_assets.prices.indices.panel import FloatArray, Panel, make_panel
from ons_assets.prices.indices.series import NO_CHAIN, Levels


@dataclass(frozen=True)
class Comparison:
    """One period beside several others; products that a period does not sell have price and quantity zero.

    Attributes
    ----------
    price, quantity : (products,)
        The period.
    other_price, other_quantity : (others, products)
        The periods that it is compared with.
    log_laspeyres, log_paasche : (others,)
        Logarithms of the indices from each other period to this one, over matched products.
    """

    price: FloatArray
    quantity: FloatArray
    other_price: FloatArray
    other_quantity: FloatArray
    log_laspeyres: FloatArray
    log_paasche: FloatArray

    @cached_property
    def matched(self) -> npt.NDArray[np.bool_]:
        """Which products both periods sell, (others, products)."""
        return (self.price > 0) & (self.other_price > 0)

    @cached_property
    def log_deviation(self) -> FloatArray:
        """Log price relatives less the log of the Fisher index, (others, products); 0 where not matched."""
        log_fisher = (self.log_laspeyres + self.log_paasche) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            deviation = np.log(self.price) - np.log(self.other_price) - log_fisher[:, None]
        return np.where(self.matched, deviation, 0.0)

    @cached_property
    def mean_share(self) -> FloatArray:
        """Mean of the shares of a product in the matched turnover of both periods, (others, products)."""
        value = np.where(self.matched, self.price * self.quantity, 0.0)
        other = np.where(self.matched, self.other_price * self.other_quantity, 0.0)
        return (_shares(value) + _shares(other)) / 2


# Nearer to each other than this, two are alike: periods that share one product differ by rounding alone.
SAME = 1e-12


def _shares(value: FloatArray) -> FloatArray:
    total = value.sum(axis=1, keepdims=True)
    shares: FloatArray = np.divide(value, total, out=np.full_like(value, np.nan), where=total > 0)
    return shares


def log_quadratic(c: Comparison) -> FloatArray:
    """Weighted mean of squared log deviations from the Fisher index."""
    total: FloatArray = (c.mean_share * c.log_deviation**2).sum(axis=1)
    return total


def asymptotically_linear(c: Comparison) -> FloatArray:
    """Weighted mean of x + 1/x - 2, where x is the price relative over the Fisher index."""
    # x + 1/x - 2 is 4 sinh²(ln x / 2), which keeps its digits where x is near 1.
    total: FloatArray = (c.mean_share * 4 * np.sinh(c.log_deviation / 2) ** 2).sum(axis=1)
    return total


def laspeyres_paasche(c: Comparison) -> FloatArray:
    """Absolute value of the logarithm of Laspeyres over Paasche."""
    return np.abs(c.log_laspeyres - c.log_paasche)


def predicted_share(c: Comparison) -> FloatArray:
    """Squared errors of predicting the shares of each period from its quantities at the other's prices.

    Products that one of the two periods does not sell count: their share is predicted as zero.
    """
    value, other = c.price * c.quantity, c.other_price * c.other_quantity
    at_others_prices = _shares(c.other_price * c.quantity)
    other_at_these_prices = _shares(c.price * c.other_quantity)
    errors = (_shares(value[None, :]) - at_others_prices) ** 2 + (_shares(other) - other_at_these_prices) ** 2
    total: FloatArray = errors.sum(axis=1)
    return total


MEASURES: dict[str, Callable[[Comparison], FloatArray]] = {
    "log-quadratic": log_quadratic,
    "asymptotically-linear": asymptotically_linear,
    "laspeyres-paasche": laspeyres_paasche,
    "predicted-share": predicted_share,
}


def dissimilarity(quotes: pl.DataFrame | pl.LazyFrame, measure: str) -> pl.DataFrame:
    """Measure how unlike the relative prices of each pair of periods are.

    Zero means that the prices of the two periods are in proportion. (The spread between Laspeyres and
    Paasche can be zero without that.)

    Parameters
    ----------
    quotes
        Columns ``period``, ``product``, ``price`` and ``quantity``, as for `price_index`.
    measure
        "log-quadratic", "asymptotically-linear", "laspeyres-paasche" or "predicted-share".

    Returns
    -------
    Frame with ``period``, ``other_period`` (the earlier one) and ``dissimilarity`` (null where the two share
    no product that is sold), sorted.

    Raises
    ------
    ValueError
        If the measure is unknown, or quantities are missing.

    References
    ----------
    Diewert (2009), Similarity indexes and criteria for spatial linking, in Rao (ed.), Purchasing power
    parities of currencies, for the weighted log-quadratic and asymptotically linear measures; Hill (1999),
    Comparing price levels across countries using minimum spanning trees, Review of Economics and
    Statistics 81, for the spread; Diewert, Finkel, Sayag and White (2022), Seasonal products, Consumer
    Price Index Theory, chapter 9, International Monetary Fund, for predicted shares.
    """
    if measure not in MEASURES:
        raise ValueError(f"unknown measure {measure!r}. Measures: {', '.join(MEASURES)}")
    panel = make_panel(as_floats(quotes.lazy(), "price", "quantity"))
    distance = pl.Series(dissimilarities(panel, measure)[np.tril_indices(panel.n_periods, -1)])
    later, earlier = np.tril_indices(panel.n_periods, -1)
    return pl.DataFrame(
        {
            "period": panel.periods.gather(later),
            "other_period": panel.periods.gather(earlier),
            "dissimilarity": distance.cast(pl.Float64).fill_nan(None),
        }
    )


def dissimilarities(panel: Panel, measure: str) -> FloatArray:
    """Return the dissimilarity of each pair of periods, (T, T), symmetric; NaN where no product is shared.

    Parameters
    ----------
    panel
        Prices and quantities.
    measure
        A name of `MEASURES`.
    """
    log_laspeyres = all_links(panel, "laspeyres")
    price, quantity = panel.by_period(panel.price, 0.0), panel.by_period(panel.sold, 0.0)
    result = np.full((panel.n_periods, panel.n_periods), np.nan)
    for period in range(panel.n_periods):
        # Paasche from a to b is the inverse of Laspeyres from b to a.
        comparison = Comparison(
            price[period],
            quantity[period],
            price[: period + 1],
            quantity[: period + 1],
            log_laspeyres[: period + 1, period],
            -log_laspeyres[period, : period + 1],
        )
        defined = np.isfinite(comparison.log_laspeyres) & np.isfinite(comparison.log_paasche)
        distance = np.where(defined, MEASURES[measure](comparison), np.nan)
        result[period, : period + 1] = result[: period + 1, period] = distance
    return result


def spanning_tree_windows(panel: Panel, measure: str) -> WindowLevels:
    """Return the function that gives the levels of any window along its minimum spanning tree.

    Of all ways to link the periods of the window without a circle, the tree has the smallest sum of
    dissimilarities. Neighbours in it are compared by the Fisher index. A new period can change the tree,
    and with it the past.

    Parameters
    ----------
    panel
        Prices and quantities.
    measure
        A name of `MEASURES`.

    References
    ----------
    Hill (2001), Measuring inflation and growth using spanning trees, International Economic Review 42;
    Hill (2004), Constructing price indexes across space and time: the case of the European Union, American
    Economic Review 94.
    """
    distance = dissimilarities(panel, measure)
    links = all_links(panel, "fisher")

    def levels(start: int, stop: int) -> FloatArray:
        inside = slice(start, stop)
        return _along_tree(distance[inside, inside], links[inside, inside])

    return levels


def _along_tree(distance: FloatArray, links: FloatArray) -> FloatArray:
    result = np.full(len(distance), np.nan)
    defined = np.isfinite(distance) & np.isfinite(links)
    linked = largest_linked_set(defined)
    if len(linked) == 0:
        return result
    block = np.ix_(linked, linked)
    # The tree depends on the order of the distances alone. Their ranks keep a distance of zero, which a
    # sparse matrix takes for no link, and settle ties: the earlier pair goes first.
    first, second = np.nonzero(np.triu(defined[block], 1))
    order = np.argsort(distance[block][first, second], kind="stable")
    rank = np.empty(len(order))
    rank[order] = np.arange(1, len(order) + 1)
    tree = minimum_spanning_tree(csr_array((rank, (first, second)), shape=(len(linked), len(linked))))
    nodes, predecessors = breadth_first_order(tree, 0, directed=False)
    result[linked[0]] = 0.0
    for node in nodes[1:]:
        before = linked[predecessors[node]]
        result[linked[node]] = result[before] + links[before, linked[node]]
    return result


def most_similar_earlier(panel: Panel, _base: int, measure: str) -> Levels:
    """Link each period to the earlier one that is most like it, by the Fisher index.

    The past never changes. Of several that are alike the earliest is taken. Matched products are those that
    the period shares with the one it is linked to.

    Parameters
    ----------
    panel
        Prices and quantities.
    _base
        Unused: the links do not depend on it.
    measure
        A name of `MEASURES`.

    References
    ----------
    Diewert (2021), The chain drift problem and multilateral indexes, Consumer Price Index Theory, chapter
    7, International Monetary Fund, sections on similarity linking.
    """
    distance = dissimilarities(panel, measure)
    links = all_links(panel, "fisher")
    log_level = np.full(panel.n_periods, np.nan)
    matched = np.zeros(panel.n_periods, dtype=np.int64)
    first, *others = np.flatnonzero(panel.products_in_period)
    log_level[first], matched[first] = 0.0, panel.products_in_period[first]
    for period in others:
        possible = np.isfinite(log_level) & np.isfinite(distance[period]) & np.isfinite(links[:, period])
        if possible.any():
            unlike = np.where(possible, distance[period], np.inf)
            nearest = int(np.flatnonzero(unlike <= unlike.min() + SAME)[0])
            log_level[period] = log_level[nearest] + links[nearest, period]
            matched[period] = len(panel.matched_rows(nearest, int(period))[0])
    return Levels(log_level, matched, NO_CHAIN)


SPANNING_TREES: dict[str, Callable[[Panel], WindowLevels]] = {
    name: partial(spanning_tree_windows, measure=name) for name in MEASURES
}
REAL_TIME: dict[str, Callable[[Panel, int], Levels]] = {
    name: partial(most_similar_earlier, measure=name) for name in MEASURES
}
