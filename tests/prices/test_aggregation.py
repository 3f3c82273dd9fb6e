"""Chains of groups: held against plain Python, and against what must hold in every world."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.aggregation_accuracy import ALL, collected, existing, true_items, weights
from ons_assets.prices.indices import linked_aggregate, rate_contributions
from tests.prices.aggregation_reference import Levels, Reference, Weights, World
from tests.prices.aggregation_worlds import (
    chained,
    contributed,
    few,
    frames,
    label,
    months,
    random_world,
    small,
    trimmed,
)


@given(seed=st.integers(0, 10**6))
@few
def test_chains_equal_plain_python(seed: int) -> None:
    world = trimmed(random_world(seed))
    reference = Reference(world)
    found = {(group, period): index for group, period, index in chained(world).select("group_id", "period", "index")
             .drop_nulls().iter_rows()}  # fmt: skip
    expected = {(group, label(month)): index for group, by in reference.index.items() for month, index in by.items()}
    assert found.keys() == expected.keys()
    for key, index in expected.items():
        assert found[key] == pytest.approx(index, rel=1e-12), key


@given(seed=st.integers(0, 10**6))
@few
def test_a_group_is_moved_by_no_item_that_it_never_holds(seed: int) -> None:
    world = random_world(seed, complete=True)
    for group in world.groups:
        held = {item for (each, _), basket in world.weights.items() if each == group for item in basket}
        others = {item: dict.fromkeys(by, 100.0) for item, by in world.levels.items() if item not in held}
        still = chained(replace(world, levels={**world.levels, **others}))
        before, after = (each.filter(group_id=group)["index"].to_list() for each in (chained(world), still))
        assert after == pytest.approx(before, rel=1e-12), group


@given(seed=st.integers(0, 10**6))
@few
def test_if_no_price_moves_no_group_moves(seed: int) -> None:
    indices = chained(random_world(seed, moves=False))["index"].drop_nulls()
    assert (indices - 100).abs().max() in (None, pytest.approx(0, abs=1e-11))


@given(seed=st.integers(0, 10**6), factor=st.floats(0.2, 5))
@few
def test_if_all_prices_scale_all_groups_scale(seed: int, factor: float) -> None:
    """Whoever is missing: what has an index in the second half has f times it, and so has every group."""
    world = trimmed(random_world(seed, moves=False))
    if len(world.months) < 3:
        return
    turn = world.months[len(world.months) // 2]
    levels = {
        item: {month: level * (factor if month >= turn else 1) for month, level in by.items()}
        for item, by in world.levels.items()
    }
    # In the month of the turn somebody must be there to tell the others, in every class.
    for item in ("a1", "b1", "c1"):
        levels[item] = {month: 100 * (factor if month >= turn else 1) for month in world.months}
        for (group, _), basket in world.weights.items():
            if item[0].upper() in group or group == "All":
                basket[item] = basket.get(item, 1.0)
    found = chained(replace(world, levels=levels)).drop_nulls("index")
    begins = found.group_by("group_id").agg(begin=pl.col("period").min())
    expected = pl.when((pl.col("period") >= label(turn)) & (pl.col("begin") < label(turn))).then(factor).otherwise(1.0)
    gap = found.join(begins, on="group_id").select((pl.col("index") / 100 / expected - 1).abs().max()).item()
    assert gap == pytest.approx(0, abs=1e-12)


def rates(world: World) -> pl.DataFrame:
    """Rates of the published groups over 1 and 12 months, in per cent."""
    number = pl.col("period").str.slice(0, 4).cast(pl.Int64) * 12 + pl.col("period").str.slice(5).cast(pl.Int64)
    known = chained(world).drop_nulls("index").select("group_id", "period", "index", at=number)
    return pl.concat(
        known.join(known.select("group_id", at=pl.col("at") + horizon, before="index"), on=["group_id", "at"]).select(
            "group_id",
            "period",
            pl.lit(horizon, dtype=pl.Int64).alias("horizon"),
            rate=100 * (pl.col("index") / pl.col("before") - 1),
        )
        for horizon in (1, 12)
    )


@given(seed=st.integers(0, 10**6))
@few
def test_contributions_add_up_to_the_rate(seed: int) -> None:
    world = random_world(seed)
    keys = ["group_id", "period", "horizon"]
    total = contributed(world).group_by(keys).agg(total=pl.col("contribution").sum())
    both = rates(world).join(total, on=keys, how="full", coalesce=True)
    assert both.null_count().sum_horizontal().item() == 0
    assert (both["rate"] - both["total"]).abs().max() in (None, pytest.approx(0, abs=1e-12))


@given(seed=st.integers(0, 10**6), cut=st.integers(1, 20))
@few
def test_a_later_month_changes_no_earlier_one(seed: int, cut: int) -> None:
    world = random_world(seed)
    until = world.months[-min(cut, len(world.months) - 1)]
    earlier = replace(world, levels={i: {m: x for m, x in by.items() if m < until} for i, by in world.levels.items()})
    before = pl.col("period") < label(until)
    assert chained(earlier).equals(chained(world).filter(before))
    assert contributed(earlier).equals(contributed(world).filter(before))


@given(seed=st.integers(0, 10**6))
@few
def test_an_item_contributes_nothing_before_it_has_an_index(seed: int) -> None:
    world = random_world(seed)
    firsts = {item: label(min(by)) for item, by in world.levels.items() if by}
    found = contributed(world)
    assert (found["period"] >= found["item_id"].replace_strict(firsts, default="9999")).all()


def test_groups_of_the_simulated_world_are_near_the_truth() -> None:
    """Two years of 34 items, with losses, entries, exits and new weights; the truth by plain Python."""
    found = []
    for seed in (1, 2, 3):
        items, basket = existing(true_items(seed), seed, ALL), weights(seed, ALL).rename({"group": "group_id"})
        levels: Levels = {}
        for item, period, index in items.select("item_id", "period", "index").iter_rows():
            levels.setdefault(item, {})[int(period[:4]), int(period[5:])] = index
        of_year: Weights = {}
        for item, group, year, weight in basket.select("item_id", "group_id", "year", "weight").iter_rows():
            of_year.setdefault((group, year), {})[item] = weight
        truth = Reference(World(months((2014, 6), 24), levels, of_year)).index
        true = pl.DataFrame(
            [(group, label(month), index) for group, by in truth.items() for month, index in by.items()],
            ["group_id", "period", "true"],
            orient="row",
        )
        had = linked_aggregate(collected(items, seed, ALL), basket).drop_nulls("index")
        found.append(had.join(true, on=["group_id", "period"]).filter(pl.col("period") > "2014-06"))
        assert found[-1].height > 0.95 * had.height
    gap = pl.concat(found).select((pl.col("index") - pl.col("true")).abs().mean()).item()
    assert 0.01 < gap < 0.3


@given(seed=st.integers(0, 10**6))
@few
def test_the_order_of_rows_makes_no_difference(seed: int) -> None:
    world = random_world(seed)
    indices, weights = frames(world)
    shuffled = indices.sample(fraction=1, shuffle=True, seed=seed), weights.sample(fraction=1, shuffle=True, seed=seed)
    link = world.link
    assert linked_aggregate(*shuffled, link=link).equals(linked_aggregate(indices, weights, link=link))  # type: ignore[arg-type]
    assert rate_contributions(*shuffled, link=link).equals(rate_contributions(indices, weights, link=link))  # type: ignore[arg-type]


def test_methods_are_chained_by_themselves() -> None:
    indices, weights = frames(small())
    doubled = indices.with_columns(
        index=pl.when(pl.col("period") > "2020-06").then(2 * pl.col("index")).otherwise("index")
    )
    both = pl.concat([indices.with_columns(method=pl.lit("x")), doubled.with_columns(method=pl.lit("y"))])
    found = linked_aggregate(both, weights)
    for method, alone in (("x", indices), ("y", doubled)):
        assert found.filter(method=method).drop("method").equals(linked_aggregate(alone, weights))


@pytest.mark.parametrize("dtype", [pl.Int32, pl.Int64, pl.Float32, pl.Decimal(10, 2)])
def test_every_number_is_a_number(dtype: pl.DataType) -> None:
    indices, weights = frames(small())
    expected = linked_aggregate(indices, weights)
    cast = linked_aggregate(
        indices.with_columns(pl.col("index").cast(dtype)), weights.with_columns(pl.col("weight").cast(dtype))
    )
    assert cast.equals(expected)


def test_what_cannot_be_chained_is_said() -> None:
    indices, weights = frames(small())
    with pytest.raises(ValueError, match="more than one weight"):
        linked_aggregate(indices, pl.concat([weights, weights]))
    with pytest.raises(ValueError, match="negative weight"):
        linked_aggregate(indices, weights.with_columns(weight=-pl.col("weight")))
    with pytest.raises(ValueError, match="no number"):
        linked_aggregate(indices, weights.with_columns(weight=float("nan")))
    with pytest.raises(ValueError, match="two indices"):
        linked_aggregate(pl.concat([indices, indices]), weights)
    with pytest.raises(ValueError, match="a period is no week"):
        linked_aggregate(indices, weights, frequency="week")
    with pytest.raises(ValueError, match="unknown frequency 'year'"):
        linked_aggregate(indices, weights, frequency="year")
    with pytest.raises(ValueError, match="unknown link 'april'"):
        linked_aggregate(indices, weights, link="april")


def test_an_index_that_is_none_is_missing() -> None:
    world = small()
    world.levels["b1"].update({(2020, 8): float("nan"), (2020, 9): 0.0, (2020, 10): float("inf"), (2020, 11): -5.0})
    found = chained(world).filter(pl.col("period").is_between(pl.lit("2020-08"), pl.lit("2020-11")))
    assert found["items"].to_list() == [1] * 4
    assert found["index"].to_list() == pytest.approx([125] * 4)


def test_items_without_weight_take_no_part() -> None:
    world = small()
    world.levels["z9"] = {month: float(100 + at) for at, month in enumerate(world.months)}
    world.weights["G", 2020]["z9"] = 0.0
    assert chained(world).equals(chained(small()))
    nobody = frames(world)[0].filter(item_id="z9")
    assert linked_aggregate(nobody, frames(small())[1]).is_empty()
    assert rate_contributions(nobody, frames(small())[1]).is_empty()
    assert linked_aggregate(nobody, frames(small())[1].clear()).is_empty()
