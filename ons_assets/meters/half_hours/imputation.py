"""Filling of gaps, only where it is asked for, flagged, and with its error measured.

Short gaps are drawn straight from the reading before to the one after. Longer ones take the mean of the
same half hour on the nearest like days (the day before and after, and the same weekday one and two weeks
away).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.half_hours.clock_face import as_array
from ons_assets.meters.half_hours.missing_runs import runs
from ons_assets.meters.readings.clock import SLOTS
from ons_assets.parameters.meters import ImputationParameters

FloatArray = npt.NDArray[np.float32]
BOTH = ImputationParameters(method="both")
LIKE_DAYS = (-1, 1, -7, 7, -14, 14)


@dataclass(frozen=True)
class Error:
    """Error of filled half hours against hidden readings.

    Parameters
    ----------
    gap_slots
        Length of the gaps.
    hidden
        Readings that were hidden and filled.
    mean_absolute_kwh
        Mean absolute error of a half hour.
    relative
        It, as a share of the mean of the hidden readings.
    energy_bias
        Filled less hidden energy, as a share of the hidden.
    """

    gap_slots: int
    hidden: int
    mean_absolute_kwh: float
    relative: float
    energy_bias: float


def impute(kwh: FloatArray, parameters: ImputationParameters = BOTH) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Fill the gaps of one meter.

    Parameters
    ----------
    kwh
        Consecutive days, (days, 48), NaN where missing.
    parameters
        Of `method`, `straight` fills gaps of up to `straight_slots` only; `like_days` fills all from like days;
        `both` takes each for its length; `none` fills none.

    Returns
    -------
    filled, imputed
        The readings, and which of them were filled. What nothing is known of stays NaN; so do the time
        before the first and after the last reading.
    """
    flat = kwh.astype(np.float64).ravel()
    missing = np.isnan(flat)
    filled = flat.copy()
    there = np.flatnonzero(~missing)
    if not len(there):
        return kwh.copy(), np.zeros(kwh.shape, dtype=bool)
    method = parameters.method
    gaps = runs(missing[None, :])
    typical = _like_days(kwh).ravel()
    for start, length in zip(gaps.start.tolist(), gaps.length.tolist(), strict=True):
        end = start + length
        if start < there[0] or end > there[-1] or length > parameters.longest_slots or method == "none":
            continue
        if length <= parameters.straight_slots and method != "like_days":
            filled[start:end] = np.interp(np.arange(start, end), [start - 1, end], flat[[start - 1, end]])
        elif method != "straight":
            filled[start:end] = typical[start:end]
    imputed = missing & ~np.isnan(filled)
    return filled.astype(np.float32).reshape(kwh.shape), imputed.reshape(kwh.shape)


def _like_days(kwh: FloatArray) -> npt.NDArray[np.float64]:
    """Return the mean of the same half hour on like days, NaN where none was read."""
    days = len(kwh)
    total, count = np.zeros(kwh.shape), np.zeros(kwh.shape)
    for away in LIKE_DAYS:
        if abs(away) >= days:
            continue
        here = slice(max(-away, 0), days - max(away, 0))
        there = slice(max(away, 0), days - max(-away, 0))
        read = ~np.isnan(kwh[there])
        total[here] += np.where(read, kwh[there], 0)
        count[here] += read
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def impute_half_hours(half_hours: pl.DataFrame, parameters: ImputationParameters = BOTH) -> pl.DataFrame:
    """Fill the gaps of `meters/half_hours`, and mark in `imputed_mask` what was filled.

    The half hours that the clock skips in spring stay missing.
    """
    parts = []
    for rows in half_hours.sort("meter", "day").partition_by("meter", maintain_order=True):
        day = rows["day"].to_physical().to_numpy()
        kwh = np.full((day[-1] - day[0] + 1, SLOTS), np.nan, dtype=np.float32)
        kwh[day - day[0]] = as_array(rows["kwh"], SLOTS)
        filled, imputed = impute(kwh, parameters)
        imputed[day[rows["clock_change"].to_numpy() == -1] - day[0]] = False
        filled = np.where(imputed, filled, kwh)[day - day[0]]
        bits = (imputed[day - day[0]].astype(np.int64) << np.arange(SLOTS)).sum(axis=1)
        parts.append(
            rows.with_columns(
                kwh=pl.Series(filled, dtype=pl.Array(pl.Float32(), SLOTS)).arr.to_list(),
                imputed_mask=pl.col("imputed_mask") | pl.Series(bits),
            )
        )
    return pl.concat(parts) if parts else half_hours


def hidden_error(
    kwh: npt.NDArray[np.float32], gap_slots: int, parameters: ImputationParameters = BOTH, *, seed: int = 0
) -> Error:
    """Measure the error of filling: hide real readings, fill them, and compare.

    Parameters
    ----------
    kwh
        Meters with consecutive days, (meters, days, 48).
    gap_slots
        Length of the gap hidden in each meter, at a random place where all its readings are there.
    parameters
        As for `impute`.
    seed
        Of the places.
    """
    rng = np.random.default_rng(seed)
    absolute = hidden_energy = bias = 0.0
    hidden = 0
    for readings in kwh:
        flat = readings.ravel()
        start = int(rng.integers(SLOTS, len(flat) - SLOTS - gap_slots))
        true = flat[start : start + gap_slots].astype(np.float64)
        if np.isnan(true).any():
            continue
        holed = flat.copy()
        holed[start : start + gap_slots] = np.nan
        filled = impute(holed.reshape(readings.shape), parameters)[0].ravel()[start : start + gap_slots]
        known = ~np.isnan(filled)
        absolute += float(np.abs(filled - true)[known].sum())
        bias += float((filled - true)[known].sum())
        hidden_energy += float(true[known].sum())
        hidden += int(known.sum())
    if not hidden or not hidden_energy:
        return Error(gap_slots, hidden, float("nan"), float("nan"), float("nan"))
    return Error(gap_slots, hidden, absolute / hidden, absolute / hidden_energy, bias / hidden_energy)
