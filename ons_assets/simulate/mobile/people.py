"""The simulated people: where they live and work, on which days, and what phones they have."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.simulate.land import disc
from ons_assets.simulate.mobile.country import Country, FloatArray, IntArray
from ons_assets.simulate.mobile.scales import Scale
from ons_assets.simulate.prices.seeds import generator

AGES = ("0-15", "16-24", "25-44", "45-64", "65+")
AGES_FROM = (16, 25, 45, 65)
AGE_SHARES = np.array([0.19, 0.12, 0.28, 0.25, 0.16])
OPERATORS = ("north", "south", "west")
OPERATOR_SHARES = np.array([0.30, 0.42, 0.28])
CONTRACTS = ("contract", "prepaid", "business")

# What people do: NONE stay at home, or go where they like.
NONE, FULL, PART, HYBRID, HOME, NIGHT, SITES, STUDENT, CHILD = range(9)
WORKERS = (FULL, PART, HYBRID, HOME, NIGHT, SITES)
COMMUTERS = (FULL, PART, HYBRID, NIGHT)
EMPLOYED = np.array([0.0, 0.46, 0.80, 0.72, 0.08])
STUDYING = np.array([0.0, 0.40, 0.01, 0.0, 0.0])
WORKER_KINDS = np.array([FULL, PART, HYBRID, HOME, NIGHT, SITES])
WORKER_SHARES = np.array([0.60, 0.16, 0.06, 0.09, 0.04, 0.05])
HAS_PHONE = np.array([0.45, 0.97, 0.98, 0.93, 0.72])
PREPAID = np.array([0.80, 0.42, 0.22, 0.30, 0.55])
SECOND_OF_WORKERS, SECOND_OF_OTHERS = 0.14, 0.02
CAMPUSES = 2


@dataclass(frozen=True)
class People:
    """Everybody, as columns.

    Parameters
    ----------
    home, work : array of int, shape (people,)
        Ward; work is the ward of study for students and children, and -1 for those without a fixed place.
    home_at, work_at : array of float64, shape (people, 2)
        Position, metres.
    age, activity : array of int, shape (people,)
        Number in `AGES` and `ACTIVITIES`.
    works_on : array of bool, shape (people, days)
        Days on which they go to work or study; of a night shift, on whose evening it begins.
    """

    home: IntArray
    work: IntArray
    home_at: FloatArray
    work_at: FloatArray
    age: IntArray
    activity: IntArray
    works_on: npt.NDArray[np.bool_]


def make_people(country: Country, size: Scale, seed: int) -> People:
    """Settle people, and give them work and study.

    Parameters
    ----------
    country
        Wards, with residents, jobs and the laws of travel between them.
    size
        Says how many people there are.
    seed
        Seed of the world.
    """
    random = generator(seed, "people")
    n = size.people
    home = np.sort(random.choice(country.n, n, p=country.wards["population"].to_numpy()))
    age = random.choice(len(AGES), n, p=AGE_SHARES)
    # The young live in towns.
    young = ~country.is_urban[home] & (age == 1) & (random.random(n) < 0.4)
    age = np.where(young, 4, age)
    draw = random.random(n)
    activity = np.where(
        age == 0, CHILD, np.where(draw < EMPLOYED[age], -1, np.where(draw < (EMPLOYED + STUDYING)[age], STUDENT, NONE))
    )
    employed = activity < 0
    activity[employed] = random.choice(WORKER_KINDS, int(employed.sum()), p=WORKER_SHARES)
    work = np.full(n, -1, dtype=np.int64)
    travels = np.isin(activity, COMMUTERS)
    work[travels] = country.draw(random, country.workplaces, home[travels])
    campuses = np.argsort(-country.wards["jobs"].to_numpy())[: CAMPUSES * 10 : 10]
    student = activity == STUDENT
    work[student] = random.choice(campuses, int(student.sum()))
    child = activity == CHILD
    work[child] = home[child]
    home_at = country.centre[home] + disc(random, n, 1.0) * country.radius_m[home, None]
    spread = np.where(student | child, 0.3, 0.6)[:, None] * country.radius_m[np.maximum(work, 0), None]
    work_at = country.centre[np.maximum(work, 0)] + disc(random, n, 1.0) * spread
    return People(home, work, home_at, work_at, age, activity, days_at_work(random, activity, size))


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


def operator_shares(country: Country, seed: int) -> FloatArray:
    """Return the share of each operator by district and age; shape (districts, ages, operators)."""
    random = generator(seed, "operators")
    tilt = random.normal(0, 0.25, (len(country.districts), 1, len(OPERATORS)))
    by_age = random.normal(0, 0.25, (1, len(AGES), len(OPERATORS)))
    pull = OPERATOR_SHARES * np.exp(tilt + by_age)
    shares: FloatArray = pull / pull.sum(axis=2, keepdims=True)
    return shares


def make_phones(people: People, country: Country, seed: int) -> Phones:
    """Hand out phones; operators differ by district and age, contracts by age.

    Parameters
    ----------
    people
        Ages, activities and homes.
    country
        Districts, in which operators have shares of their own.
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
    cumulated = np.cumsum(operator_shares(country, seed), axis=2)
    drawn = random.random(len(person))
    operator = (drawn[:, None] > cumulated[country.district[people.home[person]], people.age[person]]).sum(axis=1)
    contract = np.where(random.random(len(person)) < PREPAID[people.age[person]], 1, 0)
    contract = np.where(is_second & np.isin(people.activity[person], WORKERS), 2, contract)
    usual = np.array([1.2, 0.55, 1.3])[contract]
    rate = usual * np.exp(random.normal(-0.25, 0.7, len(person)))
    return Phones(
        person, np.minimum(operator, len(OPERATORS) - 1), contract, is_second, rate, random.random(len(person)) < 0.12
    )


def true_flows(people: People, country: Country, level: str) -> pl.DataFrame:
    """Return the true travel to work: origin, destination, commuters (all workers with a place), home_workers.

    Parameters
    ----------
    people
        Homes, places of work and activities.
    country
        Wards, with the codes of larger areas.
    level
        Column of the wards that names the areas, such as "district".
    """
    codes = country.wards[level]
    placed = np.isin(people.activity, (*COMMUTERS, HOME))
    at_home = people.activity == HOME
    work = np.where(at_home, people.home, people.work)
    rows = pl.DataFrame(
        {
            "origin": codes.gather(people.home[placed]),
            "destination": codes.gather(work[placed]),
            "at_home": at_home[placed],
        }
    )
    return (
        rows.group_by("origin", "destination")
        .agg(commuters=pl.len().cast(pl.Int64()), home_workers=pl.col("at_home").sum().cast(pl.Int64()))
        .sort("origin", "destination")
    )
