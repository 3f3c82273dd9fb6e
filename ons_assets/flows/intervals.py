"""Intervals of weighted counts."""

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

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
        low = variance / (2 * total) * chi2.ppf(tail, 2 * total**2 / variance)
        raised, spread = total + largest, variance + largest**2
        high = spread / (2 * raised) * chi2.ppf(1 - tail, 2 * raised**2 / spread)
    return np.where(total > 0, low, 0.0), high
