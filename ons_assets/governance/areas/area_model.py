"""A model of areas of which several sources speak, each with an error, and an offset, of its own.

It is the model of Fay and Herriot with a row of sources for each area in place of one survey. What is sought of area i
is a fixed part and an effect of the area, and source s says of it

    z_is = x_is' b + v_i + u_is + e_is,    var(v_i) = between,  var(u_is) = own_s,  var(e_is) as the source says it.

Of one source at least there must be no `own`, or two must speak together: an error that no other source contradicts
cannot be told from the effect of the area.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
# Of the usual variance: one that is less counts as this, and one of none does not rule over all others.
LEAST_VARIANCE = 1e-9
# A variance is sought among multiples of the usual one.
STARTS = (0.01, 1.0)


@dataclass(frozen=True)
class AreaModel:
    """A fitted model, and what it says of each area.

    Parameters
    ----------
    fixed : array, shape (columns,)
        Coefficients of the fixed part.
    fixed_error : array, shape (columns,)
        Their standard errors.
    between
        Variance of areas about the fixed part.
    own : array, shape (sources,)
        Variance of each source about the areas, beyond what it says itself.
    estimate, mean_squared_error : array, shape (areas,)
        Of what is sought. An area of which no source speaks has its fixed part.
    weight : array, shape (areas, sources)
        What a source weighs in the estimate of an area; what is lacking to 1 is the weight of the fixed part.
    """

    fixed: FloatArray
    fixed_error: FloatArray
    between: float
    own: FloatArray
    estimate: FloatArray
    mean_squared_error: FloatArray
    weight: FloatArray


def fit(
    said: FloatArray,
    variance: FloatArray,
    design: FloatArray,
    target: FloatArray,
    own: Sequence[bool],
) -> AreaModel:
    """Fit variances by restricted maximum likelihood, and predict the areas.

    Parameters
    ----------
    said : array, shape (areas, sources)
        What each source says; NaN where it says nothing.
    variance : array, shape (areas, sources)
        Of the error that a source states. With an infinite one it says nothing.
    design : array, shape (areas, sources, columns)
        Of the fixed part of what is said.
    target : array, shape (areas, columns)
        Of the fixed part of what is sought.
    own
        Of each source, whether it has an error of its own besides.

    Raises
    ------
    ValueError
        If a variance is negative, or the columns of the design are not told apart by what is said.

    Notes
    -----
    The mean squared error is g1 + g2 + 2 g3: of the area's effect, of the fixed part, and of the variances.

    References
    ----------
    Fay and Herriot (1979), Estimates of income for small places, JASA 74; Prasad and Rao (1990), The estimation of the
    mean squared error of small-area estimators, JASA 85; Datta and Lahiri (2000), A unified measure of uncertainty of
    estimated best linear unbiased predictors in small area estimation problems, Statistica Sinica 10; Rao and Molina
    (2015), Small area estimation, chapters 5 and 6.
    """
    is_told = np.isfinite(said) & np.isfinite(variance)
    if (variance[is_told] < 0).any():
        raise ValueError("a variance is negative")
    columns = design.shape[2]
    if np.linalg.matrix_rank(design[is_told]) < columns:
        raise ValueError("what is said does not tell the columns of the design apart")
    values = np.where(is_told, said, 0.0)
    shape = np.where(is_told[:, :, None], design, 0.0)
    stated = _stated(variance, is_told, values, shape)
    problem = _Restricted(values, stated, shape, np.flatnonzero(own))
    between, own_variance = problem.most_likely()
    weights = problem.weights(own_variance)
    solved = problem.solve(between, weights)
    return _predicted(problem, between, own_variance, weights, solved, target)


def _stated(variance: FloatArray, is_told: npt.NDArray[np.bool_], values: FloatArray, shape: FloatArray) -> FloatArray:
    """Variances that are stated, none of them nothing; infinite where nothing is said."""
    told = variance[is_told]
    left = values[is_told] - shape[is_told] @ np.linalg.lstsq(shape[is_told], values[is_told], rcond=None)[0]
    digits = np.finfo(float).eps * max(float(np.abs(values).max()), 1.0) ** 2
    usual = max(float(np.median(told)), float(left.var()), digits)
    stated: FloatArray = np.where(is_told, np.maximum(variance, LEAST_VARIANCE * usual), np.inf)
    return stated


@dataclass(frozen=True)
class _Solved:
    """Generalised least squares for given variances."""

    fixed: FloatArray
    covariance: FloatArray
    left: FloatArray
    # The inverse of the variance of an area times what is left of it, and times the design.
    left_weighted: FloatArray
    design_weighted: FloatArray
    log_likelihood: float


@dataclass(frozen=True)
class _Restricted:
    """The restricted likelihood of what was said; of areas the variances are inverted by Sherman and Morrison."""

    values: FloatArray
    stated: FloatArray
    design: FloatArray
    # Numbers of the sources that have an error of their own.
    own: npt.NDArray[np.intp]

    def weights(self, own: FloatArray) -> FloatArray:
        weight: FloatArray = 1 / (self.stated + own)
        return weight

    def solve(self, between: float, weight: FloatArray) -> _Solved:
        shrunk = between / (1 + between * weight.sum(axis=1))

        def inverted(rows: FloatArray) -> FloatArray:
            weighted = weight.reshape(*weight.shape, *[1] * (rows.ndim - 2)) * rows
            sums = weighted.sum(axis=1, keepdims=True)
            less = weight.reshape(*weight.shape, *[1] * (rows.ndim - 2)) * sums
            found: FloatArray = weighted - shrunk.reshape(-1, *[1] * (rows.ndim - 1)) * less
            return found

        design_weighted = inverted(self.design)
        information = np.einsum("isp,isq->pq", self.design, design_weighted)
        covariance = np.linalg.inv(information)
        fixed = covariance @ np.einsum("isp,is->p", design_weighted, self.values)
        left = np.where(weight > 0, self.values - self.design @ fixed, 0.0)
        left_weighted = inverted(left)
        told = weight > 0
        log_determinant = -np.log(weight[told]).sum() + np.log1p(between * weight.sum(axis=1)).sum()
        likelihood = -0.5 * (log_determinant + np.linalg.slogdet(information)[1] + (left * left_weighted).sum())
        return _Solved(fixed, covariance, left, left_weighted, design_weighted, float(likelihood))

    def slope(self, between: float, weight: FloatArray, solved: _Solved) -> FloatArray:
        """Return the derivatives of the likelihood by the variance between areas, and by that of each source."""
        total = weight.sum(axis=1)
        of_ones = total / (1 + between * total)
        sums = solved.design_weighted.sum(axis=1)
        by_between = (
            -(of_ones.sum() - np.einsum("ip,pq,iq->", sums, solved.covariance, sums))
            + (solved.left_weighted.sum(axis=1) ** 2).sum()
        )
        own_diagonal = weight - weight**2 * (between / (1 + between * total))[:, None]
        of_design = np.einsum("isp,pq,isq->s", solved.design_weighted, solved.covariance, solved.design_weighted)
        by_own = -(own_diagonal.sum(axis=0) - of_design) + (solved.left_weighted**2).sum(axis=0)
        return 0.5 * np.array([by_between, *by_own[self.own]])

    def most_likely(self) -> tuple[float, FloatArray]:
        """Return the variances between areas and of sources, none below nothing."""
        from scipy.optimize import minimize

        sources = self.values.shape[1]
        told = self.stated[np.isfinite(self.stated)]
        left = self.solve(0.0, self.weights(np.zeros(sources))).left[np.isfinite(self.stated)]
        usual = max(float(np.median(told)), float((left**2).mean()), np.finfo(float).tiny)

        def loss(multiples: FloatArray) -> tuple[float, FloatArray]:
            between, own = self._variances(multiples * usual, sources)
            weight = self.weights(own)
            solved = self.solve(between, weight)
            return -solved.log_likelihood, -usual * self.slope(between, weight, solved)

        number = 1 + len(self.own)
        tried = [
            minimize(loss, np.full(number, start), jac=True, method="L-BFGS-B", bounds=[(0, None)] * number,
                     options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1_000})
            for start in STARTS
        ]  # fmt: skip
        best = min(tried, key=lambda each: float(each.fun))
        return self._variances(best.x * usual, sources)

    def _variances(self, all_of_them: FloatArray, sources: int) -> tuple[float, FloatArray]:
        own = np.zeros(sources)
        own[self.own] = all_of_them[1:]
        return float(all_of_them[0]), own

    def covariance_of_variances(self, between: float, weight: FloatArray) -> FloatArray:
        """Return the inverse of the expected information on the variances."""
        total = weight.sum(axis=1)
        shrunk = between / (1 + between * total)
        of_one = weight / (1 + between * total)[:, None]
        inverse = -weight[:, :, None] * weight[:, None, :] * shrunk[:, None, None]
        sources = np.arange(weight.shape[1])
        inverse[:, sources, sources] += weight
        number = 1 + len(self.own)
        information = np.empty((number, number))
        information[0, 0] = ((total / (1 + between * total)) ** 2).sum()
        information[0, 1:] = information[1:, 0] = (of_one**2).sum(axis=0)[self.own]
        information[1:, 1:] = (inverse**2).sum(axis=0)[np.ix_(self.own, self.own)]
        covariance: FloatArray = np.linalg.pinv(information / 2, hermitian=True).astype(np.float64)
        return covariance


def _predicted(
    problem: _Restricted,
    between: float,
    own: FloatArray,
    weight: FloatArray,
    solved: _Solved,
    target: FloatArray,
) -> AreaModel:
    total = weight.sum(axis=1)
    whole = 1 + between * total
    taken = between * weight / whole[:, None]
    estimate = target @ solved.fixed + (taken * solved.left).sum(axis=1)
    of_area = between / whole
    gap = target - np.einsum("is,isp->ip", taken, problem.design)
    of_fixed = np.einsum("ip,pq,iq->i", gap, solved.covariance, gap)
    # How what is taken of each source changes with each variance: (areas, variances, sources).
    changes = [weight / whole[:, None] ** 2]
    eye = np.eye(weight.shape[1])
    for source in problem.own:
        step = weight[:, source, None] ** 2
        changes.append(between * step * (between * weight - eye[source] * whole[:, None]) / whole[:, None] ** 2)
    change = np.stack(changes, axis=1)
    error = np.where(weight > 0, 1 / np.where(weight > 0, weight, 1.0), 0.0)
    summed = change.sum(axis=2)
    spread = np.einsum("iks,is,ils->ikl", change, error, change) + between * summed[:, :, None] * summed[:, None, :]
    of_variances = np.einsum("ikl,kl->i", spread, problem.covariance_of_variances(between, weight))
    return AreaModel(
        fixed=solved.fixed,
        fixed_error=np.sqrt(np.diag(solved.covariance)),
        between=between,
        own=own,
        estimate=estimate,
        mean_squared_error=of_area + of_fixed + 2 * of_variances,
        weight=taken,
    )
