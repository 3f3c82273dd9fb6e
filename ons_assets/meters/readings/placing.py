"""From the records of a mapped file to placed readings; a record that is none is rejected with its reason."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.meters.readings.clock import FIRST_DAY, HALF_HOUR, SLOTS, local_clock
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.meters.readings.placed import FAULT_SCHEMA, Block, Fault
from ons_assets.meters.readings.reading_layouts import ReadingLayout
from ons_assets.parameters.meters import Readings

# Clocks differ, and a file may come from a zone ahead of ours.
FUTURE_SLACK = timedelta(days=1)
DAY_SECONDS = 86_400
OFF_GRID = "time is off the grid of its interval"
SKIPPED = "half hour is in the hour that the clock skips"
MISSING = "value is missing"
NO_NUMBER = "value is not a number"
NOT_FINITE = "value is not finite"
TOO_LARGE = "value is above what a domestic supply can carry"
OFF_GRID_AND_MISSING = f"{OFF_GRID}, and {MISSING}"
FAULTS_OF = {
    OFF_GRID: [Fault.OFF_GRID],
    SKIPPED: [Fault.SKIPPED_HOUR],
    MISSING: [Fault.UNREADABLE],
    NO_NUMBER: [Fault.UNREADABLE],
    NOT_FINITE: [Fault.UNREADABLE],
    TOO_LARGE: [Fault.TOO_LARGE],
    OFF_GRID_AND_MISSING: [Fault.OFF_GRID, Fault.UNREADABLE],
}
FAULT_ROWS = pl.DataFrame(
    [(reason, int(fault)) for reason, faults in FAULTS_OF.items() for fault in faults],
    schema={"reason": pl.String(), "fault": pl.Int8()},
    orient="row",
)


class TabularReader:
    """Reads the blocks of one file by a mapping.

    Parameters
    ----------
    mapping
        The layout.
    parameters
        Limits and the local zone.
    pseudonyms
        Of the installation.
    received_utc
        Later readings are rejected.

    Attributes
    ----------
    moved
        Stamps so far that were moved onto the grid.
    """

    def __init__(
        self, mapping: ReadingLayout, parameters: Readings, pseudonyms: Pseudonyms, received_utc: datetime
    ) -> None:
        self.mapping, self.parameters, self.pseudonyms = mapping, parameters, pseudonyms
        self.layout = mapping.layout(parameters.local_zone)
        self.latest = int((received_utc + FUTURE_SLACK).timestamp())
        self.moved = 0

    def read(self, rows: pl.DataFrame) -> Block:
        """Place the records of a block.

        Parameters
        ----------
        rows
            The file's columns, text or typed, and `line`.
        """
        rows = rows.rename(str.strip)
        records = self._unpivoted(rows) if self.mapping.day_columns else rows
        placed = self._places(records).with_columns(
            meter=self.pseudonyms.of_column(self.mapping.whose, self._text(records, self.mapping.columns.meter)),
            value=self._value(records),
            missing=self._missing(records),
            unit_known=self._unit_known(records),
        )
        reasons = placed.select(self._reason()).to_series()
        good = reasons.is_null()
        kept = placed.filter(good)
        rejected = records.filter(~good).with_columns(reason=reasons.filter(~good))
        known = placed.filter(~good).with_columns(reason=reasons.filter(~good)).drop_nulls(["meter", "day"])
        return Block(
            meter=kept["meter"].to_numpy(),
            day=kept["day"].to_numpy(),
            position=kept["position"].to_numpy(),
            value=kept["value"].to_numpy(),
            rejected=_as_rejected(rejected),
            faults=known.join(FAULT_ROWS, on="reason").select(list(FAULT_SCHEMA)).cast(pl.Schema(FAULT_SCHEMA)),
        )

    def _unpivoted(self, rows: pl.DataFrame) -> pl.DataFrame:
        """One record a half hour; a blank cell is a half hour without a reading, not a record."""
        index = [column for column in rows.columns if column not in self.mapping.day_columns]
        slots = {column: number for number, column in enumerate(self.mapping.day_columns)}
        records = rows.unpivot(self.mapping.day_columns, index=index, variable_name="slot", value_name="value")
        first = self.mapping.first_slot
        return records.drop_nulls("value").with_columns(
            pl.col("slot").replace_strict(slots, return_dtype=pl.Int64()) + first
        )

    def _places(self, records: pl.DataFrame) -> pl.DataFrame:
        """Return day, position and why there is none: `time_fault`."""
        if self.mapping.columns.time is not None:
            return self._by_time(records)
        return self._by_slot(records)

    def _by_time(self, records: pl.DataFrame) -> pl.DataFrame:
        second = self._seconds(records)
        interval = self.layout.interval_minutes * 60
        readable = second.is_not_null().to_numpy()
        seconds = second.fill_null(0).to_numpy()
        if self.mapping.stamp == "end" and not self.layout.is_register:
            seconds = seconds - interval
        nearest = (seconds + interval // 2) // interval * interval
        off = np.abs(nearest - seconds)
        moved = readable & (off > 0) & (off <= self.mapping.tolerance_seconds)
        self.moved += int(moved.sum())
        seconds = np.where(moved, nearest, seconds)
        clock = local_clock(self.layout.zone)
        # A day later than the clock's first, so that no zone's midnight lies before it.
        first = (clock.first_day + 1) * DAY_SECONDS
        within = readable & (seconds >= first) & (seconds <= self.latest)
        day, since = clock.place(np.where(within, seconds, first))
        off_grid = since % interval != 0
        fault = np.select(
            [~readable, seconds > self.latest, ~within, off_grid],
            [
                "time is missing, cannot be read, or is one that the clock skips",
                "time is in the future",
                f"time is before {FIRST_DAY.year}",
                OFF_GRID,
            ],
            default="",
        )
        return _placed(np.where(within, day, -1), since // interval, fault)

    def _seconds(self, records: pl.DataFrame) -> pl.Series:
        """Return the second of the epoch of each stamp; of an hour that comes twice, in order of the file."""
        column = self.mapping.columns.time
        assert column is not None
        stamp = records[column]
        if stamp.dtype == pl.String():
            stamp = stamp.str.strip_chars().str.to_datetime(
                self.mapping.time_format, strict=False, time_unit="us", ambiguous="null"
            )
        elif stamp.dtype == pl.Date() or not stamp.dtype.is_temporal():
            stamp = pl.Series([None] * len(records), dtype=pl.Datetime("us"))
        stamp = stamp.cast(pl.Datetime("us", stamp.dtype.time_zone))  # type: ignore[attr-defined]
        if stamp.dtype.time_zone is not None:  # type: ignore[attr-defined]
            return _epoch_seconds(stamp)
        zone = self.mapping.zone
        early = stamp.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        late = stamp.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
        early, late = _epoch_seconds(early), _epoch_seconds(late)
        if not (early != late).any():
            return early
        meter = self._text(records, self.mapping.columns.meter)
        twice = pl.DataFrame({"meter": meter, "early": early, "late": late})
        again = pl.int_range(pl.len()).over("meter", "early") % 2 == 1
        return twice.select(pl.when(again).then("late").otherwise("early")).to_series()

    def _by_slot(self, records: pl.DataFrame) -> pl.DataFrame:
        columns = self.mapping.columns
        assert columns.date is not None
        date = records[columns.date]
        if date.dtype == pl.String():
            date = date.str.strip_chars().str.to_date(self.mapping.date_format, strict=False)
        elif date.dtype.is_temporal():
            date = date.cast(pl.Date())
        else:
            date = pl.Series([None] * len(records), dtype=pl.Date())
        day = date.cast(pl.Int32()).fill_null(-1).to_numpy()
        slot_column = columns.slot or "slot"
        slot = records[slot_column].cast(pl.Int64(), strict=False).fill_null(-1).to_numpy() - self.mapping.first_slot
        clock = local_clock(self.layout.zone)
        within = (day >= clock.first_day) & (day <= min(clock.last_day, self.latest // DAY_SECONDS))
        position = np.full(len(records), -1, dtype=np.int64)
        skipped = np.zeros(len(records), dtype=bool)
        for number in np.unique(day[within]).tolist():
            here = day == number
            count = int(clock.half_hours(number))
            if count < SLOTS and self.mapping.slots == "clock":
                table = clock.position_by_clock(number).astype(np.int64)
                inside = here & (slot >= 0) & (slot < SLOTS)
                position[inside] = table[slot[inside]]
                skipped |= inside & (position < 0)
            else:
                inside = here & (slot >= 0) & (slot < count)
                position[inside] = slot[inside]
        unread = date.is_null().to_numpy()
        fault = np.select(
            [unread, day > self.latest // DAY_SECONDS, ~within, skipped, position < 0],
            [
                "date is missing or cannot be read",
                "date is in the future",
                f"date is before {FIRST_DAY.year}",
                SKIPPED,
                "slot is not one of its day",
            ],
            default="",
        )
        return _placed(np.where(within, day, -1), position, fault)

    def _value(self, records: pl.DataFrame) -> pl.Series:
        """Return kWh, or null where the value is no number; float64 for registers, which grow large."""
        column = self.mapping.columns.value or "value"
        values = records[column]
        if values.dtype == pl.String():
            text = values.str.strip_chars()
            if self.mapping.decimal == ",":
                text = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
            number = text.cast(pl.Float64(), strict=False)
        elif values.dtype.is_numeric():
            number = values.cast(pl.Float64())
        else:
            number = pl.Series([None] * len(records), dtype=pl.Float64())
        if self.mapping.unit is not None:
            kwh = number * (self.mapping.kwh_factor(self.mapping.unit) or np.nan)
        else:
            units = self._text(records, self.mapping.columns.unit or "").fill_null("")
            factors = {unit: self.mapping.kwh_factor(unit) for unit in units.unique()}
            kwh = number * units.replace_strict(factors, default=None, return_dtype=pl.Float64())
        return kwh.cast(pl.Float64() if self.layout.is_register else pl.Float32())

    def _missing(self, records: pl.DataFrame) -> pl.Series:
        values = records[self.mapping.columns.value or "value"]
        if values.dtype == pl.String():
            return values.str.strip_chars().fill_null("").is_in(list(self.mapping.missing))
        return values.is_null()

    def _unit_known(self, records: pl.DataFrame) -> pl.Series:
        if self.mapping.columns.unit is None:
            return pl.Series([True]).new_from_index(0, len(records))
        units = self._text(records, self.mapping.columns.unit).fill_null("")
        known = [unit for unit in units.unique() if self.mapping.kwh_factor(unit) is not None]
        return units.is_in(known)

    def _text(self, records: pl.DataFrame, column: str) -> pl.Series:
        if records[column].dtype.is_nested():
            return pl.Series([None] * len(records), dtype=pl.String())
        text = records[column].cast(pl.String(), strict=False).str.strip_chars()
        return text.set(text == "", None)

    def _reason(self) -> pl.Expr:
        """The first thing that keeps a record from being a reading; null if nothing does."""
        value = pl.col("value")
        hours = self.layout.interval_minutes * 60 / HALF_HOUR
        largest = np.inf if self.layout.is_register else self.parameters.max_half_hour_kwh * hours
        return (
            pl.when(pl.col("meter").is_null())
            .then(pl.lit("meter is missing"))
            .when((pl.col("time_fault") == OFF_GRID) & pl.col("missing"))
            .then(pl.lit(OFF_GRID_AND_MISSING))
            .when(pl.col("time_fault") != "")
            .then(pl.col("time_fault"))
            .when(~pl.col("unit_known"))
            .then(pl.lit("unit is not one of kWh, Wh, MWh, kW and W"))
            .when(pl.col("missing"))
            .then(pl.lit(MISSING))
            .when(value.is_null())
            .then(pl.lit(NO_NUMBER))
            .when(~value.is_finite())
            .then(pl.lit(NOT_FINITE))
            .when(value.abs() > largest)
            .then(pl.lit(TOO_LARGE))
        )


def _placed(day: np.ndarray, position: np.ndarray, fault: np.ndarray) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "day": day.astype(np.int32),
            "position": np.clip(position, -1, np.iinfo(np.int16).max).astype(np.int16),
            "time_fault": pl.Series(fault.astype(str), dtype=pl.String()),
        }
    )
    return frame.with_columns(day=pl.when(pl.col("day") >= 0).then("day"))


def _epoch_seconds(stamp: pl.Series) -> pl.Series:
    """Whole seconds, rounded down; a stamp with a fraction is off any grid."""
    micros = stamp.dt.epoch("us")
    return micros // 1_000_000 + (micros % 1_000_000 > 0).cast(pl.Int64())


def _as_rejected(records: pl.DataFrame) -> pl.DataFrame:
    if records.is_empty():
        return pl.DataFrame(schema=REJECTED_SCHEMA)
    text = pl.struct(pl.exclude("line", "reason")).struct.json_encode()
    return records.select("line", "reason", text=text)
