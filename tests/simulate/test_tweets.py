"""The simulated tweets: the files hold what the truth says, and the road recovers it."""

import filecmp
import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from ons_assets.geography.areas import Areas
from ons_assets.intake.limits import Limits
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.lakehouse.home import Home
from ons_assets.simulate.tweets import SCALES, country_of, simulate_tweets
from ons_assets.simulate.tweets.habits import collected
from ons_assets.simulate.tweets.scales import NO_FAULTS
from ons_assets.tweets.anchors import tweet_stays, user_anchors
from ons_assets.tweets.cluster_types import cluster_types
from ons_assets.tweets.clustering import cluster
from ons_assets.tweets.collection_gaps import collection_gaps
from ons_assets.tweets.locating import locate
from ons_assets.tweets.sources import BUILT_IN, TweetFiles
from ons_assets.tweets.users import describe_users

RECEIVED = datetime(2016, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    return simulate_tweets(folder / "drops", folder / "truth", scale="small", seed=3)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("home")).ensure()


@pytest.fixture(scope="module")
def parsed(world, home):
    source = TweetFiles((BUILT_IN,), Limits(), home=home)
    return [source.whole(path, path.name, RECEIVED) for path in sorted(world.drops.iterdir())]


@pytest.fixture(scope="module")
def raw(parsed):
    return pl.concat([each.accepted for each in parsed])


def truth(world, name):
    return pl.read_parquet(world.truth / f"{name}.parquet")


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    tiny = replace(SCALES["small"], users=40, days=8)
    for name in ("a", "b"):
        simulate_tweets(tmp_path / name, tmp_path / f"truth_{name}", scale=tiny, seed=5)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    simulate_tweets(tmp_path / "c", tmp_path / "truth_c", scale=tiny, seed=6)
    assert any(path.read_bytes() != (tmp_path / "c" / path.name).read_bytes() for path in (tmp_path / "a").iterdir())


def test_the_files_hold_the_tweets_of_the_truth(world, raw):
    tweets = truth(world, "tweets")
    located = raw.filter((pl.col("event") == "tweet") & (pl.col("position") == "point"))
    assert set(located["tweet_id"]) == set(tweets["tweet_id"])
    assert len(located) == len(tweets) == world.tweets


def test_the_faults_of_the_files_are_those_of_the_truth(world, parsed):
    kinds = pl.concat([each.rejected for each in parsed])["reason"].str.replace(r"line \d+", "another")
    faults = dict(truth(world, "faults")["fault"].value_counts().rows())
    found = dict(kinds.value_counts().rows())
    assert found == {"repeats another": faults["duplicate"], "is not valid JSON": faults["broken"]}


def test_a_world_without_faults_has_all_else_and_none(home, tmp_path):
    scale = replace(SCALES["small"], users=200, outages=0, faults=NO_FAULTS)
    made = simulate_tweets(tmp_path / "drops", tmp_path / "truth", scale=scale, seed=3)
    assert all(truth(made, name).is_empty() for name in ("faults", "outages"))
    source = TweetFiles((BUILT_IN,), Limits(), home=home)
    read = [source.whole(path, path.name, RECEIVED) for path in sorted(made.drops.iterdir())]
    assert len(read) == scale.days
    assert all(each.rejected.is_empty() for each in read)
    rows = pl.concat([each.accepted for each in read])
    assert rows.filter(event="delete").height == len(truth(made, "deleted")) > 0
    assert rows.filter(event="tweet", position="point").height == made.tweets


def test_deleted_tweets_are_not_located(world, raw):
    deleted = truth(world, "deleted")["tweet_id"]
    kept = locate(raw).tweets["tweet_id"]
    assert len(deleted) > 10
    assert not set(kept) & set(deleted)
    assert len(kept) == world.tweets - deleted.n_unique()


def test_statuses_are_of_version_1_1(world):
    import gzip

    with gzip.open(min(world.drops.iterdir())) as file:
        status = json.loads(file.readline())
    assert status["coordinates"]["coordinates"] == status["geo"]["coordinates"][::-1]
    assert {"id_str", "created_at", "user", "source", "place"} <= set(status)
    assert status["text"] == ""


