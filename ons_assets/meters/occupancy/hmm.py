"""The default: a hidden Markov model of every home, with habits of the time of day as its prior."""

import itertools

import numpy as np
import numpy.typing as npt

from core_ext import fit_occupancy
from ons_assets.meters.occupancy.readings import SLOTS, log_kwh
from ons_assets.parameters.meters import HmmParameters


def hmm_probabilities(
    kwh: npt.NDArray[np.float32],
    meter_offsets: npt.NDArray[np.int64],
    *,
    day: npt.ArrayLike | None = None,
    parameters: HmmParameters | None = None,
    n_threads: int = 0,
) -> npt.NDArray[np.float32]:
    """Return the probability that somebody is at home, by one model a home.

    The home is empty or occupied. Empty, its use is that of what runs by itself; occupied, it is that or
    active use, in shares that depend on the time of day. Leaving and coming home depend on it too. The
    parameters of a home are fitted to all its readings by expectation-maximisation, drawn to `parameters`;
    each half hour is then judged by all readings before and after it.

    Parameters
    ----------
    kwh
        (rows, 48) of many homes, kWh, NaN where missing.
    meter_offsets
        Rows of home h are ``meter_offsets[h]:meter_offsets[h + 1]``, ascending in day.
    day
        Number of each row's day; consecutive where left out.
    parameters
        Prior and limits.
    n_threads
        Number of threads; 0 takes all processors.

    Returns
    -------
    float32 array (rows, 48)
        Probability, NaN where there is no reading.

    References
    ----------
    Rabiner (1989), A tutorial on hidden Markov models, Proceedings of the IEEE 77; Kleiminger, Beckel, Staake
    and Santini (2013), Occupancy detection from electricity consumption data, BuildSys 2013, for its use here.
    """
    parameters = parameters or HmmParameters()
    x = log_kwh(kwh)
    base = np.zeros(len(meter_offsets) - 1)
    for home, (first, end) in enumerate(itertools.pairwise(meter_offsets)):
        read = x[first:end][np.isfinite(x[first:end])]
        if len(read):
            base[home] = np.quantile(read, parameters.base_quantile)
    rows = np.diff(meter_offsets)
    group = np.array(parameters.groups(), dtype=np.int32)
    fit = fit_occupancy(
        x,
        meter_offsets,
        group,
        np.array([[parameters.active_share_empty, period.active_share] for period in parameters.periods]).T,
        mean=np.stack([base, base + parameters.active_above_base], axis=1),
        sd=[parameters.base_sd, parameters.active_sd],
        transition=np.array([[period.leave, period.arrive] for period in parameters.periods]),
        weight=parameters.reading_weight * SLOTS * rows,
        transition_weight=parameters.transition_weight * SLOTS / len(parameters.periods) * rows,
        initial_occupied=parameters.initial_occupied,
        day=day,
        max_iterations=parameters.max_iterations,
        tolerance=parameters.tolerance,
        n_threads=n_threads,
    )
    probability: npt.NDArray[np.float32] = fit.probability
    probability[np.isnan(kwh)] = np.nan
    return probability
