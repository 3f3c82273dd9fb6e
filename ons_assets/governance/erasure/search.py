"""A search of every byte of a home: of files as they lie, of what is packed in them, and of values of tables."""

import os
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow.parquet as pq

from ons_assets.intake.limits import Limits
from ons_assets.intake.streams import GZIP_MAGIC, ZSTANDARD_MAGIC, Budget, Stream, unpacked
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.home import Home

PIECE_BYTES = 16 << 20
# Longer than any text that is looked for, so that none is missed between two pieces.
OVERLAP_BYTES = 1024
ROWS_AT_ONCE = 10_000
# Fewer digits are of many places.
TELLING_DIGITS = 6
WORDS = re.compile(rb"[0-9A-Za-z]")
NO_LIMIT = Limits(1 << 62, 1 << 62, 1 << 62)


@dataclass(frozen=True)
class Wanted:
    """What must not be found.

    Parameters
    ----------
    texts
        Names, pseudonyms and coordinates as they are written.
    integers
        Pseudonyms and numbers of records, as tables hold them.
    reals
        Coordinates.
    """

    texts: frozenset[str]
    integers: frozenset[int]
    reals: frozenset[float]

    @classmethod
    def of(cls, names: frozenset[str], integers: frozenset[int], coordinates: frozenset[float]) -> "Wanted":
        """Return what is looked for.

        Parameters
        ----------
        names
            As suppliers write them.
        integers
            Pseudonyms, or numbers of records.
        coordinates
            Those of few digits, which are of many places, are left out.
        """
        telling = frozenset(each for each in coordinates if sum(map(str.isdigit, repr(each))) >= TELLING_DIGITS)
        texts = [*names, *map(str, integers), *map(repr, telling)]
        return cls(frozenset(texts), integers, telling)

    @property
    def eights(self) -> npt.NDArray[np.uint64]:
        """All that tables hold in eight bytes, in either order of them."""
        integers = np.array(sorted(self.integers), dtype=np.int64).view(np.uint64)
        reals = np.array(sorted(self.reals), dtype=np.float64).view(np.uint64)
        both = np.concatenate([integers, reals])
        return np.unique(np.concatenate([both, both.byteswap()]))


def holding(home: Home, wanted: Wanted) -> list[Path]:
    """Return the files of a home in which something is found that must not be, without what an erasure itself keeps.

    Parameters
    ----------
    home
        All of which is searched.
    wanted
        What must not be found.
    """
    search = Search(wanted)
    return [path for path in sorted(_files(home)) if not path.is_relative_to(home.erasure) and search.finds_in(path)]


def _files(home: Home) -> Iterator[Path]:
    """Yield all files of a home, those of folders on other disks too; of links that others may have sent none."""
    seen: set[Path] = set()
    for folder, names, files in os.walk(home.root, followlinks=True):
        inside = Path(folder)
        found = [(name, (inside / name).resolve()) for name in names]
        is_sent = inside.is_relative_to(home.drops)
        names[:] = [name for name, at in found if at not in seen and not (is_sent and (inside / name).is_symlink())]
        seen.update(at for _, at in found)
        yield from (inside / name for name in files if not (inside / name).is_symlink())


