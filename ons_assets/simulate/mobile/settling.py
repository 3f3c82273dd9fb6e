"""The people of a country on one day, as those who may have phones."""

from datetime import timedelta

import numpy as np
import polars as pl

from ons_assets.simulate.country import Country as WholeCountry
from ons_assets.simulate.country.households import ACTIVITIES
from ons_assets.simulate.land import disc
from ons_assets.simulate.mobile.country import Country, IntArray, finished
from ons_assets.simulate.mobile.people import AGES_FROM, CHILD, NONE, STUDENT, People, days_at_work
from ons_assets.simulate.mobile.scales import Scale
from ons_assets.simulate.prices.seeds import generator

SCHOOL = 0.3


def wards_of(country: WholeCountry) -> Country:
    """Return the middle areas of a country as wards, in its districts.

    Parameters
    ----------
    country
        With its land.
    """
    land = country.land
    people = int(land.districts["population"].sum())
    wards = land.msoas.rename({"msoa": "ward"}).with_columns(population=pl.col("population") * people)
    return finished(wards, land.districts.select("district", "former_code", "name"))


def people_of(country: WholeCountry, wards: Country, size: Scale, seed: int) -> People:
    """Return everybody of a country, by number, where they live and work on the first day that is observed.

    Parameters
    ----------
    country
        Which lives through the days of the scale.
    wards
        Those of the country.
    size
        First day and days.
    seed
        Seed of the world of phones, which says on which days people work.

    Raises
    ------
    ValueError
        If the country does not live through the days of the scale.
    """
    day = (size.first_day - country.scale.first_day).days
    if day < 0 or day + size.days > country.scale.days:
        last = size.first_day + timedelta(size.days - 1)
        raise ValueError(f"the country does not live through all days from {size.first_day} to {last}")
    random = generator(seed, "people")
    at = country.addresses.select("easting_m", "northing_m").to_numpy()
    numbers = {code: number for number, code in enumerate(wards.wards["ward"])}
    ward = country.addresses["msoa"].replace_strict(numbers, return_dtype=pl.Int64()).to_numpy()
    home, job = (rows["address"].to_numpy() for rows in (country.homes_on(day), country.jobs_on(day)))
    activity = country.people["activity"].replace_strict(ACTIVITIES, range(len(ACTIVITIES)), return_dtype=pl.Int64())
    # Out of term students do as those who have no work.
    doing = np.where((activity.to_numpy() == STUDENT) & (job < 0), NONE, activity.to_numpy())
    age: IntArray = np.searchsorted(AGES_FROM, country.people["age"].to_numpy(), side="right")
    work, work_at = np.where(job >= 0, ward[job], -1), at[job]
    child = np.flatnonzero(doing == CHILD)
    work[child] = ward[home[child]]
    near = disc(random, len(child), SCHOOL) * wards.radius_m[work[child], None]
    work_at[child] = wards.centre[work[child]] + near
    return People(ward[home], work, at[home], work_at, age, doing, days_at_work(random, doing, size))
