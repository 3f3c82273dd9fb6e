"""The probability that two devices are carried by one person, from how they meet against how others meet.

Pairs of one person and of two are told apart by whether they are at home at the same place, and by the hours that they
are together at a usual place, together elsewhere, and apart. Pairs of two people are of two kinds: people who go the
same way every day, and all others. What pairs of each kind are like is estimated without any label. One person has two
devices at most: pairs exclude each other, and the probabilities are those of matchings of devices (cavity method).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import digamma, gammaln

from ons_assets.mobile.device_meetings import KINDS, PAIR, SAME_HOME
from ons_assets.parameters.mobile_people import DeduplicationParameters

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
# Rounds of the cavity method, and of the fixed point of a Dirichlet-multinomial; each ends sooner if nothing changes.
MESSAGES, FIXED_POINT, TOLERANCE = 500, 50, 1e-10
LEAST_ALPHA, MOST_ALPHA = 1e-3, 1e4
# Weight with which `assumed_visible` counts, in devices with a twin.
ASSUMED_DEVICES = 10.0
LEAST_SHARE, MOST_LOG_RATIO = 1e-6, 500.0
DECIMALS = 9


@dataclass(frozen=True)
class Kind:
    """What pairs of devices of one kind are like.

    Parameters
    ----------
    alpha : array, shape (3,)
        Parameters of the Dirichlet-multinomial of their hours (`KINDS`).
    same_home
        Probability that they are at home at the same place, and not only near each other.
    """

    alpha: FloatArray
    same_home: float

    def log_likelihood(self, counts: FloatArray, same_home: FloatArray) -> FloatArray:
        """Return it for some pairs, shape (n,)."""
        home = np.where(same_home > 0, self.same_home, 1 - self.same_home)
        both: FloatArray = log_likelihood(counts, self.alpha) + np.log(home)
        return both


@dataclass(frozen=True)
class Twins:
    """What is found of devices of one operator.

    Parameters
    ----------
    pairs
        user, other, probability: that one person carries both.
    visible
        Second phones that are seen as such, for each that there should be: 1 at most.
    together, same_way, strangers
        What pairs of one person are like, those of two people who go the same way every day, and all others.
    """

    pairs: pl.DataFrame
    visible: float
    together: Kind
    same_way: Kind
    strangers: Kind


# Where the estimation of pairs of two people begins: it does not matter to what it finds.
SAME_WAY, STRANGERS = Kind(np.array([4.0, 0.05, 4.0]), 0.3), Kind(np.array([0.3, 0.01, 6.0]), 0.2)
SAME_WAY_SHARE = 0.05


def log_likelihood(counts: FloatArray, alpha: FloatArray) -> FloatArray:
    """Return the logarithm of the Dirichlet-multinomial probability of counts in one order.

    Parameters
    ----------
    counts : array, shape (n, k)
        How often each of k kinds was seen.
    alpha : array, shape (k,)
        Parameters.
    """
    whole, strength = counts.sum(axis=1), alpha.sum()
    kinds = (gammaln(counts + alpha) - gammaln(alpha)).sum(axis=1)
    likelihood: FloatArray = kinds + gammaln(strength) - gammaln(whole + strength)
    return likelihood


def fit(counts: FloatArray, weight: FloatArray, start: FloatArray) -> FloatArray:
    """Return the parameters of a Dirichlet-multinomial by maximum likelihood, as the fixed point of Minka.

    Parameters
    ----------
    counts : array, shape (n, k)
        How often each of k kinds was seen.
    weight : array, shape (n,)
        Of each row.
    start : array, shape (k,)
        Parameters to begin with.

    References
    ----------
    Minka (2000), Estimating a Dirichlet distribution, equation 55.
    """
    alpha = start
    whole = counts.sum(axis=1)
    for _ in range(FIXED_POINT):
        above = weight @ (digamma(counts + alpha) - digamma(alpha))
        below = weight @ (digamma(whole + alpha.sum()) - digamma(alpha.sum()))
        if below <= 0:
            return alpha
        found: FloatArray = np.clip(alpha * above / below, LEAST_ALPHA, MOST_ALPHA)
        if np.allclose(found, alpha, rtol=1e-6, atol=0):
            return found
        alpha = found
    return alpha


def matched(first: IntArray, second: IntArray, odds: FloatArray, devices: int) -> FloatArray:
    """Return the probability of each pair if no device is in more than one, by the cavity method.

    Parameters
    ----------
    first, second : array of int, shape (pairs,)
        Numbers of the devices of each pair.
    odds : array, shape (pairs,)
        Of the pair against that both are single.
    devices
        How many devices there are.

    Returns
    -------
    array, shape (pairs,)
        Exact where the graph of pairs has no cycle. The probabilities of the pairs of a device add up to 1 at most.

    References
    ----------
    Zdeborova and Mezard (2006), The number of matchings in random graphs, Journal of Statistical Mechanics P05003.
    """
    here = np.concatenate([first, second])
    both = np.concatenate([odds, odds])
    back = np.concatenate([np.arange(len(first)) + len(first), np.arange(len(first))])
    # Whether the device from which a message goes is free, but for the pair along which it goes.
    free = np.ones(len(here))
    for _ in range(MESSAGES):
        arriving = both * free[back]
        others = np.maximum(np.bincount(here, arriving, devices)[here] - arriving, 0.0)
        # Half of the old, as else pairs of the same odds in a ring may take turns for ever.
        found = 0.5 * free + 0.5 / (1 + others)
        if np.abs(found - free).max(initial=0.0) < TOLERANCE:
            break
        free = found
    joint = odds * free[: len(first)] * free[len(first) :]
    probability: FloatArray = joint / (1 + joint)
    # Where rings keep the messages from agreeing, a device would be in more than one pair.
    whole = np.maximum(np.bincount(here, np.concatenate([probability, probability]), devices), 1.0)
    return probability / np.maximum(whole[first], whole[second])


def twins(pairs: pl.DataFrame, priors: pl.DataFrame, parameters: DeduplicationParameters | None = None) -> Twins:
    """Find the probability of each pair of devices, and what pairs are like.

    A device that has a twin has it among those with which it can be put side by side with the probability `visible`,
    and then each of these may be the one.

    Parameters
    ----------
    pairs
        `ons_assets.mobile.device_meetings.Meetings.pairs`.
    priors
        user, prior: the probability that the holder of the device has another of the operator; of all devices of which
        enough is seen.

    References
    ----------
    Fellegi and Sunter (1969), A theory for record linkage, JASA 64, pp. 1183-1210.
    Salgado, Sanguiao, Oancea, Barragan and Necula (2021), An end-to-end statistical process with mobile network data
    for official statistics, EPJ Data Science 10:20: the one-to-one approach.
    """
    parameters = parameters or DeduplicationParameters()
    known = priors.sort("user").with_row_index("number")
    numbered = (
        pairs.sort(PAIR)
        .join(known.select(user="user", first="number", first_prior="prior"), on="user", maintain_order="left")
        .join(known.select(other="user", second="number", second_prior="prior"), on="other", maintain_order="left")
    )
    first, second = (numbered[name].cast(pl.Int64()).to_numpy() for name in ("first", "second"))
    counts = numbered.select(KINDS).cast(pl.Float64()).to_numpy()
    others = np.bincount(np.concatenate([first, second]), minlength=len(known)).astype(np.float64)
    prior = known["prior"].to_numpy()
    home = numbered[SAME_HOME].cast(pl.Float64()).to_numpy()
    # Of few hours, many pairs are alike: what they are like is found from each kind once, and how often it is there.
    alike, kind_of = np.unique(np.column_stack([counts, home]), axis=0, return_inverse=True)
    kind_of = kind_of.ravel()
    assumed = Kind(
        parameters.together_strength * np.asarray(parameters.together_shares) / sum(parameters.together_shares),
        parameters.same_home_share,
    )
    together, same_way, strangers = assumed, SAME_WAY, STRANGERS
    visible, way_share = parameters.assumed_visible, SAME_WAY_SHARE
    expected = float(prior.sum())
    share = np.zeros(len(numbered))
    for _ in range(parameters.rounds if len(numbered) else 0):
        of_together, of_way, of_strangers = (
            kind.log_likelihood(alike[:, :-1], alike[:, -1]) for kind in (together, same_way, strangers)
        )
        of_way, of_strangers = of_way + np.log(way_share), of_strangers + np.log(1 - way_share)
        by_chance = np.logaddexp(of_way, of_strangers)
        # Of two devices, each is one of so many that the other may have as its twin.
        each = 0.5 * visible * (prior[first] / others[first] + prior[second] / others[second])
        single = np.clip(1 - visible * prior, TOLERANCE, 1.0)
        ratio = np.clip(of_together - by_chance, -MOST_LOG_RATIO, MOST_LOG_RATIO)[kind_of]
        found = matched(first, second, each / (single[first] * single[second]) * np.exp(ratio), len(known))
        twin, other = (np.bincount(kind_of, each, len(alike)).astype(np.float64) for each in (found, 1 - found))
        goes = np.exp(of_way - by_chance)
        together = _shrunk(_fitted(alike, twin, together), assumed, float(twin.sum()), parameters.assumed_pairs)
        same_way, strangers = _fitted(alike, other * goes, same_way), _fitted(alike, other * (1 - goes), strangers)
        way_share = float(np.clip(np.average(goes, weights=other), LEAST_SHARE, 1 - LEAST_SHARE))
        seen = 2 * float(found.sum()) + parameters.assumed_visible * ASSUMED_DEVICES
        visible = min(seen / (expected + ASSUMED_DEVICES), 1.0)
        changed, share = np.abs(found - share).max(), found
        if changed < TOLERANCE:
            break
    probable = numbered.select(*PAIR, probability=pl.Series(share, dtype=pl.Float64()).round(DECIMALS))
    return Twins(probable, visible, together, same_way, strangers)


def _fitted(alike: FloatArray, weight: FloatArray, start: Kind) -> Kind:
    """What pairs of these weights are like; a prior of one pair of each keeps the homes from being certain."""
    homes = float((weight @ alike[:, -1] + 1) / (weight.sum() + 2))
    return Kind(fit(alike[:, :-1], weight, start.alpha), homes)


def _shrunk(found: Kind, assumed: Kind, pairs: float, assumed_pairs: float) -> Kind:
    """Between what was found of so many pairs, and what is assumed."""
    part = pairs / (pairs + assumed_pairs) if pairs + assumed_pairs > 0 else 0.0
    alpha = np.exp(part * np.log(found.alpha) + (1 - part) * np.log(assumed.alpha))
    return Kind(alpha, part * found.same_home + (1 - part) * assumed.same_home)


def people_of(devices: pl.DataFrame, found: Twins) -> pl.DataFrame:
    """Say for how many people each device stands.

    Parameters
    ----------
    devices
        user, prior, is_seen: whether it is seen away from home often enough to be put beside others.
    found
        What `twins` returns of those that are.

    Returns
    -------
    pl.DataFrame
        user, prior, candidates, twin_probability, people. The probability of a twin is that of its pairs, and for the
        rest that of a second phone which cannot be seen; of a device of which too little is seen it is the prior. A
        device with a twin stands for half a person. Sorted.
    """
    both = pl.concat([found.pairs, found.pairs.select(user="other", other="user", probability="probability")])
    summed = both.group_by("user").agg(
        candidates=pl.len().cast(pl.Int32()), paired=pl.col("probability").sort().sum().round(DECIMALS).clip(0, 1)
    )
    prior = pl.col("prior")
    hidden = prior * (1 - found.visible) / (1 - prior * found.visible)
    seen = pl.col("paired") + (1 - pl.col("paired")) * hidden
    probability = pl.when("is_seen").then(seen).otherwise(prior).clip(0, 1).round(DECIMALS)
    return (
        devices.join(summed, on="user", how="left")
        .with_columns(pl.col("candidates").fill_null(0), pl.col("paired").fill_null(0.0))
        .with_columns(twin_probability=probability)
        .select("user", "prior", "candidates", "twin_probability", people=1 - pl.col("twin_probability") / 2)
        .sort("user")
    )
