"""Text of the CER trial: `meter dddss value`, day 1 being 2009-01-01, slots 1 to 48, 49 and 50 in autumn.

The day that the clock goes back has slots 1 to 50 as time passes. The day that it goes forward has, by
`cer_spring_slots`, either the slots of the clock face without 3 and 4, or 1 to 46.
"""

import re
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from core_ext import parse_cer_text
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.meters.readings.clock import SLOTS, local_clock, to_day
from ons_assets.meters.readings.files import opened, whole_lines
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.meters.readings.placed import FAULT_SCHEMA, Block, Fault, ReadingKind
from ons_assets.parameters.meters import Readings

TRIAL = "cer"
DAY_ONE = date(2009, 1, 1)
DAYS, NUMBERS = 1000, 100
LINE = re.compile(rb"[ \t]*\d{1,18}[ \t]+\d{5}[ \t]+\S+[ \t\r]*")
LOOKED_AT_BYTES = 4096
HOURS = 0.5

NO_SUCH_SLOT, SKIPPED, NO_SUCH_DAY, FUTURE = 7, 8, 9, 10
REASONS = {
    1: "not three fields",
    2: "meter is not a whole number",
    3: "day and slot are not five digits",
    4: "value is not a number",
    5: "value is not finite",
    6: "value is above what a domestic supply can carry",
    NO_SUCH_SLOT: "slot is not one of its day",
    SKIPPED: "slot is in the hour that the clock skips",
    NO_SUCH_DAY: "day is before the first day of the count",
    FUTURE: "day is in the future",
}
FAULTS = {4: Fault.UNREADABLE, 5: Fault.UNREADABLE, 6: Fault.TOO_LARGE, SKIPPED: Fault.SKIPPED_HOUR}


def recognises(path: Path) -> bool:
    """Return whether the file begins as CER text does."""
    try:
        with opened(path) as stream:
            lines = stream.read(LOOKED_AT_BYTES).split(b"\n")
    except (OSError, EOFError, zlib.error):
        return False
    # The first kilobytes may end inside a line; one bad line must not hide the layout.
    found = [LINE.fullmatch(line) is not None for line in (lines[:-1] or lines) if line.strip()]
    return bool(found) and sum(found) > len(found) / 2


def layout(parameters: Readings) -> ReadingKind:
    """Return what the readings of the trial are."""
    return ReadingKind(TRIAL, parameters.cer_zone)


def positions(parameters: Readings, last_day: date) -> npt.NDArray[np.int16]:
    """Return for each day and slot number its position in the local day, or a negative reason.

    Returns
    -------
    array, (1000, 100)
    """
    clock = local_clock(parameters.cer_zone)
    table = np.full((DAYS, NUMBERS), -NO_SUCH_SLOT, dtype=np.int16)
    table[0] = -NO_SUCH_DAY
    for number in range(1, DAYS):
        day = DAY_ONE + timedelta(number - 1)
        if day > last_day:
            table[number:] = -FUTURE
            break
        count = int(clock.half_hours(to_day(day)))
        if count < SLOTS and parameters.cer_spring_slots == "clock":
            by_clock = clock.position_by_clock(to_day(day))
            table[number, 1 : SLOTS + 1] = np.where(by_clock < 0, -SKIPPED, by_clock)
        else:
            table[number, 1 : count + 1] = np.arange(count)
    return table


def read(path: Path, parameters: Readings, pseudonyms: Pseudonyms, received_utc: datetime) -> Iterator[Block]:
    """Yield the readings of a CER file; memory holds a few blocks, whatever its size.

    Parameters
    ----------
    path
        Text of the trial, plain or gzip.
    parameters
        Unit of the readings, and the largest half hour in kWh.
    pseudonyms
        Makes numbers of meters.
    received_utc
        When the file was dropped; readings of a day after it are rejected.

    Raises
    ------
    Unreadable
        If the file is empty or a broken gzip.
    """
    table = positions(parameters, received_utc.date() + timedelta(1))
    factor = HOURS if parameters.cer_unit == "kW" else 1.0
    lines = 0
    for text, parsed in _parsed_ahead(path, table, factor, parameters.max_half_hour_kwh):
        meters, meter, day, position, value, _, bad_line, bad_start, bad_reason, count = parsed
        numbers = np.array(pseudonyms.all_of(TRIAL, meters.tolist()), dtype=np.int64)
        rejected, faults = _rejected(text, bad_line + lines + 1, bad_start, bad_reason, pseudonyms)
        yield Block(numbers[meter], day.astype(np.int32) + to_day(DAY_ONE) - 1, position, value, rejected, faults)
        lines += count
    if not lines:
        raise Unreadable("is empty")


def _parsed_ahead(
    path: Path, table: npt.NDArray[np.int16], factor: float, largest: float
) -> Iterator[tuple[bytes, tuple[Any, ...]]]:
    """Yield the blocks of a file, parsed while the caller still works on the block before."""
    with ThreadPoolExecutor(1) as worker:
        ahead: deque[tuple[bytes, Future[tuple[Any, ...]]]] = deque()
        for text in whole_lines(path):
            ahead.append((text, worker.submit(parse_cer_text, text, table, factor, largest)))
            if len(ahead) > 1:
                done, parsed = ahead.popleft()
                yield done, parsed.result()
        for done, parsed in ahead:
            yield done, parsed.result()


def _rejected(
    text: bytes,
    lines: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    reasons: npt.NDArray[np.int8],
    pseudonyms: Pseudonyms,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows, faults = [], []
    for line, start, reason in zip(lines.tolist(), starts.tolist(), reasons.tolist(), strict=True):
        if reason == 0:
            continue
        end = text.find(b"\n", start)
        record = text[start : end if end >= 0 else len(text)].decode("utf-8", errors="replace").rstrip("\r")
        rows.append((line, REASONS[reason], record))
        if reason in FAULTS:
            meter, code = record.split()[:2]
            day = to_day(DAY_ONE) + int(code[:3]) - 1
            faults.append((pseudonyms.of(TRIAL, int(meter)), day, int(FAULTS[reason])))
    return (
        pl.DataFrame(rows, schema=REJECTED_SCHEMA, orient="row"),
        pl.DataFrame(faults, schema=FAULT_SCHEMA, orient="row"),
    )
