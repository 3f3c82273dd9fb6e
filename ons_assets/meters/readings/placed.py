"""Readings that have found their place in a meter's local day, a block at a time."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA


class Fault(IntEnum):
    """Why a record of a known meter and day is no reading; counted by meter and day."""

    OFF_GRID = 0
    UNREADABLE = 1
    TOO_LARGE = 2
    SKIPPED_HOUR = 3


FAULT_COLUMNS = ("off_grid", "unreadable", "too_large", "skipped_hour")
FAULT_SCHEMA = {"meter": pl.Int64(), "day": pl.Int32(), "fault": pl.Int8()}


@dataclass(frozen=True)
class Block:
    """Readings of one block of a file, and what in it is none.

    Parameters
    ----------
    meter
        Pseudonym, (n,).
    day
        Local day, counted from 1970-01-01, (n,).
    position
        Intervals since the local day began, (n,).
    value
        kWh in the interval, or what the register showed at its start, in kWh, (n,).
    rejected
        Records that are no reading: line, reason, text.
    faults
        Those of them whose meter and day are known: meter, day, fault.
    """

    meter: npt.NDArray[np.int64]
    day: npt.NDArray[np.int32]
    position: npt.NDArray[np.int16]
    value: npt.NDArray[np.floating]
    rejected: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTED_SCHEMA))
    faults: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FAULT_SCHEMA))


@dataclass(frozen=True)
class ReadingKind:
    """What the readings of a file are, once they are placed.

    Parameters
    ----------
    name
        Of the mapping, or `cer`.
    zone
        Zone of the homes; its clock makes the local days.
    interval_minutes
        Length of one position, a part of 30.
    is_register
        Whether values are a register that counts up, not energy of an interval.
    """

    name: str
    zone: str
    interval_minutes: int = 30
    is_register: bool = False
