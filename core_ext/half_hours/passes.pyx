"""One pass over half-hourly readings: profiles, daily totals, and runs of missing, zero, flat or low ones.

Readings are a dense float32 array (meter-days, 48), kWh in each half hour, NaN where nothing was read. Meter
``m`` owns the rows ``meter_offsets[m]:meter_offsets[m + 1]``, in ascending day. Sums are taken in double, and
a meter is worked by one thread from its first row to its last, so the result is the same for any number of
threads.

Reference: ``core_ext.half_hours.reference`` holds the same functions in plain Python.
"""

from libc.math cimport NAN
from libc.stdint cimport int8_t, int32_t, int64_t

from typing import NamedTuple

import numpy as np

from core_ext.arguments import checked_column, checked_days, checked_offsets, checked_readings, over_meters

cdef enum:
    SLOTS = 48
    HALF = 24
    QUARTER = 12
    BATCH = 4

cdef enum RunKind:
    MISSING = 0
    ZERO = 1
    FLAT = 2

RUN_KINDS = {"missing": MISSING, "zero": ZERO, "flat": FLAT}


class HalfHourPass(NamedTuple):
    """What one pass over the readings gives; see `half_hour_pass`."""

    sums: np.ndarray
    counts: np.ndarray
    day_kwh: np.ndarray
    day_readings: np.ndarray


class HalfHourRuns(NamedTuple):
    """Runs of half hours; see `half_hour_runs`."""

    meter: np.ndarray
    first: np.ndarray
    length: np.ndarray


class DayRuns(NamedTuple):
    """Runs of days; see `low_day_runs`."""

    meter: np.ndarray
    first_row: np.ndarray
    last_row: np.ndarray
    days: np.ndarray


def half_hour_profiles(kwh, meter_offsets, day_type, n_day_types=None, *, int n_threads=0):
    """Sum the readings of every meter by type of day and half hour.

    Parameters
    ----------
    kwh : float32 array, (rows, 48)
        kWh in each half hour of a meter-day; NaN is missing.
    meter_offsets : int64 array, (meters + 1,)
        Rows of meter m are ``meter_offsets[m]:meter_offsets[m + 1]``.
    day_type : int array, (rows,)
        Type of each day, 0 to ``n_day_types - 1``; a negative type leaves the day out.
    n_day_types : int, optional
        Number of types; the largest in `day_type` plus one if left out.
    n_threads : int
        Number of threads; 0 takes all processors. The result does not depend on it.

    Returns
    -------
    sums : float64 array, (meters, n_day_types, 48)
        kWh summed over the days of the type.
    counts : int32 array, (meters, n_day_types, 48)
        Number of readings; sums / counts is the mean profile.

    Raises
    ------
    ValueError
        If the arrays do not fit together.

    Examples
    --------
    One meter, two working days and a Sunday; the first half hour of the second day was not read:

    >>> import numpy as np
    >>> kwh = np.full((3, 48), 0.25, dtype=np.float32)
    >>> kwh[1, 0] = np.nan
    >>> sums, counts = half_hour_profiles(kwh, [0, 3], [0, 0, 1])
    >>> sums[0, :, 0], sums[0, :, 1], counts[0, :, 0]
    (array([0.25, 0.25]), array([0.5 , 0.25]), array([1, 1], dtype=int32))
    """
    both = half_hour_pass(kwh, meter_offsets, day_type, n_day_types, n_threads=n_threads)
    return both.sums, both.counts


