"""What leaves by the disclosure step: nothing small, and nothing from which something small follows."""

import itertools
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ons_assets.catalogue import CATALOGUE
from ons_assets.catalogue.governance import DISCLOSURE_AUDIT
from ons_assets.catalogue.meters import AREA_OCCUPANCY
from ons_assets.catalogue.mobile import EVENT_QUALITY
from ons_assets.catalogue.shared_units import SHARED_UNITS, shared_with
from ons_assets.catalogue.tweets import MIGRATION_COMPARISON, MIGRATION_FLOWS
from ons_assets.definitions import build_definitions
from ons_assets.governance.disclosure import counts
from ons_assets.governance.disclosure.account import disclosure_audit
from ons_assets.governance.disclosure.audit import Audit, Figure, Interval, exposures
from ons_assets.governance.disclosure.counts import withheld
from ons_assets.governance.disclosure.published_figures import figures_of
from ons_assets.governance.disclosure.step import Exposed, Thresholds, protect
from ons_assets.governance.disclosure.sums import Equation
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.blurring import Perturbed, Rounded, uniform_noise
from ons_assets.lakehouse.disclosure import (
    Account,
    Counts,
    Exempt,
    Groups,
    OfReleased,
    Shares,
    needs_step,
    units_that_change,
)
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.publication import publish
from ons_assets.lakehouse.staging import Unprotected
from ons_assets.lakehouse.tables import Sensitivity, Table
from ons_assets.meters.areas.small_area import area_occupancy
from ons_assets.settings import Settings

K, ALL = 3, -1
MONTHS = [f"2014-{month:02}" for month in range(1, 13)]
PAIRS = [("A", "B"), ("A", "C"), ("B", "A")]


def flows(movers: dict[tuple[str, str, str], int]) -> pl.DataFrame:
    """Rows of `tweets/migration_flows` of movers by month, origin and destination, and of their years."""
    rows = [("month", *cell, count) for cell, count in movers.items()]
    names = ["period_type", "period", "origin", "destination", "movers"]
    months = pl.DataFrame(rows, schema=dict(zip(names, [*[pl.String()] * 4, pl.Int64()], strict=True)), orient="row")
    years = months.group_by("origin", "destination", pl.col("period").str.head(4)).agg(pl.col("movers").sum())
    both = pl.concat([months, years.select(pl.lit("year").alias("period_type"), *names[1:])])
    figures = {"flow": pl.col("movers") * 50.0, "flow_low": pl.lit(0.0), "flow_high": pl.col("movers") * 90.0}
    return both.with_columns(**figures, weighted_by=pl.lit("area"))


def attacked(told: pl.DataFrame) -> list[str]:
    """What somebody learns who has only the released rows, and takes every month that has none for unknown."""
    figures = []
    for kind, period, origin, destination, count in told.select(
        "period_type", "period", "origin", "destination", "movers"
    ).iter_rows():
        months = MONTHS if kind == "year" else [period]
        cells = tuple((month, origin, destination) for month in months)
        figures.append(Figure.exact(cells, count, f"{origin} to {destination} in {period} is {count}"))
    return [str(exposure) for exposure in exposures(figures, K)]


def test_a_month_does_not_follow_from_its_year() -> None:
    found = protect(
        MIGRATION_FLOWS,
        flows({("2014-03", "A", "B"): 3, ("2014-06", "A", "B"): 1, ("2014-03", "A", "C"): 1, ("2014-07", "A", "C"): 1}),
        Thresholds(K),
    )
    assert found.rows.select("period", "origin", "destination", "movers").rows() == [("2014", "A", "B", 4)]
    assert attacked(found.rows) == []
    assert found.account == Account("users", K, cells=6, primary=4, secondary=1, kept_share=0)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(MONTHS), st.sampled_from(PAIRS)).map(lambda cell: (cell[0], *cell[1])),
        st.integers(1, 9),
        min_size=1,
    )
)
@settings(max_examples=80, deadline=None)
def test_nobody_learns_of_few_movers_from_what_is_released(movers: dict[tuple[str, str, str], int]) -> None:
    raw = flows(movers)
    found = protect(MIGRATION_FLOWS, raw, Thresholds(K))
    assert attacked(found.rows) == []
    assert found.rows.is_empty() or found.rows["movers"].min() >= K
    # What is told is true, and nothing is withheld where nothing is small.
    assert found.rows.join(raw, on=raw.columns, how="anti").is_empty()
    if min(movers.values()) >= K:
        assert len(found.rows) == len(raw)
    withheld = len(raw) - len(found.rows)
    assert found.account.primary + found.account.secondary == withheld


