"""A file written again without some of its records, in what it came in; the rest of it byte for byte."""

import gzip
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ons_assets.intake.containers import is_workbook_zip, is_zip, opened_zip
from ons_assets.intake.formats import format_of
from ons_assets.intake.json_lines import of_stream
from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.record_blocks import Fault, has_only_returns
from ons_assets.intake.streams import GZIP_MAGIC, ZSTANDARD_MAGIC, Budget, Stream, unpacked

LINE_FORMATS = ("delimited", "cer", "json-lines")
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
LOOKED_AT_BYTES = 4096


class NotCut(Exception):
    """Records of a file cannot be cut out of it."""


@dataclass(frozen=True)
class Cut:
    """Which records of a part go.

    Parameters
    ----------
    spans
        Lines that go, in order: the first of them, and the first after them.
    unreadable
        Numbers of lines that are no record; one that names somebody goes.
    is_all
        Whether no record of the part stays.
    """

    spans: tuple[tuple[int, int], ...] = ()
    unreadable: frozenset[int] = frozenset()
    is_all: bool = False


class Cutting:
    """Finds out what goes of a part, block by block; memory holds the lines that go, and not those that stay."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []
        self._unreadable: set[int] = set()
        self._open: int | None = None
        self._last = (0, False)
        self._stays = 0

    def add(self, lines: pl.Series, goes: pl.Series, unreadable: pl.Series) -> None:
        """Add the records of a block.

        Parameters
        ----------
        lines
            In which records begin.
        goes
            Whether each goes.
        unreadable
            Lines that are no record.

        Raises
        ------
        NotCut
            If a line holds records that go and records that stay.
        """
        numbers = np.concatenate([lines.to_numpy(), unreadable.to_numpy()])
        if not len(numbers):
            return
        gone = np.concatenate([goes.to_numpy(), np.zeros(len(unreadable), dtype=bool)])
        order = np.argsort(numbers, kind="stable")
        numbers, gone = numbers[order], gone[order]
        before, went = self._last
        if (numbers[0] == before and gone[0] != went) or (
            (numbers[1:] == numbers[:-1]) & (gone[1:] != gone[:-1])
        ).any():
            raise NotCut
        turns = np.flatnonzero(np.concatenate([[gone[0] != went], gone[1:] != gone[:-1]]))
        for place in turns.tolist():
            self._turn(int(numbers[place]))
        self._last = int(numbers[-1]), bool(gone[-1])
        self._stays += int(len(gone) - gone.sum())
        self._unreadable.update(unreadable)

    def _turn(self, line: int) -> None:
        """Begin to leave out, or to take, at a line."""
        if self._open is None:
            self._open = line
        else:
            self._spans.append((self._open, line))
            self._open = None

    def cut(self) -> Cut:
        """Return what goes; what stands between two records, as the rest of a quoted text, goes with the first."""
        spans = (*self._spans, *([(self._open, sys.maxsize)] if self._open is not None else []))
        return Cut(spans, frozenset(self._unreadable), bool(spans) and not self._stays)


@dataclass(frozen=True)
class Cuts:
    """What is to go from a file.

    Parameters
    ----------
    parts
        By the names of members of a zip; None is a file that is no zip.
    names
        Of whom, or of what, the records are.
    crossed_out
        Names that are crossed out where they stand in other records: those that are no common number.
    pruning
        Takes somebody out of a line, where lines hold records of several.
    """

    parts: Mapping[str | None, Cut]
    names: re.Pattern[bytes]
    crossed_out: re.Pattern[bytes]
    pruning: Callable[[bytes], bytes | None] | None = None


def rewrite(path: Path, target: Path, layout: Layout, limits: Limits, cuts: Cuts) -> bool:
    """Write a file without some of its records; return whether it is another than before.

    Parameters
    ----------
    path
        The file.
    target
        Where what is left of it is written; the same cuts of the same file write the same bytes.
    layout
        Under which it is read.
    limits
        On what it unpacks to.
    cuts
        What goes.

    Raises
    ------
    NotCut
        If it is of a format whose records cannot be cut out one by one, or one line holds records of several.
    """
    kind = format_of(path, layout, limits)
    if kind == "parquet" and not _is_packed(path):
        return _rewrite_parquet(path, target, cuts)
    if kind not in LINE_FORMATS and cuts.pruning is None:
        raise NotCut
    if is_zip(path):
        return _rewrite_zip(path, target, limits, cuts)
    with path.open("rb") as file, _packed_as(path, target) as made:
        stream = Stream(unpacked(file.read), Budget(limits))
        return _copy(stream, made, limits, cuts, cuts.parts.get(None, Cut()))


def _copy(stream: Stream, made: IO[bytes] | gzip.GzipFile, limits: Limits, cuts: Cuts, cut: Cut) -> bool:
    """Write what is left of a part; return whether it is another than before."""
    start = stream.peek(LOOKED_AT_BYTES)
    if start.startswith(UTF_16_MARKS) or b"\0" in start or has_only_returns(stream):
        raise NotCut
    is_other = False
    for line, left in _pruned(stream, limits, cuts) if cuts.pruning else _lines(stream, limits, cuts, cut):
        kept = cuts.crossed_out.sub(crossed, left)
        is_other |= kept != line
        made.write(kept)
    if is_other and stream.cut_short:
        # What is written would look as if it had been written to its end.
        raise NotCut
    return is_other


def crossed(found: re.Match[bytes]) -> bytes:
    """Return what stands in the place of a name."""
    return b"x" * len(found[0])


def _lines(stream: Stream, limits: Limits, cuts: Cuts, cut: Cut) -> Iterator[tuple[bytes, bytes]]:
    """Yield lines, each with what is left of it."""
    number, place, spans = 0, 0, cut.spans
    while line := stream.readline(limits.unpacked_bytes):
        number += 1
        while place < len(spans) and number >= spans[place][1]:
            place += 1
        goes = place < len(spans) and number >= spans[place][0]
        named = number in cut.unreadable and cuts.names.search(line)
        yield line, b"" if goes or named else line


def _pruned(stream: Stream, limits: Limits, cuts: Cuts) -> Iterator[tuple[bytes, bytes]]:
    """Yield lines, each with what is left of it; the elements of an array become lines."""
    assert cuts.pruning is not None
    if stream.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        found: Iterator[bytes | Fault] = (line for _, line in of_stream(stream, limits))
    else:
        found = iter(lambda: stream.readline(limits.unpacked_bytes), b"")
    for line in found:
        if isinstance(line, Fault):
            raise NotCut
        text = line.rstrip(b"\r\n")
        left = cuts.pruning(text)
        yield line, line if left == text and line != text else left + b"\n" if left is not None else b""


def _rewrite_zip(path: Path, target: Path, limits: Limits, cuts: Cuts) -> bool:
    if is_workbook_zip(path):
        raise NotCut
    budget, is_other = Budget(limits), False
    with opened_zip(path) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for info in archive.infolist():
            if info.is_dir():
                continue
            cut = cuts.parts.get(info.filename)
            if cut and cut.is_all:
                is_other = True
                continue
            name = cuts.crossed_out.sub(crossed, info.filename.encode()).decode()
            with archive.open(info) as file, made.open(zipfile.ZipInfo(name, info.date_time), "w") as member:
                is_other |= _copy(Stream(unpacked(file.read), budget), member, limits, cuts, cut or Cut())
            is_other |= name != info.filename
    return is_other


def _rewrite_parquet(path: Path, target: Path, cuts: Cuts) -> bool:
    spans = np.array(cuts.parts.get(None, Cut()).spans, dtype=np.int64).reshape(-1, 2)
    with pq.ParquetFile(path) as file, pq.ParquetWriter(target, file.schema_arrow, compression="zstd") as made:
        first = 1
        for batch in file.iter_batches():
            numbers = np.arange(first, first + len(batch))
            # As many spans have begun as have ended: the row is in none.
            begun, ended = (np.searchsorted(side, numbers, side="right") for side in spans.T)
            made.write_batch(batch.filter(pa.array(begun == ended)))
            first += len(batch)
    return bool(len(spans))


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith((GZIP_MAGIC, ZSTANDARD_MAGIC, b"PK"))


@contextmanager
def _packed_as(path: Path, target: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Open a file that is packed as another one is."""
    with path.open("rb") as file:
        first = file.read(4)
    with target.open("wb") as made:
        if first.startswith(GZIP_MAGIC):
            with gzip.GzipFile(filename="", mode="wb", fileobj=made, mtime=0) as packed:
                yield packed
        elif first == ZSTANDARD_MAGIC:
            with pa.CompressedOutputStream(pa.PythonFile(made, mode="w"), "zstd") as packed:
                yield packed
        else:
            yield made
