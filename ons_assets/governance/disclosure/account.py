"""What was done to every published aggregate, and what an attack on it learns."""

import re
from typing import Any

import polars as pl

from ons_assets.catalogue.governance import DISCLOSURE_AUDIT
from ons_assets.catalogue.shared_units import shared_with
from ons_assets.governance.disclosure.counts import learned
from ons_assets.governance.disclosure.published_figures import figures_of
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.disclosure import Counts, Exempt, Rule
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Table

NOT_ATTACKED: dict[str, int | None] = {"attacked": None, "exposed": None}


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
        "shares_units_with": ", ".join(shared_with(table.name)) or None,
        **{name: account.get(name) for name in ("fewest", "cells", "primary", "secondary", "kept_share")},
        **(_attack(home, table, rule, fewest) if isinstance(rule, Counts) and fewest is not None else NOT_ATTACKED),
    }


def _attack(home: Home, table: Table, rule: Counts, fewest: float) -> dict[str, int | None]:
    """Attack whole numbers; of rounded ones, what rounding leaves of a line that is told in full would look small."""
    if not table.schema[rule.count].is_integer():
        return NOT_ATTACKED
    figures = figures_of(table, rule, lake.read(home, table).collect(), fewest)
    found = learned(figures, fewest, whole=True, blurred=rule.blurred is not None)
    return {"attacked": len(figures), "exposed": len(found.exposures) + len(found.unsettled)}
