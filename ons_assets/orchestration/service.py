"""The UI and the daemon as one service: the code is loaded once, and the UI stands behind a guard."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import dagster as dg
import uvicorn

from ons_assets.orchestration.dagster_internals import user_interface
from ons_assets.orchestration.guard import guarded

MODULE = "ons_assets.definitions"
START_SECONDS = 180
STOP_SECONDS = 30
LOOK_SECONDS = 0.2


class NotStarted(Exception):
    """A part of the service ended before it was at work; what it said stands above."""


def serve(host: str, port: int, names: Collection[str]) -> None:
    """Serve the UI until the process is told to end.

    `$DAGSTER_HOME` says where the storage is.

    Parameters
    ----------
    host, port
        Where it listens.
    names
        Names by which browsers may call it; see `guarded`.

    Raises
    ------
    NotStarted
        If the code cannot be loaded.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ons-assets-"))
        # Short, because the name of a socket may have 107 bytes, and a home may lie deep.
        socket = Path(folder) / "code"
        stack.enter_context(_ended_by_a_signal())
        of_code = ["-m", MODULE, "-s", str(socket), "--use-python-environment-entry-point", "--log-level", "warning"]
        code = stack.enter_context(_beside(sys.executable, "-m", "dagster", "code-server", "start", *of_code))
        _wait_until(socket.exists, code)
        of_daemon = ["run", "--grpc-socket", str(socket), "--log-level", "warning"]
        daemon = stack.enter_context(_beside(sys.executable, "-m", "dagster._daemon", *of_daemon))
        threading.Thread(target=_end_with, args=([code, daemon],), daemon=True).start()
        instance = stack.enter_context(dg.DagsterInstance.get())
        app = stack.enter_context(user_interface(instance, socket))
        uvicorn.run(guarded(app, names), host=host, port=port, log_level="warning")


@contextmanager
def _beside(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run another process as long as this one needs it."""
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotStarted("the definitions could not be loaded")
        time.sleep(LOOK_SECONDS)


def _end_with(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End this process when another one has ended: half a service looks like a whole one."""
    while all(process.poll() is None for process in processes):
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _ended_by_a_signal() -> Iterator[None]:
    """Let a signal to end run what `finally` says, so that no process stays behind."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
