"""What was done to every published aggregate, and what an attack on it learns."""

import re
from typing import Any

import polars as pl

from ons_assets.catalogue.governance import DISCLOSURE_AUDIT
from ons_assets.governance.disclosure.audit import exposures
from ons_assets.governance.disclosure.releases import figures_of
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.disclosure import Counts, Exempt, Rule
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Table

# A count that is no whole number is told to this unit.
DECIMAL_UNIT = 0.1


def disclosure_audit(home: Home, tables: list[Table]) -> pl.DataFrame:
    """Return the rows of `governance/disclosure_audit`, one for each aggregate that was ever published.

    Parameters
    ----------
    home
        Whose lake is looked at.
    tables
        All of the catalogue.
    """
    rows = [
        _of_table(home, table, table.disclosure) for table in tables if table.disclosure and lake.exists(home, table)
    ]
    return pl.DataFrame(rows, schema=DISCLOSURE_AUDIT.schema)


def _of_table(home: Home, table: Table, rule: Rule) -> dict[str, Any]:
    version = lake.latest(home, table)
    assert version is not None, "the table exists"
    accounts = version.provenance.disclosure if version.provenance else []
    account = accounts[0] if accounts else {}
    fewest = account.get("fewest")
    return {
        "table_name": table.name,
        "disclosure_rule": re.sub(r"(?<!^)(?=[A-Z])", "_", type(rule).__name__).lower(),
        "reason": rule.reason if isinstance(rule, Exempt) else None,
        "protected_unit": account.get("unit"),
        **{name: account.get(name) for name in ("fewest", "cells", "primary", "secondary", "kept_share")},
        **(_attack(home, table, rule, fewest) if isinstance(rule, Counts) and fewest is not None else NOT_ATTACKED),
    }


NOT_ATTACKED = {"attacked": None, "exposed": None}


def _attack(home: Home, table: Table, rule: Counts, fewest: float) -> dict[str, Any]:
    released = lake.read(home, table).collect()
    is_whole = table.schema[rule.count] == pl.Int64()
    figures = figures_of(table, rule, released, None if is_whole else DECIMAL_UNIT)
    return {"attacked": len(figures), "exposed": len(exposures(figures, fewest, whole=is_whole))}
