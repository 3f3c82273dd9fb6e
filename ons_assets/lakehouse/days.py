"""Days, so many at a time that memory does not grow with their number."""

from collections.abc import Sequence
from datetime import date

import polars as pl


def spans_of_days(
    rows: pl.LazyFrame, column: str, rows_at_once: int, days: Sequence[date] | None = None
) -> list[list[date]]:
    """Divide days, one after another, into spans of about so many rows.

    Parameters
    ----------
    rows, column
        Table with days, and the column of them.
    rows_at_once
        Rows of a span, unless one day has more.
    days
        Days that are wanted; None for all.
    """
    wanted = rows if days is None else rows.filter(pl.col(column).is_in(days))
    counts = wanted.group_by(column).len().sort(column).collect()
    number = (counts["len"].cum_sum() - 1) // rows_at_once
    spans = counts.with_columns(span=number).group_by("span", maintain_order=True).agg(column)
    return spans[column].to_list()
