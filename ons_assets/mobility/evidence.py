"""What stays say about a place: the hours of a week in which people are at home, or at work.

A stay is weighed by a weekly profile, hour by hour, and added up by place and day.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.parameters.mobility import WeeklyProfile

HOURS_OF_WEEK = 168
# 1 January 1970 was a Thursday; hour 0 of a week is Monday's first.
EPOCH_HOUR_OF_WEEK = 3 * 24
# A stay across more days is a device left behind, and would only make the table long.
MAX_STAY_DAYS = 14

Profile = npt.NDArray[np.float64]


def weights_of(profile: WeeklyProfile) -> Profile:
    """Return the weight of each hour of the week, from Monday 00:00; shape (168,)."""
    hour = np.arange(HOURS_OF_WEEK) % 24
    is_weekend = np.arange(HOURS_OF_WEEK) >= 5 * 24
    weights = np.where(is_weekend, profile.weekend, profile.evening)
    weights = np.where((hour >= profile.work_start) & (hour < profile.work_end) & ~is_weekend, profile.working, weights)
    return np.where((hour >= profile.night_start) | (hour < profile.night_end), profile.night, weights).astype(
        np.float64
    )


def hours_between(start: int, end: int) -> Profile:
    """Return one for each hour of the week from the start of a day to the end, across midnight if it is earlier."""
    hour = np.arange(HOURS_OF_WEEK) % 24
    inside = (hour >= start) & (hour < end) if start < end else (hour >= start) | (hour < end)
    return inside.astype(np.float64)


def split_by_day(stays: pl.LazyFrame, instant_hours: float) -> pl.LazyFrame:
    """Cut stays at midnight.

    Parameters
    ----------
    stays
        user, place, start, end (local clock), and any further columns.
    instant_hours
        What a stay without length, such as a tweet, counts for.

    Returns
    -------
    pl.LazyFrame
        The stays with `day` (days since 1970), `from_hour` and `to_hour` (hours
        since 1970, local clock) instead of start and end; and `is_instant`.
    """
    hour = 3_600_000_000.0
    start = pl.col("start").cast(pl.Datetime("us")).to_physical() / hour
    end = pl.col("end").cast(pl.Datetime("us")).to_physical() / hour
    timed = stays.with_columns(from_hour=start, to_hour=end, is_instant=end <= start).drop("start", "end")
    timed = timed.with_columns(
        pl.when("is_instant").then(pl.col("from_hour") + instant_hours).otherwise("to_hour").alias("to_hour"),
        day=(pl.col("from_hour") / 24).floor().cast(pl.Int32()),
    )
    last = (pl.col("to_hour") / 24).ceil().cast(pl.Int32()) - 1
    # Most stays lie within a day; only the others are made into several rows.
    within = timed.filter(pl.col("is_instant") | (last <= pl.col("day")))
    across = (
        timed.filter(~pl.col("is_instant") & (last > pl.col("day")))
        .with_columns(day=pl.int_ranges("day", pl.min_horizontal(last, pl.col("day") + MAX_STAY_DAYS) + 1))
        .explode("day")
        .with_columns(
            pl.col("day").cast(pl.Int32()),
            from_hour=pl.max_horizontal("from_hour", pl.col("day") * 24.0),
            to_hour=pl.min_horizontal("to_hour", pl.col("day") * 24.0 + 24),
        )
    )
    return pl.concat([within, across])


def weigh(profile: WeeklyProfile) -> pl.Expr:
    """Return the integral of the profile between `from_hour` and `to_hour`, in weighted hours."""
    return weigh_hours(weights_of(profile))


def weigh_hours(weights: Profile) -> pl.Expr:
    """Return the integral of the weights of the hours of the week between `from_hour` and `to_hour`."""
    cumulated = pl.Series(np.concatenate([[0.0], np.cumsum(weights)[:-1]]))
    hourly = pl.Series(weights)
    total = float(weights.sum())

    def integral(hour: pl.Expr) -> pl.Expr:
        of_epoch = hour + EPOCH_HOUR_OF_WEEK
        week = (of_epoch / HOURS_OF_WEEK).floor()
        of_week = of_epoch - week * HOURS_OF_WEEK
        whole = of_week.floor().cast(pl.Int32()).clip(0, HOURS_OF_WEEK - 1)
        return week * total + pl.lit(cumulated).gather(whole) + pl.lit(hourly).gather(whole) * (of_week - whole)

    return integral(pl.col("to_hour")) - integral(pl.col("from_hour"))
