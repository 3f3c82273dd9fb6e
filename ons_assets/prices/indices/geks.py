"""GEKS: the mean of all indirect comparisons of two periods, and the variant of the 2014 pilot."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ons_assets.prices.indices.panel import FloatArray

# Log index levels, up to a constant, of the periods start to stop - 1; NaN where there is no level.
WindowLevels = Callable[[int, int], FloatArray]


def geks_windows(links: FloatArray) -> WindowLevels:
    """Return the function that gives the GEKS levels of any window of periods.

    The level of a period is the mean of its log links from all periods of the window. Running sums of the
    links are made once, so that a further window costs one subtraction a period and no link is computed
    twice. Where a link is undefined, because two periods share no product, the levels are those that fit
    the defined links best by least squares, which is the same thing where all are defined.

    Parameters
    ----------
    links : (T, T)
        ``links[a, b]`` is the log of the bilateral index from a to b; NaN where undefined.

    References
    ----------
    Ivancic, Diewert and Fox (2011), Scanner data, time aggregation and the construction of price indexes,
    Journal of Econometrics 161. Least squares: Rao and Banerjee (1986), cited in the Consumer Price Index
    Manual (2020), chapter 7.
    """
    defined = np.isfinite(links)
    n_periods = len(links)
    sums = np.zeros((n_periods + 1, n_periods))
    counts = np.zeros((n_periods + 1, n_periods), dtype=np.int64)
    np.cumsum(np.where(defined, links, 0.0), axis=0, out=sums[1:])
    np.cumsum(defined, axis=0, out=counts[1:])

    def levels(start: int, stop: int) -> FloatArray:
        present = np.diagonal(defined)[start:stop]
        count = (counts[stop] - counts[start])[start:stop]
        if np.all(count[present] == present.sum()):
            total = (sums[stop] - sums[start])[start:stop]
            mean: FloatArray = np.divide(total, count, out=np.full(stop - start, np.nan), where=present)
            return mean
        return least_squares_levels(links[start:stop, start:stop])

    return levels


def least_squares_levels(links: FloatArray) -> FloatArray:
    """Return the levels whose differences fit the defined links best; NaN outside the largest linked set.

    Each link from a to b is explained by one effect for a and one for b; the effects of b are the levels.
    """
    levels = np.full(len(links), np.nan)
    linked = largest_linked_set(np.isfinite(links))
    if len(linked) == 0:
        return levels
    block = links[np.ix_(linked, linked)]
    defined = np.isfinite(block)
    known = np.where(defined, block, 0.0)
    right = known.sum(axis=0) - defined.T @ (known.sum(axis=1) / defined.sum(axis=1))
    # Levels are known up to a constant: the first is set to zero.
    levels[linked] = 0.0
    levels[linked[1:]] = np.linalg.solve(_normal_equations(defined)[1:, 1:], right[1:])
    return levels


def least_squares_coefficients(defined: npt.NDArray[np.bool_], first: int, last: int) -> FloatArray:
    """Return how often each link enters the level of `last` less the level of `first`.

    Parameters
    ----------
    defined : (T, T)
        Which links are defined.
    first, last
        Numbers of two periods.

    Returns
    -------
    coefficients : (T, T)
        Their sum with the links is the difference of the two levels; 0 where a link is undefined.

    Raises
    ------
    ValueError
        If no chain of links connects the two periods.
    """
    linked = largest_linked_set(defined)
    if first not in linked or last not in linked:
        raise ValueError("the index is undefined: no chain of matched products connects the two periods")
    block = defined[np.ix_(linked, linked)]
    difference = (linked == last).astype(float) - (linked == first)
    adjoint = np.zeros(len(linked))
    adjoint[1:] = np.linalg.solve(_normal_equations(block)[1:, 1:], difference[1:])
    row_mean = block @ adjoint / block.sum(axis=1)
    coefficients = np.zeros(defined.shape)
    coefficients[np.ix_(linked, linked)] = np.where(block, adjoint - row_mean[:, None], 0.0)
    return coefficients


def _normal_equations(defined: npt.NDArray[np.bool_]) -> FloatArray:
    """Normal equations of the levels, the effects of the periods compared from being eliminated."""
    equations: FloatArray = np.diag(defined.sum(axis=0)) - defined.T @ (defined / defined.sum(axis=1)[:, None])
    return equations


def largest_linked_set(defined: np.ndarray) -> np.ndarray:
    """Return the numbers of the largest set of periods that links, direct or indirect, hold together."""
    remaining = np.diagonal(defined).copy()
    largest = np.array([], dtype=np.int64)
    while remaining.any():
        reached = np.zeros(len(defined), dtype=bool)
        frontier = np.flatnonzero(remaining)[:1]
        while len(frontier):
            reached[frontier] = True
            frontier = np.flatnonzero(defined[frontier].any(axis=0) & ~reached)
        if reached.sum() > len(largest):
            largest = np.flatnonzero(reached)
        remaining &= ~reached
    return largest


def pilot_geks_levels(links: FloatArray) -> FloatArray:
    """Return the GEKS levels as the pilot of 2014 to 2016 computed them.

    For each period t the window runs from the first period to t. The pilot left both direct comparisons
    (through the first period and through t itself) out of the mean for t > 1, and skipped indirect
    comparisons with an undefined link. The textbook mean contains the direct comparison twice.

    Parameters
    ----------
    links : (T, T)
        Log links; the first row is the base.

    Returns
    -------
    levels : (T,)
        Log index, 0 in the first period, NaN where no indirect comparison is defined.

    References
    ----------
    The published series month_2016-11-03_GEKS_item and week_2016-11-03_GEKS_item of the pilot, which this
    function reproduces; see docs/methods/price_indices.md.
    """
    levels = np.full(len(links), np.nan)
    for period in range(len(links)):
        if period < 2:
            levels[period] = links[0, period]
            continue
        through = links[0, 1:period] + links[1:period, period]
        known = np.isfinite(through)
        if known.any():
            levels[period] = through[known].mean()
    return levels
