"""Which figure is meant: the one row of a version that a condition picks, and the partition that it is in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ons_assets.governance.trace.history import UNKNOWN, History
from ons_assets.lakehouse.commits import WHOLE, Forgotten, as_values
from ons_assets.lakehouse.tables import Table
from ons_assets.wording import counted, no_such

SHOWN_KEYS = 5
SHOWN_VALUES = 8
QUOTED = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")""")
WORD = re.compile(r"\b[A-Za-z_][A-Za-z0-9_]*\b(?!\s*\()")
# Words of SQL after which a text is a day.
TYPES = {"date", "timestamp", "time", "interval"}
# What begins another query, which could read files, and signs by which texts, comments and names could be taken for
# something else by who reads the condition after us.
QUERY = re.compile(r"\b(select|with|values|table)\b", re.IGNORECASE)
UNCLEAR = re.compile(r"--|/\*|[$`#;\r\n]")


class NoFigure(LookupError):
    """A condition does not pick one figure, or cannot be used; the message says what it finds."""


@dataclass(frozen=True)
class Figure:
    """What is traced: one row, some partitions, or a whole version of a table.

    Parameters
    ----------
    table, version
        Name and number.
    partitions
        As a view of the version names them.
    row
        Its one row; None where partitions or the whole version are meant. Never of an individual table.
    where
        The condition, as it was given; None for the whole version.
    rows
        How many rows are meant.
    """

    table: str
    version: int
    partitions: tuple[str, ...]
    row: dict[str, Any] | None
    where: str | None
    rows: int

    def key(self, table: Table) -> dict[str, Any]:
        """Return the values of the key of the row.

        Parameters
        ----------
        table
            That it is of.
        """
        return {name: self.row[name] for name in table.key} if self.row is not None else {}


def figure(history: History, name: str, where: str | None, version: int | None) -> Figure:
    """Find what is meant.

    Parameters
    ----------
    history
        Of the home.
    name
        Of the table.
    where
        A condition of SQL over its columns; of a table about persons only over the column by which it is partitioned.
    version
        None for the latest.

    Raises
    ------
    NoFigure
        If the condition cannot be used, or picks more rows than one, or none; of a table about persons nothing of
        any row is said.
    LookupError
        If there is no such table or version, or it can no longer be read.
    """
    table = table_named(history, name)
    number = history.latest(name) if version is None else history.commit(name, version).number
    if where is None:
        try:
            view = history.view(name, number)
        except Forgotten:
            return Figure(name, number, (UNKNOWN,), None, None, 0)
        return Figure(name, number, tuple(view.commit_of), None, None, int(view.parts["rows"].sum()))
    if table.is_individual:
        return _of_individuals(history, table, number, where)
    rows = history.rows(name, number)
    found = _filtered(table, rows, where)
    if len(found) != 1:
        raise NoFigure(_not_one(table, number, found, rows))
    return Figure(name, number, (_partition_of(table, found)[0],), found.row(0, named=True), where, 1)


def table_named(history: History, name: str) -> Table:
    """Return a declared table.

    Raises
    ------
    LookupError
        If there is none of the name.
    """
    if name not in history.tables:
        raise LookupError(no_such("table", name, history.tables))
    return history.tables[name]


def condition(table: Table, where: str) -> pl.Expr:
    """Return a condition as Polars has it: an expression over columns, that can read nothing else.

    Parameters
    ----------
    table
        Whose columns it may name; those that are called as words of SQL are need not be quoted.
    where
        The condition.

    Raises
    ------
    NoFigure
        If it is no such condition.
    """
    plain = _quoted(where, table.column_names)
    outside = " ".join(QUOTED.split(plain)[::2])
    if "\\" in where or UNCLEAR.search(outside) or QUERY.search(outside):
        raise NoFigure("the condition may hold columns, values and functions of them: no query, comment or backslash")
    try:
        expression = pl.sql_expr(plain)
    except pl.exceptions.PolarsError as error:
        raise NoFigure(f"the condition cannot be read: {_first_line(error)}") from None
    named = expression.meta.root_names()
    if unknown := sorted({*named} - {*table.column_names}):
        has = ", ".join(table.column_names)
        raise NoFigure(f"{table.name} has no column {', '.join(unknown)}; it has {has}")
    if not named:
        raise NoFigure(f"the condition names no column; {table.name} is known by {', '.join(table.key)}")
    return expression


