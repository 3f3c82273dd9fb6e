"""Releases of tables: drawn up, put out, withdrawn."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ons_assets.governance.releases import making, shelf
from ons_assets.governance.releases.release_ledger import Entry
from ons_assets.governance.report import gather
from ons_assets.governance.report.facts import Light
from ons_assets.governance.report.judgement import may_be_published
from ons_assets.lakehouse.home import Home
from ons_assets.operations import Progress, make
from ons_assets.orchestration.runs import Outcome
from ons_assets.settings import Settings

# What the release, and the ledger, say of it beside the reason; what the report says in full is of the house alone.
OVERRULED = "the report said: not now"


@dataclass(frozen=True)
class Verdict:
    """What the report says of a release, and what follows from it.

    Parameters
    ----------
    sentence
        Why the table is not to be released now; None if nothing speaks against it.
    is_final
        Whether nobody can overrule it: a number that may not be told could be worked out, or there is nothing to tell.
    """

    sentence: str | None = None
    is_final: bool = False


class NotNow(ValueError):
    """The report says that a table is not to be released now; the message is one sentence."""


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
        # Of what the auditor refuses nothing else has to be asked.
        verdict = Verdict() if draft.refusal else _verdict(settings, draft)

        def put_out(approved_by: str, reason: str | None, *, despite: bool = False) -> tuple[Entry, Path]:
            if verdict.sentence is not None:
                if verdict.is_final or not despite:
                    raise NotNow(verdict.sentence)
                reason = f"{making.said('why it is released (--reason)', reason or '')} ({OVERRULED})"
            entry = making.release(home, ledger, draft, approved_by, reason, settings.office)
            return entry, making.chains_file(home, entry)

        yield Drawn(draft, verdict, put_out)


def _verdict(settings: Settings, draft: making.Draft) -> Verdict:
    facts = gather(Home(settings.home), settings)
    [table] = [each for each in facts.tables if each.table.name == draft.table.name]
    judged = may_be_published(table)
    was_attacked = draft.learned.attacked is not None
    if judged.light is Light.GOOD or (judged.light is Light.LOOK and was_attacked):
        return Verdict()
    is_exposed = any((each.disclosure or {}).get("exposed") for each in (table, *table.behind))
    return Verdict(judged.sentence, is_exposed or judged.light is Light.NONE)


class PutOut(Protocol):
    """Puts a release out; see `Drawn`."""

    def __call__(self, approved_by: str, reason: str | None, *, despite: bool = False) -> tuple[Entry, Path]:
        """Return the row of the ledger, and where the subtractions are if it was refused."""


@dataclass(frozen=True)
class Drawn:
    """A release as it would be, and what puts it out once it is approved.

    Parameters
    ----------
    draft
        What would be released.
    verdict
        What the report says of it.
    put_out
        Given who approves it and why, releases it. Where the report says not now it raises `NotNow`, unless it is to be
        released despite that, with a reason, and the verdict is not final.
    """

    draft: making.Draft
    verdict: Verdict
    put_out: PutOut


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
