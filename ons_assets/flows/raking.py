"""Raking: weights moved, as little as can be, until totals are met."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Margin:
    """One set of totals.

    Parameters
    ----------
    group : array of int, shape (n,)
        Number of the group that a record is in; -1 if it is in none.
    total : array of float64, shape (n_groups,)
        Total that the group must have; NaN where it is not known.
    """

    group: IntArray
    total: FloatArray


@dataclass(frozen=True)
class Raked:
    """Records after raking.

    Parameters
    ----------
    values : array of float64, shape (n,)
        Raked values.
    rounds
        Rounds that were made.
    worst_miss
        Largest relative difference to a total of a group that has records; 0 if all are met.
    unmet_groups
        Groups with a total above zero and no record that could be raised: nothing can meet them.
    """

    values: FloatArray
    rounds: int
    worst_miss: float
    unmet_groups: int


def rake(
    values: FloatArray,
    margins: Sequence[Margin],
    *,
    rounds: int = 200,
    tolerance: float = 1e-8,
    max_factor: float | None = None,
) -> Raked:
    """Multiply records, margin by margin, until every total is met.

    Parameters
    ----------
    values : array of float64, shape (n,)
        Not negative; zero stays zero.
    margins
        Totals to be met. They can be met together only if they agree with each other; if they do not,
        `worst_miss` of the result says by how much, and the last margin is met.
    max_factor
        A record is never more than so many times, nor less than one such part of, its own value; None for
        no bound.

    Raises
    ------
    ValueError
        If a value or a total is negative, or shapes do not fit.

    References
    ----------
    Deming and Stephan (1940), "On a least squares adjustment of a sampled frequency table when the
    expected marginal totals are known", Annals of Mathematical Statistics 11, pp. 427-444.
    """
    start = np.asarray(values, dtype=np.float64)
    if np.any(~np.isfinite(start)) or np.any(start < 0):
        raise ValueError("values to be raked must be finite and not negative")
    for margin in margins:
        if len(margin.group) != len(start):
            raise ValueError("a margin must name a group for every record")
        if np.any(margin.total < 0):
            raise ValueError("a total is negative")
    raked = start.copy()
    miss, done = 0.0, 0
    while done < rounds:
        done += 1
        for margin in margins:
            raked *= _factor(raked, margin)
            if max_factor is not None:
                np.clip(raked, start / max_factor, start * max_factor, out=raked)
        miss = max((_miss(raked, margin) for margin in margins), default=0.0)
        if miss <= tolerance:
            break
    return Raked(raked, done, miss, sum(_unmet(raked, margin) for margin in margins))


def _sums(values: FloatArray, margin: Margin) -> FloatArray:
    known = margin.group >= 0
    sums = np.bincount(margin.group[known], weights=values[known], minlength=len(margin.total))
    return sums.astype(np.float64)


def _factor(values: FloatArray, margin: Margin) -> FloatArray:
    sums = _sums(values, margin)
    usable = np.isfinite(margin.total) & (sums > 0)
    by_group = np.divide(margin.total, sums, out=np.ones_like(sums), where=usable)
    return np.where(margin.group >= 0, by_group[np.maximum(margin.group, 0)] if len(by_group) else 1.0, 1.0)


def _miss(values: FloatArray, margin: Margin) -> float:
    sums = _sums(values, margin)
    usable = np.isfinite(margin.total) & (margin.total > 0) & (sums > 0)
    return float(np.max(np.abs(sums[usable] / margin.total[usable] - 1), initial=0.0))


def _unmet(values: FloatArray, margin: Margin) -> int:
    return int(np.sum(np.isfinite(margin.total) & (margin.total > 0) & (_sums(values, margin) == 0)))
