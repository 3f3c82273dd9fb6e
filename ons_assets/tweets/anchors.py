"""Home, work and study of those who tweet, with their places on the map."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from ons_assets.mobility import commutes, infer_anchors
from ons_assets.parameters.geography import TIME_ZONE
from ons_assets.parameters.mobility import AnchorParameters
from ons_assets.parameters.tweets import TweetAnchorParameters
from ons_assets.tweets.users import PERSON


def tweet_stays(
    tweets: pl.DataFrame,
    clusters: pl.DataFrame,
    users: pl.DataFrame,
    types: pl.DataFrame | None = None,
    time_zone: str = TIME_ZONE,
) -> pl.DataFrame:
    """Return the tweets of people in valid clusters as stays without length, in local time.

    Parameters
    ----------
    tweets, clusters, users, types
        Rows of `tweets/clustered_tweets`, `tweets/clusters`, `tweets/users` and, if there are addresses,
        `tweets/cluster_types`.
    time_zone
        Of the local clock.

    Returns
    -------
    pl.DataFrame
        user, place (cluster), start, end, address_class.
    """
    people = users.filter(user_kind=PERSON).select("user")
    places = clusters.filter("is_valid").select("user", "cluster").join(people, on="user", how="semi")
    if types is None:
        places = places.with_columns(address_class=pl.lit(None, dtype=pl.String()))
    else:
        places = places.join(types.select("user", "cluster", address_class="type"), on=["user", "cluster"], how="left")
    local = pl.col("created_utc").dt.convert_time_zone(time_zone).dt.replace_time_zone(None)
    stays = tweets.select("user", "cluster", start=local).join(places, on=["user", "cluster"])
    return stays.select("user", "start", "address_class", place="cluster", end="start")


def user_anchors(
    stays: pl.DataFrame,
    clusters: pl.DataFrame,
    parameters: AnchorParameters | None = None,
    *,
    terms: Sequence[tuple[date, date]] | None = None,
) -> pl.DataFrame:
    """Find the anchors of every user, and say where they are.

    Parameters
    ----------
    stays
        What `tweet_stays` returns.
    clusters
        Rows of `tweets/clusters`.
    parameters, terms
        As for `ons_assets.mobility.infer_anchors`; None for `TweetAnchorParameters`.

    Returns
    -------
    pl.DataFrame
        user, cluster, anchor, from, to, confidence, evidence_days, area, easting_m, northing_m. Sorted
        by user, anchor and from.
    """
    found = infer_anchors(stays, parameters or TweetAnchorParameters(), terms=terms).rename({"place": "cluster"})
    where = clusters.select("user", "cluster", "area", "easting_m", "northing_m")
    return found.join(where, on=["user", "cluster"], how="left").sort("user", "anchor", "from")


def user_commutes(anchors: pl.DataFrame) -> pl.DataFrame:
    """Return the commutes of users with both ends' areas and the distance between them.

    Returns
    -------
    pl.DataFrame
        user, purpose, home_cluster, destination_cluster, from, to, confidence, home_area, destination_area,
        distance_km.
    """
    ends = {"home": "home_cluster", "destination": "destination_cluster"}
    pairs = commutes(anchors.rename({"cluster": "place"})).rename(ends)
    places = anchors.select("user", "cluster", "area", "easting_m", "northing_m").unique(["user", "cluster"])
    joined = pairs.join(places, left_on=["user", "home_cluster"], right_on=["user", "cluster"]).join(
        places, left_on=["user", "destination_cluster"], right_on=["user", "cluster"], suffix="_there"
    )
    along = pl.col("easting_m") - pl.col("easting_m_there")
    up = pl.col("northing_m") - pl.col("northing_m_there")
    return joined.select(
        *pairs.columns,
        home_area="area",
        destination_area="area_there",
        distance_km=(along**2 + up**2).sqrt() / 1_000,
    )
