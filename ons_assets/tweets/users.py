"""Who tweets: people, and what is none, with the reason."""

from dataclasses import dataclass

import polars as pl

PERSON, KIOSK, BOT, BUSINESS = "person", "kiosk", "bot", "business"


@dataclass(frozen=True)
class UserSettings:
    """Parameters of `describe_users`.

    Parameters
    ----------
    fewest_tweets
        Users with fewer are taken for people: too little is seen of them.
    constant_share
        Share of tweets from one and the same coordinate, to the digit, that makes a fixed screen.
    automated_share
        Share of tweets from applications that post by themselves.
    tweets_per_hour
        Hours with more tweets are not typed by hand.
    fastest_m_s
        Faster than an airliner between two tweets.
    shortest_flight_m
        Shorter distances say nothing of speed, because positions have errors.
    impossible_share
        Share of the tweets that such flights must be: a wrong fix now and then makes no bot.
    clockwork_share
        Share of tweets at one and the same minute of the hour.
    repetitions
        How many such hours, or flights, it takes.
    """

    fewest_tweets: int = 20
    constant_share: float = 0.98
    automated_share: float = 0.9
    tweets_per_hour: int = 40
    fastest_m_s: float = 300.0
    shortest_flight_m: float = 20_000.0
    impossible_share: float = 0.02
    clockwork_share: float = 0.7
    repetitions: int = 3


def describe_users(located: pl.DataFrame, settings: UserSettings | None = None) -> pl.DataFrame:
    """Say of every user how much is known, and whether it is a person.

    Parameters
    ----------
    located
        Rows of `tweets/located_tweets`.
    settings
        Parameters; None for the defaults.

    Returns
    -------
    pl.DataFrame
        user, tweets, days (with a tweet), first_utc, last_utc, main_application, kind (person, kiosk,
        bot, business), reason (null for a person). Sorted by user.
    """
    settings = settings or UserSettings()
    rows = located.sort("user", "created_utc", "tweet_id")
    seconds = pl.col("created_utc").dt.epoch("ms") / 1_000
    elapsed = (seconds - seconds.shift().over("user")).clip(1)
    distance = (
        (pl.col("easting_m") - pl.col("easting_m").shift().over("user")) ** 2
        + (pl.col("northing_m") - pl.col("northing_m").shift().over("user")) ** 2
    ).sqrt()
    flights = rows.with_columns(
        is_impossible=(distance > settings.shortest_flight_m) & (distance / elapsed > settings.fastest_m_s)
    )
    of_user = flights.group_by("user").agg(
        tweets=pl.len().cast(pl.Int32()),
        days=pl.col("local_date").n_unique().cast(pl.Int32()),
        first_utc=pl.col("created_utc").min(),
        last_utc=pl.col("created_utc").max(),
        automated=(pl.col("application") == "automated").mean(),
        impossible=pl.col("is_impossible").sum(),
    )
    timed = rows.with_columns(minute=pl.col("created_utc").dt.minute())
    described = (
        of_user.join(_largest(rows, ["application"], "application_tweets"), on="user")
        .rename({"application": "main_application"})
        .join(_largest(rows, ["easting_m", "northing_m"], "at_one_point").drop("easting_m", "northing_m"), on="user")
        .join(
            _largest(timed, ["minute"], "at_one_minute"),
            on="user",
        )
        .join(_busy_hours(rows, settings), on="user", how="left")
    )
    kind_and_reason = _verdict(settings)
    return (
        described.with_columns(kind=kind_and_reason[0], reason=kind_and_reason[1])
        .select("user", "tweets", "days", "first_utc", "last_utc", "main_application", "kind", "reason")
        .sort("user")
    )


def _largest(rows: pl.DataFrame, by: list[str], name: str) -> pl.DataFrame:
    """The commonest value of a user; of equals, the least."""
    counts = rows.group_by("user", *by).len(name)
    return counts.sort("user", name, *by, descending=[False, True, *[False] * len(by)]).unique(
        "user", keep="first", maintain_order=True
    )


def _busy_hours(rows: pl.DataFrame, settings: UserSettings) -> pl.DataFrame:
    by_hour = rows.group_by("user", pl.col("created_utc").dt.truncate("1h")).len("in_hour")
    busy = by_hour.filter(pl.col("in_hour") > settings.tweets_per_hour)
    return busy.group_by("user").agg(busy_hours=pl.len())


def _verdict(settings: UserSettings) -> tuple[pl.Expr, pl.Expr]:
    seen = pl.col("tweets") >= settings.fewest_tweets
    constant = pl.col("at_one_point") >= settings.constant_share * pl.col("tweets")
    impossible = pl.max_horizontal(pl.lit(settings.repetitions), settings.impossible_share * pl.col("tweets"))
    rules = [
        (constant & (pl.col("automated") >= settings.automated_share), BUSINESS, "an automated account at one address"),
        (constant, KIOSK, "all tweets from one and the same coordinate"),
        (pl.col("automated") >= settings.automated_share, BOT, "sent by applications that post by themselves"),
        (pl.col("busy_hours") >= settings.repetitions, BOT, "more tweets an hour than can be typed"),
        (pl.col("impossible") >= impossible, BOT, "faster than an airliner between tweets"),
        (pl.col("at_one_minute") >= settings.clockwork_share * pl.col("tweets"), BOT, "at one minute of the hour"),
    ]
    kind, reason = pl.lit(PERSON), pl.lit(None, dtype=pl.String())
    for condition, of_kind, because in reversed(rules):
        holds = seen & condition.fill_null(False)
        kind = pl.when(holds).then(pl.lit(of_kind)).otherwise(kind)
        reason = pl.when(holds).then(pl.lit(because)).otherwise(reason)
    return kind, reason
