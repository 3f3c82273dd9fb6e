"""An erasure by the command: tables that are made of tables, the database, and what is said of it."""

import gzip
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from ons_assets import cli, operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.pseudonyms import pseudonym
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.settings import TOML_NAME, Settings
from ons_assets.simulate.country import write_office_files
from ons_assets.simulate.tweets import Scale, country_of, simulate_tweets
from tests.governance.erasure_world import SECRET
from tests.governance.test_erasure import eight, holding

WORLD = Scale("tiny", 25, 20, date(2014, 8, 20), 30, 1.0, True, 1)
WHY = "asked for by letter of 3 May"


def made(home: Path, drops: Path, *groups: str) -> Settings:
    home.mkdir()
    (home / TOML_NAME).write_text('[tweets.locating]\narea_level = "district"\n')
    settings = Settings(home=home)
    operations.open_home(settings)
    (home / "secret.key").write_bytes(SECRET)
    for folder in sorted(drops.iterdir()):
        operations.take(settings, sorted(folder.iterdir()), folder.name, lambda _: None)
    assert all(outcome.success for outcome in operations.read_waiting(settings, lambda _: None))
    assert operations.make(settings, ["tweets", *groups], None, lambda _: None).success
    return settings


@pytest.fixture(scope="module")
def drops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    country = country_of(WORLD, seed=5)
    simulate_tweets(folder / "drops" / "tweets", folder / "truth", scale=WORLD, seed=5, country=country)
    write_office_files(country, folder / "drops")
    return folder / "drops"


def without(drops: Path, user: str, to: Path) -> Path:
    """The files of a supplier who never saw somebody."""
    shutil.copytree(drops, to)
    for file in (to / "tweets").iterdir():
        packed = file.read_bytes().startswith(b"\x1f\x8b")
        content = gzip.decompress(file.read_bytes()) if packed else file.read_bytes()
        left = b"".join(line for line in content.splitlines(keepends=True) if user.encode() not in line)
        file.write_bytes(gzip.compress(left) if packed else left)
    return to


def run(home: Path, *arguments: str, said: str = "") -> str:
    result = CliRunner().invoke(cli.app, [*arguments, "--home", str(home)], input=said)
    return result.output + (f"{result.exception}" if result.exception else "")


def test_every_table_is_as_if_nobody_had_tweeted_and_the_terminal_names_nobody(
    drops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.console, "_width", 250)
    users = pl.read_parquet(drops.parent / "truth" / "homes.parquet")["user_id"].drop_nulls()
    user = str(users.mode().sort()[0])
    settings = made(tmp_path / "home", drops, "governance")
    told = run(settings.home, "erase", "tweets", "--subjects", "-", "--reason", WHY, said=f"{user}\n")
    assert "every byte of the home was searched: nothing of it is found" in told
    number = pseudonym(user, SECRET)
    assert user not in told
    assert str(number) not in told
    assert holding(settings.home, user.encode(), str(number).encode(), eight(number)) == []
    never = made(tmp_path / "never", without(drops, user, tmp_path / "drops"))
    homes = [Home(each.home) for each in (settings, never)]
    compared = 0
    for table in CATALOGUE.values():
        there = [lake.exists(home, table) for home in homes]
        if table.domain != "tweets" or there == [False, False]:
            continue
        assert there == [True, True], table.name
        frames = [lake.read(home, table).drop("drop_sha256", strict=False).collect().sort(pl.all()) for home in homes]
        assert_frame_equal(*frames)
        compared += len(frames[0]) > 0
    assert compared > 5
    [erasure] = lake.read(Home(settings.home), CATALOGUE["governance/erasures"]).collect().iter_rows(named=True)
    assert (erasure["stated_reason"], erasure["erased_by"]) == (WHY, "subjects")
    assert erasure["finished_utc"] is not None


def test_the_command_says_what_it_needs(tmp_path: Path) -> None:
    assert "say the source" in run(tmp_path / "home", "erase")
    assert "either subjects or records" in run(tmp_path / "home", "erase", "tweets")
    assert "there is no home" in run(tmp_path / "home", "erase", "--resume")
    operations.open_home(Settings(home=tmp_path / "home"))
    assert "there is no erasure to go on with" in run(tmp_path / "home", "erase", "--resume")
    assert "the reason is kept" in run(tmp_path / "home", "erase", "tweets", "--record", "1")
    assert "nothing is older than is kept" in run(tmp_path / "home", "retain")
