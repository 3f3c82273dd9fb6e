"""From placed readings to one row a meter and local day, as one file delivered it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from ons_assets.meters.readings.clock import LONGEST_DAY, local_clock
from ons_assets.meters.readings.placed import MARK_COLUMNS, Mark, ReadingKind, packed, unpacked
from ons_assets.meters.readings.registers import energy

COUNTS = ("repeated", "contradictory", "negative", *MARK_COLUMNS, "hourly", "partial")
FLAGS = (Mark.ESTIMATED, Mark.SUBSTITUTED)


@dataclass(frozen=True)
class _Index:
    """Which row each reading belongs to."""

    meter: npt.NDArray[np.int64]
    day: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]


def day_rows(
    meter: npt.NDArray[np.int64],
    day: npt.NDArray[np.int32],
    position: npt.NDArray[np.int16],
    value: npt.NDArray[np.floating],
    marks: pl.DataFrame,
    kind: ReadingKind,
) -> pl.DataFrame:
    """Gather readings into days.

    Two readings of one moment with the same value are one, and counted as repeated; two with different
    values contradict each other, and neither is taken. The energy of a register is what it shows at the end
    of a half hour less what it shows at its start; see `registers`. Shorter intervals make a half hour where
    the share of them that the layout asks for was read. An hour is two half hours of half its energy each.

    Parameters
    ----------
    meter, day, position, value
        Readings in any order, (n,); see `placed.Block`.
    marks
        What is said of records: meter, day, mark, count.
    kind
        What the readings are.

    Returns
    -------
    DataFrame
        meter, day, `readings_kwh` (list of 46, 48 or 50 float32, kWh of each half hour as time passes, NaN
        where none), `delivered_mask` and `estimated_mask` (half hours of which anything came, and that came by an
        estimate: bit 0 for the first of the day), and counts: `received`, and those in `COUNTS`. Sorted by meter and
        day.
    """
    width = LONGEST_DAY * 30 // kind.interval_minutes
    index = _index(np.concatenate([meter, marks["meter"].to_numpy()]), np.concatenate([day, marks["day"].to_numpy()]))
    rows, readings = len(index.meter), len(meter)
    cell = index.row[:readings] * width + position
    dense = np.full(rows * width, np.nan, dtype=value.dtype)
    dense[cell] = value
    times = np.bincount(cell, minlength=len(dense))
    contradicted = np.unique(cell[dense[cell] != value])
    dense[contradicted] = np.nan
    several = np.flatnonzero(times > 1)
    agreeing = several[~np.isin(several, contradicted)]
    counts: dict[str, npt.NDArray[Any]] = {
        "received": np.bincount(index.row[:readings], minlength=rows),
        "repeated": np.bincount(agreeing // width, weights=times[agreeing] - 1, minlength=rows),
        "contradictory": np.bincount(contradicted // width, minlength=rows),
        **_marked(marks, index.row[readings:], rows),
    }
    lengths = local_clock(kind.zone).half_hours(index.day)
    of_mark = index.row[readings:]
    delivered = _half_hours((times > 0).reshape(rows, width), kind) | _of_marks(marks, of_mark, rows)
    flagged = np.isin(marks["mark"].to_numpy(), FLAGS)
    estimated = _of_marks(marks.filter(pl.Series(flagged, dtype=pl.Boolean())), of_mark[flagged], rows)
    kwh = dense.reshape(rows, width)
    if kind.is_register:
        kwh, counts["negative"], too_large = _of_registers(kwh, index, lengths, kind)
        counts["too_large"] = counts["too_large"] + too_large
        delivered = _between(delivered, index, lengths, kind, both=True)
        estimated = _between(estimated, index, lengths, kind, both=False)
    counts["partial"] = counts["hourly"] = np.zeros(rows, dtype=np.int64)
    if kind.interval_minutes == 60:
        counts["hourly"] = (~np.isnan(kwh)).sum(axis=1)
        kwh = (kwh / 2).repeat(2, axis=1)
    elif kind.interval_minutes < 30 and not kind.is_register:
        kwh, counts["partial"] = _of_parts(kwh.reshape(rows, LONGEST_DAY, width // LONGEST_DAY), kind.least_coverage)
    if not kind.is_register:
        counts["negative"] = (kwh < 0).sum(axis=1)
    return pl.DataFrame(
        {
            "meter": index.meter,
            "day": pl.Series(index.day, dtype=pl.Int32()).cast(pl.Date()),
            "readings_kwh": _lists(kwh.astype(np.float32, copy=False), lengths),
            "delivered_mask": packed(delivered),
            "estimated_mask": packed(estimated),
            "received": counts["received"].astype(np.int32),
            **{name: counts[name].astype(np.int32) for name in COUNTS},
        }
    )


def _index(meter: npt.NDArray[np.int64], day: npt.NDArray[np.int32]) -> _Index:
    """Number the meter-days that occur, by meter and day."""
    if not len(meter):
        empty = np.empty(0, dtype=np.int64)
        return _Index(empty, empty, empty)
    # Files hold long runs of one meter: numbering the runs spares sorting every reading.
    starts = np.concatenate([[0], np.flatnonzero(np.diff(meter)) + 1])
    meters, of_run = np.unique(meter[starts], return_inverse=True)
    first = int(day.min())
    days = int(day.max()) - first + 1
    offset = (of_run * days - first).repeat(np.diff(np.append(starts, len(meter))))
    key = offset + day
    occurs = np.zeros(len(meters) * days, dtype=bool)
    occurs[key] = True
    present = np.flatnonzero(occurs)
    number = np.cumsum(occurs) - 1
    return _Index(meters[present // days], present % days + first, number[key])


def _marked(marks: pl.DataFrame, row: npt.NDArray[np.int64], rows: int) -> dict[str, npt.NDArray[np.number]]:
    mark, count = marks["mark"].to_numpy(), marks["count"].to_numpy()
    return {
        each.name.lower(): np.bincount(row[mark == each], weights=count[mark == each], minlength=rows) for each in Mark
    }


def _of_registers(
    shown: npt.NDArray[np.floating], index: _Index, lengths: npt.NDArray[np.int64], kind: ReadingKind
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the energy of the half hours (or hours) of days, and how often a register fell, or leapt too far."""
    # What a register shows within a half hour says nothing that its ends do not say.
    longer = max(30, kind.interval_minutes)
    ends = shown[:, :: longer // kind.interval_minutes]
    within, row, owner = _in_order(index, lengths, longer)
    found, fell = energy(ends[within], owner[row])
    too_large = np.abs(found) > kind.largest_kwh * longer / 30
    found[too_large] = np.nan
    kwh = np.full(ends.shape, np.nan, dtype=shown.dtype)
    kwh[within] = found
    rows = len(shown)
    return kwh, np.bincount(row[fell], minlength=rows), np.bincount(row[too_large], minlength=rows)


def _in_order(
    index: _Index, lengths: npt.NDArray[np.int64], minutes: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return which intervals days have, the row of each of them in order of time, and the owner of each row."""
    intervals = LONGEST_DAY * 30 // minutes
    within = np.arange(intervals) < (lengths * 30 // minutes)[:, None]
    row = np.flatnonzero(within.ravel()) // intervals
    # Days that do not follow each other are as of different meters: what was used between is of no half hour.
    follows = (np.diff(index.meter) == 0) & (np.diff(index.day) == 1)
    owner = np.concatenate([[0], np.cumsum(~follows)]) if len(follows) else np.zeros(len(index.meter), dtype=np.int64)
    return within, row, owner


def _half_hours(intervals: npt.NDArray[np.bool_], kind: ReadingKind) -> npt.NDArray[np.bool_]:
    """Return the half hours of marked intervals, (rows, intervals) to (rows, 50)."""
    if kind.interval_minutes == 60:
        return intervals.repeat(2, axis=1)
    parts = intervals.reshape(len(intervals), LONGEST_DAY, 30 // kind.interval_minutes)
    # What a register shows within a half hour is of none.
    return parts[:, :, 0] if kind.is_register else np.asarray(parts.any(axis=2))


def _of_marks(marks: pl.DataFrame, row: npt.NDArray[np.int64], rows: int) -> npt.NDArray[np.bool_]:
    """Return the half hours of marks, (rows, 50)."""
    bits = np.zeros(rows, dtype=np.int64)
    np.bitwise_or.at(bits, row, marks["half_hours"].to_numpy())
    return unpacked(bits, LONGEST_DAY)


def _between(
    shown: npt.NDArray[np.bool_], index: _Index, lengths: npt.NDArray[np.int64], kind: ReadingKind, *, both: bool
) -> npt.NDArray[np.bool_]:
    """Return the half hours of which both ends of a register are marked, or one of them, (rows, 50)."""
    longer = max(30, kind.interval_minutes)
    within, row, owner = _in_order(index, lengths, longer)
    ends = shown[:, :: longer // 30]
    start = ends[within]
    end = np.zeros_like(start)
    end[:-1] = start[1:] & (owner[row][1:] == owner[row][:-1])
    marked = np.zeros_like(ends)
    marked[within] = start & end if both else start | end
    return marked.repeat(longer // 30, axis=1)


def _of_parts(
    parts: npt.NDArray[np.floating], least_coverage: float
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int64]]:
    """Return half hours of their intervals, and how many of a day were read in part.

    Where enough of a half hour was read, the rest is taken to have been as the part that was.
    """
    whole = parts.sum(axis=2)
    read = (~np.isnan(parts)).sum(axis=2)
    of_part = (read > 0) & (read < parts.shape[2])
    enough = of_part & (read >= least_coverage * parts.shape[2])
    if enough.any():
        whole[enough] = np.nansum(parts[enough], axis=1) * parts.shape[2] / read[enough]
    return whole, of_part.sum(axis=1)


def _lists(kwh: npt.NDArray[np.float32], lengths: npt.NDArray[np.int64]) -> pl.Series:
    """Cut each row to the length of its day."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    values = kwh[np.arange(kwh.shape[1]) < lengths[:, None]]
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values))
    series = pl.from_arrow(lists)
    assert isinstance(series, pl.Series)
    return series
