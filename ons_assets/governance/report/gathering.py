"""The facts of a home, read from its ledgers, the logs of its tables, its quarantine and what the gate kept."""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.accesses.access_ledger import AccessLedger
from ons_assets.governance.erasure.intent import Intent
from ons_assets.governance.register import Entry, RegisterError, register_of
from ons_assets.governance.releases.release_ledger import Entry as Release
from ons_assets.governance.releases.release_ledger import ReleaseLedger, ReleaseStatus
from ons_assets.governance.releases.words import method_page
from ons_assets.governance.report.changes import changes_between, table_changes
from ons_assets.governance.report.expectations import expectations_of
from ons_assets.governance.report.facts import (
    Change,
    Facts,
    Input,
    Latest,
    Light,
    Publication,
    Refusal,
    SourceFacts,
    TableFacts,
)
from ons_assets.governance.report.outages import spells_of
from ons_assets.governance.report.quality import quality_of_tables
from ons_assets.intake.corrections import Corrections
from ons_assets.intake.erasure_ledger import ErasureLedger
from ons_assets.intake.ledger import Drop, Ledger, Status
from ons_assets.lakehouse import lake, quarantine, validations
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Provenance, Version
from ons_assets.lakehouse.suites import SuiteError
from ons_assets.lakehouse.tables import Catalogue, Table
from ons_assets.parameters.reporting import ReportParameters
from ons_assets.program import code_version
from ons_assets.settings import Settings

SHA256 = re.compile(r"[0-9a-f]{64}")


def gather(
    home: Home,
    settings: Settings,
    *,
    now: datetime | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    catalogue: Catalogue = CATALOGUE,
) -> Facts:
    """Return the facts of a home as it stands; nothing in it is changed.

    Parameters
    ----------
    home, settings
        The home, and its settings.
    now
        When it is; the clock's time without one.
    since, until
        Between which changes are told; without them the last days up to now, `governance.report.month_days`.
    catalogue
        Tables that the report is about.
    """
    parameters = settings.governance.report
    made = now or datetime.now(UTC)
    until = until or made
    since = since or until - timedelta(days=parameters.month_days)
    drops = Ledger(home).drops() if home.ledger.exists() else []
    refusals = _refusals(home, drops)
    releases = tuple(ReleaseLedger(home).entries()) if home.release_ledger.exists() else ()
    releases = tuple(each for each in releases if each.release_status is not ReleaseStatus.MAKING)
    audited, disclosure = _disclosure(home)
    fault, register, sources = _register(home, catalogue)
    reader = _Tables(home, settings, drops, refusals, releases, disclosure, register, since, until)
    found = [reader.of(table) for table in catalogue.values()]
    erasures = tuple(ErasureLedger(home).erasures().to_dicts()) if home.ledger.exists() else ()
    return Facts(
        office=settings.office.name,
        made_utc=made,
        code_version=code_version(),
        week_utc=made - timedelta(days=parameters.week_days),
        since_utc=since,
        until_utc=until,
        tables=tuple(_side_by_side(found)),
        sources=tuple(_sources(drops, sources, parameters)),
        refusals=tuple(refusals),
        changes=changes_between(since, until, drops, releases, erasures, reader.changes),
        releases=releases,
        erasures=erasures,
        disclosure_utc=audited,
        listed=parameters.listed,
        working_days={Light.BAD: parameters.act_within_days, Light.LOOK: parameters.look_within_days},
        holidays=settings.geography.public_holidays(*settings.governance.trend.holidays),
        time_zone=settings.geography.time_zone,
        register_fault=fault,
        unfinished_erasure=Intent.read(home) is not None,
        accesses=tuple(AccessLedger(home).by_month(settings.geography.time_zone).to_dicts())
        if home.access_ledger.exists()
        else (),
        outages=tuple(_published(home, "governance/outages").sort("began_utc", "stream", descending=True).to_dicts()),
    )


