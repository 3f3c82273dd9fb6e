"""Why a row is rejected: rules that every source states, and the one policy for rows that come again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

Contradicting = Literal["first", "last", "none"]


@dataclass(frozen=True)
class Rule:
    """A reason to reject a row.

    Parameters
    ----------
    fault
        Condition under which the row is rejected, of the columns in their types.
    sentence
        What is said of the row; it quotes no value.
    null_is_fault
        Whether the row is rejected where the condition is null: something that it needs is missing.
    why
        Column of text that says more, to follow the sentence.
    """

    fault: pl.Expr
    sentence: str
    null_is_fault: bool = False
    why: str | None = None

    @property
    def holds(self) -> pl.Expr:
        """Whether the row is rejected; never null."""
        return self.fault.fill_null(self.null_is_fault)

    @property
    def said(self) -> pl.Expr:
        """What is said of the row."""
        sentence = pl.lit(self.sentence)
        return (
            sentence
            if self.why is None
            else pl.concat_str(sentence, pl.col(self.why), separator=" ", ignore_nulls=True)
        )


def missing(columns: str | Sequence[str], sentence: str) -> Rule:
    """Return the rule that rejects rows in which one of some columns is null: missing, or not of its type."""
    names = [columns] if isinstance(columns, str) else list(columns)
    return Rule(pl.any_horizontal(pl.col(name).is_null() for name in names), sentence)


def outside(column: str, lowest: float, highest: float, sentence: str) -> Rule:
    """Return the rule that rejects numbers that are not between two bounds; null passes.

    Parameters
    ----------
    column
        Name of a column of numbers.
    lowest, highest
        The bounds, which pass, in the unit of the column.
    sentence
        Why the row is rejected.
    """
    return Rule(~pl.col(column).is_between(lowest, highest), sentence)


def unlike(columns: str | Sequence[str], pattern: str, sentence: str) -> Rule:
    """Return the rule that rejects rows in which a text does not match a pattern; null passes.

    Parameters
    ----------
    columns
        Names of one column of text, or of several.
    pattern
        Regular expression that the whole text matches.
    sentence
        Why the row is rejected.
    """
    names = [columns] if isinstance(columns, str) else list(columns)
    matches = [pl.col(name).str.contains(rf"^(?:{pattern})\z") for name in names]
    return Rule(pl.any_horizontal(~match for match in matches), sentence)


def first_fault(rules: Sequence[Rule]) -> pl.Expr:
    """Return the sentence of the first rule that rejects a row; null if none does."""
    reason: pl.Expr = pl.lit(None, dtype=pl.String())
    for rule in reversed(rules):
        reason = pl.when(rule.holds).then(rule.said).otherwise(reason)
    return reason


def repeats(rows: pl.DataFrame, key: Sequence[str], contradicting: Contradicting = "none") -> pl.Series:
    """Say of each row whether it comes again: the same everywhere, from whatever source.

    Of rows that say the same, the first is kept. Of rows of one key that say different things, the
    first, the last or none is kept.

    Parameters
    ----------
    rows
        Rows that can be read, with `line`, in the order of the file.
    key
        Columns of which two rows with the same values are about the same thing.
    contradicting
        Which of rows that contradict each other is kept.

    Returns
    -------
    Series
        "repeats line N" or "contradicts line N"; null for a row that is kept.
    """
    # By eight bytes a row first, because of a file of millions hardly any comes again; then by what it says.
    alike = rows.select(key).hash_rows().is_duplicated() if len(rows) else pl.Series([], dtype=pl.Boolean())
    several = rows.with_row_index("place").filter(alike).filter(pl.struct(key).is_duplicated())
    reasons = pl.Series("reason", [None], dtype=pl.String()).new_from_index(0, len(rows))
    if several.is_empty():
        return reasons
    said = several.select(*key, "place", "line", same=pl.struct(pl.exclude("place", "line")))
    said = said.with_columns(first=pl.col("line").first().over(*key, "same"))
    # Of the rows that say the same, the first stands for all.
    stands = pl.col("line") == pl.col("first")
    kept = {"first": pl.col("first").first(), "last": pl.col("first").last(), "none": pl.lit(None, dtype=pl.Int64())}
    said = said.with_columns(
        agree=(pl.col("first").n_unique() == 1).over(key),
        kept=kept[contradicting].over(key) if contradicting != "none" else kept["none"],
        earliest=pl.col("first").min().over(key),
        next=pl.col("first").filter(pl.col("first") > pl.col("first").min()).min().over(key),
    )
    earlier = pl.when(pl.col("line") == pl.col("earliest")).then("next").otherwise("earliest")
    found = said.select(
        "place",
        reason=pl.when(~stands)
        .then(pl.format("repeats line {}", "first"))
        .when(~pl.col("agree") & ~pl.col("line").eq_missing(pl.col("kept")))
        .then(pl.format("contradicts line {}", pl.coalesce("kept", earlier))),
    )
    return reasons.scatter(found["place"], found["reason"])
