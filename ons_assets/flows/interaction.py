"""Models of flows that know only how many start, how many arrive and how far it is: baselines.

An estimate that is no nearer to the truth than these has told nothing new.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Law = Literal["power", "exponential"]
BALANCING_ROUNDS = 500
BALANCING_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Fitted:
    """A fitted gravity model.

    Parameters
    ----------
    flows : array of float64, shape (n, n)
        Expected flows.
    law
        power: f(d) = d ** -parameter; exponential: f(d) = exp(-parameter * d), d in km.
    parameter
        Fitted.
    log_likelihood
        Poisson, up to a constant.
    """

    flows: FloatArray
    law: Law
    parameter: float
    log_likelihood: float


def distances_km(easting_m: FloatArray, northing_m: FloatArray) -> FloatArray:
    """Return distances between areas; within an area, half the distance to the nearest other one.

    Parameters
    ----------
    easting_m, northing_m : array of float64, shape (n,)
        Centres of the areas, metres.
    """
    apart = np.hypot(easting_m[:, None] - easting_m, northing_m[:, None] - northing_m) / 1_000
    if len(apart) > 1:
        others = np.where(np.eye(len(apart), dtype=bool), np.inf, apart)
        np.fill_diagonal(apart, others.min(axis=1) / 2)
    return np.maximum(apart, 0.05)


def gravity(
    observed: FloatArray,
    distance_km: FloatArray,
    *,
    law: Law = "power",
    constrained: Literal["origins", "both"] = "both",
) -> Fitted:
    """Fit a gravity model to flows by maximum likelihood of independent Poisson counts.

    Parameters
    ----------
    observed : array of float64, shape (n, n)
        Flows from the area of the row to that of the column.
    distance_km : array of float64, shape (n, n)
        Above zero.
    law
        How flows fall with distance.
    constrained
        Whether the model keeps the totals of origins, with destinations drawing by their totals, or both.

    Raises
    ------
    ValueError
        If there are no flows, or a distance is not above zero.

    References
    ----------
    Wilson (1971), "A family of spatial interaction models, and associated developments", Environment and
    Planning 3, pp. 1-32.
    """
    from scipy.optimize import minimize_scalar

    flows, distance = np.asarray(observed, dtype=np.float64), np.asarray(distance_km, dtype=np.float64)
    if flows.sum() <= 0:
        raise ValueError("a gravity model cannot be fitted to no flows")
    if np.any(~(distance > 0)):
        raise ValueError("distances must be above zero")
    out, into = flows.sum(axis=1), flows.sum(axis=0)

    def model(parameter: float) -> FloatArray:
        log_fall = -parameter * (np.log(distance) if law == "power" else distance)
        fall = np.exp(log_fall - log_fall.max(axis=1, keepdims=True))
        if constrained == "both":
            return balance(fall, out, into)
        pull = fall * into
        carried: FloatArray = (
            out[:, None] * pull / np.maximum(pull.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        )
        return carried

    def loss(parameter: float) -> float:
        expected = np.maximum(model(parameter), 1e-12)
        return float(np.sum(expected - flows * np.log(expected)))

    bounds = (0.0, 8.0) if law == "power" else (0.0, 20.0 / float(np.median(distance)))
    best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    return Fitted(model(best.x), law, float(best.x), -float(best.fun))


def balance(seed: FloatArray, out: FloatArray, into: FloatArray) -> FloatArray:
    """Scale the rows and columns of a matrix until they have the totals given (Furness).

    Parameters
    ----------
    seed : array of float64, shape (n, m)
        Not negative.
    out, into : array of float64, shape (n,) and (m,)
        Totals of rows and columns; `into` is scaled to the sum of `out`.
    """
    if into.sum() > 0:
        into = into * (out.sum() / into.sum())
    b = np.ones(len(into))
    a = np.ones(len(out))
    for _ in range(BALANCING_ROUNDS):
        rows = seed @ b
        a = np.divide(out, rows, out=np.zeros_like(out), where=rows > 0)
        columns = a @ seed
        b = np.divide(into, columns, out=np.zeros_like(into), where=columns > 0)
        if np.allclose(a * (seed @ b), out, rtol=BALANCING_TOLERANCE, atol=1e-9):
            break
    return a[:, None] * seed * b


def radiation(out: FloatArray, residents: FloatArray, jobs: FloatArray, distance_km: FloatArray) -> FloatArray:
    """Return the flows of the radiation model between areas; it has no parameter, and none within areas.

    Parameters
    ----------
    out : array of float64, shape (n,)
        Commuters who leave each area.
    residents, jobs : array of float64, shape (n,)
        Mass of each area as origin and as opportunity; give the same for the model as it was published.
    distance_km : array of float64, shape (n, n)
        Areas that are equally far count as nearer than each other.

    Returns
    -------
    array of float64, shape (n, n)
        Each row sums to `out`, as the system is finite (Masucci et al. 2013); its diagonal is zero.

    References
    ----------
    Simini, Gonzalez, Maritan and Barabasi (2012), "A universal model for mobility and migration patterns",
    Nature 484, pp. 96-100.
    """
    n = len(out)
    flows = np.zeros((n, n))
    for origin in range(n):
        others = np.delete(np.arange(n), origin)
        apart = distance_km[origin, others]
        order = others[np.argsort(apart, kind="stable")]
        passed = np.concatenate([[0.0], np.cumsum(jobs[order])[:-1]])
        reached = residents[origin] + passed
        with np.errstate(divide="ignore", invalid="ignore"):
            share = residents[origin] * jobs[order] / (reached * (reached + jobs[order]))
        share = np.nan_to_num(share, nan=0.0, posinf=0.0)
        if share.sum() > 0:
            flows[origin, order] = out[origin] * share / share.sum()
    return flows
