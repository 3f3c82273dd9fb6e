"""A figure made again of the archived files, in a scratch home, with the parameters that made it."""

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import ASSETS, RAW
from ons_assets.governance.trace.drops import LAYOUTS, Books
from ons_assets.governance.trace.history import History
from ons_assets.governance.trace.tracing import Trace
from ons_assets.governance.trace.verification import (
    CannotVerify,
    Step,
    Verdict,
    check_replayed,
    compared,
    plan,
)
from ons_assets.intake import parsed
from ons_assets.intake.drops import archived_path
from ons_assets.intake.layouts import Layout
from ons_assets.intake.ledger import Drop, Ledger
from ons_assets.intake.parsed import layout_sha256
from ons_assets.intake.reading import read
from ons_assets.intake.source import Source
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.derivation import Outdated, Refused, Waiting
from ons_assets.lakehouse.gate import suite_of
from ons_assets.lakehouse.home import PRIVATE_DIRECTORY, Home
from ons_assets.lakehouse.lake import Among, Provenance
from ons_assets.lakehouse.tables import Table
from ons_assets.operations import Progress
from ons_assets.orchestration.assets import DerivedAsset, RawAsset
from ons_assets.orchestration.privacy import Withheld, withholding
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.parameters.base import groups_in
from ons_assets.settings import Settings

RUN = "verification"
RECORD = "{}, which the home itself wrote down, is taken as it was"


def verify(settings: Settings, history: History, found: Sequence[Trace], progress: Progress) -> list[Verdict]:
    """Make figures again of the archived files, all in one go, and hold them against what is published, bit for bit.

    Parameters
    ----------
    settings
        Of the home.
    history
        Of the home.
    found
        The figures: each one row, some partitions, or a whole version; of a table, of one version only.
    progress
        Is told which table is made.

    Raises
    ------
    CannotVerify
        If something is not there any more that they were made of, or another program made them.
    """
    steps = plan(history, [each.origin for each in found], [file for each in found for file in each.files])
    versions = {each.figure.table: each.figure.version for each in found}
    assert all(versions[each.figure.table] == each.figure.version for each in found), "two versions of one table"
    with replayed(settings, history, steps, progress) as (scratch, notes):
        return [_held(scratch, history, each, notes) for each in found]


def _held(scratch: Home, history: History, found: Trace, notes: Sequence[str]) -> Verdict:
    table, figure = found.table, found.figure
    chosen = _in(table, figure.partitions)
    for name, value in figure.key(table).items():
        chosen &= pl.col(name).eq_missing(pl.lit(value, dtype=table.schema[name]))
    published = history.rows(table.name, figure.version).filter(chosen).collect()
    made = lake.read(scratch, table).filter(chosen).collect()
    return compared(table, figure.version, published, made, notes)


@contextmanager
def replayed(
    settings: Settings, history: History, steps: Sequence[Step], progress: Progress
) -> Iterator[tuple[Home, list[str]]]:
    """Make publications again in a scratch home, which goes again, and give it with what there is to say of them.

    Parameters
    ----------
    settings, history
        Of the home.
    steps
        What is made, in its order.
    progress
        Is told which table is made.

    Raises
    ------
    CannotVerify
        If one cannot be made.
    """
    home = history.home
    with home.working():
        # Recovery clears the staging area, should this process die; and only its owner looks into it.
        folder = home.staging / f"{RUN}-{secrets.token_hex(4)}"
        folder.mkdir(mode=PRIVATE_DIRECTORY)
        try:
            replay = _Replay(settings, history, Home(folder).ensure())
            replay.prepare()
            for step in steps:
                progress(f"making {step.commit.table} again")
                replay.make(step)
            yield replay.scratch, replay.notes
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _in(table: Table, partitions: Sequence[str]) -> pl.Expr:
    if not table.partition_by:
        return pl.lit(True)
    return pl.col(table.partition_by[0]).cast(pl.String()).is_in(list(partitions))


