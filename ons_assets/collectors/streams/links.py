"""Links to services: each kind of stream as messages, and why it ended."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ons_assets.collectors.streams.arrivals import Measure
from ons_assets.collectors.streams.description import LOOPBACK, Stream

LostBy = Literal["ended", "network", "http", "busy", "refused", "junk", "heartbeat", "silence"]
REFUSED = (400, 401, 403, 404, 410)
BUSY = (420, 429)
# Of X, in seconds since 1970: from when on one may ask again.
RESET = "x-rate-limit-reset"
SECONDS = re.compile(r"[0-9]{1,9}")
MOMENT = re.compile(r"[0-9]{1,11}")
# A service that asks for more peace than a day is asked again after a day.
LONGEST_PEACE_SECONDS = 86_400.0


class Lost(Exception):
    """A link ended, or did not come about.

    Parameters
    ----------
    by
        In what way, by which the wait before the next attempt is chosen.
    sentence
        Why, in our own words.
    wait_seconds
        For how long the service asks to be left alone at least.
    """

    def __init__(self, by: LostBy, sentence: str, wait_seconds: float = 0.0) -> None:
        super().__init__(sentence)
        self.by, self.sentence, self.wait_seconds = by, sentence, wait_seconds


class Batch(NamedTuple):
    """Messages that came together, none where the service only answered; and where they stood, where the link knows."""

    messages: list[bytes]
    cursor: str | None = None


@dataclass(frozen=True)
class Call:
    """How a service is called.

    Parameters
    ----------
    stream
        Its description.
    agent
        As the harvester introduces itself.
    token
        That the service asks for; never part of what is shown of the call.
    parameters, headers
        That say from where on it is to send.
    cursor
        From where on a file is read.
    alive
        Is called at each sign of life.
    over
        Is told once how the connection can be measured, if it is one.
    """

    stream: Stream
    agent: str
    token: str | None = field(default=None, repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    cursor: str | None = None
    alive: Callable[[], None] = lambda: None
    over: Callable[[Measure], None] = lambda _: None

    @property
    def all_headers(self) -> dict[str, str]:
        """What is sent."""
        # Packed, signs of life would be held back until a block is full.
        said = {"User-Agent": self.agent, "Accept-Encoding": "identity", **self.headers}
        return said if self.token is None else {**said, "Authorization": f"Bearer {self.token}"}

    def address(self, more: Mapping[str, str] | None = None) -> str:
        """Return the address with the parameters, which take the place of those of the same names."""
        parts = urlsplit(self.stream.address)
        added = {**self.parameters, **(more or {})}
        # One name may stand there several times, such as what is wanted of a stream.
        kept = [(name, each) for name, each in parse_qsl(parts.query, keep_blank_values=True) if name not in added]
        return urlunsplit(parts._replace(query=urlencode([*kept, *added.items()])))

    @property
    def may_go_by_a_proxy(self) -> bool:
        """Whether the proxy of the environment is used; what is on this machine, a token too, does not leave it."""
        return urlsplit(self.stream.address).hostname not in LOOPBACK


Link = Callable[[Call], AsyncIterator[Batch]]


def link_of(stream: Stream) -> Link:
    """Return what links to a stream of its kind."""
    # Each brings libraries of its own.
    if stream.kind in ("json-lines", "sse"):
        from ons_assets.collectors.streams import http_links

        return http_links.lines if stream.kind == "json-lines" else http_links.events
    if stream.kind == "poll":
        from ons_assets.collectors.streams import pages

        return pages.pages
    if stream.kind == "websocket":
        from ons_assets.collectors.streams import websocket_link

        return websocket_link.frames
    from ons_assets.collectors.streams import growing_file

    return growing_file.grown


def refusal(status: int, headers: Mapping[str, str], now: datetime | None = None) -> Lost:
    """Return why an answer with a status is no stream.

    Parameters
    ----------
    status
        Other than 2xx.
    headers
        Of the answer, by names in small letters.
    now
        UTC; None for the clock.
    """
    wait = peace_seconds(headers, now or datetime.now(UTC))
    if status in BUSY:
        return Lost("busy", f"the service asks for fewer attempts (status {status})", wait)
    if status in REFUSED:
        return Lost("refused", f"the service refuses (status {status})", wait)
    if 300 <= status < 400:
        return Lost("refused", f"the service is at another address (status {status})", wait)
    return Lost("http", f"the service answered with status {status}", wait)


def is_packed(headers: Mapping[str, str]) -> bool:
    """Return whether an answer is packed, which nobody asked for: a few bytes could become very many.

    Parameters
    ----------
    headers
        By names in small letters.
    """
    return headers.get("content-encoding", "").strip().lower() not in ("", "identity")


def peace_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """Return how long a service asks to be left alone, by Retry-After or the end of its limit; 0 if it does not.

    Parameters
    ----------
    headers
        By names in small letters.
    now
        UTC.
    """
    import email.utils

    found, after = 0.0, headers.get("retry-after", "").strip()
    if SECONDS.fullmatch(after):
        found = float(after)
    elif after:
        try:
            found = (email.utils.parsedate_to_datetime(after).astimezone(UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            found = 0.0
    remaining, reset = headers.get("x-rate-limit-remaining", "0").strip(), headers.get(RESET, "").strip()
    if remaining == "0" and MOMENT.fullmatch(reset):
        found = max(found, float(reset) - now.timestamp())
    return min(max(found, 0.0), LONGEST_PEACE_SECONDS)


class Lines:
    r"""Parts bytes into lines, whatever their chunks; only \n ends one, and \r before it goes with it.

    Parameters
    ----------
    most_bytes
        Of a line.
    cuts
        Whether a longer one is cut there, which makes it unreadable, and the next one read; else it ends the stream.
    """

    def __init__(self, most_bytes: int, *, cuts: bool = False) -> None:
        self._most, self._cuts, self._rest = most_bytes, cuts, b""

    def of(self, chunk: bytes) -> list[bytes]:
        """Return the lines that end in a chunk; blank ones, which are signs of life, are left out.

        Raises
        ------
        Lost
            If a line is longer than it may be.
        """
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if self._cuts:
            whole, self._rest = [each[: self._most] for each in whole], self._rest[: self._most]
        if len(self._rest) > self._most or any(len(each) > self._most for each in whole):
            raise Lost("junk", f"a message is longer than {self._most} bytes (most_message_bytes)")
        return [line for each in whole if (line := each.strip(b"\r \t"))]

    def rest(self) -> bytes:
        """Return what came after the last end of a line."""
        return self._rest.strip(b"\r \t")


def greater(one: str | None, other: str | None) -> str | None:
    """Return the later of two cursors that are numbers; of others the second, which came later."""
    if one is None or other is None:
        return one or other
    if one.isdigit() and other.isdigit():
        return max(one, other, key=int)
    return other


async def napping(seconds: float) -> None:
    """Sleep; a seam for tests."""
    await asyncio.sleep(seconds)


def plain_headers(headers: Any) -> dict[str, str]:
    """Return headers by names in small letters."""
    return {str(name).lower(): str(value) for name, value in headers.items()}
