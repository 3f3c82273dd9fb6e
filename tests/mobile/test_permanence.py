"""Permanence scores against a plain definition, day by day, and rules over them against cases to think through."""

import statistics
from calendar import monthrange
from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.mobile.permanence import daily_permanence, longterm_permanence, midterm_permanence
from ons_assets.mobile.usual_environment import environment_of_areas, usual_environment, usual_environment_labels
from ons_assets.parameters.mobile import Mobile
from ons_assets.parameters.mobile_presence import PermanenceParameters, UsualEnvironmentParameters

MONDAY = date(2014, 10, 6)
NIGHT = range(18, 24)
EVERY = PermanenceParameters(
    periods=("all/all", "all/night", "workdays/working_hours", "weekends/evening", "holidays/all"),
    holidays=(MONDAY + timedelta(9), MONDAY + timedelta(30)),
)


def daily(*rows):
    """(user, place, day from Monday, hours)."""
    return pl.DataFrame(
        [(user, place, MONDAY + timedelta(day), sum(1 << hour for hour in hours)) for user, place, day, hours in rows],
        schema={"user": pl.Int64(), "place": pl.Int32(), "day": pl.Date(), "hours_mask": pl.Int32()},
        orient="row",
    )


# --- a day ---------------------------------------------------------------------------------------------


def test_a_quarter_of_an_hour_makes_an_hour_and_less_does_not():
    hours = np.zeros((3, 24))
    hours[0, 7], hours[0, 8] = 0.25 - 1e-9, 0.24
    hours[1, 23] = 1.0
    made = daily_permanence(
        np.array([1, 1, 2]), np.array([5, 6, 7], np.int32), np.array([16_000, 16_000, 16_001], np.int32), hours
    )
    assert made.rows() == [(1, 5, date(2013, 10, 22), 1 << 7), (1, 6, date(2013, 10, 22), 1 << 23)]


# --- months and seasons, against the definition ----------------------------------------------------------


def plain_scores(rows, parameters):
    """The scores of a month, hour by hour, as one would explain them."""
    spans = {"all": (4, 4), "night": (18, 8), "working_hours": (8, 17), "evening": (16, 22)}
    made = {}
    for period in parameters.periods:
        day_type, interval = period.split("/")
        start, end = spans[interval]
        visits, seen = defaultdict(lambda: defaultdict(set)), defaultdict(lambda: defaultdict(set))
        for user, place, day, hours in rows:
            for hour in hours:
                inside = start <= hour < end if start < end else hour >= start or hour < end
                of_day = MONDAY + timedelta(day - (start >= end and hour < end))
                free = of_day in parameters.holidays
                weekend = of_day.weekday() in parameters.weekend
                kinds = {"all": True, "workdays": not (free or weekend), "weekends": weekend, "holidays": free}
                if inside and kinds[day_type]:
                    visits[user, place][of_day].add((day, hour))
                    seen[user][of_day].add((day, hour))
        for (user, place), days in visits.items():
            for month in {each.replace(day=1) for each in days}:
                last = month.replace(day=monthrange(month.year, month.month)[1])
                here = sorted(each for each in days if month <= each <= last)
                reach = timedelta(parameters.around_days)
                before = [each for each in days if month - reach <= each < month] or [month - reach]
                after = [each for each in days if last < each <= last + reach] or [last + reach]
                points = [max(before), *here, min(after)]
                gaps = [(b - a).days for a, b in pairwise(points)]
                own = [each for each in seen[user] if month <= each <= last]
                made[user, place, month, day_type, interval] = (
                    sum(len(days[each]) for each in here), len(here), sum(len(seen[user][each]) for each in own),
                    len(own), statistics.mean(gaps), statistics.stdev(gaps),
                )  # fmt: skip
    return made


presence = st.lists(
    st.tuples(
        st.integers(1, 2), st.integers(1, 3), st.integers(0, 70), st.sets(st.integers(0, 23), min_size=1, max_size=5)
    ),
    min_size=1,
    max_size=25,
    unique_by=lambda row: row[:3],
)


@settings(max_examples=60, deadline=None)
@given(rows=presence)
def test_a_month_is_as_its_definition(rows):
    made = midterm_permanence(daily(*rows), EVERY)
    plain = plain_scores(rows, EVERY)
    assert made.select("user", "place", "month", "day_group", "time_interval").rows() == sorted(plain)
    for row in made.iter_rows():
        assert row[5:] == pytest.approx(plain[row[:5]], abs=1e-9)
    assert (made["permanence_hours"] <= made["observed_hours"]).all()


