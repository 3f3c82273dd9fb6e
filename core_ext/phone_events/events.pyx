"""Events of devices at cells: cleaned, and made into evidence by device, place and day.

Events come sorted by device, then time, then cell. Both functions pass once over them and keep nothing
but what belongs to the device at hand.

Reference: ``core_ext.phone_events.reference`` holds the same two functions in plain Python.
"""

cimport cython
from libc.math cimport INFINITY, floor, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy as np

from core_ext.arguments import whole_numbers

KEPT, DUPLICATE, TOO_FAST, PING_PONG, UNKNOWN_CELL, SUSPICIOUS, TWO_PLACES, CELL_NOT_VALID = 0, 1, 2, 3, 4, 5, 6, 7

cdef enum:
    C_KEPT = 0
    C_DUPLICATE = 1
    C_TOO_FAST = 2
    C_PING_PONG = 3
    C_UNKNOWN_CELL = 4
    C_SUSPICIOUS = 5
    C_TWO_PLACES = 6
    C_CELL_NOT_VALID = 7
    UNKNOWN = -1
    DAY_S = 86400
    HOUR_S = 3600
    WEEK_HOURS = 168
    # 1 January 1970 was a Thursday; hour 0 of a week is Monday's first.
    EPOCH_HOUR = 72


@cython.wraparound(True)
def _checked_events(user, time_s, cell, x_m, y_m):
    """Return contiguous arrays, or raise ValueError where a kernel could read outside them."""
    user = whole_numbers(user, np.int64, "user")
    time_s = whole_numbers(time_s, np.int64, "time_s")
    cell = whole_numbers(cell, np.int32, "cell")
    x_m = np.ascontiguousarray(x_m, dtype=np.float64)
    y_m = np.ascontiguousarray(y_m, dtype=np.float64)
    if user.ndim != 1 or user.shape != time_s.shape or user.shape != cell.shape:
        raise ValueError("user, time and cell must have one value for each event")
    if x_m.ndim != 1 or x_m.shape != y_m.shape:
        raise ValueError("x and y must have one value for each cell")
    if cell.shape[0] and cell.max() >= x_m.shape[0]:
        raise ValueError("cell must be below the number of cells")
    if user.shape[0] > 1:
        same = user[1:] == user[:-1]
        if np.any(user[1:] < user[:-1]) or np.any(same & (time_s[1:] < time_s[:-1])):
            raise ValueError("events must be sorted by user and time")
    return user, time_s, cell, x_m, y_m


@cython.wraparound(True)
def _most_events(user):
    """Return the number of events of the device that has most."""
    starts = np.flatnonzero(np.concatenate([[True], user[1:] != user[:-1]]))
    return int(np.diff(np.append(starts, len(user))).max()) if len(user) else 0


cdef inline double _apart(const double[:] x, const double[:] y, int32_t a, int32_t b) noexcept nogil:
    """Distance between two cells; 0 where one of them has no position."""
    cdef double dx = x[a] - x[b], dy = y[a] - y[b]
    cdef double apart = sqrt(dx * dx + dy * dy)
    return apart if apart == apart else 0.0


cdef Py_ssize_t _end_of_second(
    const int64_t[:] user, const int64_t[:] time_s, Py_ssize_t start
) noexcept nogil:
    """Row after the events of one device in the second of the event at `start`."""
    cdef Py_ssize_t end = start + 1
    while end < user.shape[0] and user[end] == user[start] and time_s[end] == time_s[start]:
        end += 1
    return end


cdef double _spread(
    const double[:] x, const double[:] y, const int32_t[:] cell, const uint8_t[:] flag, Py_ssize_t start, Py_ssize_t end
) noexcept nogil:
    """Diagonal of the box around the cells of events that are kept so far; cells without position are in none."""
    cdef double west = INFINITY, east = -INFINITY, south = INFINITY, north = -INFINITY, dx, dy
    cdef Py_ssize_t i
    for i in range(start, end):
        if flag[i] == C_KEPT and x[cell[i]] == x[cell[i]] and y[cell[i]] == y[cell[i]]:
            west = min(west, x[cell[i]])
            east = max(east, x[cell[i]])
            south = min(south, y[cell[i]])
            north = max(north, y[cell[i]])
    if east < west:
        return 0.0
    dx, dy = east - west, north - south
    return sqrt(dx * dx + dy * dy)


cdef inline bint _too_fast(
    double apart, int64_t seconds, double max_speed_m_s, double min_distance_m
) noexcept nogil:
    return apart > min_distance_m and apart > max_speed_m_s * (seconds if seconds > 1 else 1)