@dataclass
class _Replay:
    """A scratch home, and what was made in it."""

    settings: Settings
    history: History
    scratch: Home
    notes: list[str] = field(default_factory=list)
    made: dict[str, int] = field(default_factory=dict)
    runs: set[tuple[tuple[str, ...], str]] = field(default_factory=set)

    def prepare(self) -> None:
        """Give the scratch home what decides how files are read beside them: the key, the layouts, the suites."""
        home = self.history.home
        # The same names must become the same pseudonyms.
        secret = self.scratch.root / "secret.key"
        home.secret()
        shutil.copy2(home.root / secret.name, secret)
        for mine, its in ((home.layouts, self.scratch.layouts), (home.expectations, self.scratch.expectations)):
            if mine.is_dir():
                shutil.copytree(mine, its, dirs_exist_ok=True)

    def make(self, step: Step) -> None:
        """Make one publication again.

        Raises
        ------
        CannotVerify
            If it cannot be made.
        """
        commit, table = step.commit, CATALOGUE[step.commit.table]
        assert commit.provenance is not None
        if step.is_record:
            rows = self.history.rows(table.name, commit.number)
            lake.publish(self.scratch, table, rows, commit.provenance)
            self._note(RECORD.format(table.name))
        else:
            inputs = self.history.inputs(commit)
            inputs.pop(table.name, None)
            check_replayed(inputs, self.made, commit)
            self._leave_only(inputs)
            try:
                with withholding([table, *(CATALOGUE[name] for name in inputs)]):
                    self._by_asset(step, table, commit.provenance)
            except Withheld as error:
                raise CannotVerify(f"{table.name} could not be made again: {error.description}") from None
        self.made[table.name] = commit.number

    def _by_asset(self, step: Step, table: Table, made: Provenance) -> None:
        settings = with_recorded(self.settings, made.settings).model_copy(update={"home": self.scratch.root})
        self._note_suite(settings, table, made)
        asset = next(each for each in ASSETS if isinstance(each, RawAsset | DerivedAsset) and table in each.tables)
        days = _days(made) if asset.by_day else None
        lakehouse = Lakehouse.of(settings)
        if isinstance(asset, RawAsset):
            self._read(asset, settings, step, made)
            outcome = asset.ingest(lakehouse, RUN, days, lambda _: None)
            if outcome.version is None:
                raise CannotVerify(f"{table.name} could not be made again: every file was refused")
            return
        run = tuple(each.name for each in asset.tables), made.run_id
        if run in self.runs:
            return
        self.runs.add(run)
        match asset.derive(lakehouse, RUN, days):
            case Waiting(missing):
                raise CannotVerify(f"{table.name} could not be made again: there is no {' and no '.join(missing)}")
            case Outdated(name):
                raise CannotVerify(f"{table.name} could not be made again: {name} lacks columns")
            case Refused(name, audit):
                raise CannotVerify(f"{name} was refused when it was made again: {audit.reason}")

    def _read(self, asset: RawAsset, settings: Settings, step: Step, made: Provenance) -> None:
        """Take the files of a publication from the archive, and read them under the layouts of then."""
        home, ledger = self.history.home, Ledger(self.scratch)
        source, table = asset.source(settings), asset.tables[0]
        books = Books.of(home)
        there = {drop.sha256 for drop in ledger.drops(source.name)}
        drops = [books.drop(source.name, sha256) for sha256 in step.drops if sha256 not in there]
        for drop in sorted((each for each in drops if each is not None), key=lambda each: each.arrival):
            layout = _layout(home, source, drop, str(made.settings[LAYOUTS][str(drop.sha256)]))
            kept = archived_path(self.scratch, source.name, str(drop.sha256))
            kept.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
            _place(archived_path(home, source.name, str(drop.sha256)), kept)
            waiting = ledger.take_over(drop, is_individual=source.is_individual)
            reading = read(self.scratch, ledger, source, table, waiting, RUN, layout=layout)
            if reading.parsed is None:
                raise CannotVerify(f"{drop.name} of {source.name} could not be read again: {reading.drop.reason}")

    def _leave_only(self, inputs: Mapping[str, int]) -> None:
        """Take away partitions that the version of an input had no longer."""
        for name, version in inputs.items():
            table = CATALOGUE[name]
            if not table.partition_by:
                continue
            column = table.partition_by[0]
            there = lake.read(self.scratch, table).select(pl.col(column).unique()).collect().to_series()
            kept = self.history.view(name, version).commit_of
            surplus = [value for value, text in zip(there, there.cast(pl.String()), strict=True) if text not in kept]
            if surplus:
                latest = lake.latest(self.scratch, table)
                assert latest is not None
                assert latest.provenance is not None
                empty = table.empty().lazy()
                lake.publish(self.scratch, table, empty, latest.provenance, Among(column, tuple(surplus)))

    def _note_suite(self, settings: Settings, table: Table, made: Provenance) -> None:
        suite = suite_of(table, settings.expectations, self.scratch.expectations)
        if suite.sha256 != made.suite.get("sha256"):
            self._note(f"{table.name} is held against another suite now: it decides what passes, and no value")

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


def _layout(home: Home, source: Source, drop: Drop, recorded: str) -> Layout:
    """Return the layout under which a file was read: from its last reading, or from the shelf."""
    name, _, digest = recorded.rpartition(" ")
    stored = parsed.load(parsed.folder_of(home, source.name), drop.drop_id)
    known = [Layout.model_validate(stored.layout)] if stored is not None else []
    for layout in (*known, *source.shelf.layouts):
        if layout_sha256(layout) == digest:
            return layout
    raise CannotVerify(
        f"{drop.name} of {source.name} was read again since, and the layout {name} ({digest}), under which it was read "
        "then, is not there any more"
    )


def _place(archived: Path, kept: Path) -> None:
    """Give a content of the archive a second name; a copy, where that cannot be."""
    try:
        kept.hardlink_to(archived)
    except OSError:
        shutil.copy2(archived, kept)


def sources(settings: Settings) -> dict[str, Source]:
    """Return every source by its name."""
    return {source.name: source for source in (raw.source(settings) for raw in RAW)}


def lost_layouts(history: History, found: Trace, known: Mapping[str, Source]) -> list[str]:
    """Return of which files behind a figure the layout of then is not there any more, in sentences.

    Parameters
    ----------
    history
        Of the home.
    found
        The figure.
    known
        Sources by name.
    """
    books, said = Books.of(history.home), []
    for each in found.files:
        drop = books.drop(each.source, each.sha256)
        if each.source is not None and each.layout is not None and drop is not None and each.is_kept:
            try:
                _layout(history.home, known[each.source], drop, each.layout)
            except CannotVerify as error:
                said.append(str(error))
    return said


def _days(made: Provenance) -> tuple[date, date] | None:
    if made.partition is None:
        return None
    first, last = made.partition
    return date.fromisoformat(first), date.fromisoformat(last)


def with_recorded(settings: Settings, recorded: Mapping[str, Any]) -> Settings:
    """Return settings with the parameters that a publication recorded in their places.

    Parameters
    ----------
    settings
        Of the home now.
    recorded
        Values of groups of parameters by their paths; what is no group is passed over.
    """
    groups = groups_in(Settings)
    changed = settings
    for path, values in recorded.items():
        if path in groups:
            changed = _with(changed, path.split("."), groups[path].model_validate(values))
    return changed


def _with(tree: Any, path: Sequence[str], group: BaseModel) -> Any:
    name, *rest = path
    value = _with(getattr(tree, name), rest, group) if rest else group
    return tree.model_copy(update={name: value})
