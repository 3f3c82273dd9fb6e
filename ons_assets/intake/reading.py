"""Drops are read: each once, each by itself, so that nothing that is wrong with one keeps another from being read."""

import errno
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ons_assets.intake import parsed
from ons_assets.intake.drops import archived_path
from ons_assets.intake.ledger import Drop, Ledger, Status
from ons_assets.intake.parsed import Parsed
from ons_assets.intake.source import Source
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse import quarantine
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.lakehouse.tables import Table

PACKAGE = Path(__file__).resolve().parents[1]
# Columns that are known only when rows are published: which drop they are of, and when it arrived.
LINEAGE = ("drop_sha256", "drop_id")
# The machine is at fault, not the file: it will be read when there is room again.
OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO}
WARNED_SHARE = 0.5


@dataclass(frozen=True)
class Reading:
    """What became of a drop that was read; `parsed` is None if nothing in it could be read."""

    drop: Drop
    parsed: Parsed | None


def read_waiting(
    home: Home,
    ledger: Ledger,
    source: Source,
    table: Table,
    run_id: str,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Reading]:
    """Read every drop of a source that was never read, in order of arrival.

    Parameters
    ----------
    table
        That the source fills.
    run_id
        Of the run that reads.
    progress
        Called with a sentence for each drop that is refused; it quotes nothing of the file.
    """
    readings = []
    for drop in ledger.drops(source.name, [Status.RECEIVED]):
        reading = read(home, ledger, source, table, drop, run_id)
        if reading.parsed is None:
            progress(f"refused {reading.drop.name}: {reading.drop.reason}")
        readings.append(reading)
    return readings


def read(home: Home, ledger: Ledger, source: Source, table: Table, drop: Drop, run_id: str) -> Reading:
    """Read one drop, and write into the ledger what it gave.

    Whatever a library raises over a file becomes a sentence in its row; only what is wrong with the
    machine (a full disk, a lock) is raised, because the next file would fare no better.
    """
    assert drop.sha256 is not None, "a drop without content is never read"
    batch = quarantine_name(drop)
    quarantine.release(home, table.name, batch)
    rejected = pl.DataFrame(schema=REJECTED_SCHEMA)
    try:
        found, rejected = _read(home, source, table, drop)
    except Unreadable as error:
        reason, rejected = f"{drop.name} {error}", error.rejected
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
            raise
        reason = f"{drop.name} could not be read: {type(error).__name__} at {place(error)}"
    else:
        if len(rejected):
            quarantine.keep_rows(home, table.name, batch, drop.name, run_id, _private(table, rejected))
        return Reading(ledger.read(drop, found), found)
    if len(rejected):
        quarantine.keep_rows(home, table.name, batch, drop.name, run_id, _private(table, rejected))
    quarantine.keep_refused(home, table.name, batch, drop.name, run_id, reason, staged=None)
    return Reading(ledger.refuse(drop, reason, quarantined=len(rejected), run_id=run_id), None)


def _read(home: Home, source: Source, table: Table, drop: Drop) -> tuple[Parsed, pl.DataFrame]:
    path = archived_path(home, source.name, str(drop.sha256))
    layout = source.layout(path, drop.name)
    rejected, notes, warnings = [pl.DataFrame(schema=REJECTED_SCHEMA)], [], []
    usable, expected, knows = 0, 0, False
    with parsed.Writer(home, source.name, drop.drop_id, table, LINEAGE) as writer:
        for piece in source.read(path, drop.name, drop.received_utc, layout):
            writer.add(piece.accepted)
            rejected.append(piece.rejected)
            notes += piece.notes
            warnings += piece.warnings
            usable += piece.usable
            expected, knows = expected + (piece.expected or 0), knows or piece.expected is not None
        every = pl.concat(rejected)
        if not writer.rows or not usable:
            why = f" ({quarantine.reasons(every)})" if len(every) else ""
            raise Unreadable(f"gives no {source.unit} that can be used{why}", every)
        if knows and usable < WARNED_SHARE * expected:
            warnings.append(f"gives {usable} {source.unit} of {expected} that it should")
        if len(every):
            notes.append(quarantine.reasons(every))
        found = writer.finish(
            layout,
            source.parameters,
            rejected=len(every),
            usable=usable,
            expected=expected if knows else None,
            notes=tuple(notes),
            warnings=tuple(warnings),
        )
    return found, every


def quarantine_name(drop: Drop) -> str:
    """Name under which rows of a drop lie in quarantine."""
    return str(drop.sha256)


def place(error: BaseException) -> str:
    """Say where in the project an exception arose; its text may quote the file, so that is not told."""
    frames: Sequence[traceback.FrameSummary] = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE)]
    innermost = ours[-1]
    return f"{Path(innermost.filename).relative_to(PACKAGE.parent)}, line {innermost.lineno}"


def _private(table: Table, rejected: pl.DataFrame) -> pl.DataFrame:
    """Of people, nothing but line and reason is kept: the archive has the rest."""
    return rejected.with_columns(text=pl.lit("")) if table.is_individual else rejected