def _refusals(home: Home, drops: list[Drop]) -> list[Refusal]:
    """What was refused and still is, the newest first: files, batches and rows of them, and runs."""
    corrections = Corrections.of(drops)
    found, told = [], {*corrections.replaced}
    for entry in quarantine.entries(home):
        drop = corrections.drop_of(entry)
        if drop is not None and entry.refused:
            told.add(drop.drop_id)
        if not corrections.is_open(entry):
            continue
        found.append(
            Refusal(
                table=entry.table,
                name=entry.name,
                drop=drop,
                when_utc=datetime.fromisoformat(entry.quarantined_utc),
                reason=entry.reason,
                notes=_notes(entry.failures),
                rows=entry.rows,
                whole=entry.refused,
            )
        )
    # What could not be taken at all, and ended a run, has nothing in quarantine.
    found += [
        Refusal(None, drop.name, drop, drop.received_utc, drop.reason or "", (), drop.quarantined_rows or 0, whole=True)
        for drop in drops
        if drop.status is Status.REFUSED and drop.drop_id not in told
    ]
    return sorted(found, key=lambda each: each.when_utc, reverse=True)


def _notes(failures: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(each["notes"]) for each in failures if each.get("notes")))


def _disclosure(home: Home) -> tuple[datetime | None, dict[str, Mapping[str, Any]]]:
    """The audit as it was published last, by table, and when."""
    table = CATALOGUE["governance/disclosure_audit"]
    version = lake.latest(home, table)
    if version is None:
        return None, {}
    rows = lake.read(home, table, version.number).collect().to_dicts()
    return version.published_utc, {row["table_name"]: row for row in rows}


def _published(home: Home, name: str) -> pl.DataFrame:
    """A table as it was published last; one without rows, if it never was."""
    table = CATALOGUE[name]
    return lake.read(home, table).collect() if lake.exists(home, table) else table.empty()


def _register(home: Home, catalogue: Catalogue) -> tuple[str | None, Mapping[str, Entry], Mapping[str, str]]:
    """What is wrong with the register, if it cannot be used; its entries, and the table of each source."""
    try:
        register = register_of(home, catalogue)
    except RegisterError as error:
        return str(error), {}, {}
    return None, register, register.tables_of_sources


