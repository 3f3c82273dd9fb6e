"""Readings that have found their place in a meter's local day, a block at a time."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA


class Mark(IntEnum):
    """What is said of a record of a known meter and day; counted by meter and day.

    The first four say why it is no reading, the others how a reading came about.
    """

    OFF_GRID = 0
    UNREADABLE = 1
    TOO_LARGE = 2
    SKIPPED_HOUR = 3
    ESTIMATED = 4
    SUBSTITUTED = 5


MARK_COLUMNS = tuple(mark.name.lower() for mark in Mark)
MARK_SCHEMA = {"meter": pl.Int64(), "day": pl.Int32(), "mark": pl.Int8(), "count": pl.Int32()}


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
    marks
        How many records of a known meter and day have which `Mark`: meter, day, mark, count.
    """

    meter: npt.NDArray[np.int64]
    day: npt.NDArray[np.int32]
    position: npt.NDArray[np.int16]
    value: npt.NDArray[np.floating]
    rejected: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTED_SCHEMA))
    marks: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MARK_SCHEMA))


@dataclass(frozen=True)
class ReadingKind:
    """What the readings of a file are, once they are placed.

    Parameters
    ----------
    name
        Of the layout.
    zone
        Zone of the homes; its clock makes the local days.
    interval_minutes
        Length of one position, a part of 30, or 60.
    is_register
        Whether values are a register that counts up, not energy of an interval.
    least_coverage
        Share of its intervals that makes a half hour.
    largest_kwh
        Above which a half hour of a register is none.
    """

    name: str
    zone: str
    interval_minutes: int = 30
    is_register: bool = False
    least_coverage: float = 1
    largest_kwh: float = np.inf


def counted(marks: pl.DataFrame) -> pl.DataFrame:
    """Return marks (meter, day, mark), one row for each that occurs, with how often it does."""
    if marks.is_empty():
        return pl.DataFrame(schema=MARK_SCHEMA)
    return marks.group_by("meter", "day", "mark").len("count").cast(pl.Schema(MARK_SCHEMA)).select(list(MARK_SCHEMA))
