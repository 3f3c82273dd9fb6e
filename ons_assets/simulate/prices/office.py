"""What the office of the simulated world has beside the quotes: weights, labels, an index of its own."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.simulate.prices.seeds import generator
from ons_assets.simulate.prices.tables import item_table

LABELLED_SHARE = 0.25
"""Share of the products of the first weeks that a person has labelled."""
LABELLED_DAYS = 28
WRONG_LABELS = 0.01
"""Share of labels that are wrong: people tire."""
COLLECTED_PRODUCTS = 20
"""Products of an item whose prices the collectors note each month."""
COLLECTION_DAY = 14
MONITOR = "price_monitor"


def item_weights(truth: Path) -> pl.DataFrame:
    """Return the weights of the items on sale, in their groups and in the divisions above them."""
    on_sale = pl.read_parquet(truth / "products.parquet").select(pl.col("item_id").cast(pl.String)).unique()
    items = item_table().join(on_sale, on="item_id", how="semi")
    year = pl.lit(_first_day(truth).year, dtype=pl.Int32)
    levels = [
        items.select("item_id", "item", pl.col(level).alias("group"), year.alias("year"), "weight")
        for level in ("group", "top_group")
    ]
    return pl.concat(levels)


def product_labels(truth: Path, seed: int) -> pl.DataFrame:
    """Return labels of some products of the first weeks, as a person gave them: one in a hundred is wrong."""
    start = _first_day(truth)
    products = (
        pl.read_parquet(truth / "products.parquet")
        .filter(pl.col("first_day") < start + timedelta(days=LABELLED_DAYS))
        .unique(["retailer", "item_id", "product_name"], keep="first", maintain_order=True)
    )
    rng = generator(seed, "labels")
    chosen, wrong = rng.random(len(products)) < LABELLED_SHARE, rng.random(len(products)) < WRONG_LABELS
    labelled_at = datetime.combine(start + timedelta(days=LABELLED_DAYS), time(9), UTC)
    return (
        products.with_columns(in_scope=pl.col("in_scope") ^ pl.Series(wrong))
        .filter(pl.Series(chosen))
        .select(
            "retailer",
            pl.col("item_id").cast(pl.String),
            product="product_name",
            in_scope="in_scope",
            labelled_by=pl.lit("simulated reviewer"),
            labelled_at_utc=pl.lit(labelled_at.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")),
        )
    )


def official_indices(truth: Path, seed: int) -> pl.DataFrame:
    """Return the office's own monthly item indices: a few products of each item, priced once a month by collectors.

    The fixed-base Jevons of up to `COLLECTED_PRODUCTS` products in scope, by their shelf prices in the middle of the
    month; 100 in the first month. A product that leaves is not replaced.
    """
    prices = _prices_in_scope(truth).filter(pl.col("day").dt.day() == COLLECTION_DAY)
    first = prices["day"].min()
    products = prices.filter(pl.col("day") == first).select("item_id", "product_id").sort("item_id", "product_id")
    rng = generator(seed, "collectors")
    drawn = (
        products.with_columns(place=pl.Series(rng.random(len(products))).rank("ordinal"))
        .filter(pl.col("place").rank("ordinal").over("item_id") <= COLLECTED_PRODUCTS)
        .select("product_id")
    )
    followed = prices.join(drawn, on="product_id", how="semi")
    base = followed.filter(pl.col("day") == first).select("product_id", base="price_gbp")
    items = item_table().select("item_id", "item")
    return (
        followed.join(base, on="product_id")
        .group_by("item_id", period=pl.col("day").dt.strftime("%Y-%m"))
        .agg(index=100 * (pl.col("price_gbp") / pl.col("base")).log().mean().exp())
        .join(items, on="item_id")
        .select(pl.lit("collectors").alias("series"), "item_id", "item", "period", pl.col("index").round(3))
        .sort("item_id", "period")
    )


def price_monitor(truth: Path) -> pl.DataFrame:
    """Return a third party's daily index: the chained Jevons of everything that one retailer sells, in scope or not."""
    prices = pl.read_parquet(truth / "prices.parquet")
    retailers = pl.read_parquet(truth / "products.parquet").select("product_id", "retailer")
    one = retailers["retailer"].sort()[0]
    links = (
        prices.join(retailers.filter(retailer=one), on="product_id", how="semi")
        .sort("product_id", "day")
        .with_columns(
            change=(pl.col("price_gbp").log().diff()).over("product_id"),
            next_day=(pl.col("day").diff() == timedelta(days=1)).over("product_id"),
        )
        .group_by(date="day")
        .agg(link=pl.col("change").filter("next_day").mean())
        .sort("date")
    )
    levels = 100 * np.exp(np.cumsum(links["link"].fill_null(0.0).to_numpy()))
    return links.select("date", index=pl.Series(levels).round(3))


def _prices_in_scope(truth: Path) -> pl.DataFrame:
    products = (
        pl.read_parquet(truth / "products.parquet")
        .filter("in_scope")
        .select("product_id", pl.col("item_id").cast(pl.String))
    )
    return pl.read_parquet(truth / "prices.parquet").join(products, on="product_id")


def _first_day(truth: Path) -> date:
    first: date = pl.scan_parquet(truth / "runs.parquet").select(pl.col("day").min()).collect().item()
    return first