@settings(max_examples=30, deadline=None)
@given(rows=presence)
def test_a_season_is_the_sum_of_its_months(rows):
    monthly = midterm_permanence(daily(*rows), EVERY)
    seasonal = longterm_permanence(monthly)
    plain = defaultdict(list)
    names = {12: "winter", 9: "autumn", 10: "autumn", 11: "autumn"}
    for row in monthly.iter_rows(named=True):
        month = row["month"]
        season = f"{month.year + (month.month == 12)}-{names[month.month]}"
        for name in ("all", season):
            plain[row["user"], row["place"], name, row["day_group"], row["time_interval"]].append(row)
    assert len(seasonal) == len(plain)
    for row in seasonal.iter_rows(named=True):
        months = plain[row["user"], row["place"], row["year_season"], row["day_group"], row["time_interval"]]
        assert row["permanence_hours"] == sum(each["permanence_hours"] for each in months)
        assert row["days_there"] == sum(each["days_there"] for each in months)
        assert row["days_mean"] == pytest.approx(statistics.mean(each["days_there"] for each in months))
        means = [each["regularity_mean_days"] for each in months]
        assert row["regularity_mean_days"] == pytest.approx(statistics.mean(means))
        if len(months) > 1:
            assert row["regularity_std_days"] == pytest.approx(statistics.stdev(means))
        else:
            assert row["days_std"] is row["regularity_std_days"] is None


def test_hours_observed_are_of_all_months_though_a_place_is_seen_in_one():
    made = longterm_permanence(midterm_permanence(daily((1, 1, 0, NIGHT), (1, 2, 40, NIGHT))))
    whole = made.filter(year_season="all", day_group="all", time_interval="all")
    assert whole.select("place", "permanence_hours", "observed_hours", "observed_days").rows() == [
        (1, 6, 12, 2),
        (2, 6, 12, 2),
    ]


MULTIMNO = Mobile(preset="multimno").usual_environment.model_dump()

# --- labels ----------------------------------------------------------------------------------------------


def labels(*rows, **given):
    seasonal = longterm_permanence(midterm_permanence(daily(*rows))).filter(year_season="all")
    made = usual_environment_labels(seasonal, UsualEnvironmentParameters(**given))
    return {(row["user"], row["label"], row["place"]): row["label_rule"] for row in made.iter_rows(named=True)}


def days_of(user, hours_of_place, days=range(14)):
    return [
        (user, place, day, hours)
        for day in days
        for place, (hours, on) in hours_of_place.items()
        if on == "always" or (on == "workdays") == (day % 7 < 5)
    ]


AT_HOME = (*range(8), *range(17, 24))


def test_who_goes_to_work_has_a_home_by_nights_and_a_place_of_work():
    found = labels(*days_of(1, {1: (AT_HOME, "always"), 2: (range(8, 17), "workdays")}))
    assert found == {
        (1, "home", 1): "all_hours",
        (1, "usual", 1): "all_hours",
        (1, "work", 2): "working_hours",
        (1, "usual", 2): "all_hours",
    }


def test_of_eight_tenths_nights_make_the_home_that_hours_do_not():
    found = labels(*days_of(1, {1: (AT_HOME, "always"), 2: (range(8, 17), "always")}), **MULTIMNO)
    assert found[1, "home", 1] == "night_hours"


def test_a_fall_in_hours_hides_a_place_of_work_from_the_preset():
    rows = days_of(1, {1: (AT_HOME, "always"), 2: (range(8, 17), "workdays")})
    assert (1, "work", 2) not in labels(*rows, **MULTIMNO)
    assert labels(*rows, **(MULTIMNO | {"usual_gap_share": 1.0}))[1, "work", 2] == "working_hours"


def test_who_is_always_at_home_works_there_only_by_the_preset():
    found = labels(*days_of(1, {1: (range(24), "always")}), **MULTIMNO)
    assert labels(*days_of(1, {1: (range(24), "always")})) == {
        (1, "home", 1): "all_hours",
        (1, "usual", 1): "all_hours",
    }
    assert found == {(1, "home", 1): "all_hours", (1, "usual", 1): "all_hours", (1, "work", 1): "working_hours"}


def test_the_cascade_is_of_each_device_whatever_others_show():
    one = days_of(1, {1: (range(24), "always")})
    # A night here and there, and an hour of most nights at home: by days only.
    two = [(2, 1, day, (20, 21, 22)) for day in range(14)] + [(2, 2, day, (23, 1)) for day in range(0, 14, 2)]
    both = labels(*one, *two, **MULTIMNO)
    assert both[2, "home", 1] == labels(*two, **MULTIMNO)[2, "home", 1] == "night_days"
    assert both[1, "home", 1] == "all_hours"


