"""How long the command line takes to begin: seconds of the clock and of the processor, and how many times an import.

python benchmarks/start_times.py [--times 5]

Commands that have little or nothing to do, each in a process of its own: help; how things stand; a file of three rows;
tables of which nothing is there to be made of. Beside them, in the same rounds, what such processes cannot do without,
so that figures of several machines, or of one that is busy, can be held against each other. Medians are printed, and
the processor seconds of each in those of the bare imports.
"""

import argparse
import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ons_assets.simulate.prices.web_pages import COLUMNS

FIRST_DAY = date(2016, 7, 21)
PRODUCTS = ("PLAIN LOAF 800G", "SEEDED LOAF 400G", "SMALL LOAF 400G")
# Against what a command is held: the first of what reads tables, the second of what makes them.
# The client of Spark, where it is installed, ends a process that has no file and imports the latter.
TABLES, ASSETS = "import polars", "import sys; sys.modules['pyspark'] = None; import dagster, great_expectations"


@dataclass(frozen=True)
class Took:
    """What a process took."""

    clock_s: float
    processor_s: float


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--times", type=int, default=5)
    times = arguments.parse_args().times
    with tempfile.TemporaryDirectory(prefix="start-times-") as folder:
        taken = _rounds(Path(folder), times)
    processors = {name: statistics.median(one.processor_s for one in each) for name, each in taken.items()}
    print(f"{'':36} {'clock s':>8} {'CPU s':>8} {'of the one':>10} {'of the other import':>20}")
    for name, each in taken.items():
        clock, processor = statistics.median(one.clock_s for one in each), processors[name]
        of_tables, of_assets = processor / processors[TABLES], processor / processors[ASSETS]
        print(f"{name:36} {clock:8.2f} {processor:8.2f} {of_tables:10.2f} {of_assets:20.2f}")


def _rounds(folder: Path, times: int) -> dict[str, list[Took]]:
    """Everything once in each round; the first one, in which Python compiles what it reads, is not counted."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "ONS_ASSETS_HOME": str(folder / "home"),
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }
    command = [sys.executable, "-m", "ons_assets"]
    taken: dict[str, list[Took]] = {}
    for number in range(times + 1):
        file = _run_of(folder, FIRST_DAY + timedelta(days=number))
        for name, words in (
            (TABLES, [sys.executable, "-c", TABLES]),
            (ASSETS, [sys.executable, "-c", ASSETS]),
            ("ons-assets --help", [*command, "--help"]),
            ("ons-assets ingest, three rows", [*command, "ingest", str(file)]),
            ("ons-assets status", [*command, "status"]),
            ("ons-assets materialize mobile", [*command, "materialize", "mobile"]),
        ):
            took = _timed(words, environment)
            if number:
                taken.setdefault(name, []).append(took)
    return taken


def _timed(words: Sequence[str], environment: dict[str, str]) -> Took:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(words, env=environment, check=True, capture_output=True)
    clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _run_of(folder: Path, day: date) -> Path:
    """Write a run of a scraper, which found three products."""
    path = folder / f"tesco_products_{day:%Y%m%d}050000.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for number, product in enumerate(PRODUCTS):
            found = (f"{day} 05:00:0{number}.250000", "TESCO", 210111, "White Sliced Loaf, branded", "White Bread", "")
            rows.writerow([*found, product, "£1.00", 1.0, *[""] * 8, 1, 1])
    return path


if __name__ == "__main__":
    main()
