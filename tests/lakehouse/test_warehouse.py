"""The databases for people: what is published, and nothing that was."""

import stat
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable
from pyarrow.dataset import Dataset

from ons_assets.lakehouse import lake, warehouse
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Catalogue
from tests.workbench import COUNTS, PERSONS, provenance

DAY = date(2016, 7, 21)
CATALOGUE = Catalogue([COUNTS, PERSONS])
MARKER = "MARKER4711"
OF_THE_CATALOGUE = "WHERE schema_name <> 'main'"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose path has a quote and a space."""
    home = Home(tmp_path / "the office's home").ensure()
    publish(home, 1)
    person = {"day": [DAY], "person": [MARKER], "note": [None], "distance_km": [1.0]}
    lake.publish(home, PERSONS, pl.LazyFrame(person, schema=PERSONS.schema), provenance())
    return home


def publish(home: Home, trips: int) -> None:
    lake.publish(home, COUNTS, pl.LazyFrame({"day": [DAY], "trips": [trips]}, schema=COUNTS.schema), provenance())


def build(home: Home) -> dict[str, int]:
    with duckdb.connect() as connection:
        return warehouse.build(connection, home, CATALOGUE)


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(statement).fetchall()


def test_every_published_table_is_there_with_its_rows(home: Home) -> None:
    assert build(home) == {"test/counts": 1, "test/persons": 1}
    assert query(home.warehouse, "SELECT * FROM test.counts") == [(DAY, 1)]
    assert query(home.restricted_warehouse, "SELECT person FROM test.persons") == [(MARKER,)]


def test_tables_and_columns_are_described(home: Home) -> None:
    build(home)
    tables = query(home.warehouse, f"SELECT table_name, comment FROM duckdb_tables() {OF_THE_CATALOGUE}")
    assert tables == [("counts", f"{COUNTS.description} Key: day.")]
    columns = query(home.warehouse, "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'counts'")
    assert columns == [(column.name, column.description) for column in COUNTS.columns]


def test_individual_tables_are_in_a_file_of_their_own(home: Home) -> None:
    build(home)
    assert query(home.warehouse, f"SELECT table_name FROM duckdb_tables() {OF_THE_CATALOGUE}") == [("counts",)]
    assert MARKER.encode() not in home.warehouse.read_bytes()
    assert MARKER.encode() in home.restricted_warehouse.read_bytes()
    assert stat.S_IMODE(home.restricted_warehouse.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.restricted_warehouse.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.warehouse.stat().st_mode) == 0o644


def test_a_reader_of_the_old_file_is_not_disturbed(home: Home) -> None:
    build(home)
    with duckdb.connect(home.warehouse, read_only=True) as reader:
        assert reader.execute("SELECT trips FROM test.counts").fetchall() == [(1,)]
        publish(home, 2)
        build(home)
        assert reader.execute("SELECT trips FROM test.counts").fetchall() == [(1,)]
    assert query(home.warehouse, "SELECT trips FROM test.counts") == [(2,)]


def test_nothing_is_left_beside_the_files(home: Home) -> None:
    for _ in range(2):
        build(home)
    assert [path.name for path in home.root.glob("*warehouse*")] == ["warehouse.duckdb"]
    assert not list(home.root.rglob(".*"))


def test_a_build_that_fails_leaves_the_old_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    build(home)
    publish(home, 2)

    def fail(*_: object) -> int:
        raise RuntimeError("no space")

    monkeypatch.setattr(warehouse, "_copy", fail)
    with duckdb.connect() as connection, pytest.raises(RuntimeError, match="no space"):
        warehouse.build(connection, home, CATALOGUE)
    monkeypatch.undo()
    assert query(home.warehouse, "SELECT trips FROM test.counts") == [(1,)]
    assert build(home) == {"test/counts": 1, "test/persons": 1}
    assert query(home.warehouse, "SELECT trips FROM test.counts") == [(2,)]


def test_before_anything_is_published_the_files_are_empty(tmp_path: Path) -> None:
    home = Home(tmp_path).ensure()
    assert build(home) == {}
    assert query(home.warehouse, f"SELECT table_name FROM duckdb_tables() {OF_THE_CATALOGUE}") == []


def test_one_connection_builds_again_and_again(home: Home) -> None:
    with duckdb.connect() as connection:
        assert warehouse.build(connection, home, CATALOGUE) == warehouse.build(connection, home, CATALOGUE)


def built_from_the_lake(home: Home, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Build, and return the tables that were read from the lake and not from the former database."""
    read: list[str] = []

    def spy(table: DeltaTable) -> Dataset:
        read.append(Path(str(table.table_uri)).name)
        return original(table)

    original = DeltaTable.to_pyarrow_dataset
    with monkeypatch.context() as patched:
        patched.setattr(DeltaTable, "to_pyarrow_dataset", spy)
        build(home)
    return read


def test_a_table_that_has_not_changed_is_taken_from_the_former_database(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sorted(built_from_the_lake(home, monkeypatch)) == ["counts", "persons"]
    assert built_from_the_lake(home, monkeypatch) == []
    publish(home, 2)
    assert built_from_the_lake(home, monkeypatch) == ["counts"]
    assert query(home.warehouse, "SELECT trips FROM test.counts") == [(2,)]
    assert query(home.restricted_warehouse, "SELECT person FROM test.persons") == [(MARKER,)]
    [version] = query(home.warehouse, "SELECT table_name, version FROM published_versions")
    assert version == ("test/counts", 1)


def test_what_was_deleted_is_not_in_the_file_that_follows(home: Home) -> None:
    build(home)
    lake.publish(home, PERSONS, pl.LazyFrame(schema=PERSONS.schema), provenance())
    build(home)
    assert MARKER.encode() not in home.restricted_warehouse.read_bytes()


@pytest.mark.parametrize("kind", ["damaged", "of a former program", "held by a writer"])
def test_a_former_database_that_cannot_be_read_is_done_without(
    home: Home, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    build(home)
    holder = None
    if kind == "damaged":
        home.warehouse.write_bytes(b"no database")
    elif kind == "of a former program":
        with duckdb.connect(home.warehouse) as database:
            database.execute("DROP TABLE published_versions")
    else:
        # Another process: of one and the same, DuckDB knows that it holds the file.
        program = f"import duckdb, sys; held = duckdb.connect({str(home.warehouse)!r}); print('held'); sys.stdin.read()"
        command = [sys.executable, "-uc", program]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
    try:
        assert built_from_the_lake(home, monkeypatch) == ["counts"]
    finally:
        if holder is not None:
            holder.kill()
            holder.communicate()
    assert query(home.warehouse, "SELECT * FROM test.counts") == [(DAY, 1)]
