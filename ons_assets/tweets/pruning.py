"""A line of the Twitter API without a user or a tweet: what is theirs goes, what names them is emptied."""

import json
import re
from typing import Any, Final

IDS = frozenset({"id", "id_str"})
OWNERS = frozenset({"author_id", "user_id", "user_id_str", "initial_tweet_id"})
# What has no meaning of its own once this, in it, is gone: a tweet without its user, a notice without its tweet.
BEARING = frozenset({"user", "status", "delete", "scrub_geo", "data", "edit_history"})


class _Gone:
    """What was of somebody who is taken out."""


GONE: Final = _Gone()


def pruned(line: bytes, names: frozenset[str]) -> bytes | None:
    """Return a line without some users or tweets; None if nothing is left of it.

    A tweet inside another's, such as the one that is retweeted, becomes an empty object, so that the other is what it
    was; a number that names one of them becomes null.

    Parameters
    ----------
    line
        Of a file: a tweet, a page of tweets, a notice, or what is no JSON.
    names
        Ids of users, or of tweets.
    """
    if not any(name.encode() in line for name in names):
        return line
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    mentions = re.compile(rf"(?<![0-9])(?:{'|'.join(map(re.escape, sorted(names)))})(?![0-9])")
    left = _without(value, names, mentions)
    return None if left is GONE else json.dumps(left, ensure_ascii=False, separators=(",", ":")).encode()


def _without(value: Any, names: frozenset[str], mentions: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return _object(value, names, mentions)
    if isinstance(value, list):
        return [left for each in value if (left := _without(each, names, mentions)) is not GONE and left is not None]
    if _names(value, names):
        return None
    return mentions.sub("", value) if isinstance(value, str) else value


def _object(value: dict[str, Any], names: frozenset[str], mentions: re.Pattern[str]) -> Any:
    if any(_names(value.get(key), names) for key in IDS | OWNERS):
        return GONE
    # A later version goes with the first.
    if any(_names(each, names) for each in _list(value.get("edit_history_tweet_ids"))[:1]):
        return GONE
    made: dict[str, Any] = {}
    for key, each in value.items():
        left = _without(each, names, mentions)
        emptied = left == [] != each
        if key in BEARING and (left is GONE or emptied):
            return GONE
        made[mentions.sub("", key)] = {} if left is GONE else left
    return made


def _names(value: Any, names: frozenset[str]) -> bool:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return isinstance(value, str | int) and not isinstance(value, bool) and str(value) in names


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
