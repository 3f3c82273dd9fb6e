"""Periods as callers write them: texts that sort in time, and others of the same type as those of the quotes."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

# "Mar 2024" and "2024-March" sort by the alphabet.
MONTH = r"(?i)(^|[^a-z])(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
NUMBER = re.compile(r"([0-9]+)")
YEAR_FIRST, YEAR_LAST = r"^(19|20)\d\d(\D|$)", r"(^|\D)(19|20)\d\d$"


def sorted_in_time(periods: pl.Series) -> None:
    """Refuse texts that do not sort in time, so that periods would be taken in a false order.

    Names of months are known in English only.

    Raises
    ------
    ValueError
        If they hold names of months, if a number has fewer digits than another in its place (``"2024-9"`` beside
        ``"2024-10"``), if the year comes last (``"09/2024"`` beside ``"10/2023"``), or if they are written in two ways
        (``"2019_06"`` beside ``"2019M05"`` and ``"2019M07"``).

    Examples
    --------
    >>> sorted_in_time(pl.Series(["2024-09", "2024-10"]))
    >>> sorted_in_time(pl.Series(["2024-9", "2024-10"]))
    Traceback (most recent call last):
    ValueError: the texts of the column period do not sort in time; dates do, and texts such as "2024-03" or "2024-W09"
    """
    if periods.dtype not in (pl.String, pl.Categorical):
        return
    texts = periods.cast(pl.String()).unique().sort()
    has_months = len(texts) > 1 and texts.str.contains(MONTH).any()
    if has_months or sorted(texts, key=_order_in_time(texts)) != texts.to_list():
        raise ValueError(
            'the texts of the column period do not sort in time; dates do, and texts such as "2024-03" or "2024-W09"'
        )


def _order_in_time(texts: pl.Series) -> Callable[[str], list[Any]]:
    if texts.str.contains(YEAR_FIRST).all():
        return _forwards
    return _backwards if texts.str.contains(YEAR_LAST).all() else _by_number


def _forwards(text: str) -> list[int]:
    """The numbers of a text whose year comes first, whatever stands between them (``"2019M05"``, ``"2019_06"``)."""
    return [int(number) for number in NUMBER.findall(text)]


def _by_number(text: str) -> list[str | int]:
    """A text with its runs of digits as numbers: every other part is one, so that like is compared with like."""
    return [int(part) if place % 2 else part for place, part in enumerate(NUMBER.split(text))]


def _backwards(text: str) -> list[int]:
    """The numbers of a text whose year comes last, by which it sorts in time."""
    return _forwards(text)[::-1]


def of_periods(name: str, values: Sequence[Any] | pl.Series, periods: pl.Series) -> pl.Series:
    """Return what a caller calls periods, as the column has them.

    Parameters
    ----------
    name
        Of the argument.
    values
        Its periods.
    periods
        The column.

    Raises
    ------
    ValueError
        If one is missing, or not of their type.
    """
    try:
        found = pl.Series("period", values, dtype=periods.dtype, strict=True)
    # Each type has its own errors, and some quote the value.
    except Exception:
        found = None
    if found is None or found.null_count() or (found.dtype != pl.Boolean and any(each is True for each in values)):
        raise ValueError(f"{name} must be of the type of the column period, {periods.dtype}")
    return found
