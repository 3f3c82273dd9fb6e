"""Runs of days on which a home used next to nothing, or nothing but what runs by itself."""

import numpy as np
import polars as pl

from core_ext import low_day_runs
from ons_assets.parameters.meters import LowUseParameters


def low_use_runs(daily: pl.DataFrame, parameters: LowUseParameters | None = None) -> pl.DataFrame:
    """Find the runs of low and of constant days of each home.

    A day is *low* if its use and its activity both lie below a share of the home's usual level (so that
    night storage heating that stops in spring does not make a summer of low days: the kettle goes on), and
    *constant* if next to nothing happened above the base, whatever the base is. A run is of days that are
    one or the other. Days without readings neither count nor end a run unless too many follow each other.

    Parameters
    ----------
    daily
        Rows of `meters/daily_consumption`, sorted by meter and day.
    parameters
        Bounds; see `LowUseParameters`.

    Returns
    -------
    DataFrame
        One row a run: `bucket`, `meter`, `first_day`, `last_day`, `days` (with any reading; some may be too
        incomplete to be judged), `low_days`, `constant_days` (a day can be both), `mean_energy_kwh` (a day),
        `usual_kwh` (the home's usual level), `ratio` of the two. Homes with fewer than `min_known_days` days
        have no runs.

    References
    ----------
    ONS (2014), smart-type electricity meter data pilot: homes identified as unoccupied by runs of low daily use.
    """
    parameters = parameters or LowUseParameters()
    marked = low_days(daily, parameters)
    meter = marked["meter"].to_numpy()
    starts = np.flatnonzero(np.diff(meter, prepend=meter[:1] - 1)) if len(meter) else np.empty(0, dtype=np.int64)
    # The kernel compares with a level: 0 for days that count, 1 for others, NaN for unknown ones.
    unlike = marked.select((~(pl.col("is_low") | pl.col("is_constant"))).cast(pl.Float64)).to_series()
    runs = low_day_runs(
        unlike.fill_null(np.nan).to_numpy(),
        np.full(len(meter), 0.5),
        np.append(starts, len(meter)),
        day=marked["day"].to_physical().to_numpy(),
        min_days=parameters.min_days,
        max_gap_days=parameters.max_gap_days,
    )
    number = np.full(len(meter), -1, dtype=np.int64)
    for run, (first, last) in enumerate(zip(runs.first_row, runs.last_row, strict=True)):
        number[first : last + 1] = run
    return (
        marked.with_columns(run=pl.Series(number))
        .filter(pl.col("run") >= 0, pl.col("readings") > 0)
        .group_by("run", maintain_order=True)
        .agg(
            pl.col("bucket", "meter").first(),
            first_day=pl.col("day").first(),
            last_day=pl.col("day").last(),
            days=pl.len().cast(pl.Int32),
            low_days=pl.col("is_low").sum().cast(pl.Int32),
            constant_days=pl.col("is_constant").sum().cast(pl.Int32),
            mean_energy_kwh=pl.col("energy_kwh").mean(),
            usual_kwh=pl.col("usual_kwh").first(),
        )
        .with_columns(ratio=(pl.col("mean_energy_kwh").clip(lower_bound=0) / pl.col("usual_kwh")).fill_nan(None))
        .drop("run")
    )


def low_days(daily: pl.DataFrame, parameters: LowUseParameters | None = None) -> pl.DataFrame:
    """Mark the low and the constant days of each home.

    Parameters
    ----------
    daily
        Rows of `meters/daily_consumption`.
    parameters
        Bounds.

    Returns
    -------
    DataFrame
        The rows, with `usual_kwh`, `is_low` and `is_constant`; null where the day or the home's level is not
        known.
    """
    parameters = parameters or LowUseParameters()
    known = pl.col("energy_kwh").is_not_null() & pl.col("activity_kwh").is_not_null()
    # A day that was read in part is judged as if the rest had gone on alike.
    # A day that gave more than it took, where export is kept, has no use that could be compared.
    energy = pl.col("energy_kwh").clip(lower_bound=0)
    whole_day = pl.when(known).then(energy * 48 / pl.col("readings").cast(pl.Int32).clip(1, 48))
    activity = pl.when(known).then("activity_kwh")
    enough = known.sum().over("meter") >= parameters.min_known_days
    usual = pl.when(enough).then(whole_day.quantile(parameters.usual_quantile, "linear").over("meter"))
    usual_activity = pl.when(enough).then(activity.quantile(parameters.usual_quantile, "linear").over("meter"))
    # A day of zeros in a home of zeros is low too, hence <= for the levels and not only <.
    is_low = (whole_day <= parameters.low_share * usual) & (activity <= parameters.low_share * usual_activity)
    idle = pl.when(enough).then(pl.max_horizontal(parameters.idle_share * usual_activity, parameters.idle_kwh))
    return daily.with_columns(usual_kwh=usual, is_low=is_low, is_constant=activity <= idle)
