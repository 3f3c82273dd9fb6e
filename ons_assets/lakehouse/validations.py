"""The results of audits that the gate kept, read again."""

import json
from pathlib import Path
from typing import Any

from ons_assets.lakehouse.home import Home

OF_TABLE = "table"


def newest_of_tables(home: Home) -> dict[str, dict[str, Any]]:
    """Return the newest kept result of each table, as `ons_assets.lakehouse.data_docs.keep` wrote it.

    Results of single batches that were refused are left out: the ledger of drops tells of them.
    """
    found = {}
    root = home.reports / "validations"
    for folder in sorted({path.parent for path in root.rglob("*.json")}):
        kept = (json.loads(path.read_bytes()) for path in _newest_first(folder))
        newest = next((each for each in kept if each["batch"] == OF_TABLE), None)
        if newest is not None:
            found[folder.relative_to(root).as_posix()] = newest
    return found


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
