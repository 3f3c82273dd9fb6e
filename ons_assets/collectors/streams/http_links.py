"""Streams over one HTTP answer that does not end: JSON lines, and server-sent events (parsed by httpx-sse)."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
import httpx_sse

from ons_assets.collectors.streams.arrivals import of_socket
from ons_assets.collectors.streams.keeping import cursor_or_none
from ons_assets.collectors.streams.links import Batch, Call, Lines, Lost, is_packed, plain_headers, refusal

EVENTS = "text/event-stream"
ENDS_OF_LINES = re.compile(rb"\r\n|\r|\n")
PACKED = "the service packed its answer, which it was not asked to"


async def lines(call: Call) -> AsyncIterator[Batch]:
    """Yield the messages of a stream of JSON lines, as they come.

    Parameters
    ----------
    call
        How the service is called.

    Raises
    ------
    Lost
        When the stream ends, in whatever way.
    """
    async with _answered(call) as response:
        yield Batch([])
        parted = Lines(call.stream.most_message_bytes)
        async for chunk in response.aiter_bytes():
            call.alive()
            if found := parted.of(chunk):
                yield Batch(found)
        # The last line of an answer that ended in order needs no end.
        if rest := parted.rest():
            yield Batch([rest])
    raise Lost("ended", "the service ended the connection")


async def events(call: Call) -> AsyncIterator[Batch]:
    """Yield the data of server-sent events, each with its id; see `lines`."""
    most = call.stream.most_message_bytes
    retry_seconds, longest = 0.0, call.stream.reconnect.http.longest_seconds
    event = EventBytes()

    async def watched(response: httpx.Response) -> AsyncIterator[bytes]:
        """Pass bytes on to the parser, which would gather an event without end."""
        async for chunk in response.aiter_bytes():
            call.alive()
            if event.after(chunk) > most + (1 << 16):
                raise Lost("junk", f"an event is longer than {most} bytes (most_message_bytes)")
            yield chunk

    async with _answered(call, {"Accept": EVENTS, "Cache-Control": "no-store"}) as response:
        if EVENTS not in response.headers.get("content-type", ""):
            raise Lost("http", "the service answered with something that is no stream of events")
        yield Batch([])
        # Events are UTF-8, whatever the service says.
        parsed = httpx.Response(200, headers={"content-type": f"{EVENTS}; charset=utf-8"}, content=watched(response))
        meant = call.stream.events
        async for said in httpx_sse.EventSource(parsed).aiter_sse():
            if said.retry is not None:
                # Compared as the numbers that they are: one may have more digits than a float has room for.
                retry_seconds = min(max(said.retry, 0), int(longest * 1_000)) / 1_000
            if said.data and (not meant or said.event in meant):
                yield Batch([said.data.encode("utf-8", "surrogatepass")], cursor_or_none(said.id))
    raise Lost("ended", "the service ended the connection", retry_seconds)


class EventBytes:
    """Counts the bytes that a parser of events holds: lines of an event that has not ended, and a line that has not."""

    def __init__(self) -> None:
        self._lines = self._line = 0
        self._is_comment = self._may_go_on = False

    def after(self, chunk: bytes) -> int:
        """Return how many there are after a chunk."""
        if self._may_go_on:
            chunk = chunk.removeprefix(b"\n")
        self._may_go_on = chunk.endswith(b"\r")
        for number, piece in enumerate(ENDS_OF_LINES.split(chunk)):
            if number:
                # A line ended before this piece: an empty one ends the event, and a comment is forgotten.
                self._lines = 0 if not self._line else self._lines + self._line * (not self._is_comment)
                self._line = 0
            if piece and not self._line:
                self._is_comment = piece.startswith(b":")
            self._line += len(piece)
        return self._lines + self._line


@asynccontextmanager
async def _answered(call: Call, more: dict[str, str] | None = None) -> AsyncIterator[httpx.Response]:
    """Call a service, and give an answer that is a stream."""
    timeout = httpx.Timeout(call.stream.connect_seconds, read=None)
    with in_words():
        async with (
            httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=call.may_go_by_a_proxy) as client,
            client.stream("GET", call.address(), headers={**call.all_headers, **(more or {})}) as response,
        ):
            if not response.is_success:
                raise refusal(response.status_code, plain_headers(response.headers))
            if is_packed(response.headers):
                raise Lost("http", PACKED)
            network = response.extensions.get("network_stream")
            call.over(of_socket(network and network.get_extra_info("socket")))
            yield response


@contextmanager
def in_words() -> Iterator[None]:
    """Turn errors of httpx, whose texts may hold addresses, into sentences of our own."""
    try:
        yield
    except (httpx.TimeoutException, TimeoutError):
        raise Lost("network", "the service did not answer in time") from None
    except httpx.ConnectError:
        raise Lost("network", "the service cannot be reached") from None
    except httpx.RemoteProtocolError:
        raise Lost("network", "the connection broke off within an answer") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise Lost("refused", "the address cannot be called") from None
    except (httpx.HTTPError, httpx.StreamError, OSError):
        raise Lost("network", "the connection broke off") from None
