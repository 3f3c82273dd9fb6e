"""GeoMA: occupied where the smoothed logarithm of use is above its own moving average."""

import numpy as np
import numpy.typing as npt

from ons_assets.meters.occupancy.readings import SLOTS, log_kwh
from ons_assets.parameters.meters import GeomaParameters

WINDOW = 5
EVENING = 40  # 20:00
LAST_OF_EVENING = 49  # 00:30, of the next day
MORNING = 19  # to the end of the half hour of 09:00

FloatArray = npt.NDArray[np.floating]


def geoma_probabilities(
    kwh: npt.NDArray[np.float32], parameters: GeomaParameters | None = None
) -> npt.NDArray[np.float32]:
    """Return the share of five half hours around each that lie above the geometric moving average.

    The logarithm of use is smoothed over five half hours and compared with its geometric (exponentially
    weighted) moving average, which forgets 5 % in each half hour. After an evening with more than an hour of
    presence, somebody is taken to be at home until the morning. Missing readings are left out of both averages.

    Parameters
    ----------
    kwh
        (days, 48) of one home, kWh.
    parameters
        None for the defaults.

    Returns
    -------
    float32 array (days, 48)
        0, 0.2, ... 1, NaN where there is no reading. From 0.5 up it is the decision of the paper.

    References
    ----------
    Becker and Kleiminger (2018), Exploring zero-training algorithms for occupancy detection based on smart meter
    measurements, Computer Science - Research and Development 33, section 3. The rule for the night follows
    Schaffer, Vera-Valdes and Marszal-Pomianowska (2025), Building and Environment 113917.
    """
    parameters = parameters or GeomaParameters()
    flat = kwh.ravel()
    read = np.isfinite(flat)
    if not read.any():
        return np.full(kwh.shape, np.nan, dtype=np.float32)
    smooth = _rolling_mean(log_kwh(flat).astype(float))[read]
    above = np.full(len(flat), np.nan)
    above[read] = smooth >= _moving_average(smooth, parameters.forgetting)
    share = _rolling_mean(above)
    occupied = _with_nights(share, read, parameters.fewest_evening)
    return np.where(read, occupied, np.nan).astype(np.float32).reshape(kwh.shape)


def _rolling_mean(values: FloatArray) -> FloatArray:
    """Mean of what is there of the five values around each; NaN where nothing is."""
    known = np.isfinite(values)
    kernel = np.ones(WINDOW)
    reach = WINDOW // 2
    count = np.convolve(np.pad(known, reach), kernel, mode="valid")
    total = np.convolve(np.pad(np.where(known, values, 0.0), reach), kernel, mode="valid")
    mean: FloatArray = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
    return mean


def _moving_average(values: FloatArray, forgetting: float) -> FloatArray:
    average = np.empty(len(values))
    now = values[0]
    for place, value in enumerate(values):
        now = forgetting * value + (1 - forgetting) * now
        average[place] = now
    return average


def _with_nights(share: FloatArray, read: npt.NDArray[np.bool_], fewest_evening: int) -> FloatArray:
    """Set 1 from the last presence of an evening to the morning, where the evening had enough of it."""
    result = share.copy()
    present = read & (share >= 0.5)
    for midnight in range(0, len(share), SLOTS):
        evening = np.arange(midnight + EVENING, min(midnight + LAST_OF_EVENING + 1, len(share)))
        seen = evening[present[evening]]
        if len(seen) >= fewest_evening:
            result[seen[-1] : midnight + SLOTS + MORNING] = 1.0
    return result
