"""Tweets with a place: on the grid, in an area if there are any, and in local time."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ons_assets.geography.areas import NONE_NEAR, Areas, placed_in
from ons_assets.geography.grid import Grid
from ons_assets.lakehouse.keys import all_differ
from ons_assets.parameters.geography import Country

NOTICES = ("delete", "scrub_geo")
# What is asked of rows of `tweets/raw_tweets`; the others are texts, which take more room than these together.
READ = ("event", "tweet_id", "original_id", "user", "created_utc", "latitude", "longitude", "application")
EARLIER = "an earlier version or a repetition"


@dataclass(frozen=True)
class Located:
    """Tweets with a place, and how many have none.

    Parameters
    ----------
    tweets
        One row a tweet, see `locate`.
    left_out
        reason, tweets: why rows of the input are not in `tweets`; together they are all of the input.
    """

    tweets: pl.DataFrame
    left_out: pl.DataFrame


def locate(
    raw: pl.DataFrame | pl.LazyFrame,
    areas: Areas | None = None,
    notices: pl.DataFrame | None = None,
    country: Country | None = None,
) -> Located:
    """Place tweets on the grid and in areas, and give them their local time.

    Of a tweet that came several times, or was edited, the last version counts. A tweet that its author
    deleted, or took the position from, is left out, on whatever day the notice came. So is one outside the country:
    Great Britain has an outline of its own, another country is where its grid is meant to be used and, if there are
    areas, where one of them is near.

    Parameters
    ----------
    raw
        Rows of `tweets/raw_tweets`, the columns of `READ`.
    areas
        Areas of the level that is wanted; None if there are none.
    notices
        The rows of `tweets/raw_tweets`, of all days, for which `is_notice` holds; None for those in raw.
    country
        Its grid and its clock; None for those of Great Britain.

    Returns
    -------
    Located
        tweets: tweet_id, user, created_utc, local_date, day_of_week (1 Monday to 7), hour, month (first
        day), easting_m, northing_m, area, area_method (see `ons_assets.geography.areas`), area_distance_m,
        application. Sorted by user, time and id.
    """
    rows = raw.lazy().select(READ).collect()
    withdrawn = rows.filter(is_notice()) if notices is None else notices
    edited = (
        withdrawn.filter(~pl.col("event").is_in(NOTICES)).group_by("original_id").agg(last=pl.col("tweet_id").max())
    )
    deleted = withdrawn.filter(event="delete")["tweet_id"].unique()
    scrubbed = withdrawn.filter(event="scrub_geo").group_by("user").agg(up_to=pl.col("tweet_id").max())
    told = rows.join(scrubbed, on="user", how="left").join(edited, on="original_id", how="left")
    judged = told.with_columns(
        reason=pl.when(pl.col("event").is_in(NOTICES))
        .then(pl.lit("a notice, not a tweet"))
        .when(pl.col("event") == "retweet")
        .then(pl.lit("a retweet"))
        .when(pl.col("tweet_id").is_in(deleted.implode()) | pl.col("original_id").is_in(deleted.implode()))
        .then(pl.lit("deleted by its author"))
        .when(pl.col("tweet_id") <= pl.col("up_to"))
        .then(pl.lit("position withdrawn by its author"))
        .when(pl.col("tweet_id") < pl.col("last"))
        .then(pl.lit(EARLIER))
        .when(pl.col("latitude").is_null())
        .then(pl.lit("no position"))
    )
    kept = judged.filter(pl.col("reason").is_null())
    last = kept if all_differ([kept.select("original_id")]) else _last_versions(kept)
    country = country or Country()
    grid = Grid.of(country)
    easting, northing = grid.to_grid(last["latitude"], last["longitude"])
    told_of = last.select("tweet_id", "user", "created_utc", "application")
    on_grid = told_of.with_columns(easting_m=pl.Series(easting), northing_m=pl.Series(northing))
    placed = placed_in(on_grid.filter(pl.Series(np.isfinite(easting))), areas)
    if not grid.is_british:
        placed = placed.filter(pl.col("area_method") != NONE_NEAR)
    inside = placed.sort("user", "created_utc", "tweet_id")
    local = pl.col("created_utc").dt.convert_time_zone(country.time_zone)
    tweets = inside.select(
        "tweet_id",
        "user",
        "created_utc",
        local_date=local.dt.date(),
        day_of_week=local.dt.weekday(),
        hour=local.dt.hour(),
        month=local.dt.date().dt.month_start(),
        easting_m="easting_m",
        northing_m="northing_m",
        area="area",
        area_method="area_method",
        area_distance_m="area_distance_m",
        application="application",
    )
    losses = [
        *judged.drop_nulls("reason").group_by("reason").len().rows(),
        (EARLIER, len(kept) - len(last)),
        (f"outside {grid.place}", len(last) - len(inside)),
    ]
    counted = pl.DataFrame(losses, schema={"reason": pl.String(), "tweets": pl.Int64()}, orient="row")
    left_out = counted.group_by("reason").agg(pl.col("tweets").sum()).filter(pl.col("tweets") > 0)
    return Located(tweets, left_out.sort("reason"))


def _last_versions(tweets: pl.DataFrame) -> pl.DataFrame:
    return tweets.sort("original_id", "tweet_id").unique("original_id", keep="last", maintain_order=True)


def is_notice() -> pl.Expr:
    """Return whether a row of `tweets/raw_tweets` says something of a tweet that may be of another day."""
    return pl.col("event").is_in(NOTICES) | (
        (pl.col("event") == "tweet") & (pl.col("tweet_id") != pl.col("original_id"))
    )


def days_touched(raw: pl.LazyFrame, change: pl.LazyFrame) -> list[date]:
    """Return the days of which tweets must be located anew.

    Parameters
    ----------
    raw
        All rows of `tweets/raw_tweets`.
    change
        Those that came, or went, since tweets were last located: their days, and the days of the tweets
        that a deletion, a withdrawal or an edit among them is about.
    """
    notices = change.filter(is_notice()).select("event", "tweet_id", "original_id", "user").collect()
    about = raw.join(notices.lazy().select("original_id").unique(), on="original_id", how="semi")
    deleted = raw.join(notices.lazy().filter(event="delete").select("tweet_id").unique(), on="tweet_id", how="semi")
    withdrawn = notices.lazy().filter(event="scrub_geo").group_by("user").agg(up_to=pl.col("tweet_id").max())
    scrubbed = raw.join(withdrawn, on="user").filter(pl.col("tweet_id") <= pl.col("up_to"))
    days = [frame.select("created_on") for frame in (change, about, deleted, scrubbed)]
    return pl.concat(days).unique().sort("created_on").collect()["created_on"].to_list()
