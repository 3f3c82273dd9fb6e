"""The files of tweets: JSON of the Twitter API, and tables of positions in a layout."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from ons_assets.intake.containers import parts
from ons_assets.intake.fields import fields
from ons_assets.intake.formats import FEATURES, LOOKED_AT_BYTES, has_objects_below
from ons_assets.intake.layouts import Layout
from ons_assets.intake.records import records
from ons_assets.intake.source import ENDS_INSIDE_RECORD, Piece, Source, layout_folders, limits, nothing_read
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.settings import Settings
from ons_assets.tweets import positions
from ons_assets.tweets.json_lines import Reader
from ons_assets.tweets.records import Rules, judge

BUILT_IN = Path(__file__).parent / "layouts"
JSON_STARTS = (b"{", b"[")
BLANKS = b"\xef\xbb\xbf \t\r\n"
# Read by a decoder of its own, which skips texts and names without making objects of them.
TWITTER = Layout(name="twitter-api", format="json-lines", columns={})


@dataclass(frozen=True)
class TweetFiles(Source):
    """Files that a collector of tweets leaves, and tables of positions.

    Fields of a layout: `user`, `time`, `latitude`, `longitude`; if the file says them, `id`, `place_type`
    and `source`, the application.
    """

    home: Home = field(default_factory=lambda: Home(Path()))

    name = "tweets"
    table = "tweets/raw_tweets"
    files_are = "Twitter API v1.1 or v2 as JSON lines, plain, .gz or .zst; tables of positions"
    unit = "tweets"
    identity = ("event", "tweet_id")
    is_individual = True
    needs = {
        "user": "who; becomes a pseudonym",
        "time": "when",
        "latitude": "degrees north, WGS 84",
        "longitude": "degrees east",
    }
    takes = {"id": "of the tweet", "place_type": "kind of the place", "source": "application"}

    @classmethod
    def of(cls, settings: Settings) -> "TweetFiles":
        """Return the source of one home; its own layouts come before those of the pilot."""
        folders = layout_folders(settings, cls.name, BUILT_IN)
        return cls(folders, limits(settings), home=Home(settings.home))

    def layout(self, path: Path, name: str) -> Layout:
        """See `Source.layout`; JSON that no layout knows is taken to be of the API."""
        if not self._is_json(path):
            return super().layout(path, name)
        return self.shelf.find(path, name, self.limits) or TWITTER

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file is JSON or a table that a layout knows."""
        return self._is_json(path) or super().recognises(path, name)

    def read(self, path: Path, name: str, received_utc: datetime, layout: Layout) -> Iterator[Piece]:
        """See `Source.read`."""
        if layout.name == TWITTER.name:
            yield Reader(self.home.secret(), self.limits).read(path, Rules(received_utc))
            return
        rules = Rules(received_utc) if layout.first_day is None else Rules(received_utc, layout.first_day)
        found, rejected, cut = [], [pl.DataFrame(schema=REJECTED_SCHEMA)], False
        for block in records(path, layout, self.limits):
            named = fields(block, layout, name)
            rejected += [block.rejected, named.rejected]
            found.append(positions.records(named.rows, layout, self.home.secret()))
            cut |= block.ends_inside_record
        if not found:
            raise Unreadable(nothing_read(pl.concat(rejected)), pl.concat(rejected))
        yield judge(pl.concat(found), pl.concat(rejected), rules, ENDS_INSIDE_RECORD if cut else None)

    def _is_json(self, path: Path) -> bool:
        """Return whether the first character that is not blank begins JSON, but for shapes on a map."""
        with suppress(OSError, EOFError, Unreadable):
            for part in parts(path, self.limits):
                start = part.stream.peek(LOOKED_AT_BYTES).lstrip(BLANKS)
                if FEATURES.search(start[:1024]):
                    return False
                return start.startswith(JSON_STARTS) or has_objects_below(start)
        return False
