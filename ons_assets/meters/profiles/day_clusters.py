"""Groups of days with the same shape of use, by a mixture of normal distributions."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ons_assets.lakehouse.sums import in_one_thread
from ons_assets.meters.profiles.normal_mixture import NormalMixture, fit_normal_mixture, products
from ons_assets.parameters.meters import ProfileClusterParameters

SLOTS = 48
NO_CLUSTER = -1
# Labelled together: what is made of them stays in the cache of a processor.
DAYS_AT_ONCE = 4_096

FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True)
class ProfileClusters:
    """A fitted mixture.

    Parameters
    ----------
    number
        Number of clusters.
    bic
        Number of clusters and Bayesian information criterion of each model that was tried.
    adjusted_rand
        Number of clusters and agreement of the labels under other seeds, mean and least over the pairs of seeds,
        of each model that was judged; the chosen one is among them.
    is_stable
        Whether the chosen number reaches the least agreement that was asked for.
    days
        Days to which it was fitted.
    centre, axes
        Mean of the shapes, (12,), and their principal components, (components, 12).
    mixture
        Of the shapes along the components.
    rank
        Cluster of each component of the mixture.
    """

    number: int
    bic: dict[int, float]
    adjusted_rand: dict[int, tuple[float, float]]
    is_stable: bool
    days: int
    centre: npt.NDArray[np.float64] = field(repr=False)
    axes: npt.NDArray[np.float64] = field(repr=False)
    mixture: NormalMixture = field(repr=False)
    rank: npt.NDArray[np.int32] = field(repr=False)

    def labels(self, kwh: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Return the cluster of each day, 0 the largest; -1 where the day lacks a reading or has no use.

        Parameters
        ----------
        kwh : array (days, 48)
            Use of days, or mean profiles of meters.
        """
        days = _checked(kwh)
        found = np.full(len(days), NO_CLUSTER, dtype=np.int32)
        with_shape = np.flatnonzero(usable(days))
        coefficients = self.mixture.coefficients()
        # Every product has the same shape, so that a day has the same digits in whatever company it comes.
        block = np.ones((DAYS_AT_ONCE, SLOTS), dtype=days.dtype)
        with in_one_thread():
            for start in range(0, len(with_shape), DAYS_AT_ONCE):
                here = with_shape[start : start + DAYS_AT_ONCE]
                block[: len(here)] = days[here]
                log_densities = coefficients @ products((_shapes(block) - self.centre) @ self.axes.T)
                found[here] = self.rank[log_densities.argmax(axis=0)[: len(here)]]
        return found


def fit_profile_clusters(kwh: npt.ArrayLike, parameters: ProfileClusterParameters | None = None) -> ProfileClusters:
    """Find the shapes that days (or mean profiles) come in.

    Each day becomes two-hour shares of its use, by square roots, which makes Euclidean distance that of
    Hellinger; principal components; and a Gaussian mixture with full covariances. A partition that depends on the
    seed describes the algorithm, not the homes: each fit is repeated with other seeds, and the number of clusters
    is the one of least BIC among those whose labels agree. Where none do, the one that agrees most is taken, and
    `is_stable` is False.

    Parameters
    ----------
    kwh : array (days, 48)
        Use of days. Days with a missing reading or without use are left out.
    parameters
        Numbers of clusters to try, seeds, and the agreement that is asked for. If there are more usable days than
        `fit_days`, so many are drawn.

    Returns
    -------
    ProfileClusters
        The model and how stable it is.

    Raises
    ------
    ValueError
        If fewer than `fewest_days` days can be used, or the shape is wrong.

    References
    ----------
    Haben, Singleton and Grindrod (2016), Analysis and clustering of residential customers energy behavioral demand
    using smart meter data, IEEE Transactions on Smart Grid 7; Schwarz (1978) for BIC; Hubert and Arabie (1985) for
    the adjusted Rand index.
    """
    parameters = parameters or ProfileClusterParameters()
    days = _checked(kwh)
    days = days[usable(days)]
    if len(days) < parameters.fewest_days:
        raise ValueError(f"clusters need at least {parameters.fewest_days} complete days with use, not {len(days)}")
    days = days[np.random.default_rng(parameters.seed).permutation(len(days))[: parameters.fit_days]]
    return _fit(_shapes(days), parameters)


