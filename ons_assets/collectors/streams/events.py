"""Server-sent events, parsed from bytes as the standard says (WHATWG HTML, 9.2.6), a chunk at a time."""

from collections.abc import Collection

from ons_assets.collectors.streams.keeping import cursor_or_none
from ons_assets.collectors.streams.links import Lost

ORDER_MARK = b"\xef\xbb\xbf"
# Beyond its data: names of fields, its id, and a chunk.
MARGIN_BYTES = 1 << 16


class Events:
    r"""Parts bytes into the data of events, whatever their chunks; \n, \r and both together end a line.

    Parameters
    ----------
    most_bytes
        Of an event.
    meant
        Names of the events that are meant; none for all.
    """

    def __init__(self, most_bytes: int, meant: Collection[str] = ()) -> None:
        self._most, self._meant = most_bytes, frozenset(name.encode() for name in meant)
        self._rest = self._event = self._id = b""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._is_first, self._may_go_on = True, False
        # Of the last event that was returned; and how long the service asks to be left alone, in milliseconds.
        self.cursor: str | None = None
        self.retry_ms = 0

    def of(self, chunk: bytes) -> list[bytes]:
        """Return the data of the events that end in a chunk.

        Raises
        ------
        Lost
            If an event is longer than it may be.
        """
        if self._may_go_on:
            chunk = chunk.removeprefix(b"\n")
        self._may_go_on = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if self._is_first and lines:
            lines[0], self._is_first = lines[0].removeprefix(ORDER_MARK), False
        found: list[bytes] = []
        last: bytes | None = None
        for line in lines:
            if line.startswith(b"data:"):
                self._add(line[6:] if line[5:6] == b" " else line[5:])
            elif line:
                self._field(line)
            else:
                data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                if data and (not self._meant or (self._event or b"message") in self._meant):
                    found.append(_text(data))
                    last = self._id
                self._event, self._data, self._data_bytes = b"", [], 0
        if last is not None:
            self.cursor = cursor_or_none(last.decode("utf-8", "replace"))
        if len(self._rest) + self._data_bytes > self._most + MARGIN_BYTES:
            raise Lost("junk", f"an event is longer than {self._most} bytes (most_message_bytes)")
        return found

    def _add(self, data: bytes) -> None:
        self._data.append(data)
        self._data_bytes += len(data) + 1

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._add(value)
        elif name == b"event":
            self._event = value
        elif name == b"id":
            if b"\0" not in value:
                self._id = value
        # Compared as text first: one may have more digits than a number is made of.
        elif name == b"retry" and value.isdigit():
            self.retry_ms = int(value) if len(value) <= 18 else 10**18


def _text(data: bytes) -> bytes:
    """Return UTF-8: what is none becomes the sign that stands for it."""
    return data if data.isascii() else data.decode("utf-8", "replace").encode()
