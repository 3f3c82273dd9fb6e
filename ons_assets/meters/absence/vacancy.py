"""What a home is to its people, day by day and by spells: lived in, left for a holiday, vacant, a second home.

Names follow bounds (an absence of so many days), probabilities what was seen where the truth is known.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.absence.empty_days import empty_days, spans
from ons_assets.meters.absence.kinds import BoolArray, Run, absences, kind_probabilities, stays_between
from ons_assets.parameters.meters import VacancyParameters

STATES = ("occupied", "holiday", "vacant", "second_home", "second_home_stay")
UNKNOWN = "unknown"
PROBABILITIES = ("empty_probability", "vacant_probability", "second_home_probability")


def absence_tables(
    half_hours: pl.DataFrame, parameters: VacancyParameters | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Say of each day how likely nobody was there and nobody lives there, and divide the time of each home into spells.

    A home is a second home if it stands empty most of the time and is used in recurring short stays. Elsewhere
    an absence is a holiday, or from `long_days` on a long-term vacancy, which short visits do not interrupt.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours`, sorted by meter and day: all days of their meters.
    parameters
        Models and bounds; see `VacancyParameters`.

    Returns
    -------
    daily_absence : DataFrame
        `bucket`, `meter`, `day`, `empty_probability` (nobody was in from midnight to midnight), `vacant_probability`
        (nobody lives there), `second_home_probability` (its people live elsewhere); null for homes with too few days.
        The last two, and that somebody has their home there, add up to 1.
    vacancy : DataFrame
        One row a spell: `bucket`, `meter`, `first_day`, `last_day`, `spell_days`, `state` (one of `STATES`, or
        "unknown" for homes with too few days), `probability` (mean over the days of being empty, or lived in, as the
        state says), `vacant_probability`, `second_home_probability` (means over the days; all three null if unknown),
        `mean_activity_kwh`, `reason`. The spells of a home follow each other without a gap.

    References
    ----------
    ONS (2014), smart-type electricity meter data pilot; Office for National Statistics on long-term vacancy
    (six months for council tax) and second homes. The bounds here are shorter because trials are.
    """
    parameters = parameters or VacancyParameters()
    days = empty_days(half_hours, parameters)
    empty = days["empty_probability"].fill_null(np.nan).to_numpy()
    state = np.full(len(days), STATES.index("occupied"))
    vacant, second = np.full(len(days), np.nan), np.full(len(days), np.nan)
    for start, end in spans(days["meter"].to_numpy()):
        if not np.isnan(empty[start]):
            is_empty = empty[start:end] >= 0.5
            found = absences(is_empty, parameters.visit_days)
            state[start:end] = states_of_days(is_empty, found, parameters)
            vacant[start:end], second[start:end] = kind_probabilities(is_empty, found, parameters)
    named = days.with_columns(
        state=pl.Series(np.where(np.isnan(empty), UNKNOWN, np.array(STATES)[state]), dtype=pl.String),
        vacant_probability=pl.Series(vacant).fill_nan(None),
        second_home_probability=pl.Series(second).fill_nan(None),
    )
    return named.select("bucket", "meter", "day", *PROBABILITIES), _spells(named, parameters)


def _spells(days: pl.DataFrame, parameters: VacancyParameters) -> pl.DataFrame:
    meter, state = days["meter"].to_numpy(), days["state"].to_numpy()
    spell = np.cumsum((np.diff(meter, prepend=meter[:1]) != 0) | (state != np.roll(state, 1)))
    lived_in = pl.col("state").is_in(["occupied", "second_home_stay"])
    return (
        days.with_columns(spell=pl.Series(spell))
        .group_by("spell", maintain_order=True)
        .agg(
            pl.col("bucket", "meter").first(),
            first_day=pl.col("day").first(),
            last_day=pl.col("day").last(),
            spell_days=pl.len().cast(pl.Int32),
            state=pl.col("state").first(),
            probability=pl.col("empty_probability").mean(),
            vacant_probability=pl.col("vacant_probability").mean(),
            second_home_probability=pl.col("second_home_probability").mean(),
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


def states_of_days(empty: BoolArray, found: list[Run], parameters: VacancyParameters) -> npt.NDArray[np.int64]:
    """Return the state of each day of one home, as its place in `STATES`.

    Parameters
    ----------
    empty
        Days on which nobody was there, (days,).
    found
        From `absences`.
    parameters
        Bounds.
    """
    lengths = [end - start for start, end in stays_between(empty)]
    is_second = (
        empty.mean() >= parameters.second_home_share
        and len(lengths) >= parameters.second_home_stays
        and np.median(lengths) <= parameters.second_home_stay_days
        # Visits to a vacant home are shorter than a weekend.
        and np.median(lengths) >= parameters.visit_days
    )
    if is_second:
        return np.where(empty, STATES.index("second_home"), STATES.index("second_home_stay"))
    state = np.full(len(empty), STATES.index("occupied"))
    for start, end in found:
        if empty[start:end].sum() >= parameters.long_days:
            state[start:end] = STATES.index("vacant")
        else:
            state[start:end][empty[start:end]] = STATES.index("holiday")
    return state