def test_of_two_places_alike_neither_is_home_by_eight_tenths_and_either_may_be_by_less():
    # Weeks by turns, so that no night is divided.
    rows = days_of(1, {1: (range(24), "always")}, range(7)) + days_of(1, {2: (range(24), "always")}, range(7, 14))
    assert labels(*rows, **MULTIMNO) == {}
    assert {(label, place) for _, label, place in labels(*rows)} >= {("usual", 1), ("usual", 2), ("home", 2)}


def test_weekends_elsewhere_are_a_second_home_and_nights_at_work_are_not():
    away = [(1, 3, day, range(24)) for week in range(5) for day in (7 * week + 5, 7 * week + 6)]
    home = days_of(1, {1: (AT_HOME, "workdays"), 2: (range(8, 17), "workdays")}, range(35))
    found = labels(*home, *away)
    assert found[1, "second_home", 3] == "nights"
    assert (1, "home", 1) in found
    assert [key for key in found if key[1] == "second_home"] == [(1, "second_home", 3)]
    assert not any(label == "second_home" for _, label, _ in labels(*home, *away, second_home_days=16))


def test_a_device_that_is_hardly_seen_has_no_usual_environment():
    assert labels((1, 1, 0, (20,))) == {}
    assert (1, "home", 1) in labels((1, 1, 0, (20,)), least_hours=1, least_days=1)
    assert labels(*[(1, 1, day, (20, 21)) for day in range(3)]) == {}


def test_places_after_a_fall_in_hours_are_not_usual():
    rows = [
        (1, place, day, range(9 + 0, 9 + hours))
        for place, hours in ((1, 8), (2, 8), (3, 7), (4, 3))
        for day in range(10)
    ]
    usual = {place for _, label, place in labels(*rows, usual_share=0.0, usual_gap_share=0.2) if label == "usual"}
    assert usual == {1, 2, 3}
    assert {place for _, label, place in labels(*rows, usual_share=0.0) if label == "usual"} == {
        1,
        2,
        3,
        4,
    }


# --- areas -----------------------------------------------------------------------------------------------

PLACES = pl.DataFrame(
    [(1, 1, "A", 0.75), (1, 1, "B", 0.25), (1, 2, "B", 1.0), (2, 1, "A", 1.0)],
    schema=["user", "place", "area", "probability"],
    orient="row",
)


def labelled(*rows):
    return pl.DataFrame(
        [("north", *row[:1], "all", *row[1:]) for row in rows],
        schema=["operator", "user", "year_season", "place", "label"],
        orient="row",
    )


def test_every_device_counts_one_in_every_label():
    rows = labelled((1, 1, "usual"), (1, 2, "usual"), (1, 1, "home"), (2, 1, "usual"), (3, 9, "usual"), (3, 9, "home"))
    made = environment_of_areas(rows, PLACES)
    by_label = dict(made.group_by("label").agg(pl.col("devices").sum()).iter_rows())
    # The third is in no area.
    assert by_label == pytest.approx({"home": 2.0, "work": 2.0, "second_home": 2.0, "usual": 2.0})
    counted = {(row["label"], row["area"]): row["devices"] for row in made.iter_rows(named=True)}
    assert counted["usual", "A"] == pytest.approx(1.375)
    assert counted["home", "not_seen"] == 1.0
    assert counted["home", "A"] == pytest.approx(0.75)


def test_totals_are_the_sum_of_areas_and_the_same_for_all_labels():
    part = environment_of_areas(labelled((1, 1, "usual"), (1, 1, "home"), (2, 1, "usual"), (2, 1, "work")), PLACES)
    observed = pl.DataFrame({"operator": ["north"], "observed": ["2014-10-06/2014-10-19"]})
    made = usual_environment([part, part], observed)
    assert made.filter(area="all")["devices"].to_list() == [4.0] * 4
    listed = made.filter(pl.col("area") != "all").group_by("label").agg(pl.col("devices").sum())
    assert listed["devices"].to_list() == pytest.approx([4.0] * 4)


# --- parameters ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"periods": ("all/all", "all/night")}, "periods lack workdays/working_hours"),
        ({"periods": ("all/noon",)}, "pattern"),
        ({"work_start": 18}, "must end after they begin"),
        ({"present_minutes": 0}, "greater than 0"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        PermanenceParameters(**given)
