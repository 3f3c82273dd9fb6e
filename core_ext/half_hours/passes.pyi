from typing import NamedTuple

import numpy as np
import numpy.typing as npt

RUN_KINDS: dict[str, int]

class HalfHourPass(NamedTuple):
    sums: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int32]
    day_kwh: npt.NDArray[np.float64]
    day_readings: npt.NDArray[np.int8]

class HalfHourRuns(NamedTuple):
    meter: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]

class DayRuns(NamedTuple):
    meter: npt.NDArray[np.int64]
    first_row: npt.NDArray[np.int64]
    last_row: npt.NDArray[np.int64]
    days: npt.NDArray[np.int64]

def half_hour_profiles(
    kwh: npt.ArrayLike,
    meter_offsets: npt.ArrayLike,
    day_type: npt.ArrayLike,
    n_day_types: int | None = None,
    *,
    n_threads: int = 0,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]: ...
def half_hour_pass(
    kwh: npt.ArrayLike,
    meter_offsets: npt.ArrayLike,
    day_type: npt.ArrayLike,
    n_day_types: int | None = None,
    *,
    n_threads: int = 0,
) -> HalfHourPass: ...
def daily_totals(kwh: npt.ArrayLike, *, n_threads: int = 0) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]: ...
def half_hour_runs(
    kwh: npt.ArrayLike,
    meter_offsets: npt.ArrayLike,
    kind: str,
    *,
    day: npt.ArrayLike | None = None,
    min_length: int = 1,
    n_threads: int = 0,
) -> HalfHourRuns: ...
def low_day_runs(
    day_kwh: npt.ArrayLike,
    level_kwh: npt.ArrayLike,
    meter_offsets: npt.ArrayLike,
    *,
    day: npt.ArrayLike | None = None,
    min_days: int = 1,
    max_gap_days: int = 0,
) -> DayRuns: ...
