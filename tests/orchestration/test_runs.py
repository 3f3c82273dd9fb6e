"""Dagster's storage of a home, however many processes open it first."""

import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from unittest import mock

import dagster as dg
import pytest

from ons_assets import operations
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration import collecting
from ons_assets.orchestration.marks import ASKING, SHOP_TAG, WORKS
from ons_assets.orchestration.runs import NOTHING, at_work, close_dead_runs, instance
from ons_assets.settings import load_settings


@dg.job
def nothing_to_do() -> None:
    """Do nothing."""


# A server that has the libraries loaded forks them, so that both are at the door at the same moment.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["ons_assets.operations"])


def first_command(home: Path, both: Barrier) -> None:
    """Open a home that nobody opened before, as any command does, and ask for its runs."""
    both.wait()
    operations.open_home(load_settings(home))
    with instance(Home(home)) as opened:
        opened.get_runs_count()


@pytest.mark.parametrize("pair", range(5))
def test_two_first_commands_at_once_leave_a_home_that_can_be_used(tmp_path: Path, pair: int) -> None:
    home = tmp_path / f"home-{pair}"
    both = processes.Barrier(2)
    started = [processes.Process(target=first_command, args=(home, both)) for _ in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0, 0]
    close_dead_runs(Home(home))
    with instance(Home(home)) as opened:
        assert opened.get_runs_count() == 0
        assert opened.all_asset_keys() == []
        assert opened.all_instigator_state() == []


def test_runs_that_work_are_few_and_those_that_ask_shops_take_the_place_of_none(tmp_path: Path) -> None:
    home = operations.open_home(load_settings(tmp_path / "home"))
    with instance(home) as opened:
        limits = opened.get_concurrency_config().run_queue_config
        assert limits is not None
        most = {limit["key"]: limit["limit"] for limit in limits.tag_concurrency_limits}
        assert set(most) == {*WORKS, SHOP_TAG}
        assert limits.max_concurrent_runs == sum(most.values()), "none of one kind takes a place of the other"
        shop = collecting.request("pellworth")
        runs = [
            opened.create_run_for_job(collecting.collect_prices, run_config=shop.run_config, tags=shop.tags),
            # As the UI begins it: with the configuration alone.
            opened.create_run_for_job(collecting.collect_prices, run_config=shop.run_config),
            opened.create_run_for_job(nothing_to_do),
        ]
        # Only what a code server runs can be queued.
        with mock.patch.object(dg.QueuedRunCoordinator, "submit_run"):
            for run in runs:
                opened.run_coordinator.submit_run(mock.Mock(dagster_run=run))
        submitted = [
            (run.job_name, {key: run.tags[key] for key in most if key in run.tags}) for run in opened.get_runs()
        ]
        of_shop = (ASKING, {SHOP_TAG: "pellworth"})
        assert sorted(submitted, key=str) == [of_shop, of_shop, ("nothing_to_do", WORKS)]
        assert at_work(opened) == 1


def test_of_days_that_there_are_not_nothing_is_made(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "home")
    operations.open_home(settings)
    assert operations.make(settings, ["prices/raw_quotes"], None, lambda _: None) is NOTHING
