"""Each method against a slow, obvious reference, and what holds of all."""

import math
import statistics
from typing import get_args

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ons_assets.parameters.prices import OutlierMethod, OutlierRule
from ons_assets.prices.outliers import outlier_methods, outliers

prices = st.lists(st.tuples(st.floats(0.05, 500), st.floats(0.05, 500)), min_size=1, max_size=40)
still = st.lists(
    st.sampled_from([(1.0, 1.0), (2.0, 1.0), (1.0, 2.0), (9.0, 1.0), (30.0, 1.0)]), min_size=1, max_size=40
)


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])


def reference(pairs: list[tuple[float, float]], method: str, reach: float, least: float) -> list[bool]:
    x = [math.log(price / before) for price, before in pairs]
    size = [max(pair) for pair in pairs]
    q1, q2, q3 = (quantile(x, share) for share in (0.25, 0.5, 0.75))
    if method == "none":
        bounds = (-math.inf, math.inf)
    elif method == "relative-fences":
        bounds = (-math.log(reach), math.log(reach))
    elif method == "quartile":
        bounds = (q2 - reach * (q2 - q1), q2 + reach * (q3 - q2))
    elif method == "resistant-fences":
        bounds = (q1 - reach * (q3 - q1), q3 + reach * (q3 - q1))
    elif method == "robust-z":
        spread = 1.482602218505602 * statistics.median(abs(each - q2) for each in x)
        bounds = (q2 - reach * spread, q2 + reach * spread)
    elif method == "tukey":
        moved = [each for each in x if each != 0]
        if not moved:
            return [False] * len(x)
        low, high = quantile(moved, 0.05), quantile(moved, 0.95)
        kept = [each for each in moved if low <= each <= high]
        if not kept:
            return [False] * len(x)
        middle = min(max(statistics.fmean(kept), min(kept)), max(kept))
        upper = statistics.fmean([each for each in kept if each >= middle] or [middle])
        lower = statistics.fmean([each for each in kept if each <= middle] or [middle])
        bounds = (middle - reach * max(middle - lower, 0.0), middle + reach * max(upper - middle, 0.0))
    else:
        effects = []
        for each, large in zip(x, size, strict=True):
            ratio, median = math.exp(each), math.exp(q2)
            effects.append((1 - median / ratio if ratio < median else ratio / median - 1) * large**0.4)
        e1, e2, e3 = (quantile(effects, share) for share in (0.25, 0.5, 0.75))
        floor = abs(0.05 * e2)
        low, high = e2 - reach * max(e2 - e1, floor), e2 + reach * max(e3 - e2, floor)
        found = [not low <= effect <= high for effect in effects]
        return [flag and abs(each) > math.log(least) for flag, each in zip(found, x, strict=True)]
    return [not bounds[0] <= each <= bounds[1] and abs(each) > math.log(least) for each in x]


def clear_of_ties(pairs: list[tuple[float, float]], method: str, reach: float, least: float) -> bool:
    """Whether no relative lies on a bound, where rounding decides."""
    factors = (1 - 1e-9, 1 + 1e-9)
    return len({tuple(reference(pairs, method, reach * factor, least * factor)) for factor in factors}) == 1


@pytest.mark.parametrize("method", outlier_methods())
@given(pairs=prices | still, reach=st.floats(1.1, 8), least=st.sampled_from([1.01, 1.3, 2.5]))
@example(pairs=[(1.0, 2.0), (1.03125, 244.0), (1.03125, 244.0), (1.03125, 244.0)], reach=2.0, least=1.01)
@example(pairs=[(1.0, 1.0), (1.0546875, 242.0), (1.0546875, 242.0), (1.0546875, 242.0)], reach=2.0, least=1.01)
@settings(max_examples=60, deadline=None)
def test_methods_do_what_their_definition_says(
    method: str, pairs: list[tuple[float, float]], reach: float, least: float
) -> None:
    price, before = np.array(pairs).T
    found = outliers(price, before, OutlierRule(method=method, reach=reach, least=least))
    if clear_of_ties(pairs, method, reach, least) and len({round(p / b, 9) for p, b in pairs}) > 1:
        assert found.tolist() == reference(pairs, method, reach, least)


@pytest.mark.parametrize("method", outlier_methods())
@given(pairs=prices | still)
@settings(max_examples=30, deadline=None)
def test_nothing_within_the_least_factor_is_ever_flagged(method: str, pairs: list[tuple[float, float]]) -> None:
    price, before = np.array(pairs).T
    found = outliers(price, before, OutlierRule(method=method, least=2.5))
    assert not found[(price / before <= 2.5) & (before / price <= 2.5)].any()


@pytest.mark.parametrize("method", [name for name in outlier_methods() if name != "none"])
def test_a_hundredfold_price_among_prices_that_stand_still_is_found(method: str) -> None:
    before = np.full(40, 2.0)
    price = before.copy()
    price[:10] *= np.linspace(0.9, 1.1, 10)  # a few that move a little
    price[17] = 200.0
    assert np.flatnonzero(outliers(price, before, OutlierRule(method=method))).tolist() == [17]


def test_prices_that_are_none_are_never_flagged() -> None:
    price = np.array([0.0, -1.0, np.nan, np.inf, 1.0, 90.0])
    found = outliers(price, np.ones(6), OutlierRule(method="relative-fences"))
    assert found.tolist() == [False] * 5 + [True]
    assert outliers(np.array([]), np.array([])).size == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "resistent-fences"}, "'resistant-fences'"),
        ({"reach": 0}, "greater than 0"),
        ({"least": 0.5}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_rule_is_an_error_that_says_what_is_right(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OutlierRule(**arguments)


def test_every_method_can_be_named_in_the_parameters() -> None:
    assert sorted(get_args(OutlierMethod)) == outlier_methods()


def test_arrays_of_different_length_are_an_error() -> None:
    with pytest.raises(ValueError, match="2 prices cannot be compared with 3"):
        outliers(np.ones(2), np.ones(3))
