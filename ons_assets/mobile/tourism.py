"""Visitors and nights by country, area and month: trips of devices, added up for the disclosure step."""

from collections.abc import Iterable
from datetime import date

import polars as pl

from ons_assets.lakehouse.buckets import with_bucket
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.countries import NO_COUNTRY, country_of
from ons_assets.mobile.trips import (
    DEVICE,
    DOMESTIC,
    ENDS,
    INBOUND,
    OUTBOUND,
    OVERNIGHT,
    TRIP,
    Trips,
    domestic_trips,
    inbound_trips,
    outbound_trips,
)
from ons_assets.mobile.usual_environment import ALL, NOT_SEEN
from ons_assets.parameters.geography import TIME_ZONE
from ons_assets.parameters.mobile_tourism import TourismParameters

VISITORS, NIGHTS = "visitors", "nights"
KEYS = ("operator", "month", "tourism", "visit", "counted", "country", "area")
TRIP_COLUMNS = (
    "bucket", *DEVICE, "tourism", "trip", "start_utc", "end_utc", "month", "visit", "nights", "country", "is_whole",
)  # fmt: skip
STAY_COLUMNS = (
    "bucket", *DEVICE, "tourism", "trip", "stay", "start_utc", "end_utc", "place", "country", "nights", "first_evening",
)  # fmt: skip
# Sums are made of whole numbers of such parts, so that those by country and by area are the same; a power of two.
PARTS = 2.0**20


def with_country(trips: Trips, kind: str, foreign: pl.DataFrame) -> pl.DataFrame:
    """Return the stays of trips with the country that they are of.

    Parameters
    ----------
    trips
        Of one kind of tourism.
    kind
        `INBOUND`: the country that the visitor comes from; `OUTBOUND`: where the stay is; else none.
    foreign
        operator, user, mcc: what `ons_assets.mobile.countries.foreign_devices` returns.

    Returns
    -------
    pl.DataFrame
        Columns of the stays, and country.
    """
    if kind == INBOUND:
        origin = foreign.select(*DEVICE, origin=country_of("mcc"))
        named = trips.stays.join(origin, on=DEVICE, how="left", maintain_order="left")
        return named.with_columns(country=pl.col("origin").fill_null(NO_COUNTRY)).drop("origin")
    if kind == OUTBOUND:
        return trips.stays.with_columns(country=country_of("abroad_mcc").fill_null(NO_COUNTRY))
    return trips.stays.with_columns(country=pl.lit(ALL))


