"""The report, written and in short; it needs no run of anything before it."""

from datetime import UTC, date, datetime, time
from pathlib import Path

from ons_assets.governance.report import gather, write_report
from ons_assets.governance.report.summary import summary
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings


def write(settings: Settings, first: date | None, last: date | None) -> Path:
    """Write the report of a home, and return its start page.

    Parameters
    ----------
    first, last
        Days between which the change log tells what changed, both included; without them the last days.
    """
    home = Home(settings.home)
    with home.working(), home.table_lock("report"):
        return write_report(home, settings, *_moments(first, last))


def in_short(settings: Settings, first: date | None, last: date | None) -> str:
    """Return the report in the length of a mail, as Markdown.

    Parameters
    ----------
    first, last
        As for `write`.
    """
    since, until = _moments(first, last)
    return summary(gather(Home(settings.home), settings, since=since, until=until))


def _moments(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """The first moment of the first day and the last one of the last, in the clock of the ledgers."""
    since = datetime.combine(first, time(), UTC) if first is not None else None
    # Not as the day after it begins: the last day that there is has none.
    until = datetime.combine(last, time.max, UTC) if last is not None else None
    return since, until
