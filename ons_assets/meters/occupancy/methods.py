"""The methods under their names, for one home and for many."""

import itertools
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from ons_assets.meters.occupancy.calibration import Calibration
from ons_assets.meters.occupancy.geoma import geoma_probabilities
from ons_assets.meters.occupancy.hmm import hmm_probabilities
from ons_assets.meters.occupancy.mixture import mixture_probabilities
from ons_assets.meters.occupancy.population import LevelPrior
from ons_assets.meters.occupancy.readings import of_one_home
from ons_assets.meters.occupancy.threshold import threshold_probabilities
from ons_assets.parameters.meters import GeomaParameters, HmmParameters, PopulationParameters, ThresholdParameters

Method = Literal["hmm", "mixture", "geoma", "threshold"]
METHODS: tuple[Method, ...] = get_args(Method)
"""Names of the methods that need no labels; the first is the default."""


def occupancy_probabilities(
    kwh: npt.ArrayLike,
    *,
    method: str = "hmm",
    day: npt.ArrayLike | None = None,
    parameters: HmmParameters | None = None,
    population: PopulationParameters | None = None,
    calibration: Calibration | None = None,
) -> npt.NDArray[np.float32]:
    """Return the probability that somebody is at home in each half hour of one home.

    Parameters
    ----------
    kwh : array (days, 48)
        kWh in each half hour of the local day; NaN (or infinity) is no reading.
    method : {"hmm", "mixture", "geoma", "threshold"}
        The method; none of them needs labels.
    day : int array (days,), optional
        Number of each day, for "hmm": the days of `kwh` follow each other where it is left out.
    parameters : HmmParameters, optional
        Parameters of "hmm".
    population : PopulationParameters, optional
        What "hmm" knows of the levels of other homes.
    calibration : Calibration, optional
        Map from the method's probability to the share that was seen; see `fit_calibration`.

    Returns
    -------
    float32 array (days, 48)
        In [0, 1]; NaN where `kwh` has no reading, and throughout where the method has nothing to go by (fewer
        than two nights for "threshold", fewer than three different values for "mixture").

    Raises
    ------
    ValueError
        If `kwh` does not have the shape (days, 48) or the method is unknown.

    References
    ----------
    docs/methods/occupancy.md, with the accuracy of each.

    Examples
    --------
    >>> import numpy as np
    >>> kwh = np.full((14, 48), 0.05)
    >>> kwh[:, 36:44] = 0.6
    >>> probability = occupancy_probabilities(kwh)
    >>> bool(probability[7, 40] > 0.99), bool(probability[7, 26] < 0.2)
    (True, True)
    """
    readings = of_one_home(kwh)
    offsets = np.array([0, len(readings)], dtype=np.int64)
    return occupancy_of_homes(
        readings,
        offsets,
        method=method,
        day=day,
        parameters=parameters,
        population=population,
        calibration=calibration,
        n_threads=1,
    )


def occupancy_of_homes(
    kwh: npt.NDArray[np.float32],
    meter_offsets: npt.NDArray[np.int64],
    *,
    method: str = "hmm",
    day: npt.ArrayLike | None = None,
    parameters: HmmParameters | None = None,
    population: PopulationParameters | None = None,
    priors: Sequence[LevelPrior] | None = None,
    threshold: ThresholdParameters | None = None,
    geoma: GeomaParameters | None = None,
    calibration: Calibration | None = None,
    n_threads: int = 0,
) -> npt.NDArray[np.float32]:
    """Return the probability that somebody is at home in each half hour of many homes.

    Parameters
    ----------
    kwh
        (rows, 48), kWh of the meter-days of all homes.
    meter_offsets
        Rows of home h are ``meter_offsets[h]:meter_offsets[h + 1]``, ascending in day.
    method, day, parameters, population, calibration
        As for `occupancy_probabilities`.
    priors
        Levels of the population of each home for "hmm", see `population.population`; what is known beforehand if None.
    threshold, geoma
        Parameters of the methods of these names; None for the defaults.
    n_threads
        Threads of "hmm"; 0 takes all processors.

    Returns
    -------
    float32 array (rows, 48)
        As from `occupancy_probabilities`; a home's values depend on other homes by `priors` alone.

    Raises
    ------
    ValueError
        If the arrays do not fit together or the method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    readings = of_one_home(kwh)
    offsets = np.asarray(meter_offsets, dtype=np.int64)
    if method == "hmm":
        probability = hmm_probabilities(
            readings,
            offsets,
            day=day,
            parameters=parameters,
            population=population,
            priors=priors,
            n_threads=n_threads,
        )
    else:
        by_home: dict[str, Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]] = {
            "mixture": mixture_probabilities,
            "geoma": lambda home: geoma_probabilities(home, geoma),
            "threshold": lambda home: threshold_probabilities(home, threshold),
        }
        probability = np.full(readings.shape, np.nan, dtype=np.float32)
        for first, end in itertools.pairwise(offsets):
            probability[first:end] = by_home[method](readings[first:end])
    return probability if calibration is None else calibration.apply(probability)
