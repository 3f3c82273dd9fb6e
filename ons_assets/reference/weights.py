"""Files of item weights: CSV or Parquet with the columns item_id, item, group, year, weight."""

import polars as pl

from ons_assets.lakehouse.delimited import Limits
from ons_assets.lakehouse.table_files import TableFiles, is_missing, is_no_quantity
from ons_assets.settings import Settings


def weight_files(settings: Settings) -> TableFiles:
    """Return the source of expenditure weights by item and year."""
    text = pl.String()
    return TableFiles(
        name="item_weights",
        table="reference/item_weights",
        columns={"item_id": text, "item": text, "group": text, "year": pl.Int32(), "weight": pl.Float64()},
        faults=(
            ("item or group is missing", is_missing("item_id", "item", "group")),
            ("year is missing or not a number", is_missing("year")),
            ("weight is missing, negative or not a number", is_no_quantity("weight")),
        ),
        limits=Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes),
    )
