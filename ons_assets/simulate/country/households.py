"""Households of the simulated country, and the people in them.

Shares are assumptions of the simulator, near the censuses of Ireland 2011 and England 2011; they estimate nothing.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.simulate.country.land import IntArray, Land
from ons_assets.simulate.prices.seeds import generator

TYPES = {
    "single_working": 0.15,
    "single_pensioner": 0.13,
    "couple_working": 0.17,
    "couple_pensioner": 0.11,
    "family": 0.27,
    "lone_parent": 0.06,
    "sharers": 0.05,
    "adult_family": 0.06,
}
STUDENTS = "students"
# Youngest and oldest of who is named first, and how many years the second adult is younger.
ELDEST = {"single_pensioner": (64, 92), "couple_pensioner": (63, 86), "sharers": (20, 38), "adult_family": (46, 66)}
ELDEST_OF_OTHERS, YEARS_YOUNGER, STUDENT_AGES = (24, 62), 2, (18, 23)
CHILD_AGES, CHILDREN = (0, 18), {"family": (0.36, 0.4, 0.18, 0.06), "lone_parent": (0.55, 0.33, 0.12)}
GROWN, GROWN_AGES, SHARING = (0.5, 0.35, 0.15), (18, 30), (0.4, 0.35, 0.15, 0.1)
PEOPLE_A_HOUSEHOLD, STUDENTS_A_HOUSE, MEN = 2.36, 4, 0.49

# What people do, by which they are asked and paid.
ACTIVITIES = (
    "none", "full_week", "part_week", "hybrid", "home_worker", "night_shift", "several_sites", "student", "child"
)  # fmt: skip
WORKING = ACTIVITIES[1:7]
# Those who go to one place of work.
COMMUTING = ("full_week", "part_week", "hybrid", "night_shift")
WORKING_SHARES = (0.60, 0.16, 0.06, 0.09, 0.04, 0.05)
# From these ages on: shares in work, and in study, of those who live in their own or their parents' home.
AGES_FROM = np.array([0, 16, 25, 45, 65])
EMPLOYED = np.array([0.0, 0.56, 0.80, 0.72, 0.08])
STUDYING = np.array([0.0, 0.30, 0.01, 0.0, 0.0])


def make_households(land: Land, people: int, seed: int) -> pl.DataFrame:
    """Settle households in small areas.

    Parameters
    ----------
    land
        Areas, with their shares of people and of students.
    people
        About how many people there are to be.
    seed
        Seed of the country.

    Returns
    -------
    pl.DataFrame
        household, household_type, oa (number); sorted by oa. Those of students are `STUDENTS`.
    """
    random = generator(seed, "households")
    share = land.oas["population"].to_numpy()
    of_students = land.districts["student_share"].to_numpy()[land.number("district")]
    counts = [
        random.multinomial(round(people * (share * part).sum() / size), share * part / (share * part).sum())
        for part, size in ((1 - of_students, PEOPLE_A_HOUSEHOLD), (of_students, STUDENTS_A_HOUSE))
    ]
    oa = np.concatenate([np.repeat(np.arange(len(share)), count) for count in counts])
    private = int(counts[0].sum())
    drawn = random.choice(list(TYPES), private, p=list(TYPES.values()))
    kinds = np.concatenate([drawn, np.full(len(oa) - private, STUDENTS)])
    table = pl.DataFrame({"household_type": kinds, "oa": oa}).sort("oa", maintain_order=True)
    return table.with_row_index("household").with_columns(pl.col("household").cast(pl.Int64()))


def make_people(households: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Fill households with people.

    Parameters
    ----------
    households
        Rows of `make_households`.
    seed
        Seed of the country.

    Returns
    -------
    pl.DataFrame
        person, household, age (years), sex, activity; sorted by household.
    """
    random = generator(seed, "people")
    kind, n = households["household_type"].to_numpy(), len(households)
    first = random.integers(*ELDEST_OF_OTHERS, n)
    for name, (youngest, oldest) in ELDEST.items():
        of_kind = kind == name
        first[of_kind] = random.integers(youngest, oldest, int(of_kind.sum()))
    couples = np.isin(kind, ("couple_working", "couple_pensioner", "family", "adult_family"))
    younger = {
        **{name: (shares, CHILD_AGES) for name, shares in CHILDREN.items()},
        "adult_family": (GROWN, GROWN_AGES),
        "sharers": (SHARING, ELDEST["sharers"]),
        STUDENTS: ((0.0, 0.0, 1.0), STUDENT_AGES),
    }
    first = np.where(kind == STUDENTS, random.integers(*STUDENT_AGES, n), first)
    household = [np.arange(n), np.flatnonzero(couples)]
    age = [first, np.maximum(first[couples] - YEARS_YOUNGER, 20)]
    for name, (shares, ages) in younger.items():
        of_kind = np.flatnonzero(kind == name)
        more = random.choice(np.arange(len(shares)) + 1, len(of_kind), p=shares)
        household.append(np.repeat(of_kind, more))
        age.append(random.integers(*ages, int(more.sum())))
    order = np.argsort(np.concatenate(household), kind="stable")
    whose, years = np.concatenate(household)[order], np.concatenate(age)[order]
    studies = kind[whose] == STUDENTS
    return pl.DataFrame(
        {
            "person": np.arange(len(whose)),
            "household": whose,
            "age": years,
            "sex": np.where(random.random(len(whose)) < MEN, "male", "female"),
            "activity": _activities(random, years, studies),
        }
    )


def _activities(random: np.random.Generator, age: IntArray, studies: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    band, draw = np.searchsorted(AGES_FROM, age, side="right") - 1, random.random(len(age))
    works = random.choice(WORKING, len(age), p=WORKING_SHARES)
    activity = np.where(draw < EMPLOYED[band], works, np.where(draw < (EMPLOYED + STUDYING)[band], "student", "none"))
    return np.where(studies, "student", np.where(band == 0, "child", activity))