def half_hour_pass(kwh, meter_offsets, day_type, n_day_types=None, *, int n_threads=0):
    """Sum the readings by type of day and half hour, and by day, in one pass.

    Parameters
    ----------
    kwh, meter_offsets, day_type, n_day_types, n_threads
        As for `half_hour_profiles`. A day that is left out of the profiles still has a daily total.

    Returns
    -------
    HalfHourPass
        ``sums`` and ``counts`` as from `half_hour_profiles`; ``day_kwh`` float64 (rows,), the sum of what was
        read on the day, NaN where nothing was; ``day_readings`` int8 (rows,), the number of readings.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """
    readings = checked_readings(kwh)
    offsets = checked_offsets(meter_offsets, len(readings), "meter_offsets")
    types = checked_column(day_type, len(readings), np.int32, "day_type")
    largest = int(types.max()) if len(types) else -1
    if n_day_types is None:
        n_day_types = max(largest + 1, 1)
    if n_day_types < 1 or largest >= n_day_types:
        raise ValueError(f"day_type must lie below {n_day_types}, the number of types")
    n_meters = len(offsets) - 1
    sums = np.zeros((n_meters, n_day_types, SLOTS))
    # Missing readings are few, so they are counted, and taken from the number of days at the end.
    missing = np.zeros((n_meters, n_day_types, SLOTS), dtype=np.int32)
    days = np.zeros((n_meters, n_day_types), dtype=np.int32)
    day_kwh = np.empty(len(readings))
    day_readings = np.empty(len(readings), dtype=np.int8)
    cdef const float[:, ::1] readings_view = readings
    cdef const int64_t[::1] offsets_view = offsets
    cdef const int32_t[::1] types_view = types
    cdef double[:, :, ::1] sums_view = sums
    cdef int32_t[:, :, ::1] missing_view = missing
    cdef int32_t[:, ::1] days_view = days
    cdef double[::1] day_kwh_view = day_kwh
    cdef int8_t[::1] day_readings_view = day_readings

    def work(Py_ssize_t first, Py_ssize_t end):
        cdef Py_ssize_t meter
        with nogil:
            for meter in range(first, end):
                _pass_meter(
                    readings_view, offsets_view[meter], offsets_view[meter + 1], types_view,
                    sums_view[meter], missing_view[meter], days_view[meter], day_kwh_view, day_readings_view,
                )

    over_meters(work, n_meters, n_threads)
    return HalfHourPass(sums, days[:, :, None] - missing, day_kwh, day_readings)


cdef void _pass_meter(
    const float[:, ::1] kwh,
    Py_ssize_t first_row,
    Py_ssize_t end_row,
    const int32_t[::1] day_type,
    double[:, ::1] sums,
    int32_t[:, ::1] missing,
    int32_t[::1] days,
    double[::1] day_kwh,
    int8_t[::1] day_readings,
) noexcept nogil:
    """Take the rows of one meter.

    Whole days are added to a profile in batches of neighbouring days of the same type, because the batch and
    not each day then has to load and store the profile.
    """
    cdef Py_ssize_t row, slot
    cdef int32_t kind
    cdef int32_t batch_kind = -1
    cdef double total
    cdef int8_t n
    cdef int batched = 0
    cdef const float* day
    cdef const float* batch[BATCH]
    for row in range(first_row, end_row):
        day = &kwh[row, 0]
        kind = day_type[row]
        total = _sum_of_day(day)
        n = SLOTS
        if total != total:
            total = _sum_of_broken_day(day, &n)
            if kind >= 0:
                _add_broken_day(&sums[kind, 0], &missing[kind, 0], day)
        elif kind >= 0:
            if batched == BATCH or (batched and kind != batch_kind):
                _add_days(&sums[batch_kind, 0], batch, batched)
                batched = 0
            batch_kind = kind
            batch[batched] = day
            batched += 1
        if kind >= 0:
            days[kind] += 1
        day_kwh[row] = total
        day_readings[row] = n
    if batched:
        _add_days(&sums[batch_kind, 0], batch, batched)


cdef inline void _add_days(double* profile, const float** batch, int batched) noexcept nogil:
    """Add a batch of whole days to a profile."""
    cdef Py_ssize_t slot
    cdef int i
    cdef const float* a
    cdef const float* b
    cdef const float* c
    cdef const float* d
    if batched == BATCH:
        a, b, c, d = batch[0], batch[1], batch[2], batch[3]
        for slot in range(SLOTS):
            profile[slot] += (<double>a[slot] + <double>b[slot]) + (<double>c[slot] + <double>d[slot])
        return
    for i in range(batched):
        a = batch[i]
        for slot in range(SLOTS):
            profile[slot] += <double>a[slot]


cdef inline void _add_broken_day(double* profile, int32_t* missing, const float* day) noexcept nogil:
    """Add what was read of a day to a profile, and count what was not."""
    cdef Py_ssize_t slot
    for slot in range(SLOTS):
        profile[slot] += <double>day[slot] if day[slot] == day[slot] else 0.0
    for slot in range(SLOTS):
        missing[slot] += day[slot] != day[slot]


