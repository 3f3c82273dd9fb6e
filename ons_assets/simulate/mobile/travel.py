"""People who travel: residents who go abroad or elsewhere in the country, and visitors from other countries."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.simulate.country.land import FloatArray, IntArray
from ons_assets.simulate.land import disc
from ons_assets.simulate.mobile.people import OPERATOR_SHARES, OPERATORS, People
from ons_assets.simulate.mobile.scales import Scale
from ons_assets.simulate.mobile.wards import Wards
from ons_assets.simulate.prices.seeds import generator

# Countries with their share of visitors, and of trips abroad; and a network of each.
COUNTRIES = ("FR", "DE", "IE", "US", "ES", "NL", "PL", "IT")
VISITOR_SHARES = np.array([0.20, 0.17, 0.15, 0.15, 0.12, 0.08, 0.08, 0.05])
ABROAD_SHARES = np.array([0.20, 0.06, 0.12, 0.06, 0.32, 0.06, 0.06, 0.12])
NETWORKS = ("20801", "26201", "27201", "310260", "21401", "20404", "26001", "22201")
HOME_MCC, HOME_MNC = "234", "15"
# Of the residents, in a window of four weeks; one trip a person.
ABROAD, ELSEWHERE, ABROAD_DAY, ELSEWHERE_DAY = 0.06, 0.10, 0.005, 0.06
VISITORS, VISITOR_DAYS, WINDOW_DAYS = 0.06, 0.15, 28
LONGEST_NIGHTS, EARLY_DAYS, LEAST_KM = 20, 6, 15.0
ABROAD_NIGHTS, ELSEWHERE_NIGHTS, VISITOR_NIGHTS = 5.0, 2.2, 4.0
# Hours at both ends of a journey abroad in which a phone is off, and how fast people travel within the country.
SILENT_H, TRAVEL_KMH = 1.5, 60.0
NO_TRIP, INBOUND, OUTBOUND, DOMESTIC = range(4)
KINDS = ("none", "inbound", "outbound", "domestic")
TWO_PLACES, EXCURSION = 0.3, 0.6
DAY_H, NIGHT_H = 24.0, 4.0


@dataclass(frozen=True)
class Journeys:
    """Trips, one row each, as columns.

    Parameters
    ----------
    kind, country : arrays of int, shape (n,)
        Number in `KINDS` and in `COUNTRIES`; the latter -1 within the country.
    start_h, end_h : arrays of float64, shape (n,)
        Hours of the local clock since the first day began: when home, or the border, is left, and reached again.
    ward, second : arrays of int, shape (n,)
        Where the nights are spent, and from half of the trip on; -1 abroad.
    at, second_at : arrays of float64, shape (n, 2)
        The lodgings, metres.
    """

    kind: IntArray
    country: IntArray
    start_h: FloatArray
    end_h: FloatArray
    ward: IntArray
    second: IntArray
    at: FloatArray
    second_at: FloatArray

    @property
    def half_h(self) -> FloatArray:
        """When a visitor changes lodgings: at noon of the middle day."""
        return np.floor((self.start_h + self.end_h) / 2 / DAY_H) * DAY_H + 12

    def ward_at(self, row: IntArray, hour: FloatArray) -> IntArray:
        """Return the ward of the lodgings of some trips at some time."""
        return np.where(hour < self.half_h[row], self.ward[row], self.second[row])


def _times(
    random: np.random.Generator, n: int, mean_nights: float, is_day: npt.NDArray[np.bool_], size: Scale
) -> tuple[FloatArray, FloatArray]:
    day = np.where(is_day, random.integers(0, size.days, n), random.integers(-EARLY_DAYS, size.days, n)) * DAY_H
    nights = np.minimum(random.geometric(1 / mean_nights, n), LONGEST_NIGHTS)
    start = day + np.where(is_day, random.uniform(7.5, 10.5, n), random.uniform(8, 18, n))
    end = np.where(is_day, day + random.uniform(16, 22, n), day + nights * DAY_H + random.uniform(9, 20, n))
    return start, end


def make_journeys(people: People, wards: Wards, size: Scale, seed: int) -> Journeys:
    """Send residents on trips, one row a person, most of them on none.

    Parameters
    ----------
    people, wards
        Who lives where.
    size
        Days that are observed; trips may begin before them and end after.
    seed
        Seed of the world.
    """
    random = generator(seed, "journeys")
    n = len(people.home)
    share = size.days / WINDOW_DAYS
    bounds = np.cumsum(np.array([ABROAD, ABROAD_DAY, ELSEWHERE, ELSEWHERE_DAY]) * share)
    drawn = np.searchsorted(bounds, random.random(n))
    kind = np.array([OUTBOUND, OUTBOUND, DOMESTIC, DOMESTIC, NO_TRIP])[drawn]
    is_day = (drawn == 1) | (drawn == 3)
    abroad_start, abroad_end = _times(random, n, ABROAD_NIGHTS, is_day, size)
    start, end = _times(random, n, ELSEWHERE_NIGHTS, is_day, size)
    out = kind == OUTBOUND
    target = random.choice(len(COUNTRIES), n, p=ABROAD_SHARES / ABROAD_SHARES.sum())
    far = wards.land.distance_km >= LEAST_KM
    law = wards.table["population"].to_numpy() * far / (wards.land.distance_km + LEAST_KM)
    ward = wards.draw(random, law, people.home)
    at = wards.centre[ward] + disc(random, n, 1.0) * wards.radius_m[ward, None]
    return Journeys(
        kind,
        np.where(out, target, -1),
        np.where(out, abroad_start, start),
        np.where(out, abroad_end, end),
        np.where(out, -1, ward),
        np.where(out, -1, ward),
        at,
        at,
    )


@dataclass(frozen=True)
class Visitors:
    """Visitors from abroad, each with one phone, as columns.

    Parameters
    ----------
    journeys
        Their trips.
    operator : array of int, shape (n,)
        Network that they are on, in `OPERATORS`.
    rate : array of float64, shape (n,)
        Events, relative to the mean.
    """

    journeys: Journeys
    operator: IntArray
    rate: FloatArray


def make_visitors(wards: Wards, size: Scale, seed: int) -> Visitors:
    """Bring visitors from other countries: to where jobs are, as hotels are.

    Parameters
    ----------
    wards
        With their jobs.
    size
        People and days.
    seed
        Seed of the world.
    """
    random = generator(seed, "visitors")
    n = round(size.people * VISITORS * size.days / WINDOW_DAYS)
    start, end = _times(random, n, VISITOR_NIGHTS, random.random(n) < VISITOR_DAYS, size)
    jobs = wards.table["jobs"].to_numpy()
    ward, other = random.choice(wards.n, (2, n), p=jobs / jobs.sum())
    second = np.where((random.random(n) < TWO_PLACES) & (end - start > 2 * DAY_H), other, ward)
    at = wards.centre[ward] + disc(random, n, 1.0) * wards.radius_m[ward, None]
    moved = wards.centre[second] + disc(random, n, 1.0) * wards.radius_m[second, None]
    journeys = Journeys(
        np.full(n, INBOUND),
        random.choice(len(COUNTRIES), n, p=VISITOR_SHARES / VISITOR_SHARES.sum()),
        start,
        end,
        ward,
        second,
        at,
        np.where((second == ward)[:, None], at, moved),
    )
    operator = random.choice(len(OPERATORS), n, p=OPERATOR_SHARES)
    return Visitors(journeys, operator, np.exp(random.normal(-0.25, 0.7, n)))


def visitor_names(visitors: Visitors) -> pl.Series:
    """Return what operators call the phones of visitors."""
    return pl.Series([f"{number * 7_919 + 770_000_000_000:x}" for number in range(len(visitors.operator))])


def true_trips(journeys: Journeys, rows: IntArray, devices: pl.Series, operator: str, size: Scale) -> pl.DataFrame:
    """Return the true trips of devices: those of which some of the observed days are part.

    Parameters
    ----------
    journeys
        All trips.
    rows
        Number of the trip of each device.
    devices
        Names of the devices.
    operator
        Name of their operator.
    size
        First day and days.

    Returns
    -------
    pl.DataFrame
        operator, device, tourism, visit, country, start, end (local clock), nights (of the whole trip).
    """
    midnight = pl.lit(size.first_day).cast(pl.Datetime("us"))
    start, end = journeys.start_h[rows], journeys.end_h[rows]
    table = pl.DataFrame(
        {
            "device": devices,
            "tourism": pl.Series(KINDS).gather(journeys.kind[rows]),
            "country": pl.Series([*COUNTRIES, None]).gather(journeys.country[rows] % (len(COUNTRIES) + 1)),
            "start_h": start,
            "end_h": end,
            "nights": (_evening(end) - _evening(start)).astype(np.int64),
        }
    )
    return table.filter(
        (pl.col("tourism") != KINDS[NO_TRIP]) & (pl.col("end_h") > 0) & (pl.col("start_h") < size.days * DAY_H)
    ).select(
        pl.lit(operator).alias("operator"),
        "device",
        "tourism",
        "country",
        visit=pl.when(pl.col("nights") > 0).then(pl.lit("overnight")).otherwise(pl.lit("same_day")),
        nights="nights",
        **{
            end: midnight + pl.duration(seconds=(pl.col(f"{end}_h") * 3_600).cast(pl.Int64()))
            for end in ("start", "end")
        },
    )


def _evening(hour: FloatArray) -> FloatArray:
    return np.floor((hour - NIGHT_H) / DAY_H)


def true_nights(
    journeys: Journeys, rows: IntArray, devices: pl.Series, operator: str, wards: Wards, size: Scale
) -> pl.DataFrame:
    """Return the true nights of devices away, of the days that are observed.

    Parameters
    ----------
    journeys, rows, devices, operator, size
        As for `true_trips`.
    wards
        With their names and districts.

    Returns
    -------
    pl.DataFrame
        operator, device, tourism, country, evening (local day), ward, district (null abroad).
    """
    away = np.flatnonzero(journeys.kind[rows] != NO_TRIP)
    first, last = _evening(journeys.start_h[rows[away]]), _evening(journeys.end_h[rows[away]])
    count = (last - first).astype(np.int64)
    one = np.repeat(away, count)
    evening = np.concatenate([np.arange(n) for n in count] or [np.empty(0)]) + np.repeat(first, count)
    trip = rows[one]
    ward = journeys.ward_at(trip, (evening + 1) * DAY_H + NIGHT_H)
    names = {name: pl.Series([*wards.table[name], None]).gather(ward % (wards.n + 1)) for name in ("ward", "district")}
    table = pl.DataFrame(
        {
            "device": devices.gather(one),
            "tourism": pl.Series(KINDS).gather(journeys.kind[trip]),
            "country": pl.Series([*COUNTRIES, None]).gather(journeys.country[trip] % (len(COUNTRIES) + 1)),
            "number": evening.astype(np.int64),
            **names,
        }
    ).filter(pl.col("number").is_between(0, size.days - 1))
    evenings = pl.Series([size.first_day + timedelta(day) for day in range(size.days)])
    return table.select(
        pl.lit(operator).alias("operator"),
        "device",
        "tourism",
        "country",
        evening=evenings.gather(table["number"]),
        ward="ward",
        district="district",
    )
