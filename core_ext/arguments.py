"""What kernels share: the checks of their arguments, and the threads."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

SLOTS = 48

# More chunks than threads, so that a thread that was held up does not keep the others waiting.
CHUNKS_PER_THREAD = 8


def checked_readings(kwh: npt.ArrayLike, name: str = "kwh") -> npt.NDArray[np.float32]:
    """Return the readings as a C-contiguous float32 array (meter-days, 48), copied only where they are not."""
    readings = np.asarray(kwh)
    if readings.ndim != 2 or readings.shape[1] != SLOTS:
        raise ValueError(f"{name} must have the shape (meter-days, {SLOTS}), not {readings.shape}")
    if not np.issubdtype(readings.dtype, np.floating):
        raise ValueError(f"{name} must be floating point, not {readings.dtype}")
    return np.ascontiguousarray(readings, dtype=np.float32)


def checked_offsets(offsets: npt.ArrayLike, rows: int, name: str = "offsets") -> npt.NDArray[np.int64]:
    """Return the offsets of segments, (segments + 1,), that divide all rows.

    Parameters
    ----------
    offsets
        Segment ``i`` is the rows ``offsets[i]:offsets[i + 1]``; starts with 0 and ends with the rows.
    rows
        Number of rows.
    name
        Of the argument, for the sentence.

    Raises
    ------
    TypeError
        If they are no whole numbers.
    ValueError
        If they do not divide the rows: a kernel would read outside of them.
    """
    found = np.asarray(offsets)
    if found.size and found.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, not {found.dtype}")
    if found.ndim != 1 or len(found) == 0 or found[0] != 0 or found[-1] != rows:
        raise ValueError(f"{name} must have one dimension, start with 0 and end with the {rows} rows")
    checked = np.ascontiguousarray(found, dtype=np.int64)
    if np.any(np.diff(checked) < 0):
        raise ValueError(f"{name} must not decrease")
    return checked


def checked_threads(n_threads: int) -> int:
    """Return a number of threads; 0 means one for each processor that the process may use.

    Raises
    ------
    ValueError
        If it is negative.
    """
    if n_threads < 0:
        raise ValueError("n_threads must be 0 (all processors) or more")
    if n_threads:
        return int(n_threads)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def whole_numbers(values: npt.ArrayLike, dtype: npt.DTypeLike, name: str) -> npt.NDArray[Any]:
    """Return whole numbers as a contiguous array of an integer type, none of them changed by that.

    NumPy cuts numbers that do not fit into a shorter type to some other number, without a word.

    Parameters
    ----------
    values
        Whole numbers, of any type.
    dtype
        Integer type of the array that a kernel takes.
    name
        What the message calls the numbers.

    Raises
    ------
    ValueError
        If one of them is no whole number, or does not fit.
    """
    given = np.asarray(values)
    with np.errstate(invalid="ignore"):
        cast = np.ascontiguousarray(given, dtype=dtype)
    if given.dtype != cast.dtype and not (np.array_equal(given, cast) and np.array_equal(given < 0, cast < 0)):
        raise ValueError(f"{name} must be whole numbers that fit into {cast.dtype}")
    return cast


def checked_column(values: npt.ArrayLike, rows: int, dtype: npt.DTypeLike, name: str) -> npt.NDArray[Any]:
    """Return a column with one value for each row as a contiguous array of a type.

    Parameters
    ----------
    values
        Numbers of the column, of any type that fits into `dtype`.
    rows
        How many there must be.
    dtype
        Type of the array that a kernel takes.
    name
        What the message calls the column.
    """
    column = whole_numbers(values, dtype, name) if np.dtype(dtype).kind in "iu" else np.ascontiguousarray(values, dtype)
    if column.shape != (rows,):
        raise ValueError(f"{name} must have one value for each of the {rows} rows")
    return column


def ascends_within(column: npt.NDArray[np.integer], offsets: npt.NDArray[np.int64]) -> bool:
    """Whether a column, (rows,), rises from row to row within every segment of checked offsets."""
    starts = np.zeros(len(column), dtype=bool)
    starts[offsets[:-1][np.diff(offsets) > 0]] = True
    return not np.any((np.diff(column) <= 0) & ~starts[1:])


def checked_days(day: npt.ArrayLike | None, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the day numbers of the rows, consecutive where none are given; they must ascend within a meter."""
    rows = int(offsets[-1])
    if day is None:
        return np.arange(rows, dtype=np.int64)
    column = checked_column(day, rows, np.int64, "day")
    if not ascends_within(column, offsets):
        raise ValueError("the days of a meter must ascend, each at most once")
    return column


def over_meters(work: Callable[[int, int], None], n_meters: int, n_threads: int) -> None:
    """Call ``work(first, end)`` for chunks of meters on ``n_threads`` threads, 0 meaning all processors.

    Parameters
    ----------
    work : callable
        Does the meters ``first`` to ``end - 1`` and must release the GIL for long work.
    n_meters : int
        Number of meters.
    n_threads : int
        Number of threads; 0 takes as many as the process may use processors.

    Raises
    ------
    ValueError
        If ``n_threads`` is negative.
    """
    threads = min(checked_threads(n_threads), max(n_meters, 1))
    if threads == 1:
        work(0, n_meters)
        return
    bounds = np.linspace(0, n_meters, min(n_meters, threads * CHUNKS_PER_THREAD) + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        # list() so that an error in a thread is raised here.
        list(pool.map(work, bounds[:-1], bounds[1:]))
