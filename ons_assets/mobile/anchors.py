"""From events to the anchors of devices, in areas: the part of the pilot that sees every event."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import polars as pl

from ons_assets.engine.local import HERE
from ons_assets.engine.parts import Engine, Mapped
from ons_assets.lakehouse.buckets import with_bucket
from ons_assets.mobile.cascade import cascade_anchors
from ons_assets.mobile.evidence import CellArray, Evidence, IntArray, evidence
from ons_assets.mobile.located import Whereabouts
from ons_assets.mobile.plan import CellPlan
from ons_assets.mobile.presence import Presence, presence
from ons_assets.mobile.spans import worked_spans
from ons_assets.mobile.workers import classify_workers
from ons_assets.parameters.geography import TIME_ZONE
from ons_assets.parameters.mobile import CleaningParameters, DeviceAnchorParameters, StayParameters, WorkerParameters
from ons_assets.parameters.mobile_presence import PermanenceParameters, UsualEnvironmentParameters

# Anchors of some devices, and what they were found from.
Found = tuple[pl.DataFrame, Evidence | Presence]
COLUMNS = (
    "bucket",
    "operator",
    "user",
    "anchor",
    "area",
    "probability",
    "worker_class",
    "confidence",
    "evidence_days",
    "from",
    "to",
)


def locate_anchors(found: pl.DataFrame, cells: pl.DataFrame, plan: CellPlan, where: Whereabouts) -> pl.DataFrame:
    """Share the anchors of devices among areas, by the cells of the place and their footprints.

    Parameters
    ----------
    found
        What `classify_workers` returns.
    cells
        `Evidence.cells`.
    plan
        The cells by number.
    where
        What footprints tell of the places of devices.

    Returns
    -------
    pl.DataFrame
        The columns of `mobile/device_anchors` without bucket. The probabilities of an anchor sum to 1. An
        anchor none of whose cells has a footprint in an area has no rows, and its device none of work without one of
        home.
    """
    operators = plan.cells.select(operator="operator", place="cell")
    places = found.select("user", "place").unique()
    shared = where.of_places(cells.join(places, on=["user", "place"], how="semi"))
    located = (
        found.join(shared, on=["user", "place"])
        .join(operators, on="place")
        .select("operator", "user", "anchor", "area", "probability", *COLUMNS[6:])
    )
    with_home = located.filter(anchor="home").select("user").unique()
    return located.join(with_home, on="user", how="semi").sort("user", "anchor", "area")


def device_anchors(
    events: Iterable[pl.DataFrame | pl.LazyFrame],
    plan: CellPlan,
    where: Whereabouts,
    *,
    cleaning: CleaningParameters | None = None,
    stays: StayParameters | None = None,
    anchors: DeviceAnchorParameters | None = None,
    workers: WorkerParameters | None = None,
    permanence: PermanenceParameters | None = None,
    usual: UsualEnvironmentParameters | None = None,
    time_zone: str = TIME_ZONE,
    folder: Path | None = None,
    engine: Engine = HERE,
) -> Iterator[Mapped]:
    """Find homes and places of work from any number of events in bounded memory.

    Events are set down on disk by bucket of devices, 16 bytes each; then spans of buckets are worked, each by
    itself.

    Parameters
    ----------
    events
        Blocks of events, such as days: operator, user, time_utc, event_date, cell_id.
    plan
        Cells of the operators, numbered, with their centres in metres.
    where
        What footprints tell of the places of devices.
    cleaning, stays, anchors, workers, permanence, usual
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
        Rows of `mobile/device_anchors`.
    """
    find = partial(
        found_anchors,
        plan=plan,
        cleaning=cleaning,
        stays=stays,
        anchors=anchors,
        workers=workers,
        permanence=permanence,
        usual=usual,
    )
    work = partial(_located, find=find, plan=plan, where=where)
    yield from worked_spans(events, plan, work, time_zone=time_zone, folder=folder, engine=engine)


def _located(
    user: IntArray,
    time_s: IntArray,
    cell: CellArray,
    find: Callable[[IntArray, IntArray, CellArray], Found],
    plan: CellPlan,
    where: Whereabouts,
) -> pl.DataFrame:
    found, made = find(user, time_s, cell)
    return with_bucket(locate_anchors(found, made.cells, plan, where)).select(COLUMNS)


def found_anchors(
    user: IntArray,
    time_s: IntArray,
    cell: CellArray,
    plan: CellPlan,
    *,
    cleaning: CleaningParameters | None = None,
    stays: StayParameters | None = None,
    anchors: DeviceAnchorParameters | None = None,
    workers: WorkerParameters | None = None,
    permanence: PermanenceParameters | None = None,
    usual: UsualEnvironmentParameters | None = None,
) -> Found:
    """Find the anchors of devices by cells, and return what they were found from, too.

    Parameters
    ----------
    user, time_s, cell : arrays of shape (events,)
        All events of the devices, in any order: user, local second, and number of the cell, -1 if unknown.
    plan
        The cells by number.
    cleaning, stays, anchors, workers, permanence, usual
        Parameters; None for the defaults.
    """
    cleaning, stays = cleaning or CleaningParameters(), stays or StayParameters()
    anchors, workers = anchors or DeviceAnchorParameters(), workers or WorkerParameters()
    if anchors.method == "evidence":
        by_days = evidence(user, time_s, cell, plan, cleaning=cleaning, stays=stays, anchors=anchors)
        return classify_workers(by_days.by_day, anchors, workers), by_days
    permanence = permanence or PermanenceParameters()
    night = (permanence.bridge_night_start, permanence.bridge_night_end)
    made = presence(user, time_s, cell, plan, cleaning=cleaning, stays=stays, night=night)
    return cascade_anchors(made, permanence, usual, workers), made
