"""The UI and the daemon, as one service or each part of it as its own; the UI stands behind a guard.

The code is loaded once, by a process that the others ask at a socket; the runs are begun by that process, too. So the
UI and the daemon can end and begin again while runs go on.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import dagster as dg
import uvicorn
import yaml
from starlette.responses import PlainTextResponse

from ons_assets.lakehouse import signs
from ons_assets.lakehouse.home import PRIVATE_DIRECTORY, Home
from ons_assets.lakehouse.signs import Part
from ons_assets.orchestration.dagster_internals import LOCATION, code_answers, daemons_beat, user_interface
from ons_assets.orchestration.guard import guarded
from ons_assets.orchestration.health_page import with_health
from ons_assets.orchestration.report_pages import REPORT, with_report
from ons_assets.processes import begin_part

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

MODULE = "ons_assets.definitions"
START_SECONDS = 180
STOP_SECONDS = 30
LOOK_SECONDS = 0.2
# Pages that a browser has open keep their connections.
GOODBYE_SECONDS = 5
ANSWER_SECONDS = 5
# Daemons that look at very much take their time between two beats; one that hangs beats no more.
BEAT_SECONDS = 300
# Which the UI answers of itself, without the definitions.
OF_UI = "/server_info"
# Of a name of a socket, in bytes; see unix(7).
LONGEST_SOCKET = 107


class NotStarted(Exception):
    """The service could not be started, or a part of it has ended; the message is one sentence."""


def serve(
    host: str,
    port: int,
    names: Collection[str],
    home: Home,
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
    home
        Whose report is shown at /report/.
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
        code = stack.enter_context(_code(to_code))
        daemon = stack.enter_context(_daemon(to_code, Path(folder)))
        others = [stack.enter_context(_beside(sys.executable, "-m", "ons_assets", *each)) for each in beside]
        ended = threading.Event()
        threading.Thread(target=_end_with, args=([code, daemon, *others], ended), daemon=True).start()
        instance = stack.enter_context(dg.DagsterInstance.get())
        app = stack.enter_context(user_interface(instance, to_code))
        checks = {
            Part.CODE: lambda: code_answers(to_code),
            Part.DAEMON: lambda: daemons_beat(instance, BEAT_SECONDS),
            Part.WEB: lambda: _answers(listening, OF_UI),
        }
        try:
            _answer(app, listening, names, home, checks, ready)
        finally:
            if ended.is_set():
                raise NotStarted("a part of the service ended, and so all of it did; what it said stands above")


def serve_part(
    part: Part, host: str, port: int, names: Collection[str], home: Home, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve one part of the service until the process is told to end, beside others that serve the other ones.

    `$DAGSTER_HOME` says where the storage is.

    Parameters
    ----------
    part
        Which.
    host, port
        Where it listens, if it is one that is looked at.
    names
        Names by which browsers may call it; see `guarded`.
    home
        In which the parts find each other.
    ready
        Called when it is at work.

    Raises
    ------
    NotStarted
        If the address is in use, the definitions are not served, or what the part consists of ends.
    """
    to_code = socket_of(home)
    with ExitStack() as stack:
        stack.enter_context(_ended_by_a_signal())
        if part is Part.CODE:
            home.at_work.mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
            # One that was killed left it.
            to_code.unlink(missing_ok=True)
            stack.callback(to_code.unlink, missing_ok=True)
            process = stack.enter_context(_code(to_code))
            stack.enter_context(_signing(home, {part: lambda: code_answers(to_code)}))
            _stay(process, ready)
        listening = stack.enter_context(closing(_listening(host, port))) if part is not Part.DAEMON else None
        if listening is not None and part is Part.REPORT:
            _answer(_nothing, listening, names, home, {part: lambda: _answers(listening, f"{REPORT}/")}, ready)
            return
        _wait_until(lambda: code_answers(to_code))
        if listening is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ons-assets-"))
            process = stack.enter_context(_daemon(to_code, Path(folder)))
            instance = stack.enter_context(dg.DagsterInstance.get())
            stack.enter_context(_signing(home, {part: lambda: daemons_beat(instance, BEAT_SECONDS)}))
            _stay(process, ready)
        else:
            instance = stack.enter_context(dg.DagsterInstance.get())
            app = stack.enter_context(user_interface(instance, to_code))
            _answer(app, listening, names, home, {part: lambda: _answers(listening, OF_UI)}, ready)


