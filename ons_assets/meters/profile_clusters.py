"""Groups of days with the same shape of use, by a mixture of normal distributions."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

SLOTS = 48
COMPONENTS = 8
FEWEST_DAYS = 200


@dataclass(frozen=True)
class ProfileClusters:
    """A fitted mixture.

    Parameters
    ----------
    labels
        Cluster of each day, 0 the largest; -1 where the day has too few readings or no use.
    profiles
        Mean profile of each cluster as shares of the day, (clusters, 48).
    shares
        Share of the days in each cluster.
    bic
        Number of clusters and Bayesian information criterion of each model that was tried.
    adjusted_rand
        Number of clusters and agreement of the labels under other seeds, mean and least over the pairs of seeds,
        of each model that was judged; the chosen one is among them.
    is_stable
        Whether the chosen number reaches the least agreement that was asked for.
    """

    labels: npt.NDArray[np.int32]
    profiles: npt.NDArray[np.float64]
    shares: npt.NDArray[np.float64]
    bic: dict[int, float]
    adjusted_rand: dict[int, tuple[float, float]]
    is_stable: bool


def profile_clusters(
    kwh: npt.ArrayLike,
    *,
    numbers: range = range(2, 11),
    seed: int = 0,
    reseedings: int = 5,
    least_agreement: float = 0.8,
    starts: int = 5,
    fit_days: int = 5_000,
) -> ProfileClusters:
    """Cluster days (or mean profiles) by their shape.

    Each day becomes two-hour shares of its use, by square roots, which makes Euclidean distance that of
    Hellinger; principal components; and a Gaussian mixture with full covariances. A partition that depends on the
    seed describes the algorithm, not the homes: each fit is repeated with other seeds, and the number of clusters
    is the one of least BIC among those whose labels agree. Where none do, the one that agrees most is taken, and
    `is_stable` is False.

    Parameters
    ----------
    kwh : array (days, 48)
        Use of days, or mean profiles of meters. Days with a missing reading or without use get no cluster.
    numbers
        Numbers of clusters to try.
    seed
        First seed.
    reseedings
        Number of seeds whose labels are compared, at least 2.
    least_agreement
        Mean adjusted Rand index over the pairs of seeds from which a partition counts as stable.
    starts
        Starts of each fit, of which the most likely is kept.
    fit_days
        Days drawn to fit, if there are more; all are labelled.

    Returns
    -------
    ProfileClusters
        Labels, profiles, and how stable they are.

    Raises
    ------
    ValueError
        If fewer than 200 days can be used, or the shape is wrong.

    References
    ----------
    Haben, Singleton and Grindrod (2016), Analysis and clustering of residential customers energy behavioral demand
    using smart meter data, IEEE Transactions on Smart Grid 7; Schwarz (1978) for BIC; Hubert and Arabie (1985) for
    the adjusted Rand index.
    """
    from sklearn.decomposition import PCA
    from sklearn.metrics import adjusted_rand_score
    from sklearn.mixture import GaussianMixture

    days = np.asarray(kwh, dtype=np.float64)
    if days.ndim != 2 or days.shape[1] != SLOTS:
        raise ValueError(f"kwh must have the shape (days, {SLOTS}), not {days.shape}")
    if reseedings < 2:
        raise ValueError("reseedings must be at least 2")
    usable = np.isfinite(days).all(axis=1) & (days.min(axis=1, initial=np.inf) >= 0) & (days.sum(axis=1) > 0)
    if usable.sum() < FEWEST_DAYS:
        raise ValueError(f"clusters need at least {FEWEST_DAYS} complete days with use, not {usable.sum()}")
    share = days[usable] / days[usable].sum(axis=1, keepdims=True)
    shape = np.sqrt(share.reshape(-1, 12, 4).sum(axis=2))
    drawn = np.random.default_rng(seed).permutation(len(shape))[:fit_days]
    x = PCA(min(COMPONENTS, 11), random_state=seed).fit(shape[drawn]).transform(shape)

    def fitted(number: int, seed: int) -> GaussianMixture:
        model = GaussianMixture(number, n_init=starts, reg_covar=1e-5, max_iter=300, random_state=seed)
        return model.fit(x[drawn])

    bic = {number: float(fitted(number, seed).bic(x[drawn])) for number in numbers}
    agreement: dict[int, tuple[float, float]] = {}
    kept: dict[int, npt.NDArray[np.int64]] = {}
    for number in sorted(bic, key=bic.__getitem__):
        labelled = [fitted(number, seed + other).predict(x) for other in range(reseedings)]
        pairs = [adjusted_rand_score(labelled[i], labelled[j]) for i in range(reseedings) for j in range(i)]
        agreement[number] = float(np.mean(pairs)), float(min(pairs))
        kept[number] = labelled[0]
        if agreement[number][0] >= least_agreement:
            break
    best = max(agreement, key=lambda number: agreement[number][0])
    chosen = kept[best]
    order = np.argsort(-np.bincount(chosen, minlength=best), kind="stable")
    rank = np.empty(best, dtype=np.int32)
    rank[order] = np.arange(best)
    labels = np.full(len(days), -1, dtype=np.int32)
    labels[usable] = rank[chosen]
    count = np.bincount(labels[usable], minlength=best)
    sums = np.stack([np.bincount(labels[usable], weights=share[:, slot], minlength=best) for slot in range(SLOTS)], 1)
    with np.errstate(invalid="ignore"):
        means = sums / count[:, None]
    stable = agreement[best][0] >= least_agreement
    return ProfileClusters(labels, means, count / count.sum(), bic, agreement, stable)


def cluster_shares(meters: pl.Series, labels: npt.NDArray[np.int32]) -> pl.DataFrame:
    """Return how the days of each meter divide over the clusters.

    Parameters
    ----------
    meters
        Meter of each day.
    labels
        From `profile_clusters`.

    Returns
    -------
    DataFrame
        `meter`, `cluster`, `days`, `share` of the meter's clustered days; sorted.
    """
    days = pl.DataFrame({"meter": meters, "cluster": labels}).filter(pl.col("cluster") >= 0)
    counted = days.group_by("meter", "cluster").agg(days=pl.len().cast(pl.Int32)).sort("meter", "cluster")
    return counted.with_columns(share=pl.col("days") / pl.col("days").sum().over("meter"))
