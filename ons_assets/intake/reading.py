"""Drops are read: each once, each by itself, so that nothing that is wrong with one keeps another from being read."""

import errno
import shutil
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from ons_assets.intake import parsed
from ons_assets.intake.drops import archived_path
from ons_assets.intake.layouts import Layout
from ons_assets.intake.ledger import Drop, Ledger, Status
from ons_assets.intake.parsed import Parsed, layout_sha256
from ons_assets.intake.source import Piece, Source, pieces, said_by_name
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse import quarantine
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.lakehouse.tables import Table

PACKAGE = Path(__file__).resolve().parents[1]
# Columns that are known only when rows are published: which drop they are of, and when it arrived.
LINEAGE = ("drop_sha256", "arrival")
# The machine is at fault, not the file: it will be read when there is room again.
OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO}
WARNED_SHARE = 0.5
ATTEMPTS = 3


@dataclass(frozen=True)
class Reading:
    """What became of a drop that was read; `parsed` is None if nothing in it could be read."""

    drop: Drop
    parsed: Parsed | None


@dataclass(frozen=True)
class Failed:
    """Nothing in a drop could be read: why, and its records as far as there are some."""

    reason: str
    rejected: pl.DataFrame


@dataclass(frozen=True)
class Difference:
    """What another reading of a drop changes.

    Parameters
    ----------
    drop
        As the ledger has it.
    layout
        Name of the layout under which it would be read now; None if it would be refused.
    before, after
        Accepted rows, as it was read and as it would be.
    went, came
        Rows of one reading that the other has not.
    replaces_otherwise
        Whether it is other rows than before that it replaces, and by which it is replaced.
    reason
        Why it would be refused.
    """

    drop: Drop
    layout: str | None
    before: int
    after: int
    went: int
    came: int
    replaces_otherwise: bool = False
    reason: str | None = None

    @property
    def changes(self) -> bool:
        """Whether the other reading gives other rows, or rows that count otherwise."""
        return bool(self.went or self.came or self.layout is None or self.replaces_otherwise)


def read_waiting(
    home: Home,
    ledger: Ledger,
    source: Source,
    table: Table,
    run_id: str,
    *,
    attempts: int = ATTEMPTS,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Reading]:
    """Read every drop of a source that was never read, in order of arrival.

    A drop over which a process died is tried again after the others; only its own attempts count.

    Parameters
    ----------
    table
        That the source fills.
    run_id
        Of the run that reads.
    attempts
        Processes that may die over a drop before it is refused.
    progress
        Called with the name of each drop, and with a sentence for each that is refused; it quotes nothing of
        the file.
    """
    readings = []
    waiting = ledger.drops(source.name, [Status.RECEIVED])
    for drop in sorted(waiting, key=lambda each: (each.attempts, each.arrival)):
        progress(drop.name)
        if drop.attempts >= attempts:
            reason = f"{drop.name} ended {drop.attempts} runs without a result"
            reading = _refuse(home, ledger, table, drop, run_id, Failed(reason, pl.DataFrame(schema=REJECTED_SCHEMA)))
        else:
            # Before it is touched: a process that dies over it leaves a mark.
            ledger.count_attempt([drop])
            reading = read(home, ledger, source, table, drop, run_id)
        if reading.parsed is None:
            progress(f"refused {reading.drop.reason}")
        readings.append(reading)
    return readings


def read(
    home: Home,
    ledger: Ledger,
    source: Source,
    table: Table,
    drop: Drop,
    run_id: str,
    *,
    layout: Layout | None = None,
) -> Reading:
    """Read one drop, and write into the ledger what it gave.

    Whatever a library raises over a file becomes a sentence in its row; only what is wrong with the
    machine (a full disk, a lock) is raised, because the next file would fare no better.

    Parameters
    ----------
    home, ledger
        Of the installation.
    source, table
        Of the drop.
    drop
        Archived.
    run_id
        Of the run that reads.
    layout
        Under which it is read; None for the one that knows it.
    """
    quarantine.release(home, table.name, quarantine_name(drop))
    folder = parsed.folder_of(home, source.name)
    outcome = attempt(home, source, table, drop, folder, has_namesake=ledger.has_namesake(drop), layout=layout)
    if isinstance(outcome, Failed):
        return _refuse(home, ledger, table, drop, run_id, outcome)
    found, rejected = outcome
    if len(rejected):
        _keep(home, table, drop, run_id, rejected)
    return Reading(ledger.read(drop, found), found)


