"""The files of the mobile phones pilot: cell plans, events, registers of customers, and flows."""

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from ons_assets.geography.area_codes import not_codes
from ons_assets.geography.grid import Grid
from ons_assets.intake import times, values
from ons_assets.intake.layouts import Layout
from ons_assets.intake.needs import OF_ZONE
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.intake.rules import Rule, missing, outside, unlike
from ons_assets.intake.source import TableSource, layout_folders, limits, of_installation
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.workers import ALL
from ons_assets.settings import Settings

BUILT_IN = Path(__file__).parent / "layouts"
FUTURE_SLACK = timedelta(days=1)
UNKNOWN = "unknown"
# By the names, in small letters, that operators and registers of cells use for the radio of each generation.
TECHNOLOGIES = {
    **dict.fromkeys(("2g", "gsm", "gprs", "edge"), "2G"),
    **dict.fromkeys(("3g", "umts", "wcdma", "hspa", "hspa+"), "3G"),
    **dict.fromkeys(("4g", "lte", "lte-a", "e-utra"), "4G"),
    **dict.fromkeys(("5g", "nr", "5g nr", "5g-nr"), "5G"),
}
CELL_TYPES = {
    **dict.fromkeys(("macro", "macrocell"), "macro"),
    **dict.fromkeys(("micro", "microcell", "pico", "picocell", "femto", "femtocell", "small", "indoor"), "small"),
}
KINDS = {name: name for name in ("active", "passive")}
# Numbers of networks (ITU-T E.212): the first digit of a country is its part of the world, 0 and 1 are for tests.
NETWORKS = {
    "mcc": (r"[2-79]\d{2}", "no mobile country code"),
    "mnc": (r"\d{1,3}", "no mobile network code"),
    "plmn": (r"[2-79]\d{4,5}", "no number of a network"),
}
CONTRACTS = {name: name for name in ("contract", "prepaid", "business")}
LONGEST_RANGE_M = 100_000
LONGEST_CELL_ID = 64
# The name of an operator stands in open tables, with counts of its devices: the number of a device must not.
# Country and network make six digits.
NO_OPERATOR = unlike(
    "operator", r"[^0-9\r\n]{0,40}(?:[0-9][^0-9\r\n]{0,40}){0,6}", "operator is no name: it has more than six digits"
)
TRUTHS = {**dict.fromkeys(("true", "1", "yes"), True), **dict.fromkeys(("false", "0", "no"), False)}
VALIDITY = {"valid_from": "valid_from_utc", "valid_to": "valid_until_utc"}
BEFORE_NETWORKS, END_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
CELL_NUMBERS = ("latitude", "longitude", "azimuth_degrees", "beam_width_degrees", "range_m", "power_w", "height_m")
MOST_POWER_W, MOST_HEIGHT_M = 1_000, 600
# Published counts are rounded; a total may differ from its parts by half a unit of the last place for each.
ROUNDING = 0.05
MONTH = re.compile(r"^(\d{4})-?(0[1-9]|1[0-2])$")
SPAN = re.compile(r"^\d{4}-\d{2}-\d{2}/\d{4}-\d{2}-\d{2}$")


