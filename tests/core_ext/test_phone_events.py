import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_ext import clean_events, daily_evidence
from core_ext.phone_events import reference

X = np.array([0.0, 400.0, 900.0, 30_000.0, 30_500.0, np.nan, 90_000.0])
Y = np.array([0.0, 0.0, 700.0, 0.0, 300.0, np.nan, 0.0])
HOUR = 3_600


@st.composite
def events(draw, lowest_cell=0):
    n = draw(st.integers(0, 25))
    random = np.random.default_rng(draw(st.integers(0, 100_000)))
    user = random.integers(-2, 2, n)
    time = random.integers(0, draw(st.sampled_from([6, 600, 20 * HOUR, 60 * HOUR])) or 1, n)
    cell = random.integers(lowest_cell, len(X), n)
    order = np.lexsort((cell, time, user))
    return user[order], time[order], cell[order].astype(np.int32)


@settings(max_examples=200, deadline=None)
@given(made=events(lowest_cell=-2), ping_pong=st.sampled_from([0, 300, 7_200]), speed=st.sampled_from([5.0, 55.0]))
def test_cleaning_is_that_of_the_reference(made, ping_pong, speed):
    user, time, cell = made
    options = {"max_speed_m_s": speed, "ping_pong_s": ping_pong}
    flag, moved = clean_events(user, time, cell, X, Y, **options)
    flag_by_hand, moved_by_hand = reference.clean_events(user.tolist(), time.tolist(), cell.tolist(), X, Y, **options)
    assert flag.tolist() == flag_by_hand
    assert moved.tolist() == moved_by_hand


@settings(max_examples=40, deadline=None)
@given(
    made=events(),
    radius=st.sampled_from([0.0, 1_000.0, 50_000.0]),
    reach=st.sampled_from([0, 300, 900]),
    bridges=st.sampled_from([(0, 0), (7_200, 28_800)]),
)
def test_evidence_is_that_of_the_reference(made, radius, reach, bridges):
    user, time, cell = made
    profiles = np.random.default_rng(3).uniform(-1, 1, (2, 168))
    options = {
        "place_radius_m": radius,
        "reach_s": reach,
        "bridge_day_s": bridges[0],
        "bridge_night_s": bridges[1],
    }
    users, places, days, weights, of_user, of_cell, place, count = daily_evidence(
        user, time, cell, X, Y, profiles, **options
    )
    by_hand, places_by_hand = reference.daily_evidence(
        user.tolist(), time.tolist(), cell.tolist(), X, Y, profiles, **options
    )
    found = {key[:3]: key[3] for key in zip(users.tolist(), places.tolist(), days.tolist(), weights, strict=True)}
    assert found.keys() == by_hand.keys()
    for key, value in by_hand.items():
        assert found[key] == pytest.approx(value, abs=1e-6)
    assert (
        dict(zip(zip(of_user.tolist(), of_cell.tolist(), strict=True), place.tolist(), strict=True)) == places_by_hand
    )
    assert count.sum() == len(user)


@settings(max_examples=50, deadline=None)
@given(made=events())
def test_no_time_is_told_twice(made):
    user, time, cell = made
    users, _, days, weights, *_ = daily_evidence(user, time, cell, X, Y, np.ones((1, 168)))
    assert np.all(weights >= -1e-9)
    for device, day in set(zip(users.tolist(), days.tolist(), strict=True)):
        assert weights[(users == device) & (days == day)].sum() <= 24 + 1e-6


def test_a_spike_is_too_fast_but_a_journey_is_not():
    user, y = np.zeros(3, dtype=np.int64), np.zeros(7)
    spike, _ = clean_events(user, np.array([0, 60, 120]), np.array([0, 3, 0], dtype=np.int32), X, y)
    assert spike.tolist() == [0, 2, 0]
    journey, _ = clean_events(user, np.array([0, 1_800, 3_600]), np.array([0, 3, 0], dtype=np.int32), X, y)
    assert journey.tolist() == [0, 0, 0]


def test_a_jump_is_suspicious_on_both_sides_and_stays():
    user, y = np.zeros(4, dtype=np.int64), np.zeros(7)
    jump, _ = clean_events(user, np.array([0, 600, 660, 1_200]), np.array([0, 0, 3, 3], dtype=np.int32), X, y)
    assert jump.tolist() == [0, 5, 5, 0]
    # A spike in between leaves no suspicion on its neighbours.
    spike, _ = clean_events(user, np.array([0, 60, 120, 180]), np.array([0, 3, 0, 0], dtype=np.int32), X, y)
    assert spike.tolist() == [0, 2, 0, 0]


@settings(max_examples=100, deadline=None)
@given(made=events())
def test_nobody_is_left_at_two_places_at_once(made):
    user, time, cell = made
    flag, _ = clean_events(user, time, cell, X, Y)
    left = [(user[i], time[i], cell[i]) for i in range(len(user)) if flag[i] in (0, 3, 5)]
    for device, second, at in left:
        others = [each[2] for each in left if each[:2] == (device, second)]
        assert not any(np.hypot(X[at] - X[other], Y[at] - Y[other]) > 10_000 for other in others)
    # All events of that second go, whichever is written first.
    for i in np.flatnonzero(flag == 6):
        assert all(flag[j] in (1, 6) for j in range(len(user)) if (user[j], time[j]) == (user[i], time[i]))


def test_nothing_gives_nothing():
    none = np.empty(0, dtype=np.int64)
    flag, moved = clean_events(none, none, none.astype(np.int32), X, Y)
    assert len(flag) == len(moved) == 0
    assert all(len(part) == 0 for part in daily_evidence(none, none, none, X, Y, np.ones((1, 168))))


@pytest.mark.parametrize(
    ("user", "time", "cell", "message"),
    [
        ([2, 1], [0, 0], [0, 0], "sorted"),
        ([1, 1], [5, 0], [0, 0], "sorted"),
        ([1], [0], [7], "below the number of cells"),
        ([1], [0], [-1], "unknown cells"),
        ([1, 1], [0], [0], "one value for each event"),
    ],
)
def test_what_a_kernel_could_not_bear_is_refused(user, time, cell, message):
    with pytest.raises(ValueError, match=message):
        daily_evidence(user, time, cell, X, Y, np.ones((1, 168)))


def test_profiles_and_bridges_are_checked():
    one = np.array([0])
    with pytest.raises(ValueError, match="168"):
        daily_evidence(one, one, one, X, Y, np.ones((1, 24)))
    with pytest.raises(ValueError, match="a day"):
        daily_evidence(one, one, one, X, Y, np.ones((1, 168)), bridge_night_s=90_000)
