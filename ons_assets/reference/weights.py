"""Files of weights: of items in groups, and of retailers in what the households of an area spend."""

import polars as pl

from ons_assets.geography.area_codes import not_codes
from ons_assets.intake import values
from ons_assets.intake.layouts import Layout
from ons_assets.intake.plain import PlainSource
from ons_assets.intake.rules import Rule, missing, outside

# Of what households spend, in any unit: shares, per cent, or money of a country.
MOST_SPENT = 1e12
# Parts of sums of smaller ones have no digits left, and would be no numbers.
LEAST_SPENT = 1 / MOST_SPENT


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


_OF_SHARES = (
    missing("area", "area is missing"),
    not_codes("area"),
    missing("retailer", "retailer is missing"),
    missing("year", "year is missing or not a number"),
    outside("year", 1990, 2100, "year is not between 1990 and 2100"),
    Rule(~(pl.col("spending_share") >= 0), "share is missing, negative or not a number", null_is_fault=True),
    outside("spending_share", 0, MOST_SPENT, "share is beyond all bounds"),
    Rule((pl.col("spending_share") > 0) & (pl.col("spending_share") < LEAST_SPENT), "share is beyond all bounds"),
    outside("share_error", 0, MOST_SPENT, "standard error of the share is negative, or beyond all bounds"),
    outside("households_asked", 1, MOST_SPENT, "number of households is not a whole number above zero"),
    Rule(
        pl.struct("spending_share", "share_error", "households_asked").n_unique().over("area", "year", "retailer") > 1,
        "another line says something else of the retailer in the area and year",
    ),
)


class RetailerShareFiles(PlainSource):
    """Which retailers serve the households of an area."""

    name = "retailer_shares"
    table = "reference/retailer_shares"
    files_are = "`area, retailer, year, spending_share`, and if known `share_error` and `households_asked`"
    unit = "shares"
    key = ("area", "retailer", "year")
    # Shares of an area are parts of one whole: those of two files, in two units it may be, are none.
    identity = ("area", "year")
    columns = {
        "area": pl.String(),
        "retailer": pl.String(),
        "year": pl.Int32(),
        "spending_share": pl.Float64(),
    }
    optional = {"share_error": pl.Float64(), "households_asked": pl.Int64()}
    faults = (
        *_OF_SHARES,
        Rule(
            pl.any_horizontal(rule.holds for rule in _OF_SHARES).any().over("area", "year"),
            "another share of the area and year is refused, and shares are parts of one whole",
        ),
    )

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `PlainSource.typed`; a number of households that cannot be read, such as `<20`, may hide few: it is 0."""
        read = super().typed(rows, layout)
        if "households_asked" not in rows.columns:
            return read
        asked = read["households_asked"]
        is_unread = asked.is_null() & values.text(rows["households_asked"]).is_not_null()
        return read.with_columns(asked.set(is_unread, 0))

    def derived(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Shops are called as quotes call them: in lower case."""
        return rows.with_columns(pl.col("retailer").str.to_lowercase())
