"""The pilot's two figures of one meter: daily totals over the trial, and low days against the average profile.

They show one home. Draw them for a simulated meter, or for one whose people permit it; never for the UI,
logs or reports of real homes. Altair is imported where it draws: it is slow to load, and most commands draw nothing.
"""

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_assets.lakehouse.sums import exact_mean
from ons_assets.meters.half_hours.clock_face import measured
from ons_assets.meters.readings.clock import SLOTS
from ons_assets.wording import counted

if TYPE_CHECKING:
    from altair import Chart, FacetChart, LayerChart

WIDTH, HEIGHT = 720, 260
SHOWN_DAYS = 7
# Told apart by people who see few colours: Okabe and Ito (2008), Color universal design.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#767676"
# Light, so that lines are seen on them.
SHADE, BAND = "#F6DDA5", "#CDE9F7"
TYPICAL = (0.1, 0.9)


def daily_totals_figure(daily: pl.DataFrame, runs: pl.DataFrame | None = None) -> "LayerChart | FacetChart":
    """Draw the use of one meter by day, with its low-use runs shaded (the pilot's figure 1).

    A day of which half hours are missing is a hollow point: its total is of what was read. The line joins whole days
    only, and breaks where days are missing.

    Parameters
    ----------
    daily
        Rows of `meters/daily_consumption` of one meter.
    runs
        Rows of `meters/low_use_runs` of that meter.

    Raises
    ------
    ValueError
        If the rows are not those of one meter, or none has a total.
    """
    import altair

    days = _every_day(daily)
    whole, partly = _whole_and_partly(days)
    shaded = None if runs is None or runs.is_empty() else runs
    colours = {"a day read whole": BLUE}
    colours |= {"a day read in part": GREY} if partly.height else {}
    colours |= {"low or constant use": SHADE} if shaded is not None else {}
    colour = altair.Color(
        "kind:N",
        scale=altair.Scale(domain=[*colours], range=[*colours.values()]),
        legend=altair.Legend(title=None, orient="top", symbolType="square"),
    )
    axis = altair.Axis(format="%-d %b %Y", labelOverlap=True, grid=False)
    x, x_of_run = (altair.X(column, title="day", axis=axis) for column in ("day:T", "first_day:T"))
    y = altair.Y("energy_kwh:Q", title="use of the day, kWh", scale=altair.Scale(zero=True))
    layers: list[Chart] = []
    if shaded is not None:
        # A day lasts until the next begins; the shade of a run of one day would have no width.
        ends = shaded.select(
            "first_day", end=pl.col("last_day") + pl.duration(days=1), kind=pl.lit("low or constant use")
        )
        layers.append(altair.Chart(ends).mark_rect().encode(x=x_of_run, x2="end:T", color=colour))
    layers.append(altair.Chart(whole).mark_line(strokeWidth=1.2).encode(x=x, y=y, color=colour))
    # A line of one day has no length.
    for points in (whole.filter("is_alone"), partly):
        if points.height:
            drawn = altair.Chart(points).mark_point(size=16, filled=False, strokeWidth=1.2)
            layers.append(drawn.encode(x=x, y=y, color=colour))
    figure: LayerChart | FacetChart = altair.layer(*layers).properties(
        width=WIDTH, height=HEIGHT, title="Daily use of one meter", description=daily_totals_in_words(daily, runs)
    )
    return figure


