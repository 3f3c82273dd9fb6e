"""The kernels of phone events in plain Python: slow, obvious, and what the tests hold the kernels against."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

DAY_S = 86_400


def _apart(x: Sequence[float], y: Sequence[float], a: int, b: int) -> float:
    apart = float(np.hypot(x[a] - x[b], y[a] - y[b]))
    return 0.0 if np.isnan(apart) else apart


def clean_events(
    user: Sequence[int],
    time_s: Sequence[int],
    cell: Sequence[int],
    x_m: Sequence[float],
    y_m: Sequence[float],
    *,
    max_speed_m_s: float = 55.0,
    min_distance_m: float = 10_000.0,
    ping_pong_s: int = 300,
) -> tuple[list[int], list[int]]:
    """Flag events one after the other, as `core_ext.clean_events` does.

    Parameters
    ----------
    user, time_s, cell
        Device, local second and cell of each event, sorted by device and time; -1 is unknown, -2 not valid.
    x_m, y_m
        Centre of each cell, in metres.
    max_speed_m_s, min_distance_m
        An event is impossible if it is farther from those before and after it than the distance and the speed allow.
    ping_pong_s
        Seconds within which a device that comes back to a cell was never away from it.
    """
    flag, cell = _flagged_alone(user, time_s, cell, x_m, y_m, min_distance_m), list(cell)

    def too_fast(i: int, j: int) -> bool:
        apart = _apart(x_m, y_m, cell[i], cell[j])
        return apart > min_distance_m and apart > max_speed_m_s * max(time_s[j] - time_s[i], 1)

    for device in sorted(set(user)):
        events = [i for i in range(len(user)) if user[i] == device and flag[i] == 0]
        before = events[0] if events else -1
        for i, following in zip(events[1:], [*events[2:], None], strict=False):
            comes_too_fast = too_fast(before, i)
            if comes_too_fast and following is not None and too_fast(i, following):
                flag[i] = 2
                continue
            is_soon_back = following is not None and (
                cell[before] == cell[following] != cell[i] and time_s[following] - time_s[before] <= ping_pong_s
            )
            if is_soon_back:
                flag[i], cell[i] = 3, cell[before]
            elif comes_too_fast:
                flag[i], flag[before] = 5, flag[before] or 5
            before = i
    return flag, cell


def _flagged_alone(
    user: Sequence[int],
    time_s: Sequence[int],
    cell: Sequence[int],
    x: Sequence[float],
    y: Sequence[float],
    min_distance_m: float,
) -> list[int]:
    """Flags of events that need no neighbour in time: cells, repeats, and two places in one second."""
    flag = [0] * len(user)
    seconds: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for i, (device, second, at) in enumerate(zip(user, time_s, cell, strict=True)):
        if at < 0:
            flag[i] = 4 if at == -1 else 7
        elif at in seconds[device, second]:
            flag[i] = 1
        else:
            seconds[device, second][at] = i
    for together in seconds.values():
        where = np.array([(x[at], y[at]) for at in together])
        where = where[~np.isnan(where).any(axis=1)] if len(where) else where
        if len(where) and np.hypot(*np.ptp(where, axis=0)) > min_distance_m:
            for i in together.values():
                flag[i] = 6
    return flag


def _places(cells: Counter[int], x: Sequence[float], y: Sequence[float], radius_m: float) -> dict[int, int]:
    places: dict[int, int] = {}
    leaders: list[int] = []
    for cell in sorted(cells, key=lambda each: (-cells[each], each)):
        known = not np.isnan(x[cell]) and radius_m > 0
        near = [a for a in leaders if known and not np.isnan(x[a]) and _apart(x, y, cell, a) <= radius_m]
        places[cell] = near[0] if near else cell
        if not near:
            leaders.append(cell)
    return places


def daily_evidence(
    user: Sequence[int],
    time_s: Sequence[int],
    cell: Sequence[int],
    x_m: Sequence[float],
    y_m: Sequence[float],
    profiles: np.ndarray,
    *,
    place_radius_m: float = 1_000.0,
    reach_s: int = 900,
    bridge_day_s: int = 7_200,
    bridge_night_s: int = 28_800,
    night_start: int = 22,
    night_end: int = 6,
) -> tuple[dict[tuple[int, int, int], np.ndarray], dict[tuple[int, int], int]]:
    """Return {(user, place, day): weighted hours by profile}, second by second, and {(user, cell): place}.

    Parameters
    ----------
    user, time_s, cell
        Device, local second and cell of each clean event, sorted by device and time.
    x_m, y_m
        Centre of each cell, in metres.
    profiles
        Weight of each hour of the week, Monday first, in each profile, shape (profiles, 168).
    place_radius_m
        Cells of a device closer than this to the one it uses most are one place with it.
    reach_s
        Seconds for which an event speaks before and after itself.
    bridge_day_s, bridge_night_s
        Longest silence between two events at one place that is spent there, by day and at night, in seconds.
    night_start, night_end
        Hours of the local clock between which it is night.
    """
    profiles = np.asarray(profiles)
    seconds: dict[tuple[int, int, int], np.ndarray] = defaultdict(lambda: np.zeros(len(profiles)))
    places_of: dict[tuple[int, int], int] = {}

    def add(device: int, place: int, start: int, end: int) -> None:
        for second in range(start, end):
            hour = (second // 3_600 + 72) % 168
            seconds[device, place, second // DAY_S] += profiles[:, hour] / 3_600

    def is_night(second: int) -> bool:
        hour = second % DAY_S // 3_600
        return hour >= night_start or hour < night_end

    for device in sorted(set(user)):
        events = [(time_s[i], cell[i]) for i in range(len(user)) if user[i] == device]
        places = _places(Counter(at for _, at in events), x_m, y_m, place_radius_m)
        places_of |= {(device, at): place for at, place in places.items()}
        at = [(time, places[where]) for time, where in events]
        add(device, at[0][1], at[0][0] - reach_s, at[0][0])
        for (start, here), (end, there) in pairwise(at):
            limit = bridge_night_s if is_night(start) or is_night(end) else bridge_day_s
            if here == there and end - start <= limit:
                add(device, here, start, end)
            else:
                half = min((end - start) // 2, reach_s)
                add(device, here, start, start + half)
                add(device, there, end - half, end)
        add(device, at[-1][1], at[-1][0], at[-1][0] + reach_s)
    return dict(seconds), places_of
