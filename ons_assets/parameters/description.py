"""What there is to set: every parameter of a tree with its value, its bound and its sentence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ons_assets.parameters.base import Parameters, Section


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    Parameters
    ----------
    path
        Where it stands in the tree, such as tweets.clustering.eps_m.
    value
        As it is written.
    bound
        What it may be.
    sentence
        What it decides.
    """

    path: str
    value: str
    bound: str
    sentence: str


def parameters_in(tree: BaseModel, path: Sequence[str] = ()) -> Iterator[Parameter]:
    """Yield the parameters of the groups in a tree; what is not in a section or group is no parameter.

    Parameters
    ----------
    tree
        Settings, a section or a group.
    path
        Where the tree itself stands.
    """
    for name, field in type(tree).model_fields.items():
        value, here = getattr(tree, name), (*path, name)
        if isinstance(value, Parameters | Section):
            yield from parameters_in(value, here)
        elif isinstance(tree, Parameters | Section):
            yield Parameter(".".join(here), _written(value), bound_of(field), field.description or "")


def bound_of(field: FieldInfo) -> str:
    """Return what a field may be, in words."""
    return _bound(field.annotation, field.metadata)


def _bound(kind: Any, metadata: Sequence[Any] = ()) -> str:
    limits = " and ".join(filter(None, map(_limit, metadata)))
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        constraints = [limit for each in inside[1:] for limit in getattr(each, "metadata", [each])]
        return _bound(inside[0], constraints)
    if origin is Literal:
        return " | ".join(map(str, inside))
    if origin in (Union, UnionType):
        some = [_bound(each, metadata) for each in inside if each is not NoneType]
        return " | ".join([*some, *(["null"] if NoneType in inside else [])])
    if origin is tuple:
        elements = [f"{_bound(inside[0])}, ..."] if inside[-1] is Ellipsis else [_bound(each) for each in inside]
        return f"[{', '.join(elements)}]{f' {limits}' if limits else ''}"
    if origin is dict:
        return f"{{{_bound(inside[0])}: {_bound(inside[1])}}}"
    name = {str: "text", bool: "true | false", float: "number", int: "whole number", Any: "any"}.get(kind)
    name = name or ("table" if isinstance(kind, type) and issubclass(kind, BaseModel) else kind.__name__)
    return f"{name} {limits}".strip()


def _limit(constraint: Any) -> str:
    match constraint:
        case Ge(ge=least):
            return f">= {_written(least)}"
        case Gt(gt=least):
            return f"> {_written(least)}"
        case Le(le=most):
            return f"<= {_written(most)}"
        case Lt(lt=most):
            return f"< {_written(most)}"
        case MinLen(min_length=length):
            return f"of at least {length}"
    return ""


def _written(value: Any) -> str:
    """A value much as TOML has it; null where nothing is set."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, BaseModel):
        return _written({name: getattr(value, name) for name in type(value).model_fields})
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name} = {_written(each)}' for name, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    return str(value)


PREFACE = """# Parameters

Every choice of a method that changes a number is a parameter. This page is made of their classes in
`ons_assets/parameters/` by `make docs`; `ons-assets parameters` shows the values in force and where they come from.

A parameter is set in `ons-assets.toml` in the home, in the table of its group,

    [tweets.clustering]
    eps_m = 30

or in the environment, where it wins: `ONS_ASSETS_TWEETS__CLUSTERING__EPS_M=30`. A version of a table records the groups
that its function takes, and a change of one makes only those tables anew.
"""


def page(tree: BaseModel) -> str:
    """Return a page in Markdown on every parameter in a tree, with the values there as the defaults."""
    lines = [PREFACE]
    for name, section in _sections(tree):
        lines += [f"## {name}", "", _first_line(section), ""]
        outside = [each for each in parameters_in(section, (name,)) if each.path.count(".") == 1]
        lines += _table(outside) if outside else []
        for path, group in _groups(section, name):
            lines += [f"### {path}", "", _first_line(group), "", *_table(_own(group, path))]
    return "\n".join(lines).rstrip() + "\n"


def _sections(tree: BaseModel) -> Iterator[tuple[str, Section | Parameters]]:
    for name in type(tree).model_fields:
        if isinstance(section := getattr(tree, name), Section | Parameters):
            yield name, section


def _groups(tree: BaseModel, path: str) -> Iterator[tuple[str, Parameters]]:
    for name in type(tree).model_fields:
        if isinstance(group := getattr(tree, name), Parameters):
            yield f"{path}.{name}", group
            yield from _groups(group, f"{path}.{name}")


def _own(group: Parameters, path: str) -> list[Parameter]:
    depth = path.count(".") + 1
    return [each for each in parameters_in(group, path.split(".")) if each.path.count(".") == depth]


def _first_line(model: BaseModel) -> str:
    return (type(model).__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")


def _table(parameters: Sequence[Parameter]) -> list[str]:
    rows = [
        f"| `{each.path.rsplit('.', 1)[-1]}` | `{_cell(each.value)}` | {_cell(each.bound)} | {_cell(each.sentence)} |"
        for each in parameters
    ]
    return ["| parameter | default | may be | what it decides |", "|---|---|---|---|", *rows, ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
