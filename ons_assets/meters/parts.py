"""Tables of meters some buckets at a time, so that memory does not grow with the number of meters."""

from collections.abc import Iterator, Mapping

import polars as pl

# Meter-days that are worked at once: 40 MB of readings, and some hundred megabytes with what is made of them.
ROWS_AT_ONCE = 200_000


def parts(rows: pl.LazyFrame, *beside: pl.LazyFrame, at_once: int | None = None) -> Iterator[tuple[pl.DataFrame, ...]]:
    """Yield some buckets of a table, and the same buckets of tables beside it, each sorted by meter and time.

    Parameters
    ----------
    rows
        Table with `bucket` and `meter`; its rows decide how many buckets are yielded at once.
    beside
        Tables with the same buckets.
    at_once
        Most rows of the first table, unless one bucket has more; `ROWS_AT_ONCE` where left out.
    """
    counts = rows.group_by("bucket").len().collect()
    for names in groups(dict(counts.iter_rows()), at_once or ROWS_AT_ONCE):
        here = pl.col("bucket").is_in(names)
        yield tuple(_sorted(table.filter(here).collect()) for table in (rows, *beside))


def groups(rows: Mapping[str, int], at_once: int) -> Iterator[list[str]]:
    """Yield neighbouring buckets that have so many rows together, given the rows of each."""
    group: list[str] = []
    size = 0
    for name, count in sorted(rows.items()):
        if group and size + count > at_once:
            yield group
            group, size = [], 0
        group.append(name)
        size += count
    if group:
        yield group


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    order = ["meter", *(name for name in ("day", "first_day", "drop_id") if name in rows.columns)]
    return rows.sort(order)
