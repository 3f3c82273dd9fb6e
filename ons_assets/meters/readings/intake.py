"""From archived drops to `meters/raw_readings`: streamed, gated drop by drop, published together.

A file flows in blocks of some megabytes into one Arrow file a bucket of meters; then each bucket is
gathered into days, audited, and set aside. So memory holds a few blocks or one bucket of one file,
whatever the size of the files. When all drops are read, the buckets are published together.

The table is always made anew from all drops, so a repetition, a late file or a crash in between make
no difference. Every row says its drop: where two drops hold the same half hour, `meters/half_hours`
takes the one that was received later.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ons_assets.intake.drops import archived_path
from ons_assets.intake.ingestion import READABLE, Finding, Ingested, is_readable
from ons_assets.intake.ledger import Drop, Ledger
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse import buckets as partitions
from ons_assets.lakehouse import data_docs, gate, lake, quarantine
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Provenance
from ons_assets.lakehouse.publication import code_version, data_version, stage
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.lakehouse.tables import Table
from ons_assets.meters.readings.day_rows import day_rows
from ons_assets.meters.readings.plausibility import judge, kwh_per_day
from ons_assets.meters.readings.sources import MeterFiles, labelled
from ons_assets.meters.readings.spill import Spill

SPILL = "spill"


@dataclass
class _Reading:
    """One drop, read and audited; its days lie staged, one file a bucket."""

    drop: Drop
    received: int = 0
    quarantined: int = 0
    refusal: Finding | None = None
    pieces: dict[int, Path] = field(default_factory=dict)
    rows: dict[int, int] = field(default_factory=dict)
    meters: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.Int64()))
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def take_in(
    home: Home,
    ledger: Ledger,
    source: MeterFiles,
    table: Table,
    suite: Suite,
    *,
    run_id: str,
    settings: Mapping[str, Any],
    progress: Callable[[str], None] = lambda _: None,
) -> Ingested:
    """Make the raw table of readings from the drops that the ledger holds.

    Parameters
    ----------
    table
        `meters/raw_readings`, partitioned by bucket.
    settings
        Method parameters, for the provenance.
    progress
        Called with a sentence for each drop that is refused; no sentence names a meter or a value.

    Returns
    -------
    Ingested
        `rows` are meter-days; the ledger counts readings. `version` is None if no drop was accepted:
        then the table is as it was.
    """
    with home.table_lock(table.name):
        readings = []
        for drop in filter(is_readable, ledger.drops(source.name, READABLE)):
            readings.append(_read(home, source, table, suite, drop, run_id))
            if refusal := readings[-1].refusal:
                progress(f"refused {refusal.drop}: {refusal.reason}")
        _note_shared_meters(readings)
        outcome = _publish(home, source, table, suite, readings, run_id, settings)
        _settle(ledger, readings, run_id)
        for reading in readings:
            for piece in reading.pieces.values():
                piece.unlink(missing_ok=True)
    return outcome


def _read(home: Home, source: MeterFiles, table: Table, suite: Suite, drop: Drop, run_id: str) -> _Reading:
    assert drop.sha256 is not None, "a drop without content is never read"
    quarantine.release(home, table.name, drop.sha256)
    reading = _Reading(drop)
    folder = home.staging / run_id / SPILL / drop.sha256
    try:
        _stream(home, source, table, reading, folder, run_id)
        _audit(home, table, suite, reading, run_id)
    except Unreadable as error:
        _refuse(home, table, reading, run_id, f"{drop.name} {error}", error.rejected)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return reading


def _stream(home: Home, source: MeterFiles, table: Table, reading: _Reading, folder: Path, run_id: str) -> None:
    """Set the days of a drop aside, one file a bucket."""
    drop = reading.drop
    path = archived_path(home, source.name, str(drop.sha256))
    layout = source.layout(path, drop.name)
    buckets = source.parameters.buckets
    rejected = [pl.DataFrame(schema=REJECTED_SCHEMA)]
    with Spill(folder, buckets, exact=layout.is_register) as spill:
        for block in source.blocks(path, drop.name, drop.received_utc):
            spill.add(block)
            reading.received += len(block.meter)
            rejected.append(block.rejected)
    unreadable = pl.concat(rejected)
    used = []
    for bucket in range(buckets):
        if (part := spill.bucket(bucket)) is None:
            continue
        rows = day_rows(part.meter, part.day, part.position, part.value, part.faults, layout)
        used.append(kwh_per_day(rows))
        staged = table.conform(
            labelled(rows, layout, buckets).with_columns(drop_id=pl.lit(drop.drop_id), drop_sha256=pl.lit(drop.sha256))
        )
        reading.pieces[bucket] = stage(home, table, staged, run_id, f"{drop.sha256}-{bucket:02d}")
        reading.rows[bucket] = len(staged)
    every = pl.concat(used)
    verdict = judge(every, source.parameters)
    if verdict.refuses:
        raise Unreadable(verdict.sentence or "", unreadable)
    reading.meters = every["meter"]
    reading.quarantined = len(unreadable)
    if verdict.sentence:
        reading.notes.append(verdict.sentence)
        reading.warnings.append(verdict.sentence)
    if len(unreadable):
        quarantine.keep_rows(home, table.name, str(drop.sha256), drop.name, run_id, unreadable)
        reading.notes.append(quarantine.reasons(unreadable))
    reading.notes += _counted(reading)


def _counted(reading: _Reading) -> list[str]:
    """Say how many readings of a drop are odd though they could be read."""
    odd = ("repeated", "contradictory", "negative")
    counts = pl.scan_parquet(list(reading.pieces.values())).select(pl.col(odd).sum()).collect().row(0, named=True)
    return [f"{count} {name} readings" for name, count in counts.items() if count]


def _audit(home: Home, table: Table, suite: Suite, reading: _Reading, run_id: str) -> None:
    """Audit the days of a drop, some buckets at a time; one critical failure refuses the drop."""
    for group in partitions.groups(reading.rows, partitions.ROWS_AT_ONCE):
        frame = pl.read_parquet([reading.pieces[name] for name in group])
        audit = gate.audit(suite, table, frame)
        data_docs.keep(home, table.name, run_id, "", audit.result)
        if audit.is_critical:
            _refuse(home, table, reading, run_id, audit.reason)
            return
        reading.warnings += [str(failure) for failure in audit.failures]


def _refuse(
    home: Home, table: Table, reading: _Reading, run_id: str, reason: str, rejected: pl.DataFrame | None = None
) -> None:
    drop = reading.drop
    rows = sum(reading.rows.values())
    reading.refusal = Finding.of(drop, drop.name, rows, reason)
    staged = None
    if reading.pieces and rejected is None:
        staged = next(iter(reading.pieces.values())).with_name(f"{drop.sha256}-refused.parquet")
        pl.scan_parquet(list(reading.pieces.values())).sink_parquet(staged)
    elif rejected is not None and len(rejected):
        quarantine.keep_rows(home, table.name, str(drop.sha256), drop.name, run_id, rejected)
    reading.quarantined = reading.received + (len(rejected) if rejected is not None else reading.quarantined)
    quarantine.keep_refused(home, table.name, str(drop.sha256), drop.name, run_id, reason, staged)
    for piece in reading.pieces.values():
        piece.unlink(missing_ok=True)
    reading.pieces, reading.rows = {}, {}


def _note_shared_meters(readings: list[_Reading]) -> None:
    """Say of a drop how many of its meters are also in a drop that came before."""
    before = pl.Series(dtype=pl.Int64())
    for reading in readings:
        if reading.refusal is not None:
            continue
        shared = int(reading.meters.is_in(before.implode()).sum()) if len(before) else 0
        if shared:
            reading.notes.append(f"{shared} of its {len(reading.meters)} meters are also in files received earlier")
        before = pl.concat([before, reading.meters]).unique()


def _publish(
    home: Home,
    source: MeterFiles,
    table: Table,
    suite: Suite,
    readings: list[_Reading],
    run_id: str,
    settings: Mapping[str, Any],
) -> Ingested:
    refusals = [reading.refusal for reading in readings if reading.refusal is not None]
    warnings = [
        Finding.of(reading.drop, reading.drop.name, sum(reading.rows.values()), warning)
        for reading in readings
        for warning in reading.warnings
    ]
    quarantined = sum(reading.quarantined for reading in readings)
    good = [reading for reading in readings if reading.refusal is None]
    rows = {bucket: sum(reading.rows.get(bucket, 0) for reading in good) for bucket in range(source.parameters.buckets)}
    if not sum(rows.values()):
        return Ingested(0, quarantined, len(readings), refusals, warnings)
    inputs = {str(reading.drop.sha256): reading.drop.name for reading in good}
    version = data_version(inputs, suite, {**settings, "source": source.fingerprint})
    provenance = Provenance(
        run_id=run_id,
        code_version=code_version(),
        inputs=inputs,
        suite={
            "sha256": suite.sha256,
            "batches_refused": len(refusals),
            "warnings": [f"{warning.drop}: {warning.reason}" for warning in warnings],
        },
        settings=dict(settings),
        data_version=version,
    )
    # Bucket by bucket, so that the writer has one of them open at a time.
    pieces = [reading.pieces[name] for name in sorted(rows) for reading in good if name in reading.pieces]
    last_good = _last_good(home, table, readings)
    number = lake.publish(home, table, pl.concat([pl.scan_parquet(pieces), last_good]), provenance)
    published = sum(rows.values()) + last_good.select(pl.len()).collect().item()
    return Ingested(published, quarantined, len(readings), refusals, warnings, number, version)


def _last_good(home: Home, table: Table, readings: list[_Reading]) -> pl.LazyFrame:
    """Published days of drops that passed once and are refused now."""
    refused = [reading.drop.sha256 for reading in readings if reading.refusal is not None]
    if not refused or not lake.exists(home, table):
        return table.empty().lazy()
    return lake.read(home, table).filter(pl.col("drop_sha256").is_in(refused)).select(table.column_names)


def _settle(ledger: Ledger, readings: list[_Reading], run_id: str) -> None:
    """Write into the ledger what became of each drop; last, so that a crash before it repeats the work."""
    for reading in readings:
        if reading.refusal is not None:
            ledger.refuse(reading.drop, reading.refusal.reason, quarantined=reading.quarantined, run_id=run_id)
        else:
            ledger.accept(
                reading.drop,
                accepted=reading.received,
                quarantined=reading.quarantined,
                reason="; ".join(reading.notes) or None,
                run_id=run_id,
            )
