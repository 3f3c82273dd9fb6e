"""A served home at work: two writers, readers of all kinds and a backup in between, and what is held to at the end.

    python benchmarks/soak.py [MINUTES] [FOLDER]

Writers are processes of their own: one drops files of prices, one drops files of codes and makes other tables by the
command line. Readers ask for pages of the report, the UI (GraphQL), `status`, `health` and the analytical database. At
the end nothing may be lost or doubled, no reader may have seen an error, and memory, open files and the bytes of every
log are told for the beginning, the middle and the end. The exit code is 1 if something of that does not hold.
"""

import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl

from ons_assets import health, operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.backup import latest, restore
from ons_assets.lakehouse.home import Home
from ons_assets.settings import load_settings

FIRST = date(2016, 1, 1)
RETAILERS = ("tesco", "sainsbury", "waitrose")
# Pauses of those who write and read; on two cores a run takes some ten seconds.
FILE_SECONDS, CODES_SECONDS, COMMAND_SECONDS, LOOK_SECONDS = 5.0, 7.0, 60.0, 0.5
SETTLE_SECONDS = 900.0
TABLES = {"prices": "prices/raw_quotes", "area_codes": "reference/area_codes"}
MADE = ("prices/item_indices", "prices/elementary_diagnostics", "governance/quality_scorecard")
HEADER = (
    "timestamp,store,ons_item_no,ons_item_name,product_type,search_string,product_name,item_price_str,item_price_num,"
    "volume_price,unit_price,no_units,units,std_price,std_unit,promo,offer,ml_prediction,single_class"
)
QUERIES = (
    "{ runsOrError(limit: 20) { __typename ... on Runs { results { runId status } } } }",
    "{ assetsOrError { __typename ... on AssetConnection { nodes { key { path } } } } }",
    "{ workspaceOrError { __typename ... on Workspace { locationEntries { locationOrLoadError { __typename } } } } }",
    "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy } } } }",
)
LOGS = ("dagster/history", "dagster/storage", "dagster/schedules", "lake", "reports", "quarantine", "run", "serve.log")


def main() -> None:
    if sys.argv[1:2] == ["--write"]:
        write(sys.argv[2], Home(Path(sys.argv[3])))
        return
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with TemporaryDirectory(prefix="soak-") as temporary:
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(temporary)
        faults = soak(folder, minutes)
    for fault in faults:
        print(f"FAULT {fault}")
    sys.exit(1 if faults else 0)


def soak(folder: Path, minutes: float) -> list[str]:
    """Serve a home, work in it for so long, and return in sentences what does not hold."""
    home = operations.open_home(load_settings(folder / "home"))
    port, seen, ended = free_port(), Seen(), threading.Event()
    with serving(home, port) as server:
        wait_until(lambda: all(each.is_well for each in health.look(home)), "the service", 300)
        begin = Sample.of(home, server.pid)
        readers = [
            threading.Thread(target=seen.again, args=(name, read, pause, ended))
            for name, read, pause in (
                ("pages of the report", lambda: read_report(port), LOOK_SECONDS),
                ("answers of the UI", lambda: read_ui(port), LOOK_SECONDS),
                ("answers of /health", lambda: read_health(port), 5.0),
                ("queries of the database", lambda: read_database(home), LOOK_SECONDS),
                ("commands `status`", lambda: command(home, "status"), 20.0),
            )
        ]
        for reader in readers:
            reader.start()
        with writing("prices", home), writing("area_codes", home):
            time.sleep(minutes * 30)
            middle = Sample.of(home, server.pid)
            seen.note("backups", lambda: command(home, "backup", str(folder / "copies"), "--wait", "900"))
            time.sleep(minutes * 30)
        wait_until(lambda: is_settled(home), "all files to be read and published", SETTLE_SECONDS)
        ended.set()
        for reader in readers:
            reader.join()
        end = Sample.of(home, server.pid)
    show(begin, middle, end, seen, home)
    return [*seen.faults(), *lost_or_doubled(home), *of_copy(folder)]


class Seen:
    """What readers saw: how often it was well, and what was not."""

    def __init__(self) -> None:
        self.well: Counter[str] = Counter()
        self.bad: Counter[str] = Counter()
        self.slowest: dict[str, float] = {}

    def again(self, name: str, read: Callable[[], None], pause: float, ended: threading.Event) -> None:
        """Read until told to end."""
        while not ended.wait(pause):
            self.note(name, read)

    def note(self, name: str, read: Callable[[], None]) -> None:
        """Read once, and keep what came of it."""
        began = time.monotonic()
        try:
            read()
            self.well[name] += 1
        except Exception as error:
            self.bad[f"{name}: {type(error).__name__}: {str(error)[:200]}"] += 1
        self.slowest[name] = max(self.slowest.get(name, 0.0), time.monotonic() - began)

    def faults(self) -> list[str]:
        """What was not well, in sentences."""
        return [f"{times} times {what}" for what, times in self.bad.items()]


