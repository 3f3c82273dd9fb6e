"""The land of the simulated country: small areas in middle ones in districts, which tile it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import shapely
from scipy.spatial import cKDTree

from ons_assets.simulate.land import disc, spiral
from ons_assets.simulate.prices.seeds import generator

DISTRICTS = Path(__file__).parent / "data" / "districts.csv"
# No code of the Government Statistical Service begins with Z; the numbers are those of entities of England.
PREFIXES = {"district": "Z07", "msoa": "Z02", "oa": "Z00"}
LEVELS = tuple(PREFIXES)
OAS_AN_MSOA = 4
OUTSKIRTS_M = 2_500.0
# Of districts that are given: shares of students, and of dwellings that are vacant or second homes.
SHARES_OF_GIVEN = {"student_share": 0.05, "vacant_share": 0.05, "second_share": 0.005}
NEIGHBOURS, LEAST_RADIUS_M = 4, 200.0
# Jobs are less evenly spread than people: areas near the middle of a town have most of them.
JOB_CONCENTRATION = 2.2
# How commuting falls off with distance: (1 + d / 2 km) ** -2.1; and how moving does: exp(-d / 60 km).
NEAR_KM, FALL = 2.0, 2.1
MOVING_KM = 60.0

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Land:
    """Areas of three levels that nest and tile the country.

    Parameters
    ----------
    districts
        district, former_code, name, easting_m, northing_m, radius_m, population, student_share, vacant_share,
        second_share.
    msoas
        msoa, district, easting_m, northing_m, radius_m, population (share), jobs (share).
    oas
        oa, msoa, district, easting_m, northing_m, radius_m, population (share), jobs (share); sorted by code, as the
        others are.
    """

    districts: pl.DataFrame
    msoas: pl.DataFrame
    oas: pl.DataFrame

    @cached_property
    def centres(self) -> FloatArray:
        """Easting and northing of the small areas, metres; shape (n_oas, 2)."""
        return self.oas.select("easting_m", "northing_m").to_numpy()

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.centres)

    def oa_of(self, at: FloatArray) -> IntArray:
        """Return the number of the small area of each point: that of the nearest centre, as the boundaries are drawn.

        Parameters
        ----------
        at
            Easting and northing in metres, shape (n, 2).
        """
        return np.asarray(self._tree.query(at)[1], dtype=np.int64)

    def number(self, level: str) -> IntArray:
        """Return the number of the area of a level that each small area is part of; shape (n_oas,)."""
        codes = self.codes(level)
        return self.oas[level].replace_strict(codes, range(len(codes)), return_dtype=pl.Int64()).to_numpy()

    def codes(self, level: str) -> pl.Series:
        """Return the codes of the areas of a level, sorted."""
        return self.oas[level].unique().sort()

    @cached_property
    def boundaries(self) -> dict[str, npt.NDArray[np.object_]]:
        """Polygons on the National Grid by level, in the order of the codes; those of a level tile the country."""
        centres = shapely.multipoints(self.centres)
        outline = shapely.convex_hull(centres).buffer(OUTSKIRTS_M)
        cells = shapely.get_parts(shapely.voronoi_polygons(centres, extend_to=outline, ordered=True))
        cells = shapely.intersection(cells, outline)
        tiles = {"oa": cells}
        for level in LEVELS[:2]:
            number = self.number(level)
            tiles[level] = np.array([shapely.union_all(cells[number == area]) for area in range(number.max() + 1)])
        return tiles

    @cached_property
    def distance_km(self) -> FloatArray:
        """Distances between middle areas; within one, half its radius; shape (n_msoas, n_msoas)."""
        apart = _apart_km(self.msoas)
        np.fill_diagonal(apart, self.msoas["radius_m"].to_numpy() / 2_000)
        return apart

    @cached_property
    def workplaces(self) -> FloatArray:
        """Probability of each middle area as a place of work; rows are those of home and sum to 1."""
        return _shares(self.msoas["jobs"].to_numpy() * (1 + self.distance_km / NEAR_KM) ** -FALL)

    @cached_property
    def destinations(self) -> FloatArray:
        """Probability of each other district as the destination of a move; rows are origins and sum to 1."""
        pull = self.districts["population"].to_numpy() * np.exp(-_apart_km(self.districts) / MOVING_KM)
        np.fill_diagonal(pull, 0.0)
        return _shares(pull)


def choose(random: np.random.Generator, law: FloatArray, origin: IntArray) -> IntArray:
    """Return a destination for each origin.

    Parameters
    ----------
    random
        Stream that they are drawn from.
    law
        Probability of each destination; rows are origins and sum to 1.
    origin
        Row of each draw, shape (draws,).
    """
    cumulated = np.cumsum(law, axis=1)
    cumulated[:, -1] = 1.0
    return drawn(cumulated, origin, random.random(len(origin)))


def drawn(cumulated: FloatArray, origin: IntArray, draws: FloatArray) -> IntArray:
    """Return the destination of each draw; of a country of millions all draws times all destinations have no room.

    Parameters
    ----------
    cumulated
        Weights of the destinations, cumulated along the rows, which are origins.
    origin
        Row of each draw, shape (draws,).
    draws
        Between 0 and the last weight of their rows, shape (draws,).
    """
    order = np.argsort(origin, kind="stable")
    starts = np.searchsorted(origin[order], np.arange(len(cumulated) + 1))
    found = np.empty(len(origin), dtype=np.int64)
    for row in np.flatnonzero(np.diff(starts)):
        of_row = order[starts[row] : starts[row + 1]]
        found[of_row] = np.searchsorted(cumulated[row], draws[of_row])
    return found


def make_land(seed: int, areas: pl.DataFrame | None = None) -> Land:
    """Lay out the areas.

    Parameters
    ----------
    seed
        Seed of the country.
    areas
        Middle areas to use instead of the invented ones: msoa, district, easting_m, northing_m, population (a number)
        and, if known, jobs.
    """
    random = generator(seed, "areas")
    if areas is not None:
        districts, msoas = _given(areas)
        return Land(districts, _with_shares(msoas), _oas(random, msoas))
    invented = pl.read_csv(DISTRICTS).with_columns(pl.col("easting_m", "northing_m", "radius_m").cast(pl.Float64()))
    district = pl.Series(_codes("district", len(invented)))
    districts = invented.select(
        district,
        pl.format("Z07{}", pl.col("former_number").cast(pl.String()).str.zfill(6)).alias("former_code"),
        "name", "easting_m", "northing_m", "radius_m", "population", "student_share", "vacant_share", "second_share",
    ).rename({"": "district"})  # fmt: skip
    msoas = pl.concat(
        [_msoas(random, row) for row in districts.with_columns(invented["msoas", "job_density"]).rows(named=True)]
    )
    msoas = _with_shares(msoas.with_columns(msoa=pl.Series(_codes("msoa", len(msoas)))))
    return Land(districts, msoas, _oas(random, msoas))


def _given(areas: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Districts, and middle areas that are as large as their neighbours are far."""
    msoas = areas.sort("msoa").with_columns(pl.col("population").cast(pl.Float64()))
    at = msoas.select("easting_m", "northing_m").to_numpy()
    [to_neighbour] = cKDTree(at).query(at, k=[min(NEIGHBOURS + 1, len(at))])[0].T
    msoas = msoas.with_columns(radius_m=pl.Series(np.maximum(to_neighbour / 2, LEAST_RADIUS_M)))
    if "jobs" not in msoas.columns:
        msoas = msoas.with_columns(jobs="population")
    middles = msoas.group_by("district").agg(
        pl.col("easting_m", "northing_m").mean(), (pl.col("radius_m") ** 2).sum().sqrt(), pl.col("population").sum()
    )
    shares = {name: pl.lit(share) for name, share in SHARES_OF_GIVEN.items()}
    return middles.sort("district").with_columns(former_code="district", name="district", **shares), msoas


