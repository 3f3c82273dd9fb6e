"""Prices for days or periods in which a product was not seen: its last one, carried forward or moved with its class."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from ons_assets.lakehouse.sums import exact_mean
from ons_assets.prices.history import PRODUCT
from ons_assets.prices.indices.numbers import as_floats

SHELF_DAY = ["retailer", "item_id", "collected_on"]


def off_the_shelf(carried: pl.DataFrame, quotes: pl.DataFrame) -> pl.Series:
    """Return whether a carried price is for a day on which its shelf was collected, and the product was not there.

    Carried to such a day, the price of a product that left would stand for a product that nobody can buy.

    Parameters
    ----------
    carried
        Result of `carry_forward`.
    quotes
        All quotes, wrong ones too: a product with a mistyped price was there.
    """
    shelf = quotes.select(SHELF_DAY).unique().with_columns(shelf_seen=True)
    product = quotes.select(*PRODUCT, "collected_on").unique().with_columns(product_seen=True)
    return (
        carried.join(shelf, on=SHELF_DAY, how="left", maintain_order="left")
        .join(product, on=[*PRODUCT, "collected_on"], how="left", maintain_order="left")
        .select(pl.col("shelf_seen").fill_null(False) & ~pl.col("product_seen").fill_null(False))
        .to_series()
    )


def carry_forward(quotes: pl.DataFrame, *, days: int, last_day: date | None = None) -> pl.DataFrame:
    """Return quotes for the days after each one on which its product has none.

    Parameters
    ----------
    quotes
        Usable quotes: ``retailer``, ``item_id``, ``product_id``, ``collected_on``, ``collected_at_utc``,
        ``line`` and any other columns. Of quotes of one instant and line, as two runs may have, that of the last run
        counts, or the dearest.
    days
        Most days that a price is carried.
    last_day
        Day up to which prices are carried; by default the last day of the quotes.

    Returns
    -------
    DataFrame
        Copies of the last quote before each gap, with the days of the gap in ``collected_on`` and the day of
        the quote in ``carried_from``.
    """
    ties = [name for name in ("run", "price") if name in quotes.columns]
    end = last_day or quotes["collected_on"].max()
    last_of_day = (
        quotes.sort(*PRODUCT, "collected_on", "collected_at_utc", "line", *ties)
        .unique([*PRODUCT, "collected_on"], keep="last", maintain_order=True)
        .with_columns(
            gap=(pl.col("collected_on").shift(-1).over(PRODUCT) - pl.col("collected_on")).dt.total_days() - 1,
            left=(pl.lit(end, dtype=pl.Date) - pl.col("collected_on")).dt.total_days(),
        )
        .with_columns(filled=pl.min_horizontal(pl.col("gap").fill_null(days), "left", pl.lit(days)))
        .filter(pl.col("filled") > 0)
    )
    return (
        last_of_day.with_columns(step=pl.int_ranges(1, pl.col("filled") + 1))
        .explode("step")
        .with_columns(
            carried_from="collected_on", collected_on=pl.col("collected_on") + pl.duration(days=pl.col("step"))
        )
        .drop("gap", "left", "filled", "step")
    )


def class_mean(
    observed: pl.DataFrame, missing: pl.DataFrame, *, product: Sequence[str], of: Sequence[str]
) -> pl.DataFrame:
    """Move the last price of products that are missing in a period with the observed prices of their class.

    The price is that of the product's last period, times the geometric mean of the relatives between the two periods
    of the products of its class that were observed in both. Where there is none, the price is carried.

    Parameters
    ----------
    observed
        ``item_id``, ``period`` (sorts in time), the columns of `product`, and ``price``; one row a product and
        period, observed ones only.
    missing
        The same, for what is to be imputed; ``price`` is the carried one. A product without an earlier observed
        period keeps it.
    product
        Columns that together identify a product of an item.
    of
        Columns that say which class a product is of; some of ``item_id`` and `product`.

    Returns
    -------
    DataFrame
        `missing`, with ``price`` moved.

    References
    ----------
    Consumer Price Index Manual (IMF and others, 2020), chapter 6 (overall mean and class mean imputation).
    """
    observed, missing = as_floats(observed, "price"), as_floats(missing, "price")
    key = ["item_id", *product]
    last = observed.select(*key, since="period", last_price="price").sort("since")
    asked = missing.sort("period").join_asof(
        last, left_on="period", right_on="since", by=key, strategy="backward", check_sortedness=False
    )
    pairs = asked.drop_nulls("since").select(*of, "since", "period").unique()
    log_price = observed.select(*dict.fromkeys([*key, *of]), "period", log_price=pl.col("price").log())
    then = log_price.rename({"period": "since", "log_price": "log_then"})
    moves = (
        pairs.join(then, on=[*of, "since"])
        .join(log_price, on=list(dict.fromkeys([*of, *key, "period"])))
        .group_by(*of, "since", "period")
        .agg(move=exact_mean(pl.col("log_price") - pl.col("log_then")))
    )
    moved = pl.coalesce(pl.col("last_price") * pl.col("move").exp(), "price")
    return (
        asked.join(moves, on=[*of, "since", "period"], how="left", maintain_order="left")
        .with_columns(price=moved)
        .select(missing.columns)
    )
