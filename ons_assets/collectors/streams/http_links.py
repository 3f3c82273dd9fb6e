"""Streams over one HTTP answer that does not end: JSON lines, and server-sent events."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx

from ons_assets.collectors.streams.arrivals import of_socket
from ons_assets.collectors.streams.events import Events
from ons_assets.collectors.streams.links import Batch, Call, Lines, Lost, is_packed, plain_headers, refusal

EVENTS = "text/event-stream"
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
    """Yield the data of server-sent events, with the id of the last one; see `lines`."""
    longest = call.stream.reconnect.http.longest_seconds
    parted = Events(call.stream.most_message_bytes, call.stream.events)
    async with _answered(call, {"Accept": EVENTS, "Cache-Control": "no-store"}) as response:
        if EVENTS not in response.headers.get("content-type", ""):
            raise Lost("http", "the service answered with something that is no stream of events")
        yield Batch([])
        async for chunk in response.aiter_bytes():
            call.alive()
            if found := parted.of(chunk):
                yield Batch(found, parted.cursor)
    raise Lost("ended", "the service ended the connection", min(parted.retry_ms / 1_000, longest))


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
            call.over(of_socket(response.extensions["network_stream"].get_extra_info("socket")))
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
