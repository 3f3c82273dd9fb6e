"""What a drop gave when it was read, kept until it is read again: every file is read once.

Under `<home>/parsed/<source>/` lie, for each drop, its accepted rows as Parquet and a JSON file that
says under which layout and parameters they were read. A day of a table is made anew from these rows,
so that a layout that changes later never touches what was accepted before; `ons-assets reread` does.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from ons_assets.intake.layouts import Layout
from ons_assets.lakehouse.home import Home, unfinished, write_atomically
from ons_assets.lakehouse.tables import Table

HASH_LENGTH = 16


@dataclass(frozen=True)
class Parsed:
    """One drop, read.

    Parameters
    ----------
    layout
        Under which it was read, as JSON.
    layout_sha256
        Hash of the layout, its first digits.
    parameters
        Of the reading.
    accepted, rejected
        Rows of the table, and rows that could not be read.
    usable, expected
        What the rows give, in the unit of the source, and what they should have given.
    days
        Values of the day column of the table; empty if it has none.
    notes, warnings
        What else there is to say.
    rows
        Name of the file of accepted rows.
    is_shelved
        Whether the layout lay on the shelf of the source; else the source made it for the file.
    """

    layout: dict[str, Any]
    layout_sha256: str
    parameters: dict[str, Any]
    accepted: int
    rejected: int
    usable: int
    expected: int | None
    days: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    rows: str
    is_shelved: bool = True

    @property
    def layout_name(self) -> str:
        """Name of the layout."""
        return str(self.layout["name"])

    @property
    def identity(self) -> tuple[str, ...]:
        """Columns that the layout says tell what a file corrects; empty if it leaves that to the source."""
        return tuple(self.layout.get("batch", ()))

    @property
    def local_days(self) -> tuple[date, ...]:
        """The days as dates."""
        return tuple(date.fromisoformat(day) for day in self.days)


class Writer:
    """Writes the accepted rows of one drop; they take effect when it is told what they are.

    Parameters
    ----------
    folder
        Where drops of the source are kept; see `folder_of`.
    drop_id
        Of the drop.
    table
        That the rows are of; they lack what is only known when they are published.
    later
        Columns of the table that are added then.
    """

    def __init__(self, folder: Path, drop_id: int, table: Table, later: Sequence[str]) -> None:
        self._folder = folder
        self._drop_id, self._table, self._later = drop_id, table, tuple(later)
        self._path = unfinished(self._folder / f"{drop_id}.parquet")
        self._writer: pq.ParquetWriter | None = None
        self._days: set[date] = set()
        self.rows = 0

    def __enter__(self) -> "Writer":
        """Make room for the rows."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        schema = self._conform(self._table.empty().drop(self._later, strict=False)).to_arrow().schema
        self._writer = pq.ParquetWriter(self._path, schema, compression="zstd")
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Forget what was never finished."""
        if self._writer is not None:
            self._writer.close()
            self._path.unlink(missing_ok=True)

    def add(self, rows: pl.DataFrame) -> None:
        """Write some rows."""
        assert self._writer is not None
        if rows.is_empty():
            return
        conformed = self._conform(rows)
        self._writer.write_table(conformed.to_arrow().cast(self._writer.schema))
        self.rows += len(rows)
        if (day := day_column(self._table)) is not None:
            self._days.update(conformed[day].unique().to_list())

    def finish(self, layout: Layout, parameters: Mapping[str, Any], **said: Any) -> Parsed:
        """Let the rows take the place of what an earlier reading gave.

        Parameters
        ----------
        layout
            Layout under which the drop was read.
        parameters
            Parameters with which it was read.
        said
            What `Parsed` says beside them: the counts, the warnings, the reason.
        """
        assert self._writer is not None
        self._writer.close()
        self._writer = None
        digest = layout_sha256(layout)
        name = f"{self._drop_id}-{digest}-{self._path.name.split('.')[-2]}.parquet"
        self._path.replace(self._folder / name)
        parsed = Parsed(
            layout=layout.model_dump(mode="json", exclude_defaults=True),
            layout_sha256=digest,
            parameters=dict(parameters),
            accepted=self.rows,
            days=tuple(day.isoformat() for day in sorted(self._days)),
            rows=name,
            **said,
        )
        keep(self._folder, self._drop_id, parsed)
        return parsed

    def _conform(self, rows: pl.DataFrame) -> pl.DataFrame:
        types = {name: dtype for name, dtype in self._table.schema.items() if name in rows.columns}
        absent = [
            pl.lit(None, dtype=dtype).alias(name) for name, dtype in self._table.schema.items() if name in self._later
        ]
        return self._table.conform(rows.with_columns(absent)).select(types.keys())


def layout_sha256(layout: Layout) -> str:
    """Return the first digits of the hash of what a layout says."""
    return hashlib.sha256(layout.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:HASH_LENGTH]


def day_column(table: Table) -> str | None:
    """Return the column of days by which a table is partitioned, or None."""
    column = table.partition_by[0] if table.partition_by else None
    return column if column is not None and table.schema[column] == pl.Date() else None


def folder_of(home: Home, source: str) -> Path:
    """Return where what drops of a source gave is kept."""
    return home.parsed / source


def load(folder: Path, drop_id: int) -> Parsed | None:
    """Return what a drop gave when it was last read; None if it never was."""
    try:
        stored: dict[str, Any] = json.loads((folder / f"{drop_id}.json").read_bytes())
    except FileNotFoundError:
        return None
    lists = {name: tuple(stored[name]) for name in ("days", "notes", "warnings")}
    return Parsed(**{**stored, **lists})


def rows(folder: Path, parsed: Parsed) -> pl.LazyFrame:
    """Return the accepted rows of a drop."""
    return pl.scan_parquet(folder / parsed.rows, glob=False)


def adopt(folder: Path, drop_id: int, parsed: Parsed, into: Path) -> None:
    """Let what a drop gave in one folder take the place of what it gave in another.

    Parameters
    ----------
    folder
        Where it was read to.
    drop_id
        Number of the drop in the ledger.
    parsed
        What was said of it there.
    into
        Folder whose rows are replaced.
    """
    (folder / parsed.rows).replace(into / parsed.rows)
    (folder / f"{drop_id}.json").replace(into / f"{drop_id}.json")
    _remove_older(into, drop_id, parsed.rows)


def without(folder: Path, drop_id: int, parsed: Parsed, gone: pl.Expr, table: Table, notes: tuple[str, ...]) -> Parsed:
    """Write the accepted rows of a drop without some, where it cannot be read again; they take effect by `keep`.

    Parameters
    ----------
    folder, drop_id
        See `folder_of`.
    parsed
        What was said of it before.
    gone
        Which rows go.
    table
        That the rows are of.
    notes
        What there is to say of it.
    """
    name = f"{drop_id}-{parsed.layout_sha256}-{secrets.token_hex(8)}.parquet"
    partial = unfinished(folder / name)
    rows(folder, parsed).filter(~gone.fill_null(False)).sink_parquet(partial)
    partial.replace(folder / name)
    left = pl.scan_parquet(folder / name, glob=False)
    day = day_column(table)
    days = left.select(pl.col(day).unique().sort()).collect().to_series().to_list() if day is not None else []
    return replace(
        parsed,
        rows=name,
        accepted=left.select(pl.len()).collect().item(),
        days=tuple(each.isoformat() for each in days),
        notes=notes,
    )


def keep(folder: Path, drop_id: int, parsed: Parsed) -> None:
    """Let what is said of a drop take effect, and remove rows that are no longer its own.

    Parameters
    ----------
    folder, drop_id
        See `folder_of`.
    parsed
        What is said of it; its rows are there.
    """
    write_atomically(folder / f"{drop_id}.json", json.dumps(asdict(parsed)).encode())
    _remove_older(folder, drop_id, parsed.rows)


def forget(folder: Path, drop_id: int) -> None:
    """Forget what a drop gave: it can no longer be read."""
    (folder / f"{drop_id}.json").unlink(missing_ok=True)
    _remove_older(folder, drop_id, "")


def _remove_older(folder: Path, drop_id: int, rows: str) -> None:
    for older in folder.glob(f"{drop_id}-*.parquet"):
        if older.name != rows:
            older.unlink(missing_ok=True)
