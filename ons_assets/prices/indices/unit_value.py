"""Unit value index: all products of a period taken as one."""

import numpy as np

from ons_assets.prices.indices.panel import Panel
from ons_assets.prices.indices.series import NO_MATCH_WITH_BASE, Levels


def unit_value(panel: Panel, base: int) -> Levels:
    """Turnover divided by quantity, over all products of the period.

    Right for one homogeneous product sold under many codes, in one unit of quantity; else it shows the
    change of what is bought as if it were a change of prices. Matched products are those of the period
    that also have a price in the base: the index does not depend on them.

    References
    ----------
    Consumer Price Index Manual (IMF and others, 2020), chapter 10; von der Lippe (2007), Index theory and
    price statistics.
    """
    turnover = np.bincount(panel.period, panel.value, panel.n_periods)
    quantity = np.bincount(panel.period, panel.sold, panel.n_periods)
    sold = quantity > 0
    unit = np.divide(turnover, quantity, out=np.full(panel.n_periods, np.nan), where=sold)
    matched = np.array([len(panel.matched_rows(base, period)[0]) for period in range(panel.n_periods)])
    return Levels(np.log(unit), matched, NO_MATCH_WITH_BASE)
