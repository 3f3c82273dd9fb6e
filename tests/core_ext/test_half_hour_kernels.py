"""The kernels over half hours against their reference, on random and on adversarial readings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core_ext import (
    daily_totals,
    half_hour_pass,
    half_hour_profiles,
    half_hour_runs,
    low_day_runs,
)
from core_ext.half_hours import reference


def as_offsets(lengths):
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def readings_of(rows, seed, missing=0.1, values=None):
    """Readings with missing ones: scattered, in whole days and at the edges of days."""
    rng = np.random.default_rng(seed)
    kwh = rng.choice(values, (rows, 48)) if values is not None else rng.gamma(0.8, 0.4, (rows, 48))
    kwh = kwh.astype(np.float32)
    kwh[rng.random(kwh.shape) < missing * (rng.random((rows, 1)) < 0.5)] = np.nan
    kwh[rng.random(rows) < missing] = np.nan
    return kwh


@st.composite
def meters(draw, values=None):
    lengths = draw(st.lists(st.integers(0, 12), min_size=1, max_size=5))
    kwh = readings_of(sum(lengths), draw(st.integers(0, 2**32)), draw(st.sampled_from([0.0, 0.1, 0.8])), values)
    gaps = np.random.default_rng(draw(st.integers(0, 2**32))).choice([1, 1, 1, 2, 9], sum(lengths))
    return kwh, as_offsets(lengths), np.cumsum(gaps)


@given(meters(), st.integers(1, 4), st.integers(0, 2**32), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_profiles_agree_with_the_reference(layout, n_types, seed, n_threads):
    kwh, offsets, _ = layout
    day_type = np.random.default_rng(seed).integers(-1, n_types, len(kwh))
    sums, counts = half_hour_profiles(kwh, offsets, day_type, n_types, n_threads=n_threads)
    expected_sums, expected_counts = reference.half_hour_profiles(kwh, offsets, day_type, n_types)
    np.testing.assert_allclose(sums, expected_sums, rtol=1e-13, atol=1e-15)
    assert np.array_equal(counts, expected_counts)


@given(meters(), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_daily_totals_agree_with_the_reference(layout, n_threads):
    kwh, offsets, _ = layout
    total, read = daily_totals(kwh, n_threads=n_threads)
    expected_total, expected_read = reference.daily_totals(kwh)
    np.testing.assert_allclose(total, expected_total, rtol=1e-14)
    assert np.array_equal(read, expected_read)
    both = half_hour_pass(kwh, offsets, np.zeros(len(kwh), dtype=int), 1)
    assert np.array_equal(both.day_kwh, total, equal_nan=True)
    assert np.array_equal(both.day_readings, read)


@given(meters(), st.integers(1, 4), st.integers(0, 2**32), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_one_pass_agrees_with_the_reference(layout, n_types, seed, n_threads):
    kwh, offsets, _ = layout
    day_type = np.random.default_rng(seed).integers(-1, n_types, len(kwh))
    both = half_hour_pass(kwh, offsets, day_type, n_types, n_threads=n_threads)
    sums, counts, day_kwh, day_readings = reference.half_hour_pass(kwh, offsets, day_type, n_types)
    np.testing.assert_allclose(both.sums, sums, rtol=1e-13, atol=1e-15)
    assert np.array_equal(both.counts, counts)
    np.testing.assert_allclose(both.day_kwh, day_kwh, rtol=1e-14)
    assert np.array_equal(both.day_readings, day_readings)


@given(meters(values=[0.0, 0.0, 0.05, 0.05, 1.0]), st.sampled_from(["missing", "zero", "flat"]), st.integers(1, 60))
@settings(max_examples=80, deadline=None)
def test_runs_agree_with_the_reference(layout, kind, min_length):
    kwh, offsets, day = layout
    runs = half_hour_runs(kwh, offsets, kind, day=day, min_length=min_length, n_threads=2)
    expected = reference.half_hour_runs(kwh, offsets, kind, day, min_length)
    assert list(zip(runs.meter, runs.first, runs.length, strict=True)) == expected


@given(meters(), st.integers(1, 5), st.integers(0, 10), st.integers(0, 2**32))
@settings(max_examples=80, deadline=None)
def test_low_day_runs_agree_with_the_reference(layout, min_days, max_gap_days, seed):
    kwh, offsets, day = layout
    use, _ = daily_totals(kwh)
    level = np.random.default_rng(seed).choice([10.0, 18.0, 30.0, np.nan], len(use))
    runs = low_day_runs(use, level, offsets, day=day, min_days=min_days, max_gap_days=max_gap_days)
    expected = reference.low_day_runs(use, level, offsets, day, min_days, max_gap_days)
    assert list(zip(*runs, strict=True)) == expected


@given(arrays(np.float32, (6, 48), elements=st.floats(0, 2.0**100, width=32)))
@settings(max_examples=30, deadline=None)
def test_readings_of_any_size_keep_double_accuracy(kwh):
    sums, _ = half_hour_profiles(kwh, [0, 6], [0] * 6)
    np.testing.assert_allclose(sums[0, 0], kwh.astype(float).sum(axis=0), rtol=1e-14)


def test_a_sum_that_single_precision_would_lose():
    kwh = np.full((4, 48), 1e-3, dtype=np.float32)
    kwh[0] = 16_777_216.0
    sums, _ = half_hour_profiles(kwh, [0, 4], [0, 0, 0, 0])
    assert sums[0, 0, 0] == pytest.approx(16_777_216.003, abs=1e-6)


def test_the_result_is_the_same_for_any_number_of_threads():
    kwh = readings_of(3_000, seed=1)
    offsets = as_offsets(np.random.default_rng(2).multinomial(3_000, [1 / 40] * 40))
    day_type = np.arange(3_000) % 3
    one = half_hour_pass(kwh, offsets, day_type, 3, n_threads=1)
    for n_threads in (0, 2, 5, 64):
        other = half_hour_pass(kwh, offsets, day_type, 3, n_threads=n_threads)
        for left, right in zip(one, other, strict=True):
            assert left.tobytes() == right.tobytes()


def test_meters_without_days_and_an_empty_table():
    kwh = readings_of(2, seed=3, missing=0)
    sums, counts = half_hour_profiles(kwh, [0, 0, 2, 2], [0, 1], n_threads=4)
    assert sums.shape == (3, 2, 48)
    assert counts[0].sum() == 0
    assert counts[1].sum() == 96
    sums, counts = half_hour_profiles(np.empty((0, 48), dtype=np.float32), [0], [])
    assert sums.shape == (0, 1, 48)
    assert len(half_hour_runs(np.empty((0, 48), dtype=np.float32), [0, 0], "zero").first) == 0
    assert len(low_day_runs([], [], [0]).days) == 0


def test_a_day_without_readings_has_no_total():
    kwh = np.full((2, 48), np.nan, dtype=np.float32)
    kwh[1, 5] = 0.25
    total, read = daily_totals(kwh)
    assert np.isnan(total[0])
    assert total[1] == 0.25
    assert read.tolist() == [0, 1]


def test_runs_go_on_over_midnight_and_absent_days():
    kwh = np.full((3, 48), 0.1, dtype=np.float32)
    kwh[0, 40:] = np.nan
    kwh[1, :4] = np.nan
    missing = half_hour_runs(kwh, [0, 3], "missing", day=[7, 8, 10])
    # 4 pm to 2 am, and the whole of day 9.
    assert missing.first.tolist() == [40, 96]
    assert missing.length.tolist() == [12, 48]
    flat = half_hour_runs(kwh, [0, 3], "flat", day=[7, 8, 10], min_length=40)
    assert flat.length.tolist() == [40, 44, 48]


def test_a_fortnight_of_low_days_with_an_unread_day_is_one_run():
    use = np.array([9.0] * 5 + [1.0] * 7 + [np.nan] + [1.0] * 7 + [9.0] * 5)
    runs = low_day_runs(use, np.full(25, 3.0), [0, 25], min_days=7, max_gap_days=1)
    assert [column.tolist() for column in runs] == [[0], [5], [19], [14]]
    apart = low_day_runs(use, np.full(25, 3.0), [0, 25], min_days=7)
    assert apart.days.tolist() == [7, 7]


def test_a_float64_or_strided_table_is_read_rightly():
    kwh = readings_of(20, seed=4).astype(np.float64)
    wide = np.empty((20, 96))
    wide[:, ::2] = kwh
    expected = half_hour_profiles(kwh.astype(np.float32), [0, 20], [0] * 20)
    for table in (kwh, wide[:, ::2]):
        sums, counts = half_hour_profiles(table, [0, 20], [0] * 20)
        assert np.array_equal(sums, expected[0])
        assert np.array_equal(counts, expected[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 50), np.float32), [0, 2], [0, 0]), r"shape \(meter-days, 48\)"),
        ((np.zeros((2, 48), np.int64), [0, 2], [0, 0]), "floating point"),
        ((np.zeros((2, 48), np.float32), [0, 3], [0, 0]), "end with the 2 rows"),
        ((np.zeros((2, 48), np.float32), [0, 2, 1, 2], [0, 0]), "not decrease"),
        ((np.zeros((2, 48), np.float32), [0, 2], [0]), "one value for each of the 2 rows"),
        ((np.zeros((2, 48), np.float32), [0, 2], [0, 5], 2), "day_type must lie below 2"),
    ],
)
def test_input_that_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        half_hour_profiles(*arguments)


def test_wrong_options_are_refused():
    kwh = np.zeros((2, 48), np.float32)
    with pytest.raises(ValueError, match="kind must be one of missing, zero, flat"):
        half_hour_runs(kwh, [0, 2], "spike")
    with pytest.raises(ValueError, match="days of a meter must ascend"):
        half_hour_runs(kwh, [0, 2], "zero", day=[3, 3])
    with pytest.raises(ValueError, match="min_length"):
        half_hour_runs(kwh, [0, 2], "zero", min_length=0)
    with pytest.raises(ValueError, match="n_threads"):
        daily_totals(kwh, n_threads=-1)
    with pytest.raises(ValueError, match="min_days"):
        low_day_runs([1.0], [2.0], [0, 1], min_days=0)
