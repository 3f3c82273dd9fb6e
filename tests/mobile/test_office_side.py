"""From devices to people, and people against the census."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.geography.area_codes import to_current
from ons_assets.mobile import figures
from ons_assets.mobile.flow_comparison import baselines, census, flow_comparison, latest
from ons_assets.mobile.flows import compare_flows, take_flows
from ons_assets.mobile.weighting import weigh, weigh_periods, weighable
from ons_assets.parameters.mobile import FlowComparisonParameters, WeightingParameters

OBSERVED = "2014-10-06/2014-11-02"
AREAS = pl.Series(["A", "B", "C"])


def flows(*rows, operator="north", contract="all", age_group="all"):
    """(origin, destination, devices)."""
    return pl.DataFrame(
        [(OBSERVED, operator, contract, age_group, *row) for row in rows],
        schema={
            **dict.fromkeys(["observed", "operator", "contract", "age_group", "origin", "destination"], pl.String()),
            "devices": pl.Float64(),
        },
        orient="row",
    )


def market(population=1_000.0, phones=1.0, share=0.25, operator="north", **more):
    row = {
        "operator": operator,
        "area": "all",
        "age_group": "all",
        "population": population,
        "phones_per_person": phones,
        "operator_share": share,
        "prepaid_share": 0.5,
        "second_phone_share": 0.1,
    }
    return pl.DataFrame([{**row, "area": area, **more} for area in AREAS])


def workers(**people):
    sides = [(name[0], "home" if name[1] == "h" else "work", float(count)) for name, count in people.items()]
    return pl.DataFrame(sides, schema=["area", "side", "workers"], orient="row")


def found(made):
    return {(row["origin"], row["destination"]): row["flow"] for row in made.flows.iter_rows(named=True)}


# --- weighting -----------------------------------------------------------------------------------------


def test_a_device_stands_for_those_who_have_no_phone_of_the_operator():
    rows = flows(("A", "B", 20.0), ("A", "none_seen", 30.0))
    made = weigh(rows, market(phones=0.8, share=0.25), None, WeightingParameters(replicates=20), calibrate=False)
    assert found(made) == {("A", "B"): pytest.approx(20 / (0.8 * 0.25))}


def test_calibration_makes_residents_those_of_the_area():
    rows = flows(("A", "B", 20.0), ("A", "none_seen", 30.0), ("B", "B", 10.0))
    made = weigh(rows, market(population=1_000.0), None, WeightingParameters(replicates=20))
    assert found(made) == {("A", "B"): pytest.approx(20 * 1_000 / 50), ("B", "B"): pytest.approx(1_000)}


def test_two_operators_stand_for_the_same_people_once():
    one = flows(("A", "B", 20.0), ("A", "none_seen", 20.0))
    two = flows(("A", "B", 10.0), ("A", "none_seen", 10.0), operator="south")
    both_markets = pl.concat([market(share=0.5), market(share=0.25, operator="south")])
    made = weigh(pl.concat([one, two]), both_markets, None, WeightingParameters(replicates=20))
    assert found(made) == {("A", "B"): pytest.approx(500)}
    plain = weigh(pl.concat([one, two]), both_markets, None, WeightingParameters(replicates=20), calibrate=False)
    # 20 / 0.5 and 10 / 0.25 people, weighed by 40 and 20 devices.
    assert found(plain) == {("A", "B"): pytest.approx(40 * 40 / 60 + 40 * 20 / 60)}


def test_age_groups_are_weighted_each_by_itself():
    young = flows(("A", "B", 50.0), ("A", "none_seen", 50.0), age_group="16-24")
    old = flows(("A", "B", 5.0), ("A", "none_seen", 45.0), age_group="65+")
    by_age = pl.concat(
        [
            market(population=200.0).with_columns(age_group=pl.lit("16-24")),
            market(population=800.0).with_columns(age_group=pl.lit("65+")),
        ]
    )
    made = weigh(pl.concat([young, old]), by_age, None, WeightingParameters(replicates=20))
    assert found(made) == {("A", "B"): pytest.approx(200 * 0.5 + 800 * 0.1)}


def test_prepaid_phones_stand_for_their_share_of_people():
    contract = flows(("A", "B", 60.0), ("A", "none_seen", 40.0), contract="contract")
    prepaid = flows(("A", "B", 5.0), ("A", "none_seen", 20.0), contract="prepaid")
    made = weigh(
        pl.concat([contract, prepaid]),
        market(phones=1.0, share=0.2),
        None,
        WeightingParameters(replicates=20),
        calibrate=False,
    )
    # Each contract device stands for 1 / (0.2 * 0.5) people, and so does each prepaid one.
    assert found(made) == {("A", "B"): pytest.approx(65 * 10)}


def test_flows_meet_the_totals_of_workers():
    rows = flows(("A", "A", 50.0), ("A", "B", 20.0), ("B", "B", 40.0), ("B", "A", 10.0), ("A", "none_seen", 30.0))
    totals = workers(Ah=600, Bh=300, Aw=500, Bw=400)
    for missing in ("within", "scale"):
        made = weigh(rows, market(), totals, WeightingParameters(replicates=20, missing_workers=missing))
        by_home = made.flows.group_by("origin").agg(pl.col("flow").sum()).sort("origin")["flow"].to_list()
        by_work = made.flows.group_by("destination").agg(pl.col("flow").sum()).sort("destination")["flow"].to_list()
        assert by_home == pytest.approx([600, 300], rel=1e-4)
        assert by_work == pytest.approx([500, 400], rel=1e-4)
        assert made.worst_miss < 1e-5


def test_unseen_workers_work_where_they_live_or_as_the_others():
    rows = flows(("A", "B", 20.0), ("A", "none_seen", 80.0), ("B", "B", 100.0))
    totals = workers(Ah=500, Bh=1_000)
    within = found(weigh(rows, market(), totals, WeightingParameters(replicates=20, missing_workers="within")))
    assert within["A", "B"] == pytest.approx(200)
    assert within["A", "A"] == pytest.approx(300)
    scaled = found(weigh(rows, market(), totals, WeightingParameters(replicates=20, missing_workers="scale")))
    assert scaled["A", "B"] == pytest.approx(500)


def test_flows_that_are_in_totals_only_are_spread_where_totals_lack_them():
    rows = flows(
        ("A", "A", 50.0), ("A", "B", 30.0), ("A", "all", 100.0), ("B", "B", 60.0), ("B", "all", 60.0),
        ("all", "A", 50.0), ("all", "B", 90.0), ("all", "C", 20.0),
    )  # fmt: skip
    spread = weigh(rows, market(population=None), None, WeightingParameters(replicates=20), calibrate=False)
    assert found(spread)["A", "C"] == pytest.approx(20 / 0.25)
    assert spread.unlisted_devices == pytest.approx(20)
    lost = weigh(
        rows,
        market(population=None),
        None,
        WeightingParameters(replicates=20),
        calibrate=False,
        allocate_unlisted=False,
    )
    assert ("A", "C") not in found(lost)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_people_are_conserved(seed):
    random = np.random.default_rng(seed)
    rows = [(a, b, float(random.integers(10, 200))) for a in AREAS for b in [*AREAS, "none_seen"]]
    made = weigh(flows(*rows), market(population=5_000.0), None, WeightingParameters(replicates=20))
    table = flows(*rows)
    for area in AREAS:
        working = table.filter((pl.col("origin") == area) & pl.col("destination").is_in(AREAS.implode()))
        everybody = table.filter(origin=area)["devices"].sum()
        people = made.flows.filter(origin=area)["flow"].sum()
        assert people == pytest.approx(5_000 * working["devices"].sum() / everybody)


def test_intervals_hold_the_truth_of_95_of_100_samples():
    random = np.random.default_rng(4)
    expected = np.array([[40.0, 12.0, 6.0], [15.0, 60.0, 9.0], [5.0, 10.0, 30.0]])
    held = []
    for _ in range(60):
        drawn = random.poisson(expected)
        rows = [(a, b, float(drawn[i, j])) for i, a in enumerate(AREAS) for j, b in enumerate(AREAS) if drawn[i, j]]
        made = weigh(flows(*rows), market(population=None), None, WeightingParameters(replicates=200), calibrate=False)
        for row in made.flows.iter_rows(named=True):
            i, j = AREAS.to_list().index(row["origin"]), AREAS.to_list().index(row["destination"])
            held.append(row["flow_low"] <= 4 * expected[i, j] <= row["flow_high"])
    assert 0.88 < np.mean(held) < 0.99


def test_the_same_flows_give_the_same_intervals():
    rows = flows(("A", "B", 20.0), ("A", "none_seen", 30.0))
    assert weigh(rows, market(), None, WeightingParameters(replicates=30)).flows.equals(
        weigh(rows, market(), None, WeightingParameters(replicates=30)).flows
    )


def test_an_operator_that_the_market_does_not_know_is_named():
    with pytest.raises(ValueError, match="says nothing of the operator east"):
        weigh(flows(("A", "B", 20.0), operator="east"), market(), None)
    with pytest.raises(ValueError, match="no flow between known areas"):
        weigh(flows(("all", "all", 20.0)), market(), None)


def test_what_cannot_be_weighted_of_one_is_missing_for_it_only():
    good, known = flows(("A", "B", 20.0), ("B", "A", 30.0)), market()
    parameters = WeightingParameters(replicates=20)
    alone = weigh_periods(weighable(good, known).flows, known, None, parameters)
    # Of one the market says nothing; another has no phones at A by the market; a period has totals only.
    without = known.with_columns(
        operator=pl.lit("west"), operator_share=pl.when(area="A").then(0.0).otherwise("operator_share")
    )
    beside = pl.concat(
        [
            good,
            flows(("A", "B", 7.0), operator="east"),
            flows(("A", "B", 5.0), operator="west"),
            flows(("A", "all", 9.0)).with_columns(observed=pl.lit("2015-01-01/2015-01-31")),
        ]
    )
    kept = weighable(beside, pl.concat([known, without]))
    assert len(kept.notes) == 3
    assert "the operator east" in kept.notes[0]
    assert weigh_periods(kept.flows, pl.concat([known, without]), None, parameters).equals(alone)
    with pytest.raises(ValueError, match="no flow between known areas"):
        weighable(flows(("A", "B", 7.0), operator="east"), known)


def test_an_operator_without_phones_where_nobody_of_its_devices_lives_harms_nobody():
    west = market().with_columns(
        operator=pl.lit("west"), operator_share=pl.when(area="A").then(0.0).otherwise("operator_share")
    )
    both = pl.concat([flows(("A", "B", 20.0), ("B", "A", 30.0)), flows(("B", "A", 5.0), operator="west")])
    made = weigh(both, pl.concat([market(), west]), None, WeightingParameters(replicates=20)).flows
    assert made["flow"].is_finite().all()
    assert len(made) == 2


# --- taking flows in -----------------------------------------------------------------------------------

CODES = pl.DataFrame({"code": ["A", "B", "C", "old"], "current_code": ["A", "B", "C", "C"]})


def delivered(*rows, unit="devices", operator="south"):
    table = flows(*rows, operator=operator).rename({"devices": "count"})
    return table.with_columns(unit=pl.lit(unit), is_suppressed=pl.col("count").is_null(), detail=pl.lit(""))


def test_codes_of_another_year_are_mapped_and_merged_areas_added_up():
    taken = take_flows(None, delivered(("old", "A", 5.0), ("C", "A", 7.0)), CODES, AREAS)
    assert taken.flows.select("origin", "destination", "devices").rows() == [("C", "A", 12.0)]
    assert taken.notes == ("1 flow of codes of another year, taken under the current ones.",)
    twice = pl.concat([CODES, pl.DataFrame({"code": ["old"], "current_code": ["B"]})])
    with pytest.raises(ValueError, match="two current ones"):
        to_current(taken.flows, ["origin"], twice)


def test_real_histories_of_codes(shared_data):
    table = pl.read_csv(shared_data / "geo" / "geography" / "lad_all_codes.csv", infer_schema=False)
    codes = table.select(code="LADCD", current_code="LADCD_ACTIVE")
    old = pl.DataFrame({"area": ["E07000097", "E09000001"]})  # East Hertfordshire before 2012, City of London
    assert to_current(old, ["area"], codes)["area"].to_list() == ["E07000242", "E09000001"]


def test_unknown_areas_are_left_out_and_named():
    taken = take_flows(None, delivered(("A", "Z", 5.0), ("A", "B", 7.0), ("A", "none_seen", 9.0)), None, AREAS)
    assert taken.flows["destination"].to_list() == ["B", "none_seen"]
    assert taken.unknown.rows() == [("destination", "Z", 5.0)]
    assert taken.notes == ("1 area unknown to the office, whose flows are left out: Z.",)


def test_trips_are_no_devices_and_own_flows_come_before_delivered_ones():
    own = flows(("A", "B", 20.0)).with_columns(is_suppressed=False, suppressed_flows=None)
    both = pl.concat([delivered(("A", "B", 99.0), unit="trips"), delivered(("A", "B", 50.0), operator="north")])
    taken = take_flows(own, both, None, AREAS)
    assert taken.flows.select("operator", "devices").rows() == [("north", 20.0)]
    assert taken.notes == ("1 flows of trips are not weighted: a trip is no device.",)


def test_no_flows_say_so():
    with pytest.raises(ValueError, match="neither of an operator here nor delivered"):
        take_flows(None, None, None, AREAS)


# --- comparison ----------------------------------------------------------------------------------------


def counts(**pairs):
    rows = [(name[0], name[1], float(n)) for name, n in pairs.items()]
    return pl.DataFrame(rows, schema=["origin", "destination", "count"], orient="row")


def test_measures_of_two_sets_of_flows():
    found = compare_flows(counts(AB=10, AA=6), counts(AB=5, BA=5, AA=6))
    assert found["cpc"] == pytest.approx(2 * 11 / 32)
    assert found["rmse"] == pytest.approx(math.sqrt(50 / 3))
    assert {"correlation", "mae", "relative_error"} <= set(found)
    assert compare_flows(counts(AB=1), counts(AB=1))["cpc"] == 1


def test_flows_that_cannot_be_compared_say_so():
    with pytest.raises(ValueError, match="estimate holds a negative count"):
        compare_flows(counts(AB=-1), counts(AB=1))
    with pytest.raises(ValueError, match="benchmark needs the columns"):
        compare_flows(counts(AB=1), pl.DataFrame({"origin": ["A"]}))


CENTRES = pl.DataFrame(
    {
        "area": ["A", "A", "B", "C"],
        "easting_m": [400_000.0, 402_000.0, 411_000.0, 440_000.0],
        "northing_m": [300_000.0] * 4,
    }
)
WEIGHTED = counts(AA=500, AB=90, BB=300, BA=40, AC=12, CC=200).with_columns(
    flow="count", devices=pl.col("count") / 5, observed=pl.lit(OBSERVED)
)
CENSUS = counts(AA=560, AB=100, BB=310, BA=40, CA=30, CC=220).with_columns(
    commuters="count", home_workers=pl.when(pl.col("origin") == pl.col("destination")).then(30.0).otherwise(0.0)
)


def value(frame, estimator, subject_type, subject, measure):
    return frame.filter(estimator=estimator, subject_type=subject_type, subject=subject, measure=measure)[
        "value"
    ].item()


def test_the_comparison_as_a_whole_by_band_and_by_area():
    made = flow_comparison(WEIGHTED, CENSUS, CENTRES, FlowComparisonParameters(distance_bands_km=(20,), ks=(20,)))
    assert value(made, "weighted", "within", "all", "cpc") == pytest.approx(2 * (500 + 280 + 190) / (1_000 + 1_000))
    assert value(made, "weighted", "between", "all", "total_ratio") == pytest.approx(142 / 170)
    assert value(made, "weighted", "distance_band", "0-20 km", "n") == 2
    assert value(made, "weighted", "distance_band", "over 20 km", "cpc") == 0
    assert value(made, "weighted", "origin", "A", "ratio") == pytest.approx(602 / 630)
    assert value(made, "weighted", "destination", "C", "estimate") == 212
    assert value(made, "weighted", "pair", "A > B", "benchmark") == 100
    assert value(made, "weighted_with_home_workers", "within", "all", "total_ratio") == pytest.approx(1_000 / 1_090)
    assert value(made, "weighted_k20", "between", "all", "total_ratio") == 0  # A > B is 18 devices, and is gone
    assert value(made, "weighted_k20", "within", "all", "total_ratio") == pytest.approx(1)
    assert value(made, "unweighted", "all", "all", "total_ratio") == pytest.approx(1)
    assert value(made, "radiation", "within", "all", "cpc") == pytest.approx(1)
    assert value(made, "gravity", "origin", "all", "cpc") == pytest.approx(1, abs=1e-6)
    assert made.select("estimator", "subject_type", "subject", "measure").is_unique().all()


def test_a_census_equal_to_the_estimate_agrees_fully():
    same = WEIGHTED.with_columns(commuters="count", home_workers=pl.lit(None, dtype=pl.Float64()))
    made = flow_comparison(WEIGHTED, same, CENTRES)
    assert value(made, "weighted", "all", "all", "cpc") == 1
    assert value(made, "weighted", "all", "all", "rmse") == 0
    assert "weighted_with_home_workers" not in set(made["estimator"])


def test_flows_of_other_areas_cannot_be_compared():
    with pytest.raises(ValueError, match="share no area"):
        flow_comparison(WEIGHTED, CENSUS.with_columns(origin=pl.lit("X"), destination=pl.lit("Y")), CENTRES)


def test_the_latest_period_and_the_benchmark_by_name():
    later = WEIGHTED.with_columns(observed=pl.lit("2014-11-03/2014-11-30"))
    assert latest(pl.concat([WEIGHTED, later]))["observed"].unique().to_list() == ["2014-11-03/2014-11-30"]
    table = pl.concat([CENSUS.with_columns(benchmark=pl.lit(name)) for name in ("one", "two")])
    assert len(census(table, None, "one")) == len(CENSUS)
    assert len(census(table.filter(benchmark="one"), None, "whatever")) == len(CENSUS)
    with pytest.raises(ValueError, match="no benchmark 'three'; there are one and two"):
        census(table, None, "three")
    merged = census(table.filter(benchmark="one"), pl.LazyFrame({"code": ["B"], "current_code": ["A"]}), "one")
    assert merged.filter(origin="A", destination="A")["commuters"].item() == 560 + 100 + 310 + 40


def test_baselines_of_no_flows_are_none():
    assert baselines(counts(AB=0), ["A", "B"], CENTRES.unique("area")) == {}


def test_pictures_are_pictures():
    made = flow_comparison(WEIGHTED, CENSUS, CENTRES)
    for chart in (figures.scatter(made), figures.flow_map(WEIGHTED, CENTRES)):
        assert figures.png(chart).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="no flow has both"):
        figures.flow_map(WEIGHTED, CENTRES.with_columns(area=pl.lit("Z")))
