"""From the drops of simulated tweets to migration flows: time, memory and accuracy against the truth.

    python benchmarks/tweets_road.py                  medium: 20,000 users, one year
    python benchmarks/tweets_road.py --scale full     the pilot's size: 38.9 million tweets, 2 million users

The parameters of the methods were chosen on seed 1; the figures in the docs are of seed 2. The work is done
as the assets do it: by day up to the located tweets, then by bucket of users.
"""

import argparse
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ons_assets.geography.areas import Areas
from ons_assets.intake.limits import Limits
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.lakehouse.home import Home
from ons_assets.parameters.tweets import GapParameters
from ons_assets.simulate.tweets import SCALES, simulate_tweets
from ons_assets.tweets.anchors import tweet_stays, user_anchors
from ons_assets.tweets.cluster_types import cluster_types
from ons_assets.tweets.clustering import cluster
from ons_assets.tweets.collection_gaps import collection_coverage, gaps_of_collection
from ons_assets.tweets.locating import locate
from ons_assets.tweets.migration_comparison import compare_pairs
from ons_assets.tweets.migration_flows import migration_flows
from ons_assets.tweets.residences import moves, residences
from ons_assets.tweets.sources import BUILT_IN, TweetFiles
from ons_assets.tweets.users import describe_users

MATCH_DAYS = 45
ENOUGH_TWEETS = 20
NEAR_M = 100.0
BUCKETS = 16

Frames = dict[str, pl.DataFrame]


