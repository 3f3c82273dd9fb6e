"""The description of a release that data tools read: a Frictionless data package."""

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl

from ons_assets.governance.releases.content import Release
from ons_assets.governance.releases.tidy_csv import csv_name, is_required
from ons_assets.lakehouse.tables import Column

TYPES = {pl.Boolean: "boolean", pl.Date: "date", pl.Datetime: "datetime", pl.String: "string", pl.List: "string"}


def write(release: Release, folder: Path) -> list[Path]:
    """Describe the CSV file that lies in the folder already.

    References
    ----------
    Walsh, Pollock (2017), Data Package and Table Schema, version 1, Open Knowledge.
    """
    table = release.table
    content = (folder / csv_name(release)).read_bytes()
    package = {
        "profile": "tabular-data-package",
        "name": release.identifier.lower().replace("/", "-"),
        "id": release.identifier,
        "title": table.name,
        "description": table.description,
        "version": f"{release.version}.0.0",
        "created": release.released_utc.isoformat(),
        "sources": [{"title": table.source}],
        "contributors": [{"title": release.approved_by, "role": "publisher"}],
        "resources": [
            {
                "profile": "tabular-data-resource",
                "name": table.short_name.replace("_", "-"),
                "path": csv_name(release),
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                # Said in full, since readers guess what is not.
                "dialect": {
                    "delimiter": ",",
                    "lineTerminator": "\n",
                    "quoteChar": '"',
                    "doubleQuote": True,
                    "skipInitialSpace": False,
                    "header": True,
                },
                "bytes": len(content),
                "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
                "schema": {
                    "fields": [_field(column, release.rows[column.name]) for column in table.columns],
                    "primaryKey": list(table.key),
                    "missingValues": [""],
                },
            }
        ],
    }
    path = folder / "datapackage.json"
    path.write_text(json.dumps(package, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return [path]


def _field(column: Column, values: pl.Series) -> dict[str, Any]:
    dtype = values.dtype
    kind = "number" if dtype.is_float() else TYPES.get(dtype.base_type(), "integer")
    said: dict[str, Any] = {"name": column.name, "type": kind, "description": column.description}
    return {**said, "constraints": {"required": True}} if is_required(column, values) else said
