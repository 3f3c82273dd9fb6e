"""Ordnance Survey AddressBase: files of Premium, Plus and Core as one table of addresses.

Premium files hold records of a dozen types, of different lengths and without a header; here only the
property records (21) and their classifications (32) count. Plus and Core have one row an address.
"""

import csv
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from ons_assets.geography.national_grid import to_national_grid
from ons_assets.intake.containers import parts
from ons_assets.intake.limits import Limits
from ons_assets.intake.rules import repeats
from ons_assets.intake.source import Piece, nothing_read
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.wording import counted

PROPERTY, CLASSIFICATION = "21", "32"
RECORD_TYPES = frozenset({"10", "11", "15", "21", "23", "24", "28", "29", "30", "31", "32", "99"})
RECORD_LENGTHS = {PROPERTY: 22, CLASSIFICATION: 12}
SCHEME = "AddressBase Premium Classification Scheme"
APPROVED = "1"
DELETED = "D"
LARGEST_UPRN = 999_999_999_999
MAX_DISAGREEMENT_M = 100.0
# What stands in for a record that the end of a damaged file cuts.
CUT_SHORT = "\n"

ADDRESS_SCHEMA = {
    "uprn": pl.Int64(),
    "easting_m": pl.Float64(),
    "northing_m": pl.Float64(),
    "class_code": pl.String(),
    "class": pl.String(),
    "postcode": pl.String(),
    "line": pl.Int64(),
}


@dataclass(frozen=True)
class Product:
    """Columns of a product with one row an address."""

    name: str
    easting: str
    northing: str
    class_code: str
    postcode: tuple[str, ...]
    change: str


LAYOUTS = (
    Product(
        "AddressBase Plus", "X_COORDINATE", "Y_COORDINATE", "CLASS", ("POSTCODE", "POSTCODE_LOCATOR"), "CHANGE_TYPE"
    ),
    Product("AddressBase Core", "EASTING", "NORTHING", "CLASSIFICATION_CODE", ("POSTCODE",), "CHANGE_CODE"),
)


def read_addressbase(path: Path, limits: Limits) -> Piece:
    """Read a file of AddressBase Premium, Plus or Core; plain or gzip.

    Rows that say that an address was deleted, historic properties and further classifications under
    other schemes are left out and counted in the note; they are not faults.

    Returns
    -------
    Piece
        accepted: uprn, easting_m, northing_m, class_code, class (see `class_of`), postcode, line.
        rejected: records that cannot be read, with line, reason and text.

    Raises
    ------
    Unreadable
        If the file is of none of the three products.
    """
    product = _product(path, limits)
    if product is None:
        raise Unreadable(
            "is not AddressBase Premium, Plus or Core: its first line is neither a record type nor a header with UPRN"
        )
    return _read_premium(path, limits) if product == "premium" else _read_flat(path, product, limits)


def is_addressbase(path: Path, limits: Limits) -> bool:
    """Return whether a file is AddressBase Premium, Plus or Core."""
    return _product(path, limits) is not None


def _product(path: Path, limits: Limits) -> Product | Literal["premium"] | None:
    with suppress(OSError, Unreadable, csv.Error):
        first = next(_lines(path, limits), "")
        fields = next(csv.reader([first.lstrip("\ufeff")]), [])
        if fields and fields[0] in RECORD_TYPES:
            return "premium"
        columns = {name.strip().upper() for name in fields}
        for layout in LAYOUTS:
            if {"UPRN", layout.easting, layout.northing, layout.class_code} <= columns:
                return layout
    return None


def class_of(code: pl.Expr) -> pl.Expr:
    """Return residential, commercial, education, transport or other for a code of the scheme.

    The longest prefix of the code in `address_classes.csv` decides; a code that no prefix fits is null.
    """
    known = _prefixes()
    longest = max(map(len, known))
    candidates = [
        code.str.slice(0, length).replace_strict(known, default=None, return_dtype=pl.String())
        for length in range(longest, 0, -1)
    ]
    return pl.coalesce(candidates)


@cache
def _prefixes() -> dict[str, str]:
    table = pl.read_csv(Path(__file__).parent / "address_classes.csv")
    return dict(zip(table["code"], table["class"], strict=True))


def _lines(path: Path, limits: Limits) -> Iterator[str]:
    for part in parts(path, limits):
        while line := part.stream.readline(limits.line_bytes):
            yield line.decode("utf-8", errors="replace")
        if part.stream.cut_short:
            yield CUT_SHORT


def _records(path: Path, limits: Limits) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(_lines(path, limits))
    try:
        for record in reader:
            yield reader.line_num, record
    except csv.Error:
        yield reader.line_num + 1, []


