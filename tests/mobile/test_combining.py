"""Several operators as one estimate: overlaps, intervals, and faults that stay where they are."""

from itertools import product

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_assets.mobile.combined_tables import combined_flows, combined_population, misplaced_error, periods_together
from ons_assets.mobile.combining import Said, chance_correlation, combine
from ons_assets.mobile.weighting import weigh
from ons_assets.parameters.mobile import WeightingParameters
from ons_assets.parameters.mobile_people import CombinationParameters

FEW = WeightingParameters(replicates=40)
SHARES = np.array([0.30, 0.42, 0.28])
SECOND, HAS_PHONE = 0.1, 0.9
OPERATORS = ("north", "south", "west")
AREAS = ("A", "B", "C", "D")
PERIOD = "2014-10-06/2014-10-19"


def customers(random, people):
    """Phones of each operator by person: nobody's, one, or two, each of an operator by its share."""
    first = random.choice(3, people, p=SHARES)
    second = random.choice(3, people, p=SHARES)
    owns = random.random(people) < HAS_PHONE
    two = owns & (random.random(people) < SECOND / HAS_PHONE)
    phones = np.zeros((people, 3))
    phones[np.flatnonzero(owns), first[owns]] += 1
    phones[np.flatnonzero(two), second[two]] += 1
    return phones


def said(people, variance):
    cells = len(people)
    each = SHARES * (HAS_PHONE + SECOND)
    return Said(people, variance, np.tile(each, (cells, 1)), np.tile(SHARES, (cells, 1)), np.full(cells, SECOND))


# --- overlaps ----------------------------------------------------------------------------------------------


def test_what_operators_see_goes_together_as_their_customers_do():
    random = np.random.default_rng(1)
    draws = np.array([customers(random, 400).sum(axis=0) for _ in range(4_000)])
    found = chance_correlation(said(np.ones((1, 3)), np.ones((1, 3))), 1.0)[0]
    assert found == pytest.approx(np.corrcoef(draws.T), abs=0.04)


def test_intervals_hold_the_truth_as_often_as_they_say():
    random = np.random.default_rng(2)
    true = np.exp(random.uniform(np.log(200), np.log(3_000), 600)).astype(int)
    seen = np.array([customers(random, people).sum(axis=0) for people in true])
    # Each operator has an error of its own, of which nobody knows how large it is.
    each = SHARES * (HAS_PHONE + SECOND)
    estimate = seen / each + random.normal(size=seen.shape) * np.sqrt(0.5 * true)[:, None]
    made = combine(said(estimate, seen / each**2))
    inside = (made.low <= true) & (true <= made.high)
    assert inside.mean() == pytest.approx(0.95, abs=0.025)
    errors = [np.mean((value - true) ** 2) for value in (*estimate.T, made.people)]
    assert errors[3] < min(errors[:3])


def test_who_has_a_file_twice_knows_no_more():
    random = np.random.default_rng(3)
    true = random.integers(200, 2_000, 300)
    seen = np.array([customers(random, people)[:, 0].sum() for people in true])
    phones = SHARES[0] * (HAS_PHONE + SECOND)
    estimate, variance = seen / phones, seen / phones**2

    def width(copies, **of):
        columns = np.ones(copies)
        both = Said(
            np.outer(estimate, columns), np.outer(variance, columns), np.full((300, copies), phones),
            np.full((300, copies), SHARES[0]), np.full(300, SECOND),
        )  # fmt: skip
        made = combine(both, CombinationParameters(**of))
        return np.median(made.high - made.low)

    assert width(2) == pytest.approx(width(1), rel=0.02)
    assert width(4) == pytest.approx(width(1), rel=0.02)
    assert width(2, correlation="market") < 0.72 * width(1)


def test_the_order_of_operators_changes_nothing():
    random = np.random.default_rng(4)
    estimate = random.uniform(100, 2_000, (50, 1)) * random.uniform(0.9, 1.1, (50, 3))
    estimate[random.random((50, 3)) < 0.2] = np.nan
    variance = np.nan_to_num(estimate) * 3 + 1
    given = said(estimate, variance)
    turned = Said(*(each[:, ::-1] for each in (given.people, given.variance, given.phones, given.share)), given.second)
    made, again = combine(given), combine(turned)
    for name in ("people", "low", "high"):
        np.testing.assert_allclose(getattr(made, name), getattr(again, name), rtol=1e-9)


# --- flows -------------------------------------------------------------------------------------------------


def market(operators=OPERATORS):
    shares = dict(zip(OPERATORS, SHARES, strict=True))
    return pl.DataFrame(
        [
            (name, area, "all", 20_000.0, 1.0, float(shares[name.split("_")[0]]), 0.3, 0.1)
            for name in operators
            for area in AREAS
        ],
        schema=["operator", "area", "age_group", "population", "phones_per_person", "operator_share", "prepaid_share",
                "second_phone_share"],
        orient="row",
    )  # fmt: skip


