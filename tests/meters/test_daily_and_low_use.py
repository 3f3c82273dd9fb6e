"""Daily use, and runs of low and constant days: made homes, real ones, and the simulator's truth."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.meters.absence.low_use import LowUseParameters, low_days, low_use_runs
from ons_assets.meters.half_hours.daily import base_and_activity, daily_consumption
from tests.meters.homes import fridge_only, half_hours_of, ordinary_home, readings_of, world

MONDAY = dt.date(2010, 1, 4)


@pytest.fixture(scope="module")
def sgsc(shared_data):
    rows = pl.read_parquet(shared_data / "meters" / "sgsc_australia_10_homes_half_hour.parquet").with_columns(
        day=pl.col("time").dt.date(),
        slot=pl.col("time").dt.hour().cast(pl.Int32) * 2 + pl.col("time").dt.minute() // 30,
    )
    days = rows.select("customer", "day").unique().sort("customer", "day").with_row_index()
    at = rows.join(days, on=["customer", "day"])
    kwh = np.full((len(days), 48), np.nan, dtype=np.float32)
    kwh[at["index"].to_numpy(), at["slot"].to_numpy()] = at["kwh"].to_numpy()
    return days.select(
        bucket=pl.lit(0, dtype=pl.Int16),
        meter=pl.col("customer").cast(pl.Int64),
        day="day",
        kwh=pl.Series(kwh, dtype=pl.Array(pl.Float32, 48)).arr.to_list(),
    )


def test_the_recorded_low_days_of_the_australian_homes_are_found(sgsc):
    runs = low_use_runs(daily_consumption(sgsc))
    longest = runs.sort("days", descending=True).unique("meter", keep="first").sort("meter")
    found = dict(zip(longest["meter"], longest["days"], strict=True))
    assert found[10006704] == 108
    assert found[10017994] == 82
    first = runs.filter(pl.col("meter") == 10006704, pl.col("days") == 108)
    assert first["first_day"].item() == dt.date(2012, 10, 9)
    assert first["last_day"].item() == dt.date(2013, 1, 24)
    # Two homes have no spell of low days by eye either.
    assert not runs.filter(pl.col("meter").is_in([10017562, 10018060]), pl.col("days") >= 7).height


def test_runs_of_a_home_that_gives_more_than_it_takes():
    home = ordinary_home(60)
    home[30:40] = fridge_only(10)
    home[:, 20:30] -= 3.0
    runs = low_use_runs(daily_consumption(half_hours_of(home[None])))
    assert runs.select("first_day", "days").rows() == [(MONDAY + dt.timedelta(30), 10)]
    # No day had a use to which it could be compared.
    assert runs.select("usual_kwh", "ratio").row(0) == (0, None)


def test_daily_use_of_a_day_read_in_part():
    kwh = np.full((1, 4, 48), 0.1)
    kwh[0, 1, :30] = np.nan
    kwh[0, 2] = np.nan
    kwh[0, 3, 10] = np.nan
    daily = daily_consumption(half_hours_of(kwh))
    assert daily["energy_kwh"].to_list() == pytest.approx([4.8, 1.8, None, 4.7], abs=1e-6)
    assert daily["readings"].to_list() == [48, 18, 0, 47]
    assert daily["is_complete"].to_list() == [True, False, False, False]
    # 16 of the 34 half hours of the daytime were read on the second day: too few to speak of activity.
    assert daily["activity_kwh"].to_list() == [0, None, None, 0]
    assert daily["base_kwh"].to_list() == pytest.approx([0.1, 0.1, None, 0.1])


def test_the_hour_that_comes_twice_counts_in_the_energy_of_the_day():
    rows = half_hours_of(np.full((1, 2, 48), 0.1)).with_columns(
        extra_kwh=pl.Series([0.0, 0.2], dtype=pl.Float32), missing=pl.Series([0, 0], dtype=pl.Int32)
    )
    assert daily_consumption(rows)["energy_kwh"].to_list() == pytest.approx([4.8, 5.0], abs=1e-6)


@given(st.integers(0, 2**32), st.floats(0, 0.9))
@settings(max_examples=30, deadline=None)
def test_base_and_highest_agree_with_numpy(seed, missing):
    rng = np.random.default_rng(seed)
    kwh = rng.gamma(1, 0.3, (6, 48)).astype(np.float32)
    kwh[rng.random(kwh.shape) < missing] = np.nan
    kwh[0] = np.nan
    base, activity, highest = base_and_activity(kwh)
    for row, day in enumerate(kwh.astype(float)):
        if np.isnan(day).all():
            assert np.isnan([base[row], activity[row], highest[row]]).all()
        else:
            assert base[row] == pytest.approx(np.nanquantile(day, 0.1))
            assert highest[row] == np.nanmax(day)


def test_refrigerators_are_not_activity_and_a_kettle_is():
    kwh = fridge_only(2)
    kwh[1, 30] += 0.12
    _, activity, _ = base_and_activity(kwh.astype(np.float32))
    assert activity[0] < 0.02
    assert 0.05 < activity[1] < 0.12


def test_a_fortnight_away_is_one_run():
    kwh = np.concatenate([ordinary_home(40), fridge_only(14), ordinary_home(40, seed=2)])
    runs = low_use_runs(daily_consumption(half_hours_of(kwh[None])))
    assert runs.select("first_day", "last_day", "days").rows() == [
        (MONDAY + dt.timedelta(40), MONDAY + dt.timedelta(53), 14)
    ]
    assert runs["constant_days"].item() == 14


def test_a_high_base_does_not_hide_an_absence():
    """With 150 W that never go off an empty day uses more than a third of an ordinary one."""
    base = 0.15
    home = ordinary_home(60) + base
    home[20:40] = fridge_only(20, base=base)
    daily = daily_consumption(half_hours_of(home[None]))
    runs = low_use_runs(daily)
    assert runs["days"].to_list() == [20]
    assert runs["low_days"].item() < runs["constant_days"].item() == 20
    assert runs["ratio"].item() > LowUseParameters().low_share


def test_the_end_of_night_heating_is_no_absence():
    home = ordinary_home(365)
    home[:120, 1:14] += 1.6
    home[300:, 1:14] += 1.6
    daily = daily_consumption(half_hours_of(home[None]))
    summer = daily["energy_kwh"][150:280].mean()
    assert summer < 0.35 * daily["energy_kwh"].quantile(0.75)
    assert low_use_runs(daily).height == 0


def test_runs_on_simulated_homes_are_mostly_absences():
    homes = world(80, 200, seed=21)
    marked = low_days(daily_consumption(readings_of(homes)))
    truth = np.concatenate([np.isin(home.presence.state, [1, 2, 3]) for home in homes])
    said = (marked["is_low"] | marked["is_constant"]).fill_null(False).to_numpy()
    assert (said & truth).sum() / said.sum() > 0.8
    assert (said & truth).sum() / truth.sum() > 0.65


def test_missing_days_neither_count_nor_end_a_run_at_once():
    kwh = np.concatenate(
        [ordinary_home(30), fridge_only(6), np.full((2, 48), np.nan), fridge_only(6, 3), ordinary_home(30, 4)]
    )
    daily = daily_consumption(half_hours_of(kwh[None]))
    assert low_use_runs(daily)["days"].to_list() == [12]
    assert low_use_runs(daily, LowUseParameters(max_gap_days=1))["days"].to_list() == [6, 6]


def test_homes_that_are_hardly_known_have_no_runs():
    daily = daily_consumption(half_hours_of(fridge_only(10)[None]))
    assert low_use_runs(daily).height == 0
    assert low_days(daily)["is_low"].null_count() == 10
    nothing = daily_consumption(half_hours_of(np.empty((0, 0, 48))))
    assert low_use_runs(nothing).height == 0


def test_a_home_without_any_use_is_one_long_run():
    runs = low_use_runs(daily_consumption(half_hours_of(np.zeros((1, 40, 48)))))
    assert runs["days"].to_list() == [40]
    assert runs["ratio"].to_list() == [None]
