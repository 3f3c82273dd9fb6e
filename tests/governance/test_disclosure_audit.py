"""The auditor of disclosure control, held against enumeration and against chains that were planted."""

import math
from fractions import Fraction
from itertools import product
from math import inf

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ons_assets.governance.disclosure import linear_programs
from ons_assets.governance.disclosure.attacker import Attacker
from ons_assets.governance.disclosure.audit import (
    Contradiction,
    Exposure,
    Figure,
    Interval,
    Limits,
    audit,
    exposures,
    intervals,
)
from ons_assets.governance.disclosure.linear_programs import End
from ons_assets.governance.disclosure.linear_system import linear_system
from tests.governance.enumeration import ranges

NO_SEARCH = Limits(whole_cells=0, swept_cells=0)


def exact(cells, value):
    return Figure.exact(tuple(cells), value, f"{'+'.join(map(str, cells))} is {value}")


def rounded(cells, value, unit):
    return Figure.rounded(tuple(cells), value, unit, f"{'+'.join(map(str, cells))} is about {value}")


def sums(table, groups):
    return [exact(group, sum(table[cell] for cell in group)) for group in groups if group]


def two_way(rows, columns, name=""):
    """Margins of a two-way table: groups of cells."""
    by_row = [[f"{name}{i}{j}" for j in range(columns)] for i in range(rows)]
    return [*by_row, *([row[j] for row in by_row] for j in range(columns))]


def three_way(*shape):
    """All two-way margins of a three-way table."""
    cells = list(product(*map(range, shape)))
    return [
        ["".join(map(str, cell)) for cell in cells if (*cell[:axis], *cell[axis + 1 :]) == kept]
        for axis in range(3)
        for kept in product(*(range(n) for i, n in enumerate(shape) if i != axis))
    ]


def periods(length, spans):
    return [[f"m{month}" for month in range(length) if first <= month < first + long] for first, long in spans]


@st.composite
def groups(draw):
    """Which sums of a few cells are released: margins, linked tables, overlapping periods."""
    kind = draw(st.sampled_from(["two-way", "three-way", "linked", "periods", "any"]))
    if kind == "two-way":
        return two_way(draw(st.integers(2, 3)), draw(st.integers(2, 4)))
    if kind == "three-way":
        return three_way(2, 2, draw(st.integers(2, 3)))
    if kind == "linked":
        # Two tables over the same areas: their row totals are the same figures, and one column is in both.
        first, second = two_way(2, 2), two_way(2, 2, "x")
        return [*first, *second, [*first[0], *second[0]], [first[1][1], second[1][0]]]
    if kind == "periods":
        return periods(7, draw(st.lists(st.tuples(st.integers(0, 5), st.integers(2, 6)), min_size=1, max_size=5)))
    cells = st.lists(st.sampled_from("abcdefg"), min_size=2, max_size=4, unique=True)
    return draw(st.lists(cells, min_size=2, max_size=6))


