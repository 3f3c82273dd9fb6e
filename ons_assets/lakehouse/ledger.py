"""The ledger: one row for every file that ever arrived, whatever became of it.

It is a SQLite file, because a daemon, several runs and a command line write to it at once and a row
must survive a crash. The asset `governance/drop_ledger` publishes it to the lake.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import polars as pl

from ons_assets.lakehouse.home import PRIVATE_FILE, Home


class Status(StrEnum):
    """What became of a drop."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Drop:
    """A file as the ledger knows it.

    Parameters
    ----------
    drop_id
        Number of the row, in order of arrival.
    sha256
        Hash of the content; None where there was nothing to hash (a directory).
    days
        Local days for which the file holds rows; empty for sources without days.
    parsed_rows, accepted_rows, quarantined_rows
        Rows in = rows accepted + rows quarantined; None until the file was read.
    attempts
        Runs that were asked to read the file.
    """

    drop_id: int
    source: str
    name: str
    sha256: str | None
    size_bytes: int
    received_utc: datetime
    status: Status
    days: tuple[date, ...]
    parsed_rows: int | None
    accepted_rows: int | None
    quarantined_rows: int | None
    reason: str | None
    run_id: str | None
    attempts: int


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
    attempts INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS one_content_one_drop
    ON drops (source, sha256) WHERE status != 'duplicate' AND NOT (status = 'refused' AND run_id IS NULL);
