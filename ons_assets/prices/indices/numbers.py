"""The one type of number that the methods compute with, whatever type the caller's columns have."""

from typing import TypeVar

import polars as pl

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def as_floats(frame: Frame, *columns: str) -> Frame:
    """Return a frame with the named columns, those of them that it has, as Float64.

    Products of integers of 32 bits and less wrap around without an error, and decimals have no logarithm: every public
    function casts before it computes.

    Parameters
    ----------
    frame
        Any frame.
    columns
        Names of columns that hold numbers.

    Raises
    ------
    ValueError
        If one of them holds something else.

    Examples
    --------
    >>> as_floats(pl.DataFrame({"price": pl.Series([3], dtype=pl.Int8)}), "price")["price"].dtype
    Float64
    """
    schema = frame.collect_schema()
    present = [name for name in columns if name in schema]
    for name in present:
        if not (schema[name].is_numeric() or schema[name] == pl.Null):
            raise ValueError(f"{name} must hold numbers, not {schema[name]}")
    return frame.with_columns(pl.col(present).cast(pl.Float64))
