"""When to call: the hours at which most homes of an area have somebody in. Areas only, never homes."""

from collections.abc import Collection
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.areas.small_area import (
    area_occupancy,
    coarse_share,
    interval,
    of_every_area,
    tellable,
    with_dwellings,
)
from ons_assets.meters.half_hours.clock_face import as_array
from ons_assets.meters.profiles.load_profiles import DAY_TYPES, day_types
from ons_assets.meters.readings.clock import SLOTS
from ons_assets.parameters.meters import AreaParameters, FieldworkParameters

# So that a home of which every day of a type was likely not lived in still has a mean.
LEAST_WEIGHT = 1e-6


def presence_when_called(
    probabilities: pl.DataFrame,
    absence: pl.DataFrame,
    holidays: Collection[date] = (),
    parameters: FieldworkParameters | None = None,
) -> pl.DataFrame:
    """Return how likely somebody is in, by type of day and hour, of the homes that are worth a visit.

    A home is worth a visit if it is likely lived in on the last day that is known of it. A day counts for as much as
    it is likely that the home was lived in then; and somebody was in at an hour at most as likely as the day was not
    one without people: the model of half hours does not know absences of days.

    Parameters
    ----------
    probabilities
        Rows of `meters/occupancy_probabilities`, sorted by meter and day.
    absence
        Rows of `meters/daily_absence` of the same meters.
    holidays
        Public holidays, counted as sundays.
    parameters
        How likely lived in a home must be.

    Returns
    -------
    DataFrame
        As from `presence_by_hour`.
    """
    parameters = parameters or FieldworkParameters()
    lived_in = 1 - pl.col("vacant_probability") - pl.col("second_home_probability")
    known = absence.filter(pl.col("empty_probability").is_not_null()).with_columns(lived_in=lived_in.clip(0, 1))
    last = known.group_by("meter").agg(pl.col("lived_in").sort_by("day").last())
    called = last.filter(pl.col("lived_in") >= parameters.least_lived_in)
    rows = probabilities.join(
        known.join(called, on="meter", how="semi").drop("bucket"),
        on=["meter", "day"],
        how="inner",
        maintain_order="left",
    )
    present = as_array(rows["occupied_probability"], SLOTS)
    with_people = 1 - rows["empty_probability"].to_numpy().astype(np.float32)
    # NaN stays: nothing is said of half hours that were not read.
    return presence_by_hour(rows, np.minimum(present, with_people[:, None]), holidays, rows["lived_in"])


def presence_by_hour(
    half_hours: pl.DataFrame,
    probability: npt.NDArray[np.floating],
    holidays: Collection[date] = (),
    weight: pl.Series | None = None,
) -> pl.DataFrame:
    """Return the mean probability that somebody is at home, by meter, type of day and hour.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours` or `meters/occupancy_probabilities` (`bucket`, `meter`, `day` are used).
    probability
        (rows, 48), from `occupancy.occupancy_of_homes`; NaN is left out.
    holidays
        Public holidays, counted as sundays.
    weight
        For how much each row counts, above 0; None for all alike.

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
    rows = half_hours.select(
        "bucket",
        "meter",
        "day",
        day_type=day_types(half_hours["day"], holidays),
        weight=pl.lit(1.0) if weight is None else weight.clip(LEAST_WEIGHT),
    )
    hours = [rows.with_columns(hour=pl.lit(hour, pl.Int8), probability=pl.Series(mean[:, hour])) for hour in range(24)]
    return (
        pl.concat([hour.filter(pl.col("probability").is_not_nan()) for hour in hours])
        # The last digit of a mean hangs on the order of its terms.
        .sort("meter", "day", "hour")
        .group_by("bucket", "meter", "day_type", "hour", maintain_order=True)
        .agg(
            probability=((pl.col("probability") * pl.col("weight")).sum() / pl.col("weight").sum()).clip(0, 1),
            days=pl.len().cast(pl.Int32),
        )
        .select("bucket", "meter", "day_type", "hour", "probability", "days")
        .sort("meter", "day_type", "hour")
    )


def fieldwork(
    presence: pl.DataFrame,
    areas: pl.DataFrame,
    parameters: FieldworkParameters | None = None,
    area: AreaParameters | None = None,
    dwellings: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Rank the hours and types of day at which to call in each area.

    Homes that are likely vacant or second homes are not in `presence`: calling there is another matter.

    Parameters
    ----------
    presence
        From `presence_when_called`.
    areas
        `meter`, `area_code` of all homes that are metered, those that are not called on too.
    parameters
        Hours of calls.
    area
        Level of the intervals, and error of the model.
    dwellings
        `area_code`, `dwellings` of areas, if they are counted.

    Returns
    -------
    DataFrame
        A row for every area, type of day and hour: `area_code`, `day_type`, `hour`, `homes` (metered in the area, as in
        `meters/area_occupancy`: the number of those called on would tell how many are not lived in), `estimate`
        (expected share of homes with somebody in), `lower`, `upper` (which follow from the estimate, `homes`, the
        dwellings and the share of all homes that are called on, rounded down to a twentieth), `called_on` (see
        `small_area.tellable`), what their disclosure step asks of shares, and `rank`, null until `ranked` gives it to
        what is told. Small areas are in it: it leaves by that step only.
    """
    parameters, area = parameters or FieldworkParameters(), area or AreaParameters()
    hours = range(parameters.from_hour, parameters.to_hour)
    placed = presence.join(areas.select("meter", "area_code"), on="meter")
    table = area_occupancy(placed.filter(pl.col("hour").is_in(hours)), area, by=("day_type", "hour"))
    homes = areas.group_by("area_code").agg(homes=pl.len().cast(pl.Int64))
    every = homes.join(pl.DataFrame({"day_type": DAY_TYPES}), how="cross").join(
        pl.DataFrame({"hour": hours}, schema={"hour": pl.Int8()}), how="cross"
    )
    share_called_on = coarse_share(placed["meter"].n_unique(), areas["meter"].n_unique())
    return (
        of_every_area(table.rename({"homes": "called_on"}), every, "called_on")
        .with_columns(called_on=tellable("called_on", area))
        .pipe(with_dwellings, dwellings)
        # Of the dwellings as many are worth a visit as of the homes.
        .with_columns(pl.col("dwellings") * share_called_on)
        .with_columns(interval(pl.col("homes") * share_called_on, area.level, pl.lit(area.presence_error)))
        .drop("dwellings")
        .with_columns(rank=pl.lit(None, pl.Int32()))
        .sort("area_code", "day_type", "hour")
    )


def ranked(told: pl.DataFrame) -> pl.DataFrame:
    """Rank the hours of each area that are told: a place that is left free would tell of one that is not.

    Parameters
    ----------
    told
        From `fieldwork`, after its disclosure step.

    Returns
    -------
    DataFrame
        With `rank`, 1 being the best; sorted by area and rank.
    """
    rank = pl.col("estimate").rank("ordinal", descending=True).over("area_code").cast(pl.Int32)
    return told.with_columns(rank=rank).sort("area_code", "rank", "day_type", "hour", nulls_last=True)
