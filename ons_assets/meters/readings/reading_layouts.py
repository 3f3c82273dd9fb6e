"""How a file of readings is read: which column means what, in which unit, on which clock.

A mapping is a small YAML file. Those of the trials are in `ons_assets/meters/readings/mappings`; another office
writes its own into `<home>/mappings/meters/`, and needs no code::

    name: my-utility
    files: "readings_*.csv"
    zone: Europe/Vienna          # of the stamps
    stamp: start                 # of the interval, or end
    unit: kWh                    # or Wh, kW, W; power is the mean over the interval
    reading: interval            # or register: a counter that only goes up
    columns: {meter: zaehler, time: zeit, value: wert}

Instead of `time`, `columns` may name `date` and `slot`; a file with one row a day names `date` and lists
its columns of values in `day_columns`. Nothing here is guessed: unit, zone and stamp must be said.
"""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ons_assets.meters.readings.placed import ReadingKind

BUILT_IN = Path(__file__).parent / "mappings"
Unit = Literal["kWh", "Wh", "MWh", "kW", "W"]
PER_KWH: dict[str, float] = {"kwh": 1.0, "wh": 0.001, "mwh": 1000.0}
PER_KW: dict[str, float] = {"kw": 1.0, "w": 0.001}


class Columns(BaseModel):
    """Names that the file gives to its columns."""

    model_config = ConfigDict(extra="forbid")

    meter: str
    time: str | None = None
    date: str | None = None
    slot: str | None = None
    value: str | None = None
    unit: str | None = None


class ReadingLayout(BaseModel):
    """One layout of files of readings."""

    model_config = ConfigDict(extra="forbid")

    name: str
    columns: Columns
    trial: str | None = Field(None, description="whose meters they are; the same name in two trials is two meters")
    files: str = "*"
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    time_format: str = "%Y-%m-%d %H:%M:%S%.f"
    date_format: str = "%Y-%m-%d"
    zone: str = Field(description="zone of the stamps: of a clock that never changes, or of the homes")
    local_zone: str | None = Field(None, description="zone of the homes; the installation's, if not said")
    stamp: Literal["start", "end"] = Field("start", description="which end of its interval a stamp names")
    slots: Literal["clock", "elapsed"] = Field("clock", description="what slots count on days of 46 or 50 half hours")
    first_slot: Literal[0, 1] = 1
    interval_minutes: Literal[1, 2, 3, 5, 6, 10, 15, 30] = 30
    tolerance_seconds: int = Field(0, ge=0, description="a stamp so far off the grid is moved onto it, and counted")
    unit: Unit | None = None
    reading: Literal["interval", "register"] = "interval"
    missing: tuple[str, ...] = ("", "Null", "NULL", "null", "NA", "N/A")
    day_columns: tuple[str, ...] = Field((), description="columns of the half hours of a day, in order of the slots")

    @field_validator("zone", "local_zone")
    @classmethod
    def _is_a_zone(cls, zone: str | None) -> str | None:
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"there is no zone {zone!r}") from None
        return zone

    @model_validator(mode="after")
    def _says_everything(self) -> "ReadingLayout":
        columns = self.columns
        if (self.unit is None) == (columns.unit is None):
            raise ValueError("must say a unit or the column that holds it, and not both")
        if self.day_columns:
            if not columns.date or columns.time or columns.slot or columns.value:
                raise ValueError("with day_columns, says the column of the date, and none of time, slot or value")
        elif not columns.value or bool(columns.time) == bool(columns.date and columns.slot):
            raise ValueError("must say the column of the value, and that of the time or those of date and slot")
        if self.reading == "register":
            if not columns.time:
                raise ValueError("a register needs the column of the time")
            if self.unit is not None and self.unit.lower() not in PER_KWH:
                raise ValueError("a register counts energy: kWh, Wh or MWh")
        if (columns.slot or self.day_columns) and self.interval_minutes != 30:
            raise ValueError("slots are half hours")
        if self.tolerance_seconds >= self.interval_minutes * 30:
            raise ValueError("tolerance_seconds must be less than half of the interval")
        return self

    @property
    def needed(self) -> list[str]:
        """Columns without which a file is not of this layout."""
        named = [name for name in self.columns.model_dump().values() if name is not None]
        return sorted({*named, *self.day_columns})

    @property
    def whose(self) -> str:
        """The trial under whose name meters are pseudonymised."""
        return self.trial or self.name

    def layout(self, local_zone: str) -> ReadingKind:
        """Return what its readings are, once they are placed."""
        return ReadingKind(self.name, self.local_zone or local_zone, self.interval_minutes, self.reading == "register")

    def recognises(self, name: str, header: Sequence[str]) -> bool:
        """Return whether a file of this name and header has this layout."""
        return fnmatch(name, self.files) and set(self.needed) <= {column.strip() for column in header}

    def kwh_factor(self, unit: str) -> float | None:
        """Return what turns a value of a unit into kWh of the interval; None if the unit is unknown."""
        unit = unit.strip().lower()
        if unit in PER_KWH:
            return PER_KWH[unit]
        if unit in PER_KW and self.reading == "interval":
            return PER_KW[unit] * self.interval_minutes / 60
        return None
