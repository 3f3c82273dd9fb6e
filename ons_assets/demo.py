"""The demonstration: a simulated world through the whole road, and what a statistician reads at its end."""

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.ledger import Drop
from ons_assets.orchestration import operations
from ons_assets.orchestration.runs import Outcome
from ons_assets.prices import compilation
from ons_assets.settings import Settings
from ons_assets.simulate.prices import DEFAULT_SEED, office, simulate_prices

Progress = Callable[[str], None]

OFFICE_FILES = {
    "item_weights": ["item_weights.csv"],
    "product_labels": ["product_labels.csv"],
    "official_indices": ["official_indices.csv", f"{office.MONITOR}.csv"],
}
# The simulator's truth is a fixed-base Jevons.
SHOWN = {"frequency": "month", "method": "jevons"}


def simulate(settings: Settings, scale: str, progress: Progress) -> None:
    """Write the files of the simulated world, its weights, and apart from them the truth."""
    progress("simulating three supermarkets")
    operations.open_home(settings)
    folder = _simulated(settings)
    shutil.rmtree(folder, ignore_errors=True)
    simulate_prices(folder / "prices", folder / "truth", scale=scale)
    truth = folder / "truth"
    office.item_weights(truth).write_csv(folder / "item_weights.csv")
    office.product_labels(truth, DEFAULT_SEED).write_csv(folder / "product_labels.csv")
    office.official_indices(truth, DEFAULT_SEED).write_csv(folder / "official_indices.csv")
    office.price_monitor(truth).write_csv(folder / f"{office.MONITOR}.csv")


def ingest(settings: Settings, progress: Progress) -> list[Drop]:
    """Take the simulated files and read them."""
    folder = _simulated(settings)
    taken = operations.take(settings, sorted((folder / "prices").iterdir()), "prices", progress)
    for source, files in OFFICE_FILES.items():
        taken += operations.take(settings, [folder / file for file in files], source, progress)
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
    return {
        "What went wrong in the collection": findings,
        "Is the product the item? By who decided, against the simulator's truth": _classification(settings),
        "Price indices of the last month (first month = 100): ours, the true one, the collectors'": _indices(settings),
    }


def _classification(settings: Settings) -> pl.DataFrame:
    """How many products were decided by label, model and rule, and how many of them rightly."""
    truth = (
        pl.read_parquet(_simulated(settings) / "truth" / "products.parquet")
        .unique(["retailer", "item_id", "product_name"], keep="first")
        .select("retailer", pl.col("item_id").cast(pl.String), product="product_name", true="in_scope")
    )
    return (
        lake.read(Home(settings.home), CATALOGUE["prices/classified_quotes"])
        .select("retailer", "item_id", "product", "in_scope", "decided_by", "needs_review")
        .unique()
        .collect()
        .join(truth, on=["retailer", "item_id", "product"])
        .group_by(decided_by="decided_by")
        .agg(
            products=pl.len(),
            in_scope_pct=100 * pl.col("in_scope").mean(),
            right_pct=100 * (pl.col("in_scope") == pl.col("true")).mean(),
            to_a_person_pct=100 * pl.col("needs_review").mean(),
        )
        .sort("decided_by")
    )


def _indices(settings: Settings) -> pl.DataFrame:
    """Our index by group beside the true one and the collectors', and how far both are from the truth."""
    home = Home(settings.home)
    tables = {
        name: lake.read(home, CATALOGUE[name])
        for name in ("prices/aggregate_indices", "reference/item_weights", "reference/official_indices")
    }
    ours = tables["prices/aggregate_indices"].filter(**SHOWN).select("group", "period", "index").collect()
    true_items = pl.read_parquet(_simulated(settings) / "truth" / "indices.parquet").select(
        "frequency", "period", pl.col("item_id").cast(pl.String), index="jevons", method=pl.lit("jevons")
    )
    truth = compilation.aggregate_indices(
        true_items.filter(frequency="month").lazy(), tables["reference/item_weights"], settings.prices
    ).select("group", "period", "index")
    official = compilation.aggregate_indices(
        tables["reference/official_indices"].filter(series="collectors").with_columns(method=pl.lit("collectors")),
        tables["reference/item_weights"],
        settings.prices,
    ).select("group", "period", "index")
    months = ours.join(truth.rename({"index": "true"}), on=["group", "period"]).join(
        official.rename({"index": "collectors"}), on=["group", "period"], how="left"
    )
    error = pl.col("index") - pl.col("true")
    # In the first month all are 100 by definition.
    later = pl.col("period") > pl.col("period").min()
    return (
        months.sort("group", "period")
        .group_by("group", maintain_order=True)
        .agg(
            pl.col("period", "index", "true").last(),
            error.last().alias("error"),
            error.abs().filter(later).mean().alias("mean_abs_error"),
            pl.col("collectors").last(),
            (pl.col("collectors") - pl.col("true")).last().alias("their_error"),
        )
        .rename({"period": "month"})
    )


def next_steps(settings: Settings) -> dict[str, str]:
    """Return where to look next."""
    home = Home(settings.home)
    return {
        "the UI": "make serve",
        "tables in DuckDB": str(home.warehouse),
        "products that need a person": str(home.reports / "classification" / "review_queue.csv"),
        "what the gate found": str(home.reports / "data_docs" / "index.html"),
        "what was refused": str(home.quarantine),
        "the truth of the simulation": str(_simulated(settings) / "truth"),
    }


def _simulated(settings: Settings) -> Path:
    return settings.home / "simulated"
