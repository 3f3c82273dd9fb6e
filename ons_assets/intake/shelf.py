"""Layouts on their shelf: how they are found and read, and which of them fits a file."""

import hashlib
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from ons_assets.intake import records
from ons_assets.intake.containers import possible_names
from ons_assets.intake.fields import ColumnsOf, holders, lacking
from ons_assets.intake.layouts import Item, Layout, Origin, upgraded
from ons_assets.intake.sniff import FileKind, describe, draft
from ons_assets.intake.unreadable import Unreadable
from ons_assets.wording import fault_in_words, meant, or_known
from ons_assets.yaml_text import NotYaml, parsed

ENDINGS = (".yaml", ".yml")
# Layouts that a process keeps as they were last read: each source asks for all of its own whenever it looks at a file.
KEPT = 512
SHOWN_COLUMNS = 12
SHOWN_CHARACTERS = 80


class BadLayout(ValueError):
    """A layout cannot be used; the message is one sentence with its name."""


@dataclass(frozen=True)
class Broken:
    """A layout that cannot be used, and why; it stops only files that would use it.

    Parameters
    ----------
    path
        Of its YAML.
    files
        Patterns of the names of its files, as far as they can be read; all files, if not; none, if it is empty.
    sentence
        What is wrong with it.
    """

    path: Path
    files: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class Shelf:
    """The layouts of a source, in the order in which they are tried."""

    layouts: tuple[Layout, ...]
    broken: tuple[Broken, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Hash of all layouts."""
        return hashlib.sha256("".join(each.model_dump_json() for each in self.layouts).encode()).hexdigest()

    def find(self, path: Path, name: str, limits: records.Limits) -> Layout | None:
        """Return the first layout that knows a file, or None.

        Parameters
        ----------
        path
            The file.
        name
            Its name when it arrived.
        limits
            Greatest sizes of a line and of the whole.
        """
        return _first([each for each in self.layouts if _is_named(each.files, name)], path, limits)

    def refused_columns(self, path: Path, layout: Layout, limits: records.Limits) -> list[str]:
        """Return the columns of a file that its layout does not know, where it says that there may be none.

        Parameters
        ----------
        path
            The file.
        layout
            The layout that knows it.
        limits
            Greatest sizes of a line and of the whole.
        """
        if layout.extra_columns == "ignore":
            return []
        named = [*layout.needed, *layout.ignores, *(name for each in layout.optional.values() for name in each.columns)]
        known = ColumnsOf([*named, *holders(layout).values()])
        return [name for name in records.header(path, layout, limits) if known(name) is None]

    def choose(self, path: Path, name: str, limits: records.Limits, *, individual: bool = False) -> Layout:
        """Return the first layout that knows a file.

        Parameters
        ----------
        individual
            Whether the file is about people: then none of its columns is named.

        Raises
        ------
        Unreadable
            Saying what the file is, what it has, and what the nearest layout needs.
        """
        if (found := self.find(path, name, limits)) is not None:
            if extra := self.refused_columns(path, found, limits):
                which = f"{len(extra)}" if individual else shown(extra)
                raise Unreadable(
                    f"has columns that the layout {found.name} does not know: {which}; "
                    "a layout of your own can name them in ignores"
                )
            return found
        self.check_usable(name)
        raise Unreadable(self._unknown(path, name, limits, individual))

    def check_usable(self, name: str) -> None:
        """Check that no layout for files of a name is broken.

        Parameters
        ----------
        name
            Of a file that no other layout knows.

        Raises
        ------
        Unreadable
            Saying what is wrong with the first that is.
        """
        for broken in self.broken:
            if _is_named(broken.files, name):
                raise Unreadable(f"would be read by a layout that cannot be used: {broken.sentence}")

    def _unknown(self, path: Path, name: str, limits: records.Limits, individual: bool) -> str:
        kind = describe(path, limits)
        candidates = [each for each in self.layouts if _is_named(each.files, name)]
        header = ([] if individual else _as_it_stands(path, kind, limits)) or list(kind.columns)
        if not header:
            _check_readable(path, limits)
            return f"is {kind.said(individual=individual)}, and has no header that a layout knows"
        nearest = min(candidates, key=lambda each: len(lacking(each, header)), default=None)
        lacks = lacking(nearest, header) if nearest else []
        marks = f" with {kind.delimiter!r} between fields" if kind.delimiter not in (None, ",") else ""
        said = f"is {kind.said(individual=individual)}{marks} in a layout that is not known"
        if not individual:
            said += f": its columns are {shown(header)}"
        if kind.encoding_is_open:
            said += "; a layout of your own says the encoding, such as cp1252 or cp1250"
        elif kind.encoding not in (None, "utf-8") and all(each.encoding != kind.encoding for each in candidates):
            said += f"; a layout of your own says `encoding: {kind.encoding}`"
        if nearest and not lacks:
            said += f"; it has the columns of the layout {nearest.name}, but is not written as that says"
        elif (other := self._of_another_name(path, name, limits)) is not None:
            said += f"; the layout {other.name} would read it if it were called {' or '.join(other.files)}"
        elif nearest and len(lacks) < len(nearest.needed):
            said += f"; the layout {nearest.name} also needs {shown(lacks)}"
            # Columns of one name are called by their places.
            if any(name.startswith("column_") for name in header):
                said += " (a name that comes more than once in a header means no column)"
        return said

    def _of_another_name(self, path: Path, name: str, limits: records.Limits) -> Layout | None:
        return _first([each for each in self.layouts if not _is_named(each.files, name)], path, limits)


def _first(layouts: Sequence[Layout], path: Path, limits: records.Limits) -> Layout | None:
    """Return the first of some layouts that finds its columns in a file; the header is read once for each way."""
    headers: dict[tuple[object, ...], list[str]] = {}
    for layout in layouts:
        way = (
            layout.format,
            layout.delimiter,
            layout.encoding,
            layout.header,
            layout.names,
            layout.skip_lines,
            layout.skip_until,
            layout.sheet,
            layout.path,
            layout.element,
            layout.quote,
            layout.comment,
            layout.member,
        )
        if way not in headers:
            headers[way] = records.header(path, layout, limits)
        if headers[way] and not lacking(layout, headers[way]):
            return layout
    return None


def shelf(
    folders: Sequence[Path],
    lack_of: Callable[[Layout], str | None] = lambda _: None,
    settled: Callable[[Layout], Layout] = lambda layout: layout,
) -> Shelf:
    """Read the layouts of some folders, in order, by file name; a broken one is kept with what is wrong with it.

    Parameters
    ----------
    folders
        Those of earlier ones are tried first.
    lack_of
        Says what a layout lacks for its source.
    settled
        Gives a layout what it takes from the installation.
    """
    layouts, broken = [], []
    for path in [path for folder in folders for path in _in(folder)]:
        given: object = None
        try:
            given = _written(path)
            if given is None:
                # A shell makes the file before the draft that it is for is written, or fails.
                broken.append(Broken(path, (), f"{path.name} is empty"))
                continue
            layout = _layout(path, given)
            if (lack := lack_of(layout)) is not None:
                broken.append(Broken(path, layout.files, f"{path.name} {lack}"))
            else:
                layouts.append(settled(layout))
        except BadLayout as error:
            broken.append(Broken(path, _patterns(given), str(error)))
    return Shelf(tuple(layouts), tuple(broken))


def _in(folder: Path) -> list[Path]:
    """The layouts of a folder, by name; what editors and copies leave beside them is hidden."""
    return sorted(path for path in folder.glob("*") if path.suffix in ENDINGS and not path.name.startswith("."))


def one(path: Path) -> Layout:
    """Read one layout.

    Raises
    ------
    BadLayout
        If it cannot be used.
    """
    return _layout(path, _written(path))


def upgraded_text(path: Path) -> tuple[str, list[str]]:
    """Return a layout in the spelling of today as YAML, and in a sentence each what was changed.

    Raises
    ------
    BadLayout
        If it could not be used.
    """
    given = _written(path)
    _layout(path, given)
    assert isinstance(given, dict), "it is a layout"
    new, said = upgraded(given)
    return yaml.safe_dump(new, allow_unicode=True, sort_keys=False), said


def _written(path: Path) -> object:
    """What a file of YAML says; None if it says nothing."""
    try:
        return deepcopy(_parsed(path.read_bytes(), path.name))
    except FileNotFoundError:
        raise BadLayout(f"there is no file {path}") from None
    except OSError as error:
        raise BadLayout(f"{path.name} cannot be opened: {str(error.strerror).lower()}") from None
    except NotYaml as error:
        raise BadLayout(str(error)) from None


_parsed = lru_cache(KEPT)(parsed)


def _layout(path: Path, given: object) -> Layout:
    if not isinstance(given, dict):
        raise BadLayout(f"{path.name} is {'empty' if given is None else 'no layout: it says no word with its value'}")
    try:
        return Layout.model_validate(given)
    except ValidationError as error:
        raise BadLayout(f"{path.name}: {faults(error)}") from None


def faults(error: ValidationError) -> str:
    """Say in one line what is wrong with a layout: which word, and what is allowed."""
    said = []
    for fault in error.errors():
        # Of a word that may be a text or a number, pydantic tells both.
        where = [str(each) for each in fault["loc"] if each not in ("[key]", "str", "int")]
        what = _unknown_word(where) if fault["type"] == "extra_forbidden" else fault_in_words(fault)
        said.append(f"{'.'.join(where)}: {what}" if where else what)
    return "; ".join(dict.fromkeys(said))


def _unknown_word(where: Sequence[str]) -> str:
    if where[0] in ("columns", "optional", "items") and len(where) == 3:
        words = Item.model_fields if where[0] == "items" else Origin.model_fields
        return f"is no word here{or_known(where[-1], words)}"
    return f"is no word of a layout{meant(where[-1], Layout.model_fields)}"


def shown(names: Sequence[str]) -> str:
    """Return names of columns as a sentence can hold them: not too many, and none too long."""
    first = ", ".join(repr(name[:SHOWN_CHARACTERS]) for name in names[:SHOWN_COLUMNS])
    return f"{first} and {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else first


def _as_it_stands(path: Path, kind: FileKind, limits: records.Limits) -> list[str]:
    """The header of a file, whatever it looks like, or its first line: of a file about nobody it may be shown."""
    if kind.format is None:
        return records.header(path, Layout(name="as-it-stands", columns={}), limits)
    return records.header(path, draft(kind, "as-it-stands").model_copy(update={"header": True}), limits)


def _check_readable(path: Path, limits: records.Limits) -> None:
    """Raise what is wrong with a file under whatever layout: it is empty, cut short, damaged, foreign, too large."""
    next(records.records(path, Layout(name="as-it-stands", columns={}), limits), None)


def _patterns(given: object) -> tuple[str, ...]:
    files = given.get("files", "*") if isinstance(given, dict) else "*"
    return tuple(map(str, files)) if isinstance(files, list) else (str(files),)


def _is_named(patterns: Sequence[str], name: str) -> bool:
    return any(fnmatch(each, pattern) for pattern in patterns for each in possible_names(name))
