"""From the fields of a block to placed readings; a record that is none is rejected with its reason."""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.intake import times, values
from ons_assets.intake.layouts import Layout
from ons_assets.intake.rules import Rule, first_fault
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.meters.readings.clock import EPOCH, FIRST_DAY, SLOTS, LocalClock, local_clock
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.meters.readings.kinds import kind, kwh_factor, quality, whose
from ons_assets.meters.readings.placed import MARK_SCHEMA, Block, Mark, bits_of, counted
from ons_assets.parameters.meters import Readings

# Clocks differ, and a file may come from a zone ahead of ours.
FUTURE_SLACK = timedelta(days=1)
DAY_SECONDS = 86_400
LOST_DIGITS = r"^\d+(\.\d*)?[eE]\+?\d+$"
OFF_GRID = "time is off the grid of its interval"
NO_SUCH_SLOT = "slot is not one of its day"
SKIPPED = "half hour is in the hour that the clock skips"
MISSING = "value is missing"
FLAGGED = "is flagged as missing"
NO_NUMBER = "value is no finite number"
TOO_LARGE = "value is above what a domestic supply can carry"
OFF_GRID_AND_MISSING = f"{OFF_GRID}, and {MISSING}"
MARKS_OF = {
    OFF_GRID: [Mark.OFF_GRID],
    SKIPPED: [Mark.SKIPPED_HOUR],
    MISSING: [Mark.UNREADABLE],
    FLAGGED: [Mark.UNREADABLE],
    NO_NUMBER: [Mark.UNREADABLE],
    TOO_LARGE: [Mark.TOO_LARGE],
    OFF_GRID_AND_MISSING: [Mark.OFF_GRID, Mark.UNREADABLE],
}
MARK_ROWS = pl.DataFrame(
    [(reason, int(mark)) for reason, marks in MARKS_OF.items() for mark in marks],
    schema={"reason": pl.String(), "mark": pl.Int8()},
    orient="row",
)
INTERVAL_FIELDS = {"interval_minutes": 60, "interval_seconds": 1}
QUALITY_MARKS = {"estimated": int(Mark.ESTIMATED), "substituted": int(Mark.SUBSTITUTED)}

IntArray = npt.NDArray[np.int64]


