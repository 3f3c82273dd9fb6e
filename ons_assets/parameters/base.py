"""Groups of parameters, and the tree in which settings hold them.

A group holds the parameters of one method. Each group stands in the tree once, so that its class says
where it is: `group_of(settings, ClusterParameters)`.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Parameters(BaseModel):
    """Parameters of one method: they do not change once they are set, and none may be mistyped."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Section(BaseModel):
    """The groups of one domain; no function depends on a section, only on groups of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Group = TypeVar("Group", bound=Parameters)


@cache
def groups_in(model: type[BaseModel]) -> dict[str, type[Parameters]]:
    """Return the class of every group in a tree of models by its path, such as `tweets.clustering`.

    Raises
    ------
    TypeError
        If a class stands in the tree twice: then it would not say where it is.
    """
    found = dict(_walk(model, ()))
    classes = list(found.values())
    for path, group in found.items():
        if classes.count(group) > 1:
            raise TypeError(f"{group.__name__} stands in the tree of {model.__name__} twice, once as {path}")
    return found


def _walk(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[str, type[Parameters]]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Parameters | Section):
            here = (*path, name)
            if issubclass(kind, Parameters):
                yield ".".join(here), kind
            yield from _walk(kind, here)


def path_of(model: type[BaseModel], group: type[Parameters]) -> str:
    """Return the path of a group in a tree of models.

    Raises
    ------
    LookupError
        If the group is not in the tree.
    """
    for path, each in groups_in(model).items():
        if each is group:
            return path
    raise LookupError(f"{group.__name__} is no group of {model.__name__}")


def group_of(tree: BaseModel, group: type[Group]) -> Group:
    """Return the one group of a class in a tree, such as the settings.

    Raises
    ------
    LookupError
        If the group is not in the tree.
    """
    found: Any = tree
    for name in path_of(type(tree), group).split("."):
        found = getattr(found, name)
    assert isinstance(found, group)
    return found


def values_of(tree: BaseModel, groups: Iterable[type[Parameters]]) -> dict[str, Any]:
    """Return the values of groups by their paths, as they are written into the provenance of a version."""
    return {path_of(type(tree), group): group_of(tree, group).model_dump(mode="json") for group in groups}
