"""How a release is made: drawn up, attacked with all that was released before, approved, put out."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.disclosure.audit import Contradiction
from ons_assets.governance.disclosure.vintages import Learned, Vintage, attack, counted_column
from ons_assets.governance.releases import formats, shelf, words
from ons_assets.governance.releases.barred import barred
from ons_assets.governance.releases.catalogue_record import write_catalogue_record
from ons_assets.governance.releases.content import Release
from ons_assets.governance.releases.quality_statement import statement
from ons_assets.governance.releases.release_ledger import Entry, ReleaseLedger, ReleaseStatus
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.disclosure import needs_step
from ons_assets.lakehouse.home import PRIVATE_DIRECTORY, PRIVATE_FILE, Home
from ons_assets.lakehouse.lake import Provenance, Version
from ons_assets.lakehouse.tables import Table
from ons_assets.settings import Office
from ons_assets.wording import counted, no_such

OPEN = (ReleaseStatus.RELEASED, ReleaseStatus.WITHDRAWN)


class NotReleasable(ValueError):
    """There is nothing that can be released; the message is one sentence."""


@dataclass(frozen=True)
class Draft:
    """What would be released, and what the auditor found.

    Parameters
    ----------
    table
        Its declaration.
    number
        Version that the release would have.
    rows
        As published in the lake, sorted by the key.
    version
        Of the table in the lake, with its provenance.
    earlier
        Releases of the table that it was attacked with, withdrawn ones too.
    learned
        What the attack learned.
    refusal
        Why it is not released, in a sentence without a figure; None if it may be.
    """

    table: Table
    number: int
    rows: pl.DataFrame
    version: Version
    earlier: tuple[Entry, ...]
    learned: Learned
    refusal: str | None

    @property
    def provenance(self) -> Provenance:
        """What made the version; of files only that they were there, since suppliers call them after people."""
        made = self.version.provenance
        assert made is not None
        inputs = {name: said if name in CATALOGUE else "file" for name, said in made.inputs.items()}
        return replace(made, inputs=inputs)

    @property
    def chains(self) -> list[str]:
        """The subtractions by which the auditor learned what he should not: they tell it."""
        return [str(exposure) for exposure in self.learned.exposures]


@contextmanager
def held(home: Home) -> Iterator[ReleaseLedger]:
    """Hold the releases of a home, after what a process that died left half done is finished or forgotten."""
    with home.working(), home.table_lock("releases"):
        ledger = ReleaseLedger(home)
        shelf.reconcile(home, ledger)
        yield ledger


def draw_up(home: Home, ledger: ReleaseLedger, name: str) -> Draft:
    """Return what would be released of a table as it stands in the lake, attacked with every earlier release.

    Parameters
    ----------
    home, ledger
        Held: see `held`.
    name
        Of the table.

    Raises
    ------
    NotReleasable
        If there is no such table, it was never published, or nothing changed since its last release.
    Changed
        If an earlier release is not what it was: nobody could say what is known.
    """
    table, version = _published(home, name)
    number = shelf.next_version(home, ledger, name)
    if barred := _barred(table, version):
        return Draft(table, number, table.empty(), version, (), Learned(None), barred)
    if found := shelf.faults(home, ledger, name):
        raise shelf.Changed(f"{found[0]}; without it nobody can say what is known of {name}")
    rows = lake.read(home, table, version.number).collect().select(table.column_names).sort(table.key)
    earlier = tuple(each for each in ledger.entries(name) if each.release_status in OPEN)
    standing = [each for each in earlier if each.release_status is ReleaseStatus.RELEASED]
    if standing and shelf.rows(home, standing[-1]).equals(rows):
        raise NotReleasable(
            f"{name} is as it was in its release {standing[-1].release_version}: there is nothing to release"
        )
    learned, refusal = _attacked(home, table, version, rows, number, earlier)
    return Draft(table, number, rows, version, earlier, learned, refusal)


def _published(home: Home, name: str) -> tuple[Table, Version]:
    if name not in CATALOGUE:
        raise NotReleasable(no_such("table", name, CATALOGUE))
    table = CATALOGUE[name]
    version = lake.latest(home, table)
    if version is None:
        raise NotReleasable(f"{name} has never been published")
    if version.provenance is None:
        raise NotReleasable(f"nothing says what made version {version.number} of {name}")
    return table, version


def _barred(table: Table, version: Version) -> str | None:
    """Return why a table is not released, whatever its figures are; None if it may be."""
    if (why := barred(table)) is not None:
        return f"{table.name} {why}"
    if needs_step(table.disclosure) and not (version.provenance and version.provenance.disclosure):
        return f"{table.name} has not passed its disclosure step"
    return None


def _attacked(
    home: Home, table: Table, version: Version, rows: pl.DataFrame, number: int, earlier: tuple[Entry, ...]
) -> tuple[Learned, str | None]:
    column = counted_column(table.disclosure)
    if not needs_step(table.disclosure) or column not in table.schema:
        return Learned(None), None
    k = _fewest(version)
    assert k is not None, "what has not passed its step is barred"
    fewest = {each.number: _fewest(each) for each in lake.versions(home, table)} if earlier else {}
    known = [
        Vintage(f"release {each.release_version}", shelf.rows(home, each), fewest.get(each.lake_version))
        for each in earlier
    ]
    for each in known:
        if lacking := {*table.key, column} - {*each.rows.columns}:
            raise shelf.Changed(
                f"{each.name} of {table.name} has no {', '.join(sorted(lacking))}, and cannot be held against this one"
            )
    try:
        learned = attack(table, Vintage(f"release {number}", rows), known, k)
    except Contradiction:
        return Learned(len(rows)), f"the figures of {table.name} contradict each other"
    return learned, _refusal(table, learned, len(earlier))


def _fewest(version: Version) -> float | None:
    """Least count that a version tells, as its step wrote it down; None if it did not, or nobody knows any more."""
    accounts = version.provenance.disclosure if version.provenance is not None else []
    return max((float(account["fewest"]) for account in accounts), default=None)


def _refusal(table: Table, learned: Learned, earlier: int) -> str | None:
    found = len(learned.exposures) + len(learned.unsettled)
    if not found:
        return None
    means = f"it and its {counted(earlier, 'earlier release')}" if earlier else "it"
    if learned.exposures:
        return f"from {means} follows what {table.name} may not tell, in {counted(len(learned.exposures), 'place')}"
    return f"whether {means} tell what {table.name} may not could not be settled, in {counted(found, 'place')}"


def release(
    home: Home, ledger: ReleaseLedger, draft: Draft, approved_by: str, reason: str | None, office: Office
) -> Entry:
    """Put a release out, or if the auditor does not let it pass write down that it was refused; return the row.

    Parameters
    ----------
    home, ledger
        Held, and the draft drawn up since: see `held`.
    draft
        What is released.
    approved_by
        A name.
    reason
        Why, if anything was said.
    office
        Who releases.

    Raises
    ------
    ValueError
        If nobody is named.
    """
    made = draft.provenance
    entry = Entry(
        table_name=draft.table.name,
        lake_version=draft.version.number,
        data_version=made.data_version,
        made_utc=datetime.now(UTC),
        approved_by=said("who approves it", approved_by),
        approval_reason=said("why it is approved", reason) if reason else None,
        release_status=ReleaseStatus.REFUSED if draft.refusal else ReleaseStatus.MAKING,
        figures_attacked=draft.learned.attacked,
        cells_exposed=None if draft.learned.attacked is None else len(draft.learned.exposures),
        attacked_with=len(draft.earlier),
        release_version=None if draft.refusal else draft.number,
        refusal=draft.refusal,
    )
    entry = ledger.add(entry)
    if draft.refusal is not None:
        _keep_chains(home, entry, draft)
        return entry
    content = Release(
        table=draft.table,
        version=draft.number,
        rows=draft.rows,
        released_utc=entry.made_utc,
        approved_by=entry.approved_by,
        lake_version=draft.version.number,
        provenance=made,
        office=office,
        method_page=words.method_page(draft.table.name),
    )
    content = replace(content, quality=statement(content))
    target = shelf.folder_of(home, draft.table.name, draft.number)
    manifest = shelf.put(target, _told(entry, content), lambda folder: formats.write_all(content, folder))
    ledger.finish(entry, manifest)
    write_catalogue_record(home, ledger, office)
    return replace(entry, release_status=ReleaseStatus.RELEASED, manifest_sha256=manifest)


def _told(entry: Entry, content: Release) -> dict[str, object]:
    """What the manifest says of a release: what the ledger says, should that be lost."""
    return {
        "identifier": content.identifier,
        "table": entry.table_name,
        "version": entry.release_version,
        "released_utc": entry.made_utc.isoformat(),
        "approved_by": entry.approved_by,
        "approval_reason": entry.approval_reason,
        "lake_version": entry.lake_version,
        "data_version": entry.data_version,
        "inputs": content.provenance.inputs,
        "audit": {
            "attacked_with": entry.attacked_with,
            "figures_attacked": entry.figures_attacked,
            "cells_exposed": entry.cells_exposed,
        },
    }


def chains_file(home: Home, entry: Entry) -> Path:
    """Return the file of the subtractions for which a release was refused; only its owner reads it."""
    return home.restricted_warehouse.parent / "refused_releases" / f"{entry.entry_id}.txt"


def _keep_chains(home: Home, entry: Entry, draft: Draft) -> None:
    if not draft.chains:
        return
    path = chains_file(home, entry)
    path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
    path.touch(mode=PRIVATE_FILE)
    path.write_text("".join(f"{chain}\n" for chain in draft.chains), encoding="utf-8")


def withdraw(home: Home, ledger: ReleaseLedger, name: str, version: int, reason: str, office: Office) -> Entry:
    """Say that a release is not to be used any more; its folder stays as it is, and the auditor goes on to count it.

    Parameters
    ----------
    home, ledger
        Held: see `held`.
    name, version
        Of the table, and of its release.
    reason
        In a sentence.
    office
        Who withdraws.

    Raises
    ------
    LookupError
        If there is no such release, or it was withdrawn already.
    ValueError
        If no reason is given.
    """
    why = said("why it is withdrawn", reason)
    found = [each for each in ledger.entries(name) if each.release_version == version]
    if not found:
        raise LookupError(f"{name} has no release {version}")
    [entry] = found
    if entry.release_status is ReleaseStatus.WITHDRAWN:
        raise LookupError(f"release {version} of {name} was withdrawn already: {entry.withdrawn_reason}")
    ledger.withdraw(entry, why)
    shelf.note_withdrawal(home, entry, why)
    write_catalogue_record(home, ledger, office)
    return entry


def said(what: str, text: str) -> str:
    """Return what somebody said, on one line.

    Parameters
    ----------
    what
        It is, as in "who approves it".
    text
        As it was given.

    Raises
    ------
    ValueError
        If nothing was said.
    """
    plain = " ".join("".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in text).split())
    if not any(sign.isalnum() for sign in plain):
        raise ValueError(f"say {what}")
    return plain
