"""One country, from which every simulated source draws its land and its people."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from ons_assets.simulate.country.addresses import make_addresses
from ons_assets.simulate.country.households import make_households, make_people
from ons_assets.simulate.country.land import IntArray, Land, make_land
from ons_assets.simulate.country.lives import Lives, make_lives
from ons_assets.simulate.country.scales import Scale, scale_of
from ons_assets.simulate.prices.seeds import generator

DEFAULT_SEED = 20110501


@dataclass(frozen=True)
class Country:
    """Land, addresses, households and people, and what becomes of them day by day.

    Parameters
    ----------
    scale, seed
        Of which it was made.
    land
        Areas that nest.
    addresses
        See `ons_assets.simulate.country.addresses.make_addresses`; an address is named by its row.
    people
        person, household (of the first day, or, of students who share a house, the house), age, sex, activity.
    lives
        Households, homes, jobs and moves.
    """

    scale: Scale
    seed: int
    land: Land
    addresses: pl.DataFrame
    people: pl.DataFrame
    lives: Lives

    @cached_property
    def dwellings(self) -> pl.DataFrame:
        """Dwellings: address, uprn, use, oa, msoa, district."""
        numbered = self.addresses.with_row_index("address").with_columns(pl.col("address").cast(pl.Int64()))
        return numbered.drop_nulls("use").select("address", "uprn", "use", "oa", "msoa", "district")

    def homes_on(self, day: int) -> pl.DataFrame:
        """Return where everybody lives on a day of the scale: person, household, address; sorted by person."""
        return _on(self.lives.homes, "person", day)

    def jobs_on(self, day: int) -> pl.DataFrame:
        """Return where everybody works or studies on a day of the scale, -1 nowhere: person, address; sorted."""
        return _on(self.lives.jobs, "person", day)


def _on(spells: pl.DataFrame, of: str, day: int) -> pl.DataFrame:
    begun = spells.filter(pl.col("from_day") <= day)
    return begun.unique(of, keep="last", maintain_order=True).drop("from_day")


def make_country(scale: str | Scale = "small", seed: int = DEFAULT_SEED, areas: pl.DataFrame | None = None) -> Country:
    """Make the country of a scale.

    Parameters
    ----------
    scale
        ``"small"``, ``"medium"`` or a `Scale`.
    seed
        The same seed gives the same country.
    areas
        Middle areas to use instead of the invented ones, see `make_land`.

    Raises
    ------
    ValueError
        If no scale has that name.
    """
    size = scale_of(scale)
    land = make_land(seed, areas)
    households = make_households(land, size.people, seed)
    people = make_people(households, seed)
    dwellings, seconds = _dwellings(land, households, seed)
    addresses = make_addresses(land, dwellings, seconds, size.people, seed)
    return Country(size, seed, land, addresses, people, make_lives(land, addresses, households, people, size, seed))


def _dwellings(land: Land, households: pl.DataFrame, seed: int) -> tuple[IntArray, IntArray]:
    """Dwellings and second homes of small areas: one for each household, some that are vacant, and second homes."""
    random = generator(seed, "dwellings")
    lived_in = np.bincount(households["oa"].to_numpy(), minlength=len(land.oas))
    district = land.number("district")
    vacant, second = (
        random.poisson(lived_in * share / (1 - share))
        for share in (land.districts[name].to_numpy()[district] for name in ("vacant_share", "second_share"))
    )
    return lived_in + vacant + second, second
