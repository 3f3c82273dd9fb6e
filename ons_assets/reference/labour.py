"""Reference files of work and phones: travel to work, workers, histories of area codes, the phone market."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from ons_assets.lakehouse.delimited import Limits
from ons_assets.lakehouse.layouts import Layout, as_number, as_text
from ons_assets.lakehouse.tabular import TabularFiles, first_reason
from ons_assets.settings import Settings

BUILT_IN = Path(__file__).parent / "mappings"


def _arguments(settings: Settings, name: str) -> tuple[tuple[Path, ...], Limits]:
    folders = (settings.home / "mappings" / name, BUILT_IN / name)
    return folders, Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes)


@dataclass(frozen=True)
class CommutingFiles(TabularFiles):
    """Travel to work tables of a census."""

    name = "commuting_flows"
    table = "reference/commuting_flows"
    files_are = "travel to work in a census: own layout, Bristol 2011, London 2001; others through a mapping"

    @classmethod
    def of(cls, settings: Settings) -> "CommutingFiles":
        """Return the source of one home."""
        return cls(*_arguments(settings, cls.name))

    def judge(self, rows: pl.DataFrame, layout: Layout, received_utc: datetime) -> tuple[pl.DataFrame, pl.Series]:
        """See `TabularFiles.judge`."""
        typed = rows.select(
            "line",
            as_text(rows, "benchmark", layout.name),
            as_text(rows, "origin"),
            as_text(rows, "destination"),
            as_number(rows, "commuters"),
            as_number(rows, "home_workers"),
        )
        why = first_reason(
            [
                (pl.col("origin").is_null() | pl.col("destination").is_null(), "origin or destination is missing"),
                (~(pl.col("commuters") >= 0), "number of commuters is missing, negative or not a number"),
                (
                    ~pl.col("home_workers").is_between(0, pl.col("commuters")).fill_null(True),
                    "more work at home than work",
                ),
                (pl.struct("benchmark", "origin", "destination").is_duplicated(), "flow is in the file twice"),
            ]
        )
        return typed, typed.select(why).to_series()


@dataclass(frozen=True)
class AreaCodeFiles(TabularFiles):
    """Histories of area codes."""

    name = "area_codes"
    table = "reference/area_codes"
    files_are = "which code follows which: own layout or a table of local authorities; others through a mapping"

    @classmethod
    def of(cls, settings: Settings) -> "AreaCodeFiles":
        """Return the source of one home."""
        return cls(*_arguments(settings, cls.name))

    def judge(self, rows: pl.DataFrame, layout: Layout, received_utc: datetime) -> tuple[pl.DataFrame, pl.Series]:
        """See `TabularFiles.judge`."""
        typed = rows.select("line", as_text(rows, "code"), as_text(rows, "current_code"), as_text(rows, "name"))
        why = first_reason(
            [
                (pl.col("code").is_null() | pl.col("current_code").is_null(), "a code is missing"),
                (pl.col("code").is_duplicated(), "code is in the file twice"),
            ]
        )
        return typed, typed.select(why).to_series()


@dataclass(frozen=True)
class AreaPartFiles(TabularFiles):
    """Parts of areas, by their centres."""

    name = "area_parts"
    table = "reference/area_parts"
    files_are = "centres of the parts of areas: own layout or the wards of 2011; others through a mapping"

    @classmethod
    def of(cls, settings: Settings) -> "AreaPartFiles":
        """Return the source of one home."""
        return cls(*_arguments(settings, cls.name))

    def judge(self, rows: pl.DataFrame, layout: Layout, received_utc: datetime) -> tuple[pl.DataFrame, pl.Series]:
        """See `TabularFiles.judge`."""
        typed = rows.select(
            "line",
            as_text(rows, "part"),
            as_text(rows, "area"),
            *(as_number(rows, name) for name in ("easting_m", "northing_m", "residents")),
        )
        in_country = pl.col("easting_m").is_between(0, 700_000) & pl.col("northing_m").is_between(0, 1_300_000)
        why = first_reason(
            [
                (pl.col("part").is_null() | pl.col("area").is_null(), "a code is missing"),
                (~in_country, "centre is missing or not on the National Grid of Great Britain"),
                ((pl.col("residents") < 0).fill_null(False), "number of residents is negative"),
                (pl.col("part").is_duplicated(), "part is in the file twice"),
            ]
        )
        return typed, typed.select(why).to_series()


@dataclass(frozen=True)
class MarketFiles(TabularFiles):
    """Phones and operators by area and age group."""

    name = "phone_market"
    table = "reference/phone_market"
    files_are = "phones and operators by area and age group: own layout; others through a mapping"

    @classmethod
    def of(cls, settings: Settings) -> "MarketFiles":
        """Return the source of one home."""
        return cls(*_arguments(settings, cls.name))

    def judge(self, rows: pl.DataFrame, layout: Layout, received_utc: datetime) -> tuple[pl.DataFrame, pl.Series]:
        """See `TabularFiles.judge`."""
        shares = ("operator_share", "prepaid_share", "second_phone_share")
        typed = rows.select(
            "line",
            as_text(rows, "operator"),
            as_text(rows, "area", "all"),
            as_text(rows, "age_group", "all"),
            *(as_number(rows, name) for name in ("population", "phones_per_person", *shares)),
        )
        why = first_reason(
            [
                (pl.col("operator").is_null(), "operator is missing"),
                (~(pl.col("phones_per_person") > 0), "phones for each person are missing or not above zero"),
                *((~pl.col(name).is_between(0, 1), f"{name} is no share between 0 and 1") for name in shares),
                ((pl.col("population") < 0).fill_null(False), "population is negative"),
                (pl.struct("operator", "area", "age_group").is_duplicated(), "row is in the file twice"),
            ]
        )
        return typed, typed.select(why).to_series()


@dataclass(frozen=True)
class WorkerFiles(TabularFiles):
    """People in work by area of home or of work."""

    name = "workers"
    table = "reference/workers"
    files_are = "people in work by area: own layout; others through a mapping"

    @classmethod
    def of(cls, settings: Settings) -> "WorkerFiles":
        """Return the source of one home."""
        return cls(*_arguments(settings, cls.name))

    def judge(self, rows: pl.DataFrame, layout: Layout, received_utc: datetime) -> tuple[pl.DataFrame, pl.Series]:
        """See `TabularFiles.judge`."""
        typed = rows.select("line", as_text(rows, "area"), as_text(rows, "side"), as_number(rows, "workers"))
        why = first_reason(
            [
                (pl.col("area").is_null(), "area is missing"),
                (~pl.col("side").is_in(["home", "work"]), "side is neither home nor work"),
                (~(pl.col("workers") >= 0), "number of workers is missing, negative or not a number"),
                (pl.struct("area", "side").is_duplicated(), "area is in the file twice"),
            ]
        )
        return typed, typed.select(why).to_series()
