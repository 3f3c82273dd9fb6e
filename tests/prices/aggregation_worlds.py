"""Worlds of items and groups, drawn and small, and what the chains make of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np
import polars as pl
from hypothesis import settings

from ons_assets.parameters.prices import LinkMonth
from ons_assets.prices.indices import ChainRules, linked_aggregate, rate_contributions
from tests.prices.aggregation_reference import Levels, Month, Weights, World

LINKS = get_args(LinkMonth)
CLASSES = {"A": ("a1", "a2", "a3"), "B": ("b1", "b2"), "C": ("c1", "c2", "c3")}
DIVISIONS = {"AB": ("A", "B"), "All": ("A", "B", "C")}
few = settings(deadline=None, max_examples=60)


def months(start: Month, number: int) -> list[Month]:
    year, month = start
    return [(year + (month - 1 + step) // 12, (month - 1 + step) % 12 + 1) for step in range(number)]


def random_weights(rng: np.random.Generator, years: list[int], share_new: float) -> Weights:
    """Weights of three classes and of two levels above them; items come and go from year to year, years are lacking.

    Half of the worlds have a group that lies across the classes.
    """
    weights: Weights = {}
    across = [item for items in CLASSES.values() for item in items if rng.random() < 0.5] if rng.random() < 0.5 else []
    for year in years:
        if year > years[0] and rng.random() < 0.25:
            continue
        of_item = {
            item: float(rng.uniform(0.1, 5)) for items in CLASSES.values() for item in items if rng.random() > share_new
        }
        for name, items in CLASSES.items():
            weights[name, year] = {item: of_item[item] for item in items if item in of_item}
        for name, classes in DIVISIONS.items():
            weights[name, year] = {item: of_item[item] for each in classes for item in weights[each, year]}
        weights["Across", year] = {item: of_item[item] for item in across if item in of_item}
    return {key: basket for key, basket in weights.items() if basket}


def random_world(seed: int, *, moves: bool = True, complete: bool = False) -> World:
    rng = np.random.default_rng(seed)
    when = months((2019, int(rng.integers(1, 13))), int(rng.integers(14, 44)))
    levels: Levels = {}
    for item in sorted({item for items in CLASSES.values() for item in items}):
        path = float(rng.uniform(50, 200)) * np.exp(np.cumsum(rng.normal(0, 0.05 if moves else 0.0, len(when))))
        first, last = (0, len(when)) if complete else sorted(rng.integers(-10, len(when) + 10, 2))
        lost = 0.0 if complete else float(rng.choice([0.0, 0.1, 0.5]))
        levels[item] = {
            month: float(path[at]) for at, month in enumerate(when) if first <= at < last and rng.random() >= lost
        }
    years = list(range(2018 if rng.random() < 0.5 else 2019, 2024))
    return World(
        months=when,
        levels=levels,
        weights=random_weights(rng, years, 0.0 if complete else 0.25),
        link=LINKS[int(rng.integers(len(LINKS)))],
        price_update=bool(rng.random() < 0.5),
        lag=int(rng.integers(0, 3)),
        patience=int(rng.integers(1, 15)),
    )


def label(month: Month) -> str:
    return f"{month[0]}-{month[1]:02}"


def frames(world: World) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = [(item, label(month), level) for item, by in world.levels.items() for month, level in by.items()]
    weights = [
        (item, group, year, weight)
        for (group, year), basket in world.weights.items()
        for item, weight in basket.items()
    ]
    return (
        pl.DataFrame(rows, {"item_id": pl.String, "period": pl.String, "index": pl.Float64}, orient="row"),
        pl.DataFrame(
            weights,
            {"item_id": pl.String, "group_id": pl.String, "year": pl.Int32, "weight": pl.Float64},
            orient="row",
        ),
    )


def rules(world: World) -> ChainRules:
    return ChainRules(world.price_update, world.lag, world.patience)


def chained(world: World) -> pl.DataFrame:
    return linked_aggregate(*frames(world), link=world.link, rules=rules(world))  # type: ignore[arg-type]


def contributed(world: World) -> pl.DataFrame:
    return rate_contributions(*frames(world), link=world.link, rules=rules(world))  # type: ignore[arg-type]


def trimmed(world: World) -> World:
    """The months from the first to the last that has an index of a weighted item: the others are not in the table."""
    known = [m for m in world.months if any(m in world.levels.get(item, {}) for item in world.items)]
    within = [month for month in world.months if known and known[0] <= month <= known[-1]]
    return replace(world, months=within)


def small(**changes: object) -> World:
    """Two items of one class for three years; a1 doubles in May 2020, b1 stands still."""
    when = months((2020, 1), 36)
    world = World(
        when,
        {"a1": {month: 100.0 if month < (2020, 5) else 200.0 for month in when}, "b1": dict.fromkeys(when, 50.0)},
        {("G", year): {"a1": 1.0, "b1": 3.0} for year in (2020, 2021, 2022)},
    )
    return replace(world, **changes)  # type: ignore[arg-type]


def level_of(world: World, period: str) -> float:
    value: float = chained(world).filter(period=period)["index"].item()
    return value


def without(world: World, item: str, gone: Callable[[Month], bool]) -> World:
    levels = {**world.levels, item: {month: x for month, x in world.levels[item].items() if not gone(month)}}
    return replace(world, levels=levels)
