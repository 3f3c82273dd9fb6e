"""The questionnaire that households answered, in the columns of the CER pre-trial survey, and their areas."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ons_assets.simulate.meters.households import Household, Kind, Role

ANSWERING = 0.8
LARGEST_ANSWER = 7
AGE_BANDS = (26, 36, 46, 56, 66)
# Shares of flats, terraced, semi-detached and detached houses, and of those who rent, by the number of people.
DWELLING_TYPES = ("flat", "terraced", "semi_detached", "detached")
TYPE_SHARES = {1: (0.34, 0.28, 0.22, 0.16), 2: (0.18, 0.25, 0.3, 0.27), 3: (0.09, 0.27, 0.36, 0.28)}
RENTING = {"flat": 0.65, "terraced": 0.35, "semi_detached": 0.25, "detached": 0.1}
# Answers of the survey: an apartment, a terraced, a semi-detached and a detached house; a landlord's, or one's own.
HOME_CODES = {"flat": 1, "semi_detached": 2, "detached": 3, "terraced": 4}
RENTED, OWNED = 1, 4
EMPLOYEE, NOT_SEEKING, RETIRED, CARER = 1, 5, 6, 7
IN_WORK = (Role.FULL_TIME, Role.PART_TIME, Role.SHIFTS)


@dataclass(frozen=True)
class Metered:
    """A household and its meter, without the readings."""

    meter: str
    area: str
    household: Household


@dataclass(frozen=True)
class Dwelling:
    """What a household lives in: a type of `DWELLING_TYPES`, rented or its own."""

    dwelling_type: str
    is_rented: bool


def dwelling_of(household: Household) -> Dwelling:
    """Return the dwelling of a household: drawn from itself, so that no other draw of its world is another for it."""
    rng = np.random.default_rng(int(household.frugality * 2**40))
    dwelling_type = str(rng.choice(DWELLING_TYPES, p=TYPE_SHARES[min(household.size, 3)]))
    return Dwelling(dwelling_type, bool(rng.random() < RENTING[dwelling_type]))


def employment_of(household: Household) -> int:
    """Return the answer on the employment of who earns most."""
    roles = {person.role for person in household.people}
    if roles & {*IN_WORK}:
        return EMPLOYEE
    if Role.RETIRED in roles:
        return RETIRED
    return CARER if Role.AT_HOME in roles else NOT_SEEKING


def answers(homes: list[Metered], rng: np.random.Generator) -> pl.DataFrame:
    """Return the answers of the homes that took part.

    Question 300 is the age band of who answers, 410 says who lives there (1 alone, 2 all over 15,
    3 with children under 15), 420 how many are over 15 and 43111 how many are under 15; 420 and 43111
    are blank where 410 makes them needless. 310 is the employment of who earns most, 450 the type of home and
    452 whether it is rented.
    """
    rows = []
    for home in homes:
        household = home.household
        if rng.random() > ANSWERING or household.kind is not Kind.MAIN:
            continue
        children, adults = household.children, household.size - household.children
        lives = 1 if adults + children == 1 else 3 if children else 2
        eldest = max(person.age for person in household.people)
        dwelling = dwelling_of(household)
        rows.append(
            {
                "ID": int(home.meter),
                "Question 300": 1 + int(np.searchsorted(AGE_BANDS, eldest, side="right")),
                "Question 310": employment_of(household),
                "Question 410": lives,
                "Question 420": min(adults, LARGEST_ANSWER) if lives > 1 else None,
                "Question 43111": min(children, LARGEST_ANSWER) if lives == 3 else None,
                "Question 450": HOME_CODES[dwelling.dwelling_type],
                "Question 452": RENTED if dwelling.is_rented else OWNED,
            }
        )
    questions = ("300", "310", "410", "420", "43111", "450", "452")
    return pl.DataFrame(rows, schema=dict.fromkeys(["ID", *(f"Question {each}" for each in questions)], pl.Int64))


def areas(homes: list[Metered]) -> pl.DataFrame:
    """Return the small area of each meter, as the operator of a trial knows it."""
    return pl.DataFrame(
        {
            "meter": [home.meter for home in homes],
            "area_code": [home.area for home in homes],
            "dwelling_type": [dwelling_of(home.household).dwelling_type for home in homes],
        }
    )
