"""From the events of devices to evidence by device, place and day."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from core_ext import KEPT, PING_PONG, SUSPICIOUS, clean_events, daily_evidence
from ons_assets.mobile.anchor_parameters import anchor_parameters
from ons_assets.mobile.plan import ABROAD, CellPlan
from ons_assets.mobility.anchors import capped_home, capped_work
from ons_assets.mobility.evidence import weights_of
from ons_assets.parameters.mobile import CleaningParameters, DeviceAnchorParameters, StayParameters

IntArray = npt.NDArray[np.int64]
CellArray = npt.NDArray[np.int32]
KEY_BITS = 63
FLAGS = (
    "kept", "duplicates", "too_fast", "ping_pong", "unknown_cell", "suspicious", "two_places", "cell_not_valid",
    "abroad",
)  # fmt: skip
SMALL_HOURS = 6
# Farther from any cell than all of them are from each other.
FAR_M = 1e8


@dataclass(frozen=True)
class Evidence:
    """What the events of some devices tell.

    Parameters
    ----------
    by_day
        user, place, day (since 1970), home (0 to 1), work (-1 to 1), small_hours (hours between 0 and 6),
        is_education (false: a network does not know).
    cells
        user, place, cell, events: which cells make up the places.
    counts
        Events by what cleaning made of them, `FLAGS`: of these kept, ping_pong (moved) and suspicious count on.
    """

    by_day: pl.DataFrame
    cells: pl.DataFrame
    counts: dict[str, int] = field(default_factory=dict)


def sort_events(user: IntArray, time_s: IntArray, cell: CellArray) -> tuple[IntArray, IntArray, CellArray]:
    """Return events sorted by device, time and cell.

    Parameters
    ----------
    user, time_s, cell : arrays, shape (n,)
        Times are not negative; a cell may be -1 or -2, or say that the event was abroad.
    """
    if not len(user):
        return user, time_s, cell
    users, rank = np.unique(user, return_inverse=True)
    first, least = int(time_s.min()), int(cell.min())
    time_bits = int(time_s.max() - first).bit_length()
    cell_bits = (int(cell.max()) - least).bit_length()
    if len(users).bit_length() + time_bits + cell_bits > KEY_BITS:
        order = np.lexsort((cell, time_s, user))
        return user[order], time_s[order], cell[order]
    # One number an event: sorting numbers is several times as fast as sorting rows.
    key = (rank.astype(np.int64) << (time_bits + cell_bits)) | ((time_s - first) << cell_bits) | (cell - least)
    key.sort()
    low = (1 << cell_bits) - 1
    return (
        users[key >> (time_bits + cell_bits)],
        ((key >> cell_bits) & ((1 << time_bits) - 1)) + first,
        ((key & low) + least).astype(np.int32),
    )


def clean(
    user: IntArray, time_s: IntArray, cell: CellArray, plan: CellPlan, parameters: CleaningParameters
) -> tuple[npt.NDArray[np.uint8], CellArray]:
    """Flag sorted events; see `core_ext.clean_events`. Events abroad are cleaned of repetitions only.

    Parameters
    ----------
    user, time_s, cell
        Device, local second and number of the cell of each event, sorted by device and time, shape (n,).
    plan
        Centres of the cells in metres.
    parameters
        Speed, distance and seconds beyond which an event is wrong.
    """
    abroad = cell <= ABROAD
    here = ~abroad if abroad.any() else np.s_[:]
    found, moved_here = clean_events(
        user[here],
        time_s[here],
        cell[here],
        plan.x_m,
        plan.y_m,
        max_speed_m_s=parameters.max_speed_m_s,
        min_distance_m=parameters.min_distance_m,
        ping_pong_s=parameters.ping_pong_seconds,
    )
    if not abroad.any():
        return found, moved_here
    flag, moved = np.full(len(user), FLAGS.index("abroad"), dtype=np.uint8), cell.copy()
    flag[here], moved[here] = found, moved_here
    again = abroad[1:] & (user[1:] == user[:-1]) & (time_s[1:] == time_s[:-1]) & (cell[1:] == cell[:-1])
    flag[1:][again] = FLAGS.index("duplicates")
    return flag, moved


def counts_on(flag: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return which events count on after cleaning."""
    counted: npt.NDArray[np.bool_] = (flag == KEPT) | (flag == PING_PONG) | (flag == SUSPICIOUS)
    return counted


