"""The pilot's two figures, for a made home."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from ons_assets.meters.absence.low_use import low_use_runs
from ons_assets.meters.absence.pictures import daily_totals_figure, low_days_figure, low_days_profile
from ons_assets.meters.half_hours.daily import daily_consumption
from tests.meters.homes import fridge_only, half_hours_of, ordinary_home

LOW = dt.date(2010, 2, 3)


@pytest.fixture
def home():
    return half_hours_of(np.concatenate([ordinary_home(30), fridge_only(7), ordinary_home(30, 2)])[None])


def test_low_days_lie_below_the_average_of_the_others(home):
    lines = low_days_profile(home, LOW)
    assert lines["series"].n_unique() == 8
    total = dict(lines.group_by("series").agg(pl.col("kwh").sum()).rows())
    average = total.pop("average")
    assert max(total.values()) < 0.5 * average
    ordinary = (
        daily_consumption(home).filter(~pl.col("day").is_between(LOW, LOW + dt.timedelta(6)))["energy_kwh"].mean()
    )
    assert average == pytest.approx(ordinary, rel=1e-6)


def test_the_figures_are_drawn(home):
    daily = daily_consumption(home)
    figure = daily_totals_figure(daily, low_use_runs(daily)).to_dict()
    assert len(figure["layer"]) == 2
    assert low_days_figure(home, LOW).to_dict()["mark"]["type"] == "line"


def test_a_figure_shows_one_meter_and_days_that_exist(home):
    two = half_hours_of(np.zeros((2, 3, 48)))
    with pytest.raises(ValueError, match="one meter"):
        daily_totals_figure(daily_consumption(two))
    with pytest.raises(ValueError, match="none of the days"):
        low_days_figure(home, dt.date(2020, 1, 1))
