"""What released tables tell, as figures for the auditor: it is given the rows that everybody sees, and nothing else."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import polars as pl

from ons_assets.governance.disclosure.figures import Cell, Figure
from ons_assets.lakehouse.disclosure import Counts, Margin
from ons_assets.lakehouse.tables import Table

# Of a sum, all rows that the table nowhere names.
OTHERS = "others"

Key = tuple[Any, ...]


def figures_of(
    table: Table,
    rule: Counts,
    rows: pl.DataFrame,
    fewest: float,
    *,
    named: pl.DataFrame | None = None,
    quoted: str = "",
) -> list[Figure]:
    """Return what the rows of a table tell.

    A row of a sum tells the sum of the finest rows below it: of those values that the table names somewhere, whether
    this row of them is told or not, and of others.

    Parameters
    ----------
    table
        Its key tells rows apart.
    rule
        Its margins say which rows are sums.
    rows
        As released; where the count is null the row tells nothing.
    fewest
        Units of a figure that is told, at least, as everybody knows.
    named
        Rows whose values are named; None for these rows alone. What several versions of a table name is one system of
        cells for all of them.
    quoted
        How the table is called in what is said; without it by its name.
    """
    told = _told(rows, rule)
    names = told if named is None else _told(named, rule)
    members = [_members(names, margin) for margin in rule.margins]
    is_part = [told.select(margin.parts.alias("part"))["part"].to_list() for margin in rule.margins]
    figures = []
    for number, row in enumerate(told.select(*table.key, rule.count).iter_rows(named=True)):
        key = {name: row[name] for name in table.key}
        sums = [margin for margin, part in zip(members, is_part, strict=True) if not part[number]]
        cells = tuple(_finest(key, sums))
        said = f"{quoted or table.name}: {rule.unit} in {', '.join(map(str, key.values()))} are {row[rule.count]}"
        figures.append(Figure(cells, *rule.known(row[rule.count], fewest), said))
    return figures


def _told(rows: pl.DataFrame, rule: Counts) -> pl.DataFrame:
    return rows.filter(pl.col(rule.count).is_not_null())


# Of the values of a sum's row, the values of its parts.
Members = tuple[Sequence[str], dict[Key, list[Key]]]


def _members(rows: pl.DataFrame, margin: Margin) -> Members:
    columns = list(margin.whole)
    parts = rows.filter(margin.parts).select(columns).unique().sort(columns)
    wholes = parts.with_columns(**margin.whole)
    found: dict[Key, list[Key]] = {}
    for part, whole in zip(parts.rows(), wholes.rows(), strict=True):
        found.setdefault(whole, []).append(part)
    return columns, found


def _finest(key: dict[str, Any], sums: Iterable[Members]) -> Iterable[Cell]:
    choices = []
    for columns, found in sums:
        whole = tuple(key[name] for name in columns)
        others = tuple(f"{OTHERS} of {value}" for value in whole)
        choices.append([(columns, part) for part in (*found.get(whole, []), others)])
    for chosen in product(*choices):
        cell = dict(key)
        for columns, part in chosen:
            cell.update(zip(columns, part, strict=True))
        yield tuple(cell.values())
