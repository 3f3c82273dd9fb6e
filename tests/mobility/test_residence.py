"""Where somebody lives, keeps a second home, sleeps at a hotel, or takes photos."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ons_assets.mobility import AnchorParameters, infer_anchors, main_places
from ons_assets.parameters.tweets import TweetAnchorParameters
from tests.mobility.test_anchors import WEEK, days, frame

WEEKENDS = (4, 5)


def anchors_of(*groups, **parameters):
    found = infer_anchors(frame(*groups), AnchorParameters(**parameters))
    return sorted(set(found.select("place", "anchor").rows()))


def test_a_home_at_weekends_is_a_second_home_and_no_work():
    """Whole Fridays there hold more weekday hours than short days at the office."""
    flat = days(1, "flat", 20, 31, 0, 130, (6, 0, 1, 2, 3))
    partner = days(1, "partner", 10, 34, 0, 130, WEEKENDS)
    office = days(1, "office", 9, 12, 0, 130, (1, 2))
    assert anchors_of(flat, partner, office) == [("flat", "home"), ("office", "work"), ("partner", "second_home")]


def test_an_office_stays_one_through_weeks_of_nights_there():
    nights = range(60, 96)
    home = [stay for day in range(150) if day not in nights for stay in days(1, "house", 22, 30, day, day)]
    shifts = days(1, "office", 9, 17, 0, 150, WEEK) + days(1, "office", 22, 30, nights[0], nights[-1])
    found = infer_anchors(frame(home, shifts))
    assert main_places(found).select("anchor", "place").rows()[-1] == ("work", "office")
    assert main_places(found).filter(anchor="home")["place"].to_list() == ["house"]


def test_a_holiday_is_no_second_home():
    away = days(1, "hotel", 20, 31, 40, 53)
    assert anchors_of(days(1, "flat", 20, 31, 0, 39), away, days(1, "flat", 20, 31, 54, 110)) == [("flat", "home")]


def test_a_second_home_lies_within_the_time_of_its_main_home():
    found = infer_anchors(
        frame(
            days(1, "old", 20, 31, 0, 70, (6, 0, 1, 2, 3)),
            days(1, "cottage", 18, 34, 0, 150, WEEKENDS),
            days(1, "new", 20, 31, 71, 150, (6, 0, 1, 2, 3)),
        )
    )
    homes, second = found.filter(anchor="home"), found.filter(anchor="second_home")
    assert homes["place"].to_list() == ["old", "new"]
    assert second["place"].to_list() == ["cottage", "cottage"]
    for spell, home in zip(second.iter_rows(named=True), homes.iter_rows(named=True), strict=True):
        assert home["from"] <= spell["from"] <= spell["to"] <= home["to"]


def test_without_addresses_neither_a_hotel_nor_a_sight_is_a_home():
    tourist = [*days(1, "hotel", 22, 22, 0, 12), *days(1, "sight", 14, 14, 0, 12)]
    photographer = days(2, "sight", 15, 15, 0, 200, (5, 6))
    resident = [*days(3, "flat", 21, 21, 0, 90, (0, 3)), *days(3, "sight", 15, 15, 0, 90, (5,))]
    found = infer_anchors(frame(tourist, photographer, resident), TweetAnchorParameters())
    assert found.filter(anchor="home").select("user", "place").rows() == [(3, "flat")]
    # An address says so at once.
    known = infer_anchors(frame(days(1, "flat", 22, 22, 0, 12, address_class="residential")), TweetAnchorParameters())
    assert known["anchor"].to_list() == ["home"]


def test_who_is_seen_by_day_now_and_then_is_not_seen_to_work():
    """Shops and parks of 40 people without work, against an office: the confidence parts them."""
    random = np.random.default_rng(4)
    monday = datetime(2014, 6, 2)
    stays = days(0, 0, 19, 31, 0, 120) + days(0, 9, 9, 17, 0, 120, WEEK)
    for user in range(1, 41):
        stays += days(user, 0, 17, 33, 0, 120)
        for day in range(120):
            if day % 7 < 5 and random.random() < 0.5:
                start = monday + timedelta(days=day, hours=int(random.integers(9, 16)))
                place = int(random.integers(1, 12))
                stays.append({"user": user, "place": place, "start": start, "end": start + timedelta(minutes=40)})
    work = infer_anchors(pl.DataFrame(stays)).filter(anchor="work")
    assert work.filter(pl.col("confidence") >= 0.5)["user"].to_list() == [0]


def test_confidence_is_a_probability_and_falls_with_rivals():
    one = infer_anchors(frame(days(1, "a", 19, 31, 0, 60), days(1, "office", 9, 17, 0, 60, WEEK)))
    two = infer_anchors(
        frame(
            days(1, "a", 19, 31, 0, 60), days(1, "office", 9, 17, 0, 60, (0, 1, 2)), days(1, "b", 9, 17, 0, 60, (3, 4))
        )
    )
    sure, torn = (each.filter(anchor="work")["confidence"][0] for each in (one, two))
    assert 1 > sure > 0.95 > torn > 0.5
