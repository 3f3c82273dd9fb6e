"""What a harvester knows when it begins again: its state, replaced in one step, and a journal for people."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ons_assets.collectors.folders import ensure_private
from ons_assets.collectors.streams.outages import Outage
from ons_assets.lakehouse.home import Home, write_atomically

# Outages that wait for what was missed; each is over, and told without it.
MOST_WAITING = 1_000
COUNTED = ("received", "kept", "left_out", "junk")


@dataclass(frozen=True)
class State:
    """How a harvester stood when it last wrote to the disk.

    Parameters
    ----------
    at_utc
        When that was; None before the first time.
    alive_utc
        Last sign of life of the stream.
    cursor
        From where on the service is asked; None if it was never told.
    outages
        Of which something may change, or is to be told.
    counts
        Messages since the stream was first listened to: received, kept, left_out (not meant), junk.
    doing
        In a few words.
    """

    at_utc: datetime | None = None
    alive_utc: datetime | None = None
    cursor: str | None = None
    outages: tuple[Outage, ...] = ()
    counts: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    doing: str = "never begun"

    @property
    def open_outage(self) -> Outage | None:
        """The one that is not over."""
        return next((each for each in self.outages if each.ended_utc is None), None)

    def with_outages(self, *outages: Outage) -> "State":
        """Return it without what is settled and told; of very many, the oldest wait for nothing any more."""
        kept = [each for each in outages if not (each.is_settled and each.is_told)]
        old, latest = kept[:-MOST_WAITING], kept[-MOST_WAITING:]
        given_up = [replace(each, from_utc=None) for each in old if not (each.is_told or each.is_made_good)]
        return replace(self, outages=(*given_up, *latest))


class Logbook:
    """The folder of one stream, `<home>/collections/streams/<stream>`, which only its owner can open.

    Parameters
    ----------
    folder
        Made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, home: Home, stream: str) -> "Logbook":
        """Return that of a stream of a home."""
        return cls(home.root / "collections" / "streams" / stream)

    def ensure(self) -> "Logbook":
        """Make the folder, and cut off a line that an earlier process did not end."""
        ensure_private(self.folder)
        for path in self._journals():
            content = path.read_bytes()
            if not content.endswith(b"\n"):
                os.truncate(path, content.rfind(b"\n") + 1)
        return self

    def state(self) -> State:
        """Return how the harvester stood."""
        path = self.folder / "state.json"
        if not path.exists():
            return State()
        said = json.loads(path.read_bytes())
        moments = {name: said[name] and datetime.fromisoformat(said[name]) for name in ("at_utc", "alive_utc")}
        outages = tuple(Outage.of_json(each) for each in said["outages"])
        return State(**{**said, **moments, "outages": outages})

    def keep(self, state: State) -> None:
        """Have a state outlive a kill and a power cut."""
        said = {name: each.isoformat() if isinstance(each, datetime) else each for name, each in vars(state).items()}
        said["outages"] = [each.as_json() for each in state.outages]
        write_atomically(self.folder / "state.json", json.dumps(said).encode())

    def write(self, now: datetime, what: str, **said: Any) -> None:
        """Write a line of the journal of the month.

        Parameters
        ----------
        now
            UTC.
        what
            Happened, in a word.
        **said
            What there is to say of it; nothing of a message, nor of a token.
        """
        line = {"at_utc": now.isoformat(), "what": what, **said}
        with (self.folder / f"journal_{now:%Y-%m}.jsonl").open("a") as file:
            file.write(f"{json.dumps(line, ensure_ascii=False)}\n")

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the journal, in their order."""
        for path in self._journals():
            for line in path.read_text().splitlines():
                yield json.loads(line)

    def _journals(self) -> list[Path]:
        return sorted(self.folder.glob("journal_*.jsonl"))
