"""From the events of devices to evidence by device, place and day."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from core_ext import KEPT, PING_PONG, SUSPICIOUS, clean_events
from core_ext import daily_evidence as add_up
from ons_assets.mobile.anchor_parameters import anchor_parameters
from ons_assets.mobile.plan import CellPlan
from ons_assets.mobility.anchors import capped_home, capped_work
from ons_assets.mobility.evidence import weights_of
from ons_assets.parameters.mobile import CleaningParameters, DeviceAnchorParameters, StayParameters

IntArray = npt.NDArray[np.int64]
CellArray = npt.NDArray[np.int32]
KEY_BITS = 63
FLAGS = (
    "kept", "duplicates", "too_fast", "ping_pong", "unknown_cell", "suspicious", "two_places", "cell_not_valid",
)  # fmt: skip
SMALL_HOURS = 6


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
        Times are not negative; a cell may be -1 or -2.
    """
    if not len(user):
        return user, time_s, cell
    users, rank = np.unique(user, return_inverse=True)
    first = int(time_s.min())
    time_bits = int(time_s.max() - first).bit_length()
    cell_bits = int(cell.max() + 2).bit_length()
    if len(users).bit_length() + time_bits + cell_bits > KEY_BITS:
        order = np.lexsort((cell, time_s, user))
        return user[order], time_s[order], cell[order]
    # One number an event: sorting numbers is several times as fast as sorting rows.
    key = (rank.astype(np.int64) << (time_bits + cell_bits)) | ((time_s - first) << cell_bits) | (cell + 2)
    key.sort()
    low = (1 << cell_bits) - 1
    return (
        users[key >> (time_bits + cell_bits)],
        ((key >> cell_bits) & ((1 << time_bits) - 1)) + first,
        ((key & low) - 2).astype(np.int32),
    )


def clean(
    user: IntArray, time_s: IntArray, cell: CellArray, plan: CellPlan, parameters: CleaningParameters
) -> tuple[npt.NDArray[np.uint8], CellArray]:
    """Flag sorted events; see `core_ext.clean_events`.

    Parameters
    ----------
    user, time_s, cell
        Device, local second and number of the cell of each event, sorted by device and time, shape (n,).
    plan
        Centres of the cells in metres.
    parameters
        Speed, distance and seconds beyond which an event is wrong.
    """
    flag, moved = clean_events(
        user,
        time_s,
        cell,
        plan.x_m,
        plan.y_m,
        max_speed_m_s=parameters.max_speed_m_s,
        min_distance_m=parameters.min_distance_m,
        ping_pong_s=parameters.ping_pong_seconds,
    )
    return flag, moved


def counts_on(flag: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return which events count on after cleaning."""
    counted: npt.NDArray[np.bool_] = (flag == KEPT) | (flag == PING_PONG) | (flag == SUSPICIOUS)
    return counted


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
    kept = counts_on(flag)
    weighing = anchor_parameters(anchors)
    small_hours = (np.arange(168) % 24 < SMALL_HOURS).astype(np.float64)
    profiles = np.stack([weights_of(weighing.home_profile), weights_of(weighing.work_profile), small_hours])
    users, places, days, weights, of_user, of_cell, of_place, n_events = add_up(
        user[kept],
        time_s[kept],
        cell[kept],
        plan.x_m,
        plan.y_m,
        profiles,
        place_radius_m=stays.place_radius_m,
        reach_s=round(stays.reach_minutes * 60),
        bridge_day_s=round(stays.bridge_day_minutes * 60),
        bridge_night_s=round(stays.bridge_night_minutes * 60),
        night_start=anchors.night_start,
        night_end=anchors.night_end,
    )
    hours = pl.DataFrame(
        {
            "user": users,
            "place": places,
            "day": days,
            "home": weights[:, 0],
            "work": weights[:, 1],
            "small_hours": weights[:, 2],
        }
    )
    return Evidence(
        by_day=hours.with_columns(
            home=capped_home("home", weighing), work=capped_work("work", weighing), is_education=pl.lit(False)
        ),
        cells=pl.DataFrame({"user": of_user, "place": of_place, "cell": of_cell, "events": n_events}),
        counts={name: int(count) for name, count in zip(FLAGS, np.bincount(flag, minlength=len(FLAGS)), strict=True)},
    )
