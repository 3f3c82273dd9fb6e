"""The attack on a release with all earlier ones, held against an enumeration of all counts that agree."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ons_assets.catalogue.meters import AREA_OCCUPANCY
from ons_assets.catalogue.mobile import OPERATOR_FLOWS
from ons_assets.catalogue.mobile_tourism import TOURISM_VISITS
from ons_assets.catalogue.prices import ITEM_INDICES
from ons_assets.catalogue.tweets import MIGRATION_FLOWS
from ons_assets.governance.disclosure.figures import Figure
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.governance.disclosure.vintages import Learned, Vintage, attack
from tests.governance.enumeration import ranges

K = 3
YEAR = "year"
OTHERS = "others"
Counts = dict[str, int]


def version(number: int, months: Counts, told: set[str], year: int | None = None) -> Vintage:
    """A release of flows from A to B: of its months those that are told, and the year if that is."""
    rows = [("month", month, "A", "B", months[month]) for month in sorted(told - {YEAR})]
    if YEAR in told:
        rows.append(("year", "2014", "A", "B", sum(months.values()) if year is None else year))
    schema = {**dict.fromkeys(MIGRATION_FLOWS.key, pl.String()), "movers": pl.Int64()}
    return Vintage(f"release {number}", pl.DataFrame(rows, schema=schema, orient="row"))


def learned(new: Vintage, *earlier: Vintage) -> Learned:
    return attack(MIGRATION_FLOWS, new, earlier, K)


def is_small(value: int) -> bool:
    return 0 < value < K


def figures(vintage: Vintage, named: set[str], revised: set[str], label: str) -> list[Figure]:
    """What a release tells, in cells of a test's own: months that are named, revised ones apart, and others."""
    found = []
    for kind, period, _, _, count in vintage.rows.iter_rows():
        cells = [period] if kind == "month" else [*sorted(named), OTHERS]
        told = tuple(f"{label}{cell}" if cell in revised else cell for cell in cells)
        found.append(Figure.exact(told, count, f"{label} {period}"))
    return found


def small(told: list[Figure]) -> set[str] | None:
    """Cells of which something small follows, by enumeration; None if no counts agree."""
    found = ranges(told)
    if not found:
        return None
    return {cell.removeprefix("old ") for cell, ends in found.items() if any(map(is_small, ends))}


def months_named(*versions: Vintage) -> set[str]:
    return {period for each in versions for kind, period, *_ in each.rows.iter_rows() if kind == "month"}


def expected(new: Vintage, old: Vintage) -> bool:
    """Whether an attacker learns something small under the rule of docs/methods/disclosure_audit.md, by enumeration."""
    named = months_named(new, old)
    return any(_expected(new, old, named, of_old) for of_old in (named, months_named(old)))


def _expected(new: Vintage, old: Vintage, of_new: set[str], of_old: set[str]) -> bool:
    def together(revised: set[str]) -> set[str] | None:
        return small([*figures(new, of_new, set(), ""), *figures(old, of_old, revised, "old ")])

    now, then = ({row[1]: row[4] for row in each.rows.iter_rows() if row[0] == "month"} for each in (new, old))
    surely = {month for month in now.keys() & then.keys() if now[month] != then[month]}
    if (found := together(surely)) is not None:
        return bool(found)
    cells = {*then, *(cell for row in old.rows.iter_rows() if row[0] == YEAR for cell in (*of_old, OTHERS))}
    agreeing = [found for cell in cells - surely if (found := together(surely | {cell})) is not None]
    return bool(agreeing) and bool(set.intersection(*agreeing))


MONTHS = ["2014-01", "2014-02", "2014-03"]


@st.composite
def patterns(draw: st.DrawFn) -> set[str]:
    return set(draw(st.lists(st.sampled_from([*MONTHS, YEAR]), min_size=1, unique=True)))