def _read_premium(path: Path, limits: Limits) -> Piece:
    properties: list[tuple[int, list[str]]] = []
    codes: list[tuple[str, str]] = []
    rejected: list[tuple[int, str, str]] = []
    left_out = 0
    for line, record in _records(path, limits):
        kind = record[0] if record else ""
        if kind not in RECORD_TYPES:
            rejected.append((line, "record type is not one of AddressBase Premium", ",".join(record)))
        elif kind in RECORD_LENGTHS and len(record) != RECORD_LENGTHS[kind]:
            reason = f"{len(record)} fields where a record {kind} has {RECORD_LENGTHS[kind]}"
            rejected.append((line, reason, ",".join(record)))
        elif kind == PROPERTY and record[1] != DELETED and record[4] == APPROVED:
            properties.append((line, record))
        elif kind == CLASSIFICATION and record[1] != DELETED and record[6] == SCHEME and not record[9]:
            codes.append((record[3], record[5]))
        else:
            left_out += 1
    classified = pl.DataFrame(codes, schema={"uprn": pl.String(), "class_code": pl.String()}, orient="row")
    rows = pl.DataFrame(
        [(line, record[3], record[8], record[9], record[10], record[11], record[20]) for line, record in properties],
        schema=dict.fromkeys(("line", "uprn", "easting", "northing", "latitude", "longitude", "postcode"), pl.String())
        | {"line": pl.Int64()},
        orient="row",
    ).join(classified.unique("uprn", keep="last"), on="uprn", how="left", maintain_order="left")
    return _finish(
        rows, rejected, f"{counted(left_out, 'record')} of other types, historic or deleted" if left_out else None
    )


def _read_flat(path: Path, layout: Product, limits: Limits) -> Piece:
    rows: list[tuple[int, str, str, str, str, str, str, str]] = []
    rejected: list[tuple[int, str, str]] = []
    left_out = 0
    records = _records(path, limits)
    _, header = next(records)
    names = [name.strip().lstrip("\ufeff").upper() for name in header]
    at = {name: names.index(name) for name in names}
    postcode = next((at[name] for name in layout.postcode if name in at), None)
    for line, record in records:
        if len(record) != len(names):
            rejected.append((line, f"{len(record)} fields where {len(names)} are expected", ",".join(record)))
        elif layout.change in at and record[at[layout.change]] == DELETED:
            left_out += 1
        else:
            values = [record[at[name]] for name in ("UPRN", layout.easting, layout.northing)]
            degrees = [record[at[name]] if name in at else "" for name in ("LATITUDE", "LONGITUDE")]
            where = record[postcode] if postcode is not None else ""
            rows.append((line, *values, *degrees, where, record[at[layout.class_code]]))  # type: ignore[arg-type]
    names_out = ("line", "uprn", "easting", "northing", "latitude", "longitude", "postcode", "class_code")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names_out, pl.String()) | {"line": pl.Int64()}, orient="row")
    return _finish(frame, rejected, f"{counted(left_out, 'record')} of deleted addresses" if left_out else None)


def _finish(rows: pl.DataFrame, rejected: list[tuple[int, str, str]], note: str | None) -> Piece:
    numbers = {"uprn": pl.Int64(), **dict.fromkeys(("easting", "northing", "latitude", "longitude"), pl.Float64())}
    typed = rows.with_columns(pl.col(name).cast(dtype, strict=False) for name, dtype in numbers.items())
    east, north = to_national_grid(typed["latitude"].fill_null(np.nan), typed["longitude"].fill_null(np.nan))
    apart = np.hypot(east - typed["easting"].fill_null(np.nan), north - typed["northing"].fill_null(np.nan))
    typed = typed.with_columns(
        apart_m=pl.Series(apart).fill_nan(None), class_code=pl.col("class_code").str.strip_chars().str.to_uppercase()
    ).with_columns(class_of(pl.col("class_code")).alias("class"))
    on_grid = pl.col("easting").is_between(0, 700_000) & pl.col("northing").is_between(0, 1_300_000)
    reason = (
        pl.when(pl.col("uprn").is_null())
        .then(pl.lit("UPRN is missing or not a number"))
        .when(~pl.col("uprn").is_between(1, LARGEST_UPRN))
        .then(pl.lit("UPRN has not 1 to 12 digits"))
        .when(~on_grid.fill_null(False))
        .then(pl.lit("position is missing or off the National Grid"))
        .when(pl.col("apart_m") > MAX_DISAGREEMENT_M)
        .then(pl.lit("position in metres and position in degrees are not the same place"))
        .when(pl.col("class").is_null())
        .then(pl.lit("classification is missing or not in the scheme"))
    )
    judged = typed.with_columns(reason=reason)
    # Only a row that can be read says something else of an address; of those the last is what holds now.
    readable = judged.filter(pl.col("reason").is_null()).drop("reason")
    again = readable.with_columns(reason=repeats(readable, ("uprn",), "last"))
    judged = pl.concat([judged.filter(pl.col("reason").is_not_null()), again], how="diagonal").sort("line")
    accepted = judged.filter(pl.col("reason").is_null()).select(
        "uprn",
        easting_m="easting",
        northing_m="northing",
        class_code="class_code",
        **{"class": pl.col("class")},
        postcode=pl.when(pl.col("postcode").str.strip_chars() != "").then(pl.col("postcode").str.strip_chars()),
        line="line",
    )
    bad = judged.filter(pl.col("reason").is_not_null()).select(
        "line", "reason", text=pl.struct("uprn", "easting", "northing", "class_code").struct.json_encode()
    )
    structural = pl.DataFrame(rejected, schema=REJECTED_SCHEMA, orient="row")
    every = pl.concat([structural, bad]).sort("line")
    if accepted.is_empty():
        raise Unreadable(nothing_read(every), every)
    notes = (note,) if note else ()
    return Piece(
        accepted.cast(ADDRESS_SCHEMA),  # type: ignore[arg-type]
        every,
        notes,
        usable=len(accepted),
        expected=len(accepted) + len(every),
    )
