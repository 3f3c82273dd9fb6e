"""The ledger: one row for every file that ever arrived, whatever became of it.

It is a SQLite file, because a daemon, several runs and a command line write to it at once and a row
must survive a crash. The asset `governance/drop_ledger` publishes it to the lake.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import polars as pl

from ons_assets.intake.ledger_schema import bring_up_to_date
from ons_assets.intake.parsed import Parsed
from ons_assets.lakehouse.home import PRIVATE_FILE, Home


class Status(StrEnum):
    """What became of a drop."""

    RECEIVED = "received"
    READ = "read"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"
    ERASED = "erased"


@dataclass(frozen=True)
class Drop:
    """A file as the ledger knows it.

    Parameters
    ----------
    drop_id
        Number of the row, in order of arrival.
    name
        What people are shown: the name of the file; of a file about people its number here, because suppliers
        call files after meters and users.
    original_name
        The name of the file, which a layout may read.
    sha256
        Hash of the content; None where there was nothing to hash (a directory).
    days
        Local days for which the file holds rows; empty for sources without days.
    parsed_rows, accepted_rows, quarantined_rows
        Rows in = rows accepted + rows quarantined; None until the file was read.
    attempts
        Runs that were asked for the drop.
    arrival
        Number of its arrival: what has a higher one came later, whatever a clock says.
    layout, layout_sha256
        Under which it was read; None until it was.
    usable, expected
        What its rows give, in the unit of the source, and what they should have given.
    rows_in_force
        Rows of its table that are of this drop now; others may have replaced some.
    modified_ns
        When the file was last changed, as its file system says; the same file seen again is no new arrival.
    """

    drop_id: int
    source: str
    name: str
    original_name: str
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
    arrival: int
    layout: str | None
    layout_sha256: str | None
    usable: int | None
    expected: int | None
    rows_in_force: int | None
    modified_ns: int | None

    @property
    def is_called_by_number(self) -> bool:
        """Whether people are not shown its name, because it is about people."""
        return self.name != self.original_name

    @classmethod
    def of_row(cls, row: sqlite3.Row) -> "Drop":
        """Return a drop by its row of the ledger."""
        values = dict(row)
        individual = values.pop("is_individual") == 1
        values["original_name"] = values["name"]
        values["name"] = _shown(values["drop_id"], values["name"], is_individual=individual)
        values["days"] = tuple(date.fromisoformat(day) for day in json.loads(values["days"]))
        values["status"] = Status(values["status"])
        values["received_utc"] = datetime.fromisoformat(values["received_utc"])
        return cls(**values)


# What a file about people is called.
FILE = "file {}"
SAME_CONTENT = " has the same content as "
WAS_REFUSED = ", which was refused; to read it under this name: ons-assets retry"
NEXT_ARRIVAL = "(SELECT coalesce(max(arrival), 0) + 1 FROM drops)"


class Ledger:
    """Reads and writes the ledger of one home.

    Raises
    ------
    NewerHome
        If a later program wrote it; nothing was changed.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.ledger
        with self._connect() as connection:
            bring_up_to_date(connection, home.root)
        self._path.chmod(PRIVATE_FILE)

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=60, isolation_level="IMMEDIATE")
        connection.row_factory = sqlite3.Row
        # What is erased is written over, and does not stay in pages that are free.
        connection.execute("PRAGMA secure_delete = ON")
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
        *,
        is_individual: bool = False,
        modified_ns: int | None = None,
        unreadable: str | None = None,
    ) -> Drop:
        """Write the row of a file that arrived, and return it.

        The same content under the same name is the same drop: the row that is there is returned; if a
        later file had replaced it, and it was sent again, it waits again, and now counts as the later
        one. The same content under another name becomes a row with the status `duplicate`, unless it
        was never taken: every empty file is a fault of its own.

        Parameters
        ----------
        sha256
            None where there is nothing to hash, such as a directory.
        size_bytes
            Of the file.
        received_utc
            For people; the order of arrival is counted, not told by a clock.
        is_individual
            Whether the file is about people.
        modified_ns
            When the file was last changed: one that still lies where it was taken is not sent again.
        unreadable
            Why the file cannot be taken, in words that follow its name; then it is refused at once.
        """
        with self._connect() as connection:
            # Before the first look, so that nobody writes the same content in between.
            connection.execute("BEGIN IMMEDIATE")
            same = connection.execute(
                "SELECT * FROM drops WHERE source = ? AND sha256 IS ? AND name = ? AND size_bytes = ?",
                (source, sha256, name, size_bytes),
            ).fetchone()
            if same is not None:
                sent_again = modified_ns is None or modified_ns != same["modified_ns"]
                if same["status"] != Status.SUPERSEDED or not sent_again:
                    return Drop.of_row(same)
                # The supplier has gone back to what a later file had replaced.
                again = (
                    f"UPDATE drops SET status = ?, received_utc = ?, modified_ns = ?, attempts = 0,"
                    f" arrival = {NEXT_ARRIVAL} WHERE drop_id = ? RETURNING *"
                )
                values = (Status.READ, received_utc.isoformat(), modified_ns, same["drop_id"])
                return Drop.of_row(connection.execute(again, values).fetchone())
            if unreadable is not None:
                status, said = Status.REFUSED, unreadable
            elif (known := _with_content(connection, source, sha256)) is not None:
                status, said = Status.DUPLICATE, f"{SAME_CONTENT.lstrip()}{Drop.of_row(known).name}{_fate(known)}"
            else:
                status, said = Status.RECEIVED, None
            (drop_id,) = connection.execute("SELECT coalesce(max(drop_id), 0) + 1 FROM drops").fetchone()
            reason = None if said is None else f"{_shown(drop_id, name, is_individual=is_individual)} {said}"
            counted = None if unreadable is None else 0
            inserted = connection.execute(
                "INSERT INTO drops (drop_id, source, name, sha256, size_bytes, received_utc, status, reason,"
                " parsed_rows, accepted_rows, quarantined_rows, modified_ns, is_individual, arrival)"
                f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {NEXT_ARRIVAL}) RETURNING *",
                (
                    drop_id,
                    source,
                    name,
                    sha256,
                    size_bytes,
                    received_utc.isoformat(),
                    status,
                    reason,
                    counted,
                    counted,
                    counted,
                    modified_ns,
                    is_individual,
                ),
            ).fetchone()
        return Drop.of_row(inserted)

    def take_over(self, drop: Drop, *, is_individual: bool) -> Drop:
        """Write the row of a file of another home, as it arrived there, and return it; it waits to be read.

        Parameters
        ----------
        drop
            Row of the other ledger.
        is_individual
            Whether the file is about people.
        """
        with self._connect() as connection:
            row = connection.execute(
                "INSERT INTO drops (drop_id, source, name, sha256, size_bytes, received_utc, status, arrival,"
                " modified_ns, is_individual) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
                (
                    drop.drop_id,
                    drop.source,
                    drop.original_name,
                    drop.sha256,
                    drop.size_bytes,
                    drop.received_utc.isoformat(),
                    Status.RECEIVED,
                    drop.arrival,
                    drop.modified_ns,
                    is_individual,
                ),
            ).fetchone()
        return Drop.of_row(row)

    def receive_again(self, drop: Drop) -> Drop:
        """Write that a refused drop is to be read once more, and return its row."""
        with self._connect() as connection:
            known = _with_content(connection, drop.source, drop.sha256)
        if known is not None and known["drop_id"] != drop.drop_id:
            reason = f"{drop.name}{SAME_CONTENT}{Drop.of_row(known).name}"
            return self._update(drop, status=Status.DUPLICATE, reason=reason)
        return self._update(
            drop,
            status=Status.RECEIVED,
            parsed_rows=None,
            accepted_rows=None,
            quarantined_rows=None,
            reason=None,
            attempts=0,
        )

    def receive_under(self, duplicate: Drop, refused: Drop) -> Drop:
        """Write that a content which could not be read under one name is to be read under another; return its row.

        Parameters
        ----------
        duplicate
            Of the same content, with the name.
        refused
            Which takes the place of the duplicate.
        """
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            reason = f"{refused.name}{SAME_CONTENT}{duplicate.name}"
            gives_way = "UPDATE drops SET status = ?, reason = ? WHERE drop_id = ?"
            connection.execute(gives_way, (Status.DUPLICATE, reason, refused.drop_id))
            waits = "UPDATE drops SET status = ?, reason = NULL, attempts = 0 WHERE drop_id = ? RETURNING *"
            row = connection.execute(waits, (Status.RECEIVED, duplicate.drop_id)).fetchone()
        return Drop.of_row(row)

    def read(self, drop: Drop, parsed: Parsed) -> Drop:
        """Write what a drop gave when it was read, and return its row; it waits to be published."""
        return self._update(
            drop,
            status=Status.READ,
            days=parsed.local_days,
            parsed_rows=parsed.accepted + parsed.rejected,
            accepted_rows=parsed.accepted,
            quarantined_rows=parsed.rejected,
            reason="; ".join([*parsed.notes, *parsed.warnings]) or None,
            layout=parsed.layout_name,
            layout_sha256=parsed.layout_sha256,
            usable=parsed.usable,
            expected=parsed.expected,
            attempts=0,
        )

    def refuse(self, drop: Drop, reason: str, *, quarantined: int = 0, run_id: str | None = None) -> Drop:
        """Write that a drop was refused and why, and return its row.

        Parameters
        ----------
        drop
            Row of the ledger.
        reason
            A sentence without a value of any record.
        quarantined
            How many of its rows lie in quarantine.
        run_id
            Run of Dagster that refused it.
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
        in_force: int,
        reason: str | None,
        run_id: str,
    ) -> Drop:
        """Write that a drop passed, or passed and was replaced by later ones, and return its row.

        Parameters
        ----------
        accepted, quarantined
            Rows that passed, and rows that did not.
        in_force
            Rows of the table that are of this drop; without any, others have replaced it.
        reason
            What there is to say of it.
        run_id
            Of the run that published it.
        """
        superseded = in_force == 0
        return self._update(
            drop,
            status=Status.SUPERSEDED if superseded else Status.ACCEPTED,
            parsed_rows=accepted + quarantined,
            accepted_rows=accepted,
            quarantined_rows=quarantined,
            rows_in_force=in_force,
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
        return Drop.of_row(row)

    def count(self, drop: Drop, *, accepted: int, quarantined: int, in_force: int) -> None:
        """Write what the gate let pass of a drop that waits for a run over its other days.

        Parameters
        ----------
        accepted, quarantined
            Rows that passed, and rows that did not.
        in_force
            Rows of the table that are of this drop.
        """
        self._update(
            drop,
            parsed_rows=accepted + quarantined,
            accepted_rows=accepted,
            quarantined_rows=quarantined,
            rows_in_force=in_force,
        )

    def set_individual(self, sources: Sequence[str]) -> None:
        """Write of the files of some sources that they are about people; ledgers of version 0.2 did not say so.

        What they say of files called them by their names; it is written anew, because reasons are published.
        """
        marks = ", ".join("?" * len(sources))
        of_before = f"is_individual = 0 AND source IN ({marks})"
        of_these = f"SELECT drop_id, name FROM drops WHERE {of_before}"
        with self._connect() as connection:
            # At every opening of a home it is asked, and only once there is something to write.
            if connection.execute(of_these, list(sources)).fetchone() is None:
                return
            connection.execute("BEGIN IMMEDIATE")
            rows = connection.execute(of_these, list(sources)).fetchall()
            numbers = {row["name"]: FILE.format(row["drop_id"]) for row in reversed(rows)}
            for row in connection.execute(
                f"SELECT drop_id, name, reason FROM drops WHERE {of_before} AND reason IS NOT NULL", list(sources)
            ).fetchall():
                said = _renamed(row["reason"], row["name"], FILE.format(row["drop_id"]), numbers)
                connection.execute("UPDATE drops SET reason = ? WHERE drop_id = ?", (said, row["drop_id"]))
            connection.execute(f"UPDATE drops SET is_individual = 1 WHERE {of_before}", list(sources))

    def erased_contents(self, source: str) -> dict[str, str]:
        """Return the hashes of contents of a source that records were erased from, each with that of what is left."""
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT e.sha256 AS was, d.sha256 AS is_now FROM erased_contents e JOIN drops d USING (drop_id)"
                " WHERE e.source = ?",
                (source,),
            ).fetchall()
        return {row["was"]: row["is_now"] for row in rows}

    def set_in_force(self, drop: Drop, rows: int) -> None:
        """Write how many rows of the table are of a drop now."""
        self._update(drop, rows_in_force=rows)

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
            rows = connection.execute(f"{query} ORDER BY arrival", values).fetchall()
        return [Drop.of_row(row) for row in rows]

    def has_namesake(self, drop: Drop) -> bool:
        """Return whether another file of the source came before under the same name, and could be taken."""
        with self._connect() as connection:
            found = connection.execute(
                "SELECT 1 FROM drops WHERE source = ? AND name = ? AND drop_id < ? AND sha256 IS NOT NULL LIMIT 1",
                (drop.source, drop.original_name, drop.drop_id),
            ).fetchone()
        return found is not None

    def frame(self) -> pl.DataFrame:
        """Return the whole ledger as the table has it, one row a file, in order of arrival."""
        with self._connect() as connection:
            rows = [dict(row) for row in connection.execute("SELECT * FROM drops ORDER BY drop_id")]
        return (
            pl.DataFrame(rows, schema=_FRAME_SCHEMA)
            .with_columns(
                pl.when(pl.col("is_individual") == 1).then(pl.format(FILE, "drop_id")).otherwise("name").alias("name"),
                pl.col("received_utc").str.to_datetime("%+", time_unit="us", time_zone="UTC"),
                pl.col("days").str.json_decode(pl.List(pl.String())).list.eval(pl.element().str.to_date()),
            )
            .drop("is_individual")
            .rename({"name": "file_name", "days": "local_days", "usable": "usable_units", "expected": "expected_units"})
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
    "arrival": pl.Int64(),
    "layout": pl.String(),
    "layout_sha256": pl.String(),
    "usable": pl.Int64(),
    "expected": pl.Int64(),
    "rows_in_force": pl.Int64(),
    "modified_ns": pl.Int64(),
    "is_individual": pl.Int64(),
}


def _shown(drop_id: int, name: str, *, is_individual: bool) -> str:
    """What people are shown of the name of a file."""
    return FILE.format(drop_id) if is_individual else name


def _renamed(reason: str, name: str, number: str, numbers: Mapping[str, str]) -> str:
    """Return a reason that calls a file, and the one that has the same content, by their numbers."""
    said, same, other = reason.partition(SAME_CONTENT)
    shown = said.replace(name, number)
    fate = WAS_REFUSED if other.endswith(WAS_REFUSED) else ""
    return f"{shown}{same}{numbers.get(other.removesuffix(fate), 'a file')}{fate}" if same else shown


def _with_content(connection: sqlite3.Connection, source: str, sha256: str | None) -> sqlite3.Row | None:
    """Return the drop of a content that can be read, or from which records were erased, if there is one."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM drops WHERE source = ?1 AND (status != 'duplicate'"
        " AND NOT (status = 'refused' AND run_id IS NULL) AND sha256 = ?2"
        " OR drop_id IN (SELECT drop_id FROM erased_contents WHERE source = ?1 AND sha256 = ?2))",
        (source, sha256),
    ).fetchone()
    return row


def _fate(known: sqlite3.Row) -> str:
    """What is said of a file whose content came under another name: if no layout knew it, another name may be known."""
    return WAS_REFUSED if known["status"] == Status.REFUSED and known["layout"] is None else ""


def _days_json(days: Iterable[date]) -> str:
    return json.dumps([day.isoformat() for day in sorted(set(days))])
