"""Files of item weights: CSV or Parquet with the columns item_id, item, group, year, weight."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from ons_assets.lakehouse.delimited import Limits, header, is_parquet, read_bytes, read_delimited
from ons_assets.lakehouse.sources import Parsed, Unreadable
from ons_assets.settings import Settings

COLUMNS = ("item_id", "item", "group", "year", "weight")


@dataclass(frozen=True)
class WeightFiles:
    """Expenditure weights by item and year."""

    limits: Limits

    name = "item_weights"
    table = "reference/item_weights"
    batch = ()
    fingerprint = ""

    @classmethod
    def of(cls, settings: Settings) -> "WeightFiles":
        """Return the source of one home."""
        return cls(Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes))

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file has the columns of weights."""
        return set(COLUMNS) <= set(header(path))

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; see `ons_assets.lakehouse.sources.Source.parse`."""
        if not self.recognises(path, name):
            if not (found := header(path)):
                read_bytes(path, self.limits)
            raise Unreadable(f"needs the columns {', '.join(COLUMNS)}; it has {', '.join(found) or 'none'}")
        if is_parquet(path):
            rows = _parquet(path)
            structural = Parsed(rows.clear()).rejected
        else:
            text = read_delimited(path, self.limits)
            rows, structural = text.rows.select(*COLUMNS, "line"), text.rejected
        whole_number = pl.col("item_id", "year").str.strip_chars().str.strip_suffix(".0")  # of another program
        typed = rows.with_columns(pl.col("item", "group").str.strip_chars(), whole_number).with_columns(
            pl.col("item_id", "item", "group").replace("", None),
            pl.col("year").cast(pl.Int32(), strict=False),
            pl.col("weight").str.strip_chars().cast(pl.Float64(), strict=False),
        )
        reasons = typed.select(
            pl.when(pl.any_horizontal(pl.col("item_id", "item", "group").is_null()))
            .then(pl.lit("item or group is missing"))
            .when(pl.col("year").is_null())
            .then(pl.lit("year is missing or not a number"))
            .when(~(pl.col("weight").is_finite() & (pl.col("weight") >= 0)).fill_null(False))
            .then(pl.lit("weight is missing, negative or not a number"))
        ).to_series()
        rejected = rows.with_columns(reason=reasons).filter(pl.col("reason").is_not_null())
        return Parsed(
            accepted=typed.filter(reasons.is_null()),
            rejected=pl.concat(
                [structural, rejected.select("line", "reason", text=pl.struct(COLUMNS).struct.json_encode())]
            ).sort("line"),
        )

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return no days: weights hold for years."""
        parsed = self.parse(path, name, received_utc)
        if parsed.accepted.is_empty():
            raise Unreadable("has no row that could be read", parsed.rejected)
        return []


def _parquet(path: Path) -> pl.DataFrame:
    try:
        rows = pl.read_parquet(path, columns=list(COLUMNS)).with_row_index("line", offset=1)
        return rows.with_columns(pl.col("line").cast(pl.Int64()), pl.exclude("line").cast(pl.String()))
    except pl.exceptions.PolarsError:
        raise Unreadable("is a broken Parquet file, or one with columns that are neither text nor numbers") from None
