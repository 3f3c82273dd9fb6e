"""Bounds of a home on the command line: shown, checked, applied to files, and told where they cannot be used."""

import json
from pathlib import Path

import pytest

from ons_assets import cli
from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from tests.shared import DATA
from tests.test_layout_commands import command, sentence

PRICES = DATA.parent / "cases" / "prices"
RAW = "prices/raw_quotes"
CARS = "collected_at,retailer,product,price,currency,item_id\n" + "".join(
    f"2024-0{month}-15,a dealer,ESTATE {model},{18_000 + 500 * model + 100 * month}.00,GBP,071101\n"
    for month in (1, 2, 3)
    for model in range(12)
)
DEARER = {"name": "price_median", "where": {"item_id": ["071101"]}, "kwargs": {"min_value": 2000, "max_value": 90_000}}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home that the command uses without being told; its sentences are not broken into lines."""
    monkeypatch.setenv("ONS_ASSETS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ONS_ASSETS_PRICES__QUOTES__MAX_PRICE", "100000")
    monkeypatch.setattr(cli.console, "_width", 250)
    return Home(tmp_path / "home")


def overlay(home: Home, *entries: object, table: str = RAW) -> Path:
    path = home.expectations / f"{table}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"expectations": entries}))
    return path


def cars(home: Home) -> Path:
    path = home.root.parent / "cars.csv"
    path.write_text(CARS)
    return path


def test_a_bound_of_the_home_lets_its_files_pass_and_the_version_says_so(home: Home) -> None:
    refused = command("ingest", cars(home), "--source", "prices")
    assert refused.exit_code == 1
    assert "(bound price_median)" in refused.output
    overlay(home, DEARER)
    shown = command("expectations", "check")
    assert shown.exit_code == 0
    assert "prices/raw_quotes:" in shown.output
    assert (
        'becomes min_value 2000, max_value 90000 where (currency == "GBP") and `item_id` in ["071101"]' in shown.output
    )
    assert command("retry").exit_code == 0
    version = lake.latest(home, CATALOGUE[RAW])
    assert version is not None
    assert version.provenance is not None
    assert version.provenance.suite["overlay"]["file"] == f"expectations/{RAW}.json"
    assert len(version.provenance.suite["overlay"]["sha256"]) == 64
    assert "prices/raw_quotes is held against bounds of this home" in command("status").output


def test_bounds_are_shown_with_the_names_that_change_them(home: Home) -> None:
    shown = command("expectations", "show", RAW)
    assert 'price_median: min_value 0.1, max_value 100 where currency == "GBP" (critical)' in shown.output
    overlay(home, DEARER)
    shown = command("expectations", "show", RAW)
    assert shown.output.count("price_median: ") == 2
    assert "max_value 90000" in shown.output
    unknown = command("expectations", "show", "prices/raw_quote").exception
    assert str(unknown) == "there is no table 'prices/raw_quote'; did you mean prices/raw_quotes?"


def test_a_wrong_overlay_is_a_sentence_and_stops_its_table_only(home: Home) -> None:
    assert command("ingest", cars(home), "--source", "prices").exit_code == 1
    path = overlay(home, {"name": "price_medain", "kwargs": {"max_value": 90_000}})
    told = f"the overlay {path} cannot be used: there is no bound 'price_medain'; did you mean price_median?"
    checked = command("expectations", "check")
    assert told in checked.output
    assert sentence(checked) == "1 file cannot be used"
    retried = command("retry")
    assert retried.exit_code == 1
    assert told in retried.output
    assert "Traceback" not in retried.output
    assert told in command("status").output
    # Nothing is lost: once the overlay is right, the file goes on.
    overlay(home, DEARER)
    assert command("ingest").exit_code == 0
    assert {drop.status for drop in Ledger(home).drops()} == {Status.ACCEPTED}


def test_a_file_after_no_table_is_told_because_it_changes_nothing(home: Home) -> None:
    command("ingest")
    overlay(home, DEARER, table="prices/raw_quote")
    told = "is about no table: there is no prices/raw_quote; did you mean prices/raw_quotes.json?"
    assert told in command("expectations", "check").output
    assert told in command("materialize", "governance").output
    assert told in command("status").output


@pytest.mark.usefixtures("home")
def test_a_file_is_looked_at_before_it_lies_in_the_home(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"expectations": [DEARER]}))
    assert command("expectations", "check", path, "--table", RAW).exit_code == 0
    assert "there is no" in command("expectations", "check", path).output
    assert sentence(command("expectations", "check", tmp_path / "none.json")).startswith("there is no file ")
    assert "the shipped bounds hold" in command("expectations", "check").output


@pytest.mark.skipif(not PRICES.exists(), reason="the cases are not here")
def test_a_curated_basket_of_which_every_product_is_the_item_has_indices(home: Home) -> None:
    command("ingest")
    layouts = home.layouts / "prices"
    (layouts / "office.yaml").write_bytes((PRICES / "all_in_scope_mapping.yaml").read_bytes())
    rules = PRICES / "all_in_scope_item_rules.csv"
    prices = home.root.parent / "preise_2024.csv"
    prices.write_bytes((PRICES / "all_in_scope_prices.csv").read_bytes())
    assert command("ingest", rules, "--source", "item_rules").exit_code == 0
    assert command("ingest", prices, "--source", "prices").exit_code == 0
    made = command("materialize", "prices/classified_quotes", "prices/checked_quotes", "prices/item_indices")
    assert made.exit_code == 0, made.output
    indices = lake.read(home, CATALOGUE["prices/item_indices"]).collect()
    assert indices["item_id"].n_unique() == 20
    assert indices["index"].null_count() == 0
