"""The people of a country as those who may tweet: all of 16 and over, through all of its days."""

import numpy as np
import polars as pl

from ons_assets.simulate.country import Country
from ons_assets.simulate.country.households import WORKING
from ons_assets.simulate.country.office import AGES, YOUNGEST, registered_on
from ons_assets.simulate.tweets.people import AT_HOME, EMPLOYED, STUDENT, People, absences
from ons_assets.simulate.tweets.scales import Scale
from ons_assets.simulate.tweets.towns import Towns


def towns_of(country: Country) -> Towns:
    """Return the districts of a country as towns, with all its addresses, by their numbers.

    Parameters
    ----------
    country
        With its land and addresses.
    """
    table = country.land.districts.rename({"district": "area"}).select(
        "area", "name", "easting_m", "northing_m", "radius_m", "population", "student_share"
    )
    return Towns(table, country.addresses.with_columns(area="district"))


def people_of(country: Country, towns: Towns, scale: Scale, seed: int) -> People:
    """Return everybody of 16 and over, with their lives in the country, and holidays.

    Parameters
    ----------
    country
        Which lives through the days of the scale.
    towns
        Those of the country.
    scale
        First day and days.
    seed
        Seed of the world of tweets, which says who goes on holiday.

    Raises
    ------
    ValueError
        If the days of the scale are not those of the country.
    """
    days = (country.scale.first_day, country.scale.days)
    if (scale.first_day, scale.days) != days:
        raise ValueError(f"tweets are of all days of the country, {days[1]} from {days[0]}")
    grown = country.people.filter(pl.col("age") >= YOUNGEST)
    number = pl.DataFrame({"person": grown["person"], "row": np.arange(len(grown))})
    registered = registered_on(country)
    of_address = towns.area_of_address
    moves = registered.with_columns(
        pl.Series(side, of_address[registered[side].to_numpy()]) for side in ("origin", "destination")
    )
    activity = grown["activity"]
    status = np.where(activity == "student", STUDENT, np.where(activity.is_in(WORKING), EMPLOYED, AT_HOME))
    return People(
        status=status,
        age=np.searchsorted([first for first, _ in AGES.values()][1:], grown["age"].to_numpy(), side="right"),
        is_male=(grown["sex"] == "male").to_numpy(),
        homes=_of(number, country.lives.homes, "from_day", "address"),
        jobs=_of(number, country.lives.jobs, "from_day", "address"),
        absences=absences(towns, scale, len(grown), seed),
        moves=_of(number, moves, "day", "origin", "destination", "kind", "registered_day"),
        resident=grown["person"].to_numpy(),
    )


def _of(number: pl.DataFrame, rows: pl.DataFrame, when: str, *columns: str) -> pl.DataFrame:
    """Rows of those who count, by their numbers here."""
    own = rows.join(number, on="person").drop("person").rename({"row": "person"})
    return own.select("person", when, *columns).sort("person", when)
