"""Days on which nobody lives in a home, and what kind of absence they belong to.

Every home has a hidden Markov model of its days: empty, where little happens above the base load, or lived
in. Runs of empty days are then named by their length and by how often they come.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from core_ext import fit_occupancy
from ons_assets.parameters.meters import VacancyParameters

SLOTS = 48
STATES = ("occupied", "holiday", "vacant", "second_home", "second_home_stay")
UNKNOWN = "unknown"


def empty_day_probabilities(daily: pl.DataFrame, parameters: VacancyParameters | None = None) -> pl.DataFrame:
    """Return the probability that nobody lived in a home on each day.

    Parameters
    ----------
    daily
        Rows of `meters/daily_consumption`, sorted by meter and day.
    parameters
        Prior; see `VacancyParameters`.

    Returns
    -------
    DataFrame
        `meter`, `day`, `empty_probability`, one row for each day from the first to the last of a meter. Days
        without readings are judged by those around them. Null for homes with too few days.
    """
    parameters = parameters or VacancyParameters()
    calendar = _calendar(daily)
    x, homes = _log_activity(calendar, parameters)
    if not homes:
        return calendar.select("meter", "day", empty_probability=pl.lit(None, pl.Float64))
    days = np.array([end - start for start, end in homes])
    rows = -(-days // SLOTS)
    # The kernel takes rows of 48 steps; a step is a day here, and a home's last row is filled up with NaN.
    packed = np.full((rows.sum(), SLOTS), np.nan, dtype=np.float32)
    offsets = np.concatenate([[0], np.cumsum(rows)])
    lived = np.full(len(homes), np.log(parameters.least_lived_kwh + parameters.offset_kwh))
    enough = np.zeros(len(homes), dtype=bool)
    for home, (start, end) in enumerate(homes):
        mine = x[start:end]
        packed[offsets[home] : offsets[home + 1]].ravel()[: end - start] = mine
        known = mine[np.isfinite(mine)]
        enough[home] = len(known) >= parameters.min_known_days
        if enough[home]:
            lived[home] = max(lived[home], np.quantile(known, parameters.lived_quantile))
    fit = fit_occupancy(
        packed,
        offsets,
        np.zeros(SLOTS, dtype=np.int32),
        [[0.0], [1.0]],
        mean=np.stack([np.full(len(homes), np.log(parameters.empty_kwh + parameters.offset_kwh)), lived], axis=1),
        sd=[parameters.empty_sd, parameters.lived_sd],
        transition=[[parameters.leave, parameters.come_back]],
        weight=parameters.activity_weight * days,
        transition_weight=parameters.change_weight * days,
        initial_occupied=parameters.come_back / (parameters.come_back + parameters.leave),
    )
    empty = np.concatenate(
        [
            np.where(enough[home], 1.0 - fit.probability[offsets[home] : offsets[home + 1]].ravel()[:count], np.nan)
            for home, count in enumerate(days)
        ]
    )
    return calendar.select("meter", "day", empty_probability=pl.Series(empty.astype(np.float64)).fill_nan(None))


def vacancy(daily: pl.DataFrame, parameters: VacancyParameters | None = None) -> pl.DataFrame:
    """Divide the time of each home into spells, and say what it was to its people.

    A home is a second home if it stands empty most of the time and is used in recurring short stays. Elsewhere
    an absence is a holiday, or from `long_days` on a long-term vacancy, which short visits do not interrupt.

    Parameters
    ----------
    daily
        Rows of `meters/daily_consumption`, sorted by meter and day.
    parameters
        Bounds; see `VacancyParameters`.

    Returns
    -------
    DataFrame
        One row a spell: `bucket`, `meter`, `first_day`, `last_day`, `spell_days`, `state` (one of `STATES`, or
        "unknown" for homes with too few days), `probability` (mean over the days of being empty, or lived in,
        as the state says; null if unknown), `mean_activity_kwh`, `reason`. The spells of a home follow each other
        without a gap.

    References
    ----------
    ONS (2014), smart-type electricity meter data pilot; Office for National Statistics on long-term vacancy
    (six months for council tax) and second homes. The bounds here are shorter because trials are.
    """
    parameters = parameters or VacancyParameters()
    days = _calendar(daily).with_columns(empty_day_probabilities(daily, parameters)["empty_probability"])
    meter = days["meter"].to_numpy()
    empty = days["empty_probability"].to_numpy()
    state = np.full(len(days), STATES.index("occupied"))
    for start, end in _spans(meter):
        if not np.isnan(empty[start]):
            state[start:end] = _states(empty[start:end] >= 0.5, parameters)
    names = np.where(np.isnan(empty), UNKNOWN, np.array(STATES)[state])
    spell = np.cumsum((np.diff(meter, prepend=meter[:1]) != 0) | (names != np.roll(names, 1)))
    lived_in = pl.col("state").is_in(["occupied", "second_home_stay"])
    return (
        days.with_columns(state=pl.Series(names, dtype=pl.String), spell=pl.Series(spell))
        .group_by("spell", maintain_order=True)
        .agg(
            pl.col("bucket", "meter").first(),
            first_day=pl.col("day").first(),
            last_day=pl.col("day").last(),
            spell_days=pl.len().cast(pl.Int32),
            state=pl.col("state").first(),
            probability=pl.col("empty_probability").mean(),
            mean_activity_kwh=pl.col("activity_kwh").mean(),
        )
        .with_columns(probability=pl.when(lived_in).then(1 - pl.col("probability")).otherwise("probability"))
        .with_columns(reason=_reason(parameters))
        .drop("spell")
    )


def _reason(parameters: VacancyParameters) -> pl.Expr:
    days = pl.col("spell_days").cast(pl.String)
    activity = pl.col("mean_activity_kwh").round(2).cast(pl.String).fill_null("unknown")
    said = {
        "occupied": pl.lit("use goes up and down as people do"),
        "holiday": pl.format("nothing much above the base load for {} days, then people are back", days),
        "vacant": pl.format(f"nothing much above the base load for {{}} days, {parameters.long_days} or more", days),
        "second_home": pl.format("empty for {} days of a home that is empty most of the time", days),
        "second_home_stay": pl.format("a stay of {} days in a home that is empty most of the time", days),
        UNKNOWN: pl.lit(f"fewer than {parameters.min_known_days} days are known"),
    }
    reason = pl.lit(None, pl.String)
    for state, sentence in said.items():
        reason = pl.when(pl.col("state") == state).then(sentence).otherwise(reason)
    return pl.format("{}; activity {} kWh a day", reason, activity)


def _states(empty: npt.NDArray[np.bool_], parameters: VacancyParameters) -> npt.NDArray[np.int64]:
    """Name the days of one home, given which of them are empty."""
    stays = [(start, end) for start, end in _runs(~empty) if start > 0 and end < len(empty)]
    lengths = [end - start for start, end in stays]
    is_second = (
        empty.mean() >= parameters.second_home_share
        and len(stays) >= parameters.second_home_stays
        and np.median(lengths) <= parameters.second_home_stay_days
        # Visits to a vacant home are shorter than a weekend.
        and np.median(lengths) >= parameters.visit_days
    )
    if is_second:
        return np.where(empty, STATES.index("second_home"), STATES.index("second_home_stay"))
    state = np.full(len(empty), STATES.index("occupied"))
    bridged = empty.copy()
    for start, end in stays:
        if end - start <= parameters.visit_days:
            bridged[start:end] = True
    for start, end in _runs(bridged):
        if empty[start:end].sum() >= parameters.long_days:
            state[start:end] = STATES.index("vacant")
        else:
            state[start:end][empty[start:end]] = STATES.index("holiday")
    return state


def _runs(marked: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (start, end) of each run of marked days."""
    steps = np.diff(np.concatenate([[0], marked.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def _calendar(daily: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each day from the first to the last of a meter."""
    whole = (
        daily.group_by("meter", maintain_order=True)
        .agg(pl.col("bucket").first(), day=pl.date_ranges(pl.col("day").min(), pl.col("day").max()).first())
        .explode("day")
    )
    return whole.join(
        daily.select("meter", "day", "activity_kwh"), on=["meter", "day"], how="left", maintain_order="left"
    ).select("bucket", "meter", "day", "activity_kwh")


def _log_activity(
    calendar: pl.DataFrame, parameters: VacancyParameters
) -> tuple[npt.NDArray[np.float64], list[tuple[int, int]]]:
    activity = calendar["activity_kwh"].fill_null(np.nan).to_numpy().astype(np.float64)
    return np.log(np.maximum(activity, 0.0) + parameters.offset_kwh), _spans(calendar["meter"].to_numpy())


def _spans(meter: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return (start, end) of the rows of each meter."""
    starts = np.flatnonzero(np.diff(meter, prepend=meter[:1] - 1)) if len(meter) else np.empty(0, dtype=np.int64)
    return list(pairwise([*starts.tolist(), len(meter)])) if len(meter) else []