# The year and one or two months: what leaves something to be learned.
mostly = st.sets(st.sampled_from(MONTHS), min_size=1, max_size=2).map(lambda told: told | {YEAR})
months = st.fixed_dictionaries({month: st.integers(0, 6) for month in MONTHS})


@given(months, mostly | patterns(), mostly | patterns())
@settings(max_examples=60, deadline=None)
def test_of_data_that_were_not_revised_every_subtraction_is_found(
    counts: Counts, first: set[str], second: set[str]
) -> None:
    old, new = version(1, counts, first), version(2, counts, second)
    assume(not learned(old).exposures and not learned(new).exposures)
    assume(first != second)
    assert bool(learned(new, old).exposures) == expected(new, old)


@given(months, st.dictionaries(st.sampled_from(MONTHS), st.integers(0, 6), min_size=1, max_size=2), mostly, mostly)
@settings(max_examples=60, deadline=None)
def test_of_revised_data_what_follows_whichever_cell_was_revised_is_found(
    before: Counts, revised: Counts, first: set[str], second: set[str]
) -> None:
    old, new = version(1, before, first), version(2, {**before, **revised}, second)
    assume(not learned(old).exposures and not learned(new).exposures)
    assert bool(learned(new, old).exposures) == expected(new, old)


@given(months, st.lists(patterns(), min_size=2, max_size=4))
@settings(max_examples=50, deadline=None)
def test_more_earlier_releases_never_tell_less(counts: Counts, told: list[set[str]]) -> None:
    *earlier, new = [version(number, counts, each) for number, each in enumerate(told, start=1)]
    assume(all(not learned(each).exposures for each in (*earlier, new)))
    assume(all(not learned(each, *earlier[:i]).exposures for i, each in enumerate(earlier)))
    if any(learned(new, each).exposures for each in earlier):
        assert learned(new, *earlier).exposures


def test_a_month_that_one_release_tells_and_another_withholds() -> None:
    counts = {"2014-03": 7, "2014-04": 2, "2014-05": 5, "2014-06": 4}
    first = version(1, counts, {"2014-03", "2014-06", YEAR})
    second = version(2, counts, {"2014-03", "2014-05", YEAR})
    assert not learned(first).exposures
    assert not learned(second).exposures
    found = learned(second, first)
    assert found.attacked == 6
    [chain] = [str(each) for each in found.exposures]
    assert "release 1: users in month, 2014-06, A, B are 4" in chain
    assert chain.endswith("is 2")


def test_a_month_that_came_since_does_not_follow_from_two_totals() -> None:
    old = version(1, {"2014-03": 7}, {"2014-03", YEAR})
    elsewhere = pl.DataFrame([("month", "2014-04", "A", "C", 5)], schema=old.rows.schema, orient="row")

    def april(movers: int) -> Vintage:
        told = version(2, {"2014-03": 7, "2014-04": movers}, {YEAR}).rows
        return Vintage("release 2", pl.concat([told, elsewhere]))

    assert not learned(april(2)).exposures
    assert [(each.low, each.high) for each in learned(april(2), old).exposures] == [(2, 2)]
    assert not learned(april(3), old).exposures


def test_a_month_that_was_withheld_and_revised_is_found_where_no_other_explains_it() -> None:
    old = version(1, {"2014-03": 7, "2014-04": 2, "2014-05": 5, "2014-06": 4}, {"2014-03", "2014-06", YEAR})
    new = version(2, {"2014-03": 7, "2014-04": 2, "2014-05": 9, "2014-06": 4}, {"2014-03", "2014-05", YEAR})
    assert not learned(old).exposures
    assert not learned(new).exposures
    [found] = learned(new, old).exposures
    assert (found.low, found.high) == (2, 2)


