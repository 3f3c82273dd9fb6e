"""The tables of the ledger, and how one of an older version becomes one of now."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS drops (
    drop_id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT,
    size_bytes INTEGER NOT NULL,
    received_utc TEXT NOT NULL,
    status TEXT NOT NULL,
    days TEXT NOT NULL DEFAULT '[]',
    parsed_rows INTEGER,
    accepted_rows INTEGER,
    quarantined_rows INTEGER,
    reason TEXT,
    run_id TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    arrival INTEGER NOT NULL DEFAULT 0,
    layout TEXT,
    layout_sha256 TEXT,
    usable INTEGER,
    expected INTEGER,
    rows_in_force INTEGER,
    modified_ns INTEGER,
    is_individual INTEGER NOT NULL DEFAULT 0
);
"""
# Contents that are no longer in the archive, because records were erased from them; and what was erased, never whom.
ERASED_SCHEMA = """
CREATE TABLE IF NOT EXISTS erased_contents (
    source TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    drop_id INTEGER NOT NULL,
    erasure_id INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    PRIMARY KEY (source, sha256, erasure_id)
);
CREATE TABLE IF NOT EXISTS erasures (
    erasure_id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    begun_utc TEXT NOT NULL,
    finished_utc TEXT,
    files INTEGER,
    rows INTEGER,
    tables INTEGER
);
"""
# Each is asked for at every arrival; without them, arrivals take the longer the more there were.
INDEXES = """
CREATE UNIQUE INDEX IF NOT EXISTS one_content_one_drop
    ON drops (source, sha256) WHERE status != 'duplicate' AND NOT (status = 'refused' AND run_id IS NULL);
CREATE INDEX IF NOT EXISTS by_source ON drops (source, status);
CREATE INDEX IF NOT EXISTS by_content ON drops (source, sha256);
CREATE INDEX IF NOT EXISTS by_name ON drops (source, name);
CREATE INDEX IF NOT EXISTS by_arrival ON drops (arrival);
"""
# Columns that ledgers of version 0.1 lack.
ADDED = {
    "arrival": "INTEGER NOT NULL DEFAULT 0",
    "layout": "TEXT",
    "layout_sha256": "TEXT",
    "usable": "INTEGER",
    "expected": "INTEGER",
    "rows_in_force": "INTEGER",
    "modified_ns": "INTEGER",
    "is_individual": "INTEGER NOT NULL DEFAULT 0",
}
# Of a home, kept in its ledger: raised when a program of before could not go on with what a later one wrote anywhere in
# it. Homes of before there were numbers have 0, and are brought up to date when their ledger is opened.
FORMAT = 1


class NewerHome(ValueError):
    """A home was written by a later program than this one; the message is one sentence."""


def _format(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def bring_up_to_date(connection: sqlite3.Connection, root: Path) -> None:
    """Make what a ledger of before lacks, all of it or, if the process dies, nothing.

    Parameters
    ----------
    connection
        To the ledger.
    root
        Of its home.

    Raises
    ------
    NewerHome
        If a later program wrote it; nothing was changed.
    """
    if (found := _format(connection)) > FORMAT:
        raise NewerHome(
            f"the home {root} was written by a newer ons-assets (its format is {found}, and this program knows "
            f"{FORMAT}): install that one or a later one, or put back a backup of before"
        )
    if found == FORMAT:
        # It is not written to: many open it, and one of them may be writing.
        return
    connection.execute("BEGIN IMMEDIATE")
    for statement in _statements(SCHEMA + ERASED_SCHEMA):
        connection.execute(statement)
    present = {row["name"] for row in connection.execute("PRAGMA table_info(drops)")}
    for name in ADDED.keys() - present:
        connection.execute(f"ALTER TABLE drops ADD COLUMN {name} {ADDED[name]}")
    if "arrival" not in present:
        connection.execute("UPDATE drops SET arrival = drop_id")
    for statement in _statements(INDEXES):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def _statements(script: str) -> Iterator[str]:
    # What SQLite runs as a script begins with a commit.
    yield from (each for each in script.split(";") if each.strip())
