"""A real daemon: files dropped into the folder are read, also after the daemon was killed at its work."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.dagster_internals import LOCATION
from ons_assets.orchestration.report_pages import address_of
from ons_assets.orchestration.runs import instance
from ons_assets.settings import load_settings
from tests.chromium import PICTURES, REQUIRED, drive, lacking
from tests.run_files import PRICES, write_run
from tests.test_nothing_individual_is_told import WORD, files, open_to_others, said

DAY = date(2016, 7, 21)
# The sensor looks every ten seconds; starting the services takes most of the rest.
PATIENCE_SECONDS = 240
PAGE_SECONDS = 60


@dataclass(frozen=True)
class Service:
    """The services of a home, and where the UI is."""

    process: subprocess.Popen[bytes]
    address: str


@contextmanager
def serving(home: Home) -> Iterator[Service]:
    """Run `ons-assets serve`, and kill whatever is left of it at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ons_assets", "serve", "--home", str(home.root), "--port", str(port)]
    with (home.root / "serve.log").open("ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        yield Service(server, f"http://127.0.0.1:{port}")
    finally:
        kill(server)


def kill(server: subprocess.Popen[bytes]) -> None:
    """Kill the services and the runs that they started, as a power cut would."""
    try:
        os.killpg(server.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    server.wait()


def wait_for(condition: Callable[[], bool], what: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited in vain for {what}\n{log.read_text()[-3000:]}")
        time.sleep(0.2)


def statuses(home: Home) -> dict[str, Status]:
    return {drop.name: drop.status for drop in Ledger(home).drops("prices")}


def unfinished_runs(home: Home) -> int:
    with instance(home) as opened:
        return opened.get_runs_count(
            dg.RunsFilter(
                statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.QUEUED]
            )
        )


def locations(home: Home) -> set[str | None]:
    """What the daemon calls the code of sensors and schedules."""
    with instance(home) as opened:
        origins = [state.origin.repository_origin.code_location_origin for state in opened.all_instigator_state()]
    return {origin.location_name for origin in origins}


def test_drops_are_read_by_the_daemon_and_end_as_on_the_command_line(tmp_path: Path) -> None:
    """A good one turns green, a bad one red with its reason: in the UI, in the ledger, the database and the report."""
    served = operations.open_home(load_settings(tmp_path / "served"))
    log = served.root / "serve.log"
    folder = served.drops / "prices"
    days = [DAY + timedelta(days=number) for number in range(3)]
    with serving(served) as service:
        bad = write_run(folder, "sainsbury", days[0], {name: price * 1000 for name, price in PRICES.items()})
        first = write_run(folder, "tesco", days[0])
        wait_for(lambda: statuses(served).get(first.name) is Status.ACCEPTED, "the first file", log)
        wait_for(lambda: is_told_everywhere(served, bad.name), "the refused file in the database and the report", log)
        wait_for(lambda: not unfinished_runs(served), "the end of the first run", log)
        look_at_pages(served, service.address, first.name, bad.name)
        assert locations(served) == {LOCATION}, "a sensor that somebody stopped is found again after a restart"
        second = write_run(folder, "tesco", days[1], {name: price + 0.1 for name, price in PRICES.items()})
        wait_for(lambda: unfinished_runs(served) > 0, "the second run", log)
        kill(service.process)
    third = write_run(folder, "tesco", days[2], {name: price + 0.2 for name, price in PRICES.items()})
    with serving(served):
        expected = dict.fromkeys((first.name, second.name, third.name), Status.ACCEPTED) | {bad.name: Status.REFUSED}
        wait_for(lambda: statuses(served) == expected, "all files after the restart", log)
        wait_for(lambda: not unfinished_runs(served), "the end of the last run", log)

    settings = load_settings(tmp_path / "by_hand")
    by_hand = operations.open_home(settings)
    operations.take(settings, [bad, first, second, third], "prices", lambda _: None)
    operations.read_waiting(settings, lambda _: None)
    assert operations.make(settings, [], None, lambda _: None).success
    for name in ("prices/raw_quotes", "prices/item_indices", "prices/collection_report"):
        table = CATALOGUE[name]
        frames = [lake.read(home, table).collect().sort(table.key) for home in (served, by_hand)]
        assert frames[0].equals(frames[1]), name
        assert len(frames[0]) > 0


def is_told_everywhere(home: Home, name: str) -> bool:
    """Whether the report and the database say of a file that it was refused."""
    page = home.report.parent / "refused.html"
    if not (page.exists() and name in page.read_text() and home.warehouse.exists()):
        return False
    query = "SELECT status, reason IS NOT NULL FROM governance.drop_ledger WHERE file_name = ?"
    with duckdb.connect(str(home.warehouse), read_only=True) as database:
        return database.execute(query, [name]).fetchall() == [("refused", True)]


def look_at_pages(home: Home, address: str, good: str, bad: str) -> None:
    """Look at what the UI says of a good file and of a bad one that came on the same day."""
    if (missing := lacking()) is not None:
        assert not REQUIRED, missing
        return
    table, day = f"{address}/assets/prices/raw_quotes", DAY.isoformat()
    [reason] = [str(drop.reason) for drop in Ledger(home).drops("prices") if drop.name == bad]
    looked_for = {
        f"{table}?view=partitions&partition={day}": ["Materialized (1)", "Failed (0)"],
        f"{table}?view=checks&checkDetail=suite": [bad, "1 refused, 0 with warnings"],
        f"{table}?view=checks&checkDetail=price_median": [bad, "Failed", reason.split(": ", 1)[1].split(";")[0]],
        # Where the check leads to.
        f"{address}{address_of(CATALOGUE['prices/raw_quotes'])}": [bad, "What is expected"],
    }
    pages = drive("read.mjs", PAGE_SECONDS, PICTURES, json.dumps(looked_for))
    for page, sentences in zip(pages, looked_for.values(), strict=True):
        assert [sentence for sentence in sentences if sentence not in page] == [], page
    assert good not in pages[1]


def test_the_daemon_tells_nobody_what_files_about_people_say(tmp_path: Path) -> None:
    """As in `test_nothing_individual_is_told`, with all services running; what Dagster keeps, its UI shows."""
    served = operations.open_home(load_settings(tmp_path / "served"))
    log = served.root / "serve.log"
    with serving(served):
        for source in ("meters", "tweets"):
            for name, content in files(source).items():
                (served.drops / source / name).write_bytes(content)
        wait_for(
            lambda: (
                len(settled := Ledger(served).drops()) >= 2 * len(files("meters"))
                and not {drop.status for drop in settled} & {Status.RECEIVED, Status.READ}
            ),
            "all files",
            log,
        )
        wait_for(lambda: not unfinished_runs(served), "the end of the last run", log)
    kept = [path for path in served.dagster.rglob("*") if path.is_file()]
    assert kept
    found = [path for path in (*open_to_others(served.root), *kept) if WORD.lower() in said(path).lower()]
    assert found == []
