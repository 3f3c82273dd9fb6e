"""Files of item weights: the columns item_id, item, group, year, weight."""

import polars as pl

from ons_assets.intake.plain import PlainSource
from ons_assets.intake.rules import Rule, missing, outside


class WeightFiles(PlainSource):
    """Expenditure weights by item and year."""

    name = "item_weights"
    table = "reference/item_weights"
    files_are = "CSV, Excel or Parquet: `item_id, item, group, year, weight`"
    unit = "weights"
    key = ("item_id", "group", "year")
    columns = {
        "item_id": pl.String(),
        "item": pl.String(),
        "group": pl.String(),
        "year": pl.Int32(),
        "weight": pl.Float64(),
    }
    faults = (
        missing(["item_id", "item", "group"], "item or group is missing"),
        missing("year", "year is missing or not a number"),
        outside("year", 1990, 2100, "year is not between 1990 and 2100"),
        Rule(~(pl.col("weight") >= 0), "weight is missing, negative or not a number", null_is_fault=True),
        outside("weight", 0, 1000, "weight is above 1000: weights are parts per thousand"),
    )
