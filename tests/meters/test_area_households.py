"""Households of small areas: weights, estimates, intervals and what leaves of them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue.meters import AREA_HOUSEHOLDS
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.meters.areas.area_households import MEASURES, NOT_LEARNED, SIZES, area_households, mean_people
from ons_assets.meters.areas.dwelling_weights import NONE_COUNTED, dwelling_weights, strata_of
from ons_assets.meters.households.targets import TARGETS
from ons_assets.parameters.meters import AreaParameters, HouseholdParameters
from tests.meters.test_tables import passes

TYPES = ("flat", "terraced", "semi_detached", "detached")
PEOPLE = dict(zip(TARGETS["size_band"], (1.0, 2.0, 3.45, 5.5), strict=True))


def homes_of(areas: list[int], types: list[str | None] | None = None, lived_in: float = 1.0) -> pl.DataFrame:
    number = sum(areas)
    return pl.DataFrame(
        {
            "meter": np.arange(number),
            "area_code": np.repeat([f"A{place:03d}" for place in range(len(areas))], areas),
            "dwelling_type": types or ["flat"] * number,
            "lived_in": [lived_in] * number,
        },
        schema_overrides={"dwelling_type": pl.String(), "meter": pl.Int64()},
    )


def characteristics_of(p: dict[str, np.ndarray], answers: dict[str, np.ndarray]) -> pl.DataFrame:
    """Rows of `meters/household_size`: (homes, classes) by target; an answer below 0 was not given."""
    rows = []
    for target, said in p.items():
        for place, name in enumerate(TARGETS[target]):
            answer = answers[target]
            rows.append(
                pl.DataFrame(
                    {"meter": np.arange(len(said)), "probability": said[:, place], "is_answer": answer == place}
                ).with_columns(
                    pl.when(pl.Series(answer >= 0)).then("is_answer").alias("is_answer"),
                    target=pl.lit(target),
                    target_class=pl.lit(name),
                )
            )
    return pl.concat(rows)


def simulated(
    rng: np.random.Generator, areas: int, dwellings: int, metered: float, answering: float, telling: float
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return characteristics, homes, dwellings and truth of areas, whose probabilities tell as much as is asked."""
    number = areas * dwellings
    base = np.array([0.3, 0.35, 0.25, 0.1])
    p = rng.dirichlet(base * 4 / telling, number)
    truth = (p.cumsum(axis=1) > rng.random((number, 1))).argmax(axis=1)
    code = np.repeat(np.arange(areas), dwellings)
    is_metered = rng.random(number) < metered
    answer = np.where(rng.random(number) < answering, truth, -1)[is_metered]
    homes = homes_of(np.bincount(code[is_metered], minlength=areas).tolist())
    counted = pl.DataFrame({"area": homes["area_code"].unique(), "dwelling_type": "all", "dwellings": float(dwellings)})
    shares = pl.DataFrame(
        [
            {"area_code": f"A{area:03d}", "measure": name, "truth": float((truth[code == area] == place).mean())}
            for area in range(areas)
            for place, name in enumerate(SIZES)
        ]
    )
    return characteristics_of({"size_band": p[is_metered]}, {"size_band": answer}), homes, counted, shares


# --- weights -------------------------------------------------------------------------------------------


