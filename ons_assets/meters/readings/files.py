"""Files of readings in blocks: memory holds a few blocks, whatever the size of the file."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.delimited import GZIP_MAGIC
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA

BLOCK_BYTES = 8 << 20
PARQUET_ROWS = 500_000


def opened(path: Path) -> IO[bytes]:
    """Open a file, unpacking it if it is gzip."""
    with path.open("rb") as file:
        zipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    return cast(IO[bytes], gzip.open(path)) if zipped else path.open("rb")


@contextmanager
def gzip_faults() -> Iterator[None]:
    """Say in a sentence what is wrong with a gzip file."""
    try:
        yield
    except EOFError:
        raise Unreadable("is a gzip file cut short") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Unreadable(f"is a broken gzip file ({error})") from None


def whole_lines(path: Path) -> Iterator[bytes]:
    """Yield a text file in blocks that end where a line ends.

    Raises
    ------
    Unreadable
        If it holds a line longer than a block, or is a broken gzip.
    """
    rest = b""
    with gzip_faults(), opened(path) as stream:
        while block := stream.read(BLOCK_BYTES):
            end = block.rfind(b"\n") + 1
            if end:
                yield rest + block[:end]
                rest = block[end:]
            elif len(rest) + len(block) > BLOCK_BYTES:
                raise Unreadable(f"holds a line longer than {BLOCK_BYTES} bytes")
            else:
                rest += block
    if rest:
        yield rest


def delimited_blocks(path: Path, delimiter: str, encoding: str) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the records of a delimited file: every column text (empty is null) and `line`; and the rejected.

    Parameters
    ----------
    path
        Plain or gzip text with a header.
    delimiter
        Character between the fields.
    encoding
        Encoding of the text, such as "utf-8".

    Raises
    ------
    Unreadable
        If it has no header, is empty, holds a line longer than a block, or is a broken gzip.
    """
    irregular: list[arrow_csv.InvalidRow] = []

    def keep(row: arrow_csv.InvalidRow) -> str:
        irregular.append(row)
        return "skip"

    line = 2
    skipped: set[int] = set()
    with gzip_faults(), opened(path) as stream:
        try:
            reader = arrow_csv.open_csv(
                pa.PythonFile(stream, mode="r"),
                # One thread: only then does Arrow say the number of an irregular record.
                read_options=arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, encoding=encoding),
                parse_options=arrow_csv.ParseOptions(delimiter=delimiter, invalid_row_handler=keep),
                convert_options=_as_binary(path, delimiter, encoding),
            )
            for batch in reader:
                rows = pl.DataFrame(pa.Table.from_batches([batch]))
                skipped.update(row.number for row in irregular)
                numbers = _numbers(line, len(rows), skipped)
                line = int(numbers[-1]) + 1 if len(numbers) else line
                # What is not valid text becomes null, and is rejected as a missing value.
                text = rows.with_columns(pl.all().cast(pl.String, strict=False)).with_columns(line=pl.Series(numbers))
                rejected = [
                    (row.number, f"{row.actual_columns} fields where {row.expected_columns} are expected", row.text)
                    for row in irregular
                ]
                irregular.clear()
                yield text, pl.DataFrame(rejected, schema=REJECTED_SCHEMA, orient="row")
        except pa.ArrowInvalid as error:
            if "straddling" in str(error):
                raise Unreadable(f"holds a line longer than {BLOCK_BYTES} bytes") from None
            raise Unreadable("is not delimited text with a header") from None
        except UnicodeDecodeError:
            raise Unreadable(f"is not valid {encoding}") from None
    if irregular:
        rejected = [
            (row.number, f"{row.actual_columns} fields where {row.expected_columns} are expected", row.text)
            for row in irregular
        ]
        yield pl.DataFrame(), pl.DataFrame(rejected, schema=REJECTED_SCHEMA, orient="row")


def _numbers(first: int, count: int, skipped: set[int]) -> np.ndarray:
    """Return the numbers of the next lines that are not skipped."""
    ahead = sorted(number for number in skipped if number >= first)
    numbers = np.arange(first, first + count + len(ahead), dtype=np.int64)
    return np.setdiff1d(numbers, ahead, assume_unique=True)[:count]


def _as_binary(path: Path, delimiter: str, encoding: str) -> arrow_csv.ConvertOptions:
    with opened(path) as stream:
        text = stream.readline(BLOCK_BYTES)
    names = arrow_csv.read_csv(
        pa.BufferReader(text + b"\n"),
        read_options=arrow_csv.ReadOptions(encoding=encoding),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter),
    ).column_names
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise Unreadable(f"has columns of the same name: {', '.join(repeated)}")
    return arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.binary()),
        strings_can_be_null=True,
        null_values=[""],
        quoted_strings_can_be_null=True,
    )


def parquet_blocks(path: Path, columns: Sequence[str]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the rows of a Parquet file, typed, with `line` counted from 1.

    Raises
    ------
    Unreadable
        If it is broken.
    """
    line = 1
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=PARQUET_ROWS, columns=list(columns)):
                rows = pl.DataFrame(pa.Table.from_batches([batch]))
                yield (
                    rows.with_row_index("line", offset=line).cast({"line": pl.Int64()}),
                    pl.DataFrame(schema=REJECTED_SCHEMA),
                )
                line += len(rows)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError):
        raise Unreadable("is a broken Parquet file") from None
