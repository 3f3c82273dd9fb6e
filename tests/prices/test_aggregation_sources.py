"""Chains of groups against what others published: Young, Lowe, the office's double link, manuals and packages."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.prices.indices import double_chain_link, linked_aggregate
from tests.prices.aggregation_reference import Levels, Month, Weights, World
from tests.prices.aggregation_worlds import CLASSES, chained, contributed, few, label, months, random_world


@given(seed=st.integers(0, 10**6))
@few
def test_a_year_without_a_link_is_a_young_index(seed: int) -> None:
    world = replace(random_world(seed, complete=True), price_update=False)
    world = replace(world, months=[month for month in world.months if month[0] == 2020])
    world.levels.update({i: {m: x for m, x in by.items() if m in world.months} for i, by in world.levels.items()})
    if not world.months or world.months[0] != (2020, 1):
        return
    basket_2020 = {group: world.basket_year(group, (2020, 2)) for group in world.groups}
    if (world.link.startswith("month") and world.link != "month-12") or None in basket_2020.values():
        return
    found = chained(world)
    for group in world.groups:
        year = basket_2020[group]
        assert year is not None
        basket = world.weights[group, year]
        relatives = {i: {m: x / world.levels[i][world.months[0]] for m, x in world.levels[i].items()} for i in basket}
        young = [
            100 * sum(w * relatives[i][month] for i, w in basket.items()) / sum(basket.values())
            for month in world.months
        ]
        assert found.filter(group_id=group)["index"].to_list() == pytest.approx(young, rel=1e-12)


def test_price_updated_weights_make_a_lowe_index() -> None:
    """Expenditure of 2019 in the prices of 2019, revalued; the same quantities throughout."""
    rng = np.random.default_rng(5)
    when = months((2019, 1), 36)
    prices = {item: 3 * np.exp(np.cumsum(rng.normal(0, 0.05, 36))) for item in ("a1", "a2", "a3")}
    quantity = {"a1": 2.0, "a2": 5.0, "a3": 1.5}
    spent = {item: quantity[item] * prices[item][:12].mean() for item in quantity}
    world = World(
        when,
        {item: dict(zip(when, map(float, path), strict=True)) for item, path in prices.items()},
        {("A", 2021): spent},
        link="december",
        price_update=True,
        lag=2,
    )
    found = chained(world).drop_nulls("index")
    cost = sum(quantity[item] * prices[item] for item in quantity)
    assert found["period"][0] == "2021-01"
    assert found["index"].to_list() == pytest.approx(list(100 * cost[24:] / cost[24]), rel=1e-12)


def test_the_double_link_is_that_of_the_office() -> None:
    """Two levels, complete: against `double_chain_link`, which goes from year to year."""
    rng = np.random.default_rng(11)
    when = months((2020, 1), 37)
    levels = {
        item: dict(zip(when, map(float, 100 * np.exp(np.cumsum(rng.normal(0, 0.05, 37)))), strict=True))
        for items in CLASSES.values()
        for item in items
    }
    weights: Weights = {}
    within: list[tuple[str, str, int, float]] = []
    above: list[tuple[str, str, int, float]] = []
    for year in range(2020, 2024):
        of_class = {name: float(rng.uniform(1, 9)) for name in CLASSES}
        above.extend((name, "All", year, weight) for name, weight in of_class.items())
        for name, items in CLASSES.items():
            of_item = dict(zip(items, map(float, rng.dirichlet([2.0] * len(items))), strict=True))
            within.extend((item, name, year, weight) for item, weight in of_item.items())
            weights[name, year] = of_item
            weights.setdefault(("All", year), {}).update({i: w * of_class[name] for i, w in of_item.items()})
    yearly = [
        (item, year, label((year + at // 12, at % 12 + 1)), 100 * by[year + at // 12, at % 12 + 1] / by[year, 1])
        for item, by in levels.items()
        for year in range(2020, 2024)
        for at in range(13)
        if (year + at // 12, at % 12 + 1) in by
    ]
    names = ["class_id", "group_id", "year", "weight"]
    expected = double_chain_link(
        pl.DataFrame(yearly, ["item_id", "year", "period", "index"], orient="row"),
        pl.DataFrame(within, ["item_id", "class_id", "year", "weight"], orient="row"),
        pl.DataFrame(above, names, orient="row"),
    )
    world = World(when, levels, weights)
    found = chained(world).filter(group_id="All")
    assert found["period"].to_list() == expected["period"].to_list()
    assert found["index"].to_list() == pytest.approx(expected["index"].to_list(), rel=1e-12)


def component_of_the_office(world: World, group: str, item: str, at: int) -> float:
    """What a component contributes to the 12-month rate, by the formula of the Office for National Statistics.

    Consumer Prices Indices Technical Manual (2019), section 11.7: the December and January links between, by the
    weights of either year. Here each item is a class of its own, as the formula is for classes.
    """
    month, before, december, january = (
        world.months[at],
        world.months[at - 12],
        (world.months[at][0] - 1, 12),
        (world.months[at][0], 1),
    )
    year = month[0]
    old, new = world.weights[group, year - 1], world.weights[group, year]

    def all_items(weights: dict[str, float], to: Month, base: Month) -> float:
        levels = world.levels
        return sum(w * levels[i][to] / levels[i][base] for i, w in weights.items()) / sum(weights.values())

    own, first = world.levels[item], (year - 1, 1)
    share_old, share_new = old[item] / sum(old.values()), new[item] / sum(new.values())
    level_before = all_items(old, before, first)
    to_december = share_old * (own[december] - own[before]) / own[first]
    to_january = share_new * (own[january] / own[december] - 1) * all_items(old, december, first)
    since = share_new * (own[month] / own[january] - 1) * (
        all_items(old, december, first) * all_items(new, january, december)
    )  # fmt: skip
    return 100 * (to_december + to_january + since) / level_before


def test_contributions_are_those_of_the_office() -> None:
    rng = np.random.default_rng(13)
    when = months((2020, 1), 24)
    items = ("a1", "b1", "c1")
    world = World(
        when,
        {
            item: dict(zip(when, map(float, 100 * np.exp(np.cumsum(rng.normal(0, 0.05, 24)))), strict=True))
            for item in items
        },
        {
            (group, year): {item: float(rng.uniform(1, 5)) for item in members}
            for year in (2020, 2021)
            for group, members in {"A": items[:1], "B": items[1:2], "C": items[2:], "All": items}.items()
        },
    )
    found = contributed(world).filter(group_id="All", horizon=12)
    assert found.height == 36
    for item, period, contribution in found.select("item_id", "period", "contribution").iter_rows():
        at = [label(month) for month in when].index(period)
        if at > 12:
            assert contribution == pytest.approx(component_of_the_office(world, "All", item, at), abs=1e-11)


PIAR = {
    "B1": [1, 0.8949097, 0.8949097 * 0.3342939, None],
    "B2": [1, None, None, 1.3827662 * 2.770456],
    "B3": [1, 2.0200036, 2.0200036 * 1.6353355, 2.0200036 * 1.6353355 * 0.537996],
}


def test_a_published_example_of_imputation_by_the_parent() -> None:
    """`ms_prices` and `ms_weights` of the R package piar 0.8 to 0.10, README (github.com/marberts/piar).

    B2 is missing for two periods and B1 for the last; B4 and B5, in a class of their own, have no index until then, so
    that their class moves with the level above.
    """
    months_of = ["2020-01", "2020-02", "2020-03", "2020-04"]
    indices = pl.DataFrame(
        [(item, period, level) for item, of in PIAR.items() for period, level in zip(months_of, of, strict=True)],
        {"item_id": pl.String, "period": pl.String, "index": pl.Float64},
        orient="row",
    )
    weight = {"B1": 553, "B2": 646, "B3": 312, "B4": 622, "B5": 330}
    classes = {"11": ["B1", "B2", "B3"], "12": ["B4", "B5"], "1": list(weight)}
    weights = pl.DataFrame(
        [(item, group, 2020, float(weight[item])) for group, items in classes.items() for item in items],
        ["item_id", "group_id", "year", "weight"],
        orient="row",
    )
    found = linked_aggregate(indices, weights)
    published = [100, 130.07239, 138.27662, 217.71866]
    assert found.filter(group_id="11")["index"].to_list() == pytest.approx(published, rel=1e-6)
    assert found.filter(group_id="1")["index"].to_list()[:3] == pytest.approx(published[:3], rel=1e-6)
    assert found.filter(group_id="12").is_empty()


def test_the_published_example_of_a_chain() -> None:
    """Producer Price Index Manual (IMF and others, 2004), table 9.8; it gives two decimals.

    Weights of 1998 until December 2002, of 2000 from there on; A to C are group G, D and E are group H. In the four
    years between nobody has an index, which discontinues nobody.
    """
    when: list[Month] = [(1998, 6), (2002, 11), (2002, 12)]
    later: list[Month] = [(2003, 1), (2003, 2), (2003, 3)]
    old = {"A": (100, 120, 121), "B": (100, 115, 117), "C": (100, 132, 133), "D": (100, 142, 143), "E": (100, 110, 124)}
    new = {"A": (100, 100, 102), "B": (102, 103, 104), "C": (98, 98, 97), "D": (101, 104, 104), "E": (103, 105, 106)}
    basket = {"A": (0.20, 0.25), "B": (0.25, 0.20), "C": (0.15, 0.10), "D": (0.10, 0.18), "E": (0.30, 0.27)}
    groups = {"G": "ABC", "H": "DE", "Total": "ABCDE"}
    levels: Levels = {
        item: dict(zip(when, map(float, old[item]), strict=True))
        | {month: old[item][-1] * now / 100 for month, now in zip(later, new[item], strict=True)}
        for item in basket
    }
    weights: Weights = {
        (group, year): {item: basket[item][number] for item in items}
        for group, items in groups.items()
        for number, year in enumerate((1998, 2003))
    }
    found = chained(World(months((1998, 6), 58), levels, weights, link="december"))
    published = {
        "G": [100, 120.92, 122.33, 122.78, 123.22, 124.56],
        "H": [100, 118.00, 128.75, 131.58, 134.67, 135.45],
        "Total": [100, 119.75, 124.90, 126.39, 127.99, 129.07],
    }
    for group, index in published.items():
        assert found.filter(group_id=group)["index"].to_list() == pytest.approx(index, abs=0.0051)
