"""Occupancy: the real home with truth, simulated homes, and input that has nothing to say."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.meters.occupancy import (
    METHODS,
    Calibration,
    HmmParameters,
    OccupancyClassifier,
    accuracy,
    area_under_curve,
    brier_score,
    cross_validated,
    expected_calibration_error,
    fit_calibration,
    occupancy_of_homes,
    occupancy_probabilities,
    reliability_curve,
)
from ons_assets.simulate.meters import Scale, simulated_homes

WAKING = slice(12, 44)


@pytest.fixture(scope="module")
def house(shared_data):
    rows = pl.read_csv(shared_data / "meters" / "eco_house2_half_hour.csv.gz", try_parse_dates=True)
    day, slot = rows["time_start"].dt.date().to_physical().to_numpy(), rows["slot"].to_numpy() - 1
    kwh = np.full((day.max() - day.min() + 1, 48), np.nan, dtype=np.float32)
    occupied = np.full(kwh.shape, np.nan)
    kwh[day - day.min(), slot] = rows["kwh"].to_numpy()
    occupied[day - day.min(), slot] = rows["occupied_share"].to_numpy() >= 0.5
    return kwh, occupied


@pytest.fixture(scope="module")
def homes():
    """Twelve simulated homes of eight weeks with somebody living there."""
    world = simulated_homes(Scale("test", homes=16, days=56, start=dt.date(2010, 4, 5)), seed=3)
    kept = [home for home in world if str(home.household.kind) == "main"][:12]
    kwh = np.stack([np.maximum(home.kwh, 0) for home in kept])
    return kwh, np.stack([home.presence.home > 0 for home in kept]).astype(float)


def test_the_default_finds_who_is_home_in_the_real_house(house):
    kwh, occupied = house
    probability = occupancy_probabilities(kwh)[:, WAKING]
    truth = occupied[:, WAKING]
    assert accuracy(probability, truth) >= 0.87
    assert area_under_curve(probability, truth) >= 0.94
    assert brier_score(probability, truth) <= 0.08
    assert expected_calibration_error(probability, truth) <= 0.06
    for method in ("mixture", "geoma", "threshold"):
        other = occupancy_probabilities(kwh, method=method)[:, WAKING]
        assert brier_score(other, truth) > brier_score(probability, truth)


def test_labels_do_better_by_day(house):
    kwh, occupied = house
    labels = np.full(occupied.shape, np.nan)
    labels[:, WAKING] = occupied[:, WAKING]
    probability = cross_validated(kwh, labels, n_trees=60)
    assert accuracy(probability, labels) >= 0.94
    assert area_under_curve(probability, labels) >= 0.975


def test_the_default_beats_the_others_on_simulated_homes(homes):
    kwh, occupied = homes
    rows, offsets = kwh.reshape(-1, 48), np.arange(len(kwh) + 1) * kwh.shape[1]
    score = {}
    for method in METHODS:
        probability = occupancy_of_homes(rows, offsets, method=method).reshape(kwh.shape)
        score[method] = brier_score(probability[..., WAKING], occupied[..., WAKING])
    assert min(score, key=score.__getitem__) == "hmm"
    assert METHODS[0] == "hmm"
    always_home = brier_score(np.ones(occupied[..., WAKING].shape), occupied[..., WAKING])
    assert score["hmm"] < 0.7 * always_home


def test_what_is_learned_from_some_homes_serves_others(homes):
    kwh, occupied = homes
    classifier = OccupancyClassifier(n_trees=40).fit(list(zip(kwh[:6], occupied[:6], strict=True)))
    learned = np.stack([classifier.probabilities(home) for home in kwh[6:]])
    truth = occupied[6:, :, WAKING]
    for method in ("mixture", "geoma", "threshold"):
        unaided = np.stack([occupancy_probabilities(home, method=method) for home in kwh[6:]])
        assert brier_score(learned[..., WAKING], truth) < 0.8 * brier_score(unaided[..., WAKING], truth)


def test_a_home_does_not_depend_on_its_neighbours(homes):
    kwh, _ = homes
    offsets = np.arange(len(kwh) + 1) * kwh.shape[1]
    together = occupancy_of_homes(kwh.reshape(-1, 48), offsets, n_threads=3).reshape(kwh.shape)
    assert np.array_equal(together[5], occupancy_probabilities(kwh[5]))


@given(st.sampled_from(METHODS), st.integers(0, 2**32), st.floats(0, 1), st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_probabilities_stand_where_readings_do(method, seed, missing, days):
    rng = np.random.default_rng(seed)
    kwh = rng.choice([0.0, 0.01, 0.05, 0.3, 2.0, -0.4], (days, 48))
    kwh[rng.random(kwh.shape) < missing] = np.nan
    probability = occupancy_probabilities(kwh, method=method)
    assert probability.shape == kwh.shape
    assert probability.dtype == np.float32
    assert np.isnan(probability[np.isnan(kwh)]).all()
    known = probability[np.isfinite(probability)]
    assert np.all((known >= 0) & (known <= 1))
    if method in ("hmm", "geoma"):
        assert np.isfinite(probability[np.isfinite(kwh)]).all()


@pytest.mark.parametrize("method", METHODS)
def test_missing_readings_change_little_elsewhere(house, method):
    kwh, occupied = house
    holes = kwh.copy()
    holes[np.random.default_rng(0).random(kwh.shape) < 0.1] = np.nan
    before = accuracy(occupancy_probabilities(kwh, method=method)[:, WAKING], occupied[:, WAKING])
    after = accuracy(occupancy_probabilities(holes, method=method)[:, WAKING], occupied[:, WAKING])
    assert abs(before - after) < 0.03


def test_people_asleep_are_at_home_and_people_at_work_are_not():
    kwh = np.full((28, 48), 0.05)
    kwh[:, 13:17] = 0.4
    kwh[:, 35:45] = 0.5
    probability = occupancy_probabilities(kwh)[7:21]
    assert probability[:, 2:10].min() > 0.9
    assert probability[:, 22:30].max() < 0.3
    assert probability[:, 36:44].min() > 0.95


def test_infinity_is_no_reading():
    kwh = np.full((10, 48), 0.1)
    kwh[3, 5] = np.inf
    probability = occupancy_probabilities(kwh)
    assert np.isnan(probability[3, 5])
    assert np.isfinite(np.delete(probability.ravel(), 3 * 48 + 5)).all()


def test_days_that_are_absent_break_the_chain():
    kwh = np.full((2, 48), 0.05)
    kwh[0, 40:] = 1.0
    near = occupancy_probabilities(kwh, day=[0, 1])
    far = occupancy_probabilities(kwh, day=[0, 40])
    assert near[1, 0] != far[1, 0]


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"shape \(days, 48\)"):
        occupancy_probabilities(np.zeros(48))
    with pytest.raises(ValueError, match="method must be one of hmm"):
        occupancy_probabilities(np.zeros((1, 48)), method="magic")
    with pytest.raises(ValueError, match="must be numbers"):
        occupancy_probabilities(np.full((1, 48), "x"))
    with pytest.raises(ValueError, match="train"):
        OccupancyClassifier().probabilities(np.zeros((1, 48)))
    with pytest.raises(ValueError, match="labels must include"):
        OccupancyClassifier().fit([(np.zeros((1, 48)), np.ones((1, 48)))])
    with pytest.raises(ValueError, match="dealt"):
        cross_validated(np.zeros((3, 48)), np.zeros((3, 48)))


def test_periods_cover_the_day_and_the_night_goes_over_midnight():
    groups = HmmParameters().groups()
    assert groups == [3] * 12 + [0] * 8 + [1] * 12 + [2] * 14 + [3] * 2


def test_a_calibration_takes_false_certainty_back():
    rng = np.random.default_rng(1)
    truth_odds = rng.normal(0, 1.5, 20_000)
    occupied = (rng.random(20_000) < 1 / (1 + np.exp(-truth_odds))).astype(float)
    too_sure = 1 / (1 + np.exp(-3 * truth_odds))
    calibration = fit_calibration(too_sure[:10_000], occupied[:10_000])
    assert calibration.slope == pytest.approx(1 / 3, abs=0.04)
    mended = calibration.apply(too_sure[10_000:])
    assert expected_calibration_error(mended, occupied[10_000:]) < 0.02
    assert expected_calibration_error(too_sure[10_000:], occupied[10_000:]) > 0.08
    assert np.isnan(calibration.apply(np.array([np.nan]))).all()
    assert Calibration(0.0, 1.0).apply(np.array([0.3]))[0] == pytest.approx(0.3)


def test_reliability_counts_what_was_said_and_seen():
    curve = reliability_curve([0.05, 0.05, 0.95, 1.0, np.nan], [0, 1, 1, 1, 1])
    assert curve["half_hours"].to_list() == [2, 2]
    assert curve["occupied_share"].to_list() == [0.5, 1.0]
    assert curve["bin_start"].to_list() == [0.0, 0.9]
    assert np.isnan(area_under_curve([0.2, 0.4], [1, 1]))
    with pytest.raises(ValueError, match="no half hour"):
        brier_score([np.nan], [1])
    with pytest.raises(ValueError, match="with and without"):
        fit_calibration([0.5, 0.6], [1, 1])
