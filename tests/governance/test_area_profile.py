"""What sources say of areas side by side and together: tables as they left disclosure, and nothing besides."""

from dataclasses import fields
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.catalogue.governance_areas import AREA_PROFILE, COMBINED_ESTIMATES
from ons_assets.governance import assets
from ons_assets.governance.areas import told
from ons_assets.governance.areas.agreement import biases, gaps
from ons_assets.governance.areas.nesting import of_larger_areas
from ons_assets.governance.areas.profile import CAUTIONS, area_profile
from ons_assets.governance.areas.source_estimates import dwellings_with_larger
from ons_assets.governance.areas.together import combined_estimates, sources_joined
from ons_assets.governance.areas.told import Told
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.governance.scorecard.judging import judged
from ons_assets.governance.scorecard.sources import of_sources
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.derivation import Made
from ons_assets.lakehouse.disclosure import shares_of
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.parameters.area_profile import CombinedEstimateParameters
from ons_assets.parameters.governance import AccuracyParameters, ScorecardParameters, TrendParameters
from ons_assets.settings import Settings
from tests.governance.area_tables import (
    MONTH,
    PERIOD,
    World,
    dwellings,
    flows,
    occupancy,
    population,
    presence,
    prices,
    rows_of,
)
from tests.workbench import provenance

NONE = COMBINED_ESTIMATES.empty()
AREAS = rows_of(
    "reference/areas",
    pl.DataFrame({"level": ["small", "old", "small"], "area": ["A00", "A00", "A01"]}),
)  # fmt: skip


REPOSITORY = Path(__file__).resolve().parents[2]


def row(profile: pl.DataFrame, area: str, month: date = MONTH) -> dict[str, object]:
    [found] = profile.filter(area=area, month=month).to_dicts()
    return found


def flags(profile: pl.DataFrame, area: str, month: date = MONTH) -> set[str]:
    return set(str(row(profile, area, month)["quality_flags"]).split(", "))


# --- prices


def test_prices_alone_make_rows_with_their_interval_and_say_what_is_lacking() -> None:
    profile = area_profile(Told.of(area_indices=prices(["A00", "A01"], [103.5, None], covered=0.8), areas=AREAS), NONE)
    assert profile["area"].to_list() == ["A00"], "an index that is withheld makes no row"
    found = row(profile, "A00")
    assert [found[name] for name in ("price_index", "price_index_low", "price_index_high")] == [103.5, 102.5, 104.5]
    assert (found["price_base"], found["price_coverage"]) == ("2014-09", 0.8)
    assert {"retailers_not_covered", "no_meters", "no_phones", "no_moves"} <= flags(profile, "A00")
    assert not {"no_prices", "price_base"} & flags(profile, "A00")


def test_an_area_without_prices_has_none_and_the_month_of_the_base_says_so() -> None:
    world = World(3)
    bases = prices(world.areas[:2], [100.0, 101.0]).with_columns(base_period=pl.lit(f"{MONTH:%Y-%m}"))
    profile = area_profile(world.tables(area_indices=bases), NONE)
    assert "price_base" in flags(profile, "A00")
    assert "no_prices" in flags(profile, "A02")
    assert row(profile, "A02")["price_index"] is None
    without = area_profile(world.tables(), NONE)
    told_of_all = ("quality_flags", "caution")
    others = [name for name in profile.columns if not name.startswith("price") and name not in told_of_all]
    assert profile.select(others).equals(without.select(others)), "prices change nothing else"


# --- periods and flows


def test_a_month_has_the_period_that_holds_most_of_its_days() -> None:
    periods = pl.Series(["2014-09-25/2014-10-20", "2014-10-03/2014-10-31", "2014-10-01/2014-10-31", "2014-10", "x/y"])
    found = told.periods_of_months(periods, 7)
    assert found.rows() == [("2014-10-01/2014-10-31", MONTH, 31)]
    assert told.periods_of_months(periods[:1], 6)["month"].to_list() == [date(2014, 9, 1), MONTH]
    assert told.periods_of_months(pl.Series(["2014-10-09/2014-10-02"]), 1).is_empty()


