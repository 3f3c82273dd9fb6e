"""A trace: a figure with everything behind it, as text, page and machines are given it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from ons_assets.governance.releases.release_ledger import Entry, ReleaseLedger
from ons_assets.governance.trace import graph
from ons_assets.governance.trace.behind import Behind, Contributions, behind, contributions
from ons_assets.governance.trace.drops import Books, File, files
from ons_assets.governance.trace.figures import Figure, figure
from ons_assets.governance.trace.graph import Dependent, Origin
from ons_assets.governance.trace.history import UNKNOWN, History
from ons_assets.intake.drops import archived_path
from ons_assets.lakehouse.tables import Table

SHORTEST_HASH = 8


class NoFile(LookupError):
    """No file is meant, or several are; the message is one sentence."""


@dataclass(frozen=True)
class Trace:
    """A figure and what is behind it.

    Parameters
    ----------
    figure
        What is traced.
    table
        Its declaration.
    origin
        Publications, versions that they read, and files: exact by partition.
    files
        The files.
    behind
        Rows of the inputs that have the keys of the figure.
    contributions
        What parts contribute to it, where a table holds that or it can be computed.
    releases
        Releases that hold the figure as it is here.
    """

    figure: Figure
    table: Table
    origin: Origin
    files: list[File]
    behind: list[Behind]
    contributions: list[Contributions]
    releases: list[Entry]


@dataclass(frozen=True)
class Impact:
    """A file and everything that is made of it.

    Parameters
    ----------
    sha256, source, name, received_utc
        Of the file, as people are shown it.
    said
        What happened to it since, in a sentence; None if nothing did.
    dependents
        Partitions of versions of tables.
    releases
        Those that hold any of them.
    doubts
        Sentences on what can no longer be said exactly.
    """

    sha256: str
    source: str
    name: str
    received_utc: datetime
    said: str | None
    dependents: list[Dependent]
    releases: list[Entry]
    doubts: list[str]


def trace(
    history: History, sources: Mapping[str, str], name: str, where: str | None = None, version: int | None = None
) -> Trace:
    """Follow a figure back to its files.

    Parameters
    ----------
    history
        Of the home.
    sources
        The source that fills a raw table, by the name of the table.
    name, where, version
        As for `ons_assets.governance.trace.figures.figure`.

    Raises
    ------
    LookupError
        As there.
    """
    found = figure(history, name, where, version)
    origin = graph.backward(history, name, found.version, found.partitions)
    return Trace(
        figure=found,
        table=history.tables[name],
        origin=origin,
        files=files(history.home, origin, history.tables, sources),
        behind=behind(history, found, origin.doubt),
        contributions=contributions(history, found, origin.doubt),
        releases=_releases_of(history, found),
    )


def impact(history: History, start: str) -> Impact:
    """Follow a file forward to everything that is made of it.

    Parameters
    ----------
    history
        Of the home.
    start
        Hash of its content, or the first digits of it.

    Raises
    ------
    NoFile
        If there is no such file, or several begin so.
    """
    if len(start) < SHORTEST_HASH:
        raise NoFile(f"say at least the first {SHORTEST_HASH} digits of the hash of the file")
    books = Books.of(history.home)
    known = list(books.named(start.lower()))
    hashes = sorted({sha256 for _, sha256, _ in known})
    if not hashes:
        raise NoFile(f"the ledger knows no file whose hash begins with {start}")
    if len(hashes) > 1:
        raise NoFile(f"{len(hashes)} files have a hash that begins with {start}: say more of it")
    source, sha256, drop = known[0]
    dependents, doubts = graph.forward(history, sha256)
    released = [
        entry
        for entry in ReleaseLedger(history.home).entries()
        if entry.release_version is not None
        and any(each.table == entry.table_name and each.holds(entry.lake_version) for each in dependents)
    ]
    kept = archived_path(history.home, source, sha256).exists()
    said = books.said(source, sha256, drop, None, is_kept=kept)
    return Impact(sha256, source, drop.name, drop.received_utc, said, dependents, released, doubts)


def _releases_of(history: History, found: Figure) -> list[Entry]:
    if UNKNOWN in found.partitions:
        entries = ReleaseLedger(history.home).entries(found.table)
        return [each for each in entries if each.release_version is not None and each.lake_version == found.version]
    view = history.view(found.table, found.version).commit_of
    last: dict[str, int | None] = {}
    for partition in found.partitions:
        last |= history.until(history.commit(found.table, view[partition]), [partition])
    return [
        entry
        for entry in ReleaseLedger(history.home).entries(found.table)
        if entry.release_version is not None
        and all(
            view[each] <= entry.lake_version and ((until := last[each]) is None or entry.lake_version <= until)
            for each in found.partitions
        )
    ]


def as_json(found: Trace) -> dict[str, Any]:
    """Return a trace as JSON has it; of tables about persons it holds numbers of rows of partitions, and no row."""
    return {
        "figure": {
            "table": found.figure.table,
            "version": found.figure.version,
            "partitions": list(found.figure.partitions),
            "where": found.figure.where,
            "rows": found.figure.rows,
            "row": plain(found.figure.row),
        },
        "exact": found.origin.is_exact,
        "doubts": found.origin.doubts,
        "publications": [_publication(found, key) for key in sorted(found.origin.made)],
        "files": [plain(dataclasses.asdict(each)) for each in found.files],
        "behind": [
            {
                "table": each.table,
                "version": each.version,
                "by": list(each.by),
                "rows": plain(each.rows.to_dicts()) if each.rows is not None else None,
                "files": each.drops,
            }
            for each in found.behind
        ],
        "contributions": [
            {"table": each.table, "version": each.version, "rows": plain(each.rows.to_dicts()), "how": each.how}
            for each in found.contributions
        ],
        "releases": [_release(each) for each in found.releases],
    }


def impact_as_json(found: Impact) -> dict[str, Any]:
    """Return what is made of a file as JSON has it."""
    return {
        "file": {
            "sha256": found.sha256,
            "source": found.source,
            "name": found.name,
            "received_utc": plain(found.received_utc),
            "said": found.said,
        },
        "exact": not found.doubts,
        "doubts": found.doubts,
        "dependents": [dataclasses.asdict(each) for each in found.dependents],
        "releases": [_release(each) for each in found.releases],
    }


def _publication(found: Trace, key: tuple[str, int]) -> dict[str, Any]:
    made = found.origin.made[key]
    provenance = made.commit.provenance
    inputs = provenance.inputs if provenance else {}
    return {
        "table": key[0],
        "version": key[1],
        "published_utc": plain(made.commit.published_utc),
        "partitions": sorted(made.partitions),
        "run": provenance.run_id if provenance else None,
        "code_version": provenance.code_version if provenance else None,
        "data_version": provenance.data_version if provenance else None,
        "parameters": _parameters(provenance.settings) if provenance else None,
        "suite": provenance.suite if provenance else None,
        "disclosure": provenance.disclosure if provenance else None,
        "inputs": [
            {
                "table": name,
                "version": view.version,
                "partitions": view.parts.to_dicts(),
            }
            for (name, _), view in sorted(found.origin.views.items())
            if name in inputs and inputs[name].split(":")[0] == str(view.version)
        ],
        "files": sorted({each.sha256 for each in found.files} & inputs.keys()),
    }


def _parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters without the layouts, which stand with the files."""
    return {name: value for name, value in settings.items() if name != "layouts"}


def _release(entry: Entry) -> dict[str, Any]:
    return {
        "table": entry.table_name,
        "release": entry.release_version,
        "lake_version": entry.lake_version,
        "status": str(entry.release_status),
        "made_utc": plain(entry.made_utc),
        "approved_by": entry.approved_by,
    }


def plain(value: Any) -> Any:
    """Return a value as JSON has it: times in UTC as ISO 8601 writes them."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        # JSON has no numbers that are none.
        return value if value == value and abs(value) != float("inf") else str(value)
    return value if isinstance(value, str | int | bool | None) else str(value)
