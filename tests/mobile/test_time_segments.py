"""Segments of time: they cover the days, and say what the events say."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.engine.local import worked_here
from ons_assets.mobile.plan import ABROAD, COUNTRY_CODES, CellPlan
from ons_assets.mobile.segment_tables import overlapping_cells, segment_tables
from ons_assets.mobile.time_segments import AWAY, MOVE, STAY, UNDETERMINED, UNKNOWN, hours_abroad, time_segments
from ons_assets.parameters.mobile_tourism import TimeSegmentParameters
from tests.mobile.test_operator_side import PLAN

DAY_S, HOUR_S = 86_400, 3_600
MIDNIGHTS = np.arange(8) * DAY_S
FRANCE, SPAIN = ABROAD - 208, ABROAD - 214
MONDAY = date(2014, 10, 6)


def made(*events, overlapping=frozenset(), **changed):
    """(hour, place) of one device."""
    hours, places = zip(*events, strict=True)
    times = np.array([round(hour * HOUR_S) for hour in hours])
    return time_segments(
        np.ones(len(times), dtype=np.int64),
        times,
        np.array(places, dtype=np.int64),
        MIDNIGHTS,
        TimeSegmentParameters(**changed),
        overlapping=overlapping,
    )


def said(segments):
    """(state, first hour, last hour, place or country)."""
    return [
        (state, start / HOUR_S, end / HOUR_S, place if mcc is None else mcc)
        for state, start, end, place, mcc in segments.select(
            "segment_state", "start_s", "end_s", "place", "mcc"
        ).iter_rows()
    ]


def test_two_places_in_one_second_are_two_stays():
    both = said(made((8, 1), (10, 1), (10, 2), (12, 2), pad_minutes=0))
    assert [each for each in both if each[0] != UNKNOWN] == [(STAY, 8, 10, 1), (STAY, 10, 12, 2)]
    # Unless they may be one.
    one = said(made((8, 1), (10, 1), (10, 2), (13, 2), pad_minutes=0, overlapping=frozenset({(1, 2), (2, 1)})))
    assert [each for each in one if each[0] != UNKNOWN] == [(STAY, 8, 13, 2)]


def plain(times, places, parameters):
    """State of every minute of one device, from the definitions, one minute after the other; places do not overlap."""
    first, last = times[0] // DAY_S * DAY_S, (times[-1] // DAY_S + 1) * DAY_S
    pad = parameters.pad_minutes * 60
    found = []
    for minute in range(first // 60, last // 60):
        at = minute * 60 + 30
        later = bisect_right(times, at)
        before, after = (later - 1 if later else None), (later if later < len(times) else None)
        if before is None or after is None:
            near = after if before is None else before
            found.append(places[near] if abs(times[near] - at) < pad else None)
            continue
        gap, one, other = times[after] - times[before], places[before], places[after]
        early = at < times[before] + gap // 2
        if one <= ABROAD or other <= ABROAD:
            if gap <= parameters.silent_abroad_hours * HOUR_S:
                half = one if early else other
                crossing = "moves" if gap <= parameters.silent_move_hours * HOUR_S else None
                near_event = min(at - times[before], times[after] - at) < min(pad, gap // 2)
                found.append(half if half <= ABROAD else (half if crossing is None and near_event else crossing))
                continue
        elif one == other and gap <= parameters.silent_stay_hours * HOUR_S:
            found.append(one)
            continue
        elif one != other and gap <= parameters.silent_move_hours * HOUR_S:
            found.append("moves")
            continue
        reach = min(pad, gap // 2)
        found.append(one if at - times[before] < reach else other if times[after] - at < reach else None)
    return found


EVENTS = st.lists(
    st.tuples(st.integers(0, 3 * 24 * 12 - 1), st.sampled_from([0, 1, 2, FRANCE, SPAIN])),
    min_size=1, max_size=14, unique_by=lambda event: event[0],
)  # fmt: skip


@given(EVENTS)
@settings(max_examples=40, deadline=None)
def test_segments_cover_each_day_once_and_are_what_the_definitions_say_of_every_minute(events):
    parameters = TimeSegmentParameters(silent_abroad_hours=20, pad_minutes=10)
    ordered = sorted(events)
    times = [five * 300 for five, _ in ordered]
    found = time_segments(
        np.ones(len(times), dtype=np.int64),
        np.array(times),
        np.array([place for _, place in ordered]),
        MIDNIGHTS,
        parameters,
    )
    days = range(times[0] // DAY_S, times[-1] // DAY_S + 1)
    assert found["day"].unique().sort().to_list() == list(days)
    for day in days:
        of_day = found.filter(day=day)
        ends = of_day["end_s"].to_list()
        assert of_day["start_s"].to_list() == [day * DAY_S, *ends[:-1]]
        assert ends[-1] == (day + 1) * DAY_S
    truth = plain(times, [place for _, place in ordered], parameters)
    middles = days[0] * DAY_S + np.arange(len(truth)) * 60 + 30
    at = np.searchsorted(found["start_s"].to_numpy(), middles, side="right") - 1
    rows = found.select("segment_state", "place", "mcc").rows()
    for kind, number in zip(truth, at, strict=True):
        state, place, mcc = rows[number]
        if kind is None or kind == "moves":
            assert state == (UNKNOWN if kind is None else MOVE)
        elif kind <= ABROAD:
            assert (state, mcc) == (AWAY, (ABROAD - kind) % COUNTRY_CODES)
        else:
            assert (state in (STAY, UNDETERMINED), place) == (True, kind)


def test_a_stay_is_longer_than_the_least_and_ends_where_the_silence_is_too_long():
    assert said(made((8, 1), (8.2, 1), (23, 1))) == [
        (UNKNOWN, 0, 8 - 1 / 12, None),
        (STAY, 8 - 1 / 12, 8.2 + 1 / 12, 1),
        (UNKNOWN, 8.2 + 1 / 12, 23 - 1 / 12, None),
        (UNDETERMINED, 23 - 1 / 12, 23 + 1 / 12, 1),
        (UNKNOWN, 23 + 1 / 12, 24, None),
    ]


def test_cells_are_one_place_only_if_all_of_them_overlap():
    chain = frozenset({(1, 2), (2, 1), (2, 3), (3, 2)})
    drives = made((8, 1), (9, 2), (10, 3), (11, 3), pad_minutes=0, overlapping=chain)
    assert [row[0] for row in said(drives)] == [UNKNOWN, STAY, MOVE, STAY, UNKNOWN]
    stays = made((8, 1), (9, 2), (10, 3), (12, 3), pad_minutes=0, overlapping=chain | {(1, 3), (3, 1)})
    assert said(stays)[1] == (STAY, 8, 12, 3)


def test_what_one_device_overlaps_is_nothing_to_the_next():
    found = time_segments(
        np.array([1, 1, 2, 2]),
        np.array([8, 9, 8, 9]) * HOUR_S,
        np.array([1, 2, 2, 3]),
        MIDNIGHTS,
        overlapping=frozenset({(1, 2), (2, 1), (2, 3), (3, 2)}),
    )
    assert found.filter(segment_state=STAY).select("user", "place").rows() == [(1, 1), (2, 2)]


def test_no_event_makes_no_segment():
    none = np.empty(0, dtype=np.int64)
    assert time_segments(none, none, none, MIDNIGHTS).is_empty()


# --- the table -----------------------------------------------------------------------------------------------


def row(hours, cell, plmn=None, user=1):
    moment = datetime(2014, 10, 6, tzinfo=UTC) + timedelta(hours=hours)
    return "north", user, moment, moment.date(), cell, plmn


def table(*rows, days=(MONDAY, MONDAY + timedelta(20)), home=frozenset({"234"})):
    schema = {
        "operator": pl.String(), "user": pl.Int64(), "time_utc": pl.Datetime("us", "UTC"), "event_date": pl.Date(),
        "cell_id": pl.String(), "plmn": pl.String(),
    }  # fmt: skip
    events = pl.DataFrame(rows, schema=schema, orient="row")
    return pl.concat(worked_here(segment_tables([events], CellPlan(PLAN.cells, home), days)))


def test_a_device_that_is_abroad_only_has_its_operator_and_its_country():
    found = table(row(9, None, "20801"), row(30, "z", "310260"), row(31, None, "310260"))
    abroad = found.filter(segment_state=AWAY)
    assert set(abroad["abroad_mcc"]) == {"208", "310"}
    assert found["operator"].unique().to_list() == ["north"]
    assert found["place"].is_null().all()


def test_a_network_of_the_country_is_not_abroad():
    found = table(row(9, "a", "23415"), row(10, "a", "23415"))
    assert found.filter(segment_state=STAY)["place"].to_list() == ["a"]


def test_days_are_those_of_the_local_clock_of_25_hours_too():
    found = table(row(24 * 18, "a"), row(24 * 22, "a"), days=(MONDAY, MONDAY + timedelta(22)))
    sunday = found.filter(day=date(2014, 10, 26))
    assert sunday["end_utc"].max() - sunday["start_utc"].min() == timedelta(hours=25)


def test_a_local_day_that_never_was_has_no_segment():
    """Samoa went from 29 to 31 December 2011."""
    hour = 3600
    midnights = np.array([0, 24, 48, 48, 72, 96]) * hour
    times = np.arange(1, 72, 6) * hour
    found = time_segments(np.ones(len(times), dtype=np.int64), times, np.zeros(len(times), dtype=np.int64), midnights)
    assert (found["start_s"] < found["end_s"]).all()
    assert found.group_by("user", "day", "start_s").len()["len"].max() == 1
    assert found.select((pl.col("end_s") - pl.col("start_s")).sum()).item() == 72 * hour


def test_hours_abroad_are_those_of_which_the_middle_is():
    found = table(row(9, None, "20801"), row(11.6, None, "20801"))
    hours = hours_abroad(found.filter(segment_state=AWAY), "Europe/London")
    # From 9:55 to 12:41 by the clock of the summer.
    assert hours["hours_mask"].to_list() == [1 << 10 | 1 << 11 | 1 << 12]


@pytest.mark.parametrize("zone", ["Europe/London", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_hours_abroad_are_those_of_the_local_clock(zone):
    begins = datetime(2014, 10, 7, 9, 20, tzinfo=ZoneInfo(zone))
    away = pl.DataFrame({"user": [1], "day": [begins.date()], "start_utc": [begins.astimezone(UTC)]}).with_columns(
        end_utc=pl.col("start_utc") + pl.duration(minutes=50)
    )
    assert hours_abroad(away, zone)["hours_mask"].to_list() == [1 << 9]


def test_cells_overlap_by_name_whatever_form_they_have():
    near = pl.DataFrame(
        {"operator": ["north"] * 2, "cell_id": ["a", "a"], "other_cell_id": ["a2", "b"], "overlap": [0.5, 0.1]}
    )
    assert overlapping_cells(near, PLAN) == {(0, 1), (1, 0)}


@pytest.mark.parametrize("state", [STAY, AWAY])
def test_events_come_in_any_order(state):
    rows = [row(9, "a"), row(10, "a"), row(30, None, "20801"), row(31, None, "20801"), row(40, "b", user=2)]
    assert table(*rows).equals(table(*rows[::-1]))
    assert state in table(*rows)["segment_state"].to_list()