def test_flows_add_up_over_other_areas_only() -> None:
    pairs = [("A", "B", 10.0), ("A", "C", 5.0), ("A", "A", 100.0), ("B", "A", 2.0), ("A", "all", 117.0)]
    table = flows("mobile/weighted_flows", pairs, observed=PERIOD).collect()
    coming, leaving = told.commuters(table, 7)
    assert sorted(coming.select("area", "figure").rows()) == [("A", 2.0), ("B", 10.0), ("C", 5.0)]
    assert sorted(leaving.select("area", "figure", "low", "high").rows()) == [
        ("A", 15.0, 12.0, 18.0),
        ("B", 2.0, 1.6, 2.4),
    ]


# --- the profile


def test_no_source_makes_no_row_and_no_error() -> None:
    profile = area_profile(Told.of(), NONE)
    assert profile.is_empty()
    assert profile.schema == AREA_PROFILE.schema
    assert combined_estimates(Told.of()).schema == COMBINED_ESTIMATES.schema


def test_each_source_alone_makes_rows_with_nulls_and_flags() -> None:
    both = pl.concat([occupancy(["A00"], "vacant", [0.05]), occupancy(["A00"], "lived_in", [0.9])])
    shares = rows_of("meters/area_occupancy", both)
    meters = area_profile(Told.of(area_occupancy=shares, areas=AREAS, dwellings=dwellings(["A00"], [1_000])), NONE)
    found = row(meters, "A00")
    assert (found["area_level"], found["dwellings"], found["population"]) == ("old, small", 1_000, None)
    assert found["vacant"] == pytest.approx(50)
    assert (found["households"], found["households_high"]) == (pytest.approx(900), pytest.approx(920))
    assert found["night_people"] is None
    assert {"no_phones", "no_moves", "no_commuters", "not_combined", "no_mean_size"} <= flags(meters, "A00")
    assert "no_meters" not in flags(meters, "A00")

    phones = area_profile(Told.of(combined_population=presence(["A01"], [500.0])), NONE)
    found = row(phones, "A01")
    assert (found["area_level"], found["night_people"], found["people_period"]) == ("unknown", 500, PERIOD)
    assert found["vacant_share"] is None
    assert {"no_meters", "no_moves"} <= flags(phones, "A01")
    assert "No meters tell of the area and month." in str(found["caution"])

    by_day = row(area_profile(Told.of(combined_population=presence(["A01"], [500.0], hours=[11])), NONE), "A01")
    assert (by_day["night_people"], by_day["day_people"], by_day["people_period"]) == (None, 500, PERIOD)
    assert "no_phones" not in str(by_day["quality_flags"]), (
        "of few who sleep there nothing is told, and of the day it is"
    )

    of_month = {"period_type": "month", "period": "2014-10", "weighted_by": "area"}
    moved = flows("tweets/migration_flows", [("A00", "A01", 30.0)], **of_month)
    tweets = area_profile(Told.of(migration_flows=moved), NONE)
    assert row(tweets, "A01")["moved_in"] == 30
    assert row(tweets, "A01")["moved_out"] is None
    assert row(tweets, "A00")["moved_out_low"] == pytest.approx(24)


def test_moves_are_of_the_month_or_else_of_its_year_and_say_so() -> None:
    of = [
        flows("tweets/migration_flows", pairs, period_type=kind, period=period, weighted_by="area").collect()
        for kind, period, pairs in (
            ("month", "2014-10", [("A00", "A01", 30.0)]),
            ("year", "2014", [("A00", "A01", 90.0), ("A02", "A01", 20.0), ("A01", "A02", 11.0)]),
        )
    ]
    areas = ["A00", "A01", "A02"]
    tables = Told.of(migration_flows=pl.concat(of).lazy(), combined_population=presence(areas, [9.0, 9.0, 9.0]))
    profile = area_profile(tables, NONE)
    assert (row(profile, "A01")["moved_in"], row(profile, "A01")["moves_period"]) == (30, "2014-10")
    assert (row(profile, "A02")["moved_in"], row(profile, "A02")["moves_period"]) == (11, "2014")
    assert "moves_of_year" in flags(profile, "A02")
    assert not {"moves_of_year", "no_moves"} & flags(profile, "A01")


def test_a_withheld_share_is_null_with_all_that_follows_from_it() -> None:
    shares = pl.concat([occupancy(["A00"], "vacant", [None]), occupancy(["A00"], "lived_in", [None])])
    tables = Told.of(area_occupancy=rows_of("meters/area_occupancy", shares), dwellings=dwellings(["A00"], [1_000]))
    found = row(area_profile(tables, NONE), "A00")
    for name in ("vacant_share", "vacant", "vacant_low", "households", "households_high"):
        assert found[name] is None
    assert "meters_withheld" in flags(area_profile(tables, NONE), "A00")