@given(
    st.dictionaries(st.sampled_from(TYPES), st.integers(0, 20), min_size=1).filter(lambda each: sum(each.values()) > 0),
    st.dictionaries(st.sampled_from(TYPES), st.integers(0, 90)),
    st.integers(1, 8),
)
@settings(max_examples=60, deadline=None)
def test_weights_add_up_to_the_dwellings_of_each_stratum(metered, counted, fewest):
    types = [name for name, number in metered.items() for _ in range(number)]
    dwellings = pl.DataFrame(
        {"area": "A000", "dwelling_type": list(counted), "dwellings": [float(n) for n in counted.values()]},
        schema={"area": pl.String(), "dwelling_type": pl.String(), "dwellings": pl.Float64()},
    )
    made = dwelling_weights(homes_of([len(types)], types), dwellings, fewest)
    total = sum(counted.values())
    if not total:
        assert set(made["weight"]) == {1.0}
        assert set(made["weighting"]) == {"none"}
        return
    assert made["weight"].sum() == pytest.approx(total)
    strata = strata_of({name: n for name, n in metered.items() if n}, counted, fewest)
    if len(strata) > 1:
        for stratum in strata:
            weight = made.filter(pl.col("dwelling_type").is_in(stratum))["weight"].sum()
            assert weight == pytest.approx(sum(counted.get(name, 0) for name in stratum))
            assert sum(metered.get(name, 0) for name in stratum) >= fewest


def test_a_type_that_hardly_has_meters_is_weighted_up_and_unknown_types_are_kept():
    homes = homes_of([30], ["flat"] * 5 + ["detached"] * 24 + [None])
    dwellings = pl.DataFrame(
        {"area": ["A000"] * 3, "dwelling_type": ["flat", "detached", "all"], "dwellings": [50.0, 50.0, 120.0]}
    )
    made = dwelling_weights(homes, dwellings, 5)
    weights = dict(made.select("dwelling_type", "weight").unique().rows())
    assert weights["flat"] * 5 + weights["unknown"] == pytest.approx(60)
    assert weights["detached"] == pytest.approx(60 / 24), "the count of all is of all"


# --- estimates -----------------------------------------------------------------------------------------


def test_estimates_are_weighted_means_and_sizes_add_up():
    rng = np.random.default_rng(3)
    characteristics, homes, _, _ = simulated(rng, 12, 60, 0.7, 0.4, 0.3)
    typed = homes.with_columns(dwelling_type=pl.Series(rng.choice(TYPES, len(homes))))
    counts = typed.group_by(area="area_code", dwelling_type="dwelling_type").agg(dwellings=pl.len() * 2.0)
    made = area_households(characteristics, typed, counts.with_columns(pl.col("dwellings").cast(pl.Float64)))
    assert set(made.filter(pl.col("estimate").is_not_null())["measure"]) == {*SIZES}
    assert set(made["measure"]) == {*MEASURES}
    assert made.filter(measure="has_children")["reason"].str.contains("too few answers").all()
    totals = made.filter(pl.col("measure").is_in(SIZES)).group_by("area_code").agg(pl.col("estimate").sum())
    np.testing.assert_allclose(totals["estimate"].to_numpy(), 1)
    inside = made.filter(pl.col("estimate").is_not_null())
    assert (inside["lower"] <= inside["estimate"]).all()
    assert (inside["estimate"] <= inside["upper"]).all()
    shuffled = area_households(
        characteristics.sample(fraction=1, shuffle=True, seed=1), typed.sample(fraction=1, shuffle=True, seed=2), counts
    )
    assert shuffled.equals(made), "the order of rows makes no difference"
    # With all answers known, an estimate is their mean.
    known = characteristics.with_columns(is_answer=pl.col("target_class") == "2")
    all_said = area_households(known, homes, NONE_COUNTED).filter(measure="two_people")
    assert set(all_said["estimate"]) == {1.0}


def test_answers_move_the_homes_of_their_area_that_did_not_answer():
    """In half of the areas all who answer are alone, in the others nobody is; profiles see no difference."""
    number, areas = 40, 20
    p = np.full((number * areas, 2), 0.5)
    alone = np.repeat(np.arange(areas) % 2, number)
    answer = np.where(np.arange(number * areas) % 4 == 0, alone, -1)
    made = area_households(
        characteristics_of({"has_children": p}, {"has_children": answer}), homes_of([number] * areas), NONE_COUNTED
    ).filter(measure="has_children")
    estimate = made.sort("area_code")["estimate"].to_numpy()
    assert (estimate[::2] < 0.1).all()
    assert (estimate[1::2] > 0.9).all()


