"""Trips of visitors, one device at a time: into the country, out of it, and within it outside the usual environment.

A trip is time away of which every sighting is away. Its nights are the hours `night_hour` of the local clock that lie
between the first and the last of them; each is spent at the place of the trip that is nearest in time.
"""

from dataclasses import dataclass

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.time_segments import AWAY, MOVE, STAY, UNDETERMINED
from ons_assets.mobile.usual_environment import HOME, WORK
from ons_assets.parameters.geography import TIME_ZONE
from ons_assets.parameters.mobile_tourism import TourismParameters

INBOUND, OUTBOUND, DOMESTIC = "inbound", "outbound", "domestic"
OVERNIGHT, SAME_DAY = "overnight", "same_day"
DEVICE = ("operator", "user")
TRIP = (*DEVICE, "trip")
AT_PLACES = (STAY, UNDETERMINED)
HERE = (STAY, MOVE, UNDETERMINED)
DAYS_A_WEEK = 7
A_YEAR = "365d"
# The first and the last moment of a trip: where it ends it is no longer, and at midnight that is another day.
ENDS = (pl.col("start_utc"), pl.col("end_utc") - pl.duration(microseconds=1))


@dataclass(frozen=True)
class Trips:
    """Trips of one kind of tourism of some devices.

    Parameters
    ----------
    trips
        operator, user, trip (from 1 by device), start_utc, end_utc, nights, visit.
    stays
        operator, user, trip, stay (from 1 by trip), start_utc, end_utc, place, abroad_mcc, nights,
        first_evening: the parts of a trip at one place, or in one country abroad; the nights follow each other from the
        evening of a local day on.
    """

    trips: pl.DataFrame
    stays: pl.DataFrame


def inbound_trips(
    segments: pl.DataFrame,
    foreign: pl.DataFrame,
    parameters: TourismParameters | None = None,
    time_zone: str = TIME_ZONE,
) -> Trips:
    """Return the visits of SIMs of other countries.

    One that is not seen for longer than `visit_gap_hours` has left and come again. A SIM seen on `resident_days` of
    365 is a resident's, and no visitor's.

    Parameters
    ----------
    segments
        Rows of `mobile/time_segments`, all of some devices.
    foreign
        operator, user: what `ons_assets.mobile.countries.foreign_devices` returns.
    """
    parameters = parameters or TourismParameters()
    here = segments.filter(pl.col("segment_state").is_in(HERE)).join(foreign, on=DEVICE, how="semi")
    in_a_year = here.select(*DEVICE, "day").unique().sort(*DEVICE, "day").rolling("day", period=A_YEAR, group_by=DEVICE)
    days = in_a_year.agg(days=pl.len()).group_by(DEVICE).agg(pl.col("days").max())
    visitors = days.filter(pl.col("days") < parameters.resident_days)
    ordered = here.join(visitors, on=DEVICE, how="semi").sort(*DEVICE, "start_utc")
    unseen = pl.col("start_utc") - pl.col("end_utc").shift(1).over(DEVICE)
    begins = (unseen > pl.duration(minutes=round(parameters.visit_gap_hours * 60))).fill_null(value=False)
    numbered = ordered.with_columns(trip=1 + begins.cast(pl.Int32()).cum_sum().over(DEVICE))
    return _trips(numbered.filter(pl.col("segment_state").is_in(AT_PLACES)), "place", parameters, time_zone)


def outbound_trips(
    segments: pl.DataFrame,
    foreign: pl.DataFrame,
    parameters: TourismParameters | None = None,
    time_zone: str = TIME_ZONE,
) -> Trips:
    """Return the trips abroad of the country's own SIMs: whoever is seen at home again has come back.

    Parameters
    ----------
    segments, foreign
        As for `inbound_trips`.
    """
    parameters = parameters or TourismParameters()
    own = segments.filter(pl.col("segment_state").is_in([*HERE, AWAY])).join(foreign, on=DEVICE, how="anti")
    return _trips(_runs_of(own, pl.col("segment_state") == AWAY), "abroad_mcc", parameters, time_zone)


