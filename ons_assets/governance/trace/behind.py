"""Rows behind a figure: those of its inputs that have its keys, and theirs in turn, as far as keys reach.

They are the rows that speak of the same item, month or area. Whether a method looks at others too, such as those of
the base month, is said on its page; what can have mattered at all is in `ons_assets.governance.trace.graph`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from ons_assets.governance.trace.figures import Figure
from ons_assets.governance.trace.history import History
from ons_assets.intake.members import DROP_SHA256
from ons_assets.lakehouse.column_lineage import OF_THE_FILE
from ons_assets.lakehouse.commits import Commit, Forgotten
from ons_assets.lakehouse.tables import Table

PERIOD, CONTRIBUTION = "period", "contribution"
# Notes in a sentence what can no longer be said.
Doubt = Callable[[str], None]
# How periods are written, and how the period of a day is written so.
WRITTEN = {
    r"\d{4}-\d{2}-\d{2}": "%Y-%m-%d",
    r"\d{4}-W\d{2}": "%G-W%V",
    r"\d{4}-\d{2}": "%Y-%m",
    r"\d{4}": "%Y",
}
# A column that means what another one says: by its name and value, the column of inputs that has the same values.
KINDS = {
    ("heading_type", "item"): ("heading", "item_id"),
    ("heading_type", "group"): ("heading", "group"),
    ("subject_type", "item"): ("subject", "item_id"),
    ("subject_type", "group"): ("subject", "group"),
}


@dataclass(frozen=True)
class Behind:
    """Rows of one version of a table that have the keys of a figure, or of rows behind it.

    Parameters
    ----------
    table, version
        Name and number.
    by
        The columns by which they were found, each with what it was held against.
    rows
        They; None of a table about persons, of which not even their number is told: it may be withheld.
    drops
        How many of them came in each file, where the table says so.
    """

    table: str
    version: int
    by: tuple[str, ...]
    rows: pl.DataFrame | None
    drops: dict[str, int]


@dataclass(frozen=True)
class Contributions:
    """What parts of a figure contribute to it.

    Parameters
    ----------
    table, version
        That hold it, made of the same inputs; or of which it was computed.
    rows
        One a part, with its ``contribution``, the largest first.
    how
        How it was computed, in a sentence; None where the table holds it.
    """

    table: str
    version: int
    rows: pl.DataFrame
    how: str | None = None


def behind(history: History, figure: Figure, doubt: Doubt) -> list[Behind]:
    """Return the rows behind a figure, nearest first.

    Parameters
    ----------
    history
        Of the home.
    figure
        With its row.
    doubt
        Is told in a sentence of each version whose rows would belong here and can no longer be read.
    """
    if figure.row is None:
        return []
    table = history.tables[figure.table]
    commit = history.commit(figure.table, history.view(figure.table, figure.version).commit_of[figure.partitions[0]])
    found: dict[tuple[str, int], Behind] = {}
    waiting = [(table, commit, pl.DataFrame([figure.row], schema=table.schema))]
    while waiting:
        of, made_by, rows = waiting.pop(0)
        for each in _of_inputs(history, of, made_by, rows, doubt):
            source, known = history.tables[each.table], found.get((each.table, each.version))
            # Of two ways to a table, the one by its whole key tells which rows.
            if known is None or (not _by_whole_key(source, known) and _by_whole_key(source, each)):
                found[each.table, each.version] = each
                if each.rows is not None and len(each.rows):
                    waiting += [(source, by, each.rows) for by in _commits_of(history, source, each)]
    return list(found.values())


def _by_whole_key(table: Table, behind: Behind) -> bool:
    return {*table.key} <= {*behind.by}


def contributions(history: History, figure: Figure, doubt: Doubt) -> list[Contributions]:
    """Return what tables hold of the contributions of parts to a figure, made of the same versions of inputs.

    Parameters
    ----------
    history
        Of the home.
    figure
        With its row.
    doubt
        As for `behind`.
    """
    if figure.row is None:
        return []
    table = history.tables[figure.table]
    commit = history.commit(figure.table, history.view(figure.table, figure.version).commit_of[figure.partitions[0]])
    found = []
    for other in history.tables.values():
        holds = CONTRIBUTION in other.schema and not other.is_individual and {*table.key} < {*other.key}
        for each in reversed(history.commits(other.name)) if holds else ():
            if history.inputs(each) == history.inputs(commit):
                try:
                    rows = history.rows(other.name, each.number)
                except Forgotten as error:
                    doubt(str(error))
                    break
                for name, value in figure.key(table).items():
                    rows = rows.filter(pl.col(name).eq_missing(pl.lit(value, dtype=table.schema[name])))
                shown = rows.sort(pl.col(CONTRIBUTION).abs(), descending=True, nulls_last=True).collect()
                found.append(Contributions(other.name, each.number, shown))
                break
    return found


def _commits_of(history: History, table: Table, behind: Behind) -> Iterator[Commit]:
    """Yield the publications that wrote some rows of a version."""
    view = history.view(table.name, behind.version)
    assert behind.rows is not None
    if table.partition_by:
        partitions = set(behind.rows[table.partition_by[0]].cast(pl.String()))
    else:
        partitions = set(view.commit_of)
    for number in sorted({view.commit_of[each] for each in partitions if each in view.commit_of}):
        yield history.commit(table.name, number)


def _of_inputs(history: History, table: Table, commit: Commit, rows: pl.DataFrame, doubt: Doubt) -> Iterator[Behind]:
    """Yield the rows of the inputs of a publication that have the keys of some of its rows."""
    keys = _keys(table, rows)
    narrowed: list[_Narrowed] = []
    for name, version in history.inputs(commit).items():
        source = history.tables[name]
        shared = _shared(keys, source)
        if not shared or name == table.name:
            continue
        if source.is_individual:
            yield Behind(name, version, tuple(each.said for each in shared), None, {})
            continue
        try:
            found = _matching(history.rows(name, version), keys, shared).sort(source.key).collect()
        except Forgotten as error:
            doubt(str(error))
            continue
        narrowed.append(_Narrowed(source, version, found, shared))
    # Of a group, its items are those to which weights are given: what is narrowed most narrows the others.
    narrowed.sort(key=lambda each: len(each.rows))
    done: list[_Narrowed] = []
    for each in narrowed:
        beside = _beside(each, done)
        for column, other in beside.items():
            each.rows = each.rows.filter(pl.col(column).is_in(other.rows[column].unique().implode()))
        done.append(each)
        by = [*(one.said for one in each.shared), *(f"{name} of {other.table.name}" for name, other in beside.items())]
        drops = {}
        if DROP_SHA256 in each.rows.columns:
            drops = dict(each.rows.group_by(DROP_SHA256).len().sort(DROP_SHA256).iter_rows())
        yield Behind(each.table.name, each.version, tuple(by), each.rows, drops)


@dataclass
class _Narrowed:
    """An input, and its rows that have the keys of the rows that are made of it."""

    table: Table
    version: int
    rows: pl.DataFrame
    shared: list["_Shared"]

    @property
    def keys(self) -> set[str]:
        """Columns of the key by which they were found."""
        return {each.key for each in self.shared}


def _beside(target: _Narrowed, others: Sequence[_Narrowed]) -> dict[str, _Narrowed]:
    """Return by column the input whose rows tell which of its values count: found by keys it lacks."""
    found: dict[str, _Narrowed] = {}
    for other in others:
        if other.keys - target.keys:
            both = [name for name in other.table.key if name in target.table.key and name not in OF_THE_FILE]
            for name in both:
                if name not in target.keys | other.keys and other.table.schema[name] == target.table.schema[name]:
                    found.setdefault(name, other)
    return found


def _matching(found: pl.LazyFrame, keys: pl.DataFrame, shared: Sequence["_Shared"]) -> pl.LazyFrame:
    """Rows of an input that have the keys of some row, all of them together."""
    wanted = keys.select(pl.col(each.key).alias(f"key_{number}_") for number, each in enumerate(shared)).unique()
    held = found.with_columns(each.value.alias(f"key_{number}_") for number, each in enumerate(shared))
    return held.join(wanted.lazy(), on=wanted.columns, how="semi", nulls_equal=True).drop(wanted.columns)


def _keys(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Keys of some rows, also under the names by which inputs know what they mean."""
    keys = rows.select(table.key)
    for (kind, value), (column, meant) in KINDS.items():
        if kind in keys.columns and set(keys[kind]) == {value}:
            keys = keys.with_columns(pl.col(column).alias(meant))
    return keys.unique()


@dataclass(frozen=True)
class _Shared:
    """A column of a key that an input has, too: what it is called there, and its values."""

    key: str
    said: str
    value: pl.Expr


def _shared(keys: pl.DataFrame, source: Table) -> list[_Shared]:
    """Return the columns of a key that an input has."""
    found = []
    # A line of a file means something only where rows are told apart by their lines.
    by_line = {*source.key} <= {*keys.columns}
    for name, dtype in keys.schema.items():
        if source.schema.get(name) == dtype and (by_line or name not in OF_THE_FILE):
            found.append(_Shared(name, name, pl.col(name)))
        elif name == PERIOD and (day := _day_of(source)) is not None:
            for pattern, written in WRITTEN.items():
                if all(re.fullmatch(pattern, each) for each in keys[name]):
                    found.append(_Shared(name, f"{day} in {PERIOD}", pl.col(day).dt.strftime(written)))
    return found


def _day_of(table: Table) -> str | None:
    """The one column of days by which rows of a table are known; None if there is none, or several."""
    days = [
        name
        for name in table.column_names
        if table.schema[name] == pl.Date() and name in (*table.key, *table.partition_by)
    ]
    return days[0] if len(days) == 1 else None
