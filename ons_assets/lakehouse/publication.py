"""Stage, audit, publish: how the rows of a derived table reach the lake."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

import core_ext
import ons_assets
from ons_assets.lakehouse import data_docs, gate, lake, quarantine
from ons_assets.lakehouse.gate import Audit, Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Between, Provenance
from ons_assets.lakehouse.tables import Table


class Refused(Exception):
    """The gate refused a batch; nothing of it was published."""

    def __init__(self, audit: Audit) -> None:
        super().__init__(audit.reason)
        self.audit = audit


@dataclass(frozen=True)
class Published:
    """What was published."""

    table: str
    version: int
    rows: int
    audit: Audit
    data_version: str


@cache
def code_version() -> str:
    """Return the version of the program with a hash of its sources."""
    digest = hashlib.sha256()
    for package in (ons_assets, core_ext):
        folder = Path(package.__path__[0])
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".py", ".pyx", ".pxd", ".h"}:
                digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return f"{version('ons-assets')}+{digest.hexdigest()[:12]}"


def data_version(inputs: Mapping[str, str], suite: Suite, settings: Mapping[str, Any]) -> str:
    """Return a hash that is the same whenever the same inputs meet the same program and suite."""
    ingredients = [code_version(), suite.sha256, sorted(inputs.items()), settings]
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True, default=str).encode()).hexdigest()[:16]


def stage(home: Home, table: Table, frame: pl.DataFrame, run_id: str, batch: str = "batch") -> Path:
    """Write a batch where nobody reads it yet, and return the file."""
    folder = home.staging / run_id / table.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{batch}.parquet"
    frame.write_parquet(path, compression="lz4")
    return path


def publish(
    home: Home,
    table: Table,
    frame: pl.DataFrame,
    suite: Suite,
    *,
    run_id: str,
    inputs: Mapping[str, str],
    settings: Mapping[str, Any],
    replace: Between | None = None,
) -> Published:
    """Stage a frame, audit it, and publish it if the gate lets it pass.

    Parameters
    ----------
    inputs
        Data version of each input table.
    replace
        The partition that the frame is; None for the whole table.

    Raises
    ------
    Refused
        If the gate found a critical failure. The batch is kept in quarantine, the table is as it was.
    SchemaMismatch
        If the frame does not have the columns of the table.
    """
    conformed = table.conform(frame)
    staged = stage(home, table, conformed, run_id)
    audit = gate.audit(suite, table, conformed)
    data_docs.keep(home, table.name, run_id, "", audit.result)
    if audit.is_critical:
        quarantine.keep_refused(home, table.name, run_id, f"run {run_id}", run_id, audit.reason, staged)
        raise Refused(audit)
    made_of = data_version(inputs, suite, settings)
    provenance = Provenance(
        run_id=run_id,
        code_version=code_version(),
        inputs=dict(inputs),
        suite=audit.summary(),
        settings=dict(settings),
        data_version=made_of,
        partition=(str(replace.first), str(replace.last)) if replace else None,
    )
    number = lake.publish(home, table, pl.scan_parquet(staged), provenance, replace)
    staged.unlink()
    return Published(table.name, number, len(conformed), audit, made_of)
