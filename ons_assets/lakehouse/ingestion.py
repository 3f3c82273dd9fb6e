"""From archived drops to the rows of a raw table: parse, gate batch by batch, publish by day.

A day is always made anew from all drops that have rows of it, so a repetition, a late file or a crash
in between make no difference. Where two drops hold the same batch of the same day, the one that was
received later counts: a corrected file replaces what it corrects, and the older version of the table
can still be read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from ons_assets.lakehouse import data_docs, gate, lake, quarantine
from ons_assets.lakehouse.drops import archived_path
from ons_assets.lakehouse.gate import Audit, Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Between, Provenance
from ons_assets.lakehouse.ledger import Drop, Ledger, Status
from ons_assets.lakehouse.publication import code_version, data_version, stage
from ons_assets.lakehouse.sources import Parsed, Source, Unreadable
from ons_assets.lakehouse.tables import Table

# A row carries the hash of its file and its line, so that any number can be followed back to both.
LINEAGE_COLUMN = "drop_sha256"
READABLE = (Status.RECEIVED, Status.ACCEPTED, Status.REFUSED, Status.SUPERSEDED)


@dataclass(frozen=True)
class Refusal:
    """A batch that the gate did not let pass."""

    drop: str
    batch: str
    rows: int
    reason: str


@dataclass(frozen=True)
class Ingested:
    """What became of the drops of a partition; without a version, nothing was published."""

    rows: int
    quarantined_rows: int
    drops: int
    refusals: list[Refusal]
    warnings: list[str]
    version: int | None = None
    data_version: str | None = None


@dataclass(frozen=True)
class _Reading:
    """One drop, read and audited."""

    drop: Drop
    accepted: pl.DataFrame
    rejected_rows: int
    refusals: list[Refusal]
    audits: list[Audit]
    notes: tuple[str, ...] = ()

    @property
    def quarantined_rows(self) -> int:
        return self.rejected_rows + sum(refusal.rows for refusal in self.refusals)


def ingest(
    home: Home,
    ledger: Ledger,
    source: Source,
    table: Table,
    suite: Suite,
    *,
    run_id: str,
    settings: Mapping[str, Any],
    days: tuple[date, date] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Ingested:
    """Make a partition of a raw table from the drops that the ledger holds.

    Parameters
    ----------
    days
        First and last day to make, both included; None for a table without days.
    progress
        Called with a sentence for each drop that is refused.

    Returns
    -------
    Ingested
        `version` is None if no drop was accepted: then the table is as it was.
    """
    with home.table_lock(table.name):
        readings = [
            _read(home, source, table, suite, drop, run_id)
            for drop in ledger.drops(source.name, READABLE)
            if days is None or any(days[0] <= day <= days[1] for day in drop.days)
        ]
        for refusal in (refusal for reading in readings for refusal in reading.refusals):
            progress(f"refused {refusal.drop}: {refusal.reason}")
        outcome, counted = _publish(home, source, table, suite, readings, run_id, settings, days)
        _settle(ledger, readings, counted, run_id, days)
    return outcome


def _read(home: Home, source: Source, table: Table, suite: Suite, drop: Drop, run_id: str) -> _Reading:
    assert drop.sha256 is not None, "a drop without content has no days, and is never read"
    quarantine.release(home, table.name, drop.sha256)
    try:
        parsed = source.parse(archived_path(home, source.name, drop.sha256), drop.name, drop.received_utc)
    except Unreadable as error:
        refusal = Refusal(drop.name, drop.name, 0, f"{drop.name} {error}")
        quarantine.keep_refused(home, table.name, drop.sha256, drop.name, run_id, refusal.reason, staged=None)
        return _Reading(drop, table.empty(), 0, [refusal], [])
    notes = [parsed.note] if parsed.note else []
    if len(parsed.rejected):
        quarantine.keep_rows(home, table.name, drop.sha256, drop.name, run_id, parsed.rejected)
        notes.append(quarantine.reasons(parsed.rejected))
    accepted, refusals, audits = _gate(home, source, table, suite, drop, parsed, run_id)
    return _Reading(drop, accepted, len(parsed.rejected), refusals, audits, tuple(notes))


def _gate(
    home: Home, source: Source, table: Table, suite: Suite, drop: Drop, parsed: Parsed, run_id: str
) -> tuple[pl.DataFrame, list[Refusal], list[Audit]]:
    rows = table.conform(parsed.accepted.with_columns(pl.lit(drop.sha256).alias(LINEAGE_COLUMN)))
    batches = rows.partition_by(source.batch, maintain_order=True, as_dict=True) if source.batch else {(): rows}
    passed, refusals, audits = [table.empty()], [], []
    for values, batch in batches.items():
        label = " ".join(map(str, values)) or drop.name
        audit = gate.audit(suite, table, batch)
        if audit.is_critical:
            name = f"{drop.sha256}-{label.replace(' ', '-')}" if values else str(drop.sha256)
            staged = stage(home, table, batch, run_id, name)
            quarantine.keep_refused(home, table.name, name, drop.name, run_id, audit.reason, staged)
            data_docs.keep(home, table.name, run_id, label.replace(" ", "-"), audit.result)
            refusals.append(Refusal(drop.name, label, len(batch), audit.reason))
        else:
            passed.append(batch)
            audits.append(audit)
    if audits:
        data_docs.keep(home, table.name, run_id, "", audits[-1].result)
    if not batches:
        refusals.append(Refusal(drop.name, drop.name, 0, f"{drop.name} has no row that could be read"))
    return pl.concat(passed), refusals, audits


def _publish(
    home: Home,
    source: Source,
    table: Table,
    suite: Suite,
    readings: list[_Reading],
    run_id: str,
    settings: Mapping[str, Any],
    days: tuple[date, date] | None,
) -> tuple[Ingested, set[str]]:
    """Publish what counts of the readings, and return the outcome and the hashes of the drops that count."""
    outcome = Ingested(
        rows=0,
        quarantined_rows=sum(reading.quarantined_rows for reading in readings),
        drops=len(readings),
        refusals=[refusal for reading in readings for refusal in reading.refusals],
        warnings=[
            f"{reading.drop.name}: {audit.reason}" for reading in readings for audit in reading.audits if audit.failures
        ],
    )
    rows = _what_counts(source, table, readings, days)
    if rows.is_empty():
        return outcome, set()
    names = {reading.drop.sha256: reading.drop.name for reading in readings}
    inputs = {sha256: names[sha256] for sha256 in rows[LINEAGE_COLUMN].unique().sort()}
    version = data_version(inputs, suite, {**settings, "source": source.fingerprint})
    staged = stage(home, table, rows, run_id)
    provenance = Provenance(
        run_id=run_id,
        code_version=code_version(),
        inputs=inputs,
        suite={"sha256": suite.sha256, "batches_refused": len(outcome.refusals), "warnings": outcome.warnings},
        settings=dict(settings),
        data_version=version,
        partition=(str(days[0]), str(days[1])) if days else None,
    )
    partition = Between(table.partition_by[0], *days, without=_held(table, readings, rows, days)) if days else None
    number = lake.publish(home, table, pl.scan_parquet(staged), provenance, partition)
    staged.unlink()
    return replace(outcome, rows=len(rows), version=number, data_version=version), set(inputs)


def _what_counts(
    source: Source, table: Table, readings: list[_Reading], days: tuple[date, date] | None
) -> pl.DataFrame:
    """Rows of the days; of a batch and day that came more than once, those that came last.

    In a table without days a later file corrects an earlier one key by key.
    """
    rows = pl.concat([table.empty(), *(reading.accepted for reading in readings)])
    if days is None:
        return rows.unique(subset=table.key, keep="last", maintain_order=True)
    day = table.partition_by[0]
    arrival = {reading.drop.sha256: reading.drop.drop_id for reading in readings}
    arrived = pl.col(LINEAGE_COLUMN).replace_strict(arrival, return_dtype=pl.Int64())
    return rows.filter(pl.col(day).is_between(*days)).filter(arrived == arrived.max().over([*source.batch, day]))


def _held(table: Table, readings: list[_Reading], rows: pl.DataFrame, days: tuple[date, date]) -> tuple[date, ...]:
    """Days of which every drop was refused: what was published of them earlier stays."""
    published = set(rows[table.partition_by[0]].unique())
    arrived = {day for reading in readings for day in reading.drop.days}
    return tuple(sorted(day for day in arrived - published if days[0] <= day <= days[1]))


def _settle(
    ledger: Ledger, readings: list[_Reading], counted: set[str], run_id: str, days: tuple[date, date] | None
) -> None:
    """Write into the ledger what became of each drop; last, so that a crash before it repeats the work."""
    for reading in readings:
        drop = reading.drop
        reason = "; ".join([*reading.notes, *(refusal.reason for refusal in reading.refusals)]) or None
        if reading.accepted.is_empty():
            ledger.refuse(drop, reason or "no rows", quarantined=reading.quarantined_rows, run_id=run_id)
            continue
        whole = days is None or all(days[0] <= day <= days[1] for day in drop.days)
        ledger.accept(
            drop,
            accepted=len(reading.accepted),
            quarantined=reading.quarantined_rows,
            reason=reason,
            run_id=run_id,
            superseded=whole and drop.sha256 not in counted,
        )