class CellFiles(TableSource):
    """Cell plans of operators.

    Fields of a layout: those of the table, and `directional`, 0 for a mast that serves all round.
    """

    name = "cells"
    table = "mobile/cells"
    files_are = "cell plans of a mobile operator: own layout or Eurostat's multimno"
    unit = "cells"
    is_individual = True
    has_days = True
    has_positions = True
    key = ("operator", "cell_id", "valid_from_utc")
    # An end that one file says is not unsaid by a later one that does not know it yet.
    identity = ("operator", "cell_id", "valid_from_utc", "valid_until_utc")
    needs = {"operator": "who runs it", "cell_id": "its name", "latitude": "degrees", "longitude": "degrees"}
    takes = {
        "valid_from": "first day, or moment",
        "valid_to": "last day, or moment until which",
        "technology": "2G to 5G, or GSM, UMTS, LTE, NR",
        "azimuth_degrees": "direction of the beam",
        "beam_width_degrees": "width of the beam",
        "range_m": "reach, metres",
        "power_w": "power, watts",
        "height_m": "height of the antenna above the ground, metres",
        "cell_type": "macro, or micro, pico, femto and indoor, which are small",
        "directional": "0 for all round",
    }

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        number = {name: values.column_number(rows, name, layout) for name in CELL_NUMBERS}
        # A mast without direction serves all round, whatever the plan says of its beam.
        all_round = (values.column_text(rows, "directional", "1") == "0") | (number["beam_width_degrees"] >= 360)
        for name in ("azimuth_degrees", "beam_width_degrees"):
            number[name] = number[name].set(all_round.fill_null(False), None)
        easting, northing = Grid.of(self.country).to_grid(
            number["latitude"].fill_null(float("nan")).to_numpy(),
            number["longitude"].fill_null(float("nan")).to_numpy(),
        )
        validity = {
            column: times.column_bounds(rows, name, layout, self.country.time_zone, ends=name == "valid_to")
            for name, column in VALIDITY.items()
        }
        return pl.DataFrame(
            {
                "line": rows["line"],
                "operator": values.column_text(rows, "operator"),
                "cell_id": values.column_text(rows, "cell_id"),
                **validity,
                **{
                    _unread(name): values.column_text(rows, name).is_not_null() & validity[column].is_null()
                    for name, column in VALIDITY.items()
                },
                **_classes(rows, "technology", TECHNOLOGIES),
                **_classes(rows, "cell_type", CELL_TYPES),
                **number,
                "easting_m": pl.Series(easting).fill_nan(None),
                "northing_m": pl.Series(northing).fill_nan(None),
            }
        )

    def helpers(self) -> tuple[str, ...]:
        """See `TableSource.helpers`."""
        return (_other("technology"), _other("cell_type"), *map(_unread, VALIDITY))

    def doubts(self) -> Sequence[Rule]:
        """See `TableSource.doubts`."""
        abroad = f"lies outside of {Grid.of(self.country).place}, and has no place on the grid"
        return (
            _none_of("technology", TECHNOLOGIES),
            _none_of("cell_type", CELL_TYPES),
            Rule(pl.col("easting_m").is_null(), abroad),
        )

    def completed(self, accepted: pl.DataFrame, name: str, received_utc: datetime) -> pl.DataFrame:
        """See `TableSource.completed`; a cell whose first day is not said is valid from the first of the installation.

        Of snapshots of a plan in one file only some know when a cell ends: what one of them says, all say.

        Parameters
        ----------
        accepted, name, received_utc
            As there.
        """
        begins = times.beginnings(pl.Series([self.first_day]), self.country.time_zone)[0]
        ends = pl.col("valid_until_utc")
        begun = accepted.with_columns(
            pl.col("valid_from_utc").fill_null(begins).clip(BEFORE_NETWORKS),
            # Plans write 9999-12-31 for a cell that stays.
            pl.when(ends < END_OF_TIME).then(ends),
        )
        said = pl.col("valid_until_utc").drop_nulls().last().over(self.key)
        return begun.with_columns(pl.col("valid_until_utc").fill_null(said))

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        return (
            missing(["operator", "cell_id"], "operator or cell is missing"),
            NO_OPERATOR,
            Rule(~pl.col("latitude").is_between(-90, 90), "latitude is missing or no latitude", null_is_fault=True),
            Rule(
                ~pl.col("longitude").is_between(-180, 180), "longitude is missing or no longitude", null_is_fault=True
            ),
            Rule(
                ~pl.col("range_m").is_between(1, LONGEST_RANGE_M),
                f"range is not between 1 and {LONGEST_RANGE_M} m: is it in km?",
            ),
            outside("power_w", 1e-4, MOST_POWER_W, f"power is not between 0.0001 and {MOST_POWER_W} W: is it in dBm?"),
            outside("height_m", 0, MOST_HEIGHT_M, f"height is not between 0 and {MOST_HEIGHT_M} m"),
            outside("azimuth_degrees", 0, 360, "azimuth is not between 0 and 360"),
            outside("beam_width_degrees", 0, 360, "width of the beam is not between 0 and 360"),
            # One that is not said is open; one that cannot be read is not.
            *(Rule(pl.col(_unread(name)), f"{name} cannot be read") for name in VALIDITY),
            Rule(pl.col("valid_until_utc") <= pl.col("valid_from_utc"), "ends before it begins"),
        )


