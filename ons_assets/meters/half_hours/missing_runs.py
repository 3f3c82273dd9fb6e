"""Gaps in the readings of meters, and why they are there."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from ons_assets.parameters.meters import QualityParameters

BoolArray = npt.NDArray[np.bool_]


class Gap(IntEnum):
    """Why half hours without a reading are missing."""

    NOT_STARTED = 1
    ENDED = 2
    COLLECTION = 3
    METER_OFF = 4
    COMMUNICATION = 5


@dataclass(frozen=True)
class Runs:
    """Runs of neighbouring half hours: of which meter (row), first half hour, and how many."""

    row: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]

    def of_at_least(self, slots: int) -> "Runs":
        """Return the runs that are so long."""
        long = self.length >= slots
        return Runs(self.row[long], self.start[long], self.length[long])


def runs(marked: BoolArray) -> Runs:
    """Return the runs of marked half hours of each row of a (meters, half hours) array."""
    meters, slots = marked.shape
    padded = np.zeros((meters, slots + 2), dtype=np.int8)
    padded[:, 1:-1] = marked
    steps = np.diff(padded, axis=1)
    row, start = np.nonzero(steps == 1)
    end = np.nonzero(steps == -1)[1]
    return Runs(row, start, end - start)


def classify(
    kwh: npt.NDArray[np.float32],
    reported: npt.NDArray[np.int64],
    meters: npt.NDArray[np.int64],
    parameters: QualityParameters,
) -> npt.NDArray[np.int8]:
    """Say of each half hour without a reading why it is missing.

    Before the first reading of a meter its trial had not started; after the last it had ended. Where no
    more than `collection_share` of the meters that were in the trial were read, the collection failed. A gap that
    a reading of zero borders is a meter that was off; any other is a fault of communication.

    Parameters
    ----------
    kwh
        (meters, half hours), NaN where nothing was read.
    reported, meters
        How many meters of the trial were read in each half hour, and how many were in it, (half hours,).
    parameters
        At most which share of the meters is read when the collection fails, and from how many meters on.

    Returns
    -------
    array like kwh
        0 where there is a reading, else a `Gap`.
    """
    missing = np.isnan(kwh)
    kinds = np.zeros(kwh.shape, dtype=np.int8)
    slots = np.arange(kwh.shape[1])
    some = ~missing.all(axis=1)
    first = np.where(some, (~missing).argmax(axis=1), kwh.shape[1])
    last = np.where(some, kwh.shape[1] - 1 - (~missing[:, ::-1]).argmax(axis=1), kwh.shape[1])
    kinds[slots < first[:, None]] = Gap.NOT_STARTED
    kinds[slots > last[:, None]] = Gap.ENDED
    inside = missing & (kinds == 0)
    # With a handful of meters, one that is silent says nothing about the collection.
    failed = (meters >= parameters.many_meters) & (reported <= parameters.collection_share * meters)
    kinds[inside & failed] = Gap.COLLECTION
    left = runs(inside & ~failed)
    zero = kwh == 0
    before = zero[left.row, np.maximum(left.start - 1, 0)] & (left.start > 0)
    end = left.start + left.length
    after = zero[left.row, np.minimum(end, kwh.shape[1] - 1)] & (end < kwh.shape[1])
    kind = np.where(before | after, Gap.METER_OFF, Gap.COMMUNICATION).astype(np.int8)
    kinds.ravel()[_cells(left, kwh.shape[1])] = kind.repeat(left.length)
    return kinds


def _cells(found: Runs, width: int) -> npt.NDArray[np.int64]:
    """Return the places of the half hours of some runs in the flattened array."""
    total = int(found.length.sum())
    begins = np.cumsum(found.length) - found.length
    places: npt.NDArray[np.int64] = (
        np.arange(total) - begins.repeat(found.length) + (found.row * width + found.start).repeat(found.length)
    )
    return places
