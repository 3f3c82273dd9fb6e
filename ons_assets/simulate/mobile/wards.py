"""Wards, between which people with phones go about."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.simulate.country import Land
from ons_assets.simulate.country.land import FloatArray, IntArray, drawn

URBAN_PER_KM2 = 1_200.0
ERRANDS_KM = 4.0


@dataclass(frozen=True)
class Wards:
    """The middle areas of a country, as wards in its districts.

    Parameters
    ----------
    land
        Of the country.
    """

    land: Land

    @cached_property
    def table(self) -> pl.DataFrame:
        """The wards: ward, district, easting_m, northing_m, radius_m, population (share), jobs (share), is_urban."""
        people = pl.col("population") * self.land.districts["population"].sum()
        density = people / (np.pi * (pl.col("radius_m") / 1_000) ** 2)
        return self.land.msoas.select(
            pl.col("msoa").alias("ward"), "district", "easting_m", "northing_m", "radius_m", "population", "jobs",
            is_urban=density >= URBAN_PER_KM2,
        )  # fmt: skip

    @property
    def n(self) -> int:
        """How many wards there are."""
        return len(self.table)

    @cached_property
    def centre(self) -> FloatArray:
        """Easting and northing of the wards, metres; shape (n, 2)."""
        return self.table.select("easting_m", "northing_m").to_numpy()

    @cached_property
    def radius_m(self) -> FloatArray:
        """Radius of the wards; shape (n,)."""
        return self.table["radius_m"].to_numpy()

    @cached_property
    def is_urban(self) -> npt.NDArray[np.bool_]:
        """Whether a ward is in a town; shape (n,)."""
        return self.table["is_urban"].to_numpy()

    @cached_property
    def district(self) -> IntArray:
        """Number of the district of each ward; shape (n,)."""
        codes = self.land.codes("district")
        return self.table["district"].replace_strict(codes, range(len(codes)), return_dtype=pl.Int64()).to_numpy()

    @cached_property
    def errands(self) -> FloatArray:
        """Probability of each ward for shops and friends, which are nearer than work; rows are wards of home."""
        pull = self.table["population"].to_numpy() * np.exp(-self.land.distance_km / ERRANDS_KM)
        shares: FloatArray = pull / pull.sum(axis=1, keepdims=True)
        return shares

    def draw(self, random: np.random.Generator, law: FloatArray, origin: IntArray) -> IntArray:
        """Return a ward for each origin, by a law whose rows are cumulated here.

        Parameters
        ----------
        random
            Stream that the wards are drawn from.
        law
            Weight of each ward, for each ward of origin, shape (n, n).
        origin
            Ward that each draw starts from, shape (draws,).
        """
        cumulated, draws = np.cumsum(law, axis=1), np.empty(len(origin))
        draws[np.argsort(origin, kind="stable")] = random.random(len(origin))
        return drawn(cumulated, origin, draws * cumulated[origin, -1])
