"""Occupied where more is used than in nearly all of the night."""

import numpy as np
import numpy.typing as npt

from ons_assets.parameters.meters import ThresholdParameters

# 01:00 to 05:00: whoever is at home is asleep, and what runs does so by itself.
NIGHT = slice(2, 10)


def threshold_probabilities(
    kwh: npt.NDArray[np.float32], parameters: ThresholdParameters | None = None
) -> npt.NDArray[np.float32]:
    """Return 1 above the 95 % quantile of the night's readings, and 0 below.

    The oldest idea and the yardstick of the others: it knows no time of day, so that people asleep or
    sitting still count as away. A home read on fewer than two nights has no threshold, and NaN throughout.

    Parameters
    ----------
    kwh
        (days, 48) of one home, kWh.
    parameters
        None for the defaults.

    Returns
    -------
    float32 array (days, 48)
        0 or 1, NaN where there is no reading.

    References
    ----------
    Chen, Barker, Subbaswamy, Irwin and Shenoy (2013), Non-intrusive occupancy monitoring using smart meters,
    BuildSys 2013, for thresholds taken from the night.
    """
    parameters = parameters or ThresholdParameters()
    night = kwh[:, NIGHT]
    night = night[np.isfinite(night)]
    if len(night) < parameters.fewest_readings:
        return np.full(kwh.shape, np.nan, dtype=np.float32)
    return np.where(np.isnan(kwh), np.nan, kwh > np.quantile(night, parameters.quantile)).astype(np.float32)
