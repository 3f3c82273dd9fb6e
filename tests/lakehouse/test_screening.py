"""Batches that are screened together: of those that are not suspected the gate finds nothing, each alone."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.lakehouse import gate, screening
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.screening import suspects
from ons_assets.lakehouse.suites import Expectation
from ons_assets.lakehouse.tables import Column, Sensitivity, Table
from tests.lakehouse.test_each_value import expect

VISITS = Table(
    name="test/visits",
    description="One visit.",
    columns=(
        Column("visit", pl.Int64(), "number of the visit"),
        Column("kind", pl.String(), "kind", nullable=True),
        Column("cost", pl.Float64(), "what it cost", nullable=True),
        Column("paid", pl.Float64(), "what was paid", nullable=True),
    ),
    key=("visit",),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:test",
    source="tests",
)
POUNDS = {"row_condition": 'kind == "pounds"', "condition_parser": "pandas"}
ASKED = {
    "columns": expect("table_columns_to_match_set", column_set=VISITS.column_names, exact_match=True),
    "rows": expect("table_row_count_to_be_between", min_value=2, max_value=6),
    "set": expect("column_values_to_be_in_set", column="kind", value_set=["pounds", "euros"]),
    "most of a set": expect("column_values_to_be_in_set", "info", column="kind", value_set=["pounds"], mostly=0.5),
    "most are there": expect("column_values_to_not_be_null", "info", column="kind", mostly=0.75),
    "form": expect("column_values_to_match_regex", column="kind", regex="^[a-z]+$"),
    "length": expect("column_value_lengths_to_be_between", column="kind", max_value=6),
    "range": expect("column_values_to_be_between", column="cost", min_value=0, max_value=9, strict_max=True),
    "most of a range": expect("column_values_to_be_between", "warning", column="cost", max_value=5, mostly=0.8),
    "range of some": expect("column_values_to_be_between", column="cost", max_value=5, **POUNDS),
    "most of some": expect("column_values_to_be_between", column="cost", max_value=5, mostly=0.5, **POUNDS),
    "median": expect("column_median_to_be_between", column="cost", min_value=1, max_value=5),
    "median of some": expect("column_median_to_be_between", column="cost", min_value=1, max_value=5, **POUNDS),
    "mean": expect("column_mean_to_be_between", column="cost", min_value=1, max_value=5),
    "least": expect("column_min_to_be_between", column="cost", min_value=0, max_value=2),
    "most": expect("column_max_to_be_between", column="cost", min_value=2, strict_min=True),
    "different": expect("column_unique_value_count_to_be_between", column="kind", min_value=1, max_value=2),
    "pair": expect(
        "column_pair_values_a_to_be_greater_than_b",
        column_A="cost",
        column_B="paid",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
    ),
    "not understood": expect("column_values_to_be_unique", column="visit"),
    "raises": expect("column_values_to_be_between", "info", column="kind", min_value=0, max_value=1),
}
amount = st.sampled_from([None, float("nan"), -1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 8.99, 9.0, 100.0])
visit = st.tuples(
    st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8]),
    st.sampled_from([None, "pounds", "pounds", "euros", "Yen", "roubles"]),
    amount,
    amount,
)
batch = st.lists(visit, min_size=1, max_size=7)


def suite(*expectations: Expectation) -> Suite:
    return Suite(VISITS.name, {"name": VISITS.name, "expectations": list(expectations)}, "0" * 64)


def rows(visits: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(visits, schema=VISITS.schema, orient="row")


GOOD = [(1, "pounds", 2.0, 1.0), (2, "euros", 3.0, None), (3, "pounds", 2.5, 2.5)]


@settings(max_examples=60, deadline=None)
@given(st.lists(batch, min_size=2, max_size=4), st.sets(st.sampled_from(sorted(ASKED)), min_size=1, max_size=4))
def test_of_a_batch_that_is_not_suspected_the_gate_finds_nothing(
    batches: list[list[tuple[Any, ...]]], asked: set[str]
) -> None:
    of = suite(*(ASKED[name] for name in sorted(asked)))
    frames = [rows(each) for each in batches]
    found = {place for place, each in enumerate(frames) if gate.audit(of, VISITS, each).failures}
    assert found <= suspects(of, VISITS, frames)


ODD = {
    "rows": GOOD[:1],
    "set": [(4, "yen", 2.0, None), *GOOD],
    "most of a set": [(4, "euros", 2.0, None), (5, "euros", 2.0, None), *GOOD],
    "most are there": [(4, None, 2.0, None), *GOOD[:1]],
    "form": [(4, "Pounds", 2.0, None), *GOOD],
    "length": [(4, "roubles", 2.0, None), *GOOD],
    "range": [(4, "euros", 9.0, None), *GOOD],
    "most of a range": [(4, "euros", 8.0, None), *GOOD],
    "range of some": [(4, "pounds", 8.0, None), *GOOD],
    "most of some": [(4, "pounds", 8.0, None), (5, "pounds", 8.0, None), (6, "pounds", 8.0, None), *GOOD],
    "median": [(4, "euros", 50.0, None), (5, "euros", 50.0, None)],
    "median of some": [(4, "pounds", 50.0, None), (5, "pounds", 50.0, None), *GOOD],
    "mean": [(4, "euros", 50.0, None), *GOOD],
    "least": [(4, "euros", -1.0, None), *GOOD],
    "most": [(4, "euros", 2.0, None)],
    "pair": [(4, "euros", 2.0, 2.5), *GOOD],
}


@pytest.mark.parametrize("name", ODD)
def test_the_odd_batch_alone_is_suspected_among_good_ones(name: str) -> None:
    of = suite(ASKED["columns"], ASKED[name])
    frames = [rows(GOOD), rows(ODD[name]), rows(GOOD)]
    assert gate.audit(of, VISITS, frames[1]).failures, "nothing is odd"
    assert suspects(of, VISITS, frames) == {1}


def test_some_odd_values_that_an_expectation_lets_be_make_no_suspect() -> None:
    of = suite(*(ASKED[name] for name in ("most of a set", "most are there", "most of a range")))
    some = rows(
        [*GOOD, (4, None, 8.0, None), (5, "pounds", None, None), (6, "euros", 1.0, None), (7, "pounds", 1.0, None)]
    )
    assert not gate.audit(of, VISITS, some).failures
    assert suspects(of, VISITS, [some, rows(GOOD), some]) == frozenset()


@pytest.mark.parametrize("visits", [[(1, "euros", 2.0, None)] * 2, [(None, "euros", 2.0, None)]])
def test_what_the_registry_says_is_screened_too(visits: list[tuple[Any, ...]]) -> None:
    of = suite(ASKED["set"])
    assert suspects(of, VISITS, [rows(GOOD), rows(GOOD), rows(visits)]) == {2}


@pytest.mark.parametrize("name", ["not understood", "raises"])
def test_what_cannot_be_asked_of_many_makes_all_suspected(name: str) -> None:
    assert suspects(suite(ASKED["set"], ASKED[name]), VISITS, [rows(GOOD)] * 3) == {0, 1, 2}


def test_a_suite_that_cannot_be_read_makes_all_suspected() -> None:
    unreadable = expect("column_values_to_be_in_set", column="kind", value_set=7)
    assert suspects(suite(unreadable), VISITS, [rows(GOOD)] * 2) == {0, 1}


def test_a_batch_alone_is_looked_at() -> None:
    assert suspects(suite(ASKED["set"]), VISITS, [rows(GOOD)]) == {0}


def test_a_batch_without_rows_is_looked_at() -> None:
    of = suite(ASKED["set"], expect("table_row_count_to_be_between", min_value=1))
    assert suspects(of, VISITS, [rows(GOOD), rows([]), rows(GOOD)]) == {1}
    assert suspects(of, VISITS, [rows([]), rows(GOOD)]) == {0, 1}


OF_OTHER_ROWS = {
    "above the mean": "cost > cost.mean()",
    "in the first row": "index == 0",
    "after another": "cost.shift() > 0",
    "among others": "cost in paid",
}


@pytest.mark.parametrize("condition", OF_OTHER_ROWS.values(), ids=OF_OTHER_ROWS)
@pytest.mark.parametrize("name", ["range of some", "median of some"])
def test_rows_that_are_chosen_by_other_rows_are_not_asked_together(name: str, condition: str) -> None:
    asked = {**ASKED[name], "kwargs": {**ASKED[name]["kwargs"], "row_condition": condition}}
    assert suspects(suite(ASKED["columns"], asked), VISITS, [rows(GOOD)] * 3) == {0, 1, 2}


NOT_UNDERSTOOD = {
    "what is told": expect("column_values_to_be_between", column="cost", max_value=5, result_format="BOOLEAN_ONLY"),
    "another column": expect("column_values_to_be_between", column="price", max_value=5),
    "the least of another": expect("column_min_to_be_between", column="price", min_value=5),
    "a text as a bound": expect("column_mean_to_be_between", column="cost", max_value="5"),
    "a parameter as a bound": expect("column_mean_to_be_between", column="cost", max_value={"$PARAMETER": "most"}),
    "a text as a share": expect("column_values_to_be_between", column="cost", max_value=5, mostly="0.5"),
    "too large a share": expect("column_values_to_be_between", column="cost", max_value=5, mostly=2),
    "no condition": expect("column_median_to_be_between", column="cost", max_value=5, row_condition="kind =="),
    "no column of it": expect("column_median_to_be_between", column="cost", max_value=5, row_condition="price > 1"),
    "texts against numbers": expect(
        "column_median_to_be_between", column="cost", max_value=5, row_condition="kind > 1"
    ),
    "no arguments": {"type": "expect_column_values_to_be_between", "severity": "critical"},
}


@pytest.mark.parametrize("asked", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
def test_a_suite_that_says_what_is_not_understood_makes_all_suspected(asked: Expectation) -> None:
    assert suspects(suite(ASKED["set"], asked), VISITS, [rows(GOOD)] * 2) == {0, 1}


def of_type(dtype: pl.DataType, *batches: list[Any]) -> tuple[Table, list[pl.DataFrame]]:
    table = replace(VISITS, columns=(VISITS.columns[0], Column("value", dtype, "value", nullable=True)))
    columns = [{"visit": [*range(len(values))], "value": values} for values in batches]
    return table, [pl.DataFrame(each, schema=table.schema) for each in columns]


WHOLE = 2**53
ODD_TYPES = {
    "long numbers, most": (
        expect("column_max_to_be_between", column="value", max_value=WHOLE),
        pl.Int64(),
        WHOLE + 1,
        1,
    ),
    "long numbers": (expect("column_values_to_be_between", column="value", max_value=WHOLE), pl.Int64(), WHOLE + 1, 1),
    "decimal numbers": (
        expect("column_max_to_be_between", column="value", max_value=0.3),
        pl.Decimal(9, 2),
        Decimal("0.3"),
        Decimal("0.1"),
    ),
}


@pytest.mark.parametrize("name", ODD_TYPES)
def test_numbers_are_held_against_bounds_as_the_gate_does(name: str) -> None:
    asked, dtype, odd, good = ODD_TYPES[name]
    table, batches = of_type(dtype, [good], [odd], [good])
    assert gate.audit(suite(asked), table, batches[1]).failures, "nothing is odd"
    assert 1 in suspects(suite(asked), table, batches)


def test_lists_are_not_counted() -> None:
    asked = expect("column_unique_value_count_to_be_between", column="value", max_value=1)
    table, batches = of_type(pl.List(pl.Float64()), [[1.0]], [[1.0]])
    assert suspects(suite(asked), table, batches) == {0, 1}


def test_zeros_are_counted_by_the_gate() -> None:
    asked = expect("column_unique_value_count_to_be_between", column="cost", max_value=1)
    zeros = rows([(1, None, 0.0, None), (2, None, -0.0, None)])
    assert gate.audit(suite(asked), VISITS, zeros).failures
    assert 0 in suspects(suite(asked), VISITS, [zeros, rows(GOOD)])


@given(
    st.lists(
        st.lists(st.sampled_from([-3.3, 0.1, 0.2, 0.3, -0.3, 1e16, 1.0, -1e16]), min_size=1), min_size=2, max_size=5
    )
)
@settings(max_examples=40, deadline=None)
def test_a_mean_next_to_its_bound_is_looked_at(costs: list[list[float]]) -> None:
    of = suite(expect("column_mean_to_be_between", column="cost", min_value=0, max_value=0.2))
    frames = [rows([(visit, None, cost, None) for visit, cost in enumerate(each)]) for each in costs]
    found = {place for place, each in enumerate(frames) if gate.audit(of, VISITS, each).failures}
    assert found <= suspects(of, VISITS, frames)


def test_one_column_may_be_both_of_a_pair() -> None:
    asked = expect("column_pair_values_a_to_be_greater_than_b", column_A="cost", column_B="cost", or_equal=True)
    assert suspects(suite(asked), VISITS, [rows(GOOD)] * 2) == frozenset()


def test_odd_ones_among_too_many_values_are_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    of, frames = suite(ASKED["range of some"]), [rows(GOOD), rows(ODD["range of some"]), rows(GOOD)]
    assert suspects(of, VISITS, frames) == {1}
    monkeypatch.setattr(screening, "MOST_VALUES", 3)
    assert suspects(of, VISITS, frames) == {0, 1, 2}
