"""Files as streams of bytes, unpacked on the way."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa

from ons_assets.lakehouse.delimited import CHUNK_BYTES, GZIP_MAGIC

ZSTANDARD_MAGIC = b"\x28\xb5\x2f\xfd"


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that is plain, gzip or Zstandard; which, its first bytes say and not its name."""
    with path.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic[:2] == GZIP_MAGIC:
            with gzip.open(raw) as unzipped:
                yield unzipped  # type: ignore[misc]
        elif magic == ZSTANDARD_MAGIC:
            with pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd") as stream:
                yield _Readable(stream)  # type: ignore[misc]
        else:
            yield raw


class _Readable:
    """Lines from an Arrow stream, which has no readline with a limit."""

    def __init__(self, stream: pa.CompressedInputStream) -> None:
        self._stream = stream
        self._buffer = b""

    def readline(self, limit: int) -> bytes:
        end = self._buffer.find(b"\n") + 1
        while not end and len(self._buffer) < limit and (chunk := self._stream.read(CHUNK_BYTES)):
            end = found + len(self._buffer) + 1 if (found := chunk.find(b"\n")) >= 0 else 0
            self._buffer += chunk
        taken = min(end or limit, limit)
        line, self._buffer = self._buffer[:taken], self._buffer[taken:]
        return line

    def read(self, size: int) -> bytes:
        content = self._buffer + bytes(self._stream.read(size))
        self._buffer = b""
        return content
