"""What a function of tables asks for by its arguments: inputs by their names, parameters by their classes."""

import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from ons_assets.parameters import Parameters, Section, group_of, groups_in, values_of
from ons_assets.settings import Settings


@dataclass(frozen=True)
class Groups:
    """Groups of parameters on which tables depend, by the arguments of the function that makes them."""

    by_argument: dict[str, type[Parameters]]

    def given(self, settings: Settings) -> dict[str, Parameters]:
        """Return the arguments of the function that are groups."""
        return {name: group_of(settings, group) for name, group in self.by_argument.items()}

    def recorded(self, settings: Settings) -> dict[str, Any]:
        """Return what a version records of the settings: the values of these groups, and of no other."""
        return recorded(settings, list(self.by_argument.values()))


def recorded(settings: Settings, groups: Sequence[type[Parameters]]) -> dict[str, Any]:
    """Return the values of groups by their paths in the settings."""
    return values_of(settings, groups)


def check_groups(of: str, groups: Collection[type]) -> None:
    """Make sure that settings hold some groups.

    Raises
    ------
    TypeError
        If they do not.
    """
    known = groups_in(Settings).values()
    for group in groups:
        if group not in known:
            raise TypeError(f"{of} asks for {group.__name__}, which is no group of parameters in the settings")


def groups_of(function: Callable[..., Any], offered: Collection[str]) -> Groups:
    """Return the groups of parameters that a function asks for, and make sure that it asks for nothing unknown.

    Parameters
    ----------
    function
        Each of its arguments is annotated with a group of parameters, or has a name that is offered.
    offered
        Names of what else it may ask for.

    Raises
    ------
    TypeError
        If an argument is neither, is both, or is annotated with a class that is no group of the settings.
    """
    hints = get_type_hints(function)
    named = f"{function.__module__}.{function.__qualname__}"
    groups: dict[str, type[Parameters]] = {}
    for name in inspect.signature(function).parameters:
        kind = hints.get(name)
        if isinstance(kind, type) and issubclass(kind, Section):
            raise TypeError(f"{named} asks for all of {kind.__name__} as {name!r}: name the groups that it uses")
        if isinstance(kind, type) and issubclass(kind, Parameters):
            if name in offered:
                raise TypeError(f"{named} names a group of parameters {name!r}, as an input is called")
            groups[name] = kind
        elif name not in offered:
            raise TypeError(
                f"{named} asks for {name!r}, which is neither a group of parameters by its annotation nor one of "
                f"{', '.join(sorted(offered))}"
            )
    check_groups(named, groups.values())
    return Groups(groups)
