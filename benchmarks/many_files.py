"""Many small files that wait at once: how long a look of the sensor takes, and what reading them costs.

python benchmarks/many_files.py [--files 10000]

Each file holds one meter's day. Files are dropped in the order of their names; the sensor is ticked until all are
registered, then one run reads them, and their rows are held against the suite and published. What is printed: ticks,
the longest of them, seconds and files a second of each, whether they were taken in order, and the peak of memory.
"""

import argparse
import logging
import os
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import RAW, build_definitions
from ons_assets.intake.ledger import Ledger
from ons_assets.intake.reading import read_waiting
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import instance
from ons_assets.settings import Settings

SOURCE = "meters"
OLD = datetime(2024, 1, 1, tzinfo=UTC).timestamp()


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--files", type=int, default=10_000)
    count = arguments.parse_args().files
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="many-files-") as folder:
        settings = Settings(home=Home(Path(folder) / "home").ensure().root)
        home, ledger = Home(settings.home), Ledger(Home(settings.home))
        _drop(home.drops / SOURCE, count)
        _register(settings, ledger, count)
        _read(settings, home, ledger, count)
        _publish(settings, count)
    print(f"peak of memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def _drop(folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"File{number:06d}.txt"
        rows = (f"{1000 + number} 195{slot:02d} 0.{(slot * 7 + number) % 1000:03d}\n" for slot in range(1, 49))
        path.write_text("".join(rows))
        # Complete at the first look, and in the order of the names.
        os.utime(path, (OLD + number, OLD + number))


def _register(settings: Settings, ledger: Ledger, count: int) -> None:
    definitions = build_definitions(settings)
    sensor = next(each for each in definitions.sensors or [] if each.name == "drops")
    ticks: list[float] = []
    cursor = None
    with instance(Home(settings.home)) as opened:
        while len(ledger.drops(SOURCE)) < count:
            resources = {"lakehouse": Lakehouse.of(settings)}
            began = time.perf_counter()
            result = sensor(dg.build_sensor_context(instance=opened, cursor=cursor, resources=resources))
            ticks.append(time.perf_counter() - began)
            assert isinstance(result, dg.SensorResult)
            if result.cursor == cursor:
                time.sleep(settings.drops.settle_seconds / 4)
            cursor = result.cursor
    names = [drop.original_name for drop in ledger.drops(SOURCE)]
    print(
        f"{count:,} files registered in {len(ticks)} looks, {sum(ticks):.0f} s, {count / sum(ticks):,.0f} a second; "
        f"the longest took {max(ticks):.1f} s; in order: {names == sorted(names)}; "
        f"cursor of {len(cursor or ''):,} bytes"
    )


def _read(settings: Settings, home: Home, ledger: Ledger, count: int) -> None:
    raw = next(each for each in RAW if each.table == "meters/raw_readings")
    began = time.perf_counter()
    with home.working():
        read_waiting(home, ledger, raw.source(settings), CATALOGUE[raw.table], "benchmark", attempts=3)
    seconds = time.perf_counter() - began
    statuses = {str(drop.status) for drop in ledger.drops(SOURCE)}
    print(f"{count:,} files read in {seconds:.0f} s, {count / seconds:,.0f} a second; they are {', '.join(statuses)}")


def _publish(settings: Settings, count: int) -> None:
    raw = next(each for each in RAW if each.table == "meters/raw_readings")
    lakehouse = Lakehouse.of(settings)
    began = time.perf_counter()
    made = raw.ingest(lakehouse, "benchmark", None, lambda _: None)
    seconds = time.perf_counter() - began
    print(f"{made.rows:,} rows of {count:,} files published in {seconds:.0f} s, {count / seconds:,.0f} files a second")


if __name__ == "__main__":
    main()
