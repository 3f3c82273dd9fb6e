"""Delimited text in blocks of whole records, whatever is in them; a record that has no end is a fault of its own.

A quotation mark opens a field only where a field begins; inside, two of them are one. These are the rules
of Arrow's parser, to which the blocks go.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ons_assets.intake.streams import Stream

NEWLINE, RETURN = 10, 13
KEPT_BYTES = 1000
# So much is looked at to see which line ends a file has.
LOOKED_AT_BYTES = 1 << 16

Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fault:
    """A record that is none.

    Parameters
    ----------
    reason
        In words.
    text
        Its first bytes.
    is_end
        Whether the text ends in it.
    """

    reason: str
    text: bytes
    is_end: bool = False


@dataclass(frozen=True)
class Records:
    """Whole records, each with its line end.

    Parameters
    ----------
    content
        The records.
    is_unterminated
        Whether the last one had no line end: the text ended there.
    """

    content: bytes
    is_unterminated: bool = False


class Splitter:
    """Divides a stream of UTF-8 text into blocks.

    Parameters
    ----------
    stream
        After its header.
    delimiter
        One byte.
    quote
        One byte, or empty if there are none.
    line_bytes
        Longest record.
    block_bytes
        How much is read at a time.
    """

    def __init__(self, stream: Stream, delimiter: bytes, quote: bytes, line_bytes: int, block_bytes: int) -> None:
        self._stream, self._delimiter, self._quote = stream, delimiter, quote
        self._longest, self._block_bytes = line_bytes, block_bytes

    def __iter__(self) -> Iterator[Records | Fault]:
        rest = b""
        while read := self._stream.read(self._block_bytes):
            if len(read) < self._block_bytes and not self._stream.cut_short:
                rest += read
                break
            rest = yield from self._whole(rest + read)
            while len(rest) > self._longest:
                if line_end := rest.find(b"\n") + 1:
                    # The lines that the open quotation mark has swallowed are records of their own.
                    yield self._unpaired(rest[:line_end])
                    rest = yield from self._whole(rest[line_end:])
                else:
                    yield self._too_long(rest)
                    rest = yield from self._whole(self._after_line())
        yield from self._last(rest)

    def _whole(self, text: bytes) -> Generator[Records | Fault, None, bytes]:
        """Yield the whole records of a text, and return the unfinished one after them."""
        while True:
            end = self._last_end(text)
            long = self._first_long(text[:end])
            if long is None:
                if end:
                    yield Records(text[:end])
                return text[end:]
            start, end = long
            if start:
                yield Records(text[:start])
            line_end = text.find(b"\n", start) + 1
            # A long record of several lines is a mark without its pair that a later one seems to close.
            yield self._too_long(text[start:end]) if line_end == end else self._unpaired(text[start:line_end])
            text = text[line_end:]

    def _last(self, rest: bytes) -> Iterator[Records | Fault]:
        """Yield what is left at the end of the text, where a record may lack its line end."""
        while rest:
            if self._stream.cut_short:
                # Even with all its fields, a record that ends in the cut may lack a digit.
                yield Fault("cut short", rest[:KEPT_BYTES], is_end=True)
                return
            is_unterminated = rest[-1] != NEWLINE
            last: Records | Fault | None = None
            pieces = self._whole(rest + b"\n" if is_unterminated else rest)
            while True:
                try:
                    piece = next(pieces)
                except StopIteration as stop:
                    rest = stop.value
                    break
                if last is not None:
                    yield last
                last = piece
            if last is not None:
                if is_unterminated and not rest and isinstance(last, Records):
                    last = Records(last.content, is_unterminated=True)
                yield last
            if rest:
                line_end = rest.find(b"\n") + 1
                yield self._unpaired(rest[:line_end], is_end=is_unterminated and line_end == len(rest))
                rest = rest[line_end:]

    def ends(self, text: bytes) -> Offsets:
        """Return where records end, as the place after the line end."""
        buffer = np.frombuffer(text, dtype=np.uint8)
        ends = np.flatnonzero(buffer == NEWLINE) + 1
        if not self._quote or self._quote not in text:
            return ends
        opened, closed = self._quoted(text, buffer)
        # A line end is outside quotation marks if as many were closed before it as were opened.
        outside: Offsets = ends[np.searchsorted(opened, ends) == np.searchsorted(closed, ends)]
        return outside

    def _last_end(self, text: bytes) -> int:
        if not self._quote or self._quote not in text:
            return text.rfind(b"\n") + 1
        ends = self.ends(text)
        return int(ends[-1]) if len(ends) else 0

    def _quoted(self, text: bytes, buffer: npt.NDArray[np.uint8]) -> tuple[Offsets, Offsets]:
        """Return where quotation marks open a field or go on with one, and where they close it."""
        places = np.flatnonzero(buffer == self._quote[0])
        opened, closed = places[::2], places[1::2]
        before = buffer[opened - 1]
        begins = (before == self._delimiter[0]) | (before == NEWLINE) | (before == RETURN) | (opened == 0)
        again = np.zeros(len(opened), dtype=bool)
        again[1:] = opened[1:] == closed[: len(opened) - 1] + 1
        if (begins | again).all():
            return opened, closed
        return self._quoted_one_by_one(text, places)

    def _quoted_one_by_one(self, text: bytes, places: Offsets) -> tuple[Offsets, Offsets]:
        """Do the same where a quotation mark inside a field is text, so that not every second one closes."""
        begin = (self._delimiter[0], NEWLINE, RETURN)
        opened: list[int] = []
        closed: list[int] = []
        for place in places.tolist():
            if len(opened) > len(closed):
                closed.append(place)
            elif place == 0 or text[place - 1] in begin or (closed and closed[-1] == place - 1):
                opened.append(place)
        return np.array(opened, dtype=np.int64), np.array(closed, dtype=np.int64)

    def _first_long(self, text: bytes) -> tuple[int, int] | None:
        """Return where the first record lies that is too long."""
        if len(text) <= self._longest:
            return None
        if not self._quote or self._quote not in text:
            # Hops from line end to line end, a limit apart: a few steps for a block, not one for a line.
            place = 0
            while place + self._longest < len(text):
                found = text.rfind(b"\n", place, place + self._longest + 1)
                if found < 0:
                    return place, text.find(b"\n", place) + 1
                place = found + 1
            return None
        ends = self.ends(text)
        starts = np.concatenate([[0], ends[:-1]])
        # The line end itself does not count.
        long = np.flatnonzero(ends - starts > self._longest + 1)
        return (int(starts[long[0]]), int(ends[long[0]])) if len(long) else None

    def _too_long(self, text: bytes) -> Fault:
        return Fault(f"line is longer than {self._longest} bytes", text[:KEPT_BYTES])

    def _unpaired(self, line: bytes, is_end: bool = False) -> Fault:
        if len(line.removesuffix(b"\n")) > self._longest:
            return self._too_long(line)
        return Fault("quotation mark without its pair", line[:KEPT_BYTES].rstrip(b"\r\n"), is_end)

    def _after_line(self) -> bytes:
        """Read on to the end of the line; return what was read beyond it."""
        while text := self._stream.read(self._block_bytes):
            if end := text.find(b"\n") + 1:
                return text[end:]
        return b""


def has_only_returns(stream: Stream) -> bool:
    """Return whether the lines of a text end in carriage returns alone, as on an old Macintosh."""
    start = stream.peek(LOOKED_AT_BYTES)
    return b"\n" not in start and b"\r" in start[:-1]
