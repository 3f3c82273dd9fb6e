"""The passes over half hours in plain Python: slow, obvious, and what the tests hold the kernels against."""

import math
from itertools import groupby, pairwise

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer]


def half_hour_profiles(
    kwh: npt.NDArray[np.floating], meter_offsets: IntArray, day_type: IntArray, n_day_types: int
) -> tuple[FloatArray, npt.NDArray[np.int32]]:
    """Sum the readings of every meter by type of day and half hour; see the kernel beside it.

    Parameters
    ----------
    kwh
        Readings in kWh, shape (meter-days, 48), the days of a meter together; NaN where nothing was read.
    meter_offsets
        First row of each meter, and the number of rows at the end, shape (meters + 1,).
    day_type
        Type of each day, 0 to `n_day_types` - 1; a day of a negative type is in no profile.
    n_day_types
        Number of profiles for each meter.
    """
    sums = np.zeros((len(meter_offsets) - 1, n_day_types, 48))
    counts = np.zeros((len(meter_offsets) - 1, n_day_types, 48), dtype=np.int32)
    for meter, (start, end) in enumerate(pairwise(meter_offsets)):
        for row in range(start, end):
            for slot in range(48):
                if day_type[row] >= 0 and not math.isnan(kwh[row, slot]):
                    sums[meter, day_type[row], slot] += float(kwh[row, slot])
                    counts[meter, day_type[row], slot] += 1
    return sums, counts


def daily_totals(kwh: npt.NDArray[np.floating]) -> tuple[FloatArray, npt.NDArray[np.int8]]:
    """Sum the readings of every day; see the kernel beside it."""
    read = [[float(value) for value in day if not math.isnan(value)] for day in kwh]
    totals = [math.fsum(values) if values else math.nan for values in read]
    return np.array(totals, dtype=float), np.array([len(values) for values in read], dtype=np.int8)


def half_hour_pass(
    kwh: npt.NDArray[np.floating], meter_offsets: IntArray, day_type: IntArray, n_day_types: int
) -> tuple[FloatArray, npt.NDArray[np.int32], FloatArray, npt.NDArray[np.int8]]:
    """Sum the readings by type of day and half hour, and by day, one after the other; see the kernel beside it.

    Parameters
    ----------
    kwh, meter_offsets, day_type, n_day_types
        As for `half_hour_profiles`.
    """
    return (*half_hour_profiles(kwh, meter_offsets, day_type, n_day_types), *daily_totals(kwh))


def half_hour_runs(
    kwh: npt.NDArray[np.floating], meter_offsets: IntArray, kind: str, day: IntArray, min_length: int
) -> list[tuple[int, int, int]]:
    """List (meter, first half hour, length) of runs of missing, zero or flat readings; see the kernel beside it.

    The readings of a meter are laid on its whole calendar, absent days as missing, and marked one by one.

    Parameters
    ----------
    kwh
        Readings in kWh, shape (meter-days, 48), the days of a meter together and in order; NaN is missing.
    meter_offsets
        First row of each meter, and the number of rows at the end, shape (meters + 1,).
    kind
        "missing", "zero", or "flat": the same reading again and again, other than zero.
    day
        Number of the calendar day of each row.
    min_length
        Half hours of the shortest run that is listed.
    """
    runs = []
    for meter, (start, end) in enumerate(pairwise(meter_offsets)):
        if start == end:
            continue
        values = [math.nan] * (48 * (int(day[end - 1]) - int(day[start]) + 1))
        for row in range(start, end):
            values[48 * int(day[row] - day[start]) : 48 * int(day[row] - day[start] + 1)] = kwh[row].tolist()
        keys: list[str | float | None]
        if kind == "missing":
            keys = ["missing" if math.isnan(value) else None for value in values]
        else:
            keys = [None if math.isnan(value) or (value == 0) != (kind == "zero") else value for value in values]
        place = 0
        for key, group in groupby(keys):
            length = len(list(group))
            # A single reading repeats nothing, so the shortest flat run has two.
            if key is not None and length >= max(min_length, 2 if kind == "flat" else 1):
                runs.append((meter, place, length))
            place += length
    return runs


def low_day_runs(
    day_kwh: FloatArray,
    level_kwh: FloatArray,
    meter_offsets: IntArray,
    day: IntArray,
    min_days: int,
    max_gap_days: int,
) -> list[tuple[int, int, int, int]]:
    """List (meter, first row, last row, low days) of runs of low days; see the kernel beside it.

    Parameters
    ----------
    day_kwh
        Use of each day in kWh, the days of a meter together and in order; NaN where it is unknown.
    level_kwh
        Level below which the day is low; NaN where there is none. A day without either breaks no run.
    meter_offsets
        First row of each meter, and the number of rows at the end, shape (meters + 1,).
    day
        Number of the calendar day of each row.
    min_days
        Low days of the shortest run that is listed.
    max_gap_days
        Days without a verdict that a run may span between two of its low days.
    """
    runs = []
    for meter, (start, end) in enumerate(pairwise(meter_offsets)):
        known = [row for row in range(start, end) if not math.isnan(day_kwh[row]) and not math.isnan(level_kwh[row])]
        parts: list[list[int]] = [[]]
        for row in known:
            if day_kwh[row] >= level_kwh[row]:
                parts.append([])
                continue
            if parts[-1] and day[row] - day[parts[-1][-1]] - 1 > max_gap_days:
                parts.append([])
            parts[-1].append(row)
        runs += [(meter, part[0], part[-1], len(part)) for part in parts if len(part) >= min_days]
    return runs
