"""How often a tourist, or a place that people photograph, is taken for a home when no address is known.

    python benchmarks/residence_test.py

Photos of Liverpool have no truth. Two things stand in for it: visitors, whose photos there lie within two weeks, have
no home there; and hardly anybody lives where many others take photos. In the simulated world of tweets the truth is
known: tweets of holidays alone are those of tourists, and everybody else lives where the world says.
"""

import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from ons_assets.geography.national_grid import to_national_grid
from ons_assets.intake.limits import Limits
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.lakehouse.home import Home
from ons_assets.mobility.anchors import anchors_by_day, evidence_by_day
from ons_assets.parameters.tweets import TweetAnchorParameters
from ons_assets.simulate.tweets import SCALES, simulate_tweets
from ons_assets.tweets.anchors import tweet_stays
from ons_assets.tweets.clustering import Clustering, cluster
from ons_assets.tweets.locating import locate
from ons_assets.tweets.sources import BUILT_IN, TweetFiles

SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
PHOTOS = SHARED / "geo" / "traces" / "liverpool_flickr.csv.gz"
VISIT_DAYS, NEAR_M, MANY, ENOUGH_TWEETS = 14, 100.0, 10, 20
SEED, USERS = 2, 2_000
NO_TEST = {"residence_nights": 0, "residence_weeks": 0, "residence_night_share": 0.0}
TESTS = {
    "no test": NO_TEST,
    "nights in 2 weeks": {**NO_TEST, "residence_nights": 3, "residence_weeks": 2},
    "nights in 3 weeks": {**NO_TEST, "residence_nights": 3, "residence_weeks": 3},
    "the test": {},
}


def photos() -> pl.DataFrame:
    table = pl.read_csv(PHOTOS).with_columns(
        at=pl.col("date_taken").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False)
    )
    # A camera whose clock was never set says nothing of time.
    dated = table.filter(pl.col("at").dt.year().is_between(2003, 2015))
    easting, northing = to_national_grid(dated["latitude"].to_numpy(), dated["longitude"].to_numpy())
    day = pl.col("at").dt.date()
    return dated.select(
        "user",
        tweet_id=pl.int_range(pl.len()),
        created_utc=pl.col("at").dt.replace_time_zone("UTC"),
        local_date=day,
        day_of_week=day.dt.weekday(),
        hour=pl.col("at").dt.hour(),
        month=day.dt.month_start(),
        application=pl.lit("camera"),
        area=pl.lit(None, dtype=pl.String()),
        area_method=pl.lit(None, dtype=pl.String()),
        area_distance_m=pl.lit(None, dtype=pl.Float64()),
    ).with_columns(easting_m=easting, northing_m=northing)


def evidence_of(located: pl.DataFrame) -> tuple[pl.DataFrame, Clustering]:
    people = located.select("user").unique().with_columns(user_kind=pl.lit("person"))
    model = cluster(located)
    return evidence_by_day(tweet_stays(model.tweets, model.clusters, people), TweetAnchorParameters()), model


def homes(by_day: pl.DataFrame, test: dict[str, float]) -> pl.DataFrame:
    anchors = anchors_by_day(by_day, TweetAnchorParameters(**test))
    return anchors.filter(anchor="home").select("user", cluster="place").unique()


def report_photos() -> None:
    located = photos()
    by_day, model = evidence_of(located)
    span = (pl.col("created_utc").max() - pl.col("created_utc").min()).dt.total_days()
    visitors = located.group_by("user").agg(span=span).filter(pl.col("span") <= VISIT_DAYS).select("user")
    tree, who = cKDTree(located.select("easting_m", "northing_m").to_numpy()), located["user"].to_numpy()

    def crowded(places: pl.DataFrame) -> int:
        at = places.join(model.clusters, on=["user", "cluster"]).select("easting_m", "northing_m").to_numpy()
        others = [len(np.unique(who[near])) - 1 for near in tree.query_ball_point(at, NEAR_M)]
        return sum(number >= MANY for number in others)

    everywhere = by_day.select("user", cluster="place").unique()
    print(f"photos of {located['user'].n_unique():,} people, {len(visitors):,} of them visitors")
    print(f"  {len(everywhere):,} places, {crowded(everywhere):,} where {MANY} others or more took photos")
    for name, test in TESTS.items():
        found = homes(by_day, test)
        wrong = found.join(visitors, on="user", how="semi")["user"].n_unique()
        print(f"  {name}: {len(found)} homes, of visitors {wrong}, where {MANY} others took photos {crowded(found)}")


def report_simulated() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        world = simulate_tweets(
            folder / "drops", folder / "truth", scale=replace(SCALES["medium"], users=USERS), seed=SEED
        )
        home = Home(folder / "home").ensure()
        source = TweetFiles((BUILT_IN,), Limits(), home=home)
        located = pl.concat(
            [
                locate(source.whole(path, path.name, datetime.now(UTC)).accepted).tweets
                for path in sorted(world.drops.iterdir())
            ]
        )
        truth = {name: pl.read_parquet(folder / "truth" / f"{name}.parquet") for name in ("homes", "tweets")}
        lived = truth["homes"].drop_nulls("user_id")
        lived = lived.with_columns(user=pseudonyms(lived["user_id"].cast(pl.String()), home.secret()))
    away = located.join(truth["tweets"].filter(where="away"), on="tweet_id", how="semi")
    residents = located.join(lived, on="user", how="semi").filter(pl.len().over("user") >= ENOUGH_TWEETS)
    tourists, _ = evidence_of(away)
    by_day, model = evidence_of(residents)
    print(f"simulated: {tourists['user'].n_unique()} tourists with a place, {residents['user'].n_unique():,} residents")
    for name, test in TESTS.items():
        found = homes(by_day, test).join(model.clusters, on=["user", "cluster"])
        apart = (pl.col("easting_m") - pl.col("easting_m_true")) ** 2 + (
            pl.col("northing_m") - pl.col("northing_m_true")
        ) ** 2
        right = found.join(lived, on="user", suffix="_true").filter(apart < NEAR_M**2)
        print(
            f"  {name}: tourists with a home {homes(tourists, test)['user'].n_unique()}, residents with one "
            f"{found['user'].n_unique():,}; {len(found):,} homes, right {right.select('user', 'cluster').n_unique():,}"
        )


def main() -> None:
    if PHOTOS.exists():
        report_photos()
    else:
        print(f"skipped: {PHOTOS.name} not found; set ONS_ASSETS_SHARED_DATA")
    report_simulated()


if __name__ == "__main__":
    main()
