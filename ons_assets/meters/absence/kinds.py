"""How likely an absence is that of people who live there, of a home where nobody lives, or of a second home."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from ons_assets.parameters.meters import VacancyParameters

BoolArray = npt.NDArray[np.bool_]
Run = tuple[int, int]


def runs(marked: BoolArray) -> list[Run]:
    """Return (start, end) of each run of marked days."""
    steps = np.diff(np.concatenate([[0], marked.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def stays_between(empty: BoolArray) -> list[Run]:
    """Return (start, end) of the stays that begin after an absence and end with one."""
    return [(start, end) for start, end in runs(~empty) if start > 0 and end < len(empty)]


def absences(empty: BoolArray, visit_days: int) -> list[Run]:
    """Return (start, end) of the absences of a home; visits of so many days do not end one.

    Parameters
    ----------
    empty
        Days on which nobody was there, (days,).
    visit_days
        Longest visit.
    """
    bridged = empty.copy()
    for start, end in stays_between(empty):
        if end - start <= visit_days:
            bridged[start:end] = True
    return runs(bridged)


def second_home_signs(empty: BoolArray, parameters: VacancyParameters) -> npt.NDArray[np.float64]:
    """Return what tells of a second home: share of empty days, and logarithms of one and the numbers of stays.

    Parameters
    ----------
    empty
        Days on which nobody was there, (days,).
    parameters
        Length of visits and of stays.
    """
    lengths = np.array([end - start for start, end in stays_between(empty)], dtype=np.int64)
    # Visits to a home where nobody lives are shorter than a weekend.
    short = (lengths >= parameters.visit_days) & (lengths <= parameters.second_home_stay_days)
    return np.array([empty.mean(), np.log1p(short.sum()), np.log1p((~short).sum())])


def absence_signs(absence: Run, days: int) -> npt.NDArray[np.float64]:
    """Return what tells of a vacancy: the logarithm of its days, and how many of its ends the readings do not show.

    Parameters
    ----------
    absence
        (start, end) of the absence.
    days
        Days of the home.
    """
    start, end = absence
    return np.array([np.log(end - start), (start == 0) + (end == days)])


def kind_probabilities(
    empty: BoolArray, found: Sequence[Run], parameters: VacancyParameters
) -> tuple[npt.NDArray[np.float64], float]:
    """Return how likely a home was vacant on each of its days, (days,), and how likely it is a second home.

    Both and the probability that somebody has their home there add up to 1 on each day.

    Parameters
    ----------
    empty
        Days on which nobody was there, (days,).
    found
        From `absences`.
    parameters
        Weights of what tells of either.
    """
    of_second, of_vacant = parameters.second_home, parameters.vacant
    weights = np.array([of_second.empty_share, of_second.stays, of_second.other_stays])
    second = float(expit(of_second.intercept + second_home_signs(empty, parameters) @ weights))
    vacant = np.zeros(len(empty))
    weights = np.array([of_vacant.days, of_vacant.open_ends])
    for start, end in found:
        nobody = expit(of_vacant.intercept + absence_signs((start, end), len(empty)) @ weights)
        vacant[start:end] = (1 - second) * nobody
    return vacant, second