NOISE = Perturbed(uniform_noise(2), "keys")
# How what is told is blurred, and by how much at most.
BLURS = [(Rounded(5), 2.5), (Rounded(2), 1), (Rounded(5, controlled=True), 4), (NOISE, 2)]


@pytest.mark.parametrize(("blur", "most"), BLURS, ids=["to 5", "to 2", "controlled", "noise"])
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(MONTHS[:4]), st.sampled_from(PAIRS)).map(lambda cell: (cell[0], *cell[1])),
        st.integers(1, 30),
        min_size=1,
    ),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_nobody_is_certain_of_few_movers_where_what_is_told_is_blurred(
    blur: Rounded | Perturbed, most: float, movers: dict[tuple[str, str, str], int], random: Random
) -> None:
    assert isinstance(MIGRATION_FLOWS.disclosure, Counts)
    table = replace(MIGRATION_FLOWS, disclosure=replace(MIGRATION_FLOWS.disclosure, blurred=blur))
    raw = flows(movers)
    raw = raw.with_columns(keys=pl.Series([random.randrange(256) for _ in range(len(raw))]))
    told = protect(table, raw, Thresholds(K)).rows
    assert told.is_empty() or told["movers"].min() >= K
    truth = told.join(raw, on=["period", "origin", "destination"], suffix="_true")
    assert ((truth["movers"] - truth["movers_true"]).abs() <= most).all()
    assert truth.is_empty() or truth["movers_true"].min() >= K
    # Even to one who knows which other months have none, no year less its months says that somebody moved.
    years = told.filter(period_type="year").select("origin", "destination", year="movers")
    pairs = raw.filter(period_type="month").join(
        told, on=["period", "origin", "destination"], how="left", suffix="_told"
    )
    hidden = pairs.group_by("origin", "destination").agg(
        hidden=pl.col("movers_told").is_null().sum(), told=(pl.col("movers_told") + most).sum()
    )
    alone = hidden.filter(hidden=1).join(years, on=["origin", "destination"])
    certain = (alone["year"] - most).clip(lower_bound=K) - alone["told"]
    assert ((certain <= 0) | (certain >= K)).all()


@pytest.mark.parametrize(
    "blur", [None, Rounded(10), Rounded(10, controlled=True)], ids=["exact", "to 10", "controlled"]
)
def test_what_is_told_does_not_hang_on_the_order_of_rows(blur: Rounded | None) -> None:
    """Equal numbers, each in the middle of two multiples: told in another way each time, they would tell themselves."""
    assert isinstance(MIGRATION_FLOWS.disclosure, Counts)
    table = replace(MIGRATION_FLOWS, disclosure=replace(MIGRATION_FLOWS.disclosure, blurred=blur))
    movers = {(month, *pair): 5 if month < "2014-09" else 15 for month in MONTHS for pair in PAIRS}
    raw = flows({**movers, ("2014-03", "A", "B"): 1})
    told = [
        protect(table, raw.sample(fraction=1, shuffle=True, seed=seed), Thresholds(K)).rows.sort(*table.key)
        for seed in range(6)
    ]
    assert all(each.equals(told[0]) for each in told)
    assert len(told[0]) > 3


def test_rounding_withholds_less_than_exact_numbers_do() -> None:
    cells = {(month, *pair): 40 for month in MONTHS for pair in PAIRS} | {("2014-03", "A", "B"): 1}
    kept = []
    for blur in (None, Rounded(5)):
        assert isinstance(MIGRATION_FLOWS.disclosure, Counts)
        table = replace(MIGRATION_FLOWS, disclosure=replace(MIGRATION_FLOWS.disclosure, blurred=blur))
        kept.append(protect(table, flows(cells), Thresholds(K)).account)
    assert (kept[0].secondary, kept[1].secondary) == (1, 0)


