"""From events to the anchors of devices, in areas: the part of the pilot that sees every event."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.lakehouse.buckets import with_bucket
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.evidence import Evidence, evidence
from ons_assets.mobile.plan import CellPlan
from ons_assets.mobile.spill import RECORD, EventSpill
from ons_assets.mobile.workers import classify_workers
from ons_assets.parameters.geography import TIME_ZONE
from ons_assets.parameters.mobile import CleaningParameters, DeviceAnchorParameters, StayParameters, WorkerParameters

# A span of buckets is worked at once when it holds so many; less would be lost in the overhead of frames.
EVENTS_AT_ONCE = 2_000_000
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


def local_seconds(time_utc: pl.Series, time_zone: str = TIME_ZONE) -> pl.Series:
    """Return times as seconds of the local clock since 1970."""
    local = time_utc.dt.convert_time_zone(time_zone).dt.replace_time_zone(None)
    return local.dt.epoch("s")


def locate_anchors(found: pl.DataFrame, cells: pl.DataFrame, plan: CellPlan, coverage: pl.DataFrame) -> pl.DataFrame:
    """Share the anchors of devices among areas, by the cells of the place and their coverage.

    Parameters
    ----------
    found
        What `classify_workers` returns.
    cells
        `Evidence.cells`.
    coverage
        cell, area, share: what `ons_assets.mobile.coverage.coverage` returns.

    Returns
    -------
    pl.DataFrame
        The columns of `mobile/device_anchors` without bucket. The probabilities of an anchor sum to 1. An
        anchor none of whose cells covers an area has no rows, and its device none of work without one of
        home.
    """
    operators = plan.cells.select("cell", "operator")
    shared = (
        found.join(cells, on=["user", "place"])
        .join(coverage, on="cell")
        .group_by("user", "anchor", "area")
        .agg(weight=exact_sum(pl.col("events") * pl.col("share")).round(9), cell=pl.col("place").first())
        .with_columns(probability=pl.col("weight") / exact_sum("weight").over("user", "anchor"))
        .join(operators, on="cell")
    )
    located = found.join(shared, on=["user", "anchor"]).select(
        "operator", "user", "anchor", "area", "probability", *COLUMNS[6:]
    )
    with_home = located.filter(anchor="home").select("user").unique()
    return located.join(with_home, on="user", how="semi").sort("user", "anchor", "area")


def device_anchors(
    events: Iterable[pl.DataFrame],
    plan: CellPlan,
    coverage: pl.DataFrame,
    *,
    cleaning: CleaningParameters | None = None,
    stays: StayParameters | None = None,
    anchors: DeviceAnchorParameters | None = None,
    workers: WorkerParameters | None = None,
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
    coverage
        cell, area, share.
    cleaning, stays, anchors, workers
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
        time_zone=time_zone,
        folder=folder,
        threads=threads,
    )
    for found, made in spans:
        counted(made.counts)
        located = locate_anchors(found, made.cells, plan, coverage)
        yield with_bucket(located).select(COLUMNS)


def anchored_spans(
    events: Iterable[pl.DataFrame],
    plan: CellPlan,
    *,
    cleaning: CleaningParameters | None = None,
    stays: StayParameters | None = None,
    anchors: DeviceAnchorParameters | None = None,
    workers: WorkerParameters | None = None,
    time_zone: str = TIME_ZONE,
    folder: Path | None = None,
    threads: int = 2,
) -> Iterator[tuple[pl.DataFrame, Evidence]]:
    """Yield the anchors and evidence of span after span of buckets of devices; see `device_anchors`.

    Parameters
    ----------
    events
        Blocks of `mobile/phone_events`, in any order.
    plan
        Cells of the operators, numbered, with their centres in metres.
    cleaning, stays, anchors, workers
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
    with tempfile.TemporaryDirectory(dir=folder) as temporary, EventSpill(Path(temporary) / "events") as spill:
        for block in events:
            spill.add(
                block["user"].to_numpy(),
                local_seconds(block["time_utc"], time_zone).to_numpy(),
                plan.numbers(block).to_numpy(),
            )
        spill.finish()

        def work(files: list[Path]) -> tuple[pl.DataFrame, Evidence]:
            records = np.concatenate([np.fromfile(path, dtype=RECORD) for path in files])
            made = evidence(
                records["user"],
                records["time_s"].astype(np.int64),
                records["cell"],
                plan,
                cleaning=cleaning,
                stays=stays,
                anchors=anchors,
            )
            return classify_workers(made.by_day, anchors, workers), made

        spans = spill.spans(EVENTS_AT_ONCE)
        with ThreadPoolExecutor(threads) as pool:
            for start in range(0, len(spans), threads):
                yield from pool.map(work, spans[start : start + threads])
