"""What is usual for a series: its median over a look-back window, and limits that few days may cross.

A day is held against earlier days of its kind, and never against itself. What was out of the usual is no part of
what later days are held against, until it has lasted so long that it is the usual. The first days of a series, which
have too few before them, are held against the others of its first days as soon as there are enough.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

Floats = npt.NDArray[np.float64]
# The spread of a normal distribution is so many times its median absolute deviation, which tells it as well as a
# standard deviation does from a third of the values (Rousseeuw and Croux 1993).
TO_SPREAD = 1.4826
EFFICIENCY = 0.37


@dataclass(frozen=True)
class Usual:
    """What was usual on each day of each series; all arrays are (series, days), NaN where it cannot be told.

    Parameters
    ----------
    median
        Of the days that are compared with.
    look, act
        Half the width of the interval around it outside which one looks, and outside which one acts.
    compared
        How many days are compared with.
    """

    median: Floats
    look: Floats
    act: Floats
    compared: npt.NDArray[np.int64]


def usual(
    values: Floats,
    basis: Floats,
    kinds: npt.NDArray[np.int64],
    *,
    look_back: int,
    least_compared: int,
    new_level_after: int,
    chance: Callable[[Floats, Floats], Floats],
    levels: tuple[float, float],
    least_spread: float,
    least_change: tuple[float, float],
) -> Usual:
    """Return what is usual for each day of series: its robust mean and spread over earlier days of its kind.

    Parameters
    ----------
    values
        (series, days), in units in which differences count: logarithms of numbers, or shares; NaN where there is none.
    basis
        The same form: how many rows, or others, a value is made of.
    kinds
        Kind of each day: weekday or weekend. Only days of one kind are compared.
    look_back
        Days before a day that are looked at.
    least_compared
        Days without which none is judged.
    new_level_after
        Days in a row out of the usual after which they are the usual.
    chance
        Returns the spread that chance alone makes around medians, of values made of so many; none is taken to be less.
    levels
        Probabilities of the two intervals.
    least_spread
        Spread below which none is taken to be.
    least_change
        Half the widths below which the intervals are not: smaller changes are of no account.

    References
    ----------
    Rousseeuw, P. J. and Croux, C. (1993), Alternatives to the median absolute deviation, JASA 88.
    """
    n_series, n_days = values.shape
    unknown = np.full(values.shape, np.nan)
    found = Usual(unknown.copy(), unknown.copy(), unknown.copy(), np.zeros(values.shape, dtype=np.int64))
    limits = _Limits(least_compared, chance, levels, least_spread, least_change)
    learned = values.copy()
    out_for = np.zeros(n_series, dtype=np.int64)
    for day in range(n_days):
        first = max(0, day - look_back)
        before = np.flatnonzero(kinds[first:day] == kinds[day]) + first
        there = ~np.isnan(values[:, day])
        if not there.any() or not len(before):
            continue
        judged = limits.set(found, there, day, learned[there][:, before], basis[there, day])
        out = np.zeros(n_series, dtype=bool)
        out[there] = judged & (np.abs(values[there, day] - found.median[there, day]) > found.look[there, day])
        out_for[there] = np.where(out[there], out_for[there] + 1, 0)
        learned[out, day] = np.nan
        for series in np.flatnonzero(out_for >= new_level_after):
            _learn_anew(learned[series], values[series], day, new_level_after)
            out_for[series] = 0
    _judge_first_days(found, values, basis, kinds, look_back, limits)
    return found


@dataclass(frozen=True)
class _Limits:
    """How limits follow from values that are compared with; see `usual`."""

    least_compared: int
    chance: Callable[[Floats, Floats], Floats]
    levels: tuple[float, float]
    least_spread: float
    least_change: tuple[float, float]

    def set(
        self, found: Usual, series: npt.NDArray[np.generic], day: int, others: Floats, basis: Floats
    ) -> npt.NDArray[np.bool_]:
        """Set what is usual on a day of some series, given the other days of each, and return which are judged."""
        middle, spread, n = _robust(others)
        judged = n >= self.least_compared
        alone = np.nan_to_num(self.chance(middle, basis))
        reach = np.maximum(np.maximum(spread, alone), self.least_spread) * np.sqrt(1 + 1 / np.maximum(n, 1))
        widths = [
            np.maximum(_quantiles(level, self.least_compared, n) * reach, change)
            for level, change in zip(self.levels, self.least_change, strict=True)
        ]
        found.compared[series, day] = n
        for array, numbers in ((found.median, middle), (found.look, widths[0]), (found.act, widths[1])):
            array[series, day] = np.where(judged, numbers, np.nan)
        return judged


def _judge_first_days(
    found: Usual, values: Floats, basis: Floats, kinds: npt.NDArray[np.int64], look_back: int, limits: _Limits
) -> None:
    """Hold the first days of each series, which nothing was before, against the others of its first days."""
    there = ~np.isnan(values)
    unjudged = there & np.isnan(found.median)
    for series in np.flatnonzero(unjudged.any(axis=1)):
        first = int(np.argmax(there[series]))
        window = np.arange(first, min(first + look_back, values.shape[1]))
        for day in np.flatnonzero(unjudged[series]):
            others = window[(kinds[window] == kinds[day]) & (window != day)]
            if there[series, others].sum() >= limits.least_compared:
                one = np.array([series])
                limits.set(found, one, int(day), values[one][:, others], basis[one, day])


def _learn_anew(learned: Floats, values: Floats, day: int, days: int) -> None:
    """Take the last days with a value as all that is known of a series."""
    there = np.flatnonzero(~np.isnan(values[: day + 1]))[-days:]
    learned[: there[0]] = np.nan
    learned[there] = values[there]


def _robust(before: Floats) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Return the median of each row, its spread by the median absolute deviation, and how many values it has."""
    n = (~np.isnan(before)).sum(axis=1)
    middle = _medians(before, n)
    return middle, TO_SPREAD * _medians(np.abs(before - middle[:, None]), n), n


def _medians(values: Floats, n: npt.NDArray[np.int64]) -> Floats:
    """Medians of rows of which `n` values are no NaN; much faster than NumPy's own over many short rows."""
    ordered = np.sort(values, axis=1)  # NaN come last
    rows = np.arange(len(values))
    low, high = np.maximum(n - 1, 0) // 2, n // 2
    high = np.minimum(high, values.shape[1] - 1)
    return np.where(n > 0, (ordered[rows, low] + ordered[rows, high]) / 2, np.nan)


def _quantiles(level: float, least: int, n: npt.NDArray[np.int64]) -> Floats:
    known = np.unique(np.maximum(n, least))
    return np.array([_quantile(level, int(each)) for each in known])[np.searchsorted(known, np.maximum(n, least))]


@cache
def _quantile(level: float, n: int) -> float:
    """Half the width of the interval of Student's t, with as many degrees of freedom as the spread is told by."""
    return float(stdtrit(EFFICIENCY * (n - 1), (1 + level) / 2))
