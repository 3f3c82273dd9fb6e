"""The rows of a release as text: one CSV file, and the metadata that say what it holds (CSV on the Web)."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from ons_assets.governance.releases.content import Release
from ons_assets.lakehouse.spreadsheets import neutralised
from ons_assets.lakehouse.tables import Column

# Between the values of a cell that holds several.
SEPARATOR = ";"
TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"
DATATYPES = {
    pl.String: "string",
    pl.Boolean: "boolean",
    pl.Date: "date",
    pl.Datetime: "dateTime",
    pl.Float32: "float",
    pl.Float64: "double",
}


def csv_name(release: Release) -> str:
    """Return what the file is called."""
    return f"{release.table.short_name}.csv"


def write(release: Release, folder: Path) -> list[Path]:
    """Write rows and metadata.

    Numbers have all their digits, so that reading gives the same ones; times are ISO 8601 in UTC; text that a
    spreadsheet would run gets an apostrophe before it; an empty cell says nothing.

    References
    ----------
    Tennison, Kellogg (2015), Metadata vocabulary for tabular data, W3C Recommendation.
    """
    path, metadata = folder / csv_name(release), folder / f"{csv_name(release)}-metadata.json"
    as_text(release.rows).write_csv(path)
    metadata.write_text(json.dumps(_metadata(release), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return [path, metadata]


def as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in which what CSV has no form for is text: times, lists, infinite numbers; no text is a formula."""
    lists = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.List)]
    joined = rows.with_columns(pl.col(lists).cast(pl.List(pl.String())).list.join(SEPARATOR))
    # A number below zero is no formula, though as text it looks like one.
    return pl.DataFrame([_as_text(values) for values in neutralised(joined)])


def _as_text(values: pl.Series) -> pl.Series:
    if isinstance(values.dtype, pl.Datetime):
        return values.dt.strftime(TIME)
    if values.dtype.is_float() and values.is_infinite().any():
        return values.cast(pl.String()).replace({"inf": "INF", "-inf": "-INF"})
    return values


def _metadata(release: Release) -> dict[str, Any]:
    table = release.table
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": csv_name(release),
        "dc:identifier": release.identifier,
        "dc:title": table.name,
        "dc:description": table.description,
        "dc:source": table.source,
        "dc:issued": release.released_utc.isoformat(),
        # By default blanks around text go, and a row whose first text begins with # is a remark.
        "dialect": {"encoding": "utf-8", "header": True, "delimiter": ",", "trim": False, "commentPrefix": None},
        "tableSchema": {
            "columns": [_column(column, release.rows[column.name]) for column in table.columns],
            "primaryKey": list(table.key),
        },
    }


def _column(column: Column, values: pl.Series) -> dict[str, Any]:
    dtype = values.dtype
    several = isinstance(dtype, pl.List)
    said = {
        "name": column.name,
        "titles": column.name,
        "dc:description": column.description,
        "datatype": _datatype(values.explode().dtype if several else dtype),
        "required": is_required(column, values),
    }
    return {**said, "separator": SEPARATOR} if several else said


def _datatype(dtype: pl.DataType) -> str:
    return DATATYPES.get(dtype.base_type(), "integer")


def is_required(column: Column, values: pl.Series) -> bool:
    """Return whether no cell is empty: a text without a letter, and a list without a value, look like nothing said."""
    if isinstance(values.dtype, pl.List):
        return False
    return not (column.nullable or (values.dtype == pl.String and (values == "").any()))
