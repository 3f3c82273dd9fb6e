"""A copy of a home, made while it is at work, and checked by the hash of every file when it is put back."""

import errno
import fcntl
import json
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from ons_assets.lakehouse.home import PRIVATE_DIRECTORY, Home, sha256_of, write_atomically

MANIFEST = "manifest.json"
CONTENT = "home"
NAME = "%Y-%m-%dT%H%M%S.%fZ"
# What is only of processes that are at work, and the databases for people, which are made anew from the rest.
LEFT_OUT = frozenset({"locks", "run", "staging", "warehouse.duckdb", "restricted/warehouse.duckdb"})
OF_SQLITE = b"SQLite format 3\0"
BESIDE_SQLITE = ("-wal", "-shm", "-journal")


class NoBackup(ValueError):
    """A home is not copied, or a copy not put back; the message is one sentence."""


@dataclass(frozen=True)
class Kept:
    """A file of a copy.

    Parameters
    ----------
    sha256
        Of its content.
    size
        In bytes.
    modified_ns
        Of the file in the home, when it was copied; with its size it tells whether it is another one.
    """

    sha256: str
    size: int
    modified_ns: int


@dataclass(frozen=True)
class Backup:
    """A copy of a home.

    Parameters
    ----------
    folder
        In which it is.
    files
        By their paths under the home.
    linked
        How many of them are those of the copy before, which share their place on the disk.
    left_out
        What was not copied, in drop folders, as it is neither file nor folder: a link there may name any file.
    renewed
        Files of the copy before that are not as they were copied, and were copied again.
    """

    folder: Path
    files: Mapping[str, Kept]
    linked: int = 0
    left_out: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()

    @property
    def content(self) -> Path:
        """The home as it was."""
        return self.folder / CONTENT

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(each.size for each in self.files.values())


