"""Arguments of the methods, held against the annotations of their function before anything is computed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import polars as pl
from pydantic import ConfigDict, TypeAdapter, ValidationError

from ons_assets.wording import LONGEST_QUOTED, listed

# A text is no number, nor is True; NaN and infinity are no choice of anything.
STRICT = ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
WORDS = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    NoneType: "None",
    date: "a day",
    pl.Series: "a series",
}


def held(function: Callable[..., Any], **given: object) -> None:
    """Refuse an argument that is not of the type which the signature says.

    Scalars of NumPy are taken for what they hold.

    Parameters
    ----------
    function
        Whose arguments they are.
    **given
        Arguments by their names.

    Raises
    ------
    ValueError
        With what it must be.

    Examples
    --------
    >>> def smoothed(series, window: int | None = None): ...
    >>> held(smoothed, window=7)
    >>> held(smoothed, window="7")
    Traceback (most recent call last):
    ValueError: window must be a whole number or None, not '7'
    """
    for name, value in given.items():
        if not _is_allowed(function, name, value):
            annotation = get_type_hints(function)[name]
            raise ValueError(f"{name} must be {in_words(annotation)}, not {_shown(value)}")


def in_words(annotation: Any) -> str:
    """Return what a value of a type is, in words.

    Examples
    --------
    >>> in_words(str | Sequence[str] | None)
    'a text, a list of texts or None'
    >>> in_words(Mapping[str, Any])
    'a mapping of texts'
    """
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return listed([in_words(each) for each in inner], "or")
    if origin is Literal:
        return listed([repr(each) for each in inner], "or")
    if origin is Mapping:
        return f"a mapping of {_plural(inner[0])}"
    if origin is Sequence:
        return "a list" if inner[0] is Any else f"a list of {_plural(inner[0])}"
    if origin is tuple:
        return f"({', '.join(in_words(each) for each in inner)})"
    return WORDS[annotation]


def _plural(annotation: Any) -> str:
    word = in_words(annotation)
    return f"{word.removeprefix('a ')}s" if word.startswith("a ") else word


def _is_allowed(function: Callable[..., Any], name: str, value: object) -> bool:
    if isinstance(value, str) and Sequence[Any] in get_args(get_type_hints(function)[name]):
        # No list of its letters.
        return False
    try:
        _adapter(function, name).validate_python(value.item() if isinstance(value, np.generic) else value)
    except ValidationError:
        return False
    return True


@cache
def _adapter(function: Callable[..., Any], name: str) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(function)[name], config=STRICT)


def _shown(value: object) -> str:
    """Return a value as a sentence may show it: a short text or number itself, of others their type."""
    if isinstance(value, str | int | float | NoneType) and len(repr(value)) <= LONGEST_QUOTED:
        return repr(value)
    return type(value).__name__
