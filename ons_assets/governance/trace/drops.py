"""Files as the ledger knows them, for people who follow a figure to them: of files about persons not even the name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from ons_assets.governance.trace.graph import Origin
from ons_assets.intake.drops import archived_path
from ons_assets.intake.erasure_ledger import ErasureLedger
from ons_assets.intake.ledger import Drop, Status
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Table

LAYOUTS = "layouts"


@dataclass(frozen=True)
class File:
    """A file behind a figure.

    Parameters
    ----------
    sha256
        Of its content, as the publication named it.
    table
        Raw table that it fills.
    source
        Kind of files.
    supplier
        Where its data come from, in the words of the register of tables.
    name
        What people are shown of its name; None where the ledger does not know it.
    received_utc, size_bytes, days
        When it came, its size, and the local days of its rows.
    layout
        Under which it was read for the publication, and the hash of that.
    rows
        Of it in the partitions that count; None where that can no longer be said.
    is_kept
        Whether its content is in the archive.
    said
        What happened to it since, in a sentence; None if nothing did.
    """

    sha256: str
    table: str
    source: str | None
    supplier: str
    name: str | None
    received_utc: datetime | None
    size_bytes: int | None
    days: tuple[date, date] | None
    layout: str | None
    rows: int | None
    is_kept: bool
    said: str | None


def files(home: Home, origin: Origin, tables: Mapping[str, Table], sources: Mapping[str, str]) -> list[File]:
    """Return the files behind a figure in the order in which they came.

    Parameters
    ----------
    home
        With the ledger and the archive.
    origin
        Of the figure.
    tables
        Declared tables by name.
    sources
        The source that fills a raw table, by the name of the table.
    """
    books = Books.of(home)
    layouts = layouts_of(origin)
    found = []
    for sha256, places in origin.drops.items():
        for name in sorted({table for table, _ in places}):
            rows = [count for (table, _), count in places.items() if table == name]
            source = sources.get(name)
            drop = books.drop(source, sha256)
            layout = layouts.get((name, sha256))
            kept = source is not None and archived_path(home, source, sha256).exists()
            found.append(
                File(
                    sha256=sha256,
                    table=name,
                    source=source,
                    supplier=tables[name].source,
                    name=drop.name if drop else None,
                    received_utc=drop.received_utc if drop else None,
                    size_bytes=drop.size_bytes if drop else None,
                    days=(min(drop.days), max(drop.days)) if drop and drop.days else None,
                    layout=layout,
                    rows=None if None in rows else sum(count or 0 for count in rows),
                    is_kept=kept,
                    said=books.said(source, sha256, drop, layout, is_kept=kept),
                )
            )
    return sorted(found, key=lambda each: (each.table, str(each.received_utc), each.sha256))


def layouts_of(origin: Origin) -> dict[tuple[str, str], str]:
    """Return name and hash of the layout of each file, by raw table and hash of the file, as it was recorded."""
    found: dict[tuple[str, str], str] = {}
    for (table, _), made in sorted(origin.made.items()):
        recorded = made.commit.provenance.settings.get(LAYOUTS, {}) if made.commit.provenance else {}
        found |= {(table, sha256): layout for sha256, layout in recorded.items()}
    return found


@dataclass(frozen=True)
class Erasure:
    """Records were erased from a content.

    Parameters
    ----------
    drop_id
        Number of the file in the ledger.
    is_now
        Hash of what is left of the content.
    erasure_id, finished_utc
        Number of the erasure, and when it was done; None if it is not.
    """

    drop_id: int
    is_now: str
    erasure_id: int
    finished_utc: datetime | None


@dataclass(frozen=True)
class Books:
    """What the ledgers of a home say of files and erasures."""

    drops: Mapping[tuple[str, str], Drop]
    numbered: Mapping[int, Drop]
    erased: Mapping[tuple[str, str], Erasure]

    @classmethod
    def of(cls, home: Home) -> "Books":
        """Read them."""
        ledger = ErasureLedger(home)
        every = [drop for drop in ledger.drops() if drop.sha256 is not None]
        return cls(
            # Of two with one content, the one that was read came first.
            {(drop.source, str(drop.sha256)): drop for drop in reversed(every)},
            {drop.drop_id: drop for drop in every},
            {(each[0], each[1]): Erasure(*each[2:]) for each in ledger.erased_files()},
        )

    def drop(self, source: str | None, sha256: str) -> Drop | None:
        """Return the row of a content, also of one that records were erased from."""
        known = self.drops.get((str(source), sha256))
        erasure = self.erased.get((str(source), sha256))
        return known or (self.numbered.get(erasure.drop_id) if erasure else None)

    def named(self, start: str) -> Iterable[tuple[str, str, Drop]]:
        """Return source, hash and row of the contents of which the hash begins so, also of those that are gone."""
        for (source, sha256), drop in self.drops.items():
            if sha256.startswith(start):
                yield source, sha256, drop
        for (source, was), erasure in self.erased.items():
            if was.startswith(start) and (source, was) not in self.drops and erasure.drop_id in self.numbered:
                yield source, was, self.numbered[erasure.drop_id]

    def said(
        self, source: str | None, sha256: str, drop: Drop | None, layout: str | None, *, is_kept: bool
    ) -> str | None:
        """Return what happened to a file since it was read for a publication; None if nothing did.

        Parameters
        ----------
        source, sha256
            Of the file, as the publication named it.
        drop
            Its row in the ledger.
        layout
            Under which it was read then.
        is_kept
            Whether its content is in the archive.
        """
        erasure = self.erased.get((str(source), sha256))
        if erasure is not None:
            when = f"on {erasure.finished_utc:%Y-%m-%d}" if erasure.finished_utc else "which is not finished"
            return f"records were erased from it (erasure {erasure.erasure_id}, {when}): this content is no longer kept"
        if drop is None:
            return "the ledger does not know it"
        if not is_kept:
            return "its content is not in the archive"
        if drop.status is Status.REFUSED:
            return f"it was refused: {drop.reason}"
        now = f"{drop.layout} {drop.layout_sha256}"
        if layout is not None and layout != now:
            return f"it was read again since, under {now}"
        return None
