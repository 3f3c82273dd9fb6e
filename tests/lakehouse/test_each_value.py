"""Batches of persons that are asked about deciding values only: the gate finds what it finds of all rows."""

import traceback
from dataclasses import replace
from datetime import date
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest

from ons_assets.lakehouse import each_value, gate
from ons_assets.lakehouse.gate import Audit, Suite
from ons_assets.lakehouse.suites import Expectation, SuiteError
from ons_assets.lakehouse.tables import Column
from tests.workbench import PERSONS

N = 400
DAYS = pl.date_range(date(2016, 7, 1), date(2016, 7, 31), eager=True)


def expect(kind: str, severity: str = "critical", **kwargs: object) -> Expectation:
    return {"type": f"expect_{kind}", "kwargs": kwargs, "severity": severity}


EXPECTATIONS = [
    expect("column_values_to_be_in_set", column="note", value_set=["well", "ill"]),
    expect("table_row_count_to_be_between", min_value=1, max_value=N),
    expect("column_values_to_match_regex", "warning", column="note", regex="^(well|ill)$"),
    expect("column_values_to_not_match_regex", column="note", regex="xyz"),
    expect("column_values_to_not_be_null", column="note"),
    expect("column_values_to_not_be_null", column="distance_km", mostly=0.9),
    expect("column_values_to_be_between", column="distance_km", min_value=0, max_value=50),
    expect("column_values_to_be_between", "warning", column="distance_km", max_value=50, strict_max=True),
    expect("column_values_to_be_between", "info", column="distance_km", max_value=10, mostly=0.9),
    expect("column_mean_to_be_between", column="distance_km", max_value=20),
    expect("column_values_to_not_be_in_set", column="distance_km", value_set=[47.11]),
    expect("column_values_to_be_null", "info", column="distance_km"),
    # It raises while it looks at a value.
    expect("column_values_to_be_between", "info", column="note", min_value=0, max_value=1),
]


def batch(seed: int, **odd: object) -> pl.DataFrame:
    """Return rows of persons, with one odd value in one column, or in several."""
    random = np.random.default_rng(seed)
    rows = {
        "day": DAYS.sample(N, with_replacement=True, seed=seed),
        "person": [f"P{number}" for number in range(N)],
        "note": random.choice(["well", "ill"], N).tolist(),
        "distance_km": random.integers(0, 40, N).astype(float).tolist(),
    }
    for name, value in odd.items():
        rows[name][int(random.integers(N))] = value  # type: ignore[index]
    return pl.DataFrame(rows, schema=PERSONS.schema)


ODD = {
    "nothing": {},
    "a value of no set": {"note": "xyz"},
    "a null": {"note": None},
    "too much": {"distance_km": 51.0},
    "at the bound": {"distance_km": 50.0},
    "no number": {"distance_km": float("nan")},
    "two columns": {"note": None, "distance_km": 47.11},
}


def audits(monkeypatch: pytest.MonkeyPatch, suite: Suite, rows: pl.DataFrame) -> tuple[Audit, Audit]:
    monkeypatch.setattr(gate, "MANY_ROWS", N)
    whole = gate.audit(suite, PERSONS, rows)
    monkeypatch.setattr(gate, "MANY_ROWS", 0)
    return whole, gate.audit(suite, PERSONS, rows)


def suite(expectations: list[Expectation]) -> Suite:
    return Suite(PERSONS.name, {"name": PERSONS.name, "expectations": expectations}, "0" * 64)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_the_gate_finds_the_same(monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]) -> None:
    rows = batch(1, **odd)
    whole, divided = audits(monkeypatch, suite(EXPECTATIONS), rows)
    assert divided == whole
    assert divided.failures
    for part in ("success", "results", "suite_name"):
        assert divided.result[part] == whole.result[part], part
    assert divided.result["statistics"] == pytest.approx(whole.result["statistics"])


def test_all_of_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = batch(2, note="xyz")
    for expectations in combinations(EXPECTATIONS[:4], 1):
        whole, divided = audits(monkeypatch, suite(list(expectations)), rows)
        assert divided == whole
        assert divided.result["results"] == whole.result["results"]


def test_what_is_about_rows_is_asked_of_rows() -> None:
    of_values, of_rows = each_value.divide(EXPECTATIONS, PERSONS.empty().schema)
    about_rows = [
        expect("column_values_to_be_between", column="distance_km", min_value=0, row_condition='note == "well"'),
        expect("column_values_to_be_unique", column="note"),
        expect("column_values_to_be_between", column="unknown", min_value=0),
    ]
    assert [each["kwargs"]["column"] for each in of_values].count("note") == 5
    assert not [each for each in of_values if "mostly" in each["kwargs"] or "mean" in each["type"]]
    assert len(of_values) + len(of_rows) == len(EXPECTATIONS)
    assert each_value.divide(about_rows, PERSONS.empty().schema) == ([], about_rows)