def attempt(
    home: Home,
    source: Source,
    table: Table,
    drop: Drop,
    folder: Path,
    *,
    has_namesake: bool = False,
    layout: Layout | None = None,
) -> tuple[Parsed, pl.DataFrame] | Failed:
    """Read a drop into a folder; return what it gave and its rejected rows, or why there is nothing.

    Parameters
    ----------
    home
        With the archive.
    source, table
        Of the drop.
    drop
        Archived.
    folder
        For its accepted rows; see `ons_assets.intake.parsed`.
    has_namesake
        Whether another file came under the same name.
    layout
        Under which it is read; None for the one that knows it.
    """
    try:
        return _read(home, source, table, drop, folder, has_namesake, layout)
    except Unreadable as error:
        return Failed(f"{drop.name} {error}", error.rejected)
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
            raise
        return Failed(f"{drop.name} {unforeseen(error)}", pl.DataFrame(schema=REJECTED_SCHEMA))


def _read(
    home: Home,
    source: Source,
    table: Table,
    drop: Drop,
    folder: Path,
    has_namesake: bool,
    layout: Layout | None,
) -> tuple[Parsed, pl.DataFrame]:
    path = archived_path(home, source.name, str(drop.sha256))
    layout = layout or source.layout(path, drop.original_name)
    rejected: list[pl.DataFrame] = [pl.DataFrame(schema=REJECTED_SCHEMA)]
    notes: list[str] = []
    warnings: list[str] = []
    # Portals give the files of all homes one name; other suppliers call a correction as what it corrects.
    if has_namesake and source.is_individual and (taken := said_by_name(layout)):
        warnings.append(f"{' and '.join(taken)} is taken from its name, under which another file came before")
    usable, expected, knows = 0, 0, False
    with parsed.Writer(folder, drop.drop_id, table, LINEAGE) as writer:
        for piece in pieces(source, path, drop.original_name, drop.received_utc, layout):
            within = _of_known_days(piece, table, source.first_day)
            writer.add(within.accepted)
            rejected.append(within.rejected)
            notes += piece.notes
            warnings += piece.warnings
            usable += piece.usable
            expected, knows = expected + (piece.expected or 0), knows or piece.expected is not None
        every = pl.concat(rejected)
        if not writer.rows or not usable:
            why = f" ({quarantine.reasons(every)})" if len(every) else ""
            said = [f"gives no {source.unit} that can be used{why}", *dict.fromkeys(warnings)]
            raise Unreadable("; ".join(said), every)
        if knows and usable < WARNED_SHARE * expected:
            warnings.append(f"gives {usable:,} of the {expected:,} {source.unit} that it should")
        if len(every):
            notes.append(quarantine.reasons(every))
        found = writer.finish(
            layout,
            source.parameters,
            is_shelved=layout in source.shelf.layouts,
            rejected=len(every),
            usable=usable,
            expected=expected if knows else None,
            notes=tuple(dict.fromkeys(notes)),
            warnings=tuple(dict.fromkeys(warnings)),
        )
    return found, every


def _of_known_days(piece: Piece, table: Table, first_day: date) -> Piece:
    """Reject rows of days before the first of the installation: there is no partition that could hold them."""
    day = parsed.day_column(table)
    if day is None or piece.accepted.is_empty():
        return piece
    early = piece.accepted[day] < first_day
    if not early.any():
        return piece
    why = f"day is before {first_day}, the first of the installation"
    rejected = piece.accepted.filter(early).select("line", reason=pl.lit(why), text=pl.lit(""))
    return Piece(piece.accepted.filter(~early), pl.concat([piece.rejected, rejected]))


def stale(source: Source, found: Iterable[Parsed]) -> list[Parsed]:
    """Return readings under a layout or parameters that are other ones now."""
    now, parameters = {layout_sha256(layout) for layout in source.shelf.layouts}, dict(source.parameters)
    return [
        each for each in found if each.parameters != parameters or (each.is_shelved and each.layout_sha256 not in now)
    ]


