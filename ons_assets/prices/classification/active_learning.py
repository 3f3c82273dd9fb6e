"""Which products a person should look at first: those whose label teaches the model most."""

import zlib
from collections.abc import Sequence

import polars as pl

from ons_assets.prices.classification.labels import PRODUCT
from ons_assets.prices.packs import stem


def review_order(products: pl.DataFrame, *, block: int, every: int) -> pl.DataFrame:
    """Order products by what their labels would teach, every so many by chance.

    Labels of unsure products alone are a picture of what is hard: the bound of confidence that they give is too strict,
    and where people disagree they are what people disagree on. Those by chance are a picture of all.

    Parameters
    ----------
    products
        As for `most_informative_first`.
    block
        Products of an item in a row, among those that are informative.
    every
        2: every second product is the next by chance; 3: every third; 0: none.

    Returns
    -------
    DataFrame
        The same rows, in an order that does not depend on that of the input.
    """
    informative = most_informative_first(products, block=block).with_row_index("_place")
    if every == 0:
        return informative.drop("_place")
    chance = informative.select(PRODUCT).with_columns(_by_chance().alias("_chance")).sort("_chance", *PRODUCT)
    first_of_both = pl.min_horizontal(pl.col("_place") * every / (every - 1), pl.col("_by_chance") * every + every - 1)
    return (
        informative.join(chance.with_row_index("_by_chance").drop("_chance"), on=PRODUCT, maintain_order="left")
        .sort(first_of_both, "_place")
        .select(products.columns)
    )


def most_informative_first(products: pl.DataFrame, *, block: int) -> pl.DataFrame:
    """Order products by what their labels would teach: unsure ones first, no two that are alike, all items in turn.

    A product is the more unsure the nearer its probability is to a half. Another pack of a product teaches little that
    the first did not, so that it comes after all others of its item. Items take turns, as many products at a time as a
    model needs to speak for an item, and those with the most products first: else the labels are those of the few
    items that are hardest. Among products that are as unsure the most quoted come first, and of those chance decides,
    by a hash: in the order of the alphabet they would be of one brand.

    Parameters
    ----------
    products
        ``retailer``, ``item_id``, ``name``, ``probability`` of being in scope, ``quotes``.
    block
        Products of an item in a row.

    Returns
    -------
    DataFrame
        The same rows, in an order that does not depend on that of the input.

    References
    ----------
    D. D. Lewis and W. A. Gale, "A sequential algorithm for training text classifiers", SIGIR 1994 (uncertainty
    sampling); B. Settles, "Active learning literature survey", University of Wisconsin-Madison, TR 1648 (2009), on
    diversity.
    """
    unsure = pl.struct(
        -(0.5 - (pl.col("probability") - 0.5).abs()).round(9), -pl.col("quotes").cast(pl.Int64), "_chance"
    )
    ranked = products.with_columns(
        _stem=pl.col("name").map_elements(stem, return_dtype=pl.String),
        _chance=_by_chance(),
    ).with_columns(_place=unsure.rank("ordinal"))
    ranked = ranked.sort("_place", *PRODUCT).with_columns(_again=_rank(["item_id", "_stem"]))
    ranked = ranked.sort("_again", "_place", *PRODUCT).with_columns(_rank=_rank(["item_id"]))
    return (
        ranked.with_columns(_turn=pl.col("_rank") // block, _size=pl.len().over("item_id"))
        .sort("_turn", "_size", "item_id", "_rank", descending=[False, True, False, False])
        .select(products.columns)
    )


def _rank(within: Sequence[str]) -> pl.Expr:
    """The place of each row among those of its group, in the order of the frame."""
    return pl.int_range(pl.len()).over(within)


def _by_chance() -> pl.Expr:
    """A number of each product that has nothing to do with what it is, and is the same on every day."""
    return pl.struct(PRODUCT).map_elements(_chance, return_dtype=pl.Int64)


def _chance(product: dict[str, str]) -> int:
    return zlib.crc32("|".join(product.values()).encode())
