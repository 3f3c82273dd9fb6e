"""The road of tweets through Dagster: in parts, day by day, and with tweets withdrawn later."""

import gzip
import shutil
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE, tables_of, tweets
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.settings import TOML_NAME, Settings, load_settings
from ons_assets.simulate.country import write_office_files
from ons_assets.simulate.tweets import Scale, country_of, simulate_tweets, write_user_demographics

WORLD = Scale("tiny", 80, 30, date(2014, 8, 20), 40, 1.0, True, 1)
LAST_DAY = date(2014, 9, 28)
PLACED = '[tweets.locating]\narea_level = "district"\n'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    country = country_of(WORLD, seed=5)
    simulate_tweets(folder / "drops" / "tweets", folder / "truth", scale=WORLD, seed=5, country=country)
    write_office_files(country, folder / "drops")
    write_user_demographics(folder / "truth", folder / "drops", seed=5)
    return folder / "drops"


def settings_of(folder: Path, **parameters: object) -> Settings:
    (folder / "home").mkdir(exist_ok=True)
    (folder / "home" / TOML_NAME).write_text(PLACED)
    settings = Settings(home=folder / "home", tweets=parameters)  # type: ignore[arg-type]
    operations.open_home(settings)
    # Pseudonyms hang on the key of a home; here homes are compared.
    (settings.home / "secret.key").write_bytes(b"k" * 32)
    return settings


def ingest(settings: Settings, *files: Path) -> None:
    for file in files:
        operations.take(settings, [file], file.parent.name, lambda _: None)
    assert all(outcome.success for outcome in operations.read_waiting(settings, lambda _: None))
    assert "refused" not in operations.drops_by_status(settings)["status"]


def make(settings: Settings) -> None:
    outcome = operations.make(settings, ["tweets"], None, lambda _: None)
    assert outcome.success, outcome.failures


def files(world: Path) -> list[Path]:
    return sorted(path for path in world.rglob("*") if path.is_file())


def rows(settings: Settings, table: str) -> pl.DataFrame:
    found = CATALOGUE[f"tweets/{table}"]
    frame = lake.read(Home(settings.home), found).collect()
    return frame.sort(found.key)


def assert_same(one: Settings, other: Settings) -> None:
    for table in tables_of(tweets):
        assert_frame_equal(rows(one, table.short_name), rows(other, table.short_name))


