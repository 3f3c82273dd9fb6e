"""The files of tweets: JSON of the Twitter API, and tables through a mapping."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

import polars as pl

from ons_assets.lakehouse import mappings
from ons_assets.lakehouse.delimited import Limits, header, is_parquet, read_delimited
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.sources import Parsed, Unreadable
from ons_assets.settings import Settings
from ons_assets.tweets import mapping
from ons_assets.tweets.json_lines import Reader
from ons_assets.tweets.records import Rules, judge
from ons_assets.tweets.streams import unpacked

JSON_STARTS = (b"{", b"[")
BLANKS = b"\xef\xbb\xbf \t\r\n"


@dataclass(frozen=True)
class TweetFiles:
    """Files that the collector of tweets leaves."""

    mapping_folders: tuple[Path, ...]
    limits: Limits
    home: Home

    name = "tweets"
    table = "tweets/raw_tweets"
    files_are = "Twitter API v1.1 or v2 as JSON lines, plain, .gz or .zst; tables through a mapping"
    batch = ()

    @classmethod
    def of(cls, settings: Settings) -> "TweetFiles":
        """Return the source of one home; its own mappings come before those of the pilot."""
        return cls(
            mapping_folders=(settings.home / "mappings" / cls.name, mapping.BUILT_IN),
            limits=Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes),
            home=Home(settings.home),
        )

    @cached_property
    def mappings(self) -> list[mapping.Mapping]:
        """Mappings in the order in which they are tried."""
        return mappings.load(self.mapping_folders, mapping.Mapping)

    @property
    def fingerprint(self) -> str:
        """Hash of the mappings."""
        text = "".join(each.model_dump_json() for each in self.mappings)
        return hashlib.sha256(text.encode()).hexdigest()

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file is JSON or a table that a mapping knows."""
        return _start(path).startswith(JSON_STARTS) or mappings.find(self.mappings, path, name) is not None

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; see `ons_assets.lakehouse.sources.Source.parse`."""
        start = _start(path)
        if not start:
            raise Unreadable("is empty, or is broken from its first byte on")
        if start.startswith(JSON_STARTS):
            return Reader(self.home.secret(), self.limits).read(path, Rules(received_utc))
        chosen = self._choose(path, name)
        if is_parquet(path):
            rows, rejected, note = _parquet(path, chosen), Parsed(pl.DataFrame()).rejected, None
        else:
            text = read_delimited(path, self.limits, delimiter=chosen.delimiter, encoding=chosen.encoding)
            rows, rejected = text.rows, text.rejected
            note = "ends inside a record" if text.ends_inside_record else None
        return judge(chosen.records(rows, self.home.secret()), rejected, Rules(received_utc, chosen.first_day), note)

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return the local days of the tweets in a file."""
        parsed = self.parse(path, name, received_utc)
        if parsed.accepted.is_empty():
            raise Unreadable(_nothing_read(parsed.rejected), parsed.rejected)
        return parsed.accepted["created_on"].unique().sort().to_list()

    def _choose(self, path: Path, name: str) -> mapping.Mapping:
        if (found := mappings.find(self.mappings, path, name)) is not None:
            return found
        raise Unreadable(
            f"is not JSON of the Twitter API, and {mappings.unknown_layout(self.mappings, name, header(path))}"
        )


def _start(path: Path) -> bytes:
    """The first characters of the content that are not blank; empty if there are none, or none can be unpacked."""
    with suppress(OSError, EOFError), unpacked(path) as stream:
        return stream.read(64).lstrip(BLANKS)
    return b""


def _parquet(path: Path, chosen: mapping.Mapping) -> pl.DataFrame:
    try:
        rows = pl.read_parquet(path, columns=chosen.columns.names())
    except pl.exceptions.PolarsError:
        raise Unreadable("is a broken Parquet file") from None
    return rows.with_row_index("line", offset=1).cast({"line": pl.Int64()})


def _nothing_read(rejected: pl.DataFrame) -> str:
    if rejected.is_empty():
        return "holds no tweet"
    most = rejected.group_by("reason").len().sort("len", "reason", descending=[True, False]).row(0)
    return f"has no tweet that could be read; of {len(rejected)} records, {most[1]} because {most[0]}"
