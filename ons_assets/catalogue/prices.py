"""Tables of the prices pilot."""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.lakehouse.disclosure import Exempt, OfReleased
from ons_assets.lakehouse.tables import Column, Reference, Sensitivity, Table

OWNER = "team:prices"
OF_PRODUCTS = Exempt("figures of products and their prices, not of persons or homes")

OF_LINE = Reference(("drop_sha256", "line"), "prices/raw_quotes")

RAW_QUOTES = Table(
    name="prices/raw_quotes",
    description="One price quote as a scraper found it: a product of a shop, under an item, in one run.",
    columns=(
        columns.RETAILER,
        columns.RUN,
        columns.COLLECTED_ON,
        columns.COLLECTED_AT_UTC,
        columns.ITEM_ID,
        columns.ITEM,
        columns.SHELF.or_null(),
        columns.PRODUCT,
        columns.PRICE,
        columns.CURRENCY,
        columns.UNIT_PRICE.or_null(),
        columns.UNIT_QUANTITY.or_null(),
        columns.UNIT.or_null(),
        columns.PROMOTION.or_null(),
        columns.OUTLET.or_null(),
        columns.SKU.or_null(),
        columns.QUANTITY.or_null(),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("drop_sha256", "line"),
    partition_by=("collected_on",),
    sensitivity=Sensitivity.PUBLIC,
    owner=OWNER,
    source="Run files of the scrapers, and files of other offices through a mapping",
)

DECISION = (
    columns.IN_SCOPE,
    columns.PROBABILITY,
    columns.DECIDED_BY,
    columns.NEEDS_REVIEW,
    columns.SCOPE_REASON,
    columns.MODEL_VERSION.or_null(),
)

CLASSIFIED_QUOTES = Table(
    name="prices/classified_quotes",
    description=(
        "One price quote with the decision whether its product is the item, and the probability of that, 1 or 0 "
        "where a person said so; none is left out."
    ),
    columns=(*RAW_QUOTES.columns[:-2], *DECISION, *RAW_QUOTES.columns[-2:]),
    key=("drop_sha256", "line"),
    sensitivity=Sensitivity.PUBLIC,
    owner=OWNER,
    source="prices/raw_quotes, the rules and the labels",
    references=(OF_LINE,),
)

CHECKED_QUOTES = Table(
    name="prices/checked_quotes",
    description="One price quote with what was found odd about it, or a price carried to a day without a quote.",
    columns=(
        *RAW_QUOTES.columns[:-2],
        *DECISION,
        Column("product_id", pl.String(), "number (GTIN, SKU) if known; else name, numbered where packs share it"),
        Column("lineage_id", pl.String(), "first product of the chain of relaunches in other packs"),
        Column("pack_count", pl.Int64(), "pieces or containers that the name gives", nullable=True),
        Column("pack_quantity", pl.Float64(), "content of the pack, in pack_unit", nullable=True),
        Column("pack_unit", pl.String(), "kg, l or each", nullable=True),
        Column(
            "pack_source", pl.String(), "name, unit price where that is silent, or range: its middle", nullable=True
        ),
        Column("price_per_unit", pl.Float64(), "price / pack_quantity", nullable=True),
        Column("promotion_type", pl.String(), "cut, multibuy, cut and multibuy, or other", nullable=True),
        Column("regular_price", pl.Float64(), "price of the pack without the offer; the price, where no cut is said"),
        Column("multibuy_packs", pl.Int64(), "packs that one must buy for the offer", nullable=True),
        Column("multibuy_price", pl.Float64(), "price of one of so many packs, in the currency", nullable=True),
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
        columns.EVIDENCE.or_null(),
        *RAW_QUOTES.columns[-2:],
    ),
    key=("drop_sha256", "line", "collected_on"),
    sensitivity=Sensitivity.PUBLIC,
    owner=OWNER,
    source="prices/classified_quotes",
    references=(OF_LINE,),
)

COLLECTION_REPORT = Table(
    name="prices/collection_report",
    description=(
        "What one item of a retailer, or all of its run, brought on the day on which the run started: a finding "
        "and a run that shows it, or none. The ratio is products / usual_products."
    ),
    columns=(
        columns.DAY,
        columns.RETAILER,
        columns.ITEM_ID,
        columns.ITEM.or_null(),
        Column(
            "finding",
            pl.String(),
            "none, missing_run, empty, truncated, inflated, item_vanished, shelf_renamed, stuck, duplicate_rows, "
            "late_run or page_cap",
        ),
        columns.EVIDENCE.or_null(),
        columns.PRODUCTS.or_null(),
        Column(
            "usual_products",
            pl.Float64(),
            "median of the days before, or the level before a finding that is open; null without history",
            nullable=True,
        ),
        columns.RATIO.or_null(),
        columns.RUN.or_null(),
        Column("runs_affected", pl.Int64(), "runs of the day that show it", nullable=True),
        Column("runs_of_day", pl.Int64(), "runs of the day", nullable=True),
        Column("has_clean_run", pl.Boolean(), "whether another run of the day is free of it", nullable=True),
    ),
    key=("day", "retailer", "item_id", "finding"),
    partition_by=("day",),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OF_PRODUCTS,
    owner=OWNER,
    source="prices/raw_quotes and the ledger of drops",
)

ITEM_INDICES = Table(
    name="prices/item_indices",
    description="The price index of one item in one period by one method, base period = 100, or why there is none.",
    columns=(
        columns.FREQUENCY,
        columns.METHOD,
        columns.ITEM_ID,
        columns.ITEM,
        columns.PERIOD,
        columns.BASE_PERIOD,
        columns.INDEX.or_null(),
        Column("matched_products", pl.Int64(), "products behind it, see the method", nullable=True),
        columns.REASON.or_null(),
        Column("offers", pl.String(), "paid: prices with the cuts of offers; regular: what the products cost without"),
        Column("excludes", pl.String(), "flags of the quotes that are left out"),
        Column("excluded_quotes", pl.Int64(), "quotes of the item and period that are left out"),
    ),
    key=("frequency", "method", "item_id", "period"),
    partition_by=("frequency",),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OF_PRODUCTS,
    owner=OWNER,
    source="prices/checked_quotes",
)

AGGREGATE_INDICES = Table(
    name="prices/aggregate_indices",
    description=(
        "The price index of one group in one period by one method, its first period = 100: a chain of weighted means "
        "of its items, or why there is none."
    ),
    columns=(
        columns.FREQUENCY,
        columns.METHOD,
        columns.GROUP,
        columns.PERIOD,
        columns.INDEX.or_null(),
        columns.INDEXED_ITEMS,
        columns.WEIGHT_SHARE.or_null(),
        columns.REASON.or_null(),
    ),
    key=("frequency", "method", "group", "period"),
    partition_by=("frequency",),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OF_PRODUCTS,
    owner=OWNER,
    source="prices/item_indices and reference/item_weights",
)

AREA_INDICES = Table(
    name="prices/area_indices",
    description=(
        "The index of the prices that the households of one area meet in one month: of what its retailers charge, by "
        "what is spent at each, or why there is none. It tells of changes, not of levels."
    ),
    columns=(
        columns.AREA,
        columns.PERIOD,
        columns.BASE_PERIOD.or_null(),
        columns.INDEX.or_null(),
        Column("index_low", pl.Float64(), "lower end of its interval, by both errors", nullable=True),
        Column("index_high", pl.Float64(), "upper end of its interval", nullable=True),
        Column("products_error", pl.Float64(), "standard error by the choice of products, index points", nullable=True),
        Column(
            "shares_error",
            pl.Float64(),
            "standard error by the shares of the retailers, index points; null where no survey says it",
            nullable=True,
        ),
        columns.INDEXED_ITEMS.or_null(),
        columns.WEIGHT_SHARE.or_null(),
        Column("spending_covered", pl.Float64(), "share of the spending at retailers with prices", nullable=True),
        Column("not_covered", pl.String(), "retailers of the area without prices in the month", nullable=True),
        columns.HOUSEHOLDS_ASKED.or_null(),
        columns.REASON.or_null(),
    ),
    key=("area", "period"),
    sensitivity=Sensitivity.AGGREGATE,
    # Whoever has it and the prices of the retailers knows their shares in an area, and these the survey has told.
    disclosure=OfReleased(),
    owner=OWNER,
    source="prices/checked_quotes, reference/item_weights and reference/retailer_shares",
)

AGGREGATE_CONTRIBUTIONS = Table(
    name="prices/aggregate_contributions",
    description=(
        "What one item contributes to the rate of one group in one month by one method; contributions add up to the "
        "rate. The weight is that at the link before, 0 once the item has none."
    ),
    columns=(
        columns.FREQUENCY,
        columns.METHOD,
        columns.GROUP,
        columns.ITEM_ID,
        columns.PERIOD,
        Column("horizon", pl.Int64(), "months that the rate looks back: 1 or 12"),
        columns.CONTRIBUTION,
        columns.WEIGHT,
        Column("item_imputed", pl.Boolean(), "whether the item has no index in the month and moves with its group"),
    ),
    key=("frequency", "method", "group", "item_id", "period", "horizon"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OF_PRODUCTS,
    owner=OWNER,
    source="prices/item_indices and reference/item_weights",
)

INDEX_COMPARISON = Table(
    name="prices/index_comparison",
    description=(
        "How one index of an item or group moves beside one that somebody else published, or why a measure is missing."
    ),
    columns=(
        columns.FREQUENCY,
        columns.METHOD,
        columns.SUBJECT_TYPE,
        columns.SUBJECT,
        columns.SERIES,
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
        columns.REASON.or_null(),
    ),
    key=("frequency", "method", "subject_type", "subject", "series", "quotes"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OF_PRODUCTS,
    owner=OWNER,
    source="prices/checked_quotes, reference/item_weights and reference/official_indices",
)
