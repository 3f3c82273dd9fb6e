"""What a command, a setting or a suite changed is followed by itself, and once; a run over a file leaves nothing."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ons_assets import operations
from ons_assets.definitions import build_definitions
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration import following
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import instance
from ons_assets.parameters.prices import IndexParameters
from ons_assets.settings import Settings
from tests.orchestration.conftest import settings_at, silent, tighten
from tests.run_files import PRICES, write_run, write_weights

DAY = date(2016, 7, 21)
ROAD = ("prices/classified_quotes", "prices/checked_quotes", "prices/item_indices", "prices/aggregate_indices")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    settings = settings_at(place)
    folder = place / "supplier"
    operations.take(settings, [write_run(folder, "tesco", DAY), write_weights(folder)], None, silent)
    operations.read_waiting(settings, silent)
    assert operations.make(settings, ["prices", "governance/drop_ledger"], None, silent).failures == {}
    return place


@pytest.fixture
def made(made_once: Path, tmp_path: Path) -> Settings:
    return settings_at(shutil.copytree(made_once, tmp_path / "made"))


@pytest.fixture
def opened(made: Settings) -> Iterator[dg.DagsterInstance]:
    with instance(Home(made.home)) as found:
        yield found


def asked(settings: Settings, opened: dg.DagsterInstance, cursor: str | None = None) -> tuple[str | None, set[str]]:
    """The cursor, and the tables of the prices that the sensor asks for."""
    [sensor] = [each for each in build_definitions(settings).sensors or [] if each.name == following.JOB]
    lakehouse = {"lakehouse": Lakehouse.of(settings)}
    result = sensor(dg.build_sensor_context(instance=opened, cursor=cursor, resources=lakehouse))
    assert isinstance(result, dg.SensorResult)
    keys = [key for each in result.run_requests or [] for key in each.asset_selection or []]
    assert len(keys) == len({*keys}), "nothing is made twice"
    return result.cursor, {key.to_user_string() for key in keys if key.path[0] == "prices"}


def test_after_a_run_over_everything_nothing_is_asked_for(made: Settings, opened: dg.DagsterInstance) -> None:
    cursor, tables = asked(made, opened)
    assert tables == set()
    of_ledger = operations.make(made, ["governance/drop_ledger"], None, silent)
    assert of_ledger.made == ("governance/drop_ledger",)
    assert asked(made, opened, cursor)[1] == set(), "the ledger is made after each run, and would be followed for ever"


def test_what_a_parameter_concerns_and_what_follows_is_asked_for_once(
    made: Settings, opened: dg.DagsterInstance
) -> None:
    prices = made.prices.model_copy(update={"indices": IndexParameters(frequencies=("month",))})
    changed = made.model_copy(update={"prices": prices})
    before, _ = asked(made, opened)
    cursor, tables = asked(changed, opened, before)
    assert {"prices/item_indices", "prices/aggregate_indices"} <= tables
    assert not {"prices/classified_quotes", "prices/checked_quotes"} & tables
    assert asked(changed, opened, cursor)[1] == set(), "once, whatever comes of it"
    assert operations.make(changed, [*tables], None, silent).success
    # The vintages did not change by it, and so stand as they were made of other indices: that is asked once.
    cursor, more = asked(changed, opened, cursor)
    assert more < tables
    assert operations.make(changed, [*more], None, silent).success
    assert asked(changed, opened, cursor)[1] == set()
    assert "prices/item_indices" in asked(made, opened, cursor)[1], "changed back, it is another change"


def test_days_that_a_run_over_other_days_left_as_they_were_are_followed(
    made: Settings, opened: dg.DagsterInstance
) -> None:
    """A file came between a word in the settings and the look for what it changes."""
    second = DAY + timedelta(days=1)
    operations.take(made, [write_run(made.home / "supplier", "tesco", second)], None, silent)
    operations.read_waiting(made, silent)
    for names in (["prices/raw_quotes", "governance/drop_ledger"], ["prices/collection_report"]):
        assert operations.make(made, names, None, silent).success
    before, _ = asked(made, opened)
    collection = made.prices.collection.model_copy(update={"shelf_overlap": 0.9})
    changed = made.model_copy(update={"prices": made.prices.model_copy(update={"collection": collection})})
    assert operations.make(changed, ["prices/collection_report"], (second, second), silent).success
    cursor, tables = asked(changed, opened, before)
    assert "prices/collection_report" in tables
    assert "prices/collection_report" not in asked(changed, opened, cursor)[1]


def test_a_file_taken_by_a_command_is_followed(made: Settings, opened: dg.DagsterInstance) -> None:
    later = write_run(made.home / "supplier", "tesco", date(2016, 7, 22), dict.fromkeys(PRICES, 2.0))
    operations.take(made, [later], None, silent)
    before, tables = asked(made, opened)
    assert tables == set(), "a file waits, and its run makes what follows"
    operations.read_waiting(made, silent)
    tables = set()
    for _ in range(2):
        before, more = asked(made, opened, before)
        tables |= more
    assert {*ROAD} <= tables
    assert "prices/collection_report" in tables, "what has days, too"


def test_a_bound_is_followed_and_a_refusal_is_not_asked_for_again(made: Settings, opened: dg.DagsterInstance) -> None:
    tighten(made, "prices/item_indices", "expect_column_values_to_be_between", min_value=100.5)
    cursor, tables = asked(made, opened)
    assert "prices/item_indices" in tables
    assert not operations.make(made, [*tables], None, silent).success
    assert asked(made, opened, cursor)[1] == set()


def test_while_a_run_is_at_work_nothing_is_asked_for(
    made: Settings, opened: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    tighten(made, "prices/item_indices", "expect_column_values_to_be_between", max_value=1e6)
    opened.create_run_for_job(build_definitions(made).resolve_implicit_global_asset_job_def())
    cursor, tables = asked(made, opened)
    assert tables == set()
    monkeypatch.setattr(following, "PATIENCE_SECONDS", 0)
    assert asked(made, opened, cursor)[1] != set(), "not for ever"
