"""Assets of the prices pilot."""

from datetime import date, timedelta

import polars as pl

from ons_assets.orchestration.assets import ingested, published
from ons_assets.orchestration.charts import line_chart
from ons_assets.orchestration.partitions import DAYS
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.prices import compilation
from ons_assets.prices.checked import CheckSettings, check
from ons_assets.prices.collection import CollectionSettings
from ons_assets.prices.collection import collection_report as report_collection
from ons_assets.prices.runs import collection_runs
from ons_assets.prices.sources import QuoteFiles
from ons_assets.settings import Prices

# Runs that outlast their day; the longest of the pilot took four days.
LONGEST_RUN = timedelta(days=7)

raw_quotes = ingested("prices/raw_quotes", QuoteFiles.of, partitions=DAYS)


@published("prices/collection_report", inputs=["prices/raw_quotes", "governance/drop_ledger"], partitions=DAYS)
def collection_report(
    raw_quotes: pl.LazyFrame, drop_ledger: pl.LazyFrame, lakehouse: Lakehouse, days: tuple[date, date]
) -> pl.DataFrame:
    """Say what every retailer's collection brought on each day, judged by the days before it."""
    first_day, last_day = days
    settings = CollectionSettings()
    reach = timedelta(days=settings.lookback_days) + LONGEST_RUN
    # All runs, because the first one of a retailer says since when it is expected.
    runs = collection_runs(raw_quotes, drop_ledger.collect(), QuoteFiles.of(lakehouse.settings).describe)
    quotes = raw_quotes.filter(pl.col("collected_on").is_between(first_day - reach, last_day + LONGEST_RUN))
    report = report_collection(quotes, runs, first_day=first_day, last_day=last_day, settings=settings)
    return report.with_columns(pl.col("item_id").fill_null("all"))


@published("prices/checked_quotes", inputs=["prices/raw_quotes"])
def checked_quotes(raw_quotes: pl.LazyFrame, settings: Prices) -> pl.DataFrame:
    """Flag what is odd about quotes, and carry prices over short gaps."""
    return check(raw_quotes.collect(), CheckSettings.of(settings))


@published("prices/item_indices", inputs=["prices/checked_quotes"])
def item_indices(checked_quotes: pl.LazyFrame, settings: Prices) -> pl.DataFrame:
    """Compute the index of every item by each method."""
    return compilation.item_indices(checked_quotes, settings)


@published(
    "prices/aggregate_indices",
    inputs=["prices/item_indices", "reference/item_weights"],
    chart=lambda frame: line_chart(
        frame.filter(frequency="week", method="geks-jevons"),
        x="period",
        y="index",
        series="group",
        title="GEKS-Jevons by group and week, first week = 100",
    ),
)
def aggregate_indices(item_indices: pl.LazyFrame, item_weights: pl.LazyFrame, settings: Prices) -> pl.DataFrame:
    """Weight the item indices together to groups."""
    return compilation.aggregate_indices(item_indices, item_weights, settings)


ASSETS = [raw_quotes, collection_report, checked_quotes, item_indices, aggregate_indices]
SOURCES = {raw_quotes.key: QuoteFiles.of}
