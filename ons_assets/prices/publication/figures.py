"""Figures as they are published: on the reference period, as rates, and rounded last."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Literal

import polars as pl

from ons_assets.lakehouse.sums import exact_mean

Rounding = Literal["half-up", "half-even"]
ROUNDINGS = {"half-up": ROUND_HALF_UP, "half-even": ROUND_HALF_EVEN}
# Digits that a computation is trusted with: 104.04999999999998 is 104.05, and a half.
TRUSTED = Decimal("1e-9")
MONTHS_OF_YEAR = 12


def round_figure(value: float, decimals: int, rounding: Rounding = "half-up") -> float:
    """Round a figure as a person would who reads its decimal digits.

    The binary number nearest to 104.05 lies below it; the digits decide, not the binary number. What a computation
    leaves in the tenth decimal is no digit.

    Parameters
    ----------
    value
        Index or rate.
    decimals
        Decimals that stay.
    rounding
        Where a half goes: "half-up" away from zero, of negative numbers too; "half-even" to the even digit.

    Examples
    --------
    >>> round_figure(104.05, 1), round_figure(104.15, 1), round_figure(-0.25, 1)
    (104.1, 104.2, -0.3)
    >>> round_figure(104.05, 1, "half-even"), round_figure(104.15, 1, "half-even")
    (104.0, 104.2)
    """
    digits = Decimal(repr(value)).quantize(TRUSTED, ROUND_HALF_EVEN)
    rounded = float(digits.quantize(Decimal(1).scaleb(-decimals), ROUNDINGS[rounding]))
    return rounded or 0.0  # a fall too small to see is no -0.0


def rounded(values: pl.Expr, decimals: int, rounding: Rounding) -> pl.Expr:
    """Return figures rounded by `round_figure`; null stays null, and what is no finite number becomes null.

    Parameters
    ----------
    values
        Of a column of numbers.
    decimals, rounding
        As for `round_figure`.
    """
    return pl.when(values.is_finite()).then(
        values.map_elements(lambda value: round_figure(value, decimals, rounding), return_dtype=pl.Float64)
    )


def month_number(period: str | pl.Expr = "period") -> pl.Expr:
    """Return the number of a month such as 2016-07, so that neighbouring months differ by one."""
    column = pl.col(period) if isinstance(period, str) else period
    return column.str.slice(0, 4).cast(pl.Int32) * MONTHS_OF_YEAR + column.str.slice(5, 2).cast(pl.Int32) - 1


def re_reference(
    series: pl.DataFrame, reference: str | None, by: Sequence[str], *, on: pl.Expr | None = None
) -> pl.DataFrame:
    """Scale series so that they are 100 in a reference period; no rate changes.

    Parameters
    ----------
    series
        Columns of `by`, ``period`` (months), ``index`` and ``base_period``, the month in which it is 100.
    reference
        A year, whose arithmetic mean of twelve months becomes 100, or a month; None leaves the series as they are.
    by
        Columns that identify a series.
    on
        Which rows the reference may be made of; None for all.

    Returns
    -------
    DataFrame
        The rows in their order, with ``index`` scaled and ``reference_period``: the reference, or where a series lacks
        the month or one of the months of the year, its base period, and then its index is as it was.

    References
    ----------
    Consumer Price Index Manual (IMF and others, 2020), chapter 9, on re-referencing.
    """
    if reference is None:
        return series.with_columns(reference_period="base_period")
    needed = MONTHS_OF_YEAR if len(reference) == len("2015") else 1
    levels = (
        series.filter(pl.lit(True) if on is None else on)
        .filter(pl.col("period").str.starts_with(reference), pl.col("index").is_not_null())
        .group_by(by)
        .agg(level=exact_mean("index"), months=pl.len())
        .filter(pl.col("months") == needed)
        .select(*by, "level")
    )
    has_level = pl.col("level").is_not_null()
    return (
        series.join(levels, on=by, how="left", maintain_order="left")
        .with_columns(
            index=pl.when(has_level).then(100 * pl.col("index") / pl.col("level")).otherwise("index"),
            reference_period=pl.when(has_level).then(pl.lit(reference)).otherwise("base_period"),
        )
        .drop("level")
    )


def rate_of_change(series: pl.DataFrame, months: int, by: Sequence[str]) -> pl.Series:
    """Return by how many per cent each index lies above the one so many months of the calendar before; null without.

    Parameters
    ----------
    series
        Columns of `by`, ``period`` (months) and ``index``; one row a series and month.
    months
        1 or 12, or any other horizon.
    by
        Columns that identify a series.
    """
    numbered = series.select(*by, "index", number=month_number())
    earlier = numbered.select(*by, pl.col("number") + months, earlier="index")
    return (
        numbered.join(earlier, on=[*by, "number"], how="left", maintain_order="left")
        .select(rate=100 * (pl.col("index") / pl.col("earlier") - 1))
        .to_series()
    )
