"""Sums over the products that two periods have in common, for every pair of periods.

A panel of prices is handed over product by product: product ``p`` owns the quotes
``product_offsets[p]:product_offsets[p + 1]``, in ascending period. The work is one step for each pair of
quotes of the same product, so it grows with the lives of the products and not with
(products x periods x periods) as a dense matrix product does.

Rows of the result are computed in tiles that stay in the cache while all products pass by. Each cell is
summed in the order of the products, in double, so the result is the same at every call.

Reference: ``core_ext.price_links.reference`` holds the same two functions in plain Python.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t

import numpy as np

from core_ext.arguments import ascends_within, checked_offsets, whole_numbers

# 32 rows of 2,000 periods are 512 KB, which fits the second-level cache of current processors.
cdef enum:
    TILE_BYTES = 524288


cdef Py_ssize_t _tile_rows(int n_periods) noexcept:
    cdef Py_ssize_t rows = TILE_BYTES // (8 * max(n_periods, 1))
    return max(rows, 1)


@cython.wraparound(True)
def _checked_panel(product_offsets, period, columns, n_periods):
    """Return the panel as contiguous arrays, or raise ValueError where a kernel could read outside them."""
    offsets = checked_offsets(product_offsets, len(period), "product_offsets")
    period = whole_numbers(period, np.int32, "period")
    columns = [np.ascontiguousarray(column, dtype=np.float64) for column in columns]
    if any(column.shape != period.shape for column in columns):
        raise ValueError("every column must have one value for each quote")
    if len(period):
        if period.min() < 0 or period.max() >= n_periods:
            raise ValueError(f"period must lie between 0 and {n_periods - 1}")
        if not ascends_within(period, offsets):
            raise ValueError("the periods of a product must ascend, each at most once")
    return offsets, period, columns


def log_relatives(product_offsets, period, log_price, int n_periods):
    """Sum the log price relatives of the products that two periods share, for all pairs of periods.

    Parameters
    ----------
    product_offsets : int64 array, (products + 1,)
        Quotes of product p are ``product_offsets[p]:product_offsets[p + 1]``.
    period : int32 array, (quotes,)
        Period number of each quote, 0 to ``n_periods - 1``, ascending within a product.
    log_price : float64 array, (quotes,)
        Natural logarithm of the price.
    n_periods : int
        Number of periods T.

    Returns
    -------
    sums : float64 array, (T, T)
        ``sums[a, b]`` is the sum over shared products of ``log price in b - log price in a``.
    counts : int64 array, (T, T)
        Number of shared products; the diagonal holds the products of each period.

    Raises
    ------
    ValueError
        If offsets and periods do not describe a panel.
    """
    offsets, period, (log_price,) = _checked_panel(product_offsets, period, [log_price], n_periods)
    sums = np.zeros((n_periods, n_periods))
    counts = np.zeros((n_periods, n_periods), dtype=np.int64)
    cdef const int64_t[::1] offsets_view = offsets
    cdef const int32_t[::1] period_view = period
    cdef const double[::1] log_price_view = log_price
    cdef double[:, ::1] sums_view = sums
    cdef int64_t[:, ::1] counts_view = counts
    cdef int64_t[::1] cursor = offsets[: len(offsets) - 1].copy()
    cdef Py_ssize_t end_row = 0, rows = _tile_rows(2 * n_periods)
    with nogil:
        while end_row < n_periods:
            end_row += rows
            _log_relatives_of_rows(
                offsets_view, period_view, log_price_view, cursor, end_row, sums_view, counts_view
            )
    # Only b >= a was visited: the mirror image is exact, for sums[b, a] = -sums[a, b].
    sums -= sums.T
    counts += np.triu(counts, 1).T
    return sums, counts


cdef void _log_relatives_of_rows(
    const int64_t[::1] offsets,
    const int32_t[::1] period,
    const double[::1] log_price,
    int64_t[::1] cursor,
    Py_ssize_t end_row,
    double[:, ::1] sums,
    int64_t[:, ::1] counts,
) noexcept nogil:
    """Fill the rows below ``end_row`` that are not filled yet; ``cursor`` remembers each product's place."""
    cdef Py_ssize_t product, i, j, end, row
    cdef double base
    for product in range(cursor.shape[0]):
        end = offsets[product + 1]
        i = cursor[product]
        while i < end and period[i] < end_row:
            row = period[i]
            base = log_price[i]
            for j in range(i, end):
                sums[row, period[j]] += log_price[j] - base
                counts[row, period[j]] += 1
            i += 1
        cursor[product] = i


def pair_sums(product_offsets, period, left, right, int n_periods):
    """Sum ``left in a x right in b`` over the products that periods a and b share, for all pairs.

    With left = price and right = quantity this is the value of the quantities of b at the prices of a;
    with right = 1 it is the value of a's matched products. Laspeyres, Paasche, Fisher, Törnqvist, Walsh,
    the time product dummy and Geary-Khamis are all made of such sums.

    Parameters
    ----------
    product_offsets, period, n_periods
        The panel, as for `log_relatives`.
    left, right : float64 arrays, (quotes,)
        The two factors.

    Returns
    -------
    sums : float64 array, (T, T)
        ``sums[a, b] = sum over shared products of left[a] * right[b]``.

    Raises
    ------
    ValueError
        If offsets and periods do not describe a panel.
    """
    offsets, period, (left, right) = _checked_panel(product_offsets, period, [left, right], n_periods)
    sums = np.zeros((n_periods, n_periods))
    cdef const int64_t[::1] offsets_view = offsets
    cdef const int32_t[::1] period_view = period
    cdef const double[::1] left_view = left
    cdef const double[::1] right_view = right
    cdef double[:, ::1] sums_view = sums
    cdef int64_t[::1] cursor = offsets[: len(offsets) - 1].copy()
    cdef Py_ssize_t end_row = 0, rows = _tile_rows(n_periods)
    with nogil:
        while end_row < n_periods:
            end_row += rows
            _pair_sums_of_rows(
                offsets_view, period_view, left_view, right_view, cursor, end_row, sums_view
            )
    return sums


cdef void _pair_sums_of_rows(
    const int64_t[::1] offsets,
    const int32_t[::1] period,
    const double[::1] left,
    const double[::1] right,
    int64_t[::1] cursor,
    Py_ssize_t end_row,
    double[:, ::1] sums,
) noexcept nogil:
    """Fill the rows below ``end_row`` that are not filled yet; ``cursor`` remembers each product's place."""
    cdef Py_ssize_t product, i, j, start, end, row
    cdef double factor
    for product in range(cursor.shape[0]):
        start = offsets[product]
        end = offsets[product + 1]
        i = cursor[product]
        while i < end and period[i] < end_row:
            row = period[i]
            factor = left[i]
            for j in range(start, end):
                sums[row, period[j]] += factor * right[j]
            i += 1
        cursor[product] = i
