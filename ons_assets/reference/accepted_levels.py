"""Levels of a collection that a person accepted: what was a finding before is usual from a day on."""

import polars as pl

from ons_assets.intake.plain import PlainSource
from ons_assets.intake.rules import Rule, missing

ALL_ITEMS = "all"
LONGEST_NAME = 200


class AcceptedLevelFiles(PlainSource):
    """What people accepted of the findings of a collection, with who and when."""

    name = "accepted_levels"
    table = "reference/accepted_levels"
    files_are = "`retailer, from_day, accepted_by, accepted_on`, and if it is about one item `item_id`; `note`"
    unit = "acceptances"
    key = ("retailer", "item_id", "from_day")
    columns = {"retailer": pl.String(), "from_day": pl.Date(), "accepted_by": pl.String(), "accepted_on": pl.Date()}
    optional = {"item_id": pl.String(), "note": pl.String()}
    defaults = {"item_id": ALL_ITEMS}
    faults = (
        missing("retailer", "retailer is missing"),
        missing("from_day", "from_day is missing or no day"),
        missing("accepted_by", "does not say who accepted it"),
        missing("accepted_on", "does not say when it was accepted, or no day"),
        Rule(
            pl.col("accepted_by").str.len_chars() > LONGEST_NAME,
            f"who accepted it is longer than {LONGEST_NAME} characters",
        ),
        Rule(pl.col("from_day") > pl.col("accepted_on"), "was accepted before the day from which it holds"),
    )

    def derived(self, rows: pl.DataFrame) -> pl.DataFrame:
        """See `PlainSource.derived`; retailers are written in lower case everywhere."""
        return rows.with_columns(pl.col("retailer").str.to_lowercase())
