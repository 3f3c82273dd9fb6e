"""What stands between a browser and the UI: the UI itself knows neither users nor whose page sends a request."""

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
GRAPHQL = "/graphql"
CHANGING = "application/json"


def guarded(app: ASGIApp, names: Collection[str]) -> ASGIApp:
    """Return an app that answers only requests that were sent to it by its own pages.

    - `Host` is one of its names: else a page could call it by a name of its own (DNS rebinding).
    - `Origin`, and what the browser says of the site that asks, are its own: else any page that a user has open could
      delete runs. The same holds for web sockets.
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
    if _host(f"//{headers.get('host', '')}") not in names:
        return 421, "this server is not called so"
    origins = headers.getlist("origin")
    if any(_host(origin) not in names for origin in origins):
        return 403, "a page of another site may not use this server"
    is_read = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    is_visit = is_read and headers.get("sec-fetch-mode") == "navigate"
    if headers.get("sec-fetch-site") == "cross-site" and not is_visit:
        return 403, "a page of another site may not use this server"
    if scope["type"] == "http" and scope["path"].rstrip("/").endswith(GRAPHQL):
        if is_read and scope["query_string"]:
            return 405, "GraphQL is asked by POST"
        if not is_read and not headers.get("content-type", "").startswith(CHANGING):
            return 415, f"GraphQL is asked as {CHANGING}"
    return None


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _unframed(send: Send) -> Send:
    async def with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*_without(message["headers"], b"x-frame-options"), (b"x-frame-options", b"DENY")]
        await send(message)

    return with_header


def _without(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[tuple[bytes, bytes]]:
    return [(each, value) for each, value in headers if each.lower() != name]
