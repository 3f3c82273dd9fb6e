"""What a source is: it turns the files of a kind of supplier into rows of one table, and loses nothing."""

import inspect
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl

from ons_assets.intake import values
from ons_assets.intake.containers import is_workbook_zip, is_zip, members, opened_zip
from ons_assets.intake.fields import fields
from ons_assets.intake.layouts import LOCAL_ZONE, Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.needs import OneOf, fields_said, not_said, words_said
from ons_assets.intake.records import Block, records
from ons_assets.intake.rules import Rule, first_fault, repeats
from ons_assets.intake.shelf import Shelf, shelf
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA, reasons
from ons_assets.parameters.calendar import FIRST_DAY
from ons_assets.parameters.geography import Country
from ons_assets.settings import Settings
from ons_assets.wording import counted

ENDS_INSIDE_RECORD = "ends inside a record"
UNREAD = "{} cannot be read, and is left empty"


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
class Located:
    """Where records of a part of a file are, and whose.

    Parameters
    ----------
    part
        Name of the member of a zip; None if the file is no zip.
    line
        Where each begins, as a reader counts.
    whose
        The column that was asked for: a pseudonym, or the number of the record; null where nothing says it.
    unreadable
        Lines of records that are none.
    """

    part: str | None
    line: pl.Series
    whose: pl.Series
    unreadable: pl.Series


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
    first_day
        Of the installation; rows of earlier days are rejected where `has_days`.
    country
        Of the installation: its clock where `has_days`, its grid where `has_positions`.
    """

    folders: tuple[Path, ...] = ()
    limits: Limits = field(default_factory=Limits)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    first_day: date = FIRST_DAY
    country: Country = field(default_factory=Country)

    # Name of the drop folder, and of the table.
    name: ClassVar[str]
    table: ClassVar[str]
    # What its files are, in half a sentence, for people who look for the right folder.
    files_are: ClassVar[str] = ""
    # Fields that a layout must say, and those that it may say, each with what it is.
    needs: ClassVar[Mapping[str, str]] = {}
    takes: ClassVar[Mapping[str, str]] = {}
    # Groups of which a layout must say one alternative: fields, or words of the layout, that go together.
    one_of: ClassVar[tuple[OneOf, ...]] = ()
    # What its rows give, as people count it.
    unit: ClassVar[str] = "rows"
    # What one row of its table is, where it is no row of a file.
    row: ClassVar[str] = "row"
    # Columns that tell one batch of a file from another: the gate refuses batch by batch.
    batch: ClassVar[tuple[str, ...]] = ()
    # Columns of which rows with the same values are replaced by those of a file that arrives later.
    identity: ClassVar[tuple[str, ...]] = ()
    # Columns of what a row is about, whatever it says of it: a drop that replaces rows about other things is warned of.
    subject: ClassVar[tuple[str, ...]] = ()
    # Columns that make two rows the same observation, whatever their batches.
    observation: ClassVar[tuple[str, ...]] = ()
    # Whether rows are of days, so that those before the first of the installation have no place.
    has_days: ClassVar[bool] = False
    # Whether rows have positions on the grid of the installation.
    has_positions: ClassVar[bool] = False
    # Whether rows are about people: then nothing of a file is quoted anywhere.
    is_individual: ClassVar[bool] = False
    # Columns of the table that say whose a row is, and which record it is, by which it can be erased.
    person: ClassVar[str | None] = None
    record: ClassVar[str | None] = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the source of one home; its own layouts come before those that lie beside the class."""
        beside = Path(inspect.getfile(cls)).parent / "layouts" / cls.name
        return cls(layout_folders(settings, cls.name, beside), limits(settings), **of_installation(cls, settings))

    @cached_property
    def shelf(self) -> Shelf:
        """The layouts of the source; one that does not say what the source needs is broken."""
        return shelf(self.folders, self.lack_of, self.settled)

    def settled(self, layout: Layout) -> Layout:
        """Return a layout with the clock of the installation where it says so."""
        return layout.model_copy(update={"zone": self.country.time_zone}) if layout.zone == LOCAL_ZONE else layout

    @property
    def remarks(self) -> tuple[str, ...]:
        """What there is to say of layouts that can be used: days that they promise before the first there is."""
        return tuple(said for layout in self.shelf.layouts if (said := self.early(layout)) is not None)

    def early(self, layout: Layout) -> str | None:
        """Say of a layout that its first day is before that of the installation; None if it is not."""
        if not self.has_days or layout.first_day is None or layout.first_day >= self.first_day:
            return None
        return (
            f"the layout {layout.name} says first_day {layout.first_day}, and the first day of this installation is "
            f"{self.first_day}: calendar.first_day sets an earlier one; till then rows of earlier days are rejected"
        )

    @property
    def said_fields(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Fields that a layout must say, and those that it may say, each with what it is."""
        return self.needs, self.takes

    @property
    def demands(self) -> tuple[OneOf, ...]:
        """What a layout must say, one alternative of each; the fields that nothing else stands for come first."""
        free = {name for group in self.one_of for alternative in group for name in alternative}
        return (*(((name,),) for name in self.said_fields[0] if name not in free), *self.one_of)

    def lack_of(self, layout: Layout) -> str | None:
        """Return what a layout does not say though the source needs it; None if it says all."""
        needs, takes = self.said_fields
        said = words_said(layout)
        unmet = [group for group in self.demands if not any(said.issuperset(each) for each in group)]
        unknown = [name for name in layout.origins if name not in {*needs, *takes}]
        beyond = [f"says {', '.join(unknown)}, which files of {self.name} do not have"] if unknown else []
        idle = sorted(layout.codes.keys() - {*fields_said(layout), *layout.day_columns})
        beyond += [f"says codes of {', '.join(idle)}, which is none of its fields"] if idle else []
        return "; ".join([*not_said(unmet, said), *beyond]) or None

    def first_day_of(self, layout: Layout) -> date:
        """Return the day before which rows under a layout are rejected.

        Parameters
        ----------
        layout
            It may say one; rows of days before the installation are rejected nevertheless.
        """
        return layout.first_day or self.first_day

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

    def pseudonyms_of(self, name: str, layouts: Sequence[Layout], accepted: Sequence[pl.LazyFrame]) -> frozenset[int]:
        """Return the pseudonyms that somebody has whom suppliers call so.

        Parameters
        ----------
        name
            As suppliers write it.
        layouts
            Under which files were read; whose a name is may depend on them.
        accepted
            Rows that files of the source gave.
        """
        return frozenset()

    def objection(self, numbers: frozenset[int], accepted: Sequence[pl.LazyFrame]) -> str | None:
        """Return why single records must not be erased, in a sentence that names none; None if nothing is against it.

        Parameters
        ----------
        numbers
            Of the records.
        accepted
            Rows that files of the source gave.
        """
        return None

    def pruning(self, layout: Layout, names: frozenset[str]) -> Callable[[bytes], bytes | None] | None:
        """Return what takes somebody out of a line of a file; None if lines are one's or another's as a whole.

        Parameters
        ----------
        layout
            Of the file.
        names
            Of people, or numbers of records, as suppliers write them.
        """
        return None

    def located(self, path: Path, name: str, layout: Layout, column: str) -> Iterator[Located]:
        """Say whose every record of a file is, also of those that are rejected or left out.

        Parameters
        ----------
        path, name, layout
            As for `read`.
        column
            `person` or `record` of the source.
        """
        every = layout.model_copy(update={"only": {}})
        for block in records(path, layout, self.limits):
            rows = fields(block, every, name).rows
            yield Located(block.part, rows["line"], self.whose(rows, layout, column), block.rejected["line"])

    def whose(self, rows: pl.DataFrame, layout: Layout, column: str) -> pl.Series:
        """Return whose rows of fields are.

        Parameters
        ----------
        rows
            `line` and the fields of the layout.
        layout
            Of the file.
        column
            See `located`.

        Raises
        ------
        ValueError
            If the rows of the source are about nobody.
        """
        raise ValueError(f"rows of {self.name} are about nobody")

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
    told = [together] if together else []
    try:
        for piece in source.read(path, name, received_utc, layout):
            yield replace(piece, warnings=(*piece.warnings, *told))
            told = []
    except Unreadable as error:
        if not told:
            raise
        raise Unreadable("; ".join([str(error), *told]), error.rejected) from None


def taken_together(path: Path, layout: Layout) -> str | None:
    """Say of an archive of several files that its own name stands for all of them; None if it does not.

    They may be months of one meter, or homes of one portal: the archive does not say.
    """
    taken = said_by_name(layout)
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


def said_by_name(layout: Layout) -> list[str]:
    """Return the fields of a source that are taken from the name of the file."""
    named = re.compile(layout.name_pattern).groupindex if layout.name_pattern else ()
    return [*named, *(field for field, origin in layout.origins.items() if origin.file_name is not None)]


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

    def doubts(self) -> Sequence[Rule]:
        """Return of what rows are warned of though they are accepted."""
        return ()

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

    def whose(self, rows: pl.DataFrame, layout: Layout, column: str) -> pl.Series:
        """See `Source.whose`."""
        return self.typed(rows, layout)[column]

    def helpers(self) -> tuple[str, ...]:
        """Columns of `typed` that rules need and the table does not have."""
        return ()

    def read(self, path: Path, name: str, received_utc: datetime, layout: Layout) -> Iterator[Piece]:
        """See `Source.read`."""
        doubted: Counter[str] = Counter()
        left_out = 0
        found = []
        for block in records(path, layout, self.limits):
            named = fields(block, layout, name)
            left_out += named.left_out
            found.append(self._block(block, named.rows, received_utc, layout, doubted))
        rejected = pl.concat([pl.DataFrame(schema=REJECTED_SCHEMA), *(piece.rejected for piece in found)])
        accepted = pl.concat([piece.accepted for piece in found]) if found else pl.DataFrame()
        accepted = self.completed(accepted, name, received_utc) if len(accepted) else accepted
        if self.key and len(accepted):
            again = repeats(accepted, self.key, layout.contradicting)
            # Rows are copied only where there is a reason.
            if again.null_count() < len(again):
                rejected = pl.concat([rejected, _rejected(accepted, again)])
                accepted = accepted.filter(again.is_null())
        rejected = rejected.sort("line")
        warnings = tuple(dict.fromkeys(warning for piece in found for warning in piece.warnings))
        if accepted.is_empty():
            nothing = nothing_meant(layout) if left_out and rejected.is_empty() else nothing_read(rejected)
            raise Unreadable("; ".join([nothing, *warnings]), rejected)
        cut = any(piece.notes for piece in found)
        left = [without(left_out)] if left_out else []
        notes = (*([ENDS_INSIDE_RECORD] if cut else []), *left, *self.check(accepted))
        warnings += tuple(f"{counted(number, 'row')}: {said}" for said, number in doubted.items() if number)
        yield Piece(accepted, rejected, notes, warnings, len(accepted), len(accepted) + len(rejected))

    def _block(
        self, block: Block, rows: pl.DataFrame, received_utc: datetime, layout: Layout, doubted: Counter[str]
    ) -> Piece:
        typed = self.typed(rows, layout)
        reason = typed.select(first_fault(self.rules(layout, received_utc))).to_series()
        # A row of a file may hold several of the table; then it is those that are rejected.
        told = rows if len(rows) == len(typed) else typed
        rejected = pl.concat([block.rejected, _rejected(told, reason)])
        kept = typed.filter(reason.is_null())
        doubted.update({rule.sentence: kept.select(rule.holds.sum()).item() for rule in self.doubts()})
        accepted = kept.drop(self.helpers())
        unread = _unread(rows, typed, layout) if len(rows) == len(typed) else {}
        doubted.update(
            {
                UNREAD.format(name): count
                for name, is_so in unread.items()
                if (count := (is_so & reason.is_null()).sum())
            }
        )
        undecided = any(values.are_undecided(rows[name].filter(is_so), layout) for name, is_so in unread.items())
        warnings = (values.UNDECIDED,) if undecided else ()
        return Piece(accepted, rejected, (ENDS_INSIDE_RECORD,) if block.ends_inside_record else (), warnings)


def _unread(rows: pl.DataFrame, typed: pl.DataFrame, layout: Layout) -> dict[str, pl.Series]:
    """Return by field which rows say something of which nothing could be made."""
    found = {}
    for name, dtype in typed.schema.items():
        if name not in rows.columns or dtype == pl.String() or not typed[name].null_count():
            continue
        read = values.number(rows[name], layout) if dtype.is_numeric() else typed[name]
        # A name of digits that became a pseudonym is read, though it is no number.
        is_so = typed[name].is_null() & read.is_null() & values.text(rows[name]).is_not_null()
        if is_so.any():
            found[name] = is_so
    return found


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


def of_installation(source: type[Source], settings: Settings, **parameters: Any) -> dict[str, Any]:
    """Return arguments of a source: its parameters, and what the installation says of days and places.

    The first day and the clock, and the grid, are recorded with the parameters of a source on which they bear.

    Parameters
    ----------
    source
        The class.
    settings
        Of the home.
    **parameters
        Those that decide how files are read.
    """
    first_day, country = settings.calendar.first_day, settings.geography
    dated = {"first_day": first_day.isoformat(), "time_zone": country.time_zone} if source.has_days else {}
    placed = {"crs": country.crs} if source.has_positions else {}
    return {"parameters": parameters | dated | placed, "first_day": first_day, "country": country}


def limits(settings: Settings) -> Limits:
    """Return how much of a file is read."""
    return Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes, settings.drops.max_document_bytes)


def without(left_out: int) -> str:
    """Say how many rows the layout does not mean."""
    return f"{counted(left_out, 'row')} left out by the layout's `only`"


def nothing_meant(layout: Layout) -> str:
    """Say of a file without rows that it may have had some, of another fuel or direction: they are not counted."""
    return f"has no row that the layout {layout.name} reads: the rest is left out by its `only`"


def nothing_read(rejected: pl.DataFrame) -> str:
    """Say of a file that it has no row, and why."""
    return f"has no row that could be read ({reasons(rejected)})" if len(rejected) else "has a header and no rows"


def _rejected(rows: pl.DataFrame, reason: pl.Series) -> pl.DataFrame:
    bad = rows.with_columns(reason=reason).filter(pl.col("reason").is_not_null())
    if bad.is_empty():
        return pl.DataFrame(schema=REJECTED_SCHEMA)
    shown = [values.written(bad[name]) for name in rows.columns if name != "line"]
    if not shown:
        # A member of an archive that has none of the columns.
        return bad.select("line", "reason", text=pl.lit("{}"))
    texts = pl.DataFrame(shown).select(pl.struct(pl.all()).struct.json_encode()).to_series()
    return bad.select("line", "reason", text=texts)