def socket_of(home: Home) -> Path:
    """Return the socket at which the definitions of a home are served to parts that run alone.

    Raises
    ------
    NotStarted
        If the home lies so deep that no socket can be there.
    """
    to_code = home.at_work / "code.socket"
    if len(os.fsencode(to_code)) > LONGEST_SOCKET:
        raise NotStarted(
            f"the path of the home {home.root} is too long for its parts to find each other: a socket in it may have "
            f"{LONGEST_SOCKET} bytes; serve it as a whole, or where its path is shorter"
        )
    return to_code


def workspace_at(socket: Path) -> dict[str, object]:
    """Return the configuration of a workspace in which the code has the same name at every start.

    Sensors that somebody stopped, ticks and runs to be tried again are looked up by that name.

    Parameters
    ----------
    socket
        At which the process with the definitions answers.
    """
    return {"load_from": [{"grpc_server": {"socket": str(socket), "location_name": LOCATION}}]}


@contextmanager
def _code(socket: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Have the definitions served, from which runs are begun."""
    words = ["-m", MODULE, "-s", str(socket), "--use-python-environment-entry-point", "--log-level", "warning"]
    with _beside(sys.executable, "-m", "dagster", "code-server", "start", *words) as process:
        _wait_until(socket.exists, process)
        yield process


@contextmanager
def _daemon(to_code: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Have sensors and schedules looked at, and what waits in the queue begun."""
    workspace = folder / "workspace.yaml"
    workspace.write_text(yaml.safe_dump(workspace_at(to_code)))
    words = ["run", "--workspace", str(workspace), "--log-level", "warning"]
    with _beside(sys.executable, "-m", "dagster._daemon", *words) as process:
        yield process


def _stay(process: subprocess.Popen[bytes], ready: Callable[[], None]) -> NoReturn:
    """Stay as long as a process that is the part; a signal ends both."""
    ready()
    process.wait()
    raise NotStarted("what this part consists of ended; what it said stands above")


def _answer(
    app: "ASGIApp",
    listening: socket.socket,
    names: Collection[str],
    home: Home,
    checks: Mapping[Part, Callable[[], bool]],
    ready: Callable[[], None],
) -> None:
    """Answer requests until told to end, and leave signs of life meanwhile."""
    shown = guarded(with_health(with_report(app, home.report.parent), home), names)
    server = uvicorn.Server(uvicorn.Config(shown, log_level="warning", timeout_graceful_shutdown=GOODBYE_SECONDS))
    ready()
    with _signing(home, checks):
        server.run(sockets=[listening])


@contextmanager
def _signing(home: Home, checks: Mapping[Part, Callable[[], bool]]) -> Iterator[None]:
    """Leave signs of life of parts, and take them away in the end."""
    ended = threading.Event()
    signer = threading.Thread(target=signs.keep, args=(home, checks, ended), daemon=True)
    signer.start()
    try:
        yield
    finally:
        signs.tell_systemd("STOPPING=1")
        ended.set()
        signer.join(ANSWER_SECONDS)
        for part in checks:
            signs.end(home, part)


def _answers(listening: socket.socket, path: str) -> bool:
    """Whether what listens at a socket answers a request, as a browser on this machine would ask it."""
    host, port = listening.getsockname()[:2]
    with closing(http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)) as connection:
        connection.request("GET", path, headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR


async def _nothing(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """Answer what is no page of the report, where nothing else is served."""
    await PlainTextResponse("there is nothing but the report here, at /report/\n", status_code=404)(
        scope, receive, send
    )


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


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until the definitions can be had, of a process or of another part of the service."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process is not None and process.poll() is not None:
            raise NotStarted("the definitions could not be loaded")
        if time.monotonic() > deadline:
            whose = "could not be loaded" if process is not None else "are not served: ons-assets serve --only code"
            raise NotStarted(f"the definitions {whose}")
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