def tourism_tables(
    trips: Trips, kind: str, foreign: pl.DataFrame, days: tuple[date, date], time_zone: str = TIME_ZONE
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of `mobile/tourism_trips` and `mobile/tourism_stays` of trips of one kind.

    Parameters
    ----------
    trips, kind, foreign
        As for `with_country`.
    days
        First and last local day that are observed: a trip that reaches either may be longer than is seen.
    time_zone
        Of the local clock.

    Returns
    -------
    tuple of pl.DataFrame
        Trips with the country of most nights, else of most time; and stays.
    """
    stays = with_country(trips, kind, foreign)
    seconds = (pl.col("end_utc") - pl.col("start_utc")).dt.total_seconds()
    of_country = stays.group_by(*TRIP, "country").agg(nights=pl.col("nights").sum(), seconds=seconds.sum())
    main = of_country.sort(*TRIP, "nights", "seconds", "country", descending=[False] * 3 + [True, True, False])
    main = main.unique(TRIP, keep="first", maintain_order=True).select(*TRIP, "country")
    first, last = (each.dt.convert_time_zone(time_zone).dt.date() for each in ENDS)
    named = trips.trips.join(main, on=TRIP).with_columns(
        tourism=pl.lit(kind),
        month=last.dt.month_start(),
        is_whole=(first > days[0]) & (last < days[1]),
    )
    return named, stays.with_columns(tourism=pl.lit(kind))


def counts_of_trips(trips: pl.DataFrame, stays: pl.DataFrame, places: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Share the trips and nights of some devices among months, countries and areas.

    Every device counts 1 as a visitor of a month and kind of visit, shared evenly among its trips that end in the
    month, and these among their stays by nights, or by time if they have none. Each night counts 1 in the month of its
    evening.

    Parameters
    ----------
    trips, stays
        Rows of `mobile/tourism_trips` and `mobile/tourism_stays` of the devices. Stays of other trips do not count.
    places
        Rows of `mobile/device_places` of the devices. A stay at a place that covers no area is in `NOT_SEEN`; one
        abroad is in none.
    days
        operator, day: the days that count. A night counts only if its evening is of one: else those of a device could
        be more than the days that they are divided by.

    Returns
    -------
    pl.DataFrame
        operator, month, tourism, visit, figure, country, area, parts: devices, or nights, in `PARTS` of one.
    """
    weight = pl.when(pl.col("of_trip") > 0).then("nights").otherwise(
        (pl.col("end_utc") - pl.col("start_utc")).dt.total_seconds() + 1
    )  # fmt: skip
    of_kind = [*TRIP, "tourism"]
    stays = stays.join(trips, on=of_kind, how="semi", maintain_order="left")
    of_trip = trips.select(*of_kind, "month", "visit", of_trip="nights")
    of_trip = of_trip.with_columns(trips_=pl.len().over(*DEVICE, "tourism", "month", "visit"))
    shared = stays.join(of_trip, on=of_kind).with_columns(weight_=weight.cast(pl.Float64()))
    visitors = shared.with_columns(
        weight_=pl.col("weight_") / exact_sum("weight_").over(of_kind) / pl.col("trips_"), counted=pl.lit(VISITORS)
    )
    evenings = pl.date_ranges(
        "first_evening", pl.col("first_evening").dt.offset_by(pl.format("{}d", pl.col("nights") - 1))
    )
    spent = (
        stays.filter(pl.col("nights") > 0)
        .with_columns(evening=evenings)
        .explode("evening")
        .join(days.select("operator", evening="day"), on=["operator", "evening"], how="semi")
        .with_columns(
            month=pl.col("evening").dt.month_start(),
            visit=pl.lit(OVERNIGHT),
            weight_=pl.lit(1.0),
            counted=pl.lit(NIGHTS),
        )
    )
    columns = [*DEVICE, "tourism", "month", "visit", "counted", "country", "place", "weight_"]
    rows = pl.concat([visitors.select(columns), spent.select(columns)])
    probable = places.select("user", "place", "area", "probability")
    located = rows.join(probable, on=["user", "place"], how="left").with_columns(
        pl.when(pl.col("tourism") == OUTBOUND)
        .then(pl.lit(ALL))
        .otherwise(pl.col("area").fill_null(NOT_SEEN))
        .alias("area"),
        pl.col("probability").fill_null(1.0),
    )
    parts = (pl.col("weight_") * pl.col("probability") * PARTS).round().cast(pl.Int64())
    return located.with_columns(parts=parts).group_by(KEYS).agg(pl.col("parts").sum()).sort(KEYS)


def tourism(parts: Iterable[pl.DataFrame], days: pl.DataFrame) -> pl.DataFrame:
    """Add up visitors and nights of all parts: by country, by area, and of all.

    Parameters
    ----------
    parts
        What `counts_of_trips` returns, some devices and one kind at a time.
    days
        operator, month, days_observed: local days that count. What is in a month without any is left out.

    Returns
    -------
    pl.DataFrame
        operator, month, tourism, visit, figure, country, area, devices, days_observed; "all" for sums. Nights are those
        of a mean day of those observed: devices that are away in a night. Sorted.
    """
    schema = {**dict.fromkeys(KEYS, pl.String()), "month": pl.Date(), "parts": pl.Int64()}
    rows = pl.concat([pl.DataFrame(schema=schema), *(part.select(list(schema)) for part in parts)])
    of_all = [name for name in KEYS if name not in ("country", "area")]
    by_country = rows.filter(pl.col("country") != ALL).group_by(*of_all, "country").agg(pl.col("parts").sum())
    by_area = rows.filter(pl.col("area") != ALL).group_by(*of_all, "area").agg(pl.col("parts").sum())
    whole = rows.group_by(of_all).agg(pl.col("parts").sum())
    made = [
        by_country.with_columns(area=pl.lit(ALL)),
        by_area.with_columns(country=pl.lit(ALL)),
        whole.with_columns(country=pl.lit(ALL), area=pl.lit(ALL)),
    ]
    added = pl.concat([part.select(*KEYS, "parts") for part in made]).join(days, on=["operator", "month"])
    a_night = pl.when(pl.col("counted") == NIGHTS).then("days_observed").otherwise(1)
    return added.select(*KEYS, devices=pl.col("parts") / PARTS / a_night, days_observed="days_observed").sort(KEYS)


def all_trips(
    segments: pl.DataFrame,
    foreign: pl.DataFrame,
    labels: pl.DataFrame,
    places: pl.DataFrame,
    days: tuple[date, date],
    parameters: TourismParameters | None = None,
    time_zone: str = TIME_ZONE,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the trips of all kinds of some devices, and their stays.

    Parameters
    ----------
    segments, foreign, labels, places
        As for `ons_assets.mobile.trips.domestic_trips`; foreign with mcc.
    days
        First and last local day that are observed.
    parameters
        What is a trip; None for the defaults.
    time_zone
        Of the local clock.

    Returns
    -------
    tuple of pl.DataFrame
        Rows of `mobile/tourism_trips` and of `mobile/tourism_stays`.
    """
    found = {
        INBOUND: inbound_trips(segments, foreign, parameters, time_zone),
        OUTBOUND: outbound_trips(segments, foreign, parameters, time_zone),
        DOMESTIC: domestic_trips(segments, foreign, labels, places, parameters, time_zone),
    }
    made = [tourism_tables(trips, kind, foreign, days, time_zone) for kind, trips in found.items()]
    trips, stays = (pl.concat(each) for each in zip(*made, strict=True))
    return (
        with_bucket(trips).select(TRIP_COLUMNS).sort(TRIP_COLUMNS[:5]),
        with_bucket(stays).select(STAY_COLUMNS).sort(STAY_COLUMNS[:6]),
    )