def test_different_values_are_all_there_and_no_others() -> None:
    rows = batch(3, note=None, distance_km=float("nan"))
    # A bound and a set: it is the set that asks for all of them.
    values = each_value.deciding_values(rows, EXPECTATIONS[:1] + EXPECTATIONS[6:7] + EXPECTATIONS[10:11])
    assert values.columns == ["note", "distance_km"]
    assert len(values) == rows["distance_km"].n_unique()
    for name in values.columns:
        assert values[name].unique().sort().equals(rows[name].unique().sort())


BOUNDS = [
    expect("column_values_to_be_between", column="distance_km", min_value=0, max_value=50),
    expect("column_values_to_be_between", "warning", column="distance_km", min_value=0, strict_min=True),
    expect("column_values_to_be_between", "info", column="distance_km", max_value=50, strict_max=True),
    expect("column_values_to_not_be_null", "warning", column="distance_km"),
    expect("column_values_to_be_between", column="day", min_value="2016-07-01", max_value="2016-07-31"),
]
ODD_NUMBERS: list[list[float | None]] = [
    [],
    [50.0],
    [51.0],
    [0.0],
    [-0.5],
    [None],
    [float("nan")],
    [float("inf")],
    [float("-inf")],
    [None, float("nan")],
    [float("nan"), 51.0, None],
]


@pytest.mark.parametrize("odd", ODD_NUMBERS, ids=str)
def test_of_bounds_the_ends_decide(monkeypatch: pytest.MonkeyPatch, odd: list[float | None]) -> None:
    rows = batch(4).with_columns(distance_km=pl.Series([*odd, *np.linspace(1, 49, N - len(odd))], dtype=pl.Float64()))
    whole, divided = audits(monkeypatch, suite(BOUNDS), rows)
    assert divided == whole
    assert divided.result["results"] == whole.result["results"]
    assert len(each_value.deciding_values(rows, BOUNDS[:4])) <= 4


@pytest.mark.parametrize("number", [None, float("nan")], ids=str)
def test_of_bounds_a_column_without_numbers_is_asked_too(monkeypatch: pytest.MonkeyPatch, number: float | None) -> None:
    rows = batch(5).with_columns(distance_km=pl.lit(number, dtype=pl.Float64()))
    whole, divided = audits(monkeypatch, suite(BOUNDS[:4]), rows)
    assert divided == whole
    assert divided.result["results"] == whole.result["results"]


def test_the_ends_are_of_their_type() -> None:
    days = pl.Series("day", DAYS).append(pl.Series("day", [None], dtype=pl.Date()))
    assert each_value.deciding_values(days.to_frame(), BOUNDS[4:5]).to_series().sort().to_list() == [
        None,
        date(2016, 7, 1),
        date(2016, 7, 31),
    ]
    moments = DAYS.cast(pl.Datetime("ns", "UTC")).alias("day")
    assert each_value.deciding_values(moments.to_frame(), BOUNDS[4:5]).schema == {"day": pl.Datetime("ns", "UTC")}


@pytest.mark.parametrize("too_many", [39, 40, 41])
@pytest.mark.parametrize("odd", [[], [None], [float("nan")]], ids=str)
def test_a_share_of_the_rows_may_be_out_of_bounds(too_many: int, odd: list[float | None]) -> None:
    numbers = pl.Series([*odd, *[51.0] * too_many, *[1.0] * (N - too_many - len(odd))], dtype=pl.Float64())
    rows = batch(6).with_columns(distance_km=numbers)
    most = expect("column_values_to_be_between", column="distance_km", max_value=50, mostly=0.9)
    # What is no number is out of bounds, null is neither within nor out.
    known = numbers.drop_nulls().to_numpy()
    is_met = np.count_nonzero(known <= 50) >= 0.9 * len(known)
    assert bool(gate.audit(suite([most]), PERSONS, rows).failures) != is_met


@pytest.mark.parametrize("many_rows", [0, N])
def test_a_condition_that_cannot_be_read_tells_of_no_person(monkeypatch: pytest.MonkeyPatch, many_rows: int) -> None:
    monkeypatch.setattr(gate, "MANY_ROWS", many_rows)
    some = expect("column_values_to_not_be_null", column="distance_km", row_condition="note.astype('int64') > 5")
    rows = batch(7, note="MARKER4711")
    with pytest.raises(SuiteError, match="cannot be found: ValueError") as told:
        gate.audit(suite([*EXPECTATIONS, some]), PERSONS, rows)
    assert "MARKER4711" not in "".join(traceback.format_exception(told.value))


@pytest.mark.parametrize("found", [2**53, 2**53 + 1])
def test_long_whole_numbers_are_held_against_bounds_alike(monkeypatch: pytest.MonkeyPatch, found: int) -> None:
    table = replace(PERSONS, columns=(*PERSONS.columns, Column("device", pl.Int64(), "device")))
    rows = batch(8).with_columns(device=pl.Series([*range(N - 1), found]))
    most = suite([expect("column_values_to_be_between", column="device", max_value=2**53)])
    for many_rows in (0, N):
        monkeypatch.setattr(gate, "MANY_ROWS", many_rows)
        assert bool(gate.audit(most, table, rows).failures) == (found > 2**53)
