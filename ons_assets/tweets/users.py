"""Who tweets: people, and what is none, with the reason."""

import polars as pl

from ons_assets.parameters.tweets import UserParameters

PERSON, KIOSK, BOT, BUSINESS = "person", "kiosk", "bot", "business"
# What is asked of rows of `tweets/located_tweets`.
READ = ("tweet_id", "user", "created_utc", "local_date", "easting_m", "northing_m", "application")


def describe_users(located: pl.DataFrame, parameters: UserParameters | None = None) -> pl.DataFrame:
    """Say of every user how much is known, and whether it is a person.

    Parameters
    ----------
    located
        Rows of `tweets/located_tweets`, the columns of `READ`.
    parameters
        Parameters; None for the defaults.

    Returns
    -------
    pl.DataFrame
        user, tweets, days (with a tweet), first_utc, last_utc, main_application, user_kind (person, kiosk,
        bot, business), reason (null for a person). Sorted by user.
    """
    parameters = parameters or UserParameters()
    of_user = located.group_by("user").agg(
        tweets=pl.len().cast(pl.Int32()),
        days=pl.col("local_date").n_unique().cast(pl.Int32()),
        first_utc=pl.col("created_utc").min(),
        last_utc=pl.col("created_utc").max(),
        automated=(pl.col("application") == "automated").mean(),
    )
    # Of the others, who are most, it is not asked.
    often = of_user.filter(pl.col("tweets") >= parameters.fewest_tweets).select("user")
    rows = (
        located.select("user", "created_utc", "tweet_id", "easting_m", "northing_m")
        .join(often, on="user", how="semi")
        .sort("user", "created_utc", "tweet_id")
    )
    described = (
        of_user.join(_commonest_application(located), on="user")
        .join(_impossible_flights(rows, parameters), on="user", how="left")
        .join(_most(rows, "at_one_point", pl.col("easting_m"), pl.col("northing_m")), on="user", how="left")
        .join(_most(rows, "at_one_minute", pl.col("created_utc").dt.minute()), on="user", how="left")
        .join(_busy_hours(rows, parameters), on="user", how="left")
    )
    kind_and_reason = _verdict(parameters)
    return (
        described.with_columns(user_kind=kind_and_reason[0], reason=kind_and_reason[1])
        .select("user", "tweets", "days", "first_utc", "last_utc", "main_application", "user_kind", "reason")
        .sort("user")
    )


def _commonest_application(rows: pl.DataFrame) -> pl.DataFrame:
    """The commonest application of a user; of equals, the first by name."""
    counts = rows.group_by("user", main_application="application").len("times")
    ranked = counts.sort("user", "times", "main_application", descending=[False, True, False])
    return ranked.unique("user", keep="first", maintain_order=True).drop("times")


def _impossible_flights(rows: pl.DataFrame, parameters: UserParameters) -> pl.DataFrame:
    """How many tweets of a user are too far from the one before; rows by user and time."""
    elapsed = (pl.col("created_utc").dt.epoch("ms") / 1_000).diff().clip(1)
    distance = (pl.col("easting_m").diff() ** 2 + pl.col("northing_m").diff() ** 2).sqrt()
    is_impossible = (distance > parameters.shortest_flight_m) & (distance / elapsed > parameters.fastest_m_s)
    is_first = pl.col("user") != pl.col("user").shift()
    flights = rows.select("user", impossible=is_impossible & ~is_first)
    return flights.group_by("user").agg(pl.col("impossible").sum())


def _most(rows: pl.DataFrame, name: str, *by: pl.Expr) -> pl.DataFrame:
    """How many tweets of a user have the commonest value."""
    return rows.group_by("user", *by).len(name).group_by("user").agg(pl.col(name).max())


def _busy_hours(rows: pl.DataFrame, parameters: UserParameters) -> pl.DataFrame:
    """How many hours of a user have more tweets than can be typed; rows by user and time."""
    hours = rows.select("user", hour=pl.col("created_utc").dt.truncate("1h"))
    # So many tweets later, it is the same hour still.
    later = pl.col("user", "hour").shift(-parameters.tweets_per_hour)
    busy = hours.filter(pl.all_horizontal(pl.col("user", "hour") == later))
    return busy.unique().group_by("user").agg(busy_hours=pl.len())


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
