"""Of which age and sex those are who move, and who of them moves as students do."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.sums import exact_sum

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ENDS = ["from_area", "to_area"]
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Places:
    """From where to where moves are.

    Parameters
    ----------
    pair : array of int64, shape (n_moves,)
        Number of the pair of areas of each move.
    of_students : array of float64, shape (n_pairs,)
        Share of the moves of students that is between each pair.
    usual : array of float64, shape (n_pairs,)
        Moves of others between each pair that are counted beside those that are seen; of which others make more than
        theirs is told by these.
    all_usual
        Their sum over all pairs, also those without a move.
    """

    pair: IntArray
    of_students: FloatArray
    usual: FloatArray
    all_usual: float

    @classmethod
    def between(cls, moves: pl.DataFrame, of_students: pl.DataFrame, people: pl.DataFrame) -> "Places":
        """Return the pairs of moves: who studies moves to an area of study or from one, anybody else from anywhere.

        As many moves as there are pairs of areas are counted beside those that are seen: of students by who studies at
        one end and lives at the other, of others by who lives at both. So pairs of few moves are told by the areas.

        Parameters
        ----------
        moves
            from_area, to_area: of those who were not seen to study.
        of_students
            from_area, to_area, seen: of those who were, with the chance that such a move is seen.
        people
            area, population, students: in several rows if there are groups.
        """
        counted = people.group_by("area").agg(exact_sum("population"), exact_sum("students")).sort("area")
        ends = moves.select(ENDS).unique().sort(ENDS).with_row_index("pair")
        known = ends.join(of_students.group_by(ENDS).agg(seen=exact_sum(1 / pl.col("seen"))), on=ENDS, how="left")
        for end, name in zip(ENDS, ("from", "to"), strict=True):
            at_end = counted.rename({"area": end, "population": f"lives_{name}", "students": f"studies_{name}"})
            known = known.join(at_end, on=end, how="left")
        known = known.sort("pair").fill_null(0.0)
        lives, studies = (counted[name].to_numpy() for name in ("population", "students"))
        pairs = max(float(len(counted) * (len(counted) - 1)), 1.0)
        between_others = lives.sum() ** 2 - (lives**2).sum()
        between_students = 2 * (lives.sum() * studies.sum() - (lives * studies).sum())
        number = moves.join(ends, on=ENDS, how="left", maintain_order="left")["pair"].to_numpy().astype(np.int64)
        found = float(of_students.select(exact_sum(1 / pl.col("seen"))).item())
        at = {name: known[name].to_numpy() for name in known.columns if name not in ENDS}
        usual = _ratio(at["studies_from"] * at["lives_to"] + at["lives_from"] * at["studies_to"], between_students)
        return cls(
            number,
            (at["seen"] + pairs * usual) / (found + pairs),
            np.maximum(pairs * _ratio(at["lives_from"] * at["lives_to"], between_others), TINY),
            pairs,
        )


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
    places: Places,
    *,
    usual_moves: float = 10.0,
    rounds: int = 200,
) -> Classes:
    """Divide moves by group, and by whether they come when students move, and are where students move.

    Who does not study moves at a rate of the group, with a season and between areas that all groups share; who studies
    at the rate of students who were found at that time, and between their areas. So moves tell of who makes them.
    Rates, seasons, areas and shares are those of maximum likelihood, seasons drawn a little to none, and areas to those
    where people live.

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
    places
        From where to where each move is.
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
    of_others = places.usual / places.all_usual
    for _ in range(rounds):
        other = probability * rate * (1 - share) * (season[month] * of_others[places.pair])[:, None]
        student = probability * share * (pace * places.of_students[places.pair])[:, None]
        whole = np.maximum((other + student).sum(axis=1, keepdims=True), TINY)
        others, students = other / whole, student / whole
        share = np.minimum(_ratio((students * times).sum(axis=0), student_moves), 1.0)
        exposed = at_risk * (1 - share)
        rate = _ratio((others * times).sum(axis=0), (exposed * season[:, None]).sum(axis=0))
        by_month = np.bincount(month, weights=(others * times).sum(axis=1), minlength=months)
        season = (by_month + usual_moves) / ((exposed * rate).sum(axis=1) + usual_moves)
        by_pair = np.bincount(places.pair, weights=(others * times).sum(axis=1), minlength=len(places.usual))
        of_others = (by_pair + places.usual) / (by_pair.sum() + places.all_usual)
    return Classes(others, share)


def _ratio(part: FloatArray, of: FloatArray | float) -> FloatArray:
    return np.divide(part, of, out=np.zeros_like(part), where=np.asarray(of) > 0)