@st.composite
def releases(draw, round_some=True):
    """Figures of a small random table, some cells of which are withheld, and some figures of which are rounded."""
    released = draw(groups())
    cells = sorted({cell for group in released for cell in group})
    table = {cell: draw(st.integers(0, 3)) for cell in cells}
    shown = draw(st.lists(st.sampled_from(cells), max_size=len(cells) // 2, unique=True))
    figures = [*sums(table, released), *(exact([cell], table[cell]) for cell in shown)]
    if round_some:
        for i in draw(st.lists(st.integers(0, len(figures) - 1), max_size=2, unique=True)):
            unit = draw(st.sampled_from([2, 3, 5]))
            figures[i] = rounded(figures[i].cells, unit * round(figures[i].low / unit), unit)
    return figures


def interval_of(figures, cell, **options):
    [found] = intervals(figures, [cell], **options)
    return found.low, found.high


def check_sums(exposure: Exposure) -> None:
    """Add up the figures of a chain, and see that they show what the exposure says."""
    for derivation in exposure.derivations:
        if derivation.together:
            continue
        total, counted = Fraction(0), dict.fromkeys([exposure.cell], Fraction(0))
        for term in derivation.terms:
            assert term.figure.low <= term.value <= term.figure.high
            total += term.multiplier * Fraction(term.value)
            for cell in term.figure.cells:
                counted[cell] = counted.get(cell, Fraction(0)) + term.multiplier
        beside = {cell: often for cell, often in counted.items() if cell != exposure.cell}
        if derivation.end is End.LOW:
            assert exposure.low == math.ceil(total)
            assert counted[exposure.cell] <= 1
            assert all(often <= 0 for often in beside.values())
        else:
            assert exposure.high == math.floor(total)
            assert counted[exposure.cell] >= 1
            assert all(often >= 0 for often in beside.values())


# Against enumeration.


@settings(max_examples=80, deadline=None)
@given(figures=releases(), k=st.integers(2, 5))
# Without some of these lines a cell has no greatest value.
@example(figures=[exact(cells, 3) for cells in ("abc", "aeb", "bd", "abc", "bec")], k=3)
def test_intervals_and_exposures_are_those_of_all_tables_that_agree(figures, k):
    truth = ranges(figures)
    found = intervals(figures, [*truth])
    assert {each.cell: (each.low, each.high) for each in found} == truth
    assert all(each.is_exact for each in found)

    exposed = {cell for cell, (low, high) in truth.items() if 0 < low < k or 0 < high < k}
    told = audit(figures, k)
    assert {each.cell for each in told.exposures} == exposed
    assert not told.unsettled
    for each in told.exposures:
        assert (each.low, each.high) == truth[each.cell]
        check_sums(each)


@settings(max_examples=80, deadline=None)
@given(figures=releases(), seed=st.integers(0, 99))
def test_what_is_not_searched_for_is_an_outer_bound(figures, seed):
    truth = ranges(figures)
    line_by_line = Limits(whole_cells=0, swept_cells=0, linear_cells=0, sample=1, seed=seed)
    for limits, whole in ((NO_SEARCH, True), (NO_SEARCH, False), (line_by_line, True)):
        for each in intervals(figures, [*truth], whole=whole, limits=limits):
            low, high = truth[each.cell]
            assert each.low <= low + 1e-6
            assert each.high >= high - 1e-6
            assert not (whole and each.is_exact) or (each.low, each.high) == (low, high)


@settings(max_examples=40, deadline=None)
@given(figures=releases(), random=st.randoms(use_true_random=False))
def test_the_order_of_figures_does_not_matter(figures, random):
    shuffled = random.sample(figures, len(figures))
    cells = sorted({cell for figure in figures for cell in figure.cells})
    assert intervals(shuffled, cells) == intervals(figures, cells)
    assert {str(each.cell) for each in exposures(shuffled, 4)} == {str(each.cell) for each in exposures(figures, 4)}


@settings(max_examples=40, deadline=None)
@given(figures=releases())
def test_more_figures_never_tell_less(figures):
    cells = sorted({cell for figure in figures for cell in figure.cells})
    fewer = {each.cell: each for each in intervals(figures[:-1], cells)}
    for each in intervals(figures, cells):
        assert fewer[each.cell].low <= each.low <= each.high <= fewer[each.cell].high


# Chains that were planted.


def only(figures, k, cell, **options):
    [found] = exposures(figures, k, [cell], **options)
    check_sums(found)
    return found


def test_a_year_less_its_other_months():
    months = [f"A to B in month {month}" for month in range(1, 13)]
    released = [exact([month], 10 + i) for i, month in enumerate(months) if i != 2]
    year = Figure.exact(tuple(months), sum(10 + i for i in range(12) if i != 2) + 1, "A to B in 2014 is 165")
    found = only([*released, year], 5, months[2])
    assert (found.low, found.high) == (1, 1)
    assert found.chain[0] == "A to B in 2014 is 165"
    assert set(found.chain[1:-1]) == {f"less {each.said}" for each in released}
    assert found.chain[-1] == "so A to B in month 3 is 1"
    assert str(found).endswith("is 21: so A to B in month 3 is 1")


def test_the_whole_less_a_contract():
    figures = [
        Figure.exact(("prepaid", "contract"), 40, "flows: Acton to Bow is 40"),
        Figure.exact(("contract",), 37, "flows by contract: Acton to Bow, contract, is 37"),
    ]
    found = only(figures, 5, "prepaid")
    assert str(found) == (
        "flows: Acton to Bow is 40, less flows by contract: Acton to Bow, contract, is 37: so prepaid is 3"
    )


def test_a_district_that_lies_in_two_regions():
    # Old and new regions differ by district d alone.
    figures = [
        exact("abcd", 50),
        exact("abc", 48),
        exact("de", 9),
        exact("abcde", 57),
    ]
    found = only(figures, 5, "d")
    assert (found.low, found.high) == (2, 2)
    assert str(found) == "a+b+c+d is 50, less a+b+c is 48: so d is 2"


def test_periods_that_overlap():
    figures = [
        exact(["m1", "m2", "m3"], 30),
        exact(["m2", "m3", "m4"], 26),
        exact(["m4"], 12),
    ]
    found = only(figures, 20, "m1")
    assert str(found) == "m1+m2+m3 is 30, plus m4 is 12, less m2+m3+m4 is 26: so m1 is 16"


def test_vintages_that_differ_by_those_who_came_late():
    cells = ["on time", "late"]
    figures = [
        Figure.exact(("on time",), 100, "first edition is 100"),
        Figure.exact(tuple(cells), 103, "second edition is 103"),
    ]
    assert str(only(figures, 5, "late")) == "second edition is 103, less first edition is 100: so late is 3"


def test_multipliers_other_than_one_are_said():
    figures = [exact("ab", 5), exact("bc", 5), exact("ac", 4)]
    found = only(figures, 5, "a", whole=False)
    assert found.chain[-1] == "so a is 2"
    assert "1/2 times (a+b is 5)" in found.chain
    assert "less 1/2 times (b+c is 5)" in found.chain


def test_a_small_total_exposes_its_parts():
    found = only([exact("ab", 3)], 5, "a")
    assert found.chain == ("a+b is 3", "so a is at most 3, since no count is below zero")


def test_of_many_sums_that_show_it_a_short_one_is_told():
    table = np.arange(36).reshape(6, 6) + 5
    released = [exact([f"{i}{j}"], int(table[i, j])) for i, j in product(range(6), repeat=2) if (i + j) % 3]
    figures = [
        *sums({f"{i}{j}": int(table[i, j]) for i, j in product(range(6), repeat=2)}, two_way(6, 6)),
        *released,
        exact(["00", "33"], 31),
        exact(["33"], 26),
    ]
    found = only(figures, 6, "00")
    assert found.chain == ("00+33 is 31", "less 33 is 26", "so 00 is 5")


def test_very_many_released_cells_are_told_by_their_number():
    figures = [*(exact([cell], 2) for cell in range(20)), exact(range(21), 41)]
    found = only(figures, 2, 20)
    assert found.chain[1:] == ("less 20 cells that are released, together 40", "so 20 is 1")
    assert str(found).endswith(", less 20 cells that are released, together 40: so 20 is 1")


def test_cells_are_called_as_the_caller_says():
    found = only(
        [exact([("A", 3)], 2), exact([("A", 3), ("B", 4)], 5)], 5, ("B", 4), name=lambda cell: f"from {cell[0]}"
    )
    assert found.chain[-1] == "so from B is 3"


# The rule.


@pytest.mark.parametrize(
    ("others", "is_exposed"),
    [
        ([exact("ab", 3)], True),  # 0 to 3
        ([exact("ab", 5)], False),  # 0 to 5
        ([exact("ab", 0)], False),  # shown to be zero
        ([exact("ab", 9), exact("b", 2)], False),  # 7
        ([exact("ab", 9), exact("b", 9)], False),  # 0
        ([exact("ab", 9), exact("b", 5)], True),  # 4
        ([exact("ab", 9), Figure(("b",), 0, 6, "b is 6 at most")], True),  # 3 to 9
        ([Figure(("a", "b"), 9, inf, "a+b is 9 at least"), Figure(("b",), 0, 6, "b is 6 at most")], True),  # 3 or more
        ([Figure(("a", "b"), 9, inf, "a+b is 9 at least")], False),  # 0 or more
        ([exact("a", 4)], True),
        ([exact("a", 5)], False),
        ([exact("a", 0)], False),
    ],
)
def test_the_rule(others, is_exposed):
    assert bool(exposures(others, 5, ["a"])) == is_exposed


def test_a_released_small_cell_is_its_own_chain():
    [found] = exposures([exact("a", 4), exact("b", 6)], 5)
    assert found == Exposure("a", 4, 4, ("a is 4",))
    assert str(found) == "a is 4"


def test_cells_in_no_figure_are_not_bounded():
    assert intervals([exact("ab", 3)], ["z"]) == [Interval("z", 0, inf)]
    assert intervals([Figure(("a", "b"), 2, inf, "two at least")]) == [Interval("a", 0, inf), Interval("b", 0, inf)]


def test_released_cells_are_asked_for_by_name_only():
    figures = [exact("ab", 3), exact("a", 1)]
    assert intervals(figures) == [Interval("b", 2, 2)]
    assert intervals(figures, ["a", "b", "a"]) == [Interval("a", 1, 1), Interval("b", 2, 2)]


# Rounding.


def test_rounding_leaves_half_a_unit_either_way():
    assert interval_of([rounded("a", 10, 5)], "a") == (8, 12)
    assert interval_of([rounded("a", 10, 5)], "a", whole=False) == (7.5, 12.5)
    assert interval_of([rounded("a", 10, 10)], "a") == (5, 15)
    assert interval_of([rounded("a", 0, 5)], "a") == (0, 2)


def test_rounded_parts_of_an_exact_total():
    # 8 to 12 and 3 to 7 of 19: only 12 and 7 do.
    figures = [exact("ab", 19), rounded("a", 10, 5), rounded("b", 5, 5)]
    assert interval_of(figures, "a") == (12, 12)
    found = only(figures, 8, "b")
    assert (found.low, found.high) == (7, 7)
    assert found.chain == (
        "a+b is 19",
        "less a is about 10 (at most 12)",
        "so b is at least 7",
        "b is about 5 (at most 7)",
        "so b is at most 7",
    )


def test_a_rounded_cell_that_has_one_whole_number_is_known():
    assert intervals([Figure(("a",), 3.6, 4.4, "a is about 4")]) == [Interval("a", 4, 4)]


# Whole numbers where fractions are not enough.


def test_a_bound_of_a_fraction_is_rounded_inward_and_the_chain_says_so():
    figures = [exact("ab", 6), exact("bc", 3), Figure(("a", "c"), 4, 8, "a+c is 4 to 8")]
    assert interval_of(figures, "b", whole=False) == pytest.approx((0.5, 2.5))
    found = only(figures, 5, "b")
    assert (found.low, found.high) == (1, 2)
    assert any("0.5" in phrase and phrase.endswith("as a whole number 1") for phrase in found.chain)


def test_where_no_sum_shows_it_the_figures_are_told_that_do_together():
    # All three together count every cell twice and c once: c is odd.
    figures = [exact("bde", 6), exact("acdf", 8), exact("abef", 7), exact("xy", 9)]
    assert interval_of(figures, "c", limits=NO_SEARCH) == (0, 7)
    found = only(figures, 3, "c")
    assert (found.low, found.high) == (1, 7)
    assert found.chain == (
        "b+d+e is 6",
        "and a+c+d+f is 8",
        "and a+b+e+f is 7",
        "no counts that agree with all of these have c below 1, so c is at least 1",
    )


def test_a_search_that_is_given_up_leaves_an_outer_bound(monkeypatch):
    monkeypatch.setattr(linear_programs, "MOST_NODES", 0)
    random = np.random.default_rng(4)
    table = {"".join(map(str, cell)): int(random.integers(0, 4)) for cell in product(range(4), repeat=3)}
    figures = sums(table, three_way(4, 4, 4))
    for each in intervals(figures):
        assert each.low <= table[each.cell] <= each.high


# Contradictions.


def test_vintages_that_contradict_each_other_are_named():
    figures = [exact("ab", 7), exact("abc", 12), exact("c", 4), exact("de", 3), exact("a", 2)]
    with pytest.raises(Contradiction) as error:
        intervals(figures)
    assert set(error.value.said) == {"a+b is 7", "a+b+c is 12", "c is 4"}
    assert str(error.value).startswith("these figures contradict each other: a+b+c is 12; ")


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ([exact("a", 3), exact("a", 4), exact("b", 1)], {"a is 3", "a is 4"}),
        ([exact("ab", 3), exact("a", 4)], {"a+b is 3", "a is 4"}),
        ([exact("ab", 3), exact("ba", 4)], {"a+b is 3", "b+a is 4"}),
        ([exact("ab", 3), exact("a", 1), exact("b", 1)], {"a+b is 3", "a is 1", "b is 1"}),
        ([rounded("a", 10, 5), exact("a", 3)], {"a is about 10", "a is 3"}),
        ([exact("a", 3.5)], {"a is 3.5"}),
        ([exact("ab", 3), exact("bc", 3), exact("ac", 3)], {"a+b is 3", "b+c is 3", "a+c is 3"}),
        ([exact("ab", 9), exact("cd", 1), exact("ac", 4), exact("bd", 4)], {"a+b is 9", "a+c is 4", "b+d is 4"}),
        ([exact("ab", 9), exact("bc", 2), exact("a", 3), exact("z", 3)], {"a+b is 9", "b+c is 2", "a is 3"}),
    ],
)
def test_contradictions_name_no_more_figures_than_they_need(figures, said):
    for ask in (lambda: intervals(figures), lambda: exposures(figures, 5)):
        with pytest.raises(Contradiction) as error:
            ask()
        assert set(error.value.said) == said