def domestic_trips(
    segments: pl.DataFrame,
    foreign: pl.DataFrame,
    labels: pl.DataFrame,
    places: pl.DataFrame,
    parameters: TourismParameters | None = None,
    time_zone: str = TIME_ZONE,
) -> Trips:
    """Return the trips of the country's own SIMs to areas outside of their usual environment.

    The usual environment is the areas of home and work, and those visited `usual_visits_a_week` and more: a place that
    is likelier in them than not is in it. Of a device without a home, or seen on fewer than `least_days_seen`, nothing
    is said.

    Parameters
    ----------
    segments, foreign
        As for `inbound_trips`.
    labels
        Rows of `mobile/usual_places` of the devices, of all of the time: user, place, label.
    places
        Rows of `mobile/device_places` of the devices: user, place, area, probability.
    """
    parameters = parameters or TourismParameters()
    own = segments.join(foreign, on=DEVICE, how="anti")
    seen = own.filter(pl.col("segment_state").is_in(AT_PLACES))
    enough = seen.group_by("user").agg(
        days=pl.col("day").n_unique(), first=pl.col("day").min(), last=pl.col("day").max()
    )
    enough = enough.filter(pl.col("days") >= parameters.least_days_seen)
    base = _home_and_work(seen.join(enough, on="user", how="semi"), labels)
    known = own.join(base.filter(label=HOME), on="user", how="semi")
    rows = known.filter(pl.col("segment_state").is_in([*AT_PLACES, AWAY]))
    usual_areas = _areas_of(base.select("user", "place").unique(), places, parameters)
    once = _runs_of(rows, _outside(rows, base, usual_areas, places, parameters))
    frequent = _frequent_areas(once, places, enough, parameters)
    areas = pl.concat([usual_areas, frequent]).unique()
    return _trips(_runs_of(rows, _outside(rows, base, areas, places, parameters)), "place", parameters, time_zone)


