"""Tables of the prices pilot that are about what is published: vintages, revisions, the release, its diagnostics."""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.catalogue.prices import OF_PRODUCTS, OWNER
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

UTC = pl.Datetime("us", "UTC")

INDEX_VINTAGES = Table(
    name="prices/index_vintages",
    description=(
        "One published figure of a heading and month, as it was published first, or as it was revised; none is ever "
        "changed or taken out."
    ),
    columns=(
        columns.EDITION,
        columns.HEADING_TYPE,
        columns.HEADING,
        columns.PERIOD,
        Column("vintage", pl.Int64(), "1 as first published, then one for each revision"),
        Column("published_utc", UTC, "when the figure became the published one"),
        columns.BASE_PERIOD,
        columns.INDEX,
        columns.REFERENCE_PERIOD,
        Column("figure", pl.Float64(), "index as shown then: on the reference period, and rounded"),
        columns.REASON,
    ),
    key=("edition", "heading_type", "heading", "period", "vintage"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OF_PRODUCTS,
    owner=OWNER,
    source="prices/item_indices, prices/aggregate_indices, and the vintages before",
)

REVISION_TRIANGLE = Table(
    name="prices/revision_triangle",
    description="What one figure of a heading and month was when it was first published, and how it was revised since.",
    columns=(
        columns.EDITION,
        columns.HEADING_TYPE,
        columns.HEADING,
        columns.PERIOD,
        Column("first_index", pl.Float64(), "unrounded index of the first vintage"),
        Column("first_published_utc", UTC, "when that was"),
        Column("last_index", pl.Float64(), "unrounded index of the last vintage"),
        Column("last_published_utc", UTC, "when that was"),
        Column("revisions", pl.Int64(), "vintages after the first"),
        Column("revision", pl.Float64(), "last_index - first_index, index points"),
        Column("mean_absolute_revision", pl.Float64(), "index points a revision; 0 without one"),
        Column("largest_revision", pl.Float64(), "index points, from one vintage to the next", nullable=True),
        columns.REASON.or_null(),
    ),
    key=("edition", "heading_type", "heading", "period"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OF_PRODUCTS,
    owner=OWNER,
    source="prices/index_vintages",
)

ELEMENTARY_DIAGNOSTICS = Table(
    name="prices/elementary_diagnostics",
    description=(
        "What lies behind the change of one item from the month before to this one: how many products have a price in "
        "both, how their prices moved, and what imputation and outliers do to the index."
    ),
    columns=(
        columns.ITEM_ID,
        columns.ITEM,
        columns.PERIOD,
        Column("formula", pl.String(), "of the link from the month before: tornqvist or jevons", nullable=True),
        Column("link", pl.Float64(), "index of this month, the month before being 100", nullable=True),
        columns.OBSERVED_QUOTES,
        columns.PRODUCTS,
        columns.SHARE_IMPUTED,
        Column("matched", pl.Int64(), "products with a price in the month before, too", nullable=True),
        Column("matched_share", pl.Float64(), "matched / products", nullable=True),
        Column("entries", pl.Int64(), "products without a price in the month before", nullable=True),
        Column("exits", pl.Int64(), "products of the month before without a price in this one", nullable=True),
        Column("churn", pl.Float64(), "entries and exits, as a share of the products of both months", nullable=True),
        Column("relative_minimum", pl.Float64(), "least price relative of a matched product", nullable=True),
        Column("relative_p05", pl.Float64(), "their 5th percentile", nullable=True),
        Column("relative_p25", pl.Float64(), "their lower quartile", nullable=True),
        Column("relative_median", pl.Float64(), "their median", nullable=True),
        Column("relative_p75", pl.Float64(), "their upper quartile", nullable=True),
        Column("relative_p95", pl.Float64(), "their 95th percentile", nullable=True),
        Column("relative_maximum", pl.Float64(), "largest price relative of a matched product", nullable=True),
        Column("imputation_effect", pl.Float64(), "link less the link without imputed prices, points", nullable=True),
        Column("outliers", pl.Int64(), "quotes with the flag outlier"),
        Column("outlier_effect", pl.Float64(), "link less the link with the outliers in it, points", nullable=True),
    ),
    key=("item_id", "period"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OF_PRODUCTS,
    owner=OWNER,
    source="prices/checked_quotes",
)

CPI_RELEASE = Table(
    name="prices/cpi_release",
    description=(
        "The figures of one heading (item, group, division or all items) and month as they are published, with what "
        "stands behind them."
    ),
    columns=(
        columns.HEADING_TYPE,
        columns.HEADING,
        columns.PERIOD,
        Column("title", pl.String(), "name of the heading"),
        columns.INDEX.or_null(),
        columns.REFERENCE_PERIOD,
        Column("rate_1_month_percent", pl.Float64(), "change since the month before, per cent", nullable=True),
        Column("rate_12_months_percent", pl.Float64(), "change since the same month a year ago", nullable=True),
        Column("expenditure_share", pl.Float64(), "share of the heading in the weight of share_of", nullable=True),
        Column("share_of", pl.String(), "all items, or of an item the widest group that holds it", nullable=True),
        Column(
            "contribution_1_month_points",
            pl.Float64(),
            "percentage points of the 1-month rate of share_of that come from the heading",
            nullable=True,
        ),
        Column("contribution_12_months_points", pl.Float64(), "the same of its 12-month rate", nullable=True),
        columns.OBSERVED_QUOTES,
        columns.PRODUCTS,
        columns.SHARE_IMPUTED.or_null(),
        Column("figure_status", pl.String(), "final, provisional (it may change), or missing"),
        Column("notes", pl.String(), "what a reader must know of the figure", nullable=True),
    ),
    key=("heading_type", "heading", "period"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OF_PRODUCTS,
    owner=OWNER,
    source="prices/index_vintages, prices/elementary_diagnostics and reference/item_weights",
)
