"""The table of probabilities, from rows of half hours."""

from collections.abc import Iterable
from functools import partial

import polars as pl

from ons_assets.engine.local import HERE
from ons_assets.engine.parts import Engine
from ons_assets.meters.half_hours.clock_face import dense, measured
from ons_assets.meters.occupancy.calibration import Calibration
from ons_assets.meters.occupancy.methods import occupancy_of_homes
from ons_assets.meters.occupancy.population import Population, groups_of, level_rows, population
from ons_assets.meters.readings.clock import SLOTS
from ons_assets.parameters.meters import OccupancyParameters


def population_of_parts(
    parts: Iterable[pl.DataFrame | pl.LazyFrame],
    parameters: OccupancyParameters | None = None,
    dwellings: pl.DataFrame | None = None,
    engine: Engine = HERE,
) -> Population | None:
    """Return how high base and active use are in all homes, from parts of `meters/half_hours` that share no meter.

    None where the method does not ask for it, or there is no part.

    Parameters
    ----------
    parts
        Rows of `meters/half_hours`, each sorted by meter and day; one is held at a time.
    parameters
        Method, and what is known of homes beforehand.
    dwellings
        `meter` and `dwelling_type`; None if of no meter it is known.
    engine
        Where the parts are worked.
    """
    parameters = parameters or OccupancyParameters()
    if parameters.method != "hmm":
        return None
    of_part = partial(level_rows, parameters=parameters.population, dwellings=dwellings)
    levels = list(engine.map(of_part, ((rows,) for rows in parts)))
    return population(pl.concat(levels), parameters.population) if levels else None


def occupancy_table(
    half_hours: pl.DataFrame,
    parameters: OccupancyParameters | None = None,
    homes: Population | None = None,
    dwellings: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return how likely somebody is at home, from what was read and not from what was filled.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours`, sorted by meter and day: all days of their meters.
    parameters
        Method, its parameters, calibration.
    homes
        Levels of all homes, see `population_of_parts`; what is known beforehand, if None.
    dwellings
        As there.

    Returns
    -------
    DataFrame
        Rows of `meters/occupancy_probabilities`.
    """
    parameters = parameters or OccupancyParameters()
    priors = None
    if homes:
        groups = groups_of(half_hours, dwellings).select("layout", "dwelling_type")
        priors = [homes.of(*group) for group in groups.iter_rows()]
    probability = occupancy_of_homes(
        measured(half_hours),
        dense(half_hours).meter_offsets,
        method=parameters.method,
        day=half_hours["day"].to_physical().to_numpy(),
        parameters=parameters.hmm,
        population=parameters.population,
        priors=priors,
        threshold=parameters.threshold,
        geoma=parameters.geoma,
        calibration=Calibration(*parameters.calibration) if parameters.calibration else None,
    )
    lists = pl.Series(probability, dtype=pl.Array(pl.Float32(), SLOTS)).arr.to_list()
    return half_hours.select("bucket", "meter", "day", occupied_probability=lists)
