"""Files that arrive: when they are complete, their fingerprint, and the read-only archive."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ons_assets.intake.ledger import Drop, Ledger, Status
from ons_assets.intake.source import Source
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse import quarantine
from ons_assets.lakehouse.home import Home, unfinished

CHUNK_BYTES = 1 << 20
READ_ONLY = 0o400
# What stands for a hash and a run where there are none.
NOT_ARCHIVED, REGISTRATION = "not-archived", "registration"

# Folder for files that were taken, in a drop folder.
TAKEN = "taken"
# Names under which browsers, rsync, scp wrappers and editors write what is not finished.
UNFINISHED_SUFFIXES = (".part", ".partial", ".tmp", ".crdownload", ".filepart", ".swp", "~")


class StillChanging(Exception):
    """A file changed while it was read; it is taken when it is complete."""


@dataclass(frozen=True)
class Sighting:
    """How a file looked when it was last seen, and since when it has looked so.

    Parameters
    ----------
    since
        Seconds since the epoch, of this machine's clock: a supplier's clock may be wrong.
    taken
        Whether the file, as it looks, has been registered.
    """

    size_bytes: int
    modified_ns: int
    since: float
    taken: bool = False


def observe(
    folder: Path,
    seen: Mapping[str, Sighting],
    now: float,
    settle_seconds: float,
    called: Callable[[Path], str] = lambda path: path.name,
) -> tuple[list[Path], dict[str, Sighting]]:
    """Look into a drop folder and say which files are complete.

    A file is complete when its size and time of change have been the same for `settle_seconds` of
    this machine's clock. Hidden files and names that mark an unfinished copy are passed over.

    Parameters
    ----------
    folder
        `<home>/drops/<source>`; looked into one level deep.
    seen
        What the last look returned.
    called
        What sightings call a file: who keeps them may show them.

    Returns
    -------
    ready
        Complete files that are not taken yet, oldest change first. A directory counts as a file, so
        that it ends in the ledger with a reason.
    sightings
        What to hand over to the next look; only of files that are there now, so it stays bounded.
    """
    sightings: dict[str, Sighting] = {}
    ready: list[tuple[int, Path]] = []
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not is_finished(entry):
            continue
        try:
            status = entry.lstat()
        except FileNotFoundError:
            continue
        sighting = Sighting(status.st_size, status.st_mtime_ns, now)
        before = seen.get(called(entry))
        if before and (before.size_bytes, before.modified_ns) == (status.st_size, status.st_mtime_ns):
            sighting = before
        sightings[called(entry)] = sighting
        if not sighting.taken and now - sighting.since >= settle_seconds:
            ready.append((status.st_mtime_ns, entry))
    return [path for _, path in sorted(ready)], sightings


def is_finished(path: Path) -> bool:
    """Return whether a name in a drop folder is that of a finished file, or of what stands where one should."""
    return not path.name.startswith(".") and not path.name.endswith(UNFINISHED_SUFFIXES) and path.name != TAKEN


def register(home: Home, ledger: Ledger, source: Source, path: Path, max_bytes: int, *, retry: bool = False) -> Drop:
    """Archive one complete file and write its row in the ledger.

    The file is not read here. What cannot be taken (a directory, a link, an empty or oversized file) gets
    its row too, as refused, with the reason, and an entry in quarantine.

    Parameters
    ----------
    retry
        Whether a content that was refused before waits again to be read: a mapping or a suite may have
        changed since.

    Raises
    ------
    StillChanging
        If the file changed while it was read; nothing is written, and it can be tried again.
    """
    size = path.lstat().st_size
    # Linux keeps names as bytes; one that is not UTF-8 would fit neither the ledger nor a message.
    name = os.fsencode(path.name).decode(errors="replace")
    received_utc = datetime.now(UTC)
    sha256: str | None = None
    try:
        _check_takeable(path, size, max_bytes)
        modified_ns = path.stat().st_mtime_ns
        sha256 = archive(home, source.name, path)
    except Unreadable as error:
        drop = ledger.receive(
            source.name, name, sha256, size, received_utc, is_individual=source.is_individual, unreadable=str(error)
        )
        # Two empty files have one content, and are two faults.
        batch = f"{NOT_ARCHIVED}-{drop.drop_id}"
        quarantine.keep_refused(home, source.table, batch, drop.name, REGISTRATION, drop.reason or "", staged=None)
        return drop
    # Asked for by a person, the file counts as sent again wherever it lay.
    again = None if retry else modified_ns
    drop = ledger.receive(
        source.name, name, sha256, size, received_utc, is_individual=source.is_individual, modified_ns=again
    )
    if sha256 is not None and sha256 in ledger.erased_contents(source.name):
        # A supplier who sends the file again does not bring back what was erased from it.
        archived_path(home, source.name, sha256).unlink(missing_ok=True)
        return drop
    return ledger.receive_again(drop) if retry and drop.status is Status.REFUSED else drop


def _check_takeable(path: Path, size_bytes: int, max_bytes: int) -> None:
    if path.is_symlink():
        # It may point at anything that this process can read, the secret among it.
        raise Unreadable("is a link, not a file")
    if path.is_dir():
        raise Unreadable("is a directory, not a file")
    if not path.is_file():
        raise Unreadable("is a pipe or a device, not a file")
    if not os.access(path, os.R_OK):
        raise Unreadable("cannot be opened: permission denied")
    if size_bytes == 0:
        raise Unreadable("is empty")
    if size_bytes > max_bytes:
        raise Unreadable(f"has {size_bytes} bytes; the most that is taken is {max_bytes}")


def archive(home: Home, source: str, path: Path) -> str:
    """Copy a file into the archive, hashing it on the way, and return its SHA-256.

    Parameters
    ----------
    home
        Where the archive lies.
    source
        Name of the source, which is the folder in the archive.
    path
        File to copy.

    Raises
    ------
    StillChanging
        If size or time of change differ between the start and the end of the copy.
    """
    folder = home.archive / source
    folder.mkdir(parents=True, exist_ok=True)
    partial = unfinished(folder / "drop")
    digest = hashlib.sha256()
    before = path.stat()
    with path.open("rb") as original, partial.open("wb") as copy:
        # No further than it was long: a file that grows as fast as it is read would never end.
        while copy.tell() <= before.st_size and (chunk := original.read(CHUNK_BYTES)):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        partial.unlink()
        raise StillChanging
    target = archived_path(home, source, digest.hexdigest())
    target.parent.mkdir(exist_ok=True)
    partial.chmod(READ_ONLY)
    partial.replace(target)
    return digest.hexdigest()


def archived_path(home: Home, source: str, sha256: str) -> Path:
    """Where a content lies in the archive.

    Parameters
    ----------
    home
        Where the archive lies.
    source
        Name of the source.
    sha256
        SHA-256 of the content, in hexadecimal.
    """
    return home.archive / source / sha256[:2] / sha256
