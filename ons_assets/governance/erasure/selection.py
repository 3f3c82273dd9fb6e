"""What is erased: the records of some people, single records, or all that is older than is kept."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import polars as pl

# A shorter number may be any number; a search of bytes would find it everywhere.
SHORTEST = 6
# Days of what a row is about, in the order in which they are looked for.
DAY_COLUMNS = ("created_on", "local_date", "event_date", "day")
ORIGINAL = "original_id"
NOTHING = re.compile(rb"(?!)")


class Kind(StrEnum):
    """What is chosen by."""

    SUBJECTS = "subjects"
    RECORDS = "records"
    RETENTION = "retention"


@dataclass(frozen=True)
class Selection:
    """Which records go.

    Parameters
    ----------
    kind
        Whose they are, which they are, or how old they are.
    column
        Of tables: the pseudonym of a person, or the number of a record; empty where age decides.
    names
        As suppliers write them.
    numbers
        Values of the column.
    before
        Local days before this one go.
    """

    kind: Kind
    column: str = ""
    names: frozenset[str] = frozenset()
    numbers: frozenset[int] = frozenset()
    before: date | None = None

    def rows(self, columns: Mapping[str, Any] | Collection[str]) -> pl.Expr | None:
        """Return which rows of a table of some columns go; None if its rows do not say."""
        if self.before is not None:
            day = next((name for name in DAY_COLUMNS if name in columns), None)
            return None if day is None else pl.col(day) < self.before
        if self.column not in columns:
            return None
        numbers = pl.lit(pl.Series(sorted(self.numbers), dtype=pl.Int64())).implode()
        by = [self.column] if ORIGINAL not in columns or self.kind is Kind.SUBJECTS else [self.column, ORIGINAL]
        return pl.any_horizontal(pl.col(name).is_in(numbers).fill_null(False) for name in by)

    @property
    def pattern(self) -> re.Pattern[bytes]:
        """The names, wherever they stand as a word or a number of their own."""
        return _pattern(self.names)

    @property
    def telling(self) -> frozenset[str]:
        """The names that stand for nothing else where they are found."""
        return frozenset(name for name in self.names if len(name) >= SHORTEST)

    @property
    def telling_pattern(self) -> re.Pattern[bytes]:
        """Those names, wherever they stand."""
        return _pattern(self.telling)


def _pattern(names: frozenset[str]) -> re.Pattern[bytes]:
    if not names:
        return NOTHING
    either = b"|".join(re.escape(name.encode()) for name in sorted(names, key=lambda name: (-len(name), name)))
    return re.compile(rb"(?<![0-9A-Za-z.])(?:" + either + rb")(?![0-9A-Za-z])(?!\.[0-9]*[1-9])")
