"""A load into PostgreSQL that loses its server, its connection, its room or its lock: readers see none of it."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from ons_assets.lakehouse import lake, postgres
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.postgres import statements
from ons_assets.lakehouse.postgres.server import Server, connected, patient
from ons_assets.lakehouse.tables import Catalogue, Column, Sensitivity
from tests.lakehouse.test_postgres import ALL, CATALOGUE, DAY, EVERY_TYPE, MARKER, TRIPS, publish
from tests.postgres_server import Running, ask, nobody, running
from tests.workbench import COUNTS, PERSONS, provenance

MANY = 2_000
MEGABYTES = 4
ENDED = "^[^:]*: (the connection broke|the server was shut down, or the statement was cancelled)$"
TABLE = f"ons_public.{statements.name_of(COUNTS.name)}"
HALF = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'ons%new' OR nspname LIKE 'ons%old%'"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running() as server:
        yield server


@pytest.fixture
def uri(server: Running) -> Iterator[str]:
    yield server.uri
    for (name,) in ask(server.uri, "SELECT nspname::text FROM pg_namespace WHERE nspname ~ '^(ons|mine)'"):
        ask(server.uri, f'DROP SCHEMA "{name}" CASCADE')


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home").ensure()
    publish(home, PERSONS, {"day": [DAY], "person": [MARKER], "note": [None], "distance_km": [1.0]})
    of_version(home, 1)
    return home


def of_version(home: Home, number: int) -> None:
    publish(home, COUNTS, {"day": [DAY], "trips": [number]})
    publish(home, TRIPS, {"trip": list(range(number, MANY + number)), "day": [DAY] * MANY})


def load(uri: str, home: Home, catalogue: Catalogue = CATALOGUE) -> postgres.Loaded:
    return postgres.load(uri, home, catalogue, ALL)


def seen(uri: str) -> tuple[Any, ...]:
    [both] = ask(uri, f"SELECT (SELECT min(trips) FROM {TABLE}), min(trip), count(*) FROM ons_public.reference_trips")
    return both


def when(patch: pytest.MonkeyPatch, asked: str, happens: Callable[[], object]) -> list[str]:
    """Have something happen once: before a statement that begins so, or after the first rows of a table named so."""
    told: list[str] = []
    run, append = Server.run, Server.append

    def once() -> None:
        if not told:
            told.append(asked)
            happens()

    def running(self: Server, statement: str, doing: str) -> Any:
        if statement.startswith(asked):
            once()
        return run(self, statement, doing)

    def appending(self: Server, rows: pa.RecordBatchReader, schema: str, table: str, doing: str) -> int:
        def batches() -> Iterator[pa.RecordBatch]:
            for batch in rows:
                half = batch.num_rows // 2
                yield batch.slice(0, half)
                if table == asked:
                    once()
                yield batch.slice(half)

        return append(self, pa.RecordBatchReader.from_batches(rows.schema, batches()), schema, table, doing)

    patch.setattr(Server, "run", running)
    patch.setattr(Server, "append", appending)
    return told


@contextmanager
def proxy(server: Running) -> Iterator[tuple[str, Callable[[], None]]]:
    """Stand between, by TCP; give the address, and what cuts all that goes through it."""
    ended, both = threading.Event(), []

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def accept(listening: socket.socket) -> None:
        while not ended.is_set():
            with suppress(TimeoutError):
                client, _ = listening.accept()
                behind = socket.socket(socket.AF_UNIX)
                behind.connect(str(server.socket))
                both.extend((client, behind))
                for way in ((client, behind), (behind, client)):
                    threading.Thread(target=pump, args=way, daemon=True).start()

    def cut() -> None:
        for each in both:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        accepting = threading.Thread(target=accept, args=(listening,))
        accepting.start()
        try:
            host, port = listening.getsockname()
            yield server.uri.split("@")[0] + f"@{host}:{port}/postgres", cut
        finally:
            cut()
            ended.set()
            accepting.join()
            for each in both:
                each.close()


def terminated(uri: str) -> None:
    ask(
        uri,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )


@pytest.mark.parametrize("moment", ['CREATE SCHEMA "ons_ind', "reference_trips", "ALTER TABLE", "COMMIT"])
def test_a_connection_that_is_ended_costs_readers_nothing_and_leaves_nothing(
    uri: str, home: Home, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(uri, home)
    before = seen(uri)
    of_version(home, 2)
    with monkeypatch.context() as patch:
        told = when(patch, moment, lambda: terminated(uri))
        with pytest.raises(postgres.NotLoaded, match=ENDED) as said:
            load(uri, home)
    assert told == [moment]
    assert said.value.__cause__ is None
    assert seen(uri) == before
    assert ask(uri, HALF) == []
    again = load(uri, home)
    assert (again.behind, again.left) == ([], [])
    assert seen(uri) == (2, 2, MANY)


@pytest.mark.parametrize("moment", ["reference_trips", "ALTER SCHEMA"])
def test_a_line_that_is_cut_is_the_same(
    server: Running, uri: str, home: Home, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(uri, home)
    before = seen(uri)
    of_version(home, 2)
    with proxy(server) as (by_tcp, cut):
        with monkeypatch.context() as patch:
            when(patch, moment, cut)
            with pytest.raises(postgres.NotLoaded, match=ENDED):
                load(by_tcp, home)
        assert seen(uri) == before
        assert ask(uri, HALF) == []
        load(by_tcp, home)
    assert seen(uri) == (2, 2, MANY)


@pytest.mark.parametrize(("how", "moment"), [("fast", "reference_trips"), ("immediate", "ALTER SCHEMA")])
def test_a_server_that_begins_anew_has_what_it_had_and_the_next_load_repairs(
    server: Running, uri: str, home: Home, how: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(uri, home)
    before = seen(uri)
    of_version(home, 2)
    with monkeypatch.context() as patch:
        when(patch, moment, lambda: server.control("restart", "-m", how))
        with pytest.raises(postgres.NotLoaded, match=ENDED):
            load(uri, home)
    assert seen(uri) == before
    assert load(uri, home).left == []
    assert ask(uri, HALF) == []
    assert seen(uri) == (2, 2, MANY)


def test_a_server_that_stays_down_is_repaired_by_the_load_after(
    server: Running, uri: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(uri, home)
    of_version(home, 2)
    try:
        with monkeypatch.context() as patch:
            when(patch, "reference_trips", lambda: server.control("stop", "-m", "immediate"))
            with pytest.raises(postgres.NotLoaded, match=ENDED):
                load(uri, home)
        with pytest.raises(postgres.NotLoaded, match="the server was not reached"):
            load(uri, home)
    finally:
        server.control("start")
    assert seen(uri) == (1, 1, MANY)
    assert load(uri, home).left == []
    assert ask(uri, HALF) == []
    assert seen(uri) == (2, 2, MANY)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of a few megabytes, where we may mount one."""
    folder.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mounted, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs to mount a file system")
    try:
        shutil.chown(folder, *(nobody().get(name) for name in ("user", "group")))
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_said_and_is_not_left_full(home: Home, tmp_path: Path) -> None:
    # The server goes first, for it holds the disk; and it may not look into the folders of the tests.
    with ExitStack() as stack:
        folder = Path("/tmp") / f"small-{tmp_path.name}-{time.time_ns()}"
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        disk = stack.enter_context(small_disk(folder))
        uri = stack.enter_context(running()).uri
        ask(uri, f"CREATE TABLESPACE small LOCATION '{disk}'")
        ask(uri, "ALTER DATABASE postgres SET default_tablespace = small")
        load(uri, home)
        before, room = seen(uri), shutil.disk_usage(disk).free
        publish(home, TRIPS, {"trip": list(range(200_000)), "day": [None] * 200_000})
        with pytest.raises(postgres.NotLoaded, match="the server has no room"):
            load(uri, home)
        assert seen(uri) == before
        assert ask(uri, HALF) == []
        ask(uri, "CHECKPOINT")
        assert shutil.disk_usage(disk).free >= 0.9 * room
        of_version(home, 2)
        load(uri, home)
        assert seen(uri) == (2, 2, MANY)


