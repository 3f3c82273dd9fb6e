"""The road of a table that is made of others, without anything that schedules it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from ons_assets.lakehouse import lake, quarantine
from ons_assets.lakehouse.derivation import (
    Computed,
    Derivation,
    Made,
    Outcome,
    Outdated,
    Refused,
    Unchanged,
    Waiting,
    derive,
)
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.increments import Increment, Replacement
from ons_assets.lakehouse.publication import publish
from ons_assets.lakehouse.tables import Column, Sensitivity, Table
from tests.workbench import COUNTS

FIRST, SECOND, THIRD = date(2016, 7, 21), date(2016, 7, 22), date(2016, 7, 23)
MOST_KM = 1000


def table(name: str) -> Table:
    return Table(
        name=f"test/{name}",
        description="One day's distance.",
        columns=(Column("day", pl.Date(), "day"), Column("km", pl.Int64(), "distance")),
        key=("day",),
        partition_by=("day",),
        sensitivity=Sensitivity.PUBLIC,
        owner="team:test",
        source="tests",
    )


DISTANCES, LENGTHS, SPEEDS = table("distances"), table("lengths"), table("speeds")


@dataclass
class Office:
    """A home with suites, in which tables are made."""

    home: Home
    suites: Path
    runs: Iterator[int] = field(default_factory=lambda: iter(range(1000)))

    def count(self, *trips: tuple[date, int], of: Table = COUNTS) -> None:
        frame = pl.DataFrame(trips, schema=of.schema, orient="row")
        suite = Suite.load(self.suites, of.name)
        publish(self.home, of, frame, suite, run_id=f"count-{next(self.runs)}", inputs={}, settings={})

    def make(self, derivation: Derivation, days: tuple[date, date] | None = None, **given: object) -> Outcome:
        return derive(
            self.home,
            derivation,
            expectations=self.suites,
            run_id=f"run-{next(self.runs)}",
            parameters={"km_a_trip": 3},
            given=given,
            days=days,
        )

    def rows(self, of: Table) -> list[tuple[date, int]]:
        return lake.read(self.home, of).sort("day").collect().rows()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    suites = tmp_path / "suites"
    for each, column in ((COUNTS, "trips"), (DISTANCES, "km"), (LENGTHS, "km"), (SPEEDS, "km")):
        within = {"column": column, "min_value": 0, "max_value": MOST_KM}
        expectations = [{"type": "expect_column_values_to_be_between", "kwargs": within, "severity": "critical"}]
        path = suites / f"{each.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"name": each.name, "expectations": expectations}))
    return Office(Home(tmp_path / "home").ensure(), suites)


def distances(counts: pl.LazyFrame) -> pl.DataFrame:
    return counts.select("day", km=pl.col("trips") * 3).sort("day").collect()


def of_counts(function: Callable[..., Computed], *tables: Table, increments: bool = False) -> Derivation:
    return Derivation(tables or (DISTANCES,), function, (COUNTS,), increments_of=COUNTS if increments else None)


def test_a_table_waits_for_an_input_that_was_never_published(office: Office) -> None:
    called = []
    derivation = Derivation((DISTANCES,), lambda **frames: called.append(frames), (COUNTS, LENGTHS))
    assert office.make(derivation) == Waiting((COUNTS.name, LENGTHS.name))
    office.count((FIRST, 1))
    assert office.make(derivation) == Waiting((LENGTHS.name,))
    assert not called
    assert lake.latest(office.home, DISTANCES) is None


def test_an_input_of_an_earlier_program_is_told_and_not_read(office: Office) -> None:
    office.count((FIRST, 1))
    now = replace(COUNTS, columns=(*COUNTS.columns, Column("late", pl.Boolean(), "whether it was late")))
    called = []
    for inputs, optional in (((now,), ()), ((), (now,))):
        derivation = Derivation((DISTANCES,), lambda **frames: called.append(frames), inputs, optional)
        assert office.make(derivation) == Outdated(COUNTS.name)
    assert not called
    assert lake.latest(office.home, DISTANCES) is None


def test_what_is_made_says_of_which_versions_and_parameters(office: Office) -> None:
    office.count((FIRST, 1), (SECOND, 2))
    outcome = office.make(of_counts(distances))
    assert isinstance(outcome, Made)
    assert office.rows(DISTANCES) == [(FIRST, 3), (SECOND, 6)]
    assert outcome.whole is not None
    assert outcome.whole.rows() == office.rows(DISTANCES)
    version, counted = lake.latest(office.home, DISTANCES), lake.latest(office.home, COUNTS)
    assert version is not None
    assert version.provenance is not None
    assert counted is not None
    assert counted.provenance is not None
    assert [(each.table, each.version, each.rows) for each in outcome.published] == [
        (DISTANCES.name, version.number, 2)
    ]
    assert version.provenance.inputs == {COUNTS.name: f"{counted.number}:{counted.provenance.data_version}"}
    assert version.provenance.settings == {"km_a_trip": 3}


def test_an_optional_input_that_was_never_published_is_none(office: Office) -> None:
    seen: list[pl.LazyFrame | None] = []

    def made(counts: pl.LazyFrame, lengths: pl.LazyFrame | None) -> pl.DataFrame:
        seen.append(lengths)
        return distances(counts)

    derivation = Derivation((DISTANCES,), made, (COUNTS,), (LENGTHS,))
    office.count((FIRST, 1))
    assert isinstance(office.make(derivation), Made)
    assert seen == [None]
    office.count((FIRST, 7), of=LENGTHS)
    office.make(derivation)
    assert isinstance(seen[1], pl.LazyFrame)
    assert seen[1].collect().rows() == [(FIRST, 7)]


def test_a_function_is_given_what_it_names_and_nothing_else(office: Office) -> None:
    office.count((FIRST, 1))

    def made(settings: int, days: tuple[date, date] | None) -> pl.DataFrame:
        assert days is None
        return pl.DataFrame([(FIRST, settings)], schema=DISTANCES.schema, orient="row")

    office.make(of_counts(made), settings=5, lakehouse="not asked for")
    assert office.rows(DISTANCES) == [(FIRST, 5)]


def test_parts_are_published_as_one_version(office: Office) -> None:
    office.count((FIRST, 1), (SECOND, 2))

    def made(counts: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        for day in (FIRST, SECOND):
            yield distances(counts.filter(day=day))

    outcome = office.make(of_counts(made))
    assert isinstance(outcome, Made)
    assert outcome.whole is None
    assert [each.rows for each in outcome.published] == [2]
    assert len(lake.history(office.home, DISTANCES)) == 1


def test_days_take_the_place_of_those_days_only(office: Office) -> None:
    office.count((FIRST, 1), (SECOND, 2), (THIRD, 3))
    office.make(of_counts(distances), days=(FIRST, THIRD))
    office.count((FIRST, 10), (SECOND, 20), (THIRD, 30))

    def between(counts: pl.LazyFrame, days: tuple[date, date]) -> pl.DataFrame:
        return distances(counts.filter(pl.col("day").is_between(*days)))

    office.make(of_counts(between), days=(SECOND, SECOND))
    assert office.rows(DISTANCES) == [(FIRST, 3), (SECOND, 60), (THIRD, 9)]


def changed_days(counts: pl.LazyFrame, increment: Increment | None) -> pl.DataFrame | Replacement:
    if increment is None:
        return distances(counts)
    days = increment.change.rows().select(pl.col("day").unique().sort()).collect().to_series().to_list()
    return Replacement(tuple(days), iter([distances(counts.filter(pl.col("day").is_in(days)))]))


def test_only_what_changed_is_made_again_and_the_rest_stays(office: Office) -> None:
    told: list[Increment | None] = []

    def made(counts: pl.LazyFrame, increment: Increment | None) -> pl.DataFrame | Replacement:
        told.append(increment)
        return changed_days(counts, increment)

    derivation = of_counts(made, increments=True)
    office.count((FIRST, 1), (SECOND, 2))
    office.make(derivation)
    assert told == [None]
    office.count((FIRST, 1), (SECOND, 5))
    outcome = office.make(derivation)
    assert told[1] is not None
    assert told[1].previous["distances"].sort("day").collect().rows() == [(FIRST, 3), (SECOND, 6)]
    assert isinstance(outcome, Made)
    assert [each.rows for each in outcome.published] == [1]
    assert office.rows(DISTANCES) == [(FIRST, 3), (SECOND, 15)]


def test_where_nothing_changed_nothing_is_published(office: Office) -> None:
    derivation = of_counts(changed_days, increments=True)
    office.count((FIRST, 1))
    office.make(derivation)
    before = lake.latest(office.home, DISTANCES)
    assert office.make(derivation) == Unchanged(before)  # type: ignore[arg-type]
    assert lake.latest(office.home, DISTANCES) == before


def test_a_refusal_leaves_the_last_good_data_of_every_table(office: Office) -> None:
    def both(counts: pl.LazyFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        return distances(counts), distances(counts).with_columns(pl.col("km") * 100)

    derivation = of_counts(both, DISTANCES, SPEEDS)
    office.count((FIRST, 1))
    assert isinstance(office.make(derivation), Made)
    good = [lake.latest(office.home, each) for each in (DISTANCES, SPEEDS)]
    office.count((FIRST, 4))
    outcome = office.make(derivation)
    assert isinstance(outcome, Refused)
    assert outcome.table == SPEEDS.name
    assert outcome.audit.is_critical
    assert [lake.latest(office.home, each) for each in (DISTANCES, SPEEDS)] == good
    assert office.rows(DISTANCES) == [(FIRST, 3)]
    assert [entry.table for entry in quarantine.entries(office.home)] == [SPEEDS.name]
    assert not list(office.home.staging.rglob("*.parquet"))


def test_tables_are_held_while_they_are_made(office: Office) -> None:
    """Who looks at the inputs last also publishes last."""
    import fcntl

    office.count((FIRST, 1))
    held: list[bool] = []

    def made(counts: pl.LazyFrame) -> pl.DataFrame:
        with (office.home.root / "locks" / "test.distances.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held.append(False)
            except BlockingIOError:
                held.append(True)
        return distances(counts)

    office.make(of_counts(made))
    assert held == [True]
    with (office.home.root / "locks" / "test.distances.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_every_part_is_computed_with_linear_algebra_in_one_thread(office: Office) -> None:
    office.count((FIRST, 1), (SECOND, 2))
    threads: list[int] = []

    def made(counts: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        for day in (FIRST, SECOND):
            threads.extend(each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas")
            yield distances(counts.filter(day=day))

    with threadpool_limits(2, user_api="blas"):
        office.make(of_counts(made))
    assert set(threads) == {1}
