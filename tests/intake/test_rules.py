from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.intake.rules import Rule, first_fault, missing, outside, repeats


def reasons(rows: list[tuple[str, int]], contradicting: str = "none") -> list[str | None]:
    frame = pl.DataFrame(rows, schema=["key", "value"], orient="row").with_row_index("line", offset=2)
    return repeats(frame.cast({"line": pl.Int64()}), ["key"], contradicting).to_list()  # type: ignore[arg-type]


def test_a_row_that_comes_again_repeats_the_first() -> None:
    assert reasons([("a", 1), ("b", 1), ("a", 1), ("a", 1)]) == [None, None, "repeats line 2", "repeats line 2"]


@pytest.mark.parametrize(
    ("contradicting", "expected"),
    [
        ("none", ["contradicts line 3", "contradicts line 2", None]),
        ("first", [None, "contradicts line 2", None]),
        ("last", ["contradicts line 3", None, None]),
    ],
)
def test_of_rows_that_contradict_each_other_the_layout_says_which_is_kept(
    contradicting: str, expected: list[str | None]
) -> None:
    assert reasons([("a", 1), ("a", 2), ("b", 1)], contradicting) == expected


def oracle(rows: list[tuple[str, int]], contradicting: str) -> set[int]:
    """Places of the rows that are kept, found the slow way."""
    kept = set()
    for key in {key for key, _ in rows}:
        places = [place for place, row in enumerate(rows) if row[0] == key]
        first_of_saying = {}
        for place in places:
            first_of_saying.setdefault(rows[place][1], place)
        sayings = list(first_of_saying)
        if len(sayings) == 1 or contradicting == "first":
            kept.add(first_of_saying[sayings[0]])
        elif contradicting == "last":
            kept.add(first_of_saying[rows[places[-1]][1]])
    return kept


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), max_size=12),
    st.sampled_from(["first", "last", "none"]),
)
def test_what_is_kept_is_what_an_oracle_keeps(rows: list[tuple[str, int]], contradicting: str) -> None:
    found = reasons(rows, contradicting)
    assert {place for place, reason in enumerate(found) if reason is None} == oracle(rows, contradicting)
    for place, reason in enumerate(found):
        if reason is not None:
            other = int(reason.rsplit(" ", 1)[1]) - 2
            assert other != place
            assert rows[other][0] == rows[place][0]
            assert (rows[other] == rows[place]) == reason.startswith("repeats")


def test_null_is_a_value_of_a_key_like_any_other() -> None:
    frame = pl.DataFrame({"line": [2, 3], "key": [None, None], "value": [1, 1]})
    assert repeats(frame, ["key"]).to_list() == [None, "repeats line 2"]


def test_the_first_rule_that_holds_is_told() -> None:
    rules = [missing("a", "a is missing"), outside("b", 0, 1, "b is outside"), Rule(pl.col("a") > 2, "a is large")]
    rows = pl.DataFrame(
        list(product([None, 1, 3], [None, 0.5, 2.0])), schema={"a": pl.Int64, "b": pl.Float64}, orient="row"
    )
    assert rows.select(first_fault(rules)).to_series().to_list() == [
        *["a is missing"] * 3,
        *[None, None, "b is outside"],
        *["a is large", "a is large", "b is outside"],
    ]


def test_a_rule_says_what_null_means() -> None:
    row = pl.DataFrame({"a": [None]}, schema={"a": pl.Int64})
    assert row.select(first_fault([Rule(pl.col("a") > 1, "is large")])).item() is None
    assert row.select(first_fault([Rule(pl.col("a") > 1, "is large", null_is_fault=True)])).item() == "is large"