def back_up(home: Home, target: Path, patience_seconds: float = 600.0) -> Backup:
    """Copy a home, as it is at one moment, into a folder of its own under a target.

    What does not change is copied while others work; then nobody begins to for as long as the rest takes. Files that
    are as in the latest copy there, and there as they were copied, are linked to it, where the file system can.
    Databases of SQLite are copied as they are between two transactions, also where somebody writes meanwhile, as the
    history of runs. A folder of the home that is a link to another disk is copied as if it lay in the home.

    Parameters
    ----------
    home
        Which is copied. The databases for people are left out: they are made of the rest.
    target
        Folder of copies; only its owner can open what is made there, for the key of the pseudonyms is in it.
    patience_seconds
        How long those who work are waited for.

    Raises
    ------
    NoBackup
        If the target lies in the home, a link is in it where data are, another copy is made there, an erasure is not
        finished, those who work do not end in time, or there is no room.
    """
    if not home.is_made:
        raise NoBackup(f"there is no home {home.root}")
    if any(target.resolve().is_relative_to(each.resolve()) for each in (home.root, *_linked_folders(home.root))):
        raise NoBackup(f"{target} lies in the home that is to be copied")
    left_out = tuple(sorted(_neither(home.root)))
    if needed := [each for each in left_out if not (home.root / each).is_relative_to(home.drops)]:
        raise NoBackup(f"{needed[0]} is neither file nor folder, and would not be in a copy: have itself lie there")
    name = datetime.now(UTC).strftime(NAME)
    partial = target / f".{name}.part"
    # One at a time, of this home and into this folder: what another left is deleted.
    with _room(target), home.table_lock("backup"):
        target.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
        with _alone_in(target):
            for left in target.glob(".*.part"):
                shutil.rmtree(left)
            try:
                partial.mkdir(mode=PRIVATE_DIRECTORY)
                copying = _copied(home, partial, latest(target), patience_seconds)
                made = {"made_utc": name, "files": {path: asdict(each) for path, each in sorted(copying.files.items())}}
                write_atomically(partial / MANIFEST, json.dumps(made, indent=0).encode())
                os.sync()
                partial.rename(target / name)
            except BaseException:
                # It holds what is of people, and nobody would look for it.
                shutil.rmtree(partial, ignore_errors=True)
                raise
    return Backup(target / name, copying.files, copying.linked, left_out, tuple(copying.renewed))


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    """Say in a sentence that there is no room."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        of_sqlite = isinstance(error, sqlite3.Error) and error.sqlite_errorcode == sqlite3.SQLITE_FULL
        if not of_sqlite and getattr(error, "errno", None) not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NoBackup(f"there is no room for it in {folder}: nothing was left there") from None


@contextmanager
def _alone_in(target: Path) -> Iterator[None]:
    """Keep others from a folder of copies, also those of other homes; where the file system has locks."""
    descriptor = os.open(target, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise NoBackup(f"another copy is made in {target}: try again when it has ended") from None
    except OSError:
        pass
    try:
        yield
    finally:
        os.close(descriptor)


def _copied(home: Home, partial: Path, former: Backup | None, patience_seconds: float) -> "_Copying":
    copying = _Copying(home.root, partial / CONTENT, former)
    # Long, while others work; of what they change meanwhile the second look takes the last.
    copying.look(is_last=False)
    with home.alone_within(patience_seconds) as alone:
        if not alone:
            raise NoBackup("others have been at work in this home all the time: try again when they have ended")
        if home.erasure.exists() and any(home.erasure.iterdir()):
            raise NoBackup("an erasure is not finished: go on with it first, by ons-assets erase --resume")
        copying.look(is_last=True)
    return copying


def latest(target: Path) -> Backup | None:
    """Return the latest copy in a folder of copies."""
    found = sorted(path.parent for path in target.glob(f"[0-9]*/{MANIFEST}"))
    return read(found[-1]) if found else None


def read(folder: Path) -> Backup:
    """Return a copy, as its manifest has it.

    Raises
    ------
    NoBackup
        If there is none.
    """
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
        return Backup(folder, {path: Kept(**each) for path, each in said["files"].items()})
    except (OSError, ValueError, KeyError, TypeError):
        raise NoBackup(f"{folder} is no backup: it has no manifest that can be read") from None


def faults(backup: Backup) -> list[str]:
    """Return in sentences what of a copy is not as it was made; nothing if it is whole."""
    # All that lies there: a log beside a database would be taken for its last words.
    there = {
        str((Path(folder) / name).relative_to(backup.content))
        for folder, folders, files in os.walk(backup.content)
        for name in (*files, *(each for each in folders if (Path(folder) / each).is_symlink()))
    }
    found = [f"{path} is not there" for path in sorted(backup.files.keys() - there)]
    found += [f"{path} is no file of it" for path in sorted(there - backup.files.keys())]
    for path in sorted(there & backup.files.keys()):
        if not _is_whole(backup.content / path, backup.files[path]):
            found.append(f"{path} was changed")
    return found


def _is_whole(path: Path, kept: Kept) -> bool:
    there = path.lstat()
    return stat.S_ISREG(there.st_mode) and there.st_size == kept.size and sha256_of(path) == kept.sha256


def restore(backup: Backup, root: Path) -> Home:
    """Put a copy back as a home, once every file of it was checked.

    Parameters
    ----------
    backup
        Which is put back.
    root
        Folder of the home: one that is not there, or empty.

    Raises
    ------
    NoBackup
        If something lies there, it lies in the copy, there is no room, or the copy is not as it was made.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise NoBackup(f"{root} is not empty: a backup is put back into a new folder")
    if root.resolve().is_relative_to(backup.folder.resolve()):
        raise NoBackup(f"{root} lies in the copy that is to be put back")
    if wrong := faults(backup):
        more = f", and {len(wrong) - 1} more" if wrong[1:] else ""
        raise NoBackup(f"{backup.folder} is not as it was made: {wrong[0]}{more}")
    was_there = root.exists()
    try:
        with _room(root):
            _put_back(backup, root)
    except BaseException:
        for each in root.iterdir() if was_there and root.exists() else [root]:
            shutil.rmtree(each, ignore_errors=True)
            with suppress(OSError):
                each.unlink()
        raise
    return Home(root).ensure()


def _put_back(backup: Backup, root: Path) -> None:
    folders = [Path(folder).relative_to(backup.content) for folder, _, _ in os.walk(backup.content)]
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
    # What makes a folder a home comes last: half a home is none.
    mark = str(Home(root).ledger.relative_to(root))
    for name in sorted(backup.files, key=mark.__eq__):
        shutil.copy2(backup.content / name, root / name)
    for folder in reversed(folders):
        shutil.copystat(backup.content / folder, root / folder)


