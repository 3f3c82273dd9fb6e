"""The pilot's two figures of one meter: daily totals over the trial, and low days against the average profile.

They show one home. Draw them for a simulated meter, or for one whose people permit it; never for the UI,
logs or reports of real homes.
"""

from datetime import date

import altair as alt
import numpy as np
import polars as pl

from ons_assets.lakehouse.sums import exact_mean

SLOTS = 48


def daily_totals_figure(daily: pl.DataFrame, runs: pl.DataFrame | None = None) -> alt.LayerChart | alt.FacetChart:
    """Draw the use of one meter by day, with its low-use runs shaded (the pilot's figure 1).

    Parameters
    ----------
    daily
        Rows of `meters/daily_consumption` of one meter.
    runs
        Rows of `meters/low_use_runs` of that meter.

    Raises
    ------
    ValueError
        If the rows are not those of one meter.
    """
    _one_meter(daily)
    line = alt.Chart(daily.select("day", "energy_kwh")).mark_line(strokeWidth=1)
    layers: list[alt.Chart] = [
        line.encode(x=alt.X("day:T", title="day"), y=alt.Y("energy_kwh:Q", title="use of the day, kWh"))
    ]
    if runs is not None and runs.height:
        shade = alt.Chart(runs.select("first_day", "last_day")).mark_rect(opacity=0.2, color="firebrick")
        layers.insert(0, shade.encode(x="first_day:T", x2="last_day:T"))
    return alt.layer(*layers).properties(width=700, height=220, title="Daily use, low-use runs shaded")


def low_days_figure(half_hours: pl.DataFrame, first_day: date, days: int = 7) -> alt.Chart:
    """Draw some days of one meter against the mean profile of its other days (the pilot's figure 2).

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours` of one meter.
    first_day
        First of the days to show.
    days
        How many.

    Raises
    ------
    ValueError
        If the rows are not those of one meter, or none of the days is among them.
    """
    profile = low_days_profile(half_hours, first_day, days)
    figure: alt.Chart = (
        alt.Chart(profile)
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("hour:Q", title="hour of the day", scale=alt.Scale(domain=[0, 24])),
            y=alt.Y("kwh:Q", title="use of a half hour, kWh"),
            color=alt.Color("series:N", title=None),
            strokeWidth=alt.condition(alt.datum.series == "average", alt.value(3), alt.value(1)),
        )
        .properties(width=700, height=260, title="Low days against the average day")
    )
    return figure


def low_days_profile(half_hours: pl.DataFrame, first_day: date, days: int = 7) -> pl.DataFrame:
    """Return the lines of `low_days_figure`: `series` (a day, or average), `hour`, `kwh`.

    Parameters
    ----------
    half_hours
        Rows of `meters/half_hours` of one meter.
    first_day
        Local day on which the low days begin.
    days
        How many days have a line of their own; all others make the average.
    """
    _one_meter(half_hours)
    shown = pl.col("day").is_between(first_day, pl.lit(first_day).dt.offset_by(f"{days - 1}d"))
    hour = pl.lit(np.arange(SLOTS) / 2).implode()
    long = (
        half_hours.with_columns(shown=shown, hour=hour)
        .select("day", "shown", "hour", "kwh")
        .explode("hour", "kwh")
        .with_columns(pl.col("kwh").cast(pl.Float64).fill_nan(None))
    )
    low = long.filter("shown").select(series=pl.col("day").cast(pl.String), hour="hour", kwh="kwh")
    if low.is_empty():
        raise ValueError("none of the days is among the rows")
    others = long.filter(~pl.col("shown")).group_by("hour").agg(exact_mean("kwh")).sort("hour")
    return pl.concat([low, others.select(series=pl.lit("average"), hour="hour", kwh="kwh")])


def _one_meter(rows: pl.DataFrame) -> None:
    if rows["meter"].n_unique() != 1:
        raise ValueError("a figure shows one meter: filter the rows first")
