"""Reference tables: what the methods need and a statistical office has."""

import polars as pl

from ons_assets.catalogue.columns import DROP_SHA256, ITEM, ITEM_ID, LINE, RETAILER
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

GEOGRAPHY = "team:geography"

ITEM_WEIGHTS = Table(
    name="reference/item_weights",
    description="The expenditure weight of one item in a group and year; an item may be in groups of several levels.",
    columns=(
        ITEM_ID,
        ITEM,
        Column("group", pl.String(), "group of items that is published"),
        Column("year", pl.Int32(), "first year in which the weight is used"),
        Column("weight", pl.Float64(), "share of the item in its group; scaled to 1 when it is used"),
        DROP_SHA256,
        LINE,
    ),
    key=("item_id", "group", "year"),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:prices",
    source="Expenditure weights of the office, received as drops",
)

ITEM_RULES = Table(
    name="reference/item_rules",
    description="One rule on an item: words of its products, or what its pack may hold.",
    columns=(
        Column("item_id", pl.String(), "consumer price item; null where the file gives its name only", nullable=True),
        ITEM,
        Column("rule", pl.String(), "include, doubt, remove, describe; quantity, alcohol, pieces"),
        Column("words", pl.String(), "words with | between them, or the description", nullable=True),
        Column("lowest", pl.Float64(), "lowest value, in unit", nullable=True),
        Column("highest", pl.Float64(), "highest value, in unit", nullable=True),
        Column("unit", pl.String(), "kg, l, each or %", nullable=True),
        DROP_SHA256,
        LINE,
    ),
    key=("item", "rule", "drop_sha256", "line"),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:prices",
    source="Collectors' keyword dictionaries and item descriptions, received as drops",
)

PRODUCT_LABELS = Table(
    name="reference/product_labels",
    description="What a person said of a product: whether it is the item. Every version is kept; the latest counts.",
    columns=(
        RETAILER,
        ITEM_ID,
        Column("product", pl.String(), "name of the product as displayed"),
        Column("in_scope", pl.Boolean(), "whether the product is the item"),
        Column("labelled_by", pl.String(), "who said so"),
        Column("labelled_at_utc", pl.Datetime("us", "UTC"), "when"),
        Column("note", pl.String(), "why", nullable=True),
        DROP_SHA256,
        LINE,
    ),
    key=("retailer", "item_id", "product", "labelled_by", "labelled_at_utc"),
    sensitivity=Sensitivity.AGGREGATE,
    owner="team:prices",
    source="Review queues that people filled in, received as drops",
)

OFFICIAL_INDICES = Table(
    name="reference/official_indices",
    description="An index that somebody else published, of one item in one period.",
    columns=(
        Column("series", pl.String(), "whose index it is, and of what kind"),
        Column("item_id", pl.String(), "consumer price item, or 'all' for an index of no single item"),
        Column("item", pl.String(), "name of the item", nullable=True),
        Column("frequency", pl.String(), "day, week or month"),
        Column("period", pl.String(), "2016-07-21, 2016-W29 (ISO 8601) or 2016-07"),
        Column("index", pl.Float64(), "index as published, on its own base"),
        DROP_SHA256,
        LINE,
    ),
    key=("series", "item_id", "frequency", "period"),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:prices",
    source="Official item indices and third parties' indices, received as drops",
)


AREAS = Table(
    name="reference/areas",
    description="One statistical area of one level, with its centre and, if it is known, its boundary.",
    columns=(
        Column("level", pl.String(), "level of the geography, such as msoa11"),
        Column("area", pl.String(), "GSS code"),
        Column("easting_m", pl.Float64(), "centre, British National Grid"),
        Column("northing_m", pl.Float64(), "centre, British National Grid"),
        Column("boundary", pl.String(), "GeoJSON geometry, degrees WGS 84, longitude first", nullable=True),
        DROP_SHA256,
        LINE,
    ),
    key=("level", "area"),
    sensitivity=Sensitivity.PUBLIC,
    owner=GEOGRAPHY,
    source="Boundaries or centres of the Open Geography portal, received as drops",
)

ADDRESSES = Table(
    name="reference/addresses",
    description="One address, without the people there: where it is and what it is used for.",
    columns=(
        Column("uprn", pl.Int64(), "Unique Property Reference Number"),
        Column("easting_m", pl.Float64(), "British National Grid"),
        Column("northing_m", pl.Float64(), "British National Grid"),
        Column("class_code", pl.String(), "code of the AddressBase scheme"),
        Column("class", pl.String(), "residential, commercial, education, transport or other"),
        Column("postcode", pl.String(), "postcode", nullable=True),
        DROP_SHA256,
        LINE,
    ),
    key=("uprn",),
    sensitivity=Sensitivity.AGGREGATE,
    owner=GEOGRAPHY,
    source="Ordnance Survey AddressBase Premium, Plus or Core, received as drops",
)

POPULATION = Table(
    name="reference/population",
    description="People of one area, and of one age and sex where those are given.",
    columns=(
        Column("area", pl.String(), "GSS code"),
        Column("age", pl.String(), "age group, or all"),
        Column("sex", pl.String(), "sex, or all"),
        Column("population", pl.Float64(), "people who live there"),
        Column("students", pl.Float64(), "students among them in term time", nullable=True),
        DROP_SHA256,
        LINE,
    ),
    key=("area", "age", "sex"),
    sensitivity=Sensitivity.PUBLIC,
    owner=GEOGRAPHY,
    source="Population estimates of the office, received as drops",
)

MIGRATION_ESTIMATES = Table(
    name="reference/migration_estimates",
    description="The official number of moves from one area to another in one period.",
    columns=(
        Column("area_type", pl.String(), "kind of the areas"),
        Column("period", pl.String(), "such as 2014 or 2014-09"),
        Column("age", pl.String(), "age group, or all"),
        Column("origin", pl.String(), "GSS code, or all"),
        Column("destination", pl.String(), "GSS code, or all"),
        Column("moves", pl.Float64(), "people who moved"),
        DROP_SHA256,
        LINE,
    ),
    key=("area_type", "period", "age", "origin", "destination"),
    sensitivity=Sensitivity.PUBLIC,
    owner=GEOGRAPHY,
    source="Estimates of internal migration, received as drops",
)
