"""Reference tables: what the methods need and a statistical office has."""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.lakehouse.disclosure import Exempt
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

GEOGRAPHY = "team:geography"

ITEM_WEIGHTS = Table(
    name="reference/item_weights",
    description=(
        "The expenditure weight of one item in a group and year, scaled to 1 when it is used; an item may be in groups "
        "of several levels."
    ),
    columns=(
        columns.ITEM_ID,
        columns.ITEM,
        columns.GROUP,
        columns.YEAR,
        columns.WEIGHT,
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("item_id", "group", "year"),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:prices",
    source="Expenditure weights of the office, received as drops",
)

RETAILER_SHARES = Table(
    name="reference/retailer_shares",
    description="Which part of what the households of one area spend on groceries they spend at one retailer.",
    columns=(
        columns.AREA,
        columns.RETAILER,
        columns.YEAR,
        Column(
            "spending_share",
            pl.Float64(),
            "of the spending: a share, per cent or money, the same unit in all of an area; scaled to 1 when it is used",
        ),
        Column("share_error", pl.Float64(), "standard error of the share, in its unit, of the survey", nullable=True),
        columns.HOUSEHOLDS_ASKED.or_null(),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("area", "retailer", "year"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Exempt(
        "as their survey released them: shares of all households of an area; where few were asked, no index is made"
    ),
    owner="team:prices",
    source="Household expenditure surveys, household panels or models of trading areas, received as drops",
)

ITEM_COICOP = Table(
    name="reference/item_coicop",
    description=(
        "Where one item stands in the classification of individual consumption by purpose, in its versions of 1999 and "
        "2018. Division, group and class are the first 2, 4 and 6 characters of a code."
    ),
    columns=(
        columns.ITEM_ID,
        columns.ITEM.or_null(),
        Column("coicop_1999", pl.String(), "class or subclass of COICOP 1999, such as 01.1.1", nullable=True),
        Column("coicop_2018", pl.String(), "class or subclass of COICOP 2018, such as 01.1.1.1", nullable=True),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("item_id",),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:prices",
    source="The office's coding of its items, received as drops",
)

ITEM_RULES = Table(
    name="reference/item_rules",
    description=(
        "One rule on an item: words of its products, or what its pack may hold. Some files give the name of the "
        "item only."
    ),
    columns=(
        columns.ITEM_ID.or_null(),
        columns.ITEM,
        Column("rule", pl.String(), "include, doubt, remove, describe; quantity, alcohol, pieces"),
        Column("words", pl.String(), "words with | between them, or the description", nullable=True),
        Column("lowest", pl.Float64(), "lowest value, in unit", nullable=True),
        Column("highest", pl.Float64(), "highest value, in unit", nullable=True),
        columns.UNIT.or_null(),
        columns.DROP_SHA256,
        columns.LINE,
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
        columns.RETAILER,
        columns.ITEM_ID,
        columns.PRODUCT,
        columns.IN_SCOPE,
        Column("labelled_by", pl.String(), "who said so"),
        Column("labelled_at_utc", pl.Datetime("us", "UTC"), "when"),
        columns.NOTE.or_null(),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("retailer", "item_id", "product", "labelled_by", "labelled_at_utc"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Exempt("labels of products, by members of the office"),
    owner="team:prices",
    source="Review queues that people filled in, received as drops",
)

ACCEPTED_LEVELS = Table(
    name="reference/accepted_levels",
    description=(
        "The level of a retailer's collection, of one item or all, that a person accepted: from that day on what it "
        "brings is usual, and no finding of the days before stays open."
    ),
    columns=(
        columns.RETAILER,
        columns.ITEM_ID,
        Column("from_day", pl.Date(), "first day of the level that was accepted"),
        Column("accepted_by", pl.String(), "who accepted it"),
        Column("accepted_on", pl.Date(), "when"),
        columns.NOTE.or_null(),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("retailer", "item_id", "from_day"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Exempt("decisions on collections, by members of the office"),
    owner="team:prices",
    source="What people accepted of the findings of prices/collection_report, received as drops",
)

OFFICIAL_INDICES = Table(
    name="reference/official_indices",
    description="An index that somebody else published, on its own base, of one item or all in one period.",
    columns=(
        columns.SERIES,
        columns.ITEM_ID,
        columns.ITEM.or_null(),
        columns.FREQUENCY,
        columns.PERIOD,
        columns.INDEX,
        columns.DROP_SHA256,
        columns.LINE,
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
        columns.AREA,
        columns.EASTING_M,
        columns.NORTHING_M,
        Column("boundary", pl.String(), "GeoJSON geometry, degrees WGS 84, longitude first", nullable=True),
        columns.DROP_SHA256,
        columns.LINE,
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
        columns.UPRN,
        columns.EASTING_M,
        columns.NORTHING_M,
        Column("class_code", pl.String(), "code of the AddressBase scheme"),
        Column("class", pl.String(), "residential, commercial, education, transport or other"),
        columns.POSTCODE.or_null(),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("uprn",),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Exempt("addresses and what stands there, under the licence of their supplier; nobody who lives there"),
    owner=GEOGRAPHY,
    source="Ordnance Survey AddressBase Premium, Plus or Core, received as drops",
)

LAND_USE = Table(
    name="reference/land_use",
    description="How likely somebody is in one tile, from what the land there is used for.",
    columns=(
        columns.EASTING_M,
        columns.NORTHING_M,
        Column("land_weight", pl.Float64(), "how many may be there, in any unit: 0 of water"),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("easting_m", "northing_m"),
    sensitivity=Sensitivity.PUBLIC,
    owner=GEOGRAPHY,
    source="Grids of land use or built-up area, weighed by the office, received as drops",
)

POPULATION = Table(
    name="reference/population",
    description="People of one area, and of one age and sex where those are given.",
    columns=(
        columns.AREA,
        columns.AGE,
        columns.SEX,
        columns.POPULATION,
        Column("students", pl.Float64(), "students among them in term time", nullable=True),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("area", "age", "sex"),
    sensitivity=Sensitivity.PUBLIC,
    owner=GEOGRAPHY,
    source="Population estimates of the office, received as drops",
)

DWELLINGS = Table(
    name="reference/dwellings",
    description="Dwellings of one area, and of one type where those are given.",
    columns=(
        columns.AREA,
        columns.DWELLING_TYPE,
        columns.DWELLINGS,
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("area", "dwelling_type"),
    sensitivity=Sensitivity.PUBLIC,
    owner=GEOGRAPHY,
    source="Counts of dwellings of a census or an address register, received as drops",
)

MIGRATION_ESTIMATES = Table(
    name="reference/migration_estimates",
    description="The official number of moves from one area to another in one period.",
    columns=(
        Column("area_type", pl.String(), "kind of the areas"),
        columns.PERIOD,
        columns.AGE,
        columns.ORIGIN,
        columns.DESTINATION,
        Column("moves", pl.Float64(), "people who moved"),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("area_type", "period", "age", "origin", "destination"),
    sensitivity=Sensitivity.PUBLIC,
    owner=GEOGRAPHY,
    source="Estimates of internal migration, received as drops",
)