def _msoas(random: np.random.Generator, district: dict[str, float]) -> pl.DataFrame:
    n, radius_m = int(district["msoas"]), district["radius_m"]
    at = spiral(n, radius_m) + random.normal(0, radius_m / n / 4, (n, 2))
    people = random.uniform(0.7, 1.3, n)
    jobs = np.exp(-JOB_CONCENTRATION * np.hypot(*at.T) / radius_m) * random.uniform(0.5, 1.5, n)
    return pl.DataFrame(
        {
            "district": [district["district"]] * n,
            "easting_m": district["easting_m"] + at[:, 0],
            "northing_m": district["northing_m"] + at[:, 1],
            "radius_m": np.full(n, radius_m / np.sqrt(n)),
            "population": district["population"] * people / people.sum(),
            "jobs": district["population"] * district["job_density"] * jobs / jobs.sum(),
        }
    )


def _oas(random: np.random.Generator, msoas: pl.DataFrame) -> pl.DataFrame:
    n = len(msoas) * OAS_AN_MSOA
    row = np.repeat(np.arange(len(msoas)), OAS_AN_MSOA)
    around = np.tile(spiral(OAS_AN_MSOA, 1.0), (len(msoas), 1)) + disc(random, n, 0.1)
    at = (
        msoas.select("easting_m", "northing_m").to_numpy()[row] + around * msoas["radius_m"].to_numpy()[row, None] * 0.9
    )
    oas = msoas[row].with_columns(
        oa=pl.Series(_codes("oa", n)),
        easting_m=pl.Series(at[:, 0]),
        northing_m=pl.Series(at[:, 1]),
        radius_m=pl.col("radius_m") / np.sqrt(OAS_AN_MSOA),
        population=pl.col("population") * pl.Series(random.uniform(0.8, 1.2, n)),
        jobs=pl.col("jobs") * pl.Series(random.uniform(0.5, 1.5, n)),
    )
    return _with_shares(oas)


def _with_shares(areas: pl.DataFrame) -> pl.DataFrame:
    columns = ("oa", "msoa", "district", "easting_m", "northing_m", "radius_m", "population", "jobs")
    shared = areas.with_columns(pl.col(name) / pl.col(name).sum() for name in ("population", "jobs"))
    return shared.select(name for name in columns if name in areas.columns)


def _codes(level: str, n: int) -> list[str]:
    return [f"{PREFIXES[level]}{number + 1:06d}" for number in range(n)]


def _apart_km(areas: pl.DataFrame) -> FloatArray:
    at = areas.select("easting_m", "northing_m").to_numpy()
    return np.asarray(np.hypot(*(at[:, None, :] - at[None, :, :]).transpose(2, 0, 1)) / 1_000)


def _shares(pull: FloatArray) -> FloatArray:
    return np.asarray(pull / pull.sum(axis=1, keepdims=True))