def test_fractions_may_agree_where_whole_numbers_do_not():
    figures = [exact("ab", 3), exact("bc", 3), exact("ac", 3)]
    assert interval_of(figures, "a", whole=False) == pytest.approx((1.5, 1.5))


@settings(max_examples=60, deadline=None)
@given(figures=releases(round_some=False), which=st.integers(0, 99), by=st.integers(1, 3))
def test_a_revised_figure_is_found_wherever_it_contradicts(figures, which, by):
    old = figures[which % len(figures)]
    revised = [*figures, Figure.exact(old.cells, old.low + by, "revised")]
    with pytest.raises(Contradiction) as error:
        intervals(revised)
    said = {*error.value.said}
    assert "revised" in said
    # None can be left out: the rest agree.
    named = [figure for figure in revised if figure.said in said]
    for one in dict.fromkeys(said):
        assert ranges([figure for figure in named if figure.said != one] or [exact("z", 0)])


@pytest.mark.parametrize(
    ("low", "high", "cells"), [(2, 1, "a"), (-2, -1, "a"), (inf, inf, "a"), (math.nan, 1, "a"), (1, 1, "aa")]
)
def test_what_is_no_figure_is_refused(low, high, cells):
    with pytest.raises(ValueError, match=r"counted twice|no count lies"):
        Figure(tuple(cells), low, high, "nonsense")


