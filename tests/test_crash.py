"""Killed at any moment, the road ends in the same tables as if nothing had happened."""

import gc
import hashlib
import multiprocessing
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.intake.source import Piece
from ons_assets.lakehouse import lake, quarantine
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Drops, load_settings
from tests.run_files import PRICES, run_text, write_run, write_weights

KILLS = 8
PATIENCE_SECONDS = 240
SEED = 20160721
FIRST_DAY = date(2016, 7, 21)
DAYS = {"dagster/asset_partition_range_start"}
# What a run writes of itself, and not of the data.
OF_THE_RUN = ["run_id", "received_utc", "attempts"]
# Figures, and what people read of them; the report tells of the runs, as what was measured at each evaluation does.
MADE = [
    "prices",
    *(
        f"governance/{name}"
        for name in (
            "drop_ledger", "disclosure_audit", "release_ledger", "erasures", "accesses", "register",
            "analytical_database",
        )
    ),
]  # fmt: skip
# What was measured at each evaluation, of which there are more where a process was killed between two.
OF_THE_RUNS = {"governance/quality_scorecard"}

# A server that has the libraries loaded forks the processes to be killed: starting each anew would
# take seconds, most of them before anything is written.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.preloaded"])


def road(home: Path, supplier: Path) -> None:
    """Take all files of the supplier, read them, and make everything that follows from them."""
    from ons_assets import operations

    gc.freeze()

    def silent(_: str) -> None:
        pass

    settings = load_settings(home).model_copy(update={"drops": Drops(settle_seconds=0)})
    operations.open_home(settings)
    operations.take(settings, sorted(supplier.iterdir()), None, silent)
    operations.read_waiting(settings, silent)
    outcome = operations.make(settings, MADE, None, silent)
    assert outcome.success, outcome


def looks(home: Path, supplier: Path) -> None:
    """Have the files of the supplier taken and read by the sensor and its runs, in this process, until none waits."""
    import dagster as dg

    from ons_assets import operations
    from ons_assets.definitions import build_definitions, sensor_of_files
    from ons_assets.orchestration.resources import Lakehouse
    from ons_assets.orchestration.runs import close_dead_runs, instance

    gc.freeze()
    settings = load_settings(home).model_copy(update={"drops": Drops(settle_seconds=0, files_per_look=4)})
    opened_home = operations.open_home(settings)
    close_dead_runs(opened_home)
    for file in supplier.glob("*_products_*"):
        shutil.copy2(file, opened_home.drops / "prices")
    definitions, cursor = build_definitions(settings), None
    sensor = sensor_of_files(settings)
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with instance(opened_home) as opened:
        while True:
            lakehouse = {"lakehouse": Lakehouse.of(settings)}
            result = sensor(dg.build_sensor_context(instance=opened, cursor=cursor, resources=lakehouse))
            assert isinstance(result, dg.SensorResult)
            cursor = result.cursor
            if not result.run_requests:
                return
            for request in result.run_requests:
                job = definitions.resolve_job_def(str(request.job_name))
                # Of what follows, the raw table is enough here.
                chosen = [dg.AssetKey(["prices", "raw_quotes"])] if request.tags.keys() & DAYS else None
                job.execute_in_process(
                    instance=opened,
                    tags=dict(request.tags),
                    asset_selection=chosen,
                    raise_on_error=False,
                    run_config=quiet,
                )


def state(home: Home) -> dict[str, object]:
    """Everything that a user can read under a home, without what is of the run itself."""
    tables = {}
    for name, table in CATALOGUE.items():
        if name not in OF_THE_RUNS and lake.exists(home, table):
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


def reading(home: Path, supplier: Path, slow_seconds: float) -> None:
    """Run the road, and take long over each file that is read, so that a kill meets a reading."""
    from ons_assets.prices.sources import QuoteFiles

    read = QuoteFiles.read

    def slowly(source: QuoteFiles, *arguments: Any) -> Iterator[Piece]:
        for piece in read(source, *arguments):
            time.sleep(slow_seconds)
            yield piece

    QuoteFiles.read = slowly  # type: ignore[method-assign]
    road(home, supplier)


def start(
    home: Path, supplier: Path, target: Callable[..., None] = road, *arguments: object
) -> multiprocessing.process.BaseProcess:
    process = processes.Process(target=target, args=(home, supplier, *arguments))
    process.start()
    return process


def load_libraries() -> None:
    """Have the server load them, which it does before it forks its first process."""
    process = processes.Process(target=gc.freeze)
    process.start()
    process.join()


