"""The price of a product in a period: observed if it was observed at all, else imputed, and never a mixture."""

import polars as pl

from ons_assets.parameters.prices import IndexParameters
from ons_assets.prices.imputation import class_mean
from ons_assets.prices.indices import average_prices
from ons_assets.prices.sales import product_prices

SHELF = ("retailer", "item_id")
# Products whose relatives say how the imputed price of another moves; the last class that has any counts.
CLASSES = {"class-mean": (("item_id",),), "class-mean-of-retailer": (("item_id",), SHELF)}


def period_prices(
    quotes: pl.LazyFrame, usable: pl.LazyFrame, product: tuple[str, ...], parameters: IndexParameters
) -> pl.DataFrame:
    """Give each product one price in each period in which it was observed, or may be imputed.

    Parameters
    ----------
    quotes
        All quotes of `prices/checked_quotes`, with ``period`` (a date): they say which shelves were collected.
    usable
        Those of them that an index may use, with the ``price`` that it follows and the ``quantity`` sold at it.
    product
        Columns that together identify a product of an item.
    parameters
        Which periods are imputed, and how.

    Returns
    -------
    DataFrame
        ``item_id``, ``period``, the columns of `product`, ``price`` (turnover divided by quantity where the product was
        sold in the period, else the geometric mean of its observed quotes; where there is none, of the carried ones, or
        moved with the class), ``quantity`` (null where nothing is known to have been sold) and ``imputed``; one row a
        product and period, sorted.

    References
    ----------
    Consumer Price Index Manual (IMF and others, 2020), chapter 6, on prices that are missing for a time; U.S. Bureau of
    Labor Statistics, "Imputation" (bls.gov/cpi/tables/imputation.htm), for the order of the classes: the nearest, a
    wider one, and the price carried forward.
    """
    key = ("item_id", "period", *product)
    observed = product_prices(usable.filter(~pl.col("imputed")), by=key)
    filled = average_prices(usable.filter("imputed"), by=key).join(observed, on=key, how="anti")
    if parameters.imputed_periods == "not_collected":
        filled = _without_those_that_left(filled, quotes, product)
    for each in CLASSES.get(parameters.imputation, ()):
        filled = class_mean(observed, filled, product=product, of=each)
    columns = (*key, "price")
    unsold = pl.lit(None, dtype=pl.Float64).alias("quantity")
    return pl.concat(
        [
            observed.select(*columns, pl.col("quantity").cast(pl.Float64), imputed=pl.lit(False)),
            filled.select(*columns, unsold, imputed=pl.lit(True)),
        ]
    ).sort(key)


def _without_those_that_left(filled: pl.DataFrame, quotes: pl.LazyFrame, product: tuple[str, ...]) -> pl.DataFrame:
    """Leave out prices for periods in which the shelf was collected, and the product was not on it.

    Carried into such a period, the price of the days before would stand beside what is observed there. A product of
    which only wrong prices were seen was there.
    """
    seen = quotes.filter(~pl.col("imputed")).select("item_id", "period", *product).unique().collect()
    shelves = seen.select(*SHELF, "period").unique()
    gone = filled.join(seen, on=["item_id", "period", *product], how="anti").join(
        shelves, on=[*SHELF, "period"], how="semi"
    )
    return filled.join(gone, on=["item_id", "period", *product], how="anti")
