"""One row a meter and local day: 48 half hours of the clock face, as the kernels read them.

On the day that the clock goes forward the two half hours that it skips are NaN. On the day that it goes
back the hour that comes twice is the mean of both, so that a half hour stays comparable with that of any
other day; what the second hour adds to the energy of the day is kept in `extra_kwh`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.readings.clock import SLOTS, local_clock
from ons_assets.meters.readings.day_rows import COUNTS
from ons_assets.meters.readings.placed import packed, unpacked

FloatArray = npt.NDArray[np.float32]
Negative = Literal["missing", "zero", "keep"]


@dataclass(frozen=True)
class Dense:
    """Half hours as the kernels take them.

    Parameters
    ----------
    kwh
        (meter-days, 48) float32, NaN where missing; a view of the frame's memory where that is possible.
    meter_offsets
        Days of meter m are rows ``meter_offsets[m]:meter_offsets[m + 1]``, (meters + 1,).
    meters
        Pseudonyms, ascending, (meters,).
    """

    kwh: FloatArray
    meter_offsets: npt.NDArray[np.int64]
    meters: npt.NDArray[np.int64]


def dense(half_hours: pl.DataFrame) -> Dense:
    """Return the readings of some rows of `meters/half_hours`, sorted by meter and day, as arrays.

    Raises
    ------
    ValueError
        If the rows are not sorted by meter.
    """
    if half_hours.is_empty():
        return Dense(np.empty((0, SLOTS), np.float32), np.zeros(1, np.int64), np.empty(0, np.int64))
    meter = half_hours["meter"].to_numpy()
    if np.any(meter[1:] < meter[:-1]):
        raise ValueError("half hours must be sorted by meter and day")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(meter)) + 1])
    return Dense(as_array(half_hours["kwh"], SLOTS), np.append(starts, len(meter)), meter[starts])


def measured(half_hours: pl.DataFrame) -> FloatArray:
    """Return the readings of some rows of `meters/half_hours`, (rows, 48), NaN too where one was filled."""
    kwh = as_array(half_hours["kwh"], SLOTS)
    if "imputed_mask" not in half_hours.columns or not (half_hours["imputed_mask"] != 0).any():
        return kwh
    filled = (half_hours["imputed_mask"].to_numpy()[:, None] >> np.arange(SLOTS)) & 1
    return np.where(filled == 1, np.float32(np.nan), kwh)


def as_array(lists: pl.Series, width: int) -> npt.NDArray[np.float32]:
    """Return a column of lists of one length as an array, without a copy where it is one piece of memory."""
    return lists.rechunk().list.to_array(width).to_numpy()


def half_hours(raw: pl.DataFrame, negative: Negative = "missing") -> pl.DataFrame:
    """Make the half hours of the clock face from the days that files delivered.

    Parameters
    ----------
    raw
        Rows of `meters/raw_readings`: all rows of the meters that are made.
    negative
        What a negative reading becomes: NaN, 0, or itself. It is counted in any case.

    Returns
    -------
    DataFrame
        Rows of `meters/half_hours`, sorted by meter and day, from the first to the last day on which a
        meter delivered. Where several files hold a half hour, the
        file that was received last counts, and `replaced` says how many half hours it changed.
    """
    raw = _within_life(raw).sort("meter", "day", "arrival")
    parts = [_of_length(part, count) for count, part in _by_length(raw)]
    counts = raw.group_by("meter", "day", maintain_order=True).agg(
        pl.col("bucket", "layout").last(), pl.col("received", *COUNTS).sum()
    )
    if not parts:
        return _empty(counts)
    arrays = pl.concat([_clock_face(part, negative) for part in parts])
    return counts.join(arrays, on=["meter", "day"], how="inner", validate="1:1").sort("meter", "day")


def _within_life(raw: pl.DataFrame) -> pl.DataFrame:
    """Leave out days before the first and after the last on which anything came of a half hour of a meter.

    Records of other days have no time that is on the grid. A meter without any keeps its days: that it has none must
    be seen.
    """
    delivered = pl.when(pl.col("delivered_mask") != 0).then("day")
    first, last = (pl.coalesce(end, "day") for end in (delivered.min().over("meter"), delivered.max().over("meter")))
    return raw.filter(pl.col("day").is_between(first, last))


@dataclass(frozen=True)
class _Days:
    """Days of one length, merged over files: readings as time passes, and marks of them, (n, 46, 48 or 50)."""

    keys: pl.DataFrame
    kwh: FloatArray
    delivered: npt.NDArray[np.bool_]
    estimated: npt.NDArray[np.bool_]
    replaced: npt.NDArray[np.int64]


def _by_length(raw: pl.DataFrame) -> list[tuple[int, pl.DataFrame]]:
    length = raw["readings_kwh"].list.len()
    return [(count, raw.filter(length == count)) for count in length.unique().sort()]


def _of_length(rows: pl.DataFrame, length: int) -> _Days:
    kwh = as_array(rows["readings_kwh"], length)
    delivered, estimated = (unpacked(rows[name].to_numpy(), length) for name in ("delivered_mask", "estimated_mask"))
    rows = rows.with_columns(turn=pl.int_range(pl.len()).over("meter", "day"))
    turn = rows["turn"].to_numpy()
    first = np.flatnonzero(turn == 0)
    keys = rows.select("meter", "day", "zone")[first]
    if len(first) == len(rows):
        return _Days(keys, kwh, delivered, estimated, np.zeros(len(first), dtype=np.int64))
    merged, any_delivered, of_merged = kwh[first].copy(), delivered[first].copy(), estimated[first].copy()
    replaced = np.zeros(len(first), dtype=np.int64)
    of_row = np.cumsum(turn == 0) - 1
    for later in range(1, int(turn.max()) + 1):
        at = np.flatnonzero(turn == later)
        into, new = of_row[at], kwh[at]
        read = ~np.isnan(new)
        replaced[into] += (read & ~np.isnan(merged[into]) & (new != merged[into])).sum(axis=1)
        merged[into] = np.where(read, new, merged[into])
        of_merged[into] = np.where(read, estimated[at], of_merged[into])
        any_delivered[into] |= delivered[at]
    return _Days(keys, merged, any_delivered, of_merged, replaced)


def _clock_face(days: _Days, negative: Negative) -> pl.DataFrame:
    length = days.kwh.shape[1]
    passed = _without_negative(days.kwh, negative)
    extra = np.zeros(len(passed), dtype=np.float32)
    face, delivered, estimated = passed, days.delivered, days.estimated
    if length != SLOTS:
        face = np.full((len(passed), SLOTS), np.nan, dtype=np.float32)
        delivered, estimated = (np.zeros(face.shape, dtype=bool) for _ in range(2))
        zone_and_day = days.keys.select("zone", day=pl.col("day").cast(pl.Int32())).with_row_index()
        for (zone, day), rows in zone_and_day.partition_by("zone", "day", as_dict=True).items():
            at = rows["index"].to_numpy()
            labels = local_clock(str(zone)).labels(int(str(day)))
            face[at], extra[at] = _on_face(passed[at], labels)
            delivered[at] = _marks_on_face(days.delivered[at], labels)
            # Of two half hours of one label only those that were read are in the mean.
            estimated[at] = _marks_on_face(days.estimated[at] & ~np.isnan(passed[at]), labels)
    return days.keys.select("meter", "day").with_columns(
        kwh=_as_lists(face),
        extra_kwh=extra,
        missing=pl.Series(np.isnan(passed).sum(axis=1), dtype=pl.Int32()),
        clock_change=pl.lit((length - SLOTS) // 2, dtype=pl.Int8()),
        replaced=pl.Series(days.replaced, dtype=pl.Int32()),
        imputed_mask=pl.lit(0, dtype=pl.Int64()),
        delivered_mask=packed(delivered),
        estimated_mask=packed(estimated & ~np.isnan(face)),
    )


def _marks_on_face(passed: npt.NDArray[np.bool_], labels: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    face = np.zeros((len(passed), SLOTS), dtype=bool)
    for label in np.unique(labels):
        face[:, label] = passed[:, labels == label].any(axis=1)
    return face


def _on_face(passed: FloatArray, labels: npt.NDArray[np.int16]) -> tuple[FloatArray, FloatArray]:
    """Return what the clock face shows of days as time passes, and the energy that it does not show."""
    face = np.full((len(passed), SLOTS), np.nan, dtype=np.float32)
    extra = np.zeros(len(passed), dtype=np.float32)
    for label in np.unique(labels):
        both = passed[:, labels == label]
        read = ~np.isnan(both)
        count = read.sum(axis=1)
        total = np.where(read, both, 0).sum(axis=1)
        face[:, label] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        extra += np.where(count > 1, total - total / np.maximum(count, 1), 0).astype(np.float32)
    return face, extra


def _without_negative(kwh: FloatArray, negative: Negative) -> FloatArray:
    if negative == "keep" or not (below := kwh < 0).any():
        return kwh
    return np.where(below, np.float32(np.nan if negative == "missing" else 0), kwh)


def _as_lists(kwh: FloatArray) -> pl.Series:
    return pl.Series(np.ascontiguousarray(kwh), dtype=pl.Array(pl.Float32(), kwh.shape[1])).arr.to_list()


def _empty(counts: pl.DataFrame) -> pl.DataFrame:
    return counts.with_columns(
        kwh=pl.Series([], dtype=pl.List(pl.Float32())),
        extra_kwh=pl.Series([], dtype=pl.Float32()),
        missing=pl.Series([], dtype=pl.Int32()),
        clock_change=pl.Series([], dtype=pl.Int8()),
        replaced=pl.Series([], dtype=pl.Int32()),
        imputed_mask=pl.Series([], dtype=pl.Int64()),
        delivered_mask=pl.Series([], dtype=pl.Int64()),
        estimated_mask=pl.Series([], dtype=pl.Int64()),
    )
