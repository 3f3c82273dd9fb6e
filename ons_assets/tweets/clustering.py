"""The three-level model of the pilot: users, their clusters, and the tweets in them.

Tweets and time are at the lowest level, everything spatial is on the clusters, and every tweet has a
cluster: a tweet that is noise has one of its own, marked as noise. A cluster is known by its user and
its number: valid clusters first, by their first core tweet, then noise in the order of time.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from core_ext import dbscan_clusters
from ons_assets.geography.areas import Areas, placed_in
from ons_assets.parameters.tweets import ClusterParameters


@dataclass(frozen=True)
class Clustering:
    """Clusters, and the tweets in them.

    Parameters
    ----------
    clusters
        user, cluster, is_valid, tweets, core_tweets, easting_m, northing_m (centroid), medoid_easting_m,
        medoid_northing_m, min_easting_m, min_northing_m, max_easting_m, max_northing_m,
        radius_of_gyration_m, first_utc, last_utc, days, area, area_method, area_distance_m.
    tweets
        tweet_id, user, cluster, created_utc, local_date, day_of_week, hour, month, application.
    """

    clusters: pl.DataFrame
    tweets: pl.DataFrame


TWEET_COLUMNS = (
    "tweet_id", "user", "cluster", "created_utc", "local_date", "day_of_week", "hour", "month", "application",
)  # fmt: skip
# What is asked of rows of `tweets/located_tweets`.
READ = (*(name for name in TWEET_COLUMNS if name != "cluster"), "easting_m", "northing_m")


def cluster(
    located: pl.DataFrame,
    parameters: ClusterParameters | None = None,
    *,
    areas: Areas | None = None,
    threads: int = 0,
) -> Clustering:
    """Cluster the tweets of every user by density.

    Parameters
    ----------
    located
        Rows of `tweets/located_tweets`, the columns of `READ`, all of a user or none; their order makes no difference.
    parameters
        Parameters; None for the defaults.
    areas
        Areas in which clusters are placed, by their medoid: the mean of two flats is in neither. None if there are
        none.
    threads
        0 for one a processor; the result does not depend on it.

    Returns
    -------
    Clustering
        Clusters sorted by user and cluster, tweets by user, time and id.
    """
    return _cluster(located, parameters or ClusterParameters(), areas, threads)


def recluster(previous: Clustering, touched: pl.DataFrame, fresh: Clustering) -> Clustering:
    """Put users who were clustered anew in the place of what they were; the result is that of clustering everybody.

    Parameters
    ----------
    previous
        An earlier result with the same parameters and areas.
    touched
        user: everybody who has a tweet more or fewer since then, or one at another place.
    fresh
        The touched users, clustered from all of their tweets as they are now.
    """
    return Clustering(
        clusters=pl.concat([previous.clusters.join(touched, on="user", how="anti"), fresh.clusters]).sort(
            "user", "cluster"
        ),
        tweets=pl.concat([previous.tweets.join(touched, on="user", how="anti"), fresh.tweets]).sort(
            "user", "created_utc", "tweet_id"
        ),
    )


def _cluster(located: pl.DataFrame, parameters: ClusterParameters, areas: Areas | None, threads: int) -> Clustering:
    rows = located.sort("user", "created_utc", "tweet_id")
    users, starts = np.unique(rows["user"].to_numpy(), return_index=True)
    easting, northing = (
        np.ascontiguousarray(rows[name].to_numpy(), dtype=np.float64) for name in ("easting_m", "northing_m")
    )
    labels, table = dbscan_clusters(
        easting,
        northing,
        np.append(starts, len(rows)).astype(np.int64),
        parameters.eps_m,
        parameters.min_tweets,
        n_threads=threads,
    )
    medoid = np.asarray(table["medoid"], dtype=np.int64)
    valid = pl.DataFrame(
        {
            "user": users[table["segment"]],
            "cluster": pl.Series(table["label"], dtype=pl.Int32()),
            "is_valid": pl.Series(np.ones(len(medoid), dtype=bool)),
            "tweets": pl.Series(table["size"], dtype=pl.Int32()),
            "core_tweets": pl.Series(table["core_count"], dtype=pl.Int32()),
            "easting_m": table["centroid_x"],
            "northing_m": table["centroid_y"],
            "medoid_easting_m": easting[medoid],
            "medoid_northing_m": northing[medoid],
            "min_easting_m": table["min_x"],
            "min_northing_m": table["min_y"],
            "max_easting_m": table["max_x"],
            "max_northing_m": table["max_y"],
            "radius_of_gyration_m": table["radius_of_gyration"],
        }
    )
    number = _numbered(labels, starts, len(rows), valid)
    clustered = rows.with_columns(cluster=pl.Series(number, dtype=pl.Int32()))
    is_noise = pl.Series(labels == -1)
    spans = (
        clustered.filter(~is_noise)
        .group_by("user", "cluster")
        .agg(
            first_utc=pl.col("created_utc").min(),
            last_utc=pl.col("created_utc").max(),
            days=pl.col("local_date").n_unique().cast(pl.Int32()),
        )
    )
    found = valid.join(spans, on=["user", "cluster"])
    noise = clustered.filter(is_noise).select(_noise_columns())
    clusters = pl.concat([found, noise.select(found.columns)])
    placed = placed_in(clusters.sort("user", "cluster"), areas, "medoid_easting_m", "medoid_northing_m")
    return Clustering(placed, clustered.select(TWEET_COLUMNS))


def _numbered(labels: np.ndarray, starts: np.ndarray, n_rows: int, valid: pl.DataFrame) -> np.ndarray:
    """The labels, with a number of its own for each noise tweet, after those of the user's clusters."""
    segment = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, n_rows)))
    is_noise = labels == -1
    noise_before = np.cumsum(is_noise) - is_noise
    first_of_user = noise_before[starts] if len(starts) else noise_before
    n_valid = np.zeros(len(starts), dtype=np.int64)
    if n_rows:
        np.maximum.at(n_valid, segment, labels.astype(np.int64) + 1)
    assert n_valid.sum() == len(valid)
    return np.where(is_noise, n_valid[segment] + noise_before - first_of_user[segment], labels)


def _noise_columns() -> list[pl.Expr]:
    columns = {
        "easting_m": ("easting_m", "medoid_easting_m", "min_easting_m", "max_easting_m"),
        "northing_m": ("northing_m", "medoid_northing_m", "min_northing_m", "max_northing_m"),
    }
    return [
        pl.col("user"),
        pl.col("cluster"),
        pl.lit(False).alias("is_valid"),
        pl.lit(1, dtype=pl.Int32()).alias("tweets"),
        pl.lit(0, dtype=pl.Int32()).alias("core_tweets"),
        *(pl.col(name).alias(alias) for name, aliases in columns.items() for alias in aliases),
        pl.lit(0.0).alias("radius_of_gyration_m"),
        pl.col("created_utc").alias("first_utc"),
        pl.col("created_utc").alias("last_utc"),
        pl.lit(1, dtype=pl.Int32()).alias("days"),
    ]
