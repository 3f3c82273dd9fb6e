"""Parquet in blocks, typed as its columns are; structures become columns with dotted names."""

from collections.abc import Collection, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ons_assets.intake.blocks import LINE, LINE_OF_FILE, Block, numbered, rejected_rows
from ons_assets.intake.limits import Limits
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA

MAGIC, ENCRYPTED_MAGIC = b"PAR1", b"PARE"
# What the libraries raise over bytes that are not what they should be; names are text only where they are UTF-8.
DAMAGE = (pa.ArrowException, pl.exceptions.PolarsError, OSError, UnicodeDecodeError)
MOST_ROWS = 500_000
BATCH_BYTES = 64 << 20
NOT_TEXT = "not valid utf-8"


def blocks(path: Path, limits: Limits, columns: Collection[str] | None, rows: int = MOST_ROWS) -> Iterator[Block]:
    """Yield the rows of a Parquet file; `line` is the number of the row, the first being 1.

    Bytes of which the writer did not say that they are text are read as text if the first rows are.

    Parameters
    ----------
    path
        Unpacked.
    limits
        On what it unpacks to.
    columns
        That are needed, in the form `place.name`; all of them if None.
    rows
        Of a block, at most.

    Raises
    ------
    Unreadable
        If it is damaged, cut short, encrypted, or unpacks to too much.
    """
    _check_magic(path)
    line, as_text = 1, None
    try:
        with pq.ParquetFile(path) as file:
            _check_size(file.metadata, limits)
            leaves = _leaves(file.schema_arrow)
            wanted = [leaf for name, leaf in leaves.items() if columns is None or name in columns]
            batches = file.iter_batches(batch_size=_batch_rows(file.metadata, rows), columns=wanted)
            for batch in batches:
                found = _flat(pl.DataFrame(pa.Table.from_batches([batch])))
                if not wanted:
                    found = pl.DataFrame({LINE: pl.Series([0] * len(batch), dtype=pl.Int64())})
                found = numbered(found, line)
                line += len(batch)
                if as_text is None:
                    as_text = _columns_of_text(found)
                found, rejected = _with_text(found, as_text)
                yield Block(found, rejected)
            if line == 1:
                empty = _flat(pl.DataFrame(file.schema_arrow.empty_table().select(wanted_fields(wanted))))
                yield Block(numbered(empty, 1), pl.DataFrame(schema=REJECTED_SCHEMA))
    except DAMAGE:
        raise Unreadable("is a damaged Parquet file") from None


def names(path: Path) -> list[str]:
    """Return the names of the columns."""
    _check_magic(path)
    try:
        return list(_leaves(pq.read_schema(path)))
    except DAMAGE:
        raise Unreadable("is a damaged Parquet file") from None


def wanted_fields(leaves: Collection[str]) -> list[str]:
    """Return the fields of the first level in which leaves lie."""
    return list(dict.fromkeys(leaf.split(".")[0] for leaf in leaves))


def _check_magic(path: Path) -> None:
    with path.open("rb") as file:
        first = file.read(len(MAGIC))
        file.seek(0, 2)
        file.seek(-min(file.tell(), len(MAGIC)), 2)
        last = file.read()
    if ENCRYPTED_MAGIC in (first, last):
        raise Unreadable("is an encrypted Parquet file")
    if first == MAGIC != last:
        raise Unreadable("is a Parquet file cut short")


def _check_size(metadata: pq.FileMetaData, limits: Limits) -> None:
    if (
        sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
        > limits.unpacked_bytes
    ):
        raise Unreadable(f"unpacks to more than {limits.unpacked_bytes} bytes")


def _batch_rows(metadata: pq.FileMetaData, most: int) -> int:
    size: int = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    rows: int = BATCH_BYTES * max(metadata.num_rows, 1) // max(size, 1)
    return max(1, min(most, rows))


def _leaves(schema: pa.Schema) -> dict[str, str]:
    """Return the path of each column in the file by its name here: stripped, and never `line`."""
    found: dict[str, str] = {}

    def add(field: pa.Field, prefix: str) -> None:
        if pa.types.is_struct(field.type):
            for inner in field.type:
                add(inner, f"{prefix}{field.name}.")
        else:
            name = f"{prefix}{field.name}"
            found[_name(name)] = name

    for field in schema:
        add(field, "")
    return found


def _name(name: str) -> str:
    name = name.strip()
    return LINE_OF_FILE if name == LINE else name


def _flat(rows: pl.DataFrame) -> pl.DataFrame:
    while structs := [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.Struct)]:
        parts = []
        for name in rows.columns:
            if name not in structs:
                parts.append(pl.col(name))
                continue
            fields = rows.schema[name].fields  # type: ignore[attr-defined]
            parts += [pl.col(name).struct.field(field.name).alias(f"{name}.{field.name}") for field in fields]
        rows = rows.select(parts)
    rows = rows.rename(_name)
    return rows.with_columns(pl.col(pl.Categorical).cast(pl.String()))


def _columns_of_text(rows: pl.DataFrame) -> list[str]:
    """Return the columns of bytes whose bytes, in these rows, are text."""
    binary = rows.select(pl.col(pl.Binary))
    return [name for name in binary.columns if _as_text(binary[name]).null_count() == binary[name].null_count()]


def _as_text(values: pl.Series) -> pl.Series:
    """Return bytes as text; null where they are none."""
    try:
        return values.cast(pl.String())
    except pl.exceptions.PolarsError:
        return pl.Series(values.name, [_decoded(value) for value in values], dtype=pl.String())


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _with_text(rows: pl.DataFrame, names: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    text = rows.with_columns(_as_text(rows[name]) for name in names)
    # Empty text is nothing, as everywhere.
    empty = [name for name, dtype in text.schema.items() if dtype == pl.String() and (text[name] == "").any()]
    text = text.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in empty)
    lost = [rows[name].is_not_null() & text[name].is_null() & (rows[name].bin.size() > 0) for name in names]
    if not any(each.any() for each in lost):
        return text, rejected_rows()
    bad = pl.select(pl.any_horizontal(lost)).to_series()
    return text.filter(~bad), rejected_rows([(line, NOT_TEXT, "") for line in text.filter(bad)[LINE]])
