"""The process of one stream, and the processes of all of them.

It begins within a second and takes the memory of its libraries alone: neither tables nor Dagster are loaded, because as
long as it begins nothing is received.
"""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from ons_assets.collectors.agents import agent_of
from ons_assets.collectors.folders import AtWork, alone
from ons_assets.collectors.streams import description
from ons_assets.collectors.streams.clock import Clock
from ons_assets.collectors.streams.harvesting import Harvester, NotHarvested, Progress
from ons_assets.collectors.streams.logbook import Logbook
from ons_assets.lakehouse.home import Home
from ons_assets.processes import begin_part
from ons_assets.settings import Settings

# Drop folder of the files of outages.
OUTAGES = "outages"
# A process that ended by itself is begun again after so long, twice as long each time it ends soon.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 600.0
# One that worked for so long begins anew.
WORKED_SECONDS = 600.0
LOOK_SECONDS = 0.5
STOP_SECONDS = 30.0


def harvest(
    settings: Settings,
    name: str,
    progress: Progress,
    *,
    ahead: timedelta = timedelta(0),
    seconds: float | None = None,
    until: Callable[[], bool] = lambda: False,
) -> None:
    """Listen to a stream until the process is told to end (SIGTERM, SIGINT), or for so long.

    Parameters
    ----------
    settings
        Of the home that describes it, and that is made.
    name
        Of the stream.
    progress
        Is told in a sentence what happens.
    ahead
        By how much its clock goes before that of the machine, in simulated worlds.
    seconds
        After which it ends in order; None for never.
    until
        Is asked every now and then; if it says so, it ends in order.

    Raises
    ------
    BadDescription, NoToken
        If the description, or the token, cannot be used.
    NotHarvested
        If another process listens to it, the disk is nearly full, or the service refuses.
    """
    home = Home(settings.home)
    stream = description.named(home, name)
    if not (home.drops / stream.into).is_dir():
        raise NotHarvested(f"{name}.yaml: into: there is no drop folder {stream.into}")
    # Whoever is somewhere is about people, whatever the folder.
    drops = home.drop_folder(stream.into, is_individual=True)
    outages = home.drop_folder(OUTAGES, is_individual=False)
    token = stream.token.read() if stream.token is not None else None
    logbook = Logbook.of(home, name).ensure()
    try:
        with alone(logbook.folder, f"a harvester of {name}"):
            agent = agent_of(settings, stream.contact)
            harvester = Harvester(stream, logbook, drops, outages, agent, token, progress, clock=Clock(ahead))
            asyncio.run(_until_told(harvester, seconds, until))
    except AtWork as error:
        raise NotHarvested(str(error)) from None


async def _until_told(harvester: Harvester, seconds: float | None, until: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    # Signals come to the main thread alone.
    if threading.current_thread() is threading.main_thread():
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, harvester.end)
    if seconds is not None:
        loop.call_later(seconds, harvester.end)

    async def ask() -> None:
        while not until():
            await asyncio.sleep(LOOK_SECONDS)
        harvester.end()

    asking = asyncio.create_task(ask())
    try:
        await harvester.run()
    finally:
        asking.cancel()


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
    home = Home(settings.home)
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


def command_of(home: Path, name: str) -> list[str]:
    """Return the words of the command that listens to a stream, also to one that is named like a command.

    Parameters
    ----------
    home
        That describes it.
    name
        Of the stream, or whatever else a file among the descriptions is called.
    """
    return [sys.executable, "-m", "ons_assets", "harvest", "streams", "--home", str(home), "--", name]


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
            self._processes[name] = begin_part(command_of(self._settings.home, name))
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
