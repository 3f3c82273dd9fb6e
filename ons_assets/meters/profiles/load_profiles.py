"""Mean half-hour profiles of homes, and what can be read off them."""

from collections.abc import Collection
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from core_ext import half_hour_profiles
from ons_assets.meters.half_hours.clock_face import dense
from ons_assets.meters.half_hours.daily import base_and_activity
from ons_assets.parameters.meters import DailyParameters

SLOTS = 48
DAY_TYPES = ("weekday", "saturday", "sunday")
SEASONS = ("winter", "spring", "summer", "autumn")
DAY = 48
WEEK = 7 * 48

# Local hours as half hours of the day.
NIGHT_BASE = slice(4, 10)  # 02:00 to 05:00
EVENING_PEAK = slice(32, 40)  # 16:00 to 20:00
PARTS = {"night": (46, 12), "morning": (12, 20), "midday": (20, 32), "evening": (32, 46)}


def day_types(days: pl.Series, holidays: Collection[date] = ()) -> pl.Series:
    """Return weekday, saturday or sunday of each day; public holidays count as sundays."""
    weekday = days.dt.weekday()
    sunday = (weekday == 7) | days.is_in(pl.Series(list(holidays), dtype=pl.Date).implode())
    frame = pl.DataFrame({"weekday": weekday, "sunday": sunday})
    return frame.select(
        day_type=pl.when("sunday")
        .then(pl.lit("sunday"))
        .when(pl.col("weekday") == 6)
        .then(pl.lit("saturday"))
        .otherwise(pl.lit("weekday"))
    ).to_series()


