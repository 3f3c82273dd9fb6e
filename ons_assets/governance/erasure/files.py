"""Records leave the files of suppliers, what those gave, and what lies in quarantine of them."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from ons_assets.governance.erasure.search import Search, Wanted
from ons_assets.governance.erasure.selection import Kind, Selection
from ons_assets.intake import parsed
from ons_assets.intake.drops import READ_ONLY, TAKEN, archived_path, is_finished
from ons_assets.intake.erasure_ledger import ErasureLedger
from ons_assets.intake.layouts import Layout
from ons_assets.intake.ledger import Drop, Status
from ons_assets.intake.parsed import Parsed
from ons_assets.intake.reading import Failed, attempt, quarantine_name
from ons_assets.intake.rewriting import Cuts, Cutting, NotCut, crossed, rewrite
from ons_assets.intake.source import Source
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse import quarantine
from ons_assets.lakehouse.home import Home, sha256_of, unfinished
from ons_assets.lakehouse.tables import Table

# What stands for a run where records are erased.
ERASURE = "erasure"
CANNOT_BE_READ_AGAIN = (
    "records were erased that cannot be cut out of the file: it has left the archive, and cannot be read again"
)
# What a reading says of itself, and not of whom it is about.
OF_THE_READING = ("line",)


@dataclass(frozen=True)
class Files:
    """The files of one source, from which records are erased.

    Parameters
    ----------
    step
        Called between two steps; tests die there.
    """

    home: Home
    ledger: ErasureLedger
    source: Source
    table: Table
    selection: Selection
    erasure_id: int
    step: Callable[[str], None] = lambda _: None

    @property
    def _folder(self) -> Path:
        return parsed.folder_of(self.home, self.source.name)

    @property
    def _aside(self) -> Path:
        """Where what is left of a file is read."""
        return self.home.parsed / f".{self.source.name}.erasing"

    def erase(self, progress: Callable[[str], None]) -> None:
        """Erase from every file; killed at any point, it can be done again."""
        shutil.rmtree(self._aside, ignore_errors=True)
        for drop in self.ledger.drops(self.source.name):
            if drop.status is Status.ERASED:
                self._forget(drop)
            elif drop.sha256 is not None and drop.status is not Status.DUPLICATE:
                progress(drop.name)
                self._erase_from(drop)
            if self._is_named(drop):
                self.ledger.rename(drop, self._name(drop))
        self._remove_contents()

    def _remove_contents(self) -> None:
        """Remove every content from archive and drop folders that records were erased from."""
        contents = self.ledger.erased_contents(self.source.name)
        for sha256 in contents:
            archived_path(self.home, self.source.name, sha256).unlink(missing_ok=True)
            self.step("content removed")
        for path in self._in_drop_folder():
            if contents and sha256_of(path) in contents:
                path.unlink()

    def has_older(self) -> bool:
        """Return whether any file, or what it gave, is older than is kept."""
        drops = self.ledger.drops(self.source.name)
        known = [drop for drop in drops if drop.status not in (Status.DUPLICATE, Status.ERASED) and drop.sha256]
        found = ((drop, parsed.load(self._folder, drop.drop_id)) for drop in known)
        return any(self._gone(before) or self._is_older(drop, before) for drop, before in found)

    def waiting(self) -> int:
        """Return how many files lie in the drop folder that were never taken."""
        if self.selection.kind is Kind.RETENTION:
            return 0
        known = {drop.sha256 for drop in self.ledger.drops(self.source.name)}
        known |= self.ledger.erased_contents(self.source.name).keys()
        refused = {drop.original_name for drop in self.ledger.drops(self.source.name) if drop.sha256 is None}
        return sum(path.name not in refused and sha256_of(path) not in known for path in self._in_drop_folder())

    def _in_drop_folder(self) -> Iterator[Path]:
        folder = self.home.drops / self.source.name
        inside = [*folder.glob("*"), *(folder / TAKEN).rglob("*")]
        yield from (path for path in sorted(inside) if path.is_file() and not path.is_symlink() and is_finished(path))

    # --- one file

    def _erase_from(self, drop: Drop) -> None:
        before = parsed.load(self._folder, drop.drop_id)
        gone = self._gone(before)
        archived = archived_path(self.home, self.source.name, str(drop.sha256))
        if self.selection.kind is Kind.RETENTION:
            if before is None or not gone:
                if self._is_older(drop, before):
                    self._erase_whole(drop, before.accepted if before else 0)
                return
        elif not gone and not (archived.exists() and (self._is_left(drop) or self._mentions(archived))):
            return
        if before is not None and gone == before.accepted:
            self._erase_whole(drop, gone)
        elif before is None:
            self._erase_unread(drop, archived)
        elif self.selection.kind is Kind.RETENTION or not archived.exists() or not self._cut(drop, before, gone):
            self._keep_rows(drop, before, gone)

    def _gone(self, before: Parsed | None) -> int:
        """How many accepted rows of a drop go."""
        if before is None:
            return 0
        rows = parsed.rows(self._folder, before)
        chosen = self.selection.rows(rows.collect_schema())
        return 0 if chosen is None else int(rows.filter(chosen).select(pl.len()).collect().item())

    def _is_older(self, drop: Drop, before: Parsed | None) -> bool:
        """Whether a file whose rows say no day came before the first day that is kept."""
        assert self.selection.before is not None
        says_days = before is not None and self.selection.rows(self.table.column_names) is not None
        return not says_days and drop.received_utc.date() < self.selection.before

    def _is_left(self, drop: Drop) -> bool:
        """Whether the content of a file is to go, and its rows may not have been settled: the process died between."""
        return self.ledger.erased_contents(self.source.name).get(str(drop.sha256)) == drop.sha256

    def _mentions(self, path: Path) -> bool:
        names = self.selection.names
        numbers = frozenset(int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 19)
        return Search(Wanted(names, numbers, frozenset())).finds_in(path)

    def _is_named(self, drop: Drop) -> bool:
        return self.selection.pattern.search(drop.original_name.encode()) is not None

    def _name(self, drop: Drop) -> str:
        return self.selection.pattern.sub(crossed, drop.original_name.encode()).decode()

    def _erase_whole(self, drop: Drop, rows: int) -> None:
        """Let a file go of which nothing is to be left."""
        self._without_content(drop, rows)
        self.step("content written down")
        self.ledger.erase_drop(drop)
        self.step("drop erased")
        self._forget(drop)

    def _forget(self, drop: Drop) -> None:
        """Forget what a file gave of which nothing is left."""
        parsed.forget(self._folder, drop.drop_id)
        quarantine.release(self.home, self.table.name, quarantine_name(drop))

    def _erase_unread(self, drop: Drop, archived: Path) -> None:
        """Erase from a file that was never read, or that could not be."""
        try:
            layout = self.source.layout(archived, drop.original_name)
            sha256, size = self._write(archived, drop, layout)
        except (NotCut, Unreadable):
            self._without_content(drop, 0)
            self.step("content written down")
            if drop.status is Status.RECEIVED:
                self.ledger.erase_drop(drop)
            return
        if sha256 != drop.sha256:
            quarantine.rename(self.home, self.table.name, quarantine_name(drop), sha256)
            self.step("quarantine renamed")
            self.ledger.erase_content(drop, self.erasure_id, sha256, size, self._name(drop), 0)

    def _keep_rows(self, drop: Drop, before: Parsed, gone: int, made: Drop | None = None) -> None:
        """Keep what a file gave of others; the file itself goes, unless something else is made of it."""
        chosen = self.selection.rows(parsed.rows(self._folder, before).collect_schema())
        assert chosen is not None
        if made is None:
            self._without_content(drop, gone)
        else:
            quarantine.rename(self.home, self.table.name, quarantine_name(drop), quarantine_name(made))
            self._with_content(drop, made, gone)
        self.step("content written down")
        notes = before.notes if made else tuple(dict.fromkeys([*before.notes, CANNOT_BE_READ_AGAIN]))
        found = parsed.without(self._folder, drop.drop_id, before, chosen, self.table, notes)
        self.ledger.read(drop, found)
        self.step("rows counted")
        parsed.keep(self._folder, drop.drop_id, found)

    def _without_content(self, drop: Drop, rows: int) -> None:
        """Write that a content leaves the archive, and nothing takes its place."""
        self.ledger.erase_content(drop, self.erasure_id, str(drop.sha256), drop.size_bytes, self._name(drop), rows)

    def _with_content(self, drop: Drop, made: Drop, rows: int) -> None:
        """Write what is left of a content."""
        if made.sha256 != drop.sha256:
            self.ledger.erase_content(
                drop, self.erasure_id, str(made.sha256), made.size_bytes, made.original_name, rows
            )

    def _cut(self, drop: Drop, before: Parsed, gone: int) -> bool:
        """Cut records out of a file, and read what is left of it; return False if others would be read otherwise."""
        archived = archived_path(self.home, self.source.name, str(drop.sha256))
        layout = Layout.model_validate(before.layout)
        try:
            sha256, size = self._write(archived, drop, layout)
        except (NotCut, Unreadable):
            return False
        if sha256 == drop.sha256 and not gone:
            return True
        self.step("file written")
        made = replace(drop, sha256=sha256, size_bytes=size, original_name=self._name(drop))
        try:
            outcome = attempt(self.home, self.source, self.table, made, self._aside, layout=layout)
            if not isinstance(outcome, Failed) and not self._is_taken(made):
                self.step("file read")
                if self._agree(self._aside, outcome[0], self._folder, before):
                    self._adopt(drop, made, gone, replace(outcome[0], is_shelved=before.is_shelved), outcome[1])
                    return True
                if self._reads_alike(drop, layout, outcome[0]):
                    self._keep_rows(drop, before, gone, made)
                    return True
        finally:
            shutil.rmtree(self._aside, ignore_errors=True)
        if sha256 != drop.sha256:
            archived_path(self.home, self.source.name, sha256).unlink()
        return False

    def _adopt(self, drop: Drop, made: Drop, gone: int, found: Parsed, rejected: pl.DataFrame) -> None:
        """Let what is left of a file, as it was read, take the place of what it was."""
        self._with_content(drop, made, gone)
        self.step("content written down")
        quarantine.release(self.home, self.table.name, quarantine_name(drop))
        if len(rejected):
            kept = rejected.with_columns(text=pl.lit(""))
            quarantine.keep_rows(self.home, self.table.name, quarantine_name(made), drop.name, ERASURE, kept)
        self.step("quarantine made anew")
        self.ledger.read(drop, found)
        self.step("rows counted")
        # Last: until then the file is looked at again.
        parsed.keep(self._aside, drop.drop_id, found)
        parsed.adopt(self._aside, drop.drop_id, found, self._folder)

    def _reads_alike(self, drop: Drop, layout: Layout, found: Parsed) -> bool:
        """Whether a file gives the same of others as it did; parameters may be other ones than when it was read."""
        folder = self._aside / "before"
        outcome = attempt(self.home, self.source, self.table, drop, folder, layout=layout)
        return not isinstance(outcome, Failed) and self._agree(self._aside, found, folder, outcome[0])

    def _write(self, archived: Path, drop: Drop, layout: Layout) -> tuple[str, int]:
        """Write what is left of a file into the archive, and return its hash and size."""
        partial = unfinished(archived.parents[1] / "drop")
        try:
            if not rewrite(archived, partial, layout, self.source.limits, self._cuts(archived, drop, layout)):
                return str(drop.sha256), drop.size_bytes
            if Search(Wanted(self.selection.telling, frozenset(), frozenset())).finds_in(partial):
                raise NotCut
            sha256, size = sha256_of(partial), partial.stat().st_size
            target = archived_path(self.home, self.source.name, sha256)
            target.parent.mkdir(exist_ok=True)
            partial.chmod(READ_ONLY)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return sha256, size

    def _cuts(self, archived: Path, drop: Drop, layout: Layout) -> Cuts:
        selection = self.selection
        pruning = self.source.pruning(layout, selection.names)
        cuttings: dict[str | None, Cutting] = {}
        for block in self.source.located(archived, drop.original_name, layout, selection.column):
            goes = block.whose.is_in(sorted(selection.numbers)).fill_null(False)
            cuttings.setdefault(block.part, Cutting()).add(block.line, goes, block.unreadable)
        parts = {part: cutting.cut() for part, cutting in cuttings.items()}
        return Cuts(parts, selection.pattern, selection.telling_pattern, pruning)

    def _agree(self, aside: Path, found: Parsed, folder: Path, before: Parsed) -> bool:
        """Whether a file gives, without the records, what it gave with them but for theirs."""
        new, old = parsed.rows(aside, found), parsed.rows(folder, before)
        schema = old.collect_schema()
        if new.collect_schema() != schema:
            return False
        chosen = self.selection.rows(schema)
        assert chosen is not None
        columns = [name for name in schema.names() if name not in OF_THE_READING]
        old, new = old.filter(~chosen).select(columns), new.select(columns)
        if new.select(pl.len()).collect().item() != old.select(pl.len()).collect().item():
            return False
        return not any(
            one.join(other, on=columns, how="anti", nulls_equal=True).select(pl.len()).collect().item()
            for one, other in ((old, new), (new, old))
        )

    def _is_taken(self, made: Drop) -> bool:
        """Whether another file has the very content that is left of this one."""
        others = self.ledger.drops(self.source.name)
        return any(
            other.sha256 == made.sha256 and other.drop_id != made.drop_id and other.status is not Status.DUPLICATE
            for other in others
        )
