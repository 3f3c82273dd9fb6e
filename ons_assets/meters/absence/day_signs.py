"""What of a day's use tells of people: signs that machines hardly leave."""

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.half_hours.clock_face import measured
from ons_assets.parameters.meters import VacancyParameters

FloatArray = npt.NDArray[np.float64]
DAYTIME = slice(15, 47)
"""07:30 to 23:30: after the cheap rate of the night, at which heaters and cars are charged by a clock."""
EVENING = slice(34, 46)
"""17:00 to 23:00: people cook and wash, and panels give nothing or little."""
BASE_QUANTILE = 0.1
FEWEST_EVENING = 4


def day_signs(half_hours: pl.DataFrame, parameters: VacancyParameters | None = None) -> pl.DataFrame:
    """Return two signs of people for each day, from what was read and not from what was filled.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours`, sorted by meter and day.
    parameters
        `cold_appliances_kwh` and `fewest_daytime_readings` are used.

    Returns
    -------
    DataFrame
        `bucket`, `meter`, `day`; `activity_kwh`, use from 07:30 to 23:30 above the base of that time and what
        refrigerators do; `evening_kwh`, by how much the highest half hour from 17:00 to 23:00 exceeds the middle one.
        Null where too little was read; export is no use. The base is that of the daytime, so that neither the heaters
        of the night nor a heat pump that runs all day counts, nor a base that panels have taken to zero at noon alone.
    """
    parameters = parameters or VacancyParameters()
    # What panels give to the grid is no use: without this, a sunny day without people has a base below zero.
    kwh = np.maximum(measured(half_hours).astype(np.float64), 0.0)
    day, evening = kwh[:, DAYTIME], kwh[:, EVENING]
    known = np.isfinite(day)
    count = known.sum(axis=1)
    above = day - _ordered(day, BASE_QUANTILE)[:, None] - parameters.cold_appliances_kwh
    # Scaled to the whole of the daytime, so that a day with holes stays comparable.
    activity = np.where(known, np.maximum(above, 0.0), 0.0).sum(axis=1) * day.shape[1] / np.maximum(count, 1)
    peak = _ordered(evening, 1.0) - _ordered(evening, 0.5)
    enough = (count >= parameters.fewest_daytime_readings) & (np.isfinite(evening).sum(axis=1) >= FEWEST_EVENING)
    return half_hours.select(
        "bucket",
        "meter",
        "day",
        activity_kwh=pl.Series(np.where(enough, activity, np.nan)).fill_nan(None),
        evening_kwh=pl.Series(np.where(enough, peak, np.nan)).fill_nan(None),
    )


def _ordered(kwh: FloatArray, share: float) -> FloatArray:
    """Return the reading below which a share of the row's readings lie; NaN where there is none."""
    ordered = np.sort(kwh, axis=1)  # NaN goes to the end
    read = np.isfinite(kwh).sum(axis=1)
    place = (np.maximum(read - 1, 0) * share).astype(int)
    found: FloatArray = ordered[np.arange(len(kwh)), place]
    return found