def test_noise_goes_with_the_units() -> None:
    """The same units have the same noise in every table, and all noise between the ends is as likely."""
    blur = NOISE
    keys = pl.Series(range(256))
    noise = blur.told(pl.Series([100] * 256), keys) - 100
    assert noise.min() == -2
    assert noise.max() == 2
    assert noise.value_counts()["count"].to_list() == pytest.approx([51, 51, 51, 51, 52], abs=1)
    assert (blur.told(pl.Series([7] * 256), keys) - 7).equals(noise)


def test_the_account_does_not_tell_that_few_are_withheld() -> None:
    one = protect(MIGRATION_FLOWS, flows({("2014-03", "A", "B"): 20, ("2014-03", "A", "C"): 2}), Thresholds(K))
    assert one.account.kept_share is None, "20 of 22 would tell of the two"
    many = {("2014-03", "A", "B"): 20, **{(month, "B", "A"): 1 for month in MONTHS}}
    assert protect(MIGRATION_FLOWS, flows(many), Thresholds(K)).account.kept_share == 1 - 12 / 32


def test_a_table_whose_sums_do_not_add_up_is_not_protected() -> None:
    wrong = flows({("2014-03", "A", "B"): 5}).with_columns(
        movers=pl.when(pl.col("period_type") == "year").then(6).otherwise("movers")
    )
    with pytest.raises(ValueError, match="do not add up"):
        protect(MIGRATION_FLOWS, wrong, Thresholds(K))
    with pytest.raises(ValueError, match="without the sum"):
        protect(MIGRATION_FLOWS, wrong.filter(period_type="month"), Thresholds(K))


@given(
    counts=st.dictionaries(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1)), st.integers(1, 9), min_size=1
    )
)
@settings(max_examples=80, deadline=None)
def test_no_small_number_follows_in_tables_of_three_dimensions(counts: dict[tuple[int, int, int], int]) -> None:
    cells: dict[tuple[int, ...], int] = {**counts}
    for axis in range(3):
        for cell, count in list(cells.items()):
            total = (*cell[:axis], ALL, *cell[axis + 1 :])
            cells[total] = cells.get(total, 0) + count
    names = list(cells)
    number = {name: place for place, name in enumerate(names)}
    values = np.array([cells[name] for name in names], dtype=float)
    sums = [
        Equation(number[total], np.array([number[name] for name in names if _is_below(name, total, axis)]))
        for axis in range(3)
        for total in names
        if total[axis] == ALL
    ]
    hidden = withheld(values, values < K, sums, K)
    assert not (~hidden & (values < K)).any()
    if values.min() >= K:
        assert not hidden.any()
    figures = [
        Figure.exact(tuple(name for name in counts if _is_in(name, total)), cells[total], str(total))
        for total, is_hidden in zip(names, hidden, strict=True)
        if not is_hidden
    ]
    assert exposures(figures, K) == []


def _is_below(name: tuple[int, ...], total: tuple[int, ...], axis: int) -> bool:
    return name[axis] != ALL and (*name[:axis], ALL, *name[axis + 1 :]) == total


def _is_in(name: tuple[int, ...], total: tuple[int, ...]) -> bool:
    return all(of_total in (ALL, value) for value, of_total in zip(name, total, strict=True))


def test_what_has_not_passed_its_step_is_not_published(tmp_path: Path) -> None:
    raw = flows({("2014-03", "A", "B"): 5})
    suite = Suite.load(Path(__file__).resolve().parents[2] / "expectations", MIGRATION_FLOWS.name)
    how = {"run_id": "run", "inputs": {}, "settings": {}}
    home = Home(tmp_path).ensure()
    assert DISCLOSURE_AUDIT.conform(disclosure_audit(home, list(CATALOGUE.values()))).is_empty()
    with pytest.raises(Unprotected, match="without its disclosure step"):
        publish(home, MIGRATION_FLOWS, raw, suite, **how)
    assert not lake.exists(home, MIGRATION_FLOWS)
    publish(home, MIGRATION_FLOWS, protect(MIGRATION_FLOWS, raw, Thresholds(K)), suite, **how)
    version = lake.latest(home, MIGRATION_FLOWS)
    assert version.provenance.disclosure == [Account("users", K, 2, 0, 0, 1.0).said()]
    audit = disclosure_audit(home, list(CATALOGUE.values()))
    told = audit.select("table_name", "disclosure_rule", "attacked", "exposed")
    assert told.rows() == [("tweets/migration_flows", "counts", 2, 0)]


