"""The database for people is in PostgreSQL, too, where the settings say so."""

import time
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
import yaml

from ons_assets import operations
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.history import INSTANCE_FILE
from ons_assets.orchestration.housekeeping import DAY_SECONDS, tidy
from ons_assets.orchestration.runs import at_work, instance
from ons_assets.settings import TOML_NAME, load_settings
from tests.postgres_server import ask, serving
from tests.run_files import PRICES, write_run


def test_every_published_table_is_loaded_with_its_owner_and_a_server_that_is_gone_costs_nothing_else(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with serving() as uri:
        (home / TOML_NAME).write_text(f'[warehouse]\npostgres = "{uri}"\n')
        settings = load_settings(home)
        operations.open_home(settings)
        operations.take(settings, [write_run(tmp_path, "tesco", date(2016, 7, 21))], "prices", lambda _: None)
        operations.read_waiting(settings, lambda _: None)
        assert operations.make(settings, ["governance/analytical_database"], None, lambda _: None).success
        assert ask(uri, "SELECT count(*) FROM ons_public.prices_raw_quotes") == [(len(PRICES),)]
        [(comment,)] = ask(uri, "SELECT obj_description('ons_public.prices_raw_quotes'::regclass)")
        assert "Head of Prices Methods" in comment
        assert ask(uri, "SELECT count(*) FROM pg_namespace WHERE nspname = 'ons_individual'") == [(0,)]
    Home(home).warehouse.unlink()
    outcome = operations.make(settings, ["governance/analytical_database"], None, lambda _: None)
    assert outcome.failures == {
        "governance/analytical_database": "PostgreSQL has the tables that it had: connecting to PostgreSQL: "
        "the server was not reached"
    }
    assert Home(home).warehouse.exists()


def test_a_home_whose_history_of_runs_is_there_is_read_and_made_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dagster_postgres")
    home = Home(tmp_path / "home").ensure()
    shipped = yaml.safe_load(INSTANCE_FILE.read_text())
    shipped["storage"] = {"postgres": {"postgres_url": {"env": "RUNS_POSTGRES"}}}
    (home.dagster / INSTANCE_FILE.name).write_text(yaml.safe_dump(shipped))
    with serving() as uri:
        monkeypatch.setenv("RUNS_POSTGRES", uri.replace("postgresql://", "postgresql+psycopg2://"))
        settings = load_settings(home.root)
        operations.open_home(settings)
        operations.take(settings, [write_run(tmp_path, "tesco", date(2016, 7, 21))], "prices", lambda _: None)
        assert all(outcome.success for outcome in operations.read_waiting(settings, lambda _: None))
        assert operations.make(settings, ["prices/classified_quotes"], None, lambda _: None).success
        with instance(home) as opened:
            assert at_work(opened) == 0
            runs = opened.get_runs_count()
        assert ask(uri, "SELECT count(*) FROM runs") == [(runs,)]
        assert runs >= 2
    assert not (home.dagster / "history").exists()


def test_old_events_of_runs_go_there_too_and_what_was_made_stays_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dagster_postgres")
    home = Home(tmp_path / "home").ensure()
    shipped = yaml.safe_load(INSTANCE_FILE.read_text())
    shipped["storage"] = {"postgres": {"postgres_url": {"env": "RUNS_POSTGRES"}}}
    (home.dagster / INSTANCE_FILE.name).write_text(yaml.safe_dump(shipped))
    with serving() as uri:
        monkeypatch.setenv("RUNS_POSTGRES", uri.replace("postgresql://", "postgresql+psycopg2://"))
        with instance(home) as opened:
            run = dg.materialize([numbers], instance=opened).run_id
            before = len(opened.all_logs(run))
            assert tidy(home, opened, 90, time.time())[0] == 0
            assert tidy(home, opened, 90, time.time() + 91 * DAY_SECONDS)[0] == 1
            assert 0 < len(opened.all_logs(run)) < before
            made = opened.get_latest_materialization_event(numbers.key)
            assert made is not None
            assert made.run_id == run


@dg.asset
def numbers() -> None:
    """One that is made."""