def low_days_figure(half_hours: pl.DataFrame, first_day: date, days: int = SHOWN_DAYS) -> "LayerChart | FacetChart":
    """Draw some days of one meter against the mean profile of its other days (the pilot's figure 2).

    The band holds the middle eight tenths of the other days, half hour by half hour.

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
    import altair

    lines = low_days_profile(half_hours, first_day, days)
    shown = lines.filter(pl.col("series") != "average", pl.col("kwh").is_not_null())["series"].n_unique()
    names = f"{counted(shown, 'day')} from {first_day}", "mean of all other days", "the middle 80 % of them"
    series = pl.when(pl.col("series") == "average").then(pl.lit(names[1])).otherwise(pl.lit(names[0]))
    drawn = _closed(lines).with_columns(kind=series)
    colour = altair.Color(
        "kind:N",
        scale=altair.Scale(domain=list(names), range=[BLUE, ORANGE, BAND]),
        legend=altair.Legend(title=None, orient="top", symbolType="square"),
    )
    x = altair.X(
        "hour:Q",
        title="hour of the day",
        scale=altair.Scale(domain=[0, 24]),
        axis=altair.Axis(values=[*range(0, 25, 3)]),
    )
    y_title = "use of a half hour, kWh"
    band = altair.Chart(_closed(_typical(half_hours, first_day, days)).with_columns(kind=pl.lit(names[2])))
    lines_of = altair.Chart(drawn)
    figure: LayerChart | FacetChart = altair.layer(
        band.mark_area(interpolate="step-after").encode(
            x=x, y=altair.Y("lower:Q", title=y_title), y2="upper:Q", color=colour
        ),
        lines_of.transform_filter(altair.datum.kind == names[0])
        .mark_line(interpolate="step-after", strokeWidth=1, opacity=0.8)
        .encode(x=x, y=altair.Y("kwh:Q", title=y_title), color=colour, detail="series:N"),
        lines_of.transform_filter(altair.datum.kind == names[1])
        .mark_line(interpolate="step-after", strokeWidth=3)
        .encode(x=x, y=altair.Y("kwh:Q", title=y_title), color=colour),
    ).properties(
        width=WIDTH,
        height=HEIGHT,
        title="Low days of one meter against its average day",
        description=low_days_in_words(half_hours, first_day, days),
    )
    return figure


def low_days_profile(half_hours: pl.DataFrame, first_day: date, days: int = SHOWN_DAYS) -> pl.DataFrame:
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
    long = _long(half_hours, first_day, days)
    low = long.filter("shown").select(series=pl.col("day").cast(pl.String), hour="hour", kwh="kwh")
    if low.is_empty():
        raise ValueError("none of the days is among the rows")
    others = long.filter(~pl.col("shown")).group_by("hour").agg(exact_mean("kwh")).sort("hour")
    return pl.concat([low, others.select(series=pl.lit("average"), hour="hour", kwh="kwh")])


def low_week(daily: pl.DataFrame, runs: pl.DataFrame, days: int = SHOWN_DAYS) -> date:
    """Return the first of the low days that are shown: of the middle of the run with most low days.

    Where no run is so long, the days that follow each other, were all read whole, and used least together; where there
    are none, the first days.

    Parameters
    ----------
    daily
        Rows of `meters/daily_consumption` of one meter.
    runs
        Rows of `meters/low_use_runs` of that meter.
    days
        How many are shown.
    """
    long = runs.filter(pl.col("low_days") >= days).sort("low_days", "first_day", descending=[True, False])
    if long.height:
        run = long.row(0, named=True)
        first: date = run["first_day"] + timedelta(days=(run["days"] - days) // 2)
        return first
    every = _every_day(daily).with_columns(
        together=pl.when("is_complete").then("energy_kwh").rolling_sum(days, min_samples=days).shift(1 - days)
    )
    least = every.drop_nulls("together").sort("together", "day")
    found: date = (least if least.height else every)["day"][0]
    return found


def daily_totals_in_words(daily: pl.DataFrame, runs: pl.DataFrame | None = None) -> str:
    """Say what `daily_totals_figure` shows, for who does not see it.

    Parameters
    ----------
    daily, runs
        As for the figure.
    """
    days = _every_day(daily)
    whole = days.filter("is_complete")
    first, last = days["day"][0], days["day"][-1]
    said = f"Line chart of the use of one meter by day from {first} to {last}: {counted(len(days), 'day')}"
    if whole.height:
        least, middle, most = (whole["energy_kwh"].quantile(at, "linear") for at in (0, 0.5, 1))
        said += f", {len(whole)} of them read whole, from {least:.1f} to {most:.1f} kWh with a median of {middle:.1f}"
    if runs is not None and runs.height:
        longest = runs.sort("days", "first_day", descending=[True, False]).row(0, named=True)
        said += (
            f". Runs of low or constant days: {len(runs)}, the longest of {longest['days']} days from "
            f"{longest['first_day']}"
        )
    return f"{said}."


def low_days_in_words(half_hours: pl.DataFrame, first_day: date, days: int = SHOWN_DAYS) -> str:
    """Say what `low_days_figure` shows, for who does not see it.

    Parameters
    ----------
    half_hours, first_day, days
        As for the figure.
    """
    lines = low_days_profile(half_hours, first_day, days)
    means = lines.group_by("series").agg(exact_mean("kwh"), highest=pl.col("kwh").max())
    average = means.filter(series="average")
    has_others = bool(average.height) and average["kwh"][0] is not None
    low = means.filter(pl.col("series") != "average").drop_nulls("kwh")
    said = f"Line chart of half hours of {counted(len(low), 'low day')} from {first_day}"
    used = low.select(least=SLOTS * pl.col("kwh").min(), most=SLOTS * pl.col("kwh").max()).row(0, named=True)
    said += " against the mean of all other days" if has_others else ""
    if low.height:
        said += f". A low day uses {used['least']:.1f} to {used['most']:.1f} kWh"
    if has_others:
        peak = lines.filter(series="average").sort("kwh", "hour", descending=[True, False], nulls_last=True)
        clock = f"{int(peak['hour'][0]):02d}:{int(peak['hour'][0] % 1 * 60):02d}"
        said += f"; the average of the other days {SLOTS * average['kwh'][0]:.1f} kWh, with its peak at {clock}"
    return f"{said}."


def _every_day(daily: pl.DataFrame) -> pl.DataFrame:
    """Return `day`, `energy_kwh` and `is_complete` of every day from the first to the last with a total."""
    _one_meter(daily)
    told = daily.filter(pl.col("energy_kwh").is_not_null()).select("day", "energy_kwh", "is_complete")
    if told.is_empty():
        raise ValueError("no day has a total")
    days = told.select(pl.date_range(pl.col("day").min(), pl.col("day").max(), "1d"))
    return days.join(told, on="day", how="left").with_columns(pl.col("is_complete").fill_null(False)).sort("day")


def _whole_and_partly(days: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return every day with the total of those read whole, and the days that were read in part."""
    whole = days.with_columns(energy_kwh=pl.when("is_complete").then("energy_kwh"), kind=pl.lit("a day read whole"))
    there = pl.col("is_complete")
    is_beside = there.shift(1, fill_value=False) | there.shift(-1, fill_value=False)
    partly = days.filter(~there & pl.col("energy_kwh").is_not_null()).with_columns(kind=pl.lit("a day read in part"))
    return whole.with_columns(is_alone=there & ~is_beside), partly


