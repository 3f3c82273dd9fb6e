"""The table of probabilities, from rows of half hours."""

import polars as pl

from ons_assets.meters.half_hours.clock_face import dense, measured
from ons_assets.meters.occupancy.calibration import Calibration
from ons_assets.meters.occupancy.methods import occupancy_of_homes
from ons_assets.meters.readings.clock import SLOTS
from ons_assets.parameters.meters import OccupancyParameters


def occupancy_table(half_hours: pl.DataFrame, parameters: OccupancyParameters | None = None) -> pl.DataFrame:
    """Return how likely somebody is at home, from what was read and not from what was filled.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours`, sorted by meter and day: all days of their meters.
    parameters
        Method, its parameters, calibration.

    Returns
    -------
    DataFrame
        Rows of `meters/occupancy_probabilities`.
    """
    parameters = parameters or OccupancyParameters()
    probability = occupancy_of_homes(
        measured(half_hours),
        dense(half_hours).meter_offsets,
        method=parameters.method,
        day=half_hours["day"].to_physical().to_numpy(),
        parameters=parameters.hmm,
        threshold=parameters.threshold,
        geoma=parameters.geoma,
        calibration=Calibration(*parameters.calibration) if parameters.calibration else None,
    )
    lists = pl.Series(probability, dtype=pl.Array(pl.Float32(), SLOTS)).arr.to_list()
    return half_hours.select("bucket", "meter", "day", occupied_probability=lists)
