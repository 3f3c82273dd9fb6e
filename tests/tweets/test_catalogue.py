"""What the methods return is what the registry declares, and passes the suites."""

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_assets.catalogue import tables_of, tweets
from ons_assets.geography.areas import Areas
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.intake.limits import Limits
from ons_assets.lakehouse import buckets, gate
from ons_assets.lakehouse.buckets import BUCKETS, with_bucket
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Catalogue, Sensitivity
from ons_assets.simulate.tweets import simulate_tweets, write_user_demographics
from ons_assets.tweets.anchors import tweet_stays, user_anchors, user_commutes
from ons_assets.tweets.cluster_types import cluster_types
from ons_assets.tweets.clustering import cluster
from ons_assets.tweets.collection_gaps import collection_gaps
from ons_assets.tweets.demographics_files import DemographicsFiles
from ons_assets.tweets.locating import locate
from ons_assets.tweets.migration_comparison import compare_with_estimates
from ons_assets.tweets.migration_flows import migration_flows
from ons_assets.tweets.raked_flows import raked_flows
from ons_assets.tweets.residences import moves, residences, second_residences, student_homes
from ons_assets.tweets.sources import BUILT_IN, TweetFiles
from ons_assets.tweets.user_demographics import user_demographics
from ons_assets.tweets.users import describe_users

TABLES = tables_of(tweets)
CATALOGUE = Catalogue(TABLES)

EXPECTATIONS = Path(__file__).resolve().parents[2] / "expectations"
NAMES = [table.name for table in TABLES]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    world = simulate_tweets(folder / "drops", folder / "truth", scale="small", seed=4)
    source = TweetFiles((BUILT_IN,), Limits(), home=Home(folder / "home").ensure())
    received = datetime(2016, 1, 1, tzinfo=UTC)
    raw = pl.concat([source.whole(path, path.name, received).accepted for path in sorted(world.drops.iterdir())])
    truth = {name: pl.read_parquet(world.truth / f"{name}.parquet") for name in ("areas", "addresses", "population")}
    areas = Areas(truth["areas"].select("area", "easting_m", "northing_m"))
    located = locate(raw, areas).tweets
    users, model = describe_users(located), cluster(located, areas=areas)
    types = cluster_types(model.clusters, truth["addresses"])
    stays = tweet_stays(model.tweets, model.clusters, users, types)
    anchors = user_anchors(stays, model.clusters)
    lived, moved = residences(anchors, model.tweets), moves(anchors)
    flows = migration_flows(moved, lived, truth["population"]).drop("who")
    write_user_demographics(world.truth, folder, seed=4)
    supplying = DemographicsFiles((folder / "layouts",), home=Home(folder / "home"))
    [classified] = (folder / "user_demographics").iterdir()
    supplied = supplying.whole(classified, classified.name, received).accepted
    by_group = pl.read_parquet(world.truth / "population_by_group.parquet").rename({"students_last_day": "students"})
    described = users.select("user", area=pl.lit("Z07000001"), studies=pl.lit(value=False))
    estimates = pl.DataFrame({"period": ["2014"], "origin": ["all"], "destination": ["Z07000001"], "moves": [5.0]})
    areas_of_flows = sorted({*flows["origin"], *flows["destination"]})
    whole = pl.DataFrame({"area": areas_of_flows, "all_": "all", "moves": 50.0, "period": "2014", "age": "all"})
    columns = ["period", "age", "moves"]
    totals = pl.concat(
        [
            whole.select(*columns, origin="area", destination="all_"),
            whole.select(*columns, origin="all_", destination="area"),
        ]
    )
    people = truth["population"].select("area", "population", students="students_last_day")
    compared = compare_with_estimates(
        flows, estimates.with_columns(age=pl.lit("all")), people, lived.select("user", "area").unique("user")
    )
    return {
        "tweets/raw_tweets": raw.with_columns(drop_sha256=pl.int_range(pl.len()).cast(pl.String())),
        "tweets/collection_gaps": collection_gaps(raw["created_utc"]),
        "tweets/located_tweets": with_bucket(located),
        "tweets/users": with_bucket(users),
        "tweets/clusters": with_bucket(model.clusters),
        "tweets/clustered_tweets": with_bucket(model.tweets),
        "tweets/cluster_types": with_bucket(types),
        "tweets/user_anchors": with_bucket(anchors),
        "tweets/user_commutes": user_commutes(anchors),
        "tweets/student_homes": student_homes(stays, model.clusters, world.terms),
        "tweets/residences": lived,
        "tweets/moves": moved,
        "tweets/second_residences": second_residences(with_second_homes(anchors)),
        "tweets/migration_flows": protect(tweets.MIGRATION_FLOWS, flows, Thresholds(1)).rows,
        "tweets/supplied_demographics": supplied.with_columns(drop_sha256=pl.int_range(pl.len()).cast(pl.String())),
        "tweets/user_demographics": user_demographics(described, supplied, by_group),
        "tweets/student_flows": protect(tweets.STUDENT_FLOWS, flows, Thresholds(1)).rows,
        "tweets/raked_flows": raked_flows(flows, totals),
        "tweets/migration_comparison": protect(tweets.MIGRATION_COMPARISON, compared, Thresholds(1)).rows,
    }


def with_second_homes(anchors):
    """Nobody of the simulated country has a second home; here the places of work are some."""
    homes, work = anchors.filter(anchor="home"), anchors.filter(anchor="work")
    whole = homes.select("user", home_from="from", home_to="to").unique("user")
    within = work.join(whole, on="user").with_columns(
        pl.max_horizontal("from", "home_from").alias("from"), pl.min_horizontal("to", "home_to").alias("to")
    )
    second = (
        within.filter(pl.col("from") <= pl.col("to")).select(work.columns).with_columns(anchor=pl.lit("second_home"))
    )
    return pl.concat([homes, second])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_made_conforms_and_passes_its_suite(made, name):
    table = CATALOGUE[name]
    frame = table.conform(made[name])
    assert len(frame) > 0
    suite = Suite.load(EXPECTATIONS, name)
    audit = gate.audit(suite, table, frame)
    assert audit.reason == ""
    assert audit.evaluated > len(suite.content["expectations"])


@pytest.mark.parametrize("name", NAMES)
def test_everything_above_the_flows_is_individual(name):
    flows = {f"tweets/{table}" for table in ("migration_flows", "student_flows", "raked_flows", "migration_comparison")}
    above = name not in flows
    assert (CATALOGUE[name].sensitivity is Sensitivity.INDIVIDUAL) == above


def test_a_suite_refuses_what_is_wrong(made):
    table = CATALOGUE["tweets/located_tweets"]
    # No grid of any country reaches so far.
    wrong = table.conform(made[table.name]).with_columns(easting_m=pl.lit(-71_234_567.0))
    audit = gate.audit(Suite.load(EXPECTATIONS, table.name), table, wrong)
    assert audit.is_critical
    assert "71234567" not in audit.reason.replace(",", "")


def test_buckets_divide_users_of_either_sign():
    users = np.random.default_rng(1).integers(-(2**62), 2**62, 10_000)
    found = with_bucket(pl.DataFrame({"user": users}))["bucket"]
    assert set(found) == set(range(BUCKETS))


def test_a_bucket_is_worked_out_in_one_place():
    # A remainder of a negative number has another sign in other engines: whoever reads finds the bucket in the row.
    sources = sorted(Path(buckets.__file__).parents[1].rglob("*.py"))
    assert [
        each.name
        for each in sources
        if re.search(r"% *(?:np\.uint64\()?_?(?:self\.)?_?buckets", each.read_text(), re.I)
    ] == ["buckets.py"]
