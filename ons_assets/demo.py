"""The demonstration: a simulated world through the whole road, and what a statistician reads at its end."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from ons_assets import demo_meters
from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.ledger import Drop
from ons_assets.orchestration import operations
from ons_assets.orchestration.runs import Outcome
from ons_assets.settings import Settings
from ons_assets.simulate.prices import item_table, simulate_prices

Progress = Callable[[str], None]


def simulate(settings: Settings, scale: str, progress: Progress) -> None:
    """Write the files of the simulated world, its weights, and apart from them the truth."""
    progress("simulating three supermarkets")
    operations.open_home(settings)
    folder = _simulated(settings)
    shutil.rmtree(folder, ignore_errors=True)
    simulate_prices(folder / "prices", folder / "truth", scale=scale)
    _weights(folder / "truth").write_csv(folder / "item_weights.csv")
    progress("simulating homes with smart meters")
    demo_meters.simulate(folder / "meters", scale)


def ingest(settings: Settings, progress: Progress) -> list[Drop]:
    """Take the simulated files and read them."""
    folder = _simulated(settings)
    taken = operations.take(settings, sorted((folder / "prices").iterdir()), "prices", progress)
    taken += operations.take(settings, [folder / "item_weights.csv"], "item_weights", progress)
    for source, files in demo_meters.files(folder / "meters").items():
        taken += operations.take(settings, files, source, progress)
    operations.read_waiting(settings, progress)
    return operations.current(settings, taken)


def materialize(settings: Settings, progress: Progress) -> list[Outcome]:
    """Make everything that follows from the raw tables."""
    return [operations.make(settings, [], None, progress)]


def results(settings: Settings) -> dict[str, pl.DataFrame]:
    """Return the tables that the demonstration prints, by their titles."""
    home = Home(settings.home)
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
        **demo_meters.results(home, _simulated(settings) / "meters" / "truth"),
    }


def next_steps(settings: Settings) -> dict[str, str]:
    """Return where to look next."""
    home = Home(settings.home)
    return {
        "the UI": "make serve",
        "tables in DuckDB": str(home.warehouse),
        "what the gate found": str(home.reports / "data_docs" / "index.html"),
        "what was refused": str(home.quarantine),
        "the truth of the simulation": str(_simulated(settings) / "truth"),
    }


def _simulated(settings: Settings) -> Path:
    return settings.home / "simulated"


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
