"""Conditions of rows: a row is chosen alone if it is chosen among others, where each is asked by itself."""

import polars as pl
import pytest

from ons_assets.lakehouse.row_conditions import columns_asked

ROWS = pl.DataFrame(
    {
        "x": [1.0, 9.0, None, float("nan"), -1.0, 9.0],
        "y": ["a", "b", "a", None, "x", "b"],
        "y z": ["a", "a", "b", "b", None, "a"],
        "index": [5, 4, 3, 2, 1, 0],
    }
)
OF_EACH_ROW = {
    'y == "a"': {"y"},
    "`y z` == 'a'": {"y z"},
    "y == 'x'": {"y"},
    "`y` in [\"a\", 'b'] and not (x > 5)": {"x", "y"},
    "x not in [1, -1]": {"x"},
    "(x > 5) & (y != 'b') | ~(x <= 1)": {"x", "y"},
    "0 < x < 10 or y == `y z`": {"x", "y", "y z"},
    "index > 3": {"index"},
    "x == x": {"x"},
}
OF_SEVERAL_ROWS = [
    "x > x.mean()",
    "y.duplicated()",
    "x.shift() > 0",
    "y in `y z`",
    "y not in `y z`",
    "y == [`y z`]",
    "ilevel_0 == 0",
    "1 / x > 0",
    "x > @limit",
    "x[0] > 1",
]
UNREADABLE = [
    "",
    "True",
    "y ==",
    'col("y") == "a"',
    "unknown > 1",
    "`y  z` == 1",
    None,
    7,
    {"column": "x"},
    "(" * 9_999,
]


@pytest.mark.parametrize("condition", OF_EACH_ROW)
def test_the_columns_of_a_condition_choose_the_same_rows_one_by_one(condition: str) -> None:
    columns = columns_asked(condition, ROWS.columns)
    assert columns == OF_EACH_ROW[condition]
    read = ROWS.select(sorted(columns)).to_pandas(use_pyarrow_extension_array=True)
    together = [*read.query(condition).index]
    assert together
    assert together == [place for place in range(len(read)) if len(read.iloc[[place]].query(condition))]


@pytest.mark.parametrize("condition", [*OF_SEVERAL_ROWS, *UNREADABLE], ids=lambda each: str(each)[:30])
def test_what_may_be_asked_of_several_rows_is_told(condition: object) -> None:
    assert columns_asked(condition, ROWS.columns) is None
