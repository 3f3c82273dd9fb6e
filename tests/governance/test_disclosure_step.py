"""What leaves by the disclosure step: nothing small, and nothing from which something small follows."""

from datetime import date
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue import CATALOGUE
from ons_assets.catalogue.governance import DISCLOSURE_AUDIT
from ons_assets.catalogue.meters import AREA_OCCUPANCY
from ons_assets.catalogue.mobile import EVENT_QUALITY
from ons_assets.catalogue.tweets import MIGRATION_COMPARISON, MIGRATION_FLOWS
from ons_assets.definitions import build_definitions
from ons_assets.governance.disclosure.account import disclosure_audit
from ons_assets.governance.disclosure.audit import Figure, exposures
from ons_assets.governance.disclosure.counts import withheld
from ons_assets.governance.disclosure.releases import figures_of
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.governance.disclosure.sums import Equation
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.disclosure import Account, Counts, Exempt, OfReleased, needs_step
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.publication import Unprotected, publish
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
    return both.with_columns(flow=pl.col("movers") * 50.0, flow_low=0.0, flow_high=pl.col("movers") * 90.0)


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
@settings(max_examples=150, deadline=None)
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
    hidden = withheld(values, sums, K)
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
    [found] = exposures(figures_of(MIGRATION_FLOWS, rule, exposed), K)
    assert (found.low, found.high) == (1, 1)
    assert any("2014, A, B are 4" in said for said in found.chain)


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


# --- groups --------------------------------------------------------------------------------------------


def test_a_day_of_few_devices_tells_nothing_and_small_numbers_of_events_are_not_told() -> None:
    day = {
        "operator": "one", "events": 900, "devices_seen": 40, "hours_covered": 24, "hours_expected": 24,
        "duplicates": 0, "unknown_cell": 12, "too_fast": 2, "ping_pong": 30, "cells_seen": 50, "cells_silent": 1,
    }  # fmt: skip
    few = {**day, "devices_seen": 1, "events": 20}
    raw = pl.DataFrame([{**each, "event_date": date(2014, 3, n + 1)} for n, each in enumerate((day, few))])
    good, bad = protect(EVENT_QUALITY, raw, Thresholds(10)).rows.rows(named=True)
    assert (good["devices_seen"], good["duplicates"], good["unknown_cell"], good["too_fast"]) == (40, 0, 12, None)
    assert {name for name, value in bad.items() if value is not None} == {
        "operator", "event_date", "hours_expected", "cells_silent"
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


def test_what_is_made_of_released_tables_reads_no_others() -> None:
    graph = build_definitions(Settings()).resolve_asset_graph()
    for table in CATALOGUE.values():
        if isinstance(table.disclosure, OfReleased):
            parents = {"/".join(key.path) for key in graph.get(dg.AssetKey(table.name.split("/"))).parent_keys}
            assert parents, table.name
            assert not [name for name in parents if CATALOGUE[name].is_individual], table.name