class Sample:
    """Memory, open files and threads of every process of the service, and the bytes and files of what grows."""

    def __init__(self, processes: dict[str, tuple[float, int, int]], logs: dict[str, tuple[float, int]]) -> None:
        self.processes, self.logs = processes, logs

    @classmethod
    def of(cls, home: Home, root: int) -> "Sample":
        """Look at a home, and at the process that serves it and those below it."""
        processes = {}
        for pid in tree(root):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                memory = re.search(r"VmRSS:\s+(\d+)", status)
                threads = re.search(r"Threads:\s+(\d+)", status)
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
                opened = len(os.listdir(f"/proc/{pid}/fd"))
            except OSError:
                continue
            if memory and threads and (role := role_of(words, pid == root)):
                processes[role] = (int(memory[1]) / 1024, opened, int(threads[1]))
        return cls(processes, {name: size_of(home.root / name) for name in LOGS})


def role_of(words: list[str], is_root: bool) -> str | None:
    """Which of the processes that stay one is; None of those that come and go, such as runs."""
    if is_root:
        return "web (ons-assets serve)"
    roles = {"dagster._daemon": "daemon", "code-server": "code server", "grpc": "definitions"}
    found = next((role for word, role in roles.items() if word in words), None)
    return None if "execute_run" in " ".join(words) else found


