"""Prices for days on which a product was not seen: the last one, carried forward for a while and flagged."""

from datetime import date

import polars as pl

from ons_assets.prices.history import PRODUCT

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
