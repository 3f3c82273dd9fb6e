"""Any number of events, worked in bounded memory: set down by bucket of devices, then span after span of buckets."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from ons_assets.mobile.evidence import CellArray, IntArray
from ons_assets.mobile.plan import CellPlan
from ons_assets.mobile.spill import RECORD, EventSpill
from ons_assets.parameters.geography import TIME_ZONE

# A span of buckets is worked at once when it holds so many; less would be lost in the overhead of frames.
EVENTS_AT_ONCE = 2_000_000

Made = TypeVar("Made")


def local_seconds(time_utc: pl.Series, time_zone: str = TIME_ZONE) -> pl.Series:
    """Return times as seconds of the local clock since 1970."""
    local = time_utc.dt.convert_time_zone(time_zone).dt.replace_time_zone(None)
    return local.dt.epoch("s")


def worked_spans(
    events: Iterable[pl.DataFrame],
    plan: CellPlan,
    work: Callable[[IntArray, IntArray, CellArray], Made],
    *,
    time_zone: str = TIME_ZONE,
    folder: Path | None = None,
    threads: int = 2,
) -> Iterator[Made]:
    """Yield what is made of span after span of buckets of devices.

    Parameters
    ----------
    events
        Blocks of events, such as days, in any order: operator, user, time_utc, event_date, cell_id.
    plan
        Cells of the operators, numbered.
    work
        Is given user, local second and number of the cell (-1 if unknown) of all events of some devices.
    time_zone
        Of the local clock.
    folder
        Where the events wait, 16 bytes each; None is the system's folder for temporary files.
    threads
        Spans that are worked at once.
    """
    with tempfile.TemporaryDirectory(dir=folder) as temporary, EventSpill(Path(temporary) / "events") as spill:
        for block in events:
            spill.add(
                block["user"].to_numpy(),
                local_seconds(block["time_utc"], time_zone).to_numpy(),
                plan.numbers(block).to_numpy(),
            )
        spill.finish()

        def of_files(files: list[Path]) -> Made:
            records = np.concatenate([np.fromfile(path, dtype=RECORD) for path in files])
            return work(records["user"], records["time_s"].astype(np.int64), records["cell"])

        spans = spill.spans(EVENTS_AT_ONCE)
        with ThreadPoolExecutor(threads) as pool:
            for start in range(0, len(spans), threads):
                yield from pool.map(of_files, spans[start : start + threads])
