"""Assets of the prices pilot."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.engine.parts import Engine, Mapped
from ons_assets.intake.ledger import Status
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.buckets import parts_by
from ons_assets.lakehouse.home import Home, write_atomically
from ons_assets.lakehouse.increments import Replacement
from ons_assets.lakehouse.spreadsheets import neutralised
from ons_assets.orchestration.assets import published
from ons_assets.orchestration.charts import dot_chart, line_chart
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.parameters.area_prices import AreaPriceParameters
from ons_assets.parameters.collection import CollectionParameters
from ons_assets.parameters.prices import (
    AggregationParameters,
    CheckParameters,
    ClassificationParameters,
    IndexComparisonParameters,
    IndexParameters,
)
from ons_assets.parameters.publication import MonthlyReportParameters, PublicationParameters, RevisionParameters
from ons_assets.prices import compilation
from ons_assets.prices import index_comparison as comparison
from ons_assets.prices.area_indices import area_indices as indices_of_areas
from ons_assets.prices.checked import check
from ons_assets.prices.classification import Classified, card, classify
from ons_assets.prices.collection import collection_report as report_collection
from ons_assets.prices.collection_runs import collection_runs
from ons_assets.prices.publication import diagnostics, release, vintages
from ons_assets.prices.publication.headings import basket_weights, beside_groups, derived_basket, headings
from ons_assets.prices.publication.monthly_report import as_html, monthly_report, reported_months
from ons_assets.prices.publication.series import publication_indices
from ons_assets.prices.sources import QuoteFiles
from ons_assets.reference.coicop import item_levels


@published(
    "prices/collection_report",
    inputs=["prices/raw_quotes", "governance/drop_ledger"],
    # Without them every finding stays open until it recovers.
    optional=["reference/accepted_levels"],
    days_of="prices/raw_quotes",
)
def collection_report(
    raw_quotes: pl.LazyFrame,
    drop_ledger: pl.LazyFrame,
    accepted_levels: pl.LazyFrame | None,
    parameters: CollectionParameters,
    lakehouse: Lakehouse,
    days: tuple[date, date],
) -> pl.DataFrame:
    """Say what every retailer's collection brought on each day, judged by the days before it."""
    first_day, last_day = days
    longest_run = timedelta(days=parameters.longest_run_days)
    # All runs and quotes, because a retailer is expected since its first run, and a finding may be open since any day.
    runs = collection_runs(raw_quotes, drop_ledger.collect(), QuoteFiles.of(lakehouse.settings).describe)
    report = report_collection(
        raw_quotes.filter(pl.col("collected_on") <= last_day + longest_run),
        runs,
        first_day=first_day,
        last_day=last_day,
        parameters=parameters,
        accepted=accepted_levels.collect() if accepted_levels is not None else None,
    )
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
def checked_quotes(classified_quotes: pl.LazyFrame, parameters: CheckParameters) -> Mapped:
    """Flag what is odd about quotes, and carry prices over short gaps; an item's have nothing to do with another's."""
    return Mapped(partial(check, parameters=parameters), parts_by(classified_quotes, "item_id"))


@published("prices/item_indices", inputs=["prices/checked_quotes"])
def item_indices(
    checked_quotes: pl.LazyFrame, parameters: IndexParameters, publication: PublicationParameters, engine: Engine
) -> pl.DataFrame:
    """Compute the index of every item by each method, and the one that is published."""
    return pl.concat(
        [
            compilation.item_indices(checked_quotes, parameters, engine),
            publication_indices(checked_quotes, parameters, publication, engine),
        ]
    )


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
    "prices/area_indices",
    inputs=["prices/checked_quotes", "reference/item_weights", "reference/retailer_shares"],
    chart=lambda frame: line_chart(
        frame, x="period", y="index", series="area", title="Prices that households of an area meet, first month = 100"
    ),
)
def area_indices(
    checked_quotes: pl.LazyFrame,
    item_weights: pl.LazyFrame,
    retailer_shares: pl.LazyFrame,
    indices: IndexParameters,
    parameters: AreaPriceParameters,
    aggregation: AggregationParameters,
    publication: PublicationParameters,
) -> pl.DataFrame:
    """Weight what the retailers of an area charge by what its households spend at each."""
    basket = basket_weights(item_weights.collect(), publication.all_items)
    return indices_of_areas(checked_quotes, basket, retailer_shares.collect(), indices, parameters, aggregation)


@published("prices/aggregate_contributions", inputs=["prices/item_indices", "reference/item_weights"])
def aggregate_contributions(
    item_indices: pl.LazyFrame, item_weights: pl.LazyFrame, parameters: AggregationParameters
) -> pl.DataFrame:
    """Split the rates of the groups into contributions of their items."""
    return compilation.aggregate_contributions(item_indices, item_weights, parameters)


