"""Tables of the prices pilot."""

import polars as pl

from ons_assets.catalogue.columns import DROP_SHA256, ITEM, ITEM_ID, LINE, RETAILER
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

OWNER = "team:prices"

RAW_QUOTES = Table(
    name="prices/raw_quotes",
    description="One price quote as a scraper found it: a product of a shop, under an item, in one run.",
    columns=(
        RETAILER,
        Column("run", pl.String(), "run of the scraper: time at which it started, YYYYMMDDHHMMSS, or name of its file"),
        Column("collected_on", pl.Date(), "local day of the quote"),
        Column("collected_at_utc", pl.Datetime("us", "UTC"), "time of the quote"),
        ITEM_ID,
        ITEM,
        Column("shelf", pl.String(), "shelf, category or address that was scraped", nullable=True),
        Column("product", pl.String(), "name of the product as displayed"),
        Column("price", pl.Float64(), "price of the pack, in the currency"),
        Column("currency", pl.String(), "ISO 4217 code"),
        Column("unit_price", pl.Float64(), "displayed price for unit_quantity of unit", nullable=True),
        Column("unit_quantity", pl.Float64(), "number of units that unit_price is for", nullable=True),
        Column("unit", pl.String(), "unit of unit_price, as displayed", nullable=True),
        Column("promotion", pl.String(), "text of the offer", nullable=True),
        Column("outlet", pl.String(), "branch of the retailer", nullable=True),
        Column("sku", pl.String(), "number of the product, as the retailer has it", nullable=True),
        Column("quantity", pl.Float64(), "number that was sold, in scanner data", nullable=True),
        DROP_SHA256,
        LINE,
    ),
    key=("drop_sha256", "line"),
    partition_by=("collected_on",),
    sensitivity=Sensitivity.PUBLIC,
    owner=OWNER,
    source="Run files of the scrapers, and files of other offices through a mapping",
)

DECISION = (
    Column("in_scope", pl.Boolean(), "whether the product is the item"),
    Column("probability", pl.Float64(), "that it is; 1 or 0 where a person said so"),
    Column("decided_by", pl.String(), "label, model, rule, or nothing: no rule for the item"),
    Column("needs_review", pl.Boolean(), "whether a person should look at the product"),
    Column("scope_reason", pl.String(), "why it was decided so"),
    Column("model_version", pl.String(), "model that decided; null where none did", nullable=True),
)

CLASSIFIED_QUOTES = Table(
    name="prices/classified_quotes",
    description="One price quote with the decision whether its product is the item; none is left out.",
    columns=(*RAW_QUOTES.columns[:-2], *DECISION, *RAW_QUOTES.columns[-2:]),
    key=("drop_sha256", "line"),
    sensitivity=Sensitivity.PUBLIC,
    owner=OWNER,
    source="prices/raw_quotes, the rules and the labels",
)

CHECKED_QUOTES = Table(
    name="prices/checked_quotes",
    description="One price quote with what was found odd about it, or a price carried to a day without a quote.",
    columns=(
        *RAW_QUOTES.columns[:-2],
        *DECISION,
        Column("product_id", pl.String(), "name without punctuation; numbered where packs share a name"),
        Column("lineage_id", pl.String(), "first product of the chain of relaunches in other packs"),
        Column("pack_count", pl.Int64(), "pieces or containers that the name gives", nullable=True),
        Column("pack_quantity", pl.Float64(), "content of the pack, in pack_unit", nullable=True),
        Column("pack_unit", pl.String(), "kg, l or each", nullable=True),
        Column("pack_source", pl.String(), "name, or unit price where the name is silent", nullable=True),
        Column("price_per_unit", pl.Float64(), "price / pack_quantity", nullable=True),
        Column("repeated_row", pl.Boolean(), "the run has the product in an earlier row"),
        Column("price_typo", pl.Boolean(), "price out of line with the product's own days around"),
        Column("outlier", pl.Boolean(), "change of price out of line with those of the item's products"),
        Column("dump_price", pl.Boolean(), "cleared at a low price before the product left"),
        Column("stuck", pl.Boolean(), "the same price for longer than the product's own past allows"),
        Column("unit_conflict", pl.Boolean(), "displayed unit price contradicts the pack"),
        Column("reentered", pl.Boolean(), "first quote after an absence"),
        Column("relaunched", pl.Boolean(), "first day of a product that replaces another pack of the same name"),
        Column("imputed", pl.Boolean(), "carried forward from an earlier day"),
        Column("carried_from", pl.Date(), "day of the quote that was carried", nullable=True),
        Column("evidence", pl.String(), "why it has its flags, with figures", nullable=True),
        *RAW_QUOTES.columns[-2:],
    ),
    key=("drop_sha256", "line", "collected_on"),
    sensitivity=Sensitivity.PUBLIC,
    owner=OWNER,
    source="prices/classified_quotes",
)