@pytest.fixture(scope="module")
def flows():
    random = np.random.default_rng(5)
    rows = []
    for name, share in zip(OPERATORS, SHARES, strict=True):
        for origin in AREAS:
            counts = {at: float(random.poisson(share * (9_000 if at == origin else 900))) for at in AREAS}
            counts["none_seen"] = float(random.poisson(share * 8_000))
            counts["all"] = sum(counts.values())
            rows += [(PERIOD, name, "all", "all", origin, at, devices) for at, devices in counts.items()]
    keys = ["observed", "operator", "contract", "age_group", "origin", "destination", "devices"]
    return pl.DataFrame(rows, schema=keys, orient="row")


@pytest.fixture(scope="module")
def workers():
    sides = [(area, side, 12_000.0) for area in AREAS for side in ("home", "work")]
    return pl.DataFrame(sides, schema=["area", "side", "workers"], orient="row")


@pytest.fixture(scope="module")
def together(flows, workers):
    return combined_flows(flows, market(), workers, FEW).rows


def test_one_operator_alone_gives_what_it_gave(flows, workers):
    alone = flows.filter(operator="west")
    made = combined_flows(alone, market(), workers, FEW).rows
    given = weigh(alone, market(), workers, FEW).flows
    columns = ["origin", "destination", "flow", "flow_low", "flow_high"]
    assert_frame_equal(made.select(columns), given.select(columns))
    assert made["error_of_estimate"].to_list() == given["standard_error"].to_list()
    assert set(made["operators"]) == {1}


def test_together_flows_are_nearer_than_alone_and_add_up_to_workers(together, flows, workers):
    assert set(together["operators"]) == {3}
    sums = together.group_by("origin").agg(pl.col("flow").sum())["flow"]
    assert sums.to_list() == pytest.approx([12_000.0] * 4, rel=1e-4)
    between = pl.col("origin") != pl.col("destination")
    true = 12_000 * 900 / (9_000 + 3 * 900)

    def error(rows):
        return rows.filter(between).select(((pl.col("flow") - true) ** 2).mean().sqrt()).item()

    alone = [error(combined_flows(flows.filter(operator=name), market(), workers, FEW).rows) for name in OPERATORS]
    assert error(together) < min(alone)
    inside = (pl.col("flow_low") <= true) & (pl.col("flow_high") >= true)
    assert together.filter(between).select(inside.mean()).item() >= 0.9


def test_the_order_of_rows_changes_no_flow(together, flows, workers):
    made = combined_flows(flows.sample(fraction=1, shuffle=True, seed=1), market()[::-1], workers, FEW).rows
    assert_frame_equal(made, together, check_exact=True)


def test_an_area_that_one_operator_lost_is_said_by_the_others(together, flows, workers):
    lost = flows.filter((pl.col("operator") != "west") | (pl.col("origin") != "A"))
    made = combined_flows(lost, market(), workers, FEW).rows
    assert dict(made.group_by("origin").agg(pl.col("operators").max()).iter_rows()) == {"A": 2, "B": 3, "C": 3, "D": 3}
    both = made.join(together, on=["origin", "destination"], suffix="_of_all")
    change = (both["flow"] / both["flow_of_all"] - 1).abs()
    assert change.filter(both["origin"] != "A").max() < 0.03
    assert change.max() < 0.1


def test_an_operator_that_cannot_be_weighted_is_left_out_and_no_other(together, flows, workers):
    broken = pl.concat([flows, flows.head(1).with_columns(operator=pl.lit("broken"), origin=pl.lit("all"))])
    broken = broken.with_columns(destination=pl.when(operator="broken").then(pl.lit("all")).otherwise("destination"))
    made = combined_flows(broken, market(), workers, FEW)
    assert_frame_equal(made.rows, together)
    assert "broken" in made.notes[0]
    with pytest.raises(ValueError, match="no operator can be weighted"):
        combined_flows(broken.filter(operator="broken"), market(), workers, FEW)


def test_a_file_under_another_name_makes_no_flow_surer(flows, workers):
    west = flows.filter(operator="west")
    twice = pl.concat([west, west.with_columns(operator=pl.lit("west_again"))])
    both = market((*OPERATORS, "west_again"))

    def width(rows, **of):
        made = combined_flows(rows, both, workers, FEW, CombinationParameters(misplaced=0.0, **of)).rows
        return made.select((pl.col("flow_high") - pl.col("flow_low")).median()).item()

    # West alone has the interval of the replicates, which is that of an endless country, and raked.
    assert width(twice) > 0.8 * width(west)
    assert width(twice, correlation="market") < 0.8 * width(twice)