CREATE INDEX IF NOT EXISTS by_source ON drops (source, status);
"""


class Ledger:
    """Reads and writes the ledger of one home."""

    def __init__(self, home: Home) -> None:
        self._path = home.ledger
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

    def receive(
        self,
        source: str,
        name: str,
        sha256: str | None,
        size_bytes: int,
        received_utc: datetime,
        days: Iterable[date] = (),
        *,
        unreadable: str | None = None,
        quarantined: int = 0,
    ) -> Drop:
        """Write the row of a file that arrived, and return it.

        The same content under the same name is the same drop: the row that is there is returned; if a
        later file had replaced it, it waits again, and now counts as the later one. The
        same content under another name becomes a row with the status `duplicate`, unless nothing in it
        could be read: every empty file is a fault of its own.

        Parameters
        ----------
        unreadable
            Why nothing in the file can be read; then it is refused at once.
        quarantined
            Rows of such a file.
        """
        with self._connect() as connection:
            # Before the first look, so that nobody writes the same content in between.
            connection.execute("BEGIN IMMEDIATE")
            same = connection.execute(
                "SELECT * FROM drops WHERE source = ? AND sha256 IS ? AND name = ? AND size_bytes = ?",
                (source, sha256, name, size_bytes),
            ).fetchone()
            if same is not None and same["status"] == Status.SUPERSEDED:
                # The supplier has gone back to what a later file had replaced.
                again = "UPDATE drops SET status = ?, received_utc = ?, attempts = 0 WHERE drop_id = ? RETURNING *"
                values = (Status.RECEIVED, received_utc.isoformat(), same["drop_id"])
                return _drop(connection.execute(again, values).fetchone())
            if same is not None:
                return _drop(same)
            rows = None
            if unreadable is not None:
                status, reason, rows = Status.REFUSED, unreadable, quarantined
            elif (known := _with_content(connection, source, sha256)) is not None:
                status, reason = Status.DUPLICATE, f"{name} has the same content as {known['name']}"
            else:
                status, reason = Status.RECEIVED, None
            inserted = connection.execute(
                "INSERT INTO drops (source, name, sha256, size_bytes, received_utc, status, days, reason,"
                " parsed_rows, accepted_rows, quarantined_rows)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
                (
                    source,
                    name,
                    sha256,
                    size_bytes,
                    received_utc.isoformat(),
                    status,
                    _days_json(days),
                    reason,
                    rows,
                    None if rows is None else 0,
                    rows,
                ),
            ).fetchone()
        return _drop(inserted)

    def receive_again(self, drop: Drop, days: Iterable[date]) -> Drop:
        """Write that a refused drop is to be read once more, and return its row."""
        with self._connect() as connection:
            known = _with_content(connection, drop.source, drop.sha256)
        if known is not None and known["drop_id"] != drop.drop_id:
            reason = f"{drop.name} has the same content as {known['name']}"
            return self._update(drop, status=Status.DUPLICATE, days=days, reason=reason)
        return self._update(
            drop,
            status=Status.RECEIVED,
            days=days,
            parsed_rows=None,
            accepted_rows=None,
            quarantined_rows=None,
            reason=None,
            attempts=0,
        )

    def refuse(self, drop: Drop, reason: str, *, quarantined: int = 0, run_id: str | None = None) -> Drop:
        """Write that a drop was refused and why, and return its row.

        Parameters
        ----------
        drop
            Row as it stands in the ledger.
        reason
            Sentence for people; it quotes nothing from an individual source.
        quarantined
            Rows that were kept with their reasons; all that were read, since none is accepted.
        run_id
            Run that refused it; None if no run did.
        """
        return self._update(
            drop,
            status=Status.REFUSED,
            parsed_rows=quarantined,
            accepted_rows=0,
            quarantined_rows=quarantined,
            reason=reason,
            run_id=run_id,
        )

    def accept(
        self,
        drop: Drop,
        *,
        accepted: int,
        quarantined: int,
        reason: str | None,
        run_id: str,
        superseded: bool = False,
    ) -> Drop:
        """Write that a drop passed, or passed and was replaced by a newer one, and return its row.

        Parameters
        ----------
        drop
            Row as it stands in the ledger.
        accepted, quarantined
            Rows that went into the lake, and rows kept with their reasons; together they are the rows read.
        reason
            What else is to be said of the file, or None.
        run_id
            Run that read it.
        superseded
            Whether a newer file replaced it, whose name then takes the place of the reason.
        """
        return self._update(
            drop,
            status=Status.SUPERSEDED if superseded else Status.ACCEPTED,
            parsed_rows=accepted + quarantined,
            accepted_rows=accepted,
            quarantined_rows=quarantined,
            reason="replaced by a file that came later" if superseded else reason,
            run_id=run_id,
        )

    def _update(self, drop: Drop, **values: Any) -> Drop:
        if "days" in values:
            values["days"] = _days_json(values["days"])
        assignments = ", ".join(f"{name} = ?" for name in values)
        with self._connect() as connection:
            row = connection.execute(
                f"UPDATE drops SET {assignments} WHERE drop_id = ? RETURNING *",
                (*values.values(), drop.drop_id),
            ).fetchone()
        return _drop(row)

    def count_attempt(self, drops: Iterable[Drop]) -> None:
        """Write that one more run was asked to read these drops."""
        with self._connect() as connection:
            connection.executemany(
                "UPDATE drops SET attempts = attempts + 1 WHERE drop_id = ?",
                [(drop.drop_id,) for drop in drops],
            )

    def drops(self, source: str | None = None, statuses: Iterable[Status] = tuple(Status)) -> list[Drop]:
        """Return drops in order of arrival."""
        chosen = list(statuses)
        marks = ", ".join("?" * len(chosen))
        query = f"SELECT * FROM drops WHERE status IN ({marks})"
        values: list[str] = [str(status) for status in chosen]
        if source is not None:
            query += " AND source = ?"
            values.append(source)
        with self._connect() as connection:
            rows = connection.execute(f"{query} ORDER BY drop_id", values).fetchall()
        return [_drop(row) for row in rows]

    def frame(self) -> pl.DataFrame:
        """Return the whole ledger as the table has it, one row a file, in order of arrival."""
        with self._connect() as connection:
            rows = [dict(row) for row in connection.execute("SELECT * FROM drops ORDER BY drop_id")]
        return (
            pl.DataFrame(rows, schema=_FRAME_SCHEMA)
            .with_columns(
                pl.col("received_utc").str.to_datetime("%+", time_unit="us", time_zone="UTC"),
                pl.col("days").str.json_decode(pl.List(pl.String())).list.eval(pl.element().str.to_date()),
            )
            .rename({"name": "file_name", "days": "local_days"})
        )


_FRAME_SCHEMA = {
    "drop_id": pl.Int64(),
    "source": pl.String(),
    "name": pl.String(),
    "sha256": pl.String(),
    "size_bytes": pl.Int64(),
    "received_utc": pl.String(),
    "status": pl.String(),
    "days": pl.String(),
    "parsed_rows": pl.Int64(),
    "accepted_rows": pl.Int64(),
    "quarantined_rows": pl.Int64(),
    "reason": pl.String(),
    "run_id": pl.String(),
    "attempts": pl.Int64(),
}


def _with_content(connection: sqlite3.Connection, source: str, sha256: str | None) -> sqlite3.Row | None:
    """Return the drop of a content that can be read, if there is one."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM drops WHERE source = ? AND sha256 = ? AND status != 'duplicate'"
        " AND NOT (status = 'refused' AND run_id IS NULL)",
        (source, sha256),
    ).fetchone()
    return row


def _days_json(days: Iterable[date]) -> str:
    return json.dumps([day.isoformat() for day in sorted(set(days))])


def _drop(row: sqlite3.Row) -> Drop:
    values = dict(row)
    values["days"] = tuple(date.fromisoformat(day) for day in json.loads(values["days"]))
    values["status"] = Status(values["status"])
    values["received_utc"] = datetime.fromisoformat(values["received_utc"])
    return Drop(**values)
