"""A file as a stream of bytes that is unpacked on the way, counted, and may turn out to be cut short."""

import zlib
from collections.abc import Callable

import pyarrow as pa

from ons_assets.intake.limits import Limits
from ons_assets.intake.unreadable import Unreadable

GZIP_MAGIC = b"\x1f\x8b"
ZSTANDARD_MAGIC = b"\x28\xb5\x2f\xfd"
ZIP_MAGIC = b"PK\x03\x04"
ZIP_INSIDE = "holds a zip file inside another packed file: unpack the outer one"
PACKED_BYTES = 1 << 18
# What an Arrow stream had unpacked when it meets a cut is lost with it: a piece is kept small.
ZSTANDARD_PIECE = 1 << 16

Pull = Callable[[int], bytes]


class CutShort(Exception):
    """What is packed ends before its end."""


class Budget:
    """Counts what a file unpacks to, over all of its parts."""

    def __init__(self, limits: Limits) -> None:
        self._left = self._most = limits.unpacked_bytes

    def spend(self, size: int) -> None:
        """Count some bytes.

        Raises
        ------
        Unreadable
            If they are more than the limit.
        """
        self._left -= size
        if self._left < 0:
            raise Unreadable(f"unpacks to more than {self._most} bytes")


class Stream:
    """Bytes in order.

    Parameters
    ----------
    pull
        Gives the next bytes, about as many as asked for, and none at the end; raises `CutShort`.
    budget
        Of the file; None if the bytes were counted before.

    Attributes
    ----------
    cut_short
        Whether the bytes ended before their end; known once all of them were read.
    """

    def __init__(self, pull: Pull, budget: "Budget | None" = None) -> None:
        self._pull, self._budget, self._ahead = pull, budget, b""
        self.cut_short = False

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer only at the end."""
        if len(self._ahead) >= size:
            content, self._ahead = self._ahead[:size], self._ahead[size:]
            return content
        pieces, wanted = [self._ahead] if self._ahead else [], size - len(self._ahead)
        self._ahead = b""
        while wanted > 0 and (piece := self._next(wanted)):
            pieces.append(piece)
            wanted -= len(piece)
        content = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if wanted < 0:
            content, self._ahead = content[:size], content[size:]
        return content

    def peek(self, size: int) -> bytes:
        """Return the next bytes, which will be read again."""
        content = self.read(max(size, len(self._ahead)))
        # A decoder gives more bytes than it was asked for, and `read` has kept what was too much.
        self.push_back(content)
        return content[:size]

    def push_back(self, content: bytes) -> None:
        """Give bytes back, to be read next."""
        self._ahead = content + self._ahead

    def readline(self, limit: int) -> bytes:
        """Return the next line with its end, at most so many bytes of it."""
        size = 1 << 12
        while True:
            seen = self.peek(min(size, limit))
            end = seen.find(b"\n") + 1
            if end or len(seen) < size or size >= limit:
                return self.read(end or len(seen))
            size *= 4

    def drain(self) -> None:
        """Read to the end, so that damage there is seen too."""
        while self.read(PACKED_BYTES):
            pass

    def _next(self, size: int) -> bytes:
        if self.cut_short:
            return b""
        try:
            piece = self._pull(size)
        except CutShort:
            self.cut_short = True
            return b""
        if self._budget is not None:
            self._budget.spend(len(piece))
        return piece


def unpacked(pull: Pull, *, zip_is_content: bool = False) -> Pull:
    """Return what is packed in a stream by gzip or Zstandard, or the stream itself; its first bytes say which.

    Parameters
    ----------
    pull
        Of the stream.
    zip_is_content
        Whether a zip is no packing, but a workbook.

    Raises
    ------
    Unreadable
        If it is a zip file, which is no stream.
    """
    first = b""
    while len(first) < 4 and (piece := pull(4 - len(first))):
        first += piece
    again = _again(first, pull)
    if first[:2] == GZIP_MAGIC:
        return _Gzip(again)
    if first == ZSTANDARD_MAGIC:
        return _zstandard(again)
    if first == ZIP_MAGIC and not zip_is_content:
        raise Unreadable(ZIP_INSIDE)
    return again


def _again(first: bytes, pull: Pull) -> Pull:
    rest = [first] if first else []

    def give(size: int) -> bytes:
        if not rest:
            return pull(size)
        given, left = rest[0][:size], rest[0][size:]
        rest[:] = [left] if left else []
        return given

    return give


class _Gzip:
    """One gzip member after the other; what was unpacked before a cut is not lost."""

    def __init__(self, pull: Pull) -> None:
        self._pull, self._packed, self._ended = pull, b"", False
        self._member = zlib.decompressobj(wbits=31)

    def __call__(self, size: int) -> bytes:
        while not self._ended:
            if self._member.eof:
                self._next_member()
                continue
            packed = self._packed or self._pull(PACKED_BYTES)
            try:
                content = self._member.decompress(packed, size)
            except zlib.error:
                raise Unreadable("is a damaged gzip file: its content does not agree with its checks") from None
            self._packed = self._member.unconsumed_tail
            if content:
                return content
            if not packed and not self._member.eof:
                raise CutShort
        return b""

    def _next_member(self) -> None:
        """Go to the member that follows; zeros after the last one are padding."""
        self._packed = self._member.unused_data.lstrip(b"\0")
        while not self._packed and (packed := self._pull(PACKED_BYTES)):
            self._packed = packed.lstrip(b"\0")
        if not self._packed:
            self._ended = True
        elif not self._packed.startswith(GZIP_MAGIC[:1]):
            raise Unreadable("is a damaged gzip file: something else follows its content")
        else:
            self._member = zlib.decompressobj(wbits=31)


class _Source:
    """A pull as the file that Arrow wants."""

    closed = False

    def __init__(self, pull: Pull) -> None:
        self.read = pull

    def close(self) -> None:
        """Do nothing: the file is closed by whoever opened it."""

    def readable(self) -> bool:
        """Return true."""
        return True


def _zstandard(pull: Pull) -> Pull:
    stream = pa.CompressedInputStream(pa.PythonFile(_Source(pull), mode="r"), "zstd")

    def give(size: int) -> bytes:
        try:
            return bytes(stream.read(min(size, ZSTANDARD_PIECE)))
        except OSError as error:
            if "Truncated" in str(error):
                raise CutShort from None
            raise Unreadable("is a damaged Zstandard file") from None

    return give
