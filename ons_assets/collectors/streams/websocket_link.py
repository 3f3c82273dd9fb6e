"""Streams over a WebSocket, by the library websockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidHandshake, InvalidStatus, InvalidURI

from ons_assets.collectors.streams.arrivals import of_socket
from ons_assets.collectors.streams.description import TOKEN
from ons_assets.collectors.streams.links import Batch, Call, Lost, plain_headers, refusal

# Frames that wait in the library, beyond which the service is not read.
WAITING = 16
# Of the protocol: how an end that is closed for a message that is too big says so.
TOO_BIG = 1009


class _WhereItIs(connect):
    """Connects to an address and to no other that it is led to: what is sent is meant for this service alone."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow none; see `connect`."""
        return exc


async def frames(call: Call) -> AsyncIterator[Batch]:
    """Yield the messages of a WebSocket; see `http_links.lines`.

    Where `heartbeat_seconds` is said, the service is pinged twice in that time, and its answer is a sign of life.
    """
    stream = call.stream
    headers = {name: each for name, each in call.all_headers.items() if name not in ("User-Agent", "Accept-Encoding")}
    with _in_words(stream.most_message_bytes):
        async with _WhereItIs(
            call.address(),
            # `True` is what the environment says.
            proxy=True if call.may_go_by_a_proxy else None,
            additional_headers=headers,
            user_agent_header=call.agent,
            open_timeout=stream.connect_seconds,
            close_timeout=1,
            ping_interval=None,
            max_size=stream.most_message_bytes,
            max_queue=WAITING,
        ) as socket:
            call.over(of_socket(socket.transport.get_extra_info("socket")))
            if stream.subscribe is not None:
                await socket.send(stream.subscribe.replace(TOKEN, json.dumps(call.token or "")[1:-1]))
            yield Batch([])
            pinging = asyncio.create_task(_ping(socket, call))
            try:
                while True:
                    message = await socket.recv(decode=False)
                    call.alive()
                    if message:
                        yield Batch([message])
            finally:
                pinging.cancel()


@contextmanager
def _in_words(most_bytes: int) -> Iterator[None]:
    """Turn errors of websockets, whose texts may hold addresses, into sentences of our own."""
    try:
        yield
    except InvalidStatus as error:
        raise refusal(error.response.status_code, plain_headers(error.response.headers)) from None
    except ConnectionClosedOK:
        raise Lost("ended", "the service ended the connection") from None
    except ConnectionClosed as error:
        if error.sent is not None and error.sent.code == TOO_BIG:
            raise Lost("junk", f"a message is longer than {most_bytes} bytes (most_message_bytes)") from None
        raise Lost("network", "the connection broke off") from None
    except (InvalidURI, UnicodeError):
        raise Lost("refused", "the address cannot be called") from None
    except InvalidHandshake:
        raise Lost("http", "the service answered with something that is no WebSocket") from None
    except TimeoutError:
        raise Lost("network", "the service did not answer in time") from None
    except OSError:
        raise Lost("network", "the service cannot be reached") from None


async def _ping(socket: ClientConnection, call: Call) -> None:
    """Ask for signs of life."""
    if call.stream.heartbeat_seconds is None:
        return
    with suppress(ConnectionClosed):
        while True:
            await asyncio.sleep(call.stream.heartbeat_seconds / 2)
            await (await socket.ping())
            call.alive()