def run_to_the_end(home: Path, supplier: Path, target: Callable[..., None] = road) -> float:
    """Run the road undisturbed, and return its seconds."""
    process, began = start(home, supplier, target), time.monotonic()
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - began


def test_killed_at_random_moments_it_ends_in_the_same_tables(tmp_path: Path, supplier: Path) -> None:
    load_libraries()
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
        if process.exitcode == -signal.SIGKILL:
            killed += 1
        else:
            # What the killed ones did is done: those after them, or a machine that is less busy, need less.
            seconds /= 2
    assert killed > KILLS / 2, "most processes ended before they were killed"
    run_to_the_end(disturbed.root, supplier)

    found = state(disturbed)
    assert found["archive"] == expected["archive"]
    assert found["quarantine"] == expected["quarantine"]
    assert found["ledger"] == expected["ledger"]
    assert found["tables"] == expected["tables"]
    assert leftovers(disturbed) == []


def wait_for_reading(home: Home, process: multiprocessing.process.BaseProcess, files: int) -> None:
    """Wait until some files were read, and the next one is being read."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.is_alive() and time.monotonic() < deadline:
        if home.ledger.exists():
            drops = Ledger(home).drops("prices")
            # Each is counted before it is touched.
            at_work = any(drop.attempts for drop in drops if drop.status is Status.RECEIVED)
            if at_work and sum(drop.status is not Status.RECEIVED for drop in drops) >= files:
                return
        time.sleep(0.01)
    pytest.fail("no file was being read")


def test_killed_while_reading_every_file_is_read_once_and_none_is_lost(tmp_path: Path, supplier: Path) -> None:
    undisturbed, disturbed = Home(tmp_path / "undisturbed"), Home(tmp_path / "disturbed")
    run_to_the_end(undisturbed.root, supplier)
    for files in (1, 4, 8):
        process = start(disturbed.root, supplier, reading, 0.3)
        wait_for_reading(disturbed, process, files)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    half_read = [drop for drop in Ledger(disturbed).drops("prices") if drop.status is Status.RECEIVED]
    assert half_read, "all was read before it was killed"
    run_to_the_end(disturbed.root, supplier)
    assert state(disturbed) == state(undisturbed)
    assert leftovers(disturbed) == []


def test_killed_on_the_way_of_the_sensor_it_ends_in_the_same_table(tmp_path: Path, supplier: Path) -> None:
    undisturbed, disturbed = Home(tmp_path / "undisturbed"), Home(tmp_path / "disturbed")
    run_to_the_end(undisturbed.root, supplier, looks)
    process = start(disturbed.root, supplier, looks)
    wait_for_reading(disturbed, process, 1)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    run_to_the_end(disturbed.root, supplier, looks)
    expected, found = state(undisturbed), state(disturbed)
    assert found["archive"] == expected["archive"]
    assert found["quarantine"] == expected["quarantine"]
    for home in (undisturbed, disturbed):
        statuses = {drop.name: drop.status for drop in Ledger(home).drops("prices")}
        assert set(statuses.values()) == {Status.ACCEPTED, Status.REFUSED}
        assert len(statuses) == len(list(supplier.glob("*_products_*")))
    table = CATALOGUE["prices/raw_quotes"]
    rows = [
        lake.read(home, table).collect().drop("drop_id", strict=False).sort(table.key)
        for home in (undisturbed, disturbed)
    ]
    assert rows[0].equals(rows[1])
    assert len(rows[0]) > 0
    assert leftovers(disturbed) == []


def test_the_older_version_is_still_readable_after_a_kill_while_publishing(tmp_path: Path, supplier: Path) -> None:
    home = Home(tmp_path / "home")
    seconds = run_to_the_end(home.root, supplier)
    table = CATALOGUE["prices/raw_quotes"]
    before = lake.read(home, table, 0).collect().sort(table.key)
    random.seed(SEED + 1)
    for number in range(3):
        path = write_run(supplier, "tesco", FIRST_DAY, {name: price + 0.5 + number for name, price in PRICES.items()})
        process = start(home.root, supplier)
        time.sleep(random.uniform(0.3, 0.9) * seconds)
        process.kill()
        process.join()
    run_to_the_end(home.root, supplier)
    assert lake.read(home, table, 0).collect().sort(table.key).equals(before)
    now = lake.read(home, table).filter(pl.col("retailer") == "tesco", pl.col("collected_on") == FIRST_DAY).collect()
    assert sorted(now["price"]) == pytest.approx(sorted(price + 2.5 for price in PRICES.values()))
    assert path.exists()
