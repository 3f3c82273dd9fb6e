"""The prices pilot in the demonstration: three supermarkets, and what went wrong in their collection."""

from datetime import date
from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.simulate.prices import DEFAULT_SEED, item_table, simulate_prices


def simulate(drops: Path, truth: Path, scale: str, seed: int | None = None) -> str:
    """Write run files and weights, and apart from them the truth; return what was simulated."""
    summary = simulate_prices(drops / "prices", truth, scale=scale, seed=DEFAULT_SEED if seed is None else seed)
    weights = drops / "item_weights" / "item_weights.csv"
    weights.parent.mkdir(parents=True, exist_ok=True)
    _weights(truth).write_csv(weights)
    return f"{summary.rows:,} price quotes in {summary.files} files"


def results(home: Home, truth: Path) -> dict[str, pl.DataFrame]:  # noqa: ARG001 (other pilots compare with it)
    """Return the tables that the demonstration prints, by their titles."""
    findings = (
        lake.read(home, CATALOGUE["prices/collection_report"])
        .filter(pl.col("finding") != "none")
        .group_by("finding")
        .agg(rows=pl.len(), example=pl.col("evidence").first())
        .sort("rows", descending=True)
        .collect()
    )
    monthly = (
        lake.read(home, CATALOGUE["prices/aggregate_indices"])
        .filter(frequency="month", method="geks-jevons")
        .select("group", "period", "index")
        .collect()
        .pivot(on="period", index="group", values="index")
        .sort("group")
    )
    return {
        "What went wrong in the collection": findings,
        "Price indices, GEKS-Jevons by month (first month = 100)": monthly.select(
            "group", *sorted(monthly.columns[1:])
        ),
    }


def _weights(truth: Path) -> pl.DataFrame:
    """The weights of the items on sale, in their groups and in the divisions above them."""
    on_sale = pl.read_parquet(truth / "products.parquet").select(pl.col("item_id").cast(pl.String)).unique()
    items = item_table().join(on_sale, on="item_id", how="semi")
    year = pl.lit(_first_year(truth), dtype=pl.Int32)
    levels = [
        items.select("item_id", "item", pl.col(level).alias("group"), year.alias("year"), "weight")
        for level in ("group", "top_group")
    ]
    return pl.concat(levels)


def _first_year(truth: Path) -> int:
    first: date = pl.scan_parquet(truth / "runs.parquet").select(pl.col("day").min()).collect().item()
    return first.year
