"""Delimited text and Parquet as suppliers really send them, read as text and line by line accountable."""

import gzip
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from ons_assets.intake.limits import Limits
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.lakehouse.sources import Unreadable

GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Text:
    """A delimited file, read.

    Parameters
    ----------
    rows
        One row a record, every column text as it stands (empty text is null), and `line`.
    rejected
        Records with too few or too many fields, or that are not valid in the file's encoding.
    ends_inside_record
        Whether the last record, or the gzip around the file, is cut short: it was not written to its end.
    """

    rows: pl.DataFrame
    rejected: pl.DataFrame
    ends_inside_record: bool


def is_parquet(path: Path) -> bool:
    """Return whether the file begins as Parquet does."""
    with path.open("rb") as file:
        return file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC


def read_bytes(path: Path, limits: Limits) -> tuple[bytes, bool]:
    """Return the content of a file, decompressed if it is gzip, and whether the gzip is cut short.

    Raises
    ------
    Unreadable
        If it is empty, unpacks to more than the limit, or is a broken gzip.
    """
    with path.open("rb") as file:
        zipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    content, cut_short = bytearray(), False
    with gzip.open(path) if zipped else path.open("rb") as stream:
        try:
            # `read` would drop what it had unpacked before it met the cut.
            while chunk := stream.read1(CHUNK_BYTES):
                content += chunk
                if len(content) > limits.unpacked_bytes:
                    raise Unreadable(f"unpacks to more than {limits.unpacked_bytes} bytes")
        except EOFError:
            if not content:
                raise Unreadable("is a gzip file cut short") from None
            cut_short = True
        except (gzip.BadGzipFile, zlib.error) as error:
            raise Unreadable(f"is a broken gzip file ({error})") from None
    if not content:
        raise Unreadable("is empty")
    return bytes(content), cut_short


def header(path: Path, delimiter: str = ",", encoding: str = "utf-8") -> list[str]:
    """Return the column names of a delimited or Parquet file; empty if there are none to find.

    Parameters
    ----------
    path
        Plain or gzip text, or Parquet.
    delimiter, encoding
        How the text is written; of no account for Parquet.
    """
    if is_parquet(path):
        with suppress(pl.exceptions.PolarsError, OSError):
            return list(pl.read_parquet_schema(path))
        return []
    with suppress(OSError, EOFError, zlib.error, UnicodeDecodeError, pa.ArrowInvalid):
        with path.open("rb") as file:
            zipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        with gzip.open(path) if zipped else path.open("rb") as stream:
            line = stream.readline(CHUNK_BYTES).removeprefix(BYTE_ORDER_MARK).decode(encoding).encode()
        table = arrow_csv.read_csv(
            pa.BufferReader(line + b"\n"), parse_options=arrow_csv.ParseOptions(delimiter=delimiter)
        )
        return list(table.column_names)
    return []


def read_delimited(path: Path, limits: Limits, *, delimiter: str = ",", encoding: str = "utf-8") -> Text:
    """Read a delimited file with a header; every record is accepted or rejected, none is lost.

    Parameters
    ----------
    delimiter
        One character.
    encoding
        Of the text; never guessed.

    Raises
    ------
    Unreadable
        If the file has no header, is empty, or holds a line longer than the limit.
    """
    raw, cut_short = read_bytes(path, limits)
    raw = raw.removeprefix(BYTE_ORDER_MARK)
    try:
        decoded, garbled = raw.decode(encoding), False
    except UnicodeDecodeError:
        decoded, garbled = raw.decode(encoding, errors="replace"), True
    content, unfinished = decoded.encode(), b""
    if cut_short:
        # Even with all its fields, a record that ends in the cut may lack a digit.
        whole = content.rfind(b"\n") + 1
        content, unfinished = content[:whole], content[whole:]
        if not content:
            raise Unreadable("is a gzip file cut short")
    irregular: list[arrow_csv.InvalidRow] = []

    def keep(row: arrow_csv.InvalidRow) -> str:
        irregular.append(row)
        return "skip"

    try:
        names = _column_names(content, delimiter)
        table = arrow_csv.read_csv(
            pa.BufferReader(content if content.endswith(b"\n") else content + b"\n"),
            # One thread: only then does Arrow say the number of an irregular record.
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=limits.line_bytes),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=keep
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        if "straddling" in str(error):
            raise Unreadable(
                f"holds a line longer than {limits.line_bytes} bytes, or a quotation mark without its pair"
            ) from None
        raise Unreadable("is not delimited text with a header") from None
    rows = pl.DataFrame(table)
    lines = np.setdiff1d(
        np.arange(2, len(rows) + len(irregular) + 2), [row.number for row in irregular], assume_unique=True
    )
    rows = rows.with_columns(line=pl.Series(lines, dtype=pl.Int64))
    replaced = pl.any_horizontal(pl.col(names).str.contains(REPLACEMENT, literal=True)).fill_null(False)
    bad_encoding = rows.filter(replaced) if garbled else rows.clear()
    last_line = len(rows) + len(irregular) + 1
    rejected = pl.concat(
        [
            pl.DataFrame(
                [
                    (
                        row.number,
                        f"{row.actual_columns} fields where {row.expected_columns} are expected",
                        row.text,
                    )
                    for row in irregular
                ],
                schema=REJECTED_SCHEMA,
                orient="row",
            ),
            bad_encoding.select(
                "line",
                reason=pl.lit(f"not valid {encoding}"),
                text=pl.concat_str(pl.col(names).fill_null(""), separator=delimiter),
            ),
            pl.DataFrame(
                [(last_line + 1, "cut short", unfinished.decode())] if unfinished else [],
                schema=REJECTED_SCHEMA,
                orient="row",
            ),
        ]
    )
    return Text(
        rows=rows.join(bad_encoding, on="line", how="anti") if len(bad_encoding) else rows,
        rejected=rejected.sort("line"),
        ends_inside_record=cut_short
        or (any(row.number == last_line for row in irregular) and not content.endswith(b"\n")),
    )


def _column_names(content: bytes, delimiter: str) -> list[str]:
    line = content[: content.find(b"\n") + 1] or content + b"\n"
    names: list[str] = arrow_csv.read_csv(
        pa.BufferReader(line), parse_options=arrow_csv.ParseOptions(delimiter=delimiter)
    ).column_names
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise Unreadable(f"has columns of the same name: {', '.join(repeated)}")
    return names
