"""What was not accepted, kept with its reason: nothing that arrived is lost.

Under `<home>/quarantine/<domain>/<table>/` lie `<batch>.rows.parquet` (rows of a file that could not
be read, with line, reason and text), `<batch>.batch.parquet` (a whole batch that the gate refused)
and `<batch>.reason.json`. A batch of a source is a file, named by its SHA-256; a batch of a derived
table is a run.
"""

import io
import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ons_assets.lakehouse.gate import Failure, findings_of, said_once
from ons_assets.lakehouse.home import PRIVATE_DIRECTORY, Home, write_atomically
from ons_assets.wording import counted

# A batch of a file, or a part of one, is called by the hash of the file.
CONTENT = re.compile(r"[0-9a-f]{64}")
REJECTED_SCHEMA = {"line": pl.Int64(), "reason": pl.String(), "text": pl.String()}


@dataclass(frozen=True)
class Entry:
    """Why a batch, or rows of it, lie in quarantine.

    Parameters
    ----------
    failures
        What the gate found in it, one by one: `ons_assets.lakehouse.gate.Failure` as a mapping; nothing of what could
        not be read, nor of what was refused before this was written down.
    corrected
        Whether rows of a file that came later are in force in the place of all that was refused.
    """

    table: str
    batch: str
    name: str
    reason: str
    rows: int
    refused: bool
    run_id: str
    quarantined_utc: str
    failures: Sequence[Mapping[str, Any]] = ()
    corrected: bool = False


def keep_rows(home: Home, table: str, batch: str, name: str, run_id: str, rejected: pl.DataFrame) -> None:
    """Keep the rows of a file that could not be read; replaces what an earlier run kept of the file.

    Parameters
    ----------
    home
        Home with the quarantine.
    table
        Name of the table, domain/table.
    batch
        Name of the batch, which the files in quarantine are called by.
    name
        Name under which the file was dropped.
    run_id
        Run that read it.
    rejected
        line, reason, text; text is empty for individual sources.
    """
    _write_frame(_folder(home, table) / f"{batch}.rows.parquet", rejected)
    _write_reason(home, Entry(table, batch, name, reasons(rejected), len(rejected), False, run_id, _now()))


def reasons(rejected: pl.DataFrame) -> str:
    """Say in one line why rows were rejected, the commonest reason first; which line one repeats is said by the row."""
    kinds = rejected.select(pl.col("reason").str.replace(r" line \d+$", " another line"))
    by_reason = kinds.group_by("reason").len(name="rows").sort("rows", "reason", descending=[True, False])
    return "; ".join(f"{counted(row['rows'], 'row')}: {row['reason']}" for row in by_reason.iter_rows(named=True))


def rejected_rows(home: Home, table: str) -> pl.DataFrame:
    """Return how many rows of each file of a table lie in quarantine, by reason: batch, reason, rows.

    Parameters
    ----------
    home
        Home with the quarantine.
    table
        Name of the table, domain/table. Which line one repeats is not said.
    """
    found = [pl.DataFrame(schema={"batch": pl.String(), "reason": pl.String(), "rows": pl.Int64()})]
    for path in sorted((home.quarantine / table).glob("*.rows.parquet")):
        reason = pl.col("reason").str.replace(r" line \d+$", " another line")
        counted_rows = pl.scan_parquet(path, glob=False).group_by(reason).agg(rows=pl.len().cast(pl.Int64())).collect()
        found.append(counted_rows.select(pl.lit(path.name.split(".")[0]).alias("batch"), "reason", "rows"))
    return pl.concat(found).sort("batch", "reason")


def keep_refused(
    home: Home,
    table: str,
    batch: str,
    name: str,
    run_id: str,
    reason: str,
    staged: Path | None,
    failures: Sequence[Failure] = (),
) -> None:
    """Keep a batch that was refused, by moving its staged file; `staged` is None if nothing was staged.

    Parameters
    ----------
    home
        Home with the quarantine.
    table
        Name of the table, domain/table.
    batch
        Name of the batch, which the files in quarantine are called by.
    name
        Name under which the file was dropped, or the partition that was made.
    run_id
        Run that refused it.
    reason
        Sentence for people; it quotes nothing from an individual source.
    staged
        File in the staging area, which is moved.
    failures
        The same as the reason, one by one, where the gate refused it.
    """
    folder = _folder(home, table)
    if staged is not None:
        shutil.move(staged, folder / f"{batch}.batch.parquet")
    kept = [folder / f"{batch}.{part}.parquet" for part in ("rows", "batch")]
    rows = sum(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item() for path in kept if path.exists())
    said = tuple(asdict(failure) for failure in failures)
    _write_reason(home, Entry(table, batch, name, reason, rows, True, run_id, _now(), said))


