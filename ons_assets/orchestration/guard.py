"""What stands between a browser and the UI: the UI itself knows neither users nor whose page sends a request."""

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
GRAPHQL = "/graphql"
CHANGING = "application/json"
ELSEWHERE = 403, "a page of another site may not use this server"
# What a browser says of the site that asks: the page itself, or a person who typed an address.
OWN_SITE = (None, "same-origin", "none")
PORTS = {"http": 80, "https": 443}


def guarded(app: ASGIApp, names: Collection[str]) -> ASGIApp:
    """Return an app that answers only requests that were sent to it by its own pages.

    - `Host` is one of its names: else a page could call it by a name of its own (DNS rebinding).
    - `Origin`, and what the browser says of the site that asks, are its own, with the port: else any page that a user
      has open, or that another program on the machine serves, could delete runs. The same holds for web sockets.
    - GraphQL comes by POST and as JSON, which no page can send elsewhere without being asked for its origin.
    - No other page may show it in a frame.

    Parameters
    ----------
    app
        What is guarded.
    names
        Names and addresses by which it is called, without port.
    """

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await app(scope, receive, send)
            return
        refusal = _refusal(scope, frozenset(name.casefold() for name in names))
        if refusal is None:
            await app(scope, receive, _unframed(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            status, sentence = refusal
            await PlainTextResponse(f"{sentence}\n", status_code=status)(scope, receive, send)

    return guard


def _refusal(scope: Scope, names: Collection[str]) -> tuple[int, str] | None:
    """Status and sentence with which a request is refused, if it is."""
    headers = Headers(scope=scope)
    hosts = headers.getlist("host")
    if len(hosts) != 1 or _host(f"//{hosts[0]}") not in names:
        return 421, "this server is not called so"
    if any(not _is_of(origin, hosts[0]) for origin in headers.getlist("origin")):
        return ELSEWHERE
    is_read = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    is_visit = is_read and headers.get("sec-fetch-mode") == "navigate"
    if headers.get("sec-fetch-site") not in OWN_SITE and not is_visit:
        return ELSEWHERE
    if scope["type"] == "http" and scope["path"].rstrip("/").endswith(GRAPHQL):
        if is_read and scope["query_string"]:
            return 405, "GraphQL is asked by POST"
        if not is_read and headers.get("content-type", "").split(";")[0].strip().lower() != CHANGING:
            return 415, f"GraphQL is asked as {CHANGING}"
    return None


def _host(address: str) -> str | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return None if "@" in parts.netloc else parts.hostname


def _is_of(origin: str, host: str) -> bool:
    """Whether a page is of the server that is called by a host, name and port."""
    try:
        page, server = urlsplit(origin), urlsplit(f"//{host}")
        usual = PORTS[page.scheme]
        return (page.hostname, page.port or usual) == (server.hostname, server.port or usual) and "@" not in origin
    except (KeyError, ValueError):
        return False


def is_name(text: str) -> bool:
    """Return whether a text is the name of a host alone, without scheme, port and path."""
    return bool(text) and _host(f"//{text}") == text.strip("[]").casefold()


def _unframed(send: Send) -> Send:
    async def with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*_without(message["headers"], b"x-frame-options"), (b"x-frame-options", b"DENY")]
        await send(message)

    return with_header


def _without(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[tuple[bytes, bytes]]:
    return [(each, value) for each, value in headers if each.lower() != name]
