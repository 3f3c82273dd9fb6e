"""Of which age and sex those are who move, and who of them moves as students do."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Classes:
    """What is found of movers.

    Parameters
    ----------
    others : array of float64, shape (n_moves, n_groups)
        Chance that a move is of a group, by somebody who does not move as students do; what is left to 1 is students.
    student_share : array of float64, shape (n_groups,)
        Share of the users of a group who move as students do.
    """

    others: FloatArray
    student_share: FloatArray


def classes_of_movers(
    probability: FloatArray,
    pace: FloatArray,
    month: IntArray,
    at_risk: FloatArray,
    student_rate: FloatArray,
    counts_for: FloatArray,
    *,
    usual_moves: float = 10.0,
    rounds: int = 200,
) -> Classes:
    """Divide moves by group, and by whether they come when students move.

    Who does not study moves at a rate of the group, with a season that all groups share; who studies at the rate of
    students who were found at that time. So moves tell of who makes them. Rates, seasons and shares are those of
    maximum likelihood, seasons drawn a little to none.

    Parameters
    ----------
    probability : array of float64, shape (n_moves, n_groups)
        That the user who moved is of a group, from what is known without the move.
    pace : array of float64, shape (n_moves,)
        Moves by month of users who are known to study, at the time of each move; zero if nothing is known of any.
    month : array of int64, shape (n_moves,)
        Number of the month of each move.
    at_risk : array of float64, shape (n_months, n_groups)
        Users who could have been seen to move.
    student_rate : array of float64, shape (n_months, n_groups)
        Moves of users who are known to study; zero for groups in which nobody does.
    counts_for : array of float64, shape (n_moves,)
        How many moves each stands for, those that are not seen included.
    usual_moves
        Moves in each month as in the mean of all, beside those that are seen, so that a month of few makes no season.
    rounds
        Of the algorithm.

    References
    ----------
    Dempster, Laird and Rubin (1977), "Maximum likelihood from incomplete data via the EM algorithm", Journal of the
    Royal Statistical Society B 39, pp. 1-38.
    """
    months, groups = at_risk.shape
    rate = np.full(groups, counts_for.sum() / max(float(at_risk.sum()), 1.0))
    season = np.ones(months)
    student_moves = (at_risk * student_rate).sum(axis=0)
    share = np.where(student_moves > 0, 0.5, 0.0)
    others, times = np.zeros_like(probability), counts_for[:, None]
    for _ in range(rounds):
        other = probability * rate * (1 - share) * season[month, None]
        student = probability * share * pace[:, None]
        whole = np.maximum((other + student).sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        others, students = other / whole, student / whole
        share = np.minimum(_ratio((students * times).sum(axis=0), student_moves), 1.0)
        exposed = at_risk * (1 - share)
        rate = _ratio((others * times).sum(axis=0), (exposed * season[:, None]).sum(axis=0))
        by_month = np.bincount(month, weights=(others * times).sum(axis=1), minlength=months)
        season = (by_month + usual_moves) / ((exposed * rate).sum(axis=1) + usual_moves)
    return Classes(others, share)


def _ratio(part: FloatArray, of: FloatArray) -> FloatArray:
    return np.divide(part, of, out=np.zeros_like(part), where=of > 0)
