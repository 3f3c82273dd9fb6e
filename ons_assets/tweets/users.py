"""Who tweets: people, and what is none, with the reason."""

import polars as pl

from ons_assets.parameters.tweets import UserParameters

PERSON, KIOSK, BOT, BUSINESS = "person", "kiosk", "bot", "business"


def describe_users(located: pl.DataFrame, parameters: UserParameters | None = None) -> pl.DataFrame:
    """Say of every user how much is known, and whether it is a person.

    Parameters
    ----------
    located
        Rows of `tweets/located_tweets`.
    parameters
        Parameters; None for the defaults.

    Returns
    -------
    pl.DataFrame
        user, tweets, days (with a tweet), first_utc, last_utc, main_application, user_kind (person, kiosk,
        bot, business), reason (null for a person). Sorted by user.
    """
    parameters = parameters or UserParameters()
    rows = located.sort("user", "created_utc", "tweet_id")
    seconds = pl.col("created_utc").dt.epoch("ms") / 1_000
    elapsed = (seconds - seconds.shift().over("user")).clip(1)
    distance = (
        (pl.col("easting_m") - pl.col("easting_m").shift().over("user")) ** 2
        + (pl.col("northing_m") - pl.col("northing_m").shift().over("user")) ** 2
    ).sqrt()
    flights = rows.with_columns(
        is_impossible=(distance > parameters.shortest_flight_m) & (distance / elapsed > parameters.fastest_m_s)
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
        .join(_busy_hours(rows, parameters), on="user", how="left")
    )
    kind_and_reason = _verdict(parameters)
    return (
        described.with_columns(user_kind=kind_and_reason[0], reason=kind_and_reason[1])
        .select("user", "tweets", "days", "first_utc", "last_utc", "main_application", "user_kind", "reason")
        .sort("user")
    )


def _largest(rows: pl.DataFrame, by: list[str], name: str) -> pl.DataFrame:
    """The commonest value of a user; of equals, the least."""
    counts = rows.group_by("user", *by).len(name)
    return counts.sort("user", name, *by, descending=[False, True, *[False] * len(by)]).unique(
        "user", keep="first", maintain_order=True
    )


def _busy_hours(rows: pl.DataFrame, parameters: UserParameters) -> pl.DataFrame:
    by_hour = rows.group_by("user", pl.col("created_utc").dt.truncate("1h")).len("in_hour")
    busy = by_hour.filter(pl.col("in_hour") > parameters.tweets_per_hour)
    return busy.group_by("user").agg(busy_hours=pl.len())


def _verdict(parameters: UserParameters) -> tuple[pl.Expr, pl.Expr]:
    seen = pl.col("tweets") >= parameters.fewest_tweets
    constant = pl.col("at_one_point") >= parameters.constant_share * pl.col("tweets")
    impossible = pl.max_horizontal(pl.lit(parameters.repetitions), parameters.impossible_share * pl.col("tweets"))
    rules = [
        (
            constant & (pl.col("automated") >= parameters.automated_share),
            BUSINESS,
            "an automated account at one address",
        ),
        (constant, KIOSK, "all tweets from one and the same coordinate"),
        (pl.col("automated") >= parameters.automated_share, BOT, "sent by applications that post by themselves"),
        (pl.col("busy_hours") >= parameters.repetitions, BOT, "more tweets an hour than can be typed"),
        (pl.col("impossible") >= impossible, BOT, "faster than an airliner between tweets"),
        (pl.col("at_one_minute") >= parameters.clockwork_share * pl.col("tweets"), BOT, "at one minute of the hour"),
    ]
    kind, reason = pl.lit(PERSON), pl.lit(None, dtype=pl.String())
    for condition, of_kind, because in reversed(rules):
        holds = seen & condition.fill_null(False)
        kind = pl.when(holds).then(pl.lit(of_kind)).otherwise(kind)
        reason = pl.when(holds).then(pl.lit(because)).otherwise(reason)
    return kind, reason
