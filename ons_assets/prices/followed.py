"""What an index follows: which product, at which price, with which quotes left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ons_assets.parameters.prices import IndexParameters
from ons_assets.prices.identity import place

OUT_OF_SCOPE = "out_of_scope"
# A product is followed within a shop; a pack of another shop is another product. The price of a pack is
# followed from pack to pack, the price of a kilogram from a product to its relaunch in another size.
PRODUCT_OF = {"pack": ("retailer", "product_id"), "unit": ("retailer", "lineage_id")}
# Of each price: itself, and what is sold at it, in packs and in units.
PRICE_OF = {"pack": pl.col("price"), "unit": pl.col("price_per_unit")}
SOLD_OF = {"pack": pl.col("quantity"), "unit": pl.col("quantity") * pl.col("pack_quantity")}
# What the price without an offer is of the price with it.
CUT_OF = {"paid": pl.lit(1.0), "regular": pl.col("regular_price") / pl.col("price")}


@dataclass(frozen=True)
class Followed:
    """Quotes as an index follows them.

    Parameters
    ----------
    product
        Columns that together identify a product of an item.
    quotes
        All quotes, with the place within which products are followed as ``retailer``, ``price`` as it is followed, and
        ``quantity``, what was sold at it: null where that is not known, and for what is imputed.
    usable
        Those of them that the index uses.
    excluded
        Those that the parameters leave out.
    """

    product: tuple[str, ...]
    quotes: pl.LazyFrame
    usable: pl.LazyFrame
    excluded: pl.LazyFrame


def followed(quotes: pl.LazyFrame, parameters: IndexParameters, excludes: Sequence[str] | None = None) -> Followed:
    """Return quotes as an index of these parameters follows them.

    Parameters
    ----------
    quotes
        As the table `prices/checked_quotes`; without ``outlet`` and ``quantity`` all are of one outlet, and unknown.
    parameters
        Which product is followed, at which price.
    excludes
        Flags of the quotes that are left out; None for those of the parameters.
    """
    names = quotes.collect_schema().names()
    sold = SOLD_OF[parameters.price] if "quantity" in names else pl.lit(None, dtype=pl.Float64)
    excluded = is_excluded(parameters.excludes if excludes is None else excludes)
    priced = quotes.with_columns(
        place(names, parameters.followed_within),
        price=PRICE_OF[parameters.price] * CUT_OF[parameters.offers],
        quantity=pl.when(~pl.col("imputed")).then(sold),
    )
    return Followed(
        PRODUCT_OF[parameters.price],
        priced,
        priced.filter(~excluded, pl.col("price") > 0),
        priced.filter(excluded),
    )


def is_excluded(flags: Sequence[str]) -> pl.Expr:
    """Return whether a checked quote has one of the flags; "out_of_scope" is the absence of `in_scope`."""
    return pl.any_horizontal(
        pl.lit(False), *(~pl.col("in_scope") if flag == OUT_OF_SCOPE else pl.col(flag) for flag in flags)
    )
