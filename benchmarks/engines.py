"""One pilot's tables by parts, worked by each engine in one run: time against that of this process, and equality.

    python benchmarks/engines.py [--people 40000] [--spark ADDRESS]

simulates tweets of so many people for three months and makes users, clusters and anchors of them in this process,
in two processes, and on Spark where an address is given (sc://host:port, or a master URL such as local[2]). Every table
is held against that of this process, to the last bit. Processor seconds are those of this process and of those that it
began; of a cluster elsewhere nobody here knows them.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from ons_assets import operations
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.derivation import Made
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.settings import EngineSettings, Settings
from ons_assets.simulate.tweets import Scale, simulate_tweets
from ons_assets.tweets import assets

STEPS = (assets.users, assets.clusters, assets.user_anchors)
# So that there are parts for two: about a twelfth of the rows.
PARTS = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=40_000)
    parser.add_argument("--spark")
    given = parser.parse_args()
    engines = {"this process": EngineSettings(), "two processes": EngineSettings(processes=2)}
    if given.spark:
        engines[f"Spark at {given.spark}"] = EngineSettings(spark=given.spark)
    with tempfile.TemporaryDirectory() as folder:
        settings, rows = _world(Path(folder), given.people)
        memory: dict[str, Any] = {"memory": {"rows_at_once": rows // PARTS}}
        settings = Settings(home=settings.home, tweets=memory)
        print(f"{rows:,} located tweets, about {PARTS} parts a table; {os.cpu_count()} processors")
        print(f"{'engine':<32}{'table':<22}{'seconds':>9}{'CPU s':>9}{'ratio':>8}")
        first: dict[str, tuple[float, pl.DataFrame]] = {}
        for number, (name, engine) in enumerate(engines.items()):
            for step in STEPS:
                table = step.tables[0]
                wall, cpu = time.perf_counter(), _cpu_seconds()
                made = step.derive(Lakehouse.of(settings.model_copy(update={"engine": engine})), f"run-{number}", None)
                assert isinstance(made, Made), made
                wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
                found = lake.read(Home(settings.home), table).sort(table.key).collect()
                alone, expected = first.setdefault(table.name, (wall, found))
                assert_frame_equal(found, expected, check_exact=True)
                print(f"{name:<32}{table.short_name:<22}{wall:9.1f}{cpu:9.1f}{wall / alone:8.2f}")
            # Else clusters would be told that nothing has changed.
            for step in STEPS:
                for table in step.tables:
                    Home(settings.home).table(table.name).rename(Path(folder) / f"{table.short_name}-{number}")
    print("all tables are equal to the last bit")


def _world(folder: Path, people: int) -> tuple[Settings, int]:
    scale = Scale("engines", people, 5, date(2014, 4, 1), 92, 0.4, False, 12)
    simulate_tweets(folder / "drops" / "tweets", folder / "truth", scale=scale)
    settings = Settings(home=folder / "home")
    operations.open_home(settings)
    for source in sorted((folder / "drops").iterdir()):
        operations.take(settings, sorted(source.iterdir()), source.name, lambda _: None)
    assert all(outcome.success for outcome in operations.read_waiting(settings, lambda _: None))
    assert isinstance(assets.located_tweets.derive(Lakehouse.of(settings), "first", None), Made)
    home = Home(settings.home)
    return settings, lake.row_count(home, assets.located_tweets.tables[0])


def _cpu_seconds() -> float:
    """Of this process and all that it began, now or before."""
    ticks = sum(sum(map(int, fields[11:15])) for fields in _family(os.getpid()))
    return ticks / os.sysconf("SC_CLK_TCK")


def _family(root: int) -> Iterator[list[str]]:
    """What the system counts of a process and of all below it, from its state on."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
    below = [root]
    for process in below:
        yield found[process]
        below += [each for each, fields in found.items() if int(fields[1]) == process]


if __name__ == "__main__":
    main()
