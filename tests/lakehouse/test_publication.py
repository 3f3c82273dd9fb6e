import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ons_assets.lakehouse import lake, quarantine
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Between
from ons_assets.lakehouse.publication import (
    Publication,
    Published,
    Refused,
    code_version,
    data_version,
    publish,
    publish_parts,
)
from ons_assets.lakehouse.tables import SchemaMismatch
from tests.workbench import COUNTS, PERSONS

DAY, NEXT = date(2016, 7, 21), date(2016, 7, 22)
SUITE = Suite(
    COUNTS.name,
    {
        "name": COUNTS.name,
        "expectations": [
            {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}, "severity": "critical"},
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": "trips", "max_value": 100},
                "severity": "critical",
            },
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": "trips", "max_value": 50},
                "severity": "warning",
            },
        ],
    },
    "f" * 64,
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).ensure()


def frame(*pairs: tuple[date, int]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema=COUNTS.schema, orient="row")


def put(home: Home, rows: pl.DataFrame, run_id: str = "run-1", replace: Between | None = None) -> Published:
    return publish(
        home,
        COUNTS,
        rows,
        SUITE,
        run_id=run_id,
        inputs={"test/persons": "v1"},
        settings={"limit": 3},
        replace=replace,
    )


def trips(home: Home) -> list[int]:
    return lake.read(home, COUNTS).sort("day").collect()["trips"].to_list()


def test_a_frame_that_passes_is_published_with_its_provenance(home: Home) -> None:
    published = put(home, frame((DAY, 1), (NEXT, 2)), replace=Between("day", DAY, NEXT))
    assert (published.table, published.version, published.rows) == (COUNTS.name, 0, 2)
    assert trips(home) == [1, 2]
    version = lake.latest(home, COUNTS)
    assert version is not None
    made = version.provenance
    assert made is not None
    assert (made.run_id, made.code_version, made.inputs) == ("run-1", code_version(), {"test/persons": "v1"})
    assert made.suite == {"sha256": SUITE.sha256, "evaluated": 6, "failures": []}
    assert (made.settings, made.data_version) == ({"limit": 3}, published.data_version)
    assert made.partition == ("2016-07-21", "2016-07-22")
    assert not [path for path in home.staging.rglob("*") if path.is_file()]


def test_a_refused_frame_leaves_the_table_as_it_was(home: Home) -> None:
    put(home, frame((DAY, 1)))
    with pytest.raises(Refused, match=r"^values \(trips\): expected at most 100; 1 of 2"):
        put(home, frame((DAY, 2), (NEXT, 500)), run_id="run-2")
    assert trips(home) == [1]
    assert len(lake.history(home, COUNTS)) == 1
    [entry] = quarantine.entries(home)
    assert (entry.table, entry.batch, entry.rows, entry.refused) == (COUNTS.name, "run-2", 2, True)
    kept = pl.read_parquet(home.quarantine / COUNTS.name / "run-2.batch.parquet")
    assert kept["trips"].to_list() == [2, 500]
    assert not [path for path in home.staging.rglob("*") if path.is_file()]
    assert len(list((home.reports / "validations" / COUNTS.name).glob("*.json"))) == 2


def test_an_empty_frame_is_refused(home: Home) -> None:
    with pytest.raises(Refused):
        put(home, frame())
    assert not lake.exists(home, COUNTS)


def test_a_warning_is_published_and_kept_with_the_version(home: Home) -> None:
    published = put(home, frame((DAY, 60)))
    assert not published.audit.is_critical
    version = lake.latest(home, COUNTS)
    assert version is not None
    assert version.provenance is not None
    [failure] = version.provenance.suite["failures"]
    assert (failure["severity"], failure["detail"]) == ("warning", "expected at most 50; 1 of 1 are not")


def test_other_columns_are_an_error_and_not_a_refusal(home: Home) -> None:
    with pytest.raises(SchemaMismatch, match="missing columns"):
        put(home, frame((DAY, 1)).drop("trips"))
    assert quarantine.entries(home) == []


