"""Permanence scores: the hours that a device is at a place, by day, month and season.

The unit of place is whatever the caller has: a place of the device (cells near to each other), a tile, or an area. In
which hours a device is at more than one of them at once, each has the hour.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.parameters.mobile_presence import PermanenceParameters

HOURS = 24
UNIT = ("user", "place")
PERIOD = ("day_group", "time_interval")
DAILY = {"user": pl.Int64(), "place": pl.Int32(), "day": pl.Date(), "hours_mask": pl.Int32()}
# Days of the week of Polars: Monday is 1.
FIRST_WEEKDAY = 1
SEASONS = {12: "winter", 1: "winter", 2: "winter", 3: "spring", 4: "spring", 5: "spring", 6: "summer", 7: "summer",
           8: "summer", 9: "autumn", 10: "autumn", 11: "autumn"}  # fmt: skip
DECEMBER = 12
ALL = "all"


def daily_permanence(
    user: npt.NDArray[np.int64],
    place: npt.NDArray[np.int32],
    day: npt.NDArray[np.int32],
    hours: npt.NDArray[np.float64],
    parameters: PermanenceParameters | None = None,
) -> pl.DataFrame:
    """Say in which hours of which day a device was at which place.

    Parameters
    ----------
    user, place, day : arrays, shape (n,)
        One row a device, place and local day (since 1970).
    hours : array of float64, shape (n, 24)
        Part of each hour of the local clock that the device was there, from 0 to 1.

    Returns
    -------
    pl.DataFrame
        user, place, day, hours_mask: bit h is set if the device was there for `present_minutes` of hour h. Places
        without an hour have no row.
    """
    parameters = parameters or PermanenceParameters()
    # Rounded, so that half an hour is one wherever it begins.
    present = np.round(hours, 6) >= parameters.present_minutes / 60
    mask = (present.astype(np.int32) << np.arange(HOURS, dtype=np.int32)).sum(axis=1, dtype=np.int32)
    rows = pl.DataFrame({"user": user, "place": place, "day": day, "hours_mask": mask})
    return rows.with_columns(pl.col("day").cast(pl.Int32()).cast(pl.Date())).filter(pl.col("hours_mask") != 0)


def midterm_permanence(daily: pl.DataFrame, parameters: PermanenceParameters | None = None) -> pl.DataFrame:
    """Add the hours of devices at places up by month, day type and time of the day.

    A day is that on which the time of the day begins: the hours after midnight of a night are of the evening before,
    as are those before `day_start_hour` of a day that is not divided.

    Parameters
    ----------
    daily
        What `daily_permanence` returns; all days of some devices.

    Returns
    -------
    pl.DataFrame
        user, place, month, day_group, time_interval; permanence_hours and days_there at the place; observed_hours and
        observed_days of the device at any place; regularity_mean_days and regularity_std_days: mean and sample
        standard deviation of the gaps between its days at the place, the first and the last being reckoned from a visit
        `around_days` before or after the month at most, or from there. Sorted.

    References
    ----------
    Eurostat's reference pipeline (multimno), mid-term permanence score.
    """
    parameters = parameters or PermanenceParameters()
    anywhere = daily.group_by("user", "day").agg(pl.col("hours_mask").bitwise_or())
    intervals = {period.split("/")[1] for period in parameters.periods}
    dated = {
        interval: (
            _by_day(daily, interval, parameters, UNIT).sort(*UNIT, "day"),
            _by_day(anywhere, interval, parameters, ("user",)),
        )
        for interval in sorted(intervals)
    }
    parts = []
    for period in parameters.periods:
        day_type, interval = period.split("/")
        at_place, seen = (_of_type(rows, day_type, parameters) for rows in dated[interval])
        months = seen.group_by("user", _month()).agg(observed_hours=_sum("hours"), observed_days=_count())
        parts.append(
            _months(at_place, parameters)
            .join(months, on=["user", "month"])
            .with_columns(day_group=pl.lit(day_type), time_interval=pl.lit(interval))
        )
    return (
        pl.concat(parts)
        .select(
            *UNIT, "month", *PERIOD, "permanence_hours", "days_there", "observed_hours", "observed_days",
            "regularity_mean_days", "regularity_std_days",
        )
        .sort(*UNIT, "month", *PERIOD)
    )  # fmt: skip


def _by_day(
    daily: pl.DataFrame, interval: str, parameters: PermanenceParameters, unit: tuple[str, ...]
) -> pl.DataFrame:
    """Hours of a time of the day, by the day to which it belongs: unit, day, hours."""
    own, earlier = interval_masks(interval, parameters)
    of_day = daily.select(*unit, "day", hours=_bits(own)).filter(pl.col("hours") > 0)
    if not earlier:
        return of_day
    before = (pl.col("day").to_physical() - 1).cast(pl.Date())
    of_eve = daily.select(*unit, before, hours=_bits(earlier)).filter(pl.col("hours") > 0)
    return pl.concat([of_day, of_eve]).group_by(*unit, "day").agg(_sum("hours"))


def interval_masks(interval: str, parameters: PermanenceParameters) -> tuple[int, int]:
    """Return the hours of a time of the day that belong to the day itself, and those to the day before, as bits."""
    start, end = {
        ALL: (parameters.day_start_hour, parameters.day_start_hour),
        "night": (parameters.night_start, parameters.night_end),
        "working_hours": (parameters.work_start, parameters.work_end),
        "evening": (parameters.evening_start, parameters.evening_end),
    }[interval]
    if start < end:
        return _mask(start, end), 0
    return _mask(start, HOURS), _mask(0, end)


def _mask(start: int, end: int) -> int:
    return sum(1 << hour for hour in range(start, end))


def _bits(mask: int) -> pl.Expr:
    return (pl.col("hours_mask") & mask).bitwise_count_ones().cast(pl.Int32())


def _of_type(rows: pl.DataFrame, day_type: str, parameters: PermanenceParameters) -> pl.DataFrame:
    is_weekend = (pl.col("day").dt.weekday() - FIRST_WEEKDAY).is_in(list(parameters.weekend))
    is_holiday = pl.col("day").is_in(list(parameters.holidays)) if parameters.holidays else pl.lit(value=False)
    kept = {
        ALL: pl.lit(value=True),
        "workdays": ~is_weekend & ~is_holiday,
        "weekends": is_weekend,
        "holidays": is_holiday,
    }
    return rows.filter(kept[day_type])


def _months(rows: pl.DataFrame, parameters: PermanenceParameters) -> pl.DataFrame:
    """Hours, days and their regularity by unit and month, of rows that are sorted by unit and day."""
    follows = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in UNIT).fill_null(value=False)
    ordered = rows.with_columns(
        _month(),
        before=pl.when(follows).then(pl.col("day").shift(1)),
        after=pl.when(follows.shift(-1)).then(pl.col("day").shift(-1)),
    )
    gap = (pl.col("day") - pl.col("before")).dt.total_days()
    is_inner = pl.col("before").dt.truncate("1mo") == pl.col("month")
    around = f"{parameters.around_days}d"
    earliest = pl.col("month").dt.offset_by(f"-{around}")
    latest = pl.col("month").dt.month_end().dt.offset_by(around)
    summed = ordered.group_by(*UNIT, "month", maintain_order=True).agg(
        permanence_hours=_sum("hours"),
        days_there=_count(),
        first=pl.col("day").first(),
        last=pl.col("day").last(),
        before=pl.col("before").first(),
        after=pl.col("after").last(),
        squares=(gap**2).filter(is_inner).sum(),
    )
    bounded = summed.with_columns(
        start=pl.max_horizontal(pl.col("before").fill_null(earliest), earliest),
        end=pl.min_horizontal(pl.col("after").fill_null(latest), latest),
    )
    opening, closing = (
        (pl.col("first") - pl.col("start")).dt.total_days(),
        (pl.col("end") - pl.col("last")).dt.total_days(),
    )
    gaps = pl.col("days_there") + 1
    mean = (pl.col("end") - pl.col("start")).dt.total_days() / gaps
    spread = pl.col("squares") + opening**2 + closing**2 - gaps * mean**2
    return bounded.with_columns(
        regularity_mean_days=mean, regularity_std_days=(spread.clip(0) / (gaps - 1)).sqrt()
    ).drop("first", "last", "before", "after", "squares", "start", "end")


def longterm_permanence(midterm: pl.DataFrame) -> pl.DataFrame:
    """Add months up to seasons, and to all of the time.

    Parameters
    ----------
    midterm
        What `midterm_permanence` returns; all months of some devices.

    Returns
    -------
    pl.DataFrame
        user, place, year_season ("all", or such as 2014-autumn; a winter is of the year of its January), day_group,
        time_interval; permanence_hours, days_there, observed_hours, observed_days; days_mean and days_std of the months
        in which the device was at the place; regularity_mean_days and regularity_std_days: mean and sample standard
        deviation of the means of its months. A standard deviation of one month is null. Sorted.
    """
    number = pl.col("month").dt.month()
    year = pl.col("month").dt.year() + (number == DECEMBER).cast(pl.Int32())
    name = number.replace_strict(SEASONS, return_dtype=pl.String())
    seasons = pl.concat(
        [
            midterm.with_columns(year_season=pl.lit(ALL)),
            midterm.with_columns(year_season=pl.format("{}-{}", year, name)),
        ]
    )
    seen = seasons.select("user", "year_season", *PERIOD, "month", "observed_hours", "observed_days").unique()
    observed = seen.group_by("user", "year_season", *PERIOD).agg(_sum("observed_hours"), _sum("observed_days"))
    mean = pl.col("regularity_mean_days")
    return (
        # One order, as a mean of decimals depends on it.
        seasons.sort(*UNIT, "year_season", *PERIOD, "month")
        .group_by(*UNIT, "year_season", *PERIOD, maintain_order=True)
        .agg(
            _sum("permanence_hours"),
            _sum("days_there"),
            days_mean=pl.col("days_there").mean(),
            days_std=pl.col("days_there").std(),
            regularity_mean_days=mean.mean(),
            regularity_std_days=mean.std(),
        )
        .join(observed, on=["user", "year_season", *PERIOD])
        .select(
            *UNIT, "year_season", *PERIOD, "permanence_hours", "days_there", "observed_hours", "observed_days",
            "days_mean", "days_std", "regularity_mean_days", "regularity_std_days",
        )
        .sort(*UNIT, "year_season", *PERIOD)
    )  # fmt: skip


def _month() -> pl.Expr:
    return pl.col("day").dt.truncate("1mo").alias("month")


def _sum(name: str) -> pl.Expr:
    return pl.col(name).sum().cast(pl.Int32())


def _count() -> pl.Expr:
    return pl.len().cast(pl.Int32())
