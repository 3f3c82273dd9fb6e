import json
import os
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ons_assets.lakehouse import data_docs, gate
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Column
from tests.workbench import COUNTS

SUITE = Suite(
    COUNTS.name,
    {
        "name": COUNTS.name,
        "expectations": [
            {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}, "severity": "critical"}
        ],
    },
    "0",
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).ensure()


def keep(home: Home, run_id: str, batch: str = "") -> None:
    frame = pl.DataFrame({"day": [date(2016, 7, 21)], "trips": [4711]}, schema=COUNTS.schema)
    data_docs.keep(home, COUNTS.name, run_id, batch, gate.audit(SUITE, COUNTS, frame).result)


def pages(home: Home) -> list[Path]:
    return [path for path in (home.reports / "data_docs").rglob("*.html") if "validations" in path.parts]


def test_each_audit_has_a_page_and_the_start_page_names_the_table(home: Home) -> None:
    keep(home, "run-1")
    keep(home, "run-2", "tesco-1")
    start = data_docs.build(home)
    assert start == home.reports / "data_docs" / "index.html"
    assert COUNTS.name in start.read_text()
    for page in re.findall('href="([^"]+)"', start.read_text()):
        assert (start.parent / page).exists()
    assert len(pages(home)) == 2


def test_pages_are_of_the_newest_results_only_and_older_results_stay(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_docs, "RESULTS_PER_TABLE", 2)
    for number in range(4):
        keep(home, f"run-{number}")
        [path] = (home.reports / "validations").rglob(f"run-{number}.json")
        os.utime(path, (number, number))
    data_docs.build(home)
    shown = {part for page in pages(home) for part in page.parts if part.startswith("run-")}
    assert shown == {"run-2", "run-3"}
    assert len(list((home.reports / "validations").rglob("*.json"))) == 4


def test_building_again_replaces_the_pages(home: Home) -> None:
    keep(home, "run-1")
    data_docs.build(home)
    (home.reports / "data_docs" / "stale.html").write_text("old")
    data_docs.build(home)
    assert not (home.reports / "data_docs" / "stale.html").exists()
    assert not list(home.reports.glob(".*"))


def test_without_any_audit_there_is_a_start_page(home: Home) -> None:
    assert data_docs.build(home).exists()


def test_the_kept_result_says_what_and_when(home: Home) -> None:
    keep(home, "run-1", "tesco-1")
    kept = json.loads((home.reports / "validations" / COUNTS.name / "run-1.tesco-1.json").read_text())
    assert (kept["run_id"], kept["batch"], kept["result"]["success"]) == ("run-1", "tesco-1", True)


def test_a_value_is_shown_as_text_and_never_run(home: Home) -> None:
    attack = "<img src=x onerror=alert(1)>"
    table = replace(COUNTS, columns=(Column("area", pl.String(), "code"),), key=("area",), partition_by=())
    of_codes = {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "area", "regex": "^<?E[0-9]+$"}}
    of_set = {"type": "expect_column_distinct_values_to_be_in_set", "kwargs": {"column": "area", "value_set": ["E1"]}}
    found = [{**each, "severity": "warning"} for each in (of_codes, of_set)]
    suite = Suite(table.name, {"name": table.name, "expectations": found}, "0")
    frame = pl.DataFrame({"area": [attack, "E1"]})
    data_docs.keep(home, table.name, "run-1", "", gate.audit(suite, table, frame).result)
    data_docs.build(home)
    shown = [page.read_text() for page in (home.reports / "data_docs").rglob("*.html")]
    assert not any("<img src=x" in page for page in shown)
    assert any("onerror" in page for page in shown), "the value is not shown at all: the test shows nothing"
