"""Raked flows: official totals are met, and nothing is in them but what was told and is public."""

import itertools

import numpy as np
import polars as pl
import pytest

from ons_assets.parameters.tweets import RakedFlowParameters
from ons_assets.tweets.raked_flows import raked_flows

AREAS = "ABCDE"


def told_flows(true, share=0.4, bias=1.5, seed=1):
    """Flows of the pairs of which three users or more were seen, too high by a factor."""
    random = np.random.default_rng(seed)
    rows = []
    for (origin, destination), people in true.items():
        movers = int(random.binomial(people, share))
        if movers >= 3:
            rows.append(("year", "2014", origin, destination, movers, movers / share * bias))
    columns = ["period_type", "period", "origin", "destination", "movers", "flow"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def estimates_of(true, period="2014"):
    rows = [(period, "all", *pair, float(people)) for pair, people in true.items()]
    pairs = pl.DataFrame(rows, schema=["period", "age", "origin", "destination", "moves"], orient="row")
    into = pairs.group_by("destination").agg(pl.col("moves").sum()).with_columns(origin=pl.lit("all"))
    out = pairs.group_by("origin").agg(pl.col("moves").sum()).with_columns(destination=pl.lit("all"))
    totals = pl.concat([each.select("origin", "destination", "moves") for each in (into, out)])
    return totals.with_columns(period=pl.lit(period), age=pl.lit("all"))


def true_flows(seed=3, mean=60):
    random = np.random.default_rng(seed)
    strength = random.lognormal(0, 0.8, (2, len(AREAS)))
    return {
        (AREAS[a], AREAS[b]): int(random.poisson(mean * strength[0, a] * strength[1, b]))
        for a, b in itertools.permutations(range(len(AREAS)), 2)
    }


def test_what_is_too_high_comes_down_to_the_official_totals():
    true = true_flows()
    raked = raked_flows(told_flows(true), estimates_of(true))
    truly = np.array([true[pair] for pair in raked.select("origin", "destination").rows()])
    assert raked["flow"].sum() > 1.3 * truly.sum()
    assert raked["raked_flow"].sum() == pytest.approx(truly.sum(), rel=0.03)
    inside = (raked["raked_low"].to_numpy() <= truly) & (truly <= raked["raked_high"].to_numpy())
    assert inside.mean() > 0.9


def test_where_all_pairs_are_told_the_totals_are_met():
    true = true_flows(mean=400)
    raked = raked_flows(told_flows(true), estimates_of(true))
    assert len(raked) == len(true)
    for end in ("origin", "destination"):
        found = dict(raked.group_by(end).agg(pl.col("raked_flow").sum()).rows())
        for area in AREAS:
            wanted = sum(people for pair, people in true.items() if pair[end == "destination"] == area)
            assert found[area] == pytest.approx(wanted, rel=1e-6)


def test_what_is_not_told_does_not_take_more_than_is_to_be_expected_of_it():
    true = true_flows(mean=12)
    flows, estimates = told_flows(true), estimates_of(true)
    assert len(flows) < len(true)
    total = sum(true.values())
    told = sum(true[pair] for pair in flows.select("origin", "destination").rows())
    assert raked_flows(flows, estimates)["raked_flow"].sum() == pytest.approx(told, abs=0.05 * total)


def test_periods_and_areas_without_official_totals_have_no_raked_flows():
    true = true_flows()
    flows = told_flows(true)
    assert raked_flows(flows, estimates_of(true, period="2013")).is_empty()
    without = estimates_of(true).filter((pl.col("origin") != "A") & (pl.col("destination") != "A"))
    raked = raked_flows(flows, without)
    assert "A" not in {*raked["origin"], *raked["destination"]}
    assert len(raked)


def test_official_flows_between_areas_are_summed_first():
    true = true_flows()
    pairs = pl.DataFrame(
        [("2014", "all", *pair, float(people)) for pair, people in true.items()],
        schema=["period", "age", "origin", "destination", "moves"],
        orient="row",
    )
    by_pairs, by_totals = (
        raked_flows(told_flows(true), each, RakedFlowParameters()) for each in (pairs, estimates_of(true))
    )
    assert by_pairs["raked_flow"].to_numpy() == pytest.approx(by_totals["raked_flow"].to_numpy())


def test_official_totals_of_both_directions_may_differ():
    true = true_flows()
    higher = estimates_of(true).with_columns(
        moves=pl.when(pl.col("origin") == "all").then(pl.col("moves") * 1.2).otherwise("moves")
    )
    raked = raked_flows(told_flows(true, share=0.9), higher)
    assert raked["raked_flow"].sum() == pytest.approx(sum(true.values()), rel=0.03)
