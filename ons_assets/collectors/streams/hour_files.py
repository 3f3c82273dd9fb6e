"""Hourly files in a drop folder: under the name of an unfinished copy until the hour is over, and whole at any moment.

Of an hour that brings more than a file may hold there are several.

What is committed is one member of a gzip file, written and flushed to the disk (fsync) before anything is said to be
safe. A member has a checksum: what a kill or a power cut leaves behind it is cut off when the next process begins, and
what was committed stays. A gzip file of many members is a gzip file; every tool reads it.
"""

import gzip
import os
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from ons_assets.lakehouse.home import PRIVATE_FILE

ENDING = ".jsonl.gz"
# The way in passes over such names.
UNFINISHED = ".part"
STAMP = "%Y%m%dT%H%M%SZ"
ANY_STAMP = "[0-9]" * 8 + "T" + "[0-9]" * 6 + "Z"
CHUNK_BYTES = 1 << 18
LEVEL = 6
# Before it is packed. A larger one would be read slowly, and one of a gigabyte not at all.
MOST_CONTENT_BYTES = 256 << 20


class HourFiles:
    """The files of one stream; one at a time is open.

    Parameters
    ----------
    folder
        Drop folder, which only its owner can open.
    stream
        Name of the stream.
    """

    def __init__(self, folder: Path, stream: str) -> None:
        self._folder, self._stream = folder, stream
        self._part: Path | None = None
        self._size = self._content = 0

    def recover(self, now: datetime) -> list[Path]:
        """Take up what an earlier process left, and return the files that are complete with it.

        The file of this hour is gone on with; one of an hour that is over is completed.

        Parameters
        ----------
        now
            UTC.
        """
        made = []
        for part in sorted(self._folder.glob(f"{self._stream}_{ANY_STAMP}{ENDING}{UNFINISHED}")):
            whole, self._content = whole_bytes(part)
            os.truncate(part, whole)
            self._part, self._size = part, whole
            if self._hour != _hour(now):
                made += self.complete()
        return made

    @property
    def _hour(self) -> datetime | None:
        if self._part is None:
            return None
        stamp = self._part.name.removesuffix(f"{ENDING}{UNFINISHED}").removeprefix(f"{self._stream}_")
        return _hour(datetime.strptime(f"{stamp}+0000", f"{STAMP}%z"))

    def is_of_another_hour(self, now: datetime) -> bool:
        """Return whether the open file is to be completed before anything is written now."""
        return self._part is not None and self._hour != _hour(now)

    @property
    def is_full(self) -> bool:
        """Whether the open file is to be completed because it holds as much as the way in likes to read."""
        return self._part is not None and self._content >= MOST_CONTENT_BYTES

    def commit(self, lines: Sequence[bytes], now: datetime) -> None:
        """Write lines so that they outlive a kill and a power cut.

        Parameters
        ----------
        lines
            Without their ends; of no lines nothing is written.
        now
            UTC; names the file where there is none.

        Raises
        ------
        OSError
            If they cannot be written; the file is as it was before then.
        """
        if not lines:
            return
        if self._part is None:
            self._part, self._size, self._content = self._begin(now), 0, 0
        content = b"\n".join(lines) + b"\n"
        member = gzip.compress(content, LEVEL, mtime=0)
        descriptor = os.open(self._part, os.O_WRONLY | os.O_APPEND)
        try:
            _write(descriptor, member)
            os.fdatasync(descriptor)
        except OSError:
            os.ftruncate(descriptor, self._size)
            raise
        finally:
            os.close(descriptor)
        self._size += len(member)
        self._content += len(content)

    def complete(self) -> list[Path]:
        """Give the open file its name, from which moment on it is a drop; return it, unless it is empty."""
        if self._part is None:
            return []
        part, self._part = self._part, None
        if not self._size:
            part.unlink()
            return []
        named = part.with_name(part.name.removesuffix(UNFINISHED))
        part.replace(named)
        flush_folder(self._folder)
        return [named]

    def _begin(self, now: datetime) -> Path:
        """Make an empty file; if the harvester was ended and begun within a second, a second later."""
        while True:
            part = self._folder / f"{self._stream}_{now:{STAMP}}{ENDING}{UNFINISHED}"
            if not part.with_name(part.name.removesuffix(UNFINISHED)).exists():
                os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
                flush_folder(self._folder)
                return part
            now += timedelta(seconds=1)


def whole_bytes(path: Path) -> tuple[int, int]:
    """Return how much of a gzip file is whole members, and how much they hold; what follows was cut off or is damaged.

    Parameters
    ----------
    path
        Of the file.
    """
    good = position = content = inside = 0
    member = zlib.decompressobj(31)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            position += len(chunk)
            while chunk:
                try:
                    inside += len(member.decompress(chunk))
                except zlib.error:
                    return good, content
                if not member.eof:
                    break
                chunk = member.unused_data
                good, content = position - len(chunk), content + inside
                inside = 0
                member = zlib.decompressobj(31)
    return good, content


def flush_folder(folder: Path) -> None:
    """Have the names in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _write(descriptor: int, content: bytes) -> None:
    """Write all of it: on a disk that is full the system may write a part."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
