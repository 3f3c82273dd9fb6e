"""Great Expectations, which judges every batch: imported once, when a batch is there to be judged.

With itself it brings what it draws with and the distributions of statistics, a third of what its import takes. Of the
one nothing is asked here, of the other by the few expectations that compare with a distribution. Both are imported when
something is asked of them: no expectation is lost by it.

Of Spark, with which it could judge tables of Spark, it is kept: that takes as long again, and batches are not such.

It hashes every value of a batch, twice an audit, for a mark of the batch that nobody compares. Batches go unmarked.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

SELDOM_ASKED_FOR = ("altair", "scipy.stats")
NEVER_ASKED_FOR = "pyspark"
ENGINE, MARKED_BY = "great_expectations.execution_engine.pandas_execution_engine", "hash_pandas_dataframe"
UNMARKED = ""


@cache
def great_expectations() -> ModuleType:
    """Return the package."""
    with _put_off(SELDOM_ASKED_FOR), _kept_from(NEVER_ASKED_FOR):
        package = import_module("great_expectations")
        vars(import_module(ENGINE))[MARKED_BY] = lambda _: UNMARKED
    return package


@contextmanager
def _kept_from(name: str) -> Iterator[None]:
    """Have a package look as if it were not installed, unless it was imported before."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


@contextmanager
def _put_off(names: tuple[str, ...]) -> Iterator[None]:
    """Have modules be imported by who asks them for something, and not by who is imported meanwhile and names them."""
    stand_ins = [_StandIn(name) for name in names if name not in sys.modules]
    sys.modules |= {each.__name__: each for each in stand_ins}
    try:
        yield
    finally:
        for each in stand_ins:
            each.leave()


class _StandIn(ModuleType):
    """A module that was not imported yet; it is, when something of it is asked for."""

    def leave(self) -> None:
        """Let who imports the module from now on have the module itself."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]

    def __getattr__(self, name: str) -> Any:
        self.leave()
        return getattr(import_module(self.__name__), name)
