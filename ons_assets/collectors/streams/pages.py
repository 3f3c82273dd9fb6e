"""A service that gives pages: asked again and again for what is new, as a stream."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from ons_assets.collectors.streams.http_links import PACKED, in_words
from ons_assets.collectors.streams.keeping import cursor_of
from ons_assets.collectors.streams.links import Batch, Call, Lost, greater, is_packed, napping, plain_headers, refusal


async def pages(call: Call) -> AsyncIterator[Batch]:
    """Yield the messages of pages, round after round; see `http_links.lines`.

    The cursor goes on when the last page of a round was read, and not before: some services give the latest first, and
    a process that is killed in the middle would leave out what is on the pages that it did not reach.
    """
    stream, back = call.stream, call.stream.backfill
    cursor = call.parameters.get(back.parameter or "") if back is not None and back.how == "cursor" else None
    timeout = httpx.Timeout(stream.connect_seconds)
    with in_words():
        async with httpx.AsyncClient(
            timeout=timeout, follow_redirects=False, trust_env=call.may_go_by_a_proxy
        ) as client:
            while True:
                reached = cursor
                async for messages, latest in _round(call, client, cursor):
                    reached = greater(reached, latest)
                    yield Batch(messages)
                cursor = reached
                yield Batch([], cursor)
                await napping(stream.poll.every_seconds)


async def _round(
    call: Call, client: httpx.AsyncClient, cursor: str | None
) -> AsyncIterator[tuple[list[bytes], str | None]]:
    """Yield the messages of each page of a round, and the latest cursor of each."""
    poll, back = call.stream.poll, call.stream.backfill
    read = cursor_of(back.field) if back is not None and back.field is not None else None
    more: dict[str, str] = {}
    led_to: set[str] = set()
    if back is not None and back.parameter is not None and back.how == "cursor" and cursor is not None:
        more[back.parameter] = cursor
    while True:
        page = await _page(call, client, more)
        found = page if poll.each is None else _looked_up(poll.each, page)
        messages = [msgspec.json.encode(each) for each in (found if isinstance(found, list) else [found]) if each]
        latest: str | None = None
        for message in messages if read is not None else ():
            latest = greater(latest, read(message)) if read is not None else None
        yield messages, latest
        following = str((_looked_up(poll.next, page) if poll.next is not None else None) or "")
        # Pages that lead to one another would be asked for without end, and without a pause.
        if not following or poll.next_parameter is None or following in led_to:
            return
        led_to.add(following)
        more = {**more, poll.next_parameter: following}


def _looked_up(expression: str, page: Any) -> Any:
    try:
        return jmespath.search(expression, page)
    except JMESPathError:
        # Its text would tell what the page says.
        raise Lost("http", "the service answered with something that is no page") from None


async def _page(call: Call, client: httpx.AsyncClient, more: Mapping[str, str]) -> Any:
    content = bytearray()
    # The client waits so long for each piece; a page that comes byte by byte is none either.
    async with asyncio.timeout(call.stream.connect_seconds):
        async with client.stream("GET", call.address(more), headers=call.all_headers) as response:
            if not response.is_success:
                raise refusal(response.status_code, plain_headers(response.headers))
            if is_packed(response.headers):
                raise Lost("http", PACKED)
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > call.stream.poll.most_page_bytes:
                    raise Lost(
                        "junk", f"a page is longer than {call.stream.poll.most_page_bytes} bytes (most_page_bytes)"
                    )
    call.alive()
    try:
        return msgspec.json.decode(bytes(content))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Lost("http", "the service answered with something that is no JSON") from None
