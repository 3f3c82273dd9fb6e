"""What is never released, whatever its figures are."""

from ons_assets.lakehouse.tables import Table


def barred(table: Table) -> str | None:
    """Return why a table is not released, in words that follow its name; None if it may be."""
    if table.is_individual:
        return "is about single people, homes or devices"
    if table.domain == "reference":
        return "holds what others publish, under their licences"
    return None
