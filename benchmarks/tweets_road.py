"""From the drops of simulated tweets to migration flows: time, memory and accuracy against the truth.

    python benchmarks/tweets_road.py                  medium: 20,000 users, one year
    python benchmarks/tweets_road.py --scale full     the pilot's size: 38.9 million tweets, 2 million users

The parameters of the methods were chosen on seed 1; the figures in the docs are of seed 2.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ons_assets.geography.areas import Areas
from ons_assets.lakehouse.delimited import Limits
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.pseudonyms import pseudonyms
from ons_assets.simulate.tweets import SCALES, simulate_tweets
from ons_assets.simulate.tweets.people import terms_of
from ons_assets.tweets import mapping
from ons_assets.tweets.anchors import tweet_stays, user_anchors
from ons_assets.tweets.cluster_types import cluster_types
from ons_assets.tweets.clustering import cluster
from ons_assets.tweets.gaps import collection_gaps, coverage
from ons_assets.tweets.locating import locate
from ons_assets.tweets.migration_comparison import compare_pairs
from ons_assets.tweets.migration_flows import FlowSettings, migration_flows
from ons_assets.tweets.residences import moves, residences, student_homes
from ons_assets.tweets.sources import TweetFiles
from ons_assets.tweets.users import describe_users

MATCH_DAYS = 45
ENOUGH_TWEETS = 20


@contextmanager
def step(name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"  {name:<28} {time.perf_counter() - start:7.1f} s   peak so far {peak_gb:5.2f} GB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="medium", choices=("small", "medium", "full"))
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep the simulated world here, and use it again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        drops, truth = folder / "drops", folder / "truth"
        if not (truth / "population.parquet").exists():
            with step("simulate"):
                simulate_tweets(drops, truth, scale=options.scale, seed=options.seed)
        road(drops, truth, Home(folder / "home").ensure())


def road(drops: Path, truth: Path, home: Home) -> None:
    source = TweetFiles((mapping.BUILT_IN,), Limits(), home)
    areas = Areas(pl.read_parquet(truth / "areas.parquet").select("area", "easting_m", "northing_m"))
    addresses = pl.scan_parquet(truth / "addresses.parquet").sort("northing_m")
    begin = time.perf_counter()
    with step("parse"):
        raw = pl.concat([source.parse(path, path.name, datetime.now(UTC)).accepted for path in sorted(drops.iterdir())])
    with step("gaps"):
        gaps = collection_gaps(raw["created_utc"])
    with step("locate"):
        located = locate(raw, areas)
        del raw
        tweets = located.tweets
    with step("users"):
        users = describe_users(tweets)
    with step("cluster"):
        model = cluster(tweets, areas=areas)
        del tweets, located
    with step("cluster types"):
        types = cluster_types(model.clusters, addresses)
    with step("anchors"):
        stays = tweet_stays(model.tweets, model.clusters, users, types)
        anchors = user_anchors(stays, model.clusters)
    with step("residences and moves"):
        days = pl.date_range(gaps["from_utc"].dt.date().min(), gaps["to_utc"].dt.date().max(), eager=True)
        covered = coverage(gaps, days)
        lived = residences(anchors, model.tweets, covered)
        moved = moves(anchors)
    with step("flows"):
        population = pl.read_parquet(truth / "population.parquet").select("area", "population")
        flows = migration_flows(moved, lived, population, FlowSettings(fewest_movers=1))
    print(f"  drop to flows                {time.perf_counter() - begin:7.1f} s")
    print(f"  {len(model.tweets):,} tweets, {len(users):,} users, {model.clusters['is_valid'].sum():,} valid clusters")

    person = pl.read_parquet(truth / "people.parquet").drop_nulls("user_id")
    numbers = person.select("user_id", user=pseudonyms(person["user_id"].cast(pl.String()), home.secret()))
    accuracy(truth, numbers, users, gaps, anchors, model.tweets, moved, flows)
    if len(model.tweets) < 10_000_000:
        students(truth, numbers, stays, model.clusters)


def accuracy(
    truth: Path,
    numbers: pl.DataFrame,
    users: pl.DataFrame,
    gaps: pl.DataFrame,
    anchors: pl.DataFrame,
    tweets: pl.DataFrame,
    moved: pl.DataFrame,
    flows: pl.DataFrame,
) -> None:
    outages = pl.read_parquet(truth / "outages.parquet")
    found = outages.join(gaps, how="cross", suffix="_gap").filter(
        (pl.col("from_utc") < pl.col("to_utc_gap")) & (pl.col("from_utc_gap") < pl.col("to_utc"))
    )
    print(f"outages: {found['from_utc'].n_unique()} of {len(outages)} found, {len(gaps)} gaps in all")

    people = users.join(numbers, on="user", how="left")
    machines = people.filter(pl.col("user_id").is_null())
    flagged = people.filter(pl.col("kind") != "person")
    right = flagged["user_id"].is_null().sum()
    print(f"accounts that are no people: {len(machines)}, flagged {len(flagged)}, of which rightly {right}")

    homes = pl.read_parquet(truth / "homes.parquet").drop_nulls("user_id").join(numbers, on="user_id")
    first_day = pl.read_parquet(truth / "moves.parquet")["moved_on"].min()
    homes = homes.with_columns(pl.col("from_day").fill_null(first_day)).sort("user", "from_day")
    main = (
        anchors.filter(anchor="home")
        .sort("user", "evidence_days", descending=[False, True])
        .unique("user", keep="first")
    )
    judged = (
        main.with_columns(middle=pl.col("from") + (pl.col("to") - pl.col("from")) / 2)
        .with_columns(pl.col("middle").cast(pl.Date()))
        .sort("middle")
    )
    joined = judged.join_asof(
        homes.sort("from_day").select("user", "from_day", true_area="area", e="easting_m", n="northing_m"),
        left_on="middle",
        right_on="from_day",
        by="user",
        strategy="backward",
        check_sortedness=False,
    )
    counts = users.filter(kind="person").select("user", "tweets").join(numbers, on="user")
    enough = counts.filter(pl.col("tweets") >= ENOUGH_TWEETS)
    rated = enough.join(joined, on="user", how="left")
    area_right = (rated["area"] == rated["true_area"]).fill_null(False).mean()
    near = ((rated["easting_m"] - rated["e"]) ** 2 + (rated["northing_m"] - rated["n"]) ** 2) < 100**2
    print(
        f"home of {len(rated):,} users with {ENOUGH_TWEETS} tweets or more: area right {area_right:.1%}, "
        f"within 100 m {near.fill_null(False).mean():.1%}, without a home {rated['area'].null_count() / len(rated):.1%}"
    )
    jobs = pl.read_parquet(truth / "jobs.parquet").drop_nulls("user_id").join(numbers, on="user_id")
    work = anchors.filter(pl.col("anchor") != "home").join(jobs, on="user", suffix="_true")
    hits = work.filter(
        (
            (pl.col("easting_m") - pl.col("easting_m_true")) ** 2
            + (pl.col("northing_m") - pl.col("northing_m_true")) ** 2
        )
        < 100**2
    )
    inferred = anchors.filter(pl.col("anchor") != "home")["user"].n_unique()
    print(f"work or study: inferred for {inferred:,} users, right for {hits['user'].n_unique() / max(inferred, 1):.1%}")

    true_moves = pl.read_parquet(truth / "moves.parquet").drop_nulls("user_id").join(numbers, on="user_id")
    between = true_moves.filter(pl.col("origin") != pl.col("destination")).join(enough.select("user"), on="user")
    estimated = moved.filter(pl.col("from_area") != pl.col("to_area")).join(enough.select("user"), on="user")
    pairs = estimated.join(
        between, left_on=["user", "from_area", "to_area"], right_on=["user", "origin", "destination"]
    )
    error = (pairs["moved_on"] - pairs["moved_on_right"]).dt.total_days().abs()
    hit = pairs.filter(error <= MATCH_DAYS)
    precision, recall = len(hit) / max(len(estimated), 1), len(hit) / max(len(between), 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    print(
        f"moves between areas: {len(between):,} true, {len(estimated):,} found, precision {precision:.2f}, "
        f"recall {recall:.2f}, F1 {f1:.2f}, median error {error.filter(error <= MATCH_DAYS).median()} days"
    )
    for least in (100, 300):
        many = counts.filter(pl.col("tweets") >= least).select("user")
        n_true, n_found, n_hit = (len(each.join(many, on="user")) for each in (between, estimated, hit))
        print(
            f"  users with {least}+ tweets: precision {n_hit / max(n_found, 1):.2f}, recall {n_hit / max(n_true, 1):.2f}"
        )

    true_flows = (
        pl.read_parquet(truth / "flows.parquet").group_by("origin", "destination").agg(flow=pl.col("people").sum())
    )
    yearly = flows.filter(period_type="year").group_by("origin", "destination").agg(pl.col("flow").sum())
    measures = compare_pairs(yearly, true_flows.cast({"flow": pl.Float64()}))
    print("flows against truth:", ", ".join(f"{name} {value:.3f}" for name, value in measures.items()))
    covered = (
        flows.filter(period_type="year")
        .group_by("origin", "destination")
        .agg(pl.col("flow_low").sum(), pl.col("flow_high").sum())
        .join(true_flows, on=["origin", "destination"], how="inner")
    )
    inside = covered.select(pl.col("flow").is_between("flow_low", "flow_high").mean()).item()
    print(f"true flow inside the 95 % interval: {inside:.1%} of {len(covered)} pairs")


def students(truth: Path, numbers: pl.DataFrame, stays: pl.DataFrame, clusters: pl.DataFrame) -> None:
    """Where students live in term time: the register, which learns late, against tweets.

    Both are scaled to the number of students in the country, which universities know.
    """
    people = pl.read_parquet(truth / "people.parquet")
    studying = people.filter("studies_last_day").select("person")
    population = pl.read_parquet(truth / "population.parquet")
    homes = pl.read_parquet(truth / "homes.parquet").sort("person", pl.col("from_day").fill_null(pl.date(1900, 1, 1)))
    registered = (
        pl.read_parquet(truth / "moves.parquet")
        .filter(pl.col("registered_on") <= homes["from_day"].max())
        .sort("registered_on")
        .unique("person", keep="last")
    )
    first = homes.unique("person", keep="first", maintain_order=True).select("person", "area")
    by_register = (
        studying.join(first, on="person")
        .join(registered.select("person", "destination"), on="person", how="left")
        .group_by(pl.coalesce("destination", "area").alias("area"))
        .len("register")
    )
    terms = terms_of(SCALES["medium"])
    found = student_homes(stays, clusters, terms)
    by_tweets = found.group_by(area="term_area").len("tweets")
    joined = (
        population.select("area", true="students_last_day")
        .join(by_register, on="area", how="left")
        .join(by_tweets, on="area", how="left")
        .fill_null(0)
    )
    truly = numbers.join(people.filter("studies_last_day").select("user_id"), on="user_id")
    hits = found.join(truly, on="user", how="semi")
    print(f"students: {len(found):,} users found, {len(hits) / max(len(found), 1):.1%} of them study")
    for name in ("register", "tweets"):
        scaled = joined[name] / joined[name].sum() * joined["true"].sum()
        wrong = (scaled - joined["true"]).abs().sum() / 2 / joined["true"].sum()
        print(f"  by {name}: {wrong:.1%} of students in the wrong area")


if __name__ == "__main__":
    main()
