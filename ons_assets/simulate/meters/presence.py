"""Who is at home, and who of them is awake, in every half hour."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from ons_assets.simulate.meters.calendar import SLOTS, Calendar
from ons_assets.simulate.meters.households import Household, Kind, Person, Role

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating]

# The shortest spell that the truth calls a long-term vacancy.
VACANCY_DAYS = 28


class State(StrEnum):
    """What a home is on one day."""

    OCCUPIED = "occupied"
    AWAY = "away"
    VACANT = "vacant"
    SECOND_EMPTY = "second_empty"
    SECOND_STAY = "second_stay"


STATES = list(State)


@dataclass(frozen=True)
class Presence:
    """Presence in one home.

    Parameters
    ----------
    home, awake
        Number of people at home, and of those awake, (days, 48).
    state
        Position in `STATES` of each day, (days,).
    waking
        Half hour at which each person gets up, (people, days).
    """

    home: npt.NDArray[np.uint8]
    awake: npt.NDArray[np.uint8]
    state: npt.NDArray[np.uint8]
    waking: npt.NDArray[np.int64]


def simulate_presence(household: Household, calendar: Calendar, rng: np.random.Generator) -> Presence:
    """Simulate who is at home.

    Each person has working hours with their own jitter, outings by day and evening, and sleep; the
    household makes trips together, goes on holiday, and small children are never alone. Vacant and
    second homes have the same people, but these live elsewhere most of the time.

    Parameters
    ----------
    household
        People, and whether they live here.
    calendar
        Days of the world, with weekends and holidays.
    rng
        Stream of the home.
    """
    away, state = _nobody_lives_here(household, calendar, rng)
    together = _joint_trips(calendar, rng)
    out = np.array([_out(person, calendar, rng) | _follows(person, together, rng) for person in household.people])
    asleep, waking = _asleep(household.people, calendar, rng)
    grown = np.array([not person.needs_company for person in household.people])
    company = (~out[grown]).any(axis=0)
    inside = ~out & ~away
    inside[~grown] &= company
    visits = _visits(away & (state == STATES.index(State.VACANT)).repeat(SLOTS), rng)
    home = inside.sum(axis=0) + visits
    awake = (inside & ~asleep).sum(axis=0) + visits
    shape = (calendar.days, SLOTS)
    return Presence(home.astype(np.uint8).reshape(shape), awake.astype(np.uint8).reshape(shape), state, waking)


def spans(start_hour: npt.ArrayLike, end_hour: npt.ArrayLike, days: int) -> BoolArray:
    """Return the half hours covered by any of some spans, given in hours since the start of the world.

    Parameters
    ----------
    start_hour, end_hour
        Begin and end of each span, in hours since the start of the world, shape (n,); one that ends first is empty.
    days
        Days of the world; what lies outside of them is cut off.
    """
    last = days * SLOTS
    first = np.clip(np.rint(np.asarray(start_hour) * 2).astype(np.int64), 0, last)
    end = np.clip(np.rint(np.asarray(end_hour) * 2).astype(np.int64), 0, last)
    steps = np.bincount(first, minlength=last + 1) - np.bincount(np.maximum(end, first), minlength=last + 1)
    return np.cumsum(steps)[:last] > 0


def _out(person: Person, calendar: Calendar, rng: np.random.Generator) -> BoolArray:
    days = calendar.days
    midnight = np.arange(days) * 24.0
    working = _works(person, calendar, rng)
    shift = np.zeros(days)
    if person.role is Role.SHIFTS:
        shift = np.array([0.0, 8.0, 15.5])[(np.arange(days) // 7 + rng.integers(0, 3)) % 3]
    leave = midnight + person.leave + shift + rng.normal(0, 0.35, days)
    back = midnight + person.back + shift + rng.normal(0, 0.6, days) + rng.exponential(0.25, days)
    starts: list[FloatArray] = [leave[working]]
    ends: list[FloatArray] = [np.maximum(back, leave + 1)[working]]
    by_day, evening, weekend = {
        Role.FULL_TIME: (0.15, 0.22, 0.9),
        Role.PART_TIME: (0.45, 0.18, 0.8),
        Role.SHIFTS: (0.4, 0.18, 0.7),
        Role.STUDENT: (0.5, 0.45, 1.0),
        Role.AT_HOME: (0.9, 0.15, 0.8),
        Role.RETIRED: (0.8, 0.12, 0.6),
        Role.PUPIL: (0.35, 0.12, 0.5),
        Role.SMALL_CHILD: (0.0, 0.0, 0.0),
    }[person.role]
    free = np.where(calendar.is_weekend, weekend, by_day) * person.sociable
    for chance, first, last, mean_hours in (
        (free, 9.5, 16.5, 1.6),
        (0.4 * free, 13.0, 18.0, 1.2),
        (np.full(days, evening * person.sociable) * np.where(calendar.weekday >= 4, 1.6, 0.9), 18.5, 20.5, 2.6),
    ):
        goes = rng.random(days) < 1 - np.exp(-chance)
        start = midnight + rng.uniform(first, last, days)
        starts.append(start[goes])
        lasts = rng.gamma(2.0, mean_hours / 2, days)
        ends.append((start + 0.4 + lasts)[goes])
    elsewhere = rng.random(days) < (0.012 if person.age >= 16 else 0.004) * person.sociable
    starts.append(midnight[elsewhere] + 19)
    ends.append(midnight[elsewhere] + 33)
    return spans(np.concatenate(starts), np.concatenate(ends), days)


def _works(person: Person, calendar: Calendar, rng: np.random.Generator) -> BoolArray:
    """Days on which the person leaves for work, school or college."""
    days = calendar.days
    if person.role in {Role.AT_HOME, Role.RETIRED, Role.SMALL_CHILD}:
        nursery = person.role is Role.SMALL_CHILD and rng.random() < 0.4
        return ~calendar.is_weekend & ~calendar.is_public_holiday if nursery else np.zeros(days, dtype=bool)
    ordinary = ~calendar.is_weekend & ~calendar.is_public_holiday
    if person.role is Role.SHIFTS:
        rota = (np.arange(days) + rng.integers(0, 6)) % 6 < 4
        return rota & (rng.random(days) > 0.05)
    if person.role is Role.PART_TIME:
        chosen = rng.permutation(5)[: rng.integers(2, 5)]
        ordinary &= np.isin(calendar.weekday, chosen)
    if person.role in {Role.PUPIL, Role.STUDENT}:
        ordinary &= ~calendar.is_school_holiday
    off = rng.random(days) < (0.07 if person.role is Role.FULL_TIME else 0.04)
    return ordinary & ~off & (rng.random(days) >= person.works_at_home)


def _joint_trips(calendar: Calendar, rng: np.random.Generator) -> BoolArray:
    days = calendar.days
    chance = np.where(calendar.is_weekend, 0.45, 0.05)
    goes = rng.random(days) < chance
    start = np.arange(days) * 24 + rng.uniform(9.5, 15.5, days)
    return spans(start[goes], (start + 1 + rng.gamma(2.0, 1.4, days))[goes], days)


def _follows(person: Person, trips: BoolArray, rng: np.random.Generator) -> BoolArray:
    if person.needs_company:
        return trips
    days = len(trips) // SLOTS
    return trips & (rng.random(days) < 0.85).repeat(SLOTS)


def _asleep(
    people: tuple[Person, ...], calendar: Calendar, rng: np.random.Generator
) -> tuple[BoolArray, npt.NDArray[np.int64]]:
    days = calendar.days
    midnight = np.arange(days) * 24.0
    free = calendar.is_weekend
    asleep, waking = [], []
    for person in people:
        wake = person.wake + np.where(free, abs(rng.normal(0.9, 0.5, days)), 0) + rng.normal(0, 0.3, days)
        bed = person.bed + np.where(calendar.weekday >= 4, 0.5, 0) + rng.normal(0, 0.45, days)
        # A night begins on the evening before the first day.
        to_bed = np.concatenate([[person.bed - 24], midnight + bed])
        up = np.concatenate([midnight + wake, [days * 24.0 + person.wake]])
        asleep.append(spans(np.minimum(to_bed, up - 0.5), up, days))
        waking.append(np.clip(np.rint(wake * 2).astype(np.int64), 0, SLOTS - 1))
    return np.array(asleep), np.array(waking)


def _nobody_lives_here(
    household: Household, calendar: Calendar, rng: np.random.Generator
) -> tuple[BoolArray, npt.NDArray[np.uint8]]:
    """Return the half hours in which the whole household is elsewhere, and the state of each day."""
    days = calendar.days
    state = np.full(days, STATES.index(State.OCCUPIED), dtype=np.uint8)
    vacancy = household.empty
    if vacancy is None and household.kind is Kind.VACANT:
        length = max(min(VACANCY_DAYS, days), int(days * rng.choice([1.0, rng.uniform(0.2, 0.9)], p=[0.45, 0.55])))
        first = int(rng.integers(0, days - length + 1))
        vacancy = np.isin(np.arange(days), np.arange(first, first + length))
    if vacancy is not None and vacancy.any():
        state[vacancy] = STATES.index(State.VACANT)
        return vacancy.repeat(SLOTS), state
    if household.kind is Kind.SECOND:
        stays = _stays(calendar, rng)
        here = spans([start for start, _ in stays], [end for _, end in stays], days)
        state[:] = STATES.index(State.SECOND_EMPTY)
        state[here.reshape(days, SLOTS).any(axis=1)] = STATES.index(State.SECOND_STAY)
        return ~here, state
    holidays = _holidays(calendar, rng)
    away = spans([start for start, _ in holidays], [end for _, end in holidays], days)
    state[away.reshape(days, SLOTS).all(axis=1)] = STATES.index(State.AWAY)
    return away, state


def _holidays(calendar: Calendar, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Holidays and weekends away, in hours since the start."""
    days = calendar.days
    appeal = np.where(calendar.is_school_holiday, 3.0, 1.0)
    found = []
    for _ in range(rng.poisson(1.4 * days / 365)):
        first = int(rng.choice(days, p=appeal / appeal.sum()))
        length = int(rng.choice([4, 7, 10, 14, 21], p=[0.2, 0.35, 0.15, 0.22, 0.08]))
        found.append((first * 24 + rng.uniform(5, 15), (first + length) * 24 + rng.uniform(11, 22)))
    fridays = np.flatnonzero(calendar.weekday == 4)
    for friday in fridays[rng.random(len(fridays)) < rng.beta(1.2, 14)]:
        found.append((friday * 24 + rng.uniform(15, 20), (friday + 2) * 24 + rng.uniform(14, 21)))
    return found


def _stays(calendar: Calendar, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Short stays in a second home: some weekends, and a longer one in the school holidays."""
    days = calendar.days
    fridays = np.flatnonzero(calendar.weekday == 4)
    often = rng.uniform(0.12, 0.5)
    found = [
        (friday * 24 + rng.uniform(16, 21), (friday + 2) * 24 + rng.uniform(13, 20))
        for friday in fridays[rng.random(len(fridays)) < often]
    ]
    chance = np.where(calendar.is_school_holiday, 0.035, 0.002)
    for first in np.flatnonzero(rng.random(days) < chance):
        found.append((first * 24 + rng.uniform(11, 18), (first + rng.integers(4, 15)) * 24 + rng.uniform(9, 15)))
    return found


def _visits(vacant: BoolArray, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Agents and workmen who come to a vacant home by day, about once in three weeks."""
    days = len(vacant) // SLOTS
    comes = rng.random(days) < 0.045
    start = np.arange(days) * 24 + rng.uniform(9, 15, days)
    inside = spans(start[comes], (start + rng.uniform(0.5, 3, days))[comes], days)
    return (inside & vacant).astype(np.int64)
