"""The steps of an erasure: files, tables, what is made of them, older versions, and the search that proves it.

Each step can be done again, and what there is to do is written down before the first. So an erasure that was killed
goes on from its beginning, and finds less to do.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.catalogue.governance import DROP_LEDGER, ERASURES
from ons_assets.governance.accesses.access_ledger import AccessLedger
from ons_assets.governance.accesses.pictures import erase_pictures
from ons_assets.governance.erasure import search, tables
from ons_assets.governance.erasure.files import Files
from ons_assets.governance.erasure.intent import Difference, Intent
from ons_assets.governance.erasure.naming import says
from ons_assets.governance.erasure.search import Wanted
from ons_assets.governance.erasure.selection import Kind, Selection
from ons_assets.intake import parsed
from ons_assets.intake.erasure_ledger import ErasureLedger
from ons_assets.intake.layouts import Layout
from ons_assets.intake.ledger import Status
from ons_assets.intake.source import Source
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Table
from ons_assets.wording import counted, one_line

REPORT = "governance/report"
COORDINATE = re.compile(r"(latitude|longitude|easting_m|northing_m)$")
WHOLE_NUMBER = re.compile(r"[0-9]{1,19}")
NO_REASON = "the reason is kept: it must be given, and must not say whom it is about"

Progress = Callable[[str], None]
Step = Callable[[str], None]


class CannotErase(ValueError):
    """Nothing can be erased now, or what was asked for is nothing; the message is one sentence."""


class NotProved(ValueError):
    """Something of what was erased is still found; the message is one sentence, and names nobody."""


@dataclass(frozen=True)
class Making:
    """How tables are made again.

    Parameters
    ----------
    publish
        Makes the raw table of a source of the files that wait.
    make
        Makes tables, or groups of them, by name.
    """

    publish: Callable[[Source], Mapping[str, str]]
    make: Callable[[Collection[str]], Mapping[str, str]]


@dataclass(frozen=True)
class Erased:
    """What was erased, in numbers, and what follows from it.

    Parameters
    ----------
    files, rows, tables
        From how many files how many rows went, and how many tables had some.
    changes
        What differs in the aggregates.
    failures
        Tables that could not be made again, with the reason.
    """

    source: str
    files: int
    rows: int
    tables: int
    changes: list[Difference]
    failures: dict[str, str]


def nothing(_: str) -> None:
    """Do nothing between two steps."""


@dataclass(frozen=True)
class Erasing:
    """Erasures in one home.

    Parameters
    ----------
    sources
        All of them.
    step
        Called between two steps; tests die there.
    patience_seconds
        How long another process is waited for: a look of a sensor is soon over, a run is not.
    """

    home: Home
    ledger: ErasureLedger
    sources: Sequence[Source]
    making: Making
    progress: Progress = nothing
    step: Step = nothing
    patience_seconds: float = 60

    def erase(self, source: Source, names: Collection[str], reason: str, *, kind: Kind = Kind.SUBJECTS) -> Erased:
        """Erase people, homes or devices, or single records, and prove it.

        Parameters
        ----------
        source
            Whose files name them; all sources of its pilot that are about the same kind of units lose them.
        names
            As suppliers write them.
        reason
            Why; it is kept, and must not say whom.
        kind
            Whether the names are of people or of records.

        Raises
        ------
        CannotErase
            If it cannot be begun, or another process is at work.
        NotProved
            If something is still found; it can be gone on with.
        """
        chosen = frozenset(filter(None, (name.strip() for name in names)))
        column = source.person if kind is Kind.SUBJECTS else source.record
        if column is None:
            what = "people, homes or devices" if kind is Kind.SUBJECTS else "records that have a number"
            raise CannotErase(f"files of {source.name} are not about {what}")
        if not chosen:
            raise CannotErase("it is not said what is to be erased")
        reason = one_line(reason)
        if not reason or says(reason, chosen):
            raise CannotErase(NO_REASON)
        if kind is Kind.RECORDS and not all(WHOLE_NUMBER.fullmatch(name) for name in chosen):
            raise CannotErase("numbers of records are whole numbers")
        with self._only_one():
            with self._alone():
                selection = self._numbered(source, Selection(kind, column, chosen))
                if says(reason, [*map(str, selection.numbers)]):
                    raise CannotErase(NO_REASON)
                if self._is_unknown(selection):
                    # Nothing is made again, and no older version forgotten, for a name that is nobody's here.
                    return self._nothing(source, selection, reason)
                intent = self._begin(source, selection, reason)
            return self._carry_out(intent)

    def retain(self, source: Source, before: date, reason: str) -> Erased | None:
        """Erase what is older than a day, by its local day, or that of its arrival where rows say none.

        Returns None if nothing is.

        Parameters
        ----------
        before
            First day that stays.
        reason
            Why; it is kept.

        Raises
        ------
        CannotErase
            If another process is at work, or an erasure is not finished.
        """
        with self._only_one():
            with self._alone():
                selection = Selection(Kind.RETENTION, before=before)
                if not any(files.has_older() for files in self._files(source, selection, 0)):
                    return None
                intent = self._begin(source, selection, reason)
            return self._carry_out(intent)

    def resume(self) -> Erased:
        """Go on with an erasure that is not finished.

        Raises
        ------
        CannotErase
            If there is none, or another process is at work.
        NotProved
            If something is still found.
        """
        with self._only_one():
            intent = Intent.read(self.home)
            if intent is None:
                raise CannotErase("there is no erasure to go on with")
            return self._carry_out(intent)

    # --- before

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        with self.home.erasing() as mine:
            if not mine:
                raise CannotErase("another erasure is at work in this home")
            yield

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self.home.alone_within(self.patience_seconds) as alone:
            if not alone:
                then = "go on by ons-assets erase --resume" if Intent.read(self.home) is not None else "try again"
                raise CannotErase(f"another process is at work in this home: {then} when it has ended")
            yield

    def _begin(self, source: Source, selection: Selection, reason: str) -> Intent:
        if Intent.read(self.home) is not None:
            raise CannotErase("an erasure is not finished: go on with it first, by ons-assets erase --resume")
        files = self._files(source, selection, 0)
        if waiting := sum(each.waiting() for each in files):
            raise CannotErase(
                f"{counted(waiting, 'file')} in the drop folders may hold what is to be erased: "
                "take them first, by ons-assets ingest, or remove them"
            )
        aggregates = {
            table.name: version.number
            for table in self._tables(source)
            if not table.is_individual and (version := lake.latest(self.home, table)) is not None
        }
        coordinates = self._coordinates(source, selection) if selection.kind is not Kind.RETENTION else {}
        # Before anything is removed: what was found is what must not be found.
        begun = self.ledger.begin_erasure(source.name, selection.kind, reason.strip(), datetime.now(UTC))
        intent = Intent(begun, source.name, selection, coordinates, aggregates)
        intent.write(self.home)
        self.step("begun")
        return intent

    def _is_unknown(self, selection: Selection) -> bool:
        """Whether nothing in the home is of whom was named, so far as a search of it can say so."""
        wanted = Wanted.of(selection.names, selection.numbers, frozenset())
        return selection.telling == selection.names and not search.holding(self.home, wanted)

    def _nothing(self, source: Source, selection: Selection, reason: str) -> Erased:
        """Write down that there was nothing to be erased but perhaps a word in a reason, written in another way."""
        self._forget_reasons(selection)
        number = self.ledger.begin_erasure(source.name, selection.kind, reason.strip(), datetime.now(UTC))
        self.ledger.finish_erasure(number, 0, datetime.now(UTC))
        return Erased(source.name, 0, 0, 0, [], {})

    def _numbered(self, source: Source, selection: Selection) -> Selection:
        """Return a selection with the values by which tables know what it names."""
        if selection.kind is Kind.RECORDS:
            numbers_said = frozenset(map(int, selection.names))
            if objection := source.objection(numbers_said, [rows for rows, _ in self._parsed(source)]):
                raise CannotErase(objection)
            return replace(selection, numbers=numbers_said)
        involved = self._involved(source, selection)
        found = {each.name: self._parsed(each) for each in involved}
        layouts = [Layout.model_validate(one.layout) for each in found.values() for _, one in each]
        for each in involved:
            layouts += each.shelf.layouts
        numbers: set[int] = set()
        for each in involved:
            rows = [rows for rows, _ in found[each.name]]
            for name in selection.names:
                numbers |= each.pseudonyms_of(name, layouts, rows)
        return replace(selection, numbers=frozenset(numbers))

    def _parsed(self, source: Source) -> list[tuple[pl.LazyFrame, parsed.Parsed]]:
        folder = parsed.folder_of(self.home, source.name)
        found = [parsed.load(folder, drop.drop_id) for drop in self.ledger.drops(source.name)]
        return [(parsed.rows(folder, each), each) for each in found if each is not None]

    def _coordinates(self, source: Source, selection: Selection) -> dict[str, list[float]]:
        """Places of what is erased, by the kind of coordinate."""
        found: dict[str, set[float]] = {}
        involved = self._involved(source, selection)
        rows = [rows for each in involved for rows, _ in self._parsed(each)]
        rows += [lake.read(self.home, table) for table in self._tables(source) if lake.exists(self.home, table)]
        for each in rows:
            schema = each.collect_schema()
            if (gone := selection.rows(schema)) is None:
                continue
            for column in _coordinates_in(schema):
                values = each.filter(gone).select(column).drop_nulls().unique().collect().to_series()
                found.setdefault(_kind_of(column), set()).update(values)
        return {kind: sorted(values) for kind, values in found.items()}

    def _involved(self, source: Source, selection: Selection) -> list[Source]:
        if selection.kind is not Kind.SUBJECTS:
            return [source]
        domain = CATALOGUE[source.table].domain
        return [
            each for each in self.sources if CATALOGUE[each.table].domain == domain and each.person == source.person
        ]

    def _files(self, source: Source, selection: Selection, erasure_id: int) -> list[Files]:
        return [
            Files(self.home, self.ledger, each, CATALOGUE[each.table], selection, erasure_id, self.step)
            for each in self._involved(source, selection)
        ]

    def _tables(self, source: Source) -> list[Table]:
        domain = CATALOGUE[source.table].domain
        return [table for table in CATALOGUE.values() if table.domain == domain]

    # --- the steps

    def _carry_out(self, intent: Intent) -> Erased:
        source = next(each for each in self.sources if each.name == intent.source)
        with self._alone():
            intent = self._remove(source, intent)
        failures = self._make(source, intent)
        if intent.changes is None:
            compared = [table for table in self._tables(source) if not table.is_individual]
            intent = replace(intent, changes=tables.differences(self.home, compared, intent.versions))
            intent.write(self.home)
        self.step("compared")
        with self._alone():
            self.progress("forgetting older versions")
            # What it published of reasons that were taken away.
            ledgers = [] if intent.selection.kind is Kind.RETENTION else [ERASURES]
            tables.forget_histories(self.home, [*self._remade(source, intent.selection), *ledgers], self.step)
            self.ledger.compact()
            if intent.selection.kind is not Kind.RETENTION:
                self.progress("searching every byte")
                self._prove(intent, failures)
        self.step("proved")
        files, rows = self.ledger.finish_erasure(intent.erasure_id, len(intent.tables), datetime.now(UTC))
        self.step("finished")
        Intent.forget(self.home)
        if self._is_governed():
            # Before, the report told of an erasure that is not finished.
            failures |= self.making.make([ERASURES.name, REPORT])
        return Erased(source.name, files, rows, len(intent.tables), intent.changes or [], failures)

    def _remove(self, source: Source, intent: Intent) -> Intent:
        """Remove records from files, and rows from tables and batches."""
        contents: dict[str, str] = {}
        whole: set[str] = set()
        for files in self._files(source, intent.selection, intent.erasure_id):
            files.erase(self.progress)
            contents |= self.ledger.erased_contents(files.source.name)
            whole |= {str(drop.sha256) for drop in self.ledger.drops(files.source.name, [Status.ERASED])}
        self._forget_reasons(intent.selection)
        for each in self._involved(source, intent.selection):
            erase_pictures(self.home, each.name, intent.selection)
        self.step("files done")
        for table in self._remade(source, intent.selection):
            self.progress(table.name)
            if not table.is_individual or not tables.erase_rows(self.home, table, intent.selection, contents, whole):
                continue
            self.step("rows erased")
            intent = replace(intent, tables=[*intent.tables, table.name])
            intent.write(self.home)
        tables.erase_quarantined(self.home, CATALOGUE[source.table].domain, intent.selection)
        self.step("tables done")
        return intent

    def _forget_reasons(self, selection: Selection) -> None:
        """Take who is erased out of the ledgers: pseudonyms, and reasons in which somebody said whom."""
        if selection.kind is Kind.RETENTION:
            return
        numbers = selection.numbers if selection.kind is Kind.SUBJECTS else frozenset()
        words = {*selection.names, *map(str, numbers)}
        self.ledger.forget_reasons(lambda reason: says(reason, words))
        if self.home.access_ledger.exists():
            AccessLedger(self.home).forget(numbers, words)

    def _make(self, source: Source, intent: Intent) -> dict[str, str]:
        """Make the raw tables again of files that have changed, and all that is made of them; return what failed."""
        failures: dict[str, str] = {}
        for each in self._involved(source, intent.selection):
            if self.ledger.drops(each.name, [Status.READ]):
                failures |= self.making.publish(each)
        self.step("published")
        raw = {each.table for each in self.sources}
        made = [table.name for table in self._tables(source) if table.name not in raw and lake.exists(self.home, table)]
        if self._is_governed():
            made.append("governance")
        if made:
            failures |= self.making.make(made)
        self.step("made")
        return failures

    def _is_governed(self) -> bool:
        """Whether somebody has had the tables about the system made, or the database."""
        return self.home.warehouse.exists() or lake.exists(self.home, DROP_LEDGER)

    def _remade(self, source: Source, selection: Selection) -> list[Table]:
        """Tables that held what goes, and those that are made of them."""
        raw = {each.table for each in self.sources} - {each.table for each in self._involved(source, selection)}
        return [table for table in self._tables(source) if table.name not in raw]

    def _prove(self, intent: Intent, failures: Mapping[str, str]) -> None:
        """Search the home.

        Raises
        ------
        NotProved
            If anything is found.
        """
        wanted = Wanted.of(intent.selection.telling, intent.selection.numbers, self._nobody_elses(intent.coordinates))
        found = search.holding(self.home, wanted)
        if found:
            where = ", ".join(_shown(self.home, path) for path in found[:5])
            unmade = [f"{name} could not be made anew ({why})" for name, why in failures.items()]
            raise NotProved(
                f"what was erased is still found in {counted(len(found), 'file')}, among them {where}; "
                f"{''.join(f'{each}; ' for each in unmade)}when that is mended, ons-assets erase --resume goes on"
            )

    def _nobody_elses(self, coordinates: Mapping[str, Sequence[float]]) -> frozenset[float]:
        """Coordinates that no row has that stays: where others were too, nothing is to be removed."""
        left = {kind: set(values) for kind, values in coordinates.items()}
        rows = [lake.read(self.home, table) for table in CATALOGUE.values() if lake.exists(self.home, table)]
        rows += [rows for source in self.sources for rows, _ in self._parsed(source)]
        for each in rows:
            for column in _coordinates_in(each.collect_schema()):
                if wanted := left.get(_kind_of(column)):
                    same = each.select(column).filter(pl.col(column).is_in(sorted(wanted))).unique().collect()
                    wanted -= set(same.to_series())
        return frozenset(value for values in left.values() for value in values)


def _coordinates_in(schema: Mapping[str, pl.DataType]) -> list[str]:
    return [name for name, dtype in schema.items() if dtype == pl.Float64() and COORDINATE.search(name)]


def _kind_of(column: str) -> str:
    found = COORDINATE.search(column)
    assert found is not None
    return found[1]


def _shown(home: Home, path: Path) -> str:
    """Where a file is, without its own name if a supplier or a person gave it: it may be that which was found."""
    shown = path.relative_to(home.root)
    is_named_by_others = shown.parts[0] in ("drops", "layouts", "mappings")
    return f"{shown.parent}" if is_named_by_others else f"{shown}"
