"""NEM12, the interval data of the Australian market: records of 100 to 900, as AEMO specifies them.

A 200 says which register of which meter is meant, each 300 after it is a day of intervals, and the 400
after a day say the quality of ranges of its intervals where the day itself says only that it varies.
Files without their first or last record, which some distributors hand out, are read too.
"""

import csv
from collections.abc import Collection, Iterator
from datetime import date
from typing import Any

import polars as pl

from ons_assets.intake.blocks import Block, rejected_rows
from ons_assets.intake.encodings import as_utf8
from ons_assets.intake.json_lines import of_stream
from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.record_blocks import Fault
from ons_assets.intake.streams import Stream
from ons_assets.lakehouse.sources import Unreadable

ROWS = 100_000
MINUTES_OF_DAY = 1440
VARIES = "V"
SCHEMA = {
    "nmi": pl.String(),
    "register": pl.String(),
    "meter_serial": pl.String(),
    "unit": pl.String(),
    "interval_minutes": pl.Int64(),
    "date": pl.Date(),
    "slot": pl.Int64(),
    "value": pl.String(),
    "quality": pl.String(),
    "line": pl.Int64(),
}
UNITS = {"WH": "Wh", "KWH": "kWh", "MWH": "MWh", "W": "W", "KW": "kW", "M3": "m3"}
# Quality method, reason code, reason, time of the update, time of the load: the last ones may be absent.
FIELDS_AFTER_VALUES = (1, 5)
DAY = list[Any]


def blocks(
    stream: Stream, layout: Layout, limits: Limits, columns: Collection[str] | None, rows: int = ROWS
) -> Iterator[Block]:
    """Yield the intervals of a NEM12 file, one a row; `line` is the number of their 300 record.

    Columns: nmi, register (the suffix, else the register), meter_serial, unit, interval_minutes, date, slot
    (the first being 1), value (text, null if empty), quality (A, E52, ...; V only where no 400 says more).

    Parameters
    ----------
    stream
        Of a part of a file, unpacked.
    layout
        Says the encoding.
    limits
        On its lines.
    columns
        That are needed; all of them if None.
    rows
        Of a block, about.

    Raises
    ------
    Unreadable
        If no record in it is of NEM12, or it is NEM13.
    """
    reader = _Reader()
    utf8, _ = as_utf8(stream, layout.encoding)
    kept = [name for name in SCHEMA if columns is None or name in columns or name == "line"]
    for number, line in of_stream(utf8, limits):
        if isinstance(line, Fault):
            reader.reject(number, line.reason, line.text.decode("utf-8", "replace"))
            continue
        try:
            reader.read(number, line.decode().strip())
        except UnicodeDecodeError:
            reader.reject(number, "not valid utf-8", line.decode("utf-8", "replace"))
        if reader.count >= rows:
            yield reader.block(kept)
    reader.finish_day()
    if not reader.has_records:
        raise Unreadable("is not NEM12: no record begins with 200 and 300", reader.rejected_frame())
    yield reader.block(kept, ends_inside=utf8.cut_short)


class _Reader:
    """Reads record after record."""

    def __init__(self) -> None:
        self.has_records = False
        self.count = 0
        self._of: list[Any] | None = None
        self._day: DAY | None = None
        self._days: list[DAY] = []
        self._rejected: list[tuple[int, str, str]] = []

    def reject(self, number: int, reason: str, text: str) -> None:
        """Keep a record that cannot be read."""
        self._rejected.append((number, reason, text))

    def rejected_frame(self) -> pl.DataFrame:
        """Return the records that could not be read."""
        return rejected_rows(self._rejected)

    def read(self, number: int, line: str) -> None:
        """Read one record."""
        if not line:
            return
        fields = next(csv.reader([line])) if '"' in line else line.split(",")
        kind = fields[0].strip()
        if kind == "300":
            self.finish_day()
            self._start_day(number, fields, line)
        elif kind == "400":
            self._qualify(number, fields, line)
        elif kind == "200":
            self.finish_day()
            self._start_register(number, fields, line)
        elif kind == "100":
            self.finish_day()
            if len(fields) > 1 and fields[1].strip().upper() == "NEM13":
                raise Unreadable("is NEM13, readings of accumulation meters, and has no intervals")
        elif kind not in ("500", "900"):
            self.reject(number, "record is of no known kind", line)

    def block(self, names: list[str], *, ends_inside: bool = False) -> Block:
        """Return what was gathered."""
        days = pl.DataFrame(
            self._days,
            schema={
                **{name: dtype for name, dtype in SCHEMA.items() if name not in ("slot", "value", "quality", "line")},
                "value": pl.List(pl.String()),
                "quality": pl.List(pl.String()),
                "line": pl.Int64(),
            },
            orient="row",
        )
        rows = days.with_columns(slot=pl.int_ranges(1, pl.col("value").list.len() + 1)).explode(
            "slot", "value", "quality"
        )
        block = Block(rows.select(names), rejected_rows(self._rejected), ends_inside_record=ends_inside)
        self._days, self._rejected, self.count = [], [], 0
        return block

    def _start_register(self, number: int, fields: list[str], line: str) -> None:
        self._of = None
        if (
            len(fields) < 9
            or not fields[8].strip().isdecimal()
            or int(fields[8]) == 0
            or MINUTES_OF_DAY % int(fields[8])
        ):
            self.reject(number, "record of a meter without the length of its intervals", line)
            return
        nmi, register, suffix = (fields[place].strip() or None for place in (1, 3, 4))
        serial, unit = fields[6].strip() or None, fields[7].strip()
        self._of = [nmi, suffix or register, serial, UNITS.get(unit.upper(), unit) or None, int(fields[8])]
        self.has_records = True

    def _start_day(self, number: int, fields: list[str], line: str) -> None:
        if self._of is None:
            self.reject(number, "record of a day without a record of its meter before it", line)
            return
        count = MINUTES_OF_DAY // self._of[4]
        day = _day(fields[1].strip() if len(fields) > 1 else "")
        after = len(fields) - 2 - count
        if day is None:
            self.reject(number, "record of a day that does not say which", line)
        elif not FIELDS_AFTER_VALUES[0] <= after <= FIELDS_AFTER_VALUES[1] + 1 or not _is_flag(fields[2 + count]):
            self.reject(number, f"record of a day that does not have {count} intervals and their quality", line)
        else:
            values = [value.strip() or None for value in fields[2 : 2 + count]]
            quality = fields[2 + count].strip() or None
            self._day = [*self._of, day, values, [quality] * count, number]

    def _qualify(self, number: int, fields: list[str], line: str) -> None:
        if self._day is None:
            self.reject(number, "record of quality without a record of a day before it", line)
            return
        qualities = self._day[7]
        try:
            first, last, quality = int(fields[1]), int(fields[2]), fields[3].strip()
        except (IndexError, ValueError):
            first, last, quality = 0, 0, ""
        if not (1 <= first <= last <= len(qualities) and quality):
            self.reject(number, "record of quality that does not say of which intervals", line)
            return
        qualities[first - 1 : last] = [quality] * (last - first + 1)

    def finish_day(self) -> None:
        """Close the day that is open: no 400 can follow it any more."""
        if self._day is not None:
            self._days.append(self._day)
            self.count += len(self._day[6])
            self._day = None


def _day(text: str) -> date | None:
    if len(text) != 8 or not text.isdecimal():
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _is_flag(text: str) -> bool:
    """Return whether a field can be a quality: a letter, and often two digits."""
    text = text.strip()
    return not text or (text[0].isalpha() and len(text) <= 3)
