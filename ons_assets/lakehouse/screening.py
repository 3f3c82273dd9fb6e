"""Which of many batches the gate must look at one by one: a few validations of what they hold together tell.

Great Expectations takes about a tenth of a second for a batch, however few rows it has; one file may hold hundreds of
batches, and a folder thousands of files. What an expectation asks of each row is met by every batch if it is met by
all rows together, so the different values of all batches are asked once. What it asks of a batch as a whole is a number
of each batch, and these numbers are asked together.

A screen may be stricter than the gate, never milder: whatever it does not understand is suspected, and of a suspected
batch only counts what the gate finds in it alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from ons_assets.lakehouse import each_value
from ons_assets.lakehouse.bounds_in_words import columns_of
from ons_assets.lakehouse.judge import WHOLE_NUMBERS, Told, exceptions_of, fulfilling, judged
from ons_assets.lakehouse.row_conditions import columns_asked
from ons_assets.lakehouse.suites import Expectation, Suite, SuiteError
from ons_assets.lakehouse.tables import Table

OF_COLUMNS = frozenset({"expect_table_columns_to_match_set"})
OF_ROWS = each_value.OF_EACH_VALUE | {
    "expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_value_lengths_to_be_between",
}
# Numbers of a batch, from the values that are there.
OF_BATCHES: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "expect_column_max_to_be_between": pl.Expr.max,
    "expect_column_mean_to_be_between": pl.Expr.mean,
    "expect_column_median_to_be_between": pl.Expr.median,
    "expect_column_min_to_be_between": pl.Expr.min,
    "expect_table_row_count_to_be_between": pl.Expr.len,
}
BOUNDS = ("min_value", "max_value", "strict_min", "strict_max")
MEAN, MEDIAN = "expect_column_mean_to_be_between", "expect_column_median_to_be_between"
# Two libraries round them differently: by less than so much of the largest value.
ROUNDED = frozenset({MEAN, MEDIAN})
LAST_DIGITS = 1e-9
NAN = float("nan")
BATCH, NUMBER, APART, END = "number of the batch", "number", "apart", "end"
BETWEEN = "expect_column_values_to_be_between"
# To find the odd ones among more values takes longer than to look at each batch.
MOST_VALUES = 100_000
# Whatever else an expectation says (of what the result is to tell, for one) is not understood.
ARGUMENTS = each_value.ARGUMENTS | {
    *("column_A", "column_B", "or_equal", "ignore_row_if", "row_condition", "condition_parser"),
    *("column_set", "exact_match"),
}
# What an answer says of the question.
PLACE = "place"

Questions = Mapping[int, Expectation]


class _NotUnderstood(Exception):
    """Nothing can be said of batches together."""


def suspects(suite: Suite, table: Table, batches: Sequence[pl.DataFrame]) -> frozenset[int]:
    """Return which batches the gate may find something in: in the others it finds nothing.

    Parameters
    ----------
    suite
        As for `ons_assets.lakehouse.gate.audit`.
    table
        Declared table.
    batches
        Rows of each, as they conform to the table.

    Returns
    -------
    frozenset of int
        Places in `batches`. All of them, where the suite asks what cannot be asked of many together.
    """
    everything = frozenset(range(len(batches)))
    # Of rows that are not there nothing can be asked; how many there are, the gate asks.
    with_rows = [place for place, batch in enumerate(batches) if len(batch)]
    if len(with_rows) < 2:
        return everything
    try:
        rows = pl.concat([batches[place].with_columns(pl.lit(place).alias(BATCH)) for place in with_rows])
        odd = frozenset(_not_as_declared(table, rows)).union(*_Screen(suite, rows).odd_batches())
    except (_NotUnderstood, SuiteError, pl.exceptions.PolarsError):
        return everything
    return odd | everything.difference(with_rows)


def _not_as_declared(table: Table, rows: pl.DataFrame) -> set[int]:
    """Batches in which a required value is not there, or a key comes twice."""
    required = [column.name for column in table.columns if not column.nullable]
    found = set(rows.filter(pl.any_horizontal(pl.col(required).is_null()))[BATCH]) if required else set()
    if table.key:
        keys = rows.select(BATCH, *table.key)
        found |= set(keys.filter(keys.is_duplicated())[BATCH])
    return found


class _Screen:
    """The expectations of a suite, asked of the rows of many batches.

    Expectations are held by their place in the suite, so that what is found of one can be told from the others.
    """

    def __init__(self, suite: Suite, rows: pl.DataFrame) -> None:
        self._suite, self._rows = suite, rows
        self._stated = dict(enumerate(suite.expectations))
        self._columns = {place: _columns(each, rows.schema) for place, each in self._stated.items()}

    def odd_batches(self) -> Iterator[set[int]]:
        """Batches that may not be as expected, kind by kind."""
        of_columns, of_batches, of_rows = (
            {place: each for place, each in self._stated.items() if each["type"] in kind}
            for kind in (OF_COLUMNS, OF_BATCHES, OF_ROWS)
        )
        if len(of_columns) + len(of_batches) + len(of_rows) < len(self._stated):
            raise _NotUnderstood
        if self._unmet(of_columns, self._rows.drop(BATCH).head(1)):
            raise _NotUnderstood
        yield from self._with_odd_numbers(of_batches)
        yield from self._with_odd_values(of_rows)

    def _with_odd_numbers(self, asked: Questions) -> Iterator[set[int]]:
        ends = pl.DataFrame({END: [-1, 1]})
        numbers = self._rows.select(pl.col(BATCH).unique(maintain_order=True)).join(ends, how="cross")
        for place, each in asked.items():
            end = (pl.col(NUMBER) + pl.col(END) * pl.col(APART)).alias(f"{place}")
            numbers = numbers.join(self._numbers(place, each), on=BATCH, how="left").with_columns(end)
            numbers = numbers.drop(NUMBER, APART)
        questions = {
            place: {"type": BETWEEN, "kwargs": {"column": f"{place}", **_bounds(each)}} for place, each in asked.items()
        }
        numbers_alone = numbers.drop(BATCH, END)
        unmet = {place: questions[place] for place in self._unmet(questions, numbers_alone)}
        for odd in self._odd_rows(unmet, numbers_alone).values():
            yield set(numbers[BATCH].gather(odd))
        for place in asked:
            yield set(numbers.filter(pl.col(f"{place}").is_nan())[BATCH])

    def _numbers(self, place: int, asked: Expectation) -> pl.DataFrame:
        """What is asked of a batch as a whole, and how far what the gate computes may be from it.

        Of each batch that has rows of which it is asked; NaN where nobody can say.
        """
        column = asked["kwargs"].get("column", BATCH)
        number, apart = _number(asked["type"], column, self._rows.schema[column])
        rows = self._rows.select(sorted({BATCH, *self._columns[place]}))
        return self._fulfilling(place, asked, rows).group_by(BATCH).agg(number.alias(NUMBER), apart.alias(APART))

    def _fulfilling(self, place: int, asked: Expectation, rows: pl.DataFrame) -> pl.DataFrame:
        """Those of the rows of which an expectation asks, chosen as Great Expectations chooses them."""
        condition = asked["kwargs"].get("row_condition")
        if condition is None:
            return rows
        read = rows.select(self._columns[place]).to_pandas(use_pyarrow_extension_array=True)
        return rows[fulfilling(self._suite, condition, read)]

    def _with_odd_values(self, asked: Questions) -> Iterator[set[int]]:
        groups = _by_columns({place: self._columns[place] for place in asked})
        questions = {place: {**each, "kwargs": {**each["kwargs"], "mostly": 1}} for place, each in asked.items()}
        deciding = {
            columns: self._deciding(columns, [asked[place] for place in places]) for columns, places in groups.items()
        }
        unmet = self._unmet(questions, each_value.beside(deciding.values()))
        of_unmet = {columns: places for columns, places in groups.items() if {*places} & {*unmet}}
        values = {columns: self._rows.select(columns).unique() for columns in of_unmet}
        odd_rows = self._odd_rows({place: questions[place] for place in unmet}, each_value.beside(values.values()))
        for place, odd in odd_rows.items():
            of = next(values[columns] for columns, places in of_unmet.items() if place in places)
            yield self._with_too_many(asked[place], of[sorted({row % len(of) for row in odd})])

    def _deciding(self, columns: Sequence[str], asked: Sequence[Expectation]) -> pl.DataFrame:
        """Values by which it is decided whether expectations of some columns are met by all."""
        if all("column" in each["kwargs"] and "row_condition" not in each["kwargs"] for each in asked):
            return each_value.deciding_values(self._rows, asked)
        return self._rows.select(columns).unique()

    def _with_too_many(self, asked: Expectation, odd: pl.DataFrame) -> set[int]:
        """Batches with more rows of odd values than an expectation lets be."""
        counts = self._rows.join(odd, on=odd.columns, how="semi", nulls_equal=True).group_by(BATCH).agg(odd=pl.len())
        kwargs = asked["kwargs"]
        mostly = kwargs.get("mostly", 1)
        if mostly < 1 and "row_condition" not in kwargs and "column" in kwargs:
            n_asked = pl.len() if asked["type"].endswith("_null") else pl.col(kwargs["column"]).count()
            counts = counts.join(self._rows.group_by(BATCH).agg(asked=n_asked), on=BATCH)
            counts = counts.filter(1 - pl.col("odd") / pl.col("asked") < mostly + LAST_DIGITS)
        return set(counts[BATCH])

    def _odd_rows(self, questions: Questions, rows: pl.DataFrame) -> dict[int, list[int]]:
        """The places of the rows that do not meet what is asked, by question."""
        if questions and len(rows) > MOST_VALUES:
            raise _NotUnderstood
        found = self._asked(questions, rows, "COMPLETE")
        return {place: entry["result"]["unexpected_index_list"] for place, entry in found.items()}

    def _unmet(self, questions: Questions, rows: pl.DataFrame) -> list[int]:
        found = self._asked(questions, rows, "BOOLEAN_ONLY")
        return [place for place, entry in found.items() if not entry["success"]]

    def _asked(self, questions: Questions, rows: pl.DataFrame, told: Told) -> dict[int, dict[str, Any]]:
        """What Great Expectations finds of each question; nothing of those that are about none of the rows."""
        if not questions:
            return {}
        stated = [{**each, "severity": "critical", "meta": {PLACE: place}} for place, each in questions.items()]
        entries = judged(self._suite, stated, rows, told)["results"]
        if any(map(exceptions_of, entries)):
            raise _NotUnderstood
        return {entry["expectation_config"]["meta"][PLACE]: entry for entry in entries}


def _columns(asked: Expectation, schema: pl.Schema) -> frozenset[str]:
    """The columns that an expectation is about, its condition included, if it says nothing that is not understood."""
    kwargs = asked.get("kwargs")
    if not isinstance(kwargs, dict) or not kwargs.keys() <= ARGUMENTS:
        raise _NotUnderstood
    condition, mostly = kwargs.get("row_condition"), kwargs.get("mostly", 1)
    of_condition = frozenset() if condition is None else columns_asked(condition, schema.names())
    columns = frozenset(columns_of(kwargs))
    if of_condition is None or not columns <= schema.keys() or not (_is_number(mostly) and 0 <= mostly <= 1):
        raise _NotUnderstood
    return columns | of_condition


def _number(kind: str, column: str, dtype: pl.DataType) -> tuple[pl.Expr, pl.Expr]:
    """A number of a batch, and how far what the gate computes may be from it."""
    values, exact = pl.col(column).drop_nulls(), pl.lit(0.0)
    if not (dtype.is_integer() or dtype == pl.Float64):
        raise _NotUnderstood
    size = values.cast(pl.Float64).abs()
    # Of what is no number, and of whole numbers that have more digits than others, each library thinks in its own way.
    if dtype.is_integer():
        is_alike = (size.sum() if kind == MEAN else size.max()) < WHOLE_NUMBERS
    else:
        is_alike = values.is_not_nan().all()
    number = OF_BATCHES[kind](values).cast(pl.Float64).fill_null(NAN)
    apart = size.max().fill_null(0) * LAST_DIGITS if kind in ROUNDED else exact
    return pl.when(is_alike).then(number).otherwise(NAN), apart


def _bounds(asked: Expectation) -> dict[str, Any]:
    bounds = {name: asked["kwargs"][name] for name in BOUNDS if asked["kwargs"].get(name) is not None}
    if not all(_is_number(bounds.get(name, 0)) for name in ("min_value", "max_value")):
        raise _NotUnderstood
    return bounds


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _by_columns(asked: Mapping[int, frozenset[str]]) -> dict[tuple[str, ...], list[int]]:
    """Places of expectations by the columns that they name; those that share a column are together."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, columns in asked.items():
        named, places = {*columns}, [place]
        for other in [group for group in groups if named & {*group}]:
            named |= {*other}
            places += groups.pop(other)
        groups[tuple(sorted(named))] = places
    return groups
