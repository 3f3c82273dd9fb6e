"""The analytical database for people: every published table in one DuckDB file.

It is built beside the old file and put in its place in one step, so that who reads it never waits
for the pipeline, and the pipeline never for a reader. Individual tables go into a second file, in a
folder that only its owner can open.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable

from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import PRIVATE_FILE, Home, unfinished
from ons_assets.lakehouse.tables import Catalogue, Table


def build(connection: duckdb.DuckDBPyConnection, home: Home, catalogue: Catalogue) -> dict[str, int]:
    """Build both databases from the latest published versions, and return the rows of each table.

    Parameters
    ----------
    connection
        A connection to a database in memory, to which the new files are attached.
    """
    published = [table for table in catalogue.values() if lake.exists(home, table)]
    individual = [table for table in published if table.is_individual]
    rows = _build_file(connection, home, home.warehouse, [table for table in published if not table.is_individual])
    return rows | _build_file(connection, home, home.restricted_warehouse, individual)


def _build_file(
    connection: duckdb.DuckDBPyConnection, home: Home, target: Path, tables: Iterable[Table]
) -> dict[str, int]:
    partial = unfinished(target)
    _run(connection, f"ATTACH {_literal(str(partial))} AS built")
    try:
        rows = {table.name: _copy(connection, home, table) for table in tables}
        _run(connection, "CHECKPOINT built")
    finally:
        _run(connection, "DETACH built")
    partial.chmod(PRIVATE_FILE if target == home.restricted_warehouse else 0o644)
    partial.replace(target)
    return rows


def _copy(connection: duckdb.DuckDBPyConnection, home: Home, table: Table) -> int:
    name = f'built."{table.domain}"."{table.short_name}"'
    columns = ", ".join(f'"{column}"' for column in table.column_names)
    _run(connection, f'CREATE SCHEMA IF NOT EXISTS built."{table.domain}"')
    connection.register("published", DeltaTable(home.table(table.name)).to_pyarrow_dataset())
    [(rows,)] = _run(connection, f"CREATE TABLE {name} AS SELECT {columns} FROM published")
    connection.unregister("published")
    described = f"{table.description} Key: {', '.join(table.key)}."
    _run(connection, f"COMMENT ON TABLE {name} IS {_literal(described)}")
    for column in table.columns:
        _run(connection, f'COMMENT ON COLUMN {name}."{column.name}" IS {_literal(column.description)}')
    return int(rows)


def _run(connection: duckdb.DuckDBPyConnection, statement: str) -> list[tuple[Any, ...]]:
    # A result that is not fetched keeps the connection busy.
    return connection.execute(statement).fetchall()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
