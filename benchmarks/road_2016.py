"""Send the 334 real runs of 2016 down the road twice, by the command line and by a running daemon, and compare.

    python benchmarks/road_2016.py

The runs are written as files of their own, the 13 empty ones too. Prints the seconds of each way, what the
collection report says of the empty files, and whether the tables are the same. Needs the real quotes in the folder
of $ONS_ASSETS_SHARED_DATA, or in ../shared/data beside the checkout.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg
import polars as pl

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.runs import UNFINISHED, instance
from ons_assets.settings import load_settings

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
SCRAPED = SHARED / "prices" / "ons_webscraped"
COMPARED = ("prices/raw_quotes", "prices/collection_report", "prices/item_indices")
PATIENCE_SECONDS = 1800


def main() -> None:
    if not SCRAPED.exists():
        sys.exit(f"skipped: the real quotes are not at {SCRAPED}")
    with tempfile.TemporaryDirectory() as folder:
        files = write_runs(Path(folder) / "files")
        print(f"{len(files)} run files")
        by_hand = command_line(Path(folder) / "by_hand", files)
        served = daemon(Path(folder) / "served", files)
        for name in COMPARED:
            table = CATALOGUE[name]
            frames = [lake.read(home, table).collect().sort(table.key) for home in (by_hand, served)]
            print(f"{name:<28}{len(frames[0]):>9,} rows; the same both ways: {frames[0].equals(frames[1])}")
        report = lake.read(by_hand, CATALOGUE["prices/collection_report"]).filter(finding="empty").collect()
        print(f"empty runs in the collection report: {report['runs_affected'].sum()} of 13")


def write_runs(folder: Path) -> list[Path]:
    """Write each run of the quotes as a file in its own layout."""
    folder.mkdir()
    listed = pl.read_csv(SCRAPED / "runs_2016.csv", schema_overrides={"run": pl.String})
    quotes = pl.read_parquet(SCRAPED / "quotes_2016.parquet").partition_by("store", "run", as_dict=True)
    files = []
    for row in listed.iter_rows(named=True):
        path = folder / row["file"]
        rows = quotes.get((row["store"].upper(), row["run"]))
        if rows is None:
            path.touch()
        else:
            rows.drop("run").write_csv(path)
        files.append(path)
    return files


def command_line(folder: Path, files: list[Path]) -> Home:
    began = time.perf_counter()
    command = [sys.executable, "-m", "ons_assets"]
    environment = {**os.environ, "ONS_ASSETS_HOME": str(folder)}
    # The 13 empty files are refused, so ingest rightly ends with exit code 1.
    subprocess.run([*command, "ingest", *map(str, files)], env=environment, check=False, stdout=subprocess.DEVNULL)
    ingested = time.perf_counter()
    subprocess.run([*command, "materialize"], env=environment, check=True, stdout=subprocess.DEVNULL)
    print(f"command line: ingest {ingested - began:.0f} s, materialize {time.perf_counter() - ingested:.0f} s")
    return Home(folder)


def daemon(folder: Path, files: list[Path]) -> Home:
    home = operations.open_home(load_settings(folder))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "ons_assets", "serve", "--home", str(folder), "--port", port]
    with (folder / "serve.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        began = time.perf_counter()
        for file in files:
            shutil.copy(file, home.drops / "prices")
        while not settled(home, len(files)):
            if time.perf_counter() - began > PATIENCE_SECONDS:
                sys.exit("the daemon did not come to an end")
            time.sleep(1)
        print(f"daemon: {time.perf_counter() - began:.0f} s from the first file to the end of the last run")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    return home


def settled(home: Home, files: int) -> bool:
    drops = Ledger(home).drops("prices")
    if len(drops) < files or any(drop.status is Status.RECEIVED for drop in drops):
        return False
    with instance(home) as opened:
        return not opened.get_runs_count(dg.RunsFilter(statuses=UNFINISHED))


if __name__ == "__main__":
    main()
