"""What services do to a connection: each case is small and neutral, and stands for what people met with real ones."""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ons_assets.collectors.streams import growing_file
from ons_assets.collectors.streams.description import Stream
from ons_assets.collectors.streams.http_links import EventBytes
from ons_assets.collectors.streams.links import Batch, Call, Lines, Lost, greater, link_of, peace_seconds, refusal

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n"
JSON, EVENTS = b"application/json", b"text/event-stream"
AGENT = "ons-assets (test; +streams@office.example)"


def stream(kind: str, address: str, **more: Any) -> Stream:
    fields = {"id": "id", "user": "user", "time": "time"}
    said = {"stream": "local", "kind": kind, "address": address, "contact": "streams@office.example"}
    return Stream.model_validate({**said, "keeps": {"fields": fields}, "connect_seconds": 5, **more})


@asynccontextmanager
async def service(
    chunks: Sequence[bytes], calls: list[bytes] | None = None, scheme: str = "http"
) -> AsyncIterator[str]:
    """Answer with some chunks, each sent by itself, and end the connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if calls is not None:
            calls.append(head)
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0.002)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/stream"


def received(
    kind: str, chunks: Sequence[bytes], calls: list[bytes] | None = None, signs: list[int] | None = None, **more: Any
) -> tuple[list[Batch], Lost]:
    """Return what a link gives of an answer, and why it ended."""

    async def listen() -> tuple[list[Batch], Lost]:
        found: list[Batch] = []
        alive: Callable[[], None] = (lambda: signs.append(1)) if signs is not None else (lambda: None)
        async with service(chunks, calls, "ws" if kind == "websocket" else "http") as address:
            described = stream(kind, address, **more)
            try:
                async for batch in link_of(described)(Call(described, AGENT, "s3cret", alive=alive)):
                    found.append(batch)
            except Lost as lost:
                return found, lost
        raise AssertionError("a link that ends says why")

    return asyncio.run(listen())


def messages(batches: Sequence[Batch]) -> list[bytes]:
    return [each for batch in batches for each in batch.messages]


def pieces(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


TEXT = '{"id":1,"text":"caf\u00e9 \U0001f30d \u2028 \u0085 \x0b"}'.encode()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_lines_are_whole_whatever_the_chunks_are(size: int, end: bytes) -> None:
    """A character of four bytes lies over two chunks; U+2028 and U+0085 end no line."""
    content = end + TEXT + end + end + b'{"id":2}' + end
    found, lost = received("json-lines", [HEAD % JSON, *pieces(content, size)])
    assert messages(found) == [TEXT, b'{"id":2}']
    assert lost.by == "ended"


def test_empty_lines_are_signs_of_life_and_no_messages() -> None:
    signs: list[int] = []
    found, _ = received("json-lines", [HEAD % JSON, b"\r\n", b"\r\n", b"\r\n"], signs=signs)
    assert messages(found) == []
    assert found[0] == Batch([]), "that it answered is told at once"
    assert len(signs) == 3


def test_what_is_cut_off_within_an_answer_is_no_message() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    found, lost = received("json-lines", [chunked, b'9\r\n{"id":1}\n\r\n', b'5\r\n{"id"'])
    assert messages(found) == [b'{"id":1}']
    assert (lost.by, lost.sentence) == ("network", "the connection broke off within an answer")


def test_a_connection_that_ends_before_a_chunk_says_its_length_has_broken_off() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    found, lost = received("json-lines", [chunked, b'9\r\n{"id":1}\n\r\n'])
    assert messages(found) == [b'{"id":1}']
    assert lost.by == "network"


def test_the_last_line_needs_no_end_where_the_answer_ends_in_order() -> None:
    found, lost = received("json-lines", [HEAD % JSON, b'{"id":1}'])
    assert messages(found) == [b'{"id":1}']
    assert lost.by == "ended"


def test_a_line_without_end_is_given_up() -> None:
    _, lost = received("json-lines", [HEAD % JSON, *[b"x" * 1000] * 50], most_message_bytes=10_000)
    assert lost.by == "junk"
    with pytest.raises(Lost):
        Lines(10).of(b"x" * 11 + b"\n")


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_events_are_parsed_as_the_standard_says(size: int, end: str) -> None:
    """Data of several lines, comments between and right before an event, a mark of byte order, an id without data."""
    text = TEXT.decode().replace("\x0b", "")
    said = [
        "\ufeff:thump",
        ":thump",
        "event: update",
        "id: 7",
        f"data: {text}",
        "",
        ":",
        "event: delete",
        "data: 123",
        "",
        "data:{",
        'data:"id": 2}',
        "",
        "id: 9",
        "",
        "retry: 3000",
        "",
        "event: update",
        "data: {}",
        "",
        "data: never ended",
    ]
    content = end.join(said).encode()
    found, lost = received("sse", [HEAD % EVENTS, *pieces(content, size)])
    assert messages(found) == [text.encode(), b"123", b'{\n"id": 2}', b"{}"]
    assert [batch.cursor for batch in found if batch.messages] == ["7", "7", "7", "9"]
    assert lost.by == "ended"
    assert lost.wait_seconds == 3.0, "the service says how long one waits"


@pytest.mark.parametrize(("retry", "seconds"), [("1" + "0" * 400, 320), ("9" * 5000, 0), ("-5000", 0), ("soon", 0)])
def test_a_service_asks_for_any_peace_it_likes(retry: str, seconds: float) -> None:
    content = f"data: 1\nretry: {retry}\n\n".encode()
    found, lost = received("sse", [HEAD % EVENTS, content])
    assert messages(found) == [b"1"]
    assert (lost.by, lost.wait_seconds) == ("ended", seconds)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_bytes_of_an_event_are_counted_whatever_the_chunks_are(size: int, end: bytes) -> None:
    event = EventBytes()
    for _ in range(3):
        for chunk in pieces(end.join([b"data: 123", b":" + b"x" * 50, b"data: 4", b""]), size):
            held = event.after(chunk)
        assert held == len(b"data: 123data: 4")
        for chunk in pieces(end, size):
            held = event.after(chunk)
        assert held == 0
    assert event.after(b":" + b"x" * 50) == 51, "a comment that does not end is held too"


def test_comments_hide_no_event_without_end() -> None:
    chunk = b":\n" + b"data: " + b"x" * 10_000 + b"\n"
    _, lost = received("sse", [HEAD % EVENTS, *[chunk] * 30], most_message_bytes=10)
    assert lost.by == "junk"


@pytest.mark.parametrize("kind", ["json-lines", "sse", "poll"])
def test_a_packed_answer_is_not_unpacked(kind: str) -> None:
    """A few bytes that become gigabytes would not be bounded by the longest message."""
    packed = gzip.compress(b"\n" * 100_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n"
    found, lost = received(kind, [head, packed])
    assert (found, lost.by) == ([], "http")
    assert lost.sentence == "the service packed its answer, which it was not asked to"


@pytest.mark.parametrize("kind", ["json-lines", "websocket"])
def test_what_is_on_this_machine_goes_by_no_proxy(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is sent to loopback without encryption, and would be to the proxy."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    calls: list[bytes] = []
    received(kind, [HEAD % JSON], calls)
    assert len(calls) == 1


def test_events_of_other_names_are_left_out() -> None:
    content = b"event: delete\ndata: 1\n\nevent: update\ndata: 2\n\ndata: 3\n\n"
    found, _ = received("sse", [HEAD % EVENTS, content], events=["update"])
    assert messages(found) == [b"2"]


def test_signs_of_life_that_are_comments_never_grow_too_long() -> None:
    signs: list[int] = []
    _, lost = received(
        "sse", [HEAD % EVENTS, *[b":" + b"thump" * 2000 + b"\n"] * 30], signs=signs, most_message_bytes=10
    )
    assert lost.by == "ended"
    assert signs
    _, lost = received("sse", [HEAD % EVENTS, *[b"data: " + b"x" * 10_000 + b"\n"] * 30], most_message_bytes=10)
    assert lost.by == "junk"


def test_what_is_no_stream_of_events_is_an_error_of_the_service() -> None:
    _, lost = received("sse", [HEAD % b"text/html", b"<html>Sign in</html>"])
    assert lost.by == "http"


@pytest.mark.parametrize(
    ("status", "by"), [(429, "busy"), (420, "busy"), (503, "http"), (500, "http"), (401, "refused"), (301, "refused")]
)
@pytest.mark.parametrize("kind", ["json-lines", "sse", "poll", "websocket"])
def test_an_answer_with_an_error_says_how_one_waits(kind: str, status: int, by: str) -> None:
    calls: list[bytes] = []
    head = b"HTTP/1.1 %d No\r\nContent-Length: 0\r\nRetry-After: 7\r\nLocation: http://127.0.0.1:1/\r\n\r\n" % status
    _, lost = received(kind, [head], calls)
    assert (lost.by, lost.wait_seconds) == (by, 7.0)
    assert len(calls) == 1, "a token follows no redirect"


def test_a_service_is_told_who_asks_and_never_shown_what_is_secret() -> None:
    calls: list[bytes] = []
    received("json-lines", [HEAD % JSON], calls)
    assert f"User-Agent: {AGENT}".encode() in calls[0]
    assert b"Authorization: Bearer s3cret" in calls[0]
    assert "s3cret" not in repr(Call(stream("sse", "https://a.example/"), AGENT, "s3cret"))


def test_nobody_there_is_an_error_of_the_network() -> None:
    async def listen() -> Lost:
        described = stream("json-lines", "http://127.0.0.1:9/")
        try:
            async for _ in link_of(described)(Call(described, AGENT)):
                pass
        except Lost as lost:
            return lost
        raise AssertionError

    lost = asyncio.run(listen())
    assert (lost.by, lost.sentence) == ("network", "the service cannot be reached")


def test_how_long_a_service_wants_peace() -> None:
    later = int(NOW.timestamp()) + 90
    assert peace_seconds({}, NOW) == 0
    assert peace_seconds({"retry-after": "120"}, NOW) == 120
    assert peace_seconds({"retry-after": "Sun, 01 Mar 2026 12:02:00 GMT"}, NOW) == 120
    assert peace_seconds({"retry-after": "soon"}, NOW) == 0
    assert peace_seconds({"retry-after": "9" * 30}, NOW) == 0
    assert peace_seconds({"x-rate-limit-reset": "\u00b2"}, NOW) == 0, "a digit, and no number"
    assert peace_seconds({"x-rate-limit-reset": str(later), "x-rate-limit-remaining": "0"}, NOW) == 90
    assert peace_seconds({"x-rate-limit-reset": str(later), "x-rate-limit-remaining": "12"}, NOW) == 0
    assert peace_seconds({"x-rate-limit-reset": str(later + 10**9)}, NOW) == 86_400, "clocks may be wrong"
    assert refusal(429, {"retry-after": "5"}, NOW).wait_seconds == 5


def test_cursors_that_are_numbers_are_compared_as_numbers() -> None:
    assert greater("9", "10") == "10"
    assert greater("10", "9") == "10"
    assert greater(None, "9") == greater("9", None) == "9"
    assert greater("b", "a") == "a"


def test_parameters_take_the_place_of_those_of_the_address() -> None:
    call = Call(stream("sse", "https://a.example/s?x=1&since=2&x=3"), AGENT, parameters={"since": "a b&c"})
    assert call.address() == "https://a.example/s?x=1&x=3&since=a+b%26c", "one name may stand there several times"


def grown(path: Path, cursor: str | None, steps: Sequence[Callable[[], Any]]) -> list[Batch]:
    """Return what is read of a file while steps are done to it."""

    async def listen() -> list[Batch]:
        described = stream("file", path.as_uri())
        found: list[Batch] = []
        link = link_of(described)(Call(described, AGENT, cursor=cursor))

        async def read() -> None:
            async for batch in link:
                found.append(batch)

        task = asyncio.create_task(read())
        for step in steps:
            await asyncio.sleep(0.06)
            step()
        await asyncio.sleep(0.12)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return found

    return asyncio.run(listen())


def add(path: Path, content: bytes) -> Callable[[], Any]:
    def step() -> None:
        with path.open("ab") as file:
            file.write(content)

    return step


def test_a_file_is_read_as_it_grows_and_on_from_where_it_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing_file, "LOOK_SECONDS", 0.01)
    path = tmp_path / "positions.jsonl"
    path.write_bytes(b"1\n2\n")
    first = grown(path, None, [add(path, b"3\n4"), add(path, b"4\n5")])
    assert messages(first) == [b"1", b"2", b"3", b"44"]
    cursor = first[-1].cursor
    assert messages(grown(path, cursor, [add(path, b"5\n")])) == [b"55"], "the line that had no end"

    def put_aside() -> None:
        path.rename(tmp_path / "positions.jsonl.1")
        path.write_bytes(b"7\n")

    again = grown(path, cursor, [add(path, b"6\n"), put_aside, add(path, b"8\n")])
    assert messages(again) == [b"55", b"6", b"7", b"8"]
    # While nobody read, the file was put aside: its end comes first.
    add(tmp_path / "positions.jsonl.1", b"late\n")()
    assert messages(grown(path, again[-1].cursor, [])) == [b"late"], "what was put aside is looked at until it rests"
    at_its_end = f"{(tmp_path / 'positions.jsonl.1').stat().st_ino}:{len(b'1_2_3_44_55_6_')}"
    assert messages(grown(path, at_its_end, [])) == [b"late", b"7", b"8"]


def test_what_is_written_to_a_file_that_was_put_aside_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer goes on with the file that it has open until it is told of the new one."""
    monkeypatch.setattr(growing_file, "LOOK_SECONDS", 0.01)
    path, aside = tmp_path / "positions.jsonl", tmp_path / "positions.jsonl.1"
    path.write_bytes(b"1\n2")

    def put_aside() -> None:
        path.rename(aside)
        path.write_bytes(b"3\n")

    found = grown(path, None, [put_aside, add(aside, b"2\nlate\n"), add(path, b"4\n")])
    assert messages(found) == [b"1", b"3", b"22", b"late", b"4"], "a line that had no end too"
    add(aside, b"later\n")()
    assert messages(grown(path, found[-1].cursor, [add(path, b"5\n")])) == [b"later", b"5"], "and after a kill"


