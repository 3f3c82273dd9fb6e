"""How much of what users do is seen, by how much they tweet."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
# On the logarithm of the scale and of the shape: between never reached and a step.
SCALES, SHAPES = (-2.0, 12.0), (-1.5, 2.5)


@dataclass(frozen=True)
class Detection:
    """The chance that something is seen of a user, 1 - exp(-(activity / scale) ** shape).

    Parameters
    ----------
    rate
        Events a unit of exposure of users of whom all is seen.
    scale
        Activity at which 63 % is seen; 0 if all is seen of everybody.
    shape
        How steeply it rises with the activity.
    """

    rate: float
    scale: float
    shape: float

    def seen(self, activity: FloatArray) -> FloatArray:
        """Return the chance for users of so much activity, shape (n,)."""
        if self.scale == 0:
            return np.ones(len(activity))
        chance: FloatArray = -np.expm1(-((np.asarray(activity, dtype=np.float64) / self.scale) ** self.shape))
        return chance


def fit_detection(
    activity: FloatArray, events: FloatArray, exposure: FloatArray | None = None, *, fewest_events: float = 50
) -> Detection:
    """Find from which activity on nothing is missed: where events no longer become more frequent with it.

    It takes it that who is more active does the same as often as others, and is only seen better.

    Parameters
    ----------
    activity
        Number of tweets of each user, shape (n,), above zero.
    events
        How often something was seen of the user.
    exposure
        Time for which it could have been; None if it is the same for all.
    fewest_events
        With fewer in all, all of them are taken to be seen.

    References
    ----------
    Buckland et al. (2001), Introduction to distance sampling, Oxford, chapter 2, for functions of detection; here by
    activity, with Poisson counts and maximum likelihood.
    """
    from scipy.optimize import minimize

    n, k = np.asarray(activity, dtype=np.float64), np.asarray(events, dtype=np.float64)
    time = np.ones(len(n)) if exposure is None else np.asarray(exposure, dtype=np.float64)
    known = (time > 0) & (n > 0)
    n, k, time = n[known], k[known], time[known]
    total = float(k.sum())
    if total < fewest_events:
        return Detection(total / max(float(time.sum()), 1.0), 0.0, 1.0)
    # Users of equal activity are one; the likelihood is the same.
    levels, at = np.unique(n, return_inverse=True)
    count, length = np.bincount(at, weights=k), np.bincount(at, weights=time)

    def loss(logs: FloatArray) -> float:
        mean = length * -np.expm1(-((levels / np.exp(logs[0])) ** np.exp(logs[1])))
        # The best rate for given scale and shape is known.
        return float(-np.sum(count * np.log(np.maximum(mean, 1e-300))) + total * np.log(mean.sum()))

    starts = [(np.log(quantile), 0.0) for quantile in np.quantile(n, [0.05, 0.25, 0.5])]
    found = [minimize(loss, start, method="L-BFGS-B", bounds=(SCALES, SHAPES)) for start in starts]
    best = min(found, key=lambda each: each.fun)
    scale, shape = np.exp(best.x)
    seen = Detection(0.0, float(scale), float(shape)).seen(levels)
    return Detection(total / float(np.sum(length * seen)), float(scale), float(shape))