cdef inline double _sum_of_day(const float* day) noexcept nogil:
    """Sum a day by folding it; NaN where any reading is."""
    cdef double half[HALF]
    cdef double quarter[QUARTER]
    cdef Py_ssize_t i
    for i in range(HALF):
        half[i] = <double>day[i] + <double>day[i + HALF]
    for i in range(QUARTER):
        quarter[i] = half[i] + half[i + QUARTER]
    return (
        ((quarter[0] + quarter[1]) + (quarter[2] + quarter[3]))
        + ((quarter[4] + quarter[5]) + (quarter[6] + quarter[7]))
        + ((quarter[8] + quarter[9]) + (quarter[10] + quarter[11]))
    )


cdef inline double _sum_of_broken_day(const float* day, int8_t* n) noexcept nogil:
    """Sum what was read of a day, and count it; NaN where nothing was read."""
    cdef float present[SLOTS]
    cdef int32_t count = 0
    cdef Py_ssize_t slot
    for slot in range(SLOTS):
        present[slot] = day[slot] if day[slot] == day[slot] else <float>0.0
        count += day[slot] == day[slot]
    n[0] = <int8_t>count
    return _sum_of_day(present) if count else NAN


def daily_totals(kwh, *, int n_threads=0):
    """Sum the readings of every day.

    Parameters
    ----------
    kwh : float32 array, (rows, 48)
        kWh in each half hour of a meter-day; NaN is missing.
    n_threads : int
        Number of threads; 0 takes all processors.

    Returns
    -------
    day_kwh : float64 array, (rows,)
        Sum of what was read on the day; NaN where nothing was.
    day_readings : int8 array, (rows,)
        Number of readings, 0 to 48.

    Raises
    ------
    ValueError
        If `kwh` is not a floating-point array (rows, 48).
    """
    readings = checked_readings(kwh)
    rows = len(readings)
    day_kwh = np.empty(rows)
    day_readings = np.empty(rows, dtype=np.int8)
    cdef const float[:, ::1] readings_view = readings
    cdef double[::1] day_kwh_view = day_kwh
    cdef int8_t[::1] day_readings_view = day_readings

    def work(Py_ssize_t first, Py_ssize_t end):
        cdef Py_ssize_t row
        with nogil:
            for row in range(first, end):
                day_readings_view[row] = SLOTS
                day_kwh_view[row] = _sum_of_day(&readings_view[row, 0])
                if day_kwh_view[row] != day_kwh_view[row]:
                    day_kwh_view[row] = _sum_of_broken_day(&readings_view[row, 0], &day_readings_view[row])

    over_meters(work, rows, n_threads)
    return day_kwh, day_readings


