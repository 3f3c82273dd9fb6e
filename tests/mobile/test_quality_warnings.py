"""Days are held against those before them; a day in order is rarely told of, and one that is not, by its code."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.stats import t as student

from ons_assets.mobile.day_types import with_public_holidays
from ons_assets.mobile.quality_warnings import MEASURES, OF_RECORDS, quality_warnings
from ons_assets.parameters.geography import Country
from ons_assets.parameters.mobile_network import QualityWarningParameters
from ons_assets.parameters.mobile_presence import PermanenceParameters, PresentPopulationParameters

MONDAY = date(2015, 1, 5)
STEADY = {
    "operator": "north", "events": 10_000, "devices_seen": 900, "hours_covered": 24, "hours_expected": 24,
    "duplicates": 3, "unknown_cell": 2, "cell_not_valid": 0, "too_fast": 1, "suspicious": 8, "two_places": 0,
    "ping_pong": 40, "cells_seen": 480, "cells_valid": 500, "cells_silent": 1,
}  # fmt: skip
BY_CHANCE = ("events", "unknown_cell", "suspicious", "ping_pong")


def days(n, seed=1, **changed):
    """A series of days, by chance, of which the last is changed."""
    random = np.random.default_rng(seed)
    rows = [
        {
            **STEADY,
            "event_date": MONDAY + timedelta(at),
            **{
                name: int(random.poisson(STEADY[name]))
                for name in ("events", "unknown_cell", "suspicious", "ping_pong")
            },
        }
        for at in range(n)
    ]
    rows[-1] |= changed
    return pl.DataFrame(rows, infer_schema_length=None)


def said_of_the_last(frame, **parameters):
    made = quality_warnings(frame, None, QualityWarningParameters(**parameters))
    last = made.filter(pl.col("day") == pl.col("day").max()).drop_nulls("out_of_order")
    return dict(last.select("measure", "out_of_order").rows())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, {}),
        ({"events": 8_000}, {"events": "below_limit"}),
        ({"events": 13_000}, {"events": "above_limit"}),
        ({"unknown_cell": 60}, {"unknown_cell_share": "above_limit"}),
        ({"cell_not_valid": 4_000}, {"cell_not_valid_share": "above_value"}),
        ({"two_places": 40, "too_fast": 60}, {"two_places_share": "above_limit", "too_fast_share": "above_limit"}),
        ({"cells_silent": 30, "cells_seen": 300}, {"cells_seen": "below_limit", "cells_silent_share": "above_limit"}),
        ({"hours_covered": 20}, {"hours_missing_share": "above_limit"}),
        # What is withheld is held against nothing.
        ({"events": None, "devices_seen": None}, {}),
    ],
)
def test_a_day_out_of_order_is_told_by_what_is_wrong_with_it(changed, said):
    # 26 days end on a Friday.
    assert said_of_the_last(days(26, **changed)) == said


def test_limits_are_those_of_a_new_day_among_days_of_its_kind():
    frame = days(28)
    made = quality_warnings(frame).filter(measure="devices_seen")
    # The last is a Sunday: seven days of weekends lie before it.
    last = made.row(-1, named=True)
    assert last["days_compared"] == 7
    assert last["mean"] == 900
    reach = student.ppf(0.9995, 6) * 30 * np.sqrt(8 / 7) + 1
    assert (last["lower_limit"], last["upper_limit"]) == pytest.approx((900 - reach, 900 + reach))
    # Five weekend days are too few.
    assert made.filter(pl.col("days_compared") < 6)["upper_limit"].null_count() == (made["days_compared"] < 6).sum() > 0


@examples(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1_000), n=st.integers(1, 40))
def test_a_later_day_and_the_order_of_rows_change_nothing_of_an_earlier_one(seed, n):
    frame = days(n, seed)
    whole = quality_warnings(frame)
    assert quality_warnings(frame.sample(fraction=1, shuffle=True, seed=seed)).equals(whole)
    before = quality_warnings(frame[: n // 2 + 1])
    assert whole.filter(pl.col("day").is_in(before["day"].implode())).equals(before)
    assert len(whole) == n * len(MEASURES)


def test_chance_alone_is_rarely_told_of():
    """At a level of 0.95 one number in twenty is beyond, or fewer, as limits are an event wider."""
    random = np.random.default_rng(3)
    n = 700
    frame = days(n).with_columns(
        events=pl.Series(random.poisson(400, n)), devices_seen=pl.Series(random.poisson(90, n))
    )
    made = quality_warnings(frame, None, QualityWarningParameters(level=0.95))
    held = made.filter(pl.col("measure").is_in(["events", "devices_seen"])).drop_nulls("upper_limit")
    assert 0.01 < held["out_of_order"].is_not_null().mean() < 0.055


def test_records_of_files_that_are_rejected_have_a_code_of_their_own():
    came = datetime(2015, 3, 1, 9, tzinfo=UTC)
    rows = [
        {"source": "phone_events", "local_days": [MONDAY + timedelta(at)], "received_utc": came,
         "parsed_rows": 10_000, "quarantined_rows": 400 if at == 25 else 40}
        for at in range(26)
    ]  # fmt: skip
    rows.append({**rows[0], "source": "cells", "local_days": [], "parsed_rows": 90, "quarantined_rows": 30})
    made = quality_warnings(days(1), pl.DataFrame(rows))
    told = made.filter(operator="all").drop_nulls("out_of_order")
    assert told.select("day", "quality_of", "error_code", "out_of_order").rows() == [
        (MONDAY + timedelta(25), "events", 104, "above_limit"),
        (came.date(), "network", 204, "above_value"),
    ]


def test_a_plan_came_on_a_day_of_the_local_clock():
    ledger = pl.DataFrame(
        {"source": "cells", "local_days": [[]], "received_utc": datetime(2015, 3, 2, 1, 30, tzinfo=UTC),
         "parsed_rows": 90, "quarantined_rows": 30},
        schema_overrides={"local_days": pl.List(pl.Date())},
    )  # fmt: skip
    for zone, day in (("America/New_York", date(2015, 3, 1)), ("Europe/London", date(2015, 3, 2))):
        assert quality_warnings(days(1), ledger, time_zone=zone).filter(error_code=204)["day"].to_list() == [day]


def test_days_of_the_weekend_are_those_that_are_said():
    made = quality_warnings(days(28), permanence=PermanenceParameters(weekend=(4, 5))).filter(measure="events")
    # The last is a Sunday, and here a day of work: of the 27 days before it, four are Fridays and four Saturdays.
    assert made["days_compared"].to_list()[-3:] == [6, 7, 19]


def test_a_code_means_one_thing():
    codes = [measure.error_code for measure in (*MEASURES, *OF_RECORDS.values())]
    assert len(set(codes)) == len(codes)


# --- public holidays ---------------------------------------------------------------------------------------

# 40 days from Monday, 5 January: the last is Friday, 13 February.
FRIDAY = MONDAY + timedelta(39)


def weekly(holiday_events, **last):
    """Days with 10,000 events, 6,000 at weekends; the last, a Friday, is a holiday."""
    frame = days(40, **last).with_columns(
        events=pl.when(pl.col("event_date") == FRIDAY)
        .then(pl.lit(holiday_events))
        .when(pl.col("event_date").dt.weekday() > 5)
        .then(6_000 + pl.col("event_date").dt.day())
        .otherwise(10_000 + pl.col("event_date").dt.day())
    )
    return frame.with_columns(pl.col("events").cast(pl.Int64()))


def said_of_the_holiday(frame, holidays=(FRIDAY,), **given):
    permanence = PermanenceParameters(holidays=holidays)
    made = quality_warnings(frame, None, QualityWarningParameters(**given), permanence)
    return dict(made.filter(day=FRIDAY).drop_nulls("out_of_order").select("measure", "out_of_order").rows())


def test_a_holiday_is_as_a_weekend_and_no_bad_day_of_the_week():
    assert said_of_the_holiday(weekly(6_000), holidays=()) == {"events": "below_limit"}
    assert said_of_the_holiday(weekly(6_000)) == {}
    # As Christmas may be: quieter than a Sunday.
    assert said_of_the_holiday(weekly(4_900)) == {}
    assert said_of_the_holiday(weekly(4_900), holiday_margin=0) == {"events": "below_limit"}
    assert said_of_the_holiday(weekly(10_000)) == {"events": "above_limit"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"devices_seen": 450}, {"devices_seen": "below_limit"}),
        ({"unknown_cell": 60}, {"unknown_cell_share": "above_limit"}),
        ({"cells_silent": 30, "cells_seen": 300}, {"cells_seen": "below_limit", "cells_silent_share": "above_limit"}),
    ],
)
def test_a_really_bad_holiday_is_told(changed, said):
    assert said_of_the_holiday(weekly(6_000, **changed)) == said
    assert said_of_the_holiday(weekly(2_000))["events"] == "below_limit"


def test_neither_days_of_the_week_nor_weekends_are_held_against_holidays():
    """A wild holiday widens nobody's limits but those of holidays."""
    frame, holiday = days(28), (MONDAY + timedelta(16), MONDAY + timedelta(19))
    wild = frame.with_columns(
        events=pl.when(pl.col("event_date").is_in(holiday)).then(pl.lit(500)).otherwise("events").cast(pl.Int64())
    )
    known = PermanenceParameters(holidays=holiday)
    calm, odd = (quality_warnings(each, None, None, known).filter(measure="events") for each in (frame, wild))
    others = ~pl.col("day").is_in(holiday)
    assert calm.filter(others).equals(odd.filter(others))
    # The second holiday has four weekend days and the first holiday before it.
    assert odd.filter(day=holiday[1])["days_compared"].item() == 5


def test_countries_have_their_own_holidays():
    christmas, easter, second = date(2014, 12, 25), date(2015, 4, 6), date(2015, 1, 2)
    english = Country().public_holidays()
    assert {christmas, easter} < set(english)
    assert second not in english
    scottish = Country(holidays="GB-SCT").public_holidays()
    assert {christmas, second} < set(scottish)
    assert easter not in scottish
    # Nobody has said whose they are, on another grid.
    assert Country(crs="EPSG:32618").public_holidays() == ()
    assert Country(holidays="none").public_holidays(second) == (second,)
    assert with_public_holidays(PresentPopulationParameters(holidays=(second,)), Country()).holidays == tuple(
        sorted({*english, second})
    )
    for calendar, said in (("GB-XX", "known parts of GB are ENG"), ("QQ", "no country QQ is known")):
        with pytest.raises(ValueError, match=said):
            Country(holidays=calendar)
