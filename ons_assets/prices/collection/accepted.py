"""What people accepted: the day from which a level of the collection is usual, whatever it was before."""

import polars as pl

# The item of an acceptance that is about all that a retailer's collection brings.
ALL_ITEMS = "all"
ACCEPTED_SCHEMA = {"retailer": pl.String, "item_id": pl.String, "from_day": pl.Date}


def none_accepted() -> pl.DataFrame:
    """Return a table of acceptances with no row."""
    return pl.DataFrame(schema=ACCEPTED_SCHEMA)


def add_epochs(frame: pl.DataFrame, accepted: pl.DataFrame) -> pl.DataFrame:
    """Add ``epoch``: how many acceptances that concern a row hold on its day. History does not cross epochs.

    Parameters
    ----------
    frame : DataFrame
        `retailer`, `day` and, where rows are about items, `item_id`, null for the whole run.
    accepted : DataFrame
        `retailer`, `item_id` (or "all") and `from_day`, as the table `reference/accepted_levels`.

    Returns
    -------
    DataFrame
        `frame`, its rows in their order. Acceptances of an item concern the rows of that item alone, those of all items
        every row of the retailer.
    """
    of_all = _numbered(accepted.filter(pl.col("item_id") == ALL_ITEMS), ["retailer"])
    found = _joined(frame.with_row_index("place"), of_all, ["retailer"]).rename({"epoch_": "epoch"})
    if "item_id" in frame.columns:
        of_items = _numbered(accepted.filter(pl.col("item_id") != ALL_ITEMS), ["retailer", "item_id"])
        found = _joined(found, of_items, ["retailer", "item_id"])
        found = found.with_columns(epoch=pl.col("epoch") + pl.col("epoch_")).drop("epoch_")
    return found.sort("place").drop("place")


def _numbered(accepted: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    return (
        accepted.select(*by, "from_day")
        .unique()
        .sort(*by, "from_day")
        .with_columns(epoch_=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(by))
        .sort("from_day")
    )


def _joined(frame: pl.DataFrame, numbered: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    return (
        frame.sort("day")
        .join_asof(numbered, left_on="day", right_on="from_day", by=by, check_sortedness=False)
        .with_columns(pl.col("epoch_").fill_null(0))
        .drop("from_day")
    )