def test_the_audit_finds_what_a_table_exposes() -> None:
    rule = MIGRATION_FLOWS.disclosure
    exposed = flows({("2014-03", "A", "B"): 3, ("2014-06", "A", "B"): 1}).filter(pl.col("movers") >= K)
    [found] = exposures(figures_of(MIGRATION_FLOWS, rule, exposed, K), K)
    assert (found.low, found.high) == (1, 1)
    assert any("2014, A, B are 4" in said for said in found.chain)


def test_what_the_auditor_cannot_settle_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = flows({("2014-03", "A", "B"): 3, ("2014-03", "A", "C"): 7})
    assert len(protect(MIGRATION_FLOWS, rows, Thresholds(K)).rows)
    monkeypatch.setattr(counts, "audit", lambda *_, **__: Audit((), (Interval("a cell", 0, 1, is_exact=False),)))
    with pytest.raises(Exposed, match="could not be settled"):
        protect(MIGRATION_FLOWS, rows, Thresholds(K))


# --- shares --------------------------------------------------------------------------------------------


def shares(**measures: list[float]) -> pl.DataFrame:
    """Told rows of `meters/area_occupancy` of one area and month, of what each home brings to each measure."""
    homes = [
        {"meter": meter, "area_code": "E1", "month": date(2014, 3, 1), "measure": measure, "probability": share}
        for measure, brought in measures.items()
        for meter, share in enumerate(brought)
    ]
    raw = area_occupancy(pl.DataFrame(homes), by=("month", "measure"))
    return protect(AREA_OCCUPANCY, raw, Thresholds(10)).rows


def told(rows: pl.DataFrame) -> list[str]:
    assert rows["homes"].is_null().equals(rows["estimate"].is_null())
    assert rows["is_suppressed"].equals(rows["estimate"].is_null())
    assert rows["reason"].is_not_null().equals(rows["is_suppressed"])
    return sorted(rows.filter(~pl.col("is_suppressed"))["measure"])


def test_one_home_of_many_is_not_told() -> None:
    assert told(shares(vacant=[1.0] + [0.0] * 21)) == []
    assert told(shares(on_holiday=[29 / 30] + [0.0] * 16)) == []
    assert told(shares(on_holiday=[0.0] * 22)) == [], "that nobody has it is told of each"
    assert told(shares(lived_in=[1.0] * 22)) == [], "and that all have it"
    assert told(shares(lived_in=[1.0] * 20 + [0.0] * 2)) == [], "and that nearly all have it"
    assert told(shares(on_holiday=[0.9, 0.01, 0.01, 0.01] + [0.0] * 16)) == [], "one brings nearly all of it"
    assert told(shares(somebody_at_home=[0.5] * 9)) == []


@pytest.mark.parametrize("others", [[1 / 31] + [0.0] * 19, [0.001] * 20, [0.0] * 20])
def test_two_homes_are_not_told_for_others_that_bring_next_to_nothing(others: list[float]) -> None:
    """What others bring hides the first from the second only if it is something beside what the first brings."""
    assert told(shares(vacant=[1.0, 1.0, *others])) == []
    assert told(shares(lived_in=[0.0, 0.0, *(1 - other for other in others)])) == [], "nor what they lack"
    assert told(shares(vacant=[1.0, 1.0, 0.2, *others])) == ["vacant"]


def test_shares_of_many_homes_are_told() -> None:
    assert told(shares(somebody_at_home=[0.5, 0.6] * 6, on_holiday=[0.1] * 4 + [0.0] * 10)) == [
        "on_holiday",
        "somebody_at_home",
    ]


def test_no_share_follows_from_the_others_of_its_whole() -> None:
    lived_in, vacant, second = [1.0] * 15 + [0.0] * 7, [0.0] * 15 + [1.0] + [0.0] * 6, [0.0] * 16 + [1.0] * 6
    assert told(shares(lived_in=lived_in, vacant=vacant, second_home=second)) == ["lived_in"]


