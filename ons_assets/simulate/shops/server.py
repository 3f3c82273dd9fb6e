"""A simulated shop that listens on loopback, and writes down who asked for what, and when: the judge of a collector."""

import hashlib
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from ons_assets.simulate.shops import site
from ons_assets.simulate.shops.stock import Stock

# What may befall a request. "layout" shows a page without products; "broken" ends in the middle of it.
KINDS = ("busy", "unavailable", "error", "hang", "broken", "refused", "layout", "moved")


@dataclass(frozen=True)
class Faults:
    """What goes wrong at a shop; the same seed, day, address and attempt have the same fault.

    Parameters
    ----------
    rate
        Share of requests that have a fault.
    kinds
        Which there are.
    seed
        Of the world.
    lasting
        Share of the faults that hold for every attempt of the day.
    hang_seconds
        For how long a request hangs.
    no_robots
        Days on which robots.txt is answered with an error.
    """

    rate: float = 0.0
    kinds: tuple[str, ...] = KINDS
    seed: int = 1
    lasting: float = 0.3
    hang_seconds: float = 2.0
    no_robots: tuple[date, ...] = ()

    def of(self, retailer: str, day: date, target: str, attempt: int) -> str | None:
        """Return what befalls a request; None if nothing does.

        Parameters
        ----------
        retailer, day, target
            Which shop, when, and which page.
        attempt
            How often it was asked on this day, this time included.
        """
        if self.rate <= 0:
            return None
        lasts, *_ = self._draw(retailer, day, target, 0)
        if lasts < self.rate * self.lasting:
            return self._kind(retailer, day, target, 0)
        falls, *_ = self._draw(retailer, day, target, attempt)
        return self._kind(retailer, day, target, attempt) if falls < self.rate * (1 - self.lasting) else None

    def _draw(self, *of: object) -> tuple[float, float]:
        digest = hashlib.sha256(repr((self.seed, *of)).encode()).digest()
        one, two = np.random.default_rng(int.from_bytes(digest[:8])).random(2)
        return float(one), float(two)

    def _kind(self, *of: Any) -> str:
        return self.kinds[int(self._draw(*of)[1] * len(self.kinds))]


@dataclass
class Logged:
    """One request, as the shop saw it.

    Parameters
    ----------
    at
        Seconds of a clock that only goes forward, when the request came.
    day, target
        Of the world, and path with query.
    agent, headers
        Who asked, and with which headers, by names in small letters.
    status
        That was answered; 0 if the connection ended without one.
    fault
        What befell it.
    articles
        Whether its page showed products of a shelf as it is.
    """

    at: float
    day: date
    target: str
    agent: str
    headers: Mapping[str, str]
    status: int = 0
    fault: str | None = None
    articles: bool = False


@dataclass
class ShopServer:
    """One simulated shop.

    Parameters
    ----------
    stock
        What is on its shelves.
    retailer
        Which shop.
    day
        Of the world, which may be set.
    faults
        What goes wrong.
    crawl_delay_seconds
        That its robots.txt asks for.
    page_size
        Products on a page.
    port
        Where it listens; any that is free, if 0.
    log
        Every request, in the order in which they came.
    """

    stock: Stock
    retailer: str
    day: date
    faults: Faults = Faults()
    crawl_delay_seconds: float = 0.0
    page_size: int = site.PAGE_SIZE
    port: int = 0
    log: list[Logged] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen, from now on."""
        self._attempts: Counter[tuple[date, str]] = Counter()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                shop._answer(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing: the log is ours."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def address(self) -> str:
        """Of the shop."""
        return f"http://127.0.0.1:{self.port}/"

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "ShopServer":
        """Return the shop, which listens."""
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self.close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = Logged(time.monotonic(), self.day, request.path, headers.get("user-agent", ""), headers)
        self.log.append(seen)
        self._attempts[self.day, request.path] += 1
        if request.path == "/robots.txt":
            status = 503 if self.day in self.faults.no_robots else 200
            body = site.robots(self.crawl_delay_seconds) if status == 200 else "<h1>Service Unavailable</h1>"
            self._send(request, seen, status, body, {"Content-Type": "text/plain"})
            return
        attempt = self._attempts[self.day, request.path]
        seen.fault = self.faults.of(self.retailer, self.day, request.path, attempt)
        if seen.fault is not None and seen.fault != "layout":
            self._fail(request, seen)
            return
        try:
            body = site.page(self.stock, self.retailer, self.day, request.path, size=self.page_size)
        except site.NoSuchPage:
            self._send(request, seen, 404, "<h1>Not found</h1>")
            return
        if seen.fault == "layout":
            body = site.scripted()
        seen.articles = seen.fault is None and request.path != "/"
        tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
        if headers.get("if-none-match") == tag:
            self._send(request, seen, 304, "", {"ETag": tag})
            return
        self._send(request, seen, 200, body, {"ETag": tag, "Set-Cookie": "visit=1"})

    def _fail(self, request: BaseHTTPRequestHandler, seen: Logged) -> None:
        """Have a request fail as its fault has it."""
        if seen.fault == "hang":
            time.sleep(self.faults.hang_seconds)
            request.close_connection = True
            return
        if seen.fault == "broken":
            request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n<html>")
            request.wfile.flush()
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True
            return
        status, more = {
            "busy": (429, {"Retry-After": "0"}),
            "unavailable": (503, {}),
            "error": (500, {}),
            "refused": (403, {}),
            "moved": (302, {"Location": request.path}),
        }[str(seen.fault)]
        self._send(request, seen, status, f"<h1>{status}</h1>", more)

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        seen: Logged,
        status: int,
        body: str,
        more: Mapping[str, str] | None = None,
    ) -> None:
        seen.status = status
        content = body.encode()
        request.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **(more or {})}.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def log_as_lines(self) -> str:
        """Return the log, a line of JSON a request."""
        return "".join(json.dumps({**vars(each), "day": each.day.isoformat()}) + "\n" for each in list(self.log))
