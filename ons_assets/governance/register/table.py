"""The register as a table, and as the people's database says it."""

from collections.abc import Mapping

import polars as pl

from ons_assets.catalogue.governance import REGISTER
from ons_assets.governance.register.entries import Entry
from ons_assets.lakehouse.warehouse import View

VIEW = View(
    name="register",
    of=REGISTER.name,
    query="SELECT table_name, accountable_owner, owner_contact, table_purpose, sensitivity, release_state, "
    "release_words, update_cycle, retention, suppliers FROM governance.register ORDER BY table_name",
    comment="Who answers for each table, what it is for, and whether it may be published.",
)


def frame(register: Mapping[str, Entry], retention_days: Mapping[str, int]) -> pl.DataFrame:
    """Return the rows of `governance/register`.

    Parameters
    ----------
    register
        Entries by table.
    retention_days
        Days after which rows of a source are erased, by source, as the settings have them.
    """
    rows = [
        {
            "table_name": entry.table,
            "accountable_owner": entry.owner.name,
            "owner_contact": entry.owner.contact,
            "information_risk_owner": str(entry.information_risk_owner),
            "data_protection_officer": str(entry.data_protection_officer),
            "suppliers": "; ".join(entry.suppliers),
            "licences": "; ".join(entry.licences),
            "legal_basis": entry.legal_basis,
            "table_purpose": entry.purpose,
            "retention": entry.retention,
            "retention_days": min(
                (retention_days[each] for each in entry.sources if each in retention_days), default=None
            ),
            "update_cycle": str(entry.update_cycle),
            "replaced_by": entry.partition,
            "business_rules": ". ".join(entry.business_rules) or None,
            "sensitivity": entry.sensitivity.value,
            "release_state": entry.release_state.value,
            "release_words": entry.release_status,
        }
        for entry in register.values()
    ]
    return pl.DataFrame(rows, schema=REGISTER.schema)


def comments(register: Mapping[str, Entry]) -> dict[str, str]:
    """Return what the database says of each table beside its description, in two sentences."""
    return {name: f"Owner: {entry.owner}. {entry.release_status}" for name, entry in register.items()}
