"""Days without people and vacant homes as probabilities: calibrated on unseen homes, and consistent."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import gate
from ons_assets.lakehouse.gate import Suite
from ons_assets.meters.absence.day_signs import day_signs
from ons_assets.meters.absence.vacancy import PROBABILITIES, absence_tables
from ons_assets.meters.areas.fieldwork import fieldwork, presence_when_called
from ons_assets.meters.half_hours.daily import daily_consumption
from ons_assets.meters.occupancy import (
    brier_score,
    expected_calibration_error,
    occupancy_table,
    population_of_parts,
)
from ons_assets.meters.profiles.load_profiles import descriptors
from ons_assets.parameters.meters import FieldworkParameters, OccupancyParameters
from ons_assets.simulate.meters import SCALES, Scale, simulated_homes
from ons_assets.simulate.meters.presence import STATES, State
from tests.meters.homes import fridge_only, half_hours_of, ordinary_home, readings_of
from tests.meters.test_tables import EXPECTATIONS, absence_of, probabilities_of

HOMES, DAYS = 120, 200


@pytest.fixture(scope="module")
def homes() -> list:
    """Homes in which every kind of equipment is common, of a seed that nothing was chosen on."""
    scale = Scale("test", homes=HOMES, days=DAYS, equipment=SCALES["electric"].equipment)
    return list(simulated_homes(scale, seed=4321))


@pytest.fixture(scope="module")
def tables(homes: list) -> tuple[pl.DataFrame, pl.DataFrame]:
    return absence_tables(readings_of(homes))


def said(days: pl.DataFrame, name: str) -> np.ndarray:
    return days[f"{name}_probability"].to_numpy().reshape(-1, DAYS)


def test_days_without_people_are_as_frequent_as_said(homes: list, tables: tuple) -> None:
    days, spells = tables
    nobody = np.stack([home.presence.home.max(axis=1) == 0 for home in homes])
    empty = said(days, "empty")
    named = spells.with_columns(day=pl.date_ranges("first_day", "last_day")).explode("day").sort("meter", "day")
    hard = named["state"].is_in(["holiday", "vacant", "second_home"]).to_numpy().reshape(-1, DAYS).astype(float)
    bound = 0.015
    assert expected_calibration_error(empty, nobody) < bound
    assert expected_calibration_error(hard, nobody) > bound, "the names of spells are not probabilities"
    assert brier_score(empty, nobody) < min(brier_score(hard, nobody), 0.3 * nobody.mean() * (1 - nobody.mean()))
    assert nobody[empty < 0.1].mean() < 0.03
    assert nobody[empty > 0.9].mean() > 0.9


def test_vacant_homes_are_as_frequent_as_said(homes: list, tables: tuple) -> None:
    days, _ = tables
    vacant = np.stack([home.presence.state == STATES.index(State.VACANT) for home in homes])
    assert 0 < vacant.any(axis=1).sum() < HOMES / 4
    assert expected_calibration_error(said(days, "vacant"), vacant) < 0.03
    assert brier_score(said(days, "vacant"), vacant) < 0.4 * vacant.mean() * (1 - vacant.mean())


def test_what_a_home_is_adds_up_and_does_not_depend_on_others(homes: list, tables: tuple) -> None:
    days, spells = tables
    for frame in tables:
        both = frame["vacant_probability"] + frame["second_home_probability"]
        assert both.is_between(0, 1).all()
    assert days.select(pl.col(PROBABILITIES).is_between(0, 1).all()).row(0) == (True, True, True)
    # A home is a second home all the time, and a spell says what its days say.
    assert days.select("meter", "second_home_probability").unique().height == HOMES
    of_days = days.group_by("meter").agg(pl.col("vacant_probability").sum()).sort("meter")
    weighed = spells.group_by("meter").agg((pl.col("vacant_probability") * pl.col("spell_days")).sum()).sort("meter")
    np.testing.assert_allclose(of_days["vacant_probability"], weighed["vacant_probability"], atol=1e-9)
    alone, _ = absence_tables(readings_of(homes[5:6]))
    assert alone.drop("meter").equals(days.filter(meter=5).drop("meter"))
    for name, frame in zip(("daily_absence", "vacancy"), tables, strict=True):
        table = CATALOGUE[f"meters/{name}"]
        assert not gate.audit(Suite.load(EXPECTATIONS, table.name), table, table.conform(frame)).is_critical


def test_nothing_is_said_of_a_home_without_readings() -> None:
    days, spells = absence_tables(half_hours_of(np.full((1, 40, 48), np.nan)))
    assert days.height == 40
    assert days.select(pl.col(PROBABILITIES).null_count()).row(0) == (40, 40, 40)
    assert spells.select("state", "probability", "vacant_probability").row(0) == ("unknown", None, None)
    assert absence_tables(half_hours_of(np.zeros((1, 3, 48))).clear())[0].is_empty()


def test_a_day_that_is_missing_is_not_an_absence() -> None:
    home = ordinary_home(60)
    home[30:34] = np.nan
    whole, _ = absence_tables(half_hours_of(home[None]))
    assert whole["empty_probability"].max() < 0.1
    rows = half_hours_of(ordinary_home(60)[None])
    gone, _ = absence_tables(rows.filter(~pl.col("day").is_between(dt.date(2010, 2, 3), dt.date(2010, 2, 6))))
    assert gone.height == 60
    assert gone["empty_probability"].max() < 0.1


def test_using_twice_as_much_does_not_make_a_lived_in_home_empty(homes: list, tables: tuple) -> None:
    twice, _ = absence_tables(readings_of(homes).with_columns(kwh=pl.col("kwh") * 2))
    was, is_now = said(tables[0], "empty"), said(twice, "empty")
    # More use is never better evidence of absence, but that what is usual moves too.
    assert np.mean(is_now > was + 0.05) < 0.002
    assert is_now.mean() <= was.mean()


def test_the_longer_an_absence_the_likelier_nobody_lives_there() -> None:
    absent = [7, 21, 42, 84]
    rows = np.stack(
        [np.concatenate([ordinary_home(60), fridge_only(days), ordinary_home(100 - days, 2)]) for days in absent]
    )
    days, _ = absence_tables(half_hours_of(rows))
    vacant = days.group_by("meter").agg(pl.col("vacant_probability").max()).sort("meter")["vacant_probability"]
    assert vacant.is_sorted()
    assert vacant[0] < 0.02
    assert vacant[3] > 0.3
    unended, _ = absence_tables(half_hours_of(rows[2:3, :102]))
    assert unended["vacant_probability"][-1] > vacant[2], "nobody has come back yet"


@pytest.mark.parametrize("night", [slice(1, 15), slice(1, 8)])
def test_heaters_of_the_night_and_a_steady_heat_pump_are_not_people(night: slice) -> None:
    home = fridge_only(80)
    home[:40] = ordinary_home(40)
    plain, _ = absence_tables(half_hours_of(home[None]))
    charged, pumped = home.copy(), home + 0.4
    charged[:, night] += 2.0
    both, _ = absence_tables(half_hours_of(np.stack([charged, pumped])))
    for meter in (0, 1):
        heated = both.filter(meter=meter)["empty_probability"].to_numpy()
        assert heated[42:].min() > 0.9
        assert heated[:38].max() < 0.1
        assert np.abs(heated - plain["empty_probability"].to_numpy()).max() < 0.1


def test_signs_are_scaled_to_the_day_and_null_when_little_was_read() -> None:
    day = np.full(48, 0.1)
    day[36:40] = 0.65
    half = day.copy()
    half[16:32] = np.nan
    little = np.full(48, np.nan)
    little[34:46] = day[34:46]
    signs = day_signs(half_hours_of(np.stack([day, half, little])[None]))
    assert signs["evening_kwh"].to_list()[:2] == pytest.approx([0.55, 0.55], abs=1e-6)
    # Four half hours, 0.55 kWh above the base, less 0.05 kWh that refrigerators may be.
    assert signs["activity_kwh"].to_list()[:2] == pytest.approx([4 * 0.5, 4 * 0.5 * 2], abs=1e-5)
    assert signs["activity_kwh"][2] is None


def test_an_empty_home_with_panels_whose_export_is_kept_is_empty() -> None:
    rng = np.random.default_rng(1)
    noon = np.exp(-(((np.arange(48) - 25) / 6.0) ** 2))
    empty = np.minimum(fridge_only(60), 0.05 - 1.5 * noon * rng.random((60, 1)))
    # Its people were there for the first half, under the same sun.
    lived_in = empty.copy()
    lived_in[:30] += ordinary_home(30)
    days, spells = absence_tables(half_hours_of(np.stack([empty, lived_in])))
    assert spells.filter(meter=0)["state"].to_list() == ["vacant"]
    probability = days.filter(meter=1)["empty_probability"].to_numpy()
    assert probability[2:28].max() < 0.1
    assert probability[32:].min() > 0.9


def test_export_is_no_use_in_what_tells_of_people() -> None:
    rng = np.random.default_rng(2)
    kept = half_hours_of(rng.normal(0.1, 0.4, (3, 40, 48)))
    nothing = kept.with_columns(kwh=pl.col("kwh").list.eval(pl.element().clip(lower_bound=0)))
    assert day_signs(kept).equals(day_signs(nothing))
    assert descriptors(kept).equals(descriptors(nothing))
    told = ("base_kwh", "activity_kwh", "highest_kwh")
    daily, other = daily_consumption(kept), daily_consumption(nothing)
    assert daily.select(told).equals(other.select(told))
    assert (daily["energy_kwh"] < other["energy_kwh"]).all(), "the balance of the day is what was kept"
    parameters = OccupancyParameters()
    likely = []
    for rows in (each.with_columns(layout=pl.lit("of one trial")) for each in (kept, nothing)):
        likely.append(occupancy_table(rows, parameters, population_of_parts([rows], parameters)))
    assert likely[0].equals(likely[1], null_equal=True)


def test_calls_follow_how_likely_a_home_is_lived_in() -> None:
    values = np.full((3, 7, 48), 0.6)
    absence = absence_of({0: 0.1, 1: 0.6, 2: 0.4}, days=7)
    presence = presence_when_called(probabilities_of(values), absence)
    assert presence["meter"].unique().sort().to_list() == [0, 2], "the second is likely vacant"
    assert presence.filter(meter=0)["probability"].to_list() == pytest.approx([0.6] * presence.filter(meter=0).height)
    every = presence_when_called(probabilities_of(values), absence, (), FieldworkParameters(least_lived_in=0))
    assert every["meter"].n_unique() == 3
    away = absence_of({0: 0.0}, days=7, empty=0.9)
    held = presence_when_called(probabilities_of(values[:1]), away)
    assert held["probability"].to_list() == pytest.approx([0.1] * held.height, abs=1e-6)


def test_days_on_which_a_home_was_vacant_hardly_count() -> None:
    """Somebody moved in on Thursday: when they are in follows from the days since."""
    values = np.full((1, 7, 48), 0.8)
    values[0, :3] = 0.05
    absence = absence_of({0: 0.0}, days=7).with_columns(vacant_probability=pl.Series([0.99] * 3 + [0.01] * 4))
    table = presence_when_called(probabilities_of(values), absence).filter(day_type="weekday", hour=18)
    assert table["probability"].item() > 0.75
    areas = pl.DataFrame({"meter": [0], "area_code": ["A"]})
    assert fieldwork(presence_when_called(probabilities_of(values), absence), areas)["called_on"].to_list() != []


def test_rows_in_any_order_of_homes_say_the_same(homes: list, tables: tuple) -> None:
    half = HOMES // 2
    first, _ = absence_tables(readings_of(homes[:half]))
    later, _ = absence_tables(readings_of(homes[half:]))
    apart = pl.concat([first, later.with_columns(pl.col("meter") + half)])
    assert apart.equals(tables[0])