def _long(half_hours: pl.DataFrame, first_day: date, days: int) -> pl.DataFrame:
    """Return `day`, `shown`, `hour`, `kwh`; what was filled is null as what is missing."""
    _one_meter(half_hours)
    last_day = first_day + timedelta(days=days - 1)
    kwh = measured(half_hours)
    long = half_hours.select("day", shown=pl.col("day").is_between(first_day, last_day))
    return long.select(pl.all().repeat_by(SLOTS).explode()).with_columns(
        hour=pl.Series(np.tile(np.arange(SLOTS) / 2, len(half_hours))),
        kwh=pl.Series(kwh.ravel().astype(np.float64)).fill_nan(None),
    )


def _typical(half_hours: pl.DataFrame, first_day: date, days: int) -> pl.DataFrame:
    """Return between what most of the other days lie: `series`, `hour`, `lower`, `upper`."""
    others = _long(half_hours, first_day, days).filter(~pl.col("shown"))
    lower, upper = (pl.col("kwh").quantile(at, "linear") for at in TYPICAL)
    return others.group_by("hour").agg(lower=lower, upper=upper).sort("hour").with_columns(series=pl.lit("band"))


def _closed(lines: pl.DataFrame) -> pl.DataFrame:
    """Add midnight at the end, so that the last half hour is as wide as the others."""
    ends = lines.filter(pl.col("hour") == pl.col("hour").max()).with_columns(hour=pl.lit(24.0))
    return pl.concat([lines, ends]).sort("series", "hour")


def _one_meter(rows: pl.DataFrame) -> None:
    if rows["meter"].n_unique() != 1:
        raise ValueError("a figure shows one meter: filter the rows first")
