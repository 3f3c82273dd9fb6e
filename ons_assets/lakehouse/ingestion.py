"""From archived drops to the rows of a raw table: parse, gate batch by batch, publish by day.

A day is always made anew from all drops that have rows of it, so a repetition, a late file or a crash
in between make no difference. Where two drops hold the same batch of the same day, the one that was
received later counts: a corrected file replaces what it corrects, and the older version of the table
can still be read.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
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
SLUG_LENGTH = 60
BYTES_AT_ONCE = 64 << 20
READABLE = (Status.RECEIVED, Status.ACCEPTED, Status.REFUSED, Status.SUPERSEDED)


@dataclass(frozen=True)
class Finding:
    """A batch that the gate did not let pass, or let pass with a warning, and the days of its drop."""

    drop: str
    batch: str
    rows: int
    reason: str
    days: frozenset[str]

    @classmethod
    def of(cls, drop: Drop, batch: str, rows: int, reason: str) -> "Finding":
        """Return what was found in a batch of a drop.

        Parameters
        ----------
        drop
            File that held the rows; its name and days are taken over.
        batch
            Name of the batch, as the quarantine has it.
        rows
            Rows that the finding is about.
        reason
            Sentence that quotes nothing from an individual source.
        """
        return cls(drop.name, batch, rows, reason, frozenset(day.isoformat() for day in drop.days))


@dataclass(frozen=True)
class Ingested:
    """What became of the drops of a partition; without a version, nothing was published."""

    rows: int
    quarantined_rows: int
    drops: int
    refusals: list[Finding]
    warnings: list[Finding]
    version: int | None = None
    data_version: str | None = None


@dataclass(frozen=True)
class _Reading:
    """One drop, read and audited; its rows are let go once its days are published."""

    drop: Drop
    accepted: pl.DataFrame
    accepted_rows: int
    rejected_rows: int
    refusals: list[Finding]
    warnings: list[Finding]
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
    bytes_at_once: int = BYTES_AT_ONCE,
    progress: Callable[[str], None] = lambda _: None,
) -> Ingested:
    """Make a partition of a raw table from the drops that the ledger holds.

    Parameters
    ----------
    days
        First and last day to make, both included; None for a table without days.
    bytes_at_once
        Files of so much are in memory together; each such span of days is a version of its own.
    progress
        Called with a sentence for each drop that is refused.

    Returns
    -------
    Ingested
        `version` is None if no drop was accepted: then the table is as it was.
    """
    with home.table_lock(table.name):
        drops = [drop for drop in ledger.drops(source.name, READABLE) if is_readable(drop) and _is_of(drop, days)]
        # A file with days of two spans is read for each of them, and is one file all the same.
        read: dict[int, _Reading] = {}
        counted: dict[str, str] = {}
        rows, number = 0, None
        for span in _spans(drops, days, bytes_at_once):
            readings = [_read(home, source, table, suite, drop, run_id) for drop in drops if _is_of(drop, span)]
            for reading in readings:
                if reading.drop.drop_id not in read:
                    for refusal in reading.refusals:
                        progress(f"refused {refusal.drop}: {refusal.reason}")
                read[reading.drop.drop_id] = replace(reading, accepted=table.empty())
            published, inputs, version = _publish(home, source, table, suite, readings, run_id, settings, span)
            rows, counted = rows + published, counted | inputs
            number = version if version is not None else number
        _settle(ledger, list(read.values()), set(counted), run_id, days)
    return Ingested(
        rows=rows,
        quarantined_rows=sum(reading.quarantined_rows for reading in read.values()),
        drops=len(read),
        refusals=[refusal for reading in read.values() for refusal in reading.refusals],
        warnings=[warning for reading in read.values() for warning in reading.warnings],
        version=number,
        data_version=data_version(counted, suite, {**settings, "source": source.fingerprint}) if counted else None,
    )


def _is_of(drop: Drop, days: tuple[date, date] | None) -> bool:
    return days is None or any(days[0] <= day <= days[1] for day in drop.days)


def _spans(
    drops: Sequence[Drop], days: tuple[date, date] | None, bytes_at_once: int
) -> Iterator[tuple[date, date] | None]:
    """Divide days into spans whose files fit into memory together; a day is never divided."""
    if days is None:
        yield None
        return
    first, size = days[0], 0
    for start, size_bytes in sorted((max(min(drop.days), days[0]), drop.size_bytes) for drop in drops):
        if size + size_bytes > bytes_at_once and start > first:
            yield first, start - timedelta(days=1)
            first, size = start, 0
        size += size_bytes
    yield first, days[1]


def is_readable(drop: Drop) -> bool:
    """Whether there is a point in reading a drop: not if it was refused when it was registered."""
    return drop.sha256 is not None and not (drop.status is Status.REFUSED and drop.run_id is None)


def _read(home: Home, source: Source, table: Table, suite: Suite, drop: Drop, run_id: str) -> _Reading:
    assert drop.sha256 is not None, "a drop without content is never read"
    quarantine.release(home, table.name, drop.sha256)
    try:
        parsed = source.parse(archived_path(home, source.name, drop.sha256), drop.name, drop.received_utc)
    except Unreadable as error:
        refusal = Finding.of(drop, drop.name, 0, f"{drop.name} {error}")
        quarantine.keep_refused(home, table.name, drop.sha256, drop.name, run_id, refusal.reason, staged=None)
        return _Reading(drop, table.empty(), 0, 0, [refusal], [])
    notes = [parsed.note] if parsed.note else []
    if len(parsed.rejected):
        quarantine.keep_rows(home, table.name, drop.sha256, drop.name, run_id, parsed.rejected)
        notes.append(quarantine.reasons(parsed.rejected))
    accepted, refusals, warnings = _gate(home, source, table, suite, drop, parsed, run_id)
    return _Reading(drop, accepted, len(accepted), len(parsed.rejected), refusals, warnings, tuple(notes))


def _gate(
    home: Home, source: Source, table: Table, suite: Suite, drop: Drop, parsed: Parsed, run_id: str
) -> tuple[pl.DataFrame, list[Finding], list[Finding]]:
    rows = table.conform(parsed.accepted.with_columns(pl.lit(drop.sha256).alias(LINEAGE_COLUMN)))
    batches = rows.partition_by(source.batch, maintain_order=True, as_dict=True) if source.batch else {(): rows}
    passed, refusals, warnings = [table.empty()], [], []
    last: Audit | None = None
    for number, (values, batch) in enumerate(batches.items(), start=1):
        label = " ".join(map(str, values)) if values and not table.is_individual else drop.name
        audit = gate.audit(suite, table, batch)
        if audit.is_critical:
            # A supplier's text, so it may be of any length and hold a slash.
            slug = f"{number}-{re.sub('[^A-Za-z0-9]+', '-', label)[:SLUG_LENGTH]}"
            name = f"{drop.sha256}-{slug}" if values else str(drop.sha256)
            staged = stage(home, table, batch, run_id, name)
            quarantine.keep_refused(home, table.name, name, drop.name, run_id, audit.reason, staged)
            data_docs.keep(home, table.name, run_id, f"{str(drop.sha256)[:8]}-{slug}", audit.result)
            refusals.append(Finding.of(drop, label, len(batch), audit.reason))
        else:
            passed.append(batch)
            last = audit
            if audit.failures:
                warnings.append(Finding.of(drop, label, len(batch), audit.reason))
    if last is not None:
        data_docs.keep(home, table.name, run_id, "", last.result)
    if not batches:
        refusals.append(Finding.of(drop, drop.name, 0, f"{drop.name} has no row that could be read"))
    return pl.concat(passed), refusals, warnings


def _publish(
    home: Home,
    source: Source,
    table: Table,
    suite: Suite,
    readings: list[_Reading],
    run_id: str,
    settings: Mapping[str, Any],
    days: tuple[date, date] | None,
) -> tuple[int, dict[str, str], int | None]:
    """Publish what counts of the readings, and return the rows, the names of the drops by hash, and the version."""
    rows = _what_counts(source, table, readings, days)
    if rows.is_empty():
        return 0, {}, None
    rows = pl.concat([rows, _last_good(home, source, table, readings, rows, days)])
    names = {reading.drop.sha256: reading.drop.name for reading in readings}
    inputs = {sha256: names[sha256] for sha256 in rows[LINEAGE_COLUMN].unique().sort()}
    warnings = [warning for reading in readings for warning in reading.warnings]
    staged = stage(home, table, rows, run_id)
    provenance = Provenance(
        run_id=run_id,
        code_version=code_version(),
        inputs=inputs,
        suite={
            "sha256": suite.sha256,
            "batches_refused": sum(len(reading.refusals) for reading in readings),
            "warnings": [f"{warning.drop} ({warning.batch}): {warning.reason}" for warning in warnings],
        },
        settings=dict(settings),
        data_version=data_version(inputs, suite, {**settings, "source": source.fingerprint}),
        partition=(str(days[0]), str(days[1])) if days else None,
    )
    partition = Between(table.partition_by[0], *days) if days else None
    number = lake.publish(home, table, pl.scan_parquet(staged), provenance, partition)
    staged.unlink()
    return len(rows), inputs, number


def _what_counts(
    source: Source, table: Table, readings: list[_Reading], days: tuple[date, date] | None
) -> pl.DataFrame:
    """Rows of the days; of a batch and day that came more than once, those that came last.

    In a table without days a later file corrects an earlier one key by key.
    """
    rows = pl.concat([table.empty(), *(reading.accepted for reading in readings)])
    if rows.is_empty():
        return rows
    if days is None:
        return rows.unique(subset=table.key, keep="last", maintain_order=True)
    day = table.partition_by[0]
    arrival = {reading.drop.sha256: reading.drop.received_utc for reading in readings}
    arrived = pl.col(LINEAGE_COLUMN).replace_strict(arrival, return_dtype=pl.Datetime("us", "UTC"))
    return rows.filter(pl.col(day).is_between(*days)).filter(arrived == arrived.max().over([*source.batch, day]))


def _last_good(
    home: Home,
    source: Source,
    table: Table,
    readings: list[_Reading],
    rows: pl.DataFrame,
    days: tuple[date, date] | None,
) -> pl.DataFrame:
    """Published rows of drops that passed once and are refused now, unless a batch that counts replaces them."""
    refused = [reading.drop.sha256 for reading in readings if reading.refusals]
    if not refused or not lake.exists(home, table):
        return table.empty()
    published = lake.read(home, table).filter(pl.col(LINEAGE_COLUMN).is_in(refused))
    if days is None:
        unit = list(table.key)
    else:
        unit = [*source.batch, table.partition_by[0]]
        published = published.filter(pl.col(table.partition_by[0]).is_between(*days))
    return table.conform(published.collect().join(rows, on=unit, how="anti"))


def _settle(
    ledger: Ledger, readings: list[_Reading], counted: set[str], run_id: str, days: tuple[date, date] | None
) -> None:
    """Write into the ledger what became of each drop; last, so that a crash before it repeats the work.

    A file of which only some days were made keeps what was said of it, or waits for the rest.
    """
    for reading in readings:
        drop = reading.drop
        reason = "; ".join([*reading.notes, *(refusal.reason for refusal in reading.refusals)]) or None
        if reading.accepted_rows == 0:
            ledger.refuse(drop, reason or "no rows", quarantined=reading.quarantined_rows, run_id=run_id)
            continue
        whole = days is None or all(days[0] <= day <= days[1] for day in drop.days)
        if not whole and drop.status in (Status.RECEIVED, Status.REFUSED):
            ledger.receive_again(drop, drop.days)
            continue
        ledger.accept(
            drop,
            accepted=reading.accepted_rows,
            quarantined=reading.quarantined_rows,
            reason=reason,
            run_id=run_id,
            superseded=drop.sha256 not in counted and (whole or drop.status is Status.SUPERSEDED),
        )
