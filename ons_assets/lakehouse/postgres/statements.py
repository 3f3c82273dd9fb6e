"""SQL of a table in PostgreSQL: its columns, keys, comments and rights; nothing is said to a server here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ons_assets.lakehouse.sql import literal, quoted
from ons_assets.lakehouse.tables import Column, DataType, Reference, Sensitivity, Table

TYPES: Mapping[DataType, str] = {
    pl.String: "text",
    pl.Boolean: "boolean",
    pl.Int8: "smallint",
    pl.Int16: "smallint",
    pl.Int32: "integer",
    pl.Int64: "bigint",
    pl.Float32: "real",
    pl.Float64: "double precision",
    pl.Date: "date",
}
VERSIONS = "published_versions"
# After the names of schemas: of those that are being loaded, and of those that were put aside, before a number.
NEW, OLD = "_new", "_old_"
# PostgreSQL cuts longer names off without a word.
LONGEST_NAME = 63
POSITION = "position"


class NoType(ValueError):
    """PostgreSQL has no type for a column; the message names table, column and type."""


def schema_of(sensitivity: Sensitivity) -> str:
    """Return the schema of the tables of a sensitivity."""
    return f"ons_{sensitivity}"


def reader_of(sensitivity: Sensitivity) -> str:
    """Return the role that may read the tables of a sensitivity."""
    return f"ons_{sensitivity}_reader"


def name_of(table: str) -> str:
    """Return the name that a table has in its schema.

    Parameters
    ----------
    table
        As ``domain/table``.
    """
    name = table.replace("/", "_")
    assert len(name) <= LONGEST_NAME, name
    return name


def type_of(table: Table, column: Column) -> str:
    """Return the type of a column.

    Raises
    ------
    NoType
        If there is none: an unsigned number of 64 bits would be wrapped into negative ones without a word.
    """
    found = _type(column.dtype)
    if found is None:
        raise NoType(f"PostgreSQL has no type for {column.name} of {table.name}, which is {column.dtype}")
    return found


def _type(dtype: Any) -> str | None:
    if isinstance(dtype, pl.List):
        inner = _type(dtype.inner)
        return None if inner is None else f"{inner}[]"
    if isinstance(dtype, pl.Datetime):
        return {"UTC": "timestamp with time zone", None: "timestamp without time zone"}.get(dtype.time_zone)
    return TYPES.get(dtype.base_type() if isinstance(dtype, pl.DataType) else dtype)


@dataclass(frozen=True)
class Grid:
    """Of which grid the eastings and northings are.

    Parameters
    ----------
    epsg
        Its number.
    postgis
        Schema of the server in which PostGIS is, which need not be one where names are looked up.
    """

    epsg: int
    postgis: str = "public"


def grid_of(crs: str) -> Grid | None:
    """Return the grid of a code such as ``EPSG:27700``; None if another authority names it."""
    authority, _, number = crs.partition(":")
    return Grid(int(number)) if authority == "EPSG" else None


def created(table: Table, schema: str, grid: Grid | None) -> str:
    """Return the statement that makes a table.

    Parameters
    ----------
    table
        Which is made.
    schema
        In which.
    grid
        Of positions that become geometry, where the server has PostGIS; None for plain columns alone.
    """
    columns = [
        f"{quoted(column.name)} {type_of(table, column)}{'' if column.nullable else ' NOT NULL'}"
        for column in table.columns
    ]
    if grid is not None and _has_position(table):
        # Made of our eastings: a transformation of PostGIS is metres off where a country's needs a grid of shifts.
        at_postgis = quoted(grid.postgis)
        made = f"{at_postgis}.ST_SetSRID({at_postgis}.ST_MakePoint(easting_m, northing_m), {grid.epsg})"
        columns.append(f"{POSITION} {at_postgis}.geometry(Point, {grid.epsg}) GENERATED ALWAYS AS ({made}) STORED")
    return f"CREATE TABLE {at(schema, table.name)} ({', '.join(columns)})"


def _has_position(table: Table) -> bool:
    return {"easting_m", "northing_m"} <= {*table.column_names} and POSITION not in table.column_names


def keyed(table: Table, schema: str) -> str:
    """Return the statement that gives a table its key."""
    return f"ALTER TABLE {at(schema, table.name)} ADD PRIMARY KEY ({_names(table.key)})"


def referring(table: Table, schema: str, reference: Reference, to_schema: str) -> str:
    """Return the statement that says that columns of a table are the key of another.

    Parameters
    ----------
    table, schema
        Which refers, and where it is.
    reference, to_schema
        To what, and where that is.
    """
    return (
        f"ALTER TABLE {at(schema, table.name)} ADD FOREIGN KEY ({_names(reference.columns)}) "
        f"REFERENCES {at(to_schema, reference.table)}"
    )


def indexed(table: Table, schema: str, reference: Reference) -> str:
    """Return the statement by which rows are found from the table that they refer to.

    Parameters
    ----------
    table, schema
        Which refers, and where it is.
    reference
        To what.
    """
    return f"CREATE INDEX ON {at(schema, table.name)} ({_names(reference.columns)})"


def commented(table: Table, schema: str, comment: str | None, grid: Grid | None) -> Iterator[str]:
    """Give the statements that say what a table and its columns are.

    Parameters
    ----------
    table, schema
        What is described, and where it is.
    comment
        What is said after its description; None for nothing.
    grid
        See `created`.
    """
    said = f"{table.description}{f' {comment}' if comment else ''}"
    yield f"COMMENT ON TABLE {at(schema, table.name)} IS {literal(said)}"
    for column in table.columns:
        name = f"{at(schema, table.name)}.{quoted(column.name)}"
        yield f"COMMENT ON COLUMN {name} IS {literal(column.description)}"
    if grid is not None and _has_position(table):
        is_of = f"Point of easting_m and northing_m, in metres of EPSG:{grid.epsg}; for maps, and made of them."
        yield f"COMMENT ON COLUMN {at(schema, table.name)}.{quoted(POSITION)} IS {literal(is_of)}"


def at(schema: str, table: str) -> str:
    """Return the name of a table, ``domain/table``, with its schema."""
    return f"{quoted(schema)}.{quoted(name_of(table))}"


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(quoted(name) for name in columns)
