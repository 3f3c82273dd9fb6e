"""Expectations that ask the same of every value of a column: they are met if each different value meets them.

Great Expectations looks at values one by one, in Python. Of millions of rows about people a column has some hundred
different values, or some ten thousand; whether all are as they should be does not depend on how often each comes.
Coordinates are all different: but whether numbers lie between bounds, the least and the greatest of them decide.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from ons_assets.lakehouse.suites import Expectation

# Nothing else may be asked in this way: not how many rows there are, whether values repeat, or what their mean is.
OF_EACH_VALUE = frozenset(
    f"expect_column_values_to_{said}"
    for said in ("be_between", "be_in_set", "be_null", "match_regex", "not_be_in_set", "not_be_null", "not_match_regex")
)
# Of these the ends decide, if values have an order: what lies between two bounds has no gaps.
OF_ENDS = frozenset(f"expect_column_values_to_{said}" for said in ("be_between", "be_null", "not_be_null"))
ARGUMENTS = {"column", "min_value", "max_value", "strict_min", "strict_max", "value_set", "regex", "mostly"}


def divide(stated: Sequence[Expectation], schema: pl.Schema) -> tuple[list[Expectation], list[Expectation]]:
    """Return the expectations that ask the same of every value of one column, and the others.

    One that a share of the rows may miss is about rows, and so is one that is about some rows only.

    Parameters
    ----------
    stated
        With their names.
    schema
        Of the batch.
    """
    each = [expectation for expectation in stated if _is_of_each_value(expectation, schema)]
    return each, [expectation for expectation in stated if expectation not in each]


def _is_of_each_value(expectation: Expectation, schema: pl.Schema) -> bool:
    arguments = expectation["kwargs"]
    dtype = schema.get(arguments.get("column"))
    return (
        expectation["type"] in OF_EACH_VALUE
        and arguments.keys() <= ARGUMENTS
        and dtype is not None
        and not dtype.is_nested()
        and arguments.get("mostly", 1) == 1
    )


def deciding_values(rows: pl.DataFrame, expectations: Sequence[Expectation]) -> pl.DataFrame:
    """Return the values on which expectations about columns depend, null among them, side by side.

    Those are the different values of a column; of numbers and times of which nothing is asked but bounds, the least
    and the greatest, and what is no number.

    Parameters
    ----------
    rows
        A batch, not empty.
    expectations
        Of the first kind of `divide`.

    Returns
    -------
    pl.DataFrame
        As many rows as the column with most values has; those of the others come again. Values that stand in a row
        belong to no row of the batch together.
    """
    asked: dict[str, set[str]] = {}
    for expectation in expectations:
        asked.setdefault(expectation["kwargs"]["column"], set()).add(expectation["type"])
    values = [_ends(rows[name]) if kinds <= OF_ENDS else rows[name].unique() for name, kinds in asked.items()]
    return beside(each.to_frame() for each in values)


def beside(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Lay frames beside each other; rows of the shorter ones come again, in their order.

    Parameters
    ----------
    frames
        None of them without rows, and no two with a column of one name.
    """
    frames = [*frames]
    places = pl.int_range(max(map(len, frames), default=0), eager=True)
    return pl.concat([each[places % len(each)] for each in frames], how="horizontal") if frames else pl.DataFrame()


def _ends(column: pl.Series) -> pl.Series:
    """The least and the greatest of values, and null and what is no number if they are among them."""
    if not (column.dtype.is_numeric() or column.dtype.is_temporal()):
        return column.unique()
    value = pl.col(column.name)
    kinds = [value.min(), value.max(), value.filter(value.is_null()).first()]
    if column.dtype.is_float():
        kinds.append(value.filter(value.is_nan()).first())
    found = pl.concat([column.to_frame().select(kind) for kind in kinds]).to_series().unique()
    # Where a column has no null, or no value that is no number, what stands for it is null.
    return found if column.null_count() else found.drop_nulls()


def together(first: dict[str, Any], second: dict[str, Any], stated: Sequence[Expectation]) -> dict[str, Any]:
    """Return two results of Great Expectations as the one that it gives of both.

    Parameters
    ----------
    first, second
        As JSON; the first says which batch it was.
    stated
        The expectations of both in the order of the suite, with their names.
    """
    # The library goes from column to column, and says first what could not be evaluated.
    columns = list(dict.fromkeys(each["kwargs"].get("column") for each in stated))
    names = [each["meta"]["name"] for each in stated]

    def place(entry: dict[str, Any]) -> tuple[bool, int, int]:
        configuration = entry["expectation_config"]
        column, name = configuration["kwargs"].get("column"), configuration["meta"]["name"]
        is_evaluated = entry["exception_info"].get("raised_exception") is False
        return is_evaluated, columns.index(column), names.index(name)

    results = sorted([*first["results"], *second["results"]], key=place)
    met = sum(entry["success"] for entry in results)
    return {
        **first,
        "success": met == len(results),
        "results": results,
        "statistics": {
            "evaluated_expectations": len(results),
            "successful_expectations": met,
            "unsuccessful_expectations": len(results) - met,
            "success_percent": 100 * met / len(results),
        },
    }
