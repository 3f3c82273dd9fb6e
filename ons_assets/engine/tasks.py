"""A part on its way to another process and what came of it on its way back."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from ons_assets.engine.parts import Part, PartFailed, applied
from ons_assets.faults import is_of_the_project, place_of


@dataclass(frozen=True)
class Outcome:
    """What came of a part: what the function made of it, or what it raised."""

    made: Any = None
    error: Exception | None = None

    @classmethod
    def of(cls, function: Callable[..., Any], part: Part) -> Self:
        """Work a part.

        What the function raises is an outcome, too: raised in the worker, its text would reach logs of the cluster and
        its web pages, and the same part would be tried again for nothing.
        """
        try:
            return cls(applied(function, part))
        except BaseException as error:
            # A panic of Polars is no Exception, and quotes as well.
            return cls(error=_sendable(error))

    def get(self) -> Any:
        """Return what was made, or raise what was raised."""
        if self.error is not None:
            raise self.error
        return self.made


def _sendable(error: BaseException) -> Exception:
    """The exception itself, if it is one of the project and survives the way; else its kind and place."""
    if isinstance(error, Exception) and is_of_the_project(error):
        try:
            there = pickle.loads(pickle.dumps(error))
        except Exception:
            there = None
        survives = type(there) is type(error) and str(there) == str(error)
        return error if survives else PartFailed(f"{type(error).__name__}: {error}")
    return PartFailed(f"{type(error).__name__} at {place_of(error)}; its text is withheld where other processes work")