def test_three_releases_tell_what_no_two_of_them_do_though_a_month_was_revised_each_time() -> None:
    def release(number: int, told: str) -> Vintage:
        counts = {"2014-01": 10 * number, "2014-02": 2, "2014-03": 5, "2014-04": 4, "2014-05": 6}
        return version(number, counts, {"2014-01", told, YEAR})

    first, second, third = release(1, "2014-05"), release(2, "2014-04"), release(3, "2014-03")
    for new, old in ((second, first), (third, first), (third, second)):
        assert not learned(new, old).exposures
    [found] = learned(third, first, second).exposures
    assert (found.low, found.high) == (2, 2)


def test_a_revision_tells_nothing_of_months_that_stay_withheld() -> None:
    old = version(1, {"2014-03": 7, "2014-04": 2, "2014-05": 5}, {"2014-03", YEAR})
    new = version(2, {"2014-03": 9, "2014-04": 2, "2014-05": 5}, {"2014-03", YEAR})
    assert learned(new, old) == Learned(4)


def test_what_was_known_before_is_no_reason_to_refuse() -> None:
    """A threshold that was raised since does not bar every later release for ever."""
    old = version(1, {"2014-03": 4, "2014-04": 9}, {"2014-03", "2014-04", YEAR})
    new = version(2, {"2014-03": 4, "2014-04": 9}, {"2014-04"})
    assert not attack(MIGRATION_FLOWS, new, [old], 5).exposures


def test_a_release_that_tells_what_an_earlier_one_told_adds_nothing() -> None:
    counts = {"2014-03": 7, "2014-04": 2, "2014-05": 5, "2014-06": 4}
    first = version(1, counts, {"2014-03", "2014-06", YEAR})
    other = version(2, {**counts, "2014-03": 70, "2014-05": 50}, {"2014-03", "2014-05", YEAR})
    assert not learned(version(3, counts, {"2014-03", "2014-06", YEAR}), first, other).exposures


# --- numbers to a decimal, groups, and the rest --------------------------------------------------------


def flows(number: int, told: dict[tuple[str, str], float | None]) -> Vintage:
    rows = [("now", "one", "all", "all", *pair, devices) for pair, devices in told.items()]
    schema = {**dict.fromkeys(OPERATOR_FLOWS.key, pl.String()), "devices": pl.Float64()}
    return Vintage(f"release {number}", pl.DataFrame(rows, schema=schema, orient="row"))


@pytest.mark.parametrize(
    ("second", "is_learned"),
    [
        ({("A", "all"): 40.0, ("A", "C"): 8.1, ("A", "B"): None}, True),
        ({("A", "all"): 40.0, ("A", "B"): 30.2}, False),
        ({("A", "all"): 40.0, ("A", "B"): 30.3, ("A", "C"): 8.1}, False),
        ({("A", "all"): 48.0, ("A", "C"): 8.1}, False),
        ({("A", "all"): 40.0, ("A", "C"): 9.7}, False),
    ],
    ids=["withheld here, told there", "the same", "revised", "the sum revised", "what is left is of rounding"],
)
def test_a_flow_that_one_release_tells_and_another_withholds(
    second: dict[tuple[str, str], float | None], is_learned: bool
) -> None:
    first = flows(1, {("A", "all"): 40.0, ("A", "B"): 30.2})
    found = attack(OPERATOR_FLOWS, flows(2, second), [first], 5)
    assert bool(found.exposures) is is_learned
    if is_learned:
        [(low, high)] = {(each.low, each.high) for each in found.exposures}
        assert low == high == pytest.approx(1.7)


def visitors(number: int, k: float, devices: dict[str, float]) -> Vintage:
    """A release of visitors by country, told as coarsely as its threshold asks."""
    columns = {
        "operator": "north",
        "month": date(2014, 10, 1),
        "tourism": "inbound",
        "visit": "overnight",
        "counted": "visitors",
        "area": "all",
        "days_observed": 31,
    }
    counts = {**devices, "all": sum(devices.values())}
    rows = pl.DataFrame([{**columns, "country": country, "devices": n} for country, n in counts.items()])
    typed = rows.select(pl.col(name).cast(TOURISM_VISITS.schema[name]) for name in TOURISM_VISITS.column_names)
    return Vintage(f"release {number}", protect(TOURISM_VISITS, typed, Thresholds(k)).rows, k)


