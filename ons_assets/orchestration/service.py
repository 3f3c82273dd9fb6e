"""The UI and the daemon as one service: the code is loaded once, and the UI stands behind a guard."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType

import dagster as dg
import uvicorn
import yaml

from ons_assets.orchestration.dagster_internals import LOCATION, user_interface
from ons_assets.orchestration.guard import guarded
from ons_assets.orchestration.report_pages import with_report
from ons_assets.processes import begin_part

MODULE = "ons_assets.definitions"
START_SECONDS = 180
STOP_SECONDS = 30
LOOK_SECONDS = 0.2
# Pages that a browser has open keep their connections.
GOODBYE_SECONDS = 5


class NotStarted(Exception):
    """The service could not be started, or a part of it has ended; the message is one sentence."""


def serve(
    host: str,
    port: int,
    names: Collection[str],
    report: Path,
    ready: Callable[[], None] = lambda: None,
    beside: Sequence[Sequence[str]] = (),
) -> None:
    """Serve the UI until the process is told to end.

    `$DAGSTER_HOME` says where the storage is.

    Parameters
    ----------
    host, port
        Where it listens.
    names
        Names by which browsers may call it; see `guarded`.
    report
        Folder of the report, which is shown at /report/.
    ready
        Called when everything is at work.
    beside
        Commands of `ons-assets`, each with its words, that run as long as the service does.

    Raises
    ------
    NotStarted
        If the address is in use, the code cannot be loaded, or a part of the service ends.
    """
    with ExitStack() as stack:
        # First, because all else takes its time.
        listening = stack.enter_context(closing(_listening(host, port)))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ons-assets-"))
        # Short, because the name of a socket may have 107 bytes, and a home may lie deep.
        to_code = Path(folder) / "code"
        stack.enter_context(_ended_by_a_signal())
        of_code = ["-m", MODULE, "-s", str(to_code), "--use-python-environment-entry-point", "--log-level", "warning"]
        code = stack.enter_context(_beside(sys.executable, "-m", "dagster", "code-server", "start", *of_code))
        _wait_until(to_code.exists, code)
        workspace = Path(folder) / "workspace.yaml"
        workspace.write_text(yaml.safe_dump(workspace_at(to_code)))
        of_daemon = ["run", "--workspace", str(workspace), "--log-level", "warning"]
        daemon = stack.enter_context(_beside(sys.executable, "-m", "dagster._daemon", *of_daemon))
        others = [stack.enter_context(_beside(sys.executable, "-m", "ons_assets", *each)) for each in beside]
        ended = threading.Event()
        threading.Thread(target=_end_with, args=([code, daemon, *others], ended), daemon=True).start()
        instance = stack.enter_context(dg.DagsterInstance.get())
        app = stack.enter_context(user_interface(instance, to_code))
        server = uvicorn.Server(
            uvicorn.Config(
                guarded(with_report(app, report), names), log_level="warning", timeout_graceful_shutdown=GOODBYE_SECONDS
            )
        )
        ready()
        try:
            server.run(sockets=[listening])
        finally:
            if ended.is_set():
                raise NotStarted("a part of the service ended, and so all of it did; what it said stands above")


def workspace_at(socket: Path) -> dict[str, object]:
    """Return the configuration of a workspace in which the code has the same name at every start.

    Sensors that somebody stopped, ticks and runs to be tried again are looked up by that name.

    Parameters
    ----------
    socket
        At which the process with the definitions answers.
    """
    return {"load_from": [{"grpc_server": {"socket": str(socket), "location_name": LOCATION}}]}


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        # Python adds to the words of the system what it was doing.
        reason = str(error.strerror).partition(" (")[0].lower()
        raise NotStarted(f"cannot listen at {host}, port {port}: {reason}") from None


@contextmanager
def _beside(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run another process as long as this one needs it."""
    process = begin_part(command)
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


def _end_with(processes: Sequence[subprocess.Popen[bytes]], ended: threading.Event) -> None:
    """End this process when another one has ended: half a service looks like a whole one."""
    while all(process.poll() is None for process in processes):
        time.sleep(LOOK_SECONDS)
    ended.set()
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _ended_by_a_signal() -> Iterator[None]:
    """Let a signal to end run what `finally` says, so that no process stays behind; a second one changes nothing."""
    ends = (signal.SIGTERM, signal.SIGINT)

    def end(number: int, _: FrameType | None) -> None:
        for each in ends:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {each: signal.signal(each, end) for each in ends}
    try:
        yield
    finally:
        for each, handler in before.items():
            if signal.getsignal(each) is end:
                signal.signal(each, handler)
