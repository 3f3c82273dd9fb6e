"""A simulated service that sends a stream over loopback, breaks by a script, and keeps a log of the truth."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from ons_assets.simulate.streams.messages import Made, Messages, Recorded, moment_of

KINDS = ("json-lines", "sse", "websocket", "poll")
Ending = Literal["end", "drop", "cut", "stall", "silent", "bye"]
HEARTBEATS = {"json-lines": b"\r\n", "sse": b":thump\n"}
JUNK = (
    b'{"id": 12, "created',
    b"<html>busy</html>",
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b'{"id":"1"}',
    b'"' + b"x" * 5_000,
)
PAGE = 500
BLOCK = 500
# What the system of the stream may hold back of what was sent: what it holds is no longer on its way when it is said to
# have been sent, and who reads slowly makes the stream wait, and not the log untrue.
SEND_BYTES = 1 << 16


@dataclass(frozen=True)
class Phase:
    """One connection, and what becomes of it.

    Parameters
    ----------
    messages
        That are sent over it before it breaks; None for ever.
    then
        How it breaks. end: in order; drop: at once; cut: within a message, and a character of several bytes; stall:
        nothing comes any more; silent: nothing but heartbeats; bye: it is announced.
    refuse
        Statuses with which attempts are answered before the one that is this connection.
    junk, repeat
        Every so many messages something is sent that is none, or that was sent before; 0 for never.
    lasting_seconds
        For how long nobody is let in after it.
    """

    messages: int | None = None
    then: Ending = "end"
    refuse: tuple[int, ...] = ()
    junk: int = 0
    repeat: int = 0
    lasting_seconds: float = 0.0


@dataclass
class StreamServer:
    """One simulated stream. Messages are made at a steady rate, whether somebody listens or not.

    Parameters
    ----------
    kind
        One of `KINDS`.
    phases
        What becomes of the connections, one after the other; after them one without end.
    rate
        Messages a second.
    messages
        What is sent.
    most
        Messages in all; None for no end.
    keeps
        Messages back to which a caller may ask (`since=NUMBER`); 0 if nothing is sent twice.
    token
        That callers have to show; None for everybody.
    heartbeat_seconds
        Between two signs of life, where no message is sent.
    port
        Where it listens; any that is free, if 0.
    log
        What happened, in order: at (seconds since 1970), what, and more.
    """

    kind: str = "json-lines"
    phases: Sequence[Phase] = ()
    rate: float = 1_000.0
    messages: Messages = field(default_factory=Made)
    most: int | None = None
    keeps: int = 0
    token: str | None = None
    heartbeat_seconds: float = 0.1
    port: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin to listen, in a thread of its own."""
        self._phases = list(self.phases)
        self._refusals: list[int] = list(self._phases[0].refuse) if self._phases else []
        self._closed_until = 0.0
        self._connections = 0
        # When something was sent last over each connection: who writes the log may have to wait for its turn.
        self._sent: dict[int, float] = {}
        self._began = datetime.now(UTC)
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    @property
    def address(self) -> str:
        """Of the stream."""
        return f"{'ws' if self.kind == 'websocket' else 'http'}://127.0.0.1:{self.port}/stream"

    def __enter__(self) -> "StreamServer":
        """Return the server, which listens."""
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def phases_left(self) -> int:
        """How many connections are to break still."""
        return len(self._phases)

    def sent_until(self) -> int:
        """Return how many messages were made until now."""
        if isinstance(self.messages, Recorded):
            self.most = len(self.messages.lines)
        made = int((datetime.now(UTC) - self._began).total_seconds() * self.rate)
        return made if self.most is None else min(made, self.most)

    def _work(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)

        async def listen() -> None:
            self._stop = asyncio.Event()
            async with contextlib.AsyncExitStack() as stack:
                if self.kind == "websocket":
                    from websockets.asyncio.server import serve

                    server = await stack.enter_async_context(
                        serve(self._socket, "127.0.0.1", self.port, process_request=self._refused_socket)
                    )
                    self.port = next(iter(server.sockets)).getsockname()[1]
                else:
                    plain = await asyncio.start_server(self._http, "127.0.0.1", self.port, limit=1 << 20)
                    self.port = plain.sockets[0].getsockname()[1]
                ready.set()
                await self._stop.wait()
                tasks = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
                for each in tasks:
                    each.cancel()

        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(listen())

    def _write(self, what: str, **said: Any) -> None:
        self.log.append({"at": datetime.now(UTC).timestamp(), "what": what, **said})

    def _refusal(self, token: str) -> int | None:
        """With which status an attempt is answered; None if it is let in."""
        if self.token is not None and token != f"Bearer {self.token}":
            return 401
        if datetime.now(UTC).timestamp() < self._closed_until:
            return 503
        return self._refusals.pop(0) if self._refusals else None

    def _next_phase(self) -> Phase:
        return self._phases.pop(0) if self._phases else Phase()

    def _opened(self, transport: Any, number: int) -> int:
        """Write down that a connection is there; return its number."""
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        transport.set_write_buffer_limits(high=0)
        self._connections += 1
        self._write("opened", first=number, connection=self._connections)
        self._sent[self._connections] = datetime.now(UTC).timestamp()
        return self._connections

    def _after(self, phase: Phase, last: int | None, by: str, connection: int) -> None:
        """Write down a break, as of when something was sent last."""
        self._refusals = list(self._phases[0].refuse) if self._phases else []
        self._closed_until = datetime.now(UTC).timestamp() + phase.lasting_seconds
        self.log.append(
            {"at": self._sent[connection], "what": "broke", "by": by, "last": last, "connection": connection}
        )

    def _first_number(self, query: dict[str, str], headers: dict[str, str]) -> int:
        live = self.sent_until()
        since = query.get("since") or headers.get("last-event-id")
        if since is not None and since.isdigit() and self.keeps:
            return max(int(since) + 1, live - self.keeps)
        if (minutes := query.get("backfill_minutes", "")).isdigit() and self.keeps:
            return max(0, live - int(int(minutes) * 60 * self.rate), live - self.keeps)
        return 0 if isinstance(self.messages, Recorded) and not self.log else live

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            target = urlsplit(head[0].split(" ")[1])
            headers = {
                name.lower(): each.strip() for line in head[1:] if line for name, _, each in [line.partition(":")]
            }
            query = dict(parse_qsl(target.query))
            refusal = self._refusal(headers.get("authorization", ""))
            if refusal is not None:
                self._write("refused", status=refusal)
                writer.write(f"HTTP/1.1 {refusal} No\r\nContent-Length: 0\r\nRetry-After: 0\r\n\r\n".encode())
            elif self.kind == "poll":
                await self._page(writer, query)
            else:
                await self._stream(writer, query, headers)
            await writer.drain()
        with contextlib.suppress(ConnectionError, RuntimeError):
            writer.close()

    async def _page(self, writer: asyncio.StreamWriter, query: dict[str, str]) -> None:
        """Answer with a page: the latest first, and what leads to earlier ones."""
        live = self.sent_until()
        since = int(query.get("since", -1))
        end = int(query.get("before", live))
        first = max(since + 1, live - self.keeps if self.keeps else 0, end - PAGE)
        numbers = range(end - 1, first - 1, -1)
        found = [self._message(each) for each in numbers]
        more = f',"next":"{first}"' if numbers and first > max(since + 1, live - self.keeps) else ""
        body = b'{"data":[' + b",".join(found) + b"]" + more.encode() + b"}"
        self._write("page", first=first, last=end - 1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        writer.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def made_at(self, number: int) -> datetime:
        """Return when a message was made."""
        return moment_of(number, self.rate, self._began)

    def _message(self, number: int) -> bytes:
        return self.messages.of(number, self.made_at(number))

    def _framed(self, number: int, message: bytes) -> bytes:
        if self.kind == "sse":
            return b"id: %d\nevent: update\ndata: %s\n\n" % (number, message)
        return message + b"\r\n"

    async def _stream(self, writer: asyncio.StreamWriter, query: dict[str, str], headers: dict[str, str]) -> None:
        phase, number = self._next_phase(), self._first_number(query, headers)
        of_kind = b"text/event-stream" if self.kind == "sse" else b"application/json"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: " + of_kind + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        await writer.drain()
        connection = self._opened(writer.transport, number)

        async def send(content: bytes) -> None:
            # Chunks end anywhere, also within a character.
            cut = len(content) // 2
            for each in (content[:cut], content[cut:]) if cut else (content,):
                writer.write(b"%x\r\n%s\r\n" % (len(each), each))
            self._sent[connection] = datetime.now(UTC).timestamp()
            await writer.drain()

        try:
            last = await self._send_all(phase, number, send)
        except ConnectionError:
            self._after(phase, None, "left", connection)
            return
        if phase.then in ("end", "bye"):
            writer.write(b"0\r\n\r\n")
        elif phase.then == "cut":
            message = self._framed(number, self._message(number))[:-8]
            writer.write(b"%x\r\n%s\r\n" % (len(message), message))
        self._after(phase, last, phase.then, connection)
        if phase.then in ("stall", "silent"):
            await self._linger(phase, send)
            self.log.append({"at": self._sent[connection], "what": "last sign", "connection": connection})
        elif phase.then in ("drop", "cut"):
            await writer.drain()
            writer.transport.abort()

    async def _send_all(self, phase: Phase, number: int, send: Callable[[bytes], Any]) -> int | None:
        """Send messages as they are made, until the phase is over; return the number of the last one."""
        left, last, quiet = phase.messages, None, 0.0
        while left is None or left > 0:
            ready = min(self.sent_until() - number, BLOCK, left if left is not None else BLOCK)
            if ready <= 0:
                await asyncio.sleep(0.01)
                quiet += 0.01
                if quiet >= self.heartbeat_seconds:
                    quiet = 0.0
                    await self._beat(send)
                continue
            content = [self._framed(each, self._message(each)) for each in range(number, number + ready)]
            if phase.junk:
                content += [
                    self._framed(each, JUNK[each % len(JUNK)])
                    for each in range(number, number + ready)
                    if each % phase.junk == 0
                ]
            if phase.repeat:
                content += [one for at, one in enumerate(content[:ready]) if (number + at) % phase.repeat == 0]
            await self._send_block(content, send)
            last, number, quiet = number + ready - 1, number + ready, 0.0
            if number == self.most:
                self._write("all", last=last)
            left = None if left is None else left - ready
        if phase.then == "bye":
            await send(self._framed(number, b'{"errors":[{"title":"operational-disconnect"}]}'))
        return last

    async def _send_block(self, content: list[bytes], send: Callable[[bytes], Any]) -> None:
        if self.kind == "websocket":
            for each in content:
                await send(each)
        else:
            await send(b"".join(content))

    async def _beat(self, send: Callable[[bytes], Any]) -> None:
        if self.kind in HEARTBEATS:
            await send(HEARTBEATS[self.kind])

    async def _linger(self, phase: Phase, send: Callable[[bytes], Any]) -> None:
        """Keep a connection on which nothing comes, until the other side leaves it."""
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(self.heartbeat_seconds)
                if phase.then == "silent":
                    await self._beat(send)

    def _refused_socket(self, connection: Any, request: Any) -> Any:
        refusal = self._refusal(request.headers.get("Authorization", ""))
        if refusal is None:
            return None
        self._write("refused", status=refusal)
        return connection.respond(refusal, "")

    async def _socket(self, connection: Any) -> None:
        from websockets.exceptions import ConnectionClosed

        phase = self._next_phase()
        query = dict(parse_qsl(urlsplit(connection.request.path).query))
        number = self._first_number(query, {})
        opened = self._opened(connection.transport, number)
        last = None

        async def send(content: bytes) -> None:
            self._sent[opened] = datetime.now(UTC).timestamp()
            await connection.send(content.rstrip(b"\r\n"), text=True)

        try:
            last = await self._send_all(phase, number, send)
            self._after(phase, last, phase.then, opened)
            if phase.then in ("stall", "silent"):
                if phase.then == "stall":
                    # Pings are not answered either.
                    connection.transport.pause_reading()
                await asyncio.Event().wait()
            elif phase.then in ("drop", "cut"):
                connection.transport.abort()
        except ConnectionClosed:
            self._after(phase, last, "left", opened)

    def log_as_lines(self) -> str:
        """Return the log, a line of JSON an entry."""
        return "".join(json.dumps(each) + "\n" for each in list(self.log))


def describe(server: StreamServer, name: str = "local", **more: Any) -> dict[str, Any]:
    """Return the description of a simulated stream, by which a harvester listens to it in haste.

    Parameters
    ----------
    server
        That listens.
    name
        Of the stream.
    **more
        Words that take the place of those of the description.
    """
    at_once = {"first_seconds": 0.05, "longest_seconds": 0.2}
    said: dict[str, Any] = {
        "stream": name,
        "kind": server.kind,
        "address": server.address,
        "contact": "streams@office.example",
        "heartbeat_seconds": 1.0,
        "commit_seconds": 0.2,
        "least_free_bytes": 0,
        "reconnect": {"network": at_once, "http": at_once, "busy": at_once, "settled_seconds": 0.5},
    }
    style = server.messages.style if isinstance(server.messages, Made) else "x"
    said["keeps"] = {
        "x": {"layout": "twitter-api"},
        "fields": {
            "fields": {
                "id": "id",
                "user": "account.id",
                "time": "created_at",
                "latitude": "geo.lat",
                "longitude": "geo.lon",
            }
        },
        "jetstream": {
            "fields": {
                "id": ["did", "commit.collection", "commit.rkey"],
                "user": "did",
                "time": "time_us",
                "latitude": "commit.record.location.latitude",
                "longitude": "commit.record.location.longitude",
            },
            "only": "commit.operation == 'create'",
            "time_unit": "us",
        },
    }[style]
    if server.keeps and server.kind == "sse":
        said["backfill"] = {"header": "Last-Event-ID"}
    elif server.keeps and style != "x":
        said["backfill"] = {"field": "seq", "parameter": "since"}
    if server.kind == "poll":
        said["heartbeat_seconds"] = 5.0
        said["poll"] = {"every_seconds": 0.2, "each": "data", "next": "next", "next_parameter": "before"}
    return {**said, **more}
