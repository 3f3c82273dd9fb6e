from typing import NamedTuple

import numpy as np
import numpy.typing as npt

class OccupancyFit(NamedTuple):
    probability: npt.NDArray[np.float32]
    mean: npt.NDArray[np.float64]
    sd: npt.NDArray[np.float64]
    transition: npt.NDArray[np.float64]
    log_posterior: npt.NDArray[np.float64]
    iterations: npt.NDArray[np.int32]

def fit_occupancy(
    x: npt.ArrayLike,
    meter_offsets: npt.ArrayLike,
    group: npt.ArrayLike,
    active_share: npt.ArrayLike,
    *,
    mean: npt.ArrayLike,
    sd: npt.ArrayLike,
    transition: npt.ArrayLike,
    switching: npt.ArrayLike | None = None,
    monotone: bool = False,
    weight: npt.ArrayLike = 0.0,
    transition_weight: npt.ArrayLike = 0.0,
    initial_occupied: float = 0.5,
    day: npt.ArrayLike | None = None,
    day_type: npt.ArrayLike | None = None,
    max_iterations: int = 50,
    tolerance: float = 1e-6,
    n_threads: int = 0,
) -> OccupancyFit: ...
