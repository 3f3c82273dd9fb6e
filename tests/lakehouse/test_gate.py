import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import gate, validations
from ons_assets.lakehouse.gate import Audit, Suite, SuiteError
from ons_assets.lakehouse.home import Home
from tests.workbench import COUNTS, PERSONS, SUITES

DAY = date(2016, 7, 21)
MARKER = "MARKER4711"


def expect(kind: str, severity: str = "critical", **kwargs: object) -> dict[str, Any]:
    return {"type": f"expect_{kind}", "kwargs": kwargs, "severity": severity}


def suite(*expectations: dict[str, Any], table: str = COUNTS.name) -> Suite:
    return Suite(table, {"name": table, "expectations": list(expectations)}, "0" * 64)


def counts(*trips: int | None) -> pl.DataFrame:
    days = [date(2016, 7, 1 + number) for number in range(len(trips))]
    return pl.DataFrame({"day": days, "trips": trips}, schema=COUNTS.schema)


def audit(batch: pl.DataFrame, *expectations: dict[str, Any]) -> Audit:
    return gate.audit(suite(*expectations), COUNTS, batch)


AT_LEAST_ONE = expect("table_row_count_to_be_between", min_value=1)


def test_a_good_batch_has_no_failures() -> None:
    found = audit(counts(1, 2), AT_LEAST_ONE, expect("column_values_to_be_between", column="trips", min_value=0))
    assert (found.failures, found.is_critical, found.reason) == ((), False, "")
    assert found.evaluated == 2 + 2 + 1  # of the suite, of nulls, of the key


@pytest.mark.parametrize(("severity", "critical"), [("critical", True), ("warning", False), ("info", False)])
def test_each_severity(severity: str, critical: bool) -> None:
    found = audit(counts(1, -5), expect("column_values_to_be_between", severity, column="trips", min_value=0))
    assert found.is_critical is critical
    [failure] = found.failures
    assert (failure.severity, failure.column) == (severity, "trips")
    assert found.reason == (
        f"values (trips): expected at least 0; 1 of 2 are not (bound trips_{'range' if critical else 'usual_range'})"
    )
    assert found.summary()["failures"][0]["severity"] == severity


def test_failures_come_worst_first() -> None:
    limits = [
        expect("column_values_to_be_between", severity, column="trips", min_value=0)
        for severity in ("info", "warning", "critical", "info", "warning")
    ]
    found = audit(counts(-1), *limits)
    severities = [failure.severity for failure in found.failures]
    assert severities == ["critical", "warning", "warning", "info", "info"]


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_an_expectation_that_cannot_be_evaluated_is_critical(severity: str) -> None:
    found = audit(
        counts(1),
        expect("column_values_to_be_between", severity, column="no_such_column", min_value=0),
        expect("column_values_to_match_regex", severity, column="trips", regex="("),
    )
    assert [failure.severity for failure in found.failures] == ["critical", "critical"]
    assert "could not be evaluated" in found.failures[0].detail
    assert "Traceback" not in found.reason


def test_a_null_in_a_required_column_is_critical() -> None:
    found = audit(counts(1, None, None), AT_LEAST_ONE)
    assert found.is_critical
    assert found.reason == "values are present (trips): 2 of 3 are null"


def test_a_repeated_key_is_critical() -> None:
    batch = pl.DataFrame({"day": [DAY, DAY, DAY], "trips": [1, 2, 3]}, schema=COUNTS.schema)
    found = audit(batch, AT_LEAST_ONE)
    assert found.is_critical
    assert found.reason == "key is unique (day): 2 of 3 rows repeat a key"


def test_a_reason_starts_with_what_the_suite_says_for_people() -> None:
    limit = expect("column_values_to_be_between", column="trips", min_value=0) | {
        "meta": {"notes": "Nobody goes back."}
    }
    [reason, plain] = [audit(counts(1, -5), each).reason for each in (limit, {**limit, "meta": {}})]
    assert plain == "values (trips): expected at least 0; 1 of 2 are not (bound trips_range)"
    assert reason == f"Nobody goes back. [{plain}]"


