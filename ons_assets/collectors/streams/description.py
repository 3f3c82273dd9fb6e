r"""Descriptions of streams: a small YAML file each in `<home>/collectors/streams/`, and no code.

    stream: positions
    kind: sse
    address: https://stream.example/positions
    contact: streams@office.example
    token: {environment: POSITIONS_TOKEN}
    keeps:
      fields: {id: id, user: account.id, time: created_at, latitude: geo.lat, longitude: geo.lon}
    heartbeat_seconds: 30

What `keeps` does not name never leaves the process.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, field_validator, model_validator

from ons_assets.collectors import descriptions
from ons_assets.collectors.descriptions import Part, is_json_path, reaches_somebody
from ons_assets.lakehouse.home import OF_OTHERS, Home

SHIPPED = Path(__file__).with_name("shipped")
SCHEMES = {
    "json-lines": ("https", "http"),
    "sse": ("https", "http"),
    "poll": ("https", "http"),
    "websocket": ("wss", "ws"),
    "file": ("file",),
}
VARIABLE = re.compile("[A-Z][A-Z0-9_]*")
NO_TOKEN_HERE = "environment or file says where it lies; the token itself never stands in a description"
# Of names of parameters, as letters alone: what services call that which lets somebody in. One that leads to a page is
# none.
SECRET = re.compile(
    "(?<!page)(?<!next)(?<!continuation)(?<!pagination)(?<!sync)tokens?$|secret|passw|passphrase|^pwd$|pass$|apikey|"
    "(^|app|access|private|subscription|functions|consumer|client|user|licen[cs]e)key$|^appid$|^sas$|"
    "^auth(orization|entication|key)?$|^bearer$|^jwt$|credential|signature|^sig$|sessionid"
)
# Stands in a text that is sent for what nobody writes down.
TOKEN = "{token}"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Of the files in which positions come that are no words of a service: what each field is.
FIELDS = {
    "id": "of the message: by it what comes twice is removed; several places together make one",
    "user": "who; becomes a pseudonym when the file is read",
    "time": "when: a text of ISO 8601 with its zone, or a number since 1970",
    "latitude": "degrees north, WGS 84",
    "longitude": "degrees east",
    "place_type": "kind of the place",
    "source": "application that wrote it",
}
NEEDED = ("id", "user", "time")


class NoToken(ValueError):
    """The token of a stream cannot be had; the message is one sentence, and never holds it."""


class Token(Part):
    """Where the token lies that the service asks for; exactly one of the two."""

    environment: str | None = Field(
        None, description="variable that holds it", json_schema_extra={"pattern": f"^{VARIABLE.pattern}$"}
    )
    file: Path | None = Field(None, description="file that holds it, which only its owner can read (mode 0600)")

    # What is wrong is never repeated: it may be the token, by mistake.
    @model_validator(mode="before")
    @classmethod
    def _has_words(cls, given: object) -> object:
        if not isinstance(given, dict) or not set(given) <= set(cls.model_fields):
            raise ValueError(NO_TOKEN_HERE)
        return given

    @field_validator("environment", mode="before")
    @classmethod
    def _is_variable(cls, given: object) -> object:
        if given is not None and not (isinstance(given, str) and VARIABLE.fullmatch(given)):
            raise ValueError(f"is no name of a variable in capitals; {NO_TOKEN_HERE}")
        return given

    @model_validator(mode="after")
    def _lies_in_one_place(self) -> "Token":
        if (self.environment is None) == (self.file is None):
            raise ValueError(NO_TOKEN_HERE)
        return self

    def read(self) -> str:
        """Return the token.

        Raises
        ------
        NoToken
            If it is not there, or others can read it.
        """
        if self.environment is not None:
            found, where = os.environ.get(self.environment, ""), f"the variable {self.environment}"
        else:
            assert self.file is not None, "one of the two is said"
            where = f"the file {self.file}"
            try:
                if self.file.stat().st_mode & OF_OTHERS:
                    raise NoToken(f"{where} can be read by others: chmod 600 {self.file}")
                found = self.file.read_text(errors="replace")
            except OSError as error:
                raise NoToken(f"{where} cannot be opened: {str(error.strerror).lower()}") from None
        if not (token := found.strip()):
            raise NoToken(f"{where} holds no token")
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise NoToken(f"{where} holds something that is no token")
        return token


class Keeps(Part):
    """What of a message is kept; everything else is forgotten before anything is written."""

    layout: Literal["twitter-api", "own"] = Field(
        "own", description="twitter-api: ids, time, position and kind of place of X's API v2; own: what `fields` says"
    )
    fields: Mapping[str, str | tuple[str, ...]] = Field(
        {}, description="by the name of each field a JMESPath expression of the message, or several that make the id"
    )
    only: str | None = Field(
        None, description="JMESPath expression that is true of the messages that are meant, such as a kind of event"
    )
    time_unit: Literal["s", "ms", "us"] = Field("s", description="of times that are numbers")

    @model_validator(mode="after")
    def _knows_its_fields(self) -> "Keeps":
        if self.layout != "own":
            if self.fields:
                raise ValueError(f"fields are those of the layout {self.layout}")
            return self
        unknown = [name for name in self.fields if name not in FIELDS]
        if unknown:
            raise ValueError(f"knows no field {unknown[0]}; there are {', '.join(FIELDS)}")
        lacking = [name for name in NEEDED if name not in self.fields]
        if lacking:
            raise ValueError(f"fields says no {lacking[0]}, which every message needs")
        if ("latitude" in self.fields) != ("longitude" in self.fields):
            raise ValueError("fields says one of latitude and longitude")
        for name, given in self.fields.items():
            if name != "id" and not isinstance(given, str):
                raise ValueError(f"{name} stands in one place; only the id is made of several")
            for each in (given,) if isinstance(given, str) else given:
                is_json_path(each)
        return self

    @field_validator("only")
    @classmethod
    def _is_expression(cls, given: str | None) -> str | None:
        return given if given is None else is_json_path(given)


class Wait(Part):
    """How long is waited before an attempt, and how much longer before each further one."""

    first_seconds: float = Field(ge=0, description="before the first attempt")
    grows: Literal["not", "linear", "exponential"] = Field(
        "exponential", description="linear: by first_seconds each; exponential: twice as long each"
    )
    longest_seconds: float = Field(ge=0, description="at most")

    def before(self, attempt: int) -> float:
        """Return how many seconds are waited.

        Parameters
        ----------
        attempt
            In a row without success, from 1 on.
        """
        if self.grows == "not":
            return min(self.first_seconds, self.longest_seconds)
        # Beyond this power a float would be none.
        factor = float(attempt) if self.grows == "linear" else 2.0 ** min(attempt - 1, 64)
        return min(self.first_seconds * factor, self.longest_seconds)


class Reconnect(Part):
    """How one comes back to a service; unless its description says otherwise, by the rules that X publishes."""

    network: Wait = Field(
        Wait(first_seconds=0.25, grows="linear", longest_seconds=16), description="after an error of the network"
    )
    http: Wait = Field(
        Wait(first_seconds=5, longest_seconds=320), description="after an answer with an error, such as 503"
    )
    busy: Wait = Field(
        Wait(first_seconds=60, longest_seconds=960), description="after 420 or 429: there were too many attempts"
    )
    settled_seconds: float = Field(
        10, ge=0, description="a connection that lasted so long has worked: the next attempt is made at once"
    )
    most_refusals: int = Field(
        5, ge=1, description="answers in a row with 400, 401, 403, 404 or 410 after which nobody is asked any more"
    )


class Backfill(Part):
    """How the service is asked for what was missed."""

    how: Literal["cursor", "minutes"] = Field(
        "cursor",
        description="cursor: by where the last message stood; minutes: by how long nothing was received",
    )
    field: str | None = Field(
        None, description="JMESPath expression of the cursor in a message; without it the id of the event (sse)"
    )
    parameter: str | None = Field(None, description="of the address, which takes it")
    header: str | None = Field(None, pattern="^[A-Za-z0-9-]+$", description="or header, such as Last-Event-ID")
    rewind: int = Field(
        0, ge=0, description="a cursor that is a number is set back by so much: what comes twice is removed later"
    )
    reach_seconds: float | None = Field(
        None, gt=0, description="how far back the service goes; without it, as far as the cursor lies"
    )

    @field_validator("field")
    @classmethod
    def _is_expression(cls, given: str | None) -> str | None:
        return given if given is None else is_json_path(given)

    @model_validator(mode="after")
    def _says_how(self) -> "Backfill":
        if (self.parameter is None) == (self.header is None):
            raise ValueError("parameter or header says how the service is told from where on; exactly one of them")
        if self.how == "minutes" and self.reach_seconds is None:
            raise ValueError("minutes needs reach_seconds: the service refuses more than it has")
        return self


class Poll(Part):
    """A service that is asked for pages, again and again."""

    every_seconds: float = Field(60, gt=0, description="between two questions")
    each: str | None = Field(None, description="JMESPath expression of the messages of a page; without it, the page")
    next: str | None = Field(None, description="JMESPath expression of what leads to the next page, while there is one")
    next_parameter: str | None = Field(None, description="of the address, which takes it")
    most_page_bytes: int = Field(
        8 << 20, gt=0, description="of a page at most, which is held at once; a longer one is given up"
    )

    @field_validator("each", "next")
    @classmethod
    def _is_expression(cls, given: str | None) -> str | None:
        return given if given is None else is_json_path(given)

    @model_validator(mode="after")
    def _pages_one_way(self) -> "Poll":
        if (self.next is None) != (self.next_parameter is None):
            raise ValueError("next and next_parameter go together")
        return self


def _is_secret(name: str) -> bool:
    return SECRET.search(re.sub("[^a-z]", "", name.lower())) is not None


def _holds_secret(text: str | None) -> bool:
    """Whether a text of JSON says a token, key or password by its name; of another text nobody knows."""
    found: list[bool] = []

    def looked_at(pairs: list[tuple[str, Any]]) -> None:
        found.extend(_is_secret(name) and value not in (TOKEN, None) for name, value in pairs)

    try:
        json.loads(text or "null", object_pairs_hook=looked_at)
    except ValueError:
        return False
    return any(found)


class Stream(Part):
    """One stream: who is listened to, how one comes back, and what of it is kept."""

    stream: str = Field(pattern="^[a-z][a-z0-9-]*$", description="its name: small letters, digits and hyphens")
    kind: Literal["json-lines", "sse", "websocket", "poll", "file"] = Field(
        description="JSON lines over HTTP, server-sent events, WebSocket, pages of an API, or a file that grows"
    )
    address: str = Field(description="of the stream; of a file, file:///path")
    contact: str = Field(
        min_length=5, description="mail or web address, told to the service, where it reaches somebody"
    )
    into: str = Field("tweets", pattern="^[a-z][a-z_]*$", description="drop folder in which its files are left")
    token: Token | None = Field(None, description="what the service asks for, sent as a bearer token")
    keeps: Keeps = Field(description="what of a message is kept")
    events: tuple[str, ...] = Field((), description="of the kind sse: names of the events that are meant; else all")
    subscribe: str | None = Field(
        None,
        description="text that is sent first, where a WebSocket asks for one; {token} in it is what token leads to",
    )
    heartbeat_seconds: float | None = Field(
        None,
        gt=0,
        description="a connection over which nothing came for so long, not even a sign of life, is given up",
    )
    silence_seconds: float | None = Field(
        None, gt=0, description="so is one over which no message came for so long, whatever signs of life there are"
    )
    connect_seconds: float = Field(30, gt=0, description="how long an answer is waited for")
    reconnect: Reconnect = Field(Reconnect(), description="how one comes back")
    backfill: Backfill | None = Field(None, description="how the service is asked for what was missed")
    poll: Poll = Field(Poll(), description="of the kind poll: how it is asked")
    most_message_bytes: int = Field(1 << 20, gt=0, description="of a message at most; a longer one ends the connection")
    commit_seconds: float = Field(1, gt=0, description="what came is safe on the disk after so long at the latest")
    commit_bytes: int = Field(1 << 20, gt=0, description="or when it is so much")
    least_free_bytes: int = Field(1 << 30, ge=0, description="with less room on the disk the harvester ends in order")

    @field_validator("contact")
    @classmethod
    def _reaches_somebody(cls, contact: str) -> str:
        return reaches_somebody(contact)

    @model_validator(mode="after")
    def _can_be_reached(self) -> "Stream":
        parts = urlsplit(self.address)
        known = SCHEMES[self.kind]
        if parts.scheme not in known or not (parts.path if self.kind == "file" else parts.hostname):
            raise ValueError(f"the address of a stream of the kind {self.kind} begins with {known[0]}://")
        if self.kind != "file" and (not self.address.isprintable() or " " in self.address):
            raise ValueError("the address holds a blank, or a character that cannot be seen")
        # Is an error in words if it is none.
        _ = parts.port
        if parts.username or parts.password or parts.fragment:
            raise ValueError("the address holds a name, a password or a fragment: token says where a token lies")
        for name, _value in parse_qsl(parts.query, keep_blank_values=True):
            if _is_secret(name):
                # Neither the name, which may be the secret by mistake, nor what it is.
                raise ValueError(
                    "the address holds a secret (a token, key, password or signature): it would be shown wherever the "
                    "address is, and is known to whoever reads the description; token says where a token lies"
                )
        if self.token is None and TOKEN in (self.subscribe or ""):
            raise ValueError("subscribe says {token}, and token does not say where it lies")
        if _holds_secret(self.subscribe):
            raise ValueError("subscribe holds a secret: say {token} in its place, and in token where it lies")
        if self.token is not None and parts.scheme in ("http", "ws") and parts.hostname not in LOOPBACK:
            raise ValueError(f"a token is not sent over {parts.scheme}://, where everybody on the way can read it")
        return self

    @model_validator(mode="after")
    def _can_be_heard(self) -> "Stream":
        every = self.poll.every_seconds
        for name, seconds in (("heartbeat_seconds", self.heartbeat_seconds), ("silence_seconds", self.silence_seconds)):
            if self.kind == "poll" and seconds is not None and seconds <= every:
                raise ValueError(f"{name} is not longer than every_seconds ({every:g}): it would end every connection")
        return self

    @model_validator(mode="after")
    def _can_be_filled_back(self) -> "Stream":
        back = self.backfill
        if back is None:
            return self
        if self.kind == "file":
            raise ValueError("backfill is of services; a file is read on from where it was left")
        if back.how == "cursor" and back.field is None and self.kind != "sse":
            raise ValueError("backfill says no field: only events of the kind sse have an id beside the message")
        return self

    @property
    def resumes(self) -> bool:
        """Whether what was missed can be had later."""
        return self.backfill is not None or self.kind == "file"


PARTS: Mapping[str, type[Part]] = {
    "token": Token,
    "keeps": Keeps,
    "reconnect": Reconnect,
    "backfill": Backfill,
    "poll": Poll,
}


def folder(home: Home) -> Path:
    """Return where the descriptions of a home lie."""
    return home.root / "collectors" / "streams"


def paths(home: Home) -> list[Path]:
    """Return the files of the descriptions of a home, by name."""
    return descriptions.paths(folder(home))


def read(path: Path) -> Stream:
    """Return the description of a stream.

    Raises
    ------
    BadDescription
        If it cannot be used.
    """
    stream = descriptions.read(path, Stream, PARTS)
    descriptions.has_name_of_file(path, stream.stream)
    return stream


def named(home: Home, name: str) -> Stream:
    """Return the description of one stream of a home.

    Raises
    ------
    BadDescription
        If there is none, or it cannot be used.
    """
    return read(descriptions.named(folder(home), name, "stream"))


def shipped() -> dict[str, Path]:
    """Return the descriptions that come with the project, by the names of their streams."""
    return {path.stem: path for path in descriptions.paths(SHIPPED)}