# The solver.


def random_table(seed, size, share):
    random = np.random.default_rng(seed)
    table = {f"{i},{j}": int(random.integers(0, 30)) for i, j in product(range(size), repeat=2)}
    margins = [[f"{i},{j}" for j in range(size)] for i in range(size)]
    margins += [[f"{i},{j}" for i in range(size)] for j in range(size)]
    shown = [cell for cell in table if random.random() > share]
    return table, [*sums(table, margins), *(exact([cell], table[cell]) for cell in shown)]


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_a_hot_start_gives_what_a_fresh_model_gives(seed, whole):
    _, figures = random_table(seed, 9, 0.5)
    for component in linear_system(figures, whole).components:
        hot = Attacker(component, whole=whole)
        for cell, end in product(range(len(component.cells)), End):
            fresh = Attacker(component, whole=whole)
            assert hot.relaxed(cell, end) == pytest.approx(fresh.relaxed(cell, end), abs=1e-6)


def test_a_sample_of_a_large_component_is_solved_and_the_rest_bounded():
    table, figures = random_table(5, 12, 1.0)
    everything = {each.cell: each for each in intervals(figures)}
    limits = Limits(linear_cells=100, sample=10)
    few = intervals(figures, limits=limits)
    assert few == intervals(figures, limits=limits)
    assert 0 < sum(not each.is_exact for each in few) < len(table)
    for each in few:
        best = everything[each.cell]
        assert each.low <= best.low <= best.high <= each.high
        assert not each.is_exact or each == best
    assert all(each.is_exact for each in everything.values())