class _Copying:
    def __init__(self, root: Path, content: Path, former: Backup | None) -> None:
        self._root, self._content, self._former = root, content, former
        self.files: dict[str, Kept] = {}
        self.linked = 0
        self.renewed: list[str] = []

    def look(self, *, is_last: bool) -> None:
        """Copy what is not yet there as it is; at the last look what is no more in the home goes."""
        found = set()
        for path in _files(self._root):
            name = str(path.relative_to(self._root))
            try:
                self._copy(path, name, is_last=is_last)
            except FileNotFoundError:
                # It went while it was looked for: at the last look nobody is at work who could.
                continue
            found.add(name)
        if not is_last:
            return
        for name in self.files.keys() - found:
            (self._content / name).unlink()
            del self.files[name]
        for folder in _folders(self._root):
            made = self._content / folder
            made.mkdir(parents=True, exist_ok=True)
            made.chmod(stat.S_IMODE((self._root / folder).stat().st_mode))

    def _copy(self, path: Path, name: str, *, is_last: bool) -> None:
        there = path.stat()
        same = self.files.get(name)
        is_database = _is_sqlite(path)
        if same is not None and (same.size, same.modified_ns) == (there.st_size, there.st_mtime_ns) and not is_database:
            return
        if is_database and not is_last:
            return
        target = self._content / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
        target.unlink(missing_ok=True)
        if is_database:
            _copy_sqlite(path, target)
        elif (old := self._linked(name, there)) is not None:
            self.files[name] = old
            return
        else:
            shutil.copy2(path, target)
        target.chmod(stat.S_IMODE(there.st_mode))
        self.files[name] = Kept(sha256_of(target), target.stat().st_size, there.st_mtime_ns)

    def _linked(self, name: str, there: os.stat_result) -> Kept | None:
        """Link a file to that of the copy before, if it is the same, and return it."""
        old = None if self._former is None else self._former.files.get(name)
        if self._former is None or old is None or (old.size, old.modified_ns) != (there.st_size, there.st_mtime_ns):
            return None
        former = self._former.content / name
        try:
            # Rights are of the file, and not of its name: one that was closed meanwhile would be open here.
            if former.lstat().st_mode != there.st_mode:
                return None
            # A disk that went bad would else have its way with all copies, while the home has what it had.
            if not _is_whole(former, old):
                self.renewed.append(name)
                return None
            (self._content / name).hardlink_to(former)
        except OSError:
            return None
        self.linked += 1
        return old


def _copy_sqlite(path: Path, target: Path) -> None:
    of_home = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=60)
    with closing(of_home) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(OF_SQLITE)) == OF_SQLITE


def _linked_folders(root: Path) -> list[Path]:
    """Folders of a home that lie elsewhere, as on a larger disk."""
    return [
        each for each in sorted(root.iterdir()) if each.is_symlink() and each.is_dir() and each.name not in LEFT_OUT
    ]


def _walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield folders of a home, without what is left out, and the names of what is in each and no folder."""
    for top in (root, *_linked_folders(root)):
        for folder, names, others in os.walk(top):
            under = Path(folder).relative_to(root)
            links = [name for name in names if (Path(folder) / name).is_symlink()]
            names[:] = [name for name in names if str(under / name) not in LEFT_OUT]
            # A link of the home's own is walked after.
            more = [] if Path(folder) == root else links
            yield Path(folder), [name for name in (*others, *more) if str(under / name) not in LEFT_OUT]


def _files(root: Path) -> Iterator[Path]:
    for folder, names in _walk(root):
        for name in names:
            path = folder / name
            is_beside = any(
                name.endswith(end) and path.with_name(name.removesuffix(end)).exists() for end in BESIDE_SQLITE
            )
            if not is_beside and _is_file(root, path):
                yield path


def _is_file(root: Path, path: Path) -> bool:
    """Whether something is a file; a link is none but in the home itself: who sends files could name others by it."""
    try:
        return stat.S_ISREG((path.stat() if path.parent == root else path.lstat()).st_mode)
    except FileNotFoundError:
        return False


def _neither(root: Path) -> Iterator[str]:
    """Yield what is neither file nor folder."""
    for folder, names in _walk(root):
        for name in names:
            if not _is_file(root, folder / name) and os.path.lexists(folder / name):
                yield str((folder / name).relative_to(root))


def _folders(root: Path) -> Iterator[str]:
    for folder, _ in _walk(root):
        yield str(folder.relative_to(root))
