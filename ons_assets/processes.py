"""Processes that end when the one that began them does: of their own they would work on, and keep others out."""

import ctypes
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

# Of Linux: which signal a process is sent when the one that started it ends.
SET_DEATH_SIGNAL = 1


def begin_part(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Begin a process that is told to end (SIGTERM) when this one ends, however that ends.

    Parameters
    ----------
    command
        Its words. It is to be begun by the main thread, and before there are others: it is told when that thread ends.
    """
    return subprocess.Popen(command, preexec_fn=_end_with_parent)


def _end_with_parent() -> None:
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGTERM)
