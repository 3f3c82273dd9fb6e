"""Homes with a meter in a country: a sample of its dwellings, with who lives there, or nobody."""

import math
from dataclasses import replace

import numpy as np
import polars as pl

from ons_assets.simulate.country import Country, make_country
from ons_assets.simulate.country import Scale as CountryScale
from ons_assets.simulate.country.addresses import SECOND
from ons_assets.simulate.country.truth import occupied, spells_of
from ons_assets.simulate.meters.home import Settled
from ons_assets.simulate.meters.households import Kind, Role, draw_household, household_of
from ons_assets.simulate.meters.presence import VACANCY_DAYS
from ons_assets.simulate.meters.scales import Scale, scale_of
from ons_assets.simulate.prices.seeds import generator

ROLES = {
    "full_week": Role.FULL_TIME,
    "hybrid": Role.FULL_TIME,
    "several_sites": Role.FULL_TIME,
    "part_week": Role.PART_TIME,
    "night_shift": Role.SHIFTS,
    "home_worker": Role.AT_HOME,
    "none": Role.AT_HOME,
    "student": Role.STUDENT,
    "child": Role.PUPIL,
}
RETIRED_FROM, SCHOOL_FROM = 60, 4
# So that each district has dwellings enough for its part of the meters.
PEOPLE_A_HOME, LEAST_PEOPLE = 4, 4_000


def country_of(scale: str | Scale, seed: int) -> Country:
    """Make the country of those who have a meter at a scale.

    Parameters
    ----------
    scale
        Name of a scale, or a `Scale`: homes, first day and days.
    seed
        The same seed gives the same country.
    """
    size = scale_of(scale)
    people = max(LEAST_PEOPLE, PEOPLE_A_HOME * size.homes)
    return make_country(CountryScale(size.name, people, size.start, size.days), seed)


class MeteredDwellings:
    """As many dwellings of each district as an area has homes, chosen by chance, with their households.

    The last district has what remains, and where the country has too few districts each has more.

    A home is vacant on the days on which nobody lives in the dwelling. Its people are those who live there on the day
    in the middle of all days, or on the one nearest to it on which somebody does.

    Parameters
    ----------
    country
        Which lives through the days of the scale.
    scale
        Homes, those of an area, and days.
    seed
        Seed of the trial.

    Raises
    ------
    ValueError
        If the country does not live through the days of the scale, or has too few dwellings.
    """

    def __init__(self, country: Country, scale: Scale, seed: int) -> None:
        first = (scale.start - country.scale.first_day).days
        if first < 0 or first + scale.days > country.scale.days:
            raise ValueError(f"the country does not live through all of the {scale.days} days from {scale.start}")
        self._first, self._days = first, scale.days
        random = generator(seed, "metered dwellings")
        shuffled = country.dwellings[random.permutation(len(country.dwellings))]
        ranked = shuffled.with_columns(place=pl.int_range(pl.len()).over("district"))
        in_each = max(scale.homes_per_area, math.ceil(scale.homes / ranked["district"].n_unique()))
        metered = ranked.filter(pl.col("place") < in_each).sort("district", "place").head(scale.homes)
        if len(metered) < scale.homes:
            raise ValueError(f"the districts of the country have no {scale.homes} dwellings, {in_each} in each")
        self.dwellings = metered.sort("place", "district")
        self._spells = spells_of(country).join(self.dwellings.select(home="address"), on="home", how="semi")
        self._people = country.people.select("person", "age", "activity")
        self._types = dict(country.lives.households.select("household", "household_type").iter_rows())

    def __call__(self, number: int, rng: np.random.Generator) -> Settled:
        """Return where a home is, and who lives there.

        Parameters
        ----------
        number
            Of the home.
        rng
            Its stream.
        """
        dwelling = self.dwellings.row(number, named=True)
        where = {"area": dwelling["district"], "uprn": dwelling["uprn"]}
        if dwelling["use"] == SECOND:
            return Settled(household=draw_household(rng, second_share=1.0, vacant_share=0.0), **where)
        spells = self._spells.filter(home=dwelling["address"])
        empty = np.ones(self._days, dtype=bool)
        for since, until in occupied(spells).select("since", "until").iter_rows():
            empty[max(since - self._first, 0) : max(until - self._first, 0)] = False
        if empty.all():
            vacant = replace(draw_household(rng, second_share=0.0, vacant_share=1.0), empty=empty)
            return Settled(household=vacant, **where)
        middle = self._days // 2
        lived_on = np.flatnonzero(~empty)
        day = self._first + int(lived_on[np.abs(lived_on - middle).argmin()])
        living = spells.filter((pl.col("since") <= day) & (day < pl.col("until"))).join(self._people, on="person")
        kind = Kind.VACANT if empty.sum() >= min(VACANCY_DAYS, self._days) else Kind.MAIN
        lived = living.sort("person").select("age", "activity")
        people = [(_role(age, activity), age) for age, activity in lived.iter_rows()]
        household_type = self._types[living["household"][0]]
        return Settled(household=household_of(rng, kind, household_type, people, empty), **where)


def _role(age: int, activity: str) -> Role:
    if activity == "none" and age >= RETIRED_FROM:
        return Role.RETIRED
    return Role.SMALL_CHILD if age < SCHOOL_FROM else ROLES[activity]
