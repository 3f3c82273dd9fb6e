"""Rules that drop a product from a period before its index is computed: dumping, and low sales."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from ons_assets.prices.indices.numbers import as_floats
from ons_assets.prices.indices.panel import FloatArray, Panel, make_panel


class Filtered(NamedTuple):
    """Quotes after a filter, and what it dropped.

    Attributes
    ----------
    kept
        The quotes that stay, as they came.
    dropped
        One row for each product and period that was dropped: ``product``, ``period``, ``filter`` and
        ``reason``, sorted.
    """

    kept: pl.DataFrame
    dropped: pl.DataFrame


def low_sales(quotes: pl.DataFrame | pl.LazyFrame, *, factor: float = 1.25) -> Filtered:
    """Drop products that hardly sell.

    A product that is sold in a period and in the one before is kept if the mean of its shares in the
    turnover of the two (among the products that both sell) is above 1 / (factor · n), n being the number of
    those products: a factor of 1.25 asks for four fifths of an average product's share. What is sold in one
    of the two only is not judged, nor is the first period.

    An unweighted index counts what is left alike, so the filter stands in for weights where an index has
    none. The authors compare two periods at a time, as a monthly chained index does; here what is dropped
    from a period is dropped from all its comparisons.

    Parameters
    ----------
    quotes
        Columns ``period``, ``product``, ``price`` and ``quantity``, as for `price_index`.
    factor
        The larger, the fewer products are dropped; above 0.

    Raises
    ------
    ValueError
        If the factor is not above 0, or there is no quantity.

    References
    ----------
    van der Grient and de Haan (2010), The use of supermarket scanner data in the Dutch CPI, joint ECE/ILO
    workshop on scanner data, Geneva, with the factor 1.25; Eurostat (2017), Practical guide for processing
    supermarket scanner data.

    Examples
    --------
    >>> rows = [(t, n, 1.0, q) for t in (1, 2) for n, q in (("a", 50), ("b", 49), ("c", 1))]
    >>> quotes = pl.DataFrame(rows, schema=["period", "product", "price", "quantity"], orient="row")
    >>> low_sales(quotes).dropped["reason"].item()
    'mean share 0.01 of the turnover is not above 0.2667'
    """
    if not factor > 0:
        raise ValueError(f"the factor of low sales must be above 0, not {factor}")
    frame = quotes.lazy().collect()
    panel = make_panel(as_floats(frame, "price", "quantity"))
    value = panel.value
    dropped: dict[int, str] = {}
    for period in range(1, panel.n_periods):
        before, now = panel.matched_rows(period - 1, period)
        if len(now) == 0:
            continue
        share = (value[before] / value[before].sum() + value[now] / value[now].sum()) / 2
        least = 1 / (factor * len(now))
        for row, part in zip(now, share, strict=True):
            # A share that is as large as the bound but for rounding is not above it.
            if part <= least * (1 + 1e-12):
                dropped[int(row)] = f"mean share {part:.4g} of the turnover is not above {least:.4g}"
    return _split(frame, panel, "low_sales", dropped)


def dump(
    quotes: pl.DataFrame | pl.LazyFrame,
    *,
    price_share: float = 0.6,
    quantity_share: float = 0.5,
    turnover_share: float | None = None,
    leaving: bool = True,
) -> Filtered:
    """Drop products at the prices at which a shop gets rid of them.

    A product is dumped in a period if both its price and its quantity are at most the given shares of those
    of the last period before that it was sold in and not dumped. A sale brings the quantity up; what is sold
    off cheaply while little is left of it says nothing of the price of what people go on buying, and an
    index that follows the product down never sees it come back.

    Parameters
    ----------
    quotes
        Columns ``period``, ``product``, ``price`` and ``quantity``, as for `price_index`.
    price_share, quantity_share
        Shares of the price and of the quantity before, above 0 and at most 1.
    turnover_share
        If given, the turnover is held against this share of the one before, and not the quantity.
    leaving
        Drop only the last periods of products that are gone by the last period of the quotes. In the newest
        period nobody knows yet whether a product leaves: it is kept then, and dropped later, which revises
        the index. False judges at once, whether the product leaves or not.

    Raises
    ------
    ValueError
        If a share is out of range, or there is no quantity.

    References
    ----------
    Eurostat (2017), Practical guide for processing supermarket scanner data, on dump filters; Van Loon and
    Roels (2018), Integrating big data in the Belgian CPI, meeting of the group of experts on consumer price
    indices, UNECE, Geneva.
    """
    shares = {"price_share": price_share, "quantity_share": quantity_share, "turnover_share": turnover_share}
    for name, share in shares.items():
        if share is not None and not 0 < share <= 1:
            raise ValueError(f"{name} of the dump filter must be above 0 and at most 1, not {share}")
    frame = quotes.lazy().collect()
    panel = make_panel(as_floats(frame, "price", "quantity"))
    newest = panel.period.max(initial=0)
    sold = ("quantity", panel.sold) if turnover_share is None else ("turnover", panel.value)
    sold_share = quantity_share if turnover_share is None else turnover_share
    dropped: dict[int, str] = {}
    for first, stop in zip(panel.offsets[:-1].tolist(), panel.offsets[1:].tolist(), strict=True):
        dumped = _dumped(panel, first, stop, sold, price_share, sold_share)
        if leaving:
            gone = panel.period[stop - 1] < newest
            dumped = _unbroken_to_the_end(dumped, stop) if gone else {}
        dropped |= dumped
    return _split(frame, panel, "dump", dropped)


def _dumped(
    panel: Panel, first: int, stop: int, sold: tuple[str, FloatArray], price_share: float, sold_share: float
) -> dict[int, str]:
    """Return the rows of one product that are dumped, each with the reason."""
    name, amount = sold
    dumped, before = {}, first
    for row in range(first + 1, stop):
        cheaper, fewer = panel.price[row] / panel.price[before], amount[row] / amount[before]
        if cheaper <= price_share and fewer <= sold_share:
            label = panel.periods[int(panel.period[before])]
            dumped[row] = f"price fell to {cheaper:.2f} and {name} to {fewer:.2f} of those of {label}"
        else:
            before = row
    return dumped


def _unbroken_to_the_end(dumped: dict[int, str], stop: int) -> dict[int, str]:
    """Keep the rows that follow one another up to the last row of the product."""
    first = stop
    while first - 1 in dumped:
        first -= 1
    return {row: dumped[row] for row in range(first, stop)}


FILTERS: dict[str, Callable[..., Filtered]] = {"dump": dump, "low_sales": low_sales}


def drop_products(quotes: pl.DataFrame | pl.LazyFrame, filters: Mapping[str, Mapping[str, Any]]) -> Filtered:
    """Apply several filters one after another, in the order given.

    Parameters
    ----------
    quotes
        Columns ``period``, ``product``, ``price`` and ``quantity``.
    filters
        Parameters by the name of the filter: ``{"dump": {"price_share": 0.5}, "low_sales": {}}``.

    Raises
    ------
    ValueError
        If a filter or a parameter is unknown, or as the filters do.
    """
    kept, dropped = quotes.lazy().collect(), []
    for name, parameters in filters.items():
        if name not in FILTERS:
            raise ValueError(f"unknown filter {name!r}. Filters: {', '.join(FILTERS)}")
        try:
            filtered = FILTERS[name](kept, **parameters)
        except TypeError:
            known = ", ".join(name for name in signature(FILTERS[name]).parameters if name != "quotes")
            raise ValueError(f"filter {name!r} takes {known}, not {', '.join(parameters)}") from None
        kept = filtered.kept
        dropped.append(filtered.dropped)
    return Filtered(kept, pl.concat(dropped) if dropped else _nothing(kept))


def _nothing(quotes: pl.DataFrame) -> pl.DataFrame:
    return quotes.select("product", "period", filter=pl.lit(""), reason=pl.lit("")).clear()


def _split(quotes: pl.DataFrame, panel: Panel, name: str, dropped: dict[int, str]) -> Filtered:
    rows = np.array(sorted(dropped), dtype=np.int64)
    table = pl.DataFrame(
        {
            "product": panel.products.gather(panel.product[rows]),
            "period": panel.periods.gather(panel.period[rows]),
            "filter": pl.Series([name] * len(rows), dtype=pl.String),
            "reason": pl.Series([dropped[int(row)] for row in rows], dtype=pl.String),
        }
    )
    kept = quotes.join(table, on=["product", "period"], how="anti", maintain_order="left")
    return Filtered(kept, table.sort("product", "period"))
