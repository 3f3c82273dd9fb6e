"""What phones do: days of their holders, and the events that a network sees of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ons_assets.simulate.country.land import FloatArray, IntArray
from ons_assets.simulate.land import disc
from ons_assets.simulate.mobile.company import NOWHERE, Companions, Days
from ons_assets.simulate.mobile.network import Network, Serving, serving_cells
from ons_assets.simulate.mobile.people import CHILD, NIGHT, OPERATORS, SITES, STUDENT, People, Phones
from ons_assets.simulate.mobile.scales import Scale
from ons_assets.simulate.mobile.wards import Wards
from ons_assets.simulate.prices.seeds import generator

HOUR_S, HOURS = 3_600, 24
PLACES_A_WARD = 3
SITES_A_WORKER = 5
# When people use their phones, by hour of the local clock.
ACTIVE_HOURS = np.array([2, 1, 1, 1, 1, 2, 5, 9, 11, 10, 10, 11, 12, 11, 10, 11, 13, 15, 15, 13, 12, 10, 7, 4.0])
COMMUTE_KMH = 35.0


@dataclass(frozen=True)
class Events:
    """Events of one day of an operator, sorted by time.

    Parameters
    ----------
    phone : array of int, shape (n,)
        Number of the phone.
    second : array of float64, shape (n,)
        Of the local day.
    cell : array of int32, shape (n,)
    active : array of bool, shape (n,)
        Whether the holder did something.
    """

    phone: IntArray
    second: FloatArray
    cell: npt.NDArray[np.int32]
    active: npt.NDArray[np.bool_]


class Operator:
    """The phones of one operator, and the cells that serve their places.

    Parameters
    ----------
    name
        In `OPERATORS`.
    companions
        Who goes about with whom; None if every phone has days of its own.
    """

    def __init__(
        self,
        name: str,
        people: People,
        phones: Phones,
        wards: Wards,
        network: Network,
        size: Scale,
        seed: int,
        companions: Companions | None = None,
    ) -> None:
        self._companions = companions
        self._people, self._wards, self._network, self._size, self._seed = people, wards, network, size, seed
        self.name = name
        self.phone = np.flatnonzero(phones.operator == OPERATORS.index(name))
        self.person = phones.person[self.phone]
        self._rate, self._sleeps = phones.rate[self.phone], phones.sleeps[self.phone]
        random = generator(seed, "serving", name)
        if companions is None:
            self._home: Serving = serving_cells(network, people.home_at[self.person], random)
            self._work: Serving = serving_cells(network, people.work_at[self.person], random)
        else:
            # What stands in the way is of a place, and the same for all phones there.
            of_places = generator(seed, "serving of places", name)
            at_home = serving_cells(network, people.home_at, of_places)
            _, somebody, household = np.unique(people.household, return_index=True, return_inverse=True)
            self._home = at_home.of(somebody[household[self.person]])
            self._work = serving_cells(network, people.work_at, of_places).of(self.person)
        shared = generator(seed, "places")
        ward = np.repeat(np.arange(wards.n), PLACES_A_WARD)
        self._public_at = wards.centre[ward] + disc(shared, len(ward), 1.0) * wards.radius_m[ward, None] * 0.7
        self._public: Serving = serving_cells(network, self._public_at, random)
        sites = generator(seed, "sites")
        drawn = [wards.draw(sites, wards.land.workplaces, people.home) for _ in range(SITES_A_WORKER)]
        self._sites = np.stack(drawn, axis=1) * PLACES_A_WARD

    def events(self, day: int, silent_masts: IntArray) -> Events:
        """Return the events of a day.

        Parameters
        ----------
        day
            From 0.
        silent_masts
            Masts that are out of order: their events are lost.
        """
        random = generator(self._seed, "events", self.name, day)
        days = self._days(random, day)
        n_active = random.poisson(self._rate * self._size.active_per_day)
        n_passive = random.poisson(self._size.passive_per_day, len(self.phone))
        row = np.concatenate([np.repeat(np.arange(len(self.phone)), n) for n in (n_active, n_passive)])
        active = np.arange(len(row)) < n_active.sum()
        hour = random.random(len(row)) * 24
        weights = np.cumsum(ACTIVE_HOURS) / ACTIVE_HOURS.sum()
        busy = np.searchsorted(weights, random.random(int(n_active.sum())))
        hour[: len(busy)] = busy + random.random(len(busy))
        off = self._sleeps[row] & ((hour < 6.5) | (hour >= 23.5))
        row, hour, active = row[~off], hour[~off], active[~off]
        cell = self._cells(random, days, row, hour)
        kept = ~np.isin(self._network.table["mast"].to_numpy()[cell], silent_masts)
        row, hour, active, cell = row[kept], hour[kept], active[kept], cell[kept]
        order = np.argsort(hour, kind="stable")
        return Events(self.phone[row[order]], np.floor(hour[order] * HOUR_S), cell[order], active[order])

    def _days(self, random: np.random.Generator, day: int) -> Days:
        if self._companions is None:
            return self._drawn(random, self.person, day)
        everybody = np.arange(len(self._people.home))
        drawn = self._drawn(generator(self._seed, "days of people", day), everybody, day)
        return self._companions.days_of_phones(self._companions.days_together(drawn, day), self.phone, self.person)

    def _drawn(self, random: np.random.Generator, person: IntArray, day: int) -> Days:
        people = self._people
        activity, n = people.activity[person], len(person)
        works = people.works_on[person, day]
        is_night = activity == NIGHT
        by_day = works & ~is_night
        learns = np.isin(activity, (STUDENT, CHILD))
        start = np.where(learns, random.normal(8.8, 0.3, n), random.normal(8.5, 0.9, n))
        length = np.where(learns, random.normal(6.5, 0.8, n), random.normal(8.4, 0.8, n))
        begun = people.works_on[person, day - 1] if day else works
        site = np.where(activity == SITES, self._sites[person, random.integers(0, SITES_A_WORKER, n)], -1)
        goes = random.random(n) < (0.65 if self._size.is_free(day) else 0.35)
        free = np.where(by_day, random.uniform(18.2, 20.5, n), random.uniform(9.5, 17, n))
        goes &= ~(is_night & (begun | works))
        errand = self._wards.draw(random, self._wards.errands, people.home[person]) * PLACES_A_WARD
        return Days(
            out=np.where(by_day, start, NOWHERE),
            back=np.where(by_day, start + np.maximum(length, 1.0), NOWHERE),
            site=site,
            trip_start=np.where(goes, free, NOWHERE),
            trip_end=np.where(goes, free + random.uniform(0.7, 3.0, n), NOWHERE),
            trip=errand + random.integers(0, PLACES_A_WARD, n),
            until=np.where(is_night & begun, random.normal(6.3, 0.3, n), 0.0),
            since=np.where(is_night & works, random.normal(21.8, 0.3, n), NOWHERE),
        )

    def wards(self, day: int) -> IntArray:
        """Return the ward in which each phone of the operator truly is in the middle of each hour of a day.

        Parameters
        ----------
        day
            From 0.

        Returns
        -------
        array of int, shape (24, phones)
            On the way between home and work it is that of the nearest centre.
        """
        days = self._days(generator(self._seed, "events", self.name, day), day)
        row = np.arange(len(self.phone))
        centres = cKDTree(self._wards.centre)
        wards = np.empty((HOURS, len(row)), dtype=np.int64)
        for hour in range(HOURS):
            at = np.full(len(row), hour + 0.5)
            where = self._whereabouts(days, row, at)
            ward = self._people.home[self.person].copy()
            ward[where.at_work] = self._people.work[self.person][where.at_work]
            ward[where.at_site] = days.site[where.at_site] // PLACES_A_WARD
            ward[where.on_trip] = days.trip[where.on_trip] // PLACES_A_WARD
            moving, position = self._on_the_way(days, row, at, where)
            ward[moving] = centres.query(position)[1]
            wards[hour] = ward
        return wards

    def _whereabouts(self, days: Days, row: IntArray, hour: FloatArray) -> "Whereabouts":
        away = (hour >= days.out[row]) & (hour < days.back[row])
        at_site = away & (days.site[row] >= 0)
        at_work = (away & ~at_site) | (hour < days.until[row]) | (hour >= days.since[row])
        on_trip = ~away & ~at_work & (hour >= days.trip_start[row]) & (hour < days.trip_end[row])
        return Whereabouts(at_work, at_site, on_trip, away & ~at_site)

    def _cells(self, random: np.random.Generator, days: Days, row: IntArray, hour: FloatArray) -> npt.NDArray[np.int32]:
        draw = random.random(len(row))
        cell = self._home.choose(row, draw)
        where = self._whereabouts(days, row, hour)
        at_work, at_site, on_trip = where.at_work, where.at_site, where.on_trip
        cell[at_work] = self._work.choose(row[at_work], draw[at_work])
        cell[at_site] = self._public.choose(days.site[row[at_site]], draw[at_site])
        cell[on_trip] = self._public.choose(days.trip[row[on_trip]], draw[on_trip])
        moving, at = self._on_the_way(days, row, hour, where)
        if len(at):
            cell[moving] = self._network.tree.query(at)[1].astype(np.int32)
        return cell

    def _on_the_way(
        self, days: Days, row: IntArray, hour: FloatArray, where: "Whereabouts"
    ) -> tuple[npt.NDArray[np.bool_], FloatArray]:
        """Who is on the way, just before and after a day of work, and where."""
        home, work = self._people.home_at[self.person[row]], self._people.work_at[self.person[row]]
        hours = np.hypot(*(home - work).T) / 1_000 / COMMUTE_KMH
        there = (days.out[row] - hour) / np.maximum(hours, 1e-6)
        again = (hour - days.back[row]) / np.maximum(hours, 1e-6)
        towards_home = np.where((there > 0) & (there < 1), there, np.where((again > 0) & (again < 1), again, np.nan))
        moving = (
            np.isfinite(towards_home)
            & ~where.by_day
            & (days.site[row] < 0)
            & (self._people.work[self.person[row]] >= 0)
        )
        part = towards_home[moving, None]
        return moving, work[moving] * (1 - part) + home[moving] * part


@dataclass(frozen=True)
class Whereabouts:
    """Who is where at some time, as arrays of bool, shape (n,); all others are at home or on the way.

    Parameters
    ----------
    at_work, at_site, on_trip
        At the place of work, at one of several, or for shopping and visits.
    by_day
        At the place of work by day.
    """

    at_work: npt.NDArray[np.bool_]
    at_site: npt.NDArray[np.bool_]
    on_trip: npt.NDArray[np.bool_]
    by_day: npt.NDArray[np.bool_]
