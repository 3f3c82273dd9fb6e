"""Where meters are: files of the operator with `meter`, `area_code` and, if they say it, `trial`."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl

from ons_assets.lakehouse.delimited import Limits, header
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.sources import Parsed, Unreadable
from ons_assets.meters.identifiers import Pseudonyms, canonical_column
from ons_assets.meters.listed import judged, read_listed
from ons_assets.settings import Settings

COLUMNS = ("meter", "area_code")
LONGEST_CODE = 32


@dataclass(frozen=True)
class MeterAreaFiles:
    """The small area of each meter.

    Parameters
    ----------
    home
        Keeps the key of the pseudonyms, so that areas meet their readings.
    trials
        Pattern of a meter's whole name to its trial, tried in order, where the file has no column `trial`.
    limits
        Sizes beyond which a file is refused.
    """

    home: Home
    trials: dict[str, str]
    limits: Limits = field(default_factory=Limits)

    name = "meter_areas"
    table = "meters/meter_areas"
    files_are = "`meter, area_code`"
    batch = ()

    @classmethod
    def of(cls, settings: Settings) -> "MeterAreaFiles":
        """Return the source of one home."""
        limits = Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes)
        return cls(Home(settings.home), settings.meters.trials, limits)

    @property
    def fingerprint(self) -> str:
        """Hash of the patterns."""
        return hashlib.sha256(json.dumps(self.trials).encode()).hexdigest()

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file has the columns."""
        return set(COLUMNS) <= {column.strip() for column in header(path)}

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; see `ons_assets.lakehouse.sources.Source.parse`."""
        listed = read_listed(path, self.limits)
        if lacking := [column for column in COLUMNS if column not in listed.rows.columns]:
            raise Unreadable(f"lacks the columns {', '.join(lacking)}")
        rows = listed.rows.with_columns(named=canonical_column("meter")).select(
            "meter",
            "area_code",
            "named",
            "line",
            trial=pl.col("trial") if "trial" in listed.rows.columns else self._trial(),
        )
        known = [pl.col(column) for column in ("trial", "named")]
        reason = (
            pl.when(pl.col("meter").is_null())
            .then(pl.lit("meter is missing"))
            .when(pl.col("area_code").is_null())
            .then(pl.lit("area_code is missing"))
            .when(pl.col("area_code").str.len_chars() > LONGEST_CODE)
            .then(pl.lit(f"area_code is longer than {LONGEST_CODE} characters"))
            .when(pl.col("trial").is_null())
            .then(pl.lit("nothing says of which trial the meter is"))
            .when(pl.col("area_code").drop_nulls().n_unique().over(known) > 1)
            .then(pl.lit("the meter is in two areas"))
            .when(pl.col("line") > pl.col("line").min().over(known))
            .then(pl.lit("repeats an earlier line"))
        )
        accepted, rejected = judged(rows, reason, listed.rejected)
        pseudonyms = Pseudonyms(self.home.secret())
        parts = [
            part.with_columns(pseudonyms.of_column(str(trial), part["meter"]))
            for (trial,), part in accepted.partition_by("trial", as_dict=True, maintain_order=True).items()
        ]
        made = pl.concat(parts).sort("line") if parts else accepted.with_columns(pl.col("meter").cast(pl.Int64()))
        return Parsed(made.select("meter", "area_code", "line"), rejected, listed.note)

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return no days: a home stays where it is."""
        parsed = self.parse(path, name, received_utc)
        if parsed.accepted.is_empty():
            raise Unreadable("has no row that could be read", parsed.rejected)
        return []

    def _trial(self) -> pl.Expr:
        """The trial of the first pattern that a meter's name matches."""
        trial = pl.lit(None, pl.String())
        for pattern, name in reversed(self.trials.items()):
            trial = pl.when(pl.col("named").str.contains(f"^(?:{pattern})$")).then(pl.lit(name)).otherwise(trial)
        return trial
