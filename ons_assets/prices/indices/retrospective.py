"""Retrospective index: quantities are known in the first and the last period only."""

import numpy as np

from ons_assets.prices.indices.panel import Panel
from ons_assets.prices.indices.series import NO_MATCH_WITH_BASE, Levels


def diewert_huwiler_kohli_hansen(panel: Panel, base: int) -> Levels:
    """Geometric mean of a Laspeyres index and of a harmonic index with the shares of the last period.

    The series starts at 1 in the base and ends in the Fisher index of the last period, so that it shows
    the way between two surveys of expenditure. Laspeyres covers the products of the base and the period,
    the harmonic index those that are also sold in the last period. Matched products are the latter.

    References
    ----------
    Diewert, Huwiler and Kohli (2009), Retrospective price indices and substitution bias, Swiss Journal of
    Economics and Statistics 145; the shares kept at their value of the last period are the form that R's
    PriceIndices calls DHKH.
    """
    last = panel.n_periods - 1
    log_level = np.full(panel.n_periods, np.nan)
    matched = np.zeros(panel.n_periods, dtype=np.int64)
    for period in range(panel.n_periods):
        start, current = panel.matched_rows(base, period)
        old, new, end = panel.matched_rows(base, period, last)
        matched[period] = len(end)
        if len(end):
            laspeyres = np.average(panel.price[current] / panel.price[start], weights=panel.value[start])
            harmonic = 1 / np.average(panel.price[old] / panel.price[new], weights=panel.value[end])
            log_level[period] = np.log(laspeyres * harmonic) / 2
    log_level[base] = 0.0
    return Levels(log_level, matched, NO_MATCH_WITH_BASE)