def test_one_partition_is_replaced(home: Home) -> None:
    put(home, frame((DAY, 1), (NEXT, 2)))
    put(home, frame((NEXT, 3)), run_id="run-2", replace=Between("day", NEXT, NEXT))
    assert trips(home) == [1, 3]


def put_parts(home: Home, *parts: pl.DataFrame, run_id: str = "run-1") -> Published:
    publication = Publication(home, COUNTS, SUITE, run_id)
    [published] = publish_parts([publication], ((part,) for part in parts), {}, {})
    return published


def test_parts_are_one_version(home: Home) -> None:
    published = put_parts(home, frame((DAY, 1)), frame((NEXT, 60)))
    assert (published.version, published.rows) == (0, 2)
    assert trips(home) == [1, 60]
    assert [failure.severity for failure in published.audit.failures] == ["warning"]
    assert not [path for path in home.staging.rglob("*") if path.is_file()]


def test_one_bad_part_refuses_all(home: Home) -> None:
    put(home, frame((DAY, 1)))
    with pytest.raises(Refused):
        put_parts(home, frame((DAY, 2)), frame((NEXT, 500)), run_id="run-2")
    assert trips(home) == [1]
    [entry] = quarantine.entries(home)
    assert (entry.batch, entry.rows) == ("run-2", 1)
    assert not [path for path in home.staging.rglob("*") if path.is_file()]


def test_a_key_must_not_be_in_two_parts(home: Home) -> None:
    with pytest.raises(Refused, match="1 row of one part with a key of another"):
        put_parts(home, frame((DAY, 1)), frame((DAY, 1)))
    assert not lake.exists(home, COUNTS)


def test_no_part_at_all_is_an_empty_table_and_is_judged_as_one(home: Home) -> None:
    with pytest.raises(Refused, match="row count"):
        put_parts(home)


def test_of_tables_that_are_made_together_none_is_published_if_one_is_refused(home: Home) -> None:
    rules = {
        "name": PERSONS.name,
        "expectations": [
            {"type": "expect_table_row_count_to_be_between", "kwargs": {"max_value": 0}, "severity": "critical"}
        ],
    }
    persons = Publication(home, PERSONS, Suite(PERSONS.name, rules, "e" * 64), "run-1")
    counts = Publication(home, COUNTS, SUITE, "run-1")
    person = pl.DataFrame([dict.fromkeys(PERSONS.column_names)], schema=PERSONS.schema)
    with pytest.raises(Refused) as refusal:
        publish_parts([counts, persons], [(frame((DAY, 1)), person)], {}, {})
    assert refusal.value.table == PERSONS.name
    assert not lake.exists(home, COUNTS)
    assert not [path for path in home.staging.rglob("*") if path.is_file()]


def test_the_data_version_is_a_function_of_what_went_in() -> None:
    suite = Suite(COUNTS.name, {}, "1")
    inputs, settings = {"a": "1", "b": "2"}, {"x": 1, "y": [date(2016, 1, 1)]}
    first = data_version(inputs, suite, settings)
    assert data_version(dict(reversed(inputs.items())), suite, dict(reversed(settings.items()))) == first
    others = {
        data_version({**inputs, "a": "2"}, suite, settings),
        data_version(inputs, Suite(COUNTS.name, {}, "2"), settings),
        data_version(inputs, suite, {**settings, "x": 2}),
    }
    assert len(others | {first}) == 4


def test_the_code_version_names_the_release_and_the_sources() -> None:
    release, digest = code_version().split("+")
    assert release.count(".") == 2
    assert len(digest) == 12
    int(digest, 16)


def test_provenance_can_be_read_by_another_program(home: Home) -> None:
    put(home, frame((DAY, 1)))
    [log] = (home.table(COUNTS.name) / "_delta_log").glob("*.json")
    commit = next(entry for line in log.read_text().splitlines() if (entry := json.loads(line)).get("commitInfo"))
    assert json.loads(commit["commitInfo"]["ons_assets"])["run_id"] == "run-1"
