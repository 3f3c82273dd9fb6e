"""The tables of profile clusters: how their number was chosen, the cluster of each day, and what they look like."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.sums import ExactTotals
from ons_assets.meters.half_hours.clock_face import measured
from ons_assets.meters.profiles.day_clusters import (
    NO_CLUSTER,
    SLOTS,
    ProfileClusters,
    draw_days,
    fit_profile_clusters,
    usable,
)
from ons_assets.parameters.meters import ProfileClusterParameters

Parts = Callable[[], Iterator[pl.DataFrame]]


def cluster_tables(
    parts: Parts, parameters: ProfileClusterParameters | None = None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Cluster the days of all meters.

    Parameters
    ----------
    parts
        Begins to yield the rows of `meters/half_hours`, some meters at a time; it is called twice.
    parameters
        See `ProfileClusterParameters`.

    Returns
    -------
    clusters, choice, profiles : DataFrame
        Rows of `meters/profile_clusters`, `meters/profile_cluster_choice` and, before its disclosure step,
        `meters/cluster_profiles`. With fewer than `fewest_days` usable days all are one cluster, and the choice
        says so.
    """
    parameters = parameters or ProfileClusterParameters()
    drawn = draw_days(
        ((rows["meter"].to_numpy(), rows["day"].to_physical().to_numpy(), measured(rows)) for rows in parts()),
        parameters.fit_days,
        parameters.seed,
    )
    model = fit_profile_clusters(drawn, parameters) if len(drawn) >= parameters.fewest_days else None
    number = model.number if model else 1
    labelled = []
    sums, shares = ExactTotals(number, SLOTS), ExactTotals(number, SLOTS)
    for rows in parts():
        kwh = measured(rows)
        labels = model.labels(kwh) if model else np.where(usable(kwh), 0, NO_CLUSTER)
        labelled.append(rows.select("bucket", "meter", "day", profile_cluster=pl.Series(labels, dtype=pl.Int32())))
        for each in range(number):
            _add_up(sums, shares, each, kwh[labels == each])
    clusters = pl.concat(labelled)
    return (
        clusters,
        _choice(model, len(drawn), parameters.fewest_days),
        _profiles(clusters, sums.values(), shares.values()),
    )


def _add_up(sums: ExactTotals, shares: ExactTotals, cluster: int, kwh: npt.NDArray[np.float32]) -> None:
    """Add the days of a cluster to the sums of their use, and of their shares of the day."""
    days = kwh.astype(np.float64)
    sums.add(cluster, days)
    shares.add(cluster, days / days.sum(axis=1, keepdims=True))


def _choice(model: ProfileClusters | None, days: int, fewest_days: int) -> pl.DataFrame:
    schema = {
        "clusters": pl.Int32(),
        "bic": pl.Float64(),
        "mean_adjusted_rand": pl.Float64(),
        "least_adjusted_rand": pl.Float64(),
        "is_stable": pl.Boolean(),
        "is_chosen": pl.Boolean(),
        "drawn_days": pl.Int64(),
        "reason": pl.String(),
    }
    if model is None:
        reason = f"fewer than {fewest_days} complete days with use: they are taken as one cluster"
        return pl.DataFrame([(1, None, None, None, None, True, days, reason)], schema=schema, orient="row")
    rows = []
    for number, bic in model.bic.items():
        mean, least = model.adjusted_rand.get(number, (None, None))
        stable = None if mean is None else model.is_stable and number == model.number
        rows.append((number, bic, mean, least, stable, number == model.number, model.days, None))
    return pl.DataFrame(rows, schema=schema, orient="row")


def _profiles(clusters: pl.DataFrame, sums: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> pl.DataFrame:
    number = len(sums)
    found = (
        clusters.filter(pl.col("profile_cluster") != NO_CLUSTER)
        .group_by("profile_cluster")
        .agg(meter_days=pl.len().cast(pl.Int64), homes=pl.col("meter").n_unique().cast(pl.Int64))
    )
    return (
        pl.DataFrame(
            {
                "profile_cluster": pl.Series(np.arange(number).repeat(SLOTS), dtype=pl.Int32()),
                "half_hour": pl.Series(np.tile(np.arange(SLOTS), number), dtype=pl.Int8()),
                "use": sums.ravel(),
                "shares": shares.ravel(),
            }
        )
        .join(found, on="profile_cluster", how="left", maintain_order="left")
        .select(
            "profile_cluster",
            "half_hour",
            "meter_days",
            mean_half_hour_kwh=pl.col("use") / pl.col("meter_days"),
            share=pl.col("shares") / pl.col("meter_days"),
            homes=pl.col("homes").fill_null(0),
        )
    )