def test_a_pair_that_one_does_not_list_is_small_to_it_and_not_nothing(flows, workers):
    small = flows.with_columns(devices=pl.when(origin="A", destination="B").then(pl.lit(12.0)).otherwise("devices"))
    unlisted = small.filter((pl.col("operator") == "west") | (pl.col("origin") != "A") | (pl.col("destination") != "B"))
    pair = {"origin": "A", "destination": "B"}
    listed, made = (combined_flows(each, market(), workers, FEW).rows.filter(**pair) for each in (small, unlisted))
    assert made["operators"].item() == 3
    assert made["flow"].item() < listed["flow"].item()
    assert made["flow_low"].item() < made["flow"].item() < made["flow_high"].item()


def test_one_that_cannot_be_weighted_costs_the_only_other_nothing(flows, workers):
    both = flows.filter(pl.col("operator").is_in(["north", "west"]))
    known = market(["west"])
    made, alone = (
        combined_flows(each, known, workers, FEW) for each in (both, flows.filter(pl.col("operator") == "west"))
    )
    assert_frame_equal(made.rows, alone.rows)
    assert "north are left out" in made.notes[0]


@pytest.mark.parametrize("told", ["by origin and destination", "by origin"])
def test_an_operator_that_gives_totals_only_is_left_out(flows, workers, told):
    by_origin = (pl.col("destination") == "all") | (pl.col("operator") != "west")
    between = flows.filter(pl.col("operator") == "west", pl.col("destination").is_in(AREAS))
    arriving = between.group_by("observed", "operator", "contract", "age_group", "destination").agg(
        pl.col("devices").sum(), origin=pl.lit("all")
    )
    parts = [flows.filter(by_origin)] + [arriving.select(flows.columns)] * (told == "by origin and destination")
    made = combined_flows(pl.concat(parts), market(), workers, FEW)
    others = combined_flows(flows.filter(pl.col("operator") != "west"), market(), workers, FEW)
    assert_frame_equal(made.rows, others.rows)
    assert made.notes == ("The flows of the operator west are left out: it gives totals only.",)


def test_of_an_area_of_which_an_operator_gives_totals_only_it_says_nothing(together, flows, workers):
    """What it lists of other areas is told, and it does not say that all flows from this one are small."""
    silent = (pl.col("operator") == "west") & (pl.col("origin") == "B") & pl.col("destination").is_in(AREAS)
    made = combined_flows(flows.filter(~silent), market(), workers, FEW)
    assert made.notes == ("The flows from 1 area of the operator west are left out: it gives totals only.",)
    both = made.rows.join(together, on=["origin", "destination"], suffix="_of_all")
    assert len(both) == len(together)
    assert both.select((pl.col("flow") / pl.col("flow_of_all") - 1).abs().max()).item() < 0.15
    assert set(both.filter(origin="B")["operators"]) == {len(OPERATORS) - 1}
    assert set(both.filter(pl.col("origin") != "B")["operators"]) == {len(OPERATORS)}


def test_an_area_of_few_devices_whose_pairs_are_all_too_small_is_small(flows, workers):
    of_pair = (pl.col("origin") == "B") & (pl.col("destination").is_in(AREAS))
    few = flows.with_columns(devices=pl.when(of_pair).then(2.0).otherwise("devices"))
    elsewhere = pl.col("devices").filter(destination="none_seen").sum().over("operator", "origin")
    few = few.with_columns(
        devices=pl.when(origin="B", destination="all").then(elsewhere + 2 * len(AREAS)).otherwise("devices")
    )
    made = combined_flows(few.filter(~(of_pair & (pl.col("operator") == "west"))), market(), workers, FEW)
    assert made.notes == ()
    assert set(made.rows.filter(origin="B")["operators"]) == {len(OPERATORS)}


def test_where_all_give_totals_only_flows_are_spread_by_these_and_finite(flows, workers):
    whole = (pl.col("destination") == "all") | (pl.col("destination") == "none_seen")
    arriving = (
        flows.filter(pl.col("destination").is_in(AREAS))
        .group_by("observed", "operator", "contract", "age_group", "destination")
        .agg(pl.col("devices").sum(), origin=pl.lit("all"))
    )
    made = combined_flows(pl.concat([flows.filter(whole), arriving.select(flows.columns)]), market(), workers, FEW).rows
    figures = made.select(pl.col("flow", "flow_low", "flow_high", "error_of_estimate").is_finite().all())
    assert figures.row(0) == (True,) * 4
    assert made["flow"].sum() == pytest.approx(workers.filter(side="home")["workers"].sum(), rel=1e-3)


