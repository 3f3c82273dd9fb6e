"""The files of quotes: which mapping reads a file, and the days that it holds."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

import polars as pl

from ons_assets.lakehouse import mappings
from ons_assets.lakehouse.delimited import Limits, is_parquet, read_delimited
from ons_assets.lakehouse.sources import Parsed, Unreadable
from ons_assets.parameters.prices import Prices
from ons_assets.prices import mapping
from ons_assets.settings import Settings

ENDS_INSIDE_RECORD = "ends inside a record"


@dataclass(frozen=True)
class QuoteFiles:
    """Run files of scrapers, and files of other layouts through a mapping."""

    mapping_folders: tuple[Path, ...]
    limits: Limits
    settings: Prices

    name = "prices"
    table = "prices/raw_quotes"
    files_are = "run files of the scrapers; others through a mapping"
    batch = ("retailer", "run")

    @classmethod
    def of(cls, settings: Settings) -> "QuoteFiles":
        """Return the source of one home; its own mappings come before those of the pilot."""
        return cls(
            mapping_folders=(settings.home / "mappings" / cls.name, mapping.BUILT_IN),
            limits=Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes),
            settings=settings.prices,
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
        """Return whether a mapping knows the name or the layout of the file."""
        return bool(self.describe(name)) or mappings.find(self.mappings, path, name) is not None

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; see `ons_assets.lakehouse.sources.Source.parse`."""
        chosen = mappings.choose(self.mappings, path, name, self.limits)
        if is_parquet(path):
            return chosen.read(_parquet(path, chosen), name, received_utc, self.settings)
        text = read_delimited(path, self.limits, delimiter=chosen.delimiter, encoding=chosen.encoding)
        parsed = chosen.read(text.rows, name, received_utc, self.settings)
        return Parsed(
            accepted=parsed.accepted,
            rejected=pl.concat([text.rejected, parsed.rejected]).sort("line"),
            note=ENDS_INSIDE_RECORD if text.ends_inside_record else None,
        )

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return the local days of the quotes in a file."""
        parsed = self.parse(path, name, received_utc)
        if parsed.accepted.is_empty():
            raise Unreadable(_nothing_read(parsed.rejected), parsed.rejected)
        return parsed.accepted["collected_on"].unique().sort().to_list()

    def describe(self, name: str) -> dict[str, str]:
        """Return the retailer and run that a file's name says, where it does."""
        return next((found for each in self.mappings if (found := each.describe(name))), {})


def _parquet(path: Path, chosen: mapping.Mapping) -> pl.DataFrame:
    wanted = {*chosen.needed, *chosen.optional, *chosen.unused}
    try:
        rows = pl.scan_parquet(path)
        chosen.check_header(rows.collect_schema().names())
        read = [name for name in rows.collect_schema().names() if name in wanted]
        rows = rows.select(read).with_row_index("line", offset=1).cast({"line": pl.Int64()})
        # Some writers do not say of bytes that they are text.
        return rows.cast({pl.Binary: pl.String()}, strict=False).collect()
    except pl.exceptions.PolarsError:
        raise Unreadable("is a broken Parquet file") from None


def _nothing_read(rejected: pl.DataFrame) -> str:
    if rejected.is_empty():
        return "has a header and no rows"
    most = rejected.group_by("reason").len().sort("len", "reason", descending=[True, False]).row(0)
    return f"has no row that could be read; of {len(rejected)}, {most[1]} because {most[0]}"
