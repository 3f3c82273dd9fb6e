"""Signs of life: each part of the service leaves one while it answers, and anybody can see how old it is."""

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum

from ons_assets.lakehouse.home import PRIVATE_DIRECTORY, Home

# Between two looks whether a part answers.
EVERY_SECONDS = 10.0
# A part that has given no sign for so long is down: two looks may be late on a machine that has much to do.
STALE_SECONDS = 60.0


class Part(StrEnum):
    """What the service consists of."""

    CODE = "code"
    DAEMON = "daemon"
    WEB = "web"
    REPORT = "report"


# Without which nothing is taken up or shown; the report has an address of its own only where somebody wants one.
NEEDED = (Part.CODE, Part.DAEMON, Part.WEB)


def age_seconds(home: Home, part: Part) -> float | None:
    """Return how old the last sign of life of a part is; None if it is not at work, and ended in order if it ever was.

    Parameters
    ----------
    home
        That is served.
    part
        Of the service.
    """
    try:
        # A clock that was set back makes no sign fresher than one of now.
        return abs(time.time() - (home.at_work / part).stat().st_mtime)
    except FileNotFoundError:
        return None


def keep(home: Home, checks: Mapping[Part, Callable[[], bool]], ended: threading.Event) -> None:
    """Leave a sign of each part as long as it answers, and tell systemd, until the service ends.

    Parameters
    ----------
    home
        That is served.
    checks
        Whether a part answers; one that raises does not.
    ended
        Set when the service ends.
    """
    home.at_work.mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
    while True:
        answered = {part: _answers(check) for part, check in checks.items()}
        for part in (part for part, well in answered.items() if well):
            # A full disk is told by others; where nothing can be written there is no sign, which is true enough.
            with suppress(OSError):
                (home.at_work / part).touch()
        if all(answered.values()):
            tell_systemd("READY=1\nWATCHDOG=1")
        if ended.wait(EVERY_SECONDS):
            break


def end(home: Home, part: Part) -> None:
    """Take the sign of a part away: it ended in order, and is not down."""
    (home.at_work / part).unlink(missing_ok=True)


def tell_systemd(state: str) -> None:
    """Tell systemd how a service stands, if it is systemd that began it; see sd_notify(3).

    Parameters
    ----------
    state
        Its lines, such as `READY=1`.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        manager.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        manager.sendall(state.encode())


def _answers(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:
        return False