class Search:
    """Looks for some things in many files."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._texts = [text.encode().decode("latin-1") for text in sorted(wanted.texts)]
        self._eights = wanted.eights

    def finds_in(self, path: Path) -> bool:
        """Return whether something is found in a file: its name, its bytes, what is packed in it, its values."""
        if self._in_bytes(str(path.name).encode(errors="surrogateescape")):
            return True
        if any(self._in_bytes(piece) for piece in _pieces(path)):
            return True
        with path.open("rb") as file:
            first = file.read(16)
        # What is none of these, whatever it begins with or is called, has been searched as it lies.
        with suppress(OSError, ValueError, pl.exceptions.PolarsError, sqlite3.DatabaseError, duckdb.Error):
            if first.startswith(b"PAR1"):
                return self._in_parquet(path)
            if first.startswith(b"SQLite"):
                return self._in_sqlite(path)
            if path.suffix == ".duckdb":
                return self._in_duckdb(path)
        return False

    def _in_bytes(self, content: bytes) -> bool:
        return self._has_eights(content) or self._has_texts(content)

    def _has_eights(self, content: bytes) -> bool:
        if not len(self._eights):
            return False
        for start in range(8):
            count = (len(content) - start) // 8
            if count > 0:
                found = np.frombuffer(content, "<u8", count, start)
                nearest = np.searchsorted(self._eights, found).clip(max=len(self._eights) - 1)
                if (self._eights[nearest] == found).any():
                    return True
        return False

    def _has_texts(self, content: bytes) -> bool:
        if not self._texts or not content:
            return False
        text = pl.Series([content.decode("latin-1")])
        if not text.str.contains_any(self._texts)[0]:
            return False
        return any(_stands_alone(content, name.encode("latin-1")) for name in self._texts)

    def _in_parquet(self, path: Path) -> bool:
        with pq.ParquetFile(path) as file:
            return any(self._in_frame(pl.DataFrame(batch)) for batch in file.iter_batches())

    def _in_frame(self, frame: pl.DataFrame) -> bool:
        return any(self._in_column(column) for column in frame)

    def _in_column(self, column: pl.Series) -> bool:
        while column.dtype in (pl.List, pl.Array):
            column = column.explode()
        if column.dtype == pl.Struct:
            return self._in_frame(column.struct.unnest())
        if column.dtype.is_integer():
            return bool(column.cast(pl.Int64(), strict=False).is_in(sorted(self._wanted.integers)).any())
        if column.dtype == pl.Float64:
            return bool(column.is_in(sorted(self._wanted.reals)).any())
        if column.dtype == pl.Binary:
            return any(self._has_texts(value) for value in column.drop_nulls())
        if column.dtype == pl.String:
            found = column.drop_nulls().unique()
            return self._has_texts("\n".join(found.filter(found.str.contains_any(sorted(self._wanted.texts)))).encode())
        return False

    def _in_sqlite(self, path: Path) -> bool:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            # Texts of any encoding, damaged or not, come as bytes of UTF-8.
            database.text_factory = bytes
            named = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for table in ["sqlite_master", *(name.decode() for (name,) in named)]:
                # A table of a kind that is not known here keeps nobody from reading the others.
                with suppress(sqlite3.DatabaseError):
                    quoted = table.replace('"', '""')
                    rows = database.execute(f'SELECT * FROM "{quoted}"')
                    while some := rows.fetchmany(ROWS_AT_ONCE):
                        if self._in_values([value for row in some for value in row]):
                            return True
        return False

    def _in_values(self, values: list[object]) -> bool:
        """Whether something is among values of SQLite, whose file has them next to each other without a gap."""
        if any(isinstance(value, int) and value in self._wanted.integers for value in values):
            return True
        if any(isinstance(value, float) and value in self._wanted.reals for value in values):
            return True
        return self._has_texts(b"\n".join(value for value in values if isinstance(value, bytes)))

    def _in_duckdb(self, path: Path) -> bool:
        with duckdb.connect(str(path), read_only=True) as database:
            tables = database.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
            for schema, table in tables:
                rows = database.sql(f'FROM "{schema}"."{table}"').to_arrow_reader()
                if any(self._in_frame(pl.DataFrame(batch)) for batch in rows):
                    return True
        return False


def _pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a file as they lie, and then as they are unpacked."""
    with path.open("rb") as file:
        yield from _overlapping(Stream(file.read))
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                yield info.filename.encode()
                with archive.open(info) as member:
                    yield from _whatever(Stream(unpacked(member.read, zip_is_content=True), Budget(NO_LIMIT)))
        return
    with path.open("rb") as file:
        if file.read(4).startswith((GZIP_MAGIC, ZSTANDARD_MAGIC)):
            file.seek(0)
            yield from _whatever(Stream(unpacked(file.read, zip_is_content=True), Budget(NO_LIMIT)))


def _whatever(stream: Stream) -> Iterator[bytes]:
    """What can be unpacked of a stream; a damaged one ends where it is damaged."""
    try:
        yield from _overlapping(stream)
    except (Unreadable, OSError, RuntimeError, zipfile.BadZipFile):
        return


def _overlapping(stream: Stream) -> Iterator[bytes]:
    before = b""
    while piece := stream.read(PIECE_BYTES):
        yield before + piece
        before = piece[-OVERLAP_BYTES:]


def _stands_alone(content: bytes, name: bytes) -> bool:
    """Whether a text stands somewhere, and not inside a longer word or number."""
    place = content.find(name)
    while place >= 0:
        end = place + len(name)
        before, after = content[max(place - 1, 0) : place], content[end : end + 1]
        within = (WORDS.match(before) and WORDS.match(name[:1])) or (WORDS.match(after) and WORDS.match(name[-1:]))
        if not within:
            return True
        place = content.find(name, place + 1)
    return False
