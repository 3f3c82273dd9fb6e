"""What of a message is kept: the fields of the layout, written anew; text and names are never decoded, or forgotten."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from jmespath.exceptions import JMESPathError

from ons_assets.collectors.streams.description import FIELDS, Keeps

DIGITS = re.compile(r"0|[1-9][0-9]{0,18}")
PLAIN_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}
# Ids that are no numbers become numbers of 62 bits, above all that hold a time of today.
ID_BITS = 62
# Of JSON; yes and no are none.
WORDS = frozenset({int, float, str})
# A cursor is sent back in an address or a header, which hold no more, and no other characters everywhere.
MOST_CURSOR = 1_024
# What a message of another kind than is expected does to an expression, such as a function of texts to a number.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, JMESPathError)


NO_JSON = "it is no JSON, or not of the kind that is described"


class Junk(ValueError):
    """A message is none of the layout; of what it lacks nothing is said but the kind."""


class Farewell(Exception):
    """The service says that it ends the connection."""


class Kept(NamedTuple):
    """What is written of a message.

    Parameters
    ----------
    line
        One line of JSON, without its end.
    time
        When it was, as the message says; None if that is not known.
    is_placed
        Whether it says where.
    """

    line: bytes
    time: datetime | None
    is_placed: bool = False


# Of a message: what is kept of it, or None if it is not meant.
Keeper = Callable[[bytes], Kept | None]


def keeper_of(keeps: Keeps) -> Keeper:
    """Return what keeps the fields of a layout.

    Parameters
    ----------
    keeps
        Of the description. The function that is returned raises `Junk` for what is no message of the layout, and
        `Farewell` where the service takes its leave.
    """
    return _of_twitter if keeps.layout == "twitter-api" else _of_fields(keeps)


class _Point(msgspec.Struct, omit_defaults=True):
    type: str | None = None
    coordinates: list[float] | None = None


class _Geo(msgspec.Struct, omit_defaults=True):
    place_id: str | None = None
    coordinates: _Point | None = None


class _Reference(msgspec.Struct):
    type: str


class _Tweet(msgspec.Struct, omit_defaults=True):
    id: str
    author_id: str | None = None
    created_at: str | None = None
    geo: _Geo | None = None
    source: str | None = None
    edit_history_tweet_ids: list[str] | None = None
    referenced_tweets: list[_Reference] | None = None


class _Place(msgspec.Struct, omit_defaults=True):
    id: str
    place_type: str | None = None


class _Includes(msgspec.Struct, omit_defaults=True):
    places: list[_Place] | None = None


class _Deleted(msgspec.Struct, omit_defaults=True):
    id_str: str | None = None
    id: int | str | None = None
    user_id_str: str | None = None
    user_id: int | str | None = None


class _Delete(msgspec.Struct, omit_defaults=True):
    status: _Deleted
    timestamp_ms: str | None = None


class _Scrub(msgspec.Struct, omit_defaults=True):
    user_id_str: str | None = None
    user_id: int | str | None = None
    up_to_status_id_str: str | None = None
    up_to_status_id: int | str | None = None


class _Message(msgspec.Struct):
    data: list[_Tweet] | _Tweet | None = None
    includes: _Includes | None = None
    errors: msgspec.Raw = msgspec.Raw(b"")
    # Withdrawals, as streams in the words of X's API v1.1 send them: of a post, and of positions up to one.
    delete: _Delete | None = None
    scrub_geo: _Scrub | None = None


class _Post(msgspec.Struct):
    id_str: str
    user_id_str: str


class _DeletedPost(msgspec.Struct, omit_defaults=True):
    status: _Post
    timestamp_ms: str | None = None


class _Scrubbed(msgspec.Struct):
    user_id_str: str
    up_to_status_id_str: str


class _Written(msgspec.Struct, omit_defaults=True):
    data: list[_Tweet] | _Tweet
    includes: _Includes | None = None


class _Withdrawn(msgspec.Struct, omit_defaults=True):
    delete: _DeletedPost | None = None
    scrub_geo: _Scrubbed | None = None


_decode_message = msgspec.json.Decoder(_Message).decode
_encode = msgspec.json.Encoder().encode


def _of_twitter(message: bytes) -> Kept | None:
    try:
        said = _decode_message(message)
    except UNREADABLE:
        raise Junk(NO_JSON) from None
    if said.delete is not None or said.scrub_geo is not None:
        return Kept(_encode(_withdrawn(said)), None)
    if said.data is None:
        notice = bytes(said.errors)
        if b"disconnect" in notice:
            raise Farewell
        if not notice:
            raise Junk("it has no data")
        return None
    tweets = said.data if isinstance(said.data, list) else [said.data]
    if not tweets:
        return None
    is_placed = any(each.geo is not None and each.geo.coordinates is not None for each in tweets)
    return Kept(_encode(_Written(said.data, said.includes)), _iso(tweets[-1].created_at), is_placed)


def _withdrawn(said: _Message) -> _Withdrawn:
    """Return what of a withdrawal is kept: which post, or up to which, and whose, and nothing that is no number."""
    deleted = scrubbed = None
    if said.delete is not None:
        post, when = said.delete.status, said.delete.timestamp_ms or ""
        named = _Post(_digits(post.id_str, post.id), _digits(post.user_id_str, post.user_id))
        deleted = _DeletedPost(named, when if DIGITS.fullmatch(when) else None)
    if (scrub := said.scrub_geo) is not None:
        whose, until = (scrub.user_id_str, scrub.user_id), (scrub.up_to_status_id_str, scrub.up_to_status_id)
        scrubbed = _Scrubbed(_digits(*whose), _digits(*until))
    return _Withdrawn(deleted, scrubbed)


def _digits(text: str | None, number: int | str | None) -> str:
    """An id, which services say as text, as a number, or as both."""
    said = text or ("" if number is None else str(number))
    if not DIGITS.fullmatch(said):
        raise Junk("an id is no number")
    return said


def _of_fields(keeps: Keeps) -> Keeper:
    places = {name: (given,) if isinstance(given, str) else tuple(given) for name, given in keeps.fields.items()}
    order = [name for name in FIELDS if name in places]
    per_second = PER_SECOND[keeps.time_unit]
    read = _reader([path for name in order for path in places[name]], keeps.only)
    # The id comes first, in one place or several; then who and when, which every message has.
    parts, others = len(places["id"]), order[3:]

    def keep(message: bytes) -> Kept | None:
        try:
            found = read(message)
        except UNREADABLE:
            raise Junk(NO_JSON) from None
        if found is None:
            return None
        who, when, number = found[parts], _moment(found[parts + 1], per_second), _number(found[:parts])
        if number is None:
            raise Junk("id is lacking, or not words")
        if not _is_word(who):
            raise Junk("user is lacking, or no word")
        if when is None:
            raise Junk("time is lacking, or no moment that says its zone, or of another time_unit")
        values = {"id": number, "user": str(who), "time": _written(when)}
        for name, value in zip(others, found[parts + 2 :], strict=True):
            if value is not None:
                if not _is_word(value):
                    raise Junk(f"{name} is no word")
                values[name] = value
        return Kept(_encode(values), when, "latitude" in values and "longitude" in values)

    return keep


# Of a message: what stands in the places, None where it is not meant.
_Read = Callable[[bytes], Sequence[Any] | None]


def _reader(paths: Sequence[str], only: str | None) -> _Read:
    """Return what reads places of a message; ways by names alone are read without what lies beside them."""
    places = [_found(each) for each in paths]
    is_meant = _found(only) if only is not None else None

    def read(message: bytes) -> Sequence[Any] | None:
        said = msgspec.json.decode(message)
        return None if is_meant is not None and not is_meant(said) else [each(said) for each in places]

    return read if only is not None else _by_names(paths, read)


def _by_names(paths: Sequence[str], other: _Read) -> _Read:
    """Return a reader that makes nothing of what is not asked for; what is built otherwise the other one reads."""
    tree: dict[str, Any] = {}
    for path in paths:
        *names, last = path.split(".") if PLAIN_PATH.fullmatch(path) else [""]
        branch = tree
        for name in names:
            branch = branch.setdefault(name, {})
            if branch is None:
                return other
        if not last or branch.get(last) is not None:
            return other
        branch[last] = None
    decode, get = msgspec.json.Decoder(_struct(tree)).decode, attrgetter(*(_attributes(tree, path) for path in paths))

    def read(message: bytes) -> Sequence[Any] | None:
        try:
            return get(decode(message))
        except (msgspec.MsgspecError, AttributeError):
            return other(message)

    return read


def _struct(tree: Mapping[str, Any]) -> Any:
    """Return a type of objects with some names; within are such types, empty ones where nothing is said."""
    made = [(name, None if below is None else _struct(below)) for name, below in tree.items()]
    fields: list[Any] = [
        (f"_{at}", Any, msgspec.field(default=None, name=name))
        if of is None
        else (f"_{at}", of, msgspec.field(default_factory=of, name=name))
        for at, (name, of) in enumerate(made)
    ]
    return msgspec.defstruct("Names", fields)


def _attributes(tree: Mapping[str, Any], path: str) -> str:
    found, branch = [], tree
    for name in path.split("."):
        found.append(f"_{list(branch).index(name)}")
        branch = branch[name]
    return ".".join(found)


def _found(expression: str) -> Callable[[Any], Any]:
    """Return what looks an expression up; a way by names alone, which is by far the commonest, without JMESPath."""
    if not PLAIN_PATH.fullmatch(expression):
        import jmespath

        return jmespath.compile(expression).search  # type: ignore[no-any-return]
    names = expression.split(".")

    def follow(said: Any) -> Any:
        for name in names:
            if not isinstance(said, dict):
                return None
            said = said.get(name)
        return said

    return follow


def cursor_of(expression: str) -> Callable[[bytes], str | None]:
    """Return what reads the cursor of a message; None where it has none."""
    found = _found(expression)

    def read(message: bytes) -> str | None:
        try:
            value = found(msgspec.json.decode(message))
        except UNREADABLE:
            return None
        return cursor_or_none(str(value)) if _is_word(value) else None

    return read


def cursor_or_none(given: str | None) -> str | None:
    """Return a cursor, if it can be sent back whatever takes it; one that cannot would end every attempt to come."""
    return given if given and len(given) <= MOST_CURSOR and given.isascii() and given.isprintable() else None


def _is_word(value: Any) -> bool:
    """Whether a value is one word or number, and not an object, a list or nothing."""
    return type(value) in WORDS and value != ""


def _number(parts: Sequence[Any]) -> str | None:
    """An id as digits; one that has other characters, or is made of several, by its hash."""
    for each in parts:
        if not _is_word(each):
            return None
    words = [str(each) for each in parts]
    if len(words) == 1 and DIGITS.fullmatch(words[0]) and (len(words[0]) < 19 or int(words[0]) < 1 << ID_BITS):
        return words[0]
    digest = hashlib.sha256("\n".join(words).encode("utf-8", "surrogatepass")).digest()
    return str(1 << ID_BITS | int.from_bytes(digest[:8]) >> (64 - ID_BITS))


def _written(moment: datetime) -> str:
    """Return a time of UTC as `isoformat` gives it to the microsecond, in half the time."""
    text = _encode(moment)
    return f"{text[1:20].decode()}.{text[21:27].decode() if len(text) > 22 else '000000'}+00:00"


def _moment(value: Any, per_second: int) -> datetime | None:
    if isinstance(value, str):
        return _iso(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / per_second, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _iso(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    try:
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC) if moment.tzinfo is not None else None
    except OverflowError:
        # The first hours of the first year, and the last of the last, are not in every zone.
        return None