@dataclass(frozen=True)
class EventFiles(TableSource):
    """Events of devices.

    Fields of a layout: `operator`, `device`, `time_utc`, `cell_id`, and if the file says it `kind`, and the network of
    the SIM (`mcc`, `mnc`) and the one that served it abroad (`plmn`). An event that another network served needs no
    cell: the operator knows none.
    """

    home: Home = field(default_factory=lambda: Home(Path()))

    name = "phone_events"
    table = "mobile/phone_events"
    files_are = "events of a mobile operator: own layout or Eurostat's multimno"
    unit = "events"
    is_individual = True
    has_days = True
    person = "user"
    # Files of events add up: an operator delivers a day in many.
    identity = ("operator", "user", "time_utc", "cell_id", "plmn")
    # In one second a device may be heard in both ways.
    key = (*identity, "kind")
    needs = {
        "operator": "whose device",
        "device": "becomes a pseudonym",
        "time_utc": "when",
        "cell_id": "where, if at home",
    }
    takes = {
        "kind": "active or passive",
        "mcc": "country code of the SIM, three digits",
        "mnc": "its network in that country",
        "plmn": "country and network that served it abroad",
    }
    one_of = (OF_ZONE,)

    @classmethod
    def of(cls, settings: Settings) -> "EventFiles":
        """Return the source of one home."""
        folders = layout_folders(settings, cls.name, BUILT_IN / cls.name)
        return cls(folders, limits(settings), **of_installation(cls, settings), home=Home(settings.home))

    def pseudonyms_of(self, name: str, layouts: Sequence[Layout], accepted: Sequence[pl.LazyFrame]) -> frozenset[int]:
        """See `Source.pseudonyms_of`."""
        return pseudonyms_at_operators(name, accepted, self.home.secret())

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        moment = times.moments(rows["time_utc"], layout).early
        nothing = pl.Series([None], dtype=pl.String()).new_from_index(0, len(rows))
        return pl.DataFrame(
            {
                "line": rows["line"],
                "operator": values.column_text(rows, "operator"),
                "time_utc": moment,
                "cell_id": values.column_text(rows, "cell_id"),
                **_classes(rows, "kind", KINDS),
                **{name: values.identifier(rows[name]) if name in rows.columns else nothing for name in NETWORKS},
                "has_time": values.text(rows["time_utc"]).is_not_null(),
                "user": device_pseudonyms(rows, self.home.secret()),
                "event_date": moment.dt.convert_time_zone(self.country.time_zone).dt.date(),
            }
        )

    def helpers(self) -> tuple[str, ...]:
        """See `TableSource.helpers`."""
        return "has_time", _other("kind")

    def doubts(self) -> Sequence[Rule]:
        """See `TableSource.doubts`."""
        return (_none_of("kind", KINDS),)

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        return (
            Rule(pl.col("user").is_null() & ~pl.col("has_time"), "device and time are missing"),
            missing("user", "device is missing"),
            Rule(~pl.col("has_time"), "time is missing"),
            missing("time_utc", "time has none of the formats of the layout"),
            missing("operator", "operator is missing"),
            NO_OPERATOR,
            Rule(pl.col("cell_id").is_null() & pl.col("plmn").is_null(), "cell is missing"),
            unlike("cell_id", f".{{1,{LONGEST_CELL_ID}}}", f"cell is no line of at most {LONGEST_CELL_ID} characters"),
            *(unlike(name, pattern, f"{name} is {said}") for name, (pattern, said) in NETWORKS.items()),
            Rule(pl.col("time_utc") > received_utc + FUTURE_SLACK, "time is in the future"),
            Rule(pl.col("event_date") < self.first_day_of(layout), f"day is before {self.first_day_of(layout)}"),
        )


