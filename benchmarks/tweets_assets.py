"""Time and memory of the tweets pilot as it is really run: from files to flows, through the gate and the lake.

python benchmarks/tweets_assets.py --scale medium
python benchmarks/tweets_assets.py --scale full --processes 2 --folder FOLDER    # twice: the first call makes the world

`benchmarks/tweets_road.py` measures the methods alone, and what they find against the truth.
"""

import argparse
import dataclasses
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import polars as pl

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings
from ons_assets.simulate.country import write_office_files
from ons_assets.simulate.tweets import SCALES, country_of, simulate_tweets

# A tenth of the people of the pilot, on the same days.
SIZES = SCALES | {"tenth": dataclasses.replace(SCALES["full"], name="tenth", users=200_000)}
SECONDS_BETWEEN_LOOKS = 0.1
TICKS_A_SECOND, BYTES_A_PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


class Family:
    """A process and those that it began: what they hold together, and the processor seconds that they have used."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._peak_bytes = 0
        self._ended = Event()
        self._watch = Thread(target=self._look_again, daemon=True)
        self._watch.start()

    def _look_again(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            self.look()

    def look(self) -> None:
        """Read from /proc how the processes stand."""
        waiting, held = [str(os.getpid())], 0
        while waiting:
            number = waiting.pop()
            # One that ended meanwhile keeps what it had when it was last seen.
            with suppress(OSError):
                process = Path("/proc", number)
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                self._seconds[number] = (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
                held += (int(fields[21])) * BYTES_A_PAGE
                for thread in (process / "task").iterdir():
                    waiting += (thread / "children").read_text().split()
        self._peak_bytes = max(self._peak_bytes, held)

    def taken(self) -> tuple[float, float]:
        """Return the processor seconds so far, and the peak of memory in GB since this was last asked."""
        self.look()
        peak, self._peak_bytes = self._peak_bytes, 0
        return sum(self._seconds.values()), peak / 1e9


class Clock:
    """Seconds of each step, processor seconds of all processes, and the most memory that they held meanwhile."""

    def __init__(self) -> None:
        self._family = Family()
        self._step, self._began = "", time.perf_counter()
        self._used, _ = self._family.taken()

    def begin(self, step: str) -> None:
        """End the step before and print what it took."""
        now, (used, peak_gb) = time.perf_counter(), self._family.taken()
        if self._step:
            took = f"{now - self._began:7.1f} s {used - self._used:7.1f} CPU s"
            print(f"  {self._step:<34} {took}   peak {peak_gb:5.2f} GB", flush=True)
        self._step, self._began, self._used = step, now, used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="medium", choices=tuple(SIZES))
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--processes", type=int, default=1, help="that work parts of tables ([engine] processes)")
    parser.add_argument("--folder", type=Path, help="keep the simulated world here, and use it again")
    parser.add_argument("--home", type=Path, help="make the tables here, and keep them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        drops, truth = folder / "world", folder / "truth"
        if not truth.exists():
            scale = SIZES[options.scale]
            country = country_of(scale, options.seed)
            simulate_tweets(drops / "tweets", truth, scale=scale, seed=options.seed, country=country)
            write_office_files(country, drops)
            if options.folder:
                # The peak of memory is to be that of the road.
                print("the world is made; run the same command again")
                return
        with tempfile.TemporaryDirectory(dir=folder) as passing:
            run(
                drops,
                Settings(
                    home=options.home or Path(passing),
                    tweets={"locating": {"area_level": "district"}},
                    engine={"processes": options.processes},
                ),
            )


def run(drops: Path, settings: Settings) -> None:
    operations.open_home(settings)
    clock, start = Clock(), time.perf_counter()
    clock.begin("register")
    for source in sorted(drops.iterdir()):
        operations.take(settings, sorted(source.iterdir()), source.name, lambda _: None)
    waiting = operations.read_waiting(settings, clock.begin)
    made = operations.make(settings, ["tweets"], None, clock.begin)
    clock.begin("")
    assert made.success, made.failures
    assert all(outcome.success for outcome in waiting)
    print(f"  {'from files to flows':<34} {time.perf_counter() - start:7.1f} s")
    for name in ("raw_tweets", "located_tweets", "users", "clusters", "user_anchors", "moves", "migration_flows"):
        rows = lake.read(Home(settings.home), CATALOGUE[f"tweets/{name}"]).select(pl.len()).collect().item()
        print(f"  {rows:>12,} {name}")


if __name__ == "__main__":
    main()
