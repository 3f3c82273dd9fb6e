"""The UI answers its own pages only."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from starlette.types import Message, Receive, Scope, Send

from ons_assets.orchestration.guard import LOOPBACK, guarded, is_name

JSON = {"content-type": "application/json"}


async def open_to_all(scope: Scope, _: Receive, send: Send) -> None:
    """An app that answers everybody, and would be shown in any frame."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    headers = [(b"X-Frame-Options", b"ALLOWALL"), (b"x-other", b"1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"seen"})


def ask(
    method: str = "GET",
    path: str = "/",
    query: str = "",
    headers: Mapping[str, str] | None = None,
    *,
    kind: str = "http",
    more: Sequence[tuple[bytes, bytes]] = (),
    names: tuple[str, ...] = LOOPBACK,
) -> list[Message]:
    """Send one request through the guard, and return all that is answered."""
    given = {"host": "127.0.0.1:3000", **(headers or {})}
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [*((name.lower().encode(), value.encode()) for name, value in given.items()), *more],
    }
    answered: list[Message] = []

    async def send(message: Message) -> None:
        answered.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    asyncio.run(guarded(open_to_all, names)(scope, receive, send))
    return answered


def status(*request: str, headers: Mapping[str, str] | None = None, **said: object) -> int:
    return int(ask(*request, headers=headers, **said)[0]["status"])  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:3000", "localhost:3000", "LOCALHOST", "[::1]:3000"])
def test_its_own_pages_are_answered(host: str) -> None:
    own = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
    assert status("GET", "/", headers=own) == 200
    assert status("GET", "/graphql", headers=own) == 200
    assert status("POST", "/graphql", headers=own | JSON) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:3000",
        "",
        "[",
        "a@b",
        "a@localhost",
        "localhost.",
    ],
)
def test_another_name_is_not_answered(host: str) -> None:
    assert status("GET", "/", headers={"host": host}) == 421
    assert status("POST", "/graphql", headers={"host": host} | JSON) == 421


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1.evil.example",
        "file://",
        "[",
        # What another program serves on the same machine, or under another name of it.
        "http://127.0.0.1:8888",
        "http://127.0.0.1",
        "http://localhost:3000",
        "http://127.0.0.1:99999",
        "http://a@127.0.0.1:3000",
        "",
    ],
)
def test_a_page_of_another_site_is_not_answered(origin: str) -> None:
    assert status("POST", "/graphql", headers={"origin": origin} | JSON) == 403
    assert status("GET", "/", headers={"origin": origin}) == 403


def test_what_another_site_embeds_is_not_answered_but_a_link_to_it_works() -> None:
    neighbour = {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}
    assert status("GET", "/anything", headers=neighbour) == 403
    embedded = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert status("GET", "/anything", headers=embedded) == 403
    assert status("GET", "/", headers=embedded | {"sec-fetch-mode": "navigate"}) == 200
    assert status("POST", "/graphql", headers=embedded | {"sec-fetch-mode": "navigate"} | JSON) == 403


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/prefix/graphql"])
def test_graphql_is_not_asked_by_an_address(method: str, path: str) -> None:
    assert status(method, path, "query=mutation") == 405


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "text/plain; application/json",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ],
)
def test_graphql_is_not_asked_as_a_form(kind: str) -> None:
    assert status("POST", "/graphql", "query=mutation", headers={"content-type": kind}) == 415


def test_no_page_shows_it_in_a_frame() -> None:
    start, _ = ask()
    assert sorted(start["headers"]) == [(b"x-frame-options", b"DENY"), (b"x-other", b"1")]


def test_the_name_of_a_proxy_is_answered() -> None:
    names = (*LOOPBACK, "Assets.Office.example")
    own = {"host": "assets.office.example", "origin": "https://assets.office.example"}
    assert status("POST", "/graphql", headers=own | JSON, names=names) == 200
    said = {"host": "assets.office.example:443", "origin": "https://Assets.office.example"}
    assert status("POST", "/graphql", headers=said | JSON, names=names) == 200
    unusual = {"host": "assets.office.example:8443", "origin": "https://assets.office.example:8443"}
    assert status("POST", "/graphql", headers=unusual | JSON, names=names) == 200
    assert status("POST", "/graphql", headers=own | JSON) == 421


def test_web_sockets_are_guarded_too() -> None:
    assert ask(kind="websocket", headers={"origin": "http://127.0.0.1:3000"})[0]["type"] == "websocket.accept"
    for headers in ({"origin": "http://evil.example"}, {"origin": "http://127.0.0.1:8888"}, {"host": "evil.example"}):
        assert ask(kind="websocket", headers=headers) == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize("text", ["assets.example.gov", "Assets", "10.0.0.1", "[fe80::1]"])
def test_names(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize(
    "text", ["", "https://assets.example.gov", "assets.example.gov:8443", "a/b", "a@b", "a b/", "["]
)
def test_what_is_more_than_a_name_or_less(text: str) -> None:
    assert not is_name(text)


def test_of_two_hosts_neither_counts() -> None:
    assert ask(more=[(b"host", b"evil.example")])[0]["status"] == 421
