"""Mappings: YAML files that say what the columns of a supplier's file mean, and which mapping fits a file.

Each kind of file has a model of its own for what a mapping may say; how mappings are found, read and chosen
is the same for all. Those of an office lie in `<home>/mappings/<source>/` and come before the built-in ones.
"""

from collections.abc import Collection, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from ons_assets.lakehouse.delimited import Limits, header, read_bytes
from ons_assets.lakehouse.sources import Unreadable

SHOWN_COLUMNS = 12
SHOWN_CHARACTERS = 80
DELIMITERS = ";\t|"


class FileMapping(Protocol):
    """What is asked of every mapping.

    Parameters
    ----------
    files
        Pattern of the names of its files.
    needed
        Columns without which a file is not of this layout.
    """

    name: str
    files: str
    delimiter: str
    encoding: str

    @property
    def needed(self) -> Collection[str]:
        """Columns without which a file is not of this layout."""
        ...

    def recognises(self, name: str, header: Sequence[str]) -> bool:
        """Return whether a file of this name and header has this layout."""
        ...


Model = TypeVar("Model", bound=BaseModel)
Known = TypeVar("Known", bound=FileMapping)


def load(folders: Sequence[Path], kind: type[Model]) -> list[Model]:
    """Read the mappings of some folders, in order, by file name.

    Raises
    ------
    ValueError
        In a sentence that names the file and what is wrong with it.
    """
    mappings = []
    for path in [path for folder in folders for path in sorted(folder.glob("*.yaml"))]:
        try:
            mappings.append(kind.model_validate(yaml.safe_load(path.read_text("utf-8"))))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"the mapping {path.name} is not valid YAML: {error}") from None
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}" for fault in error.errors()
            )
            raise ValueError(f"the mapping {path.name} cannot be used: {faults}") from None
    return mappings


def find(mappings: Sequence[Known], path: Path, name: str) -> Known | None:
    """Return the first mapping that recognises a file, or None.

    Parameters
    ----------
    mappings
        Layouts of a source, in order of preference.
    path
        File whose header is read, once for each layout's delimiter and encoding.
    name
        Name under which the file was dropped, which a layout may ask for; the archive knows it by its hash.
    """
    for mapping in mappings:
        if mapping.recognises(name, header(path, mapping.delimiter, mapping.encoding)):
            return mapping
    return None


def choose(mappings: Sequence[Known], path: Path, name: str, limits: Limits | None = None) -> Known:
    """Return the first mapping that recognises a file.

    Parameters
    ----------
    limits
        How much of a file without a header is read to say what is wrong with it; None for nothing.

    Raises
    ------
    Unreadable
        Saying what the file has and what the nearest mapping needs.
    """
    if (found := find(mappings, path, name)) is not None:
        return found
    if path.stat().st_size == 0:
        raise Unreadable("is empty")
    if not (columns := header(path)) and limits is not None:
        read_bytes(path, limits)  # says whether it is broken or too large
    raise Unreadable(unknown_layout(mappings, name, columns))


def unknown_layout(mappings: Sequence[FileMapping], name: str, columns: Sequence[str]) -> str:
    """Say what a file has that no mapping knows, and what the nearest mapping needs.

    Parameters
    ----------
    mappings
        Layouts of the source.
    name
        Name under which the file was dropped; layouts that ask for another name are not near.
    columns
        Names in the header, as found; empty if there was none.
    """
    if not columns:
        return "has no header that could be read"
    present = {column.strip() for column in columns}
    candidates = [mapping for mapping in mappings if fnmatch(name, mapping.files)]
    nearest = min(candidates, key=lambda mapping: len(set(mapping.needed) - present), default=None)
    lacking = f"; the layout {nearest.name} also needs {shown(sorted({*nearest.needed} - present))}" if nearest else ""
    delimiter = next((mark for mark in DELIMITERS if len(columns) == 1 and mark in columns[0]), None)
    hint = f"; is {delimiter!r} its delimiter? A mapping can say so" if delimiter else ""
    return f"has a layout that no mapping knows: its columns are {shown(columns)}{lacking}{hint}"


def shown(names: Sequence[str]) -> str:
    """Return names of columns as a sentence can hold them: not too many, and none too long."""
    first = ", ".join(repr(name[:SHOWN_CHARACTERS]) for name in names[:SHOWN_COLUMNS])
    return f"{first} and {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else first