COLLECTION_REPORT = Table(
    name="prices/collection_report",
    description="What one item of a retailer, or its whole run, brought on one day: a finding, or none.",
    columns=(
        Column("day", pl.Date(), "local day on which the run started"),
        RETAILER,
        Column("item_id", pl.String(), "consumer price item; 'all' for the whole run"),
        Column("item", pl.String(), "name of the item", nullable=True),
        Column(
            "finding",
            pl.String(),
            "none, missing_run, empty, truncated, inflated, item_vanished, shelf_renamed, stuck or duplicate_rows",
        ),
        Column("evidence", pl.String(), "why, in a sentence with figures", nullable=True),
        Column("products", pl.Int64(), "different products that were found", nullable=True),
        Column("usual_products", pl.Float64(), "median of the days before; null without history", nullable=True),
        Column("ratio", pl.Float64(), "products / usual_products", nullable=True),
        Column("run", pl.String(), "run that shows the finding", nullable=True),
        Column("runs_affected", pl.Int64(), "runs of the day that show it", nullable=True),
        Column("runs_of_day", pl.Int64(), "runs of the day", nullable=True),
        Column("replaced", pl.Boolean(), "whether another run of the day is free of it", nullable=True),
    ),
    key=("day", "retailer", "item_id", "finding"),
    partition_by=("day",),
    sensitivity=Sensitivity.AGGREGATE,
    owner=OWNER,
    source="prices/raw_quotes and the ledger of drops",
)

FREQUENCY = Column("frequency", pl.String(), "day, week or month")
PERIOD = Column("period", pl.String(), "2016-07-21, 2016-W29 (ISO 8601) or 2016-07")
METHOD = Column("method", pl.String(), "index method, see docs/methods/price_indices.md")
BASE_PERIOD = Column("base_period", pl.String(), "period in which the index is 100")

ITEM_INDICES = Table(
    name="prices/item_indices",
    description="The price index of one item in one period by one method, base period = 100.",
    columns=(
        FREQUENCY,
        METHOD,
        ITEM_ID,
        ITEM,
        PERIOD,
        BASE_PERIOD,
        Column("index", pl.Float64(), "price index; null where it cannot be computed", nullable=True),
        Column("matched_products", pl.Int64(), "products behind it, see the method", nullable=True),
        Column("reason", pl.String(), "why there is no index", nullable=True),
        Column("excludes", pl.String(), "flags of the quotes that are left out"),
        Column("excluded_quotes", pl.Int64(), "quotes of the item and period that are left out"),
    ),
    key=("frequency", "method", "item_id", "period"),
    partition_by=("frequency",),
    sensitivity=Sensitivity.AGGREGATE,
    owner=OWNER,
    source="prices/checked_quotes",
)

AGGREGATE_INDICES = Table(
    name="prices/aggregate_indices",
    description="The price index of one group of items in one period by one method, base period = 100.",
    columns=(
        FREQUENCY,
        METHOD,
        Column("group", pl.String(), "group of items"),
        PERIOD,
        Column("index", pl.Float64(), "weighted mean of the item indices; null without one", nullable=True),
        Column("items", pl.Int64(), "items with an index"),
        Column("weight_share", pl.Float64(), "their share of the weight of the group", nullable=True),
        Column("reason", pl.String(), "why there is no index", nullable=True),
    ),
    key=("frequency", "method", "group", "period"),
    partition_by=("frequency",),
    sensitivity=Sensitivity.AGGREGATE,
    owner=OWNER,
    source="prices/item_indices and reference/item_weights",
)

INDEX_COMPARISON = Table(
    name="prices/index_comparison",
    description="How one index of an item or group moves beside one that somebody else published.",
    columns=(
        FREQUENCY,
        METHOD,
        Column("level", pl.String(), "item or group"),
        Column("name", pl.String(), "consumer price item or group"),
        Column("series", pl.String(), "index that it is compared with"),
        Column("quotes", pl.String(), "in scope, or all: with the products that are not the item"),
        Column("first_period", pl.String(), "first common period, in which both are set to 100", nullable=True),
        Column("last_period", pl.String(), "last common period", nullable=True),
        Column("periods", pl.Int64(), "periods in which both have an index"),
        Column("coverage", pl.Float64(), "share of the other's periods, within our own, that have an index of ours"),
        Column("mean_absolute_gap", pl.Float64(), "index points", nullable=True),
        Column("largest_gap", pl.Float64(), "index points, ours less theirs, where it is widest", nullable=True),
        Column("largest_gap_period", pl.String(), "period of the largest gap", nullable=True),
        Column("rmse", pl.Float64(), "root of the mean squared gap, index points", nullable=True),
        Column("growth_correlation", pl.Float64(), "correlation of the changes from period to period", nullable=True),
        Column("lead_periods", pl.Int64(), "periods by which ours moves before theirs; negative: after", nullable=True),
        Column("lead_correlation", pl.Float64(), "correlation of the changes at that lead", nullable=True),
        Column("drift_per_year", pl.Float64(), "per cent a year by which ours rises faster", nullable=True),
        Column("reason", pl.String(), "why a measure is missing", nullable=True),
    ),
    key=("frequency", "method", "level", "name", "series", "quotes"),
    sensitivity=Sensitivity.AGGREGATE,
    owner=OWNER,
    source="prices/checked_quotes, reference/item_weights and reference/official_indices",
)
