"""Devices of one person: how they meet, the probability of pairs, and what it does to counts."""

from datetime import UTC, date, datetime, timedelta
from itertools import combinations, product
from math import factorial

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_assets.mobile.device_meetings import KINDS, meetings, near_cells
from ons_assets.mobile.device_weights import device_weights, main_areas, market_of_areas, twin_priors
from ons_assets.mobile.in_people import in_people
from ons_assets.mobile.internal_migration import moves_between_seasons
from ons_assets.mobile.plan import CellPlan, cell_plan
from ons_assets.mobile.present_population import days_of_types, present, present_population, together
from ons_assets.mobile.release import origin_destination
from ons_assets.mobile.twin_devices import fit, log_likelihood, matched
from ons_assets.mobile.usual_environment import environment_of_areas
from ons_assets.parameters.mobile import ReleaseParameters
from ons_assets.parameters.mobile_people import DeduplicationParameters

MONDAY = date(2014, 10, 6)
DAYS = 14
SIDE, STEP_M = 6, 3_000
SINGLE, TWINS = 120, 8
NIGHT = sum(1 << hour for hour in (*range(7), *range(19, 24)))
WORKING = sum(1 << hour for hour in range(9, 17))
EVENING = 1 << 18
MARKET = {
    "operator": ["north", "north", "south"],
    "area": ["A", "B", "A"],
    "age_group": ["all"] * 3,
    "population": [100.0, 300.0, 100.0],
    "phones_per_person": [1.0] * 3,
    "operator_share": [0.4, 0.2, 0.6],
    "prepaid_share": [0.3] * 3,
    "second_phone_share": [0.1, 0.2, 0.1],
}


@pytest.fixture(scope="module")
def plan() -> CellPlan:
    """Masts on a grid, so far from each other that no two serve one place."""
    rows = [
        {
            "operator": "north",
            "cell_id": f"c{east}{north}",
            "valid_from_utc": datetime(2014, 1, 1, tzinfo=UTC),
            "valid_until_utc": None,
            "technology": "4G",
            "latitude": 52 + north / 100,
            "longitude": -1 + east / 100,
            "azimuth_degrees": None,
            "beam_width_degrees": None,
            "range_m": 2_000.0,
            "easting_m": 400_000.0 + east * STEP_M,
            "northing_m": 300_000.0 + north * STEP_M,
            "power_w": None,
            "height_m": None,
            "cell_type": "macro",
            "arrival": 1,
            "line": east * SIDE + north,
        }
        for east, north in product(range(SIDE), range(SIDE))
    ]
    return cell_plan(pl.DataFrame(rows, schema_overrides={"valid_until_utc": pl.Datetime("us", "UTC")}))


def of_days(user: int, home: str, work: str, errands: list[str], seen: np.random.Generator) -> list[tuple[object, ...]]:
    """At home by night, at work by day and somewhere in the evening, a part of all hours being seen."""
    rows = []
    for number in range(DAYS):
        day = MONDAY + timedelta(number)
        for place, hours in ((home, NIGHT), (work, WORKING), (errands[number], EVENING)):
            is_seen = int(sum(1 << hour for hour in np.flatnonzero(seen.random(24) < 0.7)))
            if mask := hours & is_seen:
                rows.append(("north", user, place, day, mask))
    return rows


@pytest.fixture(scope="module")
def daily(plan: CellPlan) -> pl.DataFrame:
    """People of two homes and three workplaces; the first have two devices, numbered 1000 and up."""
    random = np.random.default_rng(4)
    cells = plan.cells["cell_id"].to_list()
    rows: list[tuple[object, ...]] = []
    for person in range(SINGLE):
        home, work = cells[person % 2], cells[20 + person % 3]
        errands = list(random.choice(cells, DAYS))
        rows += of_days(person, home, work, errands, random)
        if person < TWINS:
            rows += of_days(1_000 + person, home, work, errands, random)
    # A device that never leaves its home.
    rows += of_days(5_000, cells[0], cells[0], [cells[0]] * DAYS, random)
    schema = {"operator": pl.String(), "user": pl.Int64(), "place": pl.String(), "day": pl.Date()}
    made = pl.DataFrame(rows, schema={**schema, "hours_mask": pl.Int32()}, orient="row")
    return made.group_by("operator", "user", "place", "day").agg(pl.col("hours_mask").bitwise_or()).sort("user", "day")


