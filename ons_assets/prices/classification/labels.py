"""Labels by people: every version is kept, the latest of a product counts."""

import polars as pl

from ons_assets.prices.packs import plain

PRODUCT = ("retailer", "item_id", "name")


def add_name(frame: pl.DataFrame) -> pl.DataFrame:
    """Add ``name``: the product's name in capitals without punctuation, so that a label survives a new comma."""
    names = frame.select(pl.col("product").unique())
    plain_names = names.with_columns(name=pl.col("product").map_elements(plain, return_dtype=pl.String))
    return frame.join(plain_names, on="product", how="left", maintain_order="left")


def current(labels: pl.DataFrame) -> pl.DataFrame:
    """Return the labels that count.

    Parameters
    ----------
    labels
        As the table `reference/product_labels`: all that people ever said.

    Returns
    -------
    DataFrame
        ``retailer``, ``item_id``, ``name``, ``product``, ``in_scope``, ``labelled_by``, ``labelled_at_utc``; one row
        a product: the latest. Of two labels of the same instant the one that is out of scope counts.
    """
    return (
        add_name(labels)
        .sort("labelled_at_utc", "in_scope", "labelled_by", "product", descending=[True, False, False, False])
        .unique(PRODUCT, keep="first", maintain_order=True)
        .select(*PRODUCT, "product", "in_scope", "labelled_by", "labelled_at_utc")
        .sort(PRODUCT)
    )
