"""Readings of the CER trial: `meter dddss value`, day 1 being 2009-01-01, slots 1 to 48, 49 and 50 in autumn.

The day that the clock goes back has slots 1 to 50 as time passes. The day that it goes forward has, by
`cer_spring_slots`, the slots of the clock face without 3 and 4, or 1 and 4 to 48, or 1 to 46.
"""

from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.intake.blocks import rejected_rows
from ons_assets.intake.cer import DAYS
from ons_assets.intake.cer import REASONS as UNREADABLE_REASONS
from ons_assets.intake.cer import SLOTS as NUMBERS
from ons_assets.intake.layouts import Layout
from ons_assets.meters.readings.clock import SLOTS, local_clock, to_day
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.meters.readings.kinds import kind, whose
from ons_assets.meters.readings.placed import Block, Mark, bits_of, counted
from ons_assets.meters.readings.placing import FUTURE_SLACK
from ons_assets.parameters.meters import Readings

TRIAL = "cer"
DAY_ONE = date(2009, 1, 1)
HOURS = 0.5

TOO_LARGE, NO_SUCH_SLOT, SKIPPED, NO_SUCH_DAY, FUTURE = 6, 7, 8, 9, 10
REASONS = {
    TOO_LARGE: "value is above what a domestic supply can carry",
    NO_SUCH_SLOT: "slot is not one of its day",
    SKIPPED: "slot is in the hour that the clock skips",
    NO_SUCH_DAY: "day is before the first day of the count",
    FUTURE: "day is in the future",
}
MARKS = {TOO_LARGE: Mark.TOO_LARGE, SKIPPED: Mark.SKIPPED_HOUR}
# A value that is no number stands on a line whose meter and day can be read.
NO_VALUE = [UNREADABLE_REASONS[number] for number in (4, 5)]


def positions(zone: str, spring_slots: str, last_day: date) -> npt.NDArray[np.int16]:
    """Return for each day and slot number its position in the local day, or a negative reason.

    Parameters
    ----------
    zone
        Of the homes.
    spring_slots
        What slots of the day that the clock goes forward count, "clock", "without_2_and_3" or "elapsed".
    last_day
        Later days are in the future.

    Returns
    -------
    array, (1000, 100)
    """
    clock = local_clock(zone)
    table = np.full((DAYS, NUMBERS), -NO_SUCH_SLOT, dtype=np.int16)
    table[0] = -NO_SUCH_DAY
    for number in range(1, DAYS):
        day = DAY_ONE + timedelta(number - 1)
        if day > last_day:
            table[number:] = -FUTURE
            break
        count = int(clock.half_hours(to_day(day)))
        if count < SLOTS and spring_slots == "clock":
            by_clock = clock.position_by_clock(to_day(day))
            table[number, 1 : SLOTS + 1] = np.where(by_clock < 0, -SKIPPED, by_clock)
        elif count < SLOTS and spring_slots == "without_2_and_3":
            table[number, [2, 3]] = -SKIPPED
            table[number, [1, *range(4, SLOTS + 1)]] = np.arange(count)
        else:
            table[number, 1 : count + 1] = np.arange(count)
    return table


class CerPlacing:
    """Places the blocks of one file of the trial; see `placing.Placing`.

    Parameters
    ----------
    layout
        Of the file.
    parameters
        Unit of the readings, their zone, and the largest half hour in kWh.
    pseudonyms
        Makes numbers of meters.
    received_utc
        When the file was dropped; readings of a day after it are rejected.
    time_zone
        Of the installation; the homes of the trial have their own.
    """

    def __init__(
        self, layout: Layout, parameters: Readings, pseudonyms: Pseudonyms, received_utc: datetime, time_zone: str
    ) -> None:
        self.kind = kind(layout, parameters, time_zone)
        self._trial, self._pseudonyms = whose(layout), pseudonyms
        last_day = received_utc.date() + FUTURE_SLACK
        self._position = positions(self.kind.zone, parameters.cer_spring_slots, last_day).ravel()
        self._factor = np.float32(HOURS if (layout.unit or parameters.cer_unit) == "kW" else 1)
        self._largest = parameters.max_half_hour_kwh
        self.moved, self.left_out, self.has_undecided = 0, 0, False

    def block(self, rows: pl.DataFrame) -> Block:
        """Place the records of a block: meter, code, value, line."""
        code = rows["code"].to_numpy()
        meter = self._meters(rows["meter"].to_numpy())
        value = rows["value"].to_numpy()
        value = value * self._factor if self._factor != 1 else value
        position = self._position[code]
        day = (code // NUMBERS).astype(np.int32) + (to_day(DAY_ONE) - 1)
        # Nearly every block is good throughout.
        if len(code) and position.min() >= 0 and max(value.max(), -value.min()) <= self._largest:
            return Block(meter, day, position, value)
        bad = (position < 0) | (np.abs(value) > self._largest)
        at = np.flatnonzero(bad)
        reason = np.where(position[at] < 0, -position[at], TOO_LARGE)
        lines = rows["line"].to_numpy()[at]
        rejected = [(int(line), REASONS[int(why)], "") for line, why in zip(lines, reason, strict=True)]
        no_day = np.isin(reason, (NO_SUCH_DAY, FUTURE))
        marks = pl.DataFrame(
            {
                "meter": meter[at],
                "day": pl.Series(day[at]).set(pl.Series(no_day), None),
                "mark": pl.Series([MARKS.get(int(why)) for why in reason], dtype=pl.Int8()),
                "half_hours": bits_of(position[at], self.kind),
            }
        )
        good = ~bad
        return Block(
            meter[good],
            day[good],
            position[good],
            value[good],
            rejected_rows(rejected),
            counted(marks),
        )

    def unreadable(self, rejected: pl.DataFrame) -> pl.DataFrame:
        """Return the marks of records whose value the reader could not read."""
        found = rejected.filter(pl.col("reason").is_in(NO_VALUE))
        marks = []
        for text in found["text"].to_list():
            meter, code = text.replace(",", " ").split()[:2]
            day = to_day(DAY_ONE) + int(code[:3]) - 1
            bits = int(bits_of(self._position[[int(code)]], self.kind)[0])
            marks.append((self._pseudonyms.of(self._trial, int(meter)), day, int(Mark.UNREADABLE), bits))
        schema = {"meter": pl.Int64, "day": pl.Int32, "mark": pl.Int8, "half_hours": pl.Int64}
        return counted(pl.DataFrame(marks, schema=schema, orient="row"))

    def _meters(self, names: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        if not len(names):
            return names
        # Files hold long runs of one meter.
        starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
        different, of_run = np.unique(names[starts], return_inverse=True)
        numbers = np.array(self._pseudonyms.all_of(self._trial, different.tolist()), dtype=np.int64)
        return numbers[of_run].repeat(np.diff(np.append(starts, len(names))))
