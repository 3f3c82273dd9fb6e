from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.mobility import commutes, infer_anchors, main_places
from ons_assets.mobility.evidence import split_by_day, weigh, weights_of
from ons_assets.parameters.mobility import WeeklyProfile

MONDAY = datetime(2014, 6, 2)


def days(user, place, start_hour, end_hour, first, last, weekdays=range(7), **more):
    """A stay a day; hours beyond 24 are on the next day."""
    return [
        {
            "user": user,
            "place": place,
            "start": MONDAY + timedelta(days=day, hours=start_hour),
            "end": MONDAY + timedelta(days=day, hours=end_hour),
            **more,
        }
        for day in range(first, last + 1)
        if day % 7 in weekdays
    ]


def frame(*groups):
    return pl.DataFrame([row for group in groups for row in group])


WEEK = range(5)


def test_home_and_work_of_an_ordinary_life():
    found = infer_anchors(frame(days(1, "flat", 19, 31, 0, 60), days(1, "office", 9, 17, 0, 60, WEEK)))
    assert found.select("place", "anchor").rows() == [("flat", "home"), ("office", "work")]
    assert found["from"][0] == date(2014, 6, 2)
    assert (found["confidence"] > 0.99).all()


def test_a_move_has_a_date_and_a_holiday_has_none():
    moved = infer_anchors(frame(days(1, "old", 20, 31, 0, 49), days(1, "new", 20, 31, 50, 110)))
    assert moved.select("place", "from", "to").rows() == [
        ("old", date(2014, 6, 2), date(2014, 7, 21)),
        ("new", date(2014, 7, 22), date(2014, 9, 21)),
    ]
    away = frame(days(1, "old", 20, 31, 0, 29), days(1, "hotel", 20, 31, 30, 43), days(1, "old", 20, 31, 44, 80))
    assert infer_anchors(away)["place"].to_list() == ["old"]


def test_tweets_without_length_are_stays():
    evenings = days(7, 3, 22, 22, 0, 40)
    lunches = days(7, 4, 12, 12, 0, 40, WEEK)
    found = infer_anchors(frame(evenings, lunches))
    assert found.select("place", "anchor").rows() == [(3, "home"), (4, "work")]


def test_the_class_of_an_address_decides_for_those_who_work_at_night():
    shifts = (days(1, "factory", 22, 30, 0, 60), days(1, "house", 31, 45, 0, 60))
    # A limit that docs/methods/anchors.md states: without a class, the night decides.
    assert infer_anchors(frame(*shifts)).filter(anchor="home")["place"].to_list() == ["factory"]
    classes = frame(
        [{**stay, "address_class": "commercial"} for stay in shifts[0]],
        [{**stay, "address_class": "residential"} for stay in shifts[1]],
    )
    assert infer_anchors(classes).filter(anchor="home")["place"].to_list() == ["house"]


def test_study_is_at_an_address_of_education_and_in_term():
    stays = frame(
        days(1, "hall", 20, 31, 0, 100, address_class="residential"),
        days(1, "university", 10, 16, 0, 100, WEEK, address_class="education"),
    )
    assert infer_anchors(stays)["anchor"].to_list() == ["home", "study"]
    term = infer_anchors(stays, terms=[(date(2014, 6, 9), date(2014, 6, 20))]).filter(anchor="study")
    assert term.select("from", "to").rows() == [(date(2014, 6, 9), date(2014, 6, 20))]
    assert infer_anchors(stays, terms=[])["anchor"].to_list() == ["home"]


def test_too_little_evidence_is_no_anchor():
    assert infer_anchors(frame(days(1, "a", 19, 23, 0, 0))).is_empty()


def test_no_stays_give_no_anchors():
    empty = frame(days(1, "a", 22, 30, 0, 0)).clear()
    assert infer_anchors(empty).columns == ["user", "place", "anchor", "from", "to", "confidence", "evidence_days"]


def test_confidence_falls_when_another_place_comes_near():
    sure = infer_anchors(frame(days(1, "a", 22, 30, 0, 20)))
    torn = infer_anchors(frame(days(1, "a", 22, 30, 0, 20, range(4)), days(1, "b", 22, 30, 0, 20, range(4, 7))))
    assert sure["confidence"][0] > 0.99 > torn["confidence"][0] > 0.5


