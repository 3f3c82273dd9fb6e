import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, poisson

from ons_assets.flows.intervals import gamma_interval


@given(count=st.integers(1, 200), weight=st.floats(0.5, 100))
def test_the_interval_is_the_exact_one_of_poisson_where_weights_are_equal(count, weight):
    total, variance = np.array([count * weight]), np.array([count * weight**2])
    low, high = gamma_interval(total, variance, np.array([weight]), 0.95)
    assert low[0] == pytest.approx(weight * chi2.ppf(0.025, 2 * count) / 2)
    assert high[0] == pytest.approx(weight * chi2.ppf(0.975, 2 * (count + 1)) / 2)


def test_the_interval_covers_in_95_of_100_worlds():
    generator = np.random.default_rng(8)
    weights, expected = np.array([5.0, 20.0, 60.0]), np.array([6.0, 4.0, 3.0])
    truth = float(weights @ expected)
    counts = poisson.rvs(expected, size=(4_000, 3), random_state=generator)
    largest = np.where(counts > 0, weights, 0).max(axis=1)
    some = largest > 0
    low, high = gamma_interval(counts[some] @ weights, counts[some] @ weights**2, largest[some], 0.95)
    assert 0.94 < np.mean((low <= truth) & (truth <= high)) <= 1
