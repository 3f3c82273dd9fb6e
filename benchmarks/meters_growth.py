"""Time and memory of every table of the meters pilot as it is really made, and how they grow with the number of homes.

python benchmarks/meters_growth.py                        # 200 and 800 homes of 536 days
python benchmarks/meters_growth.py --homes 800 6445 --folder FOLDER

Each step has a process of its own, so that its peak of memory is its own: files to the ledger, files to raw tables,
then each computation of the pilot through the gate and the lake. Imports are not in the time, but are in the memory.
The exponent is that of processor time between two sizes that follow each other: 1 is straight growth. Beside
them stands what a pass of all half hours through Parquet takes: read some buckets at a time, as assets do, and written.

With --folder the worlds are made once and used again. --step and --home are how the benchmark calls itself.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import RAW, build_definitions
from ons_assets.demo import meters as demonstration
from ons_assets.lakehouse import buckets, lake
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.runs import Outcome
from ons_assets.settings import Settings
from ons_assets.simulate.meters import SCALES

DOMAIN = "meters"
WORLD, REGISTER, READ, PASS = "world", "files to the ledger", "files to raw tables", "half hours through Parquet"
HALF_HOURS = "meters/half_hours"


@dataclass(frozen=True)
class Measured:
    """What one step took."""

    step: str
    wall: float
    cpu: float
    peak_mb: float
    rows: int | None


def steps() -> list[str]:
    """Steps in the order of the tables, each computation once, by the first of its tables."""
    graph = build_definitions(Settings()).resolve_asset_graph()
    names = [key.to_user_string() for key in graph.toposorted_asset_keys]
    raw = {each.table for each in RAW}
    found: list[str] = [REGISTER, READ]
    done: set[str] = set()
    for name in names:
        if name.startswith(f"{DOMAIN}/") and name not in raw | done:
            found.append(name)
            done |= {name, *operations.made_together([name]).get(name, [])}
    found.insert(found.index(HALF_HOURS) + 1, PASS)
    return found


def pass_of_half_hours(home: Home) -> None:
    """Read all half hours as assets do, and write them."""
    rows = lake.read(home, CATALOGUE[HALF_HOURS])
    with tempfile.TemporaryDirectory(dir=home.root) as folder:
        for number, (part,) in enumerate(buckets.parts(rows, order=("meter", "day"))):
            part.write_parquet(Path(folder) / f"{number}.parquet", compression="lz4")


def step(name: str, settings: Settings, world: Path) -> Measured:
    """Run a step in this process."""
    import great_expectations  # noqa: F401  it takes seconds, and every step would begin with it
    import sklearn.ensemble  # noqa: F401

    home = operations.open_home(settings)
    work: dict[str, Callable[[], object]] = {
        REGISTER: lambda: [
            operations.take(settings, sorted(source.iterdir()), source.name, lambda _: None)
            for source in sorted(world.iterdir())
        ],
        READ: lambda: _successful(operations.read_waiting(settings, lambda _: None)),
        PASS: lambda: pass_of_half_hours(home),
    }
    wall, cpu = time.perf_counter(), _cpu_seconds()
    work.get(name, lambda: _successful([operations.make(settings, [name], None, lambda _: None)]))()
    wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
    table = {READ: "meters/raw_readings", PASS: HALF_HOURS}.get(name, name)
    rows = lake.read(home, CATALOGUE[table]).select(pl.len()).collect().item() if table in CATALOGUE else None
    return Measured(name, wall, cpu, _peak_mb(), rows)


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


def run(homes: int, folder: Path, days: int) -> list[Measured]:
    """Make a world if there is none, and all tables of it in a fresh home, printing as it goes."""
    world = folder / f"homes-{homes}-days-{days}"
    if not world.exists():
        scale = replace(SCALES["full"], homes=homes, days=days)
        print(demonstration.simulate(world / "drops", world / "truth", scale), flush=True)
    found = []
    with tempfile.TemporaryDirectory(dir=folder) as home:
        for name in steps():
            call = [sys.executable, __file__, "--step", name, "--home", home, "--folder", str(world / "drops")]
            done = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True)
            found.append(Measured(**json.loads(done.stdout.splitlines()[-1])))
            last = found[-1]
            rows = "" if last.rows is None else f"{last.rows:13,}"
            print(f"{last.step:34} {last.wall:8.1f} s {last.cpu:8.1f} CPU s {last.peak_mb:7,.0f} MB {rows}", flush=True)
    wall, cpu, peak = sum(each.wall for each in found), sum(each.cpu for each in found), max(e.peak_mb for e in found)
    print(f"{f'all, {homes:,} homes':34} {wall:8.1f} s {cpu:8.1f} CPU s {peak:7,.0f} MB\n", flush=True)
    return found


def compare(sizes: list[int], found: list[list[Measured]]) -> None:
    """Print the exponent of each step between sizes that follow each other, and its time beside that of the pass."""
    for (small, before), (large, after) in zip(
        zip(sizes, found, strict=True), list(zip(sizes, found, strict=True))[1:], strict=False
    ):
        through = next(each.cpu for each in after if each.step == PASS)
        print(f"{small:,} to {large:,} homes: exponents of processor time and of memory; time in passes")
        for one, other in zip(before, after, strict=True):
            ratio = math.log(large / small)
            time_exponent = math.log(max(other.cpu, 0.01) / max(one.cpu, 0.01)) / ratio
            memory_exponent = math.log(other.peak_mb / one.peak_mb) / ratio
            print(f"{one.step:34} {time_exponent:6.2f} {memory_exponent:6.2f} {other.cpu / through:8.1f}")


def main() -> None:
    """Print the tables of docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--homes", type=int, nargs="+", default=[200, 800])
    parser.add_argument("--days", type=int, default=SCALES["full"].days)
    parser.add_argument("--folder", type=Path, help="keep the simulated worlds here, and use them again")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        settings = Settings(home=arguments.home)
        print(json.dumps(vars(step(arguments.step, settings, arguments.folder))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        sizes = sorted(arguments.homes)
        compare(sizes, [run(homes, folder, arguments.days) for homes in sizes])


if __name__ == "__main__":
    main()
