"""Runs of which many items stop at one and the same number: a page was read, and not the next."""

import polars as pl

from ons_assets.parameters.collection import CollectionParameters
from ons_assets.prices.collection.counts import RUN


def page_caps(judged: pl.DataFrame, epochs: pl.DataFrame, parameters: CollectionParameters) -> pl.DataFrame:
    """Find the runs whose largest items all have the same number of rows, or of products.

    Shelves differ in size; where half of them end at exactly 24, and none goes on, the pages end there. It takes few
    such items where they had more before, and it stays one for as long as they stop there. It takes many where nothing
    else is known, so that a collection that was cut from its first day on is found too; not if a person has accepted
    that level.

    Parameters
    ----------
    judged : DataFrame
        Result of `completeness.judge_items`.
    epochs : DataFrame
        `retailer`, `day` and `epoch`, see `accepted.add_epochs`.
    parameters : CollectionParameters
        Fewest products and items, and their share.

    Returns
    -------
    DataFrame
        `retailer`, `run`, `day`, `finding`, `evidence`; one row a run.
    """
    present = judged.filter(pl.col("products") > 0).join(epochs, on=["retailer", "day"])
    return (
        pl.concat(_stops(present, column, parameters) for column in ("rows", "products"))
        # Of rows and products, rows are what a page has.
        .sort(*RUN, "what", descending=[False, False, True])
        .unique([*RUN, "day"], keep="first", maintain_order=True)
        .select(
            *RUN,
            "day",
            finding=pl.lit("page_cap"),
            evidence=pl.format(
                "{} of {} items stop at exactly {} {}, and none has more.", "stopped", "items", "cap", "what"
            ),
        )
    )


def _stops(present: pl.DataFrame, column: str, parameters: CollectionParameters) -> pl.DataFrame:
    at_cap = pl.col(column) == pl.col(column).max()
    had_more = (pl.col("products_usual") > pl.col("products")).fill_null(False)
    same = ["cap", "epoch", "stops"]
    few = pl.col("had_more") >= parameters.page_cap_items
    many = (pl.col("epoch") == 0) & (pl.col("stopped") >= parameters.page_cap_items_unseen)
    return (
        present.group_by(*RUN, "day", "epoch")
        .agg(
            cap=pl.col(column).max().cast(pl.Int64),
            stopped=at_cap.sum(),
            had_more=(at_cap & had_more).sum(),
            items=pl.len(),
        )
        .with_columns(
            what=pl.lit(column),
            stops=(pl.col("cap") >= parameters.page_cap_products)
            & (pl.col("stopped") >= parameters.page_cap_items)
            & (pl.col("stopped") >= parameters.page_cap_share * pl.col("items")),
        )
        .sort("retailer", "day", "run")
        # Runs one after the other that stop at the same number are one fault.
        .with_columns(fault=pl.struct(same).rle_id().over("retailer"))
        .with_columns(found=(few | many).cum_max().over("retailer", "fault", order_by=["day", "run"]))
        .filter("stops", "found")
    )