@dataclass(frozen=True)
class DeviceFiles(TableSource):
    """Registers of customers: contract and age group of the holder of a device.

    Fields of a layout: `operator`, `device`, and if the file says them `contract`, `age_group`.
    """

    home: Home = field(default_factory=lambda: Home(Path()))

    name = "devices"
    table = "mobile/devices"
    files_are = "registers of a mobile operator: `operator, device, contract, age_group`"
    unit = "devices"
    is_individual = True
    person = "user"
    key = ("operator", "user")
    needs = {"operator": "whose device", "device": "becomes a pseudonym"}
    takes = {"contract": "contract, prepaid or business", "age_group": "such as 25-44 or 65+"}

    @classmethod
    def of(cls, settings: Settings) -> "DeviceFiles":
        """Return the source of one home."""
        return cls(layout_folders(settings, cls.name, BUILT_IN / cls.name), limits(settings), home=Home(settings.home))

    def pseudonyms_of(self, name: str, layouts: Sequence[Layout], accepted: Sequence[pl.LazyFrame]) -> frozenset[int]:
        """See `Source.pseudonyms_of`."""
        return pseudonyms_at_operators(name, accepted, self.home.secret())

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        return pl.DataFrame(
            {
                "line": rows["line"],
                "operator": values.column_text(rows, "operator"),
                **_classes(rows, "contract", CONTRACTS),
                "age_group": values.column_text(rows, "age_group", "unknown"),
                "user": device_pseudonyms(rows, self.home.secret()),
            }
        )

    def helpers(self) -> tuple[str, ...]:
        """See `TableSource.helpers`."""
        return (_other("contract"),)

    def doubts(self) -> Sequence[Rule]:
        """See `TableSource.doubts`."""
        return (_none_of("contract", CONTRACTS),)

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        age_group = r"^(\d{1,2}-\d{1,3}|\d{2}\+|unknown)$"
        return (
            missing("operator", "operator is missing"),
            NO_OPERATOR,
            missing("user", "device is missing"),
            Rule(~pl.col("age_group").str.contains(age_group), "age group is none such as 25-44 or 65+"),
        )


class FlowFiles(TableSource):
    """Flows that an operator, or whoever publishes such, delivers to the office.

    Fields of a layout: `origin`, `destination`, `count`, `operator`, `unit`, and `observed` (a month
    YYYY-MM, or YYYY-MM-DD/YYYY-MM-DD) or `day`; if the file says them `contract`, `age_group`, `is_suppressed`.
    """

    name = "aggregated_flows"
    table = "mobile/aggregated_flows"
    files_are = "flows of operators: own layout or the Spanish ministry's districts"
    unit = "flows"
    key = ("observed", "operator", "contract", "age_group", "origin", "destination", "unit", "detail")
    needs = {
        "origin": "area, or all",
        "destination": "area, or all",
        "count": "devices or trips",
        "operator": "whose flows",
        "unit": "devices or trips",
    }
    takes = {
        "observed": "YYYY-MM or YYYY-MM-DD/YYYY-MM-DD",
        "day": "instead of observed",
        "contract": "contract, prepaid or business",
        "age_group": "such as 25-44",
        "is_suppressed": "true, where the count is withheld",
    }
    one_of = ((("observed",), ("day",)),)

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        day = times.column_days(rows, "day", layout).cast(pl.String())
        observed = _spans(values.column_text(rows, "observed"))
        of_day = pl.select(pl.format("{}/{}", day, day)).to_series()
        suppressed = values.column_text(rows, "is_suppressed", "false").str.to_lowercase()
        return pl.DataFrame(
            {
                "line": rows["line"],
                "observed": observed.zip_with(observed.is_not_null(), of_day),
                "operator": values.column_text(rows, "operator"),
                "contract": values.column_text(rows, "contract", ALL),
                "age_group": values.column_text(rows, "age_group", ALL),
                "origin": values.column_text(rows, "origin"),
                "destination": values.column_text(rows, "destination"),
                "unit": values.column_text(rows, "unit"),
                "count": values.column_number(rows, "count", layout),
                "is_suppressed": suppressed.replace_strict(TRUTHS, default=None, return_dtype=pl.Boolean()),
                "detail": values.column_text(rows, "detail").fill_null(""),
            }
        )

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        return (
            Rule(
                ~pl.col("observed").str.contains(SPAN.pattern),
                "period must be YYYY-MM, or YYYY-MM-DD/YYYY-MM-DD",
                null_is_fault=True,
            ),
            missing("operator", "operator is missing"),
            NO_OPERATOR,
            missing(["origin", "destination"], "origin or destination is missing"),
            not_codes("origin", "destination"),
            Rule(
                ~pl.col("unit").is_in(["devices", "trips"]),
                "unit is neither devices nor trips",
                null_is_fault=True,
            ),
            missing("is_suppressed", "is_suppressed is neither true nor false"),
            Rule(pl.col("count").is_null() & ~pl.col("is_suppressed"), "count is missing or not a number"),
            Rule(pl.col("count") < 0, "count is negative"),
        )

    def check(self, accepted: pl.DataFrame) -> Sequence[str]:
        """Hold the flows against their totals; see `check_totals`."""
        said = check_totals(accepted)
        return [said] if said else []


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
    return f"{missing:,.1f} devices or trips are in totals only: the flows that they make up are not listed"


