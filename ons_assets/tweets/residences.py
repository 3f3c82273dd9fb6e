"""Where users live month by month, and when they move."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from ons_assets.lakehouse.sums import exact_mean
from ons_assets.parameters.mobility import AnchorParameters
from ons_assets.parameters.tweets import MoveParameters
from ons_assets.tweets.anchors import user_anchors


def residences(anchors: pl.DataFrame, tweets: pl.DataFrame, coverage: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the home of every user in every month.

    A month without a tweet, between two with the same home, keeps it. Between two different homes it has
    none: nobody knows when in between the user moved.

    Parameters
    ----------
    anchors
        Rows of `tweets/user_anchors`.
    tweets
        Rows of `tweets/clustered_tweets`.
    coverage
        day, share_covered: what `collection_coverage` returns; None if there were no gaps.

    Returns
    -------
    pl.DataFrame
        user, month (first day), cluster, area, confidence, tweets (in the month), is_observed (whether
        there are any), month_coverage (share of the month in which the collector was up). One row a user
        and month; in the month of a move, the home of more of its days. Sorted by user and month.
    """
    homes = anchors.filter(anchor="home")
    months = homes.with_columns(
        month=pl.date_ranges(pl.col("from").dt.month_start(), pl.col("to").dt.month_start(), "1mo")
    ).explode("month")
    first, last = pl.col("month"), pl.col("month").dt.month_end()
    lived = (pl.min_horizontal("to", last) - pl.max_horizontal("from", first)).dt.total_days() + 1
    chosen = (
        months.with_columns(lived=lived)
        .sort("user", "month", "lived", "from", descending=[False, False, True, False])
        .unique(["user", "month"], keep="first", maintain_order=True)
    )
    counted = tweets.group_by("user", "month").agg(tweets=pl.len().cast(pl.Int32()))
    joined = chosen.join(counted, on=["user", "month"], how="left").with_columns(pl.col("tweets").fill_null(0))
    if coverage is None:
        joined = joined.with_columns(month_coverage=pl.lit(1.0))
    else:
        by_month = coverage.group_by(month=pl.col("day").dt.month_start()).agg(
            month_coverage=exact_mean("share_covered")
        )
        joined = joined.join(by_month, on="month", how="left").with_columns(pl.col("month_coverage").fill_null(1.0))
    return joined.select(
        "user",
        "month",
        "cluster",
        "area",
        "confidence",
        "tweets",
        is_observed=pl.col("tweets") > 0,
        month_coverage="month_coverage",
    ).sort("user", "month")


