"""What a home lays over the shipped suites: what it changes, for which rows, and what is no overlay."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import gate
from ons_assets.lakehouse.gate import Audit, Failure, Suite, SuiteError
from ons_assets.lakehouse.overlays import overlays_in
from ons_assets.lakehouse.suites import names, protects
from tests.workbench import SUITES

RAW = CATALOGUE["prices/raw_quotes"]


def laid(folder: Path, *entries: dict[str, Any], table: str = RAW.name, **words: Any) -> Suite:
    """The suite of a table under an overlay of these entries."""
    path = folder / f"{table}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"expectations": list(entries), **words}))
    return gate.suite_of(CATALOGUE[table], SUITES, folder)


def quotes(*prices: float, currency: str = "GBP", item: str = "1") -> pl.DataFrame:
    rows = [
        dict.fromkeys(RAW.column_names, "x")
        | {"price": price, "currency": currency, "item_id": item, "line": number, "collected_on": date(2024, 1, 2)}
        | {"collected_at_utc": None, "unit_price": None, "unit_quantity": None, "quantity": None}
        for number, price in enumerate(prices)
    ]
    return pl.DataFrame(rows, schema=RAW.schema)


def bounds_of(suite: Suite, batch: pl.DataFrame) -> dict[str, str]:
    """Severity of what a batch does not meet, by the name of the bound."""
    return {str(each.bound): each.severity for each in gate.audit(suite, RAW, batch).failures if each.bound}


def test_the_shipped_bound_holds_where_nothing_is_said(tmp_path: Path) -> None:
    shipped = gate.suite_of(RAW, SUITES, tmp_path)
    assert shipped == Suite.load(SUITES, RAW.name)
    assert shipped.overlay is None
    assert bounds_of(shipped, quotes(28_000.0)) == {"price_median": "critical", "price_usual_range": "warning"}


def test_a_bound_of_the_home_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    suite = laid(tmp_path, {"name": "price_median", "kwargs": {"max_value": 50_000}})
    assert bounds_of(suite, quotes(28_000.0)) == {"price_usual_range": "warning"}
    # What the home does not say stays: the lowest median.
    assert "price_median" in bounds_of(suite, quotes(0.01))


def test_a_severity_and_a_bound_that_does_not_hold(tmp_path: Path) -> None:
    suite = laid(tmp_path, {"name": "price_median", "severity": "warning"}, {"name": "price_usual_range", "off": True})
    assert bounds_of(suite, quotes(28_000.0)) == {"price_median": "warning"}


def test_a_bound_of_single_items_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    cars = {
        "name": "price_median",
        "where": {"item_id": ["071101"]},
        "kwargs": {"min_value": 5000, "max_value": 90_000},
    }
    suite = laid(tmp_path, cars)
    both = pl.concat([quotes(28_000.0, item="071101"), quotes(2.0, item="1")])
    assert "price_median" not in bounds_of(suite, both)
    assert "price_median" in bounds_of(suite, quotes(2.0, item="071101"))
    assert "price_median" in bounds_of(suite, quotes(28_000.0, item="1"))
    # The shipped bound is one of pounds, and so is what differs from it.
    assert "price_median" not in bounds_of(suite, quotes(2.0, item="071101", currency="HUF"))


def test_for_some_items_it_differs_from_what_the_home_says_of_all_whichever_comes_first(tmp_path: Path) -> None:
    general = {"name": "price_median", "kwargs": {"max_value": 1000}}
    special = {"name": "price_median", "where": {"item_id": ["7"]}, "kwargs": {"min_value": 50}}
    for entries in ([general, special], [special, general]):
        suite = laid(tmp_path, *entries)
        assert "price_median" not in bounds_of(suite, quotes(900.0, item="7"))
        assert "price_median" in bounds_of(suite, quotes(2.0, item="7"))
        assert "price_median" not in bounds_of(suite, quotes(900.0))


def test_it_may_be_off_for_some_items_only(tmp_path: Path) -> None:
    suite = laid(tmp_path, {"name": "price_median", "where": {"item_id": ["7", 'a"b']}, "off": True})
    for item in ("7", 'a"b'):
        assert "price_median" not in bounds_of(suite, quotes(28_000.0, item=item))
    assert "price_median" in bounds_of(suite, quotes(28_000.0))


def test_one_more_bound_in_the_form_of_great_expectations(tmp_path: Path) -> None:
    kwargs = {"column": "price", "min_value": 100, "row_condition": 'currency == "HUF"', "condition_parser": "pandas"}
    more = {"type": "expect_column_median_to_be_between", "kwargs": kwargs, "severity": "critical"}
    suite = laid(tmp_path, more, {"name": "eggs", "type": "expect_column_max_to_be_between", "where": {"item_id": ["3"]}
                                  , "kwargs": {"column": "price", "max_value": 9}})  # fmt: skip
    assert bounds_of(suite, quotes(5.0, currency="HUF"))["price_median"] == "critical"
    assert "price_median" not in bounds_of(suite, quotes(5.0))
    assert "price_median" in bounds_of(suite, quotes(5000.0)), "that of pounds holds too"
    assert bounds_of(suite, quotes(10.0, item="3")) == {"eggs": "critical"}
    assert bounds_of(suite, quotes(10.0, item="4")) == {}


def test_an_entry_without_a_name_is_about_the_only_bound_that_asks_the_same(tmp_path: Path) -> None:
    kwargs = {"column": "price", "min_value": 0.1, "max_value": 50_000}
    suite = laid(tmp_path, {"type": "expect_column_median_to_be_between", "kwargs": kwargs, "severity": "critical"})
    assert bounds_of(suite, quotes(28_000.0)) == {"price_usual_range": "warning"}


def test_a_whole_suite_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    content = json.loads((SUITES / f"{RAW.name}.json").read_text())
    content["expectations"] = [each for each in content["expectations"] if "median" not in each["type"]]
    path = tmp_path / f"{RAW.name}.json"
    path.parent.mkdir()
    path.write_text(json.dumps(content | {"id": None}))
    suite = gate.suite_of(RAW, SUITES, tmp_path)
    assert "price_median" not in bounds_of(suite, quotes(28_000.0))
    assert suite.overlay is not None
    assert suite.overlay.changes == ("a whole suite in place of the shipped one",)


def test_every_version_says_what_was_laid_over(tmp_path: Path) -> None:
    suite = laid(tmp_path, {"name": "price_median", "kwargs": {"max_value": 500}})
    said = gate.audit(suite, RAW, quotes(2.0)).summary()
    assert said["overlay"]["file"] == "expectations/prices/raw_quotes.json"
    [change] = said["overlay"]["changes"]
    assert change.startswith("price_median: min_value 0.1, max_value 100 where ")
    assert "becomes min_value 0.1, max_value 500 where" in change
    shipped = Suite.load(SUITES, RAW.name)
    assert said["sha256"] not in (shipped.sha256, said["overlay"]["sha256"])
    assert "overlay" not in gate.audit(shipped, RAW, quotes(2.0)).summary()
    other = laid(tmp_path, {"name": "price_median", "kwargs": {"max_value": 501}})
    assert other.sha256 != suite.sha256


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not valid JSON: Expecting property name enclosed in double quotes: line 1 column 2"),
        ("[]", "is to have words with their values in it"),
        ('{"expectations": []}', "expectations: is to have at least 1 of them"),
        ('{"expectation": [{}]}', "expectation is no word here; did you mean expectations?"),
        ('{"expectations": [{}]}', "an entry says neither the name of a bound nor the type of one more"),
        ('{"expectations": [{"name": "price_mean"}]}', "there is no bound 'price_mean'; did you mean price_median?"),
        ('{"expectations": [{"name": "zzz"}]}', "there is no bound 'zzz'; there are columns, row_count, price_median"),
        (
            '{"expectations": [{"name": "price_median", "max_value": 5}]}',
            "expectations.1.max_value is no word here; there are name, type, kwargs, severity, where",
        ),
        (
            '{"expectations": [{"name": "price_median", "severity": "fatal"}]}',
            "expectations.1.severity: is to be 'critical', 'warning' or 'info', not 'fatal'",
        ),
        (
            '{"expectations": [{"name": "price_median"}, {"name": "price_median"}]}',
            "it says twice what price_median is",
        ),
        (
            '{"expectations": [{"name": "price_median", "kwargs": {"column": "prise"}}]}',
            "prices/raw_quotes has no column 'prise'; it has retailer",
        ),
        (
            '{"expectations": [{"name": "price_median", "where": {"itme": ["1"]}, "off": true}]}',
            "the rows .* of prices/raw_quotes cannot be found: .*itme",
        ),
        ('{"expectations": [{"name": "price_median", "kwargs": {"mx": 1}}]}', "mx extra fields not permitted"),
        (
            '{"expectations": [{"type": "expect_no_such_thing", "kwargs": {"column": "price"}}]}',
            "expect_no_such_thing is unknown",
        ),
        (
            '{"expectations": [{"type": "expect_table_columns_to_match_set", "kwargs": null}]}',
            "expect_table_columns_to_match_set has no kwargs",
        ),
        (
            '{"expectations": [{"type": "expect_table_columns_to_match_set", "kwargs": {}}, {"kwargs": []}]}',
            "an entry has no kwargs",
        ),
    ],
)
def test_what_is_no_overlay_says_so_in_a_sentence(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / f"{RAW.name}.json"
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(SuiteError, match=message) as error:
        gate.suite_of(RAW, SUITES, tmp_path)
    assert "prices/raw_quotes.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_entry_that_may_mean_two_bounds_asks_for_the_name(tmp_path: Path) -> None:
    wide = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "index", "max_value": 500}}
    with pytest.raises(SuiteError, match="does not say which bound it changes: index_range or index_usual_range"):
        laid(tmp_path, wide, table="prices/item_indices")


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_shipped_bound_can_be_changed_by_its_name(tmp_path: Path, name: str) -> None:
    shipped = Suite.load(SUITES, name)
    assert len(shipped.bounds) == len(shipped.expectations)
    entries = [{"name": bound, "severity": "info"} for bound, each in shipped.bounds.items() if not protects(each)]
    suite = laid(tmp_path, *entries, table=name)
    assert {each["severity"] for each in suite.expectations if not protects(each)} == {"info"}
    assert list(suite.bounds) == list(shipped.bounds)


PROTECTING = [
    (name, bound) for name in CATALOGUE for bound, each in Suite.load(SUITES, name).bounds.items() if protects(each)
]


@pytest.mark.parametrize(("name", "bound"), PROTECTING)
def test_no_home_lets_figures_of_few_pass(tmp_path: Path, name: str, bound: str) -> None:
    for entry in ({"off": True}, {"severity": "info"}, {"kwargs": {"min_value": 0}}):
        with pytest.raises(SuiteError, match=f"{bound} protects those whom the figures are about"):
            laid(tmp_path, {"name": bound, **entry}, table=name)
    shipped = Suite.load(SUITES, name)
    whole = [each for each in shipped.expectations if not protects(each)]
    assert shipped.bounds[bound] in laid(tmp_path, *whole, table=name).expectations


def test_figures_of_homes_and_devices_are_protected() -> None:
    assert {name for name, _ in PROTECTING} >= {"meters/area_occupancy", "meters/fieldwork", "mobile/operator_flows"}


def test_names_are_one_a_bound() -> None:
    kwargs = {"column": "price", "min_value": 0}
    between = {"type": "expect_column_values_to_be_between", "kwargs": kwargs}
    warned = {**between, "severity": "warning"}
    own = {**between, "meta": {"name": "no_gifts"}}
    found = names([between, warned, between, own])
    assert found == ["price_range", "price_usual_range", "price_range_2", "no_gifts"]


def test_files_among_overlays_are_called_after_tables(tmp_path: Path) -> None:
    for file in ("prices/raw_quotes.json", "prices/raw_quotes.yaml", "prices/.raw_quotes.json.swp", "notes.txt"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert [table for table, _ in overlays_in(tmp_path)] == ["notes.txt", "prices/raw_quotes", "prices/raw_quotes.yaml"]
    assert list(overlays_in(tmp_path / "none")) == []


def test_of_parts_a_warning_hides_no_critical_failure_on_the_same_column() -> None:
    warning = Failure("column values to be between", "trips", "warning", "expected max_value 5; 1 of 2 are not")
    critical = Failure("column values to be between", "trips", "critical", "expected max_value 9; 1 of 2 are not")
    parts = [Audit("0", 1, (warning,), {}), Audit("0", 1, (critical, warning), {})]
    assert Audit.of_parts(parts).failures == (critical, warning)
