"""Geary-Khamis: prices deflated to the level of one reference price per product."""

import numpy as np

from core_ext import pair_sums
from ons_assets.prices.indices.geks import WindowLevels, largest_linked_set
from ons_assets.prices.indices.panel import FloatArray, Panel


def geary_khamis_windows(panel: Panel) -> WindowLevels:
    """Return the function that gives the Geary-Khamis levels of any window of periods.

    The reference price of a product is the mean of its deflated prices, weighted by the quantities; the
    level of a period is its turnover divided by its quantities at reference prices. Both definitions
    together are linear in the inverse levels x = 1 / P: turnover_t x_t = sum over u of K_tu x_u, where
    K_tu is the sum over products of (share of t in the product's quantity) x (turnover of the product
    in u). The equations hold up to a factor, which the first level fixes.

    References
    ----------
    Diewert (1999), Axiomatic and economic approaches to international comparisons, section 5; Chessa
    (2016), A new methodology for processing scanner data in the Dutch CPI, Eurona 1/2016 (QU method).
    """

    def levels(start: int, stop: int) -> FloatArray:
        window = panel.between(start, stop)
        turnover, quantity = window.value, window.sold
        product_quantity = np.bincount(window.product, quantity)[window.product]
        shared = pair_sums(window.offsets, window.period, quantity / product_quantity, turnover, window.n_periods)
        system = np.diag(np.bincount(window.period, turnover, window.n_periods)) - shared
        result = np.full(window.n_periods, np.nan)
        linked = largest_linked_set(shared > 0)
        if len(linked):
            first, free = linked[0], linked[1:]
            result[first] = 0.0
            result[free] = -np.log(np.linalg.solve(system[np.ix_(free, free)], shared[free, first]))
        return result

    return levels
