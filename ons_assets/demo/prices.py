"""The prices pilot in the demonstration: three supermarkets, and an office that has prices of its own."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.demo.figure import Figure
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.parameters.area_prices import AreaPriceParameters
from ons_assets.parameters.prices import AggregationParameters
from ons_assets.parameters.publication import PublicationParameters
from ons_assets.prices import compilation
from ons_assets.prices.area_indices import area_indices
from ons_assets.prices.checked import FLAGS
from ons_assets.prices.publication.headings import basket_weights
from ons_assets.simulate.country import Country
from ons_assets.simulate.prices import DEFAULT_SEED, Scale, office, simulate_prices
from ons_assets.simulate.prices.world import DEFAULT_START

# The simulator's truth is a fixed-base Jevons.
SHOWN = {"frequency": "month", "method": "jevons"}


def simulate(
    drops: Path, truth: Path, scale: str | Scale, seed: int | None = None, country: Country | None = None
) -> str:
    """Write run files and what the office has, and apart from them the truth; return what was simulated.

    Parameters
    ----------
    drops, truth
        Folders for the files of the suppliers, and for what no statistician would know.
    scale
        Size of the world: a name such as "small", or a scale of one's own.
    seed
        The same seed gives the same world; None is that of the simulator.
    country
        Whose first days it is. Who buys where it says itself, in files and a truth of its own.
    """
    chosen = DEFAULT_SEED if seed is None else seed
    start = DEFAULT_START if country is None else _monday(country.scale.first_day)
    summary = simulate_prices(drops / "prices", truth, scale=scale, seed=chosen, start=start)
    office_files = {
        "item_weights/item_weights": office.item_weights(truth),
        "product_labels/product_labels": office.product_labels(truth, chosen),
        "official_indices/collectors": office.official_indices(truth, chosen),
        f"official_indices/{office.MONITOR}": office.price_monitor(truth),
    }
    for name, frame in office_files.items():
        path = drops / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_csv(path)
    return f"{summary.rows:,} price quotes in {summary.files} files"


def _monday(day: date) -> date:
    """The first Monday from a day on."""
    return day + timedelta(-day.weekday() % 7)


def results(home: Home, truth: Path) -> dict[str, pl.DataFrame]:
    """Return the tables that the demonstration prints, by their titles."""
    findings = (
        lake.read(home, CATALOGUE["prices/collection_report"])
        .filter(pl.col("finding") != "none")
        .group_by("finding")
        .agg(rows=pl.len(), example=pl.col("evidence").sort_by("day", "retailer", "item_id", "evidence").first())
        .sort("rows", descending=True)
        .collect()
    )
    return {
        "What went wrong in the collection": findings,
        "Is the product the item? By who decided, against the simulator's truth": _classification(home, truth),
        "Price indices of the last month (first month = 100): ours, the true one, the collectors'": _indices(
            home, truth
        ),
    } | _of_areas(home, truth)


def figures(home: Home, truth: Path) -> list[Figure]:
    """Return the figures that the demonstration ends with: the index of the largest group of the basket."""
    weights = lake.read(home, CATALOGUE["reference/item_weights"])
    largest = weights.group_by("group").agg(pl.col("weight").sum()).sort("weight", "group").last().collect()["group"][0]
    last = _indices(home, truth).row(by_predicate=pl.col("group") == largest, named=True)
    return [Figure(f"Index of {largest}", f"{last['index']:.1f}", f"{last['true']:.1f}")]


def _classification(home: Home, truth: Path) -> pl.DataFrame:
    """How many products were decided by label, model and rule, and how many of them rightly."""
    products = (
        pl.read_parquet(truth / "products.parquet")
        .unique(["retailer", "item_id", "product_name"], keep="first", maintain_order=True)
        .select("retailer", pl.col("item_id").cast(pl.String), product="product_name", true="in_scope")
    )
    return (
        lake.read(home, CATALOGUE["prices/classified_quotes"])
        .select("retailer", "item_id", "product", "in_scope", "decided_by", "needs_review")
        .unique()
        .collect()
        .join(products, on=["retailer", "item_id", "product"])
        .group_by(decided_by="decided_by")
        .agg(
            products=pl.len(),
            in_scope_pct=100 * pl.col("in_scope").mean(),
            right_pct=100 * (pl.col("in_scope") == pl.col("true")).mean(),
            to_a_person_pct=100 * pl.col("needs_review").mean(),
        )
        .sort("decided_by")
    )


def _indices(home: Home, truth: Path) -> pl.DataFrame:
    """Our index by group beside the true one and the collectors', and how far both are from the truth."""
    tables = {
        name: lake.read(home, CATALOGUE[name])
        for name in ("prices/aggregate_indices", "reference/item_weights", "reference/official_indices")
    }
    ours = tables["prices/aggregate_indices"].filter(**SHOWN).select("group", "period", "index").collect()
    true_items = pl.read_parquet(truth / "indices.parquet").select(
        "frequency", "period", pl.col("item_id").cast(pl.String), index="jevons", method=pl.lit("jevons")
    )
    true = compilation.aggregate_indices(
        true_items.filter(frequency="month").lazy(), tables["reference/item_weights"], AggregationParameters()
    ).select("group", "period", "index")
    official = compilation.aggregate_indices(
        tables["reference/official_indices"].filter(series="collectors").with_columns(method=pl.lit("collectors")),
        tables["reference/item_weights"],
        AggregationParameters(),
    ).select("group", "period", "index")
    months = ours.join(true.rename({"index": "true"}), on=["group", "period"]).join(
        official.rename({"index": "collectors"}), on=["group", "period"], how="left"
    )
    error = pl.col("index") - pl.col("true")
    # In the first month all are 100 by definition.
    later = pl.col("period") > pl.col("period").min()
    return (
        months.sort("group", "period")
        .group_by("group", maintain_order=True)
        .agg(
            pl.col("index", "true").last(),
            error.last().alias("error"),
            error.abs().filter(later).mean().alias("mean |error|"),
            pl.col("collectors").last(),
            (pl.col("collectors") - pl.col("true")).last().alias("their_error"),
        )
    )