@pytest.fixture(scope="module")
def whole(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = settings_of(tmp_path_factory.mktemp("whole"))
    ingest(settings, *files(world))
    make(settings)
    return settings


def test_every_table_is_made_and_the_model_has_its_keys(whole: Settings) -> None:
    located, clustered = rows(whole, "located_tweets"), rows(whole, "clustered_tweets")
    clusters, users = rows(whole, "clusters"), rows(whole, "users")
    assert len(located) > 1_000
    assert set(clustered["tweet_id"]) == set(located["tweet_id"])
    assert clustered.join(clusters, on=["bucket", "user", "cluster"], how="anti").is_empty()
    assert clusters.join(users, on=["bucket", "user"], how="anti").is_empty()
    assert rows(whole, "user_anchors").join(clusters, on=["user", "cluster"], how="anti").is_empty()
    assert rows(whole, "migration_comparison")["measure"].is_in(["is_compared"]).any()


def test_made_in_parts_and_day_by_day_it_is_the_same(world: Path, whole: Settings, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, memory={"rows_at_once": 400})
    last = max((world / "tweets").iterdir())
    assert str(LAST_DAY) in last.name
    ingest(settings, *(file for file in files(world) if file != last))
    make(settings)
    old = lake.latest(Home(settings.home), CATALOGUE["tweets/located_tweets"])
    ingest(settings, last)
    make(settings)
    assert_same(settings, whole)
    new = lake.latest(Home(settings.home), CATALOGUE["tweets/located_tweets"])
    assert old is not None
    assert new is not None
    assert new.number == old.number + 1
    assert new.provenance is not None
    # Of the days before, only those were made again whose tweets the last day withdraws.
    assert new.provenance.partition is not None
    assert new.provenance.partition[0] > "2014-08-20"
    assert new.provenance.partition[1] == str(LAST_DAY)
    make(settings)
    assert lake.latest(Home(settings.home), CATALOGUE["tweets/located_tweets"]) == new


def test_a_tweet_that_is_deleted_later_is_gone_from_its_day(whole: Settings, tmp_path: Path) -> None:
    shutil.copytree(whole.home, tmp_path / "home")
    settings = settings_of(tmp_path)
    victim = rows(settings, "located_tweets").sort("created_utc").row(0, named=True)
    notice = tmp_path / "tweets" / "tweets_2014-09-29.json.gz"
    notice.parent.mkdir()
    tweet_id = victim["tweet_id"]
    status = f'{{"id": {tweet_id}, "id_str": "{tweet_id}", "user_id": 1, "user_id_str": "1"}}'
    notice.write_bytes(
        gzip.compress(f'{{"delete": {{"status": {status}, "timestamp_ms": "1411980000000"}}}}\n'.encode())
    )
    ingest(settings, notice)
    make(settings)
    after = rows(settings, "located_tweets")
    assert set(rows(whole, "located_tweets")["tweet_id"]) - set(after["tweet_id"]) == {tweet_id}
    assert tweet_id not in rows(settings, "clustered_tweets")["tweet_id"]


def test_a_parameter_of_users_reaches_users_and_makes_nothing_else_anew(
    whole: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(whole.home, tmp_path / "home")
    monkeypatch.setenv("ONS_ASSETS_TWEETS__USERS__TWEETS_PER_HOUR", "1")
    settings = load_settings(tmp_path / "home")
    names = ["tweets/located_tweets", "tweets/users", "tweets/moves"]
    before = {name: lake.latest(Home(whole.home), CATALOGUE[name]) for name in names}
    assert operations.make(settings, names, None, lambda _: None).success
    after = {name: lake.latest(Home(settings.home), CATALOGUE[name]) for name in names}
    # Nothing has come to the tweets, and no parameter of locating has changed.
    assert after["tweets/located_tweets"] == before["tweets/located_tweets"]
    recorded = {name: version.provenance for name, version in after.items() if version and version.provenance}
    assert recorded["tweets/users"].settings["tweets.users"]["tweets_per_hour"] == 1
    assert set(recorded["tweets/users"].settings) == {"tweets.users", "tweets.memory"}
    assert recorded["tweets/moves"].settings == {"tweets.moves": settings.tweets.moves.model_dump(mode="json")}
    assert set(recorded["tweets/located_tweets"].settings) == {"geography", "tweets.locating", "tweets.memory"}
    made, other = (rows(each, "users") for each in (settings, whole))
    reason = "more tweets an hour than can be typed"
    assert made.filter(reason=reason).height > other.filter(reason=reason).height


def test_the_three_levels_are_in_one_duckdb_with_keys_that_hold(whole: Settings) -> None:
    outcome = operations.make(whole, ["governance/analytical_database"], None, lambda _: None)
    assert outcome.success
    with duckdb.connect(Home(whole.home).restricted_warehouse, read_only=True) as connection:

        def number(query: str) -> int:
            return int(connection.execute(query).fetchall()[0][0])

        assert number("SELECT count(*) FROM tweets.users") == number("SELECT count(DISTINCT user) FROM tweets.users")
        assert number("SELECT count(*) FROM tweets.clusters ANTI JOIN tweets.users USING (user)") == 0
        assert (
            number("SELECT count(*) FROM tweets.clustered_tweets ANTI JOIN tweets.clusters USING (user, cluster)") == 0
        )
        tweets_of_clusters = number("SELECT sum(tweets) FROM tweets.clusters")
        assert tweets_of_clusters == number("SELECT count(*) FROM tweets.clustered_tweets") > 0
