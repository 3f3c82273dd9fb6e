"""Which days are partitions: those of which files told and those between, in whatever order they come."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count

import dagster as dg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.partitions import add_days, add_days_until, days_in, partitions_of, tags_of_days

RAW, DAY = "prices/raw_quotes", date(2016, 7, 21)
NUMBERS = count()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home")).ensure()


@pytest.fixture
def opened() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


def after(*numbers: int) -> list[date]:
    return [DAY + timedelta(number) for number in numbers]


def partitions(opened: dg.DagsterInstance, raw_table: str = RAW) -> list[date]:
    return [*map(date.fromisoformat, opened.get_dynamic_partitions(str(partitions_of(raw_table).name)))]


def test_without_a_file_there_is_no_day(home: Home, opened: dg.DagsterInstance) -> None:
    add_days(home, opened, RAW, [])
    add_days_until(home, opened, RAW, DAY)
    assert partitions(opened) == []
    assert tags_of_days(opened, RAW, (DAY, DAY)) == tags_of_days(opened, RAW, None) == {}


def test_days_on_which_nothing_came_are_days_and_those_of_others_are_not(
    home: Home, opened: dg.DagsterInstance
) -> None:
    add_days(home, opened, RAW, after(0, 3))
    add_days(home, opened, "tweets/raw_tweets", after(9))
    assert partitions(opened) == after(0, 1, 2, 3)
    add_days_until(home, opened, RAW, DAY + timedelta(5))
    add_days_until(home, opened, RAW, DAY - timedelta(5))
    assert partitions(opened) == after(0, 1, 2, 3, 4, 5)
    assert partitions(opened, "tweets/raw_tweets") == after(9)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(-20, 20), min_size=1, max_size=4), min_size=1, max_size=5), st.data())
def test_a_run_over_days_makes_all_of_them_however_they_came(
    home: Home, opened: dg.DagsterInstance, arrivals: list[list[int]], data: st.DataObject
) -> None:
    """A day that is in no run that was asked for would be lost without a word."""
    raw = f"some/table_{next(NUMBERS)}"
    known: set[date] = set()
    for numbers in arrivals:
        add_days(home, opened, raw, after(*numbers))
        assert known <= {*partitions(opened, raw)}, "none is ever lost"
        known = {*partitions(opened, raw)}
    every = [number for numbers in arrivals for number in numbers]
    assert sorted(partitions(opened, raw)) == after(*range(min(every), max(every) + 1))
    first, last = sorted(data.draw(st.lists(st.sampled_from(every), min_size=2, max_size=2)))
    made = made_by(opened, raw, (DAY + timedelta(first), DAY + timedelta(last)))
    assert {*map(str, after(*range(first, last + 1)))} <= {*made}
    assert days_in(made)[0] <= DAY + timedelta(first) <= DAY + timedelta(last) <= days_in(made)[1]
    assert made_by(opened, raw, None) == [*map(str, partitions(opened, raw))]


def test_days_in_order_make_a_run_over_no_other(home: Home, opened: dg.DagsterInstance) -> None:
    add_days(home, opened, RAW, after(0, 9))
    assert made_by(opened, RAW, (DAY + timedelta(2), DAY + timedelta(4))) == [*map(str, after(2, 3, 4))]


def test_a_wrong_date_of_years_ago_makes_no_day_but_its_own(home: Home, opened: dg.DagsterInstance) -> None:
    raw = f"some/table_{next(NUMBERS)}"
    add_days(home, opened, raw, [date(1931, 5, 4), *after(0, 3)])
    assert sorted(partitions(opened, raw)) == [date(1931, 5, 4), *after(0, 1, 2, 3)]
    assert made_by(opened, raw, (DAY, DAY)) == [DAY.isoformat()]


def made_by(opened: dg.DagsterInstance, raw_table: str, days: tuple[date, date] | None) -> list[str]:
    """Partitions of the run over some days: from the first to the last that its tags name, as Dagster has them."""
    tags = tags_of_days(opened, raw_table, days)
    known = opened.get_dynamic_partitions(str(partitions_of(raw_table).name))
    first, last = (tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end"))
    return [*known[known.index(first) : known.index(last) + 1]]