def clean_events(
    user, time_s, cell, x_m, y_m, *,
    double max_speed_m_s=55.0, double min_distance_m=10_000.0, int64_t ping_pong_s=300,
):
    """Find events that repeat others, that nobody could have travelled to, or that flicker between cells.

    Parameters
    ----------
    user : int64 array, (n,)
        Device, ascending.
    time_s : int64 array, (n,)
        Seconds, ascending within a device.
    cell : int32 array, (n,)
        Row of the cell in `x_m`; -1 for a cell that is unknown, -2 for one that is not valid at that time. Equal times
        are sorted by cell.
    x_m, y_m : float64 array, (n_cells,)
        Position of the cells, metres; NaN where unknown: then no distance is too long.
    max_speed_m_s, min_distance_m
        An event is too fast if it could be reached from the one before, and left for the one after, only
        faster than this, both farther away than `min_distance_m`. Of events that are left, two in a row between which
        a device was too fast are both suspicious. Events of one second at cells that lie in no box of a diagonal of
        `min_distance_m` are at two places at once.
    ping_pong_s
        An event between two at one other cell, so close in time, is moved to that cell; 0 for none.

    Returns
    -------
    flag : uint8 array, (n,)
        0 kept, 1 duplicate, 2 too fast, 3 moved (ping-pong), 4 unknown cell, 5 suspicious, 6 at two places at once,
        7 cell not valid; 1, 2, 4, 6 and 7 do not count further.
    cell : int32 array, (n,)
        Cell after moving.
    """
    user, time_s, cell, x_m, y_m = _checked_events(user, time_s, cell, x_m, y_m)
    cdef const int64_t[:] u = user, t = time_s
    cdef const double[:] x = x_m, y = y_m
    flags = np.zeros(len(user), dtype=np.uint8)
    moved = cell.copy()
    cdef uint8_t[:] flag = flags
    cdef int32_t[:] at = moved
    cdef Py_ssize_t n = u.shape[0], i, j, before, end
    cdef bint has_next, from_before
    with nogil:
        for i in range(n):
            if at[i] < 0:
                flag[i] = C_UNKNOWN_CELL if at[i] == UNKNOWN else C_CELL_NOT_VALID
                continue
            if i > 0 and u[i] == u[i - 1] and t[i] == t[i - 1] and at[i] == at[i - 1]:
                flag[i] = C_DUPLICATE
        i = 0
        while i + 1 < n:
            if t[i] != t[i + 1] or u[i] != u[i + 1]:
                i += 1
                continue
            end = _end_of_second(u, t, i)
            if _spread(x, y, at, flag, i, end) > min_distance_m:
                for j in range(i, end):
                    if flag[j] == C_KEPT:
                        flag[j] = C_TWO_PLACES
            i = end
        before = -1
        for i in range(n):
            if flag[i] != C_KEPT:
                continue
            if before >= 0 and u[before] != u[i]:
                before = -1
            if before < 0:
                before = i
                continue
            j = i + 1
            while j < n and u[j] == u[i] and flag[j] != C_KEPT:
                j += 1
            has_next = j < n and u[j] == u[i]
            from_before = _too_fast(
                _apart(x, y, at[before], at[i]), t[i] - t[before], max_speed_m_s, min_distance_m
            )
            if from_before and has_next and _too_fast(
                _apart(x, y, at[i], at[j]), t[j] - t[i], max_speed_m_s, min_distance_m
            ):
                flag[i] = C_TOO_FAST
                continue
            if has_next and at[before] == at[j] and at[i] != at[j] and t[j] - t[before] <= ping_pong_s:
                at[i] = at[j]
                flag[i] = C_PING_PONG
            elif from_before:
                flag[i] = C_SUSPICIOUS
                if flag[before] == C_KEPT:
                    flag[before] = C_SUSPICIOUS
            before = i
    return flags, moved


cdef inline double _until(const double[:, :] cumulated, int profile, double hour) noexcept nogil:
    """Integral of a weekly profile from the start of the epoch's week until an hour."""
    cdef double of_epoch = hour + EPOCH_HOUR
    cdef double week = floor(of_epoch / WEEK_HOURS)
    cdef double of_week = of_epoch - week * WEEK_HOURS
    cdef int whole = <int> of_week
    if whole > WEEK_HOURS - 1:
        whole = WEEK_HOURS - 1
    return week * cumulated[profile, WEEK_HOURS] + cumulated[profile, whole] + (
        cumulated[profile, whole + 1] - cumulated[profile, whole]
    ) * (of_week - whole)