def tree(root: int) -> Iterator[int]:
    yield root
    for task in Path(f"/proc/{root}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from tree(int(child))


def size_of(path: Path) -> tuple[float, int]:
    """MiB and files of what lies under a path, or begins with it."""
    found = [each for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file()]
    sizes = []
    for each in found:
        try:
            sizes.append(each.stat().st_size)
        except FileNotFoundError:
            continue
    return sum(sizes) / (1 << 20), len(sizes)


def write(source: str, home: Home) -> None:
    """Drop a file again and again until told to end; in between, one of the two makes tables by the command line."""
    draw, commanded = random.Random(source), time.monotonic()
    number = 0
    while True:
        text, name = quotes(number, draw) if source == "prices" else codes(number)
        folder = home.drops / source
        # As a supplier should: it takes its name when it is whole.
        partial = folder / f".{name}.part"
        partial.write_text(text)
        partial.rename(folder / name)
        (home.root / f"written-{source}").open("a").write(f"{name}\n")
        number += 1
        time.sleep(FILE_SECONDS if source == "prices" else CODES_SECONDS)
        if source != "prices" and time.monotonic() - commanded > COMMAND_SECONDS:
            commanded = time.monotonic()
            command(home, "materialize", MADE[number % len(MADE)])


def quotes(number: int, draw: random.Random) -> tuple[str, str]:
    """A run of a scraper: a shop and a day of its own, some ten products."""
    shop, day = RETAILERS[number % len(RETAILERS)], FIRST + timedelta(days=number // len(RETAILERS))
    rows = [HEADER]
    for product in range(10):
        price = round(1 + product / 10 + draw.random() / 20, 2)
        moment = f"{day} 05:00:{product:02}.250000"
        rows.append(
            f'{moment},{shop.upper()},210111,"White Sliced Loaf, branded",White Bread,,WHITE LOAF {product} 800G,'
            f"£{price:.2f},{price},,,,,,,,,1,1"
        )
    return "\n".join(rows) + "\n", f"{shop}_products_{day:%Y%m%d}050000.csv"


def codes(number: int) -> tuple[str, str]:
    """Codes of areas that no other file has."""
    rows = [f"E{number:05}{each:03},E{number:05}{each:03}" for each in range(20)]
    return "\n".join(["code,current_code", *rows]) + "\n", f"codes_{number:05}.csv"


@contextmanager
def writing(source: str, home: Home) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, __file__, "--write", source, str(home.root)])
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError(f"the writer of {source} ended by itself")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextmanager
def serving(home: Home, port: int) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "ons_assets", "serve", "--home", str(home.root), "--port", str(port)]
    with (home.root / "serve.log").open("ab") as log:
        server = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until(condition: Callable[[], bool], what: str, patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(1)


def ask(port: int, path: str, body: Any = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        if body is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def read_report(port: int) -> None:
    """Read the first page, and one of those it leads to; until there is a report there is no page."""
    status, page = ask(port, "/report/")
    if status == 404:
        return
    if status != 200:
        raise RuntimeError(f"/report/ answers {status}")
    led_to = re.findall(r'href="([\w/.-]+\.html)"', page)
    if led_to:
        status, page = ask(port, f"/report/{random.choice(led_to)}")
        if status != 200 or "</html>" not in page:
            raise RuntimeError(f"a page of the report answers {status}")


def read_ui(port: int) -> None:
    status, said = ask(port, "/graphql", {"query": random.choice(QUERIES)})
    if status != 200 or '"errors"' in said or "PythonError" in said:
        raise RuntimeError(f"GraphQL answers {status}: {said[:300]}")


def read_health(port: int) -> None:
    status, said = ask(port, "/health")
    if (status, said) != (200, "up\n"):
        raise RuntimeError(f"/health answers {status}")


def read_database(home: Home) -> None:
    if home.warehouse.exists():
        with duckdb.connect(str(home.warehouse), read_only=True) as database:
            database.execute("SELECT source, status, count(*) FROM governance.drop_ledger GROUP BY ALL").fetchall()


def command(home: Home, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ons_assets", *words, "--home", str(home.root)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{words[0]} ended with {done.returncode}: {done.stderr[-300:]}")


def is_settled(home: Home) -> bool:
    """Whether every file that was written is accepted, and its rows are published."""
    drops = Ledger(home).drops()
    written = sum(len(names(home, source)) for source in TABLES)
    return len(drops) == written and all(drop.status is Status.ACCEPTED for drop in drops)


def names(home: Home, source: str) -> list[str]:
    path = home.root / f"written-{source}"
    return path.read_text().splitlines() if path.exists() else []


def lost_or_doubled(home: Home) -> list[str]:
    """Hold the files that were written, the ledger and the published rows against each other."""
    faults = []
    for source, name in TABLES.items():
        drops, table = Ledger(home).drops(source), CATALOGUE[name]
        called = Counter(drop.original_name for drop in drops)
        if called != Counter(names(home, source)):
            faults.append(f"{source}: the ledger has other files than were written")
        per_file = 10 if source == "prices" else 20
        if wrong := [drop.name for drop in drops if drop.accepted_rows != per_file]:
            faults.append(f"{source}: {len(wrong)} files have not {per_file} accepted rows")
        rows = lake.read(home, table).collect()
        if len(rows) != per_file * len(drops):
            faults.append(f"{name}: {len(rows)} rows, and the ledger has {per_file * len(drops)}")
        if (doubled := len(rows) - rows.select(table.key).unique().height) != 0:
            faults.append(f"{name}: {doubled} rows come twice")
        by_drop = rows.group_by("drop_sha256").agg(pl.len())
        if set(by_drop["drop_sha256"]) != {drop.sha256 for drop in drops}:
            faults.append(f"{name}: not every file has its rows")
    return faults


def of_copy(folder: Path) -> list[str]:
    """Put the copy of the middle back: in it, too, what is accepted is published."""
    made = latest(folder / "copies")
    if made is None:
        return ["there is no copy"]
    home = restore(made, folder / "restored")
    faults = []
    for source, name in TABLES.items():
        accepted = sum(drop.accepted_rows or 0 for drop in Ledger(home).drops(source, [Status.ACCEPTED]))
        # A copy of the first moments may be of before anything was published.
        published = lake.row_count(home, CATALOGUE[name]) if lake.exists(home, CATALOGUE[name]) else 0
        if accepted != published:
            faults.append(f"{name} of the copy: {published} rows, and its ledger has {accepted}")
    return faults


def show(begin: Sample, middle: Sample, end: Sample, seen: Seen, home: Home) -> None:
    samples = (begin, middle, end)
    print("process: MiB, open files, threads at the beginning, in the middle, at the end")
    for role in end.processes:
        told = [each.processes.get(role, (0.0, 0, 0)) for each in samples]
        print(f"  {role}: " + "; ".join(f"{mib:,.0f} MiB, {opened}, {threads}" for mib, opened, threads in told))
    print("what grows: MiB in files")
    for name in LOGS:
        print(f"  {name}: " + "; ".join(f"{each.logs[name][0]:,.2f} in {each.logs[name][1]}" for each in samples))
    print("readers: times, slowest in seconds")
    for name, times in seen.well.items():
        print(f"  {name}: {times:,}, {seen.slowest[name]:.1f}")
    for source, name in TABLES.items():
        rows = lake.read(home, CATALOGUE[name]).select(pl.len()).collect().item()
        print(f"{source}: {len(names(home, source)):,} files written, {rows:,} rows in {name}")


if __name__ == "__main__":
    main()