class Clock:
    """Seconds by step, added up over days and buckets, and the peak of memory when a step was last done."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.peak_gb: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done under a name."""
        start = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - start
        self.peak_gb[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6

    def report(self) -> None:
        """Print the steps in the order in which they were first done."""
        for name, seconds in self.seconds.items():
            print(f"  {name:<24} {seconds:7.1f} s   peak so far {self.peak_gb[name]:5.2f} GB")
        print(f"  {'drop to flows':<24} {sum(self.seconds.values()):7.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="medium", choices=tuple(SCALES))
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep the simulated world here, and use it again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        drops, truth = folder / "drops", folder / "truth"
        if not (truth / "population_by_group.parquet").exists():
            print(f"simulated {simulate_tweets(drops, truth, scale=options.scale, seed=options.seed).tweets:,} tweets")
            if options.folder and options.scale == "full":
                # The peak of memory is to be that of the road.
                print("run the same command again")
                return
        home = Home(folder / "home").ensure()
        made = road(drops, truth, home, folder / "located")
        made["numbers"] = numbers(truth, home)
        report_machines(truth, made)
        report_homes(truth, made)
        report_work(truth, made)
        report_moves(truth, made)
        report_flows(truth, made)


def road(drops: Path, truth: Path, home: Home, located: Path) -> Frames:
    clock = Clock()
    source = TweetFiles((BUILT_IN,), Limits(), home=home)
    areas = Areas(pl.read_parquet(truth / "areas.parquet").select("area", "easting_m", "northing_m"))
    addresses = pl.read_parquet(truth / "addresses.parquet").sort("northing_m")
    located.mkdir(exist_ok=True)
    for path in sorted(drops.iterdir()):
        with clock.step("parse"):
            raw = source.whole(path, path.name, datetime.now(UTC)).accepted
        with clock.step("locate"):
            tweets = locate(raw, areas).tweets
            bucketed = tweets.with_columns(bucket=(pl.col("user") % BUCKETS).cast(pl.Int8())).sort(
                "bucket", maintain_order=True
            )
            bucketed.write_parquet(located / f"{path.stem}.parquet", row_group_size=1 << 16)
    with clock.step("gaps"):
        gaps = gaps_of_collection(pl.scan_parquet(located / "*.parquet"), GapParameters())
        days = pl.date_range(gaps["from_utc"].dt.date().min(), gaps["to_utc"].dt.date().max(), eager=True)
        covered = collection_coverage(gaps, days)
    parts: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for bucket in range(BUCKETS):
        with clock.step("read bucket"):
            scanned = pl.scan_parquet(located / "*.parquet").filter((pl.col("user") % BUCKETS) == bucket)
            tweets = scanned.drop("bucket").collect()
        if tweets.is_empty():
            continue
        with clock.step("users"):
            users = describe_users(tweets)
        with clock.step("cluster"):
            model = cluster(tweets, areas=areas)
        with clock.step("cluster types"):
            types = cluster_types(model.clusters, addresses)
        with clock.step("anchors"):
            stays = tweet_stays(model.tweets, model.clusters, users, types)
            anchors = user_anchors(stays, model.clusters)
        with clock.step("residences and moves"):
            parts["residences"].append(residences(anchors, model.tweets, covered))
            parts["moves"].append(moves(anchors))
        parts["users"].append(users)
        parts["anchors"].append(anchors)
        if sum(map(len, parts["users"])) < 100_000:
            parts["stays"].append(stays)
            parts["clusters"].append(model.clusters)
        parts["sizes"].append(
            pl.DataFrame({"tweets": [len(model.tweets)], "valid": [model.clusters["is_valid"].sum()]})
        )
    made = {name: pl.concat(frames) for name, frames in parts.items()}
    with clock.step("flows"):
        population = pl.read_parquet(truth / "population.parquet").select("area", "population")
        made["flows"] = migration_flows(made["moves"], made["residences"], population, users=enough(made))
    clock.report()
    sizes = made["sizes"].sum().row(0)
    print(f"  {sizes[0]:,} tweets, {len(made['users']):,} users, {sizes[1]:,} valid clusters")
    made["gaps"] = gaps
    return made


def numbers(truth: Path, home: Home) -> pl.DataFrame:
    person = pl.read_parquet(truth / "people.parquet").drop_nulls("user_id")
    return person.select("user_id", "age", user=pseudonyms(person["user_id"].cast(pl.String()), home.secret()))


def enough(made: Frames, least: int = ENOUGH_TWEETS) -> pl.DataFrame:
    return made["users"].filter((pl.col("user_kind") == "person") & (pl.col("tweets") >= least)).select("user")


def of_users(truth: Path, name: str, made: Frames) -> pl.DataFrame:
    return pl.read_parquet(truth / f"{name}.parquet").drop_nulls("user_id").join(made["numbers"], on="user_id")


def metres(suffix: str) -> pl.Expr:
    along = pl.col("easting_m") - pl.col(f"easting_m{suffix}")
    return (along**2 + (pl.col("northing_m") - pl.col(f"northing_m{suffix}")) ** 2).sqrt()


def report_machines(truth: Path, made: Frames) -> None:
    outages = pl.read_parquet(truth / "outages.parquet")
    found = outages.join(made["gaps"], how="cross", suffix="_gap").filter(
        (pl.col("from_utc") < pl.col("to_utc_gap")) & (pl.col("from_utc_gap") < pl.col("to_utc"))
    )
    print(f"outages: {found['from_utc'].n_unique()} of {len(outages)} found, {len(made['gaps'])} gaps in all")
    people = made["users"].join(made["numbers"], on="user", how="left")
    flagged = people.filter(pl.col("user_kind") != "person")
    machines, right = people["user_id"].null_count(), flagged["user_id"].null_count()
    print(f"accounts that are no people: {machines}; {len(flagged)} flagged, {right} of them rightly")


def report_homes(truth: Path, made: Frames) -> None:
    homes = of_users(truth, "homes", made).with_columns(pl.col("from_day").fill_null(pl.date(1900, 1, 1)))
    main = made["anchors"].filter(anchor="home").sort("user", "evidence_days", descending=[False, True])
    main = main.unique("user", keep="first", maintain_order=True)
    middle = main.with_columns(
        on=pl.col("from") + pl.duration(days=(pl.col("to") - pl.col("from")).dt.total_days() // 2)
    )
    truly = homes.sort("from_day").select("user", "from_day", "area", "easting_m", "northing_m")
    joined = middle.sort("on").join_asof(
        truly, left_on="on", right_on="from_day", by="user", suffix="_true", check_sortedness=False
    )
    rated = enough(made).join(joined, on="user", how="left").with_columns(apart=metres("_true"))
    right = rated.select((pl.col("area") == pl.col("area_true")).fill_null(False).mean()).item()
    near = rated.select((pl.col("apart") < NEAR_M).fill_null(False).mean()).item()
    print(f"home of {len(rated):,} users with {ENOUGH_TWEETS} tweets: area right {right:.1%}, within 100 m {near:.1%}")


def report_work(truth: Path, made: Frames) -> None:
    work = made["anchors"].filter(pl.col("anchor").is_in(["work", "study"]))
    jobs = of_users(truth, "jobs", made)
    hits = work.join(jobs, on="user", suffix="_true").filter(metres("_true") < NEAR_M)["user"].n_unique()
    inferred = work["user"].n_unique()
    with_one = work.join(jobs, on="user", how="semi")["user"].n_unique()
    print(
        f"work or study: inferred for {inferred:,} users, right for {hits / max(inferred, 1):.1%}; "
        f"of those of them who have one, {hits / max(with_one, 1):.1%}"
    )
    without = enough(made).join(jobs.drop_nulls("easting_m"), on="user", how="anti")
    seen = without.join(work.select("user").unique(), on="user", how="semi")
    second = made["anchors"].filter(anchor="second_home")["user"].n_unique()
    print(f"  of {len(without):,} who have none, seen to work {len(seen) / max(len(without), 1):.1%}")
    print(f"second homes (nobody has one): of {second:,} users")


def report_moves(truth: Path, made: Frames) -> None:
    true_moves = of_users(truth, "moves", made).filter(pl.col("origin") != pl.col("destination"))
    found = made["moves"].filter(pl.col("from_area") != pl.col("to_area"))
    pairs = found.join(true_moves, left_on=["user", "from_area", "to_area"], right_on=["user", "origin", "destination"])
    error = (pairs["moved_on"] - pairs["moved_on_right"]).dt.total_days().abs()
    hits = pairs.with_columns(error=error).filter(pl.col("error") <= MATCH_DAYS)
    for least in (ENOUGH_TWEETS, 100, 300):
        users = enough(made, least)
        n_true, n_found, n_hits = (len(each.join(users, on="user")) for each in (true_moves, found, hits))
        precision, recall = n_hits / max(n_found, 1), n_hits / max(n_true, 1)
        print(
            f"moves between areas, users with {least} tweets: {n_true:,} true, {n_found:,} found, precision "
            f"{precision:.2f}, recall {recall:.2f}, F1 {2 * precision * recall / max(precision + recall, 1e-9):.2f}"
        )
    print(f"  median error of the date: {hits['error'].median()} days")


def report_flows(truth: Path, made: Frames) -> None:
    """By area alone; what more is known of users is worth is in migration_bias.py."""
    true_flows = (
        pl.read_parquet(truth / "flows.parquet")
        .group_by("origin", "destination")
        .agg(flow=pl.col("people").sum().cast(pl.Float64()))
    )
    everybody = pl.read_parquet(truth / "population.parquet").select("area", "population")
    unfiltered = migration_flows(made["moves"], made["residences"], everybody)
    for name, flows in (("all users", unfiltered), ("users who are seen enough", made["flows"])):
        total = flows.group_by("period_type", "origin", "destination").agg(pl.col("flow").sum())
        measures = compare_pairs(total.filter(period_type="year"), true_flows)
        shown = ", ".join(f"{measure} {value:.3f}" for measure, value in measures.items())
        print(f"flows against truth, weighted by area, {name}: {shown}")


if __name__ == "__main__":
    main()