cdef Py_ssize_t _add(
    int64_t start, int64_t end, int32_t place, Py_ssize_t first_row, Py_ssize_t rows,
    int32_t[:] row_place, int32_t[:] row_day, double[:, :] evidence, const double[:, :] cumulated,
) noexcept nogil:
    """Add a time at a place to the rows of the device, which begin at `first_row`; return how many rows there are."""
    cdef int64_t piece_end
    cdef int32_t day
    cdef Py_ssize_t row
    cdef int profile
    while start < end:
        day = <int32_t> floor(<double> start / DAY_S)
        piece_end = (<int64_t> day + 1) * DAY_S
        if piece_end > end:
            piece_end = end
        row = rows - 1
        # Times come nearly in order, so that the row is among the last.
        while row >= first_row and (row_day[row] != day or row_place[row] != place):
            row -= 1
        if row < first_row:
            row = rows
            rows += 1
            row_place[row] = place
            row_day[row] = day
            for profile in range(cumulated.shape[0]):
                evidence[row, profile] = 0.0
        for profile in range(cumulated.shape[0]):
            evidence[row, profile] += _until(cumulated, profile, piece_end / <double> HOUR_S) - _until(
                cumulated, profile, start / <double> HOUR_S
            )
        start = piece_end
    return rows


cdef Py_ssize_t _group_cells(
    const int32_t[:] cell, Py_ssize_t first, Py_ssize_t last, const double[:] x, const double[:] y, double radius_m,
    int32_t[:] cells, int32_t[:] counts, int32_t[:] places,
) noexcept nogil:
    """Group the cells of one device: each joins the busiest cell within the radius that leads a group."""
    cdef Py_ssize_t n = 0, i, j, best
    cdef int32_t kept_cell, kept_count
    for i in range(first, last):
        j = 0
        while j < n and cells[j] != cell[i]:
            j += 1
        if j == n:
            cells[n] = cell[i]
            counts[n] = 0
            n += 1
        counts[j] += 1
    for i in range(n):  # busiest first, then by number
        best = i
        for j in range(i + 1, n):
            if counts[j] > counts[best] or (counts[j] == counts[best] and cells[j] < cells[best]):
                best = j
        kept_cell, kept_count = cells[i], counts[i]
        cells[i], counts[i] = cells[best], counts[best]
        cells[best], counts[best] = kept_cell, kept_count
    for i in range(n):
        places[i] = cells[i]
        if x[cells[i]] != x[cells[i]] or radius_m <= 0:
            continue
        for j in range(i):
            if places[j] == cells[j] and x[cells[j]] == x[cells[j]] and _apart(x, y, cells[i], cells[j]) <= radius_m:
                places[i] = cells[j]
                break
    return n


