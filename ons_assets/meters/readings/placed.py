"""Readings that have found their place in a meter's local day, a block at a time."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.meters.readings.clock import LONGEST_DAY


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
MARK_SCHEMA = {
    "meter": pl.Int64(),
    "day": pl.Int32(),
    "mark": pl.Int8(),
    "count": pl.Int32(),
    "half_hours": pl.Int64(),
}


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
        How many records of a known meter have which `Mark`, and of which half hours of the day they are: meter, day,
        mark, count, half_hours (see `bits_of`). The day is null where a record that is no reading does not say it.
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
    """Return marks (meter, day, mark, half_hours), one row for each that occurs, with how often it does.

    A record without a mark is counted nowhere, but it came: its meter and half hour are known.
    """
    if marks.is_empty():
        return pl.DataFrame(schema=MARK_SCHEMA)
    grouped = marks.group_by("meter", "day", "mark").agg(
        pl.col("mark").count().alias("count"), pl.col("half_hours").bitwise_or().fill_null(0)
    )
    grouped = grouped.with_columns(pl.col("mark").fill_null(int(Mark.UNREADABLE)))
    return grouped.cast(pl.Schema(MARK_SCHEMA)).select(list(MARK_SCHEMA))


def bits_of(position: npt.NDArray[np.integer], kind: ReadingKind) -> npt.NDArray[np.int64]:
    """Return which half hours of its day each record is of: bit 0 for the first after midnight, two bits for an hour.

    Of a register, what it shows within a half hour is of none; nor is a position that is not of the day.

    Parameters
    ----------
    position
        Intervals since the local day began, (n,).
    kind
        What the readings are.
    """
    minutes = position.astype(np.int64) * kind.interval_minutes
    half_hour = minutes // 30
    within = (half_hour >= 0) & (half_hour < LONGEST_DAY)
    if kind.is_register:
        within &= minutes % max(30, kind.interval_minutes) == 0
    each = np.int64(0b11 if kind.interval_minutes == 60 else 0b1)
    return np.where(within, each << np.where(within, half_hour, 0), 0)


def packed(half_hours: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the bits of half hours, (rows, up to 63) to (rows,)."""
    eight = np.zeros((len(half_hours), 8), dtype=np.uint8)
    packed = np.packbits(half_hours, axis=1, bitorder="little")
    eight[:, : packed.shape[1]] = packed
    return eight.view("<i8").ravel().astype(np.int64)


def unpacked(bits: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.bool_]:
    """Return the half hours of bits, (rows,) to (rows, width)."""
    eight = np.ascontiguousarray(bits, dtype="<i8").view(np.uint8).reshape(len(bits), 8)
    return np.unpackbits(eight, axis=1, count=width, bitorder="little").astype(bool)
