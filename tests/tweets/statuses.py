"""Statuses as the collector receives them."""

import json
from datetime import UTC, datetime

RECEIVED = datetime(2015, 4, 1, tzinfo=UTC)
PORTSMOUTH = (50.7953752, -1.1075899)
SNOWFLAKE_EPOCH_MS = 1_288_834_974_657


def tweet_id(when):
    return (int(when.timestamp() * 1_000) - SNOWFLAKE_EPOCH_MS) << 22


def status(when=None, user="921666319", position=PORTSMOUTH, **changes):
    """A v1.1 status as the API gives it; a change to None removes nothing, it sets null."""
    when = when or datetime(2015, 3, 15, 15, 13, 42, tzinfo=UTC)
    latitude, longitude = position or (None, None)
    made = {
        "created_at": when.strftime("%a %b %d %H:%M:%S +0000 %Y"),
        "id_str": str(tweet_id(when)),
        "id": float(tweet_id(when)),
        "text": "SECRET WORDS",
        "source": '<a href="http://twitter.com/download/android" rel="nofollow">Twitter for Android</a>',
        "user": {"id_str": user, "name": "SECRET NAME", "screen_name": "secret_handle"},
        "geo": {"type": "Point", "coordinates": [latitude, longitude]} if position else None,
        "coordinates": {"type": "Point", "coordinates": [longitude, latitude]} if position else None,
        "place": None,
    }
    return made | changes


def line(each):
    return each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n"