@pytest.mark.parametrize("setting", ["idle_session_timeout", "statement_timeout"])
def test_times_of_a_user_are_not_for_the_load(
    uri: str, home: Home, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    when(monkeypatch, "ANALYZE", lambda: time.sleep(0.6))
    assert load(f"{uri}&options=-c{setting}%3D500", home).rows["reference/trips"] == MANY


def test_a_database_that_may_only_be_read_is_said(uri: str, home: Home) -> None:
    with pytest.raises(postgres.NotLoaded, match="the database may only be read"):
        load(f"{uri}&options=-cdefault_transaction_read_only%3Don", home)


@pytest.mark.parametrize("fault", ["damaged", "missing"])
def test_a_file_of_the_lake_that_cannot_be_read_is_no_fault_of_the_server(uri: str, home: Home, fault: str) -> None:
    load(uri, home)
    of_version(home, 2)
    newest = max(Path(home.table(TRIPS.name)).glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    newest.write_bytes(newest.read_bytes()[:100]) if fault == "damaged" else newest.unlink()
    with pytest.raises(postgres.NotLoaded, match=f"^loading {TRIPS.name}: a file of the table cannot be read$"):
        load(uri, home)
    assert seen(uri) == (1, 1, MANY)
    assert ask(uri, HALF) == []


def test_a_server_that_is_gone_without_a_word_is_not_waited_for_and_waits_for_nobody(server: Running) -> None:
    with proxy(server) as (by_tcp, _), connected(by_tcp) as there:
        # Through the proxy the server has a socket of its machine: the settings are asked for, as they were said.
        [(said,)] = there.run("SELECT count(*)::text FROM pg_settings WHERE source = 'session'", "asking")
        assert int(said) >= 5
    address = patient("postgresql://office@h/d?sslmode=require&connect_timeout=5")
    assert "connect_timeout=5&" in address
    assert "connect_timeout=30" not in address
    assert "tcp_user_timeout=120000" in address
    assert patient("postgresql://office@h/d").startswith("postgresql://office@h/d?connect_timeout=30&")


def test_two_homes_load_two_databases_of_a_server_at_once_that_has_no_roles_yet(
    uri: str, home: Home, tmp_path: Path
) -> None:
    other = Home(tmp_path / "other").ensure()
    publish(other, COUNTS, {"day": [DAY], "trips": [7]})
    publish(other, TRIPS, {"trip": [7], "day": [DAY]})
    ask(uri, "CREATE DATABASE second")
    second = uri.replace("/postgres?", "/second?")
    meet = threading.Barrier(2)
    begin = postgres.loading._begin

    def begin_together(server: Server, sensitivity: Sensitivity) -> None:
        meet.wait(30)
        begin(server, sensitivity)

    try:
        for _ in range(2):
            with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
                patch.setattr(postgres.loading, "_begin", begin_together)
                both = [pool.submit(load, *each) for each in ((uri, home), (second, other))]
                assert [each.result().left for each in both] == [[], []]
            assert (seen(uri), seen(second)) == ((1, 1, MANY), (7, 7, 1))
            for each in Sensitivity:
                for database in (uri, second):
                    ask(database, f"DROP SCHEMA ons_{each} CASCADE")
                ask(uri, f"DROP ROLE ons_{each}_reader")
    finally:
        ask(uri, "DROP DATABASE second WITH (FORCE)")


def test_a_role_that_another_load_makes_at_the_same_moment_is_taken(
    uri: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(uri, "DROP ROLE IF EXISTS ons_public_reader")
    when(monkeypatch, 'CREATE ROLE "ons_public', lambda: ask(uri, "CREATE ROLE ons_public_reader"))
    load(uri, home)
    assert ask(uri, f"SELECT has_table_privilege('ons_public_reader', '{TABLE}', 'SELECT')") == [(True,)]


def test_of_two_that_load_one_database_at_once_one_is_refused_and_takes_nothing_from_the_other(
    uri: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    def another() -> None:
        with pytest.raises(postgres.NotLoaded, match="somebody else loads the PostgreSQL database") as said:
            load(uri, home)
        refused.append(str(said.value))

    when(monkeypatch, "reference_trips", another)
    assert load(uri, home).rows["reference/trips"] == MANY
    assert len(refused) == 1
    assert seen(uri) == (1, 1, MANY)


def test_columns_that_change_take_no_view_with_them_and_what_comes_back_is_shown_at_once(uri: str, home: Home) -> None:
    day, trips = COUNTS.columns
    more = Column("more", pl.Float64(), "more", nullable=True)
    load(uri, home)
    ask(uri, "CREATE SCHEMA mine")
    ask(uri, f"CREATE VIEW mine.all AS SELECT * FROM {TABLE}")
    ask(uri, "CREATE VIEW mine.most AS SELECT max(trips)::text AS most FROM mine.all")
    ask(uri, f"CREATE VIEW mine.days AS SELECT count(day) AS days FROM {TABLE}")
    wanting: list[str] = []
    stages = (
        ((day, trips, more), 2, [], "2"),
        ((more, day), None, ["mine.all"], "2"),
        ((day, replace(trips, dtype=pl.String())), "4", ["mine.all"], "2"),
        ((trips, day), 5, [], "5"),
    )
    for columns, value, behind, most in stages:
        table = replace(COUNTS, columns=columns)
        shutil.rmtree(home.table(COUNTS.name))
        rows = pl.LazyFrame({"day": [DAY]}, schema={"day": pl.Date})
        rows = rows.with_columns(pl.lit(value).alias("trips"), pl.lit(0.5).alias("more")).select(table.column_names)
        lake.publish(home, table, rows.cast(dict(table.schema)), provenance())
        loaded = load(uri, home, Catalogue([table, PERSONS]))
        wanting += loaded.behind
        assert (loaded.behind, bool(loaded.left)) == (behind, bool(behind)), columns
        assert ask(uri, "SELECT most FROM mine.most") == [(most,)], columns
        assert ask(uri, "SELECT days FROM mine.days") == [(1,)], columns
    assert wanting == ["mine.all"] * 2


def test_every_column_has_a_comment_that_of_the_map_too(uri: str, home: Home) -> None:
    if ask(uri, "SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'") == []:
        pytest.skip("PostGIS is not installed")
    rows = {name: [None] for name in EVERY_TYPE.column_names} | {"name": ["a"], "user": [1]}
    publish(home, EVERY_TYPE, rows)
    ask(uri, "CREATE EXTENSION postgis")
    try:
        postgres.load(uri, home, CATALOGUE, ALL, grid=postgres.grid_of("EPSG:27700"))
        without = """
            SELECT attrelid::regclass::text, attname::text FROM pg_attribute
            JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE nspname LIKE 'ons%' AND relkind = 'r' AND attnum > 0 AND col_description(attrelid, attnum) IS NULL
        """
        assert ask(uri, without) == []
    finally:
        ask(uri, "DROP EXTENSION postgis CASCADE")
