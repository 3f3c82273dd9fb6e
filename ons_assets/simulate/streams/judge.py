"""What a harvester should have: held against the log of the stream, and against when it was killed."""

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# Of a line that is kept, in the layout of the interface or an own one.
ID = re.compile(rb'^\{(?:"data":\{)?"id":"(\d+)"', re.MULTILINE)
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Interval:
    """A time in which nothing was received, as somebody has it.

    Parameters
    ----------
    began_utc, ended_utc
        From when to when.
    by
        How it came about.
    begins_by_utc
        Until when it may be told to begin; None for its beginning. Of a stream that sends signs of life and no messages
        any more, the last sign: who misses the next one before the messages has heard it until then.
    """

    began_utc: datetime
    ended_utc: datetime
    by: str
    begins_by_utc: datetime | None = None


def true_outages(log: Sequence[Mapping[str, Any]], killed: Sequence[datetime]) -> list[Interval]:
    """Return when the stream was not received, by what it wrote down, and by who killed the harvester.

    Parameters
    ----------
    log
        Of the stream, of the kinds that have connections.
    killed
        When the harvester was killed, in order.
    """
    found: list[Interval] = []
    signs = {each["connection"]: each["at"] for each in log if each["what"] == "last sign"}
    broke: tuple[datetime, str] | None = None
    kills, connection = list(killed), None
    for each in log:
        at = datetime.fromtimestamp(each["at"], UTC)
        # That the one before is gone, the stream may notice when the next one is there.
        if each["what"] == "broke" and broke is None and each.get("connection") == connection:
            broke = at, each["by"]
        elif each["what"] == "opened":
            # Killed before the next connection: of the two, what came first is the beginning.
            early = [each for each in kills if each < at]
            kills = kills[len(early) :]
            begins = [*([broke] if broke is not None else []), *((each, "killed") for each in early)]
            if begins:
                began, by = min(begins)
                sign = signs.get(connection) if by == "silent" else None
                last = datetime.fromtimestamp(sign, UTC) if sign is not None else None
                found.append(Interval(began, at, by, min(last, at) if last is not None else None))
            broke, connection = None, each.get("connection")
    return found


def beyond(some: Iterable[Interval], others: Iterable[Interval], within: timedelta) -> list[Interval]:
    """Return the intervals of which a moment is further from all others than so long.

    Asked both ways, it is none of either where two tell the same to that precision. A connection that lasted less is no
    matter: nobody may have received a byte over it.

    Parameters
    ----------
    some, others
        In any order.
    within
        How far is not too far.
    """
    wide: list[tuple[datetime, datetime]] = []
    for began, ended in sorted((each.began_utc - within, each.ended_utc + within) for each in others):
        if wide and began <= wide[-1][1]:
            wide[-1] = wide[-1][0], max(wide[-1][1], ended)
        else:
            wide.append((began, ended))
    return [
        each
        for each in some
        if not any(began <= (each.begins_by_utc or each.began_utc) and each.ended_utc <= ended for began, ended in wide)
    ]


def safe_ids(folder: Path) -> npt.NDArray[np.int64]:
    """Return the ids that a power cut would leave at this moment: those of whole members of all files, in order.

    Parameters
    ----------
    folder
        Drop folder, in which a file may be unfinished.

    Returns
    -------
    ndarray, int64
        Each once.
    """
    found = [_ids(member) for path in sorted(folder.iterdir()) for member in _members(path)]
    return np.unique(np.concatenate([np.empty(0, np.int64), *found]))


def _members(path: Path) -> Iterator[bytes]:
    """Yield what the whole members of a gzip file hold."""
    member, text = zlib.decompressobj(31), b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            while chunk:
                try:
                    text += member.decompress(chunk)
                except zlib.error:
                    return
                if not member.eof:
                    break
                yield text
                chunk, member, text = member.unused_data, zlib.decompressobj(31), b""


def _ids(text: bytes) -> npt.NDArray[np.int64]:
    return np.array(ID.findall(text), dtype="S20").astype(np.int64)


def lines_of(folder: Path) -> int:
    """Return how many messages the finished files of a folder hold."""
    return sum(gzip.decompress(path.read_bytes()).count(b"\n") for path in sorted(folder.glob("*.jsonl.gz")))