@given(st.lists(st.sampled_from(["lived_in", "vacant", "second_home"]), min_size=10, max_size=40))
@settings(max_examples=60, deadline=None)
def test_of_each_state_of_homes_few_are_never_derived(states: list[str]) -> None:
    names = ("lived_in", "vacant", "second_home")
    rows = shares(**{name: [float(state == name) for state in states] for name in names})
    hidden = [name for name in names if name not in told(rows)]
    assert len(hidden) != 1
    # What is withheld together is of three homes or more, or the rest is.
    if len(hidden) == 2:
        assert sum(state in hidden for state in states) >= 3


STATES = ("in_use", "on_holiday", "vacant", "second_home")
MEASURES = {"lived_in": (1, 1, 0, 0), "in_use": (1, 0, 0, 0), "on_holiday": (0, 1, 0, 0), "vacant": (0, 0, 1, 0),
            "second_home": (0, 0, 0, 1)}  # fmt: skip


WHOLE = [(30, 0, 0, 0), (0, 30, 0, 0), (0, 0, 30, 0), (0, 0, 0, 30)]
DAYS = [
    *WHOLE,
    (28, 2, 0, 0),
    (9, 21, 0, 0),
    (20, 3, 7, 0),
    (0, 0, 12, 18),
    (29, 1, 0, 0),
    (0, 29, 1, 0),
    (0, 0, 1, 29),
]


@st.composite
def homes_by_state(draw: st.DrawFn) -> list[tuple[float, ...]]:
    """Of each home the days of a month of 30 in each state: in one all, by days, or by how likely it was in it."""
    number = st.integers(10, 30)
    kind = draw(st.sampled_from(["whole", "days", "probabilities"]))
    if kind != "probabilities":
        of = draw(st.lists(st.sampled_from(WHOLE if kind == "whole" else DAYS), min_size=10, max_size=30))
        return [tuple(map(float, home)) for home in of]
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # Most homes are nearly surely in one state, and nowhere none at all.
    likely = random.dirichlet(random.choice([0.02, 0.2, 1], 4), draw(number)) + 1e-4
    return [tuple(home) for home in (30 * likely / likely.sum(axis=1, keepdims=True)).tolist()]


@given(homes_by_state())
@settings(max_examples=80, deadline=None)
# Three states that are each told, or empty: what is left of all homes is made by one, or by nobody.
@example([(30, 0, 0, 0)] * 2 + [(28, 2, 0, 0)] * 2 + [(0, 0, 30, 0)] * 5 + [(0, 0, 0, 30)])
@example([(30, 0, 0, 0)] * 4 + [(0, 0, 30, 0)] * 6)
# Two vacant homes, and two second homes, each beside one of a day.
@example([(30, 0, 0, 0)] * 15 + [(0, 0, 30, 0)] * 2 + [(29, 0, 1, 0)])
@example([(30, 0, 0, 0)] * 9 + [(0, 30, 0, 0)] * 9 + [(0, 0, 30, 0)] * 5 + [(0, 0, 0, 30)] * 2 + [(29, 0, 0, 1)])
def test_nothing_of_few_homes_follows_from_any_sum_or_difference_of_shares(days: list[tuple[float, ...]]) -> None:
    """The attacker has what is told and that all states are all homes; he adds and subtracts as he likes."""
    brought = {name: [float(np.dot(of, home)) / 30 for home in days] for name, of in MEASURES.items()}
    known = np.array([MEASURES[name] for name in told(shares(**brought))] + [(1, 1, 1, 1)])
    for states in itertools.product((0, 1), repeat=len(STATES)):
        follows = np.linalg.matrix_rank(np.vstack([known, states])) == np.linalg.matrix_rank(known)
        if follows and 0 < sum(states) < len(STATES):
            has = np.array([float(np.dot(states, home)) / 30 for home in days])
            for side in (has, 1 - has):
                assert (side > 0).sum() >= 3, states
                assert side.max() <= 0.75 * side.sum() + 1e-9, states
                assert np.sort(side)[:-2].sum() >= 0.1 * side.max() - 1e-9, states


