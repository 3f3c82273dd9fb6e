"""The model of areas: published figures, a slow plain reference, and what must hold whatever is said."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import minimize

from ons_assets.governance.areas.area_model import AreaModel, fit

FloatArray = npt.NDArray[np.float64]
# Expenditure on milk in 43 areas of the United States: estimate, its standard error, and which of four groups (Arora
# and Lahiri 1997). With it the R package sae documents its function eblupFH (Molina and Marhuenda 2015).
MILK = np.array(
    [
        "1.099",
        ".163",
        "1",
        "1.075",
        ".08",
        "1",
        "1.105",
        ".083",
        "1",
        ".628",
        ".109",
        "1",
        ".753",
        ".119",
        "1",
        ".981",
        ".141",
        "1",
        "1.257",
        ".202",
        "1",
        "1.095",
        ".127",
        "2",
        "1.405",
        ".168",
        "2",
        "1.356",
        ".178",
        "2",
        ".615",
        ".1",
        "2",
        "1.46",
        ".201",
        "2",
        "1.338",
        ".148",
        "2",
        ".854",
        ".143",
        "2",
        "1.176",
        ".149",
        "3",
        "1.111",
        ".145",
        "3",
        "1.257",
        ".135",
        "3",
        "1.43",
        ".172",
        "3",
        "1.278",
        ".137",
        "3",
        "1.292",
        ".163",
        "3",
        "1.002",
        ".125",
        "3",
        "1.183",
        ".247",
        "3",
        "1.044",
        ".14",
        "3",
        "1.267",
        ".171",
        "3",
        "1.193",
        ".106",
        "3",
        ".791",
        ".121",
        "4",
        ".795",
        ".121",
        "4",
        ".759",
        ".259",
        "4",
        ".796",
        ".106",
        "4",
        ".565",
        ".089",
        "4",
        ".886",
        ".225",
        "4",
        ".952",
        ".205",
        "4",
        ".807",
        ".119",
        "4",
        ".582",
        ".067",
        "4",
        ".684",
        ".106",
        "4",
        ".787",
        ".126",
        "4",
        ".44",
        ".092",
        "4",
        ".759",
        ".132",
        "4",
        ".77",
        ".1",
        "4",
        ".8",
        ".113",
        "4",
        ".756",
        ".083",
        "4",
        ".865",
        ".121",
        "4",
        ".64",
        ".129",
        "4",
    ],
    dtype=float,
).reshape(43, 3)
# What sae gives by REML.
COEFFICIENTS = [0.9681890, 0.1327801, 0.2269462, -0.2413011]
STANDARD_ERRORS = [0.06936208, 0.10300072, 0.09232981, 0.08161707]
BETWEEN = 0.01855022
PREDICTED = {0: (1.0219703, 0.013460220), 1: (1.0476018, 0.005372876), 8: (1.2215449, 0.014184043),
             21: (1.1923057, 0.017243977), 33: (0.6102302, 0.003870786), 42: (0.6810870, 0.009903626)}  # fmt: skip


def test_it_gives_what_sae_gives_for_the_expenditure_on_milk() -> None:
    groups = np.column_stack([np.ones(43), *(MILK[:, 2] == group for group in (2, 3, 4))])
    model = fit(MILK[:, :1], MILK[:, 1:2] ** 2, groups[:, None, :], groups, [False])
    assert model.between == pytest.approx(BETWEEN, abs=1e-6)
    assert model.fixed == pytest.approx(COEFFICIENTS, abs=1e-6)
    assert model.fixed_error == pytest.approx(STANDARD_ERRORS, abs=1e-6)
    for area, (estimate, squared_error) in PREDICTED.items():
        assert model.estimate[area] == pytest.approx(estimate, abs=1e-6)
        assert model.mean_squared_error[area] == pytest.approx(squared_error, abs=1e-7)


def world(seed: int, areas: int = 30, between: float = 0.0025) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What three sources say of areas, of what variance they say it is, and the truth."""
    random = np.random.default_rng(seed)
    truth = random.normal(0, np.sqrt(between), areas)
    stated = random.uniform(0.0005, 0.002, (areas, 3))
    wrong = random.normal(0, 1, (areas, 3)) * np.sqrt(stated + np.array([0.0005, 0.001, 0.01]))
    said = np.array([0.05, -0.1, 0.3]) + truth[:, None] + wrong
    said[random.random(said.shape) < 0.15] = np.nan
    return said, stated, truth


