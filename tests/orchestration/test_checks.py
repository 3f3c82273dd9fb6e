"""One check an expectation: its words, its bound, what was found, and nothing of anybody."""

import re

import dagster as dg
import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ingestion import Ingested
from ons_assets.intake.members import Finding
from ons_assets.lakehouse import gate
from ons_assets.lakehouse.gate import Audit, Failure
from ons_assets.lakehouse.suites import Suite
from ons_assets.lakehouse.tables import Column, Sensitivity, Table
from ons_assets.orchestration import checks
from tests.orchestration.conftest import SUITES

MARKER = "Ermintrude"


def table(sensitivity: Sensitivity = Sensitivity.PUBLIC) -> Table:
    return Table(
        name="prices/seen",
        description="One price.",
        columns=(Column("shop", pl.String(), "who asks it"), Column("price_gbp", pl.Float64(), "what it is")),
        key=("shop",),
        sensitivity=sensitivity,
        owner="team:prices",
        source="a test",
    )


def suite(*expectations: dict[str, object]) -> Suite:
    return Suite("prices/seen", {"name": "prices/seen", "expectations": list(expectations)}, "0" * 64)


PRICES = {
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "price_gbp", "min_value": 0, "max_value": 10},
    "severity": "critical",
    "meta": {"notes": "Nothing costs more than ten pounds."},
}
SHOPS = {
    "type": "expect_column_values_to_be_in_set",
    "kwargs": {"column": "shop", "value_set": ["a", "b"]},
    "severity": "warning",
}
DEAR = {
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "price_gbp", "min_value": 2, "row_condition": "shop == 'b'", "condition_parser": "pandas"},
    "severity": "warning",
}


def audited(shops: list[str], prices: list[float], of: Table | None = None) -> dict[str, dg.AssetCheckResult]:
    of, held = of or table(), suite(PRICES, SHOPS, DEAR)
    names = [each.name for each in checks.asked_of(of, held)]
    audit = gate.audit(held, of, pl.DataFrame({"shop": shops, "price_gbp": prices}))
    return {str(each.check_name): each for each in checks.verdicts_on_audit(of, names, audit)}


def told(results: dict[str, dg.AssetCheckResult]) -> str:
    values = [str(value.value) for each in results.values() for value in each.metadata.values()]
    return " ".join([*(each.description or "" for each in results.values()), *values])


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_expectation_of_every_suite_is_a_check_of_its_own(name: str) -> None:
    of, held = CATALOGUE[name], Suite.load(SUITES, name)
    specs = checks.check_specs(of, held, partitions=None, blocks=True)
    implied = bool(of.key) + any(not column.nullable for column in of.columns)
    assert len({each.name for each in specs}) == len(specs) == len(held.expectations) + implied + 1
    assert all(re.fullmatch("[A-Za-z0-9_]+", each.name) and each.description for each in specs)
    blocking = {each.name for each in specs if each.blocking}
    milder = {n for n, each in held.bounds.items() if each.get("severity", "critical") != "critical"}
    assert blocking == {each.name for each in specs} - milder


def test_a_refused_batch_keeps_no_other_from_being_published() -> None:
    assert not any(each.blocking for each in checks.check_specs(table(), suite(PRICES), partitions=None, blocks=False))


def test_a_check_says_what_is_asked_in_words() -> None:
    asked = {each.name: each.description for each in checks.asked_of(table(), suite(PRICES, SHOPS, DEAR))}
    assert asked["price_gbp_range"] == (
        "Nothing costs more than ten pounds. [column values to be between (price_gbp): at least 0, at most 10]"
    )
    assert asked["shop_usual_values"].endswith("one of a, b")
    assert asked["price_gbp_usual_range"].endswith("where shop == 'b'")
    assert asked["key_is_unique"] == "once only: shop"


def test_names_that_are_one_for_dagster_are_one_check() -> None:
    twice = suite(*({**PRICES, "meta": {"name": name}} for name in ("a b", "a_b", "suite")))
    assert [each.name for each in checks.asked_of(table(), twice)] == ["a_b", "values_are_present", "key_is_unique"]
    mild = {**PRICES, "severity": "warning", "meta": {"name": "a b"}}
    both = suite(mild, {**PRICES, "severity": "critical", "meta": {"name": "a_b"}})
    assert checks.asked_of(table(), both)[0].is_critical, "the check of the two blocks if one of them does"