def daily_evidence(
    user, time_s, cell, x_m, y_m, profiles, *,
    double place_radius_m=1_000.0, int64_t reach_s=900, int64_t bridge_day_s=7_200, int64_t bridge_night_s=28_800,
    int night_start=22, int night_end=6,
):
    """Say how long each device was at which place on which day, weighed by profiles of the week.

    Cells of a device within `place_radius_m` of a busier one of its cells are one place, named for that one.
    Between two events at one place the device is taken to have stayed there, if no more than
    `bridge_day_s` (or, where one of them is at night, `bridge_night_s`) lies between them; else an event
    tells of the time around it, half way to its neighbours and `reach_s` at most.

    Parameters
    ----------
    user, time_s, cell, x_m, y_m
        As for `clean_events`, times on the local clock, with cells that are known only.
    profiles : float64 array, (n_profiles, 168)
        Weight of each hour of the week, from Monday 00:00.
    night_start, night_end
        Hours of the local clock, for `bridge_night_s`.

    Returns
    -------
    user : int64 array, (rows,)
    place : int32 array, (rows,)
        Row of the busiest cell of the place.
    day : int32 array, (rows,)
        Days since 1970.
    evidence : float64 array, (rows, n_profiles)
        Weighted hours.
    place_user, place_cell, place_of_cell, place_events : arrays, (device and cell,)
        Which cells make up the places of each device, and their events.

    Raises
    ------
    ValueError
        If events are not sorted, a cell is unknown, or a bridge is longer than a day.
    """
    user, time_s, cell, x_m, y_m = _checked_events(user, time_s, cell, x_m, y_m)
    profiles = np.ascontiguousarray(profiles, dtype=np.float64)
    if profiles.ndim != 2 or profiles.shape[1] != WEEK_HOURS:
        raise ValueError("a profile has 168 hours")
    if max(reach_s, bridge_day_s, bridge_night_s) > DAY_S or min(reach_s, bridge_day_s, bridge_night_s) < 0:
        raise ValueError("reach and bridges must lie between nothing and a day")
    if len(cell) and cell.min() < 0:
        raise ValueError("events at unknown cells have no place")
    cdef const int64_t[:] u = user, t = time_s
    cdef const int32_t[:] c = cell
    cdef const double[:] x = x_m, y = y_m
    cdef const double[:, :] cumulated = np.concatenate(
        [np.zeros((len(profiles), 1)), np.cumsum(profiles, axis=1)], axis=1
    )
    cdef Py_ssize_t n = u.shape[0], rows = 0, first_row, first, last, i, j, n_cells, grouped = 0
    # An event tells of its own day and, across midnight, of the day before or after.
    row_users = np.empty(3 * n, dtype=np.int64)
    row_places = np.empty(3 * n, dtype=np.int32)
    row_days = np.empty(3 * n, dtype=np.int32)
    weights = np.empty((3 * n, len(profiles)))
    cdef int64_t[:] row_user = row_users
    cdef int32_t[:] row_place = row_places, row_day = row_days
    cdef double[:, :] evidence = weights
    most = _most_events(user)
    cdef int32_t[:] cells = np.empty(most, dtype=np.int32), counts = np.empty(most, dtype=np.int32)
    cdef int32_t[:] places = np.empty(most, dtype=np.int32), place = np.empty(most, dtype=np.int32)
    group_users = np.empty(n, dtype=np.int64)
    group_cells, group_places, group_events = (np.empty(n, dtype=np.int32) for _ in range(3))
    cdef int64_t[:] group_user = group_users
    cdef int32_t[:] group_cell = group_cells, group_place = group_places, group_count = group_events
    cdef int64_t gap, half, limit
    cdef int hour_a, hour_b
    cdef bint bridged, is_night_a, is_night_b
    with nogil:
        first = 0
        while first < n:
            last = first + 1
            while last < n and u[last] == u[first]:
                last += 1
            n_cells = _group_cells(c, first, last, x, y, place_radius_m, cells, counts, places)
            for j in range(n_cells):
                group_user[grouped] = u[first]
                group_cell[grouped] = cells[j]
                group_place[grouped] = places[j]
                group_count[grouped] = counts[j]
                grouped += 1
            for i in range(first, last):
                j = 0
                while cells[j] != c[i]:
                    j += 1
                place[i - first] = places[j]
            first_row = rows
            rows = _add(t[first] - reach_s, t[first], place[0], first_row, rows, row_place, row_day, evidence, cumulated)
            for i in range(first, last - 1):
                gap = t[i + 1] - t[i]
                bridged = False
                if place[i - first] == place[i + 1 - first]:
                    hour_a = <int> ((t[i] - <int64_t> floor(t[i] / <double> DAY_S) * DAY_S) // HOUR_S)
                    hour_b = <int> ((t[i + 1] - <int64_t> floor(t[i + 1] / <double> DAY_S) * DAY_S) // HOUR_S)
                    is_night_a = hour_a >= night_start or hour_a < night_end
                    is_night_b = hour_b >= night_start or hour_b < night_end
                    limit = bridge_night_s if is_night_a or is_night_b else bridge_day_s
                    bridged = gap <= limit
                if bridged:
                    rows = _add(
                        t[i], t[i + 1], place[i - first], first_row, rows, row_place, row_day, evidence, cumulated
                    )
                else:
                    half = gap // 2
                    if half > reach_s:
                        half = reach_s
                    rows = _add(
                        t[i], t[i] + half, place[i - first], first_row, rows, row_place, row_day, evidence, cumulated
                    )
                    rows = _add(
                        t[i + 1] - half, t[i + 1], place[i + 1 - first], first_row, rows, row_place, row_day,
                        evidence, cumulated,
                    )
            rows = _add(
                t[last - 1], t[last - 1] + reach_s, place[last - 1 - first], first_row, rows, row_place, row_day,
                evidence, cumulated,
            )
            for i in range(first_row, rows):
                row_user[i] = u[first]
            first = last
    return (
        row_users[:rows], row_places[:rows], row_days[:rows], weights[:rows],
        group_users[:grouped], group_cells[:grouped], group_places[:grouped], group_events[:grouped],
    )
