"""What is said of a user hangs on the tweets of that user alone, whoever stands beside it in the table."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from ons_assets.parameters.tweets import UserParameters
from ons_assets.tweets.users import describe_users

START = datetime(2014, 8, 11, tzinfo=UTC)
# Low bounds, so that every rule is met by some.
PARAMETERS = UserParameters(
    fewest_tweets=3,
    tweets_per_hour=4,
    repetitions=2,
    fastest_m_s=40,
    shortest_flight_m=500,
    impossible_share=0.4,
    clockwork_share=0.6,
    constant_share=0.8,
)


def tweets(seed: int, users: int) -> pl.DataFrame:
    """Return users of some tweets each: near or far, at one minute or any, in bursts, by hand or by an application."""
    random = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        at = START + timedelta(minutes=int(random.integers(5_000)))
        place, stays = random.integers(400_000, 420_000, 2).astype(float), random.random() < 0.3
        automated, steps = random.random() < 0.3, random.choice([1, 10, 60, 700])
        for _ in range(int(random.integers(1, 15))):
            rows.append((user * 7 - 20, at, *place, "automated" if automated else random.choice(["mobile", "web"])))
            at += timedelta(minutes=int(steps), seconds=int(random.integers(20)))
            place = place if stays else place + random.normal(0, 4_000, 2).round()
    names = ("user", "created_utc", "easting_m", "northing_m", "application")
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(pl.col("created_utc").dt.cast_time_unit("us"))
    numbered = frame.with_columns(tweet_id=pl.int_range(pl.len()), local_date=pl.col("created_utc").dt.date())
    return numbered.sample(fraction=1, shuffle=True, seed=seed)


def test_of_all_users_is_found_what_is_found_of_each_alone() -> None:
    rows = tweets(5, 300)
    together = describe_users(rows, PARAMETERS)
    alone = [describe_users(of_user, PARAMETERS) for of_user in rows.partition_by("user")]
    assert together.equals(pl.concat(alone).sort("user"))
    assert together["reason"].n_unique() == 7


def test_an_hour_is_busy_with_one_tweet_more_than_can_be_typed() -> None:
    for number, kind in ((4, "person"), (5, "bot")):
        minutes = [hour * 60 + 5 * tweet for hour in (0, 3) for tweet in range(number)]
        rows = pl.DataFrame(
            {
                "user": 1,
                "tweet_id": range(len(minutes)),
                "created_utc": [START + timedelta(minutes=each) for each in minutes],
                "easting_m": np.arange(len(minutes)) * 10.0,
                "northing_m": 0.0,
                "application": "mobile",
            }
        ).with_columns(local_date=pl.col("created_utc").dt.date())
        assert describe_users(rows, PARAMETERS)["user_kind"].to_list() == [kind]
