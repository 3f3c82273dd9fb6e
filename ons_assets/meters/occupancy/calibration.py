"""How good probabilities are, and a map that makes them better where labels exist."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.sums import exact_mean

FloatArray = npt.NDArray[np.floating]

# Beyond odds of 10,000 to 1 the model's own certainty says no more.
LEAST_PROBABILITY = 1e-4


def _labelled(probability: npt.ArrayLike, occupied: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the pairs where both are known, or raise ValueError."""
    p = np.asarray(probability, dtype=float).ravel()
    y = np.asarray(occupied, dtype=float).ravel()
    if p.shape != y.shape:
        raise ValueError("probability and occupied must have the same shape")
    known = np.isfinite(p) & np.isfinite(y)
    if not known.any():
        raise ValueError("no half hour has both a probability and a label")
    p, y = p[known], y[known]
    if np.any((p < 0) | (p > 1)) or np.any((y != 0) & (y != 1)):
        raise ValueError("probability must lie between 0 and 1, and occupied must be 0, 1 or NaN")
    return p, y


def accuracy(probability: npt.ArrayLike, occupied: npt.ArrayLike) -> float:
    """Return the share of labelled half hours that are on the right side of 0.5."""
    p, y = _labelled(probability, occupied)
    return float(np.mean((p >= 0.5) == (y == 1)))


def area_under_curve(probability: npt.ArrayLike, occupied: npt.ArrayLike) -> float:
    """Return the area under the ROC curve: how often an occupied half hour has more than an empty one.

    NaN where all labels are the same.
    """
    p, y = _labelled(probability, occupied)
    if y.min() == y.max():
        return float("nan")
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, p))


def brier_score(probability: npt.ArrayLike, occupied: npt.ArrayLike) -> float:
    """Return the mean squared difference of probability and truth (Brier 1950); 0 is best."""
    p, y = _labelled(probability, occupied)
    return float(np.mean((p - y) ** 2))


def reliability_curve(probability: npt.ArrayLike, occupied: npt.ArrayLike, bins: int = 10) -> pl.DataFrame:
    """Return what was said and what was seen, by equal steps of the probability.

    Parameters
    ----------
    probability, occupied
        Arrays of one shape; NaN is left out.
    bins
        Number of steps.

    Returns
    -------
    DataFrame
        `bin_start`, `half_hours`, `mean_probability`, `occupied_share`; steps without half hours are left out.
    """
    p, y = _labelled(probability, occupied)
    place = np.minimum((p * bins).astype(int), bins - 1)
    return (
        pl.DataFrame({"bin": place, "p": p, "y": y})
        .group_by("bin")
        .agg(half_hours=pl.len(), mean_probability=exact_mean("p"), occupied_share=exact_mean("y"))
        .sort("bin")
        .select(
            bin_start=pl.col("bin") / bins,
            half_hours=pl.col("half_hours").cast(pl.Int64),
            mean_probability="mean_probability",
            occupied_share="occupied_share",
        )
    )


def expected_calibration_error(probability: npt.ArrayLike, occupied: npt.ArrayLike, bins: int = 10) -> float:
    """Return the mean difference between said and seen over the steps of the reliability curve.

    Parameters
    ----------
    probability
        Probabilities that somebody is at home, any shape; NaN is left out.
    occupied
        Whether somebody was, of the same shape.
    bins
        Steps of equal width between 0 and 1; each counts by its half hours.
    """
    curve = reliability_curve(probability, occupied, bins)
    difference = np.abs(curve["mean_probability"].to_numpy() - curve["occupied_share"].to_numpy())
    return float(np.average(difference, weights=curve["half_hours"].to_numpy()))


@dataclass(frozen=True)
class Calibration:
    """Logistic map of log odds: log odds of the truth = intercept + slope x log odds of the model (Platt 1999).

    Parameters
    ----------
    intercept, slope
        0 and 1 leave a probability as it is; a slope below 1 takes certainty back.
    """

    intercept: float
    slope: float

    def apply(self, probability: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Return the calibrated probability; NaN stays NaN."""
        odds = self.intercept + self.slope * _log_odds(np.asarray(probability, dtype=float))
        calibrated: npt.NDArray[np.float32] = (1 / (1 + np.exp(-odds))).astype(np.float32)
        return calibrated


def fit_calibration(probability: npt.ArrayLike, occupied: npt.ArrayLike) -> Calibration:
    """Fit the map to half hours whose truth is known; judge it on others.

    Raises
    ------
    ValueError
        If there are no labels, or all are the same.

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines.
    """
    p, y = _labelled(probability, occupied)
    if y.min() == y.max():
        raise ValueError("a calibration needs half hours with and without somebody at home")
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=np.inf).fit(_log_odds(p)[:, None], y)
    return Calibration(float(model.intercept_[0]), float(model.coef_[0, 0]))


def _log_odds(probability: FloatArray) -> FloatArray:
    inside = np.clip(probability, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.log(inside / (1 - inside))
