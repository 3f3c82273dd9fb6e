"""Who lives in a home: household types, people, and the life of the home itself.

Shares and habits are assumptions of the simulator, near the censuses of Ireland 2011 and England 2011;
they are not estimates of anything.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from ons_assets.simulate.country.households import TYPES


class Role(StrEnum):
    """What a person does on an ordinary weekday."""

    FULL_TIME = "full_time"
    PART_TIME = "part_time"
    SHIFTS = "shifts"
    STUDENT = "student"
    AT_HOME = "at_home"
    RETIRED = "retired"
    PUPIL = "pupil"
    SMALL_CHILD = "small_child"


class Kind(StrEnum):
    """What a home is to its household."""

    MAIN = "main"
    SECOND = "second"
    VACANT = "vacant"


@dataclass(frozen=True)
class Person:
    """One person of a household, with habits in hours of the local clock."""

    role: Role
    age: int
    wake: float
    bed: float
    leave: float
    back: float
    works_at_home: float
    """Share of working days spent at home."""
    sociable: float
    """Multiplies the number of outings."""

    @property
    def is_child(self) -> bool:
        """Under 15, as the CER questionnaire counts children."""
        return self.age < 15

    @property
    def needs_company(self) -> bool:
        """Whether the person is not left at home alone."""
        return self.age < 11


@dataclass(frozen=True)
class Household:
    """A household and the character of its home."""

    kind: Kind
    household_type: str
    people: tuple[Person, ...]
    frugality: float
    """Multiplies what is used when people are active; the mean over homes is 1."""
    empty: npt.NDArray[np.bool_] | None = None
    """Days on which nobody lives there, (days,); None if they are drawn, as those of a vacant home are."""

    @property
    def size(self) -> int:
        """Number of people."""
        return len(self.people)

    @property
    def children(self) -> int:
        """Number of people under 15."""
        return sum(person.is_child for person in self.people)

    @property
    def over_65(self) -> int:
        """Number of people of 65 and over."""
        return sum(person.age >= 65 for person in self.people)


WORKING_ROLES = (Role.FULL_TIME, Role.PART_TIME, Role.SHIFTS, Role.AT_HOME)


def draw_household(rng: np.random.Generator, *, second_share: float, vacant_share: float) -> Household:
    """Draw a household.

    Parameters
    ----------
    rng
        Generator of the home.
    second_share, vacant_share
        Shares of second homes and of long-term vacant homes in its area.
    """
    kind = Kind(
        rng.choice(
            [Kind.MAIN, Kind.SECOND, Kind.VACANT], p=[1 - second_share - vacant_share, second_share, vacant_share]
        )
    )
    household_type = str(rng.choice(list(TYPES), p=list(TYPES.values())))
    return household_of(rng, kind, household_type, _composition(rng, household_type))


def household_of(
    rng: np.random.Generator,
    kind: Kind,
    household_type: str,
    people: list[tuple[Role, int]],
    empty: npt.NDArray[np.bool_] | None = None,
) -> Household:
    """Give people of known roles and ages their habits.

    Parameters
    ----------
    rng
        Generator of the home.
    kind, household_type, empty
        As in `Household`.
    people
        Role and age of each.
    """
    with_habits = tuple(_person(rng, role, age) for role, age in people)
    return Household(kind, household_type, with_habits, float(np.exp(rng.normal(-0.1, 0.45))), empty)


def _composition(rng: np.random.Generator, household_type: str) -> list[tuple[Role, int]]:
    def working(age: int, p: tuple[float, ...] = (0.64, 0.14, 0.12, 0.10)) -> tuple[Role, int]:
        return Role(rng.choice(WORKING_ROLES, p=p)), age

    def child() -> tuple[Role, int]:
        age = int(rng.integers(0, 18))
        return (Role.SMALL_CHILD if age < 4 else Role.PUPIL), age

    adult = int(rng.integers(24, 62))
    second = (0.45, 0.25, 0.08, 0.22)
    match household_type:
        case "single_working":
            return [working(adult)]
        case "single_pensioner":
            return [(Role.RETIRED, int(rng.integers(64, 92)))]
        case "couple_working":
            return [working(adult), working(max(adult - 2, 20), second)]
        case "couple_pensioner":
            age = int(rng.integers(63, 86))
            return [(Role.RETIRED, age), (Role.RETIRED, max(age - 3, 60))]
        case "family":
            children = int(rng.choice([1, 2, 3, 4], p=[0.36, 0.4, 0.18, 0.06]))
            return [working(adult), working(adult, second), *(child() for _ in range(children))]
        case "lone_parent":
            children = int(rng.choice([1, 2, 3], p=[0.55, 0.33, 0.12]))
            return [working(adult, second), *(child() for _ in range(children))]
        case "sharers":
            count = int(rng.choice([2, 3, 4, 5], p=[0.4, 0.35, 0.15, 0.1]))
            return [
                (Role.STUDENT, int(rng.integers(18, 26))) if rng.random() < 0.4 else working(int(rng.integers(20, 38)))
                for _ in range(count)
            ]
        case _:
            grown = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
            older = int(rng.integers(46, 66))
            return [
                working(older),
                working(older, second),
                *(
                    (Role.STUDENT, int(rng.integers(18, 23)))
                    if rng.random() < 0.4
                    else working(int(rng.integers(18, 30)))
                    for _ in range(grown)
                ),
            ]


def _person(rng: np.random.Generator, role: Role, age: int) -> Person:
    leave, back = {
        Role.FULL_TIME: (rng.normal(8.0, 0.7), rng.normal(17.9, 0.9)),
        Role.PART_TIME: (rng.normal(9.2, 1.2), rng.normal(14.0, 1.3)),
        Role.SHIFTS: (rng.normal(6.5, 0.4), rng.normal(14.8, 0.4)),
        Role.STUDENT: (rng.normal(9.8, 0.8), rng.normal(16.5, 1.5)),
        Role.PUPIL: (rng.normal(8.4, 0.2), rng.normal(15.2, 0.5)),
    }.get(role, (10.0, 12.0))
    goes_out = role in {Role.FULL_TIME, Role.PART_TIME, Role.SHIFTS, Role.PUPIL}
    wake = leave - rng.uniform(0.6, 1.6) if goes_out else rng.normal(8.0, 0.8)
    bed = rng.normal(20.3, 0.7) if age < 12 else rng.normal(22.8, 0.8)
    return Person(
        role=role,
        age=age,
        wake=float(np.clip(wake, 4.5, 11)),
        bed=float(np.clip(bed, 18.5, 25.5)),
        leave=float(leave),
        back=float(max(back, leave + 2)),
        works_at_home=float(rng.beta(0.4, 4)) if role in {Role.FULL_TIME, Role.STUDENT} else 0.0,
        sociable=float(np.exp(rng.normal(0, 0.4))),
    )
