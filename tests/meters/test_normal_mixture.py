"""Mixtures of normal distributions, held against scikit-learn's."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from ons_assets.meters.profiles.normal_mixture import NormalMixture, fit_normal_mixture, products


def clouds(seed: int, points: int = 900, dimensions: int = 5, number: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = rng.normal(0, 0.15, (number, dimensions, dimensions))
    mean = rng.normal(0, 0.4, (number, dimensions))
    of = rng.integers(0, number, points)
    return mean[of] + np.einsum("nij,nj->ni", shape[of], rng.normal(0, 1, (points, dimensions)))


@pytest.mark.parametrize(("seed", "number", "starts"), [(0, 3, 1), (1, 2, 3), (2, 6, 2), (3, 1, 1)])
def test_a_fit_is_that_of_scikit_learn(seed, number, starts):
    x = clouds(seed)
    theirs = GaussianMixture(number, n_init=starts, reg_covar=1e-5, max_iter=300, random_state=seed).fit(x)
    ours = fit_normal_mixture(x, number, starts=starts, seed=seed)
    np.testing.assert_allclose(ours.weights, theirs.weights_, rtol=1e-8)
    np.testing.assert_allclose(ours.means, theirs.means_, atol=1e-9)
    np.testing.assert_allclose(ours.covariances, theirs.covariances_, atol=1e-9)
    assert ours.mean_log_density == pytest.approx(theirs.lower_bound_, rel=1e-9)
    assert ours.bic(x) == pytest.approx(theirs.bic(x), rel=1e-9)
    other = clouds(seed + 10)
    assert np.array_equal(ours.predict(other), theirs.predict(other))


def test_densities_are_those_of_scipy():
    rng = np.random.default_rng(5)
    root = rng.normal(0, 1, (4, 3, 3))
    model = NormalMixture(rng.dirichlet(np.ones(4)), rng.normal(0, 1, (4, 3)), root @ root.transpose(0, 2, 1), 0.0)
    x = rng.normal(0, 2, (50, 3))
    expected = [
        np.log(weight) + multivariate_normal(mean, covariance).logpdf(x)
        for weight, mean, covariance in zip(model.weights, model.means, model.covariances, strict=True)
    ]
    np.testing.assert_allclose(model.log_densities(x), expected, rtol=1e-9)


def test_points_that_are_all_one_point_have_a_mixture():
    model = fit_normal_mixture(np.full((50, 2), 0.3), 1, starts=1, seed=0)
    np.testing.assert_allclose(model.covariances, 1e-5 * np.eye(2)[None], atol=1e-12)


def test_products_of_coordinates():
    assert products([[2.0, 3.0]]).ravel().tolist() == [1, 2, 3, 4, 6, 9]
