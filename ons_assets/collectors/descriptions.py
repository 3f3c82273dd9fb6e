"""Descriptions of what is collected: a small YAML file each in a folder of the home, named like what it describes."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from ons_assets.wording import fault_in_words, no_such, or_known
from ons_assets.yaml_text import NotYaml, parsed

ENDINGS = (".yaml", ".yml")
WEB = ("http", "https")


class BadDescription(ValueError):
    """A description cannot be used; the message is one sentence with the name of its file."""


class Part(BaseModel):
    """A part of a description; nothing in it may be misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Described = TypeVar("Described", bound=Part)


def paths(folder: Path) -> list[Path]:
    """Return the files of the descriptions of a folder, by name; what editors leave beside them is hidden."""
    return sorted(each for each in folder.glob("*") if each.suffix in ENDINGS and not each.name.startswith("."))


def read(path: Path, model: type[Described], parts: Mapping[str, type[Part]]) -> Described:
    """Return what a file describes.

    Parameters
    ----------
    path
        Of the file; there may be no other of the same name and another ending.
    model
        What it is to describe.
    parts
        The parts of the model by their names, whose words are named where one is misspelt.

    Raises
    ------
    BadDescription
        If it cannot be used.
    """
    try:
        given = parsed(path.read_bytes(), path.name)
    except OSError as error:
        raise BadDescription(f"{path} cannot be opened: {str(error.strerror).lower()}") from None
    except NotYaml as error:
        raise BadDescription(str(error)) from None
    if not isinstance(given, dict):
        raise BadDescription(
            f"{path.name} is {'empty' if given is None else 'no description: it says no word with its value'}"
        )
    try:
        described = model.model_validate(given)
    except ValidationError as error:
        raise BadDescription(f"{path.name}: {_faults(error, model, parts)}") from None
    if twins := [each for each in ENDINGS if each != path.suffix and path.with_suffix(each).exists()]:
        raise BadDescription(
            f"{path.name}: {path.with_suffix(twins[0]).name} is of the same name; one of them has to go"
        )
    return described


def named(folder: Path, name: str, kind: str) -> Path:
    """Return the file of one description.

    Parameters
    ----------
    folder
        Of the descriptions.
    name
        Which is asked for.
    kind
        What they describe, in a word.

    Raises
    ------
    BadDescription
        If there is none.
    """
    known = {each.stem: each for each in paths(folder)}
    if name not in known:
        raise BadDescription(f"{no_such(kind, name, known)}, in {folder}")
    return known[name]


def has_name_of_file(path: Path, name: str) -> None:
    """Hold a description against the name of its file.

    Raises
    ------
    BadDescription
        If they differ.
    """
    if name != path.stem:
        raise BadDescription(f"{path.name} describes {name}: call it {name}{path.suffix}")


def reaches_somebody(contact: str) -> str:
    """Return a mail or web address that is told with every request, if it can be one.

    Raises
    ------
    ValueError
        If it reaches nobody.
    """
    if ("@" not in contact and urlsplit(contact).scheme not in WEB) or not (
        contact.isascii() and contact.isprintable()
    ):
        raise ValueError(f"{contact!r} reaches nobody: give a mail address or a page")
    return contact


def is_json_path(given: str) -> str:
    """Return a JMESPath expression, if it is one.

    Raises
    ------
    ValueError
        If it is none.
    """
    import jmespath

    try:
        jmespath.compile(given)
    except Exception:
        raise ValueError(f"{given!r} is no JMESPath expression") from None
    return given


def _faults(error: ValidationError, model: type[Part], parts: Mapping[str, type[Part]]) -> str:
    said = []
    for fault in error.errors():
        # What pydantic calls the alternatives of a value is no word of the description.
        where = ".".join(str(each) for each in fault["loc"] if not re.fullmatch(r"\[key\]|str|int|[A-Z].*", str(each)))
        what = fault_in_words(fault) if fault["type"] != "extra_forbidden" else _unknown(fault["loc"], model, parts)
        said.append(f"{where}: {what}" if where else what)
    return "; ".join(dict.fromkeys(said))


def _unknown(where: Sequence[str | int], model: type[Part], parts: Mapping[str, type[Part]]) -> str:
    part = parts.get(str(where[0]), model) if len(where) > 1 else model
    return f"is no word here{or_known(str(where[-1]), part.model_fields)}"
