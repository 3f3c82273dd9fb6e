"""What the networks see of people who travel."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.simulate.country.land import FloatArray, IntArray
from ons_assets.simulate.land import disc
from ons_assets.simulate.mobile import files
from ons_assets.simulate.mobile.events import ACTIVE_HOURS, HOUR_S, HOURS, Events, Operator
from ons_assets.simulate.mobile.network import Network, Serving, serving_cells
from ons_assets.simulate.mobile.people import OPERATORS, People, Phones
from ons_assets.simulate.mobile.scales import Scale
from ons_assets.simulate.mobile.travel import (
    DAY_H,
    DOMESTIC,
    EXCURSION,
    HOME_MCC,
    HOME_MNC,
    NETWORKS,
    NO_TRIP,
    OUTBOUND,
    SILENT_H,
    TRAVEL_KMH,
    Journeys,
    Visitors,
    true_nights,
    true_trips,
    visitor_names,
)
from ons_assets.simulate.mobile.wards import Wards
from ons_assets.simulate.prices.seeds import generator

NO_CELL = -1
EXCURSION_HOURS = (10.5, 17.5)


@dataclass(frozen=True)
class Sighted:
    """Events of people who are away, on one day.

    Parameters
    ----------
    row : array of int, shape (n,)
        Number of the phone among those of its table.
    hour : array of float64, shape (n,)
        Of the local day.
    cell : array of int32, shape (n,)
        `NO_CELL` abroad.
    active : array of bool, shape (n,)
    """

    row: IntArray
    hour: FloatArray
    cell: npt.NDArray[np.int32]
    active: npt.NDArray[np.bool_]


class Travellers:
    """Trips of the residents with phones of one operator, and the visitors on its network.

    Parameters
    ----------
    operator
        Its residents.
    journeys
        Trips of all residents, by person.
    visitors
        All visitors.
    people, phones, wards, network, size, seed
        Of the world.
    """

    def __init__(
        self,
        operator: Operator,
        journeys: Journeys,
        visitors: Visitors,
        people: People,
        phones: Phones,
        wards: Wards,
        network: Network,
        size: Scale,
        seed: int,
    ) -> None:
        self._wards, self._network, self._size, self._seed = wards, network, size, seed
        self.operator, self.journeys, self.visitors = operator, journeys, visitors
        self.on_network = np.flatnonzero(visitors.operator == OPERATORS.index(operator.name))
        self._home_at, self._rate = people.home_at[operator.person], phones.rate[operator.phone]
        random = generator(seed, "lodgings", operator.name)
        self._lodgings = {
            "home": self._serving(journeys, operator.person, random),
            "visitors": self._serving(visitors.journeys, self.on_network, random),
        }
        shared = generator(seed, "sights")
        self._sights_at = wards.centre + disc(shared, wards.n, 1.0) * wards.radius_m[:, None] * 0.7
        self._sights = serving_cells(network, self._sights_at, random)

    def _serving(self, journeys: Journeys, rows: IntArray, random: np.random.Generator) -> tuple[Serving, Serving]:
        return (
            serving_cells(self._network, journeys.at[rows], random),
            serving_cells(self._network, journeys.second_at[rows], random),
        )

    def is_away(self, row: IntArray, hour: FloatArray) -> npt.NDArray[np.bool_]:
        """Return whether phones of residents are on a trip.

        Parameters
        ----------
        row
            Number among the phones of the operator, shape (n,).
        hour
            Since the first day began, shape (n,).
        """
        trip = self.operator.person[row]
        on_trip = (hour >= self.journeys.start_h[trip]) & (hour < self.journeys.end_h[trip])
        away: npt.NDArray[np.bool_] = on_trip & (self.journeys.kind[trip] != NO_TRIP)
        return away

    def at_home(self, events: Events, day: int) -> Events:
        """Return the events of a day without those of phones that are away."""
        row = np.searchsorted(self.operator.phone, events.phone)
        kept = ~self.is_away(row, day * DAY_H + events.second / HOUR_S)
        return Events(events.phone[kept], events.second[kept], events.cell[kept], events.active[kept])

    def moved(self, wards: IntArray, day: int) -> IntArray:
        """Return where phones truly are in the middle of each hour, -1 abroad.

        Parameters
        ----------
        wards
            As if nobody travelled, shape (24, phones).
        day
            From 0.
        """
        made, row = wards.copy(), np.arange(wards.shape[1])
        for hour in range(HOURS):
            at = np.full(len(row), day * DAY_H + hour + 0.5)
            away = self.is_away(row, at)
            made[hour, away] = self.journeys.ward_at(self.operator.person[row], at)[away]
        return made

    def table(self, day: int, date_: date, devices: pl.Series, cell_ids: pl.Series) -> pl.DataFrame:
        """Return the events of a day of residents who are away and of visitors: text, as operators write them.

        Parameters
        ----------
        day, date_
            Number of the day, from 0, and its date.
        devices
            Names of the phones of residents.
        cell_ids
            Names of the cells.
        """
        trip = self.operator.person
        residents = self._sighted("home", self.journeys, trip, self._rate, self._home_at, day)
        country = self.journeys.country[trip[residents.row]]
        own = self._written(residents, date_, devices.gather(self.operator.phone), cell_ids).with_columns(
            mcc=pl.lit(HOME_MCC),
            mnc=pl.lit(HOME_MNC),
            plmn=pl.Series([*NETWORKS, None]).gather(country % (len(NETWORKS) + 1)),
        )
        rows = self.on_network
        seen = self._sighted("visitors", self.visitors.journeys, rows, self.visitors.rate[rows], None, day)
        network = pl.Series(NETWORKS).gather(self.visitors.journeys.country[rows[seen.row]])
        guests = self._written(seen, date_, visitor_names(self.visitors).gather(rows), cell_ids).with_columns(
            mcc=network.str.head(3), mnc=network.str.slice(3), plmn=pl.lit(None, dtype=pl.String())
        )
        return pl.concat([own, guests.select(own.columns)])

    def _written(self, seen: Sighted, day: date, devices: pl.Series, cell_ids: pl.Series) -> pl.DataFrame:
        named = pl.Series([*cell_ids, None], dtype=pl.String())
        cell = np.where(seen.cell == NO_CELL, len(cell_ids), seen.cell).astype(np.int32)
        events = Events(seen.row, np.floor(seen.hour * HOUR_S), cell, seen.active)
        return files.event_table(events, self.operator.name, day, devices, named)

    def _sighted(
        self, who: str, journeys: Journeys, trip: IntArray, rate: FloatArray, home_at: FloatArray | None, day: int
    ) -> Sighted:
        random = generator(self._seed, "away", self.operator.name, who, day)
        n_active = random.poisson(rate * self._size.active_per_day)
        n_passive = random.poisson(self._size.passive_per_day, len(trip))
        row = np.concatenate([np.repeat(np.arange(len(trip)), n) for n in (n_active, n_passive)])
        active = np.arange(len(row)) < n_active.sum()
        weights = np.cumsum(ACTIVE_HOURS) / ACTIVE_HOURS.sum()
        hour = np.where(
            active,
            np.searchsorted(weights, random.random(len(row))) + random.random(len(row)),
            random.random(len(row)) * 24,
        )
        sight = self._wards.draw(random, self._wards.errands, np.maximum(self._lodging_ward(journeys, trip, day), 0))
        goes = random.random(len(trip)) < EXCURSION
        of, at = trip[row], day * DAY_H + hour
        margin = np.where(journeys.kind[of] == OUTBOUND, SILENT_H, 0.0)
        on_trip = (at >= journeys.start_h[of] + margin) & (at < journeys.end_h[of] - margin)
        kept = on_trip & (journeys.kind[of] != NO_TRIP)
        row, active, hour, of, at = row[kept], active[kept], hour[kept], of[kept], at[kept]
        draw = random.random(len(row))
        first, second = self._lodgings[who]
        cell = np.where(at < journeys.half_h[of], first.choose(row, draw), second.choose(row, draw))
        by_day = goes[row] & (hour >= EXCURSION_HOURS[0]) & (hour < EXCURSION_HOURS[1])
        cell[by_day] = self._sights.choose(sight[row[by_day]], draw[by_day])
        if home_at is not None:
            cell = self._on_the_way(cell, journeys, row, of, at, home_at)
        cell = np.where(journeys.kind[of] == OUTBOUND, NO_CELL, cell).astype(np.int32)
        order = np.argsort(hour, kind="stable")
        return Sighted(row[order], hour[order], cell[order], active[order])

    def _lodging_ward(self, journeys: Journeys, trip: IntArray, day: int) -> IntArray:
        return journeys.ward_at(trip, np.full(len(trip), day * DAY_H + 14))

    def _on_the_way(
        self,
        cell: npt.NDArray[np.int32],
        journeys: Journeys,
        row: IntArray,
        of: IntArray,
        at: FloatArray,
        home_at: FloatArray,
    ) -> npt.NDArray[np.int32]:
        """Put those who travel within the country where they are on the way there and back."""
        there = journeys.at[of]
        lasts = np.hypot(*(there - home_at[row]).T) / 1_000 / TRAVEL_KMH
        part = np.minimum(np.minimum((at - journeys.start_h[of]) / lasts, (journeys.end_h[of] - at) / lasts), 1.0)
        moving = (journeys.kind[of] == DOMESTIC) & (part < 1)
        position = home_at[row] * (1 - part[:, None]) + there * part[:, None]
        cell = cell.copy()
        if moving.any():
            cell[moving] = self._network.tree.query(position[moving])[1].astype(np.int32)
        return cell

    def truth(self, devices: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the true trips, and the true nights, of the residents and visitors of the operator.

        Parameters
        ----------
        devices
            Names of the phones of residents.
        """
        of = (
            (self.journeys, self.operator.person, devices.gather(self.operator.phone)),
            (self.visitors.journeys, self.on_network, visitor_names(self.visitors).gather(self.on_network)),
        )
        name, size = self.operator.name, self._size
        trips = pl.concat([true_trips(*each, name, size) for each in of])
        nights = pl.concat([true_nights(*each, name, self._wards, size) for each in of])
        return trips, nights
