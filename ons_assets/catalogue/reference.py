"""Reference tables: what the methods need and a statistical office has."""

import polars as pl

from ons_assets.catalogue.columns import DROP_SHA256, ITEM, ITEM_ID, LINE
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

TABLES = (ITEM_WEIGHTS, AREAS, ADDRESSES, POPULATION, MIGRATION_ESTIMATES)
