"""Time product dummy: a regression of log prices on effects of the products and of the periods."""

import numpy as np

from core_ext.matched import pair_sums
from ons_assets.prices.indices.geks import WindowLevels, largest_linked_set
from ons_assets.prices.indices.panel import FloatArray, Panel


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
        weight = expenditure_shares(window) if weighted else np.ones_like(window.price)
        product_weight = np.bincount(window.product, weight)[window.product]
        shared = pair_sums(window.offsets, window.period, weight / product_weight, weight, window.n_periods)
        product_mean = np.bincount(window.product, weight * window.log_price)[window.product] / product_weight
        normal = np.diag(np.bincount(window.period, weight, window.n_periods)) - shared
        right = np.bincount(window.period, weight * (window.log_price - product_mean), window.n_periods)
        result = np.full(window.n_periods, np.nan)
        linked = largest_linked_set(shared > 0)
        if len(linked):
            # The effects are known up to a constant: that of the first period is set to zero.
            result[linked] = 0.0
            free = linked[1:]
            result[free] = np.linalg.solve(normal[np.ix_(free, free)], right[free])
        return result

    return levels


def expenditure_shares(panel: Panel) -> FloatArray:
    """Return the share of each price's turnover in the turnover of its period."""
    total = np.bincount(panel.period, panel.value, panel.n_periods)
    return panel.value / total[panel.period]
