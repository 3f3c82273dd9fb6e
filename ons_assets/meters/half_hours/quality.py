"""How complete and how plausible readings are, by meter and month."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.half_hours.clock_face import as_array
from ons_assets.meters.half_hours.missing_runs import Gap, Runs, classify, runs
from ons_assets.meters.readings.clock import SLOTS
from ons_assets.meters.readings.day_rows import COUNTS
from ons_assets.parameters.meters import QualityParameters

FloatArray = npt.NDArray[np.float32]
SUMMED = ("received", *COUNTS, "replaced")


@dataclass(frozen=True)
class Collection:
    """How many meters of each layout were read in each half hour: all buckets together.

    Parameters
    ----------
    counts
        layout, day, `reported` (list of 48 counts). Counts of parts can be added up.
    lives
        layout, meter, first and last day with a reading.
    """

    counts: pl.DataFrame
    lives: pl.DataFrame


def collection(parts: Iterable[pl.DataFrame]) -> Collection:
    """Count the meters that were read, over parts of `meters/half_hours` that share no meter."""
    counts, lives = [], []
    for part in parts:
        for (layout,), rows in part.partition_by("layout", as_dict=True).items():
            read = ~np.isnan(as_array(rows["kwh"], SLOTS))
            days, of_row = np.unique(rows["day"].to_physical().to_numpy(), return_inverse=True)
            reported = np.zeros((len(days), SLOTS), dtype=np.int64)
            np.add.at(reported, of_row, read)
            counts.append(
                pl.DataFrame({"day": pl.Series(days).cast(pl.Date), "reported": reported}).with_columns(
                    layout=pl.lit(str(layout))
                )
            )
            lives.append(
                rows.filter(pl.Series(read.any(axis=1)))
                .group_by("layout", "meter")
                .agg(first_day=pl.col("day").min(), last_day=pl.col("day").max())
            )
    if not counts:
        raise ValueError("there are no half hours")
    together = pl.concat(counts).group_by("layout", "day").agg(_added("reported")).sort("layout", "day")
    return Collection(together, pl.concat(lives).sort("layout", "meter"))


def _added(column: str) -> pl.Expr:
    # Slot by slot: Polars has no sum over a list column.
    return pl.concat_list([pl.col(column).arr.get(slot).sum() for slot in range(SLOTS)]).alias(column)


def reading_quality(
    half_hours: pl.DataFrame, trial: Collection | None = None, parameters: QualityParameters | None = None
) -> pl.DataFrame:
    """Describe the readings of each meter in each month of its trial.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours`: all days of the meters that are described.
    trial
        Of all meters, see `collection`; the meters at hand alone, if None. A trial lasts from the first to
        the last day on which any of its meters was read.
    parameters
        Thresholds.

    Returns
    -------
    DataFrame
        Rows of `meters/reading_quality`; months in which a meter was not read are there too.
    """
    trial = trial if trial is not None else collection([half_hours])
    parameters = parameters or QualityParameters()
    parts = [
        _of_layout(rows.sort("meter", "day"), str(layout), trial, parameters)
        for (layout,), rows in half_hours.partition_by("layout", as_dict=True).items()
    ]
    return pl.concat(parts).sort("meter", "month")


@dataclass(frozen=True)
class _Timeline:
    """Readings of meters side by side, from the first to the last day of the trial."""

    meters: npt.NDArray[np.int64]
    first_day: int
    kwh: FloatArray
    """(meters, half hours)"""
    skipped: npt.NDArray[np.bool_]
    """Half hours that the clock skips, (half hours,)."""

    @property
    def days(self) -> int:
        days: int = self.kwh.shape[1] // SLOTS
        return days


def _timeline(rows: pl.DataFrame, first_day: int, days: int) -> _Timeline:
    meters, of_row = np.unique(rows["meter"].to_numpy(), return_inverse=True)
    kwh = np.full((len(meters), days, SLOTS), np.nan, dtype=np.float32)
    day = rows["day"].to_physical().to_numpy() - first_day
    kwh[of_row, day] = as_array(rows["kwh"], SLOTS)
    skipped = np.zeros((days, SLOTS), dtype=bool)
    for forward in np.unique(day[rows["clock_change"].to_numpy() == -1]).tolist():
        # What no meter can have read was not there; a whole lost day is not a clock change.
        skipped[forward] = np.isnan(kwh[:, forward]).all(axis=0)
        skipped[forward] &= skipped[forward].sum() == 2
    return _Timeline(meters, first_day, kwh.reshape(len(meters), -1), skipped.ravel())


def _of_layout(rows: pl.DataFrame, layout: str, trial: Collection, parameters: QualityParameters) -> pl.DataFrame:
    counts = trial.counts.filter(pl.col("layout") == layout)
    lives = trial.lives.filter(pl.col("layout") == layout)
    # Days on which meters only sent what cannot be used are of no trial, unless it has no others.
    read = counts.filter(pl.col("reported").list.max() > 0)
    counts = read if len(read) else counts
    first = int(counts["day"].to_physical().min())  # type: ignore[arg-type]
    days = int(counts["day"].to_physical().max()) - first + 1  # type: ignore[arg-type]
    line = _timeline(rows.filter(pl.col("day").to_physical().is_between(first, first + days - 1)), first, days)
    reported = np.zeros((days, SLOTS), dtype=np.int64)
    reported[counts["day"].to_physical().to_numpy() - first] = counts["reported"].list.to_array(SLOTS).to_numpy()
    active = np.zeros(days + 1, dtype=np.int64)
    np.add.at(active, lives["first_day"].to_physical().to_numpy() - first, 1)
    np.add.at(active, lives["last_day"].to_physical().to_numpy() - first + 1, -1)
    in_trial = np.cumsum(active)[:days].repeat(SLOTS)
    there = ~line.skipped
    kinds = classify(line.kwh[:, there], reported.ravel()[there], in_trial[there], parameters)
    months = _Months(line)
    table = months.table(layout).with_columns(
        expected=months.count(np.broadcast_to(there, line.kwh.shape)),
        read=months.count(~np.isnan(line.kwh)),
        **{f"missing_{gap.name.lower()}": months.count(_spread(kinds == gap, there)) for gap in Gap},
        **_run_columns(months, line, kinds, there, parameters),
        spikes=months.count(_spikes(line.kwh, parameters)),
        zero=months.count(line.kwh == 0),
    )
    return _with_counts(table, rows, lives)


def _spread(marked: npt.NDArray[np.bool_], there: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Put columns back where half hours that the clock skips were left out."""
    whole = np.zeros((len(marked), len(there)), dtype=bool)
    whole[:, there] = marked
    return whole


def _run_columns(
    months: "_Months",
    line: _Timeline,
    kinds: npt.NDArray[np.int8],
    there: npt.NDArray[np.bool_],
    parameters: QualityParameters,
) -> dict[str, pl.Series]:
    kept = line.kwh[:, there]
    back = np.flatnonzero(there)
    same = np.zeros(kept.shape, dtype=bool)
    same[:, 1:] = (kept[:, 1:] == kept[:, :-1]) & (kept[:, 1:] > 0)
    flat = runs(same)
    # A run of equal neighbours has one reading more than it has equalities.
    flat = Runs(flat.row, flat.start - 1, flat.length + 1).of_at_least(parameters.flat_run_slots)
    found = {
        "gap": runs((kinds == Gap.COLLECTION) | (kinds == Gap.METER_OFF) | (kinds == Gap.COMMUNICATION)),
        "zero_run": runs(kept == 0).of_at_least(parameters.zero_run_slots),
        "flat_run": flat,
    }
    columns = {}
    for name, each in found.items():
        placed = Runs(each.row, back[each.start], each.length)
        columns[f"{name}s"], columns[f"longest_{name}"] = months.runs(placed)
    return columns


def _spikes(kwh: FloatArray, parameters: QualityParameters) -> npt.NDArray[np.bool_]:
    spikes = np.zeros(kwh.shape, dtype=bool)
    for meter, readings in enumerate(kwh):
        read = readings[~np.isnan(readings)]
        if len(read):
            usual = float(np.percentile(read, 99))
            spikes[meter] = readings > max(parameters.spike_factor * usual, parameters.spike_kwh)
    return spikes


class _Months:
    """Sums over the months of a timeline."""

    def __init__(self, line: _Timeline) -> None:
        self._line = line
        days = pl.Series(np.arange(line.first_day, line.first_day + line.days), dtype=pl.Int32()).cast(pl.Date())
        months = days.dt.truncate("1mo")
        self._months = months.unique().sort()
        starts = np.flatnonzero(months.to_physical().diff().fill_null(1).to_numpy() != 0)
        self._starts = starts * SLOTS
        self._of_day = np.searchsorted(starts, np.arange(line.days), side="right") - 1

    def table(self, layout: str) -> pl.DataFrame:
        """Return meter and month of every row."""
        return pl.DataFrame(
            {
                "meter": self._line.meters.repeat(len(self._months)),
                "month": np.tile(self._months.to_numpy(), len(self._line.meters)),
                "layout": [layout] * (len(self._line.meters) * len(self._months)),
            }
        ).with_columns(pl.col("month").cast(pl.Date()))

    def count(self, marked: npt.NDArray[np.bool_]) -> pl.Series:
        """Return how many half hours are marked."""
        return pl.Series(np.add.reduceat(marked, self._starts, axis=1, dtype=np.int32).ravel())

    def runs(self, found: Runs) -> tuple[pl.Series, pl.Series]:
        """Return how many runs begin, and the length of the longest."""
        size = len(self._line.meters) * len(self._months)
        cell = found.row * len(self._months) + self._of_day[found.start // SLOTS]
        longest = np.zeros(size, dtype=np.int32)
        np.maximum.at(longest, cell, found.length.astype(np.int32))
        return pl.Series(np.bincount(cell, minlength=size).astype(np.int32)), pl.Series(longest)


def _with_counts(table: pl.DataFrame, rows: pl.DataFrame, lives: pl.DataFrame) -> pl.DataFrame:
    """Add the sums over days that `meters/half_hours` already holds."""
    sums = rows.group_by("meter", pl.col("day").dt.truncate("1mo").alias("month")).agg(
        pl.col(SUMMED).sum(),
        clock_change_days=(pl.col("clock_change") != 0).sum().cast(pl.Int32()),
        imputed_half_hours=pl.col("imputed_mask").bitwise_count_ones().sum().cast(pl.Int32()),
    )
    return (
        table.join(sums, on=["meter", "month"], how="left")
        .with_columns(pl.col(*SUMMED, "clock_change_days", "imputed_half_hours").fill_null(0))
        .join(rows.select("meter", "bucket").unique("meter"), on="meter")
        .join(lives.select("meter", first_reading_day="first_day", last_reading_day="last_day"), on="meter", how="left")
    )
