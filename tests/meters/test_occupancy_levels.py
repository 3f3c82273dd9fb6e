"""What homes have in common tells quiet from empty; where readings say nothing, the time of day speaks."""

import datetime as dt
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.meters.occupancy import (
    PopulationParameters,
    area_under_curve,
    expected_calibration_error,
    occupancy_of_homes,
    occupancy_probabilities,
    occupancy_table,
    population_of_parts,
)
from ons_assets.meters.occupancy.hmm import time_of_day
from ons_assets.meters.occupancy.population import beforehand, population
from ons_assets.parameters.meters import OccupancyParameters
from ons_assets.simulate.meters import Scale, simulated_homes
from tests.meters.homes import half_hours_of

WAKING = slice(12, 44)


@pytest.fixture(scope="module")
def world():
    """Forty homes of six weeks that no parameter was chosen on, vacant and second homes among them."""
    homes = list(simulated_homes(Scale("test", homes=40, days=42, start=dt.date(2010, 2, 1)), seed=31))
    kwh = np.stack([np.where(home.kwh < 0, np.nan, home.kwh) for home in homes]).astype(np.float32)
    return kwh, np.stack([home.presence.home > 0 for home in homes]).astype(float)


def of_all(kwh):
    offsets = np.arange(len(kwh) + 1) * kwh.shape[1]
    return occupancy_of_homes(kwh.reshape(-1, 48), offsets).reshape(kwh.shape)


def levels_of(rng, homes):
    base = rng.normal(-2.5, 0.9, homes)
    return pl.DataFrame(
        {
            "layout": rng.choice(["cer", "low_carbon_london"], homes),
            "dwelling_type": pl.Series([None] * homes, dtype=pl.String()),
            "base": base,
            "upper": -0.4 + 0.6 * (base + 2.5) + rng.normal(0, 0.3, homes),
            "variance": np.full(homes, 0.6),
            "readings": np.full(homes, 2000),
        }
    )


def test_where_it_says_p_somebody_is_home_in_p_of_the_half_hours(world):
    kwh, occupied = world
    said, seen = of_all(kwh)[..., WAKING], occupied[..., WAKING]
    assert expected_calibration_error(said, seen) <= 0.05
    assert np.mean(seen[said < 0.1]) <= 0.12
    assert area_under_curve(said, seen) >= 0.9


@pytest.mark.parametrize("kwh", [0.0, 0.016, 0.05, 0.4, 3.0])
def test_a_constant_load_says_nothing_so_the_time_of_day_does(kwh):
    said = occupancy_probabilities(np.full((20, 48), kwh))
    np.testing.assert_allclose(said, np.tile(time_of_day(), (20, 1)), atol=1e-5)


def test_the_time_of_day_is_that_of_people():
    usual = time_of_day()
    assert 0.6 < usual[WAKING].mean() < 0.8
    assert usual[6:10].min() > 0.8
    assert usual[20:32].mean() < usual[38:44].mean()


@pytest.mark.parametrize("cycle", [(0.03, 0.08), (0.03, 0.03, 0.08), (0.08, 0.08, 0.03, 0.03)])
def test_a_refrigerator_alone_is_nobody_and_the_same_shape_of_people_is_somebody(cycle):
    alone = np.resize(cycle, (40, 48))
    assert occupancy_probabilities(alone)[1:, WAKING].mean() < 0.2
    assert occupancy_probabilities(alone)[1:].max() < 0.5
    assert occupancy_probabilities(alone * 6)[:, WAKING].mean() > 0.7


def test_more_use_of_the_same_shape_is_not_less_presence(world):
    kwh, _ = world
    said = [np.nanmean(of_all(kwh[:12] * factor)[..., WAKING], axis=(1, 2)) for factor in (0.35, 0.6, 1.0, 1.7, 2.9)]
    for less, more in pairwise(said):
        # The fit of a single home may tip a little the other way; that of a dozen does not.
        assert np.all(more >= less - 0.06)
        assert more.mean() >= less.mean()


def test_a_reading_far_below_the_base_is_no_sign_of_people(world):
    home = world[0][1].copy()
    home[20, 24:30] = np.nanquantile(home, 0.1)
    quiet = occupancy_probabilities(home)[20, 24:30]
    home[20, 24:30] = 0.0
    assert np.all(occupancy_probabilities(home)[20, 24:30] <= quiet + 0.02)


def test_the_order_of_homes_and_the_parts_do_not_change_a_bit():
    rng = np.random.default_rng(5)
    rows = levels_of(rng, 300)
    parameters = PopulationParameters()
    once = population(rows, parameters)
    assert population(rows.sample(fraction=1, shuffle=True, seed=1), parameters) == once
    assert set(once.layouts) == {"cer", "low_carbon_london"}
    assert once.of("another") == once.of("another", "flat") == once.everywhere


