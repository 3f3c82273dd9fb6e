"""Pictures of single units: where they lie, for the owner of the home alone, and that an erasure takes them away."""

import os
from collections.abc import Mapping
from pathlib import Path

from ons_assets.governance.erasure.selection import Kind, Selection
from ons_assets.lakehouse.home import PRIVATE_DIRECTORY, PRIVATE_FILE, Home, unfinished


def write_pictures(home: Home, source: str, pseudonym: int, pictures: Mapping[str, str]) -> list[Path]:
    """Write pictures of one unit in the place of those that were there before, and return where they are.

    Parameters
    ----------
    home, source
        Where, and whose files name the unit.
    pseudonym
        Of the unit. It stands in the names of the files, so that an erasure finds them.
    pictures
        SVG by name.
    """
    folder = home.pictures / source
    for each in (home.pictures, folder):
        each.mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
        each.chmod(PRIVATE_DIRECTORY)
    paths = []
    for name, picture in pictures.items():
        path = folder / f"{pseudonym}_{name}.svg"
        partial = unfinished(path)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(picture)
        partial.replace(path)
        paths.append(path)
    return paths


def erase_pictures(home: Home, source: str, selection: Selection) -> None:
    """Remove the pictures of who is erased; of what is older than is kept, all, for they show years.

    Parameters
    ----------
    home, source
        Where, and whose files name the units.
    selection
        Who or what is erased.
    """
    # A picture that was never finished is called by its own name with a point before it.
    for path in (home.pictures / source).glob("*"):
        pseudonym = path.name.removeprefix(".").partition("_")[0]
        is_of_them = selection.kind is Kind.SUBJECTS and pseudonym in map(str, selection.numbers)
        if is_of_them or selection.kind is Kind.RETENTION:
            path.unlink()
