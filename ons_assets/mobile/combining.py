"""One estimate of what several operators say of the same people, whose devices nobody links.

Each person is a customer of one operator, of several, or of none: what two operators see of the same people varies
together as far as people have phones of both, and against each other as far as the customers of one are not those of
the other. What operators differ by beyond that is an error of each; what they have in common cannot be seen.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from ons_assets.parameters.mobile_people import CombinationParameters

FloatArray = npt.NDArray[np.float64]
# Customers of an operator are a part of the people, neither nobody nor everybody.
LEAST_PHONES, MOST_PHONES = 0.01, 0.95
# Of the mean variance: keeps the errors of operators that tell of the same devices from being exactly one.
RIDGE = 1e-6


@dataclass(frozen=True)
class Said:
    """What operators say of the same numbers of people.

    Parameters
    ----------
    people : array, shape (cells, operators)
        Estimate of each operator by itself; NaN where it says nothing.
    variance : array, shape (cells, operators)
        Of the chance of who has which phone, as if people were drawn with replacement.
    phones : array, shape (cells, operators)
        Phones of the operator for each person there.
    share : array, shape (cells, operators)
        Of the operator in all phones there.
    second : array, shape (cells,)
        Share of people with two phones there.
    shared_error : array, shape (cells,), or None
        Standard deviation of an error that all operators make alike; no difference tells of it. None for none.
    """

    people: FloatArray
    variance: FloatArray
    phones: FloatArray
    share: FloatArray
    second: FloatArray
    shared_error: FloatArray | None = None


@dataclass(frozen=True)
class Combined:
    """One estimate of each number.

    Parameters
    ----------
    people, low, high, standard_error : array, shape (cells,)
        Estimate, interval and standard error; NaN where no operator says anything.
    operators : array of int, shape (cells,)
        How many operators say something.
    correlation : array, shape (operators, operators)
        Mean correlation of the errors by chance.
    """

    people: FloatArray
    low: FloatArray
    high: FloatArray
    standard_error: FloatArray
    operators: npt.NDArray[np.int64]
    correlation: FloatArray


def two_of_one(share: FloatArray, second: FloatArray, same_operator: float) -> FloatArray:
    """Return the probability that the holder of a device has another of the same operator.

    Parameters
    ----------
    share, second
        Share of the operator in all phones, and of people with two phones.
    same_operator
        How many times likelier than by chance the second phone is of the same operator.
    """
    same: FloatArray = 2 * np.clip(share * same_operator, 0, 1) * second / (1 + second)
    return same


def chance_correlation(said: Said, same_operator: float) -> FloatArray:
    """Return how the numbers that operators see of the same people go together; shape (cells, operators, operators).

    Of n people, let an operator have the phones N with mean e for each, of which a share p comes twice to one person:
    the variance of N / e is n ((1 + p) / e - 1). Let a share o of the people have a phone of each of two operators: the
    covariance is n (o / (e f) - 1), which is negative if customers of the one are seldom those of the other.

    Parameters
    ----------
    said
        Phones, shares and second phones.
    same_operator
        How many times likelier than by chance the second phone is of the same operator.
    """
    phones = np.clip(said.phones, LEAST_PHONES, MOST_PHONES)
    second = said.second[:, None]
    twice = two_of_one(said.share, second, same_operator)
    spread = np.maximum((1 + twice) / phones - 1, RIDGE)
    share = np.clip(said.share, 0, MOST_PHONES)
    # Of those whose first phone is of an operator, the part whose second one is of another, for each of its phones.
    leaves = np.clip(1 - same_operator * share, 0, None) / (1 - share)
    both = second[:, :, None] * share[:, :, None] * share[:, None, :] * (leaves[:, :, None] + leaves[:, None, :])
    covariance = both / (phones[:, :, None] * phones[:, None, :]) - 1
    correlation: FloatArray = covariance / np.sqrt(spread[:, :, None] * spread[:, None, :])
    correlation = np.clip(correlation, -1, 1)
    own = np.arange(correlation.shape[1])
    correlation[:, own, own] = 1.0
    return correlation


def combine(said: Said, parameters: CombinationParameters | None = None) -> Combined:
    """Put what several operators say together, by the inverse of the covariance of their errors.

    Parameters
    ----------
    said
        What each says.
    parameters
        None for the defaults. With the correlation ``"estimated"`` two operators whose numbers differ less than chance
        allows are taken to tell of the same devices, so far as they do: one file under two names counts once. With
        ``"market"`` they are as independent as their customers.

    References
    ----------
    DerSimonian and Laird (1986), Meta-analysis in clinical trials, Controlled Clinical Trials 7, pp. 177-188: what
    estimates differ by beyond chance, by moments; here for each band of size, and for estimates that go together.
    """
    parameters = parameters or CombinationParameters()
    says = np.isfinite(said.people)
    second = said.second[:, None]
    twice = two_of_one(said.share, second, parameters.same_operator)
    # Customers are drawn without replacement: of an operator that has everybody nothing is left to chance.
    drawn = said.variance * np.maximum(1 + twice - np.clip(said.phones, LEAST_PHONES, MOST_PHONES), RIDGE)
    correlation = chance_correlation(said, parameters.same_operator)
    if parameters.correlation == "estimated":
        correlation = np.maximum(correlation, _by_differences(said.people, drawn))
    deviation = np.sqrt(np.where(says, drawn, 1.0))
    covariance = correlation * deviation[:, :, None] * deviation[:, None, :]
    size = _mean(said.people, says)
    excess, differences = _excess(said.people, covariance, size, parameters)
    operators = says.sum(axis=1)
    people, variance = _weighted(said.people, covariance, excess * np.maximum(size, 0.0), says)
    if said.shared_error is not None:
        variance = variance + said.shared_error**2
    quantile = stdtrit(np.maximum(differences, 1), (1 + parameters.level) / 2)
    error = np.sqrt(variance)
    relative = np.sqrt(np.log1p(np.divide(variance, people**2, out=np.zeros_like(people), where=people > 0)))
    low, high = people * np.exp(-quantile * relative), people * np.exp(quantile * relative)
    return Combined(people, low, high, error, operators, correlation.mean(axis=0))


def _mean(people: FloatArray, says: npt.NDArray[np.bool_]) -> FloatArray:
    number = says.sum(axis=1)
    mean: FloatArray = np.where(says, people, 0.0).sum(axis=1) / np.maximum(number, 1)
    return mean


def _by_differences(people: FloatArray, variance: FloatArray) -> FloatArray:
    """The correlation of each two operators of which their differences are the size they are; shape (m, m)."""
    number = people.shape[1]
    found = np.eye(number)
    for one in range(number):
        for other in range(one):
            both = np.isfinite(people[:, one]) & np.isfinite(people[:, other])
            expected = (variance[both, one] + variance[both, other]).sum()
            if expected > 0:
                ratio = ((people[both, one] - people[both, other]) ** 2).sum() / expected
                found[one, other] = found[other, one] = max(1 - ratio, -1.0)
            else:
                found[one, other] = found[other, one] = -1.0
    return found


def _excess(
    people: FloatArray, covariance: FloatArray, size: FloatArray, parameters: CombinationParameters
) -> tuple[FloatArray, FloatArray]:
    """Return the variance of an operator for each person beyond chance, and of how many differences; shape (cells,)."""
    band = np.searchsorted(parameters.size_bands, size)
    bands = len(parameters.size_bands) + 1
    above, below, count = np.zeros(bands), np.zeros(bands), np.zeros(bands)
    for one in range(people.shape[1]):
        for other in range(one):
            both = np.isfinite(people[:, one]) & np.isfinite(people[:, other])
            expected = covariance[both, one, one] + covariance[both, other, other] - 2 * covariance[both, one, other]
            beyond = (people[both, one] - people[both, other]) ** 2 - expected
            above += np.bincount(band[both], beyond, bands)
            below += np.bincount(band[both], people[both, one] + people[both, other], bands)
            count += np.bincount(band[both], minlength=bands)
    is_few = count < parameters.fewest_differences
    above, below = np.where(is_few, above.sum(), above), np.where(is_few, below.sum(), below)
    count = np.where(is_few, count.sum(), count)
    excess = np.divide(above, below, out=np.zeros(bands), where=below > 0)
    # Of no difference nothing is known of errors besides chance, whose quantiles are those of many.
    known = np.where(count > 0, count, np.inf)
    return np.maximum(excess, 0.0)[band], known[band]


def _weighted(
    people: FloatArray, covariance: FloatArray, excess: FloatArray, says: npt.NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Return estimates and variances, one pattern of operators that say something after the other."""
    mean, variance = np.full(len(people), np.nan), np.full(len(people), np.nan)
    patterns, of_cell = np.unique(says, axis=0, return_inverse=True)
    of_cell = of_cell.ravel()
    for number, pattern in enumerate(patterns):
        cells, chosen = np.flatnonzero(of_cell == number), np.flatnonzero(pattern)
        if not len(chosen):
            continue
        values = people[np.ix_(cells, chosen)]
        errors = covariance[cells][:, chosen][:, :, chosen]
        own = np.einsum("cii->ci", errors)
        ridge = RIDGE * np.maximum(own.mean(axis=1), RIDGE)
        errors = errors + (excess[cells] + ridge)[:, None, None] * np.eye(len(chosen))
        # Less than nothing counts none: it would be told from the rest alone how much the others are wrong.
        weights = np.maximum(np.linalg.solve(errors, np.ones((*values.shape, 1)))[:, :, 0], 0.0)
        weights /= weights.sum(axis=1, keepdims=True)
        mean[cells] = (weights * values).sum(axis=1)
        variance[cells] = np.einsum("ci,cij,cj->c", weights, errors, weights)
    return mean, np.maximum(variance, 0.0)
