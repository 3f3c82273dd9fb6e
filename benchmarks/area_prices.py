"""How far price indices of areas are off, and how often their intervals hold the truth.

python benchmarks/area_prices.py [--seeds 20] [--tries 2] [--apart 0.06] [--days 150]

Each seed is a simulated country, in which households divide their spending among branches of three retailers, and a
simulated half year of prices. The truth is the index by every price on the shelves and all that every household spends.
Retailers of the simulator follow one level of an item; here each has in addition a movement of its own, the standard
deviation of which over a year is `--apart` in logarithms. Against it are held indices by the shares of the survey and
all products, or so few of each item and retailer, drawn one at a time and put back, and what one would say of every
area without knowing who serves it: the index by the shares of the whole country.
"""

import argparse
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from ons_assets.demo.prices import shelf_quotes
from ons_assets.parameters.area_prices import AreaPriceParameters
from ons_assets.parameters.publication import PublicationParameters
from ons_assets.prices.area_indices import area_indices
from ons_assets.prices.publication.headings import basket_weights
from ons_assets.simulate.country import Scale, make_country
from ons_assets.simulate.country.office import retailer_shares
from ons_assets.simulate.country.shopping import make_shopping
from ons_assets.simulate.country.truth import retailer_shares as true_shares
from ons_assets.simulate.prices import SCALES, office, simulate_prices
from ons_assets.simulate.prices.scales import NO_FAULTS
from ons_assets.simulate.prices.seeds import generator

START, PEOPLE, LEVEL = date(2011, 5, 2), 12_000, "district"
DRAWN = (10, 30)
ALL = "all products"
QUANTILE = 1.96
SHARES = ["area", "retailer", "year", "spending_share", "share_error", "households_asked"]
NOT_ASKED = {"share_error": pl.lit(None, pl.Float64()), "households_asked": pl.lit(None, pl.Int64())}


def world(seed: int, days: int, apart: float) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return quotes of all products, the basket, the shares that the survey says, and the true ones."""
    with TemporaryDirectory() as folder:
        drops, truth = Path(folder) / "drops", Path(folder) / "truth"
        simulate_prices(
            drops, truth, scale=replace(SCALES["small"], days=days, faults=NO_FAULTS), seed=seed, start=START
        )
        quotes, weights = shelf_quotes(truth), office.item_weights(truth)
    country = make_country(Scale("small", PEOPLE, START.replace(day=1), 92), seed)
    said = retailer_shares(country)
    true = true_shares(country, make_shopping(country)).filter(level=LEVEL)
    true = true.with_columns(year=pl.lit(START.year, pl.Int64()), **NOT_ASKED)
    random = generator(seed, "apart")
    drift = {retailer: random.normal(0, apart) for retailer in quotes["retailer"].unique().sort()}
    years = (pl.col("collected_on") - START).dt.total_days() / 365.25
    moved = (pl.col("retailer").replace_strict(drift) * years).exp()
    basket = basket_weights(weights, PublicationParameters().all_items)
    assert basket is not None
    return quotes.with_columns(pl.col("price", "regular_price") * moved), basket, said, true


def drawn(quotes: pl.DataFrame, number: int, seed: int) -> pl.DataFrame:
    """Draw products of each item and retailer so that about so many are on sale in the first month."""
    random = np.random.default_rng(seed)
    first = pl.col("collected_on") < START.replace(month=START.month + 1, day=1)
    parts = []
    for _, shelf in sorted(quotes.partition_by("retailer", "item_id", as_dict=True).items()):
        products = shelf["product_id"].unique().sort()
        on_sale = shelf.filter(first)["product_id"].n_unique()
        chosen = random.choice(len(products), max(round(len(products) * number / max(on_sale, 1)), 1))
        copies = pl.DataFrame({"product_id": products.gather(chosen), "copy": range(len(chosen))})
        parts.append(
            shelf.join(copies, on="product_id").with_columns(
                pl.format("{} {}", "product_id", "copy").alias("product_id")
            )
        )
    return pl.concat(parts)


def held(seed: int, tries: int, days: int, apart: float) -> Iterator[pl.DataFrame]:
    """Yield what each way says of the months after the first of each area, beside the truth."""
    quotes, basket, said, true = world(seed, days, apart)
    whole = true.group_by("retailer", "year").agg(pl.col("spending_gbp").sum())
    national = whole.select("retailer", "year", spending_share="spending_gbp", **NOT_ASKED)
    areas = said.select("area").unique().sort("area")
    ways = {"survey": said, "true shares": true, "country": areas.join(national, how="cross")}
    shares = pl.concat(
        rows.select(pl.format("{}: {}", pl.lit(way), "area").alias("area"), pl.exclude("area")).select(SHARES)
        for way, rows in ways.items()
    )
    truth = area_indices(quotes.lazy(), basket, true).select("area", "period", true="index")
    samples = [(ALL, quotes)] + [
        (str(number), drawn(quotes, number, 1_000 * seed + attempt)) for number in DRAWN for attempt in range(tries)
    ]
    for products, sample in samples:
        found = area_indices(sample.lazy(), basket, shares, parameters=AreaPriceParameters(seed=seed))
        named = found.with_columns(pl.col("area").str.splitn(": ", 2).struct.rename_fields(["way", "of"])).unnest(
            "area"
        )
        rows = named.rename({"of": "area"}).join(truth, on=["area", "period"])
        yield rows.filter(pl.col("period") > pl.col("period").min()).select(
            *("way", "area", "period", "true", "index", "index_low", "index_high", "products_error", "shares_error"),
            products=pl.lit(products),
            seed=pl.lit(seed),
        )


def main() -> None:
    """Print a row for each way and number of products."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--tries", type=int, default=2)
    parser.add_argument("--apart", type=float, default=0.06)
    parser.add_argument("--days", type=int, default=150)
    given = parser.parse_args()
    rows = pl.concat(
        part for seed in range(given.seeds) for part in held(101 + seed, given.tries, given.days, given.apart)
    )
    error = pl.col("index") - pl.col("true")
    within = pl.col("true").is_between("index_low", "index_high")
    of_way = rows.group_by("products", "way", maintain_order=True).agg(
        figures=pl.len(),
        root_mean_square_error=(error**2).mean().sqrt(),
        mean_error=error.mean(),
        stated_products_error=(pl.col("products_error") ** 2).mean().sqrt(),
        stated_shares_error=(pl.col("shares_error") ** 2).mean().sqrt(),
        held_pct=100 * within.mean(),
        held_by_shares_pct=100 * (error.abs() <= QUANTILE * pl.col("shares_error")).mean(),
    )
    spread = rows.filter(products=ALL, way="survey").group_by("seed", "period").agg(
        spread=pl.col("true").max() - pl.col("true").min()
    )  # fmt: skip
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=160, float_precision=3):
        print(of_way)
    mean = spread["spread"].mean()
    assert isinstance(mean, float)
    assert math.isfinite(mean)
    print(f"highest less lowest true index of the areas of a country and month, in the mean: {mean:.2f} points")


if __name__ == "__main__":
    main()