def test_faults_of_inputs_and_thin_evidence_are_flagged() -> None:
    world = World(1)
    odd = pl.DataFrame(
        {"operator": "north", "day": [date(2014, 10, 5)], "quality_of": "events", "measure": "x", "error_code": 1,
         "out_of_order": "above_limit"}
    )  # fmt: skip
    few = dwellings(world.areas, world.dwellings * 10)
    tables = world.tables(quality_warnings=rows_of("mobile/quality_warnings", odd), dwellings=few)
    found = flags(area_profile(tables, NONE), "A00")
    assert {"phones_out_of_order", "few_metered"} <= found
    assert not {"few_metered", "part_of_month"} & flags(area_profile(world.tables(), NONE), "A00")
    assert "phones_out_of_order" not in flags(area_profile(world.tables(), NONE), "A00")


def test_every_flag_has_its_sentence_on_the_page_of_the_method() -> None:
    page = (REPOSITORY / "docs" / "methods" / "area_profile.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert set(CAUTIONS.items()) <= {tuple(row.strip("| ").replace("`", "").split(" | ", 1)) for row in rows}


# --- disclosure: the row is worked out of what left, and of nothing else


def homes(area: str, vacant: int, second: int, number: int) -> pl.DataFrame:
    """What homes bring to the shares of an area: some are vacant, some second homes, the others lived in."""
    of_measures = {"vacant": range(vacant), "second_home": range(vacant, vacant + second)}
    of_measures["lived_in"] = range(vacant + second, number)
    rows = [
        (area, MONTH, measure, float(n in having)) for measure, having in of_measures.items() for n in range(number)
    ]
    return pl.DataFrame(rows, schema=["area_code", "month", "measure", "value"], orient="row")


def published(raw: list[pl.DataFrame]) -> pl.LazyFrame:
    """Rows of `meters/area_occupancy` as they leave the step."""
    shares = pl.concat(raw).group_by("area_code", "month", "measure").agg(
        homes=pl.len().cast(pl.Int64), estimate=pl.col("value").mean(), **shares_of("value")
    )  # fmt: skip
    half = 0.05
    rows = shares.sort("area_code", "measure").with_columns(
        lower=pl.col("estimate") - half, upper=pl.col("estimate") + half
    )
    return protect(CATALOGUE["meters/area_occupancy"], rows, Thresholds(10)).rows.lazy()


def test_worlds_that_differ_in_what_is_withheld_only_make_the_same_profile() -> None:
    """Whatever is withheld moves no column of any row."""
    told_to_all = [homes(f"A{n:02}", 6 + n, 9, 100) for n in range(8)]
    # One vacant home or two beside as many that are not lived in; an area of eight homes; all lived in, or all but one.
    secrets = [
        [homes("S1", 1, 11, 40), homes("S2", 2, 0, 8), homes("S3", 0, 0, 30)],
        [homes("S1", 2, 10, 40), homes("S2", 5, 1, 8), homes("S3", 1, 0, 30)],
    ]
    areas = [*(f"A{n:02}" for n in range(8)), "S1", "S2", "S3"]
    profiles, estimates = [], []
    for secret in secrets:
        tables = Told.of(
            area_occupancy=published([*told_to_all, *secret]),
            combined_population=presence(areas, [200.0 + 3 * n for n in range(11)]),
            population=population(areas, [210.0] * 11),
            dwellings=dwellings(areas, [100.0] * 11),
        )
        # What may be told is told: the worlds do not look alike for want of any figure.
        assert tables.area_occupancy.drop_nulls("estimate")["area_code"].n_unique() >= 9
        estimates.append(combined_estimates(tables))
        profiles.append(area_profile(tables, estimates[-1]))
    assert profiles[0].equals(profiles[1])
    assert estimates[0].equals(estimates[1])
    assert row(profiles[0], "A00")["vacant"] == pytest.approx(6)
    assert row(profiles[0], "S1")["households"] == pytest.approx(70)
    assert row(profiles[0], "S1")["vacant"] is None


def test_both_tables_are_made_of_public_and_released_tables() -> None:
    read = {CATALOGUE[name].short_name for name in told.TABLES}
    assert read == {each.name for each in fields(Told)}
    assert not [name for name in told.TABLES if CATALOGUE[name].is_individual]


# --- together


def test_together_is_nearer_to_the_truth_than_the_register_and_each_source() -> None:
    errors = []
    for seed in range(8):
        world = World(seed)
        estimates = combined_estimates(world.tables()).filter(told_of="residents").sort("area")
        own = {name: rows["told_figure"].to_numpy() for (name,), rows in estimates.group_by("told_by")}
        spread = {name: float(np.std(np.log(figure / world.residents))) for name, figure in own.items()}
        errors.append(spread)
    mean = {name: np.mean([each[name] for each in errors]) for name in errors[0]}
    assert set(mean) == {"meters", "phones", "tweets", "synthetic", "combined"}
    assert mean["combined"] < min(value for name, value in mean.items() if name != "combined")


def test_the_offset_of_a_source_is_estimated_and_its_weights_add_up() -> None:
    world = World(5, areas=60)
    estimates = combined_estimates(world.tables())
    phones = biases(estimates).filter(told_by="phones")["bias"].item()
    assert phones == pytest.approx(0.93 - 1, abs=0.03)
    weights = (
        estimates.filter((pl.col("told_by") != "combined") & (pl.col("told_of") == "residents"))
        .group_by("area")
        .agg(pl.col("source_weight").sum())
    )
    assert weights["source_weight"].to_numpy() == pytest.approx(1)
    assert estimates["source_weight"].drop_nulls().min() >= -1e-12
    together = estimates.filter(told_by="combined", told_of="residents").sort("area")
    held = (together["told_low"].to_numpy() < world.residents) & (world.residents < together["told_high"].to_numpy())
    assert held.mean() > 0.85


def test_vacant_dwellings_are_side_by_side_with_offsets_to_meters_and_not_put_together() -> None:
    world = World(2, areas=40)
    estimates = combined_estimates(world.tables()).filter(told_of="vacant_dwellings")
    assert set(estimates["told_by"]) == {"meters", "phones", "tweets"}
    assert estimates["source_weight"].null_count() == len(estimates)
    meters, phones = (estimates.filter(told_by=name).sort("area") for name in ("meters", "phones"))
    assert meters["source_bias"].null_count() == 40
    assert meters["told_figure"].to_numpy() == pytest.approx(world.said_vacant * world.dwellings)
    both = phones.join(meters, on="area")
    left = (both["told_figure"] - both["source_bias"] - both["told_figure_right"]).median()
    assert abs(float(left)) < 30  # type: ignore[arg-type]
    # Seven of a hundred people are not counted by phones: as many dwellings seem to be vacant besides.
    assert float(phones["source_bias"].sum()) / world.dwellings.sum() == pytest.approx(0.065, abs=0.02)


def test_too_few_areas_and_sources_that_do_not_meet_are_left_out() -> None:
    world = World(3, areas=5)
    assert combined_estimates(world.tables()).is_empty()
    assert len(combined_estimates(world.tables(), parameters=CombinedEstimateParameters(fewest_areas=5)))
    meet = np.array([[1, 1, 0]] * 4 + [[1, 0, 0]] * 3 + [[0, 0, 1]] * 9, dtype=bool)
    assert sources_joined(meet[:, :2], 4) == [0, 1]
    assert sources_joined(meet[:, :2], 5) == []
    # The third speaks of most areas, and of none that another speaks of.
    assert sources_joined(meet, 4) == []


def test_an_area_without_a_register_is_not_in_it_and_one_without_a_source_either() -> None:
    world = World(4)
    register = population([*world.areas[1:], "Z"], [*world.register[1:], 7_000.0])
    estimates = combined_estimates(world.tables(population=register)).filter(told_of="residents")
    assert set(estimates["area"]) == {*world.areas[1:]}


def test_larger_areas_have_the_mean_of_their_parts() -> None:
    means = pl.DataFrame(
        {"area": ["a", "b", "c"], "month": MONTH, "figure": [0.1, 0.2, 0.4], "error": [0.01, 0.02, 0.01]}
    )
    weights = pl.DataFrame({"area": ["a", "b", "c", "d"], "dwellings": [100.0, 300.0, 50.0, 400.0]})
    parts = pl.DataFrame({"part": ["a", "b", "c", "d"], "area": ["P", "P", "Q", "Q"]})
    [whole] = of_larger_areas(means, weights, parts, 0.5).to_dicts()
    assert (whole["area"], whole["figure"]) == ("P", pytest.approx(0.175))
    assert whole["error"] == pytest.approx(np.hypot(0.25 * 0.01, 0.75 * 0.02))
    lone = of_larger_areas(means, weights, parts, 0.1).filter(area="Q")
    assert lone["figure"].item() == pytest.approx(0.4)
    assert lone["error"].item() > 0.1, "most of it is not told"
    of_parts = rows_of("reference/area_parts", parts)
    counted = dwellings_with_larger(Told.of(dwellings=dwellings(["a", "b", "c"], [1.0, 2.0, 4.0]), area_parts=of_parts))
    assert counted.rows() == [("P", 3.0), ("a", 1.0), ("b", 2.0), ("c", 4.0)]


# --- agreement, as the scorecard says it


def status(estimates: pl.DataFrame, measure: str, of: str) -> str:
    observations = of_sources(estimates, 6)
    made = judged(observations, {}, ScorecardParameters(), TrendParameters(), AccuracyParameters())
    return str(made.filter(measure=measure, measured_of=of)["quality_status"].item())


def test_sources_that_agree_are_good_and_one_that_went_wrong_is_named() -> None:
    world = World(6)
    fine = combined_estimates(world.tables())
    assert status(fine, "sources_apart", "residents of unknown by meters and phones") in ("good", "watch")
    assert status(fine, "source_bias", "residents of unknown by phones") == "good"
    # Devices were put into the wrong areas: the level is as it was, and the areas are not.
    wrong = world.tables(combined_population=presence(world.areas, np.roll(world.phones, 5)))
    broken = combined_estimates(wrong)
    assert status(broken, "sources_apart", "residents of unknown by meters and phones") == "act"
    # An operator left: half of the people everywhere.
    less = combined_estimates(world.tables(combined_population=presence(world.areas, world.phones / 2)))
    assert status(less, "source_bias", "residents of unknown by phones") == "watch"
    assert status(less, "sources_apart", "residents of unknown by meters and phones") in ("good", "watch")
    [said] = of_sources(broken, 6).filter(
        measure="sources_apart", measured_of="residents of unknown by meters and phones"
    )["detail"]
    assert "of 24 areas, the furthest A" in said


def test_of_few_areas_nothing_is_judged() -> None:
    world = World(7, areas=5)
    few = combined_estimates(world.tables(), parameters=CombinedEstimateParameters(fewest_areas=4))
    assert status(few, "sources_apart", "residents of unknown by meters and phones") == "not judged"


def test_gaps_are_against_what_both_intervals_allow() -> None:
    rows = pl.DataFrame(
        {"area_level": "x", "area": "A", "month": MONTH, "told_of": "residents", "told_by": ["meters", "phones"],
         "told_figure": [100.0, 130.0], "told_low": [97.0, 126.0], "told_high": [103.0, 134.0],
         "source_bias": [0.0, 20.0], "source_weight": [0.5, 0.5]}
    )  # fmt: skip
    [gap] = gaps(rows)["gap"]
    assert gap == pytest.approx(10 / 5)
    assert gaps(rows.head(1)).is_empty()


# --- the road: staged, audited by the shipped suites, published


def test_tables_are_made_of_whatever_was_published_and_pass_their_suites(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    lakehouse = Lakehouse.of(settings)
    home = lakehouse.home
    made = [each.derive(lakehouse, "none", None) for each in (assets.combined_estimates, assets.area_profile)]
    assert all(isinstance(outcome, Made) for outcome in made), "no source is no fault"
    world = World(8)
    tables = world.tables(areas=AREAS)
    for name in told.TABLES:
        rows = getattr(tables, CATALOGUE[name].short_name)
        if len(rows) and name != "reference/areas":
            lake.publish(home, CATALOGUE[name], rows.lazy(), provenance())
    for asset in (assets.combined_estimates, assets.area_profile):
        outcome = asset.derive(lakehouse, "some", None)
        assert isinstance(outcome, Made), outcome
    profile = lake.read(home, AREA_PROFILE).collect()
    assert len(profile) == len(world.areas)
    assert profile["residents_together"].null_count() == 0
    assert set(profile["area_level"]) == {"unknown"}
    [version] = lake.history(home, AREA_PROFILE)[:1]
    assert version.provenance.inputs["meters/area_occupancy"] != ""
    assert version.provenance.inputs["tweets/migration_flows"] == "", "it was never published"