def moves(anchors: pl.DataFrame, parameters: MoveParameters | None = None) -> pl.DataFrame:
    """Return the changes of home after which the old one is given up.

    Who keeps the old home as a second one has not moved away from it: it is in `second_residences`.

    Parameters
    ----------
    anchors
        Rows of `tweets/user_anchors` of home and second_home.
    parameters
        Parameters; None for the defaults.

    Returns
    -------
    pl.DataFrame
        user, from_cluster, to_cluster, from_area, to_area, moved_on (middle of not_before and
        not_after), not_before (last sign of life at the old home), not_after (first at the new),
        distance_km, confidence (product of both), persistence_days (known at the new home), is_return
        (to a home lived in before). Sorted by user and moved_on.
    """
    parameters = parameters or MoveParameters()
    homes = anchors.filter(
        (pl.col("anchor") == "home")
        & (pl.col("confidence") >= parameters.confidence)
        & ((pl.col("to") - pl.col("from")).dt.total_days() + 1 >= parameters.persistence_days)
    ).sort("user", "from")
    columns = ("cluster", "area", "from", "to", "easting_m", "northing_m", "confidence")
    pairs = homes.with_columns(pl.col(name).shift(-1).over("user").alias(f"next_{name}") for name in columns).filter(
        pl.col("next_from").is_not_null()
    )
    distance = (
        (pl.col("easting_m") - pl.col("next_easting_m")) ** 2 + (pl.col("northing_m") - pl.col("next_northing_m")) ** 2
    ).sqrt() / 1_000
    kept = anchors.filter(anchor="second_home").select("user", "cluster", kept_from="from", kept_to="to")
    still = (
        pairs.join(kept, on=["user", "cluster"])
        .filter((pl.col("kept_from") <= pl.col("next_to")) & (pl.col("kept_to") >= pl.col("next_from")))
        .select("user", "from")
        .unique()
    )
    return (
        pairs.join(still, on=["user", "from"], how="anti", maintain_order="left")
        .with_columns(distance_km=distance)
        .filter(pl.col("distance_km") >= parameters.shortest_km)
        .select(
            "user",
            from_cluster="cluster",
            to_cluster="next_cluster",
            from_area="area",
            to_area="next_area",
            moved_on=pl.col("to") + pl.duration(days=(pl.col("next_from") - pl.col("to")).dt.total_days() // 2),
            not_before="to",
            not_after="next_from",
            distance_km="distance_km",
            confidence=pl.col("confidence") * pl.col("next_confidence"),
            persistence_days=((pl.col("next_to") - pl.col("next_from")).dt.total_days() + 1).cast(pl.Int32()),
        )
        .sort("user", "moved_on")
        .pipe(_with_returns)
    )


def _with_returns(moved: pl.DataFrame) -> pl.DataFrame:
    """Say which moves lead to a home that the same user had left before."""
    left = moved.select("user", "moved_on", to_cluster="from_cluster").group_by("user", "to_cluster")
    first_left = left.agg(left_on=pl.col("moved_on").min())
    joined = moved.join(first_left, on=["user", "to_cluster"], how="left", maintain_order="left")
    is_return = (pl.col("left_on") < pl.col("moved_on")).fill_null(False)
    return joined.with_columns(is_return=is_return).drop("left_on")


def second_residences(anchors: pl.DataFrame) -> pl.DataFrame:
    """Return the homes that users keep beside the main one.

    Parameters
    ----------
    anchors
        Rows of `tweets/user_anchors` of home and second_home.

    Returns
    -------
    pl.DataFrame
        user, cluster, area, home_cluster, home_area (the main home of that time), from, to, distance_km (between
        both), confidence, evidence_days. Sorted by user, from and cluster.
    """
    columns = ("cluster", "area", "easting_m", "northing_m")
    homes = anchors.filter(anchor="home").select(
        "user", home_from="from", home_to="to", **{f"home_{name}": name for name in columns}
    )
    along = pl.col("easting_m") - pl.col("home_easting_m")
    up = pl.col("northing_m") - pl.col("home_northing_m")
    beside = anchors.filter(anchor="second_home").join(homes, on="user")
    # Each was found within the time of one main home.
    return (
        beside.filter((pl.col("from") >= pl.col("home_from")) & (pl.col("to") <= pl.col("home_to")))
        .select(
            "user",
            "cluster",
            "area",
            "home_cluster",
            "home_area",
            "from",
            "to",
            ((along**2 + up**2).sqrt() / 1_000).alias("distance_km"),
            "confidence",
            "evidence_days",
        )
        .sort("user", "from", "cluster")
    )


def student_homes(
    stays: pl.DataFrame,
    clusters: pl.DataFrame,
    terms: Sequence[tuple[date, date]],
    parameters: AnchorParameters | None = None,
    *,
    anchors: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the term-time and the vacation home of those who study.

    Parameters
    ----------
    stays
        What `ons_assets.tweets.anchors.tweet_stays` returns.
    clusters
        Rows of `tweets/clusters`.
    terms
        First and last days of the terms.
    anchors
        What `ons_assets.tweets.anchors.user_anchors` returns of all this; None to find them here.

    Returns
    -------
    pl.DataFrame
        user, study_cluster, study_area, term_cluster, term_area, vacation_cluster, vacation_area
        (null if nothing is seen of them), lives_away (whether the two are different areas).
    """
    day = pl.col("start").dt.date()
    in_term = pl.any_horizontal(pl.lit(False), *(day.is_between(first, last) for first, last in terms))
    if anchors is None:
        anchors = user_anchors(stays, clusters, parameters, terms=terms)
    study = _main(anchors, "study", "study")
    students = stays.join(study.select("user"), on="user", how="semi")
    term = _main(user_anchors(students.filter(in_term), clusters, parameters), "home", "term")
    vacation = _main(user_anchors(students.filter(~in_term), clusters, parameters), "home", "vacation")
    joined = study.join(term, on="user", how="left").join(vacation, on="user", how="left")
    return joined.with_columns(lives_away=pl.col("term_area") != pl.col("vacation_area")).sort("user")


def _main(anchors: pl.DataFrame, anchor: str, name: str) -> pl.DataFrame:
    """The anchor of a user with the most days of evidence."""
    of_kind = anchors.filter(anchor=anchor).sort("user", "evidence_days", "from", descending=[False, True, False])
    first = of_kind.unique("user", keep="first", maintain_order=True)
    return first.select("user", pl.col("cluster").alias(f"{name}_cluster"), pl.col("area").alias(f"{name}_area"))
