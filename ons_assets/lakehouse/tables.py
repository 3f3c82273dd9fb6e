"""What a table is: its columns, key, partitions, sensitivity and owner.

Tables themselves are declared in `ons_assets.catalogue`. From a declaration come the Delta schema,
the column schema and owners in the UI, the data dictionary and the register for governance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import polars as pl

from ons_assets.lakehouse.disclosure import Rule
from ons_assets.wording import no_such

DataType = pl.DataType | type[pl.DataType]


class Sensitivity(StrEnum):
    """Who may see the rows of a table."""

    PUBLIC = "public"
    AGGREGATE = "aggregate"
    INDIVIDUAL = "individual"


class SchemaMismatch(ValueError):
    """A frame does not have the columns that its table declares."""


@dataclass(frozen=True)
class Column:
    """One column: its name (with the unit in it, where there is one), type and meaning."""

    name: str
    dtype: DataType
    description: str
    nullable: bool = False

    def or_null(self) -> Self:
        """Return the column as it is in a table that may leave it empty."""
        return replace(self, nullable=True)


@dataclass(frozen=True)
class Reference:
    """Columns of a table that are the key of another.

    Parameters
    ----------
    columns
        Of the table that refers, in the order of the key.
    table
        Name of the other.
    """

    columns: tuple[str, ...]
    table: str


@dataclass(frozen=True)
class Table:
    """One table of the lake, declared once.

    Parameters
    ----------
    name
        ``domain/table``, the Dagster asset key and the folder in the lake.
    description
        What one row is, in a sentence.
    columns
        The columns in their order.
    key
        Columns whose values identify a row; checked for uniqueness and nulls at every publication.
    partition_by
        Columns by which the Delta table is partitioned, and by which a publication replaces rows.
    sensitivity
        ``individual`` tables are kept in directories that only their owner can open, and no row of
        them reaches a log, a report, the UI or an error message.
    owner
        Team (``team:prices``) or e-mail address.
    source
        Where the data come from, in words.
    disclosure
        What an aggregate may tell of those whom it is about; None for the others.
    references
        Columns that are keys of other tables; where these are empty they refer to nothing.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    sensitivity: Sensitivity
    owner: str
    source: str
    partition_by: tuple[str, ...] = ()
    disclosure: Rule | None = None
    references: tuple[Reference, ...] = ()

    def __post_init__(self) -> None:
        if (self.sensitivity is Sensitivity.AGGREGATE) != (self.disclosure is not None):
            raise ValueError(f"{self.name}: an aggregate declares what it may tell, and nothing else does")
        names = self.column_names
        if duplicated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"{self.name}: columns declared twice: {sorted(duplicated)}")
        if unknown := {*self.key, *self.partition_by} - set(names):
            raise ValueError(f"{self.name}: key or partition columns that are not declared: {sorted(unknown)}")
        if unknown := {name for each in self.references for name in each.columns} - set(names):
            raise ValueError(f"{self.name}: columns that refer and are not declared: {sorted(unknown)}")
        if nullable := [column.name for column in self.columns if column.nullable and column.name in self.key]:
            raise ValueError(f"{self.name}: key columns cannot be nullable: {nullable}")

    @property
    def domain(self) -> str:
        """The part of the name before the slash: the pilot that owns the table."""
        return self.name.split("/")[0]

    @property
    def short_name(self) -> str:
        """The part of the name after the slash."""
        return self.name.split("/")[1]

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    @property
    def schema(self) -> dict[str, DataType]:
        """Column names and Polars types, in order."""
        return {column.name: column.dtype for column in self.columns}

    @property
    def is_individual(self) -> bool:
        """Whether rows are about a person, a home or a device."""
        return self.sensitivity is Sensitivity.INDIVIDUAL

    def empty(self) -> pl.DataFrame:
        """Return a frame of this table without rows."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with exactly this table's columns, order and types.

        Raises
        ------
        SchemaMismatch
            If a column is missing or unknown, or a value does not fit its type. The sentence names
            columns only, never values.
        """
        missing = [name for name in self.column_names if name not in frame.columns]
        unknown = [name for name in frame.columns if name not in self.schema]
        if missing or unknown:
            raise SchemaMismatch(f"{self.name}: missing columns {missing}, columns that are not declared {unknown}")
        misfits = []
        conformed = []
        for column in self.columns:
            try:
                conformed.append(frame[column.name].cast(column.dtype))
            except pl.exceptions.PolarsError:
                misfits.append(f"{column.name} ({frame[column.name].dtype} where {column.dtype} is declared)")
        if misfits:
            raise SchemaMismatch(f"{self.name}: values that do not fit their type in {', '.join(misfits)}")
        return pl.DataFrame(conformed)


class NoTable(KeyError):
    """There is no table of a name; the message is one sentence."""

    def __str__(self) -> str:
        # That of a KeyError is in quotation marks.
        return str(self.args[0])


class Catalogue(dict[str, Table]):
    """Tables by name."""

    def __init__(self, tables: Sequence[Table]) -> None:
        super().__init__((table.name, table) for table in tables)
        if len(self) != len(tables):
            raise ValueError("a table is declared twice")
        for table in tables:
            for each in table.references:
                if each.table in self and len(each.columns) != len(self[each.table].key):
                    raise ValueError(f"{table.name}: {', '.join(each.columns)} is no key of {each.table}")

    def __missing__(self, name: str) -> Table:
        raise NoTable(no_such("table", name, sorted(self)))
