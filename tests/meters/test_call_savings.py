"""Calls of a follow-up against enumeration by hand, and against calls that are drawn."""

import itertools

import numpy as np
import polars as pl
import pytest

from ons_assets.meters.areas.call_savings import (
    calling_hours,
    empty_among_followed,
    expected_calls,
    left_out,
)


def test_calls_are_those_of_all_outcomes_enumerated():
    met = np.array([[0.5, 0.1, 0.25, 0.9, 0.4, 0.3]])
    made = contacted = 0.0
    for first in (0, 1):
        days = [first, first + 2, first + 4]
        for outcome in itertools.product([False, True], repeat=3):
            chance = np.prod([met[0, day] if yes else 1 - met[0, day] for day, yes in zip(days, outcome, strict=True)])
            made += chance * (outcome.index(True) + 1 if any(outcome) else 3) / 2
            contacted += chance * any(outcome) / 2
    calls = expected_calls(met, first_days=2, gap_days=2, most_calls=3)
    assert calls.made[0] == pytest.approx(made)
    assert calls.contacted[0] == pytest.approx(contacted)


def test_calls_that_are_drawn_agree():
    rng = np.random.default_rng(1)
    met = rng.random((3, 20)) * 0.6
    calls = expected_calls(met, first_days=5, gap_days=3, most_calls=4)
    first = rng.integers(0, 5, 40_000)
    for home in range(3):
        opened = rng.random((40_000, 4)) < met[home, first[:, None] + 3 * np.arange(4)]
        made = np.where(opened.any(axis=1), opened.argmax(axis=1) + 1, 4)
        assert made.mean() == pytest.approx(calls.made[home], abs=0.03)
        assert opened.any(axis=1).mean() == pytest.approx(calls.contacted[home], abs=0.02)


def test_an_open_door_takes_one_call_and_an_empty_address_all():
    calls = expected_calls(np.array([[1.0] * 10, [0.0] * 10]), first_days=1, gap_days=3, most_calls=4)
    assert calls.made.tolist() == [1, 4]
    assert calls.contacted.tolist() == [1, 0]
    assert calls.per_contact() == 5
    assert calls.per_contact(np.array([1.0, 0.0])) == 1


def test_calls_must_fit_into_the_days():
    assert expected_calls(np.zeros((1, 10)), first_days=1, gap_days=3, most_calls=4).made[0] == 4
    with pytest.raises(ValueError, match="after the last day"):
        expected_calls(np.zeros((1, 10)), first_days=2, gap_days=3, most_calls=4)


def test_hours_are_the_best_of_each_type_of_day_and_withheld_areas_have_none():
    table = pl.DataFrame(
        {
            "area_code": ["A"] * 6 + ["B"] * 3,
            "day_type": ["sunday"] * 3 + ["weekday"] * 3 + ["weekday"] * 3,
            "hour": [9, 10, 11] * 3,
            "estimate": [0.2, 0.9, 0.3, 0.5, 0.5, 0.5, None, None, None],
        },
        schema_overrides={"hour": pl.Int8},
    )
    hours = calling_hours(table.sample(fraction=1, shuffle=True, seed=2), 2)
    assert hours.rows() == [("A", "sunday", 10), ("A", "sunday", 11), ("A", "weekday", 9), ("A", "weekday", 10)]


def test_empty_addresses_are_many_among_the_silent():
    assert empty_among_followed(0.05, 0.0) == pytest.approx(0.05)
    assert empty_among_followed(0.05, 0.9) == pytest.approx(50 / 145)
    assert empty_among_followed(0.05, 1.0) == 1


def test_what_is_left_out_counted_by_hand():
    # Of 1,000 addresses 300 are empty and 700 are not; half have a meter: 150 and 350.
    result = left_out(0.3, detected=0.8, mistaken=0.02, coverage=0.5, calls_at_empty=5, calls_at_lived_in=2)
    assert 1000 * result.empty == pytest.approx(120)
    assert 1000 * result.lived_in == pytest.approx(7)
    assert 1000 * result.calls_saved == pytest.approx(120 * 5 + 7 * 2)
    assert result.calls_for_each_lost == pytest.approx(614 / 7)
    nobody = left_out(0.3, detected=0.8, mistaken=0, coverage=0.5, calls_at_empty=5, calls_at_lived_in=2)
    assert nobody.calls_for_each_lost == np.inf
