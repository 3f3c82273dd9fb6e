"""A small simulated world, read as the pipeline reads it, with its truth."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ons_assets.intake.unreadable import Unreadable
from ons_assets.prices.sources import QuoteFiles
from ons_assets.settings import Settings
from ons_assets.simulate.prices import simulate_prices

RECEIVED = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """Quotes as `prices/raw_quotes`, and the folder of the truth."""

    quotes: pl.DataFrame
    truth: Path

    def table(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.truth / f"{name}.parquet")

    def true_products(self, quotes: pl.DataFrame) -> pl.DataFrame:
        """The quotes with ``true_product``, ``true_scope``, ``replaces`` and ``file`` of the truth."""
        files = (
            self.table("runs")
            .drop_nulls("file")
            .select("retailer", "file", "source_day", run=pl.col("file").str.extract(r"(\d{14})"))
        )
        products = self.table("products").select(
            "retailer",
            "item_id",
            "first_day",
            "last_day",
            "replaces",
            product="product_name",
            true_product="product_id",
            true_scope="in_scope",
        )
        return (
            quotes.join(files, on=["retailer", "run"])
            .join(products, on=["retailer", "item_id", "product"])
            .filter(pl.col("source_day").is_between("first_day", "last_day"))
        )


def simulate(folder: Path, scale: str = "small", **options: int) -> World:
    """Write a world into a folder and read it."""
    simulate_prices(folder / "drops", folder / "truth", scale=scale, **options)
    source = QuoteFiles.of(Settings(home=folder / "home"))
    frames = []
    for number, path in enumerate(sorted((folder / "drops").iterdir())):
        try:
            accepted = source.whole(path, path.name, RECEIVED).accepted
        except Unreadable:
            continue
        frames.append(accepted.with_columns(drop_sha256=pl.lit(f"{number:064d}")))
    return World(pl.concat(frames), folder / "truth")
