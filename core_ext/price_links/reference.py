"""The sums over pairs of periods in plain Python: slow, obvious, and what the tests hold the kernels against."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer]


def log_relatives(
    product_offsets: IntArray, period: IntArray, log_price: FloatArray, n_periods: int
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Sum the log price relatives of shared products for all pairs of periods; see the kernel beside it.

    Parameters
    ----------
    product_offsets
        Start of each product among the quotes, and the number of quotes at the end, shape (products + 1,).
    period
        Period of each quote, 0 to `n_periods` - 1; a product has one quote in a period at most.
    log_price
        Natural logarithm of the price of each quote.
    n_periods
        Size of the square results.
    """
    sums = np.zeros((n_periods, n_periods))
    counts = np.zeros((n_periods, n_periods), dtype=np.int64)
    for start, end in pairwise(product_offsets):
        for i in range(start, end):
            for j in range(start, end):
                sums[period[i], period[j]] += log_price[j] - log_price[i]
                counts[period[i], period[j]] += 1
    return sums, counts


def pair_sums(
    product_offsets: IntArray, period: IntArray, left: FloatArray, right: FloatArray, n_periods: int
) -> FloatArray:
    """Sum ``left in a x right in b`` over shared products for all pairs; see the kernel beside it.

    Parameters
    ----------
    product_offsets
        Start of each product among the quotes, and the number of quotes at the end, shape (products + 1,).
    period
        Period of each quote, 0 to `n_periods` - 1; a product has one quote in a period at most.
    left, right
        Factor of each quote when it is the earlier and when it is the later of a pair, such as price and quantity.
    n_periods
        Size of the square result.
    """
    sums = np.zeros((n_periods, n_periods))
    for start, end in pairwise(product_offsets):
        for i in range(start, end):
            for j in range(start, end):
                sums[period[i], period[j]] += left[i] * right[j]
    return sums
