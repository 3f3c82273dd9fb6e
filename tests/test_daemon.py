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
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import yaml

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.collectors.prices import shops
from ons_assets.collectors.prices.mornings import wait_seconds
from ons_assets.intake.drops import TAKEN
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.dagster_internals import LOCATION
from ons_assets.orchestration.marks import ASKING, SHOP_TAG
from ons_assets.orchestration.report_pages import address_of
from ons_assets.orchestration.runs import instance
from ons_assets.settings import TOML_NAME, load_settings
from ons_assets.simulate.shops import Faults
from tests.chromium import PICTURES, REQUIRED, drive, lacking
from tests.collectors.shop_worlds import make_world, street
from tests.run_files import PRICES, write_run
from tests.test_nothing_individual_is_told import WORD, files, open_to_others, said

DAY = date(2016, 7, 21)
# The sensor looks every ten seconds; starting the services takes most of the rest.
PATIENCE_SECONDS = 420
PAGE_SECONDS = 60
# Until the schedules of a service that was just begun are at work.
UNTIL_MORNING_SECONDS = 135
# As dagster.yaml has it.
RUNS_AT_WORK = 2


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
    were_taken = [folder / TAKEN / each.name for each in (bad, first, second, third)]
    operations.take(settings, were_taken, "prices", lambda _: None)
    operations.read_waiting(settings, lambda _: None)
    assert operations.make(settings, [], None, lambda _: None).success
    for name in ("prices/raw_quotes", "prices/item_indices", "prices/collection_report"):
        table = CATALOGUE[name]
        frames = [lake.read(home, table).collect().sort(table.key) for home in (served, by_hand)]
        assert frames[0].equals(frames[1]), name
        assert len(frames[0]) > 0


def is_told_everywhere(home: Home, name: str) -> bool:
    """Whether the report and the database say of a file that it was refused, and why."""
    page = home.report.parent / "refused.html"
    return page.exists() and name in page.read_text() and in_database(home, name) == [("refused", True)]


def in_database(home: Home, name: str) -> list[tuple[str, bool]]:
    """What the database for people says became of a file, and whether it says why."""
    if not home.warehouse.exists():
        return []
    query = "SELECT status, reason IS NOT NULL FROM governance.drop_ledger WHERE file_name = ?"
    with duckdb.connect(str(home.warehouse), read_only=True) as database:
        return database.execute(query, [name]).fetchall()


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


def test_shops_are_asked_in_the_morning_and_those_that_wait_keep_nothing_else_from_being_done(tmp_path: Path) -> None:
    """By the schedules of the service itself, at a minute that is soon; where it is noon by the clock of the shops.

    One shop is asked, one is closed, which somebody is told, and as many as runs may work at a time wait for their
    moment, with their runs at work: a file that comes meanwhile is read, and the accounts follow.
    """
    told = tmp_path / "told"
    program = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))"
    served = operations.open_home(load_settings(tmp_path / "served"))
    (served.root / TOML_NAME).write_text(f"[alerts]\ncommand = {json.dumps([sys.executable, '-c', program])}\n")
    log, soon = served.root / "serve.log", datetime.now(UTC) + timedelta(seconds=UNTIL_MORNING_SECONDS)
    west = soon.hour - 12
    today = (soon - timedelta(hours=west)).date()
    clock = {
        "at": f"12:{soon.minute:02}",
        "zone": f"Etc/GMT{west:+}",
        "hours": {"first": "11:00", "last": "18:00"},
        "jitter_minutes": 0,
    }
    with street(served.root, make_world(tmp_path, days=1), Faults()) as street_of_shops:
        street_of_shops.describe(street_of_shops.stock.days[0], **clock)
        street_of_shops.servers["larkmere"].close()
        described = shops.folder(served) / "thistlemoor.yaml"
        waiting = shops_that_wait(described, today)
        with serving(served):
            wait_for(lambda: told.exists() and "larkmere" in told.read_text(), "the word that a shop is closed", log)
            wait_for(
                lambda: list(statuses(served).values()) == [Status.ACCEPTED], "the file of the shop that was asked", log
            )
            late = write_run(served.drops / "prices", "tesco", DAY)
            wait_for(lambda: statuses(served).get(late.name) is Status.ACCEPTED, "a file that came meanwhile", log)
            wait_for(lambda: in_database(served, late.name) == [("accepted", False)], "the database", log)
            assert shops_asked(served) >= waiting, "they wait still"
    lines = [line for message in told.read_text().splitlines() for line in json.loads(message)["lines"]]
    assert any(line.startswith("prices of larkmere: larkmere: failed") for line in lines), lines
    stock = street_of_shops.stock
    shown = sum(len(stock.articles("pellworth", item, stock.days[0])) for item in stock.items("pellworth"))
    quotes = lake.read(served, CATALOGUE["prices/raw_quotes"]).collect()
    assert len(quotes.filter(retailer="pellworth", collected_on=today)) == shown


def shops_that_wait(described: Path, day: date) -> set[str]:
    """Describe, in place of a shop, as many as runs may work at a time, whose turn comes much later on that day."""
    said = yaml.safe_load(described.read_text())
    described.unlink()
    names = set()
    for name in ("".join(letters) for letters in product("abcdefgh", repeat=3)):
        path = described.with_name(f"{name}.yaml")
        path.write_text(yaml.safe_dump({**said, "retailer": name, "jitter_minutes": 60}))
        if wait_seconds(shops.read(path), day) < 2 * PATIENCE_SECONDS + UNTIL_MORNING_SECONDS:
            path.unlink()
            continue
        names.add(name)
        if len(names) == RUNS_AT_WORK:
            break
    return names


def shops_asked(home: Home) -> set[str]:
    """The shops whose runs have begun and not ended."""
    with instance(home) as opened:
        runs = opened.get_runs(dg.RunsFilter(job_name=ASKING, statuses=[dg.DagsterRunStatus.STARTED]))
    return {run.tags[SHOP_TAG] for run in runs}
