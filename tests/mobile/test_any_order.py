"""The tables of the phones pilot are the same whatever the order of rows, the number of threads, and the parts."""

from datetime import UTC, date, datetime
from functools import cache
from unittest import mock

import numpy as np
import polars as pl
import pytest

from benchmarks.mobile_flows import whereabouts_of
from ons_assets.engine.local import worked_here
from ons_assets.mobile import spans as spans_module
from ons_assets.mobile.anchors import device_anchors
from ons_assets.mobile.combined_tables import combined_flows, combined_population
from ons_assets.mobile.countries import foreign_devices
from ons_assets.mobile.device_weights import device_weights, main_areas
from ons_assets.mobile.event_quality import event_quality
from ons_assets.mobile.flow_comparison import census, flow_comparison, latest
from ons_assets.mobile.flows import take_flows
from ons_assets.mobile.places import daily_tables, score_tables
from ons_assets.mobile.plan import cell_plan
from ons_assets.mobile.release import operator_flows, origin_destination
from ons_assets.mobile.segment_tables import segment_tables
from ons_assets.mobile.sources import check_totals
from ons_assets.mobile.tourism import all_trips, counts_of_trips, tourism
from ons_assets.mobile.weighting import weigh_periods
from ons_assets.mobile.workers import NIGHT_SHIFT, classify_workers
from ons_assets.parameters.mobile import (
    DeviceAnchorParameters,
    FlowComparisonParameters,
    ReleaseParameters,
    WeightingParameters,
)
from ons_assets.parameters.mobile_network import FootprintParameters
from tests.any_order import Case, check

MONDAY = date(2014, 10, 6)
FIRST_DAY = (MONDAY - date(1970, 1, 1)).days
DAYS = 21
AREAS = ("A", "B", "C", "D")
PERIOD, LATER, LATER_WEEK = "2014-10-06/2014-10-26", "2014-10-13/2014-11-09", "2014-11-03/2014-11-09"


@cache
def cells() -> pl.DataFrame:
    """Masts on a grid, so that many are equally far; some with sectors, some that were turned."""
    rows = []
    for operator, step in (("north", 1_000), ("south", 2_000)):
        for east in range(0, 5_000, step):
            for north in range(0, 5_000, step):
                sectors = (0.0, 120.0, 240.0) if (east + north) % 2_000 else (None,)
                for number, azimuth in enumerate(sectors):
                    forms = [(datetime(2014, 1, 1, tzinfo=UTC), None, azimuth)]
                    if azimuth == 120.0:
                        turned = datetime(2014, 10, 13, tzinfo=UTC)
                        forms = [(datetime(2014, 1, 1, tzinfo=UTC), turned, azimuth), (turned, None, 150.0)]
                    rows += [
                        {
                            "operator": operator,
                            "cell_id": f"{operator[0]}{east}-{north}-{number}",
                            "valid_from_utc": first,
                            "valid_until_utc": last,
                            "technology": "4G",
                            "latitude": 52 + north / 1e5,
                            "longitude": -1 + east / 1e5,
                            "azimuth_degrees": angle,
                            "beam_width_degrees": None if angle is None else 120.0,
                            "range_m": None if number == 2 else 2_500.0,
                            "easting_m": 400_000.0 + east,
                            "northing_m": 300_000.0 + north,
                            "power_w": None,
                            "height_m": None,
                            "cell_type": "macro",
                            "arrival": 1,
                            "line": len(rows) + form,
                        }
                        for form, (first, last, angle) in enumerate(forms)
                    ]
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides={"valid_until_utc": pl.Datetime("us", "UTC")})


@cache
def parts() -> pl.DataFrame:
    """Parts of areas in the middle between four masts, with residents that no binary number is."""
    middle = [(east, north) for east in range(500, 5_000, 1_000) for north in range(500, 5_000, 1_000)]
    return pl.DataFrame(
        [
            (f"p{east}-{north}", AREAS[(east > 2_000) + 2 * (north > 2_000)], east + 4e5, north + 3e5, 10 + east / 7)
            for east, north in middle
        ],
        schema=["part", "area", "easting_m", "northing_m", "residents"],
        orient="row",
    )


