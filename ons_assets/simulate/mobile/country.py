"""Where the simulated people live and work: wards in districts."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.spatial import cKDTree

from ons_assets.simulate.country.land import FALL, JOB_CONCENTRATION, NEAR_KM
from ons_assets.simulate.land import spiral
from ons_assets.simulate.prices.seeds import generator

DISTRICTS = Path(__file__).parent / "data" / "districts.csv"
URBAN_PER_KM2 = 1_200.0

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Country:
    """Wards in districts.

    Parameters
    ----------
    wards
        ward, district, easting_m, northing_m, radius_m, population (share), jobs (share), is_urban.
    districts
        district, former_code, name.
    """

    wards: pl.DataFrame
    districts: pl.DataFrame

    @property
    def n(self) -> int:
        """How many wards there are."""
        return len(self.wards)

    @cached_property
    def centre(self) -> FloatArray:
        """Easting and northing of the wards, metres; shape (n, 2)."""
        return self.wards.select("easting_m", "northing_m").to_numpy()

    @cached_property
    def radius_m(self) -> FloatArray:
        """Radius of the wards; shape (n,)."""
        return self.wards["radius_m"].to_numpy()

    @cached_property
    def is_urban(self) -> npt.NDArray[np.bool_]:
        """Whether a ward is in a town; shape (n,)."""
        return self.wards["is_urban"].to_numpy()

    @cached_property
    def district(self) -> IntArray:
        """Number of the district of each ward; shape (n,)."""
        numbers = {code: number for number, code in enumerate(self.districts["district"])}
        return self.wards["district"].replace_strict(numbers, return_dtype=pl.Int64()).to_numpy()

    @cached_property
    def distance_km(self) -> FloatArray:
        """Distances between wards; within one, half its radius; shape (n, n)."""
        apart: FloatArray = np.hypot(*(self.centre[:, None, :] - self.centre[None, :, :]).transpose(2, 0, 1)) / 1_000
        np.fill_diagonal(apart, self.radius_m / 2_000)
        return apart

    @cached_property
    def workplaces(self) -> FloatArray:
        """Probability of each ward as a place of work; rows are wards of home and sum to 1."""
        pull = self.wards["jobs"].to_numpy() * (1 + self.distance_km / NEAR_KM) ** -FALL
        shares: FloatArray = pull / pull.sum(axis=1, keepdims=True)
        return shares

    @cached_property
    def errands(self) -> FloatArray:
        """The same, for shops and friends, which are nearer."""
        pull = self.wards["population"].to_numpy() * np.exp(-self.distance_km / 4.0)
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
        cumulated = np.cumsum(law, axis=1)
        drawn = np.empty(len(origin), dtype=np.int64)
        order = np.argsort(origin, kind="stable")
        starts = np.searchsorted(origin[order], np.arange(self.n + 1))
        for ward in range(self.n):
            rows = order[starts[ward] : starts[ward + 1]]
            if len(rows):
                drawn[rows] = np.searchsorted(cumulated[ward], random.random(len(rows)) * cumulated[ward, -1])
        return drawn


def make_country(seed: int, areas: pl.DataFrame | None = None) -> Country:
    """Lay out wards.

    Parameters
    ----------
    seed
        Seed of the world.
    areas
        Wards to use instead of the invented country: ward, district, easting_m, northing_m, population
        and, if known, jobs.
    """
    if areas is not None:
        return _given(areas)
    districts = pl.read_csv(DISTRICTS)
    random = generator(seed, "wards")
    parts = []
    for row in districts.iter_rows(named=True):
        n = int(row["wards"])
        at = spiral(n, row["radius_m"]) + random.normal(0, row["radius_m"] / n / 4, (n, 2))
        from_middle = np.hypot(*at.T) / row["radius_m"]
        people = random.uniform(0.7, 1.3, n)
        jobs = np.exp(-JOB_CONCENTRATION * from_middle) * random.uniform(0.5, 1.5, n)
        parts.append(
            pl.DataFrame(
                {
                    "ward": [f"{row['district']}-{number + 1:02d}" for number in range(n)],
                    "easting_m": row["easting_m"] + at[:, 0],
                    "northing_m": row["northing_m"] + at[:, 1],
                    "radius_m": np.full(n, row["radius_m"] / np.sqrt(n)),
                    "population": row["population"] * people / people.sum(),
                    "jobs": row["population"] * row["job_density"] * jobs / jobs.sum(),
                }
            ).with_columns(district=pl.lit(row["district"]))
        )
    return finished(pl.concat(parts), districts.select("district", "former_code", "name"))


def _given(areas: pl.DataFrame) -> Country:
    wards = areas.with_columns(pl.col("ward", "district").cast(pl.String()), pl.col("population").cast(pl.Float64()))
    if "jobs" not in wards.columns:
        wards = wards.with_columns(jobs="population")
    where = wards.select("easting_m", "northing_m").to_numpy()
    nearest = cKDTree(where).query(where, k=min(5, len(where)))[0]
    districts = wards.select("district").unique().sort("district")
    return finished(
        wards.with_columns(radius_m=pl.Series(np.maximum(nearest[:, -1] / 2, 200.0))),
        districts.with_columns(former_code="district", name="district"),
    )


def finished(wards: pl.DataFrame, districts: pl.DataFrame) -> Country:
    """Return a country of wards in districts.

    Parameters
    ----------
    wards
        ward, district, easting_m, northing_m, radius_m, population and jobs (numbers).
    districts
        district, former_code, name.
    """
    density = pl.col("population") / (np.pi * (pl.col("radius_m") / 1_000) ** 2)
    finished = wards.with_columns(
        is_urban=density >= URBAN_PER_KM2,
        population=pl.col("population") / pl.col("population").sum(),
        jobs=pl.col("jobs") / pl.col("jobs").sum(),
    )
    return Country(
        finished.select(
            "ward", "district", "easting_m", "northing_m", "radius_m", "population", "jobs", "is_urban"
        ).sort("district", "ward"),
        districts,
    )
