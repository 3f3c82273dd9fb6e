"""The default: a hidden Markov model of every home, with habits of the time of day as its prior."""

import itertools

import numpy as np
import numpy.typing as npt
from core_ext.occupancy_hmm import fit_occupancy
from pydantic import BaseModel, Field

from ons_assets.meters.occupancy.readings import SLOTS, log_kwh


class Period(BaseModel, frozen=True):
    """What is known beforehand of a part of the day. It lasts until the next one begins."""

    start_hour: int = Field(ge=0, le=23, description="hour at which it begins")
    leave: float = Field(gt=0, lt=1, description="probability that the home empties from one half hour to the next")
    arrive: float = Field(gt=0, lt=1, description="probability that somebody comes home to an empty one")
    active_share: float = Field(gt=0, lt=1, description="share of half hours at home with something switched on")


class HmmParameters(BaseModel, frozen=True):
    """Parameters of the hidden Markov model; docs/methods/occupancy.md says where each comes from."""

    periods: tuple[Period, ...] = Field(
        (
            Period(start_hour=6, leave=0.08, arrive=0.08, active_share=0.3),
            Period(start_hour=10, leave=0.05, arrive=0.05, active_share=0.7),
            Period(start_hour=16, leave=0.05, arrive=0.12, active_share=0.7),
            Period(start_hour=23, leave=0.002, arrive=0.1, active_share=0.1),
        ),
        min_length=1,
        description="morning, day, evening and night",
    )
    active_share_empty: float = Field(0.02, gt=0, lt=1, description="share of half hours with use in an empty home")
    initial_occupied: float = Field(0.95, gt=0, lt=1, description="probability of being at home at midnight")
    base_quantile: float = Field(0.1, gt=0, lt=0.5, description="quantile of a home's log use where its base is sought")
    base_sd: float = Field(0.3, gt=0, description="standard deviation of log use in quiet half hours")
    active_above_base: float = Field(1.3, gt=0, description="active above quiet half hours, as a logarithm")
    active_sd: float = Field(0.6, gt=0, description="standard deviation of log use in active half hours")
    reading_weight: float = Field(0.3, ge=0, description="weight of the prior of use, as a share of the readings")
    transition_weight: float = Field(1.0, ge=0, description="weight of the prior of transitions, as a share of them")
    max_iterations: int = Field(50, ge=0, description="most steps of expectation-maximisation")
    tolerance: float = Field(1e-5, ge=0, description="gain of log posterior for each reading at which it stops")

    def groups(self) -> npt.NDArray[np.int32]:
        """Return the period of each half hour of the day, (48,)."""
        order = sorted(range(len(self.periods)), key=lambda place: self.periods[place].start_hour)
        starts = [2 * self.periods[place].start_hour for place in order]
        # Before the first start of the day the last period of the day before still lasts.
        return np.array([order[np.searchsorted(starts, slot, side="right") - 1] for slot in range(SLOTS)], np.int32)


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
    group = parameters.groups()
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
