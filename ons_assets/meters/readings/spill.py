"""Readings set down on disk by bucket of meters, so that a file of any size is worked in bounded memory."""

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from ons_assets.lakehouse.buckets import bucket_of
from ons_assets.meters.readings.placed import MARK_SCHEMA, Block


@dataclass(frozen=True)
class Spilled:
    """The readings of one bucket of one file, in order of the file."""

    meter: npt.NDArray[np.int64]
    day: npt.NDArray[np.int32]
    position: npt.NDArray[np.int16]
    value: npt.NDArray[np.floating]
    marks: pl.DataFrame


class Spill:
    """Sets the blocks of one file down in a folder, one Arrow file a bucket.

    Parameters
    ----------
    folder
        Private and temporary; made if it is not there.
    buckets
        Number of buckets.
    exact
        Whether values are kept as float64: those of registers.
    """

    def __init__(self, folder: Path, buckets: int, *, exact: bool) -> None:
        self._folder, self._buckets = folder, buckets
        self._schema = pa.schema(
            {
                "meter": pa.int64(),
                "day": pa.int32(),
                "position": pa.int16(),
                "value": pa.float64() if exact else pa.float32(),
            }
        )
        self._files = ExitStack()
        self._writers: dict[int, pa.ipc.RecordBatchFileWriter] = {}
        self._marks: list[pl.DataFrame] = []
        self._first_day: int | None = None

    def __enter__(self) -> "Spill":
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def add(self, block: Block) -> None:
        """Set a block down."""
        if len(block.marks):
            self._marks.append(block.marks)
        days = [block.day.min()] if len(block.day) else []
        days += [block.marks["day"].min()] if block.marks["day"].null_count() < len(block.marks) else []
        if days:
            first = min(map(int, days))
            self._first_day = first if self._first_day is None else min(self._first_day, first)
        if not len(block.meter):
            return
        bucket = bucket_of(block.meter, self._buckets)
        parts: tuple[npt.NDArray[Any], ...] = (block.meter, block.day, block.position, block.value)
        # Many files hold all of a meter together: what lies in long runs needs no sorting.
        if np.count_nonzero(np.diff(bucket)) > self._buckets:
            order = np.argsort(bucket, kind="stable")  # a radix sort, for bytes
            bucket, parts = bucket[order], tuple(part[order] for part in parts)
        columns = [pa.array(part, type=kind) for part, kind in zip(parts, self._schema.types, strict=True)]
        batch = pa.record_batch(columns, schema=self._schema)
        edges = (np.flatnonzero(np.diff(bucket)) + 1).tolist()
        for start, end in pairwise([0, *edges, len(bucket)]):
            self._writer(int(bucket[start])).write_batch(batch.slice(start, end - start))

    def _writer(self, bucket: int) -> pa.ipc.RecordBatchFileWriter:
        if bucket not in self._writers:
            path = self._folder / f"{bucket:02d}.arrow"
            writer = self._files.enter_context(pa.ipc.new_file(path, self._schema))
            self._writers[bucket] = writer
        return self._writers[bucket]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was set down that has a meter and a day."""
        return self._first_day is None

    def bucket(self, bucket: int) -> Spilled | None:
        """Return the readings of a bucket, once all blocks are set down; None if it has none."""
        marks = pl.concat([pl.DataFrame(schema=MARK_SCHEMA), *self._marks])
        marks = marks.filter(pl.Series(bucket_of(marks["meter"].to_numpy(), self._buckets) == bucket))
        path = self._folder / f"{bucket:02d}.arrow"
        if not path.exists():
            if marks.is_empty():
                return None
            table = self._schema.empty_table()
        else:
            with pa.memory_map(str(path)) as file:
                table = pa.ipc.open_file(file).read_all()
        meter, day, position, value = (table[name].to_numpy() for name in self._schema.names)
        return Spilled(meter, day, position, value, self._dated(marks, meter))

    def _dated(self, marks: pl.DataFrame, meter: npt.NDArray[np.int64]) -> pl.DataFrame:
        """Leave out marks without a day; of a meter of which the file has nothing else, they are of its first day.

        A meter that was delivered is there, though none of its records can be read.
        """
        no_day = pl.col("day").is_null()
        if not marks["day"].null_count():
            return marks
        dated = marks.filter(~no_day)
        known = pl.concat([dated["meter"], pl.Series("meter", np.unique(meter))]).implode()
        lost = marks.filter(no_day & ~pl.col("meter").is_in(known))
        return pl.concat([dated, lost.with_columns(pl.col("day").fill_null(self._first_day))])
