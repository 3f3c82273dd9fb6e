"""Great Expectations, which judges every batch: imported once, when a batch is there to be judged.

With itself it brings what it draws with and the distributions of statistics, a third of what its import takes. Of the
one nothing is asked here, of the other by the few expectations that compare with a distribution. Both are imported when
something is asked of them: no expectation is lost by it.

Of Spark, with which it could judge tables of Spark, it is kept: that takes as long again, and batches are not such.

It hashes every value of a batch, twice an audit, for a mark of the batch that nobody compares. Batches go unmarked.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from ons_assets.lakehouse.suites import Expectation, Suite, SuiteError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from great_expectations import ExpectationSuite
    from great_expectations.core.batch_definition import BatchDefinition

SELDOM_ASKED_FOR = ("altair", "scipy.stats")
NEVER_ASKED_FOR = "pyspark"
ENGINE, MARKED_BY = "great_expectations.execution_engine.pandas_execution_engine", "hash_pandas_dataframe"
UNMARKED = ""
# Up to here each whole number is a number of eight bytes; bounds are such numbers.
WHOLE_NUMBERS = 2**53
# The library keeps what it is looking at in one place.
ONE_AT_A_TIME = Lock()

Told = Literal["BOOLEAN_ONLY", "BASIC", "COMPLETE"]


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


def judged(suite: Suite, stated: Sequence[Expectation], rows: pl.DataFrame, told: Told) -> dict[str, Any]:
    """Return what Great Expectations finds of some expectations, as JSON.

    Those that are about rows of a condition that no row fulfils are left out: they can neither be met nor be not met.

    Parameters
    ----------
    suite
        Whose expectations they are.
    stated
        The expectations.
    rows
        Rows to be judged.
    told
        How much of what is found is told.

    Raises
    ------
    SuiteError
        If the library cannot read them, or pandas not find the rows of a condition.
    """
    with readable(suite):
        read = _as_looked_at(stated, rows, told)
        conditions = [each["kwargs"].get("row_condition") for each in stated]
    about_something = [
        each
        for each, condition in zip(stated, conditions, strict=True)
        if condition is None or len(fulfilling(suite, condition, read))
    ]
    expectations = as_read(suite, about_something)
    with ONE_AT_A_TIME:
        batch = _batch_definition().get_batch(batch_parameters={"dataframe": read})
        content: dict[str, Any] = batch.validate(expectations, result_format=told).to_json_dict()
    return content


def exceptions_of(entry: Mapping[str, Any]) -> list[str]:
    """Return the messages of what an expectation raised; the form differs between one metric and several.

    Parameters
    ----------
    entry
        Of the result.
    """
    info = entry["exception_info"]
    entries = [info] if "raised_exception" in info else list(info.values())
    return [str(each["exception_message"]) for each in entries if each["raised_exception"]]


@contextmanager
def readable(suite: Suite) -> Iterator[None]:
    """Say whose suite it is that cannot be read."""
    try:
        yield
    except Exception as error:
        raise SuiteError(f"Great Expectations cannot read the suite of {suite.table}: {error}") from error


def as_read(suite: Suite, stated: Sequence[Expectation]) -> "ExpectationSuite":
    """Return expectations as Great Expectations has them.

    Parameters
    ----------
    suite
        Whose expectations they are.
    stated
        The expectations.

    Raises
    ------
    SuiteError
        If the library does not know one, or cannot read its arguments.
    """
    gx = great_expectations()
    try:
        expectations: ExpectationSuite = gx.ExpectationSuite(**{**suite.content, "expectations": list(stated)})
    except Exception as error:
        told = " ".join(str(error).split())
        raise SuiteError(f"Great Expectations cannot read the suite of {suite.table}: {told}") from error
    # It leaves out what it does not know, and says so in its log only.
    known = [each.expectation_type for each in expectations.expectations]
    if len(known) != len(stated):
        unknown = sorted({each["type"] for each in stated} - set(known))
        raise SuiteError(
            f"Great Expectations cannot read the suite of {suite.table}: "
            f"{', '.join(unknown) or 'an expectation'} is unknown, or has arguments that do not fit"
        )
    return expectations


def fulfilling(suite: Suite, condition: str, read: "pd.DataFrame") -> "npt.NDArray[np.int64]":
    """Return the places of the rows that fulfil a condition.

    Parameters
    ----------
    suite
        That has the condition.
    condition
        For pandas.
    read
        Rows, numbered from zero on.

    Raises
    ------
    SuiteError
        If pandas cannot find them. Why not it says with a value of a row, which may be about a person.
    """
    try:
        found: npt.NDArray[np.int64] = read.query(condition).index.to_numpy()
    except Exception as error:
        raise SuiteError(f"the rows {condition} of {suite.table} cannot be found: {type(error).__name__}") from None
    return found


def _as_looked_at(stated: Sequence[Expectation], rows: pl.DataFrame, told: Told) -> "pd.DataFrame":
    """Blank the columns that no expectation names, which need not be converted; lay numbers to be read soonest."""
    naming = [each for each in stated if not each["type"].startswith("expect_table_columns")]
    named = json.dumps(naming)
    blank = rows.with_columns(pl.lit(0, dtype=pl.Int8()).alias(name) for name in rows.columns if name not in named)
    read = blank.to_pandas(use_pyarrow_extension_array=True)
    if told == "BOOLEAN_ONLY":
        read = read.assign(**{name: rows[name].to_numpy() for name in _bounded_numbers(stated, rows)})
    return read


def _bounded_numbers(stated: Sequence[Expectation], rows: pl.DataFrame) -> list[str]:
    """The numbers of which nothing is asked but bounds: in the form of NumPy they are not looked at one by one."""
    asked: dict[str, set[str]] = {}
    for each in stated:
        asked.setdefault(each["kwargs"].get("column"), set()).add(each["type"])
    bounded = [name for name, kinds in asked.items() if kinds == {"expect_column_values_to_be_between"}]
    known = rows.select(name for name in bounded if rows.schema.get(name) in (pl.Int64, pl.Float64))
    return [column.name for column in known if _is_read_alike(column)]


def _is_read_alike(column: pl.Series) -> bool:
    """Whether NumPy takes each value for what Arrow takes it for."""
    # What is no number would be taken for null, and a long whole number for another when it is held against a bound.
    is_long = column.dtype.is_integer() and not column.is_between(-WHOLE_NUMBERS, WHOLE_NUMBERS).all()
    return not (column.null_count() or column.is_nan().any() or is_long)


@cache
def _batch_definition() -> "BatchDefinition[Any]":
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    context = great_expectations().get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch: BatchDefinition[Any] = (
        context.data_sources.add_pandas("lake").add_dataframe_asset("batch").add_batch_definition_whole_dataframe("all")
    )
    return batch