def test_two_columns_that_are_held_against_each_other_are_both_named() -> None:
    pair = expect("column_pair_values_to_be_equal", column_A="trips", column_B="day")
    [failure] = audit(counts(1), pair).failures
    assert failure.column == "trips, day"


def test_an_empty_batch_is_refused_by_a_row_count() -> None:
    found = audit(counts(), AT_LEAST_ONE)
    assert found.is_critical
    assert "found 0" in found.reason


def test_a_nan_is_not_between() -> None:
    table = CATALOGUE["prices/item_indices"]
    row = dict.fromkeys(table.column_names, "x") | {
        "frequency": "day",
        "period": "2016-07-21",
        "index": float("nan"),
        "matched_products": 1,
        "excluded_quotes": 0,
    }
    found = gate.audit(Suite.load(SUITES, table.name), table, pl.DataFrame([row], schema=table.schema))
    assert found.is_critical


# --- the suites of the project

GOOD_IF_EMPTY = {
    "governance/area_profile",
    "governance/combined_estimates",
    "prices/index_vintages",
    "prices/revision_triangle",
    "governance/accesses",
    "governance/disclosure_audit",
    "governance/erasures",
    "governance/release_ledger",
    "tweets/collection_gaps",
    "tweets/second_residences",
    "tweets/student_flows",
    "meters/low_use_runs",
    "mobile/cell_neighbours",
    "mobile/internal_migration",
    "mobile/record_errors",
    "mobile/tourism",
    "mobile/tourism_stays",
    "mobile/tourism_trips",
}
# In a young collection; whoever looks is told, and what follows is made all the same.
MAY_BE_EMPTY = {
    "meters/area_household_size",
    "meters/area_households",
    "governance/drop_ledger",
    "prices/aggregate_contributions",
    *(
        f"tweets/{name}"
        for name in (
            "cluster_types", "user_anchors", "user_commutes", "student_homes", "residences", "moves", "migration_flows",
            "user_demographics", "raked_flows",
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_table_has_a_suite_that_knows_its_columns_and_counts_its_rows(name: str) -> None:
    table, loaded = CATALOGUE[name], Suite.load(SUITES, name)
    kinds = {each["type"]: each["kwargs"] for each in loaded.content["expectations"]}
    assert kinds["expect_table_row_count_to_be_between"]["min_value"] >= (0 if name in GOOD_IF_EMPTY else 1)
    columns = kinds["expect_table_columns_to_match_set"]
    assert columns["column_set"] == table.column_names
    assert columns["exact_match"] is True
    assert loaded.content["name"] == name
    named = {each["kwargs"].get("column") for each in loaded.content["expectations"]} - {None}
    assert named <= set(table.column_names)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_suite_runs_and_sees_an_empty_frame(name: str) -> None:
    found = gate.audit(Suite.load(SUITES, name), CATALOGUE[name], CATALOGUE[name].empty())
    row_count = [failure for failure in found.failures if failure.expectation == "table row count to be between"]
    expected = [] if name in GOOD_IF_EMPTY else ["warning" if name in MAY_BE_EMPTY else "critical"]
    assert [failure.severity for failure in row_count] == expected


def test_no_suite_is_without_its_table() -> None:
    suites = {path.relative_to(SUITES).with_suffix("").as_posix() for path in SUITES.rglob("*.json")}
    assert suites == set(CATALOGUE)


def test_a_bound_that_is_tightened_in_the_file_turns_the_verdict(tmp_path: Path) -> None:
    table = CATALOGUE["reference/item_weights"]
    row = {"item_id": "1", "item": "a", "group": "g", "year": 2016, "weight": 600.0, "drop_sha256": "h", "line": 2}
    batch = pl.DataFrame([row], schema=table.schema)
    path = tmp_path / "reference" / "item_weights.json"
    path.parent.mkdir()
    path.write_text((SUITES / "reference" / "item_weights.json").read_text())
    loose = Suite.load(tmp_path, table.name)
    assert not gate.audit(loose, table, batch).is_critical
    path.write_text(path.read_text().replace('"max_value": 1000\n', '"max_value": 500\n'))
    tight = Suite.load(tmp_path, table.name)
    assert gate.audit(tight, table, batch).is_critical
    assert loose.sha256 != tight.sha256


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "test/counts has no expectation suite: .*counts.json is missing"),
        ("{", "is not valid JSON"),
        ("[]", "has no expectations"),
        ('{"name": "x"}', "has no expectations"),
        ('{"name": "x", "expectations": []}', "has no expectations"),
    ],
)
def test_a_suite_that_cannot_be_read_says_so(tmp_path: Path, content: str | None, message: str) -> None:
    (tmp_path / "test").mkdir()
    if content is not None:
        (tmp_path / "test" / "counts.json").write_text(content)
    with pytest.raises(SuiteError, match=message):
        Suite.load(tmp_path, COUNTS.name)


