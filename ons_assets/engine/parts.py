"""What an engine is, and what it is given."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import polars as pl

Part = tuple[Any, ...]
Made = TypeVar("Made")


class Engine(Protocol):
    """Works parts, wherever that is."""

    def map(self, function: Callable[..., Made], parts: Iterable[Part], at_once: int = 1) -> Iterator[Made]:
        """Yield what a function makes of each part, in their order.

        Parameters
        ----------
        function
            Pure: what it makes depends on its arguments alone. Sent by name, so a function of a module or a
            `functools.partial` of one.
        parts
            Its positional arguments. LazyFrames among them arrive as DataFrames, read where they are worked.
        at_once
            Parts that may be worked at once in the memory of one process.

        Raises
        ------
        PartFailed
            If the function raised what is no exception of the project, on an engine of other processes: its text may
            quote a row and stays there. Exceptions of the project come as they are.
        """
        ...


@dataclass(frozen=True)
class Mapped:
    """Rows of tables as what they are made of: a function, and the parts that it is to be applied to.

    Parameters
    ----------
    function
        Returns one frame a table; see `Engine.map`.
    parts
        All of them; those of an iterator are made when they are wanted.
    at_once
        See `Engine.map`.
    """

    function: Callable[..., Any]
    parts: Iterable[Part]
    at_once: int = 1


class PartFailed(Exception):
    """A part could not be worked in another process; the message says where, and nothing of what was worked."""


class Impossible(Exception):
    """An engine cannot work at all; the message is one sentence."""


def applied(function: Callable[..., Made], part: Part) -> Made:
    """Return what a function makes of a part, whose tables are read now."""
    return function(*(each.collect() if isinstance(each, pl.LazyFrame) else each for each in part))
