"""The folders of releases: put in their place whole, never changed, and looked at for changes."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from ons_assets.governance.releases.formats import parquet_name
from ons_assets.governance.releases.release_ledger import Entry, ReleaseLedger, ReleaseStatus
from ons_assets.lakehouse.home import Home, sha256_of, unfinished, write_atomically

MANIFEST = "manifest.json"
READ_ONLY = 0o444


class Changed(ValueError):
    """A release is not what it was when it was released."""


def folder_of(home: Home, table: str, version: int) -> Path:
    """Return the folder of a release.

    Parameters
    ----------
    home
        Whose.
    table, version
        Name of the table, and number of its release.
    """
    return home.releases / table / str(version)


def put(target: Path, said: dict[str, Any], write: Callable[[Path], object]) -> str:
    """Make a folder beside its place, put it there in one step, and return the hash of its manifest.

    Parameters
    ----------
    target
        Where it belongs; nothing is there.
    said
        What the manifest says beside the hashes of the files.
    write
        Writes the files into a folder.
    """
    partial = unfinished(target)
    partial.mkdir(parents=True)
    write(partial)
    manifest = partial / MANIFEST
    content = json.dumps({**said, "files": _hashes(partial)}, indent=2, ensure_ascii=False) + "\n"
    manifest.write_text(content, encoding="utf-8")
    for path in partial.rglob("*"):
        if path.is_file():
            path.chmod(READ_ONLY)
        _to_disk(path)
    _to_disk(partial)
    partial.rename(target)
    _to_disk(target.parent)
    return sha256_of(target / MANIFEST)


def reconcile(home: Home, ledger: ReleaseLedger) -> None:
    """Finish what a process that died had put in its place, and forget what it had not. The releases are held."""
    for entry in ledger.entries():
        if entry.release_status is ReleaseStatus.MAKING:
            assert entry.release_version is not None
            manifest = folder_of(home, entry.table_name, entry.release_version) / MANIFEST
            if manifest.is_file():
                ledger.finish(entry, sha256_of(manifest))
            else:
                ledger.forget(entry)
    for partial in home.releases.rglob(".*.part"):
        shutil.rmtree(partial)


def next_version(home: Home, ledger: ReleaseLedger, table: str) -> int:
    """Return the number of the next release of a table; none is ever given twice.

    Parameters
    ----------
    home, ledger
        Of one installation: what lies in a folder counts, should the ledger not know it.
    table
        Its name.
    """
    given = [entry.release_version or 0 for entry in ledger.entries(table)]
    lying = [int(path.name) for path in (home.releases / table).glob("*") if path.name.isdecimal()]
    return max([0, *given, *lying]) + 1


def rows(home: Home, entry: Entry) -> pl.DataFrame:
    """Return the rows of a release, as they were released.

    Raises
    ------
    Changed
        If the release is not what it was.
    """
    if found := next(_faults_of(home, entry), None):
        raise Changed(found)
    assert entry.release_version is not None
    folder = folder_of(home, entry.table_name, entry.release_version)
    return pl.read_parquet(folder / parquet_name(entry.table_name), glob=False)


def faults(home: Home, ledger: ReleaseLedger, table: str | None = None) -> list[str]:
    """Return, in sentences, what is not as it was: files that changed, releases that are gone, folders without a row.

    Parameters
    ----------
    home, ledger
        Of one installation.
    table
        None for all tables.
    """
    entries = [each for each in ledger.entries(table) if each.release_version is not None]
    known = {folder_of(home, each.table_name, each.release_version or 0) for each in entries}
    lying = {path.parent for path in home.releases.rglob(MANIFEST)} if home.releases.is_dir() else set()
    if table is not None:
        lying = {path for path in lying if path.parent == home.releases / table}
    strange = [f"{path.relative_to(home.root)} is in no ledger: its row is lost" for path in sorted(lying - known)]
    return [*strange, *(fault for entry in entries for fault in _faults_of(home, entry))]


def _faults_of(home: Home, entry: Entry) -> Iterator[str]:
    assert entry.release_version is not None
    folder = folder_of(home, entry.table_name, entry.release_version)
    called = f"release {entry.release_version} of {entry.table_name}"
    manifest = folder / MANIFEST
    if not manifest.is_file():
        yield f"{called} is in the ledger, and its folder is gone or has no manifest"
        return
    if sha256_of(manifest) != entry.manifest_sha256:
        yield f"{called}: {MANIFEST} was changed"
        return
    told: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    found = _hashes(folder)
    for name in sorted(told.keys() | found.keys()):
        if name not in found:
            yield f"{called}: {name} is gone"
        elif name not in told:
            yield f"{called}: {name} was added"
        elif told[name] != found[name]:
            yield f"{called}: {name} was changed"


def note_withdrawal(home: Home, entry: Entry, reason: str) -> None:
    """Say beside the folder of a release that it was withdrawn, and why: who has the folder has no ledger.

    Parameters
    ----------
    home
        Whose.
    entry
        Row of the release.
    reason
        In a sentence.
    """
    assert entry.release_version is not None
    folder = folder_of(home, entry.table_name, entry.release_version)
    said = f"Release {entry.release_version} of {entry.table_name} was withdrawn: {reason}\n"
    write_atomically(folder.with_name(f"{folder.name}-withdrawn.txt"), said.encode())


def _hashes(folder: Path) -> dict[str, str]:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name: sha256_of(folder / name) for name in names if name != MANIFEST}


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
