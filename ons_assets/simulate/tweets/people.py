"""The people of a country as those who may tweet: all of 16 and over, through all of its days, and their holidays."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.simulate.country import Country, make_country
from ons_assets.simulate.country import Scale as CountryScale
from ons_assets.simulate.country.households import WORKING
from ons_assets.simulate.country.lives import TERM_BEGINS, TERM_ENDS
from ons_assets.simulate.country.office import AGES, YOUNGEST, registered_on
from ons_assets.simulate.prices.seeds import generator
from ons_assets.simulate.tweets.scales import Scale, scale_of

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

EMPLOYED, STUDENT, AT_HOME = 0, 1, 2
AGE_GROUPS = tuple(AGES)
CHRISTMAS = ((12, 13), (1, 10))


@dataclass(frozen=True)
class People:
    """Everybody who may tweet; a person is named by the row.

    Parameters
    ----------
    status : array of int64, shape (n_people,)
        Employed, student or at home.
    age, is_male : arrays, shape (n_people,)
        Index into `AGE_GROUPS`; sex.
    homes
        person, from_day, address (row in the country): where a person lives from that day on (day 0 is the first that
        is collected; the first home of each person begins before it). Sorted by person and day.
    jobs
        person, from_day, address: place of work or study; -1 none.
    absences
        person, from_day, to_day (included), easting_m, northing_m: holidays and family visits.
    moves
        person, day, origin, destination (districts), kind ("residential", "term", "family", "graduation"),
        registered_day (null if never).
    resident : array of int64, shape (n_people,)
        Number of each person in the country.
    """

    status: IntArray
    age: IntArray
    is_male: npt.NDArray[np.bool_]
    homes: pl.DataFrame
    jobs: pl.DataFrame
    absences: pl.DataFrame
    moves: pl.DataFrame
    resident: IntArray


def country_of(scale: str | Scale, seed: int) -> Country:
    """Make the country of those who tweet at a scale.

    Parameters
    ----------
    scale
        ``"small"``, ``"medium"``, ``"full"`` or a `Scale`.
    seed
        The same seed gives the same country.
    """
    size = scale_of(scale)
    people = round(size.users * size.people_per_user)
    return make_country(CountryScale(size.name, people, size.first_day, size.days), seed)


def people_of(country: Country, seed: int) -> People:
    """Return everybody of 16 and over, with their lives in the country, and holidays.

    Parameters
    ----------
    country
        Whose people they are.
    seed
        Seed of the world of tweets, which says who goes on holiday.
    """
    grown = country.people.filter(pl.col("age") >= YOUNGEST)
    number = pl.DataFrame({"person": grown["person"], "row": np.arange(len(grown))})
    registered, district = registered_on(country), country.addresses["district"]
    moves = registered.with_columns(district.gather(registered[side]).alias(side) for side in ("origin", "destination"))
    activity = grown["activity"]
    centres = country.land.districts.select("easting_m", "northing_m").to_numpy()
    return People(
        status=np.where(activity == "student", STUDENT, np.where(activity.is_in(WORKING), EMPLOYED, AT_HOME)),
        age=np.searchsorted([first for first, _ in AGES.values()][1:], grown["age"].to_numpy(), side="right"),
        is_male=(grown["sex"] == "male").to_numpy(),
        homes=_of(number, country.lives.homes, "from_day", "address"),
        jobs=_of(number, country.lives.jobs, "from_day", "address"),
        absences=_absences(centres, country.scale.days, len(grown), seed),
        moves=_of(number, moves, "day", "origin", "destination", "kind", "registered_day"),
        resident=grown["person"].to_numpy(),
    )


def terms_of(scale: Scale) -> list[tuple[date, date]]:
    """Return the first and last days of the terms that a scale touches."""
    last = scale.first_day + timedelta(days=scale.days)
    terms = []
    for year in range(scale.first_day.year - 1, last.year + 1):
        terms.append((date(year, *TERM_BEGINS), date(year, *CHRISTMAS[0]) - timedelta(days=1)))
        terms.append((date(year + 1, *CHRISTMAS[1]) + timedelta(days=1), date(year + 1, *TERM_ENDS)))
    return [(first, end) for first, end in terms if first < last and end >= scale.first_day]


def _of(number: pl.DataFrame, rows: pl.DataFrame, when: str, *columns: str) -> pl.DataFrame:
    """Rows of those who count, by their numbers here."""
    own = rows.join(number, on="person").drop("person").rename({"row": "person"})
    return own.select("person", when, *columns).sort("person", when)


def _absences(centres: FloatArray, days: int, n: int, seed: int) -> pl.DataFrame:
    """Two weeks' holiday for two thirds of the people in half a year, about the middle of a district."""
    random = generator(seed, "holidays")
    goes = np.flatnonzero(random.random(n) < 0.66 * min(1.0, days / 180))
    start = random.integers(0, days, len(goes))
    length = random.integers(3, 15, len(goes))
    at = centres[random.integers(0, len(centres), len(goes))] + random.normal(0, 4_000, (len(goes), 2))
    return pl.DataFrame(
        {
            "person": goes,
            "from_day": start,
            "to_day": start + length - 1,
            "easting_m": at[:, 0],
            "northing_m": at[:, 1],
        }
    ).sort("person")
