"""A file to which another program writes lines: read on from where it was left, also where it was put aside."""

import asyncio
import glob
import os
import stat
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from ons_assets.collectors.streams.links import Batch, Call, Lines, Lost, napping

LOOK_SECONDS = 0.2
CHUNK_BYTES = 1 << 18
# A file that was put aside may be written to until its writer takes up the new one: it is left when it has not grown
# for so many looks, which are ten minutes.
LOOKS_AT_REST = 3_000


async def grown(call: Call) -> AsyncIterator[Batch]:
    """Yield the lines of a file as they are written; see `http_links.lines`.

    A cursor is the number of the file on its disk and how far it was read, of each file that is still looked at. Where
    the file was renamed and a new one has its name, as logrotate does, the old one is read to its end first, and looked
    at until it has rested. One that was emptied is read from its beginning. A line that is too long is cut, and so
    unreadable: it would be there again for whoever begins here.

    Raises
    ------
    Lost
        If there is no file.
    """
    path, most = Path(unquote(urlsplit(call.stream.address).path)), call.stream.most_message_bytes
    files = _taken_up(path, call.cursor, most)
    yield Batch([])
    try:
        while True:
            has_grown = False
            for each in files:
                found = each.grown()
                if found is not None:
                    has_grown = True
                    call.alive()
                    yield Batch(found, _cursor(files))
            if has_grown:
                # Where no line ends, nothing waits for room: the others have their turn.
                await asyncio.sleep(0)
                continue
            for each in [each for each in files[:-1] if each.looks > LOOKS_AT_REST]:
                files.remove(each)
                if rest := each.parted.rest():
                    yield Batch([rest], _cursor(files))
                each.close()
            if _number_of(path) not in (None, files[-1].number):
                # However long nothing was written to it, from now on it is one that was put aside.
                files[-1].looks = 0
                files.append(_Open(_opened(path), 0, most))
                continue
            for each in files:
                each.looks += 1
            call.alive()
            await napping(LOOK_SECONDS)
    finally:
        for each in files:
            each.close()


class _Open:
    """A file that is read as it grows."""

    def __init__(self, file: BinaryIO, offset: int, most_bytes: int) -> None:
        self._file, self._most = file, most_bytes
        self.number = os.fstat(file.fileno()).st_ino
        # That found nothing more, each after a pause.
        self.looks = 0
        self._begin(offset)

    def _begin(self, offset: int) -> None:
        self._file.seek(offset)
        self.parted, self._pending = Lines(self._most, cuts=True), 0

    def grown(self) -> list[bytes] | None:
        """Return the lines that have ended since, a chunk at a time; None if nothing came."""
        # Another process may have emptied it meanwhile.
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._begin(0)
        chunk = self._file.read(CHUNK_BYTES)
        if not chunk:
            return None
        self.looks = 0
        # What has no end yet is read again by who begins here.
        end = chunk.rfind(b"\n") + 1
        self._pending = len(chunk) - end if end else self._pending + len(chunk)
        return self.parted.of(chunk)

    @property
    def cursor(self) -> str:
        return f"{self.number}:{self._file.tell() - self._pending}"

    def close(self) -> None:
        self._file.close()


def _cursor(files: Sequence[_Open]) -> str:
    return ",".join(each.cursor for each in files)


def _taken_up(path: Path, cursor: str | None, most_bytes: int) -> list[_Open]:
    """Open what a cursor tells of, wherever it is by now; without one, or where it is gone, the file with the name."""
    found = []
    for number, offset in (_parted(each) for each in (cursor or "").split(",")):
        file = _of_number(path, number)
        if file is not None:
            # One that is shorter was emptied, or is another one.
            found.append(_Open(file, offset if os.fstat(file.fileno()).st_size >= offset else 0, most_bytes))
    return found or [_Open(_opened(path), 0, most_bytes)]


def _parted(cursor: str) -> tuple[int, int]:
    number, _, offset = cursor.partition(":")
    return (int(number), int(offset)) if number.isdigit() and offset.isdigit() else (0, 0)


def _number_of(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _of_number(path: Path, number: int) -> BinaryIO | None:
    """Open the file with a number: that with the name, or one whose name begins with it."""
    beside = (path, *path.parent.glob(f"{glob.escape(path.name)}*")) if number else ()
    there = next((each for each in beside if _number_of(each) == number), None)
    return _opened(there) if there is not None else None


def _opened(path: Path) -> BinaryIO:
    try:
        # Anything else, such as a pipe that nobody writes to, would be waited for before it is open.
        if not stat.S_ISREG(path.stat().st_mode):
            raise Lost("network", "the address is that of something that is no file")
        return path.open("rb")
    except OSError as error:
        raise Lost("network", f"the file cannot be opened: {str(error.strerror).lower()}") from None