@contextmanager
def rereading(
    home: Home, ledger: Ledger, source: Source, table: Table, days: tuple[date, date] | None
) -> Iterator["Rereading"]:
    """Read drops that were read before once more, under the layouts of now, and say what that changes.

    Parameters
    ----------
    home, ledger
        Of the installation.
    source, table
        Whose drops.
    days
        Only drops with rows of these days, first and last included; None for all.
    """
    folder = home.parsed / f".{source.name}.again"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield Rereading(home, ledger, source, table, folder, days)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Rereading:
    """Another reading of drops: its differences first, and the reading itself if they are wanted."""

    def __init__(
        self,
        home: Home,
        ledger: Ledger,
        source: Source,
        table: Table,
        folder: Path,
        days: tuple[date, date] | None,
    ) -> None:
        self._home, self._ledger, self._source, self._table, self._folder = home, ledger, source, table, folder
        known = ledger.drops(source.name, [Status.READ, Status.ACCEPTED, Status.SUPERSEDED, Status.REFUSED])
        self._outcomes: list[tuple[Drop, tuple[Parsed, pl.DataFrame] | Failed]] = []
        self.differences: list[Difference] = []
        for drop in known:
            before = parsed.load(parsed.folder_of(home, source.name), drop.drop_id)
            if not archived_path(home, source.name, str(drop.sha256)).exists():
                # Records were erased that could not be cut out of the file; of the others, what it gave is left.
                continue
            if before is None or (days and not any(days[0] <= day <= days[1] for day in drop.days)):
                continue
            outcome = attempt(home, source, table, drop, folder, has_namesake=ledger.has_namesake(drop))
            self._outcomes.append((drop, outcome))
            self.differences.append(self._difference(drop, before, outcome))

    def _difference(self, drop: Drop, before: Parsed, outcome: tuple[Parsed, pl.DataFrame] | Failed) -> Difference:
        if isinstance(outcome, Failed):
            return Difference(drop, None, before.accepted, 0, before.accepted, 0, reason=outcome.reason)
        after, _ = outcome
        otherwise = before.identity != after.identity
        old = parsed.rows(parsed.folder_of(self._home, self._source.name), before)
        new = parsed.rows(self._folder, after)
        columns = new.collect_schema().names()
        if old.collect_schema() != new.collect_schema():
            went, came = before.accepted, after.accepted
            return Difference(drop, after.layout_name, before.accepted, after.accepted, went, came, otherwise)
        went, came = (
            one.join(other, on=columns, how="anti", nulls_equal=True).select(pl.len()).collect().item()
            for one, other in ((old, new), (new, old))
        )
        return Difference(drop, after.layout_name, before.accepted, after.accepted, went, came, otherwise)

    def apply(self, run_id: str) -> tuple[date, date] | None:
        """Let the new reading take effect where it differs, and return the days that must be made anew."""
        into = parsed.folder_of(self._home, self._source.name)
        days: set[date] = set()
        for drop, outcome in self._outcomes:
            days.update(drop.days)
            quarantine.release(self._home, self._table.name, quarantine_name(drop))
            if isinstance(outcome, Failed):
                _refuse(self._home, self._ledger, self._table, drop, run_id, outcome)
                parsed.forget(into, drop.drop_id)
                continue
            found, rejected = outcome
            parsed.adopt(self._folder, drop.drop_id, found, into)
            if len(rejected):
                _keep(self._home, self._table, drop, run_id, rejected)
            days.update(found.local_days)
            # One that was replaced may count again: what replaces it may now be about something else.
            self._ledger.read(drop, found)
        return (min(days), max(days)) if days else None


def quarantine_name(drop: Drop) -> str:
    """Name under which rows of a drop lie in quarantine."""
    return str(drop.sha256)


def unforeseen(error: Exception) -> str:
    """Say of a file that a library raised something over it; its text may quote the file, so that is not told."""
    return f"could not be read: {type(error).__name__} at {place(error)}"


def place(error: BaseException) -> str:
    """Say where in the project an exception arose; its text may quote the file, so that is not told."""
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(PACKAGE)
    ]
    innermost = ours[-1]
    return f"{Path(innermost.filename).relative_to(PACKAGE.parent)}, line {innermost.lineno}"


def _refuse(home: Home, ledger: Ledger, table: Table, drop: Drop, run_id: str, failed: Failed) -> Reading:
    if len(failed.rejected):
        _keep(home, table, drop, run_id, failed.rejected)
    name = quarantine_name(drop)
    quarantine.keep_refused(home, table.name, name, drop.name, run_id, failed.reason, staged=None)
    return Reading(ledger.refuse(drop, failed.reason, quarantined=len(failed.rejected), run_id=run_id), None)


def _keep(home: Home, table: Table, drop: Drop, run_id: str, rejected: pl.DataFrame) -> None:
    """Keep rejected rows; of people, nothing but line and reason: the archive has the rest."""
    kept = rejected.with_columns(text=pl.lit("")) if table.is_individual else rejected
    quarantine.keep_rows(home, table.name, quarantine_name(drop), drop.name, run_id, kept)