def _fit(shapes: npt.NDArray[np.float64], parameters: ProfileClusterParameters) -> ProfileClusters:
    from sklearn.cluster import KMeans  # noqa: F401  threads of a library are limited only once it is loaded
    from threadpoolctl import threadpool_limits

    # Sums of several threads come in another order at every run, and a mixture can tip over on it.
    with threadpool_limits(1):
        return _fitted(shapes, parameters)


def _fitted(shapes: npt.NDArray[np.float64], parameters: ProfileClusterParameters) -> ProfileClusters:
    from sklearn.decomposition import PCA
    from sklearn.metrics import adjusted_rand_score

    found = PCA(parameters.components, random_state=parameters.seed).fit(shapes)
    x = (shapes - found.mean_) @ found.components_.T

    def fitted(number: int, reseeding: int = 0) -> NormalMixture:
        return fit_normal_mixture(x, number, starts=parameters.starts, seed=parameters.seed + reseeding)

    models = {number: fitted(number) for number in range(2, parameters.most + 1)}
    bic = {number: model.bic(x) for number, model in models.items()}
    agreement: dict[int, tuple[float, float]] = {}
    for number in sorted(bic, key=bic.__getitem__):
        labelled = [models[number].predict(x)]
        labelled += [fitted(number, other).predict(x) for other in range(1, parameters.reseedings)]
        pairs = [adjusted_rand_score(labelled[i], labelled[j]) for i in range(len(labelled)) for j in range(i)]
        agreement[number] = float(np.mean(pairs)), float(min(pairs))
        if agreement[number][0] >= parameters.least_agreement:
            break
    best = max(agreement, key=lambda number: agreement[number][0])
    size = np.bincount(models[best].predict(x), minlength=best)
    rank = np.empty(best, dtype=np.int32)
    rank[np.argsort(-size, kind="stable")] = np.arange(best)
    stable = agreement[best][0] >= parameters.least_agreement
    return ProfileClusters(best, bic, agreement, stable, len(x), found.mean_, found.components_, models[best], rank)


def usable(kwh: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which days have a shape: complete, nowhere below zero, and with use."""
    has_shape: npt.NDArray[np.bool_] = (
        np.isfinite(kwh).all(axis=1) & (kwh.min(axis=1, initial=np.inf) >= 0) & (kwh.sum(axis=1) > 0)
    )
    return has_shape


def draw_days(
    parts: Iterable[tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]], count: int, seed: int
) -> npt.NDArray[np.float32]:
    """Draw usable days at random from parts of a table; the same days however it is divided.

    Parameters
    ----------
    parts
        Meter, day, and use (days, 48) of each part.
    count
        Days to draw; all if there are fewer.
    seed
        Of the draw.
    """
    drawn, order = np.empty((0, SLOTS), dtype=np.float32), np.empty(0, dtype=np.uint64)
    for meter, day, kwh in parts:
        here = np.flatnonzero(usable(kwh))
        order = np.concatenate([order, _shuffled(meter[here], day[here], seed)])
        drawn = np.concatenate([drawn, kwh[here]])
        kept = np.argsort(order, kind="stable")[:count]
        drawn, order = drawn[kept], order[kept]
    return drawn


def _shuffled(meter: npt.NDArray[np.int64], day: npt.NDArray[np.int32], seed: int) -> npt.NDArray[np.uint64]:
    """A number for each meter and day that looks random: the finaliser of SplitMix64 (Steele and others 2014)."""
    with np.errstate(over="ignore"):
        mixed = meter.view(np.uint64) + (day.astype(np.uint64) + np.uint64(seed) * np.uint64(1 << 20)) * np.uint64(
            0x9E3779B97F4A7C15
        )
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    last: npt.NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return last


def _checked(kwh: npt.ArrayLike) -> FloatArray:
    days = np.asarray(kwh)
    if days.ndim != 2 or days.shape[1] != SLOTS:
        raise ValueError(f"kwh must have the shape (days, {SLOTS}), not {days.shape}")
    return days


def _shapes(days: FloatArray) -> npt.NDArray[np.float64]:
    """Square roots of the shares of two hours in the day."""
    hours = days.reshape(-1, 12, 4).sum(axis=2, dtype=np.float64)
    roots: npt.NDArray[np.float64] = np.sqrt(hours / hours.sum(axis=1, keepdims=True))
    return roots
