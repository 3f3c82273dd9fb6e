"""What becomes of files in drop folders when they are archived: those about people do not stay there."""

import errno
import fcntl
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ons_assets.intake.drops import TAKEN, StillChanging, register
from ons_assets.intake.ledger import Drop, Ledger
from ons_assets.intake.source import Source
from ons_assets.lakehouse.home import PRIVATE_DIRECTORY, Home
from ons_assets.settings import Disposal, Drops

# Such a name is not that of a finished file, so nobody takes what is in it meanwhile.
ASIDE = ".taking."
# What marks a file: one that has it is the one that was archived.
Mark = tuple[int, int, int]


def take(
    home: Home,
    ledger: Ledger,
    source: Source,
    path: Path,
    settings: Drops,
    *,
    retry: bool = False,
    stays: Callable[[str], None] = lambda _: None,
) -> Drop:
    """Register a file, and dispose of it if it lies in its drop folder.

    Parameters
    ----------
    home, ledger
        Where it is archived, and where it gets its row.
    source
        Whose file it is.
    path
        The file, wherever it lies.
    settings
        How large it may be, and what becomes of it.
    retry
        See `register`.
    stays
        Called with a sentence if the file should leave its folder and cannot, because that cannot be written.

    Raises
    ------
    StillChanging
        As `register`; also if it is to go, and another process has it open to write into it.
    """
    # A file that is not about people is nobody's secret, and may be all that a supplier has of it: it is moved.
    disposal = Disposal.MOVE if settings.taken is Disposal.REMOVE and not source.is_individual else settings.taken
    leaves = disposal is not Disposal.KEEP and _is_in_its_folder(home, source, path)
    if leaves and _is_written(path):
        raise StillChanging
    before = _mark(path)
    drop = register(home, ledger, source, path, settings.max_bytes, retry=retry)
    if leaves and drop.sha256 is not None:
        # It is archived and has its row, so what cannot be done with the original is no fault of the taking.
        try:
            _dispose(path, before, disposal, drop.drop_id)
        except OSError as error:
            stays(f"{drop.name} is archived, but cannot leave its drop folder: {error.strerror}")
    return drop


def put_back(home: Home) -> None:
    """Give files their names again that a process was about to dispose of when it died; they are taken anew."""
    for folder in home.drops.glob(f"*/{ASIDE}*"):
        with suppress(OSError):
            for aside in folder.iterdir():
                _return(aside, folder.with_name(aside.name))
            folder.rmdir()


def _is_in_its_folder(home: Home, source: Source, path: Path) -> bool:
    return path.parent.resolve() == (home.drops / source.name).resolve()


def _dispose(path: Path, archived: Mark, disposal: Disposal, drop_id: int) -> None:
    # Elsewhere first: a supplier may put a new version in its place at any moment. In a folder, because a name
    # may be as long as a name can be.
    folder = path.with_name(f"{ASIDE}{secrets.token_hex(4)}")
    folder.mkdir(mode=PRIVATE_DIRECTORY)
    aside = folder / path.name
    try:
        path.rename(aside)
        if _mark(aside) != archived or _is_written(aside):
            _return(aside, path)
        elif disposal is Disposal.MOVE:
            _move(aside, path.parent / TAKEN, drop_id)
        else:
            aside.unlink()
    except FileNotFoundError:
        # Another process has taken it.
        pass
    except OSError:
        _return(aside, path)
        raise
    finally:
        with suppress(OSError):
            folder.rmdir()


def _move(aside: Path, taken: Path, drop_id: int) -> None:
    """Move a file to those that were taken; where there is one of its name, into a folder called by its number."""
    taken.mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
    if (taken / aside.name).exists():
        taken = taken / f"file {drop_id}"
        taken.mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
    aside.rename(taken / aside.name)


def _mark(path: Path) -> Mark:
    status = path.lstat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _is_written(path: Path) -> bool:
    """Whether a process has a file open to write into it: what it still writes would go with the file.

    The kernel says so of files of one's own; of others, and on file systems of other machines, it does not know.
    """
    if path.is_symlink() or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            # By default, who opens the file meanwhile would end this process.
            fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False


def _return(aside: Path, path: Path) -> None:
    """Give a file its name again, unless a newer one has it."""
    try:
        # A link, unlike a rename, never replaces what came meanwhile.
        path.hardlink_to(aside)
    except FileExistsError:
        pass
    except OSError:
        # There are file systems without links, and files of others that may not be linked.
        if not path.exists():
            aside.rename(path)
            return
    aside.unlink()