def test_each_expectation_has_its_own_verdict() -> None:
    results = audited(["a", "c"], [1.0, 11.0])
    assert {name: each.passed for name, each in results.items()} == {
        "price_gbp_range": False,
        "shop_usual_values": False,
        "price_gbp_usual_range": True,
        "values_are_present": True,
        "key_is_unique": True,
    }
    dear = results["price_gbp_range"]
    assert dear.severity is dg.AssetCheckSeverity.ERROR
    assert str(dear.description).startswith("Nothing costs more than ten pounds. [")
    assert "1 of 2 are not" in str(dear.description)
    assert results["shop_usual_values"].severity is dg.AssetCheckSeverity.WARN


def test_what_is_met_says_its_bound_and_what_was_found() -> None:
    met = audited(["a", "b"], [1.0, 3.0])
    assert met["price_gbp_range"].metadata["bound"].value == "at least 0, at most 10"
    assert met["price_gbp_range"].metadata["found"].value == "0 of 2 rows otherwise"
    assert "where shop" in str(met["price_gbp_usual_range"].metadata["bound"].value)


def test_a_repeated_key_and_an_empty_value_have_checks() -> None:
    results = audited(["a", "a"], [1.0, None])  # type: ignore[list-item]
    assert not results["key_is_unique"].passed
    assert not results["values_are_present"].passed


def test_of_parts_nobody_is_told_what_the_last_one_shows() -> None:
    of, held = table(), suite(PRICES)
    parts = [gate.audit(held, of, pl.DataFrame({"shop": ["a"], "price_gbp": [price]})) for price in (11.0, 1.0)]
    names = ["price_gbp_range", "key_is_unique"]
    unmet, met = checks.verdicts_on_audit(of, names, Audit.of_parts(parts))
    assert not unmet.passed
    assert met.passed
    good = checks.verdicts_on_audit(of, names, Audit.of_parts([parts[1], parts[1]]))
    assert [each.description for each in good] == ["met in every part", "met"]
    assert "found" not in next(iter(checks.verdicts_on_audit(of, names, Audit.of_parts([parts[1]] * 2)))).metadata


def test_of_people_only_numbers_are_told() -> None:
    unmet = audited([MARKER, MARKER], [11.0, 12.0], table(Sensitivity.INDIVIDUAL))
    assert not unmet["shop_usual_values"].passed
    assert MARKER not in told(unmet)
    assert "12" not in told(unmet)


def test_what_stands_unchanged_keeps_its_verdict() -> None:
    failure = Failure("column values to be in set", "shop", "warning", "1 of 2 are not", "shop_usual_values")
    names = ["price_gbp_range", "shop_usual_values"]
    assert [each.passed for each in checks.verdicts_before(table(), names, [failure])] == [True, False]


def test_the_worst_of_two_failures_of_one_check_counts() -> None:
    failures = [
        Failure("values are present", "shop", "critical", "2 of 2 are null"),
        Failure("values are present", "price_gbp", "warning", "1 of 2 are null"),
    ]
    (verdict,) = checks.verdicts_before(table(), ["values_are_present"], failures)
    assert verdict.severity is dg.AssetCheckSeverity.ERROR


def test_of_batches_is_said_which_do_not_meet_it() -> None:
    critical = Failure("x", "price_gbp", "critical", "9 of 9 are not", "price_gbp_range")
    milder = Failure("x", "shop", "warning", "1 of 9 are not", "shop_usual_values")
    outcome = Ingested(
        rows=9,
        quarantined_rows=9,
        drops=2,
        refusals=[Finding("one.csv", "a [link](http://x)", 9, "dear", frozenset(), (critical,))],
        warnings=[Finding("two.csv", "b", 9, "odd", frozenset(), (milder,))],
    )
    names = ["price_gbp_range", "shop_usual_values", "key_is_unique"]
    dear, odd, key = checks.verdicts_on_batches(table(), names, outcome)
    assert (dear.passed, dear.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert (odd.passed, odd.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert key.passed
    assert isinstance(dear.metadata["batches"], dg.TextMetadataValue), "a name of a file is no markup"


def test_while_a_table_waits_nothing_is_said_to_be_met() -> None:
    assert not any(each.passed for each in checks.waiting(table(), ["suite", "key_is_unique"], "a file"))
