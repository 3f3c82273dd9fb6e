"""Where rows wait before anybody reads them: staged and audited where they are made, here or on a cluster."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ons_assets.lakehouse import gate
from ons_assets.lakehouse.disclosure import Account, Protected, needs_step
from ons_assets.lakehouse.gate import Audit, Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.sums import in_one_thread
from ons_assets.lakehouse.tables import Table

# Of an aggregate, what has passed its disclosure step.
Rows = pl.DataFrame | Protected


class Unprotected(ValueError):
    """A table that declares a disclosure step has not passed it."""


@dataclass(frozen=True)
class Staged:
    """A part of a table in the staging area.

    Parameters
    ----------
    path
        Parquet file of its rows.
    audit
        What the gate found in them.
    account
        What the disclosure step did, of a table that declares one.
    """

    path: Path
    audit: Audit
    account: Account | None = None


@dataclass(frozen=True)
class Stage:
    """How the parts of one table are staged, in one run.

    Parameters
    ----------
    table, suite
        The table, and what its parts are held against.
    folder
        Of the staging area; the run's own.
    """

    table: Table
    suite: Suite
    folder: Path

    @classmethod
    def of(cls, home: Home, table: Table, suite: Suite, run_id: str) -> "Stage":
        """Return the stage of a run, whose folder is there.

        Parameters
        ----------
        home
            Home with the staging area.
        table, suite
            The table, and what its parts are held against.
        run_id
            Of the run, so that runs do not meet.
        """
        return cls(table, suite, _folder(home, table, run_id))

    def take(self, rows: Rows) -> Staged:
        """Write a part into the staging area, and audit it.

        Its name is its own: of a part that is worked twice, because a worker was lost, one is committed.

        Raises
        ------
        Unprotected
            If the table declares a disclosure step, and the part has not passed it.
        SchemaMismatch
            If the frame does not have the columns of the table.
        """
        account = rows.account if isinstance(rows, Protected) else None
        if account is None and needs_step(self.table.disclosure):
            raise Unprotected(f"{self.table.name} would be published without its disclosure step")
        conformed = self.table.conform(rows.rows if isinstance(rows, Protected) else rows)
        return self._written(conformed, account)

    def nothing(self) -> Staged:
        """Stage a table without rows, which has nothing to disclose."""
        return self._written(self.table.empty(), None)

    def _written(self, conformed: pl.DataFrame, account: Account | None) -> Staged:
        path = _write(conformed, self.folder, f"part-{secrets.token_hex(8)}")
        return Staged(path, gate.audit(self.suite, self.table, conformed), account)


@dataclass(frozen=True)
class StagedWork:
    """A function whose tables are staged where they are made: what an engine sends in place of the function alone.

    Parameters
    ----------
    function
        Returns one frame a table.
    stages
        Of the tables, in the same order.
    """

    function: Callable[..., Rows | tuple[Rows, ...]]
    stages: tuple[Stage, ...]

    def __call__(self, *part: Any) -> tuple[Staged, ...]:
        """Make a part of each table, and stage it."""
        with in_one_thread():
            made = self.function(*part)
        frames = made if isinstance(made, tuple) else (made,)
        return tuple(stage.take(rows) for stage, rows in zip(self.stages, frames, strict=True))


def stage(home: Home, table: Table, frame: pl.DataFrame, run_id: str, batch: str = "batch") -> Path:
    """Write a batch where nobody reads it yet, and return the file.

    Parameters
    ----------
    home
        Home with the staging area.
    table
        Declared table.
    frame
        Batch, written as it is.
    run_id
        Folder of the staging area, so that runs do not meet.
    batch
        Name of the file, without ending.
    """
    return _write(frame, _folder(home, table, run_id), batch)


def _folder(home: Home, table: Table, run_id: str) -> Path:
    folder = home.staging / run_id / table.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write(frame: pl.DataFrame, folder: Path, name: str) -> Path:
    path = folder / f"{name}.parquet"
    frame.write_parquet(path, compression="lz4")
    return path
