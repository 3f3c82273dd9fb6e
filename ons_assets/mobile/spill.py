"""Events set down on disk by bucket of devices, so that any number of them is worked in bounded memory."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from ons_assets.lakehouse.buckets import BUCKETS, bucket_of

RECORD = np.dtype([("user", "<i8"), ("time_s", "<u4"), ("cell", "<i4")])


class EventSpill:
    """Sets events down in a folder, one file a bucket, in the order in which they come.

    Parameters
    ----------
    folder
        Private and temporary; made if it is not there.
    """

    def __init__(self, folder: Path, buckets: int = BUCKETS) -> None:
        self._folder, self._buckets = folder, buckets
        self._open = ExitStack()
        self._files: dict[int, BinaryIO] = {}

    def __enter__(self) -> "EventSpill":
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def add(self, user: npt.NDArray[np.int64], time_s: npt.NDArray[np.int64], cell: npt.NDArray[np.int32]) -> None:
        """Set events down.

        Parameters
        ----------
        time_s
            Seconds of the local clock since 1970; up to the year 2106.
        """
        bucket = bucket_of(user, self._buckets)
        order = np.argsort(bucket, kind="stable")  # a radix sort, for bytes
        records = np.empty(len(user), dtype=RECORD)
        records["user"], records["time_s"], records["cell"] = user[order], time_s[order], cell[order]
        ends = np.cumsum(np.bincount(bucket, minlength=self._buckets))
        for number, (start, end) in enumerate(zip(np.append(0, ends[:-1]), ends, strict=True)):
            if end > start:
                records[start:end].tofile(self._file(number))

    def _file(self, bucket: int) -> BinaryIO:
        if bucket not in self._files:
            self._files[bucket] = self._open.enter_context((self._folder / f"{bucket:02d}.events").open("wb"))
        return self._files[bucket]

    def finish(self) -> None:
        """Close the files, so that they can be read."""
        self._open.close()

    def spans(self, events: int) -> list[list[Path]]:
        """Return the files of spans of buckets, each as short as holds so many events or ends with the last."""
        spans: list[list[Path]] = []
        held = events
        for number in sorted(self._files):
            path = self._folder / f"{number:02d}.events"
            if held >= events:
                spans.append([])
                held = 0
            spans[-1].append(path)
            held += path.stat().st_size // RECORD.itemsize
        return spans
