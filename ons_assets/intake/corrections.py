"""What was refused and has been set right since: by a file that came later and is in force in its place."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ons_assets.intake.drops import NOT_ARCHIVED
from ons_assets.intake.ledger import Drop, Status
from ons_assets.lakehouse.quarantine import Entry

SHA256 = re.compile(r"[0-9a-f]{64}")
TAKEN = (Status.ACCEPTED, Status.SUPERSEDED)


@dataclass(frozen=True)
class Corrections:
    """Which faults of files are still something to do.

    Rows that were read are replaced by rows, as ingestion notes in the quarantine (`Entry.corrected`). Of a file that
    could not be read there are none: it is replaced by a later one of its name. Files about people are not, for portals
    give those of all homes one name.

    Parameters
    ----------
    by_content, by_number
        Files by their hash and by their number.
    replaced
        Numbers of files in whose place another one is in force.
    """

    by_content: Mapping[str, Drop]
    by_number: Mapping[str, Drop]
    replaced: frozenset[int]

    @classmethod
    def of(cls, drops: Sequence[Drop]) -> "Corrections":
        """Return what the ledger says.

        Parameters
        ----------
        drops
            All of the ledger.
        """
        # One content may have come under several names; it lies in quarantine once.
        known = sorted(drops, key=lambda drop: drop.status is not Status.DUPLICATE)
        return cls(
            by_content={drop.sha256: drop for drop in known if drop.sha256 is not None},
            by_number={str(drop.drop_id): drop for drop in drops},
            replaced=frozenset(_replaced(drops)),
        )

    def drop_of(self, entry: Entry) -> Drop | None:
        """Return the file that something in quarantine is of; None of a table that is made of others."""
        if (content := SHA256.match(entry.batch)) is not None:
            return self.by_content.get(content[0])
        return self.by_number.get(entry.batch.removeprefix(f"{NOT_ARCHIVED}-"))

    def is_open(self, entry: Entry) -> bool:
        """Return whether something in quarantine is still something to do."""
        drop = self.drop_of(entry)
        return not entry.corrected and (drop is None or drop.drop_id not in self.replaced)


def _replaced(drops: Iterable[Drop]) -> Iterable[int]:
    taken: dict[tuple[str, str], list[Drop]] = defaultdict(list)
    for drop in sorted(drops, key=lambda each: each.arrival, reverse=True):
        namesakes = taken[drop.source, drop.original_name]
        if drop.status is Status.SUPERSEDED or (
            drop.status is Status.REFUSED
            and not drop.is_called_by_number
            and any({*drop.days} <= {*later.days} for later in namesakes)
        ):
            yield drop.drop_id
        if drop.status in TAKEN:
            namesakes.append(drop)