@cache
def events() -> pl.DataFrame:
    """Three weeks of devices that work by day, by night, at several sites and not at all."""
    random = np.random.default_rng(7)
    names = {operator: cells().filter(operator=operator)["cell_id"].unique().sort() for operator in ("north", "south")}
    rows = []
    for device in range(150):
        operator = "south" if device % 4 == 0 else "north"
        user = int(random.integers(-(2**62), 2**62))
        home, work, third, fourth = random.choice(names[operator].to_numpy(), 4, replace=False).tolist()
        kind = device % 5
        for day in range(DAYS):
            working = day % 7 < 5
            night, by_day = home, (work if working else home)
            if kind == 1:  # nights of work, and nights of rest at two places alike
                night, by_day = (work if day % 7 in (1, 2, 3, 4) else (third, home)[day % 2]), home
            if kind == 2:
                by_day = (work, third, fourth)[day % 3] if working else home
            if kind == 3:
                by_day = home
            hours = [
                (0.25, night),
                (2.5, night),
                (4.75, night),
                (10, by_day),
                (13, by_day),
                (15.5, by_day),
                (22.5, night),
            ]
            if random.random() < 0.1:
                hours += [(12.0, fourth), (12.0, home), (12.0, home), (12.1, fourth)]
            rows += [(operator, user, day, round(hour * 3_600), cell) for hour, cell in hours]
    frame = pl.DataFrame(rows, schema=["operator", "user", "day", "second", "cell_id"], orient="row")
    local = pl.lit(MONDAY).cast(pl.Datetime("us")) + pl.duration(days="day", seconds="second")
    return frame.select(
        "operator",
        "user",
        "cell_id",
        time_utc=local.dt.replace_time_zone("Europe/London").dt.convert_time_zone("UTC"),
        event_date=local.dt.date(),
    )


def by_day(users: int = 400) -> pl.DataFrame:
    """Evidence in tenths, which sums cancel and tie, and of which no sum is exact in binary."""
    random = np.random.default_rng(11)
    n = users * 40
    return (
        pl.DataFrame(
            {
                "user": random.integers(0, users, n),
                "place": random.integers(0, 4, n).astype(np.int32),
                "day": (FIRST_DAY + random.integers(0, DAYS, n)).astype(np.int32),
                "home": random.choice([0.0, 0.1, 0.2, 0.3, 0.7, 1.0], n),
                "work": random.choice([-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.6], n),
                "small_hours": random.choice([0.0, 2.0, 3.0], n),
            }
        )
        .unique(["user", "place", "day"], keep="first", maintain_order=True)
        .with_columns(is_education=pl.lit(False))
    )


@cache
def anchors() -> pl.DataFrame:
    """Anchors of devices that may be in several areas, with probabilities in thirds and sevenths."""
    random = np.random.default_rng(13)
    rows = []
    for user in range(600):
        operator, kind = (
            ("north", "south")[user % 2],
            ("full_week", "none_seen", "part_week", "several_sites")[user % 4],
        )
        for anchor in ("home", "work") if kind in ("full_week", "part_week") else ("home",):
            weights = random.integers(1, 4, int(random.integers(1, 4)))
            places = random.choice(AREAS, len(weights), replace=False)
            rows += [
                (operator, user, anchor, str(area), weight / weights.sum(), kind)
                for area, weight in zip(places, weights, strict=True)
            ]
    return pl.DataFrame(
        rows, schema=["operator", "user", "anchor", "area", "probability", "worker_class"], orient="row"
    )


def devices() -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                ("north", "south")[user % 2],
                user,
                ("contract", "prepaid")[user % 3 // 2],
                ("25-44", "45-64")[user % 5 % 2],
            )
            for user in range(580)
        ],
        schema=["operator", "user", "contract", "age_group"],
        orient="row",
    )


@cache
def delivered() -> pl.DataFrame:
    """Flows in tenths, of three operators and two periods, under codes of which two became one."""
    random = np.random.default_rng(17)
    rows = [
        (observed, operator, "all", age, origin, destination, "devices", random.integers(20, 4_000) / 10, False, None)
        for observed in (PERIOD, LATER)
        for operator in ("east", "west", "far")
        for age in ("25-44", "45-64")
        for origin in (*AREAS, "D1", "D2")
        for destination in (*AREAS, "D1", "D2", "none_seen")
    ]
    names = ["observed", "operator", "contract", "age_group", "origin", "destination"]
    return pl.DataFrame(rows, schema=[*names, "unit", "count", "is_suppressed", "detail"], orient="row")


