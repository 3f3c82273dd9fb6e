"""Rows behind a figure: those of its inputs that have its keys, and theirs in turn, as far as keys reach.

They are the rows that speak of the same item, month or area. Whether a method looks at others too, such as those of
the base month, is said on its page; what can have mattered at all is in `ons_assets.governance.trace.graph`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ons_assets.governance.trace.figures import Figure
from ons_assets.governance.trace.history import History
from ons_assets.intake.ingestion import DROP_SHA256
from ons_assets.lakehouse.column_lineage import OF_THE_FILE, declared_alike
from ons_assets.lakehouse.commits import Commit, Forgotten
from ons_assets.lakehouse.tables import Table

PERIOD, CONTRIBUTION = "period", "contribution"
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
# Rows that have a key of more values than this are no longer about one figure.
MOST_VALUES = 5_000


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
    """What parts of a figure contribute to it, from a table that holds it, made of the same inputs."""

    table: str
    version: int
    rows: pl.DataFrame


def behind(history: History, figure: Figure) -> list[Behind]:
    """Return the rows behind a figure, nearest first.

    Parameters
    ----------
    history
        Of the home.
    figure
        With its row.
    """
    if figure.row is None:
        return []
    table = history.tables[figure.table]
    commit = history.commit(figure.table, history.view(figure.table, figure.version).commit_of[figure.partitions[0]])
    found: dict[tuple[str, int], Behind] = {}
    waiting = [(table, commit, pl.DataFrame([figure.row], schema=table.schema))]
    while waiting:
        of, made_by, rows = waiting.pop(0)
        for each in _of_inputs(history, of, made_by, rows):
            if (each.table, each.version) not in found:
                found[each.table, each.version] = each
                if each.rows is not None and len(each.rows):
                    source = history.tables[each.table]
                    waiting += [(source, by, each.rows) for by in _commits_of(history, source, each)]
    return list(found.values())


def contributions(history: History, figure: Figure) -> list[Contributions]:
    """Return what tables hold of the contributions of parts to a figure, made of the same versions of inputs.

    Parameters
    ----------
    history
        Of the home.
    figure
        With its row.
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
                rows = history.rows(other.name, each.number)
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


def _of_inputs(history: History, table: Table, commit: Commit, rows: pl.DataFrame) -> Iterator[Behind]:
    """Yield the rows of the inputs of a publication that have the keys of some of its rows."""
    keys = _keys(table, rows)
    narrowed: dict[str, tuple[int, pl.LazyFrame, list[str]]] = {}
    for name, version in history.inputs(commit).items():
        source = history.tables[name]
        shared = _shared(keys, source)
        if not shared or name == table.name:
            continue
        if source.is_individual:
            yield Behind(name, version, tuple(each.said for each in shared), None, {})
            continue
        try:
            found = history.rows(name, version)
        except Forgotten:
            continue
        narrowed[name] = version, _matching(found, keys, shared), [each.said for each in shared]
    for name, (version, found, by) in narrowed.items():
        beside = _by_siblings(history, table, name, narrowed)
        for _, holds in beside:
            found = found.filter(holds)
        yield _collected(history, name, version, found, (*by, *(said for said, _ in beside)))


def _matching(found: pl.LazyFrame, keys: pl.DataFrame, shared: Sequence["_Shared"]) -> pl.LazyFrame:
    """Rows of an input that have the keys of some row, all of them together."""
    wanted = keys.select(pl.col(each.key).alias(f"key_{number}_") for number, each in enumerate(shared)).unique()
    held = found.with_columns(each.value.alias(f"key_{number}_") for number, each in enumerate(shared))
    return held.join(wanted.lazy(), on=wanted.columns, how="semi", nulls_equal=True).drop(wanted.columns)


def _collected(history: History, name: str, version: int, found: pl.LazyFrame, by: tuple[str, ...]) -> Behind:
    rows = found.sort(history.tables[name].key).collect()
    drops: dict[str, int] = {}
    if DROP_SHA256 in rows.columns:
        drops = dict(rows.group_by(DROP_SHA256).len().sort(DROP_SHA256).iter_rows())
    return Behind(name, version, by, rows, drops)


def _by_siblings(
    history: History, table: Table, name: str, narrowed: Mapping[str, tuple[int, pl.LazyFrame, list[str]]]
) -> list[tuple[str, pl.Expr]]:
    """Return conditions by the keys of other inputs: of a group, its items are those to which weights are given."""
    found = []
    target = history.tables[name]
    for other, (_, rows, _) in narrowed.items():
        source = history.tables[other]
        for column in source.columns:
            own = column.name not in table.key and column.name in source.key and column.name in target.key
            if other != name and own and column.name not in OF_THE_FILE and declared_alike(column, target):
                values = rows.select(pl.col(column.name).unique()).collect().to_series()
                if len(values) <= MOST_VALUES:
                    found.append((f"{column.name} of {other}", pl.col(column.name).is_in(values.implode())))
    return found


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
    for name, dtype in keys.schema.items():
        if source.schema.get(name) == dtype:
            found.append(_Shared(name, name, pl.col(name)))
        elif name == PERIOD and (day := _day_of(source)) is not None:
            for pattern, written in WRITTEN.items():
                if all(re.fullmatch(pattern, each) for each in keys[name]):
                    found.append(_Shared(name, f"{day} in {PERIOD}", pl.col(day).dt.strftime(written)))
    return found


def _day_of(table: Table) -> str | None:
    """The one column of days by which rows of a table are known; None if there is none, or several."""
    days = [name for name in table.column_names if table.schema[name] == pl.Date() and name in (*table.key, *table.partition_by)]
    return days[0] if len(days) == 1 else None


def values(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a row as JSON has them."""
    return {name: value if isinstance(value, str | int | float | bool | None) else str(value) for name, value in row.items()}
