"""Folders that go along with the program and are no modules: in it where it is installed, beside it in a checkout."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def shipped(folder: str) -> Path:
    """Return where a folder lies that goes along, such as `expectations`.

    At the top of what Python finds, where every distribution lays its packages, a name such as `docs` could be
    another's: so a wheel has it in the package.
    """
    inside = PACKAGE / folder
    return inside if inside.is_dir() else PACKAGE.parent / folder
