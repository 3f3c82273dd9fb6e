"""The simplest source there is: files that have the columns of their table, or a layout that says which they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import ClassVar

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from ons_assets.intake import times, values
from ons_assets.intake.layouts import Layout, Origin
from ons_assets.intake.rules import Rule
from ons_assets.intake.shelf import Shelf, shelf
from ons_assets.intake.source import TableSource

Types = Mapping[str, DataType | DataTypeClass]


@dataclass(frozen=True)
class PlainSource(TableSource):
    """A source that is said in a few lines: its columns, what stands where a file says nothing, its rules."""

    # Columns that a file must have, and their types: text, whole numbers, numbers or days.
    columns: ClassVar[Types]
    # Columns that a file may leave out.
    optional: ClassVar[Types] = {}
    # What stands in a column where a file says nothing; null if it is not named here.
    defaults: ClassVar[Mapping[str, str]] = {}
    # Why a row is rejected.
    faults: ClassVar[tuple[Rule, ...]] = ()

    @cached_property
    def shelf(self) -> Shelf:
        """Layouts of the home and those that are built in; last the one of files with the columns of the table."""
        found = shelf(self.folders, self.lack_of, self.settled)
        own = Layout(
            name=self.name,
            columns={name: Origin(column=name) for name in self.columns},
            optional={name: Origin(column=name) for name in self.optional},
        )
        return Shelf((*found.layouts, own), found.broken)

    @property
    def said_fields(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """See `Source.said_fields`; they are the columns of the table."""
        return _in_words(self.columns), _in_words(self.optional)

    def derived(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows with columns that are made of others, before faults are looked for."""
        return rows

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        types = {**self.columns, **self.optional}
        read = [_of_type(rows, name, dtype, layout) for name, dtype in types.items()]
        filled = [
            column.fill_null(self.defaults[column.name]) if column.name in self.defaults else column for column in read
        ]
        return self.derived(pl.DataFrame([rows["line"], *filled]))

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        return self.faults


def _in_words(types: Types) -> dict[str, str]:
    return {
        name: "text"
        if dtype == pl.String()
        else "a day"
        if dtype == pl.Date()
        else "a whole number"
        if dtype.is_integer()
        else "a number"
        for name, dtype in types.items()
    }


def _of_type(rows: pl.DataFrame, name: str, dtype: DataType | DataTypeClass, layout: Layout) -> pl.Series:
    if dtype == pl.String():
        column = values.column_text(rows, name)
        # A number of another program: codes are whole.
        return (
            column.str.strip_suffix(".0")
            if name in rows.columns and rows[name].dtype.is_float()
            else column.alias(name)
        )
    if dtype == pl.Date():
        return (
            times.days(rows[name], layout).alias(name)
            if name in rows.columns
            else values.column_text(rows, name).cast(pl.Date())
        )
    number = values.column_number(rows, name, layout).alias(name)
    return (
        number.set(number != number.floor(), None).cast(dtype, strict=False)
        if dtype.is_integer()
        else number.cast(dtype)
    )
