"""Shelves that were renamed: a shelf is new, another of the same item is gone, and the products moved."""

import polars as pl

from ons_assets.parameters.collection import CollectionParameters

_SHELF = ["retailer", "item_id", "shelf"]


def renamed_shelves(quotes: pl.LazyFrame, runs: pl.LazyFrame, parameters: CollectionParameters) -> pl.DataFrame:
    """Find new shelves whose products come from a shelf of the same retailer and item that is gone.

    A shelf is new in a run when no run of the window before had it; a shelf is gone when the window had it and
    the run has not. The share that moved is the overlap coefficient [1]_: products in common over the products of
    the smaller of the two, so that a split, or a shelf that had grown, is recognised too.

    Parameters
    ----------
    quotes : LazyFrame
        Canonical quotes.
    runs : LazyFrame
        `retailer`, `run` and `day` of the runs to read.
    parameters : CollectionParameters
        Window and overlap.

    Returns
    -------
    DataFrame
        `retailer`, `run`, `day`, `item_id`, `finding`, `evidence`; one row per item with a renamed shelf.

    References
    ----------
    .. [1] D. Szymkiewicz, "Une contribution statistique à la géographie floristique", Acta Societatis
       Botanicorum Poloniae 11(3), 249-265, 1934.
    """
    shelved = quotes.join(runs, on=["retailer", "run"]).filter(pl.col("shelf").is_not_null())
    seen = shelved.select("retailer", "item_id", "shelf", "run", "day").unique().collect()
    window = pl.duration(days=parameters.window_days)
    item_runs = (
        seen.select("retailer", "item_id", "run", "day")
        .unique()
        .sort("retailer", "item_id", "run")
        .with_columns(previous_day=pl.col("day").shift().over("retailer", "item_id"))
    )
    new = (
        seen.sort(*_SHELF, "run")
        .with_columns(previous=pl.col("day").shift().over(_SHELF))
        .join(item_runs, on=["retailer", "item_id", "run", "day"])
        .filter(
            pl.col("previous_day") >= pl.col("day") - window,
            pl.col("previous").is_null() | (pl.col("previous") < pl.col("day") - window),
        )
        .select("retailer", "item_id", "run", "day", "shelf")
    )
    gone = (
        new.join(seen, on=["retailer", "item_id"], suffix="_old")
        .filter(
            pl.col("run_old") < pl.col("run"),
            pl.col("day_old") >= pl.col("day") - window,
        )
        .group_by("retailer", "item_id", "run", "day", "shelf", "shelf_old")
        .agg(pl.col("run_old").max())
        .join(
            seen.select("retailer", "item_id", "run", shelf_old="shelf"),
            on=["retailer", "item_id", "run", "shelf_old"],
            how="anti",
        )
    )
    if gone.is_empty():
        return _sentences(gone.with_columns(shared=pl.lit(0), smaller=pl.lit(0)).clear())
    return _sentences(_overlaps(shelved, gone).filter(pl.col("shared") >= parameters.shelf_overlap * pl.col("smaller")))


def _overlaps(shelved: pl.LazyFrame, gone: pl.DataFrame) -> pl.DataFrame:
    new_key = ["retailer", "item_id", "run", "shelf"]
    wanted = pl.concat(
        [
            gone.select(new_key),
            gone.select("retailer", "item_id", run="run_old", shelf="shelf_old"),
        ]
    ).unique()
    products = (
        shelved.join(wanted.lazy(), on=new_key, how="semi").group_by(new_key).agg(pl.col("product").unique()).collect()
    )
    old_products = products.rename({"run": "run_old", "shelf": "shelf_old", "product": "product_old"})
    return (
        gone.join(products, on=new_key)
        .join(old_products, on=["retailer", "item_id", "run_old", "shelf_old"])
        .with_columns(
            shared=pl.col("product").list.set_intersection("product_old").list.len(),
            smaller=pl.min_horizontal(pl.col("product").list.len(), pl.col("product_old").list.len()),
        )
        .filter(pl.col("shared") > 0)
    )


def _sentences(pairs: pl.DataFrame) -> pl.DataFrame:
    move = pl.format(
        "{} became {} ({} of {} products moved, {} %)",
        "shelf_old",
        "shelf",
        "shared",
        "smaller",
        (100 * pl.col("shared") / pl.col("smaller")).round(0).cast(pl.Int64),
    )
    return (
        pairs.sort(
            "retailer",
            "run",
            "item_id",
            "shared",
            "shelf",
            "shelf_old",
            descending=[False, False, False, True, False, False],
        )
        .group_by("retailer", "run", "day", "item_id", maintain_order=True)
        .agg(move.str.join("; "))
        .select(
            "retailer",
            "run",
            "day",
            "item_id",
            finding=pl.lit("shelf_renamed"),
            evidence=pl.format("Shelf {}.", pl.last()),
        )
    )