def _quoted(where: str, names: Sequence[str]) -> str:
    """Put names of columns in quotes where they are not: `group` and `from` are words of SQL, too."""
    pieces = QUOTED.split(where)
    for number in range(0, len(pieces), 2):
        pieces[number] = WORD.sub(
            lambda word: f'"{word[0]}"' if word[0] in names and word[0] not in TYPES else word[0], pieces[number]
        )
    return "".join(pieces)


def _filtered(table: Table, rows: pl.LazyFrame, where: str) -> pl.DataFrame:
    expression = condition(table, where)
    try:
        return rows.filter(expression).collect()
    except pl.exceptions.PolarsError:
        pass
    # A day may be written as a text: '2014-06-01' in place of DATE '2014-06-01'.
    days = [name for name, dtype in table.schema.items() if dtype == pl.Date()]
    numbered = rows.with_row_index("row_")
    try:
        chosen = numbered.with_columns(pl.col(days).cast(pl.String())).filter(expression).select("row_")
        return numbered.join(chosen, on="row_", how="semi").select(rows.collect_schema().names()).collect()
    except pl.exceptions.PolarsError as error:
        raise NoFigure(f"the condition cannot be used: {_first_line(error)}") from None


def _of_individuals(history: History, table: Table, version: int, where: str) -> Figure:
    """Choose partitions of a table about persons: a condition over anything else would tell who is in it."""
    view = history.view(table.name, version)
    allowed = table.partition_by[:1]
    if not allowed:
        raise NoFigure(f"{table.name} is about persons, homes or devices: it is traced as a whole, without a condition")
    expression = condition(table, where)
    if {*expression.meta.root_names()} - {*allowed}:
        raise NoFigure(
            f"{table.name} is about persons, homes or devices: a condition may name {allowed[0]} and no other column"
        )
    values = view.parts.with_columns(as_values(table, view.parts["partition"].to_list()))
    chosen = _filtered(table, values.lazy(), where)
    if chosen.is_empty():
        raise NoFigure(f"version {version} of {table.name} has no such partition; it has {counted(len(values), 'one')}")
    return Figure(table.name, version, tuple(chosen["partition"]), None, where, int(chosen["rows"].sum()))


def _partition_of(table: Table, rows: pl.DataFrame) -> list[str]:
    if not table.partition_by:
        return [WHOLE] * len(rows)
    return rows[table.partition_by[0]].cast(pl.String()).to_list()


def _not_one(table: Table, version: int, found: pl.DataFrame, rows: pl.LazyFrame) -> str:
    """Say how many rows a condition finds, and by what they differ."""
    if found.is_empty():
        told = {name: rows.select(pl.col(name).unique().sort()).collect().to_series() for name in table.key}
        has = "; ".join(f"{name}: {_some(values)}" for name, values in told.items())
        return f"no row of version {version} of {table.name} is so; it has {has}"
    differing = [name for name in table.key if found[name].n_unique() > 1]
    by = "; ".join(f"{name}: {_some(found[name].unique().sort())}" for name in differing)
    first = [
        ", ".join(f"{name} = {value!s}" for name, value in key.items())
        for key in found.select(table.key).head(SHOWN_KEYS).iter_rows(named=True)
    ]
    return (
        f"{counted(len(found), 'row')} of version {version} of {table.name} are so, and one is traced at a time; "
        f"they differ in {by}; the first are: {' | '.join(first)}"
    )


def _some(values: pl.Series) -> str:
    shown = ", ".join(map(str, values.head(SHOWN_VALUES)))
    return f"{shown} and {len(values) - SHOWN_VALUES:,} more" if len(values) > SHOWN_VALUES else shown


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0]
