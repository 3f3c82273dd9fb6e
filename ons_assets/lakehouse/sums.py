"""Sums that do not hang on the order of their terms.

The sum of floating-point numbers differs in its last digit with the order in which they are added, and an engine of
several threads adds them in another order each time, however the rows are sorted. A digit is little; but where a
number is held against a threshold or against its equal, it decides. These sums are of integers, which add up to the
same in any order: a table that is made again of the same rows is the same.
"""

from contextlib import AbstractContextManager
from threading import Lock

import numpy as np
import numpy.typing as npt
import polars as pl
from threadpoolctl import threadpool_limits

# A power of two, so that scaling by it is exact: 2**-60 is far below the last digit of what tables hold.
PARTS = 2.0**60
HALF_PARTS = 2.0**30
# 134 million terms of this size fit into 127 bits; what is larger is no figure of a country, and is added as it is.
LARGEST = 2.0**40


def exact_sum(values: str | pl.Expr) -> pl.Expr:
    """Return the sum of numbers, the same in whatever order they come; of none it is 0, as in Polars.

    It is the sum rounded once, as of `math.fsum`, but for what terms hold below 2 ** -60. It keeps the promise for
    terms up to 2 ** 40 (1.1e12); a term that is not a number makes a sum that is none, as in Polars.

    Examples
    --------
    >>> tenths = pl.DataFrame({"x": [0.1, 0.2, 0.3], "reversed": [0.3, 0.2, 0.1]})
    >>> tenths.select(exact_sum("x") == exact_sum("reversed")).item()
    True
    """
    term = (pl.col(values) if isinstance(values, str) else values).cast(pl.Float64())
    is_usual = term.abs() <= LARGEST
    usual = pl.when(is_usual).then(term * PARTS).cast(pl.Int128()).sum().cast(pl.Float64()) / PARTS
    return usual + pl.when(~is_usual).then(term).sum()


def exact_mean(values: str | pl.Expr) -> pl.Expr:
    """Return the mean by `exact_sum`; null of none."""
    column = pl.col(values) if isinstance(values, str) else values
    return pl.when(column.count() > 0).then(exact_sum(column) / column.count())


class _OneThread:
    """Linear algebra in one thread as long as anybody is within, whichever thread is first and last."""

    def __init__(self) -> None:
        self._lock, self._within = Lock(), 0
        self._limits: threadpool_limits | None = None

    def __enter__(self) -> None:
        import scipy.linalg  # noqa: F401  its library is one of its own, and is limited only once it is loaded

        with self._lock:
            if self._within == 0:
                self._limits = threadpool_limits(1, user_api="blas")
            self._within += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._within -= 1
            if self._within == 0 and self._limits is not None:
                self._limits.restore_original_limits()


_ONE_THREAD = _OneThread()


def in_one_thread() -> AbstractContextManager[None]:
    """Return a context in which linear algebra adds up in one thread: in several, it does so in another order."""
    return _ONE_THREAD


class ExactTotals:
    """Sums over the parts of a table, the same however the table is divided and its rows are ordered.

    Terms are finite, and sums stay below 2 ** 33 (8.6e9); what terms hold below 2 ** -60 is lost.

    Parameters
    ----------
    shape
        Of the sums.
    """

    def __init__(self, *shape: int) -> None:
        self._upper, self._lower = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)

    def add(self, at: int, terms: npt.NDArray[np.floating]) -> None:
        """Add terms, (n, ...), to the sums at a place of the first dimension."""
        scaled = terms.astype(np.float64) * HALF_PARTS
        upper = np.floor(scaled)
        self._upper[at] += upper.astype(np.int64).sum(axis=0)
        self._lower[at] += ((scaled - upper) * HALF_PARTS).astype(np.int64).sum(axis=0)

    def values(self) -> npt.NDArray[np.float64]:
        """Return the sums, each rounded once."""
        whole = self._upper.astype(object) * int(HALF_PARTS) + self._lower.astype(object)
        return np.asarray(whole / int(PARTS), dtype=np.float64)
