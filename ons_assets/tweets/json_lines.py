"""Status objects of the Twitter API as JSON: v1.1 and v2, one a line, plain, gzip or Zstandard.

Of v2 a line is a page, a message of a stream, or one tweet with what it expands to, as collectors flatten pages.

A file is read line by line and its rows are gathered in blocks of columns, so that a day of half a
million tweets (1.4 GB) takes the memory of its few kept fields. Text, names and profiles are skipped by
the decoder and never become objects.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import polars as pl

from ons_assets.intake.json_lines import lines
from ons_assets.intake.json_values import NOT_JSON, NOT_JSON_ERRORS, TOO_DEEP, Faulty
from ons_assets.intake.limits import Limits
from ons_assets.intake.pseudonyms import pseudonym
from ons_assets.intake.record_blocks import Fault
from ons_assets.intake.source import Piece
from ons_assets.intake.unreadable import Unreadable
from ons_assets.tweets.applications import application_class
from ons_assets.tweets.records import (
    FIRST_SNOWFLAKE,
    JUDGED_COLUMNS,
    RECORD_SCHEMA,
    SNOWFLAKE_EPOCH_MS,
    Rules,
    judge,
    rejected_rows,
)
from ons_assets.wording import counted

ROWS_PER_BLOCK = 50_000
# Above this a number may have lost digits in a parser that holds numbers as doubles.
# Ids of tweets have 19 digits since 2018.
LARGEST_ID = 2**63 - 1
EXACT_INTEGER = 1 << 53
V1_TIME = "%a %b %d %H:%M:%S %z %Y"
# Not strptime's own names, which follow the locale.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# How far the two positions of one tweet may differ, in degrees.
SAME_POSITION = 1e-4


ABSENT = msgspec.Raw(b"")


class _Person(msgspec.Struct):
    id_str: str | None = None
    id: Any = None


class _Point(msgspec.Struct):
    coordinates: list[float] | None = None


class _Geo(msgspec.Struct):
    """Of v1.1 a point with the latitude first, of a flattened v2 tweet an object with a point in it."""

    coordinates: list[float] | _Point | None = None


class _Place(msgspec.Struct):
    place_type: str | None = None


class _Edits(msgspec.Struct):
    initial_tweet_id: str | None = None


class _Deleted(msgspec.Struct):
    id_str: str | None = None
    id: Any = None
    user_id_str: str | None = None
    user_id: Any = None


class _Delete(msgspec.Struct):
    status: _Deleted
    timestamp_ms: str | None = None


class _Scrub(msgspec.Struct):
    user_id_str: str | None = None
    user_id: Any = None
    up_to_status_id_str: str | None = None
    up_to_status_id: Any = None


class _Reference(msgspec.Struct):
    type: str


class _GeoV2(msgspec.Struct):
    coordinates: _Point | None = None
    place_id: str | None = None
    # Where a flattened tweet has its place in it.
    place_type: str | None = None


class _TweetV2(msgspec.Struct):
    id: str
    author_id: str | None = None
    created_at: str | None = None
    geo: _GeoV2 | None = None
    source: str | None = None
    edit_history_tweet_ids: list[str] | None = None
    referenced_tweets: list[_Reference] | None = None


class _PlaceV2(msgspec.Struct):
    id: str
    place_type: str | None = None


class _Includes(msgspec.Struct):
    places: list[_PlaceV2] | None = None


class _Line(msgspec.Struct):
    """What one line may hold: a v1.1 status, a v2 page, stream message or flattened tweet, or a notice."""

    id_str: str | None = None
    id: Any = None
    created_at: str | None = None
    user: _Person | None = None
    author_id: str | None = None
    coordinates: _Point | None = None
    geo: _Geo | None = None
    place: _Place | None = None
    source: str | None = None
    edit_history: _Edits | None = None
    retweeted_status: msgspec.Raw = ABSENT
    delete: _Delete | None = None
    scrub_geo: _Scrub | None = None
    data: msgspec.Raw = ABSENT
    includes: _Includes | None = None
    limit: msgspec.Raw = ABSENT
    warning: msgspec.Raw = ABSENT
    disconnect: msgspec.Raw = ABSENT
    status_withheld: msgspec.Raw = ABSENT
    user_withheld: msgspec.Raw = ABSENT
    meta: msgspec.Raw = ABSENT

    @property
    def is_notice(self) -> bool:
        """Whether the line is of the connection, not of a tweet."""
        notices = (self.limit, self.warning, self.disconnect, self.status_withheld, self.user_withheld, self.meta)
        return any(_is_present(notice) for notice in notices)


def _is_present(raw: msgspec.Raw) -> bool:
    return bytes(raw) not in (b"", b"null")


Decoded = TypeVar("Decoded")
_decode_line = msgspec.json.Decoder(_Line).decode
_decode_v2 = msgspec.json.Decoder(list[_TweetV2] | _TweetV2).decode


def _typed(decode: Callable[[bytes], Decoded], text: bytes) -> Decoded:
    try:
        return decode(text)
    except msgspec.ValidationError as error:
        raise Faulty(f"a field has the wrong type: {error}") from None
    except RecursionError:
        raise Faulty(TOO_DEEP) from None
    except NOT_JSON_ERRORS:
        raise Faulty(NOT_JSON) from None


class Reader:
    """Reads files of one home.

    Parameters
    ----------
    secret
        Key of the pseudonyms.
    limits
        Most bytes of a file, unpacked, and of a line.
    """

    def __init__(self, secret: bytes, limits: Limits) -> None:
        self._secret = secret
        self._limits = limits
        self._people: dict[str, int] = {}

    def read(self, path: Path, rules: Rules) -> Piece:
        """Read one file; see `ons_assets.tweets.records.judge` for what is rejected.

        Raises
        ------
        Unreadable
            If the file is empty, unpacks to too much, or has no line that is a record.
        """
        blocks = [pl.DataFrame(schema={name: RECORD_SCHEMA[name] for name in JUDGED_COLUMNS})]
        rows: list[tuple[Any, ...]] = []
        rejected: list[tuple[int, str, str]] = []
        notices = 0
        cut: str | None = None
        for number, line in lines(path, self._limits):
            if isinstance(line, Fault):
                cut = line.reason if line.is_end else cut
                rejected.append((number, line.reason, ""))
                continue
            if not line.strip():
                continue
            try:
                found = self._records(line)
            except Faulty as fault:
                rejected.append((number, str(fault), f'{{"bytes":{len(line)}}}'))
                continue
            notices += not found
            rows += [(*record, number) for record in found]
            if len(rows) >= ROWS_PER_BLOCK:
                blocks.append(_block(rows))
                rows = []
        blocks.append(_block(rows))
        records = pl.concat(blocks)
        if records.is_empty() and not notices:
            raise Unreadable(
                f"has no tweet that could be read; {rejected[0][1]}" if rejected else "is empty",
                rejected_rows(rejected),
            )
        notes = [cut] if cut else []
        if notices:
            notes.append(f"{counted(notices, 'notice')} of the connection")
        return judge(records, rejected_rows(rejected), rules, "; ".join(notes) or None)

    def _records(self, line: bytes) -> list[tuple[Any, ...]]:
        """The records of a line, in the order of `JUDGED_COLUMNS` without the line; none for a notice."""
        message = _typed(_decode_line, line)
        if message.delete is not None:
            return [self._deletion(message.delete)]
        if message.scrub_geo is not None:
            return [self._scrubbed(message.scrub_geo)]
        if _is_present(message.data):
            return self._v2(message)
        if message.user is None and message.author_id is not None:
            return self._v2_tweets(line, {})
        if message.user is None and message.is_notice:
            return []
        if message.user is None and message.created_at is None:
            raise Faulty("is JSON, but neither a tweet nor a notice")
        return [self._v1(message)]

    def _v1(self, status: _Line) -> tuple[Any, ...]:
        person = status.user or _Person()
        tweet_id = _identifier(status.id_str, status.id)
        latitude, longitude = _position(status.coordinates, status.geo)
        return (
            "retweet" if _is_present(status.retweeted_status) else "tweet",
            tweet_id,
            _identifier(status.edit_history.initial_tweet_id, None) if status.edit_history else tweet_id,
            self._pseudonym(_identifier(person.id_str, person.id)),
            _v1_time(status.created_at),
            latitude,
            longitude,
            "point" if latitude is not None else "place" if status.place else "none",
            status.place.place_type if status.place else None,
            application_class(status.source),
        )

    def _v2(self, message: _Line) -> list[tuple[Any, ...]]:
        places = {place.id: place.place_type for place in (message.includes and message.includes.places) or []}
        return self._v2_tweets(bytes(message.data), places)

    def _v2_tweets(self, text: bytes, places: dict[str, str | None]) -> list[tuple[Any, ...]]:
        data = _typed(_decode_v2, text)
        return [self._v2_tweet(tweet, places) for tweet in (data if isinstance(data, list) else [data])]

    def _v2_tweet(self, tweet: _TweetV2, places: dict[str, str | None]) -> tuple[Any, ...]:
        geo = tweet.geo or _GeoV2()
        latitude, longitude = _position(geo.coordinates, None)
        retweet = any(reference.type == "retweeted" for reference in tweet.referenced_tweets or [])
        first = tweet.edit_history_tweet_ids[0] if tweet.edit_history_tweet_ids else tweet.id
        return (
            "retweet" if retweet else "tweet",
            _identifier(tweet.id, None),
            _identifier(first, None),
            self._pseudonym(_identifier(tweet.author_id, None)),
            _iso_time(tweet.created_at),
            latitude,
            longitude,
            "point" if latitude is not None else "place" if geo.place_id else "none",
            geo.place_type or places.get(geo.place_id or ""),
            application_class(tweet.source),
        )

    def _deletion(self, delete: _Delete) -> tuple[Any, ...]:
        tweet_id = _identifier(delete.status.id_str, delete.status.id)
        user = self._pseudonym(_identifier(delete.status.user_id_str, delete.status.user_id))
        when = _id_time(tweet_id) if delete.timestamp_ms is None else _epoch_time(delete.timestamp_ms)
        return ("delete", tweet_id, tweet_id, user, when, None, None, "none", None, application_class(None))

    def _scrubbed(self, scrub: _Scrub) -> tuple[Any, ...]:
        up_to = _identifier(scrub.up_to_status_id_str, scrub.up_to_status_id)
        user = self._pseudonym(_identifier(scrub.user_id_str, scrub.user_id))
        return ("scrub_geo", up_to, up_to, user, _id_time(up_to), None, None, "none", None, application_class(None))

    def _pseudonym(self, identifier: int | None) -> int | None:
        if identifier is None:
            return None
        text = str(identifier)
        if (known := self._people.get(text)) is None:
            known = self._people[text] = pseudonym(text, self._secret)
        return known


def _block(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    schema = {name: RECORD_SCHEMA[name] for name in JUDGED_COLUMNS}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _identifier(text: str | None, number: Any) -> int | None:
    """An id from its text, or from a number that cannot have lost digits; None if neither is one."""
    if text is not None:
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= LARGEST_ID else None
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return int(number) if number == int(number) and 0 <= number < EXACT_INTEGER else None


def _position(point: _Point | None, mirrored: _Geo | None) -> tuple[float | None, float | None]:
    """Latitude and longitude; `coordinates` are longitude first, `geo` is latitude first."""
    pair = point.coordinates if point else None
    mirror = mirrored.coordinates if mirrored else None
    if isinstance(mirror, _Point):
        raise Faulty("a field has the wrong type: geo is an object in an object")
    for each in (pair, mirror):
        if each is not None and len(each) != 2:
            raise Faulty("position does not have two coordinates")
    if pair and mirror and max(abs(pair[0] - mirror[1]), abs(pair[1] - mirror[0])) > SAME_POSITION:
        raise Faulty("geo and coordinates are not the same place")
    if pair:
        return pair[1], pair[0]
    return (mirror[0], mirror[1]) if mirror else (None, None)


def _v1_time(text: str | None) -> datetime | None:
    """`Sun Mar 15 17:23:15 +0000 2015`; None if it is another form, also one without a zone."""
    try:
        if text and text[20:25] == "+0000" and len(text) == 30:  # by far the commonest, and strptime is slow
            hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
            return datetime(
                int(text[26:]), MONTHS.index(text[4:7]) + 1, int(text[8:10]), hour, minute, second, tzinfo=UTC
            )
        return datetime.strptime(text or "", V1_TIME).astimezone(UTC)
    except ValueError:
        return None


def _iso_time(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def _epoch_time(milliseconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _id_time(tweet_id: int | None) -> datetime | None:
    if tweet_id is None or tweet_id < FIRST_SNOWFLAKE:
        return None
    return datetime.fromtimestamp(((tweet_id >> 22) + SNOWFLAKE_EPOCH_MS) / 1_000, UTC)
