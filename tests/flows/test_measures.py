import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ons_assets.flows.measures import agreement, pair_up

COUNTS = arrays(np.float64, 6, elements=st.floats(0, 1e6, allow_subnormal=False).map(lambda value: round(value, 6)))


@given(a=COUNTS, b=COUNTS)
def test_the_common_part_is_that_of_its_definition_and_symmetric(a, b):
    cpc = agreement(a, b)["cpc"]
    if a.sum() + b.sum() == 0:
        assert math.isnan(cpc)
        return
    by_hand = 2 * sum(min(x, y) for x, y in zip(a, b, strict=True)) / (sum(a) + sum(b))
    assert cpc == pytest.approx(by_hand)
    assert 0 <= cpc <= 1 + 1e-12
    assert agreement(b, a)["cpc"] == pytest.approx(cpc)


def test_measures_by_hand():
    found = agreement(np.array([10.0, 0.0, 4.0, 6.0]), np.array([8.0, 2.0, 4.0, 0.0]))
    assert found["rmse"] == pytest.approx(math.sqrt((4 + 4 + 0 + 36) / 4))
    assert found["mae"] == pytest.approx(2.5)
    assert found["relative_error"] == pytest.approx((0.25 + 1 + 0) / 3)
    assert found["srmse"] == pytest.approx(math.sqrt(11) / 3.5)
    assert found["total_ratio"] == pytest.approx(20 / 14)
    assert math.isnan(found["correlation_log"])  # two pairs are too few


def test_nothing_gives_no_measure_and_no_error():
    found = agreement(np.array([]), np.array([]))
    assert found.pop("n") == 0
    assert all(math.isnan(value) for value in found.values())


def test_pairs_that_one_side_lacks_are_zero_and_repeated_ones_are_added_up():
    a = pl.DataFrame({"origin": ["x", "x"], "destination": ["y", "y"], "count": [1, 2]})
    b = pl.DataFrame({"origin": ["x"], "destination": ["z"], "count": [5.0]})
    assert pair_up(a, b, "count").rows() == [("x", "y", 3.0, 0.0), ("x", "z", 0.0, 5.0)]
