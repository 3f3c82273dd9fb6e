"""What the command line does with streams: listen to one or to several, say how they stand, look at saved messages."""

import asyncio
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from ons_assets.collectors.descriptions import BadDescription
from ons_assets.collectors.folders import AtWork, alone
from ons_assets.collectors.streams import description
from ons_assets.collectors.streams.clock import Clock
from ons_assets.collectors.streams.harvesting import Harvester, NotHarvested
from ons_assets.collectors.streams.keeping import Farewell, Junk, keeper_of
from ons_assets.collectors.streams.logbook import Logbook, State
from ons_assets.governance.outages.outage_files import OutageFiles
from ons_assets.lakehouse.home import Home
from ons_assets.operations import Progress, UnknownName, open_home, source_named
from ons_assets.operations.collecting import agent_of
from ons_assets.settings import Settings

# A process that ended by itself is begun again after so long, twice as long each time it ends soon.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 600.0
# One that worked for so long begins anew.
WORKED_SECONDS = 600.0
LOOK_SECONDS = 0.5
STOP_SECONDS = 30.0


def harvest(
    settings: Settings, name: str, progress: Progress, *, ahead: timedelta = timedelta(0), seconds: float | None = None
) -> None:
    """Listen to a stream until the process is told to end (SIGTERM, SIGINT), or for so long.

    Parameters
    ----------
    settings
        Of the home that describes it.
    name
        Of the stream.
    progress
        Is told in a sentence what happens.
    ahead
        By how much its clock goes before that of the machine, in simulated worlds.
    seconds
        After which it ends in order; None for never.

    Raises
    ------
    BadDescription, NoToken
        If the description, or the token, cannot be used.
    NotHarvested
        If another process listens to it, the disk is nearly full, or the service refuses.
    """
    home = open_home(settings)
    stream = description.named(home, name)
    try:
        source = source_named(settings, stream.into)
    except UnknownName as error:
        raise BadDescription(f"{name}.yaml: into: {error}") from None
    drops = home.drop_folder(source.name, is_individual=source.is_individual)
    outages = home.drop_folder(OutageFiles.name, is_individual=False)
    token = stream.token.read() if stream.token is not None else None
    logbook = Logbook.of(home, name).ensure()
    try:
        with alone(logbook.folder, f"a harvester of {name}"):
            agent = agent_of(settings, stream.contact)
            harvester = Harvester(stream, logbook, drops, outages, agent, token, progress, clock=Clock(ahead))
            asyncio.run(_until_told(harvester, seconds))
    except AtWork as error:
        raise NotHarvested(str(error)) from None


async def _until_told(harvester: Harvester, seconds: float | None) -> None:
    loop = asyncio.get_running_loop()
    # Signals come to the main thread alone.
    if threading.current_thread() is threading.main_thread():
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, harvester.end)
    if seconds is not None:
        loop.call_later(seconds, harvester.end)
    await harvester.run()


def harvest_all(settings: Settings, names: Sequence[str], progress: Progress) -> None:
    """Listen to several streams, each in a process of its own, which is begun again where it ends by itself.

    Parameters
    ----------
    settings
        Of the home.
    names
        Of streams; none for all that are described, those too that are described later.
    progress
        Is told in a sentence what happens.

    Raises
    ------
    BadDescription
        If one that is named is not described.
    """
    home = open_home(settings)
    for name in names:
        description.named(home, name)
    told = threading.Event()
    before = {each: signal.signal(each, lambda *_: told.set()) for each in (signal.SIGTERM, signal.SIGINT)}
    kept = Kept(settings, progress)
    try:
        while not told.is_set():
            kept.look(names or [path.stem for path in description.paths(home)])
            told.wait(LOOK_SECONDS)
    finally:
        kept.end()
        for each, handler in before.items():
            signal.signal(each, handler)