def seasons(days: pl.Series) -> pl.Series:
    """Return the meteorological season (northern) of each day; winter is December to February."""
    return (days.dt.month() % 12 // 3).replace_strict(dict(enumerate(SEASONS)), return_dtype=pl.String)


def profiles(half_hours: pl.DataFrame, holidays: Collection[date] = (), *, n_threads: int = 0) -> pl.DataFrame:
    """Return the mean profile of each meter by season and type of day.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours`, sorted by meter and day.
    holidays
        Public holidays, counted as sundays.
    n_threads
        Threads of the kernel; 0 takes all processors.

    Returns
    -------
    DataFrame
        `bucket`, `meter`, `season`, `day_type`, `days` (days with any reading), `mean_kwh` (list of 48, kWh; NaN
        where a half hour was never read), `half_hour_readings` (list of 48). Combinations without a reading are left
        out.

    Raises
    ------
    ValueError
        If the rows are not sorted by meter.
    """
    homes = dense(half_hours)
    season = seasons(half_hours["day"]).replace_strict(list(SEASONS), range(4), return_dtype=pl.Int32).to_numpy()
    kind = day_types(half_hours["day"], holidays)
    kind_code = kind.replace_strict(list(DAY_TYPES), range(3), return_dtype=pl.Int32).to_numpy()
    code = season * len(DAY_TYPES) + kind_code
    types = len(SEASONS) * len(DAY_TYPES)
    sums, counts = half_hour_profiles(homes.kwh, homes.meter_offsets, code, types, n_threads=n_threads)
    day_read = np.isfinite(homes.kwh).any(axis=1)
    meter_of_row = np.repeat(np.arange(len(homes.meters)), np.diff(homes.meter_offsets))
    days = np.bincount(meter_of_row[day_read] * types + code[day_read], minlength=len(homes.meters) * types)
    kept = np.flatnonzero(counts.sum(axis=2).ravel() > 0)
    sums, counts = sums.reshape(-1, SLOTS)[kept], counts.reshape(-1, SLOTS)[kept]
    mean = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    buckets = half_hours["bucket"].gather(homes.meter_offsets[:-1]) if len(homes.meters) else half_hours["bucket"]
    return pl.DataFrame(
        {
            "bucket": buckets.gather(kept // types),
            "meter": homes.meters[kept // types],
            "season": np.array(SEASONS)[kept % types // len(DAY_TYPES)],
            "day_type": np.array(DAY_TYPES)[kept % len(DAY_TYPES)],
            "days": days[kept].astype(np.int32),
            "mean_kwh": pl.Series(mean, dtype=pl.Array(pl.Float64(), SLOTS)).arr.to_list(),
            "half_hour_readings": pl.Series(counts.astype(np.int32), dtype=pl.Array(pl.Int32(), SLOTS)).arr.to_list(),
        },
        schema_overrides={"season": pl.String, "day_type": pl.String},
    )


def descriptors(
    half_hours: pl.DataFrame,
    holidays: Collection[date] = (),
    daily: DailyParameters | None = None,
    *,
    min_days: int = 14,
) -> pl.DataFrame:
    """Describe each meter by indicators of its load profile.

    The indicators are of the kind that Anderson et al. (2017) relate to household characteristics: level, base,
    evening peak, load factor, and how much a day repeats the one before ("habit").

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours`, sorted by meter and day.
    holidays
        Public holidays, counted as sundays.
    daily
        What base and activity of a day are; None for the defaults.
    min_days
        Days with a reading below which all indicators of a meter are null.

    Returns
    -------
    DataFrame
        One row a meter: `bucket`, `meter`, `days`, and

        - `mean_day_kwh`: 48 times the mean profile's mean;
        - `night_base_kwh`: mean half hour from 02:00 to 05:00;
        - `base_share`: base over the mean half hour;
        - `evening_peak_kwh`: mean half hour from 16:00 to 20:00 on weekdays;
        - `evening_factor`: that over the mean half hour of the rest of the weekday;
        - `load_factor`: mean over highest half hour of the mean profile;
        - `peak_hour`: local hour of that highest half hour;
        - `high_kwh`: 97.5 % quantile of all half hours;
        - `night_share`, `morning_share`, `midday_share`, `evening_share`: shares of use from 23:00, 06:00, 10:00
          and 16:00 on;
        - `weekend_ratio`: mean of saturdays and sundays over that of weekdays;
        - `weekend_midday_ratio`: the same for 10:00 to 16:00;
        - `weekday_midday_ratio`: 10:00 to 16:00 over 16:00 to 23:00 on weekdays;
        - `day_variation`: coefficient of variation of the daily totals;
        - `median_activity_kwh`: median daily activity (see `daily_consumption`);
        - `active_half_hours`: mean number of half hours of a day above twice the day's base and 0.05 kWh;
        - `habit_day`, `habit_week`: autocorrelation of the half hours at a day and at a week.

        Null where it is not defined (no weekend in the data, no variation). Export is no use.

    References
    ----------
    Anderson, Lin, Newing, Bahaj and James (2017), Electricity consumption and household characteristics:
    implications for census-taking in a smart metered future, Computers, Environment and Urban Systems 63.
    """
    homes = dense(half_hours)
    weekend = (day_types(half_hours["day"], holidays) != "weekday").to_numpy()
    day = half_hours["day"].to_physical().to_numpy()
    rows: list[dict[str, float]] = []
    for start, end in zip(homes.meter_offsets[:-1], homes.meter_offsets[1:], strict=True):
        kwh = np.maximum(homes.kwh[start:end], np.float32(0))
        if np.isfinite(kwh).any(axis=1).sum() < min_days:
            rows.append({"days": int(np.isfinite(kwh).any(axis=1).sum())})
        else:
            rows.append(_describe(kwh, day[start:end], weekend[start:end], daily))
    schema = {"days": pl.Int32, **dict.fromkeys(INDICATORS, pl.Float64)}
    keys = {"bucket": half_hours["bucket"].gather(homes.meter_offsets[:-1]), "meter": homes.meters}
    if not rows:
        return pl.DataFrame(keys).with_columns(pl.lit(None, dtype).alias(name) for name, dtype in schema.items())
    table = pl.DataFrame(rows, schema=schema)
    return pl.DataFrame(keys).hstack(table).with_columns(pl.col(INDICATORS).fill_nan(None))


INDICATORS = (
    "mean_day_kwh",
    "night_base_kwh",
    "base_share",
    "evening_peak_kwh",
    "evening_factor",
    "load_factor",
    "peak_hour",
    "high_kwh",
    "night_share",
    "morning_share",
    "midday_share",
    "evening_share",
    "weekend_ratio",
    "weekend_midday_ratio",
    "weekday_midday_ratio",
    "day_variation",
    "median_activity_kwh",
    "active_half_hours",
    "habit_day",
    "habit_week",
)
"""Names of the indicators, in the order of `descriptors`."""


def _describe(
    kwh: npt.NDArray[np.float32],
    day: npt.NDArray[np.integer],
    weekend: npt.NDArray[np.bool_],
    daily: DailyParameters | None,
) -> dict[str, float]:
    mean = _profile(kwh)
    weekday, rest = _profile(kwh[~weekend]), _profile(kwh[weekend])
    level = float(np.nanmean(mean))
    peak = _mean(weekday[EVENING_PEAK])
    off_peak = _mean(np.delete(weekday, np.r_[EVENING_PEAK]))
    base, activity, _ = base_and_activity(kwh, daily)
    known = activity[np.isfinite(activity)]
    complete = np.isfinite(kwh).all(axis=1)
    totals = kwh[complete].sum(axis=1, dtype=np.float64)
    active = kwh > np.maximum(2 * base, base + 0.05)[:, None]
    line = np.full((int(day[-1] - day[0]) + 1, SLOTS), np.nan)
    line[day - day[0]] = kwh
    return {
        "days": int(np.isfinite(kwh).any(axis=1).sum()),
        "mean_day_kwh": SLOTS * level,
        "night_base_kwh": _mean(mean[NIGHT_BASE]),
        "base_share": _ratio(_mean(mean[NIGHT_BASE]), level),
        "evening_peak_kwh": peak,
        "evening_factor": _ratio(peak, off_peak),
        "load_factor": _ratio(level, float(np.nanmax(mean))),
        "peak_hour": float(np.nanargmax(mean)) / 2,
        "high_kwh": float(np.nanquantile(kwh, 0.975)),
        **{f"{part}_share": _ratio(_sum(mean, *span), float(np.nansum(mean))) for part, span in PARTS.items()},
        "weekend_ratio": _ratio(_mean(rest), _mean(weekday)),
        "weekend_midday_ratio": _ratio(_mean(rest[20:32]), _mean(weekday[20:32])),
        "weekday_midday_ratio": _ratio(_mean(weekday[20:32]), _mean(weekday[32:46])),
        "day_variation": _ratio(float(totals.std()), float(totals.mean())) if len(totals) > 1 else np.nan,
        "median_activity_kwh": float(np.median(known)) if len(known) else np.nan,
        "active_half_hours": float(active[complete].sum(axis=1).mean()) if complete.any() else np.nan,
        "habit_day": _autocorrelation(line.ravel(), DAY),
        "habit_week": _autocorrelation(line.ravel(), WEEK),
    }


def _profile(kwh: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Mean of each half hour; NaN where it was never read."""
    sums, counts = half_hour_profiles(kwh, [0, len(kwh)], np.zeros(len(kwh), dtype=np.int32), 1, n_threads=1)
    mean: npt.NDArray[np.float64] = np.divide(
        sums[0, 0], counts[0, 0], out=np.full(SLOTS, np.nan), where=counts[0, 0] > 0
    )
    return mean


def _mean(values: npt.NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _sum(profile: npt.NDArray[np.float64], start: int, end: int) -> float:
    part = profile[start:end] if start < end else np.concatenate([profile[start:], profile[:end]])
    return float(np.nansum(part))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else np.nan


def _autocorrelation(line: npt.NDArray[np.float64], lag: int) -> float:
    """Pearson correlation of half hours with those `lag` before, over pairs that were both read."""
    if len(line) <= lag:
        return np.nan
    before, after = line[:-lag], line[lag:]
    both = np.isfinite(before) & np.isfinite(after)
    if both.sum() < WEEK or before[both].std() == 0 or after[both].std() == 0:
        return np.nan
    return float(np.corrcoef(before[both], after[both])[0, 1])