class _Tables:
    """Reads what is known of tables, one after the other; what they were made of before is told by `changes`."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        drops: list[Drop],
        refusals: list[Refusal],
        releases: tuple[Release, ...],
        disclosure: Mapping[str, Mapping[str, Any]],
        register: Mapping[str, Entry],
        since: datetime,
        until: datetime,
    ) -> None:
        self._home, self._settings = home, settings
        self._drops = {drop.sha256: drop for drop in drops if drop.sha256 is not None}
        self._refusals, self._releases = defaultdict(list), defaultdict(list)
        for refusal in refusals:
            self._refusals[refusal.table].append(refusal)
        for release in releases:
            self._releases[release.table_name].append(release)
        self._register = register
        self._quality = quality_of_tables(
            _published(home, "governance/quality_scorecard"), settings.governance.report.month_days
        )
        self._disclosure, self._since, self._until = disclosure, since, until
        self.changes: list[Change] = []

    def of(self, table: Table) -> TableFacts:
        """Return what is known of a table."""
        publications, latest = [], None
        at_since: Version | None = None
        at_until: Version | None = None
        made_between = 0
        # A version of some days is made of the files of these days: the table is made of all of them.
        files: dict[str, None] = {}
        for version in lake.versions(self._home, table):
            latest = latest or version
            audited = version.audited
            publications.append(_publication(version, audited.suite))
            files |= dict.fromkeys(name for name in audited.inputs if _is_file(name))
            if version.published_utc <= self._until:
                at_until = at_until or version
                if version.published_utc <= self._since:
                    at_since = at_since or version
                else:
                    made_between += 1
        if made_between and at_until is not None:
            self.changes += table_changes(table, at_since, at_until, made_between)
        kept = validations.newest(self._home, table.name)
        suite_fault = None
        try:
            about, expectations = expectations_of(self._home, self._settings, table, kept)
        except SuiteError as error:
            suite_fault = str(error)
            about, expectations = f"Its suite cannot be used: {error}.", ()
        return TableFacts(
            table=table,
            latest=self._latest(table, latest, list(files)) if latest else None,
            publications=tuple(publications),
            expectations=expectations,
            about=about,
            suite_fault=suite_fault,
            audited_utc=kept.audited_utc if kept else None,
            audited_what="" if kept is None else _what(kept),
            refusals=tuple(self._refusals[table.name]),
            made_of_it=(),
            releases=tuple(self._releases[table.name]),
            disclosure=self._disclosure.get(table.name),
            register=self._register.get(table.name),
            quality=self._quality.get(table.name),
            method=method_page(table.name),
        )

    def _latest(self, table: Table, version: Version, files: list[str]) -> Latest:
        made = version.provenance or Provenance("", "", {}, {}, {}, "")
        known = [self._drops[name] for name in files if name in self._drops]
        known.sort(key=lambda drop: drop.arrival, reverse=True)
        inputs = [Input(name, _number(of)) for name, of in made.inputs.items() if not _is_file(name)]
        return Latest(
            number=version.number,
            published_utc=version.published_utc,
            run_id=made.run_id,
            code_version=made.code_version,
            data_version=made.data_version,
            inputs=tuple(sorted(inputs, key=lambda each: each.table)),
            files=tuple(known),
            warnings=tuple(_warnings(made.suite)),
            rows=_rows(self._home, table, version),
            settings=made.settings,
        )


def _publication(version: Version, suite: Mapping[str, Any]) -> Publication:
    unmet = list(_warnings(suite))
    return Publication(
        number=version.number,
        published_utc=version.published_utc,
        rows=version.rows_written,
        evaluated=suite.get("evaluated"),
        unmet=len(unmet),
        refused=int(suite.get("batches_refused", 0)),
    )


def _rows(home: Home, table: Table, latest: Version) -> int:
    """Rows of a table: those that its last version wrote if it wrote all, else as the library counts them."""
    wrote_all = latest.provenance is not None and latest.provenance.partition is None
    if wrote_all and latest.rows_written is not None:
        return latest.rows_written
    return lake.row_count(home, table)


def _warnings(suite: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for each in suite.get("failures", []):
        if each["severity"] == "info":
            continue
        where = f" on {each['column']}" if each["column"] else ""
        yield f"{each['expectation']}{where}: {each['detail']}", each.get("notes") or ""
    for sentence in suite.get("warnings", []):
        yield sentence, ""


def _what(kept: validations.Kept) -> str:
    of = "the table" if kept.batch == validations.OF_TABLE else f"batch {kept.batch}"
    became = {None: "", True: ", which was refused", False: ", which was published"}[kept.refused]
    return f"{of}{became}"


def _is_file(name: str) -> bool:
    return SHA256.fullmatch(name) is not None


def _number(of: str) -> int | None:
    """Number of the version of an input; a hash stands behind it."""
    number = of.partition(":")[0]
    return int(number) if number.isdigit() else None


def _side_by_side(found: list[TableFacts]) -> Iterator[TableFacts]:
    """Give each table those that were made of it last, and those that it was made of."""
    by_name, made = {each.table.name: each for each in found}, defaultdict(list)
    for each in found:
        for read in each.latest.inputs if each.latest else ():
            made[read.table].append(Input(each.table.name, read.version))
    for each in found:
        yield replace(each, made_of_it=tuple(made[each.table.name]), behind=tuple(_behind(each, by_name)))


def _behind(table: TableFacts, by_name: Mapping[str, TableFacts]) -> Iterator[TableFacts]:
    """Walk from a table to its inputs, to their inputs, and so on; each comes once."""
    told, waiting = {table.table.name}, deque([table])
    while waiting:
        latest = waiting.popleft().latest
        for read in latest.inputs if latest else ():
            if read.table in by_name and read.table not in told:
                told.add(read.table)
                waiting.append(by_name[read.table])
                yield by_name[read.table]


def _sources(drops: list[Drop], tables: Mapping[str, str], parameters: ReportParameters) -> Iterator[SourceFacts]:
    by_source = defaultdict(list)
    for drop in drops:
        by_source[drop.source].append(drop)
    for name, of_source in sorted(by_source.items()):
        yield SourceFacts(
            name=name,
            table=tables.get(name),
            files=dict(sorted(Counter(str(drop.status) for drop in of_source).items())),
            last_received_utc=max(drop.received_utc for drop in of_source),
            spells=tuple(spells_of(name, of_source, parameters.calendar_days)),
        )
