"""The tables of devices at places: hours by day, where the places are, scores by month and season, usual places."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import polars as pl

from ons_assets.engine.local import HERE
from ons_assets.engine.parts import Engine, Mapped
from ons_assets.lakehouse.buckets import with_bucket
from ons_assets.mobile.evidence import CellArray, IntArray
from ons_assets.mobile.located import Whereabouts
from ons_assets.mobile.permanence import daily_permanence, longterm_permanence, midterm_permanence
from ons_assets.mobile.plan import CellPlan
from ons_assets.mobile.presence import presence
from ons_assets.mobile.spans import worked_spans
from ons_assets.mobile.usual_environment import usual_environment_labels
from ons_assets.parameters.geography import TIME_ZONE
from ons_assets.parameters.mobile import CleaningParameters, StayParameters
from ons_assets.parameters.mobile_presence import PermanenceParameters, UsualEnvironmentParameters

DEVICE = ("operator", "user")
DAILY = ("bucket", *DEVICE, "place", "day", "hours_mask")
PLACES = ("bucket", *DEVICE, "place", "area", "probability")


def daily_tables(
    events: Iterable[pl.DataFrame | pl.LazyFrame],
    plan: CellPlan,
    where: Whereabouts,
    *,
    cleaning: CleaningParameters | None = None,
    stays: StayParameters | None = None,
    permanence: PermanenceParameters | None = None,
    time_zone: str = TIME_ZONE,
    folder: Path | None = None,
    engine: Engine = HERE,
) -> Iterator[Mapped]:
    """Say in which hours devices were at which of their places, and where those are, from any number of events.

    Parameters
    ----------
    events
        Blocks of events, such as days, in any order: operator, user, time_utc, event_date, cell_id.
    where
        What footprints tell of the places of devices.
    cleaning, stays, permanence
        Parameters; None for the defaults.
    time_zone
        Of the local clock.
    folder
        Where the temporary files go; None for the system's own folder.
    engine
        Where blocks are set down.

    Yields
    ------
    Mapped
        Rows of `mobile/daily_permanence`, and of `mobile/device_places`.
    """
    work = partial(
        _daily_tables,
        plan=plan,
        where=where,
        cleaning=cleaning or CleaningParameters(),
        stays=stays or StayParameters(),
        permanence=permanence or PermanenceParameters(),
    )
    yield from worked_spans(events, plan, work, time_zone=time_zone, folder=folder, engine=engine)


def _daily_tables(
    user: IntArray,
    time_s: IntArray,
    cell: CellArray,
    plan: CellPlan,
    where: Whereabouts,
    cleaning: CleaningParameters,
    stays: StayParameters,
    permanence: PermanenceParameters,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    names = _names(plan)
    night = (permanence.bridge_night_start, permanence.bridge_night_end)
    found = presence(user, time_s, cell, plan, cleaning=cleaning, stays=stays, night=night)
    daily = daily_permanence(found.user, found.place, found.day, found.hours, permanence)
    one = names.select("number", place="first")
    cells = found.cells.rename({"place": "number"}).join(one, on="number").drop("number")
    merged = (
        daily.rename({"place": "number"})
        .join(one, on="number")
        .group_by("user", "place", "day")
        .agg(pl.col("hours_mask").bitwise_or())
    )
    located = where.of_places(cells)
    return _named(merged, names).select(DAILY).sort(DAILY[:-1]), _named(located, names).select(PLACES)


def _names(plan: CellPlan) -> pl.DataFrame:
    """Numbers of cells; those that are one cell in several forms have its first: number, first, operator, cell_id."""
    first = pl.col("cell").min().over("operator", "cell_id")
    return plan.cells.select("operator", "cell_id", number="cell", first=first)


def _named(rows: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Rows with operator and cell instead of its number, and with their bucket."""
    known = names.filter(pl.col("number") == pl.col("first")).select("operator", "cell_id", place="number")
    return with_bucket(rows.join(known, on="place", maintain_order="left").drop("place").rename({"cell_id": "place"}))


def score_tables(
    daily: pl.DataFrame,
    permanence: PermanenceParameters | None = None,
    usual: UsualEnvironmentParameters | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Add days up to months and seasons, and find the usual places.

    Parameters
    ----------
    daily
        Rows of `mobile/daily_permanence`, all of some devices.
    permanence, usual
        Parameters; None for the defaults.

    Returns
    -------
    tuple of pl.DataFrame
        Rows of `mobile/midterm_permanence`, `mobile/longterm_permanence` and `mobile/usual_places`.
    """
    # Numbers are sorted and joined faster than names; in the order of the names, so that ties fall as by these.
    names = daily.select("place").unique().sort("place").with_row_index("number").cast({"number": pl.Int32()})
    numbered = daily.join(names, on="place").select("user", "day", "hours_mask", place="number")
    monthly = midterm_permanence(numbered, permanence)
    seasonal = longterm_permanence(monthly)
    labels = usual_environment_labels(seasonal, usual)
    operators = daily.select(DEVICE).unique()

    def named(rows: pl.DataFrame) -> pl.DataFrame:
        back = rows.rename({"place": "number"}).join(names, on="number", maintain_order="left").drop("number")
        return with_bucket(back.join(operators, on="user", maintain_order="left"))

    return named(monthly), named(seasonal), named(labels)
