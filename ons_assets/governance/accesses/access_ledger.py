"""The ledger of accesses: who looked at the readings of one meter, when, why, and what came of it.

It is a SQLite file in the restricted folder, for it says of whom. Rows are only ever added; all that may change is that
the pseudonym of somebody who is erased goes, and a reason that says whom. The asset `governance/accesses` tells how
many there were in each month.
"""

import os
import pwd
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import polars as pl

from ons_assets.catalogue.governance import ACCESSES
from ons_assets.governance.erasure.naming import says
from ons_assets.lakehouse.home import PRIVATE_FILE, Home
from ons_assets.lakehouse.sqlite import compact
from ons_assets.parameters.geography import TIME_ZONE


class AccessOutcome(StrEnum):
    """What came of a request."""

    SHOWN = "shown"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Access:
    """A row of the ledger.

    Parameters
    ----------
    source
        Whose files name the unit.
    pseudonym
        Of the unit that was asked for; None where a name was of several, or was erased since.
    outcome
        Whether it was shown, refused, or is unknown here.
    reason
        Why, in the words of who asked; not whom. None where none was given, or it said somebody who was erased since.
    written
        Names of the pictures, without the pseudonym.
    accessed_utc, accessed_by
        When, and the user of the operating system.
    """

    source: str
    pseudonym: int | None
    outcome: AccessOutcome
    reason: str | None
    written: tuple[str, ...]
    accessed_utc: datetime
    accessed_by: str


SCHEMA = """
CREATE TABLE IF NOT EXISTS accesses (
    access_id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    pseudonym INTEGER,
    outcome TEXT NOT NULL,
    reason TEXT,
    written TEXT NOT NULL,
    accessed_utc TEXT NOT NULL,
    accessed_by TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS nothing_goes BEFORE DELETE ON accesses
BEGIN SELECT RAISE(ABORT, 'rows of the ledger of accesses stay'); END;
CREATE TRIGGER IF NOT EXISTS only_names_go BEFORE UPDATE ON accesses
WHEN (NEW.pseudonym IS NOT NULL AND NEW.pseudonym IS NOT OLD.pseudonym)
    OR (NEW.reason IS NOT NULL AND NEW.reason IS NOT OLD.reason)
    OR (NEW.access_id, NEW.source, NEW.outcome, NEW.written, NEW.accessed_utc, NEW.accessed_by)
    IS NOT (OLD.access_id, OLD.source, OLD.outcome, OLD.written, OLD.accessed_utc, OLD.accessed_by)
BEGIN SELECT RAISE(ABORT, 'rows of the ledger of accesses stay as they are'); END;
-- REPLACE takes a row away without asking the trigger of DELETE.
CREATE TRIGGER IF NOT EXISTS nothing_is_replaced BEFORE INSERT ON accesses
WHEN EXISTS (SELECT 1 FROM accesses WHERE access_id = NEW.access_id)
BEGIN SELECT RAISE(ABORT, 'rows of the ledger of accesses stay as they are'); END;
-- Before a row has its number, SQLite calls it -1: a row of that number would keep all others out.
CREATE TRIGGER IF NOT EXISTS rows_are_counted_from_one AFTER INSERT ON accesses WHEN NEW.access_id < 1
BEGIN SELECT RAISE(ABORT, 'rows of the ledger of accesses stay in their order'); END;
-- Of earlier ledgers; it let no reason go.
DROP TRIGGER IF EXISTS nothing_changes;
"""


class AccessLedger:
    """Reads and writes the ledger of accesses of one home."""

    def __init__(self, home: Home) -> None:
        self._path = home.access_ledger
        # Private from the first byte: a database that another program makes is as open as its user's mask.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))
        with self._connect() as connection:
            connection.executescript(SCHEMA)

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=60, isolation_level="IMMEDIATE")
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("PRAGMA secure_delete = ON")
            with connection:
                yield connection
        finally:
            connection.close()

    def add(
        self,
        source: str,
        pseudonym: int | None,
        outcome: AccessOutcome,
        reason: str | None,
        written: Collection[str] = (),
    ) -> None:
        """Write down an access of now, by the user who runs this.

        Parameters
        ----------
        source, pseudonym, outcome, reason, written
            See `Access`.
        """
        now, user = datetime.now(UTC).isoformat(), _user()
        with self._connect() as connection:
            connection.execute(
                "INSERT INTO accesses (source, pseudonym, outcome, reason, written, accessed_utc, accessed_by) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (source, pseudonym, outcome, reason, ", ".join(written), now, user),
            )

    def accesses(self) -> list[Access]:
        """Return all rows, oldest first."""
        with self._connect() as connection:
            rows = connection.execute("SELECT * FROM accesses ORDER BY access_id").fetchall()
        return [
            Access(
                row["source"],
                row["pseudonym"],
                AccessOutcome(row["outcome"]),
                row["reason"],
                tuple(filter(None, row["written"].split(", "))),
                datetime.fromisoformat(row["accessed_utc"]),
                row["accessed_by"],
            )
            for row in rows
        ]

    def forget(self, pseudonyms: Collection[int], names: Collection[str]) -> None:
        """Take pseudonyms, and reasons that say whom, out of all rows; that somebody looked, and when, stays.

        Parameters
        ----------
        pseudonyms
            Of who is erased.
        names
            Theirs, and other words that are not to be found.
        """
        words = {*names, *map(str, pseudonyms)}
        with self._connect() as connection:
            connection.executemany(
                "UPDATE accesses SET pseudonym = NULL WHERE pseudonym = ?", [(each,) for each in sorted(pseudonyms)]
            )
            rows = connection.execute("SELECT access_id, reason FROM accesses WHERE reason IS NOT NULL").fetchall()
            connection.executemany(
                "UPDATE accesses SET reason = NULL WHERE access_id = ?",
                [(row["access_id"],) for row in rows if says(row["reason"], words)],
            )
        compact(self._path)

    def by_month(self, time_zone: str = TIME_ZONE) -> pl.DataFrame:
        """Return the rows of `governance/accesses`: how many there were, and of whom nothing.

        Parameters
        ----------
        time_zone
            Of the clock that says which month it was.
        """
        zone = ZoneInfo(time_zone)
        rows = [(each.accessed_utc.astimezone(zone).date(), each.source, str(each.outcome)) for each in self.accesses()]
        schema = {"month": pl.Date(), "accessed_source": pl.String(), "access_outcome": pl.String()}
        counted = (
            pl.DataFrame(rows, schema=schema, orient="row")
            .with_columns(pl.col("month").dt.truncate("1mo"))
            .group_by(list(schema))
            .agg(accesses=pl.len())
            .sort(list(schema))
        )
        return ACCESSES.conform(counted)


def _user() -> str:
    """Return who runs this, by number: what the environment says, a user can set."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
