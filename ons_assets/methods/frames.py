"""What the methods are given: frames of several kinds, looked at before anything is computed.

Whatever is wrong is one sentence that names the frame and the column, and never quotes a value.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Protocol, TypeAlias

import polars as pl
from polars.datatypes import DataTypeClass

from ons_assets.wording import counted, listed, meant, one_line


class ArrowStream(Protocol):
    """A frame of another library that hands itself over as Arrow: of pandas, PyArrow, DuckDB and others."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the columns as a stream of the Arrow C interface."""
        ...


OTHERS = (pl.Object, pl.List, pl.Array, pl.Duration, pl.Binary)
PATTERN = re.compile(r"\*|\^.*\$", re.DOTALL)
# Whose squares a computer knows.
LARGEST = 1e100

Frame: TypeAlias = pl.DataFrame | pl.LazyFrame | ArrowStream


def taken(given: Frame, name: str, columns: Iterable[str]) -> pl.DataFrame:
    """Return what was given as a Polars frame that has rows and all of the columns.

    Parameters
    ----------
    given
        A frame of Polars, or one of another library that hands itself over as Arrow.
    name
        What the frame is called in sentences.
    columns
        That it must have.

    Raises
    ------
    TypeError
        If it is no frame.
    ValueError
        If a column or every row is missing, or a column holds values of several types, lists or objects.
    """
    frame = _as_polars(given, name)
    asked = [*dict.fromkeys(columns)]
    for column in asked:
        if PATTERN.fullmatch(column):
            raise ValueError(f"{name}: Polars takes the name {column} for a pattern; rename the column")
        if column not in frame.columns:
            near = meant(column, [other for other in frame.columns if other not in asked])
            hint = near or f"; there are {listed(frame.columns)}" if frame.columns else ""
            raise ValueError(one_line(f"{name}: the column {column} is missing{hint}"))
        _refuse_others(frame[column], name)
    if frame.is_empty():
        raise ValueError(f"{name}: there are no rows")
    return frame


def _refuse_others(values: pl.Series, name: str) -> None:
    """Refuse what rows cannot be told apart or described by: lists, objects, bytes, types of other libraries."""
    kinds = _kinds(values.dtype)
    if found := [kind for kind in kinds if kind in OTHERS]:
        raise ValueError(f"{name}: the column {values.name} must hold one text, number or time a row, not {found[0]}")
    if any(issubclass(kind, pl.BaseExtension) for kind in kinds):
        hint = "; of periods of pandas, .astype(str) makes texts, .dt.to_timestamp() times"
        raise ValueError(f"{name}: the column {values.name} holds a type of another library{hint}")


def _kinds(dtype: pl.DataType | DataTypeClass) -> list[DataTypeClass]:
    """The kind of a type; of a struct, which may be the code of a product, those of its fields."""
    if isinstance(dtype, pl.Struct):
        return [kind for each in dtype.fields for kind in _kinds(each.dtype)]
    return [dtype.base_type()]


def _as_polars(given: Frame, name: str) -> pl.DataFrame:
    if isinstance(given, pl.LazyFrame):
        # Whatever its query raises, a function of the caller's too, may quote a value.
        with suppress(Exception):
            return given.collect()
        raise ValueError(f"{name}: the lazy frame cannot be collected; .collect() of your own says why")
    if isinstance(given, pl.DataFrame):
        return given
    if not hasattr(given, "__arrow_c_stream__") or isinstance(given, pl.Series) or getattr(given, "ndim", 2) == 1:
        kind = type(given).__name__
        raise TypeError(f"{name} must be a frame of Polars or pandas, or another that speaks Arrow, not {kind}")
    try:
        return pl.DataFrame(given)
    # What others raise is as it comes, and may quote a value.
    except Exception:
        pass
    raise ValueError(
        f"{name}: a column holds values of several types or of one that Arrow does not know, or comes twice"
    )


def known(frame: pl.DataFrame, name: str, columns: Iterable[str]) -> pl.DataFrame:
    """Return the frame if no value of the columns is missing: null, or NaN.

    Parameters
    ----------
    frame
        That is looked at.
    name
        What it is called in sentences.
    columns
        That must be known in every row.
    """
    for column in columns:
        values = frame[column]
        none_is(values.is_null() | values.is_nan() if values.dtype.is_float() else values.is_null(), name, "missing")
    return frame


def none_is(wrong: pl.Series, name: str, what: str) -> None:
    """Refuse a column of which some values are wrong.

    Parameters
    ----------
    wrong
        Which of them are, under the name of the column; null for what is not known.
    name
        What the frame is called in sentences.
    what
        They are, such as "negative".

    Raises
    ------
    ValueError
        With their number.
    """
    if number := int(wrong.sum()):
        are = "is" if number == 1 else "are"
        raise ValueError(f"{name}: {counted(number, 'value')} of the column {wrong.name} {are} {what}")


def numbers(frame: pl.DataFrame, name: str, columns: Iterable[str]) -> pl.DataFrame:
    """Return the frame with the columns as Float64, of which none may be infinite; a missing one may be null or NaN.

    Parameters
    ----------
    frame
        That is looked at.
    name
        What it is called in sentences.
    columns
        That must hold numbers.
    """
    for column in columns:
        values = frame[column]
        if not values.dtype.is_numeric():
            hint = ": cast it first" if values.dtype == pl.String else ""
            raise ValueError(f"{name}: the column {column} must hold numbers, not {values.dtype.base_type()}{hint}")
        if values.dtype.is_float():
            none_is(values.is_infinite(), name, "infinite")
            none_is(values.fill_nan(None).abs() > LARGEST, name, "too large")
    return frame.with_columns(pl.col(*columns).cast(pl.Float64))


def distinct(frame: pl.DataFrame, name: str, key: Sequence[str], hint: str = "") -> pl.DataFrame:
    """Return the frame if no two rows have the same key.

    Parameters
    ----------
    frame
        That is looked at.
    name
        What it is called in sentences.
    key
        Columns that tell rows apart.
    hint
        What may be done, to follow the sentence.
    """
    if again := frame.height - frame.select(key).n_unique():
        raise ValueError(f"{name}: {counted(again, 'row')} repeat{'s' * (again == 1)} another in {listed(key)}{hint}")
    return frame


def local_times(frame: pl.DataFrame, name: str, columns: Iterable[str]) -> pl.DataFrame:
    """Return the frame if the columns hold times of the local clock, which have no zone.

    Parameters
    ----------
    frame
        That is looked at.
    name
        What it is called in sentences.
    columns
        Of times.
    """
    for column in columns:
        dtype = frame[column].dtype
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
            continue
        found = f"{dtype.base_type()}"
        if isinstance(dtype, pl.Datetime):
            found += (
                " with a zone; .dt.convert_time_zone(...) and then .dt.replace_time_zone(None) give the local clock"
            )
        raise ValueError(f"{name}: the column {column} must hold times of the local clock, not {found}")
    return frame


def names(given: str | Sequence[str]) -> list[str]:
    """Return the names of one column or of several.

    Parameters
    ----------
    given
        A name, or a list of them.

    Raises
    ------
    ValueError
        If there is none, or one comes twice.

    Examples
    --------
    >>> names("item"), names(["item", "shop"])
    (['item'], ['item', 'shop'])
    """
    found = [given] if isinstance(given, str) else [*given]
    if not found:
        raise ValueError("by names no column; leave it out for all rows together")
    for name in found:
        if found.count(name) > 1:
            raise ValueError(f"by names the column {name} twice")
    return found