def test_rates_have_a_heavy_tail(world):
    counts = truth(world, "tweets").group_by("user_id").len()["len"].sort(descending=True)
    assert counts.head(len(counts) // 10).sum() > 0.35 * counts.sum()


def test_people_tweet_near_where_they_live(world, raw):
    """The median tweet from home lies within metres of it."""
    tweets = truth(world, "tweets").filter(where="home")
    homes = truth(world, "homes").drop_nulls("user_id")
    settled = homes.filter(pl.len().over("user_id") == 1)
    placed = locate(raw).tweets.join(tweets, on="tweet_id").join(settled, on="user_id", suffix="_home")
    apart = np.hypot(placed["easting_m"] - placed["easting_m_home"], placed["northing_m"] - placed["northing_m_home"])
    assert len(apart) > 1_000
    assert np.median(apart) < 15


def test_nobody_tweets_in_an_outage(world, raw):
    outages = truth(world, "outages")
    for start, end in outages.iter_rows():
        assert raw.filter(
            pl.col("created_utc").is_between(start, end, closed="none") & (pl.col("event") == "tweet")
        ).is_empty()
    found = collection_gaps(raw["created_utc"])
    joined = outages.join(found, how="cross", suffix="_found").filter(
        (pl.col("from_utc") < pl.col("to_utc_found")) & (pl.col("from_utc_found") < pl.col("to_utc"))
    )
    assert joined["from_utc"].n_unique() == len(outages) == 3


def test_collected_against_every_outage():
    down = np.array([[10, 20], [50, 55]])
    second = np.arange(70)
    expected = [not any(a <= moment <= b for a, b in down) for moment in second]
    np.testing.assert_array_equal(collected(second, down), expected)
    assert collected(second, np.zeros((0, 2), dtype=np.int64)).all()


def test_moves_follow_from_the_homes(world):
    homes = truth(world, "homes").sort("person", pl.col("from_day").fill_null(datetime(1900, 1, 1).date()))
    changed = homes.with_columns(
        origin=pl.col("area").shift().over("person"), first=pl.col("person").is_first_distinct()
    ).filter(~pl.col("first"))
    moves = truth(world, "moves")
    assert len(changed) == len(moves)
    joined = moves.join(changed, left_on=["person", "moved_on"], right_on=["person", "from_day"], suffix="_home")
    assert (joined["origin"] == joined["origin_home"]).all()
    assert (joined["destination"] == joined["area"]).all()
    assert (moves["registered_on"].drop_nulls() >= moves.drop_nulls("registered_on")["moved_on"]).all()
    september = moves.filter(pl.col("kind") == "term")["moved_on"].dt.month()
    assert set(september) <= {9, 10}


def test_population_and_flows_add_up(world):
    population, flows = truth(world, "population"), truth(world, "flows")
    assert population["population"].sum() == population["population_last_day"].sum() == world.people
    net = population.select("area", net=pl.col("population_last_day").cast(pl.Int64()) - pl.col("population"))
    into = flows.group_by(area="destination").agg(i=pl.col("people").sum())
    out = flows.group_by(area="origin").agg(o=pl.col("people").sum())
    joined = net.join(into, on="area", how="left").join(out, on="area", how="left").fill_null(0)
    assert (joined["net"] == joined["i"].cast(pl.Int64()) - joined["o"]).all()


def test_a_country_that_is_given_and_the_same_that_is_made_give_the_same_files(tmp_path):
    tiny = replace(SCALES["small"], users=40, days=8)
    for name, given in (("made", None), ("given", country_of(tiny, 5))):
        for folder in ("drops", "truth"):
            (tmp_path / name / folder).mkdir(parents=True)
        simulate_tweets(tmp_path / name / "drops", tmp_path / name / "truth", scale=tiny, seed=5, country=given)
    names = [str(path.relative_to(tmp_path / "made")) for path in (tmp_path / "made").rglob("*") if path.is_file()]
    same, *others = filecmp.cmpfiles(tmp_path / "made", tmp_path / "given", names, shallow=False)
    assert (len(same), others) == (len(names), [[], []])
    assert len(names) > tiny.days


@pytest.mark.parametrize("odd", [{"days": 1}, {"days": 3}, {"users": 0}, {"days": 2, "as_json": False}])
def test_a_world_may_be_very_small(tmp_path, odd):
    tiny = replace(SCALES["small"], users=40, days=20)
    made = simulate_tweets(tmp_path / "drops", tmp_path / "truth", scale=replace(tiny, **odd), seed=5)
    assert 0 < len(list(made.drops.iterdir())) <= odd.get("days", 20)
    down = pl.read_parquet(tmp_path / "truth" / "outages.parquet")
    assert len(down) < odd.get("days", 20)
    assert (down["from_utc"] < down["to_utc"]).all()


def test_a_world_without_a_day_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="lives for a day or more"):
        simulate_tweets(tmp_path / "drops", tmp_path / "truth", scale=replace(SCALES["small"], days=0), seed=5)


def test_more_users_than_people_are_an_error(tmp_path):
    crowded = replace(SCALES["small"], users=400, people_per_user=1, days=2)
    with pytest.raises(ValueError, match=r"400 users are more than the 3\d\d people of 16 and over"):
        simulate_tweets(tmp_path / "d", tmp_path / "t", scale=crowded)


def test_an_unknown_scale_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="there is no scale 'huge'; there are small, medium"):
        simulate_tweets(tmp_path, tmp_path, scale="huge")


def test_the_road_finds_machines_and_homes(world, home, raw):
    """At least 95 % of the users with 20 tweets or more live where the method says; machines are flagged."""
    areas = Areas(truth(world, "areas").select("area", "easting_m", "northing_m"))
    located = locate(raw, areas).tweets
    users = describe_users(located)
    model = cluster(located, areas=areas)
    types = cluster_types(model.clusters, truth(world, "addresses"))
    anchors = user_anchors(tweet_stays(model.tweets, model.clusters, users, types), model.clusters)

    accounts = truth(world, "accounts")
    accounts = accounts.with_columns(user=pseudonyms(accounts["user_id"].cast(pl.String()), home.secret()))
    judged = users.join(accounts, on="user", suffix="_true").filter(pl.col("tweets") >= 20)
    machines = judged.filter(pl.col("kind") != "person")
    assert (machines["user_kind"] != "person").all()
    people = judged.filter(pl.col("kind") == "person")
    assert (people["user_kind"] == "person").mean() > 0.99

    homes = truth(world, "homes").join(accounts, on="user_id")
    main = anchors.filter(anchor="home").sort("user", "evidence_days", descending=[False, True])
    main = main.unique("user", keep="first", maintain_order=True)
    rated = (
        people.select("user")
        .join(main, on="user", how="left")
        .join(homes.select("user", "area", lives=True).unique(), on=["user", "area"], how="left")
    )
    assert len(rated) > 200
    assert rated["lives"].fill_null(False).mean() >= 0.95
