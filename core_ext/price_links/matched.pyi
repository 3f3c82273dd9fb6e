import numpy as np
import numpy.typing as npt

def log_relatives(
    product_offsets: npt.ArrayLike, period: npt.ArrayLike, log_price: npt.ArrayLike, n_periods: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]: ...
def pair_sums(
    product_offsets: npt.ArrayLike, period: npt.ArrayLike, left: npt.ArrayLike, right: npt.ArrayLike, n_periods: int
) -> npt.NDArray[np.float64]: ...
