"""The two clocks of a harvester: what time it is, and how much time went by."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Clock:
    """The clocks of the machine.

    The first one may be set, backwards too, so that no length of time is the difference of two of its readings within
    one process: that is what the second one is for. It goes on while the machine sleeps.

    Parameters
    ----------
    ahead
        By how much the first one goes before that of the machine, in simulated worlds.
    """

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        """Return the time, UTC."""
        return datetime.now(UTC) + self.ahead

    def elapsed(self) -> float:
        """Return the seconds of a clock that only goes forward."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def moment_of(self, elapsed: float) -> datetime:
        """Return the time at which the second clock showed so many seconds."""
        return self.now() - timedelta(seconds=max(self.elapsed() - elapsed, 0.0))
