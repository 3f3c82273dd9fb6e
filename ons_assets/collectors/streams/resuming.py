"""How a service is asked for what was missed, and how long one waits before asking it again."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ons_assets.collectors.streams.description import Backfill, Reconnect
from ons_assets.collectors.streams.keeping import cursor_or_none
from ons_assets.collectors.streams.links import Lost, LostBy
from ons_assets.collectors.streams.logbook import State

# After these a connection that had worked is tried again at once.
AT_ONCE: tuple[LostBy, ...] = ("ended", "network", "heartbeat", "silence")


@dataclass(frozen=True)
class Resume:
    """What a call says of what was missed.

    Parameters
    ----------
    parameters, headers
        That are sent.
    is_asked
        Whether anything is.
    """

    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    is_asked: bool = False


def resume(back: Backfill | None, state: State, now: datetime) -> Resume:
    """Return what the service is told.

    Parameters
    ----------
    back
        Of the description; None if the service has nothing of the kind.
    state
        Of the harvester.
    now
        UTC.
    """
    if back is None:
        return Resume()
    if back.how == "cursor":
        if (value := cursor_or_none(state.cursor)) is None:
            return Resume()
        if value.isdigit() and back.rewind:
            value = str(max(int(value) - back.rewind, 0))
    else:
        missed = [each.began_utc for each in state.outages if not each.is_settled]
        if not missed:
            return Resume()
        longest = int((back.reach_seconds or 60) // 60)
        value = str(max(1, min(math.ceil((now - min(missed)).total_seconds() / 60), longest)))
    if back.parameter is not None:
        return Resume({back.parameter: value}, {}, is_asked=True)
    return Resume({}, {str(back.header): value}, is_asked=True)


class Waits:
    """How long is waited, by what befell and how often in a row.

    Parameters
    ----------
    rules
        Of the description.
    """

    def __init__(self, rules: Reconnect) -> None:
        self._rules = rules
        self._failures: Counter[str] = Counter()

    @property
    def refusals(self) -> int:
        """How often in a row the service refused."""
        return self._failures["refused"]

    def after(self, lost: Lost, lasted_seconds: float | None) -> float:
        """Return how many seconds are waited before the next attempt.

        Parameters
        ----------
        lost
            Why there is no connection.
        lasted_seconds
            How long it was there; None if it never was.
        """
        if lasted_seconds is not None and lasted_seconds >= self._rules.settled_seconds:
            self._failures.clear()
            if lost.by in AT_ONCE:
                return lost.wait_seconds
        kind = "busy" if lost.by == "busy" else "refused" if lost.by == "refused" else "http"
        kind = "network" if lost.by in (*AT_ONCE, "junk") else kind
        if kind != "refused":
            self._failures["refused"] = 0
        self._failures[kind] += 1
        rule = {"busy": self._rules.busy, "network": self._rules.network}.get(kind, self._rules.http)
        return max(rule.before(self._failures[kind]), lost.wait_seconds)