def test_exposures_of_a_large_component_are_those_of_a_small_one():
    _, figures = random_table(6, 12, 0.15)
    all_solved = {each.cell for each in exposures(figures, 15)}
    few_solved = audit(figures, 15, limits=Limits(linear_cells=0, sample=5, chains=2))
    found = {each.cell for each in few_solved.exposures}
    assert found <= all_solved <= found | {each.cell for each in few_solved.unsettled}
    without = [each for each in few_solved.exposures if "whose chains are given" in str(each)]
    assert 0 < len(without) < len(found)


@pytest.mark.parametrize("seed", range(2))
def test_the_rule_needs_no_interval_to_be_exact_and_gives_the_same(seed):
    random = np.random.default_rng(seed)
    table = {"".join(map(str, cell)): int(random.integers(0, 6)) for cell in product(range(5), repeat=3)}
    figures = sums(table, three_way(5, 5, 5))
    found = intervals(figures)
    assert all(each.is_exact for each in found)
    told = audit(figures, 4)
    assert {(each.cell, each.low, each.high) for each in told.exposures} == {
        (each.cell, each.low, each.high) for each in found if 0 < each.low < 4 or 0 < each.high < 4
    }
    assert not told.unsettled


def test_nothing_is_printed(capfd):
    exposures([exact("ab", 3), exact("bc", 4), exact("abc", 6)], 5)
    intervals([exact("bde", 6), exact("acdf", 8), exact("abef", 7)])
    assert capfd.readouterr() == ("", "")


