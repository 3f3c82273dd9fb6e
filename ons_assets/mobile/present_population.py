"""How many devices are in an area at an hour of the day, on weekdays, Saturdays and Sundays.

A device that is not seen in an hour is still somewhere. It counts where it is on other days of the kind at that hour;
if it is never seen then, other devices of the same main area stand for it, or all others where there is none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.in_people import in_people
from ons_assets.mobile.permanence import HOURS
from ons_assets.parameters.mobile_presence import PresentPopulationParameters

WEEKDAY, SATURDAY, SUNDAY = "weekday", "saturday", "sunday"
ALL = "all"
DEVICES = ("operator", "stratum", "day_type")
KEYS = ("observed", "operator", "day_type", "hour", "area")
COLUMNS = (*KEYS, "devices", "people_present", "days_of_type")
# Days of devices are added up as integers of such parts, which is the same in any order; a power of two.
PARTS = 2.0**24
DECIMALS = 1

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Present:
    """What some devices add to the population that is present.

    Parameters
    ----------
    located
        operator, stratum, day_type, area, hour, parts: days of devices by where they are, in `PARTS` of a day; area is
        null where none is covered. people_parts: the same of the people for whom the devices stand.
    seen
        operator, stratum, day_type, device_days: days on which the devices were seen at all. people_days: the same of
        people, in `PARTS`.
    """

    located: pl.DataFrame
    seen: pl.DataFrame


def day_type_of(day: str, holidays: Sequence[date] = ()) -> pl.Expr:
    """Return the kind of a day: weekday, saturday or sunday; public holidays are Sundays."""
    of_week = pl.col(day).dt.weekday().cast(pl.Int8())
    kind = of_week.replace_strict({6: SATURDAY, 7: SUNDAY}, default=WEEKDAY, return_dtype=pl.String())
    return pl.when(pl.col(day).is_in(list(holidays))).then(pl.lit(SUNDAY)).otherwise(kind) if holidays else kind


def days_of_types(daily: pl.LazyFrame, parameters: PresentPopulationParameters | None = None) -> pl.DataFrame:
    """Return the days that count: those on which an operator saw enough devices.

    Parameters
    ----------
    daily
        Rows of `mobile/daily_permanence`.

    Returns
    -------
    pl.DataFrame
        operator, day, day_type. Sorted.
    """
    parameters = parameters or PresentPopulationParameters()
    seen = daily.group_by("operator", "day").agg(devices=pl.col("user").n_unique())
    known = seen.filter(pl.col("devices") >= parameters.fewest_day_devices)
    kind = day_type_of("day", parameters.holidays)
    return known.select("operator", "day", day_type=kind).sort("operator", "day").collect()


def observed_of(days: pl.DataFrame) -> pl.DataFrame:
    """Return the first and the last day of each operator that count: operator, observed."""
    spans = days.group_by("operator").agg(first=pl.col("day").min(), last=pl.col("day").max())
    return spans.select("operator", observed=pl.format("{}/{}", "first", "last")).sort("operator")


def present(
    daily: pl.DataFrame,
    places: pl.DataFrame,
    days: pl.DataFrame,
    weights: pl.DataFrame | None = None,
    abroad: pl.DataFrame | None = None,
) -> Present:
    """Say what some devices add to the population that is present.

    Parameters
    ----------
    daily
        Rows of `mobile/daily_permanence`, all of the devices: operator, user, place, day, hours_mask.
    places
        Rows of `mobile/device_places` of the devices: user, place, area, probability.
    days
        operator, day, day_type: the days that count.
    weights
        Rows of `mobile/device_weights` of the devices; None if each stands for one person.
    abroad
        user, day, hours_mask: hours in which devices are in other countries, and so in no area; None if nobody is. A
        day that one spends there from beginning to end does not count.
    """
    rows = daily.select("operator", "user", "place", "day", "hours_mask").join(days, on=["operator", "day"])
    if abroad is not None and len(abroad):
        rows = _with_abroad(rows, abroad)
    rows = rows.sort("user", "day_type", "place", "day")
    units, device_days = _units(rows)
    named = units.join(_main_areas(units, device_days, places), on="user", how="left")
    counted = rows.select("operator", "user", "day_type", "day").unique()
    strata = named.select("user", "operator", "stratum").unique()
    of_one = in_people(counted.with_columns(people=pl.lit(1.0)), "people", weights)
    people_days = (pl.col("people") * PARTS).round().cast(pl.Int64()).sum()
    seen = (
        of_one.join(strata, on=["user", "operator"])
        .group_by(DEVICES)
        .agg(device_days=pl.len().cast(pl.Int64()), people_days=people_days)
        .sort(DEVICES)
    )
    shared = named.join(
        places.select("user", "place", "area", "probability"), on=["user", "place"], how="left"
    ).with_columns(pl.col("probability").fill_null(1.0))
    groups = [*DEVICES, "area"]
    ordered = in_people(shared.with_columns(people=pl.lit(1.0)), "people", weights).sort(groups)
    starts = ordered.select(*groups, row=pl.int_range(pl.len())).unique(groups, keep="first", maintain_order=True)
    parts = device_days[ordered["unit"].to_numpy()] * ordered["probability"].to_numpy()[:, None] * PARTS
    summed, of_people = (
        _summed(np.rint(each).astype(np.int64), starts["row"].to_numpy())
        for each in (parts, parts * ordered["people"].to_numpy()[:, None])
    )
    row, hour = np.nonzero(summed)
    located = starts.drop("row")[row].with_columns(
        hour=pl.Series(hour.astype(np.int8)),
        parts=pl.Series(summed[row, hour]),
        people_parts=pl.Series(of_people[row, hour]),
    )
    return Present(located, seen)


def _with_abroad(rows: pl.DataFrame, abroad: pl.DataFrame) -> pl.DataFrame:
    """Add a place that is in no area to days of which a part is spent abroad; in those hours no other place counts."""
    away = rows.select("operator", "user", "day", "day_type").unique().join(abroad, on=["user", "day"])
    masks = abroad.select("user", "day", away_="hours_mask")
    here = rows.join(masks, on=["user", "day"], how="left").with_columns(pl.col("away_").fill_null(0))
    here = here.with_columns(hours_mask=pl.col("hours_mask") & ~pl.col("away_")).filter(pl.col("hours_mask") != 0)
    outside = away.with_columns(place=pl.lit(None, dtype=rows.schema["place"]))
    return pl.concat([here.select(rows.columns), outside.select(rows.columns)])


def _units(rows: pl.DataFrame) -> tuple[pl.DataFrame, FloatArray]:
    """Devices at places by kind of day, numbered, and their days there by hour.

    Hours in which a device is not seen are as those of other days of the kind: over its places they add up to the days
    on which it was seen at all, if it was ever seen at that hour. Hours abroad, at no place, are known and count as
    they are.
    """
    bits = ((rows["hours_mask"].to_numpy()[:, None] >> np.arange(HOURS)) & 1).astype(np.float64)
    numbered = rows.with_columns(
        device_day=pl.struct("user", "day").rank("dense").cast(pl.Int64()) - 1,
        unit=(pl.struct("user", "day_type", "place").rle_id()).cast(pl.Int64()),
        kind=(pl.struct("user", "day_type").rle_id()).cast(pl.Int64()),
    )
    of_day = numbered["device_day"].to_numpy()
    away = numbered["place"].is_null().to_numpy()
    order = np.argsort(of_day, kind="stable")
    places_at_hour = _summed((bits * ~away[:, None])[order], _starts(of_day[order]))
    away_days = _summed(bits * away[:, None], _starts(numbered["kind"].to_numpy()))
    # An hour that two places have is shared between them.
    at_place = _summed(bits / np.maximum(places_at_hour[of_day], 1), _starts(numbered["unit"].to_numpy()))
    of_devices = numbered.select("kind", "device_day").unique(maintain_order=True)
    kind = of_devices["kind"].to_numpy()
    located = (places_at_hour > 0)[of_devices["device_day"].to_numpy()].astype(np.float64)
    seen, days = _summed(located, _starts(kind)), np.bincount(kind).astype(np.float64)
    units = numbered.unique("unit", keep="first", maintain_order=True)
    own = units["kind"].to_numpy()
    mean = np.divide(at_place, seen[own], out=np.zeros_like(at_place), where=seen[own] > 0)
    is_away = units["place"].is_null().to_numpy()[:, None]
    device_days = np.where(is_away, at_place, mean * (days[own][:, None] - away_days[own]))
    return units.select("operator", "user", "day_type", "place", "unit"), device_days


def _starts(group: IntArray) -> IntArray:
    """Return where each group of sorted numbers begins."""
    return np.flatnonzero(np.diff(group, prepend=-1))


def _summed(values: npt.NDArray[np.float64 | np.int64], starts: IntArray) -> npt.NDArray[np.float64 | np.int64]:
    return np.add.reduceat(values, starts, axis=0) if len(starts) else values[:0]


def _main_areas(units: pl.DataFrame, device_days: FloatArray, places: pl.DataFrame) -> pl.DataFrame:
    """The likeliest area of the place where a device is most: user, stratum."""
    time = units.with_columns(time=pl.Series(device_days.sum(axis=1).round(6)))
    ranked = time.drop_nulls("place").group_by("user", "place").agg(exact_sum("time").round(6))
    main = ranked.sort("user", "time", "place", descending=[False, True, False]).unique(
        "user", keep="first", maintain_order=True
    )
    likeliest = places.sort("user", "place", "probability", "area", descending=[False, False, True, False]).unique(
        ["user", "place"], keep="first", maintain_order=True
    )
    return main.join(likeliest, on=["user", "place"], how="left").select("user", stratum="area")


def together(parts: Iterable[Present]) -> Present:
    """Add up what devices add, some at a time, so that no more than one part is held beside the sum."""
    held: Present | None = None
    for part in parts:
        located = part.located if held is None else pl.concat([held.located, part.located])
        seen = part.seen if held is None else pl.concat([held.seen, part.seen])
        held = Present(
            located.group_by(*DEVICES, "area", "hour").agg(pl.col("parts", "people_parts").sum()),
            seen.group_by(DEVICES).agg(pl.col("device_days", "people_days").sum()),
        )
    if held is None:
        raise ValueError("nobody can be present of no devices")
    return held


def residents_of_areas(parts: pl.DataFrame) -> pl.DataFrame:
    """Return the residents of areas, by rows of `reference/area_parts`: null where those of a part are unknown."""
    known = pl.when(pl.col("residents").is_not_null().all()).then(exact_sum("residents"))
    return parts.group_by("area").agg(residents=known).sort("area")


def people_a_device(
    seen: pl.DataFrame,
    days: pl.DataFrame,
    residents: pl.DataFrame,
    parameters: PresentPopulationParameters | None = None,
) -> pl.DataFrame:
    """Return how many residents a person with devices stands for, by the area where they mostly are.

    Parameters
    ----------
    seen
        `Present.seen`.
    days
        operator, day, day_type: the days that count.
    residents
        area, residents: null where unknown.

    Returns
    -------
    pl.DataFrame
        operator, stratum, factor: residents of the area by the people with devices of a mean day. Where devices are too
        few to say, or residents are unknown, it is that of all other areas together; null if residents are known
        nowhere.
    """
    parameters = parameters or PresentPopulationParameters()
    of_operator = days.group_by("operator").agg(days=pl.len())
    devices = (
        seen.group_by("operator", "stratum")
        .agg(pl.col("device_days", "people_days").sum())
        .join(of_operator, on="operator")
    )
    known = devices.with_columns(
        devices=pl.col("device_days") / pl.col("days"), holders=pl.col("people_days") / PARTS / pl.col("days")
    ).join(residents.rename({"area": "stratum"}), on="stratum", how="left")
    can_say = (pl.col("devices") >= parameters.fewest_day_devices) & pl.col("residents").is_not_null()
    overall = pl.col("residents").filter(can_say).sum().over("operator") / pl.col("holders").filter(can_say).sum().over(
        "operator"
    )
    factor = pl.when(can_say).then(pl.col("residents") / pl.col("holders")).otherwise(overall.fill_nan(None))
    return known.select("operator", "stratum", factor=factor)


def present_population(
    found: Present,
    days: pl.DataFrame,
    residents: pl.DataFrame | None = None,
    parameters: PresentPopulationParameters | None = None,
    *,
    fewest: float = 0.0,
) -> pl.DataFrame:
    """Say how many devices are present by area, hour and kind of day, in the mean over the days of the kind.

    Parameters
    ----------
    found
        What `together` returns.
    days
        operator, day, day_type: the days that count.
    residents
        area, residents; None if nobody knows them: then nor are people.
    fewest
        Devices of a figure that will be told; 0 for figures that nobody is told. Devices of a main area of which fewer
        are located at an hour are as all others are; an area in which fewer were located has their number, for those
        for whom they would stand are not many devices; and people are as coarse as those for whom so many may stand.

    Returns
    -------
    pl.DataFrame
        observed, operator, day_type, hour, area ("all" for the sum), devices, people, days_of_type. At every hour the
        devices of all areas are those that are seen on a day of the kind, less those that are where no area is, or
        where fewer than `fewest` were located. People are the residents for whom these devices stand, by
        `people_a_device`. Sorted.
    """
    parameters = parameters or PresentPopulationParameters()
    if residents is None:
        residents = pl.DataFrame(schema={"area": pl.String(), "residents": pl.Float64()})
    factors = people_a_device(found.seen, days, residents, parameters)
    by_type = days.group_by("operator", "day_type").agg(days_of_type=pl.len().cast(pl.Int32()))
    at_hour = [*DEVICES, "hour"]
    located = (
        found.located.group_by(at_hour)
        .agg(located=pl.col("parts").sum())
        .join(found.seen, on=DEVICES, nulls_equal=True)
    )
    # Who has nearly nobody of the same main area at that hour is as all others are.
    seen_there = pl.col("located") / PARTS / pl.col("days_of_type")
    located = located.join(by_type, on=["operator", "day_type"]).filter(seen_there >= fewest)
    whole_of = found.seen.group_by("operator", "day_type").agg(whole=pl.col("device_days").sum())
    stood_for = pl.col("device_days").sum().over("operator", "day_type", "hour")
    scales = located.join(whole_of, on=["operator", "day_type"]).with_columns(
        scale=pl.col("device_days") * PARTS / pl.col("located") * (pl.col("whole") / stood_for)
    )
    scaled = (
        found.located.join(scales.select(*at_hour, "scale"), on=at_hour, nulls_equal=True)
        .join(by_type, on=["operator", "day_type"])
        .join(factors, on=["operator", "stratum"], nulls_equal=True)
        .drop_nulls("area")
        .with_columns(seen=pl.col("parts") / PARTS / pl.col("days_of_type"))
        .with_columns(devices=pl.col("seen") * pl.col("scale"))
        .with_columns(holders=pl.col("devices") * (pl.col("people_parts") / pl.col("parts")))
    )
    keys = ["operator", "day_type", "hour"]
    people = pl.when(pl.col("factor").is_not_null().all()).then(exact_sum(pl.col("holders") * pl.col("factor")))
    by_area = scaled.group_by(*keys, "area", "days_of_type").agg(
        exact_sum("devices"), exact_sum("seen"), people_present=people
    )
    stands = pl.when(pl.col("seen") < fewest).then(pl.col("seen") / pl.col("devices")).otherwise(1.0)
    by_area = by_area.with_columns(pl.col("devices", "people_present") * stands).drop("seen")
    by_area = by_area.with_columns(pl.col("devices").round(DECIMALS))
    of_all = pl.when(pl.col("people_present").is_not_null().all()).then(exact_sum("people_present"))
    whole = by_area.group_by(*keys, "days_of_type").agg(exact_sum("devices").round(DECIMALS), people_present=of_all)
    whole = whole.with_columns(area=pl.lit(ALL))
    # To the unit, people would tell of which main areas the devices are: each stands for a number of its own.
    coarse = factors.group_by("operator").agg(step=(fewest * pl.col("factor").max()).ceil())
    rows = (
        pl.concat([by_area, whole.select(by_area.columns)])
        .join(observed_of(days), on="operator")
        .join(coarse, on="operator")
    )
    in_steps = (pl.col("people_present") / pl.col("step")).round() * pl.col("step")
    people_present = pl.when(pl.col("step") > 0).then(in_steps).otherwise("people_present")
    return rows.with_columns(people_present=people_present).select(COLUMNS).sort(KEYS)
