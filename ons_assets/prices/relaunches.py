"""Relaunches: a product in a new pack in the place of one that left the shelf.

Another size of a range is no relaunch. A relaunch has the name of what it replaces, or nearly; the same container, and
as many of it; a content that changed by a bounded factor, at a price that did; and it came when the other had gone.
"""

import polars as pl

from ons_assets.prices.history import PRODUCT

SHELF = ["retailer", "item_id"]
# What is sold loose has a weight on the page, and no pack.
LOOSE = "LOOSE"
# Lists of words take memory; no more pairs than these have them at once.
PAIRS_AT_A_TIME = 500_000
# Names are compared within these, so that not every product of a shelf is held against every other.
BLOCK = [*SHELF, "pack_unit", "first_word"]


def relaunches(
    products: pl.DataFrame,
    *,
    gap_days: int,
    overlap_days: int,
    most_change: float = 1.5,
    most_price_change: float = 2.1,
    similarity: float = 0.85,
) -> pl.DataFrame:
    """Match new products with those that they replaced.

    Parameters
    ----------
    products
        Result of `lineages.products_of`.
    gap_days
        Most days from the last of one to the first of the other.
    overlap_days
        Most days on which both may be seen, while stocks run out; 0 allows none.
    most_change
        Factor by which the content may change at most, to less or to more.
    most_price_change
        The same of the price of the pack.
    similarity
        Least share of the words of both names, packs apart, that both have.

    Returns
    -------
    DataFrame
        ``retailer``, ``item_id``, ``product_id``, ``replaces``, ``first_day``, ``kind`` ("smaller pack" or
        "larger pack"), ``quantity_before``, ``quantity_after``, ``pack_unit``, ``price_before``,
        ``price_after``, ``unit_price_change`` (a share: 0.11 is 11 % dearer per unit), ``evidence``. Each
        product replaces at most one, and is replaced by at most one.
    """
    pairs = _pairs(products, gap_days, overlap_days, most_change, most_price_change, similarity)
    # The most alike, then the nearest in size and price, then in time, is the one that was replaced.
    matched = (
        pairs.sort(
            pl.col("alike").round(6),
            (pl.col("change").abs() + pl.col("price_change").abs()).round(9),
            "gap",
            "product_id",
            "product_id_before",
            descending=[True, False, False, False, False],
        )
        .unique([*PRODUCT], keep="first", maintain_order=True)
        .unique([*SHELF, "product_id_before"], keep="first", maintain_order=True)
    )
    return _described(matched)


def _pairs(
    products: pl.DataFrame,
    gap_days: int,
    overlap_days: int,
    most_change: float,
    most_price_change: float,
    similarity: float,
) -> pl.DataFrame:
    """Products of a shelf that came in the days after, or within the overlap before, another of its unit left.

    What is cheap to compare is compared first: where a shop writes all names anew on one day, all are held against all.
    """
    known = (
        products.drop_nulls(["pack_quantity", "stem", "pack_unit"])
        # "S" and "&" are no words.
        .with_columns(words=pl.col("stem").str.extract_all(r"\w{2,}|\d"))
        .filter(pl.col("words").list.len() > 0, ~pl.col("words").list.contains(LOOSE))
        .with_columns(first_word=pl.col("words").list.first(), words=pl.col("words").list.unique())
        .with_row_index("place")
    )
    block = pl.struct(BLOCK).rank("dense").alias("block")
    numbers = known.select(
        "place", block, "first_day", "last_day", "pack_quantity", "first_price", "last_price", "containers", "container"
    )
    days = pl.DataFrame({"gap": pl.int_range(1 - overlap_days, gap_days + 1, eager=True)})
    left = numbers.join(days, how="cross").with_columns(came=pl.col("last_day") + pl.duration(days="gap"))
    change = (pl.col("pack_quantity") / pl.col("pack_quantity_before")).log()
    price_change = (pl.col("first_price") / pl.col("last_price_before")).log()
    near = (
        numbers.lazy()
        .join(left.lazy(), left_on=["block", "first_day"], right_on=["block", "came"], suffix="_before")
        .filter(
            pl.col("first_day_before") < pl.col("first_day"),
            pl.col("last_day") > pl.col("last_day_before"),
            change.abs().is_between(0.005, pl.lit(most_change).log() + 1e-9),
            price_change.abs() <= pl.lit(most_price_change).log() + 1e-9,
            pl.col("containers") == pl.col("containers_before"),
            pl.col("container").eq(pl.col("container_before")).fill_null(True),
        )
        .select("place", "place_before", "gap", change=change, price_change=price_change)
        .collect()
    )
    both = pl.col("words").list.set_intersection("words_before").list.len()
    either = pl.col("words").list.set_union("words_before").list.len()
    words = known.select("place", "words")
    words_before = words.select(pl.all().name.suffix("_before"))
    alike = [
        part.join(words, on="place")
        .join(words_before, on="place_before")
        .with_columns(alike=both / either)
        .drop("words", "words_before")
        .filter(pl.col("alike") >= similarity)
        for part in near.iter_slices(PAIRS_AT_A_TIME)
    ]
    found = pl.concat([near.clear().with_columns(alike=pl.lit(None, dtype=pl.Float64)), *alike])
    before = known.select(pl.all().name.suffix("_before"))
    return found.join(known, on="place").join(before, on="place_before")


def _described(pairs: pl.DataFrame) -> pl.DataFrame:
    change = (pl.col("price_after") / pl.col("quantity_after")) / (pl.col("price_before") / pl.col("quantity_before"))
    return (
        pairs.select(
            *PRODUCT,
            replaces="product_id_before",
            first_day="first_day",
            kind=pl.when(pl.col("change") < 0).then(pl.lit("smaller pack")).otherwise(pl.lit("larger pack")),
            quantity_before="pack_quantity_before",
            quantity_after="pack_quantity",
            pack_unit="pack_unit",
            price_before="last_price_before",
            price_after="first_price",
            last_day_before="last_day_before",
        )
        .with_columns(unit_price_change=change - 1)
        .with_columns(
            evidence=pl.format(
                "{}: replaces {}, last seen {}; {} to {} {}, price {} to {}, price per {} {} %",
                "kind",
                "replaces",
                "last_day_before",
                pl.col("quantity_before").round(3),
                pl.col("quantity_after").round(3),
                "pack_unit",
                pl.col("price_before").round(2),
                pl.col("price_after").round(2),
                "pack_unit",
                pl.when(change > 1).then(pl.lit("+")).otherwise(pl.lit(""))
                + (100 * (change - 1)).round(1).cast(pl.String),
            )
        )
        .drop("last_day_before")
        .sort(PRODUCT)
    )
