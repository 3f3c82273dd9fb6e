"""Which commit a partition of a table comes from: each publication replaced some partitions, and left the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import polars as pl
from deltalake import DeltaTable

from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Provenance
from ons_assets.lakehouse.tables import Table

# What stands for the partition of a table that has none.
WHOLE = "whole table"
SCHEMA = {"partition": pl.String(), "rows": pl.Int64(), "commit": pl.Int64()}


class Forgotten(LookupError):
    """The rows of a version can no longer be read; the message is one sentence."""


@dataclass(frozen=True)
class Commit:
    """One publication of a table.

    Parameters
    ----------
    table
        Its name.
    number
        Version that it made.
    published_utc
        When.
    provenance
        What made it; None of commits of another program.
    predicate
        Which partitions it replaced, as Delta wrote it down; None where it replaced the whole table.
    rows
        That it wrote; None where Delta does not say.
    """

    table: str
    number: int
    published_utc: datetime
    provenance: Provenance | None
    predicate: str | None
    rows: int | None

    def replaced(self, partitions: pl.Series) -> pl.Series:
        """Return which partitions it replaced, or wrote first.

        Parameters
        ----------
        partitions
            Values of the column by which the table is partitioned, in their type and under its name.
        """
        if self.predicate is None:
            return pl.repeat(True, len(partitions), eager=True)
        return partitions.to_frame().select(pl.sql_expr(self.predicate).alias("replaced")).to_series()


@dataclass(frozen=True)
class View:
    """A version of a table: its partitions, each with the commit that wrote it.

    Parameters
    ----------
    table, version
        Name and number.
    parts
        `partition` as text (`WHOLE` where the table has none), its `rows`, and `commit`: the number of the commit
        that wrote it.
    """

    table: str
    version: int
    parts: pl.DataFrame

    @cached_property
    def commit_of(self) -> dict[str, int]:
        """The commit of each partition."""
        return dict(self.parts.select("partition", "commit").iter_rows())


def commits(home: Home, table: Table) -> list[Commit]:
    """Return the publications of a table, oldest first; also those of which the rows are forgotten.

    Parameters
    ----------
    home
        That holds the lake.
    table
        Declared table; one that was never published has none.
    """
    if not lake.exists(home, table):
        return []
    stored = DeltaTable(home.table(table.name)).history()
    said = {version.number: version for version in lake.history(home, table)}
    found = []
    for commit in stored:
        parameters, metrics = commit.get("operationParameters", {}), commit.get("operationMetrics", {})
        version = said[commit["version"]]
        found.append(
            Commit(
                table=table.name,
                number=version.number,
                published_utc=version.published_utc,
                provenance=version.provenance,
                predicate=parameters.get("predicate"),
                rows=metrics.get("num_added_rows"),
            )
        )
    return sorted(found, key=lambda each: each.number)


def view(home: Home, table: Table, version: int, history: Sequence[Commit]) -> View:
    """Return the partitions of a version of a table, and which commit wrote each.

    Parameters
    ----------
    home, table
        Where it is.
    version
        Its number.
    history
        All commits of the table, oldest first.

    Raises
    ------
    Forgotten
        If the log no longer says which files the version had, or it had none of the number.
    """
    values, rows = _partitions(home, table, version)
    commit = pl.repeat(None, len(values), dtype=pl.Int64(), eager=True)
    for each in reversed([known for known in history if known.number <= version]):
        commit = pl.select(pl.when(commit.is_null() & each.replaced(values)).then(each.number).otherwise(commit))[
            "literal"
        ]
        if not commit.null_count():
            break
    return View(
        table.name,
        version,
        pl.DataFrame({"partition": values.cast(pl.String()), "rows": rows, "commit": commit}, schema=SCHEMA).sort(
            "partition"
        ),
    )


def _partitions(home: Home, table: Table, version: int) -> tuple[pl.Series, pl.Series]:
    """Values of the partitions that a version has, in their type, and their rows."""
    delta = _opened(home, table, version)
    column = table.partition_by[0] if table.partition_by else None
    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    name = f"partition.{column}" if column else None
    if name is None:
        return pl.Series("", [WHOLE]), pl.Series("", [actions["num_records"].sum() if len(actions) else 0])
    if actions.is_empty():
        return pl.Series(column, [], dtype=table.schema[str(column)]), pl.Series("", [], dtype=pl.Int64())
    counted = actions.group_by(pl.col(name).cast(table.schema[str(column)]).alias(str(column))).agg(
        pl.col("num_records").sum()
    )
    return counted[str(column)], counted["num_records"]


def as_values(table: Table, partitions: Sequence[str]) -> pl.Series:
    """Return partitions that are named by texts, as a view names them, in the type of their column.

    Parameters
    ----------
    table
        Whose they are.
    partitions
        Their names.
    """
    texts = pl.Series("", list(partitions), dtype=pl.String())
    if not table.partition_by:
        return texts
    column = table.partition_by[0]
    dtype = table.schema[column]
    return (texts.str.to_date() if dtype == pl.Date() else texts.cast(dtype)).rename(column)


def came(home: Home, table: Table, commit: Commit) -> pl.LazyFrame:
    """Return the rows that a commit wrote.

    Parameters
    ----------
    home, table
        Where it is.
    commit
        Of the table.

    Raises
    ------
    Forgotten
        If they cannot be read any more.
    """
    if commit.predicate is None:
        return rows(home, table, commit.number)
    try:
        found = lake.change(home, table, commit.number - 1, commit.number).came
    except LookupError as error:
        raise Forgotten(_forgotten(table, commit.number)) from error
    check(home, table, commit.number)
    return found


def rows(home: Home, table: Table, version: int) -> pl.LazyFrame:
    """Return the rows of a version.

    Parameters
    ----------
    home, table
        Where it is.
    version
        Its number.

    Raises
    ------
    Forgotten
        If they cannot be read any more.
    """
    check(home, table, version)
    return lake.read(home, table, version)


def check(home: Home, table: Table, version: int) -> None:
    """Make sure that every file of a version is there.

    Parameters
    ----------
    home, table
        Where it is.
    version
        Its number.

    Raises
    ------
    Forgotten
        If the log does not know the version any more, or a file of it is gone.
    """
    files = _files(_opened(home, table, version), home.table(table.name))
    if gone := sum(not file.exists() for file in files):
        raise Forgotten(
            f"version {version} of {table.name} can no longer be read: {gone} of its {len(files)} files were deleted"
        )


def _files(delta: DeltaTable, path: Path) -> list[Path]:
    root = path.resolve()
    depth = len(root.parts)
    # Delta names files with blanks and accents as in an address; those above the table are as we call them.
    return [root.joinpath(*uri.split("/")[depth:]) for uri in delta.file_uris()]


def _opened(home: Home, table: Table, version: int) -> DeltaTable:
    try:
        return DeltaTable(home.table(table.name), version=version)
    except Exception as error:
        raise Forgotten(_forgotten(table, version)) from error


def _forgotten(table: Table, version: int) -> str:
    return f"version {version} of {table.name} can no longer be read: its rows were forgotten"
