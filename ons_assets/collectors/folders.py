"""The folders in which collectors keep what they know: only their owner opens them, and one process works in each."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ons_assets.lakehouse.home import PRIVATE_DIRECTORY


class AtWork(ValueError):
    """Another process is at work in a folder; the message is one sentence."""


def ensure_private(folder: Path) -> None:
    """Make a folder `<home>/collections/<kind>/<name>`, and close it and those above it to others."""
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
    # Only what is made last has the mode.
    for each in (folder.parent.parent, folder.parent, folder):
        each.chmod(PRIVATE_DIRECTORY)


@contextmanager
def alone(folder: Path, what: str) -> Iterator[int]:
    """Keep every other process out of a folder; give the descriptor that does so, for processes that work on.

    Parameters
    ----------
    folder
        That exists.
    what
        What is at work, if another process is there.

    Raises
    ------
    AtWork
        If one is.
    """
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AtWork(f"{what} is at work already") from None
        yield file.fileno()
