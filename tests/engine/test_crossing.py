"""What one engine made another one goes on with: figures are verified, days replaced, and two runs work at once."""

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.demo import tweets as tweets_world
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.derivation import Made
from ons_assets.lakehouse.home import Home
from ons_assets.operations import tracing
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.prices import assets as price_assets
from ons_assets.settings import EngineSettings, Settings, load_settings
from ons_assets.simulate.tweets import Scale
from ons_assets.tweets import assets
from tests.governance.traced_world import TracedWorld, two_months
from tests.run_files import write_run
from tests.spark_server import spark_engine

ITEM = "prices/item_indices"
LOCATED = CATALOGUE["tweets/located_tweets"]
FEW: dict[str, Any] = {"locating": {"area_level": "district"}, "memory": {"rows_at_once": 100}}
AT_ONCE = ("prices/checked_quotes", ITEM)


def silent(_: str) -> None:
    """Take progress and show nothing."""


def by_cluster(settings: Settings) -> Settings:
    """The same settings, with the cluster of the tests."""
    address = spark_engine(Home(settings.home).staging).address
    return settings.model_copy(update={"engine": EngineSettings(spark=address)})


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ons_assets.prices.compilation.PRICES_AT_ONCE", 1)


def test_figures_come_out_again_on_another_engine_than_they_were_made_on(tmp_path: Path) -> None:
    here = two_months(tmp_path / "here")
    there = TracedWorld(by_cluster(here.settings))
    for world, other in ((here, there), (there, here)):
        # The second time the last version was made on the cluster.
        verdict = tracing.verify(other.settings, other.history, other.trace(ITEM), silent)
        assert verdict.is_verified, verdict
        assert verdict.rows > 3
        if world is here:
            there.take(date(2016, 7, 20))
            there.ingest(date(2016, 7, 20), date(2016, 7, 20))
            before = len(list(lake.versions(there.home, CATALOGUE[ITEM])))
            for asset in (price_assets.classified_quotes, price_assets.checked_quotes, price_assets.item_indices):
                outcome = asset.derive(there.lakehouse, "on the cluster", None)
                assert isinstance(outcome, Made), outcome
            assert len(list(lake.versions(there.home, CATALOGUE[ITEM]))) > before


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """A home with tweets that were located, but for the last file; and the files."""
    folder = tmp_path_factory.mktemp("tweets")
    tweets_world.simulate(
        folder / "drops", folder / "truth", Scale("tiny", 60, 30, date(2014, 8, 20), 30, 1.0, True, 3)
    )
    settings = Settings(home=folder / "home", tweets=FEW)
    operations.open_home(settings)
    files = sorted((folder / "drops" / "tweets").iterdir())
    for source in sorted((folder / "drops").iterdir()):
        operations.take(settings, [path for path in sorted(source.iterdir()) if path != files[-1]], source.name, silent)
    assert all(outcome.success for outcome in operations.read_waiting(settings, silent))
    assert isinstance(assets.located_tweets.derive(Lakehouse.of(settings), "first", None), Made)
    return settings.home, files


def test_days_that_changed_are_replaced_by_what_a_cluster_made_of_them(
    waiting: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    original, files = waiting
    found = {}
    for name in ("here", "cluster"):
        settings = Settings(home=shutil.copytree(original, tmp_path / name), tweets=FEW)
        home = Home(settings.home)
        before = lake.read(home, LOCATED).collect()
        operations.take(settings, [files[-1]], "tweets", silent)
        assert all(outcome.success for outcome in operations.read_waiting(settings, silent))
        lakehouse = Lakehouse.of(by_cluster(settings) if name == "cluster" else settings)
        outcome = assets.located_tweets.derive(lakehouse, f"by {name}", None)
        assert isinstance(outcome, Made), outcome
        found[name] = lake.read(home, LOCATED).sort(LOCATED.key).collect()
        assert len(found[name]) > len(before)
        assert list(home.staging.rglob("*.parquet")) == []
    assert_frame_equal(found["cluster"], found["here"], check_exact=True)
    whole = Settings(home=tmp_path / "cluster", tweets=FEW)
    shutil.rmtree(Home(whole.home).table(LOCATED.name))
    assert isinstance(assets.located_tweets.derive(Lakehouse.of(whole), "whole", None), Made)
    assert_frame_equal(
        lake.read(Home(whole.home), LOCATED).sort(LOCATED.key).collect(), found["here"], check_exact=True
    )


def test_two_runs_at_once_with_processes_of_their_own_make_what_one_does(tmp_path: Path) -> None:
    tables: list[dict[str, pl.DataFrame]] = []
    for processes in (1, 2):
        home = tmp_path / f"home of {processes}"
        settings = load_settings(home)
        operations.open_home(settings)
        (home / "ons-assets.toml").write_text(f"[engine]\nprocesses = {processes}\n")
        for day in range(1, 4):
            operations.take(settings, [write_run(tmp_path, "tesco", date(2016, 7, day))], "prices", silent)
        assert all(outcome.success for outcome in operations.read_waiting(settings, silent))
        command = [sys.executable, "-m", "ons_assets", "materialize", "--home", str(home)]
        # The same tables: who comes second finds what the first one made, or makes it again.
        chain = ["prices/classified_quotes", *AT_ONCE]
        running = [
            subprocess.Popen([*command, *chain], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ))
            for _ in range(processes)
        ]
        said = [each.communicate(timeout=300)[0].decode() for each in running]
        assert [each.returncode for each in running] == [0] * processes, said
        of_home = {}
        for name in AT_ONCE:
            table = CATALOGUE[name]
            rows = lake.read(Home(home), table).sort(table.key).collect()
            assert rows.select(table.key).is_unique().all()
            of_home[name] = rows.select(each for each in rows.columns if not each.endswith("_utc"))
        tables.append(of_home)
        assert list(Home(home).staging.rglob("*.parquet")) == []
    for name, rows in tables[0].items():
        assert len(rows) > 0
        assert_frame_equal(rows, tables[1][name], check_exact=True)
