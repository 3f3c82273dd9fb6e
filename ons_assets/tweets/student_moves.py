"""Moves of users who study: each with the students whom the user stands for, and when such moves come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.tweets.pools import people_by_user

FloatArray = npt.NDArray[np.float64]
DAYS_OF_MONTH = 365.25 / 12
MOVE = ["user", "from_area", "to_area", "moved_on"]


@dataclass(frozen=True)
class Study:
    """Who studies, and when.

    Parameters
    ----------
    places
        user, area, from, to: where and when users were seen to study, such as those of `tweets/user_anchors`.
    terms
        First and last days of the terms.
    """

    places: pl.DataFrame
    terms: Sequence[tuple[date, date]]


def student_moves(moves: pl.DataFrame, study: Study, students: pl.DataFrame, fewest_users: float) -> pl.DataFrame:
    """Weigh the moves of users who study by the official number of students.

    A user who was seen to study in a term stands for the students of the area in that term: their official number by
    that of such users. A move to the area of study counts for the term that follows, one from there for the term
    before. So it does not matter how many students are found, if those who move are found as those who stay.

    Parameters
    ----------
    moves
        Rows of `tweets/moves` between areas.
    study
        Who studies.
    students
        area, students: those who study there in term time.
    fewest_users
        Areas of fewer such users in a term are weighed together.

    Returns
    -------
    pl.DataFrame
        user, from_area, to_area, moved_on, weight. Moves that touch no term of their user are left out.
    """
    terms = pl.DataFrame(sorted(study.terms), schema={"first": pl.Date(), "last": pl.Date()}, orient="row")
    terms = terms.with_row_index("term").with_columns(middle=pl.col("first") + (pl.col("last") - pl.col("first")) / 2)
    studying = (
        study.places.join(terms, how="cross")
        .filter((pl.col("from") <= pl.col("last")) & (pl.col("to") >= pl.col("first")))
        .sort("user", "term", "from", "area")
        .unique(["user", "term"], keep="first", maintain_order=True)
        .select("user", "term", study_area="area")
    )
    counted = studying.group_by("term", area="study_area").agg(users=pl.len()).join(students.drop_nulls(), on="area")
    weights = people_by_user(counted, ["term"], "students", "users", fewest_users, ["area"]).drop_nulls("weight")
    known = studying.join(weights.select("term", "weight", study_area="area"), on=["term", "study_area"])
    dated = moves.select(MOVE).join(terms, how="cross")
    is_before = pl.col("middle") <= pl.col("moved_on")
    sides = [
        dated.filter(is_before).group_by(MOVE).agg(pl.col("term").max()).with_columns(end="from_area"),
        dated.filter(~is_before).group_by(MOVE).agg(pl.col("term").min()).with_columns(end="to_area"),
    ]
    # The end that is the place of study decides; of a move between two other areas, the term before.
    candidates = pl.concat(sides).join(known, on=["user", "term"])
    chosen = candidates.sort(*MOVE, pl.col("end") != pl.col("study_area"), "term")
    return chosen.unique(MOVE, keep="first", maintain_order=True).select(*MOVE, "weight")


def monthly_rate(moves: pl.DataFrame, at_risk: pl.DataFrame) -> pl.DataFrame:
    """Return the moves of a user in each month.

    Parameters
    ----------
    moves
        month, seen (chance that such a move is seen).
    at_risk
        user, month.

    Returns
    -------
    pl.DataFrame
        month, rate; of the months in which somebody is at risk.
    """
    users = at_risk.group_by("month").agg(users=pl.len())
    moved = moves.group_by("month").agg(moves=exact_sum(1 / pl.col("seen")))
    joined = users.join(moved, on="month", how="left")
    return joined.select("month", rate=(pl.col("moves") / pl.col("users")).fill_null(0.0))


def pace_of_students(moves: pl.DataFrame, of_students: pl.DataFrame, at_risk: pl.DataFrame) -> FloatArray:
    """Return how many moves a month users who study make, in the mean of the days on which each move can have been.

    Parameters
    ----------
    moves
        not_before, not_after: days between which each move was.
    of_students
        The same of the moves of users who study, and seen (chance that such a move is seen).
    at_risk
        user, month: those who study.

    Returns
    -------
    array of float64, shape (n_moves,)
        Zero where nobody studies.
    """
    if of_students.is_empty() or moves.is_empty() or at_risk.is_empty():
        return np.zeros(len(moves))
    users = len(at_risk) / at_risk["month"].n_unique()
    spread = of_students.select("seen", day=pl.date_ranges("not_before", "not_after"))
    by_day = (
        spread.with_columns(moves=1 / pl.col("seen") / pl.col("day").list.len())
        .explode("day")
        .group_by("day")
        .agg(exact_sum("moves"))
    )
    ends = pl.concat([by_day["day"], moves["not_before"].alias("day"), moves["not_after"].alias("day")])
    first = ends.min()
    calendar = pl.DataFrame({"day": pl.date_range(first, ends.max(), eager=True)})  # type: ignore[arg-type]
    daily = calendar.join(by_day, on="day", how="left").sort("day")["moves"].fill_null(0.0).to_numpy()
    until = np.concatenate([[0.0], np.cumsum(daily)])
    begin = (moves["not_before"] - first).dt.total_days().to_numpy()
    end = (moves["not_after"] - first).dt.total_days().to_numpy() + 1
    pace: FloatArray = (until[end] - until[begin]) / (end - begin) * DAYS_OF_MONTH / users
    return pace