def test_what_is_wrong_with_stays_is_said():
    stays = frame(days(1, "a", 22, 30, 0, 5))
    with pytest.raises(ValueError, match="missing: place"):
        infer_anchors(stays.drop("place"))
    with pytest.raises(ValueError, match="local clock"):
        infer_anchors(stays.with_columns(pl.col("start").dt.replace_time_zone("UTC")))
    with pytest.raises(ValueError, match="ends before"):
        infer_anchors(stays.rename({"start": "end", "end": "start"}))


def test_the_order_of_stays_makes_no_difference():
    generator = np.random.default_rng(11)
    start = [MONDAY + timedelta(hours=int(hour)) for hour in generator.integers(0, 2_400, 2_000)]
    stays = pl.DataFrame(
        {"user": generator.integers(0, 20, 2_000), "place": generator.integers(0, 5, 2_000), "start": start}
    ).with_columns(end=pl.col("start") + pl.duration(hours=3))
    once = infer_anchors(stays)
    again = infer_anchors(stays.sample(fraction=1, shuffle=True, seed=3))
    assert once.equals(again)


def test_commutes_pair_what_overlaps():
    stays = frame(
        days(1, "old", 19, 31, 0, 59), days(1, "new", 19, 31, 60, 120), days(1, "office", 9, 17, 0, 120, WEEK)
    )
    found = commutes(infer_anchors(stays))
    assert found.select("purpose", "home", "destination").rows() == [
        ("work", "old", "office"),
        ("work", "new", "office"),
    ]
    assert (found["from"] <= found["to"]).all()


@settings(deadline=None)
@given(start=st.integers(0, 24 * 30), length=st.integers(1, 60))
def test_the_weight_of_a_stay_is_the_sum_over_its_minutes(start, length):
    profile = WeeklyProfile(night=1, evening=0.5, weekend=0.3, working=-0.1)
    begin = MONDAY + timedelta(hours=start, minutes=20)
    end = begin + timedelta(hours=length)
    stay = pl.DataFrame({"user": [1], "place": [1], "start": [begin], "end": [end]})
    pieces = split_by_day(stay.lazy(), 0.5).with_columns(weight=weigh(profile)).collect()
    weights = weights_of(profile)
    minutes = sum(
        weights[(moment.weekday() * 24 + moment.hour)] / 60
        for moment in (begin + timedelta(minutes=minute) for minute in range(length * 60))
    )
    # Hours since 1970 are large: their differences are exact to less than the nine decimals of evidence.
    assert pieces["weight"].sum() == pytest.approx(minutes, abs=1e-9)
    assert pieces["day"].n_unique() == len(pieces)


def test_real_people(shared_data):
    """The figures of docs/methods/anchors.md: 98.8 % of homes and 95.9 % of places of work."""
    stops = pl.read_parquet(shared_data / "geo" / "traces" / "labelled_stops.parquet").select(
        user="useruuid",
        place="loc",
        start=pl.from_epoch("start").cast(pl.Datetime("us")),
        end=pl.from_epoch("end").cast(pl.Datetime("us")),
        truth="true_location_type",
    )
    found = infer_anchors(stops.drop("truth"))
    labels = stops.group_by("user", "place").agg(pl.col("truth").first())
    shares = {}
    for anchor, label in (("home", "H"), ("work", "W")):
        people = labels.filter(truth=label).select("user").unique()
        main = people.join(main_places(found).filter(anchor=anchor), on="user", how="left")
        main = main.join(labels, on=["user", "place"], how="left")
        shares[anchor] = (main["truth"] == label).fill_null(False).mean()
    assert shares["home"] >= 0.985
    assert shares["work"] >= 0.95
    second = found.filter(anchor="second_home").join(labels, on=["user", "place"])
    assert (second["truth"] == "H").mean() >= 0.8
    sure = found.filter((pl.col("anchor") == "work") & (pl.col("confidence") >= 0.5)).join(labels, on=["user", "place"])
    # What is said is what is right, to within what chance does to 130 places.
    assert (sure["truth"] == "W").mean() == pytest.approx(sure["confidence"].mean(), abs=0.08)
