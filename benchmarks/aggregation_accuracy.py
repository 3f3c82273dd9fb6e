"""How far groups are from the truth when items are lost, enter, leave, and are weighted anew.

    python benchmarks/aggregation_accuracy.py [--worlds 20]

The simulator's true indices of 34 items in ten groups and two divisions over two years, with weights of three years.
Some items enter after the first months, some leave before the last; of all, spells of one to four months are not
collected. The truth of a group is the chain over all items while they exist, collected or not; a second truth knows
items before they enter and after they have left. Gaps are taken over all months after the first.
"""

import argparse
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

import numpy as np
import polars as pl

from ons_assets.parameters.prices import AggregationParameters
from ons_assets.prices.compilation import aggregate_indices
from ons_assets.simulate.prices import SCALES, item_table
from ons_assets.simulate.prices.assortment import build_assortment
from ons_assets.simulate.prices.paths import build_paths
from ons_assets.simulate.prices.scales import NO_FAULTS
from ons_assets.simulate.prices.truth import true_indices

START, DAYS = date(2014, 6, 1), 730
VARIANTS = (("linked", "linked", False), ("available", "available", False), ("linked, all known", "linked", True))
YEARS = (2014, 2015, 2016)
COLUMNS = ["frequency", "method", "item_id", "period", "index"]


@dataclass(frozen=True)
class Trouble:
    """What happens to items.

    Parameters
    ----------
    lost
        Chance of a month to be the first of a spell of one to four months in which an item is not collected; 0.02
        loses one item and month in twenty.
    enters, leaves
        Share of items that enter after the first quarter year or later, and that leave before the last.
    reweighted
        Standard deviation, in logarithms, of the change of an item's weight from year to year.
    """

    lost: float = 0.0
    enters: float = 0.0
    leaves: float = 0.0
    reweighted: float = 0.0


ALL = Trouble(lost=0.02, enters=0.15, leaves=0.1, reweighted=0.2)
TROUBLES = {
    "items are lost": Trouble(lost=0.02),
    "twice as often": Trouble(lost=0.04),
    "items enter": Trouble(enters=0.15),
    "items leave": Trouble(leaves=0.1),
    "new weights": Trouble(reweighted=0.2),
    "all of these": ALL,
}


@cache
def true_items(seed: int) -> pl.DataFrame:
    """Return the true monthly indices of the items of a world, as `prices/item_indices`."""
    scale = replace(SCALES["medium"], days=DAYS, faults=NO_FAULTS)
    assortment = build_assortment(scale, seed, START, None)
    truth = true_indices(assortment, build_paths(assortment, seed, START), START).filter(frequency="month")
    return truth.with_columns(method=pl.lit("jevons"), index="jevons").select(COLUMNS).drop_nulls()


def weights(seed: int, trouble: Trouble) -> pl.DataFrame:
    """Return weights of the items in their groups and divisions, as `reference/item_weights`."""
    rng = np.random.default_rng([seed, 1])
    items = item_table()
    years = []
    for number, year in enumerate(YEARS):
        factor = np.exp(trouble.reweighted * np.sqrt(number) * rng.normal(size=len(items)))
        of_year = items.with_columns(pl.col("weight") * pl.Series(factor), year=pl.lit(year, dtype=pl.Int32))
        years.extend(
            of_year.select("item_id", "item", pl.col(level).alias("group"), "year", "weight")
            for level in ("group", "top_group")
        )
    return pl.concat(years)


def existing(items: pl.DataFrame, seed: int, trouble: Trouble) -> pl.DataFrame:
    """Return the items between the month in which they enter and that in which they leave."""
    rng = np.random.default_rng([seed, 2])
    months = items["period"].unique().sort()
    parts = []
    for item in items["item_id"].unique().sort():
        begins = int(rng.integers(3, len(months) - 6)) if rng.random() < trouble.enters else 0
        ends = int(rng.integers(begins + 3, len(months))) if rng.random() < trouble.leaves else len(months)
        parts.append(items.filter(pl.col("item_id") == item, pl.col("period").is_in(months[begins:ends].to_list())))
    return pl.concat(parts)


def collected(items: pl.DataFrame, seed: int, trouble: Trouble) -> pl.DataFrame:
    """Return what an office has of the items."""
    rng = np.random.default_rng([seed, 3])
    parts = []
    for _, item in sorted(items.partition_by("item_id", as_dict=True).items()):
        is_there = np.ones(len(item), dtype=bool)
        for first in np.flatnonzero(rng.random(len(item)) < trouble.lost):
            # An item enters when it is first collected.
            is_there[max(first, 1) : first + int(rng.integers(1, 5))] = False
        parts.append(item.sort("period").filter(pl.Series(is_there)))
    return pl.concat(parts)


def gaps(seed: int, trouble: Trouble, parameters: AggregationParameters, *, knows_all: bool = False) -> pl.DataFrame:
    """Return the groups of a world by month with their ``gap`` from the truth, in index points."""
    every, basket = true_items(seed), weights(seed, trouble).lazy()
    items = existing(every, seed, trouble)
    of_truth = every if knows_all else items
    truth = aggregate_indices(of_truth.lazy(), basket, parameters.model_copy(update={"rule": "linked"}))
    had = aggregate_indices(collected(items, seed, trouble).lazy(), basket, parameters)
    keys = ["group", "period"]
    both = had.join(truth.select(*keys, true="index"), on=keys).drop_nulls("index")
    later = pl.col("period") > pl.col("period").min().over("group")
    return both.filter(later).with_columns(gap=pl.col("index") - pl.col("true"), seed=pl.lit(seed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=20)
    chosen = parser.parse_args()
    print(f"{chosen.worlds} worlds; mean absolute gap in index points, and the gap that one month in twenty exceeds")
    for name, trouble in TROUBLES.items():
        told = []
        for title, rule, knows_all in VARIANTS:
            parameters = AggregationParameters(rule=rule)  # type: ignore[arg-type]
            found = [gaps(seed, trouble, parameters, knows_all=knows_all) for seed in range(chosen.worlds)]
            gap = pl.concat(found)["gap"].abs()
            told.append(f"{title} {gap.mean():.3f}, {gap.quantile(0.95):.2f}")
        print(f"{name:15} {'; '.join(told)}")


if __name__ == "__main__":
    main()
