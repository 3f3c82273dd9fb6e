"""A file to which another program writes lines: read on from where it was left, also where it was put aside."""

import glob
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from ons_assets.collectors.streams.links import Batch, Call, Lines, Lost, napping

LOOK_SECONDS = 0.2
CHUNK_BYTES = 1 << 18


async def grown(call: Call) -> AsyncIterator[Batch]:
    """Yield the lines of a file as they are written; see `http_links.lines`.

    A cursor is the number of the file on its disk and how far it was read. Where the file was renamed and a new one has
    its name, as logrotate does, the old one is read to its end first. One that was emptied is read from its beginning.
    A line that is too long is cut, and so unreadable: it would be there again for whoever begins here.

    Raises
    ------
    Lost
        If there is no file.
    """
    path = Path(unquote(urlsplit(call.stream.address).path))
    number, offset = _parted(call.cursor)
    file = _opened(path, number)
    if os.fstat(file.fileno()).st_ino != number or os.fstat(file.fileno()).st_size < offset:
        offset = 0
    yield Batch([])
    try:
        file.seek(offset)
        parted, pending = Lines(call.stream.most_message_bytes, cuts=True), 0
        while True:
            # Another process may have emptied it meanwhile.
            if os.fstat(file.fileno()).st_size < file.tell():
                file.seek(0)
                parted, pending = Lines(call.stream.most_message_bytes, cuts=True), 0
            chunk = file.read(CHUNK_BYTES)
            if chunk:
                call.alive()
                found = parted.of(chunk)
                # What has no end yet is read again by who begins here.
                end = chunk.rfind(b"\n") + 1
                pending = len(chunk) - end if end else pending + len(chunk)
                yield Batch(found, f"{os.fstat(file.fileno()).st_ino}:{file.tell() - pending}")
                continue
            if _number_of(path) not in (None, os.fstat(file.fileno()).st_ino):
                if rest := parted.rest():
                    yield Batch([rest])
                file.close()
                file = _opened(path, 0)
                parted, pending = Lines(call.stream.most_message_bytes, cuts=True), 0
                continue
            call.alive()
            await napping(LOOK_SECONDS)
    finally:
        file.close()


def _parted(cursor: str | None) -> tuple[int, int]:
    number, _, offset = (cursor or "0:0").partition(":")
    return (int(number), int(offset)) if number.isdigit() and offset.isdigit() else (0, 0)


def _number_of(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _opened(path: Path, number: int) -> BinaryIO:
    """Open the file with a number, which may have another name by now; else the one with the name."""
    beside = path.parent.glob(f"{glob.escape(path.name)}*") if number and _number_of(path) != number else ()
    old = next((each for each in beside if _number_of(each) == number), None)
    try:
        # Anything else, such as a pipe that nobody writes to, would be waited for before it is open.
        if not stat.S_ISREG((old or path).stat().st_mode):
            raise Lost("network", "the address is that of something that is no file")
        return (old or path).open("rb")
    except OSError as error:
        raise Lost("network", f"the file cannot be opened: {str(error.strerror).lower()}") from None
