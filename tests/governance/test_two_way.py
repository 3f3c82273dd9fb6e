"""Nothing small can be learnt from a released table: not by reading, adding up, or solving its equations."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from ons_assets.governance.disclosure.audit import Figure, exposures
from ons_assets.governance.disclosure.two_way import bridges, protect

K = 5.0
DOUBT = 1.0
# Two cycles of withheld numbers, joined by one in whose row and column all else is withheld or zero.
TWO_CYCLES_AND_A_BRIDGE = np.array(
    [
        [0.0, 0.0, 17.9, 0.0],
        [0.0, 0.0, 11.2, 0.0],
        [0.0, 2.7, 0.0, 57.4],
        [0.0, 0.0, 101.6, 0.0],
        [0.0, 0.0, 1.6, 9.1],
    ]
)


@st.composite
def tables(draw, biggest=6):
    rows, columns = draw(st.integers(1, biggest)), draw(st.integers(1, biggest))
    random = np.random.default_rng(draw(st.integers(0, 100_000)))
    kind = draw(st.sampled_from(["small", "mixed", "sparse", "large"]))
    mean = {"small": 3, "mixed": 8, "sparse": 20, "large": 60}[kind]
    table = np.round(random.exponential(mean, (rows, columns)), 1)
    if kind == "sparse":
        table[random.random(table.shape) < 0.6] = 0
    return table


def what_an_attacker_knows(made):
    """Lowest and highest value of every withheld number that fits all that is released."""
    unknown = {tuple(at): number for number, at in enumerate(np.argwhere(made.withheld))}
    equations, sums = [], []
    for table, transposed in ((made.values, False), (made.values.T, True)):
        for line in range(table.shape[0]):
            equation, total = np.zeros(len(unknown)), 0.0
            for place in range(table.shape[1]):
                at = (place, line) if transposed else (line, place)
                sign = -1.0 if place == table.shape[1] - 1 else 1.0
                if at in unknown:
                    equation[unknown[at]] = sign
                else:
                    total -= sign * table[line, place]
            equations.append(equation)
            sums.append(total)
    bounds = {}
    for at, number in unknown.items():
        aim = np.zeros(len(unknown))
        aim[number] = 1.0
        low = linprog(aim, A_eq=np.array(equations), b_eq=sums, bounds=(0, None))
        high = linprog(-aim, A_eq=np.array(equations), b_eq=sums, bounds=(0, None))
        bounds[at] = (low.fun, -high.fun if high.success else np.inf)
    return bounds


@settings(max_examples=60, deadline=None)
@given(table=tables(biggest=5))
@example(table=TWO_CYCLES_AND_A_BRIDGE)
def test_no_withheld_number_follows_from_what_is_released(table):
    made = protect(table, K, DOUBT)
    for at, (low, high) in what_an_attacker_knows(made).items():
        assert high - low > 1e-6, (table.tolist(), at)


@settings(max_examples=80, deadline=None)
@given(table=tables())
@example(table=TWO_CYCLES_AND_A_BRIDGE)
def test_nothing_below_k_is_released_nor_left_over(table):
    made = protect(table, K, DOUBT)
    released = made.values[~made.withheld]
    assert np.all((released == 0) | (released >= K))
    for values, withheld in ((made.values, made.withheld), (made.values.T, made.withheld.T)):
        for line, hidden in zip(values, withheld, strict=True):
            left = line[:-1][hidden[:-1]]
            if hidden[-1] or not len(left):
                continue
            assert len(left) >= 2
            assert left.sum() >= K
            assert left.sum() - left.max() >= min(DOUBT, left.sum()) - 1e-9
    assert not bridges(made.withheld) or made.withheld[made.values > 0].all()


@settings(max_examples=50, deadline=None)
@given(table=tables())
def test_totals_are_those_of_the_table_and_large_tables_are_whole(table):
    made = protect(table, K, DOUBT)
    assert made.values[-1, -1] == pytest.approx(table.sum())
    assert made.values[:-1, -1] == pytest.approx(table.sum(axis=1))
    whole = protect(table + K, K, DOUBT)
    assert not whole.withheld.any()


@given(table=tables())
@settings(max_examples=50, deadline=None)
def test_the_auditor_learns_nothing_small_from_a_table_and_its_totals(table):
    made = protect(table, K, DOUBT)
    figures = []
    for i, j in np.argwhere((made.values > 0) & ~made.withheld).tolist():
        rows = range(table.shape[0]) if i == table.shape[0] else (i,)
        columns = range(table.shape[1]) if j == table.shape[1] else (j,)
        cells = tuple((row, column) for row in rows for column in columns if made.values[row, column] > 0)
        figures.append(Figure.exact(cells, made.values[i, j], f"{i}, {j}"))
    assert exposures(figures, K, whole=False) == []


def test_a_small_number_on_a_cycle_of_small_ones_cannot_be_bounded_below_k():
    """Each of the four can be moved by two only: they are on a cycle, and all known to be below 10."""
    made = protect(np.array([[1.0, 2.0, 90.0], [2.0, 1.0, 90.0], [90.0, 90.0, 90.0]]), 10, 1)
    assert made.withheld[:2, :2].all()
    assert made.withheld.sum() > 4


def test_one_small_flow_takes_others_with_it():
    made = protect(np.array([[3.0, 20.0, 30.0], [40.0, 50.0, 60.0], [70.0, 80.0, 90.0]]), K, DOUBT)
    assert made.primary.sum() == 1
    assert sorted(map(tuple, np.argwhere(made.withheld).tolist())) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_a_table_below_k_is_withheld_as_a_whole():
    made = protect(np.array([[1.0, 2.0]]), K, DOUBT)
    assert made.withheld.tolist() == [[True, True, True], [True, True, True]]


def test_nothing_gives_nothing():
    made = protect(np.zeros((0, 0)), K, DOUBT)
    assert made.values.tolist() == [[0.0]]
    assert not made.withheld.any()


@pytest.mark.parametrize("wrong", [-1.0, float("nan")])
def test_counts_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="negative or not a number"):
        protect(np.array([[wrong]]), K, DOUBT)


def test_bridges_by_hand():
    # Two squares joined by one number, which alone is a bridge.
    table = np.zeros((4, 4), dtype=bool)
    table[:2, :2] = table[2:, 2:] = True
    assert bridges(table) == []
    table[1, 2] = True
    assert bridges(table) == [(1, 2)]
    assert sorted(bridges(np.array([[True, True], [False, True]]))) == [(0, 0), (0, 1), (1, 1)]
