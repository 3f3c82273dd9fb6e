"""What is one product: where it is sold, and by what it is known."""

from collections.abc import Sequence

import polars as pl

PLACE = ("retailer", "outlet")


def place(columns: Sequence[str], within: Sequence[str] = PLACE) -> pl.Expr:
    """Return the place within which a product is followed, to stand where the retailer does.

    One name at 50 petrol stations is then 50 products, and what is said of a retailer is said of each of them.

    Parameters
    ----------
    columns
        Of the quotes; they may lack ``outlet``.
    within
        Of "retailer" and "outlet" those that tell a product from one of the same name; nothing follows it across
        the market.

    Returns
    -------
    Expr
        What was asked for, with " / " between. A quote without an outlet is of the retailer as a whole.
    """
    parts = [pl.col(name).cast(pl.String) for name in PLACE if name in within and name in columns]
    said = pl.concat_str(parts, separator=" / ", ignore_nulls=True) if parts else pl.lit("")
    return said.alias("retailer")


def known_by_number(packed: pl.DataFrame) -> pl.DataFrame:
    """Let the number of a product stand for its name where a quote has one.

    Numbers of digits alone (GTIN, EAN, UPC) are the same with and without leading zeros: spreadsheets lose them.

    Parameters
    ----------
    packed
        ``product_id`` and ``sku``.
    """
    sku = pl.col("sku").cast(pl.String).str.strip_chars().replace("", None)
    digits = sku.str.strip_chars_start("0")
    number = pl.when(sku.str.contains(r"^0*[1-9]\d*$")).then(digits).otherwise(sku)
    return packed.with_columns(product_id=pl.coalesce(number, pl.col("product_id").cast(pl.String)))