CODES = pl.DataFrame({"code": ["D1", "D2", "D"], "current_code": ["D", "D", "D"]})
MARKET = pl.DataFrame(
    [
        (operator, area, age, 1_000 + 100 / 3, 1.1 + number / 30, 0.3, 0.2, 0.1)
        for operator in ("east", "west", "far")
        for age in ("25-44", "45-64")
        for number, area in enumerate(AREAS[:3])
    ],
    schema=[
        "operator", "area", "age_group", "population", "phones_per_person", "operator_share", "prepaid_share",
        "second_phone_share",
    ],
    orient="row",
)  # fmt: skip
WORKERS = pl.DataFrame(
    [(area, side, 900 + 100 / 7 * number) for number, area in enumerate(AREAS) for side in ("home", "work")],
    schema=["area", "side", "workers"],
    orient="row",
)


def weighted() -> pl.DataFrame:
    random = np.random.default_rng(19)
    names = [f"W{number:02}" for number in range(12)]
    return pl.DataFrame(
        [
            (observed, origin, destination, random.integers(1, 900) / 10, random.integers(1, 9_000) / 7)
            for observed in (PERIOD, LATER, LATER_WEEK)
            for origin in names
            for destination in names
        ],
        schema=["observed", "origin", "destination", "devices", "flow"],
        orient="row",
    )


def commuters() -> pl.DataFrame:
    random = np.random.default_rng(23)
    names = [f"W{number:02}" for number in range(11)] + ["W11a", "W11b"]
    return pl.DataFrame(
        [
            ("census", origin, destination, random.integers(10, 9_000) / 7, random.integers(0, 10) / 7)
            for origin in names
            for destination in names
        ],
        schema=["benchmark", "origin", "destination", "commuters", "home_workers"],
        orient="row",
    )


