"""From events to the anchors of devices, in areas: the part of the pilot that sees every event."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl

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
    events: Iterable[pl.DataFrame],
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
    threads: int = 2,
    counted: Callable[[dict[str, int]], None] = lambda _: None,
) -> Iterator[pl.DataFrame]:
    """Find homes and places of work from any number of events in bounded memory.

    Events are set down on disk by bucket of devices, 16 bytes each; then spans of buckets are worked, each by
    itself.

    Parameters
    ----------
    events
        Blocks of events, such as days: operator, user, time_utc, event_date, cell_id.
    where
        What footprints tell of the places of devices.
    cleaning, stays, anchors, workers, permanence, usual
        Parameters; None for the defaults.
    time_zone
        Of the local clock.
    folder
        Where the temporary files go; None for the system's own folder.
    threads
        Spans of buckets that are worked at once.
    counted
        Given the counts of cleaning of each span.

    Yields
    ------
    pl.DataFrame
        Rows of `mobile/device_anchors` of some buckets.
    """
    spans = anchored_spans(
        events,
        plan,
        cleaning=cleaning,
        stays=stays,
        anchors=anchors,
        workers=workers,
        permanence=permanence,
        usual=usual,
        time_zone=time_zone,
        folder=folder,
        threads=threads,
    )
    for found, made in spans:
        counted(made.counts)
        located = locate_anchors(found, made.cells, plan, where)
        yield with_bucket(located).select(COLUMNS)


def anchored_spans(
    events: Iterable[pl.DataFrame],
    plan: CellPlan,
    *,
    cleaning: CleaningParameters | None = None,
    stays: StayParameters | None = None,
    anchors: DeviceAnchorParameters | None = None,
    workers: WorkerParameters | None = None,
    permanence: PermanenceParameters | None = None,
    usual: UsualEnvironmentParameters | None = None,
    time_zone: str = TIME_ZONE,
    folder: Path | None = None,
    threads: int = 2,
) -> Iterator[Found]:
    """Yield the anchors and evidence of span after span of buckets of devices; see `device_anchors`.

    Parameters
    ----------
    events
        Blocks of `mobile/phone_events`, in any order.
    plan
        Cells of the operators, numbered, with their centres in metres.
    cleaning, stays, anchors, workers, permanence, usual
        Parameters; None for the defaults.
    time_zone
        Of the local clock.
    folder
        Where the sorted events wait, 16 bytes each; None is the system's folder for temporary files.
    threads
        Spans worked on at once.
    """
    cleaning, stays = cleaning or CleaningParameters(), stays or StayParameters()
    anchors, workers = anchors or DeviceAnchorParameters(), workers or WorkerParameters()

    permanence = permanence or PermanenceParameters()
    night = (permanence.bridge_night_start, permanence.bridge_night_end)

    def by_evidence(user: IntArray, time_s: IntArray, cell: CellArray) -> Found:
        made = evidence(user, time_s, cell, plan, cleaning=cleaning, stays=stays, anchors=anchors)
        return classify_workers(made.by_day, anchors, workers), made

    def by_permanence(user: IntArray, time_s: IntArray, cell: CellArray) -> Found:
        made = presence(user, time_s, cell, plan, cleaning=cleaning, stays=stays, night=night)
        return cascade_anchors(made, permanence, usual, workers), made

    work = by_evidence if anchors.method == "evidence" else by_permanence
    yield from worked_spans(events, plan, work, time_zone=time_zone, folder=folder, threads=threads)
