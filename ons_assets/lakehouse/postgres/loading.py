"""All tables into schemas of their own beside the old ones, and then one transaction in which they change places."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.postgres import statements
from ons_assets.lakehouse.postgres.former import left_over, renewed, swept, views_of_others
from ons_assets.lakehouse.postgres.server import Failed, NotLoaded, Server, connected, moment
from ons_assets.lakehouse.postgres.statements import NEW, OLD, Grid, at, name_of, reader_of, schema_of
from ons_assets.lakehouse.sql import literal, quoted
from ons_assets.lakehouse.tables import Catalogue, Sensitivity, Table

VERSIONS_ARE = "Which versions the tables of this schema are, and a hash of the names of their files."
COLUMNS_ARE = {
    "table_name": "Name of the table, as domain/table.",
    "version": "Version of it that was loaded.",
    "files_sha256": "Hash of its columns and the names of its files: where it is the same, the rows are.",
}
NOT_A_KEY = "23503"
# Roles are of all databases of a server: another load may make one at the same moment.
IS_THERE = ("42710", "23505")


@dataclass
class Loaded:
    """What was loaded.

    Parameters
    ----------
    rows
        Of each table.
    unkept
        References that do not hold, as tables are of different days, in sentences; such a one is no foreign key.
    behind
        Views of others that could not be given the new tables, ``schema.view``: they show the former ones, or are
        deleted if these are about single people.
    left
        Schemas of former loads that stay, as somebody reads them, or something of others depends on their tables.
    """

    rows: dict[str, int] = field(default_factory=dict)
    unkept: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def load(
    uri: str,
    home: Home,
    catalogue: Catalogue,
    sensitivities: Sequence[Sensitivity],
    comments: Mapping[str, str] | None = None,
    grid: Grid | None = None,
) -> Loaded:
    """Load the latest published versions of all tables into a PostgreSQL database.

    Tables that have not changed are copied on the server. Who reads sees all tables as they were or all as they are,
    and never waits. Views that others made on them are given the new tables. Schemas of other sensitivities, which a
    former load may have made, are deleted.

    Parameters
    ----------
    uri
        Of the database; see `server.connected`.
    home
        Whose tables are loaded.
    catalogue
        All tables.
    sensitivities
        Of the tables that are loaded.
    comments
        What is said of a table after its description.
    grid
        Of eastings and northings; positions become geometry where the server has PostGIS. None for plain columns.

    Raises
    ------
    NotLoaded
        If the server refuses; nothing has changed for those who read.
    NoType
        If a column has no type there.
    """
    tables = [each for each in catalogue.values() if each.sensitivity in sensitivities and lake.exists(home, each)]
    is_begun = False
    try:
        with connected(uri) as server:
            is_begun = True
            return _loaded(server, home, tables, _Wanted(sensitivities, comments or {}, grid))
    except BaseException:
        if is_begun:
            _discard(uri)
        raise


@dataclass(frozen=True)
class _Wanted:
    sensitivities: Sequence[Sensitivity]
    comments: Mapping[str, str]
    grid: Grid | None


def _loaded(server: Server, home: Home, tables: Sequence[Table], wanted: _Wanted) -> Loaded:
    loaded = Loaded()
    # Views that a former load could not renew, as somebody read them or it was killed, before what they show goes.
    behind = renewed(server, views_of_others(server, _aside(server)))
    swept(server)
    grid = wanted.grid and _with_postgis(server, wanted.grid)
    for sensitivity in wanted.sensitivities:
        _begin(server, sensitivity)
    former = {name: files for each in wanted.sensitivities for name, files in _former(server, each).items()}
    for table in tables:
        loaded.rows[table.name] = _table(server, home, table, former, grid)
        for statement in statements.commented(table, _new(table), wanted.comments.get(table.name), grid):
            server.run(statement, f"describing {table.name}")
    loaded.unkept += _references(server, tables)
    # Of those that show former tables, too: the new ones may have again what these views ask for.
    views = views_of_others(server, [*(schema_of(each) for each in Sensitivity), *_aside(server)])
    loaded.behind += [name for name in behind if name not in {".".join(each) for each in views}]
    aside = _swap(server, wanted.sensitivities)
    try:
        loaded.behind += renewed(server, views)
        loaded.left += swept(server)
    except Failed:
        # Readers have the new tables: it is no load that failed.
        loaded.left += aside
    return loaded


def _aside(server: Server) -> list[str]:
    return [each for each in left_over(server) if OLD in each]


def _discard(uri: str) -> None:
    """Delete what a load that ended had brought, rows of people among it; else that waits for the next one."""
    with suppress(NotLoaded), connected(uri) as server:
        for name in left_over(server):
            if name.endswith(NEW):
                server.run(f"DROP SCHEMA {quoted(name)} CASCADE", f"deleting {name}")


def _new(table: Table) -> str:
    return schema_of(table.sensitivity) + NEW


def _with_postgis(server: Server, grid: Grid) -> Grid | None:
    """Return the grid with the schema in which PostGIS is; None where it is not, or not for us."""
    found = server.run(
        "SELECT nspname::text FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace "
        "WHERE extname = 'postgis' AND has_schema_privilege(extnamespace, 'USAGE')",
        "looking for PostGIS",
    )
    return replace(grid, postgis=str(found[0][0])) if found else None


def _begin(server: Server, sensitivity: Sensitivity) -> None:
    schema, reader, doing = schema_of(sensitivity) + NEW, reader_of(sensitivity), "making schemas and roles"
    server.run(f"CREATE SCHEMA {quoted(schema)}", doing)
    versions = f"{quoted(schema)}.{statements.VERSIONS}"
    server.run(f"CREATE TABLE {versions} (table_name text PRIMARY KEY, version bigint, files_sha256 text)", doing)
    server.run(f"COMMENT ON TABLE {versions} IS {literal(VERSIONS_ARE)}", doing)
    for column, said in COLUMNS_ARE.items():
        server.run(f"COMMENT ON COLUMN {versions}.{column} IS {literal(said)}", doing)
    if not server.run(f"SELECT 1 FROM pg_roles WHERE rolname = {literal(reader)}", doing):
        try:
            server.run(f"CREATE ROLE {quoted(reader)} NOLOGIN", f"making the role {reader}")
        except Failed as error:
            if error.state not in IS_THERE:
                raise


def _former(server: Server, sensitivity: Sensitivity) -> dict[str, str]:
    versions = f"{schema_of(sensitivity)}.{statements.VERSIONS}"
    if server.run(f"SELECT to_regclass({literal(versions)})::text", "looking for former tables") == [(None,)]:
        return {}
    # Who owns the database may have deleted a table.
    name = f"format('%I.%I', {literal(schema_of(sensitivity))}, replace(table_name, '/', '_'))"
    rows = server.run(
        f"SELECT table_name, files_sha256 FROM {versions} WHERE to_regclass({name}) IS NOT NULL",
        "looking for former tables",
    )
    return {str(name): str(files) for name, files in rows}


def _table(server: Server, home: Home, table: Table, former: Mapping[str, str], grid: Grid | None) -> int:
    published, new, doing = DeltaTable(home.table(table.name)), _new(table), f"loading {table.name}"
    made = statements.created(table, new, grid)
    files = sha256("\n".join([made, *sorted(published.file_uris())]).encode()).hexdigest()
    server.run(made, doing)
    columns = ", ".join(quoted(name) for name in table.column_names)
    if former.get(table.name) == files:
        old = at(schema_of(table.sensitivity), table.name)
        server.run(f"INSERT INTO {at(new, table.name)} ({columns}) SELECT {columns} FROM ONLY {old}", doing)
    else:
        rows = published.to_pyarrow_dataset().scanner(columns=table.column_names).to_reader()
        server.append(_without_nul(rows), new, name_of(table.name), doing)
    server.run(statements.keyed(table, new), doing)
    version = f"({literal(table.name)}, {published.version()}, {literal(files)})"
    server.run(f"INSERT INTO {quoted(new)}.{statements.VERSIONS} VALUES {version}", doing)
    server.run(f"ANALYZE {at(new, table.name)}", doing)
    [(count,)] = server.run(f"SELECT count(*) FROM {at(new, table.name)}", doing)
    return int(count)


def _without_nul(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Give U+FFFD for NUL, which PostgreSQL keeps in no text: else one in a cell of a file is the end of every load."""
    schema = rows.schema
    texts = {each.name for each in schema if pa.types.is_string(each.type) or pa.types.is_large_string(each.type)}

    def columns(batch: pa.RecordBatch) -> list[pa.Array]:
        return [
            pc.replace_substring(column, "\0", "\ufffd") if name in texts else column
            for name, column in zip(schema.names, batch.columns, strict=True)
        ]

    batches = (pa.RecordBatch.from_arrays(columns(batch), schema=schema) for batch in rows)
    return pa.RecordBatchReader.from_batches(schema, batches)


