"""The ledger of releases: who approved what, what the auditor found, and what became of it.

It is a SQLite file beside the folders of the releases. Each folder holds the same of its own release, so that the loss
of either is seen (`ons_assets.governance.releases.shelf.faults`). The asset `governance/release_ledger` publishes it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

import polars as pl

from ons_assets.catalogue.governance import RELEASE_LEDGER
from ons_assets.lakehouse.home import PRIVATE_FILE, Home


class ReleaseStatus(StrEnum):
    """What became of a release."""

    # Written before the folder is put in its place; nobody reads it but who finds it after a crash.
    MAKING = "making"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


@dataclass(frozen=True)
class Entry:
    """A row of the ledger.

    Parameters
    ----------
    table_name
        Table.
    lake_version, data_version
        What it was made of: version of the table in the lake, and the hash of code, suite, settings and inputs there.
    made_utc
        When it was released or refused.
    approved_by, approval_reason
        As they were given.
    release_status
        See `ReleaseStatus`.
    figures_attacked, cells_exposed, attacked_with
        What the auditor attacked, what it learned, and how many earlier releases it had; the first two are None where
        nothing can be attacked.
    release_version
        None where it was refused.
    refusal
        Why it was refused, in a sentence without a figure of the table.
    manifest_sha256
        Hash of the manifest of its folder.
    withdrawn_utc, withdrawn_reason
        When and why it was withdrawn; its folder stays.
    entry_id
        Number of the row; 0 before it is written.
    """

    table_name: str
    lake_version: int
    data_version: str
    made_utc: datetime
    approved_by: str
    approval_reason: str | None
    release_status: ReleaseStatus
    figures_attacked: int | None
    cells_exposed: int | None
    attacked_with: int
    release_version: int | None = None
    refusal: str | None = None
    manifest_sha256: str | None = None
    withdrawn_utc: datetime | None = None
    withdrawn_reason: str | None = None
    entry_id: int = 0


SCHEMA = """
CREATE TABLE IF NOT EXISTS releases (
    entry_id INTEGER PRIMARY KEY,
    table_name TEXT NOT NULL,
    release_version INTEGER,
    lake_version INTEGER NOT NULL,
    data_version TEXT NOT NULL,
    made_utc TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    approval_reason TEXT,
    release_status TEXT NOT NULL,
    figures_attacked INTEGER,
    cells_exposed INTEGER,
    attacked_with INTEGER NOT NULL,
    refusal TEXT,
    manifest_sha256 TEXT,
    withdrawn_utc TEXT,
    withdrawn_reason TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS one_version_one_release ON releases (table_name, release_version);
"""
TIMES = ("made_utc", "withdrawn_utc")


class ReleaseLedger:
    """Reads and writes the ledger of releases of one home."""

    def __init__(self, home: Home) -> None:
        self._path = home.release_ledger
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._connect() as connection:
            connection.executescript(SCHEMA)
        self._path.chmod(PRIVATE_FILE)

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=60, isolation_level="IMMEDIATE")
        connection.row_factory = sqlite3.Row
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def add(self, entry: Entry) -> Entry:
        """Write a row, and return it with its number."""
        values = {name: value for name, value in _plain(entry).items() if name != "entry_id"}
        with self._connect() as connection:
            names, marks = ", ".join(values), ", ".join("?" * len(values))
            written = connection.execute(f"INSERT INTO releases ({names}) VALUES ({marks})", [*values.values()])
            assert written.lastrowid is not None
            return replace(entry, entry_id=written.lastrowid)

    def finish(self, entry: Entry, manifest_sha256: str) -> None:
        """Say that the folder of a release is in its place."""
        self._set(entry, {"release_status": ReleaseStatus.RELEASED, "manifest_sha256": manifest_sha256})

    def forget(self, entry: Entry) -> None:
        """Delete the row of a release that never came to be."""
        with self._connect() as connection:
            connection.execute(
                "DELETE FROM releases WHERE entry_id = ? AND release_status = ?", (entry.entry_id, ReleaseStatus.MAKING)
            )

    def withdraw(self, entry: Entry, reason: str) -> None:
        """Say that a release is not to be used any more, and why."""
        now = datetime.now(UTC).isoformat()
        status = ReleaseStatus.WITHDRAWN
        self._set(entry, {"release_status": status, "withdrawn_utc": now, "withdrawn_reason": reason})

    def _set(self, entry: Entry, values: dict[str, str]) -> None:
        with self._connect() as connection:
            assigned = ", ".join(f"{name} = ?" for name in values)
            connection.execute(f"UPDATE releases SET {assigned} WHERE entry_id = ?", [*values.values(), entry.entry_id])

    def entries(self, table: str | None = None) -> list[Entry]:
        """Return the rows in their order; of one table, or of all."""
        with self._connect() as connection:
            rows = connection.execute("SELECT * FROM releases ORDER BY entry_id").fetchall()
        return [_entry(row) for row in rows if table in (None, row["table_name"])]

    def frame(self) -> pl.DataFrame:
        """Return the rows of `governance/release_ledger`."""
        rows = [asdict(each) for each in self.entries() if each.release_status is not ReleaseStatus.MAKING]
        return pl.DataFrame(
            [{name: row[name] for name in RELEASE_LEDGER.column_names} for row in rows], schema=RELEASE_LEDGER.schema
        )


def _plain(entry: Entry) -> dict[str, object]:
    values = asdict(entry)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _entry(row: sqlite3.Row) -> Entry:
    values = dict(row)
    for name in TIMES:
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Entry(**{**values, "release_status": ReleaseStatus(values["release_status"])})