@pytest.fixture(scope="module")
def places(daily: pl.DataFrame) -> pl.DataFrame:
    return daily.select("user", "place").unique().with_columns(area=pl.lit("A"), probability=pl.lit(1.0))


PARAMETERS = DeduplicationParameters(near_masts=0)


@pytest.fixture(scope="module")
def weights(daily: pl.DataFrame, places: pl.DataFrame, plan: CellPlan) -> pl.DataFrame:
    areas = main_areas([(daily, places)])
    return device_weights(daily, areas, plan, "north", pl.DataFrame(MARKET), PARAMETERS)[0]


# --- how they meet -----------------------------------------------------------------------------------------


def test_cells_are_near_each_other_both_ways_and_further_apart_where_masts_are(plan):
    own = near_cells(plan, "north", PARAMETERS)
    assert (own["place"] == own["near"]).all()
    around = near_cells(plan, "north", DeduplicationParameters(near_masts=2))
    assert_frame_equal(around, around.select(place="near", near="place").sort("place", "near"))
    middle = around.filter(place="c22")["near"].to_list()
    assert middle == ["c12", "c21", "c22", "c23", "c32"]


def test_hours_together_and_apart_are_those_of_plain_loops(daily, plan):
    few = daily.filter(pl.col("user").is_in([0, 6, 12, 1_000]))
    met = meetings(few, near_cells(plan, "north", PARAMETERS), PARAMETERS)
    hours = {
        (user, day, hour): set() for user, day in few.select("user", "day").unique().iter_rows() for hour in range(24)
    }
    for user, place, day, mask in few.select("user", "place", "day", "hours_mask").iter_rows():
        for hour in range(24):
            if mask >> hour & 1:
                hours[user, day, hour].add(place)
    names = sorted(plan.cells["cell_id"])
    routine = {row["user"]: (names[row["home"]], names[row["away"][0]]) for row in met.routines.iter_rows(named=True)}
    assert len(met.pairs) == 6
    for row in met.pairs.iter_rows(named=True):
        one, other = routine[row["user"]], routine[row["other"]]
        count = dict.fromkeys(KINDS, 0)
        for (user, day, hour), here in hours.items():
            there = hours.get((row["other"], day, hour), set())
            if user != row["user"] or not here or not there:
                continue
            shared = here & there - {one[0], other[0]}
            usual = {one[1], other[1]}
            if shared - usual:
                count["elsewhere_hours"] += 1
            elif shared:
                count["usual_hours"] += 1
            elif not here & there:
                count["apart_hours"] += 1
        assert count == {name: row[name] for name in KINDS}


def test_devices_are_put_side_by_side_only_with_the_same_home_and_way(daily, plan):
    pairs = meetings(daily, near_cells(plan, "north", PARAMETERS), PARAMETERS).pairs
    assert (pairs["user"] < pairs["other"]).all()
    same = (pl.col("user") % 1_000 % 2) == (pl.col("other") % 1_000 % 2)
    assert pairs.select(same.all()).item()
    assert 5_000 not in {*pairs["user"], *pairs["other"]}


# --- probabilities -----------------------------------------------------------------------------------------


def test_the_probability_of_counts_adds_up_to_one():
    alpha = np.array([0.5, 2.0, 1.3])
    rows = np.array([row for row in product(range(5), repeat=3) if sum(row) == 4], dtype=float)
    orders = np.array([factorial(4) / np.prod([factorial(int(each)) for each in row]) for row in rows])
    assert (orders * np.exp(log_likelihood(rows, alpha))).sum() == pytest.approx(1)


