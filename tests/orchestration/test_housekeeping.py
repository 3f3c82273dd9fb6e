"""What runs logged and printed long ago goes; what they made and checked stays known, and what works stays whole."""

import time
from pathlib import Path

import dagster as dg
import pytest
import yaml

from ons_assets.definitions import build_definitions
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.history import INSTANCE_FILE
from ons_assets.orchestration.housekeeping import DAY_SECONDS, housekeeping, tidy
from ons_assets.orchestration.runs import instance
from ons_assets.settings import Settings

KEEP_DAYS = 90


@dg.asset(check_specs=[dg.AssetCheckSpec("whole", asset="numbers")])
def numbers():
    print("something that a run prints")
    yield dg.AssetCheckResult(check_name="whole", passed=True)
    yield dg.MaterializeResult(metadata={"rows": 7})


def test_old_logs_go_and_what_was_made_stays_known(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").ensure()
    with instance(home) as opened:
        run = dg.materialize([numbers], instance=opened).run_id
        log, printed = home.dagster / "history" / "runs" / f"{run}.db", home.dagster / "storage" / run
        assert (log.exists(), printed.exists()) == (True, True)
        now = time.time()
        assert tidy(home, opened, KEEP_DAYS, now) == (0, 0)
        later = now + (KEEP_DAYS + 1) * DAY_SECONDS
        assert tidy(home, opened, KEEP_DAYS, later) == (1, 1)
        assert (log.exists(), printed.exists()) == (False, False)
    with instance(home) as opened:
        made = opened.get_latest_materialization_event(numbers.key)
        assert made is not None
        assert made.run_id == run
        assert opened.get_run_by_id(run) is not None
        [check] = opened.event_log_storage.get_asset_check_execution_history(next(iter(numbers.check_keys)), limit=1)
        assert check.status.value == "SUCCEEDED"
        assert tidy(home, opened, KEEP_DAYS, later) == (0, 0)


def test_a_run_that_has_not_ended_keeps_its_log(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").ensure()
    with instance(home) as opened:
        job = dg.define_asset_job("all", [numbers]).resolve(asset_graph=dg.Definitions([numbers]).resolve_asset_graph())
        run = opened.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        opened.report_engine_event("it works", run)
        assert tidy(home, opened, KEEP_DAYS, time.time() + 1000 * DAY_SECONDS)[0] == 0
        assert "it works" in [entry.message for entry in opened.all_logs(run.run_id)]


def test_it_is_done_every_night_with_what_the_settings_say(settings: Settings) -> None:
    definitions = build_definitions(settings)
    [schedule] = [each for each in definitions.schedules or () if each.name == "nightly_housekeeping"]
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    with instance(Home(settings.home)) as opened:
        result = housekeeping.execute_in_process(instance=opened, resources=definitions.resources)
        [said] = [each.user_message for each in opened.all_logs(result.run_id) if "and gone" in each.user_message]
    assert said == "older than 90 days, and gone: the events of 0 runs, and what 0 printed"


@pytest.mark.parametrize("kind", ["schedule", "sensor", "auto_materialize"])
def test_looks_of_sensors_and_schedules_go_too(kind: str) -> None:
    kept = yaml.safe_load(INSTANCE_FILE.read_text())["retention"][kind]["purge_after_days"]
    assert all(days > 0 for days in (kept.values() if isinstance(kept, dict) else [kept]))