class Kept:
    """Processes that listen, one a stream.

    Parameters
    ----------
    settings
        Of the home.
    progress
        Is told in a sentence what happens.
    """

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings, self._progress = settings, progress
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._begun: dict[str, float] = {}
        self._pauses: dict[str, float] = {}

    def look(self, names: Sequence[str]) -> None:
        """Begin what is not at work; end what is described no more."""
        for name in [each for each in self._processes if each not in names]:
            self._end([self._processes.pop(name)])
        for name in names:
            process, now = self._processes.get(name), time.monotonic()
            if process is not None and process.poll() is None:
                continue
            if process is not None:
                worked = now - self._begun[name]
                pause = self._pauses.get(name, FIRST_PAUSE_SECONDS / 2) * 2
                pause = FIRST_PAUSE_SECONDS if worked > WORKED_SECONDS else min(pause, LONGEST_PAUSE_SECONDS)
                self._pauses[name] = pause
                self._progress(f"{name}: its process ended; it is begun again in {pause:g} seconds")
                del self._processes[name]
                self._begun[name] = now + pause
                continue
            if now < self._begun.get(name, 0.0):
                continue
            command = [sys.executable, "-m", "ons_assets", "harvest", name, "--home", str(self._settings.home)]
            self._processes[name] = subprocess.Popen(command)
            self._begun[name] = now

    def end(self) -> None:
        """End all of them, in order."""
        self._end(list(self._processes.values()))
        self._processes.clear()

    def _end(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        for each in processes:
            each.terminate()
        for each in processes:
            with suppress(subprocess.TimeoutExpired):
                each.wait(STOP_SECONDS)
            if each.poll() is None:
                each.kill()
                each.wait()


def standing(settings: Settings) -> pl.DataFrame:
    """Return how the streams stand: one row each.

    Parameters
    ----------
    settings
        Of the home.
    """
    home, now = Home(settings.home), datetime.now(UTC)
    rows = [_row_of(home, path.stem, now) for path in description.paths(home)]
    words = ("stream", "process", "doing", "last_sign_of_life", "since")
    schema = {
        **dict.fromkeys(words, pl.String()),
        **dict.fromkeys(("received", "kept", "not_meant", "unreadable", "outages_not_settled"), pl.Int64()),
    }
    return pl.DataFrame(rows, schema=schema)


def _row_of(home: Home, name: str, now: datetime) -> dict[str, str | int | None]:
    logbook = Logbook.of(home, name)
    state = logbook.state() if logbook.folder.is_dir() else State()
    try:
        description.named(home, name)
        fault = None
    except BadDescription as error:
        fault = str(error)
    alive = state.alive_utc
    return {
        "stream": name,
        "process": "at work" if _is_at_work(logbook.folder) else "none",
        "doing": fault or state.doing,
        "last_sign_of_life": f"{alive:%Y-%m-%d %H:%M:%S} UTC" if alive is not None else None,
        "since": _ago(now - alive) if alive is not None else None,
        "received": state.counts["received"],
        "kept": state.counts["kept"],
        "not_meant": state.counts["left_out"],
        "unreadable": state.counts["junk"],
        "outages_not_settled": len(state.outages),
    }


def _is_at_work(folder: Path) -> bool:
    if not (folder / "lock").exists():
        return False
    try:
        with alone(folder, ""):
            return False
    except AtWork:
        return True


def _ago(length: timedelta) -> str:
    seconds = max(int(length.total_seconds()), 0)
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word}"
    return f"{seconds} s"


def look(settings: Settings, name: str, file: Path) -> pl.DataFrame:
    """Return what would be kept of messages that are saved in a file, one a line: counts, and nothing of any message.

    Parameters
    ----------
    settings
        Of the home.
    name
        Of the stream.
    file
        Of messages.
    """
    keep = keeper_of(description.named(Home(settings.home), name).keeps)
    found: Counter[str] = Counter()
    for line in file.read_bytes().split(b"\n"):
        if not line.strip():
            continue
        found["messages"] += 1
        try:
            kept = keep(line)
        except Junk:
            found["unreadable: no JSON, or no id, user or time"] += 1
            continue
        except Farewell:
            found["the service takes its leave"] += 1
            continue
        found["kept" if kept is not None else "not meant"] += 1
        found["with a position"] += kept is not None and kept.is_placed
    return pl.DataFrame({"what": list(found.keys()), "number": list(found.values())})


def unit(settings: Settings, name: str) -> str:
    """Return a unit of systemd that keeps a harvester at work.

    Parameters
    ----------
    settings
        Of the home.
    name
        Of the stream.
    """
    stream = description.named(Home(settings.home), name)
    home = settings.home.resolve()
    command = shlex.join([sys.executable, "-m", "ons_assets", "harvest", name, "--home", str(home)])
    token = stream.token
    secret = (
        ["# A file of mode 0600 with a line VARIABLE=TOKEN.", f"EnvironmentFile=/etc/ons-assets/{name}.env"]
        if token is not None and token.environment is not None
        else []
    )
    return "\n".join(
        [
            "[Unit]",
            f"Description=Harvester of the stream {name}",
            "Wants=network-online.target",
            "After=network-online.target time-sync.target",
            "",
            "[Service]",
            "# The user that owns the home.",
            "User=ons-assets",
            f"ExecStart={command.replace('%', '%%')}",
            *secret,
            "Restart=always",
            "RestartSec=5",
            "RestartSteps=6",
            "RestartMaxDelaySec=600",
            "# It ends in order when told to.",
            "KillSignal=SIGTERM",
            f"TimeoutStopSec={STOP_SECONDS:g}",
            "UMask=0077",
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            f"ReadWritePaths={home}",
            "PrivateTmp=yes",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )
