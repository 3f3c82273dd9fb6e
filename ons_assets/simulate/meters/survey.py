"""The questionnaire that households answered, in the columns of the CER pre-trial survey, and their areas."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ons_assets.simulate.meters.households import Household, Kind

ANSWERING = 0.8
LARGEST_ANSWER = 7
AGE_BANDS = (26, 36, 46, 56, 66)


@dataclass(frozen=True)
class Metered:
    """A household and its meter, without the readings."""

    meter: str
    area: str
    household: Household


def answers(homes: list[Metered], rng: np.random.Generator) -> pl.DataFrame:
    """Return the answers of the homes that took part.

    Question 300 is the age band of who answers, 410 says who lives there (1 alone, 2 all over 15,
    3 with children under 15), 420 how many are over 15 and 43111 how many are under 15; 420 and 43111
    are blank where 410 makes them needless.
    """
    rows = []
    for home in homes:
        household = home.household
        if rng.random() > ANSWERING or household.kind is not Kind.MAIN:
            continue
        children, adults = household.children, household.size - household.children
        lives = 1 if adults + children == 1 else 3 if children else 2
        eldest = max(person.age for person in household.people)
        rows.append(
            {
                "ID": int(home.meter),
                "Question 300": 1 + int(np.searchsorted(AGE_BANDS, eldest, side="right")),
                "Question 410": lives,
                "Question 420": min(adults, LARGEST_ANSWER) if lives > 1 else None,
                "Question 43111": min(children, LARGEST_ANSWER) if lives == 3 else None,
            }
        )
    schema = dict.fromkeys(["ID", "Question 300", "Question 410", "Question 420", "Question 43111"], pl.Int64)
    return pl.DataFrame(rows, schema=schema)


def areas(homes: list[Metered]) -> pl.DataFrame:
    """Return the small area of each meter, as the operator of a trial knows it."""
    return pl.DataFrame({"meter": [home.meter for home in homes], "area_code": [home.area for home in homes]})