def test_what_pairs_are_like_is_found_again():
    random = np.random.default_rng(1)
    alpha = np.array([4.0, 0.5, 2.0])
    counts = np.array([random.multinomial(25, random.dirichlet(alpha)) for _ in range(3_000)], dtype=float)
    assert fit(counts, np.ones(len(counts)), np.ones(3)) == pytest.approx(alpha, rel=0.15)


def plain_matching(edges, odds, devices):
    """Of all sets of pairs in which no device is twice, weighed by their odds, the share with each pair."""
    whole, of_pair = 0.0, np.zeros(len(edges))
    for size in range(devices // 2 + 1):
        for chosen in combinations(range(len(edges)), size):
            used = [device for edge in chosen for device in edges[edge]]
            if len(used) == len(set(used)):
                weight = np.prod([odds[edge] for edge in chosen])
                whole += weight
                of_pair[list(chosen)] += weight
    return of_pair / whole


def test_matchings_are_exact_without_rings():
    edges = [(0, 1), (1, 2), (2, 3), (1, 4), (4, 5)]
    odds = np.array([0.5, 20.0, 3.0, 7.0, 0.01])
    first, second = np.array(edges).T
    assert matched(first, second, odds, 6) == pytest.approx(plain_matching(edges, odds, 6), abs=1e-7)


def test_no_device_is_in_more_than_one_pair_where_there_are_rings():
    edges = list(combinations(range(5), 2))
    first, second = np.array(edges).T
    found = matched(first, second, np.full(len(edges), 1e6), 5)
    sums = np.bincount(np.concatenate([first, second]), np.concatenate([found, found]))
    assert sums.max() <= 1 + 1e-9
    assert found.max() - found.min() < 1e-6


# --- weights -----------------------------------------------------------------------------------------------


def test_true_twins_stand_for_half_a_person_each(weights):
    is_twin = pl.col("user").is_in([*range(TWINS), *range(1_000, 1_000 + TWINS)])
    assert weights.filter(is_twin)["people_of_device"].mean() < 0.6
    assert weights.filter(~is_twin)["people_of_device"].mean() > 0.98
    assert weights["people_of_device"].is_between(0.5, 1).all()


def test_a_device_of_which_nothing_is_seen_away_from_home_has_its_prior(weights):
    alone = weights.filter(user=5_000)
    assert alone["twin_probability"].item() == alone["twin_prior"].item() > 0
    assert alone["twin_candidates"].item() == 0


def test_the_order_of_rows_changes_nothing(weights, daily, places, plan):
    shuffled = daily.sample(fraction=1, shuffle=True, seed=1)
    areas = main_areas([(shuffled, places)]).sample(fraction=1, shuffle=True, seed=1)
    again, _ = device_weights(shuffled, areas, plan, "north", pl.DataFrame(MARKET), PARAMETERS)
    assert_frame_equal(again, weights, check_exact=True)


def test_the_names_of_devices_change_nothing(weights, daily, places, plan):
    def other(rows):
        return rows.with_columns(user=7_919 - pl.col("user") * 3)

    made, _ = device_weights(
        other(daily), main_areas([(other(daily), other(places))]), plan, "north", pl.DataFrame(MARKET), PARAMETERS
    )
    columns = ["user", "twin_probability", "people_of_device"]
    assert_frame_equal(made.select(columns).sort("user"), other(weights).select(columns).sort("user"), abs_tol=1e-6)


def test_by_ratio_all_devices_of_an_area_are_alike(daily, places, plan):
    areas = main_areas([(daily, places)])
    ratio = DeduplicationParameters(method="ratio")
    made, found = device_weights(daily, areas, plan, "north", pl.DataFrame(MARKET), ratio)
    assert found is None
    assert made["people_of_device"].to_list() == pytest.approx([1 - 0.4 * 0.1 / 1.1] * len(made))


def test_the_prior_is_the_share_of_devices_with_another_of_the_operator():
    random = np.random.default_rng(2)
    share, second, people = 0.4, 0.1, 400_000
    first_of, second_of = random.random(people) < share, random.random(people) < share
    has_second = random.random(people) < second
    devices = first_of.sum() + (second_of & has_second).sum()
    twins = 2 * (first_of & second_of & has_second).sum()
    prior = twin_priors(pl.DataFrame({"user": [1], "area": ["A"]}), pl.DataFrame(MARKET), "north")["prior"].item()
    assert prior == pytest.approx(twins / devices, rel=0.03)


def test_where_the_market_says_nothing_parameters_do():
    areas = pl.DataFrame({"user": [1, 2], "area": ["A", None]}, schema={"user": pl.Int64(), "area": pl.String()})
    expected = 2 * 0.3 * 0.1 / 1.1
    for market in (None, pl.DataFrame(MARKET).filter(operator="south")):
        assert twin_priors(areas, market, "north")["prior"].to_list() == pytest.approx([expected] * 2)
    unlisted = market_of_areas(pl.DataFrame(MARKET), "north", pl.Series(["Z"]))
    assert unlisted["second_phone_share"].item() == pytest.approx(0.15)


# --- people in other tables --------------------------------------------------------------------------------


def halves(users, weight=0.5):
    return pl.DataFrame({"user": users, "people_of_device": [weight] * len(users)})


def test_people_are_counted_where_devices_were():
    homes = pl.DataFrame(
        {
            "operator": "north", "user": [1, 2], "anchor": "home", "area": ["A", "A"], "probability": 1.0,
            "worker_class": "none_seen",
        }
    )  # fmt: skip
    counted = origin_destination(homes, None, ReleaseParameters(), halves([1]))
    assert counted["devices"].item() == 1.5
    labels = pl.DataFrame(
        {"operator": "north", "user": [1, 1, 2, 2], "year_season": ["2014-autumn", "2015-winter"] * 2, "place": "c"}
    )
    at = pl.DataFrame({"user": [1, 2], "place": "c", "area": "A", "probability": 1.0})
    both = [labels.with_columns(label=pl.lit(label)) for label in ("usual", "home")]
    environment = environment_of_areas(pl.concat(both), at, halves([1]))
    assert set(environment["devices"]) == {1.5}
    pairs = pl.DataFrame({"operator": "north", "previous_season": "2014-autumn", "year_season": "2015-winter"})
    moved = moves_between_seasons(both[1], at, pairs, None, halves([1]))
    assert moved["devices"].to_list() == [1.5]
    assert in_people(homes, "probability", None) is homes


def test_people_present_are_weighed_and_devices_are_not(daily, places, weights):
    days = days_of_types(daily.lazy())
    located = places.with_columns(area=pl.when(pl.col("place") == "c32").then(pl.lit("B")).otherwise("area"))
    residents = pl.DataFrame({"area": ["A", "B"], "residents": [1_000.0, 1_000.0]})
    plain = present_population(together([present(daily, located, days)]), days, residents)
    weighed = present_population(together([present(daily, located, days, weights)]), days, residents)
    assert_frame_equal(plain.drop("people_present"), weighed.drop("people_present"))
    ones = halves(daily["user"].unique().to_list(), 1.0)
    assert_frame_equal(plain, present_population(together([present(daily, located, days, ones)]), days, residents))
    noon = {"day_type": "weekday", "hour": 12, "area": "B"}
    # The first have two devices and work elsewhere than others do: they count for less.
    before, after = (table.filter(**noon)["people_present"].item() for table in (plain, weighed))
    assert after != pytest.approx(before, rel=1e-3)
    whole = weighed.filter(area="all")["people_present"]
    assert whole.to_list() == pytest.approx([1_000.0] * len(whole), rel=0.02)
