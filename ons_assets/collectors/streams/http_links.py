"""Streams over one HTTP answer that does not end: JSON lines, and server-sent events (parsed by httpx-sse)."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
import httpx_sse

from ons_assets.collectors.streams.links import Batch, Call, Lines, Lost, plain_headers, refusal

EVENTS = "text/event-stream"
# An event ends with an empty line; a comment, as signs of life are, is none.
ENDS_OF_EVENTS = (b"\n\n", b"\r\n\r\n", b"\r\r")


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
    most, length = call.stream.most_message_bytes, 0
    retry_seconds = 0.0

    async def watched(response: httpx.Response) -> AsyncIterator[bytes]:
        """Pass bytes on to the parser, which would gather an event without end."""
        nonlocal length
        async for chunk in response.aiter_bytes():
            call.alive()
            ended = chunk.startswith(b":") or any(each in chunk for each in ENDS_OF_EVENTS)
            length = len(chunk) if ended else length + len(chunk)
            if length > most + (1 << 16):
                raise Lost("junk", f"an event is longer than {most} bytes (most_message_bytes)")
            yield chunk

    async with _answered(call, {"Accept": EVENTS, "Cache-Control": "no-store"}) as response:
        if EVENTS not in response.headers.get("content-type", ""):
            raise Lost("http", "the service answered with something that is no stream of events")
        yield Batch([])
        # Events are UTF-8, whatever the service says.
        parsed = httpx.Response(200, headers={"content-type": f"{EVENTS}; charset=utf-8"}, content=watched(response))
        meant = call.stream.events
        async for event in httpx_sse.EventSource(parsed).aiter_sse():
            length = 0
            if event.retry is not None:
                retry_seconds = min(event.retry / 1_000, call.stream.reconnect.http.longest_seconds)
            if event.data and (not meant or event.event in meant):
                yield Batch([event.data.encode("utf-8", "surrogatepass")], event.id or None)
    raise Lost("ended", "the service ended the connection", retry_seconds)


@asynccontextmanager
async def _answered(call: Call, more: dict[str, str] | None = None) -> AsyncIterator[httpx.Response]:
    """Call a service, and give an answer that is a stream."""
    timeout = httpx.Timeout(call.stream.connect_seconds, read=None)
    with in_words():
        async with (
            httpx.AsyncClient(timeout=timeout, follow_redirects=False) as client,
            client.stream("GET", call.address(), headers={**call.all_headers, **(more or {})}) as response,
        ):
            if not response.is_success:
                raise refusal(response.status_code, plain_headers(response.headers))
            yield response


@contextmanager
def in_words() -> Iterator[None]:
    """Turn errors of httpx, whose texts may hold addresses, into sentences of our own."""
    try:
        yield
    except httpx.TimeoutException:
        raise Lost("network", "the service did not answer in time") from None
    except httpx.ConnectError:
        raise Lost("network", "the service cannot be reached") from None
    except httpx.RemoteProtocolError:
        raise Lost("network", "the connection broke off within an answer") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise Lost("refused", "the address cannot be called") from None
    except (httpx.HTTPError, httpx.StreamError, OSError):
        raise Lost("network", "the connection broke off") from None
