"""Reference tables: what the methods need and a statistical office has."""

import polars as pl

from ons_assets.catalogue.columns import DROP_SHA256, ITEM, ITEM_ID, LINE
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

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

TABLES = (ITEM_WEIGHTS,)
