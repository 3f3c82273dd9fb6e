"""What is told of presence, homes and moves is as coarse as the fewest devices that may be told, whatever these are."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue.mobile_presence import INTERNAL_MIGRATION, PRESENT_POPULATION, USUAL_ENVIRONMENT
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.lakehouse.blurring import Rounded
from ons_assets.lakehouse.disclosure import Counts
from ons_assets.mobile.internal_migration import internal_migration
from ons_assets.parameters.mobile import LEAST_K, ReleaseParameters

TABLES = (PRESENT_POPULATION, USUAL_ENVIRONMENT, INTERNAL_MIGRATION)
ks = st.integers(LEAST_K, 60)
devices = st.lists(st.integers(1, 200), min_size=2, max_size=5)


def present(hours):
    """Devices of areas at hours, with the sum of each hour."""
    rows = [
        ("2014-10-06/2014-10-12", "north", "weekday", hour, area, float(n), 5)
        for hour, counts in enumerate(hours)
        for area, n in [*((f"A{at}", n) for at, n in enumerate(counts)), ("all", sum(counts))]
    ]
    names = ["observed", "operator", "day_type", "hour", "area", "devices", "days_of_type"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(people_present=pl.lit(None, pl.Float64()))


def moves(counts):
    """Devices that stay in one area, or go from there."""
    rows = [
        ("north", "2014-autumn", "2015-winter", f"A{at}", other, float(n))
        for at, n in enumerate(counts)
        for other, n in ((f"A{at}", n), ("not_seen", n // 3))
        if n
    ]
    names = ["operator", "previous_season", "year_season", "origin", "destination", "devices"]
    return pl.DataFrame(rows, schema=names, orient="row")


def told_of_few(rule, k, one, other):
    """Whether two numbers that are told say for certain that some devices are in one only, and fewer than k."""
    (low, high), (other_low, other_high) = rule.known(one, k), rule.known(other, k)
    least, most = max(low - other_high, other_low - high), max(high - other_low, other_high - low)
    return least > 0 and most < k


@settings(max_examples=60, deadline=None)
@given(k=ks, hours=st.tuples(devices, devices))
def test_no_two_numbers_say_that_some_and_fewer_than_k_are_in_one_only(k, hours):
    rule = PRESENT_POPULATION.disclosure
    raw = present(hours)
    made = protect(PRESENT_POPULATION, raw, Thresholds(k)).rows
    assert made.is_empty() or made["devices"].min() >= k
    step = rule.blur(k).to
    assert k <= step < k + 10
    assert step % 10 == 0
    assert (made["devices"] % step == 0).all()
    both = made.join(raw, on=["hour", "area"], suffix="_true")
    assert ((both["devices"] - both["devices_true"]).abs() <= step / 2).all()
    numbers = made["devices"].unique().to_list()
    assert not any(told_of_few(rule, k, one, other) for one in numbers for other in numbers)


@settings(max_examples=40, deadline=None)
@given(k=ks, counts=devices)
def test_moves_are_as_coarse(k, counts):
    rule = INTERNAL_MIGRATION.disclosure
    made = internal_migration([moves(counts)], ReleaseParameters(k=k), rule.blurred).rows
    assert made.is_empty() or made["devices"].min() >= k
    assert (made["devices"] % rule.blur(k).to == 0).all()


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_tens_whatever_k_is_would_say_it_of_thirty(table):
    rule = table.disclosure
    assert isinstance(rule, Counts)
    assert not told_of_few(rule, 30, 60.0, 30.0)
    assert told_of_few(replace(rule, blurred=Rounded(10)), 30, 50.0, 30.0)
    # Those who may be told from ten on see tens.
    assert rule.blur(10) == rule.blurred
