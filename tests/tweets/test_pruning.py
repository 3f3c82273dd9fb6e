"""Somebody is taken out of lines of the API, and others stay what they were."""

import json
from typing import Any

import pytest

from ons_assets.tweets.pruning import pruned

GONE = frozenset({"921666319"})
OTHER = {"id_str": "7", "name": "b"}


def left(value: Any) -> Any:
    found = pruned(json.dumps(value).encode(), GONE)
    return None if found is None else json.loads(found)


@pytest.mark.parametrize(
    "line",
    [
        {"id_str": "1", "user": {"id_str": "921666319"}, "text": "a"},
        {"id_str": "1", "user": {"id": 921666319}},
        {"id": "1", "author_id": "921666319"},
        {"data": {"id": "1", "author_id": "921666319"}},
        {"data": [{"id": "1", "author_id": "921666319"}], "meta": {"n": 1}},
        {"delete": {"status": {"id_str": "5", "user_id_str": "921666319"}}},
        {"scrub_geo": {"user_id_str": "921666319", "up_to_status_id_str": "5"}},
        {"id_str": "921666319", "user": OTHER},
        {"id_str": "3", "user": OTHER, "edit_history": {"initial_tweet_id": "921666319"}},
        {"id": "3", "author_id": "7", "edit_history_tweet_ids": ["921666319", "3"]},
    ],
)
def test_what_is_theirs_goes(line: Any) -> None:
    assert left(line) is None


def test_what_is_of_others_stays_and_names_them_no_more() -> None:
    reply = {
        "id_str": "2",
        "user": OTHER,
        "text": "to 921666319!",
        "in_reply_to_user_id": 921666319,
        "retweeted_status": {"id_str": "1", "user": {"id_str": "921666319"}, "coordinates": [1, 2]},
        "entities": {"user_mentions": [{"id_str": "921666319"}, {"id_str": "8"}]},
    }
    assert left(reply) == {
        "id_str": "2",
        "user": OTHER,
        "text": "to !",
        "in_reply_to_user_id": None,
        "retweeted_status": {},
        "entities": {"user_mentions": [{"id_str": "8"}]},
    }
    page = {"data": [{"id": "1", "author_id": "921666319"}, {"id": "2", "author_id": "7"}], "meta": {"n": 2}}
    assert left(page) == {"data": [{"id": "2", "author_id": "7"}], "meta": {"n": 2}}


def test_a_line_that_does_not_name_them_is_the_same_bytes() -> None:
    for line in (b'{"id_str": "1",  "user":{"id_str":"92166631"}}', b"no JSON", b""):
        assert pruned(line, GONE) == line
    # The beginning of another id is nobody.
    longer = {"id_str": "1", "user": {"id_str": "9216663190"}}
    assert left(longer) == longer
    assert pruned(b"no JSON with 921666319", GONE) is None
