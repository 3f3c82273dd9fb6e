"""Killed at any moment, the road ends in the same tables as if nothing had happened."""

import hashlib
import multiprocessing
import random
import signal
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse import lake, quarantine
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Drops, load_settings
from tests.run_files import PRICES, run_text, write_run, write_weights

KILLS = 24
SEED = 20160721
FIRST_DAY = date(2016, 7, 21)
# What a run writes of itself, and not of the data.
OF_THE_RUN = ["run_id", "received_utc", "attempts"]

# A server that has the libraries loaded forks the processes to be killed: starting each anew would
# take seconds, most of them before anything is written.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["ons_assets.operations", "great_expectations"])


def road(home: Path, supplier: Path) -> None:
    """Take all files of the supplier, read them, and make everything that follows from them."""
    from ons_assets import operations

    def silent(_: str) -> None:
        pass

    settings = load_settings(home).model_copy(update={"drops": Drops(settle_seconds=0)})
    operations.open_home(settings)
    operations.take(settings, sorted(supplier.iterdir()), None, silent)
    operations.read_waiting(settings, silent)
    outcome = operations.make(settings, ["prices", "governance"], None, silent)
    assert outcome.success, outcome


def state(home: Home) -> dict[str, object]:
    """Everything that a user can read under a home, without what is of the run itself."""
    tables = {}
    for name, table in CATALOGUE.items():
        if lake.exists(home, table):
            frame = lake.read(home, table).collect().drop(OF_THE_RUN, strict=False)
            tables[name] = frame.sort(table.key).to_dict(as_series=False)
    drops = Ledger(home).frame().drop(OF_THE_RUN).sort("drop_id").to_dict(as_series=False)
    kept = sorted((entry.table, entry.name, entry.reason, entry.rows) for entry in quarantine.entries(home))
    archive = {
        path.relative_to(home.archive).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.archive.rglob("*")
        if path.is_file()
    }
    return {"tables": tables, "ledger": drops, "quarantine": kept, "archive": archive}


def leftovers(home: Home) -> list[str]:
    """Staged batches, half-written files, and data files that no version of a table names."""
    files = [path for path in home.root.rglob("*") if path.is_file()]
    found = [path.name for path in files if path.is_relative_to(home.staging) or path.name.endswith(".part")]
    for log in home.lake.rglob("_delta_log"):
        found += lake.remove_orphans(log.parent)
    return found


@pytest.fixture
def supplier(tmp_path: Path) -> Path:
    folder = tmp_path / "supplier"
    for number in range(6):
        prices = {name: price + 0.01 * number for name, price in PRICES.items()}
        for retailer in ("tesco", "sainsbury"):
            write_run(folder, retailer, FIRST_DAY + timedelta(days=number), prices)
    write_weights(folder)
    cut = run_text("waitrose", FIRST_DAY)
    (folder / "waitrose_products_20160721050000.csv").write_text(cut[: len(cut) - 40])
    write_run(folder, "waitrose", FIRST_DAY + timedelta(days=1), {name: price * 900 for name, price in PRICES.items()})
    (folder / "waitrose_products_20160723050000.csv").write_bytes(b"")
    return folder


def start(home: Path, supplier: Path) -> multiprocessing.process.BaseProcess:
    process = processes.Process(target=road, args=(home, supplier))
    process.start()
    return process


def run_to_the_end(home: Path, supplier: Path) -> float:
    """Run the road undisturbed, and return its seconds."""
    process, began = start(home, supplier), time.monotonic()
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - began


def test_killed_at_random_moments_it_ends_in_the_same_tables(tmp_path: Path, supplier: Path) -> None:
    run_to_the_end(tmp_path / "warm", supplier)
    undisturbed = Home(tmp_path / "undisturbed")
    seconds = run_to_the_end(undisturbed.root, supplier)
    expected = state(undisturbed)
    assert expected["tables"], "nothing was published"

    random.seed(SEED)
    disturbed = Home(tmp_path / "disturbed")
    killed = 0
    for _ in range(KILLS):
        process = start(disturbed.root, supplier)
        time.sleep(random.uniform(0, seconds))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    assert killed > KILLS / 2, "most processes ended before they were killed"
    run_to_the_end(disturbed.root, supplier)

    found = state(disturbed)
    assert found["archive"] == expected["archive"]
    assert found["quarantine"] == expected["quarantine"]
    assert found["ledger"] == expected["ledger"]
    assert found["tables"] == expected["tables"]
    assert leftovers(disturbed) == []


def test_the_older_version_is_still_readable_after_a_kill_while_publishing(tmp_path: Path, supplier: Path) -> None:
    home = Home(tmp_path / "home")
    seconds = run_to_the_end(home.root, supplier)
    table = CATALOGUE["prices/raw_quotes"]
    before = lake.read(home, table, 0).collect().sort(table.key)
    random.seed(SEED + 1)
    for number in range(4):
        path = write_run(supplier, "tesco", FIRST_DAY, {name: price + 0.5 + number for name, price in PRICES.items()})
        process = start(home.root, supplier)
        time.sleep(random.uniform(0.3, 0.9) * seconds)
        process.kill()
        process.join()
    run_to_the_end(home.root, supplier)
    assert lake.read(home, table, 0).collect().sort(table.key).equals(before)
    now = lake.read(home, table).filter(pl.col("retailer") == "tesco", pl.col("collected_on") == FIRST_DAY).collect()
    assert sorted(now["price"]) == pytest.approx(sorted(price + 3.5 for price in PRICES.values()))
    assert path.exists()
