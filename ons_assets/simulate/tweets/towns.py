"""Where the simulated people live: areas and addresses."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.simulate.country.addresses import CAMPUS_M, CLASS_CODES, NEAR_CAMPUS_M, STREET_GRID_M
from ons_assets.simulate.country.land import MOVING_KM
from ons_assets.simulate.land import disc
from ons_assets.simulate.prices.seeds import generator

TOWNS = Path(__file__).parent / "data" / "towns.csv"

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Towns:
    """Areas with their addresses.

    Parameters
    ----------
    table
        area, name, easting_m, northing_m, radius_m, population, student_share.
    addresses
        uprn, easting_m, northing_m, class_code, class, postcode, area; sorted by area and class.
    """

    table: pl.DataFrame
    addresses: pl.DataFrame

    @property
    def n(self) -> int:
        """How many areas there are."""
        return len(self.table)

    @cached_property
    def position(self) -> FloatArray:
        """Easting and northing of the addresses, metres; shape (n_addresses, 2)."""
        return self.addresses.select("easting_m", "northing_m").to_numpy()

    @cached_property
    def area_of_address(self) -> npt.NDArray[np.int64]:
        """Number of the area of each address."""
        numbers = {area: number for number, area in enumerate(self.table["area"])}
        return self.addresses["area"].replace_strict(numbers, return_dtype=pl.Int64()).to_numpy()

    @cached_property
    def _ranges(self) -> dict[str, npt.NDArray[np.int64]]:
        rows = self.addresses.with_row_index("row").group_by("area", "class").agg(pl.col("row").min(), n=pl.len())
        ranges = {}
        for kind in CLASS_CODES:
            of_kind = self.table.select("area").join(rows.filter(pl.col("class") == kind), on="area", how="left")
            ranges[kind] = of_kind.select("row", "n").fill_null(0).to_numpy().astype(np.int64)
        return ranges

    def draw(self, random: np.random.Generator, area: npt.NDArray[np.int64], kind: str) -> npt.NDArray[np.int64]:
        """Return an address of a class in each of the given areas.

        Parameters
        ----------
        random
            Stream that the addresses are drawn from.
        area
            Number of the area of each draw, shape (draws,).
        kind
            Class of the addresses.
        """
        first, n = self._ranges[kind][area].T
        address: npt.NDArray[np.int64] = first + (random.random(len(area)) * n).astype(np.int64)
        return address

    @cached_property
    def gravity(self) -> FloatArray:
        """Probability of each other area as a destination; rows are origins and sum to 1."""
        where = self.table.select("easting_m", "northing_m").to_numpy()
        apart_km = np.hypot(*(where[:, None, :] - where[None, :, :]).transpose(2, 0, 1)) / 1_000
        pull = self.table["population"].to_numpy() * np.exp(-apart_km / MOVING_KM)
        np.fill_diagonal(pull, 0.0)
        shares: FloatArray = pull / pull.sum(axis=1, keepdims=True)
        return shares


def make_towns(seed: int, n_people: int, table: pl.DataFrame | None = None) -> Towns:
    """Lay out addresses in areas.

    Parameters
    ----------
    seed
        Seed of the world.
    n_people
        How many people live in all areas; there is one dwelling for two of them.
    table
        Areas to use instead of the invented towns: area, easting_m, northing_m, population and, if known,
        radius_m (2,500 if not), student_share (0.05), name.
    """
    towns = pl.read_csv(TOWNS) if table is None else _completed(table)
    towns = towns.with_columns(pl.col("easting_m", "northing_m", "radius_m").cast(pl.Float64()))
    share = towns["population"].to_numpy() / towns["population"].sum()
    parts = []
    for number, town in enumerate(towns.iter_rows(named=True)):
        random = generator(seed, "addresses", town["area"])
        people = n_people * share[number]
        counts = {
            "residential": max(20, int(people / 2)),
            "commercial": max(10, int(people / 12)),
            "education": 8,
            "transport": 3,
            "other": max(5, int(people / 40)),
        }
        campus = disc(random, 1, 0.6 * town["radius_m"])[0]
        for kind, count in counts.items():
            if kind == "education":
                offset = campus + disc(random, count, CAMPUS_M)
            else:
                offset = disc(random, count, town["radius_m"] * (0.35 if kind == "commercial" else 1.0))
                if kind == "residential":
                    # Nobody lives on the campus.
                    near = np.hypot(*(offset - campus).T) < NEAR_CAMPUS_M
                    offset[near] += 3 * CAMPUS_M
            sector = (pl.col("northing_m") // 200 % 10).cast(pl.Int8())
            at = np.array([town["easting_m"], town["northing_m"]]) + np.round(offset / STREET_GRID_M) * STREET_GRID_M
            parts.append(
                pl.DataFrame({"easting_m": at[:, 0], "northing_m": at[:, 1]}).with_columns(
                    **{"class": pl.lit(kind), "area": pl.lit(town["area"]), "class_code": pl.lit(CLASS_CODES[kind])},
                    postcode=pl.format("ZZ{} {}AA", pl.lit(number + 1), sector),
                )
            )
    addresses = pl.concat(parts).with_row_index("uprn", offset=1_000_000)
    return Towns(towns, addresses.with_columns(pl.col("uprn").cast(pl.Int64())))


def _completed(table: pl.DataFrame) -> pl.DataFrame:
    defaults = {"radius_m": pl.lit(2_500.0), "student_share": pl.lit(0.05), "name": pl.col("area")}
    missing = {name: value for name, value in defaults.items() if name not in table.columns}
    return table.with_columns(**missing).select(
        "area", "name", "easting_m", "northing_m", "radius_m", "population", "student_share"
    )
