"""From placed readings to one row a meter and local day, as one file delivered it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from ons_assets.meters.readings.clock import LONGEST_DAY, local_clock
from ons_assets.meters.readings.placed import FAULT_COLUMNS, ReadingKind

COUNTS = ("repeated", "contradictory", "negative", *FAULT_COLUMNS)


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
    faults: pl.DataFrame,
    layout: ReadingKind,
) -> pl.DataFrame:
    """Gather readings into days.

    Two readings of one moment with the same value are one, and counted as repeated; two with different
    values contradict each other, and neither is taken. A register's energy of an interval is what it
    shows at the end less what it shows at the start, where both were read; a step back gives nothing
    and is counted as negative. Shorter intervals make a half hour only where all of them were read.

    Parameters
    ----------
    meter, day, position, value
        Readings in any order, (n,); see `placed.Block`.
    faults
        Records that are no readings: meter, day, fault.
    layout
        What the readings are.

    Returns
    -------
    DataFrame
        meter, day, `readings_kwh` (list of 46, 48 or 50 float32, kWh of each half hour as time passes, NaN
        where none), and counts: `received`, and those in `COUNTS`. Sorted by meter and day.
    """
    per_half_hour = 30 // layout.interval_minutes
    width = LONGEST_DAY * per_half_hour
    index = _index(np.concatenate([meter, faults["meter"].to_numpy()]), np.concatenate([day, faults["day"].to_numpy()]))
    rows, readings = len(index.meter), len(meter)
    cell = index.row[:readings] * width + position
    dense = np.full(rows * width, np.nan, dtype=value.dtype)
    dense[cell] = value
    times = np.bincount(cell, minlength=len(dense))
    contradicted = np.unique(cell[dense[cell] != value])
    dense[contradicted] = np.nan
    several = np.flatnonzero(times > 1)
    agreeing = several[~np.isin(several, contradicted)]
    counts = {
        "received": np.bincount(index.row[:readings], minlength=rows),
        "repeated": np.bincount(agreeing // width, weights=times[agreeing] - 1, minlength=rows),
        "contradictory": np.bincount(contradicted // width, minlength=rows),
    }
    kwh = dense.reshape(rows, width)
    lengths = local_clock(layout.zone).half_hours(index.day)
    if layout.is_register:
        kwh, counts["negative"] = _energy(kwh, index, lengths * per_half_hour)
    if per_half_hour > 1:
        kwh = kwh.reshape(rows, LONGEST_DAY, per_half_hour).sum(axis=2)
    if not layout.is_register:
        counts["negative"] = (kwh < 0).sum(axis=1)
    fault_row, fault = index.row[readings:], faults["fault"].to_numpy()
    for number, name in enumerate(FAULT_COLUMNS):
        counts[name] = np.bincount(fault_row[fault == number], minlength=rows)
    return pl.DataFrame(
        {
            "meter": index.meter,
            "day": pl.Series(index.day, dtype=pl.Int32()).cast(pl.Date()),
            "readings_kwh": _lists(kwh.astype(np.float32, copy=False), lengths),
            **{name: count.astype(np.int32) for name, count in counts.items()},
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


def _energy(
    register: npt.NDArray[np.floating], index: _Index, lengths: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int64]]:
    """Return the energy of each interval of the days, and how often a register went back."""
    after = np.full(register.shape, np.nan, dtype=register.dtype)
    after[:, :-1] = register[:, 1:]
    last = lengths - 1
    after[np.arange(len(last)), last] = np.nan
    follows = np.flatnonzero((np.diff(index.meter) == 0) & (np.diff(index.day) == 1))
    after[follows, last[follows]] = register[follows + 1, 0]
    energy = after - register
    back = energy < 0
    energy[back] = np.nan
    return energy, back.sum(axis=1)


def _lists(kwh: npt.NDArray[np.float32], lengths: npt.NDArray[np.int64]) -> pl.Series:
    """Cut each row to the length of its day."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    values = kwh[np.arange(kwh.shape[1]) < lengths[:, None]]
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values))
    series = pl.from_arrow(lists)
    assert isinstance(series, pl.Series)
    return series
