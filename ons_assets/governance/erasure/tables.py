"""Rows leave the tables of the lake and batches in quarantine, and older versions are forgotten."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

import polars as pl

from ons_assets.governance.erasure.files import ERASURE
from ons_assets.governance.erasure.intent import Difference
from ons_assets.governance.erasure.selection import Selection
from ons_assets.intake.members import DROP_SHA256
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.disclosure import Counts, Groups, Shares
from ons_assets.lakehouse.home import Home, unfinished
from ons_assets.lakehouse.tables import Table


def erase_rows(
    home: Home, table: Table, selection: Selection, contents: Mapping[str, str], whole: Collection[str]
) -> bool:
    """Publish a table without the rows that go, and return whether it had any.

    Parameters
    ----------
    home, table
        Where it lies, and what it is.
    selection
        Which rows go.
    contents
        Hashes of files from which records were erased, each with that of what is left.
    whole
        Hashes of files of which nothing is left.
    """
    gone = selection.rows(table.column_names)
    if DROP_SHA256 in table.schema and whole:
        of_them = pl.col(DROP_SHA256).is_in(sorted(whole))
        gone = of_them if gone is None else gone | of_them
    if gone is None or not lake.exists(home, table):
        return False
    with home.table_lock(table.name):
        rows = lake.read(home, table)
        if not rows.filter(gone).select(pl.len()).collect(engine="streaming").item():
            return False
        left = rows.filter(~gone)
        if DROP_SHA256 in table.schema:
            left = left.with_columns(pl.col(DROP_SHA256).replace(contents))
        version = lake.latest(home, table)
        assert version is not None
        assert version.provenance is not None
        # Of another program than any: what is made of changes since then is made whole.
        made = replace(version.provenance, run_id=ERASURE, code_version=ERASURE, partition=None)
        lake.publish(home, table, left, made)
    return True


def erase_quarantined(home: Home, domain: str, selection: Selection) -> None:
    """Remove rows from batches that were refused.

    Parameters
    ----------
    home
        Where the quarantine lies.
    domain
        Of whose tables.
    selection
        Which rows go.
    """
    for path in (home.quarantine / domain).rglob("*.parquet"):
        rows = pl.scan_parquet(path, glob=False)
        gone = selection.rows(rows.collect_schema())
        if gone is not None and rows.filter(gone).select(pl.len()).collect().item():
            partial = unfinished(path)
            rows.filter(~gone).sink_parquet(partial)
            partial.replace(path)


def differences(home: Home, tables: Iterable[Table], versions: Mapping[str, int]) -> list[Difference]:
    """Return what differs in aggregates since some versions of them.

    Parameters
    ----------
    home, tables
        Where they lie, and which.
    versions
        Number of the version of each from before.
    """
    found = (_difference(home, table, versions[table.name]) for table in tables if table.name in versions)
    return [each for each in found if each.cells]


def _difference(home: Home, table: Table, before: int) -> Difference:
    old, now = lake.read(home, table, before).collect(), lake.read(home, table).collect()
    went = old.join(now, on=table.column_names, how="anti", nulls_equal=True)
    came = now.join(old, on=table.column_names, how="anti", nulls_equal=True)
    keys = list(table.key)
    cells = went.select(keys).vstack(came.select(keys)).unique()
    versions = lake.latest(home, table)
    accounts = versions.provenance.disclosure if versions and versions.provenance else []
    fewest = accounts[0].get("fewest") if accounts else None
    units = _units(table)
    small = None
    if units is not None and fewest is not None:
        sides = [cells.join(side.select(*keys, n=units), on=keys, how="left") for side in (old, now)]
        change = (sides[1]["n"].fill_null(0) - sides[0]["n"].fill_null(0)).abs()
        small = int((change < fewest).sum())
    return Difference(table.name, len(cells), small, fewest)


def _units(table: Table) -> str | None:
    """Column of the number of units behind a row, if the table has it."""
    rule = table.disclosure
    column = rule.count if isinstance(rule, Counts) else rule.units if isinstance(rule, Groups | Shares) else None
    return column if column in table.schema else None


def forget_histories(home: Home, tables: Iterable[Table], step: Callable[[str], None]) -> None:
    """Forget older versions of tables; their latest rows, and what made each version, stay.

    Parameters
    ----------
    home, tables
        Where they lie, and which.
    step
        Called after each.
    """
    for table in tables:
        if lake.exists(home, table):
            with home.table_lock(table.name):
                lake.forget_history(home.table(table.name))
            step("one forgotten")