def mark_corrected(home: Home, table: str, batch: str) -> None:
    """Write of a batch that was refused that others are in force in its place; it stays where it is.

    Parameters
    ----------
    home
        Home with the quarantine.
    table
        Name of the table, domain/table.
    batch
        Name of the batch.
    """
    path = _folder(home, table) / f"{batch}.reason.json"
    write_atomically(path, json.dumps({**json.loads(path.read_bytes()), "corrected": True}).encode())


def release(home: Home, table: str, batch: str) -> None:
    """Forget what an earlier run kept of a file and of its batches; it has been read again.

    Parameters
    ----------
    home
        Home with the quarantine.
    table
        Name of the table, domain/table.
    batch
        Name of the batch; what is called by it and a dash is forgotten too.
    """
    for path in [*_folder(home, table).glob(f"{batch}.*"), *_folder(home, table).glob(f"{batch}-*")]:
        path.unlink(missing_ok=True)


def release_batches(home: Home, table: str, batch: str) -> None:
    """Forget what an earlier run kept of the batches of a file; its rows that cannot be read stay.

    Parameters
    ----------
    home
        Where the quarantine lies.
    table
        Name of the table.
    batch
        The file's batches: those of which this is the beginning of the name.
    """
    for path in _folder(home, table).glob(f"{batch}-*"):
        path.unlink(missing_ok=True)


def rename(home: Home, table: str, batch: str, name: str) -> None:
    """Call a batch otherwise, and all that is called by it; killed, it can be done again.

    Parameters
    ----------
    home, table
        Where it lies.
    batch
        Its name so far: the hash of a file.
    name
        Its name from now on.
    """
    for path in [*_folder(home, table).glob(f"{batch}.*"), *_folder(home, table).glob(f"{batch}-*")]:
        renamed = path.with_name(name + path.name.removeprefix(batch))
        if path.name.endswith(".reason.json"):
            entry = json.loads(path.read_bytes())
            write_atomically(
                renamed, json.dumps({**entry, "batch": name + entry["batch"].removeprefix(batch)}).encode()
            )
            path.unlink()
        else:
            path.replace(renamed)


def entries(home: Home) -> list[Entry]:
    """Return what lies in quarantine, newest first. The entries hold no value of a row."""
    found = [Entry(**json.loads(path.read_bytes())) for path in home.quarantine.glob("*/*/*.reason.json")]
    return sorted(found, key=lambda entry: entry.quarantined_utc, reverse=True)


def by_file(found: Iterable[Entry]) -> list[Entry]:
    """Return entries with the batches of one file that were refused for the same as one: a line says how many.

    Parameters
    ----------
    found
        See `entries`; their order is kept.
    """
    together: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in found:
        failures = [Failure(**each) for each in entry.failures]
        of = content[0] if (content := CONTENT.match(entry.batch)) else entry.batch
        together.setdefault((entry.table, of, entry.refused, *findings_of(failures, entry.reason)), []).append(entry)
    return [_as_one(several) for several in together.values()]


def _as_one(several: list[Entry]) -> Entry:
    # The newest stand first, and are those that were judged last.
    batches = [([Failure(**each) for each in entry.failures], entry.reason) for entry in reversed(several)]
    reason = several[0].reason if not several[1:] else "; ".join(said_once(batches))
    return replace(several[0], reason=reason, rows=sum(entry.rows for entry in several))


def _folder(home: Home, table: str) -> Path:
    folder = home.quarantine / table
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
    return folder


def _write_frame(path: Path, frame: pl.DataFrame) -> None:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    write_atomically(path, buffer.getvalue())


def _write_reason(home: Home, entry: Entry) -> None:
    content: dict[str, Any] = asdict(entry)
    write_atomically(_folder(home, entry.table) / f"{entry.batch}.reason.json", json.dumps(content).encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
