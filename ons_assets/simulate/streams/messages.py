"""Messages of a simulated stream, each made of its number, so that nothing has to be kept to know what was sent."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

import msgspec

MIX = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1
USERS = 5_000
# Above every id of today, as those of a service that counts from one are far below.
FIRST_ID = 1_000_000
# What real posts are full of, and no file of positions may hold: it is two, three and four bytes a character.
TEXT = "Zoë says:\u2028caf\u00e9 \U0001f30d \\n data: \u85e4"
WRITTEN = json.dumps(TEXT, ensure_ascii=False)
_encode = msgspec.json.Encoder().encode


def _to_second(when: datetime) -> str:
    """Return a time as text, of which a fast stream makes very many."""
    return _encode(when)[1:20].decode()


class Messages(Protocol):
    """What a stream sends."""

    def of(self, number: int, when: datetime) -> bytes:
        """Return a message, in one line."""


@dataclass(frozen=True)
class Made:
    """Messages that are drawn.

    Parameters
    ----------
    style
        fields: an object with account, time and position; x: as X's API v2 sends them; jetstream: as Bluesky's does.
    seed
        Of positions and users.
    """

    style: Literal["fields", "x", "jetstream"] = "fields"
    seed: int = 1

    def of(self, number: int, when: datetime) -> bytes:
        """See `Messages.of`."""
        bits = (number * MIX + self.seed * 0xBF58476D1CE4E5B9) & MASK
        bits ^= bits >> 31
        user, latitude, longitude = bits % USERS, 51 + (bits >> 16) % 20_000 / 10_000, -2 + (bits >> 40) % 20_000 / 1e4
        time, identifier = f"{_to_second(when)}.{when.microsecond // 1000:03d}Z", FIRST_ID + number
        text = WRITTEN if number % 10 == 0 else '"Hello."'
        if self.style == "x":
            said = (
                f'{{"data":{{"id":"{identifier}","author_id":"{user}","created_at":"{time}","text":{text},'
                f'"edit_history_tweet_ids":["{identifier}"],"geo":{{"place_id":"p1","coordinates":{{"type":"Point",'
                f'"coordinates":[{longitude},{latitude}]}}}}}},"includes":{{"places":[{{"id":"p1","place_type":"city",'
                f'"full_name":{text}}}],"users":[{{"id":"{user}","name":{text}}}]}},"matching_rules":[{{"id":"1"}}]}}'
            )
        elif self.style == "jetstream":
            micros = int(when.timestamp() * 1e6)
            said = (
                f'{{"did":"did:plc:u{user}","time_us":{micros},"kind":"commit","seq":{number},"commit":{{"operation":'
                f'"create","collection":"community.checkin","rkey":"{identifier}","record":{{"text":{text},"location":'
                f'{{"latitude":"{latitude}","longitude":"{longitude}"}}}}}}}}'
            )
        else:
            said = (
                f'{{"seq":{number},"id":"{identifier}","created_at":"{time}","content":{text},"account":{{"id":"{user}",'
                f'"acct":{text}}},"geo":{{"lat":{latitude},"lon":{longitude}}}}}'
            )
        return said.encode()


@dataclass(frozen=True)
class Recorded:
    """Messages that were recorded, sent one after the other; after the last there is none.

    Parameters
    ----------
    lines
        Of JSON.
    """

    lines: Sequence[bytes]

    def of(self, number: int, when: datetime) -> bytes:
        """See `Messages.of`."""
        return self.lines[number]


def moment_of(number: int, rate: float, began: datetime) -> datetime:
    """Return when a message was made.

    Parameters
    ----------
    number
        Of the message.
    rate
        Messages a second.
    began
        When the first one was.

    Examples
    --------
    >>> moment_of(5, 10.0, datetime(2026, 1, 1)).isoformat()
    '2026-01-01T00:00:00.500000'
    """
    return began + timedelta(seconds=number / rate)
