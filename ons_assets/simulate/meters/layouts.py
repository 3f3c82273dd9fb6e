"""Files as the two trials laid them out: CER text and Low Carbon London CSV."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import BinaryIO
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.simulate.meters.calendar import SLOTS
from ons_assets.simulate.meters.faults import Delivered

CER_DAY_ONE = date(2009, 1, 1)
CER_FIRST_METER = 1000
LCL_HEADER = b"LCLid,DateTime,KWH/hh (per half hour) \n"
# The clock springs over, or repeats, the local hour from 01:00: the half hours 2 and 3, counted from 0.
CHANGED = (2, 3)
ZONE = ZoneInfo("Europe/London")
EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Clock:
    """How the half hours of the local clock are numbered in files.

    Parameters
    ----------
    start, days
        First local day, and number of days.
    """

    start: date
    days: int

    @cached_property
    def _length(self) -> npt.NDArray[np.int64]:
        """Half hours of each local day: 46, 48 or 50."""
        midnights = [
            datetime.combine(self.start + timedelta(day), datetime.min.time(), ZONE) for day in range(self.days + 1)
        ]
        seconds = np.array([midnight.timestamp() for midnight in midnights])
        return np.rint(np.diff(seconds) / 1800).astype(np.int64)

    @cached_property
    def rows(self) -> pl.DataFrame:
        """Every half hour that there was: `slot` since the start on the local clock, CER code, end in UTC as text.

        On the day that the clock goes back the repeated hour is there twice, and CER numbers 1 to 50
        as time passes; on the day that it goes forward the numbers 3 and 4 are left out.
        """
        slot, code, end = [], [], []
        first_day = (self.start - CER_DAY_ONE).days + 1
        for day, length in enumerate(self._length):
            local = np.arange(SLOTS)
            number = local + 1
            if length == SLOTS - 2:
                local = np.delete(local, CHANGED)
                number = local + 1
            elif length == SLOTS + 2:
                local = np.insert(local, CHANGED[1] + 1, CHANGED)
                number = np.arange(1, length + 1)
            midnight = datetime.combine(self.start + timedelta(day), datetime.min.time(), ZONE).timestamp()
            slot.append(day * SLOTS + local)
            code.append((first_day + day) * 100 + number)
            end.append(midnight + 1800 * np.arange(1, len(local) + 1))
        return pl.DataFrame(
            {
                "slot": np.concatenate(slot),
                "code": np.concatenate(code).astype(np.int32),
                "end_utc": (np.concatenate(end) * 1_000_000).astype(np.int64),
            }
        ).with_columns(pl.col("end_utc").cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d %H:%M:%S.0000000"))


def readings(clock: Clock, delivered: Delivered, rng: np.random.Generator) -> pl.DataFrame:
    """Return the readings of a meter in the order of its file: slot, code, end_utc, kwh.

    The file of a meter begins somewhere in the middle, as the trials' files do; repeated readings
    follow the ones that they repeat.

    Parameters
    ----------
    clock
        A row for each half hour of the world, with its stamps in the layout of the trial.
    delivered
        Readings of the meter in kWh, NaN where none came, and the slots that are repeated.
    rng
        Stream of the home.
    """
    slot = clock.rows["slot"].to_numpy()
    kwh = delivered.kwh.ravel()[slot].astype(np.float64)
    repeated = np.flatnonzero(np.isin(slot, delivered.repeated))
    contradicted = np.flatnonzero(np.isin(slot, delivered.contradicted))
    row = np.concatenate([np.arange(len(slot)), repeated, contradicted])
    kwh = np.concatenate([kwh, kwh[repeated], kwh[contradicted] * 1.5 + 0.05])
    order = np.argsort(row, kind="stable")
    order = order[~np.isnan(kwh[order])]
    order = np.roll(order, -int(rng.integers(0, max(len(order), 1))))
    return clock.rows[row[order]].with_columns(kwh=kwh[order])


def write_cer(file: BinaryIO, meter: int, rows: pl.DataFrame, bad_lines: list[str]) -> None:
    """Append a meter to a CER file: meter, day and slot, mean power in kW.

    Parameters
    ----------
    file
        Open file that the lines go to.
    meter
        Number of the meter.
    rows
        code, kwh, in the order of the file.
    bad_lines
        What follows the number of the meter in lines that cannot be read.
    """
    # The readings of the trial are plausible as kW and twice too high as kWh.
    power_kw = (pl.col("kwh") * 2).round(3)
    rows.select(pl.lit(meter), "code", power_kw).write_csv(file, include_header=False, separator=" ")
    file.writelines(f"{meter} {line}\n".encode() for line in bad_lines)


def write_lcl(file: BinaryIO, meter: str, rows: pl.DataFrame, null_at: datetime | None) -> None:
    """Append a meter to a Low Carbon London file: stamps are UTC, at the end of the half hour, values in kWh.

    Parameters
    ----------
    file
        Open file that the lines go to.
    meter
        Name of the meter.
    rows
        end_utc, kwh, in the order of the file.
    null_at
        Time of a line whose reading is the word Null; None writes no such line.
    """
    kwh = pl.col("kwh").round(3)
    rows.select(
        pl.lit(meter),
        "end_utc",
        pl.format(" {} ", kwh),
    ).write_csv(file, include_header=False)
    if null_at is not None:
        file.write(f"{meter},{null_at:%Y-%m-%d %H:%M:%S}.0000000,Null\n".encode())
