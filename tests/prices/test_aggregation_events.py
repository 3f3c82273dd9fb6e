"""Chains of groups when a single thing happens: an item is missing, leaves, comes back, weights change."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from ons_assets.prices.indices import linked_aggregate
from ons_assets.prices.indices.link_periods import calendar
from tests.prices.aggregation_reference import Levels, Weights, World
from tests.prices.aggregation_worlds import LINKS, chained, contributed, frames, label, level_of, months, small, without


def test_a_missing_item_moves_with_its_group_until_it_returns() -> None:
    world = without(small(), "b1", lambda month: (2020, 4) <= month <= (2020, 6))
    assert level_of(world, "2020-06") == pytest.approx(200), "b1 is taken to have doubled with a1"
    assert level_of(world, "2020-07") == pytest.approx(125), "its own level says that it has not"


def test_an_item_that_was_discontinued_is_linked_in_when_it_comes_back() -> None:
    world = without(small(patience=6), "b1", lambda month: (2020, 4) <= month <= (2021, 6))
    assert level_of(world, "2021-06") == pytest.approx(200)
    assert level_of(world, "2021-07") == pytest.approx(200), "what it costs now is no movement"
    # From the next link on it has its weight again.
    raised = {month: 50.0 if month < (2022, 5) else 100.0 for month in world.months}
    world.levels["b1"] = {month: raised[month] for month in world.levels["b1"]}
    assert level_of(world, "2022-05") == pytest.approx(200 * (1 + 3 * 2) / 4)


def test_what_is_discontinued_leaves_its_weight_within_its_class() -> None:
    """Else a class would lose weight in the levels above because one of its items is gone."""
    when = months((2020, 1), 24)
    levels: Levels = {item: dict.fromkeys(when, 100.0) for item in ("a1", "a2", "b1", "b2")}
    levels["a1"] = {month: 100.0 for month in when if month < (2020, 3)}
    levels["a2"] = {month: 100.0 if month < (2021, 6) else 200.0 for month in when}
    baskets = {"A": ("a1", "a2"), "B": ("b1", "b2"), "AB": ("a1", "a2", "b1", "b2")}
    weights: Weights = {
        (group, year): dict.fromkeys(items, 1.0) for group, items in baskets.items() for year in (2020, 2021)
    }
    world = World(when, levels, weights, patience=6)
    found = chained(world).filter(period="2021-06").sort("group_id")
    assert found["index"].to_list() == pytest.approx([200, 150, 100])
    assert found["weight_share"].to_list() == pytest.approx([1, 1, 1])
    assert contributed(world).filter(period="2021-06", group_id="AB", horizon=1, item_id="a2")[
        "weight"
    ].item() == pytest.approx(0.5)


def test_an_item_whose_weight_ends_leaves_at_the_link() -> None:
    weights: Weights = {("G", 2020): {"a1": 1.0, "b1": 3.0}, ("G", 2021): {"b1": 1.0}}
    world = small(weights=weights)
    world.levels["a1"].update({month: 300.0 for month in world.months if month >= (2021, 3)})
    assert level_of(world, "2021-02") == pytest.approx(125)
    assert level_of(world, "2021-12") == pytest.approx(125)


def test_a_group_without_any_index_has_none_and_goes_on_afterwards() -> None:
    gone = (2020, 8)
    world = without(without(small(), "a1", lambda month: month == gone), "b1", lambda month: month == gone)
    rows = pl.DataFrame(
        {"item_id": ["a1"], "period": ["2020-08"], "index": [None]}, schema_overrides={"index": pl.Float64}
    )
    indices, weights = frames(world)
    found = linked_aggregate(pl.concat([indices, rows]), weights)
    lacking = found.filter(period="2020-08").row(0, named=True)
    assert (lacking["index"], lacking["items"], lacking["weight_share"]) == (None, 0, 0)
    assert lacking["reason"] == "no weighted item has an index"
    assert found.filter(period="2020-09")["index"].item() == pytest.approx(125)
    assert linked_aggregate(indices, weights).filter(period="2020-08").is_empty(), "no item has a row"


def test_a_month_that_nobody_collected_has_no_rate_and_breaks_no_chain() -> None:
    skipped = small()
    skipped = without(
        without(skipped, "a1", lambda month: month == (2020, 12)), "b1", lambda month: month == (2020, 12)
    )
    found = contributed(skipped)
    assert found.filter(period="2021-01", horizon=1).is_empty(), "there is no month before"
    assert level_of(skipped, "2021-01") == pytest.approx(125)


@pytest.mark.parametrize("link", LINKS)
def test_new_weights_hold_from_their_link_on(link: str) -> None:
    """b1 rises by half in one month of 2021; what that does to the group says which weights hold in it."""
    changes = small(link=link, weights={("G", 2020): {"a1": 1.0, "b1": 3.0}, ("G", 2021): {"a1": 3.0, "b1": 1.0}})
    changes.levels["a1"] = dict.fromkeys(changes.months, 100.0)
    for month in months((2020, 2), 23):
        world = replace(
            changes, levels={**changes.levels, "b1": {m: 50.0 if m < month else 75.0 for m in changes.months}}
        )
        if link == "none":
            begins = (2099, 1)
        elif link == "january":
            begins = (2021, 2)  # one class: until January its items have the old weights
        elif link in ("december", "month-12"):
            begins = (2021, 1)
        else:
            begins = (2021, int(link[-2:]) + 1)
        rise = 50 * (0.25 if month >= begins else 0.75)
        assert level_of(world, label(month)) == pytest.approx(100 + rise), month


def test_days_and_weeks_are_linked_at_the_turn_of_the_month() -> None:
    days = calendar(pl.Series(["2020-12-30", "2021-01-03"]), "day", "january")
    assert days.weights_year.tolist() == [2020, 2020, 2021, 2021, 2021]
    assert days.is_bridge.tolist() == [False, False, True, False, False]
    # The week of 28 December 2020 has its Thursday in that year; that of 30 December 2019 has it in the next.
    weeks = calendar(pl.Series(["2020-W52", "2021-W02"]), "week", "december")
    assert weeks.labels.to_list() == ["2020-W52", "2020-W53", "2021-W01", "2021-W02"]
    assert weeks.weights_year.tolist() == [2020, 2020, 2021, 2021]
    assert calendar(pl.Series(["2020-W01"]), "week", "december").year.tolist() == [2020]
    april = calendar(pl.Series(["2021-04-29", "2021-05-02"]), "day", "month-04")
    assert april.weights_year.tolist() == [2020, 2020, 2021, 2021]


@pytest.mark.parametrize("frequency", ["day", "week"])
def test_no_group_of_days_or_weeks_moves_if_no_price_moves(frequency: str) -> None:
    rng = np.random.default_rng(3)
    labels = calendar(pl.Series(["2020-10-05", "2022-03-01"]), "day", "none").labels
    if frequency == "week":
        labels = calendar(pl.Series(["2020-W40", "2022-W09"]), "week", "none").labels
    rows = [
        (item, period, 100.0 * (1 + number))
        for number, item in enumerate(("a1", "a2", "b1"))
        for at, period in enumerate(labels)
        if rng.random() > 0.4 and at > 40 * number
    ]
    weights = [
        (item, group, year, float(rng.uniform(1, 3)))
        for year in (2020, 2021, 2022)
        for group, items in {"A": ("a1", "a2"), "All": ("a1", "a2", "b1")}.items()
        for item in items
    ]
    indices = pl.DataFrame(rows, ["item_id", "period", "index"], orient="row")
    basket = pl.DataFrame(weights, ["item_id", "group_id", "year", "weight"], orient="row")
    for link in LINKS:
        found = linked_aggregate(indices, basket, frequency=frequency, link=link)  # type: ignore[arg-type]
        assert (found["index"].drop_nulls() - 100).abs().max() == pytest.approx(0, abs=1e-11)
        assert found.height > len(labels)