def _home_and_work(seen: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Return user, place, label of one home and of the places of work: of several homes the one with most time."""
    lasts = (pl.col("end_utc") - pl.col("start_utc")).dt.total_seconds()
    time = seen.group_by("user", "place").agg(seconds=lasts.sum())
    named = labels.filter(pl.col("label").is_in([HOME, WORK])).select("user", "place", "label").unique()
    ranked = named.join(time, on=["user", "place"]).sort(
        "user", "label", "seconds", "place", descending=[False, False, True, False]
    )
    homes = ranked.filter(label=HOME).unique("user", keep="first", maintain_order=True)
    return pl.concat([homes, ranked.filter(label=WORK)]).select("user", "place", "label")


def _areas_of(chosen: pl.DataFrame, places: pl.DataFrame, parameters: TourismParameters) -> pl.DataFrame:
    """Return user, area: the likeliest area of each place, and others in which it is likely enough."""
    located = chosen.join(places.select("user", "place", "area", "probability"), on=["user", "place"])
    most = pl.col("probability") == pl.col("probability").max().over("user", "place")
    return located.filter(most | (pl.col("probability") >= parameters.usual_area_share)).select("user", "area").unique()


def _outside(
    rows: pl.DataFrame, base: pl.DataFrame, areas: pl.DataFrame, places: pl.DataFrame, parameters: TourismParameters
) -> pl.Expr:
    """Return whether a row is at a place outside of the usual environment."""
    within = (
        places.join(areas, on=["user", "area"], how="semi")
        .group_by("user", "place")
        .agg(inside=exact_sum("probability"))
        .filter(pl.col("inside") >= parameters.usual_area_share)
    )
    # A place that covers no area may be anywhere, and is no evidence of a trip.
    somewhere = places.select("user", "place").unique()
    inside = pl.concat([within.select("user", "place"), base.select("user", "place")]).unique()
    outside = somewhere.join(inside, on=["user", "place"], how="anti").with_columns(outside=pl.lit(value=True))
    found = rows.select("user", "place").join(outside, on=["user", "place"], how="left", maintain_order="left")
    return pl.lit(found["outside"].fill_null(value=False))


def _runs_of(rows: pl.DataFrame, away: pl.Expr) -> pl.DataFrame:
    """Keep the rows that are away, and number the runs of them that no other row parts."""
    ordered = rows.with_columns(away_=away).sort(*DEVICE, "start_utc")
    leaves = pl.col("away_") & ~pl.col("away_").shift(1).over(DEVICE).fill_null(value=False)
    return ordered.with_columns(trip=leaves.cast(pl.Int32()).cum_sum().over(DEVICE)).filter("away_").drop("away_")


def _frequent_areas(
    runs: pl.DataFrame, places: pl.DataFrame, seen: pl.DataFrame, parameters: TourismParameters
) -> pl.DataFrame:
    """Return user, area of those that many separate trips go to."""
    weeks = ((pl.col("last") - pl.col("first")).dt.total_days() + 1) / DAYS_A_WEEK
    visited = runs.select(*TRIP, "place").unique()
    areas = _areas_of(visited.select("user", "place").unique(), places, parameters)
    likeliest = places.join(areas, on=["user", "area"], how="semi").filter(
        pl.col("probability") >= parameters.usual_area_share
    )
    visits = (
        visited.join(likeliest, on=["user", "place"]).group_by("user", "area").agg(visits=pl.col("trip").n_unique())
    )
    often = visits.join(seen, on="user").filter(
        (pl.col("visits") >= parameters.fewest_usual_visits)
        & (pl.col("visits") >= parameters.usual_visits_a_week * weeks)
    )
    return often.select("user", "area")


def _trips(rows: pl.DataFrame, where: str, parameters: TourismParameters, time_zone: str) -> Trips:
    """Make trips, stays and nights of numbered rows away; a trip without a night is one if it is long enough."""
    ordered = rows.sort(*TRIP, "start_utc")
    changes = pl.col(where).ne_missing(pl.col(where).shift(1).over(TRIP))
    # A stay is one whether or not it was seen to be one in between.
    runs = ordered.with_columns(stay=changes.cast(pl.Int32()).cum_sum().over(TRIP))
    stays = runs.group_by(*TRIP, "stay").agg(
        start_utc=pl.col("start_utc").min(),
        end_utc=pl.col("end_utc").max(),
        place=pl.col("place").first(),
        abroad_mcc=pl.col("abroad_mcc").first(),
        was_stay=(pl.col("segment_state") != UNDETERMINED).any(),
    )
    spans = stays.group_by(TRIP).agg(start_utc=pl.col("start_utc").min(), end_utc=pl.col("end_utc").max())
    first, last = (_evening(each, parameters, time_zone) for each in ENDS)
    spans = spans.with_columns(nights=(last - first).dt.total_days().cast(pl.Int32()), first_=first)
    lasts = pl.col("end_utc") - pl.col("start_utc")
    long_enough = lasts >= pl.duration(minutes=round(parameters.least_visit_hours * 60))
    kept = spans.filter((pl.col("nights") > 0) | long_enough)
    visit = pl.when(pl.col("nights") > 0).then(pl.lit(OVERNIGHT)).otherwise(pl.lit(SAME_DAY))
    nights = _nights(kept, stays, parameters, time_zone)
    counted = nights.group_by(*TRIP, "stay").agg(
        nights=pl.len().cast(pl.Int32()), first_evening=pl.col("evening").min()
    )
    with_nights = stays.join(kept, on=TRIP, how="semi").join(counted, on=[*TRIP, "stay"], how="left")
    with_nights = with_nights.with_columns(pl.col("nights").fill_null(0)).filter(
        pl.col("was_stay") | (pl.col("nights") > 0)
    )
    named = kept.with_columns(visit=visit).select(*TRIP, "start_utc", "end_utc", "nights", "visit")
    return Trips(named.sort(TRIP), with_nights.drop("was_stay").sort(*TRIP, "stay"))


def _evening(moment: pl.Expr, parameters: TourismParameters, time_zone: str) -> pl.Expr:
    """Return the local day that a moment belongs to, if days begin at the hour of the night."""
    local = moment.dt.convert_time_zone(time_zone).dt.replace_time_zone(None)
    return (local - pl.duration(hours=parameters.night_hour)).dt.date()


def _nights(trips: pl.DataFrame, stays: pl.DataFrame, parameters: TourismParameters, time_zone: str) -> pl.DataFrame:
    """Return each night of trips with the stay that is nearest in time."""
    evenings = trips.filter(pl.col("nights") > 0).with_columns(
        evening=pl.date_ranges("first_", pl.col("first_").dt.offset_by(pl.format("{}d", pl.col("nights") - 1)))
    )
    each = evenings.explode("evening").select(*TRIP, "evening")
    at = (pl.col("evening") + pl.duration(days=1)).cast(pl.Datetime("us")) + pl.duration(hours=parameters.night_hour)
    # An hour that the clock leaves out is the one after.
    at_zone = [
        moment.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
        for moment in (at, at + pl.duration(hours=1))
    ]
    each = each.with_columns(at_utc=pl.coalesce(at_zone).dt.convert_time_zone("UTC")).sort("at_utc")
    spent = stays.select(*TRIP, "stay", begins="start_utc", ends="end_utc").sort("begins")
    before = each.join_asof(
        spent, left_on="at_utc", right_on="begins", by=TRIP, strategy="backward", check_sortedness=False
    )
    both = before.join_asof(
        spent.select(*TRIP, next="stay", next_begins="begins"), left_on="at_utc", right_on="next_begins", by=TRIP,
        strategy="forward", check_sortedness=False,
    )  # fmt: skip
    is_next = (pl.col("next_begins") - pl.col("at_utc") < pl.col("at_utc") - pl.col("ends")).fill_null(value=False)
    is_next |= pl.col("stay").is_null()
    return both.select(*TRIP, "evening", stay=pl.when(is_next).then("next").otherwise("stay"))