@pytest.mark.parametrize(("first", "second"), [(10, 20), (20, 10)])
def test_what_is_told_at_two_thresholds_is_known_better_than_of_either(first: float, second: float) -> None:
    """29 and 3: all lie in [30, 35) and the first in [25, 30), so the others are few, and there."""
    devices = {"FR": 29.0, "US": 3.0}
    old = visitors(1, first, devices)
    (exposure,) = attack(TOURISM_VISITS, visitors(2, second, devices), [old], second).exposures
    assert exposure.low <= 3 <= exposure.high <= 10
    assert attack(TOURISM_VISITS, visitors(2, first, devices), [old], first).exposures == ()


def test_no_more_is_said_of_two_thresholds_than_is_so() -> None:
    random = np.random.default_rng(7)
    found = 0
    for _ in range(150):
        names = ("FR", "US", "DE", "ES")[: random.integers(2, 5)]
        devices = {name: float(random.integers(1, 60)) for name in names}
        first, second = random.choice([10, 15, 20, 30], 2, replace=False)
        old, new = visitors(1, first, devices), visitors(2, second, devices)
        told = {*old.rows["country"], *new.rows["country"]}
        untold = sum(n for name, n in devices.items() if name not in told)
        for exposure in attack(TOURISM_VISITS, new, [old], second).exposures:
            assert exposure.low <= untold <= exposure.high <= second
            assert untold > 0
            found += 1
    assert found, "nothing was tried"


def homes(number: int, count: int | None, estimate: float | None) -> Vintage:
    row = {"area_code": "E1", "month": "2014-03", "measure": "vacant", "homes": count, "estimate": estimate}
    filled = {name: row.get(name) for name in AREA_OCCUPANCY.column_names}
    schema = {name: pl.String() if name == "month" else dtype for name, dtype in AREA_OCCUPANCY.schema.items()}
    return Vintage(f"release {number}", pl.DataFrame([filled], schema=schema))


def test_flows_as_a_whole_less_those_of_the_other_contracts() -> None:
    """The same period released once as a whole and once by contract: what is left is a contract that was withheld."""
    whole = flows(1, {("A", "B"): 40.0})
    contract, prepaid = (
        flows(2, {("A", "B"): devices}).rows.with_columns(contract=pl.lit(name))
        for name, devices in (("contract", 37.0), ("prepaid", 3.0))
    )
    found = attack(OPERATOR_FLOWS, Vintage("release 2", contract), [whole], 10)
    assert {(each.low, each.high) for each in found.exposures} == {(3.0, 3.0)}
    assert "all of now, one, all, all, A, B is 40" in str(found.exposures[0])
    everything = Vintage("release 2", pl.concat([contract, prepaid]))
    assert attack(OPERATOR_FLOWS, everything, [whole], 10).exposures == ()
    assert attack(OPERATOR_FLOWS, whole, [Vintage("release 0", contract)], 10).exposures


@pytest.mark.parametrize(("now", "is_learned"), [(20, False), (21, True), (19, True), (30, False), (None, False)])
def test_a_group_that_grew_by_few_tells_of_the_few(now: int | None, is_learned: bool) -> None:
    found = attack(AREA_OCCUPANCY, homes(2, now, 0.5), [homes(1, 20, 0.5)], 10)
    assert bool(found.exposures) is is_learned
    if is_learned:
        assert "the figures of the 1 by which they differ" in str(found.exposures[0])


def test_what_is_about_nobody_is_not_attacked() -> None:
    assert attack(ITEM_INDICES, Vintage("release 1", ITEM_INDICES.empty()), [], K) == Learned(None)
