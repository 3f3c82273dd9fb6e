"""Who goes about together: people who live with each other, and people with two phones.

Without it every phone has days of its own, also where people live together. All draws are from streams of their own, so
that a world without company is the same as ever.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from ons_assets.simulate.country.land import FloatArray, IntArray
from ons_assets.simulate.mobile.people import CHILD, People, Phones
from ons_assets.simulate.prices.seeds import generator

NOWHERE = 99.0
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Days:
    """Where some phones, or people, are on one day; hours of the local clock, `NOWHERE` for never."""

    out: FloatArray
    back: FloatArray
    site: IntArray
    trip_start: FloatArray
    trip_end: FloatArray
    trip: IntArray
    until: FloatArray
    since: FloatArray

    def of(self, rows: IntArray) -> "Days":
        """Return the days of some rows, in their order."""
        return Days(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


@dataclass(frozen=True)
class Company:
    """How often people go about together.

    Parameters
    ----------
    left_at_home
        Share of second phones that never leave the home; the others are carried with the first.
    together
        Share of the trips of the one that the other goes on, too, of two adults who live together.
    """

    left_at_home: float = 0.3
    together: float = 0.4


@dataclass(frozen=True)
class Companions:
    """Who goes about with whom, and which phones stay at home.

    Parameters
    ----------
    partner : array of int, shape (people,)
        Number of another adult of the household; -1 for nobody.
    stays_home : array of bool, shape (phones,)
        Whether a phone never leaves the home.
    company
        How often people go about together.
    seed
        Seed of the world.
    """

    partner: IntArray
    stays_home: BoolArray
    company: Company
    seed: int

    def days_together(self, days: Days, day: int) -> Days:
        """Let some people go on the trips of those with whom they live.

        Parameters
        ----------
        days
            Of all people.
        day
            From 0.
        """
        random = generator(self.seed, "trips together", day)
        goes = random.random(len(self.partner)) < self.company.together
        follows = np.flatnonzero((self.partner >= 0) & (self.partner < np.arange(len(self.partner))))
        leads = self.partner[follows]
        starts, ends = days.trip_start[leads], days.trip_end[leads]
        # Who is at work at that hour, or comes from a night of it, does not go.
        free = (ends <= days.out[follows]) | (starts >= days.back[follows])
        free &= (starts < NOWHERE) & (days.until[follows] <= starts) & (days.since[follows] >= ends)
        joins = free & goes[follows]
        row, other = follows[joins], leads[joins]
        trip_start, trip_end, trip = days.trip_start.copy(), days.trip_end.copy(), days.trip.copy()
        trip_start[row], trip_end[row], trip[row] = days.trip_start[other], days.trip_end[other], days.trip[other]
        return replace(days, trip_start=trip_start, trip_end=trip_end, trip=trip)

    def days_of_phones(self, days: Days, phone: IntArray, person: IntArray) -> Days:
        """Return the days of phones: those of their holders, but for phones that stay at home.

        Parameters
        ----------
        days
            Of all people.
        phone, person : array of int, shape (n,)
            Number of each phone, and of its holder.
        """
        carried, stays = days.of(person), self.stays_home[phone]
        return replace(
            carried,
            out=np.where(stays, NOWHERE, carried.out),
            back=np.where(stays, NOWHERE, carried.back),
            trip_start=np.where(stays, NOWHERE, carried.trip_start),
            trip_end=np.where(stays, NOWHERE, carried.trip_end),
            until=np.where(stays, 0.0, carried.until),
            since=np.where(stays, NOWHERE, carried.since),
        )


def companions(people: People, phones: Phones, company: Company, seed: int) -> Companions:
    """Let the adults of a household go about two by two, and leave some second phones at home.

    Parameters
    ----------
    people
        Everybody.
    phones
        All phones in use.
    company
        How often.
    seed
        Seed of the world.
    """
    adult = np.flatnonzero(people.activity != CHILD)
    adult = adult[np.argsort(people.household[adult], kind="stable")]
    whose = people.household[adult]
    place = np.arange(len(adult)) - np.searchsorted(whose, whose)
    pairs = np.flatnonzero((place[:-1] % 2 == 0) & (whose[:-1] == whose[1:]))
    first, second = adult[pairs], adult[pairs + 1]
    partner = np.full(len(people.home), -1, dtype=np.int64)
    partner[first], partner[second] = second, first
    random = generator(seed, "company")
    stays_home = phones.is_second & (random.random(len(phones.person)) < company.left_at_home)
    return Companions(partner, stays_home, company, seed)
