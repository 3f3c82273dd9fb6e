"""What an adapter is: it turns one supplier's file into rows of one table, and loses nothing."""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import polars as pl

from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA


class Unreadable(Exception):
    """A file cannot be read at all; the message says why in one sentence, without the file's name.

    Parameters
    ----------
    rejected
        The records of the file, if it came so far that there are some.
    """

    def __init__(self, reason: str, rejected: pl.DataFrame | None = None) -> None:
        super().__init__(reason)
        self.rejected = rejected if rejected is not None else pl.DataFrame(schema=REJECTED_SCHEMA)


@dataclass(frozen=True)
class Parsed:
    """The rows of one file.

    Parameters
    ----------
    accepted
        Rows with the columns of the source's table, except `drop_sha256`.
    rejected
        Rows that could not be read: line (the record, the header being 1), reason, text.
    note
        What else there is to say of the file, for the ledger.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTED_SCHEMA))
    note: str | None = None


class Source(Protocol):
    """A supplier of files, and the table that its files fill.

    If the table is partitioned, by a date column, a file belongs to the days that its rows have. The
    gate refuses batch by batch; a file of a source without batch columns is one batch.
    """

    @property
    def name(self) -> str:
        """Name of the drop folder."""
        ...

    @property
    def table(self) -> str:
        """Name of the table that the files fill."""
        ...

    @property
    def files_are(self) -> str:
        """What the files are, in words, for who is to deliver them."""
        ...

    @property
    def batch(self) -> tuple[str, ...]:
        """Columns that tell one batch of a file from another."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash of mappings and settings that decide how a file is read."""
        ...

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether an adapter of this source can read the file."""
        ...

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file.

        Parameters
        ----------
        path
            The file in the archive.
        name
            The name under which it came; it may say the store and the time.
        received_utc
            When it came; rows dated more than a day later are rejected.

        Raises
        ------
        Unreadable
            If nothing in the file can be read.
        """
        ...

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return the local days for which the file holds rows; empty if its table has no days.

        Parameters
        ----------
        path
            File in the archive, named by its hash.
        name
            Name under which it was dropped.
        received_utc
            When it was; rows of a later time are in the future.
        """
        ...
