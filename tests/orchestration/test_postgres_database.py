"""The database for people is in PostgreSQL, too, where the settings say so."""

from datetime import date
from pathlib import Path

from ons_assets import operations
from ons_assets.lakehouse.home import Home
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