def test_a_file_that_was_put_aside_is_left_when_it_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing_file, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(growing_file, "LOOKS_AT_REST", 3)
    path, aside = tmp_path / "positions.jsonl", tmp_path / "positions.jsonl.1"
    path.write_bytes(b"1\n2")

    def put_aside() -> None:
        path.rename(aside)
        path.write_bytes(b"3\n")

    found = grown(path, None, [put_aside, add(path, b"4\n"), add(path, b"5\n")])
    assert sorted(messages(found)) == [b"1", b"2", b"3", b"4", b"5"], "its last line needs no end"
    assert found[-1].cursor == f"{path.stat().st_ino}:6"


def test_a_file_that_was_emptied_is_read_from_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing_file, "LOOK_SECONDS", 0.01)
    path = tmp_path / "positions.jsonl"
    path.write_bytes(b"one\ntwo\n")
    found = grown(path, None, [lambda: path.write_bytes(b"3\n"), add(path, b"4\n")])
    assert messages(found) == [b"one", b"two", b"3", b"4"]
    assert messages(grown(path, f"{path.stat().st_ino}:999", [])) == [b"3", b"4"]


@asynccontextmanager
async def shop(answers: Sequence[bytes], pause: float = 0.0) -> AsyncIterator[tuple[str, list[str]]]:
    """Answer each request with the next of some pages, the last ones again and again; each byte after a pause."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split()[1].decode())
        page = answers[(len(asked) - 1) % len(answers)]
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(page))
        for piece in pieces(page, 1) if pause else [page]:
            writer.write(piece)
            await asyncio.sleep(pause)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/page", asked


def polled(answers: Sequence[bytes], pause: float = 0.0, **more: Any) -> tuple[list[Batch], Lost | None, list[str]]:
    """Return what one round gives, why it ended if it did not end in order, and what was asked."""

    async def listen() -> tuple[list[Batch], Lost | None, list[str]]:
        found: list[Batch] = []
        async with shop(answers, pause) as (address, asked):
            described = stream("poll", address, **more)
            try:
                async with asyncio.timeout(5), aclosing(link_of(described)(Call(described, AGENT))) as batches:  # type: ignore[type-var]
                    async for batch in batches:
                        found.append(batch)
                        if not batch.messages:
                            break
            except Lost as lost:
                return found, lost, asked
        return found, None, asked

    return asyncio.run(listen())


def test_pages_that_lead_to_one_another_are_asked_for_once() -> None:
    poll = {"each": "all", "next": "next", "next_parameter": "page"}
    pages = [b'{"all": [{"id": 1}], "next": "b"}', b'{"all": [{"id": 2}], "next": "a"}']
    found, lost, asked = polled(pages, poll=poll)
    assert lost is None
    assert asked == ["/page", "/page?page=b", "/page?page=a"]
    assert len(messages(found)) == 3


def test_a_page_of_another_kind_than_is_expected_is_none() -> None:
    found, lost, _ = polled([b'{"all": "MARKER4711"}'], poll={"each": "keys(all)"})
    assert (found, lost and lost.by) == ([], "http")
    assert "MARKER4711" not in str(lost)


def test_a_page_that_is_longer_than_is_said_is_given_up() -> None:
    page = b'[{"id": "' + b"x" * 5_000 + b'"}]'
    found, lost, _ = polled([page], poll={"most_page_bytes": 1_000})
    assert (found, lost and lost.by) == ([], "junk")
    assert str(lost) == "a page is longer than 1000 bytes (most_page_bytes)"
    assert len(polled([page], poll={"most_page_bytes": 6_000})[0]) == 2


def test_a_page_that_comes_byte_by_byte_is_given_up() -> None:
    _, lost, _ = polled([b" " * 10_000 + b"[]"], pause=0.001, connect_seconds=0.1)
    assert lost is not None
    assert (lost.by, lost.sentence) == ("network", "the service did not answer in time")


def test_a_line_of_a_file_that_is_too_long_is_passed_over(tmp_path: Path) -> None:
    """It would be there again after every attempt, and nothing behind it would ever be read."""
    path = tmp_path / "positions.jsonl"
    path.write_bytes(b"1\n" + b"x" * 2_000_000 + b"\n2\n")
    found = grown(path, None, [])
    assert [len(each) for each in messages(found)] == [1, 1 << 20, 1]
    assert found[-1].cursor == f"{path.stat().st_ino}:{path.stat().st_size}"


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Lost, match="something that is no file"):
        grown(tmp_path / "pipe", None, [])


def test_a_file_that_was_put_aside_is_found_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing_file, "LOOK_SECONDS", 0.01)
    path = tmp_path / "positions[1].jsonl"
    path.write_bytes(b"1\n2\n")
    cursor = f"{path.stat().st_ino}:2"
    path.rename(tmp_path / "positions[1].jsonl.1")
    path.write_bytes(b"3\n")
    assert messages(grown(path, cursor, [])) == [b"2", b"3"]