def test_a_home_is_held_against_the_narrowest_group_that_is_known():
    rng = np.random.default_rng(8)
    parameters = PopulationParameters()
    flats, houses = levels_of(rng, 400), levels_of(rng, 400).with_columns(pl.col("base", "upper") + 0.7)
    types = pl.Series(["flat"] * 400 + ["detached"] * 400)
    known = population(pl.concat([flats, houses]).with_columns(dwelling_type=types), parameters)
    for layout, of_layout in known.layouts.items():
        assert known.of(layout) == known.of(layout, "yurt") == of_layout
        small, large = known.of(layout, "flat").base, known.of(layout, "detached").base
        assert large - small == pytest.approx(0.7, abs=0.2)
        assert small < of_layout.base < large
    few = population(pl.concat([flats, houses[:1]]).with_columns(dwelling_type=types[:401]), parameters)
    layout = houses["layout"][0]
    assert abs(few.of(layout, "detached").base - few.of(layout).base) < 0.2


def test_types_of_dwelling_are_found_by_the_meter_whatever_the_part(world):
    rows = half_hours_of(world[0][:9]).with_columns(layout=pl.lit("cer"))
    dwellings = pl.DataFrame({"meter": [8, 2, 3, 77], "dwelling_type": ["flat", "flat", None, "detached"]})
    parts = [rows.filter(pl.col("meter") < 4), rows.filter(pl.col("meter") >= 4)]
    together, apart = (population_of_parts(each, None, dwellings) for each in ([rows], parts))
    assert together == apart
    assert set(together.dwellings) == {("cer", "flat")}
    whole = occupancy_table(rows, None, together, dwellings)
    assert whole.equals(pl.concat([occupancy_table(part, None, apart, dwellings) for part in parts]))
    untyped = occupancy_table(rows, None, together)
    differs = whole.join(untyped, on=["meter", "day"]).filter(
        pl.col("occupied_probability") != pl.col("occupied_probability_right")
    )
    assert set(differs["meter"]) == {2, 8}


def test_many_homes_show_their_levels_and_few_keep_to_what_is_known():
    rng = np.random.default_rng(6)
    parameters = PopulationParameters()
    many = population(levels_of(rng, 4_000), parameters).everywhere
    assert many.base == pytest.approx(-2.5, abs=0.06)
    assert many.base_sd == pytest.approx(0.9, abs=0.05)
    assert many.active_by_base == pytest.approx(0.6, abs=0.05)
    assert many.active == pytest.approx(-0.4 - parameters.active_below_upper, abs=0.06)
    assert many.active_sd == pytest.approx(0.3, abs=0.05)
    prior = beforehand(parameters)
    few = population(levels_of(rng, 1), parameters).everywhere
    assert abs(few.base - prior.base) < 0.2
    none = population(levels_of(rng, 50).with_columns(variance=pl.lit(0.0)), parameters)
    np.testing.assert_allclose(
        [none.everywhere.base, none.everywhere.base_sd, none.everywhere.active_sd],
        [prior.base, prior.base_sd, prior.active_sd],
    )


@given(st.floats(0.3, 3.0))
@settings(max_examples=5, deadline=None)
def test_levels_move_with_the_homes_once_there_are_many(factor):
    """A world in another unit of use has the same levels beside its own: no absolute number is left in them."""
    parameters = PopulationParameters(prior_homes=1e-6)
    rows = levels_of(np.random.default_rng(7), 500)
    moved = rows.with_columns(pl.col("base", "upper") + np.log(factor))
    here, there = (population(each, parameters).everywhere for each in (rows, moved))
    assert there.base - here.base == pytest.approx(np.log(factor), abs=1e-4)
    assert there.active - here.active == pytest.approx(np.log(factor), abs=1e-4)
    assert there.active_by_base == pytest.approx(here.active_by_base, abs=1e-4)


def test_parts_of_the_table_make_one_population(world):
    kwh = world[0][:9]
    rows = half_hours_of(kwh).with_columns(layout=pl.lit("cer"))
    parts = [rows.filter(pl.col("meter") < 4), rows.filter(pl.col("meter") >= 4)]
    together, apart, turned = (population_of_parts(each) for each in ([rows], parts, parts[::-1]))
    assert together == apart == turned
    whole = occupancy_table(rows, None, together)
    assert whole.equals(pl.concat([occupancy_table(part, None, apart) for part in parts]))
    assert not whole.equals(occupancy_table(rows))
    assert population_of_parts([rows], OccupancyParameters(method="geoma")) is None
    assert population_of_parts([]) is None