def test_homes_where_nobody_lives_bring_nothing_but_are_counted():
    p = np.tile([[0.9, 0.1]], (30, 1))
    p[20:] = [0.1, 0.9]
    homes = homes_of([30]).with_columns(lived_in=pl.when(pl.col("meter") < 20).then(1.0).otherwise(0.0))
    answer = np.where(np.arange(30) % 3 == 0, (np.arange(30) % 2), -1)
    answer[20:] = -1
    made = area_households(characteristics_of({"has_children": p}, {"has_children": answer}), homes, NONE_COUNTED)
    row = made.filter(measure="has_children").row(0, named=True)
    assert row["homes"] == 30, "the difference would tell how many are empty"
    assert row["estimate"] < 0.5


@pytest.mark.parametrize(("metered", "answering", "telling"), [(0.7, 0.5, 0.3), (0.6, 0.15, 0.3), (1.0, 0.3, 0.8)])
def test_intervals_hold_the_truth_as_often_as_they_say(metered, answering, telling):
    held = []
    for seed in range(6):
        rng = np.random.default_rng([seed, int(100 * answering)])
        characteristics, homes, counted, truth = simulated(rng, 40, 50, metered, answering, telling)
        made = area_households(characteristics, homes, counted).join(truth, on=["area_code", "measure"])
        held += ((made["lower"] <= made["truth"]) & (made["truth"] <= made["upper"])).to_list()
    assert 0.93 <= np.mean(held) <= 0.98


def test_an_interval_is_moved_by_no_answer_but_through_the_estimate():
    """Two homes of an area change places: the estimate is the same, and so are the ends."""
    rng = np.random.default_rng(5)
    characteristics, homes, counted, _ = simulated(rng, 30, 50, 0.7, 0.4, 0.3)
    made = area_households(characteristics, homes, counted).filter(measure="one_person")
    level = AreaParameters(level=0.8)
    narrower = area_households(characteristics, homes, counted, level).filter(measure="one_person")
    assert (narrower["upper"] - narrower["lower"] < made["upper"] - made["lower"]).all()
    first = homes.filter(area_code="A000")["meter"]
    answered = characteristics.filter(pl.col("meter").is_in(first.implode()) & pl.col("is_answer").is_not_null())
    one, two = answered["meter"].unique(maintain_order=True).sort()[:2]
    swapped = characteristics.with_columns(
        meter=pl.when(meter=one).then(two).when(meter=two).then(one).otherwise("meter").cast(pl.Int64())
    )
    again = area_households(swapped, homes, counted).filter(measure="one_person")
    np.testing.assert_allclose(again.select("lower", "upper").to_numpy(), made.select("lower", "upper").to_numpy())


# --- what leaves ---------------------------------------------------------------------------------------


def test_what_few_homes_make_does_not_leave_and_mean_sizes_follow_from_what_does():
    rng = np.random.default_rng(7)
    characteristics, homes, counted, _ = simulated(rng, 8, 40, 0.7, 1.0, 0.3)
    small = pl.concat([homes.filter(area_code="A000").head(9), homes.filter(pl.col("area_code") != "A000")])
    # Everybody answers, and in one area one home alone has five people or more.
    of_area = homes.filter(area_code="A001")["meter"]
    one = of_area[0]
    answer = pl.when(meter=one).then(pl.lit("5+")).otherwise(pl.lit("2"))
    odd = characteristics.with_columns(
        is_answer=pl.when(pl.col("meter").is_in(of_area.implode()))
        .then(pl.col("target_class") == answer)
        .otherwise("is_answer")
    )
    raw = area_households(odd, small, counted)
    told = protect(AREA_HOUSEHOLDS, raw, Thresholds(10)).rows
    assert passes("area_households", told)
    assert (
        told.filter(area_code="A000").select(pl.col("homes", "estimate", "lower").is_null().all()).row(0) == (True,) * 3
    )
    assert told.filter(pl.col("measure").is_in(SIZES), area_code="A001")["estimate"].null_count() == 4
    for _, of in told.filter(pl.col("measure").is_in(SIZES)).group_by("area_code"):
        assert of["estimate"].null_count() != 1, "one alone would follow"
    means = mean_people(told)
    assert passes("area_household_size", means)
    shares = told.filter(pl.col("measure").is_in(SIZES))
    whole = shares.group_by("area_code").agg(pl.col("estimate").is_not_null().all()).filter("estimate")["area_code"]
    assert set(means.filter(pl.col("mean_people").is_not_null())["area_code"]) == set(whole)
    assert 0 < len(whole) < 8


