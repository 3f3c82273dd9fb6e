"""Descriptions of streams, and their tokens: what is wrong is said in a sentence that holds no secret."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from websockets.asyncio.server import ServerConnection, serve

from ons_assets.collectors.descriptions import BadDescription
from ons_assets.collectors.streams import description
from ons_assets.collectors.streams.description import NoToken, Token, Wait
from ons_assets.collectors.streams.links import Call, Lost
from ons_assets.collectors.streams.standing import unit
from ons_assets.collectors.streams.websocket_link import frames
from ons_assets.lakehouse.home import Home

GOOD: dict[str, Any] = {
    "stream": "local",
    "kind": "sse",
    "address": "https://stream.example/positions",
    "contact": "streams@office.example",
    "keeps": {"fields": {"id": "id", "user": "account.id", "time": "created_at"}},
}
FIELDS = GOOD["keeps"]["fields"]


def written(folder: Path, **more: Any) -> Path:
    path = folder / "local.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **more}))
    return path


def test_what_is_said_is_read(tmp_path: Path) -> None:
    stream = description.read(written(tmp_path, heartbeat_seconds=30))
    assert (stream.stream, stream.into, stream.heartbeat_seconds) == ("local", "tweets", 30)
    assert not stream.resumes


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"kind": "websocket"}, "begins with wss://"),
        ({"address": "ftp://stream.example"}, "begins with https://"),
        ({"address": "https://me:secret@stream.example/"}, "token says where a token lies"),
        ({"contact": "nobody"}, "reaches nobody"),
        ({"token": {}}, "environment or file says where it lies"),
        ({"token": {"environment": "A", "file": "/b"}}, "environment or file says where it lies"),
        ({"token": {"environment": "A"}, "address": "http://stream.example/"}, "a token is not sent over http://"),
        ({"keeps": {"fields": {"id": "id", "user": "u"}}}, "fields says no time"),
        ({"keeps": {"fields": {**FIELDS, "text": "text"}}}, "knows no field text"),
        ({"keeps": {"fields": {**FIELDS, "latitude": "lat"}}}, "one of latitude and longitude"),
        ({"keeps": {"fields": {**FIELDS, "user": ["a", "b"]}}}, "user stands in one place"),
        ({"keeps": {"fields": {**FIELDS, "user": "a["}}}, "no JMESPath expression"),
        ({"keeps": {"layout": "twitter-api", "fields": FIELDS}}, "fields are those of the layout"),
        ({"backfill": {"parameter": "since", "header": "Since"}}, "exactly one of them"),
        ({"backfill": {"how": "minutes", "parameter": "m"}}, "minutes needs reach_seconds"),
        ({"kind": "json-lines", "backfill": {"parameter": "since"}}, "backfill says no field"),
        ({"poll": {"next": "meta.next"}}, "next and next_parameter go together"),
        ({"heartbeat": 3}, "is no word here; did you mean heartbeat_seconds?"),
        ({"reconnect": {"waits": 3}}, "is no word here; there are network, http"),
        ({"stream": "Local"}, "stream"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadDescription, match=sentence.replace("[", r"\[")):
        description.read(written(tmp_path, **more))


def test_a_description_has_the_name_of_its_stream(tmp_path: Path) -> None:
    path = written(tmp_path).rename(tmp_path / "other.yaml")
    with pytest.raises(BadDescription, match=r"call it local\.yaml"):
        description.read(path)
    with pytest.raises(BadDescription, match="no stream 'x'; there are none"):
        description.named(Home(tmp_path), "x")


def test_every_description_that_is_shipped_can_be_used() -> None:
    assert list(description.shipped()) == ["jetstream", "mastodon", "x"]
    for path in description.shipped().values():
        assert description.read(path).contact == "streams@office.example"


def test_a_token_is_read_from_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_TOKEN", " s3cret\n")
    assert Token(environment="STREAM_TOKEN").read() == "s3cret"
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    assert Token(file=file).read() == "s3cret"


@pytest.mark.parametrize("content", ["", "  \n", "s3cret s3cret", "s3cr\u00e9t", "s3cret\nnext"])
def test_what_is_no_token_is_not_quoted(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(NoToken) as error:
        Token(file=file).read()
    assert "s3c" not in str(error.value)


def test_a_token_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret")
    file.chmod(0o640)
    with pytest.raises(NoToken, match="can be read by others: chmod 600"):
        Token(file=file).read()
    with pytest.raises(NoToken, match="cannot be opened"):
        Token(file=tmp_path / "none").read()
    with pytest.raises(NoToken, match="the variable NOT_SET_ANYWHERE holds no token"):
        Token(environment="NOT_SET_ANYWHERE").read()


def test_waits_grow_as_they_are_described() -> None:
    linear = Wait(first_seconds=0.25, grows="linear", longest_seconds=16)
    assert [linear.before(each) for each in (1, 2, 4, 64, 65, 10**9)] == [0.25, 0.5, 1.0, 16, 16, 16]
    doubled = Wait(first_seconds=5, longest_seconds=320)
    assert [doubled.before(each) for each in (1, 2, 3, 7, 8, 10**6)] == [5, 10, 20, 320, 320, 320]
    assert Wait(first_seconds=3, grows="not", longest_seconds=9).before(50) == 3


def test_a_unit_begins_the_harvester_again_and_holds_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "collectors" / "streams"
    folder.mkdir(parents=True)
    written(folder, token={"environment": "STREAM_TOKEN"})
    monkeypatch.setenv("STREAM_TOKEN", "s3cret")
    said = unit(Home(tmp_path), "local")
    assert f"harvest streams --home {tmp_path} -- local\n" in said
    assert "Restart=always" in said
    assert "EnvironmentFile=/etc/ons-assets/local.env" in said
    assert "s3cret" not in said


def test_a_unit_names_any_home(tmp_path: Path) -> None:
    """Quotes of a unit are not those of a shell; a line more would be a word of the unit."""
    home = tmp_path / "a b%c$d\"e'f\\g\nUser=root"
    folder = home / "collectors" / "streams"
    folder.mkdir(parents=True)
    written(folder)
    lines = unit(Home(home), "local").splitlines()
    said = f'"{tmp_path}/a b%%c$d\\"e\'f\\\\g\\nUser=root"'
    assert f"ReadWritePaths={said}" in lines
    [command] = [each for each in lines if each.startswith("ExecStart=")]
    assert command.endswith(f"harvest streams --home {said.replace('$', '$$')} -- local")
    assert "User=root" not in lines


@pytest.mark.parametrize("token", ["s3cret", ["s3cret"], {"environment": "s3cret"}, {"value": "s3cret"}, {"s3cret": 1}])
def test_a_token_that_stands_in_a_description_by_mistake_is_not_repeated(tmp_path: Path, token: Any) -> None:
    with pytest.raises(BadDescription) as error:
        description.read(written(tmp_path, token=token))
    assert str(error.value).startswith("local.yaml: ")
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "token",
            "access_token",
            "accessToken",
            "api_key",
            "apikey",
            "key",
            "auth",
            "Authorization",
            "password",
            "pwd",
        ),
        *("client_secret", "X-Amz-Signature", "sig", "jwt", "sessionid", "bearer", "api%5Fkey", "pwd"),
    ],
)
@pytest.mark.parametrize("kind", ["sse", "websocket"])
def test_a_secret_in_an_address_is_refused_and_not_repeated(tmp_path: Path, name: str, kind: str) -> None:
    scheme = "wss" if kind == "websocket" else "https"
    path = written(tmp_path, kind=kind, address=f"{scheme}://stream.example/s?lang=en&{name}=s3cret4711")
    with pytest.raises(BadDescription, match="the address holds a secret") as error:
        description.read(path)
    assert "s3cret" not in str(error.value)


def test_a_secret_in_what_is_sent_first_is_refused_and_not_repeated(tmp_path: Path) -> None:
    told = {"kind": "websocket", "address": "wss://stream.example/s"}
    for text in ('{"APIKey": "s3cret4711", "Filter": 1}', '{"a": [{"password": "s3cret4711"}]}'):
        with pytest.raises(BadDescription, match=r"subscribe holds a secret: say \{token\} in its place") as error:
            description.read(written(tmp_path, **told, subscribe=text))
        assert "s3cret" not in str(error.value)
    with pytest.raises(BadDescription, match="token does not say where it lies"):
        description.read(written(tmp_path, **told, subscribe='{"APIKey": "{token}"}'))
    told["subscribe"] = '{"APIKey": "{token}", "keyword": "sea"}'
    assert (
        description.read(written(tmp_path, **told, token={"environment": "THE_TOKEN"})).subscribe == told["subscribe"]
    )


def test_a_token_is_sent_where_the_first_text_has_room_for_it(tmp_path: Path) -> None:
    came: list[Any] = []

    async def heard() -> None:
        async def answer(socket: ServerConnection) -> None:
            came.append(json.loads(await socket.recv()))

        async with serve(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            text = '{"APIKey": "{token}", "Boxes": [1]}'
            address, token = f"ws://127.0.0.1:{port}/", {"environment": "THE_TOKEN"}
            path = written(tmp_path, kind="websocket", address=address, subscribe=text, token=token)
            with pytest.raises(Lost):
                async for _ in frames(Call(description.read(path), "tests", 'a "quoted" one')):
                    pass

    asyncio.run(heard())
    assert came == [{"APIKey": 'a "quoted" one', "Boxes": [1]}]


@pytest.mark.parametrize(
    "query", ["page_token=a", "pagination_token=a", "keyword=sea", "author_id=3", "tweet.fields=geo"]
)
def test_what_only_sounds_like_a_secret_is_called(tmp_path: Path, query: str) -> None:
    assert description.read(written(tmp_path, address=f"https://stream.example/s?{query}")).address.endswith(query)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"address": "https://stream.example:99999/"}, "Port out of range"),
        ({"address": "https://stream .example/"}, "holds a blank"),
        ({"address": "https://stream.example/\x01"}, "a character that cannot be seen"),
        ({"backfill": {"header": "Last Event"}}, "backfill.header"),
        ({"kind": "poll", "heartbeat_seconds": 60}, "heartbeat_seconds is not longer than every_seconds"),
    ],
)
def test_what_could_never_be_called_is_said_at_once(tmp_path: Path, more: dict[str, Any], fault: str) -> None:
    with pytest.raises(BadDescription, match=fault):
        description.read(written(tmp_path, **more))
