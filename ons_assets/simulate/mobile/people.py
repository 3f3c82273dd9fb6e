"""The people of a country: where they live and work, on which days, and what phones they have."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.simulate.country import Country, make_country
from ons_assets.simulate.country import Scale as CountryScale
from ons_assets.simulate.country.households import ACTIVITIES
from ons_assets.simulate.country.land import FloatArray, IntArray
from ons_assets.simulate.land import disc
from ons_assets.simulate.mobile.scales import Scale
from ons_assets.simulate.mobile.wards import Wards
from ons_assets.simulate.prices.seeds import generator

AGES = ("0-15", "16-24", "25-44", "45-64", "65+")
AGES_FROM = (16, 25, 45, 65)
OPERATORS = ("north", "south", "west")
OPERATOR_SHARES = np.array([0.30, 0.42, 0.28])
CONTRACTS = ("contract", "prepaid", "business")

# What people do, as numbers in `ACTIVITIES`: NONE stay at home, or go where they like.
NONE, FULL, PART, HYBRID, HOME, NIGHT, SITES, STUDENT, CHILD = range(len(ACTIVITIES))
WORKERS = (FULL, PART, HYBRID, HOME, NIGHT, SITES)
COMMUTERS = (FULL, PART, HYBRID, NIGHT)
HAS_PHONE = np.array([0.45, 0.97, 0.98, 0.93, 0.72])
PREPAID = np.array([0.80, 0.42, 0.22, 0.30, 0.55])
SECOND_OF_WORKERS, SECOND_OF_OTHERS = 0.14, 0.02
SCHOOL = 0.3


@dataclass(frozen=True)
class People:
    """Everybody, as columns.

    Parameters
    ----------
    household : array of int, shape (people,)
        Number in the country; who has the same lives together.
    home, work : array of int, shape (people,)
        Ward; work is the ward of study for students and children, and -1 for those without a fixed place.
    home_at, work_at : array of float64, shape (people, 2)
        Position, metres.
    age, activity : array of int, shape (people,)
        Number in `AGES` and `ACTIVITIES`.
    works_on : array of bool, shape (people, days)
        Days on which they go to work or study; of a night shift, on whose evening it begins.
    """

    household: IntArray
    home: IntArray
    work: IntArray
    home_at: FloatArray
    work_at: FloatArray
    age: IntArray
    activity: IntArray
    works_on: npt.NDArray[np.bool_]


def country_of(size: Scale, seed: int, areas: pl.DataFrame | None = None) -> Country:
    """Return the country that is made for a world of which none is given; it lives through the days of the world.

    Parameters
    ----------
    size
        People, first day and days.
    seed
        Seed of the world.
    areas
        Middle areas to use instead of the invented ones, see `ons_assets.simulate.country.land.make_land`.
    """
    return make_country(CountryScale(size.name, size.people, size.first_day, size.days), seed, areas)


def people_of(country: Country, wards: Wards, size: Scale, seed: int) -> People:
    """Return everybody of a country, by number, where they live and work on the first day that is observed.

    Parameters
    ----------
    country
        Which lives through the days of the scale.
    wards
        Those of the country.
    size
        First day and days.
    seed
        Seed of the world of phones, which says on which days people work.

    Raises
    ------
    ValueError
        If the country does not live through the days of the scale.
    """
    day = (size.first_day - country.scale.first_day).days
    if day < 0 or day + size.days > country.scale.days:
        last = size.first_day + timedelta(size.days - 1)
        raise ValueError(f"the country does not live through all days from {size.first_day} to {last}")
    random = generator(seed, "people")
    at = country.addresses.select("easting_m", "northing_m").to_numpy()
    codes = wards.table["ward"]
    ward = country.addresses["msoa"].replace_strict(codes, range(wards.n), return_dtype=pl.Int64()).to_numpy()
    lives, job = country.homes_on(day), country.jobs_on(day)["address"].to_numpy()
    home = lives["address"].to_numpy()
    activity = country.people["activity"].replace_strict(ACTIVITIES, range(len(ACTIVITIES)), return_dtype=pl.Int64())
    # Out of term students do as those who have no work.
    doing = np.where((activity.to_numpy() == STUDENT) & (job < 0), NONE, activity.to_numpy())
    age: IntArray = np.searchsorted(AGES_FROM, country.people["age"].to_numpy(), side="right")
    work, work_at = np.where(job >= 0, ward[job], -1), at[job]
    child = np.flatnonzero(doing == CHILD)
    work[child] = ward[home[child]]
    near = disc(random, len(child), SCHOOL) * wards.radius_m[work[child], None]
    work_at[child] = wards.centre[work[child]] + near
    works_on = days_at_work(random, doing, size)
    return People(lives["household"].to_numpy(), ward[home], work, at[home], work_at, age, doing, works_on)


def days_at_work(random: np.random.Generator, activity: IntArray, size: Scale) -> npt.NDArray[np.bool_]:
    """Return on which days people go to work or study, shape (people, days).

    Parameters
    ----------
    random
        Stream that the days are drawn from.
    activity
        Number in `ACTIVITIES`, shape (people,).
    size
        First day and days.
    """
    n = len(activity)
    weekday = (np.arange(size.days) + size.first_day.weekday()) % 7
    is_weekday = ~np.array([size.is_free(day) for day in range(size.days)])
    present = random.random((n, size.days)) < 0.93
    works = np.zeros((n, size.days), dtype=bool)
    regular = np.isin(activity, (FULL, SITES, STUDENT, CHILD))
    works[regular] = is_weekday
    # A fixed pattern of two or three days of the week.
    part = activity == PART
    days_a_week = random.integers(2, 4, n)
    rank = random.random((n, 5)).argsort(axis=1)
    pattern = np.concatenate([rank < days_a_week[:, None], np.zeros((n, 2), dtype=bool)], axis=1)
    works[part] = pattern[part][:, weekday] & is_weekday
    hybrid = activity == HYBRID
    works[hybrid] = (random.random((n, size.days)) < 0.5)[hybrid] & is_weekday
    # The nights that begin on Sunday to Thursday, four of five.
    night = activity == NIGHT
    works[night] = (random.random((n, size.days)) < 0.85)[night] & ((weekday == 6) | (weekday < 4))
    return works & present


@dataclass(frozen=True)
class Phones:
    """All phones in use, as columns.

    Parameters
    ----------
    person, operator, contract : array of int, shape (phones,)
        Number of the holder, in `OPERATORS` and in `CONTRACTS`.
    is_second : array of bool, shape (phones,)
        Whether the holder has another.
    rate : array of float64, shape (phones,)
        Events of the holder, relative to the mean.
    sleeps : array of bool, shape (phones,)
        Whether it is off at night.
    """

    person: IntArray
    operator: IntArray
    contract: IntArray
    is_second: npt.NDArray[np.bool_]
    rate: FloatArray
    sleeps: npt.NDArray[np.bool_]


def operator_shares(wards: Wards, seed: int) -> FloatArray:
    """Return the share of each operator by district and age; shape (districts, ages, operators)."""
    random = generator(seed, "operators")
    tilt = random.normal(0, 0.25, (len(wards.land.districts), 1, len(OPERATORS)))
    by_age = random.normal(0, 0.25, (1, len(AGES), len(OPERATORS)))
    pull = OPERATOR_SHARES * np.exp(tilt + by_age)
    shares: FloatArray = pull / pull.sum(axis=2, keepdims=True)
    return shares


def make_phones(people: People, wards: Wards, seed: int) -> Phones:
    """Hand out phones; operators differ by district and age, contracts by age.

    Parameters
    ----------
    people
        Ages, activities and homes.
    wards
        With their districts, in which operators have shares of their own.
    seed
        Seed of the world.
    """
    random = generator(seed, "phones")
    n = len(people.home)
    owner = np.flatnonzero(random.random(n) < HAS_PHONE[people.age])
    is_worker = np.isin(people.activity[owner], WORKERS)
    second = owner[random.random(len(owner)) < np.where(is_worker, SECOND_OF_WORKERS, SECOND_OF_OTHERS)]
    person = np.concatenate([owner, second])
    is_second = np.arange(len(person)) >= len(owner)
    cumulated = np.cumsum(operator_shares(wards, seed), axis=2)
    drawn = random.random(len(person))
    operator = (drawn[:, None] > cumulated[wards.district[people.home[person]], people.age[person]]).sum(axis=1)
    contract = np.where(random.random(len(person)) < PREPAID[people.age[person]], 1, 0)
    contract = np.where(is_second & np.isin(people.activity[person], WORKERS), 2, contract)
    usual = np.array([1.2, 0.55, 1.3])[contract]
    rate = usual * np.exp(random.normal(-0.25, 0.7, len(person)))
    return Phones(
        person, np.minimum(operator, len(OPERATORS) - 1), contract, is_second, rate, random.random(len(person)) < 0.12
    )
