"""Parameters of a method as a caller names them: those of docs/parameters.md, each with its default."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from ons_assets.parameters import Parameters
from ons_assets.wording import fault_in_words, meant

Group = TypeVar("Group", bound=Parameters)


def chosen(defaults: Group, values: Mapping[str, Any] | None) -> Group:
    """Return parameters with the values that a caller chose in the place of their defaults.

    Parameters
    ----------
    defaults
        The group with what holds where nothing is chosen.
    values
        By name; those of a group within the group as a mapping of their own. None for the defaults.

    Raises
    ------
    ValueError
        If a name is not known, or a value is not allowed.

    Examples
    --------
    >>> from ons_assets.parameters.tweets import ClusterParameters
    >>> chosen(ClusterParameters(), {"eps_m": 30})
    ClusterParameters(eps_m=30.0, min_tweets=3)
    >>> chosen(ClusterParameters(), {"eps": 30})
    Traceback (most recent call last):
    ValueError: parameters: eps is no word that is known here; did you mean eps_m?
    """
    try:
        return type(defaults).model_validate(_laid_over(defaults, values or {}))
    except ValidationError as error:
        fault = error.errors()[0]
    path = [str(part) for part in fault["loc"]]
    hint = meant(path[-1], type(defaults).model_fields) if fault["type"] == "extra_forbidden" else ""
    raise ValueError(f"parameters: {'.'.join(path)} {fault_in_words(fault)}{hint}")


def _laid_over(defaults: Parameters, values: Mapping[str, Any]) -> dict[str, Any]:
    inner = {
        name: _laid_over(group, value)
        for name, value in values.items()
        if isinstance(group := getattr(defaults, name, None), Parameters) and isinstance(value, Mapping)
    }
    return {**defaults.model_dump(), **values, **inner}
