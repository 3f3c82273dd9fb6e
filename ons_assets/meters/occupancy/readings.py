"""What the methods share: one home's readings, checked, and their logarithm."""

import numpy as np
import numpy.typing as npt

SLOTS = 48

# Meters resolve 1 Wh to 10 Wh; below 5 Wh in half an hour, 10 W, the logarithm would only magnify rounding.
FLOOR_KWH = 0.005


def of_one_home(kwh: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return the readings of one home as float32 (days, 48), with NaN for what is not finite.

    Raises
    ------
    ValueError
        If they do not have the shape (days, 48) or are not numbers.
    """
    readings = np.asarray(kwh)
    if readings.ndim != 2 or readings.shape[1] != SLOTS:
        raise ValueError(f"kwh must have the shape (days, {SLOTS}), not {readings.shape}")
    if not np.issubdtype(readings.dtype, np.number) or np.issubdtype(readings.dtype, np.complexfloating):
        raise ValueError(f"kwh must be numbers, not {readings.dtype}")
    readings = readings.astype(np.float32)
    readings[~np.isfinite(readings)] = np.nan
    return readings


def log_kwh(kwh: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Natural logarithm of the energy, with everything below `FLOOR_KWH` (export too) taken as that."""
    return np.log(np.maximum(kwh, np.float32(FLOOR_KWH)))
