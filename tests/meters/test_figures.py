"""The pilot's two figures, for a made home."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from ons_assets.drawing import as_svg
from ons_assets.meters.absence.low_use import low_use_runs
from ons_assets.meters.absence.pictures import (
    daily_totals_figure,
    daily_totals_in_words,
    low_days_figure,
    low_days_in_words,
    low_days_profile,
    low_week,
)
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
    assert [layer["mark"]["type"] for layer in figure["layer"]] == ["rect", "line"]
    assert "the longest of 7 days from 2010-02-03" in figure["description"]
    low = low_days_figure(home, LOW).to_dict()
    assert [layer["mark"]["type"] for layer in low["layer"]] == ["area", "line", "line"]
    lowest, highest = sorted(
        low_days_profile(home, LOW)
        .filter(pl.col("series") != "average")
        .group_by("series")
        .agg(pl.col("kwh").sum())["kwh"]
    )[::6]
    assert f"A low day uses {lowest:.1f} to {highest:.1f} kWh" in low["description"]
    drawn = as_svg(low_days_figure(home, LOW))
    assert 'role="img"><title>Low days of one meter against its average day</title><desc>Line chart' in drawn


def test_a_day_that_was_read_in_part_is_a_point_and_the_line_breaks_where_days_are_missing() -> None:
    kwh = ordinary_home(30)
    kwh[4, :20] = kwh[10:13] = kwh[14] = np.nan
    half_hours = half_hours_of(kwh[None])
    # A day of which nothing came has no row.
    daily = daily_consumption(half_hours.filter(~pl.col("day").is_between(dt.date(2010, 1, 14), dt.date(2010, 1, 16))))
    figure = daily_totals_figure(daily).to_dict()
    assert [layer["mark"]["type"] for layer in figure["layer"]] == ["line", "point", "point"]
    line, alone, partly = (figure["datasets"][layer["data"]["name"]] for layer in figure["layer"])
    assert [row["day"][:10] for row in line if row["energy_kwh"] is None] == [
        f"2010-01-{day:02d}" for day in (8, 14, 15, 16, 18)
    ]
    assert [row["day"][:10] for row in alone] == ["2010-01-17"]
    assert [row["day"][:10] for row in partly] == ["2010-01-08"]
    assert "30 days, 25 of them read whole" in figure["description"]


def test_the_low_week_is_the_middle_of_the_longest_run_or_else_the_week_of_least_use(home: pl.DataFrame) -> None:
    daily = daily_consumption(home)
    assert low_week(daily, low_use_runs(daily)) == LOW
    assert low_week(daily, low_use_runs(daily).clear()) == LOW
    # A day that was not read whole has a low total, and is no low day.
    holed = daily.with_columns(is_complete=pl.col("day") != LOW + dt.timedelta(6))
    assert low_week(holed, low_use_runs(daily).clear()) == LOW - dt.timedelta(1)
    few = daily.head(3)
    assert low_week(few, low_use_runs(daily).clear()) == few["day"][0]


def test_what_was_filled_is_drawn_nowhere(home: pl.DataFrame) -> None:
    filled = home.with_columns(imputed_mask=pl.when(pl.col("day") == LOW).then(0b11).otherwise(0))
    lines = low_days_profile(filled, LOW)
    assert lines.filter(pl.col("kwh").is_null())["hour"].to_list() == [0.0, 0.5]


def test_a_figure_shows_one_meter_and_days_that_exist(home):
    two = half_hours_of(np.zeros((2, 3, 48)))
    with pytest.raises(ValueError, match="one meter"):
        daily_totals_figure(daily_consumption(two))
    with pytest.raises(ValueError, match="none of the days"):
        low_days_figure(home, dt.date(2020, 1, 1))


@pytest.mark.parametrize("days", [1, 3, 7, 9])
def test_as_many_days_are_told_as_are_drawn(days):
    kwh = ordinary_home(days)
    rows = half_hours_of(kwh[None])
    daily = daily_consumption(rows)
    first = low_week(daily, low_use_runs(daily))
    drawn = low_days_profile(rows, first).filter(pl.col("series") != "average")["series"].n_unique()
    assert drawn == min(days, 7)
    said = f"{drawn} day{'' if drawn == 1 else 's'}"
    told = low_days_in_words(rows, first)
    assert said.replace("day", "low day") + f" from {first}" in told
    assert ("all other days" in told) == (days > 7)
    assert f": {days} day{'' if days == 1 else 's'}, " in daily_totals_in_words(daily)
    assert f"{said} from {first}" in str(low_days_figure(rows, first).to_dict()["layer"][0]["encoding"])


def test_a_day_of_which_nothing_was_read_is_not_told_as_drawn():
    kwh = ordinary_home(10)
    kwh[2:4] = np.nan
    assert "of 5 low days from" in low_days_in_words(half_hours_of(kwh[None]), dt.date(2010, 1, 4))
