"""Paths of settings: which are known, and which one a mistyped or former one is most like."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel

SHOWN = 3


def paths_in(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Yield the paths of all values in a tree of models."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from paths_in(kind, f"{above}{name}.")
        else:
            yield above + name


def kind_at(model: type[BaseModel], path: Sequence[str]) -> Any:
    """Return the type at a path: a model for a group, None if nothing is there.

    What lies within a value, such as a key of a table, is of the type of that value.
    """
    kind: Any = model
    for name in path:
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return kind
        if name not in kind.model_fields:
            return None
        kind = kind.model_fields[name].annotation
    return kind


def is_structured(kind: Any) -> bool:
    """Whether a value of a type is a table or a list, which the environment says in JSON."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return True
    return get_origin(kind) in (tuple, list, dict) or any(map(is_structured, get_args(kind)))


def unknown(model: type[BaseModel], path: Sequence[str]) -> str:
    """Say that there is nothing at a path, and what was probably meant.

    That is what has the same last name in the same domain, else what is written most alike.
    """
    known, name = list(paths_in(model)), ".".join(path)
    named = [each for each in known if each.split(".")[0] == path[0] and each.split(".")[-1] == path[-1]]
    meant = named[:SHOWN] or get_close_matches(name, known, n=1)
    hint = f"; did you mean {' or '.join(meant)}?" if meant else "; ons-assets parameters shows what there is"
    return f"there is no parameter {name}{hint}"