def _of_areas(home: Home, truth: Path) -> dict[str, pl.DataFrame]:
    """What is told of prices in areas, in the last month, beside what is true; nothing of a world without a country."""
    country, profile = truth.parent / "country", CATALOGUE["governance/area_profile"]
    if not country.exists() or not lake.exists(home, profile):
        return {}
    told = lake.read(home, profile).drop_nulls("price_index").collect()
    true = true_area_indices(truth, country, lake.read(home, CATALOGUE["reference/item_weights"]).collect())
    last = told.filter(pl.col("month") == pl.col("month").max()).with_columns(
        period=pl.col("month").dt.strftime("%Y-%m")
    )
    shown = last.join(true.select("area", "period", true="index"), on=["area", "period"], how="left").sort("area")
    title = "Prices that the households of areas meet in the last month (first month = 100): ours, the true ones"
    return {
        title: shown.select(
            "area",
            index="price_index",
            low="price_index_low",
            high="price_index_high",
            true="true",
            error=pl.col("price_index") - pl.col("true"),
            covered_pct=100 * pl.col("price_coverage"),
        )
    }


def true_area_indices(
    truth: Path, country: Path, weights: pl.DataFrame, parameters: AreaPriceParameters | None = None
) -> pl.DataFrame:
    """Return the indices of areas by every price on the shelves and all that every household spends.

    Parameters
    ----------
    truth, country
        Folders of the truth of prices, and of that of the country.
    weights
        As the table `reference/item_weights`.
    parameters
        How areas are made of retailers; None for the defaults.

    Returns
    -------
    polars.DataFrame
        As the table `prices/area_indices`, of areas of all levels; its errors mean nothing.
    """
    shares = pl.read_parquet(country / "retailer_shares.parquet").select(
        "area",
        "retailer",
        "spending_share",
        year=weights["year"].min(),
        share_error=pl.lit(None, dtype=pl.Float64()),
        households_asked=pl.lit(None, dtype=pl.Int64()),
    )
    basket = basket_weights(weights, PublicationParameters().all_items)
    return area_indices(shelf_quotes(truth).lazy(), basket, shares, parameters=parameters)


def shelf_quotes(truth: Path) -> pl.DataFrame:
    """Return the price of every product in scope on every day, as checked quotes of a collection without a fault.

    Parameters
    ----------
    truth
        Folder of the truth of prices.

    Returns
    -------
    polars.DataFrame
        What an index of the prices of packs needs of the table `prices/checked_quotes`.
    """
    products = pl.read_parquet(truth / "products.parquet").filter("in_scope")
    named = products.select("product_id", "retailer", pl.col("item_id").cast(pl.String()), lineage_id="lineage")
    prices = pl.read_parquet(truth / "prices.parquet").join(named, on="product_id").sort("day", "product_id")
    return prices.select(
        "retailer",
        "item_id",
        "product_id",
        "lineage_id",
        collected_on="day",
        item="item_id",
        price="price_gbp",
        regular_price="regular_price_gbp",
        price_per_unit=pl.lit(None, dtype=pl.Float64()),
        in_scope=pl.lit(value=True),
        **dict.fromkeys(FLAGS, pl.lit(value=False)),
    )