def centres() -> pl.DataFrame:
    """Three parts an area, at thirds of metres."""
    return pl.DataFrame(
        [
            (f"W{number:02}", 400_000 + number % 4 * 4_000 + part * 100 / 3, 300_000 + number // 4 * 4_000 + part / 7)
            for number in range(12)
            for part in range(3)
        ],
        schema=["area", "easting_m", "northing_m"],
        orient="row",
    )


W_CODES = pl.DataFrame({"code": ["W11a", "W11b"], "current_code": ["W11", "W11"]})


def _whereabouts(method: str) -> Case:
    def make(_: int, cells: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
        plan = cell_plan(cells)
        where = whereabouts_of(plan, parts, FootprintParameters(method=method, tile_m=250))  # type: ignore[arg-type]
        # Each cell by itself, and all of them as one place.
        alone = plan.cells.select(user=pl.lit(1), place="cell", cell="cell", events="cell")
        together = plan.cells.select(user=pl.lit(2), place=pl.lit(0, dtype=pl.Int32()), cell="cell", events="cell")
        return where.of_places(pl.concat([alone.with_columns(events=pl.lit(1, dtype=pl.Int32())), together]))

    return Case(make, {"cells": cells(), "parts": parts()})


def _device_anchors() -> Case:
    """Events in blocks of any rows, worked by any number of threads and any number of buckets at once."""
    plan = cell_plan(cells())
    where = whereabouts_of(plan, parts(), FootprintParameters(tile_m=250))

    def make(variation: int, events: pl.DataFrame) -> pl.DataFrame:
        at_once = (2_000_000, 1, 4_000, 700)[variation]
        size = (len(events), 9_999, 5_000, 20_000)[variation]
        blocks = (events[start : start + size] for start in range(0, len(events), size))
        with mock.patch.object(spans_module, "EVENTS_AT_ONCE", at_once):
            return pl.concat(worked_here(device_anchors(blocks, plan, where)))

    return Case(make, {"events": events()})


def _daily(table: int) -> Case:
    """Hours at places, and where they are; cells that were turned are one place."""
    plan = cell_plan(cells())
    where = whereabouts_of(plan, parts(), FootprintParameters(tile_m=250))

    def make(variation: int, events: pl.DataFrame) -> pl.DataFrame:
        size = (len(events), 9_999, 5_000, 20_000)[variation]
        blocks = (events[start : start + size] for start in range(0, len(events), size))
        with mock.patch.object(spans_module, "EVENTS_AT_ONCE", (2_000_000, 1, 4_000, 700)[variation]):
            return pl.concat(tables[table] for tables in worked_here(daily_tables(blocks, plan, where)))

    return Case(make, {"events": events()})


@cache
def travelling() -> pl.DataFrame:
    """The same events, of which some are in other countries, and some of foreign SIMs."""
    abroad = (pl.col("user") % 4 == 0) & pl.col("event_date").is_between(date(2014, 10, 10), date(2014, 10, 13))
    network = pl.when(pl.col("event_date").dt.day() % 2 == 0).then(pl.lit("20801")).otherwise(pl.lit("21401"))
    return events().with_columns(
        plmn=pl.when(abroad).then(network),
        mcc=pl.when(pl.col("user") % 7 == 0).then(pl.lit("262")).otherwise(pl.lit("234")),
    )


def _segments(variation: int, events: pl.DataFrame) -> pl.DataFrame:
    plan = cell_plan(cells(), home=frozenset({"234"}))
    size = (len(events), 9_999, 5_000, 20_000)[variation]
    blocks = (events[start : start + size] for start in range(0, len(events), size))
    with mock.patch.object(spans_module, "EVENTS_AT_ONCE", (2_000_000, 1, 4_000, 700)[variation]):
        days = (MONDAY, date(2014, 10, 26))
        pairs = frozenset({(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0)})
        return pl.concat(worked_here(segment_tables(blocks, plan, days, overlapping=pairs)))


def _tourism() -> Case:
    def make(variation: int, **tables: pl.DataFrame) -> tuple[pl.DataFrame, ...]:
        part = pl.col("user") % (variation + 1)
        made = []
        for number in range(variation + 1):
            segments, labels, places = (
                tables[name].filter(part == number) for name in ("segments", "labels", "places")
            )
            made.append((*all_trips(segments, tables["foreign"], labels, places, (MONDAY, date(2014, 10, 26))), places))
        days = pl.DataFrame(
            {"operator": ["north", "south"], "month": [date(2014, 10, 1)] * 2, "days_observed": [21] * 2}
        )
        trips, stays = (pl.concat(each[number] for each in made) for number in (0, 1))
        every_day = pl.DataFrame({"day": pl.date_range(MONDAY, date(2014, 10, 26), eager=True)}).join(
            days.select("operator"), how="cross"
        )
        return trips, stays, tourism((counts_of_trips(*each, every_day) for each in made), days)

    plan = cell_plan(cells(), home=frozenset({"234"}))
    where = whereabouts_of(plan, parts(), FootprintParameters(tile_m=250))
    found = list(worked_here(daily_tables([travelling()], plan, where)))
    return Case(
        make,
        {
            "segments": _segments(0, travelling()),
            "labels": pl.concat(score_tables(daily)[2] for daily, _ in found).filter(year_season="all"),
            "places": pl.concat(places for _, places in found),
            "foreign": foreign_devices(travelling().lazy(), frozenset({"234"})),
        },
    )


def _scores(table: int) -> Case:
    def make(variation: int, daily: pl.DataFrame) -> pl.DataFrame:
        part = pl.col("user") % (variation + 1)
        made = [score_tables(daily.filter(part == number))[table] for number in range(variation + 1)]
        return pl.concat(made).sort(pl.all())

    plan = cell_plan(cells())
    where = whereabouts_of(plan, parts(), FootprintParameters(tile_m=250))
    return Case(make, {"daily": pl.concat(daily for daily, _ in worked_here(daily_tables([events()], plan, where)))})


def _classes(parameters: DeviceAnchorParameters) -> Case:
    def make(variation: int, by_day: pl.DataFrame) -> pl.DataFrame:
        part = pl.col("user") % (variation + 1)
        parts = [by_day.filter(part == number) for number in range(variation + 1)]
        return pl.concat([classify_workers(each, parameters) for each in parts])

    return Case(make, {"by_day": by_day()})


def _weigh(_: int, delivered: pl.DataFrame, codes: pl.DataFrame, market: pl.DataFrame, workers: pl.DataFrame):
    taken = take_flows(None, delivered, codes, pl.Series(AREAS))
    return taken.flows, weigh_periods(taken.flows, market, workers, WeightingParameters(replicates=20))


def _weigh_as_they_come(_: int, flows: pl.DataFrame, market: pl.DataFrame) -> pl.DataFrame:
    return weigh_periods(flows, market, None, WeightingParameters(replicates=20))


def _combine(_: int, flows: pl.DataFrame, market: pl.DataFrame, workers: pl.DataFrame) -> pl.DataFrame:
    return combined_flows(flows, market, workers, WeightingParameters(replicates=20)).rows


def _people_of_devices() -> Case:
    plan = cell_plan(cells())
    where = whereabouts_of(plan, parts(), FootprintParameters(tile_m=250))
    daily, places = next(worked_here(daily_tables([events()], plan, where)))

    def make(_: int, daily: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
        rows = daily.filter(operator="north")
        return device_weights(rows, main_areas([(rows, places)]), plan, "north")[0]

    return Case(make, {"daily": daily, "places": places})


def present() -> pl.DataFrame:
    random = np.random.default_rng(29)
    rows = [
        (LATER, operator, "weekday", hour, area, devices := random.integers(20, 900) / 7, devices * 10 / 3)
        for operator in ("east", "west", "far")
        for hour in range(4)
        for area in AREAS
    ]
    schema = ["observed", "operator", "day_type", "hour", "area", "devices", "people_present"]
    return pl.DataFrame(rows, schema=schema, orient="row").cast({"hour": pl.Int8()})


def _compare(_: int, weighted: pl.DataFrame, commuters: pl.DataFrame, centres: pl.DataFrame, codes: pl.DataFrame):
    known = census(commuters, codes.lazy(), "census")
    parameters = FlowComparisonParameters(distance_bands_km=(5, 10), ks=(20,))
    return flow_comparison(latest(weighted), known, centres, parameters)


def _totals(_: int, flows: pl.DataFrame) -> str | None:
    return check_totals(flows)


def _flows_with_totals() -> pl.DataFrame:
    kept = delivered().filter(pl.col("destination") != "none_seen")
    keys = ["observed", "operator", "contract", "age_group", "origin", "unit"]
    totals = kept.group_by(keys, maintain_order=True).agg(pl.col("count").sum() + 0.05 * 6)
    return pl.concat([kept, totals.with_columns(destination=pl.lit("all"))], how="diagonal")


CASES = {
    "cells": lambda: Case(lambda _, cells: cell_plan(cells).cells, {"cells": cells()}),
    "cells abroad": lambda: Case(
        lambda _, cells: cell_plan(cells).cells, {"cells": cells().with_columns(easting_m=None, northing_m=None)}
    ),
    "places by the nearest mast": lambda: _whereabouts("voronoi"),
    "places by strength": lambda: _whereabouts("strength"),
    "places by dominance": lambda: _whereabouts("dominance"),
    "quality of events": lambda: Case(
        lambda _, events, cells: event_quality(events.lazy(), cell_plan(cells)), {"events": events(), "cells": cells()}
    ),
    "anchors of devices": _device_anchors,
    "segments of time": lambda: Case(_segments, {"events": travelling()}),
    "trips, stays and visitors": _tourism,
    "classes of workers": lambda: _classes(DeviceAnchorParameters()),
    "classes of workers by shares": lambda: _classes(DeviceAnchorParameters(home_share=0.25, work_share=0.25)),
    "flows of an operator": lambda: Case(
        lambda _, anchors, devices: operator_flows(anchors, devices, ReleaseParameters(k=5), PERIOD).rows,
        {"anchors": anchors(), "devices": devices()},
    ),
    "flows by the likeliest area": lambda: Case(
        lambda _, anchors, devices: origin_destination(anchors, devices, ReleaseParameters(assignment="most_likely")),
        {"anchors": anchors(), "devices": devices()},
    ),
    "delivered totals": lambda: Case(_totals, {"flows": _flows_with_totals()}),
    "weighted flows": lambda: Case(
        _weigh, {"delivered": delivered(), "codes": CODES, "market": MARKET, "workers": WORKERS}
    ),
    "weighted flows as they come": lambda: Case(
        _weigh_as_they_come,
        {
            "flows": delivered().filter(pl.col("origin").str.len_chars() == 1).rename({"count": "devices"}),
            "market": MARKET,
        },
    ),
    "combined flows": lambda: Case(
        _combine,
        {
            "flows": delivered().filter(pl.col("origin").str.len_chars() == 1).rename({"count": "devices"}),
            "market": MARKET,
            "workers": WORKERS,
        },
    ),
    "combined population": lambda: Case(
        lambda _, presence, market: combined_population(presence, market).rows,
        {"presence": present(), "market": MARKET},
    ),
    "people of devices": _people_of_devices,
    "hours at places": lambda: _daily(0),
    "areas of places": lambda: _daily(1),
    "scores of months": lambda: _scores(0),
    "scores of seasons": lambda: _scores(1),
    "usual places": lambda: _scores(2),
    "comparison of flows": lambda: Case(
        _compare, {"weighted": weighted(), "commuters": commuters(), "centres": centres(), "codes": W_CODES}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_neither_the_order_of_rows_nor_the_parts_make_a_difference(name: str) -> None:
    check(CASES[name]())


def nights(*rows: tuple[int, int, float, float]) -> pl.DataFrame:
    """(place, weekday of the morning, evidence of home, evidence of work) of one device, over three weeks."""
    made = [(1, place, FIRST_DAY + 7 * week + day, home, work) for week in range(3) for place, day, home, work in rows]
    return pl.DataFrame(
        made,
        schema={"user": pl.Int64(), "place": pl.Int32(), "day": pl.Int32(), "home": pl.Float64(), "work": pl.Float64()},
        orient="row",
    ).with_columns(small_hours=pl.lit(4.0), is_education=pl.lit(False))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("more", "home"), [(0.0, 2), (0.1, 3)])
def test_of_two_places_of_rest_the_one_where_days_are_spent_is_home_and_else_the_first(seed, more, home):
    working = [(1, day, 0.2, 0.0) for day in (1, 2, 3, 4)]
    asleep_by_day = [(place, day, 0.3, 0.3) for place in (2, 3) for day in (1, 2, 3, 4)]
    resting = [(2, 5, 0.5, 0.0), (3, 6, 0.5 + more, 0.0)]
    rows = nights(*working, *resting)
    by_day = nights(*asleep_by_day).with_columns(small_hours=pl.lit(0.0))
    found = classify_workers(pl.concat([rows, by_day]).sample(fraction=1, shuffle=True, seed=seed))
    assert found["worker_class"].unique().to_list() == [NIGHT_SHIFT]
    assert found.filter(anchor="home")["place"].item() == home
    assert found.filter(anchor="work")["place"].item() == 1


@pytest.mark.parametrize("seed", range(8))
def test_a_place_that_gathers_as_much_as_it_loses_is_no_place_of_work(seed):
    home = [(1, day, 1.0, 0.0) for day in range(7)]
    # In binary, 0.3 + 0.4 - 0.7 is above zero in one order and not in another.
    even = [(2, 0, 0.0, 0.3), (2, 1, 0.0, 0.4), (2, 2, 0.0, -0.7)]
    rows = nights(*home, *even).sample(fraction=1, shuffle=True, seed=seed)
    found = classify_workers(rows, DeviceAnchorParameters(min_work_days=1))
    assert found["anchor"].to_list() == ["home"]


@pytest.mark.parametrize("seed", range(4))
def test_of_periods_that_end_together_the_longest_is_the_latest(seed):
    rows = pl.DataFrame({"observed": [PERIOD, LATER, LATER_WEEK, LATER]}).sample(fraction=1, shuffle=True, seed=seed)
    assert latest(rows)["observed"].to_list() == [LATER, LATER]
