"""The model of occupancy in plain Python: slow, obvious, and what the tests hold the kernels against."""

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer]


def fit_occupancy(
    x: FloatArray,
    day: IntArray,
    group: IntArray,
    active_share: FloatArray,
    mean: FloatArray,
    sd: FloatArray,
    transition: FloatArray,
    weight: float,
    transition_weight: float,
    initial_occupied: float,
    iterations: int,
    switching: FloatArray | None = None,
    *,
    monotone: bool = False,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, list[float]]:
    """Fit the occupancy model to one home; see the kernel beside it.

    Returns the probability of being occupied, mean, sd, transition, and the log posterior before each step.

    Parameters
    ----------
    x
        Logarithms of the energy of one home, shape (days, 48); NaN where nothing was read.
    day
        Number of the calendar day of each row; a row that does not follow the day before begins a new sequence.
    group
        Group of each of the 48 half hours, 0 to G - 1; a group has transitions of its own.
    active_share
        Share of the active component while empty and while occupied, shape (2, G); with `switching` while empty,
        at home and quiet, at home and lively, shape (3, G).
    mean, sd
        Where the base and the active component begin, and the centre of their prior, shape (2,).
    transition
        Where the probabilities of leaving and of arriving begin, and the centre of their prior, shape (G, 2).
    weight, transition_weight
        Readings, and transitions of each group, that the priors count for.
    initial_occupied
        Probability that somebody is at home in the first half hour of a sequence.
    iterations
        Steps of expectation-maximisation; 0 only smooths.
    switching
        Settling, waking, and the share of quiet among those who arrive, shape (G, 3).
    monotone
        Whether more use never lowers the ratio of active to base.
    """
    if switching is None:
        active_share, switching = active_share[[0, 1, 1]], np.zeros((len(transition), 3))
    start = np.array(mean), np.array(sd), np.array(transition)
    mean, sd, transition = (values.copy() for values in start)
    slots = np.resize(group, x.size)
    flat = x.ravel().astype(float)
    starts = [48 * row for row in range(len(x)) if row == 0 or day[row] != day[row - 1] + 1] + [x.size]
    log_posterior: list[float] = []
    while True:
        density = np.exp(-0.5 * ((flat[:, None] - mean) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))
        if monotone:
            density[:, 1] = density[:, 0] * _held_ratio(flat, mean, sd)
        density[np.isnan(flat)] = 1.0
        share = active_share[:, slots].T
        like = share * density[:, 1:] + (1 - share) * density[:, :1]
        gamma = np.empty((x.size, 3))
        moves = np.zeros((len(transition), 2, 2))
        steps = [_step(*transition[g], *switching[g]) for g in range(len(transition))]
        quiet = switching[group[0], 2]
        first = np.array([1 - initial_occupied, initial_occupied * quiet, initial_occupied * (1 - quiet)])
        total = _log_prior(mean, sd, transition, start, weight, transition_weight)
        for begin, end in pairwise(starts):
            total += _smooth_chain(like, slots, steps, first, begin, end, gamma, moves)
        log_posterior.append(total)
        if len(log_posterior) > iterations:
            return gamma[:, 1:].sum(axis=1).reshape(x.shape), mean, sd, transition, log_posterior
        read = ~np.isnan(flat)
        active = (gamma * share * density[:, 1:] / like).sum(axis=1)[read]
        for component, responsibility in enumerate((1 - active, active)):
            n = responsibility.sum() + weight
            centre = (responsibility @ flat[read] + weight * start[0][component]) / n
            squares = responsibility @ (flat[read] - centre) ** 2
            squares += weight * ((centre - start[0][component]) ** 2 + start[1][component] ** 2)
            mean[component], sd[component] = centre, math.sqrt(squares / n)
        if transition_weight < math.inf:
            for g in range(len(transition)):
                for place, (state, to) in enumerate([(1, 0), (0, 1)]):
                    hits = moves[g, state, to] + transition_weight * start[2][g, place]
                    transition[g, place] = hits / (moves[g, state].sum() + transition_weight)


def _held_ratio(flat: FloatArray, mean: FloatArray, sd: FloatArray) -> FloatArray:
    """Likelihood of active over base; beyond its turning point it keeps the value that it has there."""
    curvature = 0.5 / sd[0] ** 2 - 0.5 / sd[1] ** 2
    if curvature:
        turning = -0.5 * (mean[1] / sd[1] ** 2 - mean[0] / sd[0] ** 2) / curvature
        flat = np.maximum(flat, turning) if curvature > 0 else np.minimum(flat, turning)
    base, active = (-0.5 * ((flat - mean[i]) / sd[i]) ** 2 - math.log(sd[i]) for i in range(2))
    ratio: FloatArray = np.exp(active - base)
    return ratio


def _step(leave: float, arrive: float, settle: float, wake: float, quiet: float) -> FloatArray:
    """Probabilities from empty, quiet and lively (rows) to the same (columns)."""
    return np.array(
        [
            [1 - arrive, arrive * quiet, arrive * (1 - quiet)],
            [leave, (1 - leave) * (1 - wake), (1 - leave) * wake],
            [leave, (1 - leave) * settle, (1 - leave) * (1 - settle)],
        ]
    )


def _smooth_chain(
    like: FloatArray,
    slots: IntArray,
    steps: list[FloatArray],
    first: FloatArray,
    begin: int,
    end: int,
    gamma: FloatArray,
    moves: FloatArray,
) -> float:
    """Smooth one unbroken chain, add its expected leavings and arrivals to ``moves``, and return its log likelihood."""
    forward = [first * like[begin]]
    scale = [forward[0].sum()]
    forward[0] = forward[0] / scale[0]
    for t in range(begin + 1, end):
        ahead = forward[-1] @ steps[slots[t]] * like[t]
        scale.append(ahead.sum())
        forward.append(ahead / scale[-1])
    backward = np.ones(3)
    for t in range(end - 1, begin - 1, -1):
        gamma[t] = forward[t - begin] * backward
        if t > begin:
            after = like[t] * backward / scale[t - begin]
            joint = forward[t - begin - 1][:, None] * steps[slots[t]] * after
            moves[slots[t]] += [[joint[0, 0], joint[0, 1:].sum()], [joint[1:, 0].sum(), joint[1:, 1:].sum()]]
            backward = steps[slots[t]] @ after
    return float(np.log(scale).sum())


def _log_prior(
    mean: FloatArray,
    sd: FloatArray,
    transition: FloatArray,
    start: tuple[FloatArray, FloatArray, FloatArray],
    weight: float,
    transition_weight: float,
) -> float:
    """Log of the conjugate prior, without its constant."""
    total = -0.5 * weight * float(np.sum(np.log(sd**2) + (start[1] ** 2 + (mean - start[0]) ** 2) / sd**2))
    if 0 < transition_weight < math.inf:
        terms = start[2] * np.log(transition) + (1 - start[2]) * np.log(1 - transition)
        total += transition_weight * float(np.sum(terms))
    return total
