"""The files of tweets: JSON of the Twitter API, and tables of positions in a layout."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import polars as pl

from ons_assets.intake.containers import parts
from ons_assets.intake.fields import fields
from ons_assets.intake.formats import FEATURES, LOOKED_AT_BYTES, has_objects_below
from ons_assets.intake.layouts import Layout
from ons_assets.intake.needs import OF_ZONE
from ons_assets.intake.pseudonyms import pseudonym
from ons_assets.intake.records import records
from ons_assets.intake.source import (
    ENDS_INSIDE_RECORD,
    Located,
    Piece,
    Source,
    layout_folders,
    limits,
    nothing_read,
    of_installation,
    without,
)
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.settings import Settings
from ons_assets.tweets import positions
from ons_assets.tweets.json_lines import Reader
from ons_assets.tweets.pruning import pruned
from ons_assets.tweets.records import Rules, judge

BUILT_IN = Path(__file__).parent / "layouts"
JSON_STARTS = (b"{", b"[")
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,19}")
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
    has_days = True
    has_positions = True
    person, record = "user", "tweet_id"
    needs = {
        "user": "who; becomes a pseudonym",
        "time": "when",
        "latitude": "degrees north, WGS 84",
        "longitude": "degrees east",
    }
    takes = {"id": "of the tweet", "place_type": "kind of the place", "source": "application"}
    one_of = (OF_ZONE,)

    @classmethod
    def of(cls, settings: Settings) -> "TweetFiles":
        """Return the source of one home; its own layouts come before those of the pilot."""
        folders = layout_folders(settings, cls.name, BUILT_IN)
        return cls(folders, limits(settings), **of_installation(cls, settings), home=Home(settings.home))

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
            try:
                piece = Reader(self.home.secret(), self.limits).read(
                    path, Rules(received_utc, self.first_day, self.country)
                )
            except Unreadable:
                # It was taken to be of the API only because the layout that is meant for it is broken.
                self.shelf.check_usable(name)
                raise
            yield piece
            return
        rules = Rules(received_utc, self.first_day_of(layout), self.country)
        found, rejected, cut, left_out = [], [pl.DataFrame(schema=REJECTED_SCHEMA)], False, 0
        for block in records(path, layout, self.limits):
            named = fields(block, layout, name)
            rejected.append(block.rejected)
            left_out += named.left_out
            found.append(positions.records(named.rows, layout, self.home.secret()))
            cut |= block.ends_inside_record
        if not found:
            raise Unreadable(nothing_read(pl.concat(rejected)), pl.concat(rejected))
        piece = judge(pl.concat(found), pl.concat(rejected), rules, ENDS_INSIDE_RECORD if cut else None)
        yield replace(piece, notes=(*piece.notes, without(left_out))) if left_out else piece

    def pseudonyms_of(self, name: str, layouts: Sequence[Layout], accepted: Sequence[pl.LazyFrame]) -> frozenset[int]:
        """See `Source.pseudonyms_of`; files that hold pseudonyms already name people by them."""
        given = any(layout.pseudonymised for layout in layouts) and WHOLE_NUMBER.fullmatch(name)
        return frozenset([pseudonym(name, self.home.secret()), *([int(name)] if given else [])])

    def objection(self, numbers: frozenset[int], accepted: Sequence[pl.LazyFrame]) -> str | None:
        """See `Source.objection`; the number of a tweet may say up to where positions were withdrawn."""
        withdrawn = pl.col("tweet_id").is_in(sorted(numbers)) & (pl.col("event") == "scrub_geo")
        if any(len(rows.filter(withdrawn).head(1).collect()) for rows in accepted):
            return (
                "positions up to one of these tweets were withdrawn, and would be told again if it went: "
                "erase the earlier tweets of its author with it, or the author"
            )
        return None

    def pruning(self, layout: Layout, names: frozenset[str]) -> Callable[[bytes], bytes | None] | None:
        """See `Source.pruning`; a line of the API may hold tweets of many, and tweets in tweets."""
        return partial(pruned, names=names) if layout.name == TWITTER.name else None

    def located(self, path: Path, name: str, layout: Layout, column: str) -> Iterator[Located]:
        """See `Source.located`; JSON of the API is cut by its own reader."""
        if layout.name != TWITTER.name:
            yield from super().located(path, name, layout, column)

    def whose(self, rows: pl.DataFrame, layout: Layout, column: str) -> pl.Series:
        """See `Source.whose`."""
        return positions.records(rows, layout, self.home.secret())[column]

    def _is_json(self, path: Path) -> bool:
        """Return whether the first character that is not blank begins JSON, but for shapes on a map."""
        with suppress(OSError, EOFError, Unreadable):
            for part in parts(path, self.limits):
                start = part.stream.peek(LOOKED_AT_BYTES).lstrip(BLANKS)
                if FEATURES.search(start[:1024]):
                    return False
                return start.startswith(JSON_STARTS) or has_objects_below(start)
        return False
