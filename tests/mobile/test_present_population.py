"""Who is present: hours at places, hours that are not seen, and the areas and days that they are added up to."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from benchmarks.mobile_flows import whereabouts_of
from core_ext.phone_events import reference
from ons_assets.engine.local import worked_here
from ons_assets.lakehouse.home import Home
from ons_assets.mobile.permanence import daily_permanence
from ons_assets.mobile.places import daily_tables
from ons_assets.mobile.plan import cell_plan
from ons_assets.mobile.presence import presence
from ons_assets.mobile.present_population import (
    Present,
    day_type_of,
    days_of_types,
    observed_of,
    people_a_device,
    present,
    present_population,
    residents_of_areas,
    together,
)
from ons_assets.mobile.sources import CellFiles
from ons_assets.parameters.mobile import CleaningParameters, StayParameters
from ons_assets.parameters.mobile_presence import PresentPopulationParameters
from ons_assets.settings import Settings
from ons_assets.simulate.mobile import Scale, simulate_mobile
from tests.mobile.test_operator_side import PLAN

MONDAY = date(2014, 10, 6)
AREAS = {1: {"A": 0.5, "B": 0.5}, 2: {"B": 1.0}, 3: {}}
RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
WHOLE = tuple(range(24))
DAILY = {
    "operator": pl.String(),
    "user": pl.Int64(),
    "place": pl.Int32(),
    "day": pl.Date(),
    "hours_mask": pl.Int32(),
}


def daily(*rows):
    """(user, place, day from Monday, hours)."""
    return pl.DataFrame(
        [
            ("north", user, place, MONDAY + timedelta(day), sum(1 << hour for hour in set(hours)))
            for user, place, day, hours in rows
        ],
        schema=DAILY,
        orient="row",
    )


def places(users):
    return pl.DataFrame(
        [
            (user, place, area, share)
            for user in users
            for place, areas in AREAS.items()
            for area, share in areas.items()
        ],
        schema={"user": pl.Int64(), "place": pl.Int32(), "area": pl.String(), "probability": pl.Float64()},
        orient="row",
    )


def population(rows, fewest=5, parts=1):
    frame = daily(*rows)
    days = days_of_types(frame.lazy(), PresentPopulationParameters(fewest_day_devices=fewest))
    split = [frame.filter(pl.col("user") % parts == number) for number in range(parts)]
    return present_population(together(present(each, places(each["user"].unique()), days) for each in split), days)


def abroad(*rows):
    """(user, day from Monday, hours)."""
    return pl.DataFrame(
        [(user, MONDAY + timedelta(day), sum(1 << hour for hour in hours)) for user, day, hours in rows],
        schema={"user": pl.Int64(), "day": pl.Date(), "hours_mask": pl.Int32()},
        orient="row",
    )


def counted(made, **of):
    return dict(made.filter(**of).select("area", "devices").iter_rows())


@pytest.fixture
def home_settings(tmp_path):
    Home(tmp_path / "home").ensure()
    return Settings(home=tmp_path / "home")


# --- hours at places ---------------------------------------------------------------------------------------


def test_hours_of_the_day_are_those_of_the_reference():
    random = np.random.default_rng(3)
    user = np.sort(random.integers(1, 3, 30))
    time_s = random.integers(0, 2 * 86_400, 30) + 86_400 * 16_349
    order = np.lexsort((time_s, user))
    user, time_s, cell = user[order], time_s[order], random.integers(0, 3, 30).astype(np.int32)
    stays = StayParameters(place_radius_m=0)
    cleaning = CleaningParameters(max_speed_m_s=1e9, ping_pong_seconds=0)
    found = presence(user, time_s, cell, PLAN, cleaning=cleaning, stays=stays, night=(23, 9))
    each_hour = (np.arange(168) % 24 == np.arange(24)[:, None]).astype(float)
    plain, _ = reference.daily_evidence(
        user, time_s, cell, PLAN.x_m, PLAN.y_m, each_hour, place_radius_m=0, night_start=23, night_end=9
    )
    made = {
        (int(u), int(p), int(d)): hours
        for u, p, d, hours in zip(found.user, found.place, found.day, found.hours, strict=True)
    }
    assert made.keys() == plain.keys()
    for key, hours in plain.items():
        np.testing.assert_allclose(made[key], hours, atol=1e-6)
    assert found.hours.max() <= 1 + 1e-9


@pytest.mark.parametrize("minute", range(0, 60, 7))
def test_a_lone_event_makes_an_hour_whenever_it_is(minute):
    time_s = np.array([86_400 * 16_349 + 10 * 3_600 + minute * 60])
    found = presence(
        np.array([1]), time_s, np.array([0], np.int32), PLAN,
        cleaning=CleaningParameters(), stays=StayParameters(), night=(23, 9),
    )  # fmt: skip
    made = daily_permanence(found.user, found.place, found.day, found.hours)
    assert made["hours_mask"].item() & (1 << 9 | 1 << 10 | 1 << 11)


def test_who_is_abroad_is_in_no_area_in_those_hours():
    # Users 1 to 6 are at place 2 on two days; user 1 leaves on Tuesday at noon, and is seen at home no more.
    rows = [(user, 2, day, WHOLE) for user in range(1, 7) for day in (0, 1)]
    frame = daily(*rows)
    days = days_of_types(frame.lazy(), PresentPopulationParameters(fewest_day_devices=5))
    away = abroad((1, 1, range(12, 24)), (1, 2, WHOLE))
    made = present_population(together([present(frame, places(range(1, 7)), days, abroad=away)]), days)
    assert counted(made, hour=11) == {"B": 6, "all": 6}
    assert counted(made, hour=12) == {"B": 5.5, "all": 5.5}
    assert made.equals(
        present_population(
            together(
                present(
                    frame.filter(pl.col("user") % 2 == odd),
                    places(range(1, 7)),
                    days,
                    abroad=away.filter(pl.col("user") % 2 == odd),
                )
                for odd in (0, 1)
            ),
            days,
        )
    )


def test_hours_abroad_weigh_no_more_than_they_last_though_hours_at_home_are_seldom_seen():
    # Of four days user 1 is seen at three in the night on one, and on another it is abroad then.
    rows = [(user, 2, day, (3, 12)) for user in range(2, 7) for day in range(4)]
    rows += [(1, 2, day, (3, 12) if day == 0 else (12,)) for day in range(4)]
    frame = daily(*rows)
    days = days_of_types(frame.lazy(), PresentPopulationParameters(fewest_day_devices=5))
    made = present_population(together([present(frame, places(range(1, 7)), days, abroad=abroad((1, 3, (3,))))]), days)
    assert counted(made, hour=3) == {"B": 5.8, "all": 5.8}


# --- present -------------------------------------------------------------------------------------------------


def plain_shares(rows, user):
    """Of a device, its days at each place by hour, where it is mostly, and the days on which it is seen."""
    own = {row[2] for row in rows if row[0] == user}
    time = defaultdict(float)
    shares = {hour: defaultdict(float) for hour in WHOLE}
    for hour, share in shares.items():
        at = {day: [row[1] for row in rows if row[0] == user and row[2] == day and hour in row[3]] for day in own}
        seen = [day for day in own if at[day]]
        for day in seen:
            for place in at[day]:
                share[place] += len(own) / len(seen) / len(at[day])
                time[place] += len(own) / len(seen) / len(at[day])
    main = min(time, key=lambda place: (-round(time[place], 6), place))
    return shares, max(AREAS[main], key=lambda area: (AREAS[main][area], -ord(area)), default=None), len(own)


def plain_population(rows):
    """The definition, device by device and hour by hour: of weekdays of one week."""
    located, missing, whole = defaultdict(lambda: defaultdict(float)), defaultdict(float), 0
    for user in sorted({row[0] for row in rows}):
        shares, stratum, own = plain_shares(rows, user)
        whole += own
        for hour, share in shares.items():
            missing[stratum, hour] += 0 if share else own
            for place, each in share.items():
                for area, part in (AREAS[place] or {None: 1.0}).items():
                    located[stratum, hour][area] += each * part
    made, days = defaultdict(float), len({row[2] for row in rows})
    for (stratum, hour), areas in located.items():
        stands_for = {at: sum(each.values()) + missing[at] for at, each in located.items() if at[1] == hour}
        for area, each in areas.items():
            scale = stands_for[stratum, hour] / sum(areas.values()) * whole / sum(stands_for.values())
            made[hour, area] += each * scale / days
    return {key: value for key, value in made.items() if key[1]}


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(1, 4),
            st.integers(1, 3),
            st.integers(0, 4),
            st.sets(st.sampled_from([0, 9, 12, 23]), min_size=1),
        ),
        min_size=1,
        max_size=14,
        unique_by=lambda row: row[:3],
    )
)
def test_devices_present_are_as_their_definition(rows):
    # Many more who are always at the second place make every day count, and change the figures by whole numbers.
    crowd = [(user, 2, day, WHOLE) for user in range(100, 105) for day in range(5)]
    made = population([*rows, *crowd])
    expected = plain_population([*rows, *crowd])
    assert made["day_type"].unique().to_list() == ["weekday"]
    told = {(row["hour"], row["area"]): row["devices"] for row in made.iter_rows(named=True) if row["area"] != "all"}
    assert told.keys() == expected.keys()
    for key, value in expected.items():
        assert told[key] == pytest.approx(value, abs=0.0501)
    for hour in WHOLE:
        whole = made.filter(hour=hour, area="all")["devices"].item()
        assert whole == pytest.approx(sum(told[key] for key in told if key[0] == hour), abs=1e-6)


def test_who_is_not_seen_at_an_hour_is_where_he_is_on_other_days():
    rows = [(user, 2, day, WHOLE) for user in range(10) for day in (0, 1, 2, 3)]
    rows += [(10, 1, 0, (3, 9)), (10, 2, 1, (9,)), (10, 2, 2, (9,)), (10, 2, 3, (9,))]
    made = population(rows)
    # Seen at three on one of four days, at the place that is half in A.
    assert counted(made, hour=3) == {"A": 0.5, "B": 10.5, "all": 11.0}
    assert counted(made, hour=9) == {"A": 0.1, "B": 10.9, "all": 11.0}
    # Never seen at noon, and nobody else is mostly in A: all others stand for him.
    assert counted(made, hour=12) == {"B": 11.0, "all": 11.0}


def test_a_guest_of_a_day_is_a_part_of_a_mean_day():
    rows = [(user, 2, day, WHOLE) for user in range(10) for day in range(5)]
    assert counted(population([*rows, (11, 1, 2, WHOLE)]), hour=9) == {"A": 0.1, "B": 10.1, "all": 10.2}


def test_an_hour_at_two_places_is_shared_and_one_in_no_area_is_lost():
    rows = [(user, 2, 0, WHOLE) for user in range(10)]
    assert counted(population([*rows, (11, 1, 0, (9,)), (11, 2, 0, (9,))]), hour=9)["A"] == pytest.approx(
        0.2, abs=0.051
    )
    assert counted(population([*rows, (11, 3, 0, WHOLE)]), hour=9) == {"B": 10.0, "all": 10.0}


def test_a_day_on_which_few_are_seen_does_not_count():
    rows = [(user, 2, day, WHOLE) for user in range(10) for day in (0, 1)] + [(1, 2, 3, WHOLE)]
    made = population(rows)
    assert made["days_of_type"].unique().to_list() == [2]
    assert made["observed"].unique().to_list() == ["2014-10-06/2014-10-07"]


def test_kinds_of_days_and_public_holidays():
    days = pl.DataFrame({"day": [MONDAY + timedelta(n) for n in (0, 4, 5, 6)]})
    assert days.select(day_type_of("day")).to_series().to_list() == ["weekday", "weekday", "saturday", "sunday"]
    assert days.select(day_type_of("day", [MONDAY])).to_series().to_list()[0] == "sunday"


def test_neither_order_nor_parts_make_a_difference():
    random = np.random.default_rng(5)
    rows = [
        (int(user), int(place), day, random.choice(24, 7).tolist())
        for user in random.integers(-(2**40), 2**40, 60)
        for day in range(9)
        for place in (1, 2, 3)
        if random.random() < 0.6
    ]
    made = population(rows)
    shuffled = [rows[at] for at in random.permutation(len(rows))]
    assert_frame_equal(made, population(shuffled, parts=7))


def test_nobody_is_no_population():
    with pytest.raises(ValueError, match="no devices"):
        together(iter(()))
    assert isinstance(together([present(daily((1, 1, 0, (1,))), places([1]), _weekday())]), Present)


def _weekday():
    return pl.DataFrame({"operator": ["north"], "day": [MONDAY], "day_type": ["weekday"]})


def test_the_period_is_from_the_first_day_that_counts_to_the_last():
    assert observed_of(_weekday())["observed"].to_list() == ["2014-10-06/2014-10-06"]


def test_a_device_stands_for_the_residents_of_the_area_where_it_mostly_is():
    # Twelve who live in A and spend noon in B, and twenty of B.
    rows = [(user, 4, day, [hour for hour in WHOLE if hour != 12]) for user in range(12) for day in (0, 1)]
    rows += [(user, 2, day, (12,)) for user in range(12) for day in (0, 1)]
    rows += [(user, 2, day, WHOLE) for user in range(12, 32) for day in (0, 1)]
    frame = daily(*rows)
    where = pl.concat(
        [
            places(range(32)),
            pl.DataFrame([(user, 4, "A", 1.0) for user in range(32)], schema=places([]).schema, orient="row"),
        ]
    )
    days = days_of_types(frame.lazy())
    found = together([present(frame, where, days)])
    residents = residents_of_areas(pl.DataFrame({"area": ["A", "A", "B"], "residents": [300.0, 60.0, 1_000.0]}))
    made = present_population(found, days, residents)

    def people(hour):
        return dict(made.filter(hour=hour).select("area", "people_present").iter_rows())

    assert people(3) == {"A": 360.0, "B": 1_000.0, "all": 1_360.0}
    assert people(12) == {"B": 1_360.0, "all": 1_360.0}
    unknown = residents_of_areas(pl.DataFrame({"area": ["A", "B"], "residents": [None, 1_000.0]}))
    other = present_population(found, days, unknown)
    # Those of A count as those of B do.
    assert dict(other.filter(hour=3).select("area", "people_present").iter_rows())["A"] == 600.0
    assert present_population(found, days)["people_present"].null_count() == len(made)


def test_one_device_that_is_seen_at_night_does_not_stand_for_a_town():
    # Sixty whose main place is in A are seen by day; one of them is seen in C at 3, where nobody else is.
    rows = [(user, 4, day, range(8, 23)) for user in range(60) for day in (0, 1)]
    rows += [(0, 5, day, (3,)) for day in (0, 1)]
    rows += [(user, 2, day, WHOLE) for user in range(60, 90) for day in (0, 1)]
    where = pl.DataFrame(
        [(user, place, area, 1.0) for user in range(90) for place, area in ((2, "B"), (4, "A"), (5, "C"))],
        schema=places([]).schema,
        orient="row",
    )
    frame = daily(*rows)
    days = days_of_types(frame.lazy())
    found = together([present(frame, where, days)])
    whoever = counted(present_population(found, days), hour=3)
    assert whoever["C"] == 60.0
    told = counted(present_population(found, days, fewest=10), hour=3)
    assert "C" not in told
    # They are as the others are at that hour.
    assert told == {"B": 90.0, "all": 90.0}


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_no_figure_that_may_be_told_is_of_fewer_located_devices(seed):
    rng = np.random.default_rng(seed)
    rows = [
        (user, int(place), day, rng.choice(24, rng.integers(1, 20), replace=False).tolist())
        for user in range(int(rng.integers(10, 50)))
        for day in (0, 1)
        for place in rng.choice([1, 2, 3], rng.integers(1, 3), replace=False)
    ]
    frame = daily(*rows)
    days = days_of_types(frame.lazy())
    made = present_population(together([present(frame, places(range(50)), days)]), days, fewest=10)
    seen = {
        (hour, area): len({user for user, place, _, hours in rows if hour in hours and area in AREAS[place]})
        for hour in range(24)
        for area in ("A", "B")
    }
    for hour, area, devices in made.filter(pl.col("area") != "all").select("hour", "area", "devices").iter_rows():
        assert devices < 10 or seen[hour, area] >= 10


def test_people_are_as_coarse_as_those_for_whom_k_devices_stand():
    rows = [
        (user, place, day, WHOLE) for place in (1, 2) for user in range(20 * place, 20 * place + 20) for day in (0, 1)
    ]
    frame = daily(*rows)
    days = days_of_types(frame.lazy())
    found = together([present(frame, places(range(60)), days)])
    residents = pl.DataFrame({"area": ["A", "B"], "residents": [2_000.0, 13_000.0]})
    factors = people_a_device(found.seen, days, residents)["factor"]
    made = present_population(found, days, residents, fewest=10)
    assert len(made)
    step = np.ceil(10 * factors.max())
    assert (made["people_present"] % step == 0).all()


# --- beside the truth ------------------------------------------------------------------------------------------


def test_devices_present_are_near_the_truth_of_a_simulated_world(tmp_path, home_settings):
    simulate_mobile(
        tmp_path / "drops", tmp_path / "truth", scale=Scale("tiny", 4_000, MONDAY, 7, 4.0, 6.0, False), seed=21
    )
    path = tmp_path / "drops" / "cells" / "cells_north.csv"
    plan = cell_plan(CellFiles.of(home_settings).whole(path, path.name, RECEIVED).accepted.with_columns(arrival=1))
    where = whereabouts_of(plan, pl.read_csv(tmp_path / "drops" / "area_parts" / "area_parts.csv"))
    blocks = (
        pl.read_parquet(each).with_columns(
            user=pl.col("device").hash().reinterpret(signed=True),
            event_date=pl.col("time_utc").dt.convert_time_zone("Europe/London").dt.date(),
        )
        for each in sorted((tmp_path / "drops" / "phone_events").iterdir())
    )
    tables = list(worked_here(daily_tables(blocks, plan, where)))
    sums = tables[0][1].group_by("user", "place").agg(pl.col("probability").sum())
    assert sums["probability"].to_list() == pytest.approx([1.0] * len(sums))
    days = days_of_types(pl.concat(each for each, _ in tables).lazy())
    made = present_population(together(present(each, located, days) for each, located in tables), days)
    truth = pl.read_parquet(tmp_path / "truth" / "present.parquet").filter(pl.col("day").dt.weekday() <= 5)
    true = truth.group_by("hour", area="district").agg(true=pl.col("devices").sum() / 5)
    both = true.join(made.filter(day_type="weekday"), on=["hour", "area"], how="left").fill_null(0)
    error = (both["devices"] - both["true"]).abs().sum() / both["true"].sum()
    # A plain count of those seen within an hour is wrong by a half.
    assert error < 0.12
    nobody = pl.lit(both["true"].sum() / len(both))
    assert error < 0.3 * both.select((pl.col("true") - nobody).abs().sum()).item() / both["true"].sum()
