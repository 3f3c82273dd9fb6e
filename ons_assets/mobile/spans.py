"""Any number of events, worked in bounded memory: set down by bucket of devices, then span after span of buckets."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import polars as pl

from ons_assets.engine.local import HERE
from ons_assets.engine.parts import Engine, Mapped
from ons_assets.lakehouse.buckets import BUCKETS, bucket_of
from ons_assets.mobile.evidence import CellArray, IntArray
from ons_assets.mobile.plan import CellPlan
from ons_assets.parameters.geography import TIME_ZONE

# Blocks and spans of buckets are worked at once when they hold so many; less would be lost in the overhead of frames.
EVENTS_AT_ONCE = 2_000_000
RECORD = np.dtype([("user", "<i8"), ("time_s", "<u4"), ("cell", "<i4")])

Made = TypeVar("Made")
# Is given user, local second and number of the cell (-1 if unknown) of all events of some devices.
Work = Callable[[IntArray, IntArray, CellArray], Made]


def local_seconds(time_utc: pl.Series, time_zone: str = TIME_ZONE) -> pl.Series:
    """Return times as seconds of the local clock since 1970."""
    local = time_utc.dt.convert_time_zone(time_zone).dt.replace_time_zone(None)
    return local.dt.epoch("s")


def worked_spans(
    events: Iterable[pl.DataFrame | pl.LazyFrame],
    plan: CellPlan,
    work: Work[Made],
    *,
    time_zone: str = TIME_ZONE,
    folder: Path | None = None,
    engine: Engine = HERE,
) -> Iterator[Mapped]:
    """Yield what is to be made of spans of buckets of devices, while their events lie in a folder.

    Parameters
    ----------
    events
        Blocks of events, such as days, in any order: operator, user, time_utc, event_date, cell_id.
    plan
        Cells of the operators, numbered.
    work
        A function of a module, or `functools.partial` of one.
    time_zone
        Of the local clock.
    folder
        Where the events wait, 16 bytes each; None is the system's folder for temporary files.
    engine
        Where the blocks are set down.
    """
    with TemporaryDirectory(dir=folder) as temporary:
        set_down = partial(_set_down, plan=plan, time_zone=time_zone, folder=Path(temporary))
        blocks = list(engine.map(set_down, enumerate(events)))
        yield Mapped(partial(_worked, work), [(files,) for files in _spans(blocks)], at_once=2)


def _set_down(
    number: int, block: pl.DataFrame, plan: CellPlan, time_zone: str, folder: Path
) -> dict[int, tuple[Path, int]]:
    """Write the events of a block, a file a bucket in the order in which they come; return these with their numbers."""
    user, time_s = block["user"].to_numpy(), local_seconds(block["time_utc"], time_zone).to_numpy()
    bucket = bucket_of(user, BUCKETS)
    order = np.argsort(bucket, kind="stable")  # a radix sort, for bytes
    records = np.empty(len(user), dtype=RECORD)
    records["user"], records["time_s"] = user[order], time_s[order]
    records["cell"] = plan.numbers(block).to_numpy()[order]
    ends = np.cumsum(np.bincount(bucket, minlength=BUCKETS))
    written = {}
    for each, (start, end) in enumerate(zip(np.append(0, ends[:-1]), ends, strict=True)):
        if end > start:
            path = folder / f"{number:05}-{each:02}.events"
            records[start:end].tofile(path)
            written[each] = (path, int(end - start))
    return written


def _spans(blocks: list[dict[int, tuple[Path, int]]]) -> list[list[Path]]:
    """Return the files of spans of buckets, each as short as holds so many events or ends with the last."""
    files: defaultdict[int, list[tuple[Path, int]]] = defaultdict(list)
    for block in blocks:
        for bucket, written in block.items():
            files[bucket].append(written)
    spans: list[list[Path]] = []
    held = EVENTS_AT_ONCE
    for bucket in sorted(files):
        if held >= EVENTS_AT_ONCE:
            spans.append([])
            held = 0
        spans[-1].extend(path for path, _ in files[bucket])
        held += sum(number for _, number in files[bucket])
    return spans


def _worked(work: Work[Made], files: list[Path]) -> Made:
    records = np.concatenate([np.fromfile(path, dtype=RECORD) for path in files])
    return work(records["user"], records["time_s"].astype(np.int64), records["cell"])