# --- periods -------------------------------------------------------------------------------------------


def changed(*periods: set[int], fewest: int = 10) -> list[int | None]:
    rows = [("E1", period, unit) for period, units in enumerate(periods) for unit in units]
    units = pl.DataFrame(rows, schema=["area_code", "month", "meter"], orient="row")
    found = units_that_change(units, "meter", "month", fewest=fewest, fewest_changed=3)
    assert found.columns == ["area_code", "month", "changed"]
    return found["changed"].to_list()


def test_units_that_come_and_go_are_held_against_all_periods_that_may_be_told() -> None:
    base = set(range(20))
    assert changed(base, base, base | {20}, base) == [None, None, 1, None]
    assert changed(base, base - {0, 1}, base | {20, 21, 22}) == [None, 2, 3]
    assert changed(base, base | {20}, base | {20, 21, 22}) == [None, 1, 3], "a withheld period is no neighbour"
    # Ten come and nine go: of the first and the last, one home is the difference.
    assert changed(base, set(range(30)), set(range(21))) == [None, 10, 1]
    assert changed(base, set(range(3, 24)), set(range(3, 23))) == [None, 3, 1], "one goes though as many come"


def test_nothing_is_held_against_a_group_that_is_too_small_to_be_told() -> None:
    assert changed(set(range(9)), set(range(10)), set(range(11)), fewest=10) == [None, None, 1]


@given(st.lists(st.sets(st.integers(0, 7), min_size=1), min_size=1, max_size=7))
@settings(max_examples=60, deadline=None)
def test_no_two_periods_that_are_told_differ_by_few(periods: list[set[int]]) -> None:
    least = changed(*periods, fewest=3)
    kept = [of for of, few in zip(periods, least, strict=True) if len(of) >= 3 and (few is None or few >= 3)]
    for one, other in itertools.permutations(kept, 2):
        assert len(one - other) not in (1, 2)
    # And none is withheld without another that is told.
    hidden = [of for of, few in zip(periods, least, strict=True) if few is not None and few < 3]
    assert all(any(len(of ^ other) for other in kept) for of in hidden)


def test_a_month_of_which_few_homes_were_not_in_the_last_is_withheld() -> None:
    """20 homes, five of them vacant; one more comes, and six are: it is vacant."""
    assert isinstance(AREA_OCCUPANCY.disclosure, Shares)
    table = replace(AREA_OCCUPANCY, disclosure=replace(AREA_OCCUPANCY.disclosure, period="month"))
    homes = pl.DataFrame(
        [
            {"meter": meter, "area_code": "E1", "month": date(2014, month, 1), "probability": float(meter >= 15)}
            for month, number in ((1, 20), (2, 21), (3, 23))
            for meter in range(number)
        ]
    ).with_columns(measure=pl.lit("vacant"))
    units = homes.select("area_code", "month", "meter")
    raw = area_occupancy(homes, by=("month", "measure")).join(
        units_that_change(units, "meter", "month", fewest=10, fewest_changed=3), on=["area_code", "month"]
    )
    rows = protect(table, raw, Thresholds(10)).rows.sort("month")
    assert rows["homes"].to_list() == [20, None, 23]
    assert rows["reason"][1] == "a few homes came or went since a period that is told: it would be told of them"


# --- groups --------------------------------------------------------------------------------------------


