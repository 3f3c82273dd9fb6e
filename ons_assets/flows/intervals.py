"""Intervals of weighted counts."""

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv, ndtri

FloatArray = npt.NDArray[np.float64]


def gamma_interval(
    total: FloatArray, variance: FloatArray, largest: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return the interval of a sum of weighted Poisson counts.

    Parameters
    ----------
    total, variance, largest : array of float64, shape (n,)
        Sum of the weights, of their squares, and the largest weight.
    level
        Such as 0.95; never undercovers in practice, and is exact where all weights are equal.

    References
    ----------
    Fay and Feuer (1997), "Confidence intervals for directly standardized rates: a method based on the
    gamma distribution", Statistics in Medicine 16, pp. 791-801.
    """
    tail = (1 - level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        low = variance / total * gammaincinv(total**2 / variance, tail)
        raised, spread = total + largest, variance + largest**2
        high = spread / raised * gammaincinv(raised**2 / spread, 1 - tail)
    return np.where(total > 0, low, 0.0), high


def interval_of_partly_seen(
    seen: npt.NDArray[np.int64], total: FloatArray, level: float, bias: float | FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the interval of a number of people of whom some were seen.

    Each is seen with the same chance. Given how many were seen, the number of the others is then negative binomial;
    with half a person more than were seen, so that both ends are missed alike often. By how much the chance itself may
    be wrong is added on the logarithm, as independent of it.

    Parameters
    ----------
    seen
        How many were seen, shape (n,).
    total
        Estimate of how many there are, shape (n,).
    level
        Such as 0.95.
    bias
        Relative standard deviation of the chance that somebody is seen; one for all, or shape (n,).

    References
    ----------
    Johnson, Kemp and Kotz (2005), Univariate discrete distributions, Wiley, chapter 5.
    """
    # It takes as long to import as the rest of the library, for this one distribution.
    from scipy.stats import nbinom

    tail = (1 - level) / 2
    count = np.asarray(seen, dtype=np.float64)
    estimate = np.asarray(total, dtype=np.float64)
    chance = np.clip(np.divide(count, estimate, out=np.ones_like(count), where=estimate > 0), 1e-9, 1.0)
    of_chance = -ndtri(tail) * np.log1p(bias)
    floor = np.maximum(estimate, 1e-9)
    with np.errstate(divide="ignore"):
        low = count + nbinom.ppf(tail, count + 0.5, chance)
        high = count + nbinom.ppf(1 - tail, count + 0.5, chance)
        below = np.log(floor) - np.log(np.clip(low, 1e-9, floor))
        above = np.log(np.maximum(high, floor)) - np.log(floor)
    return (
        np.where(estimate > 0, floor * np.exp(-np.hypot(below, of_chance)), 0.0),
        np.where(estimate > 0, floor * np.exp(np.hypot(above, of_chance)), 0.0),
    )
