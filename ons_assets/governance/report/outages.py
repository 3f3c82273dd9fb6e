"""The calendar of a source: which days it has data of, which were refused, and which are missing."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby

from ons_assets.governance.report.facts import Spell
from ons_assets.intake.ledger import Drop, Status

COUNTED = (Status.ACCEPTED, Status.SUPERSEDED, Status.READ)


def spells_of(source: str, drops: Sequence[Drop], days: int) -> Iterator[Spell]:
    """Yield the spells of the last days of a source, one after the other; none for a source without days.

    A day is missing if it lies between the first and the last day of the files of the source, and no file that counts
    has rows of it. Whether a source that ends has ended, the calendar cannot know.

    Parameters
    ----------
    source
        Its name.
    drops
        Its files.
    days
        How many days there are at most, up to the last one.

    Examples
    --------
    >>> list(spells_of("prices", [], 400))
    []
    """
    data = {day for drop in drops if drop.status in COUNTED for day in drop.days}
    refused = {day for drop in drops if drop.status is Status.REFUSED for day in drop.days} - data
    known = data | refused
    if not known:
        return
    first = max(min(known), max(known) - timedelta(days=days - 1))
    calendar = [first + timedelta(days=number) for number in range((max(known) - first).days + 1)]

    def state(day: date) -> str:
        return "data" if day in data else "refused" if day in refused else "none"

    for said, group in groupby(calendar, state):
        spell = list(group)
        yield Spell(source, said, spell[0], spell[-1])
