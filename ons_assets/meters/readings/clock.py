"""The local clock of homes: where a moment lies in its local day, and the days on which clocks change."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

EPOCH = date(1970, 1, 1)
# Smart meters with half-hourly readings are younger; a stamp before is a fault.
FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2060, 1, 1)
HALF_HOUR = 1800
SLOTS = 48
LONGEST_DAY = 50

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LocalClock:
    """Local days of one zone, from 2000 to 2059. Days are counted from 1970-01-01.

    Parameters
    ----------
    zone
        Name of an IANA zone, such as ``Europe/London``.
    """

    zone: str

    @cached_property
    def _midnights(self) -> IntArray:
        """Second of the epoch at which each day begins, and the last one ends."""
        zone = ZoneInfo(self.zone)
        days = (LAST_DAY - FIRST_DAY).days + 1
        return np.array(
            [
                int(datetime.combine(FIRST_DAY + timedelta(day), time(), zone).astimezone(UTC).timestamp())
                for day in range(days)
            ],
            dtype=np.int64,
        )

    @property
    def first_day(self) -> int:
        """First day that the clock knows."""
        return (FIRST_DAY - EPOCH).days

    @property
    def last_day(self) -> int:
        """Last day that the clock knows."""
        return self.first_day + len(self._midnights) - 2

    def half_hours(self, day: npt.ArrayLike) -> IntArray:
        """Return how many half hours the days have: 46, 48 or 50."""
        index = np.asarray(day) - self.first_day
        count: IntArray = (self._midnights[index + 1] - self._midnights[index]) // HALF_HOUR
        return count

    def place(self, second: IntArray) -> tuple[IntArray, IntArray]:
        """Return the local day of some moments, and the seconds since it began.

        Parameters
        ----------
        second
            Seconds of the epoch, within the days that the clock knows.
        """
        index = np.searchsorted(self._midnights, second, side="right") - 1
        return index + self.first_day, second - self._midnights[np.clip(index, 0, None)]

    def labels(self, day: int) -> npt.NDArray[np.int16]:
        """Return for each half hour of a day, as time passes, what the clock shows: 0 for 00:00 to 47."""
        return _labels(self.zone, day)

    def position_by_clock(self, day: int) -> npt.NDArray[np.int16]:
        """Return for each half hour on the clock face when it comes in the day; -1 if the clock skips it.

        An hour that comes twice is taken as the first.
        """
        labels = self.labels(day)
        position = np.full(SLOTS, -1, dtype=np.int16)
        position[labels[::-1]] = np.arange(len(labels))[::-1]
        return position


@lru_cache(maxsize=4096)
def _labels(zone: str, day: int) -> npt.NDArray[np.int16]:
    local = ZoneInfo(zone)
    start = datetime.combine(EPOCH + timedelta(day), time(), local).astimezone(UTC)
    count = int(local_clock(zone).half_hours(day))
    moments = [(start + timedelta(seconds=HALF_HOUR * step)).astimezone(local) for step in range(count)]
    return np.array([moment.hour * 2 + moment.minute // 30 for moment in moments], dtype=np.int16)


@lru_cache(maxsize=64)
def local_clock(zone: str) -> LocalClock:
    """Return the clock of a zone, made once."""
    return LocalClock(zone)


def to_day(day: date) -> int:
    """Return the number of a day, counted from 1970-01-01."""
    return (day - EPOCH).days
