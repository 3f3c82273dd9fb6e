"""Sums that are the same in any order, and what they are."""

import math

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from ons_assets.lakehouse.sums import ExactTotals, exact_mean, exact_sum, in_one_thread

# What tables hold: to 2 ** -60 in their last digit.
FIGURES = st.floats(-1e9, 1e9).map(lambda x: math.copysign(max(abs(x), 1e-2), x))


def total(values: list[float | None]) -> float:
    found: float = pl.DataFrame({"x": values}, schema={"x": pl.Float64()}).select(exact_sum("x")).item()
    return found


@settings(deadline=None)
@given(st.lists(FIGURES, max_size=60), st.randoms(use_true_random=False))
def test_the_sum_is_rounded_once_and_the_same_in_any_order(values, random):
    expected = math.fsum(values)
    assert total(values) == expected
    random.shuffle(values)
    assert total(values) == expected


def test_groups_and_windows_have_the_sums_of_their_rows():
    random = np.random.default_rng(1)
    frame = pl.DataFrame({"group": random.integers(0, 50, 5_000), "x": random.normal(size=5_000)})
    expected = {group: math.fsum(rows["x"]) for (group,), rows in frame.partition_by("group", as_dict=True).items()}
    assert dict(frame.group_by("group").agg(exact_sum("x")).rows()) == expected
    assert dict(frame.lazy().group_by("group").agg(exact_sum("x")).collect().rows()) == expected
    assert dict(frame.select("group", exact_sum("x").over("group")).rows()) == expected


def test_what_is_missing_counts_for_nothing_and_what_is_no_number_makes_none():
    assert total([]) == 0
    assert total([None, None]) == 0
    assert total([None, 0.1]) == 0.1
    assert math.isnan(total([math.nan, 1.0]))
    assert total([math.inf, 1.0]) == math.inf
    assert math.isnan(total([math.inf, -math.inf]))
    assert total([1e30, 1.0, 2e12]) == 1e30 + 2e12 + 1


def test_many_of_the_largest_terms_are_counted():
    assert total([2.0**40] * 100_000) == 100_000 * 2.0**40


def test_whole_numbers_and_single_precision_are_added_as_what_they_are():
    frame = pl.DataFrame({"whole": [1, 2], "single": pl.Series([0.1, 0.2], dtype=pl.Float32())})
    assert frame.select(exact_sum("whole")).item() == 3.0
    assert frame.select(exact_sum("single")).item() == math.fsum(np.array([0.1, 0.2], dtype=np.float32).tolist())


def test_the_mean_is_of_what_is_there():
    frame = pl.DataFrame({"x": [0.1, None, 0.2], "nothing": pl.Series([None] * 3, dtype=pl.Float64())})
    assert frame.select(exact_mean("x")).item() == math.fsum([0.1, 0.2]) / 2
    assert frame.select(exact_mean("nothing")).item() is None
    assert frame.select(exact_mean(pl.col("x") * 2)).item() == math.fsum([0.2, 0.4]) / 2


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_totals_are_the_same_however_the_terms_are_divided(rows, seed):
    random = np.random.default_rng(seed)
    terms = random.normal(scale=10, size=(rows, 3))
    totals = ExactTotals(2, 3)
    for part in np.array_split(random.permutation(terms), min(rows, 5)):
        totals.add(1, part)
    exact = [math.fsum(column) for column in terms.T]
    np.testing.assert_allclose(totals.values(), [[0.0] * 3, exact], rtol=0, atol=rows * 2.0**-60 + 1e-15)
    whole = ExactTotals(2, 3)
    whole.add(1, terms)
    assert np.array_equal(whole.values(), totals.values())


def test_totals_of_single_precision_are_rounded_once():
    terms = np.random.default_rng(2).random((10_000, 4), dtype=np.float32)
    totals = ExactTotals(1, 4)
    totals.add(0, terms)
    assert totals.values()[0].tolist() == [math.fsum(column) for column in terms.T.tolist()]


def test_linear_algebra_has_one_thread():
    with in_one_thread():
        within = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
    assert within
    assert set(within) == {1}
