"""The change log: what happened to files, tables, releases and suites between two moments."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ons_assets.governance.releases.release_ledger import Entry as Release
from ons_assets.governance.report.facts import Change
from ons_assets.intake.ledger import Drop
from ons_assets.lakehouse.lake import Provenance, Version
from ons_assets.lakehouse.tables import Table
from ons_assets.wording import counted

LONGEST_VALUE = 60
# Of each file, and so others with every file: what a reading was made under is told of the file.
OF_FILES = "layouts"


def changes_between(
    since: datetime,
    until: datetime,
    drops: Sequence[Drop],
    releases: Iterable[Release],
    erasures: Iterable[Mapping[str, Any]],
    of_tables: Iterable[Change],
) -> tuple[Change, ...]:
    """Return what happened after one moment and up to another, the newest first.

    Parameters
    ----------
    since, until
        The moments.
    drops, releases, erasures
        All that there ever were.
    of_tables
        From `table_changes`.
    """
    found = [*_files(drops), *_releases(releases), *_erasures(erasures), *of_tables]
    between = [change for change in found if since < change.when_utc <= until]
    return tuple(sorted(between, key=lambda change: (change.when_utc, change.subject), reverse=True))


def _files(drops: Sequence[Drop]) -> Iterator[Change]:
    """One entry a source and day: a month of files would say nothing else."""
    days: dict[tuple[str, date], list[Drop]] = defaultdict(list)
    for drop in drops:
        days[drop.source, drop.received_utc.date()].append(drop)
    for (source, _), of_day in days.items():
        statuses = Counter(str(drop.status) for drop in of_day)
        said = ", ".join(f"{number:,} {status}" for status, number in sorted(statuses.items()))
        yield Change(
            max(drop.received_utc for drop in of_day), "files", source, f"{counted(len(of_day), 'file')} came: {said}"
        )


def _releases(releases: Iterable[Release]) -> Iterator[Change]:
    for each in releases:
        if each.release_version is None:
            said = f"a release was refused: {each.refusal}"
            yield Change(each.made_utc, "releases", each.table_name, said)
            continue
        said = f"release {each.release_version} of version {each.lake_version}, approved by {each.approved_by}"
        yield Change(each.made_utc, "releases", each.table_name, said)
        if each.withdrawn_utc is not None:
            said = f"release {each.release_version} was withdrawn: {each.withdrawn_reason}"
            yield Change(each.withdrawn_utc, "releases", each.table_name, said)


def _erasures(erasures: Iterable[Mapping[str, Any]]) -> Iterator[Change]:
    for each in erasures:
        rows = "" if each["erased_rows"] is None else f", {counted(each['erased_rows'], 'row')}"
        said = f"erasure {each['erasure_id']} by {each['erased_by']}{rows}: {each['stated_reason']}"
        yield Change(each["begun_utc"], "erasures", each["of_source"], said)


def table_changes(table: Table, before: Version | None, now: Version, published: int) -> list[Change]:
    """Return what changed of a table between two moments.

    Parameters
    ----------
    before
        Its version at the first moment; None if there was none.
    now
        Its version at the second one.
    published
        How many versions were published between them.
    """
    when = now.published_utc
    to = f"version {now.number}"
    said = f"published for the first time, up to {to}" if before is None else f"from version {before.number} to {to}"
    found = [Change(when, "tables", table.name, f"{said} ({counted(published, 'publication')})")]
    if before is None or before.provenance is None or now.provenance is None:
        return found
    return [*found, *(Change(when, *each) for each in _differences(table.name, before.provenance, now.provenance))]


def _differences(name: str, before: Provenance, now: Provenance) -> Iterator[tuple[str, str, str]]:
    if before.code_version != now.code_version:
        yield "program", name, f"made by {now.code_version}, before by {before.code_version}"
    if before.suite.get("sha256") != now.suite.get("sha256"):
        yield "suites", name, "held against another suite"
    was, is_now = (dict(_flat(each.settings)) for each in (before, now))
    for path in sorted({*was, *is_now}):
        if was.get(path) != is_now.get(path):
            yield "parameters", name, f"{path}: {_value(was.get(path))} became {_value(is_now.get(path))}"


def _flat(settings: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if name == OF_FILES and not path:
            continue
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _value(value: Any) -> str:
    text = "not said" if value is None else json.dumps(value, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} …"
