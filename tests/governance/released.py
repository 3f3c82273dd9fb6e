"""Releases of tables of the catalogue, with rows made up from their schema: whatever a column may hold."""

import random
import string
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.releases.content import Release
from ons_assets.lakehouse.lake import Provenance
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

AGGREGATES = [name for name, table in CATALOGUE.items() if table.sensitivity is Sensitivity.AGGREGATE]
# And public ones: of lineage, of a year, of text that is a boundary, of no figure at all.
PUBLIC = [
    "reference/commuting_flows",
    "reference/item_weights",
    "reference/areas",
    "reference/area_codes",
    "reference/official_indices",
    "prices/checked_quotes",
]
RELEASED = [*AGGREGATES, *PUBLIC]

ODD = [
    "E02000001", "", " ", "-1", "-", "***", "£", "北京", "Bath & Wells", 'say "hi"', "a<b>c", "it's", "tab\tin",
    "two\nlines", "return\rhere", "nul\x00byte", "esc\x1b", "\ufffe", "=1+1", "@SUM(A1)", "{=A1}", "+44",
    "a;=cmd|' /C calc'!A0", "$", "$$x$$", "[click](javascript:alert(1))", "[a](b) [c](d)", "http://example.org/",
    "é" * 40, "x" * 300, "all", "None", "NaN", "[c]", "_x0041_", "%20", "a,b", "]]>", "&amp;", "K\u0301", "🏠",
    "TRUE", "1e5", "0012",
]  # fmt: skip
NUMBERS = [0.0, -0.0, 1.0, 0.1, 1 / 3, 2 / 3, 1e-300, 5e-324, 1.7976931348623157e308, 1e15, 1e16, 123456789012345678.0,
           -1e-7, 100.0, 99.99999999999999, float("nan"), float("inf"), float("-inf")]  # fmt: skip


def release_of(name: str, seed: int = 1, count: int = 60, version: int = 1, **changes: Any) -> Release:
    """Return a release of a table with made-up rows, its key unique."""
    table = CATALOGUE[name]
    frame = made_up(table, random.Random(f"{name} {seed}"), count)
    content: dict[str, Any] = {
        "table": table,
        "version": version,
        "rows": frame,
        "released_utc": datetime(2026, 11, 3, 9, 30, tzinfo=UTC),
        "approved_by": "J. Bloggs & <Co>",
        "lake_version": 7,
        "provenance": provenance_of(name),
        "quality": ("What it says.", "=How it was made."),
    }
    return Release(**{**content, **changes})


def provenance_of(name: str) -> Provenance:
    return Provenance(
        run_id="7d0a",
        code_version="0.3.0+abc",
        inputs={"tweets/moves": "12:ab", "0" * 64: "file.csv"},
        suite={"sha256": "f" * 64, "evaluated": 24, "failures": []},
        settings={},
        data_version="d" * 64,
        disclosure=[
            {"unit": "users", "fewest": 5.0, "cells": 1200, "primary": 40, "secondary": 1, "kept_share": 0.93},
        ]
        if name == "tweets/migration_flows"
        else [],
    )


def made_up(table: Table, chance: random.Random, rows: int) -> pl.DataFrame:
    """Return rows of a table whose key is unique, sorted by it."""
    columns = {column.name: [_value(column, chance) for _ in range(rows)] for column in table.columns}
    frame = pl.DataFrame(columns, schema=table.schema, strict=False)
    return frame.unique(list(table.key), keep="first", maintain_order=True).sort(list(table.key))


def _value(column: Column, chance: random.Random) -> Any:
    if column.nullable and chance.random() < 0.3:
        return None
    day = date(2014, 1, 1) + timedelta(days=chance.randrange(2000))
    match column.dtype:
        case pl.Date:
            return day.replace(day=1) if column.name == "month" else day
        case pl.Boolean:
            return chance.random() < 0.5
        case pl.List:
            return [day]
        case pl.String:
            return _text(column.name, day, chance)
        case _ if column.dtype.is_temporal():
            return datetime(2016, 1, 1, tzinfo=UTC) + timedelta(microseconds=chance.randrange(10**14))
        case _ if column.dtype.is_float():
            return chance.choice(
                [*NUMBERS, chance.uniform(-1, 1), chance.gauss(0, 1) * 10.0 ** chance.randint(-20, 20)]
            )
        case _ if column.name == "year":
            return chance.randint(2000, 2030)
        case _:
            most = min(2**60, 2 ** (8 * _bytes(column.dtype) - 1) - 1)
            return chance.choice([0, 1, -1, chance.randint(0, 100), chance.randint(-most, most)])


def _bytes(dtype: Any) -> int:
    return {pl.Int8: 1, pl.Int16: 2, pl.Int32: 4}.get(dtype, 8)


def _text(name: str, day: date, chance: random.Random) -> str:
    if name == "observed":
        return f"{day}/{day + timedelta(days=27)}"
    if name == "period":
        return chance.choice([str(day), f"{day:%Y-%m}", f"{day:%Y}", f"{day:%G-W%V}"])
    return chance.choice(ODD) if chance.random() < 0.5 else "".join(chance.choices(string.printable, k=8))
