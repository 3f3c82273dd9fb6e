"""From the drops of a source to the rows of its table: read once, gated batch by batch, published.

A partition is always made anew from the rows that its drops gave when they were read, so a repetition,
a late file or a crash in between make no difference. Where two drops hold the same thing, the one that
arrived later counts: a corrected file replaces what it corrects, and the older version of the table
can still be read.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import polars as pl

from ons_assets.intake import parsed
from ons_assets.intake.door import Door
from ons_assets.intake.ledger import Drop, Ledger, Status
from ons_assets.intake.members import DROP_SHA256, ROWS_AT_ONCE, Finding, Member, groups
from ons_assets.intake.reading import read, read_waiting
from ons_assets.intake.source import Source
from ons_assets.lakehouse import lake, quarantine
from ons_assets.lakehouse.gate import Suite, said_once
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.keys import all_differ
from ons_assets.lakehouse.lake import Among, Between, Partition, Provenance
from ons_assets.lakehouse.publication import data_version
from ons_assets.lakehouse.staging import stage
from ons_assets.lakehouse.tables import Table
from ons_assets.program import code_version

IN_PLAY = (Status.READ, Status.ACCEPTED, Status.REFUSED, Status.SUPERSEDED)

Days = tuple[date, date]


@dataclass(frozen=True)
class Ingested:
    """What became of the drops of a partition; without a version, nothing was published.

    Parameters
    ----------
    rows_by_day, drops_by_day
        Of a table by day, how many were published of each, and how many files have rows of it.
    """

    rows: int
    quarantined_rows: int
    drops: int
    refusals: list[Finding]
    warnings: list[Finding]
    version: int | None = None
    data_version: str | None = None
    rows_by_day: Mapping[str, int] = field(default_factory=dict)
    drops_by_day: Mapping[str, int] = field(default_factory=dict)


def ingest(
    home: Home,
    ledger: Ledger,
    source: Source,
    table: Table,
    suite: Suite,
    *,
    run_id: str,
    settings: Mapping[str, Any],
    days: Days | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
    progress: Callable[[str], None] = lambda _: None,
) -> Ingested:
    """Make a partition of a raw table from the drops that the ledger holds.

    Parameters
    ----------
    settings
        Parameters of the methods, for the provenance.
    days
        First and last day to make, both included; None for a table without days.
    rows_at_once
        So many rows are in memory together; a day, or another value of a partition, is never divided.
    progress
        Called with a sentence for each drop that is refused.

    Returns
    -------
    Ingested
        `version` is None if no drop was accepted: then the table is as it was.
    """
    with home.table_lock(table.name):
        unread = [
            reading.drop
            for reading in read_waiting(home, ledger, source, table, run_id, progress=progress)
            if reading.parsed is None
        ]
        members = [member for member in _members(home, ledger, source, table, run_id) if _is_of(member.drop, days)]
        Door(home, source, table, suite, run_id).hold(members)
        for refusal in (each for member in members for each in member.refusals):
            progress(f"refused {refusal.drop}: {refusal.reason}")
        road = _Road(home, source, table, suite, run_id, settings)
        version, counted = road.publish(members, days, rows_at_once)
        _mark_corrected(home, ledger, source, table, members)
        _settle(home, ledger, table, members, days, run_id)
    refusals = [Finding.of(drop, drop.name, 0, drop.reason or "") for drop in unread if days is None]
    return Ingested(
        rows=road.rows,
        quarantined_rows=sum(member.parsed.rejected + member.refused_rows for member in members),
        drops=len(members) + (len(unread) if days is None else 0),
        refusals=[*refusals, *(refusal for member in members for refusal in member.refusals)],
        warnings=[warning for member in members for warning in member.findings],
        version=version,
        data_version=road.data_version(counted) if counted else None,
        rows_by_day=road.rows_by_day,
        drops_by_day=Counter(day.isoformat() for member in members for day in member.drop.days if days is not None),
    )


def _members(home: Home, ledger: Ledger, source: Source, table: Table, run_id: str) -> Iterator[Member]:
    for drop in ledger.drops(source.name, IN_PLAY):
        if drop.sha256 is None or (drop.status is Status.REFUSED and drop.run_id is None):
            continue
        found = parsed.load(parsed.folder_of(home, source.name), drop.drop_id)
        if found is None and drop.status in (Status.ACCEPTED, Status.SUPERSEDED):
            # Of a home of version 0.1, which kept no readings.
            found = read(home, ledger, source, table, drop, run_id).parsed
        if found is not None:
            yield Member(drop, found)


def _is_of(drop: Drop, days: Days | None) -> bool:
    return days is None or any(days[0] <= day <= days[1] for day in drop.days)


# --- what counts


def in_force(source: Source, table: Table, rows: pl.DataFrame, members: Sequence[Member]) -> pl.DataFrame:
    """Return the rows that count: of what came more than once, what arrived last.

    A drop replaces rows of the same identity: that of its layout, else that of the source, else the
    key of the table. Rows of another batch that are the same observation are not added; the drop says so.

    Parameters
    ----------
    source
        Whose rows they are.
    table
        Its table.
    rows
        Rows of one batch, of all `members`.
    members
        The drops that have rows of the batch, in the order of their arrival.
    """
    if len(members) < 2 or rows.is_empty() or rows[DROP_SHA256].n_unique() < 2:
        return rows
    arrival = {member.drop.sha256: member.drop.arrival for member in members}
    day = parsed.day_column(table)
    identities = {member.drop.sha256: _identity(source, table, member, day) for member in members}
    if len(set(identities.values())) == 1 and not source.observation:
        [columns] = set(identities.values())
        if all_differ([rows.select(columns)]):
            return rows
    subject = [*source.subject, *([day] if day else [])] if source.subject else []
    # What decides is narrow, and rows may be wide: the day of a meter has a hundred numbers.
    decisive = {DROP_SHA256, *subject, *source.observation}.union(*identities.values())
    every = rows.select(sorted(decisive)).with_row_index("row_")
    every = every.with_columns(arrival_=pl.col(DROP_SHA256).replace_strict(arrival, return_dtype=pl.Int64()))
    if len(set(identities.values())) == 1:
        [columns] = set(identities.values())
        last = pl.col("arrival_").max().over(columns)
    else:
        named = [
            _named(columns, [sha for sha, its in identities.items() if its == columns])
            for columns in sorted(set(identities.values()))
        ]
        last = pl.col("arrival_").max().over(pl.coalesce(named))
    every = every.with_columns(last_=last)
    kept = every.filter(pl.col("arrival_") == pl.col("last_"))
    if subject:
        _note_what_went(every, kept, subject, members)
    if source.observation:
        kept = _once(kept, source.observation, members)
    return rows if len(kept) == len(rows) else rows[kept["row_"]]


def _note_what_went(rows: pl.DataFrame, kept: pl.DataFrame, subject: Sequence[str], members: Sequence[Member]) -> None:
    """Say of a drop that it replaces rows about things of which it says nothing: it may be a part, not a correction."""
    went = rows.join(kept, on=list(subject), how="anti", nulls_equal=True).group_by("last_").len()
    for arrival, count in went.iter_rows():
        for member in members:
            if member.drop.arrival == arrival:
                member.replaced_unsaid += count


def _once(kept: pl.DataFrame, observation: Sequence[str], members: Sequence[Member]) -> pl.DataFrame:
    """Return rows without those that are observations of a drop that arrived earlier; the drop says how many."""
    kept = kept.with_columns(first_=pl.col("arrival_").min().over(observation))
    again = kept.filter(pl.col("arrival_") != pl.col("first_")).group_by("arrival_").len()
    counts = dict(again.iter_rows())
    for member in members:
        if count := counts.get(member.drop.arrival):
            member.repeated += count
    return kept.filter(pl.col("arrival_") == pl.col("first_"))


def _identity(source: Source, table: Table, member: Member, day: str | None) -> tuple[str, ...]:
    columns = member.parsed.identity or source.identity or table.key
    return tuple(dict.fromkeys([*columns, *([day] if day else [])]))


def _named(columns: Sequence[str], drops: Sequence[str | None]) -> pl.Expr:
    texts = [pl.format("{}={}", pl.lit(name), pl.col(name).cast(pl.String())) for name in columns]
    return pl.when(pl.col(DROP_SHA256).is_in(drops)).then(pl.concat_str(texts, separator=";", ignore_nulls=True))


# --- publication


@dataclass
class _Road:
    """How rows of drops reach the lake."""

    home: Home
    source: Source
    table: Table
    suite: Suite
    run_id: str
    settings: Mapping[str, Any]
    rows: int = 0
    rows_by_day: dict[str, int] = field(default_factory=dict)

    def publish(self, members: list[Member], days: Days | None, rows_at_once: int) -> tuple[int | None, dict[str, str]]:
        """Publish what counts of some drops; return the version and the names of the drops by hash."""
        if days is not None:
            return self._by_days(members, days, rows_at_once)
        staged: list[Path] = []
        counted: dict[str, str] = {}
        for number, values in enumerate(self._partitions(members, rows_at_once)):
            rows = self._what_counts(members, values)
            staged.append(stage(self.home, self.table, rows, self.run_id, f"part-{number:05}"))
            self.rows += len(rows)
            counted |= self._counted(members, rows)
        version = self._commit(members, staged, counted, None) if self.rows else None
        for path in staged:
            path.unlink(missing_ok=True)
        return version, counted

    def data_version(self, counted: Mapping[str, str]) -> str:
        """Return the data version of what is made of some drops."""
        return data_version(counted, self.suite, self.settings)

    def _by_days(self, members: list[Member], days: Days, rows_at_once: int) -> tuple[int | None, dict[str, str]]:
        version: int | None = None
        counted: dict[str, str] = {}
        column = self.table.partition_by[0]
        for span in _spans(members, days, rows_at_once):
            here = [member for member in members if _is_of(member.drop, span)]
            rows = self._what_counts(here, Between(column, *span))
            of_span = self._counted(here, rows)
            if rows.is_empty():
                continue
            staged = stage(self.home, self.table, rows, self.run_id)
            version = self._commit(here, [staged], of_span, Between(column, *span))
            staged.unlink(missing_ok=True)
            self.rows += len(rows)
            self.rows_by_day |= lake.rows_by_value(rows.lazy(), column)
            counted |= of_span
        return version, counted

    def _partitions(self, members: list[Member], rows_at_once: int) -> Iterator[Partition | None]:
        """Values of the partition column that fit into memory together; None for a table without."""
        if not self.table.partition_by:
            yield None
            return
        column = self.table.partition_by[0]
        counts: dict[Any, int] = {}
        for member in members:
            of_drop = parsed.rows(parsed.folder_of(self.home, self.source.name), member.parsed).group_by(column).len()
            for value, count in of_drop.collect(engine="streaming").iter_rows():
                counts[value] = counts.get(value, 0) + count
        for group in groups(sorted(counts.items()), itemgetter(1), rows_at_once):
            yield Among(column, tuple(value for value, _ in group))

    def _what_counts(self, members: list[Member], of: Partition | None) -> pl.DataFrame:
        frames = [self.table.empty()]
        for member in members:
            rows = member.passed(self.home, self.source, self.table)
            frames.append(self.table.conform((rows.filter(of.polars) if of else rows).collect()))
        counting = in_force(self.source, self.table, pl.concat(frames), members)
        return pl.concat([counting, self._last_good(members, counting, of)]) if len(counting) else counting

    def _last_good(self, members: list[Member], rows: pl.DataFrame, of: Partition | None) -> pl.DataFrame:
        """Published rows of drops that passed once and are refused now, unless a batch that counts replaces them."""
        refused = [member.drop.sha256 for member in members if member.refusals]
        if not refused or not lake.exists(self.home, self.table):
            return self.table.empty()
        published = lake.read(self.home, self.table).filter(pl.col(DROP_SHA256).is_in(refused))
        published = published.filter(of.polars) if of else published
        unit = list(_identity(self.source, self.table, members[0], parsed.day_column(self.table)))
        return self.table.conform(published.collect().join(rows, on=unit, how="anti", nulls_equal=True))

    def _counted(self, members: list[Member], rows: pl.DataFrame) -> dict[str, str]:
        names = {str(member.drop.sha256): member.drop.name for member in members}
        return {sha256: names[sha256] for sha256 in rows[DROP_SHA256].unique().sort()}

    def _commit(
        self, members: list[Member], staged: list[Path], counted: dict[str, str], replace: Partition | None
    ) -> int:
        warnings = [warning for member in members for warning in member.findings]
        provenance = Provenance(
            run_id=self.run_id,
            code_version=code_version(),
            inputs=counted,
            suite={
                "sha256": self.suite.sha256,
                **({"overlay": self.suite.overlay.summary()} if self.suite.overlay else {}),
                "batches_refused": sum(len(member.refusals) for member in members),
                "warnings": [f"{warning.drop} ({warning.batch}): {warning.reason}" for warning in warnings],
            },
            settings={**self.settings, "layouts": self._layouts(members, counted)},
            data_version=self.data_version(counted),
            partition=(str(replace.first), str(replace.last)) if replace else None,
        )
        return lake.publish(self.home, self.table, pl.scan_parquet(staged, glob=False), provenance, replace)

    def _layouts(self, members: list[Member], counted: Mapping[str, str]) -> dict[str, str]:
        """Name and hash of the layout under which each drop was read."""
        return {
            str(member.drop.sha256): f"{member.parsed.layout_name} {member.parsed.layout_sha256}"
            for member in members
            if str(member.drop.sha256) in counted
        }


def _spans(members: Sequence[Member], days: Days, rows_at_once: int) -> Iterator[Days]:
    """Divide days into spans whose rows fit into memory together; a day is never divided."""
    first, size = days[0], 0
    for start, rows in sorted((max(min(member.drop.days), days[0]), member.parsed.accepted) for member in members):
        if size + rows > rows_at_once and start > first:
            yield first, start - timedelta(days=1)
            first, size = start, 0
        size += rows
    yield first, days[1]


# --- the books


def _settle(home: Home, ledger: Ledger, table: Table, members: list[Member], days: Days | None, run_id: str) -> None:
    """Write into the ledger what became of each drop; last, so that a crash before it repeats the work.

    A file of which only some days were made keeps what was said of it, or waits for the rest.
    """
    counts = _rows_in_force(home, table)
    for member in members:
        drop, now = member.drop, counts.get(str(member.drop.sha256), 0)
        refused = said_once((each.failures, each.reason) for each in member.refusals)
        reason = "; ".join([*member.parsed.notes, *member.parsed.warnings, *member.notes, *refused])
        quarantined = member.parsed.rejected + member.refused_rows
        whole = days is None or all(days[0] <= day <= days[1] for day in drop.days)
        if member.accepted_rows == 0:
            ledger.refuse(drop, reason or "no rows", quarantined=quarantined, run_id=run_id)
            ledger.set_in_force(drop, now)
        elif not whole and drop.status not in (Status.ACCEPTED, Status.SUPERSEDED):
            ledger.count(drop, accepted=member.accepted_rows, quarantined=quarantined, in_force=now)
        else:
            ledger.accept(
                drop,
                accepted=member.accepted_rows,
                quarantined=quarantined,
                in_force=now,
                reason=reason or None,
                run_id=run_id,
            )


def _mark_corrected(home: Home, ledger: Ledger, source: Source, table: Table, members: Sequence[Member]) -> None:
    """Note in quarantine which refused batches have in their place rows of files that came later."""
    refused = [member for member in members if member.kept_as]
    if not refused or not lake.exists(home, table):
        return
    arrivals = {drop.sha256: drop.arrival for drop in ledger.drops(source.name, IN_PLAY)}
    for member in refused:
        later = [sha256 for sha256, arrival in arrivals.items() if sha256 and arrival > member.drop.arrival]
        if not later:
            continue
        unit = _identity(source, table, member, parsed.day_column(table))
        there = lake.read(home, table).filter(pl.col(DROP_SHA256).is_in(later)).select(unit).unique()
        missing = member.refused_rows_of(home, source, table).join(there, on=unit, how="anti", nulls_equal=True)
        open_ones = {*missing.select(source.batch).unique().collect().rows()} if source.batch else set()
        if not source.batch and missing.head(1).collect().height:
            continue
        for values, kept_as in member.kept_as.items():
            if values not in open_ones:
                quarantine.mark_corrected(home, table.name, kept_as)


def _rows_in_force(home: Home, table: Table) -> dict[str, int]:
    if not lake.exists(home, table):
        return {}
    counted = lake.read(home, table).group_by(DROP_SHA256).len().collect(engine="streaming")
    return dict(counted.iter_rows())
