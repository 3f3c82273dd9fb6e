"""Buckets: units (meters, users, devices) divided evenly, so that memory does not grow with their number.

A unit's pseudonym is a hash, so any part of it spreads evenly; its bucket is the remainder by the number
of buckets. Tables of units are partitioned by `bucket` and worked some buckets at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

Key = TypeVar("Key", int, str)

# Buckets of users and of devices; meters have a parameter, for a trial may be small.
BUCKETS = 64
# Rows that are worked at once. Of meter-days: 40 MB of readings, and some hundred megabytes with what is made of them.
ROWS_AT_ONCE = 200_000


def bucket_of(pseudonym: npt.NDArray[np.int64], buckets: int = BUCKETS) -> npt.NDArray[np.uint8]:
    """Return the bucket of each unit, (n,), 0 and up."""
    return (pseudonym.view(np.uint64) % np.uint64(buckets)).astype(np.uint8)


def bucket_column(pseudonym: pl.Series, buckets: int = BUCKETS) -> pl.Series:
    """Return the bucket of each unit as the column `bucket` of tables."""
    return pl.Series("bucket", bucket_of(pseudonym.to_numpy(), buckets)).cast(pl.Int16())


def with_bucket(rows: pl.DataFrame, unit: str = "user") -> pl.DataFrame:
    """Return the rows with `bucket` in front, from the column of their units' pseudonyms."""
    return rows.select(bucket_column(rows[unit]), pl.all())


def spans(rows: int, at_once: int) -> list[tuple[int, int]]:
    """Divide the buckets into spans, first and last included, of about so many rows each.

    Parameters
    ----------
    rows
        Of all buckets together.
    at_once
        Rows that are worked at once.
    """
    divided = np.array_split(np.arange(BUCKETS), min(BUCKETS, max(1, -(-rows // at_once))))
    return [(int(span[0]), int(span[-1])) for span in divided]


def groups(rows: Mapping[Key, int], at_once: int) -> Iterator[list[Key]]:
    """Yield neighbouring keys that have not more than so many rows together, unless one has more by itself.

    Parameters
    ----------
    rows
        Rows by key, such as a bucket.
    at_once
        Rows that are worked at once.
    """
    group: list[Key] = []
    size = 0
    for key, count in sorted(rows.items()):
        if group and size + count > at_once:
            yield group
            group, size = [], 0
        group.append(key)
        size += count
    if group:
        yield group


def parts_by(rows: pl.LazyFrame, column: str, at_once: int | None = None) -> Iterator[tuple[pl.LazyFrame]]:
    """Yield the rows of some values of a column, and of the next, as what is to be read.

    Parameters
    ----------
    rows, column
        Table, and a column without nulls.
    at_once
        Most rows, unless one value has more; `ROWS_AT_ONCE` where left out.
    """
    counts = rows.group_by(column).len().collect()
    for group in groups(dict(counts.iter_rows()), at_once or ROWS_AT_ONCE):
        yield (rows.filter(pl.col(column).is_in(group)),)


def parts(
    rows: pl.LazyFrame, *beside: pl.LazyFrame, order: Sequence[str], at_once: int | None = None
) -> Iterator[tuple[pl.LazyFrame, ...]]:
    """Yield some buckets of a table, and the same buckets of tables beside it, as what is to be read.

    Parameters
    ----------
    rows
        Table with `bucket`; its rows decide how many buckets are yielded at once.
    beside
        Tables with the same buckets.
    order
        Columns by which each is sorted, as far as it has them.
    at_once
        Most rows of the first table, unless one bucket has more; `ROWS_AT_ONCE` where left out.
    """
    counts = rows.group_by("bucket").len().collect()
    for group in groups(dict(counts.iter_rows()), at_once or ROWS_AT_ONCE):
        here = pl.col("bucket").is_in(group)
        yield tuple(_sorted(table.filter(here), order) for table in (rows, *beside))


def read_parts(
    rows: pl.LazyFrame, *beside: pl.LazyFrame, order: Sequence[str], at_once: int | None = None
) -> Iterator[tuple[pl.DataFrame, ...]]:
    """Yield the buckets of `parts`, read one after another.

    Parameters
    ----------
    rows, beside, order, at_once
        See `parts`.
    """
    for part in parts(rows, *beside, order=order, at_once=at_once):
        yield tuple(table.collect() for table in part)


def _sorted(rows: pl.LazyFrame, order: Sequence[str]) -> pl.LazyFrame:
    columns = rows.collect_schema().names()
    return rows.sort([name for name in order if name in columns])
