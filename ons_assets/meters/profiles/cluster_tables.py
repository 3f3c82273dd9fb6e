"""The tables of profile clusters: how their number was chosen, the cluster of each day, and what they look like."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.sums import ExactTotals
from ons_assets.meters.half_hours.clock_face import measured
from ons_assets.meters.profiles.day_clusters import (
    DAYS_AT_ONCE,
    NO_CLUSTER,
    SLOTS,
    ProfileClusters,
    draw_days,
    fit_profile_clusters,
    usable,
)
from ons_assets.parameters.meters import ProfileClusterParameters

# Sums of homes are in whole parts of 1: a power of two, so that scaling by it is exact.
PARTS = 2.0**30

Parts = Callable[[], Iterator[pl.DataFrame]]


def cluster_tables(
    parts: Parts, parameters: ProfileClusterParameters | None = None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Cluster the days of all meters.

    Parameters
    ----------
    parts
        Begins to yield the rows of `meters/half_hours`, some meters at a time, each with all its days; it is called
        twice.
    parameters
        See `ProfileClusterParameters`.

    Returns
    -------
    clusters, choice, profiles : DataFrame
        Rows of `meters/profile_clusters`, `meters/profile_cluster_choice` and, before its disclosure step,
        `meters/cluster_profiles`, with what that step asks of its sums. With fewer than `fewest_days` usable days all
        are one cluster, and the choice says so.
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
    largest = np.zeros((number, 2, 2 * SLOTS + 1), dtype=np.int64)
    for rows in parts():
        kwh = measured(rows)
        labels = model.labels(kwh) if model else np.where(usable(kwh), 0, NO_CLUSTER)
        labelled.append(rows.select("bucket", "meter", "day", profile_cluster=pl.Series(labels, dtype=pl.Int32())))
        meters = rows["meter"].to_numpy()
        for each in range(number):
            is_in = labels == each
            _add_up(sums, shares, each, kwh[is_in])
            of_homes = np.concatenate([largest[each], _of_homes(meters[is_in], kwh[is_in])])
            largest[each] = np.partition(of_homes, -2, axis=0)[-2:]
    clusters = pl.concat(labelled)
    return (
        clusters,
        _choice(model, len(drawn), parameters.fewest_days),
        _profiles(clusters, sums.values(), shares.values(), largest),
    )


def _add_up(sums: ExactTotals, shares: ExactTotals, cluster: int, kwh: npt.NDArray[np.float32]) -> None:
    """Add the days of a cluster to the sums of their use, and of their shares of the day."""
    for start in range(0, len(kwh), DAYS_AT_ONCE):
        days = kwh[start : start + DAYS_AT_ONCE].astype(np.float64)
        sums.add(cluster, days)
        shares.add(cluster, days / days.sum(axis=1, keepdims=True))


def _of_homes(meters: npt.NDArray[np.int64], kwh: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return what each home brings to the sums of a cluster, (homes, 97), in parts of 1: use, shares, and days.

    They are whole numbers, so that they are the same however the days are divided.
    """
    homes, home = np.unique(meters, return_inverse=True)
    brought = np.zeros((len(homes), 2 * SLOTS + 1), dtype=np.int64)
    for start in range(0, len(kwh), DAYS_AT_ONCE):
        days = kwh[start : start + DAYS_AT_ONCE].astype(np.float64)
        terms = np.hstack([days, days / days.sum(axis=1, keepdims=True), np.ones((len(days), 1))])
        of = home[start : start + DAYS_AT_ONCE]
        order = np.argsort(of, kind="stable")
        seen, first = np.unique(of[order], return_index=True)
        brought[seen] += np.add.reduceat(np.rint(terms[order] * PARTS).astype(np.int64), first, axis=0)
    return brought


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


def _largest(of_two: npt.NDArray[np.int64], totals: npt.NDArray[np.float64], name: str) -> dict[str, pl.Series]:
    """Return which share of the sums of each cluster its largest home has, and its two largest, (clusters, 2, sums).

    It is the most of any half hour: the shares of a day add up to 1, so that one that is withheld alone would follow.
    """
    one, two = of_two[:, 1] / PARTS, of_two.sum(axis=1) / PARTS
    most = [np.divide(each, totals, out=np.zeros_like(totals), where=totals > 0).max(axis=1) for each in (one, two)]
    return {
        f"{of}_{name}": pl.Series(each.repeat(SLOTS)) for of, each in zip(("largest", "largest_two"), most, strict=True)
    }


def _profiles(
    clusters: pl.DataFrame,
    sums: npt.NDArray[np.float64],
    shares: npt.NDArray[np.float64],
    largest: npt.NDArray[np.int64],
) -> pl.DataFrame:
    number = len(sums)
    days = np.bincount(clusters["profile_cluster"].to_numpy() + 1, minlength=number + 1)[1:, None].astype(np.float64)
    evidence = {
        **_largest(largest[..., :SLOTS], sums, "mean_half_hour_kwh"),
        **_largest(largest[..., SLOTS:-1], shares, "share"),
        **_largest(largest[..., -1:], days, "meter_days"),
    }
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
                **evidence,
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
            **{name: pl.col(name) for name in evidence},
        )
    )
