"""Time product dummy: a regression of log prices on effects of the products and of the periods."""

from dataclasses import dataclass

import numpy as np

from core_ext import pair_sums
from ons_assets.prices.indices.geks import WindowLevels, largest_linked_set
from ons_assets.prices.indices.panel import FloatArray, IntArray, Panel


def tpd_windows(panel: Panel, *, weighted: bool) -> WindowLevels:
    """Return the function that gives the time product dummy levels of any window of periods.

    The log price of a product in a period is explained by one effect of the product and one of the period,
    by least squares; the effects of the periods are the levels. The effects of the products are eliminated
    first, which leaves one linear equation a period.

    Parameters
    ----------
    panel
        Prices and, if weighted, quantities.
    weighted
        Whether each price counts by its share in the turnover of its period, or all prices alike.

    References
    ----------
    Diewert and Fox (2022), Substitution bias in multilateral methods for CPI construction, Journal of
    Business & Economic Statistics 40, section on weighted time product dummy; de Haan and Krsinich (2014)
    for the unweighted form (fixed effects).
    """

    def levels(start: int, stop: int) -> FloatArray:
        window = panel.between(start, stop)
        regression = _regression(window, weighted=weighted)
        result = np.full(window.n_periods, np.nan)
        if len(regression.linked):
            # The effects are known up to a constant: that of the first period is set to zero.
            result[regression.linked] = 0.0
            free = regression.linked[1:]
            deviation = window.log_price - regression.product_mean(window, window.log_price)
            right = np.bincount(window.period, regression.weight * deviation, window.n_periods)
            result[free] = np.linalg.solve(regression.normal[np.ix_(free, free)], right[free])
        return result

    return levels


def tpd_coefficients(panel: Panel, first: int, last: int, *, weighted: bool) -> FloatArray:
    """Return the factor of each log price in the level of `last` less the level of `first`.

    The factors of a product add up to zero, so that its unit of quantity does not matter.

    Parameters
    ----------
    panel
        Quotes, laid out by product and period.
    first, last
        Numbers of the periods that are compared.
    weighted
        Whether quotes count by their share in the turnover of their period, or all alike.

    Raises
    ------
    ValueError
        If no chain of matched products connects the two periods.
    """
    regression = _regression(panel, weighted=weighted)
    linked = regression.linked
    if first not in linked or last not in linked:
        raise ValueError("the index is undefined: no chain of matched products connects the two periods")
    difference = np.zeros(panel.n_periods)
    difference[last] += 1
    difference[first] -= 1
    adjoint = np.zeros(panel.n_periods)
    free = linked[1:]
    adjoint[free] = np.linalg.solve(regression.normal[np.ix_(free, free)], difference[free])
    of_price = adjoint[panel.period]
    return regression.weight * (of_price - regression.product_mean(panel, of_price))


@dataclass(frozen=True)
class _Regression:
    """Weights of the prices, and the normal equations of the period effects."""

    weight: FloatArray
    product_weight: FloatArray
    normal: FloatArray
    linked: IntArray

    def product_mean(self, panel: Panel, of_price: FloatArray) -> FloatArray:
        """Return, for each price, the weighted mean of a quantity over its product's prices."""
        return np.bincount(panel.product, self.weight * of_price)[panel.product] / self.product_weight


def _regression(panel: Panel, *, weighted: bool) -> _Regression:
    weight = expenditure_shares(panel) if weighted else np.ones_like(panel.price)
    product_weight: FloatArray = np.bincount(panel.product, weight).astype(np.float64)[panel.product]
    shared = pair_sums(panel.offsets, panel.period, weight / product_weight, weight, panel.n_periods)
    normal = np.diag(np.bincount(panel.period, weight, panel.n_periods)) - shared
    return _Regression(weight, product_weight, normal, largest_linked_set(shared > 0))


def expenditure_shares(panel: Panel) -> FloatArray:
    """Return the share of each price's turnover in the turnover of its period."""
    total = np.bincount(panel.period, panel.value, panel.n_periods)
    return panel.value / total[panel.period]