@pytest.mark.parametrize(
    "expectation",
    [
        {"type": "expect_nothing_of_the_kind", "kwargs": {}},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "trips", "minimum": 1}},
        {"kwargs": {}},
        "text",
    ],
)
def test_an_expectation_that_great_expectations_does_not_know_says_which_suite(expectation: object) -> None:
    with pytest.raises(SuiteError, match=r"^Great Expectations cannot read the suite of test/counts: "):
        audit(counts(1), expectation)  # type: ignore[arg-type]


# --- tables about persons

PRIVATE = [
    expect("table_row_count_to_be_between", max_value=1),
    expect("column_values_to_be_in_set", column="note", value_set=["well"]),
    expect("column_values_to_match_regex", column="note", regex="^well$"),
    expect("column_distinct_values_to_be_in_set", column="note", value_set=["well"]),
    expect("column_value_lengths_to_be_between", column="note", max_value=2),
    expect("column_most_common_value_to_be_in_set", column="note", value_set=["well"]),
    expect("column_max_to_be_between", column="distance_km", max_value=1),
    expect("column_values_to_be_unique", column="note"),
    # These raise while they look at the values.
    expect("column_values_to_be_between", column="note", min_value=0, max_value=1),
    expect("column_mean_to_be_between", column="note", min_value=0),
    expect("column_values_to_match_strftime_format", column="note", strftime_format="%Y"),
    expect("column_values_to_be_json_parseable", column="note"),
]


def test_of_persons_no_value_leaves_the_gate(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    batch = pl.DataFrame(
        {"day": [DAY] * 3, "person": [MARKER] * 3, "note": [MARKER] * 3, "distance_km": [47.11] * 3},
        schema=PERSONS.schema,
    )
    found = gate.audit(suite(*PRIVATE, table=PERSONS.name), PERSONS, batch)
    assert found.is_critical
    assert len(found.failures) >= len(PRIVATE) - 1
    assert any("an individual table does not say why" in str(failure) for failure in found.failures)
    home = Home(tmp_path).ensure()
    validations.keep(home, PERSONS.name, "run-1", "", found)
    said = [
        found.reason,
        repr(found),
        json.dumps(found.summary()),
        json.dumps(found.result),
        caplog.text,
        *capfd.readouterr(),
        *(path.read_text(errors="replace") for path in home.reports.rglob("*") if path.is_file()),
    ]
    assert not [text for text in said if MARKER in text or "47.11" in text]
    assert any("persons" in text for text in said)


def test_of_public_tables_the_values_are_shown() -> None:
    found = audit(counts(1, 4711), expect("column_values_to_be_between", column="trips", max_value=10))
    assert "4711" in json.dumps(found.result)


@pytest.mark.parametrize(("currency", "critical"), [("GBP", True), ("HUF", False)])
def test_an_expectation_with_a_condition_is_about_its_rows_alone(currency: str, critical: bool) -> None:
    table = CATALOGUE["prices/raw_quotes"]
    row = dict.fromkeys(table.column_names) | {"price": 389.0, "currency": currency}
    audit = gate.audit(Suite.load(SUITES, table.name), table, pl.DataFrame([row], schema=table.schema))
    said = [failure for failure in audit.failures if failure.column == "price"]
    assert bool(said) == critical
    assert all('at most 100, where currency == "GBP"; found 389 (bound' in str(failure) for failure in said)