def test_large_flows_lose_by_what_is_misplaced_and_small_ones_gain():
    error = misplaced_error(
        pl.Series(["A", "A", "B", "B"]), pl.Series(["A", "B"] * 2), np.array([90.0, 10, 10, 90]), 0.1
    )
    assert error.tolist() == pytest.approx([4.0] * 4)


# --- periods -----------------------------------------------------------------------------------------------


def test_a_period_that_lacks_some_days_is_one_with_the_whole():
    names = pl.Series(["2014-10-06/2014-10-19", "2014-10-08/2014-10-19", "2014-11-03/2014-11-16", "all time"])
    assert periods_together(names, 0.5) == [
        ("2014-10-06/2014-10-19", ["2014-10-06/2014-10-19", "2014-10-08/2014-10-19"]),
        ("2014-11-03/2014-11-16", ["2014-11-03/2014-11-16"]),
        ("all time", ["all time"]),
    ]
    assert len(periods_together(names, 0.95)) == 4


def test_an_operator_without_some_days_still_counts(flows, workers):
    later = "2014-10-08/2014-10-19"
    short = flows.with_columns(observed=pl.when(operator="west").then(pl.lit(later)).otherwise("observed"))
    made = combined_flows(short, market(), workers, FEW).rows
    assert set(made["observed"]) == {PERIOD}
    assert set(made["operators"]) == {3}


# --- present population ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def presence():
    random = np.random.default_rng(6)
    rows = []
    for day_type, hour in product(("weekday", "sunday"), range(3)):
        for area, people in (("A", 4_000), ("B", 900), ("C", 60)):
            seen = customers(random, people).sum(axis=0)
            each = SHARES * (HAS_PHONE + SECOND)
            rows += [
                (PERIOD, name, day_type, hour, area, devices, devices / share)
                for name, devices, share in zip(OPERATORS, seen.tolist(), each.tolist(), strict=True)
            ]
    schema = ["observed", "operator", "day_type", "hour", "area", "devices", "people_present"]
    made = pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("hour").cast(pl.Int8()))
    return made.filter(pl.col("devices") >= 10)


def test_one_operator_alone_says_the_people_that_it_said(presence):
    alone = presence.filter(operator="west")
    made = combined_population(alone, market()).rows
    keys = ["day_type", "hour", "area"]
    both = made.join(alone, on=keys)
    assert len(both) == len(made) == len(alone)
    assert both["people_there"].to_list() == pytest.approx(both["people_present"].to_list())


def test_people_of_all_operators_are_nearer_and_surer(presence):
    made = combined_population(presence, market()).rows
    true = made["area"].replace_strict({"A": 4_000.0, "B": 900.0, "C": 60.0})
    inside = (made["people_low"] <= true) & (true <= made["people_high"])
    # Of an area that operators tell of by chance only, those are told that are too high.
    assert inside.filter(made["area"] != "C").mean() > 0.9
    large = made.filter(area="A")["people_there"] - 4_000
    alone = presence.filter(operator="west", area="A")["people_present"] - 4_000
    assert (large**2).mean() < (alone**2).mean()


def test_a_day_or_an_area_that_one_operator_lacks_changes_little_elsewhere(presence):
    whole = combined_population(presence, market()).rows
    lacks = (pl.col("operator") == "west") & ((pl.col("day_type") == "sunday") | (pl.col("area") == "B"))
    part = combined_population(presence.filter(~lacks), market()).rows
    both = whole.join(part, on=["day_type", "hour", "area"], suffix="_of_two")
    assert len(both) == len(whole)
    fewer = (pl.col("day_type") == "sunday") | (pl.col("area") == "B")
    assert set(both.filter(fewer & (pl.col("area") != "C"))["operators_of_two"]) == {2}
    same = both.filter(~fewer & (pl.col("area") == "A"))
    assert set(same["operators_of_two"]) == {3}
    assert ((same["people_there"] / same["people_there_of_two"]) - 1).abs().max() < 0.02


def test_an_operator_without_people_and_a_market_that_nobody_knows_are_no_fault(presence):
    silent = presence.with_columns(
        people_present=pl.when(operator="west").then(pl.lit(None, pl.Float64())).otherwise("people_present")
    )
    made = combined_population(silent)
    assert set(made.rows["operators"]) == {2}
    assert made.notes[0].startswith("The operator west ")
    nobody = combined_population(silent.filter(operator="west"))
    assert nobody.rows.is_empty()


def test_an_operator_whose_people_are_all_told_as_none_is_left_out_and_no_other(presence):
    # People are told in steps, of which a few devices may be less than half.
    one = presence.filter(operator=presence["operator"].min())
    nobody = one.with_columns(operator=pl.lit("zero"), people_present=pl.lit(0.0))
    made = combined_population(pl.concat([one, nobody]))
    assert_frame_equal(made.rows, combined_population(one).rows)
    assert made.notes
