from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ons_assets.lakehouse import lake
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.increments import Increment, increment, made_of
from ons_assets.lakehouse.publication import publish
from ons_assets.lakehouse.tables import Column, Sensitivity, Table
from tests.workbench import COUNTS, PERSONS

DAY, NEXT = date(2016, 7, 21), date(2016, 7, 22)
ANY_ROWS = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 0}, "severity": "critical"}
SETTINGS = {"limit": 3}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path).ensure()
    count(home, (DAY, 1))
    return home


def count(home: Home, *pairs: tuple[date, int]) -> None:
    frame = pl.DataFrame(pairs, schema=COUNTS.schema, orient="row")
    publish(home, COUNTS, frame, suite(COUNTS.name), run_id="input", inputs={}, settings={})


def suite(name: str) -> Suite:
    return Suite(name, {"name": name, "expectations": [ANY_ROWS]}, "f" * 64)


def inputs(home: Home, **others: str) -> dict[str, str]:
    return {COUNTS.name: made_of(lake.latest(home, COUNTS)), **others}


def make(home: Home, **others: str) -> None:
    publish(
        home,
        PERSONS,
        PERSONS.empty(),
        suite(PERSONS.name),
        run_id="run",
        inputs=inputs(home, **others),
        settings=SETTINGS,
    )


def since(
    home: Home, settings: dict[str, int] | None = None, tightened: Suite | None = None, **others: str
) -> Increment | None:
    return increment(
        home, [(PERSONS, tightened or suite(PERSONS.name))], COUNTS, inputs(home, **others), settings or SETTINGS
    )


def test_what_was_never_made_is_made_whole(home: Home) -> None:
    assert since(home) is None


def test_only_what_came_since_is_new(home: Home) -> None:
    make(home)
    count(home, (DAY, 1), (NEXT, 2))
    found = since(home)
    assert found is not None
    assert found.change.rows().collect().rows() == [(NEXT, 2)]
    assert found.previous["persons"].collect().equals(PERSONS.empty())


def test_other_settings_other_inputs_or_another_program_make_everything_anew(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(home, areas="0:a")
    assert since(home, areas="0:a") is not None
    assert since(home, areas="1:b") is None
    assert since(home, {"limit": 4}, areas="0:a") is None
    assert since(home, tightened=Suite(PERSONS.name, {}, "0" * 64), areas="0:a") is None
    monkeypatch.setattr("ons_assets.lakehouse.increments.code_version", lambda: "another")
    assert since(home, areas="0:a") is None


def test_tables_of_different_runs_are_made_anew(home: Home) -> None:
    make(home)
    assert (
        increment(home, [(table, suite(table.name)) for table in (PERSONS, COUNTS)], COUNTS, inputs(home), SETTINGS)
        is None
    )


DISTANCES, SPEEDS = (
    Table(
        name=f"test/{name}",
        description="Made of counts.",
        columns=(Column("km", pl.Float64(), "how far"),),
        key=("km",),
        sensitivity=Sensitivity.INDIVIDUAL,
        owner="team:test",
        source="test",
    )
    for name in ("distances", "speeds")
)


def follow(home: Home, table: Table, of: dict[str, str], settings: dict[str, int] | None = None) -> None:
    publish(home, table, table.empty(), suite(table.name), run_id="run", inputs=of, settings=settings or SETTINGS)


def of(home: Home, *tables: Table) -> dict[str, str]:
    return {table.name: made_of(lake.latest(home, table)) for table in tables}


def since_then(home: Home) -> Increment | None:
    """What has changed for persons, who are made of counts and of all that is made of counts."""
    made = [(PERSONS, suite(PERSONS.name))]
    return increment(home, made, COUNTS, of(home, COUNTS, DISTANCES, SPEEDS), SETTINGS, (DISTANCES, SPEEDS))


@pytest.fixture
def chain(home: Home) -> Home:
    """Distances are made of counts, speeds of distances, and persons of all three; then counts are others."""
    follow(home, DISTANCES, of(home, COUNTS))
    follow(home, SPEEDS, of(home, DISTANCES))
    follow(home, PERSONS, of(home, COUNTS, DISTANCES, SPEEDS))
    count(home, (DAY, 1), (NEXT, 2))
    return home


def test_inputs_that_are_made_of_the_one_that_changed_may_differ_with_it(chain: Home) -> None:
    follow(chain, DISTANCES, of(chain, COUNTS))
    follow(chain, SPEEDS, of(chain, DISTANCES))
    found = since_then(chain)
    assert found is not None
    assert found.change.rows().collect().rows() == [(NEXT, 2)]
    assert found.before["counts"].collect().rows() == [(DAY, 1)]
    assert set(found.before) == {"counts", "distances", "speeds"}


def test_inputs_that_are_as_they_were_have_not_changed(chain: Home) -> None:
    assert since_then(chain) is not None


def test_an_input_that_differs_for_another_reason_makes_everything_anew(chain: Home) -> None:
    follow(chain, DISTANCES, of(chain, COUNTS), {"limit": 4})
    follow(chain, SPEEDS, of(chain, DISTANCES))
    assert since_then(chain) is None


def test_an_input_that_is_made_of_a_version_between_makes_everything_anew(chain: Home) -> None:
    follow(chain, DISTANCES, of(chain, COUNTS))
    count(chain, (DAY, 1), (NEXT, 3))
    assert since_then(chain) is None


def test_an_input_that_is_there_now_and_was_not_makes_everything_anew(home: Home) -> None:
    follow(home, PERSONS, {**of(home, COUNTS), DISTANCES.name: "", SPEEDS.name: ""})
    assert since_then(home) is not None
    follow(home, DISTANCES, of(home, COUNTS))
    assert since_then(home) is None
