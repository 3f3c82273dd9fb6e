"""From the events of devices to the hours of each day at each of their places, and to where those places are."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.mobile.evidence import FLAGS, CellArray, IntArray, add_up, clean, sort_events
from ons_assets.mobile.plan import CellPlan
from ons_assets.parameters.mobile import CleaningParameters, StayParameters

HOURS, HOURS_OF_WEEK = 24, 168
# Weight of each hour of the week in 24 profiles: one for each hour of the day.
EACH_HOUR = (np.arange(HOURS_OF_WEEK) % HOURS == np.arange(HOURS)[:, None]).astype(np.float64)


@dataclass(frozen=True)
class Presence:
    """Where some devices were, hour by hour.

    Parameters
    ----------
    user, place, day : arrays, shape (n,)
        One row a device, place and local day (since 1970), sorted by device. The place is the number of its busiest
        cell in the plan.
    hours : array of float64, shape (n, 24)
        Part of each hour of the local clock that the device was there, from 0 to 1.
    cells
        user, place, cell, events: which cells make up the places.
    counts
        Events by what cleaning made of them, as of `ons_assets.mobile.evidence.Evidence`.
    """

    user: IntArray
    place: CellArray
    day: npt.NDArray[np.int32]
    hours: npt.NDArray[np.float64]
    cells: pl.DataFrame
    counts: dict[str, int] = field(default_factory=dict)


def presence(
    user: IntArray,
    time_s: IntArray,
    cell: CellArray,
    plan: CellPlan,
    *,
    cleaning: CleaningParameters,
    stays: StayParameters,
    night: tuple[int, int],
) -> Presence:
    """Clean events and say where devices were, hour by hour.

    Parameters
    ----------
    user, time_s, cell : arrays, shape (n,)
        In any order; seconds of the local clock since 1970; number of the cell in the plan, -1 if unknown.
    cleaning, stays
        What cannot be true, and how long a stay is.
    night
        Hours of the local clock between which longer silences are bridged.
    """
    user, time_s, cell = sort_events(user, time_s, cell)
    flag, cell = clean(user, time_s, cell, plan, cleaning)
    found = add_up(user, time_s, cell, flag, plan, EACH_HOUR, stays=stays, night=night)
    return Presence(
        found.user,
        found.place,
        found.day,
        found.weights,
        found.cells,
        {name: int(count) for name, count in zip(FLAGS, np.bincount(flag, minlength=len(FLAGS)), strict=True)},
    )