def offsets(said: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Each source has an offset, and what is sought has none."""
    areas, sources = said.shape
    return np.broadcast_to(np.eye(sources), (areas, sources, sources)), np.zeros((areas, sources))


def fitted(said: FloatArray, stated: FloatArray) -> AreaModel:
    return fit(said, stated, *offsets(said), [True] * said.shape[1])


class Plain:
    """The same model with the whole covariance matrix, from textbook formulas; derivatives by differences."""

    def __init__(self, said: FloatArray, stated: FloatArray) -> None:
        area, source = np.nonzero(np.isfinite(said))
        self.y, self.stated, self.areas = said[area, source], stated[area, source], said.shape[0]
        self.x, self.z = np.eye(said.shape[1])[source], np.eye(said.shape[0])[area]

    def variance(self, variances: FloatArray) -> FloatArray:
        return variances[0] * self.z @ self.z.T + np.diag(self.stated + self.x @ variances[1:])

    def projected(self, variances: FloatArray) -> FloatArray:
        inverse = np.linalg.inv(self.variance(variances))
        return inverse - inverse @ self.x @ np.linalg.inv(self.x.T @ inverse @ self.x) @ self.x.T @ inverse

    def likelihood(self, variances: FloatArray) -> float:
        v, p = self.variance(variances), self.projected(variances)
        of_fixed = np.linalg.slogdet(self.x.T @ np.linalg.inv(v) @ self.x)[1]
        return float(-0.5 * (np.linalg.slogdet(v)[1] + of_fixed + self.y @ p @ self.y))

    def taken(self, variances: FloatArray) -> FloatArray:
        return variances[0] * self.z.T @ np.linalg.inv(self.variance(variances))

    def predicted(self, variances: FloatArray) -> tuple[FloatArray, FloatArray]:
        v = self.variance(variances)
        inverse, k = np.linalg.inv(v), self.taken(variances)
        of_fixed = np.linalg.inv(self.x.T @ inverse @ self.x)
        fixed = of_fixed @ self.x.T @ inverse @ self.y
        g1 = variances[0] - variances[0] ** 2 * np.einsum("ia,ij,ja->a", self.z, inverse, self.z)
        gap = -k @ self.x
        step = 1e-7
        changes = [(self.taken(variances + step * e) - k) / step for e in np.eye(len(variances))]
        shapes = [self.z @ self.z.T, *(np.diag(column) for column in self.x.T)]
        information = 0.5 * np.array([[np.trace(inverse @ a @ inverse @ b) for a in shapes] for b in shapes])
        error = np.linalg.inv(information)
        pairs = range(len(shapes))
        g3 = sum(error[a, b] * np.einsum("ai,ij,aj->a", changes[a], v, changes[b]) for a in pairs for b in pairs)
        return k @ (self.y - self.x @ fixed), g1 + np.einsum("ap,pq,aq->a", gap, of_fixed, gap) + 2 * g3


def test_it_is_the_model_that_plain_matrices_make() -> None:
    said, stated, _ = world(3, areas=15)
    model, plain = fitted(said, stated), Plain(said, stated)
    found = np.array([model.between, *model.own])
    best = minimize(lambda x: -plain.likelihood(np.exp(x)), np.log(np.maximum(found, 1e-5)), method="Nelder-Mead",
                    options={"xatol": 1e-6, "fatol": 1e-10, "maxiter": 2_000})  # fmt: skip
    assert plain.likelihood(found) >= -best.fun - 1e-6
    estimate, squared_error = plain.predicted(found)
    assert model.estimate == pytest.approx(estimate, abs=1e-9)
    assert model.mean_squared_error == pytest.approx(squared_error, rel=1e-3)


def test_variances_errors_and_intervals_are_right_on_the_mean_of_worlds() -> None:
    between, off, held = [], [], []
    for seed in range(40):
        said, stated, truth = world(seed)
        model = fitted(said, stated)
        between.append(model.between)
        away = model.estimate - truth
        off.append((away**2).mean() / model.mean_squared_error.mean())
        held.append((np.abs(away) < 1.96 * np.sqrt(model.mean_squared_error)).mean())
    assert np.mean(between) == pytest.approx(0.0025, rel=0.2)
    assert np.mean(off) == pytest.approx(1, abs=0.15)
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_all_together_are_nearer_to_the_truth_than_each_alone() -> None:
    together, alone = [], []
    for seed in range(100, 110):
        said, stated, truth = world(seed)
        together.append(((fitted(said, stated).estimate - truth) ** 2).mean())
        alone.append(np.nanmean((said - np.nanmean(said, axis=0) - truth[:, None]) ** 2, axis=0))
    assert np.mean(together) < np.mean(alone, axis=0).min()


def test_a_source_with_an_infinite_variance_drops_out() -> None:
    said, stated, _ = world(4)
    without = said.copy()
    without[:, 2] = np.nan
    stated[5:, 2] = np.inf
    # It must speak of a few areas, or its offset is not known.
    kept = fitted(said[:, :2], stated[:, :2])
    model = fitted(said, np.where(np.arange(3) == 2, 1e12, stated))
    assert model.weight[:, 2] == pytest.approx(0, abs=1e-9)
    assert model.estimate == pytest.approx(kept.estimate, abs=1e-5)
    with pytest.raises(ValueError, match="tell the columns of the design apart"):
        fitted(without, stated)


def test_sources_that_say_the_same_without_an_error_are_believed() -> None:
    truth = np.linspace(-0.2, 0.2, 12)
    said = truth[:, None] - truth.mean() + np.array([0.1, -0.3])
    model = fitted(said, np.full(said.shape, 1e-10))
    assert model.estimate == pytest.approx(truth - truth.mean(), abs=1e-5)
    assert model.fixed == pytest.approx([0.1, -0.3], abs=1e-5)


def test_an_estimate_lies_between_what_is_said_and_the_fixed_part_and_weights_are_shares() -> None:
    said, stated, _ = world(6)
    model = fitted(said, stated)
    left = said - model.fixed
    low, high = np.fmin(np.nanmin(left, axis=1), 0), np.fmax(np.nanmax(left, axis=1), 0)
    assert ((low - 1e-12 <= model.estimate) & (model.estimate <= high + 1e-12)).all()
    assert (model.weight >= 0).all()
    assert (model.weight.sum(axis=1) <= 1).all()
    assert (model.weight[np.isnan(said)] == 0).all()
    # The least certain source weighs least.
    assert model.weight.mean(axis=0).argmin() == 2


def test_an_area_of_which_nobody_speaks_has_the_fixed_part_and_the_largest_error() -> None:
    said, stated, _ = world(7)
    said[0] = np.nan
    model = fitted(said, stated)
    assert model.estimate[0] == 0
    assert model.mean_squared_error[0] == pytest.approx(model.between)
    assert model.mean_squared_error[0] == model.mean_squared_error.max()


def test_areas_that_do_not_differ_have_no_variance_and_still_an_error() -> None:
    said, stated, _ = world(3, between=0.0)
    model = fitted(said, stated)
    assert model.between >= 0
    assert (model.mean_squared_error > 0).all()
    assert np.abs(model.estimate).max() < 0.05


@pytest.mark.parametrize("variance", [0.0, 1e-300])
def test_a_variance_of_nothing_does_not_break_it(variance: float) -> None:
    """Of a census, or of an area whose units are all alike, the variance may be said to be nothing."""
    said, stated, _ = world(9)
    stated[:4] = variance
    model = fitted(said, stated)
    assert np.isfinite(model.estimate).all()
    assert np.isfinite(model.mean_squared_error).all()
    everywhere = fitted(said, np.full(said.shape, variance))
    assert np.isfinite(everywhere.mean_squared_error).all()


def test_what_is_the_same_everywhere_is_fitted() -> None:
    said = np.full((8, 2), 0.5)
    model = fitted(said, np.zeros(said.shape))
    assert model.estimate == pytest.approx(0, abs=1e-9)


def test_bad_inputs_are_refused_in_words() -> None:
    said, stated, _ = world(10)
    with pytest.raises(ValueError, match="a variance is negative"):
        fitted(said, -stated)
    design, target = offsets(said)
    twice = np.concatenate([design, design], axis=2)
    with pytest.raises(ValueError, match="tell the columns of the design apart"):
        fit(said, stated, twice, np.concatenate([target, target], axis=1), [True] * 3)
    one = np.array([[0.1, 0.2, 0.3]])
    assert np.isfinite(fitted(one, np.full(one.shape, 0.01)).estimate).all()