def test_the_mean_size_is_that_of_the_bands():
    size = HouseholdParameters(people_3_4=3.4, people_5_plus=5.6)
    told = pl.DataFrame(
        {"area_code": "A", "measure": SIZES, "homes": 100, "estimate": [0.4, 0.3, 0.2, 0.1]}
    ).with_columns(lower=pl.col("estimate") - 0.08, upper=pl.col("estimate") + 0.08)
    row = mean_people(told, size).row(0, named=True)
    assert row["mean_people"] == pytest.approx(0.4 + 0.6 + 0.68 + 0.56)
    assert 0.15 < row["upper"] - row["mean_people"] < 0.4
    assert mean_people(told.head(3), size)["mean_people"].to_list() == [None]


def test_few_households_among_many_meters_are_not_told():
    p = np.tile([0.25, 0.25, 0.25, 0.25], (30, 1))
    said = characteristics_of({"size_band": p}, {"size_band": np.arange(30) % 4})
    homes = homes_of([12, 18]).with_columns(
        lived_in=pl.when((pl.col("area_code") == "A000") & (pl.col("meter") >= 3)).then(0.0).otherwise(1.0)
    )
    made = protect(AREA_HOUSEHOLDS, area_households(said, homes, NONE_COUNTED), Thresholds(10)).rows
    assert made.filter(area_code="A000")["estimate"].null_count() == made.filter(area_code="A000").height
    assert made.filter(pl.col("area_code") == "A001", pl.col("measure").is_in(SIZES))["estimate"].null_count() == 0


@pytest.mark.parametrize("lived_in", [0.0, 1.0])
def test_every_area_has_its_rows_and_none_needs_an_answer(lived_in):
    p = np.tile([0.25, 0.25, 0.25, 0.25], (21, 1))
    said = characteristics_of({"size_band": p}, {"size_band": np.full(21, -1)})
    homes = homes_of([1, 20]).with_columns(
        lived_in=pl.when(pl.col("area_code") == "A000").then(lived_in).otherwise(1.0)
    )
    made = protect(AREA_HOUSEHOLDS, area_households(said, homes, NONE_COUNTED), Thresholds(10)).rows
    assert sorted(made["area_code"].unique()) == ["A000", "A001"]
    assert made.filter(area_code="A000")["estimate"].null_count() == len(MEASURES)
    assert (
        made.filter(pl.col("area_code") == "A001", pl.col("measure").is_in(SIZES))["estimate"].to_list() == [0.25] * 4
    )


def test_a_target_that_was_not_learned_says_so_where_there_are_homes_enough():
    p = np.tile([0.25, 0.25, 0.25, 0.25], (35, 1))
    said = characteristics_of({"size_band": p}, {"size_band": np.arange(35) % 4})
    made = protect(AREA_HOUSEHOLDS, area_households(said, homes_of([5, 30]), NONE_COUNTED), Thresholds(10)).rows
    rented = made.filter(measure="is_rented").sort("area_code")
    assert rented["homes"].to_list() == [None, 30]
    assert rented["reason"].to_list() == ["fewer homes than may be published", NOT_LEARNED]
    assert rented["is_suppressed"].to_list() == [True, False]
