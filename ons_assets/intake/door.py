"""The gate at the door: which rows of which drops may come in.

Batches of many drops are screened together, and those that are suspected are audited one by one. A drop is audited
batch by batch, so that what is wrong with one refuses no other, or as one batch.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any

import polars as pl

from ons_assets.intake.members import ROWS_AT_ONCE, Finding, Member, groups
from ons_assets.intake.reading import quarantine_name
from ons_assets.intake.source import Source
from ons_assets.lakehouse import gate, quarantine, validations
from ons_assets.lakehouse.gate import Audit, Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.screening import suspects
from ons_assets.lakehouse.staging import stage
from ons_assets.lakehouse.tables import Table

SLUG_LENGTH = 60


@dataclass(frozen=True)
class _Batch:
    """Rows that are audited together: of a drop, or of a part of it.

    Parameters
    ----------
    values
        Of the columns that make a batch; none of a drop that is one.
    number
        Which batch of its drop it is, from one on.
    """

    member: Member
    values: tuple[Any, ...]
    number: int
    rows: pl.DataFrame

    @property
    def size(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Door:
    """Where the drops of a source are held against the suite of its table.

    Parameters
    ----------
    run_id
        Under which what is refused is kept.
    """

    home: Home
    source: Source
    table: Table
    suite: Suite
    run_id: str

    def hold(self, members: Iterable[Member]) -> None:
        """Note in each member what the gate refuses of it, and what it warns of.

        What it refuses is kept in quarantine; of what it lets pass, its last result is kept.

        Parameters
        ----------
        members
            Drops in the order in which they arrived.
        """
        members = list(members)
        for member in members:
            quarantine.release_batches(self.home, self.table.name, quarantine_name(member.drop))
        last = self._hold_batches(members) if self.source.batch else self._hold_whole(members)
        if last is not None:
            validations.keep(self.home, self.table.name, self.run_id, "", last)
        for member in members:
            said = member.parsed.warnings
            member.warnings += [
                Finding.of(member.drop, member.drop.name, member.parsed.accepted, each) for each in said
            ]

    def _hold_batches(self, members: list[Member]) -> Audit | None:
        """Refuse batches, and return the audit of the last that passed."""
        last: tuple[_Batch, Audit | None] | None = None
        for batch, audit in self._audits(members):
            label = batch.member.drop.name if self.table.is_individual else " ".join(map(str, batch.values))
            if audit is not None and audit.is_critical:
                self._refuse_batch(batch, label, audit)
                continue
            last = batch, audit
            if audit is not None and audit.failures:
                batch.member.warnings.append(Finding.of(batch.member.drop, label, batch.size, audit))
        return self._told_of(last)

    def _refuse_batch(self, batch: _Batch, label: str, audit: Audit) -> None:
        drop, name = batch.member.drop, self.table.name
        # A supplier's text, so it may be of any length and hold a slash.
        slug = f"{batch.number}-{re.sub('[^A-Za-z0-9]+', '-', label)[:SLUG_LENGTH]}"
        kept_as = f"{quarantine_name(drop)}-{slug}"
        staged = stage(self.home, self.table, batch.rows, self.run_id, kept_as)
        quarantine.keep_refused(self.home, name, kept_as, drop.name, self.run_id, audit.reason, staged, audit.failures)
        validations.keep(self.home, name, self.run_id, f"{str(drop.sha256)[:8]}-{slug}", audit)
        batch.member.refused.add(batch.values)
        batch.member.kept_as[batch.values] = kept_as
        batch.member.refusals.append(Finding.of(drop, label, batch.size, audit))

    def _hold_whole(self, members: list[Member]) -> Audit | None:
        """Refuse drops of which a part is refused, and return the audit of the last drop."""
        last: tuple[_Batch, Audit | None] | None = None
        found: dict[int, list[Audit]] = {}
        for batch, audit in self._audits(members):
            last = batch, audit
            if audit is not None:
                found.setdefault(batch.member.drop.drop_id, []).append(audit)
        for member in members:
            if audits := found.get(member.drop.drop_id):
                self._take_whole(member, Audit.of_parts(audits))
        if last is not None and (audits := found.get(last[0].member.drop.drop_id)):
            return Audit.of_parts(audits)
        return self._told_of(last)

    def _take_whole(self, member: Member, audit: Audit) -> None:
        drop, name = member.drop, self.table.name
        if audit.is_critical:
            kept_as = f"{quarantine_name(drop)}-refused"
            folder = self.home.staging / self.run_id / name
            folder.mkdir(parents=True, exist_ok=True)
            whole = folder / f"{kept_as}.parquet"
            member.rows(self.home, self.source, self.table).sink_parquet(whole)
            quarantine.keep_refused(
                self.home, name, kept_as, drop.name, self.run_id, audit.reason, whole, audit.failures
            )
            member.refused.add(())
            member.kept_as[()] = kept_as
            member.refusals.append(Finding.of(drop, drop.name, member.parsed.accepted, audit))
        elif audit.failures:
            member.warnings.append(Finding.of(drop, drop.name, member.parsed.accepted, audit))

    def _audits(self, members: Iterable[Member]) -> Iterator[tuple[_Batch, Audit | None]]:
        """Every batch, with its audit if it was suspected. Of a drop that is refused whole, the rest is left out."""
        refused: set[int] = set()
        for batches in groups(self._batches(members), attrgetter("size"), ROWS_AT_ONCE):
            suspected = suspects(self.suite, self.table, [batch.rows for batch in batches])
            for place, batch in enumerate(batches):
                drop_id = batch.member.drop.drop_id
                if drop_id in refused:
                    continue
                audit = gate.audit(self.suite, self.table, batch.rows) if place in suspected else None
                if audit is not None and audit.is_critical and not self.source.batch:
                    refused.add(drop_id)
                yield batch, audit

    def _batches(self, members: Iterable[Member]) -> Iterator[_Batch]:
        for member in members:
            rows = member.rows(self.home, self.source, self.table)
            if self.source.batch:
                every = self.table.conform(rows.collect())
                parts = every.partition_by(self.source.batch, maintain_order=True, as_dict=True)
                for number, (values, part) in enumerate(parts.items(), start=1):
                    yield _Batch(member, values, number, part)
            else:
                for number, some in enumerate(self._parts(rows), start=1):
                    yield _Batch(member, (), number, self.table.conform(some.collect()))

    def _parts(self, rows: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
        """Rows some values of the partition column at a time; all of them, for a table without."""
        if not self.table.partition_by:
            yield rows
            return
        column = self.table.partition_by[0]
        counts = rows.group_by(column).len().sort(column).collect(engine="streaming")
        for group in groups(counts.iter_rows(), itemgetter(1), ROWS_AT_ONCE):
            yield rows.filter(pl.col(column).is_in([value for value, _ in group]))

    def _told_of(self, last: tuple[_Batch, Audit | None] | None) -> Audit | None:
        """The audit of the last batch, at which people look; it is made now if the batch was not suspected."""
        if last is None:
            return None
        batch, audit = last
        return audit or gate.audit(self.suite, self.table, batch.rows)
