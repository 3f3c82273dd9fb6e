"""Trips of visitors, their nights and where they are spent, and what may be told of them."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from ons_assets.catalogue.mobile_tourism import TOURISM_VISITS
from ons_assets.engine.local import worked_here
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.mobile.countries import country_codes, foreign_devices, home_codes
from ons_assets.mobile.evidence import FLAGS, clean, sort_events
from ons_assets.mobile.located import Whereabouts
from ons_assets.mobile.places import daily_tables
from ons_assets.mobile.plan import CellPlan
from ons_assets.mobile.segment_tables import segment_tables
from ons_assets.mobile.tourism import all_trips, counts_of_trips, tourism
from ons_assets.mobile.trips import inbound_trips
from ons_assets.parameters.mobile import CleaningParameters
from ons_assets.parameters.mobile_network import FootprintParameters
from ons_assets.parameters.mobile_tourism import TourismParameters
from tests.mobile.test_operator_side import PLAN

MONDAY = date(2014, 10, 6)
DAYS = (MONDAY, MONDAY + timedelta(40))
# With the evening before, of which is the night of who is seen at one o'clock of the first day.
EVERY_DAY = pl.DataFrame({"day": pl.date_range(MONDAY - timedelta(1), DAYS[1], eager=True)}).with_columns(
    operator=pl.lit("north")
)
HERE = CellPlan(PLAN.cells, frozenset({"234", "235"}))
FRENCH = pl.DataFrame({"operator": ["north"], "user": [1], "mcc": ["208"]})
AREAS = {"a": {"A": 0.7, "C": 0.3}, "a2": {"A": 1.0}, "b": {"B": 1.0}}
EVENT = {
    "operator": pl.String(), "user": pl.Int64(), "time_utc": pl.Datetime("us", "UTC"), "event_date": pl.Date(),
    "cell_id": pl.String(), "mcc": pl.String(), "plmn": pl.String(),
}  # fmt: skip
SPEEDY = CleaningParameters(max_speed_m_s=1e9)


def events(*seen, user=1, mcc="234"):
    """(day, hour of the clock of the summer, cell or network)."""
    rows = []
    for day, hour, where in seen:
        moment = datetime(2014, 10, 5, 23, tzinfo=UTC) + timedelta(days=day, hours=hour)
        cell, plmn = (where, None) if where in AREAS else (None, where)
        rows.append(("north", user, moment, MONDAY + timedelta(day), cell, mcc, plmn))
    return pl.DataFrame(rows, schema=EVENT, orient="row")


def at(cell, days, hours=(1, 7, 13, 19, 23)):
    return [(day, hour, cell) for day in days for hour in hours]


def trips_of(*parts, labels=(), **changed):
    """Trips and stays of all kinds, and places."""
    rows = pl.concat(parts)
    segments = pl.concat(worked_here(segment_tables([rows.drop("mcc")], HERE, DAYS, cleaning=SPEEDY)))
    users = rows["user"].unique()
    places = pl.DataFrame(
        [(user, cell, area, share) for user in users for cell, areas in AREAS.items() for area, share in areas.items()],
        schema={"user": pl.Int64(), "place": pl.String(), "area": pl.String(), "probability": pl.Float64()},
        orient="row",
    )
    named = pl.DataFrame(labels, schema={"user": pl.Int64(), "place": pl.String(), "label": pl.String()}, orient="row")
    foreign = foreign_devices(rows.lazy(), HERE.home)
    trips, stays = all_trips(segments, foreign, named, places, DAYS, TourismParameters(**changed))
    return trips, stays, places


def told(trips):
    return trips.select("tourism", "visit", "nights", "country").rows()


# --- countries -----------------------------------------------------------------------------------------------


def test_every_code_has_one_country_with_one_name():
    codes = country_codes()
    assert codes["mcc"].is_unique().all()
    assert codes.filter(~pl.col("country").str.contains("^[A-Z]{2}$") | (pl.col("name") == "")).is_empty()
    assert codes.group_by("country").agg(pl.col("name").n_unique())["name"].max() == 1
    known = dict(codes.select("mcc", "country").iter_rows())
    assert [known[code] for code in ("208", "214", "234", "235", "262", "310", "440", "724")] == [
        "FR", "ES", "GB", "GB", "DE", "US", "JP", "BR"
    ]  # fmt: skip


def of_operator(name, *codes):
    return pl.LazyFrame({"operator": [name] * len(codes), "mcc": codes}, schema={"operator": str, "mcc": str})


def test_the_country_is_that_of_most_events_unless_it_is_said():
    mcc = of_operator("north", "234", "235", "208", "208", "235", None)
    assert home_codes(mcc) == {"234", "235"}
    assert home_codes(mcc, ("208",)) == {"208"}
    assert home_codes(mcc.filter(pl.col("mcc").is_null())) == home_codes(mcc.clear()) == frozenset()
    # A file that names the country of foreign SIMs only says nothing of the others.
    foreign_only = of_operator("south", *["208"] * 20, *[None] * 21)
    assert home_codes(foreign_only) == frozenset()
    # However large such an operator is, it takes nothing from one that says whose SIMs it has.
    assert home_codes(pl.concat([mcc, foreign_only])) == {"234", "235"}


def test_a_sim_is_of_the_country_that_most_of_its_events_name():
    parts = [
        events(*at("a", range(2)), user=1), events((1, 9, "a"), user=1, mcc="208"),
        events(*at("a", range(2)), user=2, mcc="208"), events((1, 9, "a"), (1, 10, "a"), user=2, mcc="214"),
        events((1, 9, "a"), user=2),
        events((1, 9, "a"), user=3, mcc="208"), events(*at("a", range(2)), user=3, mcc=None),
    ]  # fmt: skip
    assert foreign_devices(pl.concat(parts).lazy(), HERE.home).rows() == [("north", 2, "208"), ("north", 3, "208")]


# --- trips ---------------------------------------------------------------------------------------------------


def test_a_visitor_spends_the_nights_between_the_first_and_the_last_sighting():
    trips, stays, _ = trips_of(
        events((0, 14, "a"), (0, 22, "a"), (2, 9, "a"), (2, 12, "b"), (3, 10, "b"), user=7, mcc="208")
    )
    assert told(trips) == [("inbound", "overnight", 3, "FR")]
    assert stays.select("place", "nights", "first_evening").rows() == [
        ("a", 2, MONDAY), ("b", 1, MONDAY + timedelta(2))
    ]  # fmt: skip


def test_a_visit_without_a_night_lasts_as_long_as_is_asked_for():
    short, long = ((0, 10, "a"), (0, 12, "a")), ((0, 10, "a"), (0, 13.5, "a"))
    assert told(trips_of(events(*short, mcc="208"))[0]) == []
    assert told(trips_of(events(*long, mcc="208"))[0]) == [("inbound", "same_day", 0, "FR")]


def test_who_is_not_seen_for_long_has_left_and_come_again():
    seen = at("a", range(2)) + at("a", range(10, 12))
    assert [row[2] for row in told(trips_of(events(*seen, mcc="262"))[0])] == [2, 2]
    assert [row[2] for row in told(trips_of(events(*seen, mcc="262"), visit_gap_hours=24 * 9)[0])] == [12]


def test_who_is_seen_all_year_is_no_visitor():
    seen = at("a", range(6))
    assert trips_of(events(*seen, mcc="208"), resident_days=6)[0].is_empty()
    assert len(trips_of(events(*seen, mcc="208"), resident_days=7)[0]) == 1


def test_nights_abroad_are_of_the_country_and_the_trip_of_that_of_most():
    seen = [
        (0, 8, "a"),
        (0, 14, "20801"),
        (1, 9, "20801"),
        (1, 12, "21401"),
        (3, 18, "21407"),
        (4, 1, "a"),
        (4, 9, "a"),
    ]
    trips, stays, _ = trips_of(events(*seen))
    assert told(trips) == [("outbound", "overnight", 3, "ES")]
    assert stays.select("country", "nights").rows() == [("FR", 1), ("ES", 2)]


def test_a_network_across_the_border_that_is_seen_shortly_is_no_trip():
    assert trips_of(events((0, 8, "a"), (0, 10, "20801"), (0, 10.5, "20801"), (0, 11, "a")))[0].is_empty()


def test_a_ship_is_in_no_country():
    trips, _, _ = trips_of(events((0, 8, "a"), (0, 12, "90112"), (2, 12, "90112"), (2, 20, "a")))
    assert told(trips) == [("outbound", "overnight", 2, "unknown")]


HOME = [(1, "a", "home")]


def test_a_trip_within_the_country_is_outside_of_the_areas_of_home_and_work():
    seen = at("a", range(10)) + at("b", range(10, 12)) + at("a2", range(12, 14)) + at("a", range(14, 20))
    trips, stays, _ = trips_of(events(*seen), labels=HOME)
    assert told(trips) == [("domestic", "overnight", 2, "all")]
    assert stays["place"].to_list() == ["b"]
    assert trips_of(events(*seen), labels=[*HOME, (1, "b", "work")])[0].is_empty()


def test_what_is_visited_every_week_is_usual():
    weekly = [each for week in range(4) for each in at("a", range(week * 7, week * 7 + 6)) + at("b", [week * 7 + 6])]
    assert trips_of(events(*weekly), labels=HOME)[0].is_empty()
    assert len(trips_of(events(*weekly), labels=HOME, usual_visits_a_week=2)[0]) == 4


@pytest.mark.parametrize("labels", [(), [(1, "a", "usual")]])
def test_nothing_is_said_of_who_has_no_home(labels):
    assert trips_of(events(*at("a", range(9)), *at("b", range(9, 12))), labels=labels)[0].is_empty()


# --- counts --------------------------------------------------------------------------------------------------


def visitors(n):
    """Visitors from two countries at two places, two nights each, of which some come twice."""
    parts = []
    for user in range(n):
        seen = at("a" if user % 3 else "b", range(3))
        again = at("b", range(12, 15)) if user % 5 == 0 else []
        parts.append(events(*seen, *again, user=user, mcc="208" if user % 2 else "262"))
    return parts


def added(n, days=25):
    trips, stays, places = trips_of(*visitors(n))
    observed = pl.DataFrame(
        {"operator": ["north"], "month": [date(2014, 10, 1)], "days_observed": pl.Series([days], dtype=pl.Int32())}
    )
    return tourism([counts_of_trips(trips, stays, places, EVERY_DAY)], observed)


def test_a_device_is_one_visitor_however_often_it_comes_and_nights_are_those_of_a_mean_night():
    rows = added(60)
    whole = rows.filter(country="all", area="all")
    counts = dict(whole.select("counted", "devices").iter_rows())
    assert counts["visitors"] == pytest.approx(60, abs=1e-3)
    assert counts["nights"] == pytest.approx((60 + 12) * 3 / 25, abs=1e-3)
    for key in ("country", "area"):
        sums = rows.filter(pl.col(key) != "all").group_by("counted").agg(pl.col("devices").sum())
        assert dict(sums.iter_rows()) == pytest.approx(counts, abs=1e-3)
    by_area = dict(rows.filter(counted="nights", country="all").select("area", "devices").iter_rows())
    assert by_area["C"] / by_area["A"] == pytest.approx(3 / 7, abs=1e-3)


def test_what_leaves_is_in_tens_and_never_of_few():
    told_of = protect(TOURISM_VISITS, added(60, days=2), Thresholds(10)).rows
    assert (told_of["devices"] % 10 == 0).all()
    assert told_of["devices"].min() >= 10
    assert protect(TOURISM_VISITS, added(8), Thresholds(10)).rows.is_empty()


def october(observed=26):
    return pl.DataFrame(
        {"operator": ["north"], "month": [date(2014, 10, 1)], "days_observed": pl.Series([observed], dtype=pl.Int32())}
    )


def test_nights_of_who_is_left_out_of_trips_do_not_count():
    trips, stays, places = trips_of(*[events(*at("a", range(3)), user=user, mcc="208") for user in (1, 2)])
    one = counts_of_trips(trips.filter(user=1), stays, places, EVERY_DAY)
    assert one.equals(counts_of_trips(trips.filter(user=1), stays.filter(user=1), places, EVERY_DAY))
    assert counts_of_trips(trips.clear(), stays, places, EVERY_DAY).is_empty()


def test_a_device_is_no_more_than_one_in_a_mean_night_though_days_were_not_observed():
    seen = events((0, 1, "a"), (0, 13, "20801"), (24, 13, "20801"), (24, 20, "20801"))
    trips, stays, places = trips_of(seen)
    observed = EVERY_DAY.filter(pl.col("day").is_in([MONDAY, MONDAY + timedelta(24)]))
    rows = tourism([counts_of_trips(trips, stays, places, observed)], october(len(observed)))
    assert trips["nights"].to_list() == [24]
    assert rows.filter(counted="nights", country="all")["devices"].to_list() == [0.5]


def test_a_visit_that_ends_before_midnight_is_of_the_month_before_it():
    # What an event tells of the minutes around it ends with the day: 31 October, when the clock is that of the winter.
    trips, _, _ = trips_of(events((23, 14, "a"), (25, 24.95, "a"), mcc="208"))
    assert trips["month"].to_list() == [date(2014, 10, 1)]
    # Nor is it a night if nights are of midnight.
    assert told(trips_of(events((3, 14, "a"), (3, 23.95, "a"), mcc="208"), night_hour=0)[0]) == [
        ("inbound", "same_day", 0, "FR")
    ]


@pytest.mark.parametrize("hour", [0, 1, 2, 4])
def test_a_night_of_which_the_hour_is_left_out_by_the_clock_is_spent(hour):
    # On 29 March 2015 the clock went from one to two.
    found = [
        ("north", 1, date(2015, 3, day), datetime(2015, 3, day, 9, tzinfo=UTC), datetime(2015, 3, day, 20, tzinfo=UTC))
        for day in (28, 29)
    ]
    segments = pl.DataFrame(
        found, schema=["operator", "user", "day", "start_utc", "end_utc"], orient="row"
    ).with_columns(segment_state=pl.lit("stay"), place=pl.lit("a"), abroad_mcc=pl.lit(None, pl.String()))
    trips = inbound_trips(segments, FRENCH, TourismParameters(night_hour=hour))
    assert trips.stays.select("nights", "first_evening").rows() == [(1, date(2015, 3, 28))]


def test_who_comes_again_for_weeks_every_year_is_no_resident():
    days = pl.DataFrame(
        {
            "start_utc": [
                datetime(year, 6, 1, 8, tzinfo=UTC) + timedelta(day) for year in (2014, 2015) for day in range(9)
            ]
        }
    )
    segments = days.with_columns(
        operator=pl.lit("north"), user=pl.lit(1, pl.Int64()), day=pl.col("start_utc").dt.date(), place=pl.lit("a"),
        end_utc=pl.col("start_utc") + pl.duration(hours=12), segment_state=pl.lit("stay"),
        abroad_mcc=pl.lit(None, pl.String()),
    )  # fmt: skip
    assert len(inbound_trips(segments, FRENCH, TourismParameters(resident_days=10)).trips) == 2
    assert inbound_trips(segments, FRENCH, TourismParameters(resident_days=9)).trips.is_empty()


# --- events abroad in what is made of all events -----------------------------------------------------------------


def test_events_abroad_are_no_fault_and_at_no_place():
    seen = events((0, 8, "a"), (0, 9, "20801"), (0, 9, "20801"), (0, 10, "a"), (0, 11, "99999"))
    seen = seen.with_columns(
        pl.when(pl.col("plmn") == "99999").then(pl.lit("nowhere")).otherwise("cell_id").alias("cell_id")
    )
    seen = seen.with_columns(pl.when(pl.col("plmn") != "99999").then("plmn"))
    numbers = HERE.numbers(seen)
    flag, _ = clean(
        *sort_events(seen["user"].to_numpy(), seen["time_utc"].dt.epoch("s").to_numpy(), numbers.to_numpy()),
        HERE, CleaningParameters(),
    )  # fmt: skip
    assert [FLAGS[each] for each in flag] == ["kept", "abroad", "duplicates", "kept", "unknown_cell"]


def test_a_night_at_home_is_not_bridged_over_one_abroad():
    told = csr_array(([1.0], ([0], [0])), shape=(len(PLAN.cells), 1))
    where = Whereabouts(told, np.ones(1), csr_array(np.ones((1, 1))), pl.Series(["A"]), FootprintParameters())

    def hours(*seen):
        ((rows, places),) = worked_here(daily_tables([events(*seen).drop("mcc")], HERE, where))
        assert set(places["place"]) <= {"a"}
        return rows["hours_mask"].bitwise_or() if len(rows) else 0

    slept = hours((0, 23.5, "a"), (1, 6, "a"))
    away = hours((0, 23.5, "a"), (1, 2, "20801"), (1, 6, "a"))
    assert slept & (1 << 3)
    assert not away & (1 << 3)
    assert hours((0, 9, "20801"), (1, 9, "20801")) == 0
