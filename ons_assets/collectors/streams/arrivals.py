"""When what was read of a connection came to this machine: earlier than it was read, where the reader is behind.

The system takes what comes in while the process is busy: tens of megabytes may lie there when a connection breaks. Who
takes the time at which the last byte was read would have an outage begin minutes too late, and so claim less than was
missed. The system knows when the last byte came, and how many there were.
"""

import array
import fcntl
import socket
import struct
import termios
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

# Of Linux, `struct tcp_info` (linux/tcp.h), which only ever grows: milliseconds since the last data, bytes received.
LAST_DATA_MS, BYTES_RECEIVED = (52, "=I"), (128, "=Q")
INFO_BYTES = 136
# What comes within so long is told apart by nobody.
APART_SECONDS = 0.05


class Came(NamedTuple):
    """What the system knows of a connection.

    Parameters
    ----------
    received, unread
        Bytes that came over it, and of these bytes that nobody has read.
    quiet_seconds
        Since the last one came.
    """

    received: int
    unread: int
    quiet_seconds: float


# None where the connection is closed.
Measure = Callable[[], Came | None]


class Arrivals:
    """Tells when the last byte that was read of a connection came.

    Parameters
    ----------
    measure
        Of the connection.
    elapsed
        Seconds of a clock that only goes forward.
    """

    def __init__(self, measure: Measure, elapsed: Callable[[], float]) -> None:
        self._measure, self._elapsed = measure, elapsed
        # Bytes that had come, when the last of them did, and when they had not all come yet.
        self._seen: deque[tuple[int, float, float]] = deque()
        self._looked = elapsed()
        # As of the last look: when the last byte that was read had come, since when at the earliest whatever was read
        # since the look before may have, and whether more waits.
        self.read = self.since = self._looked
        self.is_behind = False

    def look(self) -> None:
        """Ask the system; the more often, the more exact what is told is. Of one that is closed nothing changes."""
        came, now = self._measure(), self._elapsed()
        if came is None:
            self.is_behind = False
            return
        came_at = max(now - came.quiet_seconds, 0.0)
        if not self._seen or came.received > self._seen[-1][0]:
            if self._seen and came_at - self._seen[-1][1] < APART_SECONDS:
                _, first_at, before = self._seen.pop()
                self._seen.append((came.received, first_at, before))
            else:
                self._seen.append((came.received, came_at, self._looked))
        read = came.received - came.unread
        while len(self._seen) > 1 and self._seen[0][0] < read:
            self._seen.popleft()
        received, at, before = self._seen[0]
        # Of what came between two looks it is known that it had not come at the first.
        self.since = max(self.since, min(before, at))
        self.read = max(self.read, at if read >= received else min(before, at))
        self.is_behind = came.unread > 0
        self._looked = now


def of_socket(connection: Any) -> Measure:
    """Return what asks the system about a connection.

    Parameters
    ----------
    connection
        Socket, or what has its methods; None if it is not known.
    """

    def measure() -> Came | None:
        try:
            said = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
            if len(said) < INFO_BYTES:
                return None
            unread = array.array("i", [0])
            fcntl.ioctl(connection.fileno(), termios.FIONREAD, unread)
        except (AttributeError, OSError, ValueError):
            return None
        (quiet_ms,), (received,) = (struct.unpack_from(form, said, at) for at, form in (LAST_DATA_MS, BYTES_RECEIVED))
        return Came(received, min(unread[0], received), quiet_ms / 1000)

    return measure