def half_hour_runs(kwh, meter_offsets, str kind, *, day=None, int min_length=1, int n_threads=0):
    """Find the runs of half hours that are missing, exactly zero, or flat (repeat the reading before).

    A missing reading ends a run of zero or flat ones. Runs go on over midnight. Where days are absent, a run
    of missing half hours includes them, and a run of zero or flat ones ends.

    Parameters
    ----------
    kwh : float32 array, (rows, 48)
        kWh in each half hour of a meter-day; NaN is missing.
    meter_offsets : int64 array, (meters + 1,)
        Rows of meter m are ``meter_offsets[m]:meter_offsets[m + 1]``.
    kind : {"missing", "zero", "flat"}
        What to look for. A flat run has equal readings that are not zero.
    day : int array, (rows,), optional
        Number of each day, ascending within a meter; consecutive if left out.
    min_length : int
        Shortest run to report, in half hours.
    n_threads : int
        Number of threads; 0 takes all processors.

    Returns
    -------
    HalfHourRuns
        ``meter`` int64; ``first`` int64, half hours from the first half hour of the meter's first day;
        ``length`` int64, half hours; ordered by meter and first.

    Raises
    ------
    ValueError
        If the arrays do not fit together or the kind is unknown.
    """
    readings = checked_readings(kwh)
    offsets = checked_offsets(meter_offsets, len(readings), "meter_offsets")
    days = checked_days(day, offsets)
    if kind not in RUN_KINDS:
        raise ValueError(f"kind must be one of {', '.join(RUN_KINDS)}, not {kind}")
    if min_length < 1:
        raise ValueError("min_length must be at least 1")
    n_meters = len(offsets) - 1
    cdef RunKind wanted = RUN_KINDS[kind]
    cdef int64_t shortest = min_length
    cdef const float[:, ::1] readings_view = readings
    cdef const int64_t[::1] offsets_view = offsets
    cdef const int64_t[::1] days_view = days
    found = np.zeros(n_meters, dtype=np.int64)
    cdef int64_t[::1] found_view = found

    def count(Py_ssize_t first, Py_ssize_t end):
        cdef Py_ssize_t meter
        with nogil:
            for meter in range(first, end):
                found_view[meter] = _runs_of_meter(
                    readings_view, offsets_view[meter], offsets_view[meter + 1], days_view, wanted, shortest,
                    NULL, NULL,
                )

    over_meters(count, n_meters, n_threads)
    n_found = int(found.sum())
    places = np.cumsum(found) - found
    firsts = np.empty(n_found, dtype=np.int64)
    lengths = np.empty(n_found, dtype=np.int64)
    if n_found:
        _fill_runs(readings, offsets, days, wanted, shortest, places, firsts, lengths, n_threads)
    return HalfHourRuns(np.repeat(np.arange(n_meters), found), firsts, lengths)


def _fill_runs(readings, offsets, days, RunKind wanted, int64_t shortest, places, firsts, lengths, int n_threads):
    """Write the runs of each meter where its count says that they go."""
    cdef const float[:, ::1] readings_view = readings
    cdef const int64_t[::1] offsets_view = offsets
    cdef const int64_t[::1] days_view = days
    cdef const int64_t[::1] places_view = places
    cdef int64_t[::1] firsts_view = firsts
    cdef int64_t[::1] lengths_view = lengths
    cdef int64_t* first_out = &firsts_view[0]
    cdef int64_t* length_out = &lengths_view[0]

    def fill(Py_ssize_t first, Py_ssize_t end):
        cdef Py_ssize_t meter
        with nogil:
            for meter in range(first, end):
                _runs_of_meter(
                    readings_view, offsets_view[meter], offsets_view[meter + 1], days_view, wanted, shortest,
                    first_out + places_view[meter], length_out + places_view[meter],
                )

    over_meters(fill, len(offsets) - 1, n_threads)


cdef int64_t _runs_of_meter(
    const float[:, ::1] kwh,
    Py_ssize_t first_row,
    Py_ssize_t end_row,
    const int64_t[::1] day,
    RunKind kind,
    int64_t shortest,
    int64_t* firsts,
    int64_t* lengths,
) noexcept nogil:
    """Count the runs of one meter and write them where ``firsts`` is not NULL."""
    cdef Py_ssize_t row, slot
    cdef int64_t found = 0, start = -1, place = 0, origin
    cdef float value, before = NAN
    cdef bint inside
    if first_row == end_row:
        return 0
    origin = day[first_row]
    for row in range(first_row, end_row):
        if row > first_row and day[row] != day[row - 1] + 1:
            place = (day[row - 1] + 1 - origin) * SLOTS
            if kind == MISSING:
                # The absent days are missing too: a run under way goes on, otherwise one starts.
                start = place if start < 0 else start
            elif start >= 0:
                found += _keep_run(start, place, shortest, firsts, lengths, found)
                start = -1
            before = NAN
        if kind == MISSING and _is_whole(&kwh[row, 0]):
            # Nearly every day: a run can only end here.
            if start >= 0:
                found += _keep_run(start, (day[row] - origin) * SLOTS, shortest, firsts, lengths, found)
                start = -1
            continue
        for slot in range(SLOTS):
            value = kwh[row, slot]
            place = (day[row] - origin) * SLOTS + slot
            if kind == MISSING:
                inside = value != value
            elif kind == ZERO:
                inside = value == 0
            else:
                inside = value == before and value != 0
            if inside and start < 0:
                # A flat run starts with the reading that is repeated.
                start = place - 1 if kind == FLAT else place
            elif not inside and start >= 0:
                found += _keep_run(start, place, shortest, firsts, lengths, found)
                start = -1
            before = value
    if start >= 0:
        found += _keep_run(start, (day[end_row - 1] + 1 - origin) * SLOTS, shortest, firsts, lengths, found)
    return found


