"""Periods as callers write them: texts that sort in time, and others of the same type as those of the quotes."""

import re
from collections.abc import Sequence
from typing import Any

import polars as pl

RUN = re.compile(r"[0-9]+|[^\W\d_]+")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = re.compile(
    r"jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?"
)
YEAR = re.compile(r"(19|20)[0-9][0-9]")
# By itself, or with a month, or a month and a day.
LED_BY_YEAR = re.compile(rf"{YEAR.pattern}([0-9][0-9]){{0,2}}")
LENGTHS_OF_DATES = (6, 8)
# Of a number that is longer than any date.
LONGEST = 20


def sorted_in_time(periods: pl.Series) -> None:
    """Refuse texts that do not sort in time, or are written in several ways: periods would be in a false order.

    Names of months are known in English only, and of seasons none.

    Parameters
    ----------
    periods
        The column.

    Raises
    ------
    ValueError
        If the order of the texts is not that of their years, months and other numbers, or cannot be known, as of years
        of two digits; or if one of them has other signs than another, or is the same in other words.

    Examples
    --------
    >>> sorted_in_time(pl.Series(["2024-09", "2024-10"]))
    >>> sorted_in_time(pl.Series(["2024-9", "2024-10"]))
    Traceback (most recent call last):
    ValueError: the texts of the column period do not sort in time; dates do, and texts such as "2024-03" or "2024-W09"
    """
    if periods.dtype not in (pl.String, pl.Categorical):
        return
    texts = periods.cast(pl.String()).unique().sort().to_list()
    runs = [[_value(run) for run in RUN.findall(text)] for text in texts]
    if len({_notation(text) for text in texts}) > 1 or len({*map(tuple, runs)}) < len(texts):
        raise ValueError("the texts of the column period are written in several ways, so that their order is not known")
    order = [_in_time(text, each) for text, each in zip(texts, runs, strict=True)]
    if None in order or order != sorted(order, key=lambda each: each or []):
        raise ValueError(
            'the texts of the column period do not sort in time; dates do, and texts such as "2024-03" or "2024-W09"'
        )


def _notation(text: str) -> str:
    """A text with a sign for each run of digits and of letters: of one frequency all periods look alike."""
    return RUN.sub(lambda run: "0" if run[0].isdecimal() else "a", text)


def _value(run: str) -> int | str:
    """A run of digits as a number, other letters in lower case."""
    return int(run) if run.isdecimal() and len(run) <= LONGEST else run.lower()


def _in_time(text: str, runs: Sequence[int | str]) -> list[int] | None:
    """Return the numbers of a text in the order in which they count in time; None if which is the year is not known."""
    numbers = [run for run in runs if isinstance(run, int)]
    months = [MONTHS.index(run[:3]) for run in runs if isinstance(run, str) and MONTH.fullmatch(run)]
    first, *others = [number for number in RUN.findall(text) if number.isdecimal()] or [""]
    if LED_BY_YEAR.fullmatch(first):
        return [numbers[0], *months, *numbers[1:]]
    if others and YEAR.fullmatch(others[-1]):
        return [numbers[-1], *months, *numbers[-2::-1]]
    is_known = len(numbers) + len(months) < 2 and len(first) not in LENGTHS_OF_DATES
    return [*numbers, *months] if is_known else None


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
        raise ValueError(f"{name} must be of the type of the column period, {periods.dtype.base_type()}")
    return found
