"""The analytical database for people: every published table in one DuckDB file.

It is built beside the old file and put in its place in one step, so that who reads it never waits
for the pipeline, and the pipeline never for a reader. Individual tables go into a second file, in a
folder that only its owner can open.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable

from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import PRIVATE_FILE, Home, unfinished
from ons_assets.lakehouse.tables import Catalogue, Table


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
    _run(connection, f"ATTACH {_literal(str(partial))} AS built")
    try:
        rows = {table.name: _copy(connection, home, table, comments.get(table.name)) for table in tables}
        # Kept without the name under which the file is attached here: it has another one later.
        _run(connection, "USE built")
        for view in views:
            _run(connection, f'CREATE VIEW "{view.name}" AS {view.query}')
            _run(connection, f'COMMENT ON VIEW "{view.name}" IS {_literal(view.comment)}')
        _run(connection, "CHECKPOINT built")
    finally:
        _run(connection, "USE memory")
        _run(connection, "DETACH built")
    partial.chmod(PRIVATE_FILE if target == home.restricted_warehouse else 0o644)
    partial.replace(target)
    return rows


def _copy(connection: duckdb.DuckDBPyConnection, home: Home, table: Table, comment: str | None) -> int:
    name = f'built."{table.domain}"."{table.short_name}"'
    columns = ", ".join(f'"{column}"' for column in table.column_names)
    _run(connection, f'CREATE SCHEMA IF NOT EXISTS built."{table.domain}"')
    connection.register("published", DeltaTable(home.table(table.name)).to_pyarrow_dataset())
    [(rows,)] = _run(connection, f"CREATE TABLE {name} AS SELECT {columns} FROM published")
    connection.unregister("published")
    described = f"{table.description} Key: {', '.join(table.key)}.{f' {comment}' if comment else ''}"
    _run(connection, f"COMMENT ON TABLE {name} IS {_literal(described)}")
    for column in table.columns:
        _run(connection, f'COMMENT ON COLUMN {name}."{column.name}" IS {_literal(column.description)}')
    return int(rows)


def _run(connection: duckdb.DuckDBPyConnection, statement: str) -> list[tuple[Any, ...]]:
    # A result that is not fetched keeps the connection busy.
    return connection.execute(statement).fetchall()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