def device_pseudonyms(rows: pl.DataFrame, secret: bytes) -> pl.Series:
    """Return the pseudonyms of devices; the same number at two operators is two devices."""
    device, operator = values.column_text(rows, "device"), values.column_text(rows, "operator")
    named = pl.DataFrame({"operator": operator, "device": device}).select(pl.format("{}/{}", "operator", "device"))
    return pseudonyms(named.to_series(), secret).alias("user")


def _classes(rows: pl.DataFrame, name: str, known: Mapping[str, str]) -> dict[str, pl.Series]:
    """Return a column in the classes of its table, and beside it whether a row says what is none of them."""
    said = values.column_text(rows, name).str.to_lowercase()
    classes = said.replace_strict(known, default=UNKNOWN, return_dtype=pl.String()).fill_null(UNKNOWN)
    return {name: classes, _other(name): (classes == UNKNOWN) & (said != UNKNOWN).fill_null(False)}


def _unread(name: str) -> str:
    return f"unread_{name}"


def _other(name: str) -> str:
    return f"other_{name}"


def _none_of(name: str, known: Mapping[str, str]) -> Rule:
    """Return the doubt about rows that say what is no class of their table."""
    shown = ", ".join(dict.fromkeys(known.values()))
    return Rule(pl.col(_other(name)), f"{name} is none of {shown}, and counts as unknown: say in `codes` what it is")


def pseudonyms_at_operators(name: str, accepted: Sequence[pl.LazyFrame], secret: bytes) -> frozenset[int]:
    """Return the pseudonyms that a device has at all operators.

    Parameters
    ----------
    name
        Of the device; `operator/device` means that of one operator.
    accepted
        Rows with the names of operators.
    secret
        Key of the home.
    """
    operators = pl.concat([rows.select("operator").unique() for rows in accepted]).collect() if accepted else None
    named = [f"{operator}/{name}" for operator in (operators["operator"].unique() if operators is not None else ())]
    return frozenset(pseudonyms([name, *named], secret).to_list())


def _spans(observed: pl.Series) -> pl.Series:
    """A month as the days from its first to its last; other text as it stands."""
    spans = {
        text: f"{year}-{month}-01/{year}-{month}-{calendar.monthrange(int(year), int(month))[1]}"
        for text in observed.drop_nulls().unique()
        if (match := MONTH.match(text))
        for year, month in [match.groups()]
    }
    return observed.replace(spans)
