"""Addresses of the simulated country: dwellings, and places of work, study and travel."""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.spatial import cKDTree

from ons_assets.simulate.country.land import FloatArray, IntArray, Land
from ons_assets.simulate.land import disc
from ons_assets.simulate.prices.seeds import generator

CLASS_CODES = {"residential": "RD04", "commercial": "CO01", "education": "CE05", "transport": "CT08", "other": "LU"}
# What a dwelling is to who has it; others have no use.
MAIN, SECOND = "main", "second"
FIRST_UPRN = 1_000_000
STREET_GRID_M = 12.0
CAMPUS_M, CAMPUS_ADDRESSES = 250.0, 8
STATIONS_M, STATIONS = 1_000.0, 3
# Nobody lives on the campus.
NEAR_CAMPUS_M = CAMPUS_M + 100
PEOPLE_A_WORKPLACE, PEOPLE_AN_OTHER = 12, 40
TRIES = 30


def make_addresses(land: Land, dwellings: IntArray, seconds: IntArray, people: int, seed: int) -> pl.DataFrame:
    """Lay out addresses: dwellings first, sorted by small area, then the others.

    Parameters
    ----------
    land
        Areas.
    dwellings, seconds
        How many dwellings, and how many second homes among them, each small area has, shape (n_oas,).
    people
        How many people live in the country: for some of them there is a place of work.
    seed
        Seed of the country.

    Returns
    -------
    pl.DataFrame
        uprn, easting_m, northing_m, class, class_code, use ("main" or "second" of dwellings), postcode, oa, msoa,
        district. A point lies in the boundary of its areas.
    """
    random = generator(seed, "addresses")
    centres = land.districts.select("easting_m", "northing_m").to_numpy()
    campus = centres + disc(random, len(centres), 0.6) * land.districts["radius_m"].to_numpy()[:, None]
    oas = len(land.oas)
    workplaces = _shared_out(random, land.oas["jobs"].to_numpy(), max(people // PEOPLE_A_WORKPLACE, oas))
    others = _shared_out(random, land.oas["population"].to_numpy(), max(people // PEOPLE_AN_OTHER, oas // 4))
    parts = [
        ("residential", _in_areas(random, land, np.repeat(np.arange(oas), dwellings), cKDTree(campus))),
        ("commercial", _in_areas(random, land, np.repeat(np.arange(oas), workplaces), None)),
        ("education", _around(random, campus, CAMPUS_ADDRESSES, CAMPUS_M)),
        ("transport", _around(random, centres, STATIONS, STATIONS_M)),
        ("other", _in_areas(random, land, np.repeat(np.arange(oas), others), None)),
    ]  # fmt: skip
    kind = np.repeat([name for name, _ in parts], [len(at) for _, at in parts])
    at = np.concatenate([at for _, at in parts])
    areas = land.oas.select("oa", "msoa", "district")[land.oa_of(at)]
    place = np.arange(int(dwellings.sum())) - np.repeat(np.cumsum(dwellings) - dwellings, dwellings)
    is_second = place < np.repeat(seconds, dwellings)
    use = [*np.where(is_second, SECOND, MAIN), *[None] * (len(at) - len(is_second))]
    return pl.DataFrame(
        {
            "uprn": np.arange(len(at), dtype=np.int64) + FIRST_UPRN,
            "easting_m": at[:, 0],
            "northing_m": at[:, 1],
            "class": kind,
            "use": pl.Series(use, dtype=pl.String()),
        }
    ).with_columns(
        *areas,
        class_code=pl.col("class").replace_strict(CLASS_CODES),
        # No postcode begins with ZZ.
        postcode=pl.format("ZZ{} {}AA", areas["msoa"].str.slice(3).cast(pl.Int64()), areas["oa"].str.tail(1)),
    )  # fmt: skip


def _shared_out(random: np.random.Generator, share: FloatArray, n: int) -> IntArray:
    return np.asarray(random.multinomial(n, share / share.sum()), dtype=np.int64)


def _around(random: np.random.Generator, centres: FloatArray, n: int, radius_m: float) -> FloatArray:
    return np.asarray(np.repeat(centres, n, axis=0) + disc(random, len(centres) * n, radius_m))


def _in_areas(random: np.random.Generator, land: Land, oa: IntArray, campuses: cKDTree | None) -> FloatArray:
    """Points on the streets of small areas, away from campuses where there is room; shape (n, 2)."""
    radius_m = land.oas["radius_m"].to_numpy()[oa, None] * 1.5
    at, waiting = land.centres[oa], np.arange(len(oa))
    for _ in range(TRIES):
        drawn = land.centres[oa[waiting]] + disc(random, len(waiting), 1.0) * radius_m[waiting]
        drawn = np.round(drawn / STREET_GRID_M) * STREET_GRID_M
        fits = _fits(land, oa[waiting], drawn, campuses)
        at[waiting[fits]] = drawn[fits]
        waiting = waiting[~fits]
    return at


def _fits(land: Land, oa: IntArray, at: FloatArray, campuses: cKDTree | None) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = land.oa_of(at) == oa
    return inside if campuses is None else inside & (campuses.query(at)[0] >= NEAR_CAMPUS_M)
