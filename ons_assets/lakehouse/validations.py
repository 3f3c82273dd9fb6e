"""What the gate found, audit by audit: Great Expectations' own results, as JSON in `<home>/reports/validations`.

The report shows the newest of each table; older ones stay for who asks what was looked at then.
"""

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ons_assets.lakehouse.gate import Audit
from ons_assets.lakehouse.home import Home, write_atomically

OF_TABLE = "table"


@dataclass(frozen=True)
class Kept:
    """The result of one audit.

    Parameters
    ----------
    run_id
        Run that asked for it.
    batch
        What was audited: "table", or a batch of a file.
    audited_utc
        When.
    result
        Great Expectations' result as JSON; of individual tables it holds no value of a row.
    refused
        Whether the batch was refused; None of results that were kept before this was written down.
    failures
        Every expectation that was not met, those of the registry too: `ons_assets.lakehouse.gate.Failure` as a mapping.
    """

    run_id: str
    batch: str
    audited_utc: str
    result: dict[str, Any]
    refused: bool | None = None
    failures: tuple[dict[str, Any], ...] = ()


def keep(home: Home, table: str, run_id: str, batch: str, audit: Audit) -> None:
    """Keep the result of one audit.

    Parameters
    ----------
    batch
        Name of the batch, which the file is called by; empty for a whole table.
    audit
        What the gate found.
    """
    name = f"{run_id}.{batch}.json" if batch else f"{run_id}.json"
    failures = tuple(asdict(failure) for failure in audit.failures)
    now = datetime.now(UTC).isoformat()
    content = Kept(run_id, batch or OF_TABLE, now, audit.result, audit.is_critical, failures)
    write_atomically(_folder(home, table) / name, json.dumps(asdict(content), default=str).encode())


def newest(home: Home, table: str) -> Kept | None:
    """Return the result that was kept last of a table; None if it was never audited."""
    try:
        with os.scandir(_folder(home, table)) as files:
            found = [(file.stat().st_mtime_ns, file.path) for file in files if file.name.endswith(".json")]
    except FileNotFoundError:
        return None
    return Kept(**json.loads(Path(max(found)[1]).read_bytes())) if found else None


def newest_of_tables(home: Home) -> dict[str, dict[str, Any]]:
    """Return the newest kept result of each table, as `keep` wrote it.

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


def _folder(home: Home, table: str) -> Path:
    return home.reports / "validations" / table
