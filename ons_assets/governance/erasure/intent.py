"""What an erasure that was begun has to do, kept until it is proved: killed at any point, it goes on from there."""

import json
import shutil
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from ons_assets.governance.erasure.selection import Kind, Selection
from ons_assets.lakehouse.home import PRIVATE_DIRECTORY, PRIVATE_FILE, Home, write_atomically


@dataclass(frozen=True)
class Difference:
    """What an erasure changed in an aggregate, for who decides whether to release it again.

    Parameters
    ----------
    cells
        Rows that came, went or are others.
    small
        Of these, rows whose number of units differs by less than may be told; who has both learns of so few. None
        where the table does not say how many units there are.
    fewest
        Least number of units that may be told; None if no step protects the table.
    """

    table: str
    cells: int
    small: int | None
    fewest: float | None


@dataclass(frozen=True)
class Intent:
    """An erasure that was begun.

    Parameters
    ----------
    erasure_id
        Its number in the ledger.
    source
        That it was asked of.
    coordinates
        Places of what is erased, by the column of a table that holds them.
    versions
        Numbers of the versions of the aggregates from before.
    tables
        That lost rows.
    changes
        What differs in the aggregates; None until they were made again.
    """

    erasure_id: int
    source: str
    selection: Selection
    coordinates: dict[str, list[float]]
    versions: dict[str, int]
    tables: list[str] = field(default_factory=list)
    changes: list[Difference] | None = None

    def write(self, home: Home) -> None:
        """Keep it, for its owner alone."""
        home.erasure.mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
        plain = asdict(self)
        chosen = plain["selection"]
        chosen |= {"names": sorted(chosen["names"]), "numbers": sorted(chosen["numbers"])}
        write_atomically(home.erasure / "intent.json", json.dumps(plain, default=str).encode())
        (home.erasure / "intent.json").chmod(PRIVATE_FILE)

    @classmethod
    def read(cls, home: Home) -> "Intent | None":
        """Return the erasure that was begun and is not finished, if there is one."""
        try:
            plain: dict[str, Any] = json.loads((home.erasure / "intent.json").read_bytes())
        except FileNotFoundError:
            return None
        chosen, changes = plain["selection"], plain["changes"]
        before = chosen["before"]
        plain["selection"] = Selection(
            Kind(chosen["kind"]),
            chosen["column"],
            frozenset(chosen["names"]),
            frozenset(chosen["numbers"]),
            date.fromisoformat(before) if before else None,
        )
        plain["changes"] = None if changes is None else [Difference(**each) for each in changes]
        return cls(**plain)

    @staticmethod
    def forget(home: Home) -> None:
        """Forget whom it was about: it is proved."""
        shutil.rmtree(home.erasure, ignore_errors=True)
