"""What the ledger of files says of erasures: that they were, of which contents, and what is left; never of whom."""

from collections.abc import Callable
from datetime import datetime

import polars as pl

from ons_assets.intake.ledger import Drop, Ledger, Status
from ons_assets.lakehouse.sqlite import compact

REASON_ERASED = "the reason said whom it was about, and was erased"


class ErasureLedger(Ledger):
    """The ledger of one home, for who erases."""

    def begin_erasure(self, source: str, kind: str, reason: str, begun_utc: datetime) -> int:
        """Write that something is erased, and return the number of the erasure.

        Parameters
        ----------
        kind
            Of what: subjects, records, or what is older than is kept.
        reason
            Why, in the words of who asked; not whom.
        begun_utc
            When.
        """
        with self._connect() as connection:
            inserted = connection.execute(
                "INSERT INTO erasures (source, kind, reason, begun_utc) VALUES (?, ?, ?, ?) RETURNING erasure_id",
                (source, kind, reason, begun_utc.isoformat()),
            ).fetchone()
        return int(inserted["erasure_id"])

    def finish_erasure(self, erasure_id: int, tables: int, finished_utc: datetime) -> tuple[int, int]:
        """Write that an erasure is done and proved, and return from how many files how many rows went.

        Parameters
        ----------
        tables
            How many lost rows.
        finished_utc
            When.
        """
        with self._connect() as connection:
            files, rows = connection.execute(
                "SELECT count(DISTINCT drop_id), coalesce(sum(rows), 0) FROM erased_contents WHERE erasure_id = ?",
                (erasure_id,),
            ).fetchone()
            connection.execute(
                "UPDATE erasures SET finished_utc = ?, files = ?, rows = ?, tables = ? WHERE erasure_id = ?",
                (finished_utc.isoformat(), files, rows, tables, erasure_id),
            )
        return files, rows

    def forget_reasons(self, says_whom: Callable[[str], bool]) -> None:
        """Take away the reasons of earlier erasures that say who is erased now.

        Parameters
        ----------
        says_whom
            Whether a reason does.
        """
        with self._connect() as connection:
            rows = connection.execute("SELECT erasure_id, reason FROM erasures").fetchall()
            connection.executemany(
                "UPDATE erasures SET reason = ? WHERE erasure_id = ?",
                [(REASON_ERASED, row["erasure_id"]) for row in rows if says_whom(row["reason"])],
            )

    def erasures(self) -> pl.DataFrame:
        """Return what was erased, when and why, oldest first."""
        with self._connect() as connection:
            rows = [dict(row) for row in connection.execute("SELECT * FROM erasures ORDER BY erasure_id")]
        texts = ("source", "kind", "reason", "begun_utc", "finished_utc")
        schema = {
            name: pl.String() if name in texts else pl.Int64()
            for name in ("erasure_id", *texts, "files", "rows", "tables")
        }
        return (
            pl.DataFrame(rows, schema=schema)
            .with_columns(pl.col("begun_utc", "finished_utc").str.to_datetime("%+", time_unit="us", time_zone="UTC"))
            .rename({"source": "of_source", "kind": "erased_by", "reason": "stated_reason", "rows": "erased_rows"})
        )

    def erased_files(self) -> list[tuple[str, str, int, str, int, datetime | None]]:
        """Return each content that records were erased from: source, hash, number of the file, hash of what is left.

        With them come the number of the last such erasure, and when it was finished.
        """
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT e.source, e.sha256, e.drop_id, d.sha256, e.erasure_id, r.finished_utc FROM erased_contents e"
                " JOIN drops d USING (drop_id) JOIN erasures r USING (erasure_id) ORDER BY e.erasure_id"
            ).fetchall()
        return [(*row[:5], datetime.fromisoformat(row[5]) if row[5] is not None else None) for row in map(tuple, rows)]

    def erase_content(self, drop: Drop, erasure_id: int, sha256: str, size_bytes: int, name: str, rows: int) -> Drop:
        """Write that records were erased from the content of a drop, and return its row; it can be written twice.

        Parameters
        ----------
        erasure_id
            See `begin_erasure`.
        sha256, size_bytes
            Of what is left of the content; those of before where it is no longer in the archive.
        name
            That the file has from now on.
        rows
            How many of its rows went.
        """
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO erased_contents VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (drop.source, drop.sha256, drop.drop_id, erasure_id, rows),
            )
            # Duplicates have the content of another row, and are called by it.
            connection.execute(
                "UPDATE drops SET sha256 = ? WHERE source = ? AND sha256 = ?", (sha256, drop.source, drop.sha256)
            )
            row = connection.execute(
                "UPDATE drops SET size_bytes = ?, name = ? WHERE drop_id = ? RETURNING *",
                (size_bytes, name, drop.drop_id),
            ).fetchone()
        return Drop.of_row(row)

    def erase_drop(self, drop: Drop) -> Drop:
        """Write that nothing is left of a drop, and return its row."""
        return self._update(
            drop,
            status=Status.ERASED,
            days=(),
            parsed_rows=0,
            accepted_rows=0,
            quarantined_rows=0,
            rows_in_force=0,
            usable=0,
            expected=0,
            reason="all its rows were erased",
        )

    def rename(self, drop: Drop, name: str) -> None:
        """Give a file another name, where its own says of whom it is."""
        self._update(drop, name=name)

    def compact(self) -> None:
        """Write the file anew, without what was deleted or written over in it."""
        compact(self._path)