@dataclass(frozen=True)
class AddedUp:
    """Time that devices spent at their places, weighed by hour of the week.

    Parameters
    ----------
    user, place, day : arrays, shape (n,)
        One row a device, place and local day (since 1970), sorted by device. The place is the number of its busiest
        cell in the plan.
    weights : array of float64, shape (n, profiles)
        Hours, weighed by each profile.
    cells
        user, place, cell, events: which cells make up the places.
    """

    user: IntArray
    place: CellArray
    day: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float64]
    cells: pl.DataFrame


def add_up(
    user: IntArray,
    time_s: IntArray,
    cell: CellArray,
    flag: npt.NDArray[np.uint8],
    plan: CellPlan,
    profiles: npt.NDArray[np.float64],
    *,
    stays: StayParameters,
    night: tuple[int, int],
) -> AddedUp:
    """Add the time between cleaned events up by device, place and day; see `core_ext.daily_evidence`.

    A silence is not bridged in which a device was abroad: its events there count as those of a place that is in no row.

    Parameters
    ----------
    user, time_s, cell, flag
        What `clean` was given and what it found, shape (n,).
    plan
        Centres of the cells in metres.
    profiles
        Weight of each hour of the week, shape (profiles, 168).
    stays
        How long a stay is.
    night
        Hours of the local clock between which longer silences are bridged.
    """
    abroad = flag == FLAGS.index("abroad")
    kept = counts_on(flag) | abroad
    x_m, y_m, elsewhere = plan.x_m, plan.y_m, len(plan.cells)
    if abroad.any():
        cell = np.where(abroad, elsewhere, cell).astype(np.int32)
        x_m, y_m = np.append(x_m, FAR_M), np.append(y_m, FAR_M)
    users, places, days, weights, of_user, of_cell, of_place, events = daily_evidence(
        user[kept],
        time_s[kept],
        cell[kept],
        x_m,
        y_m,
        profiles,
        place_radius_m=stays.place_radius_m,
        reach_s=round(stays.reach_minutes * 60),
        bridge_day_s=round(stays.bridge_day_minutes * 60),
        bridge_night_s=round(stays.bridge_night_minutes * 60),
        night_start=night[0],
        night_end=night[1],
    )
    cells = pl.DataFrame({"user": of_user, "place": of_place, "cell": of_cell, "events": events})
    if abroad.any():
        here = places != elsewhere
        users, places, days, weights = users[here], places[here], days[here], weights[here]
        cells = cells.filter(pl.col("place") != elsewhere)
    return AddedUp(users, places, days, weights, cells)


def evidence(
    user: IntArray,
    time_s: IntArray,
    cell: CellArray,
    plan: CellPlan,
    *,
    cleaning: CleaningParameters,
    stays: StayParameters,
    anchors: DeviceAnchorParameters,
) -> Evidence:
    """Clean events and add them up by device, place and day.

    Parameters
    ----------
    user, time_s, cell : arrays, shape (n,)
        In any order; seconds of the local clock since 1970; number of the cell in the plan, below 0 if it has none.
    cleaning, stays, anchors
        What cannot be true, how long a stay is, and what an hour at a place tells.
    """
    user, time_s, cell = sort_events(user, time_s, cell)
    flag, cell = clean(user, time_s, cell, plan, cleaning)
    weighing = anchor_parameters(anchors)
    small_hours = (np.arange(168) % 24 < SMALL_HOURS).astype(np.float64)
    profiles = np.stack([weights_of(weighing.home_profile), weights_of(weighing.work_profile), small_hours])
    night = (anchors.night_start, anchors.night_end)
    found = add_up(user, time_s, cell, flag, plan, profiles, stays=stays, night=night)
    hours = pl.DataFrame(
        {
            "user": found.user,
            "place": found.place,
            "day": found.day,
            "home": found.weights[:, 0],
            "work": found.weights[:, 1],
            "small_hours": found.weights[:, 2],
        }
    )
    return Evidence(
        by_day=hours.with_columns(
            home=capped_home("home", weighing), work=capped_work("work", weighing), is_education=pl.lit(False)
        ),
        cells=found.cells,
        counts={name: int(count) for name, count in zip(FLAGS, np.bincount(flag, minlength=len(FLAGS)), strict=True)},
    )
