"""Drops that were read, on their way into a table: their rows, and what is found of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import polars as pl

from ons_assets.intake import parsed
from ons_assets.intake.ledger import Drop
from ons_assets.intake.parsed import Parsed
from ons_assets.intake.source import Source
from ons_assets.lakehouse.gate import Audit, Failure
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Table
from ons_assets.wording import counted

# A row carries the hash of its file, so that any number can be followed back to it.
DROP_SHA256, ARRIVAL = "drop_sha256", "arrival"
# So many rows are in memory together.
ROWS_AT_ONCE = 750_000

Item = TypeVar("Item")


@dataclass(frozen=True)
class Finding:
    """A batch that the gate did not let pass, or let pass with a warning, and the days of its drop."""

    drop: str
    batch: str
    rows: int
    reason: str
    days: frozenset[str]
    failures: tuple[Failure, ...] = ()

    @classmethod
    def of(cls, drop: Drop, batch: str, rows: int, reason: str | Audit) -> "Finding":
        """Return what was found in a batch of a drop.

        Parameters
        ----------
        drop
            Row of the ledger.
        batch
            Name of the batch, as the source calls it.
        rows
            How many rows the drop has of it.
        reason
            What was found, in words or as the gate has it.
        """
        days = frozenset(day.isoformat() for day in drop.days)
        if isinstance(reason, Audit):
            return cls(drop.name, batch, rows, reason.reason, days, reason.failures)
        return cls(drop.name, batch, rows, reason, days)


@dataclass
class Member:
    """One drop that was read, and what the gate says of it.

    Parameters
    ----------
    refused
        Values of the columns that make a batch, of the batches that were refused; of a drop that is one batch, none.
    kept_as
        Under which names the refused batches lie in quarantine, by their values.
    replaced_unsaid, repeated
        Rows on what the drop says nothing of that it replaces all the same, and rows of it that are also in drops that
        arrived earlier; over all parts of the table that were made.
    """

    drop: Drop
    parsed: Parsed
    refused: set[tuple[Any, ...]] = field(default_factory=set)
    refusals: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    kept_as: dict[tuple[Any, ...], str] = field(default_factory=dict)
    replaced_unsaid: int = 0
    repeated: int = 0

    @property
    def notes(self) -> list[str]:
        """What the ledger says of it besides."""
        again = [f"{counted(self.repeated, 'row')} also in files that arrived earlier, and not added"]
        return [*self._replaces, *(again if self.repeated else [])]

    @property
    def findings(self) -> list[Finding]:
        """What was found of it that is no reason to refuse it."""
        said = [Finding.of(self.drop, self.drop.name, self.replaced_unsaid, each) for each in self._replaces]
        return [*self.warnings, *said]

    @property
    def _replaces(self) -> list[str]:
        if not self.replaced_unsaid:
            return []
        return [
            f"replaces {counted(self.replaced_unsaid, 'row')} on what it says nothing of: "
            "if the files belong together, `batch` in the layout can say so"
        ]

    @property
    def refused_rows(self) -> int:
        """How many rows the gate did not let pass."""
        return sum(refusal.rows for refusal in self.refusals)

    @property
    def accepted_rows(self) -> int:
        """How many rows it let pass."""
        return self.parsed.accepted - self.refused_rows

    def rows(self, home: Home, source: Source, table: Table) -> pl.LazyFrame:
        """Return the rows that were read, each with its drop.

        Parameters
        ----------
        home, source, table
            Where they are kept, whose they are, and for which table.
        """
        lineage = {DROP_SHA256: pl.lit(self.drop.sha256), ARRIVAL: pl.lit(self.drop.arrival, dtype=pl.Int64())}
        added = [value.alias(name) for name, value in lineage.items() if name in table.schema]
        found = parsed.rows(parsed.folder_of(home, source.name), self.parsed)
        return found.with_columns(added).select(table.column_names)

    def passed(self, home: Home, source: Source, table: Table) -> pl.LazyFrame:
        """Return the rows of the batches that the gate let pass.

        Parameters
        ----------
        home, source, table
            As for `rows`.
        """
        rows = self.rows(home, source, table)
        if not self.refused:
            return rows
        if not source.batch:
            return rows.clear()
        return rows.join(self._refused_values(source, table), on=list(source.batch), how="anti", nulls_equal=True)

    def refused_rows_of(self, home: Home, source: Source, table: Table) -> pl.LazyFrame:
        """Return the rows of the batches that the gate did not let pass.

        Parameters
        ----------
        home, source, table
            As for `rows`.
        """
        rows = self.rows(home, source, table)
        if not source.batch:
            return rows if self.refused else rows.clear()
        return rows.join(self._refused_values(source, table), on=list(source.batch), how="semi", nulls_equal=True)

    def _refused_values(self, source: Source, table: Table) -> pl.LazyFrame:
        schema = {name: table.schema[name] for name in source.batch}
        return pl.LazyFrame(list(self.refused), schema=schema, orient="row")


def groups(items: Iterable[Item], size_of: Callable[[Item], int], most: int) -> Iterator[list[Item]]:
    """Divide items, in their order, into groups that are not larger than allowed, if an item is not larger by itself.

    Parameters
    ----------
    items
        The items.
    size_of
        Size of an item.
    most
        Allowed size of a group.
    """
    group: list[Item] = []
    size = 0
    for item in items:
        if group and size + size_of(item) > most:
            yield group
            group, size = [], 0
        group.append(item)
        size += size_of(item)
    if group:
        yield group
