"""Schedules of shops: one each, by its own clock, and one for mornings that went by."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml

from ons_assets.collectors.prices import mornings, shops
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration import collecting
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.settings import Settings
from tests.collectors.test_pages import BASE

MORNING = datetime(2026, 3, 28, 9, tzinfo=UTC)


def home_with(folder: Path, **descriptions: dict[str, object] | None) -> Home:
    home = Home(folder)
    shops.folder(home).mkdir(parents=True)
    for name, said in descriptions.items():
        text = "" if said is None else yaml.safe_dump({**BASE, "retailer": name, **said})
        (shops.folder(home) / f"{name}.yaml").write_text(text)
    return home


def test_every_shop_has_its_schedule(tmp_path: Path) -> None:
    home = home_with(tmp_path, one={}, other={"at": "06:30", "zone": "Europe/Vienna"}, bad=None)
    found = {each.name: each for each in collecting.schedules(home, "Europe/London")}
    said = {name: (each.cron_schedule, each.execution_timezone) for name, each in found.items()}
    assert said == {
        "collect_one": ("0 8 * * *", "Europe/London"),
        "collect_other": ("30 6 * * *", "Europe/Vienna"),
        "collect_made_up": ("*/15 * * * *", "Europe/London"),
    }
    with dg.build_schedule_context(scheduled_execution_time=MORNING) as context:
        asked = found["collect_one"](context)
    assert asked.run_key == "one-2026-03-28"
    assert asked.run_config["ops"]["ask_shop"]["config"] == {"shop": "one"}


def test_late_shops_are_asked_for_unless_a_run_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = home_with(tmp_path, one={}, other={}, bad=None)
    late = collecting.made_up("Europe/London")
    lakehouse = Lakehouse.of(Settings(home=home.root))

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # noqa: ARG003 (the signature is datetime's)
            return MORNING

    monkeypatch.setattr(mornings, "datetime", Clock)
    with dg.instance_for_test() as instance:
        with dg.build_schedule_context(instance=instance, resources={"lakehouse": lakehouse}) as context:
            assert [each.run_config["ops"]["ask_shop"]["config"]["shop"] for each in late(context)] == ["one", "other"]
        instance.create_run_for_job(
            collecting.collect_prices,
            run_config=collecting.request("one").run_config,
            tags={collecting.SHOP_TAG: "one"},
            status=dg.DagsterRunStatus.STARTED,
        )
        with dg.build_schedule_context(instance=instance, resources={"lakehouse": lakehouse}) as context:
            assert [each.tags[collecting.SHOP_TAG] for each in late(context)] == ["other"]


@pytest.mark.parametrize("code", [0, 1])
def test_a_run_is_the_command_and_fails_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    commands: list[list[str]] = []

    def done(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, code, "one: failed\n", "ons-assets: why\n")

    monkeypatch.setattr(collecting.subprocess, "run", done)
    home = home_with(tmp_path)
    asked = collecting.collect_prices.execute_in_process(
        dg.RunConfig(ops={"ask_shop": collecting.OneShop(shop="one")}),
        resources={"lakehouse": Lakehouse.of(Settings(home=home.root))},
        raise_on_error=False,
    )
    assert asked.success is (code == 0)
    assert commands == [
        [sys.executable, "-m", "ons_assets", "collect", "shops", "one", "--wait", "--home", str(home.root)]
    ]
