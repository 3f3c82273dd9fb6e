"""Assets of the prices pilot."""

from datetime import date, timedelta

import polars as pl

from ons_assets.lakehouse.home import Home, write_atomically
from ons_assets.lakehouse.spreadsheets import neutralised
from ons_assets.orchestration.assets import ingested, published
from ons_assets.orchestration.charts import dot_chart, line_chart
from ons_assets.orchestration.partitions import DAYS
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.parameters.prices import (
    AggregationParameters,
    CheckParameters,
    ClassificationParameters,
    CollectionParameters,
    IndexComparisonParameters,
    IndexParameters,
    QuoteParameters,
)
from ons_assets.prices import compilation
from ons_assets.prices import index_comparison as comparison
from ons_assets.prices.checked import check
from ons_assets.prices.classification import Classified, card, classify
from ons_assets.prices.collection import collection_report as report_collection
from ons_assets.prices.collection_runs import collection_runs
from ons_assets.prices.sources import QuoteFiles

raw_quotes = ingested("prices/raw_quotes", QuoteFiles.of, parameters=(QuoteParameters,), partitions=DAYS)


@published("prices/collection_report", inputs=["prices/raw_quotes", "governance/drop_ledger"], partitions=DAYS)
def collection_report(
    raw_quotes: pl.LazyFrame,
    drop_ledger: pl.LazyFrame,
    parameters: CollectionParameters,
    lakehouse: Lakehouse,
    days: tuple[date, date],
) -> pl.DataFrame:
    """Say what every retailer's collection brought on each day, judged by the days before it."""
    first_day, last_day = days
    longest_run = timedelta(days=parameters.longest_run_days)
    reach = timedelta(days=parameters.lookback_days) + longest_run
    # All runs, because the first one of a retailer says since when it is expected.
    runs = collection_runs(raw_quotes, drop_ledger.collect(), QuoteFiles.of(lakehouse.settings).describe)
    quotes = raw_quotes.filter(pl.col("collected_on").is_between(first_day - reach, last_day + longest_run))
    report = report_collection(quotes, runs, first_day=first_day, last_day=last_day, parameters=parameters)
    return report.with_columns(pl.col("item_id").fill_null("all"))


@published(
    "prices/classified_quotes",
    inputs=["prices/raw_quotes"],
    # Without them the built-in rules decide, and no model is trained.
    optional=["reference/item_rules", "reference/product_labels"],
)
def classified_quotes(
    raw_quotes: pl.LazyFrame,
    item_rules: pl.LazyFrame | None,
    product_labels: pl.LazyFrame | None,
    parameters: ClassificationParameters,
    lakehouse: Lakehouse,
) -> pl.DataFrame:
    """Decide of every quote whether its product is the item; write what people should look at."""
    found = classify(
        raw_quotes.collect(),
        item_rules.collect() if item_rules is not None else None,
        product_labels.collect() if product_labels is not None else None,
        parameters,
    )
    _write_reports(lakehouse.home, found)
    return found.quotes


def _write_reports(home: Home, found: Classified) -> None:
    folder = home.reports / "classification"
    write_atomically(folder / "review_queue.csv", neutralised(found.queue).write_csv().encode())
    if found.model is not None:
        name = f"model_{found.model.model.version}"
        write_atomically(folder / f"{name}.md", card.as_markdown(found.model).encode())
        write_atomically(folder / f"{name}.json", card.as_json(found.model).encode())


@published("prices/checked_quotes", inputs=["prices/classified_quotes"])
def checked_quotes(classified_quotes: pl.LazyFrame, parameters: CheckParameters) -> pl.DataFrame:
    """Flag what is odd about quotes, and carry prices over short gaps."""
    return check(classified_quotes.collect(), parameters)


@published("prices/item_indices", inputs=["prices/checked_quotes"])
def item_indices(checked_quotes: pl.LazyFrame, parameters: IndexParameters) -> pl.DataFrame:
    """Compute the index of every item by each method."""
    return compilation.item_indices(checked_quotes, parameters)


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
def aggregate_indices(
    item_indices: pl.LazyFrame, item_weights: pl.LazyFrame, parameters: AggregationParameters
) -> pl.DataFrame:
    """Weight the item indices together to groups."""
    return compilation.aggregate_indices(item_indices, item_weights, parameters)


@published(
    "prices/index_comparison",
    inputs=[
        "prices/checked_quotes",
        "prices/item_indices",
        "prices/aggregate_indices",
        "reference/item_weights",
        "reference/official_indices",
    ],
    chart=lambda frame: dot_chart(
        frame.filter(pl.col("subject_type") == "group", pl.col("method") == pl.col("method").sort().first()),
        x="mean_absolute_gap",
        y="subject",
        colour="quotes",
        title="Mean distance from published indices, index points",
    ),
)
def index_comparison(
    checked_quotes: pl.LazyFrame,
    item_indices: pl.LazyFrame,
    aggregate_indices: pl.LazyFrame,
    item_weights: pl.LazyFrame,
    official_indices: pl.LazyFrame,
    indices: IndexParameters,
    aggregation: AggregationParameters,
    parameters: IndexComparisonParameters,
) -> pl.DataFrame:
    """Hold the indices against those of others, with and without the products that are not the item."""
    return comparison.index_comparison(
        checked_quotes,
        item_indices,
        aggregate_indices,
        item_weights,
        official_indices,
        indices,
        aggregation,
        parameters,
    )
