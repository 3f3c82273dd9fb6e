import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.flows.raking import Margin, rake


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(2, 6), columns=st.integers(2, 6))
def test_both_margins_are_met_and_the_odds_stay(seed, rows, columns):
    random = np.random.default_rng(seed)
    table, truth = random.uniform(1, 10, (rows, columns)), random.uniform(1, 10, (rows, columns))
    row, column = np.indices(table.shape)
    done = rake(
        table.ravel(),
        [Margin(row.ravel(), truth.sum(axis=1)), Margin(column.ravel(), truth.sum(axis=0))],
        rounds=2_000,
    )
    raked = done.values.reshape(table.shape)
    assert raked.sum(axis=1) == pytest.approx(truth.sum(axis=1))
    assert raked.sum(axis=0) == pytest.approx(truth.sum(axis=0))
    # Raking multiplies rows and columns, so cross products are what they were.
    ratio = raked[0, 0] * raked[1, 1] / (raked[0, 1] * raked[1, 0])
    assert ratio == pytest.approx(table[0, 0] * table[1, 1] / (table[0, 1] * table[1, 0]), rel=1e-6)
    assert done.worst_miss <= 1e-8
    assert done.unmet_groups == 0


def test_unknown_totals_and_records_outside_the_margin_stay():
    done = rake(np.array([1.0, 2.0, 3.0]), [Margin(np.array([0, 1, -1]), np.array([10.0, np.nan]))])
    assert done.values.tolist() == [10.0, 2.0, 3.0]


def test_a_total_without_records_is_counted():
    done = rake(np.array([0.0, 2.0]), [Margin(np.array([0, 1]), np.array([5.0, 4.0]))])
    assert done.values.tolist() == [0.0, 4.0]
    assert done.unmet_groups == 1


def test_margins_that_contradict_each_other_are_reported():
    one = np.array([0, 0])
    done = rake(np.array([1.0, 1.0]), [Margin(one, np.array([10.0])), Margin(one, np.array([20.0]))], rounds=20)
    assert done.worst_miss == pytest.approx(1.0)


def test_factors_can_be_bounded():
    done = rake(np.array([1.0, 1.0]), [Margin(np.array([0, 1]), np.array([100.0, 1.0]))], max_factor=4, rounds=5)
    assert done.values.tolist() == [4.0, 1.0]


@pytest.mark.parametrize(
    ("values", "group", "total", "message"),
    [
        ([-1.0], [0], [1.0], "not negative"),
        ([np.nan], [0], [1.0], "finite"),
        ([1.0], [0], [-1.0], "total is negative"),
        ([1.0, 2.0], [0], [1.0], "every record"),
    ],
)
def test_what_cannot_be_raked_says_so(values, group, total, message):
    with pytest.raises(ValueError, match=message):
        rake(np.array(values), [Margin(np.array(group), np.array(total))])
