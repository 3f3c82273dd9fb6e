"""Absences, vacancies and second homes against the simulator's truth, and when to call."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from ons_assets.catalogue.meters import FIELDWORK
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.meters.absence.vacancy import STATES, absence_tables
from ons_assets.meters.areas.fieldwork import fieldwork, presence_by_hour, ranked
from ons_assets.meters.half_hours.clock_face import dense
from ons_assets.meters.occupancy import occupancy_of_homes
from ons_assets.parameters.meters import FieldworkParameters, VacancyParameters
from ons_assets.simulate.meters.presence import STATES as SIMULATED
from tests.meters.homes import fridge_only, half_hours_of, ordinary_home, readings_of, world

NAMES = {
    "occupied": "occupied",
    "away": "holiday",
    "vacant": "vacant",
    "second_empty": "second_home",
    "second_stay": "second_home_stay",
}


@pytest.fixture(scope="module")
def homes():
    return world(90, 300, seed=1234)


@pytest.fixture(scope="module")
def spells(homes):
    return vacancy(readings_of(homes))


def vacancy(half_hours, parameters=None):
    return absence_tables(half_hours, parameters)[1]


def days_of(spells):
    return spells.with_columns(day=pl.date_ranges("first_day", "last_day")).explode("day").sort("meter", "day")


def f1(said, true, name):
    hit = np.sum((said == name) & (true == name))
    return 2 * hit / (np.sum(said == name) + np.sum(true == name))


def test_days_are_named_as_the_simulator_lived_them(homes, spells):
    said = days_of(spells)["state"].to_numpy()
    true = np.array([NAMES[str(SIMULATED[state])] for home in homes for state in home.presence.state])
    assert f1(said, true, "occupied") > 0.98
    assert f1(said, true, "vacant") > 0.85
    assert f1(said, true, "holiday") > 0.8
    if np.any(true == "second_home"):
        assert f1(said, true, "second_home") > 0.85


def test_spells_cover_the_time_of_each_home_once(homes, spells):
    days = days_of(spells)
    assert days.height == sum(len(home.kwh) for home in homes)
    assert not days.select("meter", "day").is_duplicated().any()
    assert set(spells["state"]) <= {*STATES, "unknown"}
    assert spells["probability"].drop_nulls().is_between(0.4, 1).all()
    assert spells["reason"].null_count() == 0


def test_a_fortnight_a_quarter_and_weekends():
    holiday = np.concatenate([ordinary_home(60), fridge_only(14), ordinary_home(60, 2)])
    vacant = np.concatenate([ordinary_home(44), fridge_only(90)])
    cottage = fridge_only(134)
    for friday in range(18, 134, 21):
        cottage[friday : friday + 3] = ordinary_home(3, seed=friday)
    spells = vacancy(half_hours_of(np.stack([holiday, vacant, cottage])))
    by_home = spells.group_by("meter", maintain_order=True).agg("state", "spell_days")
    assert by_home["state"][0].to_list() == ["occupied", "holiday", "occupied"]
    assert by_home["spell_days"][0].to_list() == [60, 14, 60]
    assert by_home["state"][1].to_list() == ["occupied", "vacant"]
    assert by_home["spell_days"][1].to_list() == [44, 90]
    assert set(by_home["state"][2].to_list()) == {"second_home", "second_home_stay"}
    assert spells.filter(state="vacant")["probability"].item() > 0.95


def test_a_visit_does_not_end_a_vacancy():
    home = fridge_only(100)
    home[:20] = ordinary_home(20)
    home[60] = ordinary_home(1, seed=9)[0]
    spells = vacancy(half_hours_of(home[None]))
    assert spells["state"].to_list() == ["occupied", "vacant"]
    assert spells["spell_days"].to_list() == [20, 80]


def test_a_home_that_is_always_empty_and_one_that_never_is():
    spells = vacancy(half_hours_of(np.stack([fridge_only(60), ordinary_home(60)])))
    assert spells["state"].to_list() == ["vacant", "occupied"]


def test_homes_that_are_hardly_known_are_said_to_be_so():
    spells = vacancy(half_hours_of(np.full((1, 40, 48), np.nan)))
    assert spells["state"].to_list() == ["unknown"]
    assert spells["probability"].to_list() == [None]
    assert "fewer than 14 days" in spells["reason"].item()


def test_absent_days_are_judged_by_their_neighbours():
    home = np.concatenate([ordinary_home(30), fridge_only(30), ordinary_home(30, 3)])
    rows = half_hours_of(home[None]).filter(~pl.col("day").is_between(dt.date(2010, 2, 8), dt.date(2010, 2, 12)))
    days, _ = absence_tables(rows)
    assert days.height == 90
    inside = days.filter(pl.col("day").is_between(dt.date(2010, 2, 8), dt.date(2010, 2, 12)))
    # Not as sure as on days that were read: somebody may have come and gone.
    assert 0.75 < inside["empty_probability"].min() < days["empty_probability"].max()


def test_a_meter_does_not_depend_on_the_others(homes, spells):
    alone = vacancy(readings_of(homes[7:8]))
    assert alone.drop("meter").equals(spells.filter(meter=7).drop("meter"))


def test_bounds_are_parameters():
    home = np.concatenate([ordinary_home(40), fridge_only(20), ordinary_home(40, 2)])
    rows = half_hours_of(home[None])
    assert "vacant" in set(vacancy(rows, VacancyParameters(long_days=15))["state"])
    assert "vacant" not in set(vacancy(rows)["state"])


def test_fieldwork_calls_when_people_are_in(homes):
    kept = [home for home in homes if str(home.household.kind) == "main"][:60]
    rows = readings_of(kept)
    dense_rows = dense(rows)
    probability = occupancy_of_homes(dense_rows.kwh, dense_rows.meter_offsets)
    presence = presence_by_hour(rows, probability)
    areas = pl.DataFrame({"meter": np.arange(60), "area_code": ["E1"] * 30 + ["E2"] * 25 + ["E3"] * 5})
    table = ranked(protect(FIELDWORK, fieldwork(presence, areas), Thresholds(10)).rows)
    assert table.filter(area_code="E3")["estimate"].null_count() == table.filter(area_code="E3").height
    assert table.filter(area_code="E3")["rank"].null_count() == table.filter(area_code="E3").height
    best = table.filter(rank=1)
    assert best["area_code"].to_list() == ["E1", "E2"]
    weekday = pl.DataFrame({"hour": np.arange(24)}).with_columns(
        true=pl.Series(
            np.mean(
                [home.presence.home[day].reshape(24, 2).min(axis=1) > 0 for home in kept for day in range(60)], axis=0
            )
        )
    )
    said = table.filter(day_type="weekday", area_code="E1").join(weekday, on="hour")
    assert said.select(pl.corr("estimate", "true")).item() > 0.8
    assert set(table["hour"]) == set(range(9, 20))
    assert "meter" not in table.columns
    assert set(fieldwork(presence, areas, FieldworkParameters(from_hour=18))["hour"]) == {18, 19}


def test_presence_needs_a_row_for_a_row():
    rows = half_hours_of(np.zeros((1, 3, 48)))
    with pytest.raises(ValueError, match="shape"):
        presence_by_hour(rows, np.zeros((2, 48)))
    nothing = presence_by_hour(rows, np.full((3, 48), np.nan))
    assert nothing.height == 0
