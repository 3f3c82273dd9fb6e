"""All tables into schemas of their own beside the old ones, and then one transaction in which they change places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from deltalake import DeltaTable

from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.postgres import statements
from ons_assets.lakehouse.postgres.server import Failed, Server, connected, moment
from ons_assets.lakehouse.postgres.statements import Grid, at, literal, name_of, quoted, reader_of, schema_of
from ons_assets.lakehouse.tables import Catalogue, Sensitivity, Table

NEW = "_new"
OLD = "_old_"
VERSIONS_ARE = "Which versions the tables of this schema are, and a hash of the names of their files."
# Who reads an old table may go on; what is put aside goes at the next load, if not now.
PATIENCE_SECONDS = 5
NOT_A_KEY, IS_READ = "23503", "55P03"


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
        Schemas of former loads that stay, as somebody reads them, or such a view does.
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
    loaded = Loaded()
    with connected(uri) as server:
        _sweep(server)
        if grid is not None and not server.run("SELECT 1 FROM pg_extension WHERE extname = 'postgis'", "looking"):
            grid = None
        for sensitivity in sensitivities:
            _begin(server, sensitivity)
        former = {name: files for each in sensitivities for name, files in _former(server, each).items()}
        for table in tables:
            loaded.rows[table.name] = _table(server, home, table, former, grid)
            for statement in statements.commented(table, _new(table), (comments or {}).get(table.name)):
                server.run(statement, f"describing {table.name}")
        loaded.unkept += _references(server, tables)
        views = _views_of_others(server, [schema_of(each) for each in Sensitivity])
        _swap(server, sensitivities)
        loaded.behind += _renewed(server, views)
        loaded.left += _sweep(server)
    return loaded


def _new(table: Table) -> str:
    return schema_of(table.sensitivity) + NEW


def _sweep(server: Server) -> list[str]:
    """Delete what former loads left, parts of one that was killed and tables that nobody reads; return the rest."""
    found = server.run(
        f"SELECT nspname::text FROM pg_namespace WHERE {_is_left_over()} ORDER BY 1", "looking for former schemas"
    )
    server.run(f"SET lock_timeout = '{PATIENCE_SECONDS}s'", "setting up")
    left = [str(name) for (name,) in found if not _is_deleted(server, str(name))]
    server.run("SET lock_timeout = 0", "setting up")
    return left


def _is_deleted(server: Server, schema: str) -> bool:
    """Delete a schema, unless somebody reads it now, or a view of others does; for none stays what is about people."""
    is_individual = schema.startswith(schema_of(Sensitivity.INDIVIDUAL))
    if not is_individual and _views_of_others(server, [schema]):
        return False
    try:
        server.run(f"DROP SCHEMA {quoted(schema)} CASCADE", f"deleting {schema}")
    except Failed as error:
        if error.state != IS_READ:
            raise
        return False
    return True


def _views_of_others(server: Server, schemas: Sequence[str]) -> dict[tuple[str, str], str | None]:
    """Views beside our schemas on tables in some, with their queries; None of a materialised one, which keeps its."""
    names = ", ".join(literal(name) for name in schemas)
    server.run("SET search_path = ''", "setting up")
    found = server.run(
        f"""
        SELECT DISTINCT of_view.nspname::text, view.relname::text,
            CASE view.relkind WHEN 'v' THEN pg_get_viewdef(view.oid) END
        FROM pg_depend
        JOIN pg_rewrite ON pg_rewrite.oid = pg_depend.objid
        JOIN pg_class AS view ON view.oid = pg_rewrite.ev_class
        JOIN pg_namespace AS of_view ON of_view.oid = view.relnamespace
        JOIN pg_class AS ours ON ours.oid = pg_depend.refobjid
        JOIN pg_namespace AS of_ours ON of_ours.oid = ours.relnamespace
        WHERE pg_depend.classid = 'pg_rewrite'::regclass AND pg_depend.refclassid = 'pg_class'::regclass
            AND of_ours.nspname IN ({names}) AND of_view.nspname NOT IN ({names}) ORDER BY 1, 2
        """,
        "looking for views of others",
    )
    server.run("RESET search_path", "setting up")
    return {(str(schema), str(view)): query for schema, view, query in found}


def _renewed(server: Server, views: Mapping[tuple[str, str], str | None]) -> list[str]:
    """Give views the tables that stand now under the names in their queries, and return those that cannot have them."""
    behind = []
    for (schema, view), query in views.items():
        try:
            if query is None:
                raise Failed("renewing a view", None)
            server.run(f"CREATE OR REPLACE VIEW {quoted(schema)}.{quoted(view)} AS {query}", "renewing a view")
        except Failed:
            behind.append(f"{schema}.{view}")
    return behind


def _is_left_over() -> str:
    ours = [schema_of(each) for each in Sensitivity]
    return " OR ".join(
        f"nspname = {literal(name + NEW)} OR starts_with(nspname, {literal(name + OLD)})" for name in ours
    )


def _begin(server: Server, sensitivity: Sensitivity) -> None:
    schema, reader, doing = schema_of(sensitivity) + NEW, reader_of(sensitivity), "making schemas and roles"
    server.run(f"CREATE SCHEMA {quoted(schema)}", doing)
    versions = f"{quoted(schema)}.{statements.VERSIONS}"
    server.run(f"CREATE TABLE {versions} (table_name text PRIMARY KEY, version bigint, files_sha256 text)", doing)
    server.run(f"COMMENT ON TABLE {versions} IS {literal(VERSIONS_ARE)}", doing)
    if not server.run(f"SELECT 1 FROM pg_roles WHERE rolname = {literal(reader)}", doing):
        server.run(f"CREATE ROLE {quoted(reader)} NOLOGIN", f"making the role {reader}")


def _former(server: Server, sensitivity: Sensitivity) -> dict[str, str]:
    versions = f"{schema_of(sensitivity)}.{statements.VERSIONS}"
    if server.run(f"SELECT to_regclass({literal(versions)})::text", "looking for former tables") == [(None,)]:
        return {}
    rows = server.run(f"SELECT table_name, files_sha256 FROM {versions}", "looking for former tables")
    return {str(name): str(files) for name, files in rows}


def _table(server: Server, home: Home, table: Table, former: Mapping[str, str], grid: Grid | None) -> int:
    published, new, doing = DeltaTable(home.table(table.name)), _new(table), f"loading {table.name}"
    made = statements.created(table, new, grid)
    files = sha256("\n".join([made, *sorted(published.file_uris())]).encode()).hexdigest()
    server.run(made, doing)
    columns = ", ".join(quoted(name) for name in table.column_names)
    if former.get(table.name) == files:
        old = at(schema_of(table.sensitivity), table.name)
        server.run(f"INSERT INTO {at(new, table.name)} ({columns}) SELECT {columns} FROM {old}", doing)
    else:
        rows = published.to_pyarrow_dataset().scanner(columns=table.column_names).to_reader()
        server.append(rows, new, name_of(table.name), doing)
    server.run(statements.keyed(table, new), doing)
    version = f"({literal(table.name)}, {published.version()}, {literal(files)})"
    server.run(f"INSERT INTO {quoted(new)}.{statements.VERSIONS} VALUES {version}", doing)
    server.run(f"ANALYZE {at(new, table.name)}", doing)
    [(count,)] = server.run(f"SELECT count(*) FROM {at(new, table.name)}", doing)
    return int(count)


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


def _swap(server: Server, sensitivities: Sequence[Sensitivity]) -> None:
    """Put the new schemas in the places of the old ones; names of schemas are no locks on tables."""
    doing, now = "changing schemas", moment()
    with server.transaction(doing):
        for sensitivity in Sensitivity:
            schema = schema_of(sensitivity)
            if server.run(f"SELECT 1 FROM pg_namespace WHERE nspname = {literal(schema)}", doing):
                server.run(f"ALTER SCHEMA {quoted(schema)} RENAME TO {quoted(schema + OLD + now)}", doing)
            if sensitivity in sensitivities:
                server.run(f"ALTER SCHEMA {quoted(schema + NEW)} RENAME TO {quoted(schema)}", doing)
                reader = quoted(reader_of(sensitivity))
                server.run(f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {reader}", doing)
                server.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {quoted(schema)} TO {reader}", doing)
