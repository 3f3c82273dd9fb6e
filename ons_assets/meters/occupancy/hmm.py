"""The default: a hidden Markov model of every home, with habits of the time of day and other homes as its prior."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core_ext import fit_occupancy
from ons_assets.meters.occupancy.population import (
    LevelPrior,
    beforehand,
    component_means,
    home_levels,
    informativeness,
)
from ons_assets.meters.occupancy.readings import SLOTS, log_kwh
from ons_assets.parameters.meters import HmmParameters, PopulationParameters

# Days after which a home of which nothing is read has forgotten how it began.
SETTLED_DAYS = 20
# Log odds beyond those of one in a million are not told apart from certainty.
LEAST_PROBABILITY = 1e-6


def hmm_probabilities(
    kwh: npt.NDArray[np.float32],
    meter_offsets: npt.NDArray[np.int64],
    *,
    day: npt.ArrayLike | None = None,
    parameters: HmmParameters | None = None,
    population: PopulationParameters | None = None,
    priors: Sequence[LevelPrior] | None = None,
    n_threads: int = 0,
) -> npt.NDArray[np.float32]:
    """Return the probability that somebody is at home, by one model a home.

    The home is empty, or somebody is in and quiet, or in and lively. Empty, its use is that of what runs by
    itself; lively, it is that or active use, in shares that depend on the time of day; quiet people use hardly
    more than an empty home does, and stay so for a while. Leaving and coming home depend on the time of day
    too. The parameters of a home are fitted to all its readings by expectation-maximisation, drawn to
    `parameters` and to the levels of other homes; each half hour is then judged by all readings before and
    after it. What the readings say beyond the time of day counts by `evidence`, and less in a home whose use
    hardly varies: without readings that vary, the probability is that of the time of day.

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
    population
        How levels of homes are found, and what is known of them beforehand.
    priors
        Levels of the population of each home; what is known beforehand, if None.
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
    population = population or PopulationParameters()
    homes = len(meter_offsets) - 1
    levels = home_levels(kwh, meter_offsets, population)
    rows = np.diff(meter_offsets)
    fit = fit_occupancy(
        log_kwh(kwh),
        meter_offsets,
        **_model(parameters),
        mean=component_means(levels, priors or [beforehand(population)] * homes, population),
        weight=parameters.reading_weight * SLOTS * rows,
        transition_weight=parameters.transition_weight * SLOTS / len(parameters.periods) * rows,
        day=day,
        max_iterations=parameters.max_iterations,
        tolerance=parameters.tolerance,
        n_threads=n_threads,
    )
    belief = (parameters.evidence * informativeness(levels, population)).repeat(rows).astype(np.float32)
    usual = _log_odds(time_of_day(parameters))
    probability = _log_odds(fit.probability)
    probability -= usual
    probability *= belief[:, None]
    probability += usual
    np.negative(probability, out=probability)
    np.exp(probability, out=probability)
    probability += 1
    np.reciprocal(probability, out=probability)
    probability[np.isnan(kwh)] = np.nan
    return probability


def time_of_day(parameters: HmmParameters | None = None) -> npt.NDArray[np.float32]:
    """Return how likely somebody is at home in each half hour of the day where no reading says more, (48,)."""
    nothing = np.full((SETTLED_DAYS, SLOTS), np.nan, dtype=np.float32)
    fit = fit_occupancy(
        nothing, [0, SETTLED_DAYS], **_model(parameters or HmmParameters()), mean=[0, 1], max_iterations=0, n_threads=1
    )
    # In the middle, where neither end of the days matters.
    usual: npt.NDArray[np.float32] = fit.probability[SETTLED_DAYS // 2]
    return usual


def _model(parameters: HmmParameters) -> dict[str, Any]:
    """What the kernel is given of the parameters, whatever the home."""
    periods = parameters.periods
    shares = [[parameters.active_share_empty, parameters.active_share_quiet, each.active_share] for each in periods]
    return {
        "group": np.array(parameters.groups(), dtype=np.int32),
        "active_share": np.array(shares).T,
        "sd": [parameters.base_sd, parameters.active_sd],
        "transition": np.array([[each.leave, each.arrive] for each in periods]),
        "switching": np.array([[each.settle, each.wake, each.quiet_share] for each in periods]),
        "initial_occupied": parameters.initial_occupied,
        "monotone": True,
    }


def _log_odds(probability: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    inside = np.clip(probability, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    odds: npt.NDArray[np.float32] = np.log(inside / (1 - inside))
    return odds
