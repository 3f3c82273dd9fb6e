"""The files of the mobile phones pilot: cell plans, events, registers of customers, and flows."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from ons_assets.geography.national_grid import to_national_grid
from ons_assets.lakehouse.delimited import Limits
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.layouts import Layout, as_date, as_number, as_text, as_time_utc
from ons_assets.lakehouse.pseudonyms import pseudonyms
from ons_assets.lakehouse.sources import Unreadable
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.lakehouse.tabular import TabularFiles, first_reason
from ons_assets.mobile.anchors import ZONE
from ons_assets.mobile.release import ALL
from ons_assets.settings import FIRST_DAY, Settings

BUILT_IN = Path(__file__).parent / "mappings"
FUTURE_SLACK = timedelta(days=1)
TECHNOLOGIES = ("2G", "3G", "4G", "5G")
KINDS = ("active", "passive")
CONTRACTS = ("contract", "prepaid", "business")
LONGEST_RANGE_M = 100_000
# Published counts are rounded; a total may differ from its parts by half a unit of the last place for each.
ROUNDING = 0.05


def _limits(settings: Settings) -> Limits:
    return Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes)


@dataclass(frozen=True)
class CellFiles(TabularFiles):
    """Cell plans of operators."""

    name = "cells"
    table = "mobile/cells"
    files_are = "cell plans of an operator: own layout or Eurostat's multimno; others through a mapping"
    is_individual = True

    @classmethod
    def of(cls, settings: Settings) -> "CellFiles":
        """Return the source of one home; its own layouts come before those of the pilot."""
        return cls((settings.home / "mappings" / cls.name, BUILT_IN / cls.name), _limits(settings))

    def judge(self, rows: pl.DataFrame, layout: Layout, received_utc: datetime) -> tuple[pl.DataFrame, pl.Series]:
        """See `TabularFiles.judge`."""
        technology = as_text(rows, "technology", "unknown").str.to_uppercase()
        typed = rows.select(
            "line",
            as_text(rows, "operator"),
            as_text(rows, "cell_id"),
            as_date(rows, "valid_from", layout).fill_null(FIRST_DAY),
            as_date(rows, "valid_to", layout),
            as_text(rows, "directional", "1").alias("directional"),
            pl.when(technology.is_in(TECHNOLOGIES)).then(technology).otherwise(pl.lit("unknown")).alias("technology"),
            *(
                as_number(rows, name)
                for name in ("latitude", "longitude", "azimuth_degrees", "beam_width_degrees", "range_m")
            ),
        )
        # A mast without direction serves all round, whatever the plan says of its beam.
        all_round = (pl.col("directional") == "0") | (pl.col("beam_width_degrees") >= 360)
        typed = typed.with_columns(
            pl.when(~all_round).then(pl.col(name)).alias(name) for name in ("azimuth_degrees", "beam_width_degrees")
        ).drop("directional")
        easting, northing = to_national_grid(
            typed["latitude"].fill_null(float("nan")).to_numpy(), typed["longitude"].fill_null(float("nan")).to_numpy()
        )
        typed = typed.with_columns(
            easting_m=pl.Series(easting).fill_nan(None), northing_m=pl.Series(northing).fill_nan(None)
        )
        why = first_reason(
            [
                (pl.col("operator").is_null() | pl.col("cell_id").is_null(), "operator or cell is missing"),
                (~pl.col("latitude").is_between(-90, 90), "latitude is missing or no latitude"),
                (~pl.col("longitude").is_between(-180, 180), "longitude is missing or no longitude"),
                (
                    ~pl.col("range_m").is_between(1, LONGEST_RANGE_M).fill_null(True),
                    f"range is not between 1 and {LONGEST_RANGE_M} m: is it in km?",
                ),
                (~pl.col("azimuth_degrees").is_between(0, 360).fill_null(True), "azimuth is not between 0 and 360"),
                ((pl.col("valid_to") < pl.col("valid_from")).fill_null(False), "is valid to a day before it begins"),
                (
                    ~pl.struct("operator", "cell_id", "valid_from").is_first_distinct(),
                    "cell of that day was already in the file",
                ),
            ]
        )
        return typed, typed.select(why).to_series()


@dataclass(frozen=True)
class EventFiles(TabularFiles):
    """Events of devices."""

    home: Home = field(default_factory=lambda: Home(Path()))

    name = "phone_events"
    table = "mobile/phone_events"
    files_are = "events of devices: own layout or Eurostat's multimno; others through a mapping"
    is_individual = True
    day_column = "event_date"

    @classmethod
    def of(cls, settings: Settings) -> "EventFiles":
        """Return the source of one home."""
        folders = (settings.home / "mappings" / cls.name, BUILT_IN / cls.name)
        return cls(folders, _limits(settings), Home(settings.home))

    def judge(self, rows: pl.DataFrame, layout: Layout, received_utc: datetime) -> tuple[pl.DataFrame, pl.Series]:
        """See `TabularFiles.judge`."""
        kind = as_text(rows, "kind", "unknown").str.to_lowercase()
        typed = rows.select(
            "line",
            as_text(rows, "operator"),
            as_time_utc(rows, "time_utc", layout),
            as_text(rows, "cell_id"),
            pl.when(kind.is_in(KINDS)).then(kind).otherwise(pl.lit("unknown")).alias("kind"),
            has_time=as_text(rows.select(pl.col("time_utc").cast(pl.String())), "time_utc").is_not_null(),
        ).with_columns(
            user=device_pseudonyms(rows, self.home.secret()),
            event_date=pl.col("time_utc").dt.convert_time_zone(ZONE).dt.date(),
        )
        why = first_reason(
            [
                (pl.col("user").is_null() & ~pl.col("has_time"), "device and time are missing"),
                (pl.col("user").is_null(), "device is missing"),
                (~pl.col("has_time"), "time is missing"),
                (pl.col("time_utc").is_null(), "time has none of the formats of the layout"),
                (pl.col("operator").is_null(), "operator is missing"),
                (pl.col("cell_id").is_null(), "cell is missing"),
                (pl.col("time_utc") > received_utc + FUTURE_SLACK, "time is in the future"),
                (pl.col("event_date") < FIRST_DAY, f"day is before {FIRST_DAY}"),
            ]
        )
        reasons = typed.select(why).to_series()
        return typed.drop("has_time"), reasons


@dataclass(frozen=True)
class DeviceFiles(TabularFiles):
    """Registers of customers: contract and age group of the holder of a device."""

    home: Home = field(default_factory=lambda: Home(Path()))

    name = "devices"
    table = "mobile/devices"
    files_are = "contract and age group of the holders of devices: own layout; others through a mapping"
    is_individual = True

    @classmethod
    def of(cls, settings: Settings) -> "DeviceFiles":
        """Return the source of one home."""
        folders = (settings.home / "mappings" / cls.name, BUILT_IN / cls.name)
        return cls(folders, _limits(settings), Home(settings.home))

    def judge(self, rows: pl.DataFrame, layout: Layout, received_utc: datetime) -> tuple[pl.DataFrame, pl.Series]:
        """See `TabularFiles.judge`."""
        contract = as_text(rows, "contract", "unknown").str.to_lowercase()
        typed = rows.select(
            "line",
            as_text(rows, "operator"),
            pl.when(contract.is_in(CONTRACTS)).then(contract).otherwise(pl.lit("unknown")).alias("contract"),
            as_text(rows, "age_group", "unknown"),
        ).with_columns(user=device_pseudonyms(rows, self.home.secret()))
        why = first_reason(
            [
                (pl.col("operator").is_null(), "operator is missing"),
                (pl.col("user").is_null(), "device is missing"),
                (
                    ~pl.col("age_group").str.contains(r"^(\d{1,2}-\d{1,3}|\d{2}\+|unknown)$"),
                    "age group is none such as 25-44 or 65+",
                ),
                (pl.struct("operator", "user").is_duplicated(), "device is in the file twice"),
            ]
        )
        return typed, typed.select(why).to_series()


@dataclass(frozen=True)
class FlowFiles(TabularFiles):
    """Flows that an operator, or whoever publishes such, delivers to the office."""

    name = "aggregated_flows"
    table = "mobile/aggregated_flows"
    files_are = "flows of an operator: own layout or the Spanish ministry's districts; others through a mapping"

    @classmethod
    def of(cls, settings: Settings) -> "FlowFiles":
        """Return the source of one home."""
        return cls((settings.home / "mappings" / cls.name, BUILT_IN / cls.name), _limits(settings))

    def judge(self, rows: pl.DataFrame, layout: Layout, received_utc: datetime) -> tuple[pl.DataFrame, pl.Series]:
        """See `TabularFiles.judge`."""
        day = as_date(rows, "day", layout) if "day" in rows.columns else pl.lit(None, dtype=pl.Date())
        suppressed = as_text(rows, "is_suppressed", "false").str.to_lowercase().is_in(["true", "1", "yes"])
        typed = rows.select(
            "line",
            pl.coalesce(as_text(rows, "observed"), pl.format("{}/{}", day, day)).alias("observed"),
            as_text(rows, "operator"),
            as_text(rows, "contract", ALL),
            as_text(rows, "age_group", ALL),
            as_text(rows, "origin"),
            as_text(rows, "destination"),
            as_text(rows, "unit"),
            as_number(rows, "count"),
            suppressed.alias("is_suppressed"),
            "detail",
        )
        key = ["observed", "operator", "contract", "age_group", "origin", "destination", "unit", "detail"]
        why = first_reason(
            [
                (
                    ~pl.col("observed").str.contains(r"^\d{4}-\d{2}-\d{2}/\d{4}-\d{2}-\d{2}$"),
                    "period is missing or none",
                ),
                (pl.col("operator").is_null(), "operator is missing"),
                (pl.col("origin").is_null() | pl.col("destination").is_null(), "origin or destination is missing"),
                (~pl.col("unit").is_in(["devices", "trips"]), "unit is neither devices nor trips"),
                (pl.col("count").is_null() & ~pl.col("is_suppressed"), "count is missing or not a number"),
                ((pl.col("count") < 0).fill_null(False), "count is negative"),
                (pl.struct(key).is_duplicated(), "flow is in the file twice"),
            ]
        )
        return typed, typed.select(why).to_series()

    def check(self, accepted: pl.DataFrame) -> str | None:
        """Hold the flows against their totals; see `check_totals`."""
        return check_totals(accepted)


def check_totals(flows: pl.DataFrame) -> str | None:
    """Hold flows against the totals that came with them.

    Parameters
    ----------
    flows
        observed, operator, contract, age_group, origin, destination, unit, count; totals have "all" as
        origin or destination.

    Returns
    -------
    str or None
        How much of the totals is in flows that are not listed; None if there are no totals.

    Raises
    ------
    Unreadable
        If flows add up to more than their total, so that one of them is wrong.
    """
    table = ["observed", "operator", "contract", "age_group", "unit"]
    inner = flows.filter((pl.col("origin") != ALL) & (pl.col("destination") != ALL))
    missing = 0.0
    for side, other in (("origin", "destination"), ("destination", "origin")):
        totals = flows.filter((pl.col(other) == ALL) & (pl.col(side) != ALL)).drop_nulls("count")
        sums = inner.group_by(*table, side).agg(added=exact_sum("count"), n=pl.len())
        held = totals.join(sums, on=[*table, side], how="left").with_columns(pl.col("added", "n").fill_null(0))
        over = held.filter(pl.col("added") > pl.col("count") + ROUNDING * (pl.col("n") + 1))
        if len(over):
            first = over.sort(side, *table).row(0, named=True)
            raise Unreadable(
                f"sums to other than its totals: the flows of {side} {first[side]} add up to {first['added']:.1f} "
                f"where its total is {first['count']:.1f}; {len(over)} totals in all are exceeded"
            )
        if side == "origin":
            missing = held.select(exact_sum(pl.col("count") - pl.col("added"))).item()
            if totals.is_empty():
                return None
    return f"{missing:.1f} are in totals only, in flows that are not listed"


def device_pseudonyms(rows: pl.DataFrame, secret: bytes) -> pl.Series:
    """Return the pseudonyms of devices; the same number at two operators is two devices."""
    device, operator = as_text(rows, "device"), as_text(rows, "operator")
    named = rows.select(
        pl.when(device.is_not_null() & operator.is_not_null()).then(pl.format("{}/{}", operator, device))
    )
    return pseudonyms(named.to_series(), secret).alias("user")
