"""When to call: the hours at which most homes of an area have somebody in. Areas only, never homes."""

from collections.abc import Collection
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.areas.small_area import area_occupancy
from ons_assets.meters.profiles.load_profiles import day_types
from ons_assets.parameters.meters import AreaParameters, FieldworkParameters


def presence_by_hour(
    half_hours: pl.DataFrame, probability: npt.NDArray[np.floating], holidays: Collection[date] = ()
) -> pl.DataFrame:
    """Return the mean probability that somebody is at home, by meter, type of day and hour.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours` (`bucket`, `meter`, `day` are used).
    probability
        (rows, 48), from `occupancy.occupancy_of_homes`; NaN is left out.
    holidays
        Public holidays, counted as sundays.

    Returns
    -------
    DataFrame
        `bucket`, `meter`, `day_type`, `hour` (0 to 23), `probability`, `days`. Hours never read have no row.

    Raises
    ------
    ValueError
        If there is not one row of probabilities for each row of half hours.
    """
    if probability.shape != (len(half_hours), 48):
        raise ValueError("probability must have the shape (rows of half_hours, 48)")
    pairs = probability.reshape(len(half_hours), 24, 2).astype(np.float64)
    known = np.isfinite(pairs)
    count = known.sum(axis=2)
    mean = np.divide(np.where(known, pairs, 0.0).sum(axis=2), count, out=np.full(count.shape, np.nan), where=count > 0)
    rows = half_hours.select("bucket", "meter", "day", day_type=day_types(half_hours["day"], holidays))
    hours = [rows.with_columns(hour=pl.lit(hour, pl.Int8), probability=pl.Series(mean[:, hour])) for hour in range(24)]
    return (
        pl.concat([hour.filter(pl.col("probability").is_not_nan()) for hour in hours])
        # The last digit of a mean hangs on the order of its terms.
        .sort("meter", "day", "hour")
        .group_by("bucket", "meter", "day_type", "hour", maintain_order=True)
        .agg(probability=pl.col("probability").mean(), days=pl.len().cast(pl.Int32))
        .select("bucket", "meter", "day_type", "hour", "probability", "days")
        .sort("meter", "day_type", "hour")
    )


def fieldwork(
    presence: pl.DataFrame,
    areas: pl.DataFrame,
    parameters: FieldworkParameters | None = None,
    area: AreaParameters | None = None,
) -> pl.DataFrame:
    """Rank the hours and types of day at which to call in each area.

    Leave homes that are vacant or second homes out of `presence` beforehand: calling there is another matter.

    Parameters
    ----------
    presence
        From `presence_by_hour`.
    areas
        `meter`, `area_code` of all homes that are metered, those that are not called on too.
    parameters
        Hours of calls.
    area
        Level of the intervals.

    Returns
    -------
    DataFrame
        `area_code`, `day_type`, `hour`, `homes` (metered in the area, as in `meters/area_occupancy`: the number of
        those called on would tell how many are not lived in), `estimate` (expected share of homes with somebody in),
        `lower`, `upper`, `called_on`, what their disclosure step asks of shares, and `rank` (1 is the best of the
        area), sorted by area and rank. Small areas are in it: it leaves by that step only.
    """
    parameters = parameters or FieldworkParameters()
    callable_hours = pl.col("hour").is_between(parameters.from_hour, parameters.to_hour - 1)
    table = area_occupancy(
        presence.filter(callable_hours).join(areas.select("meter", "area_code"), on="meter"),
        area,
        by=("day_type", "hour"),
    )
    homes = areas.group_by("area_code").agg(homes=pl.len().cast(pl.Int64))
    table = table.rename({"homes": "called_on"}).join(homes, on="area_code")
    rank = pl.col("estimate").rank("ordinal", descending=True).over("area_code").cast(pl.Int32)
    return table.with_columns(rank=rank).sort("area_code", "rank", "day_type", "hour", nulls_last=True)
