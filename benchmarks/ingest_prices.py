"""Time and memory of the 2016 quotes from drop to indices, beside pandas doing the same sums.

    python benchmarks/ingest_prices.py

Prints seconds by step, peak memory, what the gate costs, and the ratio to pandas in the same run. Needs the real quotes
in the folder of $ONS_ASSETS_SHARED_DATA, or in ../shared/data beside the checkout.
"""

import itertools
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import polars as pl

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
QUOTES = SHARED / "prices" / "ons_webscraped" / "quotes_2016.parquet"

ROUNDS = 3
READ, INGEST = "read", "ingest: gate 321 runs, publish"


def main() -> None:
    if not QUOTES.exists():
        sys.exit(f"skipped: the real quotes are not at {QUOTES}")
    took: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        ours = road(Path(folder), took)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    theirs = pandas_sums(took)
    largest = compare(ours, theirs)
    for step, seconds in took.items():
        print(f"{step:<44}{seconds:8.2f} s")
    print(f"{'peak memory of the road':<44}{peak:8.0f} MB")
    print(f"{'largest difference of an index':<44}{largest:8.1e}")
    print(f"{'ratio of the sums, pandas / ours':<44}{took['pandas: the same sums'] / took['indices']:8.1f}")
    print(f"{'read and ingest, with the gate / without':<44}{cost_of_the_gate():8.2f}")
    whole = sum(seconds for step, seconds in took.items() if not step.startswith("pandas"))
    alone = took["pandas: read and clean"] + took["pandas: the same sums"]
    print(f"{'ratio of the whole, pandas without gate / ours':<44}{alone / whole:6.2f}")


@contextmanager
def timed(took: dict[str, float], step: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    took[step] = time.perf_counter() - began


def cost_of_the_gate() -> float:
    """Seconds from file to table with the gate in those without, the median of some rounds of both."""
    ratios = []
    for _ in range(ROUNDS):
        with_gate: dict[str, float] = {}
        without: dict[str, float] = {}
        with tempfile.TemporaryDirectory() as folder:
            road(Path(folder), with_gate)
        with tempfile.TemporaryDirectory() as folder, open_gate():
            road(Path(folder), without)
        ratios.append((with_gate[READ] + with_gate[INGEST]) / (without[READ] + without[INGEST]))
    return statistics.median(ratios)


@contextmanager
def open_gate() -> Iterator[None]:
    """Let every run pass that comes in, so that what the gate costs can be told."""
    from ons_assets.intake import door
    from ons_assets.lakehouse.gate import Audit

    with (
        mock.patch.object(door, "suspects", return_value=frozenset()),
        mock.patch.object(door.gate, "audit", return_value=Audit("0" * 64, 0, (), {})),
    ):
        yield


def road(home_folder: Path, took: dict[str, float]) -> pl.DataFrame:
    """Send the quotes from drop to indices, every gate on, and return the monthly indices."""
    with timed(took, "import"):
        from ons_assets.catalogue import CATALOGUE
        from ons_assets.intake import drops, ingestion, reading
        from ons_assets.intake.ledger import Ledger
        from ons_assets.lakehouse import lake, publication
        from ons_assets.lakehouse.gate import Suite
        from ons_assets.lakehouse.home import Home
        from ons_assets.lakehouse.judge import great_expectations
        from ons_assets.parameters.prices import IndexParameters
        from ons_assets.prices import compilation
        from ons_assets.prices.sources import QuoteFiles
        from ons_assets.settings import load_settings

        great_expectations()
    settings = load_settings(home_folder)
    # Quotes as they come, by month: what the plain pandas way computes too.
    bare = IndexParameters(frequencies=("month",), excludes=())
    home = Home(settings.home).ensure()
    ledger, source = Ledger(home), QuoteFiles.of(settings)
    raw, indices = CATALOGUE["prices/raw_quotes"], CATALOGUE["prices/item_indices"]
    with timed(took, "register: hash, archive"):
        drops.register(home, ledger, source, QUOTES, settings.drops.max_bytes)
    with timed(took, READ):
        reading.read_waiting(home, ledger, source, raw, "benchmark")
    with timed(took, INGEST):
        [drop] = ledger.drops(source.name)
        suite = Suite.load(settings.expectations, raw.name)
        days = (min(drop.days), max(drop.days))
        ingested = ingestion.ingest(home, ledger, source, raw, suite, run_id="benchmark", settings={}, days=days)
    assert ingested.rows == 957_349, ingested
    with timed(took, "indices"):
        quotes = lake.read(home, raw).with_columns(product_id="product", imputed=pl.lit(False))
        frame = compilation.item_indices(quotes, bare)
    with timed(took, "publish the indices"):
        suite = Suite.load(settings.expectations, indices.name)
        publication.publish(home, indices, frame, suite, run_id="benchmark", inputs={}, settings={})
    return frame


def pandas_sums(took: dict[str, float]) -> pd.DataFrame:
    """Compute the same monthly indices in a plain pandas way."""
    with timed(took, "pandas: read and clean"):
        quotes = pd.read_parquet(QUOTES)
        quotes = quotes[quotes["item_price_num"] > 0]
        quotes["retailer"] = quotes["store"].str.lower()
        quotes["period"] = quotes["timestamp"].str.slice(0, 7)
        quotes["item_id"] = quotes["ons_item_no"].astype(str)
    with timed(took, "pandas: the same sums"):
        quotes["log_price"] = np.log(quotes["item_price_num"])
        keys = ["item_id", "period", "retailer", "product_name"]
        prices = quotes.groupby(keys)["log_price"].mean().reset_index()
        wide = prices.pivot_table(index=["item_id", "retailer", "product_name"], columns="period", values="log_price")
        tables: list[dict[str, Any]] = []
        for item, products in wide.groupby(level="item_id"):
            logs = products.droplevel("item_id")
            periods = list(logs.columns)
            links = {(a, b): (logs[b] - logs[a]).mean() for a in periods for b in periods}
            for method, level in LEVELS.items():
                tables += [
                    {"item_id": item, "period": period, "method": method, "index": 100 * np.exp(value)}
                    for period, value in zip(periods, level(links, periods), strict=True)
                ]
        return pd.DataFrame(tables)


Links = dict[tuple[str, str], float]


def fixed_base(links: Links, periods: list[str]) -> list[float]:
    return [links[periods[0], period] for period in periods]


def chained(links: Links, periods: list[str]) -> list[float]:
    return [0.0, *np.cumsum([links[pair] for pair in itertools.pairwise(periods)])]


def geks(links: Links, periods: list[str]) -> list[float]:
    return [float(np.mean([links[periods[0], via] + links[via, period] for via in periods])) for period in periods]


LEVELS: dict[str, Callable[[Links, list[str]], list[float]]] = {
    "jevons": fixed_base,
    "jevons-chained": chained,
    "geks-jevons": geks,
}


def compare(ours: pl.DataFrame, theirs: pd.DataFrame) -> float:
    """Return the largest difference between the two, over items that have prices in every month."""
    joined = ours.join(pl.from_pandas(theirs), on=["item_id", "period", "method"], suffix="_pandas")
    whole = joined.filter(pl.col("index_pandas").is_finite().all().over("item_id"))
    assert whole["item_id"].n_unique() > 25, "too few items to compare"
    return float(whole.select((pl.col("index") - pl.col("index_pandas")).abs().max()).item())


if __name__ == "__main__":
    main()
