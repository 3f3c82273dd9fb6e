"""What a source is: it turns the files of a kind of supplier into rows of one table, and loses nothing."""

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl

from ons_assets.intake.containers import is_workbook_zip, is_zip, members, opened_zip
from ons_assets.intake.fields import fields
from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.records import records
from ons_assets.intake.rules import Rule, first_fault, repeats
from ons_assets.intake.shelf import Shelf, shelf
from ons_assets.intake.unreadable import Unreadable
from ons_assets.intake.values import written
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA, reasons
from ons_assets.settings import Settings

ENDS_INSIDE_RECORD = "ends inside a record"


@dataclass(frozen=True)
class Piece:
    """Some rows of a file.

    Parameters
    ----------
    accepted
        Rows with the columns of the source's table, except `drop_sha256` and `arrival`.
    rejected
        Rows that cannot be read: line, reason, text.
    notes, warnings
        What there is to say of the file; a warning shows yellow.
    usable
        What the rows give, in the unit of the source: quotes, half hours, events.
    expected
        What they should have given; None where nobody can know.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTED_SCHEMA))
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    usable: int = 0
    expected: int | None = None


@dataclass(frozen=True)
class Source(ABC):
    """A kind of files, and the table that they fill.

    Parameters
    ----------
    folders
        Where layouts lie; those of earlier folders are tried first.
    limits
        How much of a file is read.
    parameters
        Those that decide how files are read, by name; recorded with every drop.
    """

    folders: tuple[Path, ...] = ()
    limits: Limits = field(default_factory=Limits)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    # Name of the drop folder, and of the table.
    name: ClassVar[str]
    table: ClassVar[str]
    # What its files are, in half a sentence, for people who look for the right folder.
    files_are: ClassVar[str] = ""
    # Fields that a layout must say, and those that it may say, each with what it is.
    needs: ClassVar[Mapping[str, str]] = {}
    takes: ClassVar[Mapping[str, str]] = {}
    # What its rows give, as people count it.
    unit: ClassVar[str] = "rows"
    # Columns that tell one batch of a file from another: the gate refuses batch by batch.
    batch: ClassVar[tuple[str, ...]] = ()
    # Columns of which rows with the same values are replaced by those of a file that arrives later.
    identity: ClassVar[tuple[str, ...]] = ()
    # Columns of what a row is about, whatever it says of it: a drop that replaces rows about other things is warned of.
    subject: ClassVar[tuple[str, ...]] = ()
    # Columns that make two rows the same observation, whatever their batches.
    observation: ClassVar[tuple[str, ...]] = ()
    # Whether rows are about people: then nothing of a file is quoted anywhere.
    is_individual: ClassVar[bool] = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the source of one home; its own layouts come before those that lie beside the class."""
        beside = Path(inspect.getfile(cls)).parent / "layouts" / cls.name
        return cls(layout_folders(settings, cls.name, beside), limits(settings))

    @cached_property
    def shelf(self) -> Shelf:
        """The layouts of the source; one that does not say what the source needs is broken."""
        return shelf(self.folders, self.lack_of)

    @property
    def said_fields(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Fields that a layout must say, and those that it may say, each with what it is."""
        return self.needs, self.takes

    def lack_of(self, layout: Layout) -> str | None:
        """Return what a layout does not say though the source needs it; None if it says all."""
        needs, takes = self.said_fields
        lacking = [name for name in needs if name not in fields_said(layout)]
        if lacking:
            return f"does not say {', '.join(lacking)}"
        unknown = [name for name in layout.origins if name not in {*needs, *takes}]
        return f"says {', '.join(unknown)}, which files of {self.name} do not have" if unknown else None

    def layout(self, path: Path, name: str) -> Layout:
        """Return the layout of a file.

        Raises
        ------
        Unreadable
            If none knows it.
        """
        return self.shelf.choose(path, name, self.limits, individual=self.is_individual)

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether a layout knows the file."""
        return self.shelf.find(path, name, self.limits) is not None

    @abstractmethod
    def read(self, path: Path, name: str, received_utc: datetime, layout: Layout) -> Iterator[Piece]:
        """Read one file, a piece after another.

        Parameters
        ----------
        path
            The file in the archive.
        name
            The name under which it came; it may say the store and the time.
        received_utc
            When it came; rows dated more than a day later are rejected.
        layout
            Of the file.

        Raises
        ------
        Unreadable
            If nothing in the file can be read.
        """

    def whole(self, path: Path, name: str, received_utc: datetime) -> Piece:
        """Read one file of moderate size whole, under the layout that knows it.

        Parameters
        ----------
        path, name, received_utc
            As for `read`.

        Raises
        ------
        Unreadable
            If no layout knows it, or nothing in it can be read.
        """
        return joined(list(pieces(self, path, name, received_utc, self.layout(path, name))))


def pieces(source: Source, path: Path, name: str, received_utc: datetime, layout: Layout) -> Iterator[Piece]:
    """Yield what a source reads of a file, with what there is to say of it under any source.

    Parameters
    ----------
    source
        Whose file it is.
    path, name, received_utc, layout
        As for `Source.read`.

    Raises
    ------
    Unreadable
        If nothing in the file can be read.
    """
    together = taken_together(path, layout)
    first = True
    try:
        for piece in source.read(path, name, received_utc, layout):
            yield replace(piece, warnings=(*piece.warnings, together)) if together and first else piece
            first = False
    except Unreadable as error:
        if together is None:
            raise
        raise Unreadable(f"{error}; {together}", error.rejected) from None


def taken_together(path: Path, layout: Layout) -> str | None:
    """Say of an archive of several files that its own name stands for all of them; None if it does not.

    They may be months of one meter, or homes of one portal: the archive does not say.
    """
    named = re.compile(layout.name_pattern).groupindex if layout.name_pattern else ()
    taken = [*named, *(field for field, origin in layout.origins.items() if origin.file_name is not None)]
    if not taken or not is_zip(path) or is_workbook_zip(path):
        return None
    with opened_zip(path) as archive:
        count = len(members(archive, layout.member))
    if count < 2:
        return None
    return (
        f"{' and '.join(taken)} of all {count} files in the archive is taken from its own name; "
        "if theirs differ, say `member_name` in place of `file_name`"
    )


def joined(pieces: Sequence[Piece]) -> Piece:
    """Return the pieces of one file as one."""
    known = [piece.expected for piece in pieces if piece.expected is not None]
    return Piece(
        accepted=pl.concat([piece.accepted for piece in pieces]),
        rejected=pl.concat([piece.rejected for piece in pieces]).sort("line"),
        notes=tuple(note for piece in pieces for note in piece.notes),
        warnings=tuple(warning for piece in pieces for warning in piece.warnings),
        usable=sum(piece.usable for piece in pieces),
        expected=sum(known) if known else None,
    )


class TableSource(Source):
    """A source whose files are tables: rows of a file are rows of the table."""

    # Columns of which two rows with the same values are about the same thing; a file may have one only.
    key: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """Return `line` and the columns of the table in their types, in the order of the file.

        Parameters
        ----------
        rows
            `line` and the fields of the source that the file has, as text or as typed there; see
            `ons_assets.intake.fields`.
        """

    @abstractmethod
    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """Return why rows are rejected, the first that holds being told."""

    def check(self, accepted: pl.DataFrame) -> Sequence[str]:
        """Look at all accepted rows of a file together, and return what there is to say of them.

        Raises
        ------
        Unreadable
            If together they cannot be right.
        """
        return ()

    def completed(self, accepted: pl.DataFrame, name: str, received_utc: datetime) -> pl.DataFrame:
        """Return accepted rows with what only the file as a whole says.

        Parameters
        ----------
        accepted
            Rows of the table.
        name, received_utc
            Of the file.
        """
        return accepted

    def helpers(self) -> tuple[str, ...]:
        """Columns of `typed` that rules need and the table does not have."""
        return ()

    def read(self, path: Path, name: str, received_utc: datetime, layout: Layout) -> Iterator[Piece]:
        """See `Source.read`."""
        found = [self._block(block, name, received_utc, layout) for block in records(path, layout, self.limits)]
        rejected = pl.concat([pl.DataFrame(schema=REJECTED_SCHEMA), *(piece.rejected for piece in found)])
        accepted = pl.concat([piece.accepted for piece in found]) if found else pl.DataFrame()
        accepted = self.completed(accepted, name, received_utc) if len(accepted) else accepted
        if self.key and len(accepted):
            again = repeats(accepted, self.key, layout.contradicting)
            rejected = pl.concat([rejected, _rejected(accepted, again)])
            accepted = accepted.filter(again.is_null())
        rejected = rejected.sort("line")
        if accepted.is_empty():
            raise Unreadable(nothing_read(rejected), rejected)
        cut = any(piece.notes for piece in found)
        notes = [*([ENDS_INSIDE_RECORD] if cut else []), *self.check(accepted)]
        yield Piece(accepted, rejected, tuple(notes), usable=len(accepted), expected=len(accepted) + len(rejected))

    def _block(self, block: Any, name: str, received_utc: datetime, layout: Layout) -> Piece:
        named = fields(block, layout, name)
        typed = self.typed(named.rows, layout)
        reason = typed.select(first_fault(self.rules(layout, received_utc))).to_series()
        # A row of a file may hold several of the table; then it is those that are rejected.
        told = named.rows if len(named.rows) == len(typed) else typed
        rejected = pl.concat([block.rejected, named.rejected, _rejected(told, reason)])
        accepted = typed.filter(reason.is_null()).drop(self.helpers())
        return Piece(accepted, rejected, (ENDS_INSIDE_RECORD,) if block.ends_inside_record else ())


def layout_folders(settings: Settings, name: str, *built_in: Path) -> tuple[Path, ...]:
    """Return where layouts of a source lie: those of the home are tried before those that are built in.

    Mappings, as layouts were called in version 0.1, are still read.

    Parameters
    ----------
    settings
        Where the home is.
    name
        Name of the source.
    built_in
        Folders of layouts that come with the project.
    """
    return settings.home / "layouts" / name, settings.home / "mappings" / name, *built_in


def limits(settings: Settings) -> Limits:
    """Return how much of a file is read."""
    return Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes, settings.drops.max_document_bytes)


def fields_said(layout: Layout) -> set[str]:
    """Return the fields of a source that a layout says, from columns or from the name of the file."""
    named = re.compile(layout.name_pattern).groupindex if layout.name_pattern else {}
    return {*layout.origins, *named}


def nothing_read(rejected: pl.DataFrame) -> str:
    """Say of a file that it has no row, and why."""
    return f"has no row that could be read ({reasons(rejected)})" if len(rejected) else "has a header and no rows"


def _rejected(rows: pl.DataFrame, reason: pl.Series) -> pl.DataFrame:
    bad = rows.with_columns(reason=reason).filter(pl.col("reason").is_not_null())
    if bad.is_empty():
        return pl.DataFrame(schema=REJECTED_SCHEMA)
    shown = [written(bad[name]) for name in rows.columns if name != "line"]
    if not shown:
        # A member of an archive that has none of the columns.
        return bad.select("line", "reason", text=pl.lit("{}"))
    texts = pl.DataFrame(shown).select(pl.struct(pl.all()).struct.json_encode()).to_series()
    return bad.select("line", "reason", text=texts)
