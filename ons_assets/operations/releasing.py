"""Releases of tables: drawn up, put out, withdrawn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ons_assets.governance.releases import making, shelf
from ons_assets.governance.releases.release_ledger import Entry
from ons_assets.governance.report import gather
from ons_assets.governance.report.facts import Judgement
from ons_assets.governance.report.judgement import may_be_published
from ons_assets.lakehouse.home import Home
from ons_assets.operations import Progress, make
from ons_assets.orchestration.runs import Outcome
from ons_assets.settings import Settings


@contextmanager
def drawn_up(settings: Settings, name: str) -> Iterator["Drawn"]:
    """Draw up a release of a table, attacked with all earlier ones, and hold the releases until it is put out or not.

    Parameters
    ----------
    name
        Of the table.

    Raises
    ------
    NotReleasable
        If there is nothing to release.
    """
    home = Home(settings.home)
    with making.held(home) as ledger:
        draft = making.draw_up(home, ledger, name)

        def put_out(approved_by: str, reason: str | None) -> tuple[Entry, Path]:
            entry = making.release(home, ledger, draft, approved_by, reason, settings.office)
            return entry, making.chains_file(home, entry)

        yield Drawn(draft, put_out)


def judged_by_the_report(settings: Settings, name: str) -> Judgement:
    """Return whether a table may be published now, as the report says it of the home as it is.

    Parameters
    ----------
    name
        Of the table.
    """
    facts = gather(Home(settings.home), settings)
    [table] = [each for each in facts.tables if each.table.name == name]
    return may_be_published(table)


@dataclass(frozen=True)
class Drawn:
    """A release as it would be, and what puts it out once it is approved.

    Parameters
    ----------
    draft
        What would be released.
    put_out
        Given who approves it and why, returns the row of the ledger, and where the subtractions are if it was refused.
    """

    draft: making.Draft
    put_out: Callable[[str, str | None], tuple[Entry, Path]]


def withdraw(settings: Settings, name: str, version: int, reason: str) -> Entry:
    """Say that a release is not to be used any more.

    Parameters
    ----------
    name, version
        Of the table, and of its release.
    reason
        Why, in a sentence.

    Raises
    ------
    LookupError
        If there is no such release, or it was withdrawn already.
    """
    home = Home(settings.home)
    with making.held(home) as ledger:
        return making.withdraw(home, ledger, name, version, reason, settings.office)


def releases(settings: Settings) -> tuple[list[Entry], list[str]]:
    """Return all releases and refusals, and what is not as it was when it was released."""
    home = Home(settings.home)
    with making.held(home) as ledger:
        return ledger.entries(), shelf.faults(home, ledger)


def publish_release_ledger(settings: Settings, progress: Progress) -> Outcome:
    """Let the table of releases and the report follow the ledger of releases."""
    return make(settings, ["governance/release_ledger", "governance/report"], None, progress)