# Counts that are not whole.


@pytest.mark.parametrize("size", [1e-1, 1.0, 1e4, 1e9])
def test_weighted_figures_of_any_size(size):
    random = np.random.default_rng(3)
    table = {f"{i}{j}": float(random.lognormal(0, 1) * size) for i, j in product(range(6), repeat=2)}
    shown = [cell for cell in table if random.random() < 0.6]
    everything = exact([*table], math.fsum(table.values()))
    figures = [*sums(table, two_way(6, 6)), everything, *(exact([cell], table[cell]) for cell in shown)]
    found = intervals(figures, whole=False)
    assert all(each.is_exact for each in found)
    for each in found:
        assert each.low <= table[each.cell] + 1e-6 * size
        assert each.high >= table[each.cell] - 1e-6 * size
    for each in exposures(figures, size, whole=False):
        for derivation in each.derivations:
            assert derivation.is_sound
            bound = each.low if derivation.end is End.LOW else each.high
            assert float(derivation.total) == pytest.approx(bound, rel=1e-9, abs=1e-6 * size)


@settings(max_examples=60, deadline=None)
@given(figures=releases(round_some=False), factor=st.sampled_from([0.1, 0.37, 2.5]))
def test_weighted_figures_have_the_intervals_of_counts_times_the_weight(figures, factor):
    weighted = [Figure.exact(figure.cells, figure.low * factor, figure.said) for figure in figures]
    cells = sorted({cell for figure in figures for cell in figure.cells})
    plain = intervals(figures, cells, whole=False)
    for each, other in zip(plain, intervals(weighted, cells, whole=False), strict=True):
        assume(each.is_exact)
        assert other.low == pytest.approx(each.low * factor, abs=1e-5)
        assert other.high == pytest.approx(each.high * factor, abs=1e-5)
