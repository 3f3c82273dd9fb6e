"""How likely it is that nobody was in a home all day.

Each day has a score of people from its own signs. Every home has a hidden Markov model of these scores: days without
people come in runs. Both together, weighed by numbers that were chosen on homes whose truth is known, are the
probability.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit

from core_ext import fit_occupancy
from ons_assets.meters.absence.day_signs import day_signs
from ons_assets.parameters.meters import VacancyParameters

FloatArray = npt.NDArray[np.float64]
SLOTS = 48
LEAST_ODDS = 1e-6


def empty_days(half_hours: pl.DataFrame, parameters: VacancyParameters | None = None) -> pl.DataFrame:
    """Return the probability that nobody was in a home from midnight to midnight, for each day.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours`, sorted by meter and day: all days of their meters.
    parameters
        Weights of the signs, the model of days, and its calibration.

    Returns
    -------
    DataFrame
        `bucket`, `meter`, `day`, `activity_kwh`, `empty_probability`: one row for each day from the first to the last
        of a meter. Days without enough readings are judged by those around them. Null for homes with fewer than
        `min_known_days` known days.

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines, for the calibration; Rabiner (1989), A tutorial on
    hidden Markov models, Proceedings of the IEEE 77.
    """
    parameters = parameters or VacancyParameters()
    days = _calendar(day_signs(half_hours, parameters))
    homes = spans(days["meter"].to_numpy())
    score = scores(days, homes, parameters)
    model = log_odds_in_context(score, homes, parameters)
    # A day without readings has the score that its neighbours let expect.
    expected = expit(model) * parameters.score_empty + expit(-model) * parameters.score_lived
    calibration = parameters.calibration
    by_day = np.where(np.isfinite(score), score, expected)
    odds = calibration.intercept + calibration.of_context * model + calibration.of_day * by_day
    empty = pl.Series(expit(odds)).fill_nan(None)
    return days.select("bucket", "meter", "day", "activity_kwh", empty_probability=empty)


def scores(days: pl.DataFrame, homes: list[tuple[int, int]], parameters: VacancyParameters) -> FloatArray:
    """Return the score of people of each day: log odds that somebody was there, by the signs of that day alone.

    Parameters
    ----------
    days
        `activity_kwh`, `evening_kwh`.
    homes
        (start, end) of the rows of each home, from `spans`.
    parameters
        Weights of the signs.
    """
    weights = parameters.signs
    activity = np.log(days["activity_kwh"].fill_null(np.nan).to_numpy() + parameters.offset_kwh)
    evening = np.log(days["evening_kwh"].fill_null(np.nan).to_numpy() + parameters.offset_kwh)
    usual = np.full(len(activity), np.nan)
    for start, end in homes:
        known = activity[start:end][np.isfinite(activity[start:end])]
        if len(known):
            usual[start:end] = np.quantile(known, parameters.usual_quantile)
    score: FloatArray = (
        weights.intercept
        + weights.activity * activity
        + weights.activity_to_usual * (activity - usual)
        + weights.evening * evening
    )
    return np.clip(score, parameters.least_score, parameters.most_score)


def log_odds_in_context(score: FloatArray, homes: list[tuple[int, int]], parameters: VacancyParameters) -> FloatArray:
    """Return the log odds of an empty day by the hidden Markov model of each home; NaN where too few days are known.

    Parameters
    ----------
    score
        From `scores`, NaN where a day is not known.
    homes
        (start, end) of the rows of each home.
    parameters
        Prior of the model.
    """
    odds = np.full(len(score), np.nan)
    judged = [home for home in homes if np.isfinite(score[slice(*home)]).sum() >= parameters.min_known_days]
    if not judged:
        return odds
    days = np.array([end - start for start, end in judged])
    rows = -(-days // SLOTS)
    # The kernel takes rows of 48 steps; a step is a day here, and a home's last row is filled up with NaN.
    packed = np.full((rows.sum(), SLOTS), np.nan, dtype=np.float32)
    offsets = np.concatenate([[0], np.cumsum(rows)])
    lived = np.full(len(judged), parameters.least_lived_score)
    for home, (start, end) in enumerate(judged):
        mine = score[start:end]
        packed[offsets[home] : offsets[home + 1]].ravel()[: end - start] = mine
        lived[home] = max(lived[home], np.quantile(mine[np.isfinite(mine)], parameters.lived_quantile))
    fit = fit_occupancy(
        packed,
        offsets,
        np.zeros(SLOTS, dtype=np.int32),
        [[0.0], [1.0]],
        mean=np.stack([np.full(len(judged), parameters.score_empty), lived], axis=1),
        sd=[parameters.score_empty_sd, parameters.score_lived_sd],
        transition=[[parameters.leave, parameters.come_back]],
        weight=parameters.score_weight * days,
        transition_weight=parameters.change_weight * days,
        initial_occupied=parameters.come_back / (parameters.come_back + parameters.leave),
    )
    for home, (start, end) in enumerate(judged):
        somebody = fit.probability[offsets[home] : offsets[home + 1]].ravel()[: end - start].astype(np.float64)
        somebody = np.clip(somebody, LEAST_ODDS, 1 - LEAST_ODDS)
        odds[start:end] = np.clip(np.log1p(-somebody) - np.log(somebody), -parameters.most_odds, parameters.most_odds)
    return odds


def spans(meter: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return (start, end) of the rows of each meter."""
    if not len(meter):
        return []
    starts = np.flatnonzero(np.diff(meter, prepend=meter[:1] - 1))
    return list(pairwise([*starts.tolist(), len(meter)]))


def _calendar(signs: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each day from the first to the last of a meter."""
    whole = (
        signs.group_by("meter", maintain_order=True)
        .agg(pl.col("bucket").first(), day=pl.date_ranges(pl.col("day").min(), pl.col("day").max()).first())
        .explode("day")
    )
    return whole.join(signs.drop("bucket"), on=["meter", "day"], how="left", maintain_order="left").select(
        signs.columns
    )