def test_a_day_of_few_devices_tells_nothing_and_small_numbers_of_events_are_not_told() -> None:
    day = {
        "operator": "one", "events": 900, "devices_seen": 40, "hours_covered": 24, "hours_expected": 24,
        "duplicates": 0, "unknown_cell": 12, "cell_not_valid": 0, "too_fast": 2, "suspicious": 0, "two_places": 0,
        "ping_pong": 30, "abroad": 0, "cells_seen": 50, "cells_valid": 60, "cells_silent": 1,
    }  # fmt: skip
    few = {**day, "devices_seen": 1, "events": 20}
    # One device has nearly all events, and in the last 20 of the 30 that jump between masts.
    one_has_all = {**day, "largest_events": 0.9}
    one_jumps = {**day, "largest_ping_pong": 20 / 30, "largest_two_ping_pong": 29 / 30}
    assert isinstance(EVENT_QUALITY.disclosure, Groups)
    usual = {f"largest{two}_{name}": 0.1 for name in EVENT_QUALITY.disclosure.sums for two in ("", "_two")}
    days = enumerate((day, few, one_has_all, one_jumps))
    raw = pl.DataFrame([{**usual, **each, "event_date": date(2014, 3, n + 1)} for n, each in days])
    good, bad, hidden, jumps = protect(EVENT_QUALITY, raw, Thresholds(10)).rows.rows(named=True)
    assert (hidden["events"], hidden["devices_seen"]) == (None, None)
    assert (jumps["events"], jumps["unknown_cell"], jumps["ping_pong"]) == (900, 12, None)
    assert (good["devices_seen"], good["duplicates"], good["unknown_cell"], good["too_fast"]) == (40, 0, 12, None)
    assert {name for name, value in bad.items() if value is not None} == {
        "operator", "event_date", "hours_expected", "cells_valid", "cells_silent"
    }  # fmt: skip


def test_a_penetration_that_tells_a_number_of_few_users_is_withheld() -> None:
    rows = pl.DataFrame(
        {
            "period": "2014", "subject_type": "area", "subject": ["A", "B", "B"], "direction": "in",
            "measure": ["penetration", "penetration", "ratio"], "value": [0.5, 3.0, 0.7], "is_student_area": False,
            "users": [1, 30, None],
        }
    )  # fmt: skip
    assert protect(MIGRATION_COMPARISON, rows, Thresholds(10)).rows["value"].to_list() == [None, 3.0, 0.7]


# --- the registry --------------------------------------------------------------------------------------


def test_every_aggregate_declares_what_it_may_tell() -> None:
    for table in CATALOGUE.values():
        assert (table.disclosure is not None) == (table.sensitivity is Sensitivity.AGGREGATE), table.name
        if isinstance(table.disclosure, Exempt):
            assert len(table.disclosure.reason.split()) > 3, table.name
    with pytest.raises(ValueError, match="declares what it may tell"):
        Table("a/b", "One.", MIGRATION_FLOWS.columns, MIGRATION_FLOWS.key, Sensitivity.AGGREGATE, "team:a", "files")


def test_columns_that_a_rule_names_are_columns() -> None:
    for table in CATALOGUE.values():
        rule = table.disclosure
        if needs_step(rule):
            named = [rule.count] if isinstance(rule, Counts) else [*rule.figures]
            assert set(named) <= set(table.column_names), table.name


def _ancestors(graph: Any, key: dg.AssetKey) -> set[str]:
    above = {"/".join(key.path)}
    for parent in graph.get(key).parent_keys:
        name = "/".join(parent.path)
        # What passed its own step tells no more than that.
        if name not in CATALOGUE or not needs_step(CATALOGUE[name].disclosure):
            above |= _ancestors(graph, parent)
    return above


def test_of_aggregates_about_the_same_units_somebody_said_what_both_tell_together() -> None:
    graph = build_definitions(Settings()).resolve_asset_graph()
    units = {}
    for table in CATALOGUE.values():
        if needs_step(table.disclosure):
            above = _ancestors(graph, dg.AssetKey(table.name.split("/")))
            units[table.name] = {name for name in above if name in CATALOGUE and CATALOGUE[name].is_individual}
    pairs = {(one, other) for one, other in itertools.combinations(sorted(units), 2) if units[one] & units[other]}
    assert pairs == set(SHARED_UNITS)
    assert all(len(said.split()) > 8 for said in SHARED_UNITS.values())
    assert shared_with("tweets/migration_flows") == ["tweets/migration_comparison", "tweets/student_flows"]


def test_what_is_made_of_released_tables_reads_no_others() -> None:
    graph = build_definitions(Settings()).resolve_asset_graph()
    for table in CATALOGUE.values():
        if isinstance(table.disclosure, OfReleased):
            parents = {"/".join(key.path) for key in graph.get(dg.AssetKey(table.name.split("/"))).parent_keys}
            assert parents, table.name
            assert not [name for name in parents if CATALOGUE[name].is_individual], table.name