cdef inline bint _is_whole(const float* day) noexcept nogil:
    """Whether no reading of a day is missing."""
    cdef double total = _sum_of_day(day)
    return total == total


cdef inline int64_t _keep_run(
    int64_t start, int64_t end, int64_t shortest, int64_t* firsts, int64_t* lengths, int64_t place
) noexcept nogil:
    """Write a run if it is long enough; return how many were kept, 0 or 1."""
    if end - start < shortest:
        return 0
    if firsts != NULL:
        firsts[place] = start
        lengths[place] = end - start
    return 1


def low_day_runs(day_kwh, level_kwh, meter_offsets, *, day=None, int min_days=1, int max_gap_days=0):
    """Find the runs of days on which a meter used less than a level.

    A day without a total is neither low nor not: it does not count, and it does not end a run unless more
    than `max_gap_days` of the calendar pass between two low days with no total.

    Parameters
    ----------
    day_kwh : float64 array, (rows,)
        Use of each day, kWh; NaN where unknown.
    level_kwh : float64 array, (rows,)
        Level of each day below which it is low, kWh; NaN makes the day unknown.
    meter_offsets : int64 array, (meters + 1,)
        Rows of meter m are ``meter_offsets[m]:meter_offsets[m + 1]``.
    day : int array, (rows,), optional
        Number of each day, ascending within a meter; consecutive if left out.
    min_days : int
        Fewest low days of a run.
    max_gap_days : int
        Most days without a total between two low days of a run.

    Returns
    -------
    DayRuns
        ``meter``, ``first_row``, ``last_row`` (both low days) and ``days``, the number of low days; int64,
        ordered by first_row.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """
    use = np.ascontiguousarray(day_kwh, dtype=np.float64)
    offsets = checked_offsets(meter_offsets, len(use), "meter_offsets")
    level = checked_column(level_kwh, len(use), np.float64, "level_kwh")
    days = checked_days(day, offsets)
    if min_days < 1 or max_gap_days < 0:
        raise ValueError("min_days must be at least 1 and max_gap_days at least 0")
    cdef const double[::1] use_view = use
    cdef const double[::1] level_view = level
    cdef const int64_t[::1] offsets_view = offsets
    cdef const int64_t[::1] days_view = days
    # There are at most as many runs as rows.
    runs = np.empty((4, len(use)), dtype=np.int64)
    cdef int64_t[:, ::1] runs_view = runs
    cdef int64_t found = 0
    cdef Py_ssize_t meter
    with nogil:
        for meter in range(offsets_view.shape[0] - 1):
            found = _low_runs_of_meter(
                use_view, level_view, offsets_view[meter], offsets_view[meter + 1], days_view,
                min_days, max_gap_days, meter, found, runs_view,
            )
    return DayRuns(*(column[:found].copy() for column in runs))


cdef int64_t _low_runs_of_meter(
    const double[::1] use,
    const double[::1] level,
    Py_ssize_t first_row,
    Py_ssize_t end_row,
    const int64_t[::1] day,
    int64_t min_days,
    int64_t max_gap_days,
    int64_t meter,
    int64_t found,
    int64_t[:, ::1] runs,
) noexcept nogil:
    """Append the runs of one meter to ``runs`` and return how many there are now."""
    cdef Py_ssize_t row, first = -1, last = -1
    cdef int64_t low = 0
    for row in range(first_row, end_row + 1):
        if row < end_row and not (use[row] == use[row] and level[row] == level[row]):
            continue
        if first >= 0 and (
            row == end_row or use[row] >= level[row] or day[row] - day[last] - 1 > max_gap_days
        ):
            if low >= min_days:
                runs[0, found] = meter
                runs[1, found] = first
                runs[2, found] = last
                runs[3, found] = low
                found += 1
            first = -1
        if row < end_row and use[row] < level[row]:
            if first < 0:
                first = row
                low = 0
            last = row
            low += 1
    return found
