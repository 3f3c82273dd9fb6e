"""The kernel of sums over matched products, against the plain reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_ext import log_relatives, pair_sums
from core_ext.price_links import reference

T = 7


@st.composite
def panels(draw):
    """Product offsets and periods of a sparse panel, some products without any quote."""
    lives = draw(st.lists(st.sets(st.integers(0, T - 1)), max_size=8))
    offsets = np.concatenate([[0], np.cumsum([len(life) for life in lives])]).astype(np.int64)
    period = np.array([t for life in lives for t in sorted(life)], dtype=np.int32)
    return offsets, period


@given(panels(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_kernels_equal_the_reference(panel, seed):
    offsets, period = panel
    left, right = np.random.default_rng(seed).normal(size=(2, len(period)))
    sums, counts = log_relatives(offsets, period, left, T)
    expected_sums, expected_counts = reference.log_relatives(offsets, period, left, T)
    np.testing.assert_allclose(sums, expected_sums, atol=1e-12)
    np.testing.assert_array_equal(counts, expected_counts)
    np.testing.assert_allclose(
        pair_sums(offsets, period, left, right, T),
        reference.pair_sums(offsets, period, left, right, T),
        atol=1e-12,
    )


def wide_panel(rng, n_periods, n_products):
    """A panel wide enough that its rows span several cache tiles."""
    lives = [np.flatnonzero(rng.random(n_periods) < 0.2) for _ in range(n_products)]
    offsets = np.concatenate([[0], np.cumsum([len(life) for life in lives])])
    return offsets, np.concatenate(lives).astype(np.int32)


def test_tiles_cover_every_row():
    offsets, period = wide_panel(np.random.default_rng(1), n_periods=1500, n_products=12)
    log_price = np.random.default_rng(2).normal(size=len(period))
    dense = np.full((12, 1500), np.nan)
    dense[np.repeat(np.arange(12), np.diff(offsets)), period] = log_price
    known = np.isfinite(dense).astype(float)
    known_price = np.nan_to_num(dense)
    sums, counts = log_relatives(offsets, period, log_price, 1500)
    np.testing.assert_array_equal(counts, known.T @ known)
    np.testing.assert_allclose(sums, known.T @ known_price - known_price.T @ known, atol=1e-10)
    pair = pair_sums(offsets, period, log_price, log_price**2, 1500)
    np.testing.assert_allclose(pair, known_price.T @ known_price**2, atol=1e-10)


def test_two_calls_give_the_same_bits():
    offsets, period = wide_panel(np.random.default_rng(3), n_periods=300, n_products=50)
    log_price = np.random.default_rng(4).normal(size=len(period))
    first, _ = log_relatives(offsets, period, log_price, 300)
    second, _ = log_relatives(offsets, period, log_price, 300)
    assert first.tobytes() == second.tobytes()
    assert np.array_equal(first, -first.T)


def test_no_quotes_give_zeros():
    sums, counts = log_relatives([0], [], [], 3)
    assert not sums.any()
    assert not counts.any()


@pytest.mark.parametrize(
    ("offsets", "period", "message"),
    [
        ([0, 3], [0, 1], "end with the 2 rows"),
        ([1, 2], [0, 1], "start with 0"),
        ([0, 2, 1, 2], [0, 1], "must not decrease"),
        ([0, 2], [0, 5], "between 0 and 2"),
        ([0, 2], [-1, 1], "between 0 and 2"),
        ([0, 2], [1, 1], "must ascend"),
        ([0, 2], [2, 1], "must ascend"),
    ],
)
def test_what_is_not_a_panel_is_refused(offsets, period, message):
    prices = np.zeros(len(period))
    with pytest.raises(ValueError, match=message):
        log_relatives(offsets, period, prices, 3)
    with pytest.raises(ValueError, match=message):
        pair_sums(offsets, period, prices, prices, 3)


def test_a_column_of_another_length_is_refused():
    with pytest.raises(ValueError, match="one value for each quote"):
        pair_sums([0, 2], [0, 1], np.zeros(2), np.zeros(3), 3)
