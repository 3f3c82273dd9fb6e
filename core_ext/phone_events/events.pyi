import numpy as np
import numpy.typing as npt

KEPT: int
PING_PONG: int
SUSPICIOUS: int

def clean_events(
    user: npt.ArrayLike,
    time_s: npt.ArrayLike,
    cell: npt.ArrayLike,
    x_m: npt.ArrayLike,
    y_m: npt.ArrayLike,
    *,
    max_speed_m_s: float = 55.0,
    min_distance_m: float = 10_000.0,
    ping_pong_s: int = 300,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]: ...
def daily_evidence(
    user: npt.ArrayLike,
    time_s: npt.ArrayLike,
    cell: npt.ArrayLike,
    x_m: npt.ArrayLike,
    y_m: npt.ArrayLike,
    profiles: npt.ArrayLike,
    *,
    place_radius_m: float = 1_000.0,
    reach_s: int = 900,
    bridge_day_s: int = 7_200,
    bridge_night_s: int = 28_800,
    night_start: int = 22,
    night_end: int = 6,
) -> tuple[
    npt.NDArray[np.int64],
    npt.NDArray[np.int32],
    npt.NDArray[np.int32],
    npt.NDArray[np.float64],
    npt.NDArray[np.int64],
    npt.NDArray[np.int32],
    npt.NDArray[np.int32],
    npt.NDArray[np.int32],
]: ...