def _references(server: Server, tables: Sequence[Table]) -> list[str]:
    loaded, unkept = {table.name: table for table in tables}, []
    for table in tables:
        for reference in table.references:
            if reference.table not in loaded:
                continue
            doing = f"relating {table.name} to {reference.table}"
            try:
                server.run(statements.referring(table, _new(table), reference, _new(loaded[reference.table])), doing)
            except Failed as error:
                if error.state != NOT_A_KEY:
                    raise
                names = ", ".join(reference.columns)
                unkept.append(f"{names} of {table.name} is not always in {reference.table}")
            if reference.columns != table.key[: len(reference.columns)]:
                server.run(statements.indexed(table, _new(table), reference), doing)
    return unkept


def _swap(server: Server, sensitivities: Sequence[Sensitivity]) -> list[str]:
    """Put the new schemas in the places of the old ones, and return what these are called now.

    Names of schemas are no locks on tables.
    """
    doing, now, aside = "changing schemas", moment(), []
    with server.transaction(doing):
        for sensitivity in Sensitivity:
            schema = schema_of(sensitivity)
            if server.run(f"SELECT 1 FROM pg_namespace WHERE nspname = {literal(schema)}", doing):
                aside.append(schema + OLD + now)
                server.run(f"ALTER SCHEMA {quoted(schema)} RENAME TO {quoted(aside[-1])}", doing)
            if sensitivity in sensitivities:
                server.run(f"ALTER SCHEMA {quoted(schema + NEW)} RENAME TO {quoted(schema)}", doing)
                reader = quoted(reader_of(sensitivity))
                server.run(f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {reader}", doing)
                server.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {quoted(schema)} TO {reader}", doing)
    return aside