@published(
    "prices/index_vintages",
    inputs=["prices/checked_quotes", "prices/item_indices"],
    # Without weights, items are published and nothing above them.
    optional=["prices/aggregate_indices", "reference/item_weights", "reference/item_coicop"],
)
def index_vintages(
    checked_quotes: pl.LazyFrame,
    item_indices: pl.LazyFrame,
    aggregate_indices: pl.LazyFrame | None,
    item_weights: pl.LazyFrame | None,
    item_coicop: pl.LazyFrame | None,
    parameters: PublicationParameters,
    revisions: RevisionParameters,
    aggregation: AggregationParameters,
    lakehouse: Lakehouse,
) -> pl.DataFrame | Replacement:
    """Add to what was published the figures of new months, and the revisions that the policy allows."""
    table = CATALOGUE["prices/index_vintages"]
    # Nobody else publishes the table meanwhile: whoever makes it holds it.
    was_published = lake.exists(lakehouse.home, table)
    # A month of which files wait to be read is not collected, however far the quotes of the others reach.
    waits = bool(lakehouse.ledger.drops(QuoteFiles.name, [Status.RECEIVED, Status.READ]))
    collected = None if waits else vintages.collected_through(checked_quotes)
    before = lake.read(lakehouse.home, table).collect() if was_published else table.empty()
    new = vintages.new_vintages(
        before,
        headings(
            item_indices, aggregate_indices, item_weights, _divisions(item_coicop, parameters), parameters, aggregation
        ),
        through=parameters.last_month or collected,
        published_utc=datetime.now(UTC),
        publication=parameters,
        revisions=revisions,
    )
    if was_published and new.is_empty():
        return Replacement((), iter(()))
    return pl.concat([before, new])


def _divisions(item_coicop: pl.LazyFrame | None, parameters: PublicationParameters) -> pl.LazyFrame | None:
    """The division of each item; it is called by its code."""
    if item_coicop is None:
        return None
    levels = item_levels(item_coicop.collect(), parameters.coicop)
    return levels.select("item_id", "division", title="division").lazy()


def _with_all_items(
    contributions: pl.LazyFrame | None,
    items: pl.LazyFrame,
    weights: pl.LazyFrame | None,
    parameters: PublicationParameters,
    aggregation: AggregationParameters,
) -> pl.DataFrame | None:
    """Contributions to groups, and to all items where the weights have no such group."""
    if contributions is None or weights is None:
        return None
    made, of_groups = contributions.collect(), weights.collect()
    basket = derived_basket(of_groups, parameters.all_items)
    if basket is None:
        return made
    found = compilation.aggregate_contributions(items, beside_groups(of_groups, basket).lazy(), aggregation)
    return pl.concat([made, found.filter(group=parameters.all_items).select(made.columns)])


@published("prices/revision_triangle", inputs=["prices/index_vintages"])
def revision_triangle(index_vintages: pl.LazyFrame) -> pl.DataFrame:
    """Say how published figures were revised."""
    return vintages.revision_triangle(index_vintages.collect())


@published("prices/elementary_diagnostics", inputs=["prices/checked_quotes"])
def elementary_diagnostics(checked_quotes: pl.LazyFrame, parameters: IndexParameters) -> pl.DataFrame:
    """Describe the price relatives behind each item and month."""
    return diagnostics.elementary_diagnostics(checked_quotes, parameters)


@published(
    "prices/cpi_release",
    inputs=[
        "prices/checked_quotes",
        "prices/item_indices",
        "prices/index_vintages",
        "prices/elementary_diagnostics",
    ],
    # The collection report is shown on the page of the month.
    optional=[
        "prices/aggregate_indices",
        "prices/aggregate_contributions",
        "reference/item_weights",
        "reference/item_coicop",
        "prices/collection_report",
    ],
    chart=lambda frame: line_chart(
        frame.filter(pl.col("heading_type") != "item"),
        x="period",
        y="index",
        series="title",
        title="Published index by group and month",
    ),
)
def cpi_release(
    checked_quotes: pl.LazyFrame,
    item_indices: pl.LazyFrame,
    index_vintages: pl.LazyFrame,
    elementary_diagnostics: pl.LazyFrame,
    aggregate_indices: pl.LazyFrame | None,
    aggregate_contributions: pl.LazyFrame | None,
    item_weights: pl.LazyFrame | None,
    item_coicop: pl.LazyFrame | None,
    collection_report: pl.LazyFrame | None,
    indices: IndexParameters,
    parameters: PublicationParameters,
    revisions: RevisionParameters,
    aggregation: AggregationParameters,
    page: MonthlyReportParameters,
    lakehouse: Lakehouse,
) -> pl.DataFrame:
    """Put together what is published of every item, group and all items, by month; write the page of the month."""
    of_items = elementary_diagnostics.collect()
    divisions = _divisions(item_coicop, parameters)
    made = release.cpi_release(
        index_vintages.collect(),
        headings(item_indices, aggregate_indices, item_weights, divisions, parameters, aggregation),
        of_items,
        item_weights.collect() if item_weights is not None else None,
        through=parameters.last_month or vintages.collected_through(checked_quotes),
        publication=parameters,
        revisions=revisions,
        divisions=divisions.collect() if divisions is not None else None,
        contributions=_with_all_items(aggregate_contributions, item_indices, item_weights, parameters, aggregation),
    )
    for month in reversed(reported_months(made)):
        report = monthly_report(month, made, of_items, checked_quotes, collection_report, indices, page)
        html = as_html(report, parameters.decimals).encode()
        # Of the month that is published last, unless none is.
        for name in (month, "latest"):
            write_atomically(lakehouse.home.reports / "prices" / f"{name}.html", html)
    return made


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
