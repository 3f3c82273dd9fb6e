"""What becomes of files in drop folders when they are archived: those about people do not stay there."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from ons_assets.intake.drops import TAKEN, register
from ons_assets.intake.ledger import Drop, Ledger
from ons_assets.intake.source import Source
from ons_assets.lakehouse.home import PRIVATE_DIRECTORY, Home
from ons_assets.settings import Disposal, Drops

# Such a name is not that of a finished file, so nobody takes it meanwhile.
ASIDE = ".taking."


def take(home: Home, ledger: Ledger, source: Source, path: Path, settings: Drops, *, retry: bool = False) -> Drop:
    """Register a file, and dispose of it if it is about people and lies in its drop folder.

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

    Raises
    ------
    StillChanging
        As `register`.
    """
    before = path.lstat()
    drop = register(home, ledger, source, path, settings.max_bytes, retry=retry)
    is_ours = source.is_individual and path.parent.resolve() == (home.drops / source.name).resolve()
    if is_ours and drop.sha256 is not None and settings.taken is not Disposal.KEEP:
        _dispose(path, before, settings.taken)
    return drop


def put_back(home: Home) -> None:
    """Give files their names again that a process was about to dispose of when it died; they are taken anew."""
    for aside in home.drops.glob(f"*/{ASIDE}*"):
        _return(aside, aside.with_name(aside.name.removeprefix(ASIDE).partition(".")[2]))


def _dispose(path: Path, archived: os.stat_result, disposal: Disposal) -> None:
    # Under another name first: a supplier may put a new version in its place at any moment.
    aside = path.with_name(f"{ASIDE}{secrets.token_hex(4)}.{path.name}")
    with suppress(FileNotFoundError):
        path.rename(aside)
        found = aside.lstat()
        if (found.st_ino, found.st_size, found.st_mtime_ns) != (
            archived.st_ino,
            archived.st_size,
            archived.st_mtime_ns,
        ):
            _return(aside, path)
        elif disposal is Disposal.MOVE:
            folder = path.parent / TAKEN
            folder.mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
            aside.rename(folder / path.name)
        else:
            aside.unlink()


def _return(aside: Path, path: Path) -> None:
    """Give a file its name again, unless a newer one has it."""
    with suppress(FileExistsError):
        # A link, unlike a rename, never replaces what came meanwhile.
        path.hardlink_to(aside)
    aside.unlink()
