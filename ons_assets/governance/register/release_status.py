"""Whether a table may be published, in words: from its sensitivity, what it may tell, and the ledger of releases."""

from collections.abc import Sequence
from enum import StrEnum

from ons_assets.governance.releases.barred import barred
from ons_assets.governance.releases.release_ledger import Entry as Release
from ons_assets.governance.releases.release_ledger import ReleaseStatus
from ons_assets.lakehouse.disclosure import Exempt, OfReleased
from ons_assets.lakehouse.tables import Sensitivity, Table


class ReleaseState(StrEnum):
    """How a table stands with the public."""

    NEVER = "never"
    MAY_BE = "may be"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


def release_status(table: Table, releases: Sequence[Release]) -> tuple[ReleaseState, str]:
    """Return how a table stands with the public, and the same in a sentence or two.

    Parameters
    ----------
    table
        Its declaration.
    releases
        Its rows of the ledger of releases, in their order.
    """
    if (why := barred(table)) is not None:
        return ReleaseState.NEVER, f"May not be published: it {why}."
    may = f"May be published: {_protection(table)}."
    done = [each for each in releases if each.release_status is not ReleaseStatus.MAKING]
    standing = [each for each in done if each.release_status is ReleaseStatus.RELEASED]
    refused = done[-1] if done and done[-1].release_status is ReleaseStatus.REFUSED else None
    if standing:
        last = standing[-1]
        said = (
            f"Published: release {last.release_version} of {last.made_utc:%Y-%m-%d}, approved by {last.approved_by}, "
            f"made of version {last.lake_version}; {_protection(table)}."
        )
        return ReleaseState.RELEASED, f"{said}{_refusal(refused)}"
    if refused is not None:
        return ReleaseState.REFUSED, f"Not published.{_refusal(refused)}"
    if done:
        last = done[-1]
        said = f"Withdrawn: release {last.release_version}, on {last.withdrawn_utc:%Y-%m-%d}, {last.withdrawn_reason}."
        return ReleaseState.WITHDRAWN, f"{said} {may}"
    return ReleaseState.MAY_BE, f"{may} Nobody has released it yet."


def _refusal(refused: Release | None) -> str:
    return f" The release of {refused.made_utc:%Y-%m-%d} was refused: {refused.refusal}." if refused else ""


def _protection(table: Table) -> str:
    """Say what keeps a table from telling of single people."""
    if table.sensitivity is Sensitivity.PUBLIC:
        return "it is about no single person, home or device"
    match table.disclosure:
        case Exempt(reason=reason):
            return f"no disclosure control is needed, {reason[0].lower()}{reason[1:].rstrip('.')}"
        case OfReleased():
            return "it is made of tables that are public, or in which small groups are withheld already"
    return "figures of few units are withheld"
