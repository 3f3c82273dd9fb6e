"""Erasure of who asked for it, and of what is older than is kept."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ons_assets.definitions import RAW, checked_register
from ons_assets.governance.erasure.erasing import Erased, Erasing, Making
from ons_assets.governance.erasure.intent import Intent
from ons_assets.governance.erasure.selection import Kind
from ons_assets.intake.erasure_ledger import ErasureLedger
from ons_assets.intake.ledger import Status
from ons_assets.intake.source import Source
from ons_assets.lakehouse.home import Home
from ons_assets.operations import Progress, UnknownName, make, publish_raw, source_named, sources, span_of
from ons_assets.settings import Settings


def erase(
    settings: Settings, name: str, whom: Sequence[str], reason: str, progress: Progress, *, records: bool = False
) -> Erased:
    """Erase people, homes or devices, or single records, from all that a home keeps, and prove it.

    Parameters
    ----------
    name
        Of the source whose files name them.
    whom
        As suppliers write them.
    reason
        Why; it is kept, and must not say whom.
    progress
        Called with what is at work.
    records
        Whether single records are meant, such as tweets.

    Raises
    ------
    CannotErase
        If it cannot be begun.
    NotProved
        If something is still found.
    """
    kind = Kind.RECORDS if records else Kind.SUBJECTS
    return _erasing(settings, progress).erase(source_named(settings, name), whom, reason, kind=kind)


def resume_erasure(settings: Settings, progress: Progress) -> Erased:
    """Go on with an erasure that is not finished."""
    return _erasing(settings, progress).resume()


def retain(settings: Settings, progress: Progress, today: date | None = None) -> list[Erased]:
    """Erase what is older than the settings keep, source by source, and return what went.

    Parameters
    ----------
    today
        Local day from which is counted; None for that of now.

    Raises
    ------
    UnknownName
        If the settings name a source that there is not, or one whose rows are about nobody.
    CannotErase
        If another process is at work, or an erasure of people is not finished.
    """
    erasing = _erasing(settings, progress)
    day = today or datetime.now(ZoneInfo(settings.geography.time_zone)).date()
    for name in settings.drops.retention_days:
        if not source_named(settings, name).is_individual:
            raise UnknownName(f"drops.retention_days names {name}, whose rows are about nobody, and are kept for good")
    intent = Intent.read(Home(settings.home))
    done = [erasing.resume()] if intent is not None and intent.selection.kind is Kind.RETENTION else []
    for name, days in settings.drops.retention_days.items():
        found = erasing.retain(source_named(settings, name), day - timedelta(days=days), f"kept for {days} days")
        done += [found] if found is not None else []
    return done


def _erasing(settings: Settings, progress: Progress, step: Progress = lambda _: None) -> Erasing:
    home, ledger = Home(settings.home), ErasureLedger(Home(settings.home))
    # Before anything is erased of which nothing could be made again.
    checked_register(settings)

    def publish(source: Source) -> dict[str, str]:
        raw = next(each for each in RAW if each.table == source.table)
        days = span_of(ledger.drops(source.name, [Status.READ]))
        return publish_raw(settings, raw, days, progress).failures

    def make_again(tables: Collection[str]) -> dict[str, str]:
        return make(settings, sorted(tables), None, progress).failures

    return Erasing(home, ledger, sources(settings), Making(publish, make_again), progress, step)
