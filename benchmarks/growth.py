"""What the benchmarks of growth share: each step of a pilot in a process of its own, measured, and its exponents.

`meters_growth.py` and `mobile_growth.py` say which steps there are and what world they work on. Imports are not in the
time of a step, but are in its memory. The exponent is that of processor time, or of memory, between two sizes: 1 is
straight growth.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import RAW, build_definitions
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.judge import great_expectations
from ons_assets.orchestration.runs import Outcome
from ons_assets.settings import Settings

REGISTER = "files to the ledger"
Work = Callable[[], object]


@dataclass(frozen=True)
class Measured:
    """What one step took."""

    step: str
    wall: float
    cpu: float
    peak_mb: float
    rows: int | None


@dataclass(frozen=True)
class Pilot:
    """A pilot whose growth is measured.

    Parameters
    ----------
    script
        File of the benchmark, which is called for each step.
    unit
        Of sizes, such as "homes".
    steps
        Names of the steps, in their order.
    special
        What to do in a step that is no computation of a table, given the settings of the home and the files.
    table_of
        Table whose rows are told of such a step.
    world
        Makes the files of a size in a folder, if they are not there, and returns where they are.
    """

    script: Path
    unit: str
    steps: Sequence[str]
    special: Callable[[Settings, Path], Mapping[str, Work]]
    table_of: Mapping[str, str]
    world: Callable[[int, Path], Path]


def computations(domain: str) -> list[str]:
    """Return the computations of a pilot in the order of its tables, each once, by the first of its tables."""
    graph = build_definitions(Settings()).resolve_asset_graph()
    done = {each.table for each in RAW}
    found: list[str] = []
    for name in (key.to_user_string() for key in graph.toposorted_asset_keys):
        if name.startswith(f"{domain}/") and name not in done:
            found.append(name)
            done |= {name, *operations.made_together([name]).get(name, [])}
    return found


def take_all(settings: Settings, drops: Path) -> None:
    """Write all files of a world into the ledger, a source at a time."""
    for source in sorted(drops.iterdir()):
        operations.take(settings, sorted(source.iterdir()), source.name, lambda _: None)


def read_waiting(settings: Settings) -> None:
    """Read what waits, and make the raw tables of it."""
    _successful(operations.read_waiting(settings, lambda _: None))


def measured(pilot: Pilot, name: str, settings: Settings, drops: Path) -> Measured:
    """Run a step in this process.

    Parameters
    ----------
    pilot
        Whose step it is.
    name
        Of the step.
    settings
        Of the home.
    drops
        Files of the world.
    """
    # It takes seconds, and every step would begin with it.
    great_expectations()
    import sklearn.ensemble  # noqa: F401

    home = operations.open_home(settings)
    work = pilot.special(settings, drops)
    wall, cpu = time.perf_counter(), _cpu_seconds()
    work.get(name, lambda: _successful([operations.make(settings, [name], None, lambda _: None)]))()
    wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
    return Measured(name, wall, cpu, _peak_mb(), _rows(home, pilot.table_of.get(name, name)))


def _rows(home: Home, table: str) -> int | None:
    if table not in CATALOGUE or not lake.exists(home, CATALOGUE[table]):
        return None
    rows: int = lake.read(home, CATALOGUE[table]).select(pl.len()).collect().item()
    return rows


def _successful(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.failures or outcome.waiting:
            raise SystemExit(f"not made: {outcome.failures or outcome.waiting}")


def _cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _peak_mb() -> float:
    """Peak resident memory of this process; that of its parent, which rusage may tell, is not in it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def run(pilot: Pilot, size: int, folder: Path) -> list[Measured]:
    """Make a world if there is none, and all tables of it in a fresh home, printing as it goes.

    Parameters
    ----------
    pilot
        With its steps.
    size
        Of the world.
    folder
        For the world and the home.
    """
    drops = pilot.world(size, folder)
    found = []
    with tempfile.TemporaryDirectory(dir=folder) as home:
        for name in pilot.steps:
            call = [sys.executable, str(pilot.script), "--step", name, "--home", home, "--folder", str(drops)]
            done = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True)
            found.append(Measured(**json.loads(done.stdout.splitlines()[-1])))
            last = found[-1]
            rows = "" if last.rows is None else f"{last.rows:13,}"
            print(f"{last.step:34} {last.wall:8.1f} s {last.cpu:8.1f} CPU s {last.peak_mb:7,.0f} MB {rows}", flush=True)
    return found


def total(found: Sequence[Measured]) -> Measured:
    """Return the sum of steps, and the highest of their peaks."""
    return Measured(
        "all", sum(each.wall for each in found), sum(each.cpu for each in found), max(e.peak_mb for e in found), None
    )


def compare(pilot: Pilot, sizes: Sequence[int], found: Sequence[Sequence[Measured]], measure: str) -> None:
    """Print the exponent of each step between sizes that follow each other, and its time beside that of a measure.

    Parameters
    ----------
    pilot
        Whose sizes they are.
    sizes
        Ascending.
    found
        What `run` returned of each.
    measure
        Step beside whose processor time that of all others is held.
    """
    runs = list(zip(sizes, found, strict=True))
    for (small, before), (large, after) in pairwise(runs):
        beside = next(each.cpu for each in after if each.step == measure)
        print(f"{small:,} to {large:,} {pilot.unit}: exponents of processor time and of memory; time beside: {measure}")
        ratio = math.log(large / small)
        for one, other in zip(before, after, strict=True):
            time_exponent = math.log(max(other.cpu, 0.01) / max(one.cpu, 0.01)) / ratio
            memory_exponent = math.log(other.peak_mb / one.peak_mb) / ratio
            print(f"{one.step:34} {time_exponent:6.2f} {memory_exponent:6.2f} {other.cpu / beside:8.1f}")


def main(pilot: Pilot, description: str, sizes: Sequence[int], measure: str, apart: Sequence[str]) -> None:
    """Run the benchmark, or the one step of it that it called itself for.

    Parameters
    ----------
    pilot
        What is measured.
    description
        For --help.
    sizes
        Of the worlds, if the command line says none.
    measure
        See `compare`.
    apart
        Steps that are no part of the pilot, and not in its sum.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    number: Callable[[str], int] = lambda text: int(text.replace("_", ""))  # noqa: E731
    parser.add_argument(f"--{pilot.unit}", dest="sizes", type=number, nargs="+", default=list(sizes))
    parser.add_argument("--folder", type=Path, help="keep the simulated worlds here, and use them again")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(vars(measured(pilot, arguments.step, Settings(home=arguments.home), arguments.folder))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        ascending = sorted(arguments.sizes)
        found = []
        for size in ascending:
            found.append(run(pilot, size, folder))
            all_of_them = total([each for each in found[-1] if each.step not in apart])
            print(
                f"{f'all, {size:,} {pilot.unit}':34} {all_of_them.wall:8.1f} s {all_of_them.cpu:8.1f} CPU s "
                f"{all_of_them.peak_mb:7,.0f} MB\n",
                flush=True,
            )
        compare(pilot, ascending, found, measure)
