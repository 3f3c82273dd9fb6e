"""What former loads left on the server, and what others built on it: views are renewed, nothing else is touched."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ons_assets.lakehouse.postgres.server import Failed, Server
from ons_assets.lakehouse.postgres.statements import NEW, OLD, schema_of
from ons_assets.lakehouse.sql import literal, quoted
from ons_assets.lakehouse.tables import Sensitivity

# Who reads an old table may go on; what is put aside goes at the next load, if not now.
PATIENCE_SECONDS = 5
# A lock that was not given in time, or only against another one, or a statement that took too long.
IS_READ = ("55P03", "40P01", "57014")
NAMES_OF_OLD = re.compile(rf"\b({'|'.join(schema_of(each) for each in Sensitivity)}){OLD}[0-9]+(?=\.)")


def left_over(server: Server) -> list[str]:
    """Return the schemas that former loads left, in order."""
    query = f"SELECT nspname::text FROM pg_namespace WHERE {_is_left_over()} ORDER BY 1"
    return [str(name) for (name,) in server.run(query, "looking for former schemas")]


def _is_left_over() -> str:
    ours = [schema_of(each) for each in Sensitivity]
    return " OR ".join(
        f"nspname = {literal(name + NEW)} OR starts_with(nspname, {literal(name + OLD)})" for name in ours
    )


def swept(server: Server) -> list[str]:
    """Delete what former loads left, parts of one that was killed and tables that nobody reads; return the rest."""
    with _patience(server):
        return [name for name in left_over(server) if not _is_deleted(server, name)]


def _is_deleted(server: Server, schema: str) -> bool:
    """Delete a schema, unless somebody reads or others build on it; for nobody stays what is about people."""
    is_individual = schema.startswith(schema_of(Sensitivity.INDIVIDUAL))
    if not is_individual and _is_built_on(server, schema):
        return False
    try:
        server.run(f"DROP SCHEMA {quoted(schema)} CASCADE", f"deleting {schema}")
    except Failed as error:
        if error.state not in IS_READ:
            raise
        return False
    return True


def _is_built_on(server: Server, schema: str) -> bool:
    """Whether something beside our schemas would be deleted with one: a view, a function, a key, a table that inherits.

    Not only views: CASCADE deletes others' tables and columns with all that is in them, and says nothing.
    """
    ours = ", ".join(literal(schema_of(each)) for each in Sensitivity)
    found = server.run(
        f"""
        WITH things AS (
            SELECT 'pg_class'::regclass::oid AS kind, oid, relnamespace AS schema FROM pg_class
            UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace FROM pg_type
            UNION ALL SELECT 'pg_constraint'::regclass, oid, connamespace FROM pg_constraint
            UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc
            UNION ALL SELECT 'pg_rewrite'::regclass, pg_rewrite.oid, relnamespace
                FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class
        )
        SELECT 1 FROM pg_depend
        JOIN things AS ours ON ours.kind = refclassid AND ours.oid = refobjid
        JOIN things AS theirs ON theirs.kind = classid AND theirs.oid = objid
        JOIN pg_namespace ON pg_namespace.oid = theirs.schema
        WHERE ours.schema = {literal(quoted(schema))}::regnamespace
            AND NOT (nspname IN ('pg_toast', {ours}) OR {_is_left_over()}) LIMIT 1
        """,
        "looking for what others built",
    )
    return bool(found)


def views_of_others(server: Server, schemas: Sequence[str]) -> dict[tuple[str, str], str | None]:
    """Views beside our schemas on tables in some, with their options and queries; None of a materialised one."""
    if not schemas:
        return {}
    names = ", ".join(literal(name) for name in schemas)
    server.run("SET search_path = ''", "setting up")
    found = server.run(
        f"""
        SELECT DISTINCT of_view.nspname::text, view.relname::text,
            CASE view.relkind WHEN 'v' THEN
                coalesce('WITH (' || array_to_string(view.reloptions, ', ') || ') ', '')
                || 'AS ' || pg_get_viewdef(view.oid) END
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


def renewed(server: Server, views: Mapping[tuple[str, str], str | None]) -> list[str]:
    """Give views the tables that stand now under the names in their queries, and return those that cannot have them."""
    with _patience(server):
        return [
            f"{schema}.{view}" for (schema, view), made in views.items() if not _is_renewed(server, schema, view, made)
        ]


def _is_renewed(server: Server, schema: str, view: str, made: str | None) -> bool:
    if made is None:
        return False
    query = NAMES_OF_OLD.sub(r"\1", made)
    try:
        server.run(f"CREATE OR REPLACE VIEW {quoted(schema)}.{quoted(view)} {query}", "renewing a view")
    except Failed:
        return False
    return True


@contextmanager
def _patience(server: Server) -> Iterator[None]:
    """Wait for locks that long only: others wait behind who waits for one."""
    server.run(f"SET lock_timeout = '{PATIENCE_SECONDS}s'", "setting up")
    yield
    server.run("SET lock_timeout = 0", "setting up")
