"""The analytical database for people: every published table in one DuckDB file.

It is built beside the old file and put in its place in one step, so that who reads it never waits
for the pipeline, and the pipeline never for a reader. Individual tables go into a second file, in a
folder that only its owner can open. Tables that have not changed are taken from the old file, which costs
a fraction of reading them; the new one never holds what was deleted from the old.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable

from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import PRIVATE_FILE, Home, unfinished
from ons_assets.lakehouse.sql import literal
from ons_assets.lakehouse.tables import Catalogue, Table

VERSIONS = "published_versions"
VERSIONS_ARE = (
    "Which versions the tables of this database are, and a hash of the names of their files: where it is the same, the "
    "rows are."
)


@dataclass(frozen=True)
class View:
    """A question to one table of the database, kept under a name.

    Parameters
    ----------
    of
        The table; without it there is no view.
    query
        In SQL, with tables as `schema.table`.
    comment
        What it shows.
    """

    name: str
    of: str
    query: str
    comment: str


def build(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    catalogue: Catalogue,
    comments: Mapping[str, str] | None = None,
    views: Sequence[View] = (),
) -> dict[str, int]:
    """Build both databases from the latest published versions, and return the rows of each table.

    Parameters
    ----------
    connection
        A connection to a database in memory, to which the new files are attached.
    comments
        What is said of a table after its description.
    views
        Of tables that are not individual.
    """
    comments = comments or {}
    # It would stand on the terminal of the services, line by line.
    connection.execute("SET enable_progress_bar = false")
    published = [table for table in catalogue.values() if lake.exists(home, table)]
    individual = [table for table in published if table.is_individual]
    others = [table for table in published if not table.is_individual]
    names = {table.name for table in others}
    rows = _build_file(connection, home, home.warehouse, others, comments, [each for each in views if each.of in names])
    return rows | _build_file(connection, home, home.restricted_warehouse, individual, comments, ())


def _build_file(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    target: Path,
    tables: Iterable[Table],
    comments: Mapping[str, str],
    views: Iterable[View],
) -> dict[str, int]:
    partial = unfinished(target)
    _run(connection, f"ATTACH {literal(str(partial))} AS built")
    try:
        with _former(connection, target) as former, _at_once(connection):
            _run(
                connection, f"CREATE TABLE built.{VERSIONS} (table_name VARCHAR, version BIGINT, files_sha256 VARCHAR)"
            )
            _run(connection, f"COMMENT ON TABLE built.{VERSIONS} IS {literal(VERSIONS_ARE)}")
            rows = {table.name: _copy(connection, home, table, comments.get(table.name), former) for table in tables}
        # Kept without the name under which the file is attached here: it has another one later.
        _run(connection, "USE built")
        for view in views:
            _run(connection, f'CREATE VIEW "{view.name}" AS {view.query}')
            _run(connection, f'COMMENT ON VIEW "{view.name}" IS {literal(view.comment)}')
        _run(connection, "CHECKPOINT built")
    finally:
        _run(connection, "USE memory")
        _run(connection, "DETACH built")
    partial.chmod(PRIVATE_FILE if target == home.restricted_warehouse else 0o644)
    partial.replace(target)
    return rows


@contextmanager
def _at_once(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Have what is run be one transaction: most of it are comments of columns, each of which would be written alone."""
    _run(connection, "BEGIN")
    try:
        yield
    except BaseException:
        _run(connection, "ROLLBACK")
        raise
    _run(connection, "COMMIT")


@contextmanager
def _former(connection: duckdb.DuckDBPyConnection, target: Path) -> Iterator[Mapping[str, str]]:
    """Attach the database that is replaced, and give the hashes of its tables; none if it cannot be read now."""
    hashes: dict[str, str] = {}
    try:
        if target.exists():
            _run(connection, f"ATTACH {literal(str(target))} AS former (READ_ONLY)")
            hashes = dict(_run(connection, f"SELECT table_name, files_sha256 FROM former.{VERSIONS}"))
    except duckdb.Error:
        # Somebody may have opened it to write into it, or a former program made it.
        pass
    try:
        yield hashes
    finally:
        _run(connection, "DETACH DATABASE IF EXISTS former")


def _copy(
    connection: duckdb.DuckDBPyConnection, home: Home, table: Table, comment: str | None, former: Mapping[str, str]
) -> int:
    of_table = f'"{table.domain}"."{table.short_name}"'
    name, columns = f"built.{of_table}", ", ".join(f'"{column}"' for column in table.column_names)
    published = DeltaTable(home.table(table.name))
    files = sha256("\n".join([columns, *sorted(published.file_uris())]).encode()).hexdigest()
    _run(connection, f'CREATE SCHEMA IF NOT EXISTS built."{table.domain}"')
    if former.get(table.name) == files:
        [(rows,)] = _run(connection, f"CREATE TABLE {name} AS SELECT {columns} FROM former.{of_table}")
    else:
        connection.register("published", published.to_pyarrow_dataset())
        [(rows,)] = _run(connection, f"CREATE TABLE {name} AS SELECT {columns} FROM published")
        connection.unregister("published")
    connection.execute(f"INSERT INTO built.{VERSIONS} VALUES (?, ?, ?)", [table.name, published.version(), files])
    described = f"{table.description} Key: {', '.join(table.key)}.{f' {comment}' if comment else ''}"
    _run(connection, f"COMMENT ON TABLE {name} IS {literal(described)}")
    for column in table.columns:
        _run(connection, f'COMMENT ON COLUMN {name}."{column.name}" IS {literal(column.description)}')
    return int(rows)


def _run(connection: duckdb.DuckDBPyConnection, statement: str) -> list[tuple[Any, ...]]:
    # A result that is not fetched keeps the connection busy.
    return connection.execute(statement).fetchall()