class Placing:
    """Places the blocks of one file.

    Parameters
    ----------
    layout
        Of the file.
    parameters
        Limits, and the zone of the CER trial.
    pseudonyms
        Of the installation.
    received_utc
        Later readings are rejected.
    time_zone
        Of the homes, where the layout does not say it.

    Attributes
    ----------
    moved
        Stamps so far that were moved onto the grid.
    left_out
        Rows so far that the layout does not mean.
    has_undecided
        Whether a value so far was rejected whose comma stands for one of two marks.
    """

    def __init__(
        self, layout: Layout, parameters: Readings, pseudonyms: Pseudonyms, received_utc: datetime, time_zone: str
    ) -> None:
        self.layout, self.parameters, self.pseudonyms = layout, parameters, pseudonyms
        self.kind = kind(layout, parameters, time_zone)
        self.latest = int((received_utc + FUTURE_SLACK).timestamp())
        self.moved, self.left_out, self.has_undecided = 0, 0, False
        self._interval = layout.interval_minutes * 60
        self._rules = self._reasons()

    def block(self, rows: pl.DataFrame) -> Block:
        """Place the records of a block.

        Parameters
        ----------
        rows
            `line` and the fields of the layout, text or typed; see `ons_assets.intake.fields`.
        """
        records = self._by_interval(rows) if self.layout.day_columns else rows
        meter = self._meter(records)
        placed = self._places(records, meter).with_columns(
            meter=meter,
            value=self._value(records),
            missing=records["value"].is_null(),
            unit_known=self._unit_known(records),
            quality=self._quality(records),
            fits=self._interval_fits(records),
        )
        reasons = placed.select(first_fault(self._rules)).to_series()
        good = reasons.is_null()
        self.has_undecided |= values.are_undecided(records["value"].filter(~good), self.layout)
        kept = placed if good.all() else placed.filter(good)
        bad = placed.with_columns(reason=reasons).filter(~good)
        rejected = pl.DataFrame(
            {"line": records["line"].filter(~good), "reason": bad["reason"], "text": [""] * len(bad)},
            schema=REJECTED_SCHEMA,
        )
        marks = [counted(self._of_rejected(bad)), *self._of_blank(rows)]
        if self.layout.quality:
            marked = kept.filter(pl.col("quality").is_in(list(QUALITY_MARKS)))
            mark = marked["quality"].replace_strict(QUALITY_MARKS, return_dtype=pl.Int8())
            marks.append(counted(marked.select("meter", "day", mark=mark, half_hours=self._bits(marked))))
        return Block(
            meter=kept["meter"].to_numpy(),
            day=kept["day"].to_numpy(),
            position=kept["position"].to_numpy(),
            value=kept["value"].to_numpy(),
            rejected=rejected,
            marks=pl.concat(marks),
        )

    def _of_rejected(self, bad: pl.DataFrame) -> pl.DataFrame:
        """Return what is said of each record of a known meter that is no reading; null where nothing is counted."""
        of_meter = bad.drop_nulls("meter")
        of_meter = (
            of_meter.with_columns(self._bits(of_meter))
            .join(MARK_ROWS, on="reason", how="left")
            .with_columns(
                # A record off the grid, or in an hour that there is not, is of no half hour.
                half_hours=pl.when(pl.col("time_fault") == "").then("half_hours").otherwise(0),
            )
        )
        return of_meter.select("meter", "day", "mark", "half_hours")

    def _of_blank(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        """Return marks that count nothing, for rows of a day of which every cell is blank: the meter was named."""
        if not self.layout.day_columns:
            return []
        blank = rows.filter(pl.all_horizontal(pl.col(self.layout.day_columns).is_null()))
        day = times.days(blank["date"], self.layout).cast(pl.Int32())
        clock = local_clock(self.kind.zone)
        within = day.is_between(clock.first_day, min(clock.last_day, self.latest // DAY_SECONDS))
        named = pl.DataFrame({"meter": self._meter(blank), "day": day.set(~within.fill_null(False), None)})
        named = named.drop_nulls("meter").with_columns(
            mark=pl.lit(int(Mark.UNREADABLE)), count=pl.lit(0), half_hours=pl.lit(0)
        )
        return [named.cast(pl.Schema(MARK_SCHEMA)).unique()]

    def _bits(self, placed: pl.DataFrame) -> pl.Series:
        return pl.Series("half_hours", bits_of(placed["position"].to_numpy(), self.kind))

    def _reasons(self) -> tuple[Rule, ...]:
        """What keeps a record from being a reading, the first being told."""
        fault, value = pl.col("time_fault"), pl.col("value")
        hours = self._interval / 1800
        largest = np.inf if self.kind.is_register else self.parameters.max_half_hour_kwh * hours
        of_time = [Rule(fault == said, said) for said in self._time_faults()]
        return (
            Rule(pl.col("meter").is_null(), "meter is missing"),
            Rule((fault == OFF_GRID) & pl.col("missing"), OFF_GRID_AND_MISSING),
            *of_time,
            Rule(~pl.col("unit_known"), "unit is not one of kWh, Wh, MWh, kW and W", null_is_fault=True),
            Rule(~pl.col("fits"), "is of another length than the other intervals of the file", null_is_fault=True),
            Rule(pl.col("quality") == "missing", FLAGGED),
            Rule(pl.col("missing"), MISSING),
            Rule(value.is_null() | ~value.is_finite(), NO_NUMBER, null_is_fault=True),
            Rule(value.abs() > largest, TOO_LARGE),
        )

    def _time_faults(self) -> tuple[str, ...]:
        return (*_faults_of("time"), *_faults_of("date"), OFF_GRID, SKIPPED, NO_SUCH_SLOT)

    def _by_interval(self, rows: pl.DataFrame) -> pl.DataFrame:
        """One record an interval; a blank cell is an interval without a reading, not a record."""
        columns = self.layout.day_columns
        index = [column for column in rows.columns if column not in columns]
        slots = {column: number for number, column in enumerate(columns)}
        records = rows.unpivot(columns, index=index, variable_name="slot", value_name="value")
        first = self.layout.first_slot
        return records.drop_nulls("value").with_columns(
            pl.col("slot").replace_strict(slots, return_dtype=pl.Int64()) + first
        )

    def _meter(self, records: pl.DataFrame) -> pl.Series:
        names = values.column_text(records, "meter")
        # A program that holds numbers as doubles has lost the digits of a long name: it is no name any more.
        names = names.set(names.str.contains(LOST_DIGITS).fill_null(False), None)
        return self.pseudonyms.of_column(whose(self.layout), names)

    def _places(self, records: pl.DataFrame, meter: pl.Series) -> pl.DataFrame:
        """Return day, position and why there is none: `time_fault`."""
        if "time" in self.layout.origins:
            seconds = self._seconds(records, meter)
            if self.layout.stamp == "end" and not self.kind.is_register:
                seconds = seconds - self._interval
            return self._of_moments(seconds, "time")
        if (self.layout.zone or self.kind.zone) != self.kind.zone or self.layout.stamp == "end":
            seconds, out_of_day = self._seconds_of_slots(records)
            placed = self._of_moments(seconds, "date")
            return placed.with_columns(
                time_fault=pl.when(out_of_day).then(pl.lit(NO_SUCH_SLOT)).otherwise("time_fault")
            )
        return self._by_slot(records)

    def _of_moments(self, second: pl.Series, what: str) -> pl.DataFrame:
        interval = self._interval
        readable = second.is_not_null().to_numpy()
        seconds = second.fill_null(0).to_numpy()
        nearest = (seconds + interval // 2) // interval * interval
        off = np.abs(nearest - seconds)
        moved = readable & (off > 0) & (off <= self.layout.tolerance_seconds)
        self.moved += int(moved.sum())
        seconds = np.where(moved, nearest, seconds)
        clock = local_clock(self.kind.zone)
        # A day later than the clock's first, so that no zone's midnight lies before it.
        first = (clock.first_day + 1) * DAY_SECONDS
        within = readable & (seconds >= first) & (seconds <= self.latest)
        day, since = clock.place(np.where(within, seconds, first))
        unread, future, early = _faults_of(what)
        fault = np.select(
            [~readable, seconds > self.latest, ~within, since % interval != 0],
            [unread, future, early, OFF_GRID],
            default="",
        )
        return _placed(np.where(within, day, -1), since // interval, fault)

    def _seconds(self, records: pl.DataFrame, meter: pl.Series) -> pl.Series:
        """Return the second of the epoch of each stamp; of an hour that comes twice, in the order of the file."""
        read = times.moments(records["time"], self.layout, self.layout.zone or self.kind.zone)
        early = _epoch_seconds(read.early)
        if not read.are_ambiguous:
            return early
        late = _epoch_seconds(read.late)
        twice = pl.DataFrame({"meter": meter, "early": early, "late": late})
        second = pl.int_range(pl.len()).over("meter", "early") % 2 == 1
        # The latest first, as some portals export: then the second hour comes first.
        falls = (pl.col("early").last() < pl.col("early").first()).over("meter")
        return twice.select(pl.when(second != falls).then("late").otherwise("early")).to_series()

    def _days(self, records: pl.DataFrame) -> tuple[IntArray, IntArray, npt.NDArray[np.bool_]]:
        """Return day (-1 where it cannot be read), slot from 0, and whether the day is within bounds."""
        date = times.days(records["date"], self.layout)
        day = date.cast(pl.Int32()).fill_null(-1).to_numpy().astype(np.int64)
        slot = records["slot"]
        number = slot if slot.dtype.is_integer() else values.number(slot, self.layout).cast(pl.Int64(), strict=False)
        return day, number.fill_null(-1).to_numpy().astype(np.int64) - self.layout.first_slot, date.is_null().to_numpy()

    def _seconds_of_slots(self, records: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """Return the second of the epoch of slots on a clock that is not that of the homes, and which are of no day."""
        day, slot, unread = self._days(records)
        zone = self.layout.zone or self.kind.zone
        count = np.full(len(day), -1, dtype=np.int64)
        midnight = np.zeros(len(day), dtype=np.int64)
        for number in np.unique(day[~unread]).tolist():
            here = day == number
            midnight[here] = _midnight(zone, number)
            count[here] = (_midnight(zone, number + 1) - _midnight(zone, number)) // self._interval
        seconds = midnight + slot * self._interval
        if self.layout.stamp == "end":
            seconds = seconds - self._interval
        out_of_day = ~unread & ((slot < 0) | (slot >= count))
        return pl.Series(seconds).set(pl.Series(unread | out_of_day), None), pl.Series(out_of_day)

    def _by_slot(self, records: pl.DataFrame) -> pl.DataFrame:
        day, slot, unread = self._days(records)
        clock = local_clock(self.kind.zone)
        last = self.latest // DAY_SECONDS
        within = (day >= clock.first_day) & (day <= min(clock.last_day, last))
        position = np.full(len(records), -1, dtype=np.int64)
        skipped = np.zeros(len(records), dtype=bool)
        for number in np.unique(day[within]).tolist():
            here = day == number
            table = self._positions(clock, number)
            inside = here & (slot >= 0) & (slot < len(table))
            position[inside] = table[slot[inside]]
            skipped |= inside & (position < 0)
        unreadable, future, early = _faults_of("date")
        fault = np.select(
            [unread, day > last, ~within, skipped, position < 0],
            [unreadable, future, early, SKIPPED, NO_SUCH_SLOT],
            default="",
        )
        return _placed(np.where(within, day, -1), position, fault)

    def _positions(self, clock: LocalClock, day: int) -> IntArray:
        """Return for each slot of a day when it comes, -1 if the clock skips it."""
        minutes = self.layout.interval_minutes
        half_hours = int(clock.half_hours(day))
        in_order = np.arange(half_hours * 30 // minutes, dtype=np.int64)
        # Columns for 24 hours are of the clock also on the day of 25; numbers of slots count on.
        of_clock_face = half_hours < SLOTS or len(self.layout.day_columns) == SLOTS * 30 // minutes
        if half_hours == SLOTS or self.layout.slots == "elapsed" or not of_clock_face:
            return in_order
        by_clock = clock.position_by_clock(day).astype(np.int64)
        if minutes == 60:
            return np.where(by_clock[::2] < 0, -1, by_clock[::2] // 2)
        each = 30 // minutes
        spread = by_clock.repeat(each) * each + np.tile(np.arange(each), SLOTS)
        return np.where(by_clock.repeat(each) < 0, -1, spread)

    def _value(self, records: pl.DataFrame) -> pl.Series:
        """Return kWh, or null where the value is no number; float64 for registers, which grow large."""
        number = values.number(records["value"], self.layout)
        if "unit" in records.columns:
            units = self._units(records)
            factors = {unit: kwh_factor(self.layout, unit) for unit in units.unique()}
            kwh = number * units.replace_strict(factors, default=None, return_dtype=pl.Float64())
        else:
            kwh = number * (kwh_factor(self.layout, self.layout.unit or "") or np.nan)
        return kwh.cast(pl.Float64() if self.kind.is_register else pl.Float32())

    def _units(self, records: pl.DataFrame) -> pl.Series:
        """Return the units of values, the layout's where the column says none."""
        return values.column_text(records, "unit", self.layout.unit or "")

    def _unit_known(self, records: pl.DataFrame) -> pl.Series:
        if "unit" not in records.columns:
            return pl.Series([self.layout.unit is not None]).new_from_index(0, len(records))
        units = self._units(records)
        return units.is_in([unit for unit in units.unique() if kwh_factor(self.layout, unit) is not None])

    def _quality(self, records: pl.DataFrame) -> pl.Series:
        """Return what flags mean; null where they mean a plain reading."""
        if not self.layout.quality or "quality" not in records.columns:
            return pl.Series([None], dtype=pl.String()).new_from_index(0, len(records))
        flags = values.column_text(records, "quality", "")
        meanings = {flag: quality(self.layout, flag) for flag in flags.unique()}
        return flags.replace_strict(meanings, default=None, return_dtype=pl.String())

    def _interval_fits(self, records: pl.DataFrame) -> pl.Series:
        seconds = interval_seconds(records)
        if seconds is None:
            return pl.Series([True]).new_from_index(0, len(records))
        return seconds == self._interval


def interval_seconds(records: pl.DataFrame) -> pl.Series | None:
    """Return how long the intervals of rows are, where the file says it."""
    for field, factor in INTERVAL_FIELDS.items():
        if field in records.columns:
            return records[field].cast(pl.Float64(), strict=False) * factor
    return None


def _faults_of(what: str) -> tuple[str, str, str]:
    clock = ", cannot be read, or is one that the clock skips" if what == "time" else " or cannot be read"
    return f"{what} is missing{clock}", f"{what} is in the future", f"{what} is before {FIRST_DAY.year}"


def _placed(day: IntArray, position: IntArray, fault: npt.NDArray[np.str_]) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "day": day.astype(np.int32),
            "position": np.clip(position, -1, np.iinfo(np.int16).max).astype(np.int16),
            "time_fault": pl.Series(fault.astype(str), dtype=pl.String()),
        }
    )
    return frame.with_columns(day=pl.when(pl.col("day") >= 0).then("day"))


@lru_cache(maxsize=4096)
def _midnight(zone: str, day: int) -> int:
    return int(datetime.combine(EPOCH + timedelta(day), time(), ZoneInfo(zone)).astimezone(UTC).timestamp())


def _epoch_seconds(stamp: pl.Series) -> pl.Series:
    """Whole seconds, rounded down; a stamp with a fraction is off any grid."""
    micros = stamp.dt.epoch("us")
    return micros // 1_000_000 + (micros % 1_000_000 > 0).cast(pl.Int64())
