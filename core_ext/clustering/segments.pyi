import numpy as np
import numpy.typing as npt

def dbscan(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    offsets: npt.ArrayLike,
    eps: float,
    min_samples: int,
    *,
    sample_weight: npt.ArrayLike | None = None,
    time: npt.ArrayLike | None = None,
    eps_time: float | None = None,
    n_threads: int = 0,
) -> npt.NDArray[np.int32]: ...
def dbscan_clusters(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    offsets: npt.ArrayLike,
    eps: float,
    min_samples: int,
    *,
    sample_weight: npt.ArrayLike | None = None,
    time: npt.ArrayLike | None = None,
    eps_time: float | None = None,
    n_threads: int = 0,
) -> tuple[npt.NDArray[np.int32], dict[str, npt.NDArray[np.int32 | np.int64 | np.float64]]]: ...
