"""When a stream was not received: from when to when, why, how that is known, and what was had later.

An outage begins with the last sign of life before it, and ends when the service answered again; it is over once a sign
of life followed that answer. It never claims less than was missed.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

COLUMNS = (
    *("stream", "for_source", "began_utc", "ended_utc", "is_over", "known_by"),
    *("outage_reason", "backfilled_from_utc"),
)
KnownBy = Literal["connection", "heartbeat", "silence", "process", "disk"]


@dataclass(frozen=True)
class Outage:
    """One time without the stream.

    Parameters
    ----------
    began_utc, ended_utc
        From the last sign of life to the answer after it; None while there is none.
    known_by
        connection: it ended, or none came about; heartbeat: no sign of life came over it; silence: no message did;
        process: nobody listened; disk: there was no room.
    reason
        In a sentence of our own.
    from_utc
        From when on the service said that it would send what was missed; None if it was not asked, or could not.
    is_made_good
        Whether all of that came.
    is_told
        Whether a file says so.
    """

    began_utc: datetime
    known_by: KnownBy
    reason: str
    ended_utc: datetime | None = None
    from_utc: datetime | None = None
    is_made_good: bool = False
    is_told: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether nothing about it will change."""
        return self.ended_utc is not None and (self.is_made_good or self.from_utc is None)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {name: each.isoformat() if isinstance(each, datetime) else each for name, each in vars(self).items()}

    @classmethod
    def of_json(cls, said: dict[str, Any]) -> "Outage":
        """Return what `as_json` gave."""
        moments = [each.name for each in fields(cls) if each.name.endswith("_utc")]
        return cls(**{**said, **{name: said[name] and datetime.fromisoformat(said[name]) for name in moments}})


def over(outage: Outage, answered_utc: datetime, *, resumed: bool, reach_seconds: float | None) -> Outage:
    """Return an outage that is over.

    Parameters
    ----------
    outage
        That was open.
    answered_utc
        When the service answered.
    resumed
        Whether it was asked for what was missed.
    reach_seconds
        How far back it goes; None for as far as need be.
    """
    ended = max(outage.ended_utc or answered_utc, outage.began_utc)
    return _asked_for(replace(outage, ended_utc=ended, is_told=False), ended, answered_utc, resumed, reach_seconds)


def asked_for(outage: Outage, answered_utc: datetime, resumed: bool, reach_seconds: float | None) -> Outage:
    """Return an outage that is over, of which the service was asked, perhaps again, to send what was missed.

    Parameters
    ----------
    outage
        Any; one that is open, or settled, is as it was: of one that nothing was asked for in time, what comes later is
        not of it.
    answered_utc
        When the service answered that was asked.
    resumed, reach_seconds
        See `over`.
    """
    if outage.ended_utc is None or outage.is_settled:
        return outage
    return _asked_for(outage, outage.ended_utc, answered_utc, resumed, reach_seconds)


def _asked_for(
    outage: Outage, ended_utc: datetime, answered_utc: datetime, resumed: bool, reach_seconds: float | None
) -> Outage:
    reach = outage.began_utc if reach_seconds is None else answered_utc - timedelta(seconds=reach_seconds)
    start = max(outage.began_utc, reach)
    start_or_none = start if resumed and (start < ended_utc or start == outage.began_utc) else None
    return outage if outage.from_utc == start_or_none else replace(outage, from_utc=start_or_none, is_told=False)


def caught_up(outage: Outage, time_utc: datetime) -> Outage:
    """Return an outage after a message: made good, if the message is of a time after it.

    Parameters
    ----------
    outage
        Any.
    time_utc
        Of the message.
    """
    if outage.ended_utc is None or outage.from_utc is None or outage.is_made_good or time_utc < outage.ended_utc:
        return outage
    return replace(outage, is_made_good=True, is_told=False)


def text_of(outages: Sequence[Outage], stream: str, source: str, now: datetime) -> bytes:
    """Return the file of some outages; one that is open lasts until now, as far as is known.

    Parameters
    ----------
    outages
        That are to be told.
    stream, source
        Of which stream, and to which drop folder its files come.
    now
        UTC.
    """
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(COLUMNS)
    for each in outages:
        ended = each.ended_utc or max(now, each.began_utc)
        had = each.from_utc if each.is_made_good else None
        lines.writerow(
            (
                *(stream, source, _said(each.began_utc), _said(ended), "yes" if each.ended_utc else "no"),
                *(each.known_by, each.reason, _said(had) if had else ""),
            )
        )
    return written.getvalue().encode()


def _said(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
