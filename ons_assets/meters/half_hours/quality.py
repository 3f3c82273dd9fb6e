"""How complete and how plausible readings are, by meter and month."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.engine.local import HERE
from ons_assets.engine.parts import Engine
from ons_assets.meters.half_hours.clock_face import measured
from ons_assets.meters.half_hours.missing_runs import Gap, Runs, classify, runs
from ons_assets.meters.readings.clock import SLOTS
from ons_assets.meters.readings.day_rows import COUNTS
from ons_assets.meters.readings.placed import unpacked
from ons_assets.parameters.meters import QualityParameters

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
SUMMED = ("received", *COUNTS, "replaced")


@dataclass(frozen=True)
class Collection:
    """How many meters of each layout were read in each half hour: all buckets together.

    Parameters
    ----------
    counts
        layout, day, `reported` (list of 48 counts), `clock_change`. Counts of parts can be added up.
    lives
        layout, meter, first and last day with a reading; null of a meter of which none counts.
    """

    counts: pl.DataFrame
    lives: pl.DataFrame

    def trials(self) -> list[list[str]]:
        """Return the layouts of each trial: those that have meters in common are of one."""
        found: list[set[str]] = []
        for layouts in self.lives.group_by("meter").agg(pl.col("layout").unique().sort())["layout"].unique().sort():
            joined = set(layouts)
            for other in [each for each in found if each & joined]:
                joined |= other
                found.remove(other)
            found.append(joined)
        return sorted(sorted(each) for each in found)


def collection(parts: Iterable[pl.DataFrame | pl.LazyFrame], engine: Engine = HERE) -> Collection:
    """Count the meters that were read, over parts of `meters/half_hours` that share no meter."""
    counted = list(engine.map(_read_of_part, ((part,) for part in parts)))
    if not counted:
        raise ValueError("there are no half hours")
    counts, lives = zip(*counted, strict=True)
    return Collection(_added(pl.concat(counts), "layout", "day"), pl.concat(lives).sort("layout", "meter"))


def _read_of_part(part: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """How many meters of a part were read in each half hour, and when each was read first and last."""
    counts, lives = [], []
    for (layout,), rows in part.partition_by("layout", as_dict=True).items():
        read = ~np.isnan(measured(rows))
        days = rows.group_by("day").agg(pl.col("clock_change").min()).sort("day")
        of_row = np.searchsorted(days["day"].to_physical().to_numpy(), rows["day"].to_physical().to_numpy())
        reported = np.zeros((len(days), SLOTS), dtype=np.int64)
        np.add.at(reported, of_row, read)
        lists = pl.Series("reported", reported, dtype=pl.Array(pl.Int64(), SLOTS)).arr.to_list()
        counts.append(days.with_columns(lists, layout=pl.lit(str(layout))))
        lives.append(
            rows.select("layout", "meter", day=pl.when(pl.Series(read.any(axis=1))).then("day"))
            .group_by("layout", "meter")
            .agg(first_day=pl.col("day").min(), last_day=pl.col("day").max())
        )
    return pl.concat(counts), pl.concat(lives)


def _added(counts: pl.DataFrame, *by: str) -> pl.DataFrame:
    # Slot by slot: Polars has no sum over a list column.
    reported = pl.concat_list([pl.col("reported").list.get(slot).sum() for slot in range(SLOTS)])
    return counts.group_by(by).agg(reported, pl.col("clock_change").min()).sort(by)


def reading_quality(
    half_hours: pl.DataFrame, trial: Collection | None = None, parameters: QualityParameters | None = None
) -> pl.DataFrame:
    """Describe the readings of each meter in each month of its trial.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours`: all days of the meters that are described.
    trial
        Of all meters, see `collection`; the meters at hand alone, if None. A trial is that of layouts with meters in
        common, and lasts from the first to the last day on which any of its meters was read; a few readings far away
        from all others are of no trial.
    parameters
        Thresholds.

    Returns
    -------
    DataFrame
        Rows of `meters/reading_quality`; months in which a meter was not read are there too. What was filled was not
        read.
    """
    trial = trial if trial is not None else collection([half_hours])
    parameters = parameters or QualityParameters()
    parts = []
    for layouts in trial.trials():
        rows = half_hours.filter(pl.col("layout").is_in(layouts)).sort("meter", "day")
        if len(rows):
            parts.append(_of_trial(rows, layouts, trial, parameters))
    return pl.concat(parts).sort("meter", "month")


@dataclass(frozen=True)
class _Timeline:
    """Readings of meters side by side, from the first to the last day of the trial."""

    meters: npt.NDArray[np.int64]
    first_day: int
    kwh: FloatArray
    """(meters, half hours)"""
    delivered: BoolArray
    """Of which anything came, (meters, half hours)."""
    estimated: BoolArray
    """Whose reading is an estimate, (meters, half hours)."""

    @property
    def days(self) -> int:
        days: int = self.kwh.shape[1] // SLOTS
        return days


def _timeline(rows: pl.DataFrame, first_day: int, days: int) -> _Timeline:
    # Meters of which nothing came within the trial are of it all the same.
    meters = rows["meter"].unique().sort().to_numpy()
    rows = rows.filter(pl.col("day").to_physical().is_between(first_day, first_day + days - 1))
    of_row = np.searchsorted(meters, rows["meter"].to_numpy())
    kwh = np.full((len(meters), days, SLOTS), np.nan, dtype=np.float32)
    marked = np.zeros((2, len(meters), days, SLOTS), dtype=bool)
    day = rows["day"].to_physical().to_numpy() - first_day
    kwh[of_row, day] = measured(rows)
    for each, name in zip(marked, ("delivered_mask", "estimated_mask"), strict=True):
        each[of_row, day] = unpacked(rows[name].to_numpy(), SLOTS)
    delivered, estimated = (each.reshape(len(meters), -1) for each in marked)
    return _Timeline(meters, first_day, kwh.reshape(len(meters), -1), delivered, estimated)


def _span(counts: pl.DataFrame, parameters: QualityParameters) -> tuple[int, int]:
    """Return the first and the last day of a trial, of what was read of all its meters: `day`, `reported`."""
    # Days on which meters only sent what cannot be used are of no trial, unless it has no others.
    read = counts.filter(pl.col("reported").list.max() > 0)
    days = (
        (read if len(read) else counts).select(pl.col("day").to_physical(), pl.col("reported").list.sum()).sort("day")
    )
    # A clock that was never set sends a reading or two of another year; it moves the trial of no other meter.
    apart = pl.col("day").diff().fill_null(0) > parameters.trial_break_days
    stretches = days.group_by(apart.cum_sum()).agg(
        pl.col("day").min().alias("first"), pl.col("day").max().alias("last"), pl.col("reported").sum()
    )
    large = pl.col("reported") >= parameters.stray_share * pl.col("reported").sum()
    kept = stretches.filter(large)
    of_trial = kept if len(kept) else stretches
    return int(of_trial["first"].min()), int(of_trial["last"].max())  # type: ignore[arg-type]


def _of_trial(
    rows: pl.DataFrame, layouts: Sequence[str], trial: Collection, parameters: QualityParameters
) -> pl.DataFrame:
    of_trial = pl.col("layout").is_in(layouts)
    counts = _added(trial.counts.filter(of_trial), "day")
    lives = trial.lives.filter(of_trial).group_by("meter").agg(pl.col("first_day").min(), pl.col("last_day").max())
    first, last = _span(counts, parameters)
    days = last - first + 1
    line = _timeline(rows, first, days)
    reported, in_trial, there = _of_all(counts, lives, first, days)
    kinds = classify(line.kwh[:, there], reported[there], in_trial[there], parameters)
    months = _Months(line)
    unread = np.isnan(line.kwh)
    nothing = unread & ~line.delivered
    table = months.table().with_columns(
        expected=months.count(np.broadcast_to(there, line.kwh.shape)),
        read=months.count(~unread & ~line.estimated),
        estimated_half_hours=months.count(~unread & line.estimated),
        missing_half_hours=months.count(nothing & there),
        unreadable_half_hours=months.count(unread & line.delivered & there),
        **{f"missing_{gap.name.lower()}": months.count(_spread(kinds == gap, there) & nothing) for gap in Gap},
        **_run_columns(months, line, kinds, there, parameters),
        spikes=months.count(_spikes(line.kwh, parameters)),
        zero=months.count(line.kwh == 0),
    )
    return _with_shares(_with_counts(_with_layout(table, rows), rows, lives))


def _of_all(
    counts: pl.DataFrame, lives: pl.DataFrame, first: int, days: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], BoolArray]:
    """Return of each half hour how many meters of a trial were read, how many were in it, and whether there is it."""
    counts = counts.filter(pl.col("day").to_physical().is_between(first, first + days - 1))
    reported = np.zeros((days, SLOTS), dtype=np.int64)
    day = counts["day"].to_physical().to_numpy() - first
    reported[day] = counts["reported"].list.to_array(SLOTS).to_numpy()
    there = np.ones((days, SLOTS), dtype=bool)
    for forward in day[counts["clock_change"].to_numpy() == -1]:
        # What no meter can have read was not there; a whole lost day is not a clock change.
        there[forward] = (reported[forward] > 0) | ((reported[forward] == 0).sum() != 2)
    within = lives.select(pl.col("first_day", "last_day").to_physical() - first).drop_nulls()
    within = within.filter((pl.col("first_day") < days) & (pl.col("last_day") >= 0))
    active = np.zeros(days + 1, dtype=np.int64)
    np.add.at(active, within["first_day"].clip(lower_bound=0).to_numpy(), 1)
    np.add.at(active, within["last_day"].clip(upper_bound=days - 1).to_numpy() + 1, -1)
    return reported.ravel(), np.cumsum(active)[:days].repeat(SLOTS), there.ravel()


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

    def table(self) -> pl.DataFrame:
        """Return meter and month of every row."""
        return pl.DataFrame(
            {
                "meter": self._line.meters.repeat(len(self._months)),
                "month": np.tile(self._months.to_numpy(), len(self._line.meters)),
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


def _with_layout(table: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Add the layout by which a meter came in each month, or before, or else after."""
    last = rows.group_by("meter", pl.col("day").dt.truncate("1mo").alias("month")).agg(pl.col("layout").last())
    named = table.join(last, on=["meter", "month"], how="left").sort("meter", "month")
    near = pl.col("layout").forward_fill().backward_fill().over("meter")
    any_of = rows.group_by("meter").agg(pl.col("layout").last().alias("any"))
    return named.with_columns(near).join(any_of, on="meter").with_columns(pl.coalesce("layout", "any")).drop("any")


def _with_shares(table: pl.DataFrame) -> pl.DataFrame:
    shares = {"read": "read", **{name: f"{name}_half_hours" for name in ("estimated", "missing", "unreadable")}}
    return table.with_columns(
        (pl.col(column) / pl.col("expected")).alias(f"{name}_share") for name, column in shares.items()
    )


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
