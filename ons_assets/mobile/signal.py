"""How strong the signal of a cell is at a place, and how likely a device there is seen at it."""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.spatial import cKDTree

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.parameters.mobile_network import FootprintParameters

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SERVED = {
    "cell": pl.Int64(),
    "tile": pl.Int64(),
    "signal_dbm": pl.Float64(),
    "dominance": pl.Float64(),
    "connection_probability": pl.Float64(),
}


class Antennas:
    """Cells of one network as arrays, and a way to find those near a place.

    Parameters
    ----------
    cells
        x_m, y_m, and the geometry of `mobile/network_versions`; one row a cell.
    parameters
        What stands in for what the plan does not say.
    """

    def __init__(self, cells: pl.DataFrame, parameters: FootprintParameters) -> None:
        is_small = (cells["cell_type"] == "small").to_numpy()
        self.at: FloatArray = cells.select("x_m", "y_m").to_numpy()
        self.tree = cKDTree(self.at)
        self.path_loss = np.where(is_small, parameters.path_loss_small, parameters.path_loss)
        self.height_m = _or(cells["height_m"], np.where(is_small, parameters.height_small_m, parameters.height_m))
        power = _or(cells["power_w"], np.where(is_small, parameters.power_small_w, parameters.power_w))
        self.power_dbm = 10 * np.log10(power) + 30
        by_technology = cells["technology"].replace_strict(
            parameters.range_m, default=parameters.other_range_m, return_dtype=pl.Float64()
        )
        usual = np.where(is_small, parameters.range_small_m, by_technology.to_numpy())
        self.range_m = _or(cells["range_m"], usual)
        self.azimuth = cells["azimuth_degrees"].cast(pl.Float64()).fill_null(float("nan")).to_numpy()
        self.beam = _or(cells["beam_width_degrees"], np.full(len(cells), parameters.beam_width_degrees))
        self.mast = pl.DataFrame({"x": self.at[:, 0], "y": self.at[:, 1]}).select(
            pl.struct("x", "y").rank("dense").cast(pl.Int64())
        ).to_series().to_numpy()  # fmt: skip

    @property
    def reach_m(self) -> float:
        """How far the cell that reaches farthest does."""
        return float(self.range_m.max())

    def signal_dbm(
        self, cell: IntArray, east_m: FloatArray, north_m: FloatArray, parameters: FootprintParameters
    ) -> FloatArray:
        """Return the strength of the signal of cells at places on the ground.

        Parameters
        ----------
        cell
            Row of each cell, shape (n,).
        east_m, north_m
            From the cell to the place, shape (n,).
        parameters
            Of the antenna.

        Returns
        -------
        array of float, shape (n,)
            dBm: of a path loss by a power of the distance, and of an antenna whose sector loses 3 dB at its edges
            (3GPP TR 36.942, section 4.2.1).
        """
        apart = np.maximum(np.sqrt(east_m**2 + north_m**2 + self.height_m[cell] ** 2), 1.0)
        signal = self.power_dbm[cell] - 10 * self.path_loss[cell] * np.log10(apart)
        off = np.abs((np.degrees(np.arctan2(east_m, north_m)) - self.azimuth[cell] + 180) % 360 - 180)
        sector = np.minimum(12 * (off / self.beam[cell]) ** 2, parameters.back_loss_db)
        beyond = np.hypot(east_m, north_m) > self.range_m[cell]
        made: FloatArray = signal - np.nan_to_num(sector) - np.where(beyond, parameters.out_of_range_db, 0.0)
        return made


def served(tiles: FloatArray, antennas: Antennas, parameters: FootprintParameters) -> pl.DataFrame:
    """Say which cells serve tiles, and how likely a device there is seen at each.

    Parameters
    ----------
    tiles
        Middles in metres, shape (n, 2).
    antennas
        Of one network at one moment.
    parameters
        `method` and what belongs to it.

    Returns
    -------
    pl.DataFrame
        cell (row), tile (row), signal_dbm, dominance, connection_probability (sums to 1 by tile that is served).
    """
    if parameters.method == "voronoi":
        return _nearest_mast(tiles, antennas, parameters)
    most = min(parameters.nearest_cells, len(antennas.at))
    apart, near = antennas.tree.query(tiles, k=most)
    near, apart = near.reshape(len(tiles), most), apart.reshape(len(tiles), most)
    within = apart <= antennas.range_m[near] * parameters.beyond
    tile, column = np.nonzero(within)
    cell = near[tile, column].astype(np.int64)
    east, north = (tiles[tile] - antennas.at[cell]).T
    signal = antennas.signal_dbm(cell, east, north, parameters)
    dominance = 1 / (1 + np.exp(-parameters.dominance_steepness * (signal - parameters.dominance_midpoint_dbm)))
    by_strength = (pl.col("decibel") / parameters.softness_db).exp()
    fit = pl.col("dominance") if parameters.method == "dominance" else by_strength
    frame = pl.DataFrame({"cell": cell, "tile": tile, "signal_dbm": signal, "dominance": dominance})
    rank = pl.struct(-pl.col("signal_dbm"), pl.col("cell")).rank("ordinal").over("tile")
    weak = pl.col("dominance") < parameters.least_of_best * pl.col("dominance").max().over("tile")
    kept = frame.filter(pl.col("dominance") > parameters.least_dominance).filter(~weak)
    kept = kept.filter(rank <= parameters.most_cells)
    weighed = kept.with_columns(decibel=pl.col("signal_dbm") - pl.col("signal_dbm").max().over("tile")).with_columns(
        weight=fit
    )
    share = pl.col("weight") / exact_sum("weight").over("tile")
    likely = weighed.with_columns(connection_probability=share).filter(
        pl.col("connection_probability") >= parameters.least_connection
    )
    again = pl.col("connection_probability") / exact_sum("connection_probability").over("tile")
    return likely.with_columns(connection_probability=again).select(*SERVED)


def _nearest_mast(tiles: FloatArray, antennas: Antennas, parameters: FootprintParameters) -> pl.DataFrame:
    apart, near = antennas.tree.query(tiles)
    of_mast = pl.DataFrame({"mast": antennas.mast, "cell": np.arange(len(antennas.at))})
    reached = apart <= antennas.reach_m * parameters.beyond
    nearest = pl.DataFrame({"tile": np.flatnonzero(reached), "mast": antennas.mast[near[reached]]})
    return (
        nearest.join(of_mast, on="mast")
        .with_columns(
            signal_dbm=pl.lit(None, dtype=pl.Float64()),
            dominance=pl.lit(1.0),
            connection_probability=1 / pl.len().over("tile"),
        )
        .select(pl.col(name).cast(kind) for name, kind in SERVED.items())
    )


def _or(said: pl.Series, otherwise: npt.NDArray[np.float64]) -> FloatArray:
    """What a plan says, or what stands in for it."""
    number = said.cast(pl.Float64()).fill_null(float("nan")).to_numpy()
    return np.where(np.isnan(number), otherwise, number)
