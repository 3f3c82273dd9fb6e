"""Masts and cells of the operators, and which cell serves a phone at a place."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.spatial import cKDTree

from ons_assets.geography.national_grid import from_national_grid
from ons_assets.simulate.country.land import FloatArray, IntArray
from ons_assets.simulate.land import disc
from ons_assets.simulate.mobile.wards import Wards
from ons_assets.simulate.prices.seeds import generator

CANDIDATES = 4
# Log-distance path loss, shadowing by buildings, and how much stronger a cell must be to be chosen surely (dB).
PATH_LOSS_DB, SHADOW_DB, SOFTNESS_DB = 35.0, 6.0, 3.0
BACK_DB, OUT_OF_RANGE_DB = 20.0, 15.0
NEIGHBOURS = 4
SHARED_MASTS = 0.3
VALID_FROM = date(2014, 1, 1)


@dataclass(frozen=True)
class Network:
    """Cells of one operator.

    Parameters
    ----------
    table
        operator, cell_id, mast, easting_m, northing_m, technology, azimuth_degrees, beam_width_degrees, range_m.
    """

    table: pl.DataFrame

    @property
    def tree(self) -> cKDTree:
        """Positions of the cells."""
        return cKDTree(self.table.select("easting_m", "northing_m").to_numpy())


@dataclass(frozen=True)
class Serving:
    """Cells that serve places.

    Parameters
    ----------
    cell : array of int32, shape (places, candidates)
        Number of the cell in the table of the operator.
    cumulated : array of float32, shape (places, candidates)
        Probability of it and those before it.
    """

    cell: npt.NDArray[np.int32]
    cumulated: npt.NDArray[np.float32]

    def of(self, place: IntArray) -> "Serving":
        """Return the cells that serve some of the places, in their order."""
        return Serving(self.cell[place], self.cumulated[place])

    def choose(self, place: IntArray, draw: FloatArray) -> npt.NDArray[np.int32]:
        """Return a cell for each event at a place, by a number between 0 and 1."""
        chosen = (draw[:, None] > self.cumulated[place]).sum(axis=1)
        cell: npt.NDArray[np.int32] = self.cell[place, np.minimum(chosen, self.cell.shape[1] - 1)]
        return cell


def make_network(wards: Wards, operator: str, seed: int) -> Network:
    """Put up masts: in towns two a ward with three sectors each, in the country one that reaches far.

    Parameters
    ----------
    wards
        With their centres and radii in metres.
    operator
        Name of the operator; its first letter begins the names of its cells.
    seed
        Seed of the world; masts that operators share come from it alone.
    """
    shared, own = generator(seed, "masts"), generator(seed, "masts", operator)
    ward = np.concatenate([np.flatnonzero(wards.is_urban), np.arange(wards.n)])
    common = wards.centre[ward] + disc(shared, len(ward), 1.0) * wards.radius_m[ward, None] * 0.9
    alone = wards.centre[ward] + disc(own, len(ward), 1.0) * wards.radius_m[ward, None] * 0.9
    # Some masts carry several operators.
    mast = np.where((shared.random(len(ward)) < SHARED_MASTS)[:, None], common, alone)
    urban = wards.is_urban[ward]
    sectors = np.where(urban, 3, np.where(own.random(len(ward)) < 0.5, 1, 3))
    row = np.repeat(np.arange(len(ward)), sectors)
    sector = np.arange(len(row)) - np.repeat(np.cumsum(sectors) - sectors, sectors)
    turn = own.uniform(0, 120, len(ward))
    one = sectors[row] == 1
    # Masts are set to reach their neighbours, so that no gap is left.
    to_neighbour = cKDTree(mast).query(mast, k=min(NEIGHBOURS + 1, len(mast)))[0][:, -1]
    reach = np.clip(to_neighbour[row] * own.uniform(0.9, 1.3, len(row)), 1_200, 20_000)
    technology = np.where(urban[row], np.where(sector == 0, "4G", "3G"), "2G")
    return Network(
        pl.DataFrame(
            {
                "cell_id": [
                    f"{operator[0].upper()}{mast_number:05d}-{s}" for mast_number, s in zip(row, sector, strict=True)
                ],
                "mast": row,
                "easting_m": np.round(mast[row, 0], 1),
                "northing_m": np.round(mast[row, 1], 1),
                "technology": technology,
                "azimuth_degrees": np.where(one, np.nan, np.round((turn[row] + 120 * sector) % 360)),
                "beam_width_degrees": np.where(one, np.nan, 120.0),
                "range_m": np.round(reach),
            }
        ).with_columns(pl.col("azimuth_degrees", "beam_width_degrees").fill_nan(None), operator=pl.lit(operator))
    )


def serving_cells(network: Network, at: FloatArray, random: np.random.Generator) -> Serving:
    """Return the cells that serve places: the strongest ones, by distance, direction and what stands in the way.

    Parameters
    ----------
    network
        Masts and sectors of one operator.
    at
        Eastings and northings of the places in metres, shape (n, 2).
    random
        Stream of what stands in the way.
    """
    cells = network.table
    n_near = min(12, len(cells))
    apart, near = network.tree.query(at, k=n_near)
    apart, near = apart.reshape(len(at), n_near), near.reshape(len(at), n_near)
    where = cells.select("easting_m", "northing_m").to_numpy()
    east, north = (at[:, None, :] - where[near]).transpose(2, 0, 1)
    azimuth = cells["azimuth_degrees"].fill_null(float("nan")).to_numpy()[near]
    off = np.abs((np.degrees(np.arctan2(east, north)) - azimuth + 180) % 360 - 180)
    strength = -PATH_LOSS_DB * np.log10((apart + 50) / 1_000) + random.normal(0, SHADOW_DB, apart.shape)
    strength -= np.where(np.isnan(azimuth) | (off <= 60), 0.0, BACK_DB)
    strength -= np.where(apart <= cells["range_m"].to_numpy()[near], 0.0, OUT_OF_RANGE_DB)
    best = np.argsort(-strength, axis=1)[:, :CANDIDATES]
    chosen = np.take_along_axis(strength, best, axis=1)
    weight = np.exp((chosen - chosen[:, :1]) / SOFTNESS_DB)
    cumulated = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    return Serving(np.take_along_axis(near, best, axis=1).astype(np.int32), cumulated.astype(np.float32))


def plan_table(network: Network, valid_from: date = VALID_FROM) -> pl.DataFrame:
    """Return the cell plan as the operator writes it down, in degrees.

    Parameters
    ----------
    network
        Masts and sectors of one operator.
    valid_from
        Day from which on the plan holds.
    """
    cells = network.table
    latitude, longitude = from_national_grid(cells["easting_m"].to_numpy(), cells["northing_m"].to_numpy())
    return cells.select(
        "operator",
        "cell_id",
        latitude=pl.Series(np.round(latitude, 6)),
        longitude=pl.Series(np.round(longitude, 6)),
        technology="technology",
        azimuth_degrees="azimuth_degrees",
        beam_width_degrees="beam_width_degrees",
        range_m="range_m",
        valid_from=pl.lit(str(valid_from)),
        valid_to=pl.lit(None, dtype=pl.String()),
    )
