"""The table of time segments, made of any number of events in bounded memory."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.engine.local import HERE
from ons_assets.engine.parts import Engine, Mapped
from ons_assets.lakehouse.buckets import with_bucket
from ons_assets.mobile.event_quality import local_day
from ons_assets.mobile.evidence import FLAGS, CellArray, IntArray, add_up, clean, counts_on, sort_events
from ons_assets.mobile.plan import CellPlan
from ons_assets.mobile.spans import worked_spans
from ons_assets.mobile.time_segments import time_segments
from ons_assets.parameters.geography import TIME_ZONE
from ons_assets.parameters.mobile import CleaningParameters, StayParameters
from ons_assets.parameters.mobile_tourism import TimeSegmentParameters

COLUMNS = ("bucket", "operator", "user", "day", "start_utc", "end_utc", "segment_state", "place", "abroad_mcc")
NO_NIGHT = (0, 0)
NO_WEIGHT = np.zeros((1, 168))


def segment_tables(
    events: Iterable[pl.DataFrame | pl.LazyFrame],
    plan: CellPlan,
    days: tuple[date, date],
    *,
    overlapping: frozenset[tuple[int, int]] = frozenset(),
    cleaning: CleaningParameters | None = None,
    stays: StayParameters | None = None,
    parameters: TimeSegmentParameters | None = None,
    time_zone: str = TIME_ZONE,
    folder: Path | None = None,
    engine: Engine = HERE,
) -> Iterator[Mapped]:
    """Say where devices were in every second of their days.

    Parameters
    ----------
    events
        Blocks of events, such as days, in any order: operator, user, time_utc, event_date, cell_id, plmn.
    plan
        Cells of the operators, numbered.
    days
        The first and the last local day of the events.
    overlapping
        What `overlapping_cells` returns.
    cleaning, stays, parameters
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
        Rows of `mobile/time_segments`.
    """
    work = partial(
        _segments,
        plan=plan,
        days=days,
        time_zone=time_zone,
        overlapping=overlapping,
        cleaning=cleaning or CleaningParameters(),
        stays=stays or StayParameters(),
        parameters=parameters,
    )
    # Seconds of UTC, so that no hour comes twice where the clock changes.
    yield from worked_spans(events, plan, work, time_zone="UTC", folder=folder, engine=engine)


def _segments(
    user: IntArray,
    time_s: IntArray,
    cell: CellArray,
    plan: CellPlan,
    days: tuple[date, date],
    time_zone: str,
    overlapping: frozenset[tuple[int, int]],
    cleaning: CleaningParameters,
    stays: StayParameters,
    parameters: TimeSegmentParameters | None,
) -> pl.DataFrame:
    every_day = [days[0] + timedelta(number) for number in range((days[1] - days[0]).days + 2)]
    midnights_s = np.array([int(local_day(day, time_zone)[0].timestamp()) for day in every_day])
    first = plan.first_forms
    user, time_s, cell = sort_events(user, time_s, cell)
    flag, cell = clean(user, time_s, cell, plan, cleaning)
    of_places = add_up(user, time_s, cell, flag, plan, NO_WEIGHT, stays=stays, night=NO_NIGHT).cells
    kept = counts_on(flag) | (flag == FLAGS.index("abroad"))
    known = pl.DataFrame({"user": user[kept], "time_s": time_s[kept], "cell": cell[kept]})
    placed = known.join(
        of_places.select("user", "cell", pl.col("place").replace_strict(range(len(first)), first)),
        on=["user", "cell"],
        how="left",
        maintain_order="left",
    ).with_columns(pl.coalesce("place", "cell").cast(pl.Int64()))
    made = time_segments(
        placed["user"].to_numpy(),
        placed["time_s"].to_numpy(),
        placed["place"].to_numpy(),
        midnights_s,
        parameters,
        overlapping=overlapping,
    )
    ones = known.unique("user", keep="first", maintain_order=True)
    operators = ones.select("user", operator=plan.operators_of(ones["cell"]))
    return _named(made.join(operators, on="user", maintain_order="left"), plan, days[0])


def _named(segments: pl.DataFrame, plan: CellPlan, first_day: date) -> pl.DataFrame:
    names = plan.cells.select("cell_id", place=pl.col("cell").cast(pl.Int64()))
    named = segments.join(names, on="place", how="left", maintain_order="left").with_columns(
        day=pl.lit(first_day).dt.offset_by(pl.format("{}d", "day")),
        start_utc=pl.from_epoch("start_s", "s").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        end_utc=pl.from_epoch("end_s", "s").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        place="cell_id",
        abroad_mcc=pl.col("mcc").cast(pl.String()),
    )
    return with_bucket(named).select(COLUMNS).sort("bucket", "operator", "user", "start_utc")


def days_of_events(phone_events: pl.LazyFrame) -> tuple[date, date]:
    """Return the first and last local day of some events."""
    ends = phone_events.select(first=pl.col("event_date").min(), last=pl.col("event_date").max()).collect()
    return ends["first"][0], ends["last"][0]


def overlapping_cells(
    neighbours: pl.DataFrame, plan: CellPlan, parameters: TimeSegmentParameters | None = None
) -> frozenset[tuple[int, int]]:
    """Return pairs of cells, by number and in both orders, of which the footprints overlap enough to be of one place.

    Parameters
    ----------
    neighbours
        Rows of `mobile/cell_neighbours`: operator, cell_id, other_cell_id, overlap. Of a network that changes, that
        they overlap at any time is enough.
    plan
        Cells of the operators, numbered; a cell goes by its first form.
    """
    parameters = parameters or TimeSegmentParameters()
    near = neighbours.filter(pl.col("overlap") >= parameters.same_place_overlap)
    first = plan.cells.select("operator", "cell_id", number=plan.first_forms).unique()
    pairs = near.join(first, on=["operator", "cell_id"]).join(
        first.rename({"cell_id": "other_cell_id", "number": "other"}), on=["operator", "other_cell_id"]
    )
    rows = pairs.select("number", "other").unique().rows()
    return frozenset(rows) | frozenset((other, number) for number, other in rows)
