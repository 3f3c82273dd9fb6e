"""The lives of simulated people: homes, jobs, universities, holidays and moves."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.simulate.country.lives import (
    LONG_AGO,
    MONTH_WEIGHT,
    MOVES_A_YEAR,
    SAME_DISTRICT,
    TERM_BEGINS,
    TERM_ENDS,
)
from ons_assets.simulate.country.office import AGES, LAG_DAYS, NEVER
from ons_assets.simulate.prices.seeds import generator
from ons_assets.simulate.tweets.scales import Scale
from ons_assets.simulate.tweets.towns import Towns

IntArray = npt.NDArray[np.int64]

EMPLOYED, STUDENT, AT_HOME = 0, 1, 2
EMPLOYED_SHARE = 0.62
COMMUTERS = 0.3
AGE_GROUPS = tuple(AGES)
AGE_SHARES = (0.1, 0.28, 0.42, 0.2)

CHRISTMAS = ((12, 13), (1, 10))

# Of the register, which learns late of moves.
WHOSE = {EMPLOYED: "working", STUDENT: "student", AT_HOME: "other"}


@dataclass(frozen=True)
class People:
    """Everybody of the simulated world.

    Parameters
    ----------
    status : array of int64, shape (n_people,)
        Employed, student or at home.
    homes
        person, from_day, address: where a person lives from that day on (day 0 is the first that is
        collected; the first home of each person begins before it). Sorted by person and day.
    jobs
        person, from_day, address: place of work or study; -1 none.
    absences
        person, from_day, to_day (included), easting_m, northing_m: holidays and family visits.
    moves
        person, day, origin, destination (numbers of areas), kind ("residential", "term", "family",
        "graduation"), registered_day (null if never).
    resident
        Number of each person in the country; None in a world without one.
    """

    status: IntArray
    age: IntArray
    is_male: npt.NDArray[np.bool_]
    homes: pl.DataFrame
    jobs: pl.DataFrame
    absences: pl.DataFrame
    moves: pl.DataFrame
    resident: IntArray | None = None


def make_people(towns: Towns, scale: Scale, seed: int) -> People:
    """Let people live through the days of a scale.

    Parameters
    ----------
    towns
        Where they can live.
    scale
        How many they are, and for how long.
    seed
        Seed of the world.
    """
    n = scale.users * scale.people_per_user
    random = generator(seed, "people")
    population = towns.table["population"].to_numpy()
    student_share = towns.table["student_share"].to_numpy()
    lives_in = random.choice(towns.n, n, p=population / population.sum())
    is_student = random.random(n) < student_share[lives_in]
    working = random.random(n) < EMPLOYED_SHARE
    status = np.where(is_student, STUDENT, np.where(working, EMPLOYED, AT_HOME))
    age = np.where(is_student, 0, random.choice(len(AGE_GROUPS), n, p=AGE_SHARES))
    students = _students(towns, scale, lives_in, np.flatnonzero(is_student), seed)
    others = _others(towns, scale, lives_in, np.flatnonzero(~is_student), status, seed)
    homes = pl.concat([students[0], others[0]]).sort("person", "from_day")
    moves = _with_registration(_moves(homes, towns, pl.concat([students[2], others[2]])), status, seed)
    return People(
        status=status,
        age=age,
        is_male=random.random(n) < 0.49,
        homes=homes,
        jobs=pl.concat([students[1], others[1]]).sort("person", "from_day"),
        absences=absences(towns, scale, n, seed),
        moves=moves,
    )


def day_of(scale: Scale, month_day: tuple[int, int], year: int) -> int:
    """Return the number of a day of a year.

    Parameters
    ----------
    scale
        Gives the first day of the world, which is day 0.
    month_day
        Month and day of the month.
    year
        Calendar year; days before the world are negative.
    """
    return (date(year, *month_day) - scale.first_day).days


def terms_of(scale: Scale) -> list[tuple[date, date]]:
    """Return the first and last days of the terms that a scale touches."""
    last = scale.first_day + timedelta(days=scale.days)
    terms = []
    for year in range(scale.first_day.year - 1, last.year + 1):
        terms.append((date(year, *TERM_BEGINS), date(year, *CHRISTMAS[0]) - timedelta(days=1)))
        terms.append((date(year + 1, *CHRISTMAS[1]) + timedelta(days=1), date(year + 1, *TERM_ENDS)))
    return [(first, end) for first, end in terms if first < last and end >= scale.first_day]


def _rows(person: IntArray, day: IntArray, address: IntArray) -> pl.DataFrame:
    return pl.DataFrame({"person": person, "from_day": day.astype(np.int64), "address": address})


def _kinds(person: IntArray, day: IntArray, kind: str) -> pl.DataFrame:
    return pl.DataFrame({"person": person, "day": day.astype(np.int64)}).with_columns(kind=pl.lit(kind))


Lives = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def _students(towns: Towns, scale: Scale, lives_in: IntArray, who: IntArray, seed: int) -> Lives:
    """In the first year a third come up in September, a third go home in June and come back, a third graduate."""
    random = generator(seed, "students")
    n, year = len(who), scale.first_day.year
    university = lives_in[who]
    family = towns.draw(random, _elsewhere(towns, random, university), "residential")
    term, next_term = (towns.draw(random, university, "residential") for _ in range(2))
    campus = towns.draw(random, university, "education")
    first_flat = towns.draw(random, _elsewhere(towns, random, university), "residential")
    after = np.where(random.random(n) < 0.5, family, first_flat)
    stage = random.integers(0, 3, n)
    fresher, returner, leaver = stage == 0, stage == 1, stage == 2
    leaves = day_of(scale, TERM_ENDS, year) + np.rint(random.normal(0, 5, n)).astype(np.int64)
    comes = day_of(scale, TERM_BEGINS, year) + np.rint(random.normal(0, 4, n)).astype(np.int64)

    in_term = (leaves > 0) & ~fresher
    start = np.where(in_term, term, np.where(leaver, after, family))
    before = np.full(n, LONG_AGO)
    goes_home, graduates = in_term & returner & (leaves < scale.days), in_term & leaver & (leaves < scale.days)
    leaving = goes_home | graduates
    comes_up = ~leaver & (comes > 0) & (comes < scale.days)
    homes = [
        _rows(who, before, start),
        _rows(who[goes_home], leaves[goes_home], family[goes_home]),
        _rows(who[graduates], leaves[graduates], after[graduates]),
        _rows(who[comes_up], comes[comes_up], np.where(fresher, term, next_term)[comes_up]),
    ]
    jobs = [
        _rows(who, before, np.where(in_term, campus, -1)),
        _rows(who[leaving], leaves[leaving], np.full(leaving.sum(), -1)),
        _rows(who[comes_up], comes[comes_up], campus[comes_up]),
    ]
    kinds = [
        _kinds(who[goes_home], leaves[goes_home], "family"),
        _kinds(who[graduates], leaves[graduates], "graduation"),
        _kinds(who[comes_up], comes[comes_up], "term"),
    ]
    return pl.concat(homes), pl.concat(jobs), pl.concat(kinds)


def _others(towns: Towns, scale: Scale, lives_in: IntArray, who: IntArray, status: IntArray, seed: int) -> Lives:
    random = generator(seed, "others")
    n = len(who)
    area = lives_in[who]
    home = towns.draw(random, area, "residential")
    job = _job(towns, random, area, status[who] == EMPLOYED)
    day_weight = MONTH_WEIGHT[[(scale.first_day + timedelta(day)).month - 1 for day in range(scale.days)]]
    chance = MOVES_A_YEAR * day_weight.sum() / 365
    moves = random.random(n) < chance
    day = random.choice(scale.days, n, p=day_weight / day_weight.sum())
    destination = np.where(random.random(n) < SAME_DISTRICT, area, _elsewhere(towns, random, area))
    new_home = towns.draw(random, destination, "residential")
    new_job = np.where(destination == area, job, _job(towns, random, destination, status[who] == EMPLOYED))
    before = np.full(n, LONG_AGO)
    homes = pl.concat([_rows(who, before, home), _rows(who[moves], day[moves], new_home[moves])])
    changes = moves & (new_job != job)
    jobs = pl.concat([_rows(who, before, job), _rows(who[changes], day[changes], new_job[changes])])
    return homes, jobs, _kinds(who[moves], day[moves], "residential")


def _elsewhere(towns: Towns, random: np.random.Generator, origin: IntArray) -> IntArray:
    """Another area for each, by gravity."""
    cumulated = towns.gravity.cumsum(axis=1)
    cumulated[:, -1] = 1.0
    area: IntArray = (random.random(len(origin))[:, None] > cumulated[origin]).sum(axis=1)
    return area


def _job(towns: Towns, random: np.random.Generator, area: IntArray, has_one: npt.NDArray[np.bool_]) -> IntArray:
    commutes = random.random(len(area)) < COMMUTERS
    where = np.where(commutes, _elsewhere(towns, random, area), area)
    return np.where(has_one, towns.draw(random, where, "commercial"), -1)


def _moves(homes: pl.DataFrame, towns: Towns, kinds: pl.DataFrame) -> pl.DataFrame:
    area = pl.Series(towns.area_of_address)
    changes = homes.with_columns(
        origin_address=pl.col("address").shift().over("person"),
    ).drop_nulls("origin_address")
    return (
        changes.join(kinds, left_on=["person", "from_day"], right_on=["person", "day"])
        .select(
            "person",
            "kind",
            "origin_address",
            day="from_day",
            destination_address="address",
            origin=pl.lit(area).gather("origin_address"),
            destination=pl.lit(area).gather("address"),
        )
        .sort("person", "day")
    )


def _with_registration(moves: pl.DataFrame, status: IntArray, seed: int) -> pl.DataFrame:
    random = generator(seed, "registration")
    kind = status[moves["person"].to_numpy()]
    lag = np.array([LAG_DAYS[WHOSE[number]] for number in range(3)])[kind]
    never = random.random(len(moves)) < np.array([NEVER[WHOSE[number]] for number in range(3)])[kind]
    registered = moves["day"].to_numpy() + np.rint(random.exponential(1.0, len(moves)) * lag).astype(np.int64)
    return moves.with_columns(
        registered_day=pl.Series(np.where(never, -1, registered)),
    ).with_columns(pl.when(pl.col("registered_day") >= 0).then("registered_day").alias("registered_day"))


def absences(towns: Towns, scale: Scale, n: int, seed: int) -> pl.DataFrame:
    """Return two weeks' holiday for two thirds of the people in half a year; somewhere in the country.

    Parameters
    ----------
    towns
        About which holidays are spent.
    scale
        Days.
    n
        How many people there are.
    seed
        Seed of the world.
    """
    random = generator(seed, "holidays")
    goes = np.flatnonzero(random.random(n) < 0.66 * min(1.0, scale.days / 180))
    start = random.integers(0, scale.days, len(goes))
    length = random.integers(3, 15, len(goes))
    where = towns.table.select("easting_m", "northing_m").to_numpy()[random.integers(0, towns.n, len(goes))]
    at = where + random.normal(0, 4_000, (len(goes), 2))
    return pl.DataFrame(
        {
            "person": goes,
            "from_day": start,
            "to_day": start + length - 1,
            "easting_m": at[:, 0],
            "northing_m": at[:, 1],
        }
    ).sort("person")
