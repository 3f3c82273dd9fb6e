"""How often the intervals of an index hold the truth, and what they cost.

python benchmarks/index_uncertainty.py [--seeds 8] [--tries 100] [--products 10 30 100]

The simulator's products, at all retailers, are the population; the truth is the index of all of them by the same
method. Each try draws products of an item at random, one at a time and put back, and asks whether the interval of the
sample holds the truth in each later month. The last table asks of the whole shelf whether its interval holds the path
that drives the simulated prices, which no formula aims at: prices are sticky, rounded and on promotion.
"""

import argparse
import time
from datetime import date

import numpy as np
import polars as pl

from ons_assets.prices.indices import bootstrap, bootstrap_group, intervals, price_index
from ons_assets.simulate.prices.assortment import build_assortment
from ons_assets.simulate.prices.paths import build_paths
from ons_assets.simulate.prices.scales import NO_FAULTS, Scale
from ons_assets.simulate.prices.truth import true_indices

START = date(2014, 6, 1)
METHODS = ("jevons", "geks-jevons")
KINDS = ("expanded", "percentile", "bca")


def monthly_prices(seed: int, days: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Geometric mean price of each product in scope by month, and the true indices."""
    scale = Scale("population", days=days, quotes_per_day=6_000, items="small", compress=False, faults=NO_FAULTS)
    assortment = build_assortment(scale, seed, START, None)
    paths = build_paths(assortment, seed, START)
    in_scope = assortment.products["in_scope"].to_numpy()
    row, day = np.nonzero(assortment.on_sale & in_scope[:, None])
    months = (np.datetime64(START) + day).astype("datetime64[M]").astype(int)
    prices = pl.DataFrame(
        {
            "item_id": assortment.products["item_id"].gather(row),
            "product": row,
            "period": months - months.min(),
            "price": paths.price_pence[row, day],
        }
    )
    averages = prices.group_by("item_id", "product", "period").agg(pl.col("price").log().mean().exp())
    return averages.sort("item_id", "product", "period"), true_indices(assortment, paths, START)


def drawn(quotes: pl.DataFrame, products: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw products of the first month, and as many in proportion of those that come later, and put them back."""
    names = quotes["product"].unique().sort().to_numpy()
    on_sale_first = quotes.filter(period=0)["product"].n_unique()
    size = round(products * len(names) / on_sale_first)
    chosen = pl.DataFrame({"product": rng.choice(names, size), "copy": np.arange(size)})
    return chosen.join(quotes, on="product").select("period", "price", product="copy")


def coverage_of_samples(seeds: int, tries: int, sizes: list[int]) -> None:
    """Print how often intervals at 95 % hold the index of the population."""
    held = {(size, method, kind): [] for size in sizes for method in METHODS for kind in KINDS}
    groups = {(size, kind): [] for size in sizes for kind in KINDS[:2]}
    for seed in range(seeds):
        prices, _ = monthly_prices(seed, 181)
        rng = np.random.default_rng(seed)
        items = prices.partition_by("item_id")
        truths = [{m: price_index(item, m)["index"].to_numpy() for m in METHODS} for item in items]
        for size in sizes:
            for _ in range(tries // 10):
                of = {}
                for number, item in enumerate(items):
                    sample = drawn(item, size, rng)
                    for method in METHODS:
                        boot = bootstrap(
                            sample,
                            method,
                            samples=600,
                            seed=int(rng.integers(2**31)),
                            influence=True,
                            periods=range(6),
                            base=0,
                        )
                        for kind in KINDS:
                            inside = holds(intervals(boot, kind=kind), truths[number][method])
                            held[size, method, kind].extend(inside)
                        of[number] = boot
                group = bootstrap_group(of, dict.fromkeys(of, 1.0))
                truth = np.mean([of_item["geks-jevons"] for of_item in truths], axis=0)
                for kind in KINDS[:2]:
                    groups[size, kind].extend(holds(intervals(group, kind=kind), truth))
    print("\nproducts  method       interval    holds the index of the population   intervals")
    for (size, method, kind), inside in held.items():
        print(f"{size:8}  {method:11}  {kind:10}  {100 * np.mean(inside):5.1f} %  {len(inside):28,}")
    print(f"\nproducts  group of {len(items)} items, geks-jevons")
    for (size, kind), inside in groups.items():
        print(f"{size:8}  {kind:10}  {100 * np.mean(inside):5.1f} %  {len(inside):,}")


def holds(found: pl.DataFrame, truth: np.ndarray) -> list[bool]:
    """Whether each interval after the base holds the truth; those without an interval are left out."""
    bounds = found.select("lower", "upper").to_numpy()[1:]
    known = np.isfinite(bounds).all(axis=1)
    inside = (bounds[:, 0] <= truth[1:]) & (truth[1:] <= bounds[:, 1])
    return inside[known].tolist()


def coverage_of_paths(seeds: int) -> None:
    """Print how often the interval of all products holds the path that drives the prices."""
    inside, gap, error = [], [], []
    for seed in range(seeds):
        prices, truth = monthly_prices(seed, 181)
        path = truth.filter(frequency="month").sort("item_id", "period")
        for (item,), quotes in prices.partition_by("item_id", as_dict=True).items():
            of_item = path.filter(item_id=item)["path"].to_numpy()
            found = intervals(bootstrap(quotes, "jevons", seed=seed, periods=range(6), base=0))
            inside.extend(holds(found, of_item))
            gap.extend(np.abs(found["index"].to_numpy() - of_item)[1:])
            error.extend(found["standard_error"].to_list()[1:])
    print(f"\nall products, jevons: holds the path in {100 * np.mean(inside):.1f} % of {len(inside):,} intervals")
    print(f"median distance from the path {np.median(gap):.2f} points, median standard error {np.median(error):.2f}")


def speed(items: int = 30, periods: int = 36, products: int = 500) -> None:
    """Print the time of the bootstrap of many items."""
    rng = np.random.default_rng(0)
    product, period = np.meshgrid(np.arange(products), np.arange(periods), indexing="ij")
    quotes = pl.DataFrame({"product": product.ravel(), "period": period.ravel()})
    print(f"\n{items} items, {periods} months, {products} products, 1,000 samples each")
    for method, options in [
        ("jevons", {}),
        ("geks-jevons", {}),
        ("geks-jevons", {"window": 25, "splice": "mean-published"}),
        ("geks-tornqvist", {"window": 25, "splice": "mean-published"}),
    ]:
        spent = 0.0
        for item in range(items):
            prices = quotes.with_columns(
                price=pl.Series(np.exp(rng.normal(0, 0.3, quotes.height))),
                quantity=pl.Series(rng.lognormal(2, 1, quotes.height)),
            ).filter(pl.Series(rng.random(quotes.height) < 0.9))
            start = time.perf_counter()
            intervals(bootstrap(prices, method, seed=item, **options))
            spent += time.perf_counter() - start
        print(f"{method:15} {options or ''}  {spent:.1f} s")
    start = time.perf_counter()
    bootstrap(prices, "tpd", samples=20)
    print(f"tpd: {(time.perf_counter() - start) / 20 * 1000:.0f} ms a sample of one item, each laid out as a panel")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--tries", type=int, default=100, help="draws of each item and size, tenths of it a seed")
    parser.add_argument("--products", type=int, nargs="+", default=[10, 30, 100])
    arguments = parser.parse_args()
    coverage_of_samples(arguments.seeds, arguments.tries, arguments.products)
    coverage_of_paths(arguments.seeds)
    speed()
