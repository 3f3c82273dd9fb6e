"""What is older than is kept goes, by its local day, and the rest stays."""

from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ons_assets import operations
from ons_assets.definitions import build_definitions
from ons_assets.governance.erasure.intent import Intent
from ons_assets.intake.drops import archived_path
from ons_assets.intake.ledger import Status
from ons_assets.operations import erasing
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.retention import nightly_retention
from ons_assets.orchestration.runs import instance
from ons_assets.settings import Drops, Settings, load_settings
from tests.governance.erasure_world import House, world


def test_rows_and_files_before_a_day_go(tmp_path: Path) -> None:
    house = House.at(tmp_path / "home").take(world())
    before = house.rows("tweets")
    first = date(2015, 3, 16)
    done = house.erasing().retain(house.source("tweets"), first, "kept for 30 days")
    assert done is not None
    assert done.rows == len(before.filter(pl.col("created_on") < first)) > 0
    assert house.rows("tweets").equals(before.filter(pl.col("created_on") >= first))
    house.check_books()
    for drop in house.ledger.drops("tweets"):
        there = archived_path(house.home, "tweets", str(drop.sha256)).exists()
        # A file that holds a day that is too old is not kept for the sake of the others.
        assert there == (drop.original_name == "g.csv"), drop.original_name
    assert house.ledger.erasures().select("of_source", "erased_by", "stated_reason").rows() == [
        ("tweets", "retention", "kept for 30 days")
    ]
    assert house.erasing().retain(house.source("tweets"), first, "kept for 30 days") is None
    assert Intent.read(house.home) is None


def test_of_files_whose_rows_say_no_day_that_of_their_arrival_counts(tmp_path: Path) -> None:
    house = House.at(tmp_path / "home").take(world())
    assert house.erasing().retain(house.source("devices"), date(2020, 1, 1), "kept") is None
    done = house.erasing().retain(house.source("devices"), date(2999, 1, 1), "kept")
    assert done is not None
    assert house.rows("devices").is_empty()
    assert [drop.status for drop in house.ledger.drops("devices")] == [Status.ERASED]
    assert len(house.rows("phone_events"))
    house.check_books()


def test_the_settings_say_what_is_kept_and_only_of_sources_about_people(tmp_path: Path) -> None:
    House.at(tmp_path / "home").take(world())
    settings = Settings(home=tmp_path / "home", drops=Drops(retention_days={"meters": 100}))
    assert erasing.retain(settings, lambda _: None, today=date(2013, 4, 1)) != []
    assert erasing.retain(settings, lambda _: None, today=date(2013, 4, 1)) == []
    wrong = Settings(home=tmp_path / "home", drops=Drops(retention_days={"prices": 100}))
    with pytest.raises(operations.UnknownName, match="about nobody"):
        erasing.retain(wrong, lambda _: None)


def test_every_night_it_is_asked_for_if_the_settings_keep_less_than_all(tmp_path: Path) -> None:
    house = House.at(tmp_path / "home").take({"tweets": world()["tweets"]})
    kept = Settings(home=house.home.root)
    less = Settings(home=house.home.root, drops=Drops(retention_days={"tweets": 30}))
    asked = [
        nightly_retention(dg.build_schedule_context(resources={"lakehouse": Lakehouse.of(each)}))
        for each in (kept, less)
    ]
    assert isinstance(asked[0], dg.SkipReason)
    assert isinstance(asked[1], dg.RunRequest)


def test_the_job_runs_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House.at(tmp_path / "home").take({"tweets": world()["tweets"]})
    monkeypatch.setenv("ONS_ASSETS_DROPS__RETENTION_DAYS", '{"tweets": 30}')
    settings = load_settings(house.home.root)
    with instance(house.home) as opened:
        job = build_definitions(settings).resolve_job_def("retention")
        assert job.execute_in_process(instance=opened, raise_on_error=False).success
    assert house.rows("tweets").is_empty()
    assert {drop.status for drop in house.ledger.drops("tweets")} == {Status.ERASED}
