"""The panel of prices: quotes checked, averaged and laid out as arrays, product by product."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.prices.indices.averages import average_prices, unit_values

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Panel:
    """Prices of products over periods; a product has at most one price a period.

    Attributes
    ----------
    periods
        Labels of the T periods, ascending.
    products
        Labels of the products that have a price.
    offsets : (products + 1,)
        Product p owns the prices ``offsets[p]:offsets[p + 1]``, in ascending period.
    period : (prices,)
        Period number, 0 to T - 1.
    price, quantity : (prices,)
        Positive numbers; quantity is zero for a price that was carried, and None where the quotes have none.
    features
        One row a product: what the other columns of its first quote say. None unless asked for.
    """

    periods: pl.Series
    products: pl.Series
    offsets: npt.NDArray[np.int64]
    period: npt.NDArray[np.int32]
    price: FloatArray
    quantity: FloatArray | None
    features: pl.DataFrame | None = None

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return len(self.periods)

    @cached_property
    def log_price(self) -> FloatArray:
        """Natural logarithm of the prices."""
        return np.log(self.price)

    @cached_property
    def product(self) -> npt.NDArray[np.int64]:
        """Product number of each price."""
        return np.repeat(np.arange(len(self.products)), np.diff(self.offsets))

    @property
    def sold(self) -> FloatArray:
        """Quantity of each price; ValueError where the quotes have none."""
        if self.quantity is None:
            raise ValueError("this method needs a column quantity")
        return self.quantity

    @cached_property
    def value(self) -> FloatArray:
        """Turnover of each price."""
        return self.price * self.sold

    @cached_property
    def products_in_period(self) -> npt.NDArray[np.int64]:
        """Number of products with a price, for each period."""
        return np.bincount(self.period, minlength=self.n_periods)

    @cached_property
    def _by_period(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        order = np.argsort(self.period, kind="stable")
        return order, np.concatenate([[0], np.cumsum(self.products_in_period)])

    def rows_in_period(self, period: int) -> npt.NDArray[np.int64]:
        """Positions of the prices of one period, in the order of the products."""
        order, starts = self._by_period
        return order[starts[period] : starts[period + 1]]

    def by_period(self, of_price: FloatArray, missing: float = np.nan) -> FloatArray:
        """Lay a value of each price out as (T, products); `missing` where a product has no price."""
        laid_out = np.full((self.n_periods, len(self.products)), missing)
        laid_out[self.period, self.product] = of_price
        return laid_out

    def matched_rows(self, first: int, *others: int) -> list[IntArray]:
        """Positions of the prices of the products that all given periods share, one array a period."""
        rows: list[IntArray] = [self.rows_in_period(first)]
        for other in others:
            place = np.full(len(self.products), -1)
            place[self.product[self.rows_in_period(other)]] = self.rows_in_period(other)
            found = place[self.product[rows[0]]]
            rows = [row[found >= 0] for row in rows] + [found[found >= 0]]
        return rows

    def between(self, first: int, stop: int) -> "Panel":
        """Return the panel of the periods ``first`` to ``stop - 1``."""
        inside = (self.period >= first) & (self.period < stop)
        kept = np.bincount(self.product[inside], minlength=len(self.products))
        return Panel(
            periods=self.periods[first:stop],
            products=self.products.filter(pl.Series(kept > 0)),
            offsets=np.concatenate([[0], np.cumsum(kept[kept > 0])]),
            period=self.period[inside] - np.int32(first),
            price=self.price[inside],
            quantity=None if self.quantity is None else self.quantity[inside],
        )


def make_panel(
    quotes: pl.DataFrame | pl.LazyFrame,
    *,
    periods: Sequence[Any] | pl.Series | None = None,
    carry: bool = False,
    with_features: bool = False,
) -> Panel:
    """Check quotes and lay them out as a panel.

    Several quotes of a product in a period become one price: the unit value where there are quantities,
    else the geometric mean. Quotes without a positive price (and quantity, where there is one) are left
    out; their period stays, so that an index shows it as missing.

    Parameters
    ----------
    quotes
        Columns ``period`` (any type that sorts), ``product``, ``price`` and, if known, ``quantity``.
    periods
        All periods that the index must show; by default those of the quotes.
    carry
        Fill the gaps between two prices of a product with the earlier one, at quantity zero.
    with_features
        Keep the columns that describe the products.

    Returns
    -------
    Panel

    Raises
    ------
    ValueError
        If a column is missing, or a quote has no period or no product.
    """
    frame = quotes.lazy().collect()
    missing = {"period", "product", "price"} - set(frame.columns)
    if missing:
        raise ValueError(f"quotes lack the column(s) {', '.join(sorted(missing))}")
    for column in ("period", "product"):
        if frame[column].null_count():
            raise ValueError(f"{frame[column].null_count()} quote(s) have no {column}")
    has_quantity = "quantity" in frame.columns
    averaged = (unit_values if has_quantity else average_prices)(frame, by=("product", "period"))
    labels = frame["period"] if periods is None else pl.Series(periods, dtype=frame["period"].dtype)
    labels = labels.unique().sort().alias("period")
    outside = averaged.join(labels.to_frame(), on="period", how="anti")
    if outside.height:
        raise ValueError(f"{outside.height} quote(s) lie in a period that is not among the given periods")
    averaged = averaged.join(
        labels.to_frame().with_row_index("period_number"), on="period", how="left", maintain_order="left"
    )
    if carry:
        averaged = _carried(averaged)
    lengths = averaged["product"].rle().struct.unnest()
    return Panel(
        periods=labels,
        products=lengths["value"].alias("product"),
        offsets=np.concatenate([[0], np.cumsum(lengths["len"].to_numpy(), dtype=np.int64)]),
        period=averaged["period_number"].cast(pl.Int32).to_numpy(),
        price=averaged["price"].to_numpy(),
        quantity=averaged["quantity"].to_numpy() if has_quantity else None,
        features=_features(frame, lengths["value"]) if with_features else None,
    )


def _features(quotes: pl.DataFrame, products: pl.Series) -> pl.DataFrame:
    """Return the description of each product by its first quote, in the order of `products`.

    Of several quotes in that period, the one whose description comes first in the order of values counts.
    """
    kept = quotes.drop("price", "quantity", strict=False)
    described = kept.sort("period", pl.exclude("period", "product"), nulls_last=True)
    described = described.unique("product", keep="first", maintain_order=True)
    return (
        products.alias("product")
        .to_frame()
        .join(described, on="product", how="left", maintain_order="left")
        .drop("product", "period")
    )


def _carried(averaged: pl.DataFrame) -> pl.DataFrame:
    """Repeat the price of each product up to its next one; what is repeated was not sold."""
    next_period = pl.col("period_number").shift(-1).over("product", order_by="period_number")
    first = pl.col("period_number")
    spread = averaged.with_columns(
        filled=pl.int_ranges(first, pl.coalesce(next_period, first + 1), dtype=pl.UInt32)
    ).explode("filled")
    if "quantity" in spread.columns:
        sold = pl.col("filled") == pl.col("period_number")
        spread = spread.with_columns(quantity=pl.when(sold).then("quantity").otherwise(0.0))
    return spread.with_columns(period_number="filled").drop("filled")
