"""What a home uses in a day, and how much of it somebody must have switched on."""

import numpy as np
import numpy.typing as npt
import polars as pl

from core_ext import daily_totals
from ons_assets.meters.half_hours.clock_face import dense, measured
from ons_assets.parameters.meters import DailyParameters

SLOTS = 48
DAYTIME = slice(12, 46)  # 06:00 to 23:00


def daily_consumption(half_hours: pl.DataFrame, parameters: DailyParameters | None = None) -> pl.DataFrame:
    """Return the use of each meter-day.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours`, sorted by meter and day.
    parameters
        None for the defaults, of which the columns below speak.

    Returns
    -------
    DataFrame
        `bucket`, `meter`, `day`; `energy_kwh`, what was read of the day, a repeated hour included (null if
        nothing was); `readings`, half hours read of the clock face; `is_complete`, none is missing;
        `base_kwh`, first decile of the half hours; `activity_kwh`, use between 06:00 and 23:00 above the base
        and 100 W (null if less than half of that time was read); `highest_kwh`, the highest half hour. What was
        filled counts in `energy_kwh` and `readings`, and nowhere else. Export that is kept is taken off `energy_kwh`,
        and is no use elsewhere.

    Raises
    ------
    ValueError
        If the rows are not sorted by meter.
    """
    kwh = dense(half_hours).kwh
    energy, readings = daily_totals(kwh)
    base, activity, highest = base_and_activity(measured(half_hours), parameters)
    extra = pl.col("extra_kwh").cast(pl.Float64) if "extra_kwh" in half_hours.columns else pl.lit(0.0)
    complete = pl.col("missing") == 0 if "missing" in half_hours.columns else pl.col("readings") == SLOTS
    return half_hours.with_columns(
        energy_kwh=pl.Series(energy),
        readings=pl.Series(readings),
        base_kwh=pl.Series(base),
        activity_kwh=pl.Series(activity),
        highest_kwh=pl.Series(highest),
    ).select(
        "bucket",
        "meter",
        "day",
        (pl.col("energy_kwh").fill_nan(None) + extra).alias("energy_kwh"),
        "readings",
        complete.alias("is_complete"),
        pl.col("base_kwh", "activity_kwh", "highest_kwh").fill_nan(None),
    )


def base_and_activity(
    kwh: npt.NDArray[np.float32], parameters: DailyParameters | None = None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the base, the activity and the highest half hour of each day, kWh; NaN where not known.

    Parameters
    ----------
    kwh
        (rows, 48), NaN where missing; export, below zero, is taken as no use.
    parameters
        None for the defaults.

    Returns
    -------
    base, activity, highest : float64 arrays (rows,)
        As the columns of `daily_consumption`.
    """
    parameters = parameters or DailyParameters()
    rows = len(kwh)
    kwh = np.maximum(kwh, np.float32(0))
    ordered = np.sort(kwh, axis=1).astype(np.float64)  # NaN goes to the end
    read = np.isfinite(kwh).sum(axis=1)
    place = np.maximum(read - 1, 0) * parameters.base_quantile
    below = place.astype(int)
    part = place - below
    at = np.arange(rows)
    base = ordered[at, below] * (1 - part) + ordered[at, np.minimum(below + 1, np.maximum(read - 1, 0))] * part
    highest = ordered[at, np.maximum(read - 1, 0)]
    day = kwh[:, DAYTIME].astype(np.float64)
    known = np.isfinite(day)
    count = known.sum(axis=1)
    above = np.where(known, np.maximum(day - base[:, None] - parameters.cold_appliances_kwh, 0.0), 0.0).sum(axis=1)
    # Scaled to the whole of the daytime, so that a day with holes stays comparable.
    enough = count >= parameters.fewest_daytime_readings
    activity = np.where(enough, above * day.shape[1] / np.maximum(count, 1), np.nan)
    return base, activity, highest
