"""The runs of a shop, in a folder of their own: begun, taken up again, finished, made good."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ons_assets.collectors.agents import VERSION
from ons_assets.collectors.folders import AtWork, alone, ensure_private
from ons_assets.collectors.prices import manifests, run_files
from ons_assets.collectors.prices.answers import Answer
from ons_assets.collectors.prices.asking import Validator, validators_of
from ons_assets.collectors.prices.crawl import Collected, Known, crawl
from ons_assets.collectors.prices.journal import Journal, PageStore, Plan
from ons_assets.collectors.prices.repair import Acceptance, Proposal, accept, accepted, proposals, renamed
from ons_assets.collectors.prices.shops import Shop
from ons_assets.lakehouse.home import Home, write_atomically

DROPS = "prices"
STAMP = "%Y%m%d%H%M%S"
MODULE = "ons_assets.collectors.prices.fetching"


class NotCollected(ValueError):
    """A run cannot be done; the message is one sentence."""


class Runs:
    """The runs of one shop.

    Parameters
    ----------
    folder
        Where they and the pages lie; only its owner can open it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages = PageStore(folder / "pages")

    @classmethod
    def of(cls, home: Home, retailer: str) -> "Runs":
        """Return the runs of a shop of a home."""
        return cls(home.root / "collections" / "prices" / retailer)

    @classmethod
    def of_run(cls, folder: Path) -> "Runs":
        """Return the runs of the shop that a run is of."""
        return cls(folder.parent.parent)

    def ensure(self) -> "Runs":
        """Make the folder."""
        ensure_private(self.folder)
        return self

    @contextmanager
    def alone(self) -> Iterator[int]:
        """Keep every other run of the shop out; give the descriptor that does so, for processes that work on.

        Raises
        ------
        NotCollected
            If one is at work.
        """
        try:
            with alone(self.folder, f"a run of {self.folder.name}") as held:
                yield held
        except AtWork as error:
            raise NotCollected(str(error)) from None

    def journals(self) -> list[Journal]:
        """Return the runs, in their order."""
        begun = sorted(self.folder.glob("runs/*/plan.json"))
        return [Journal(each.parent, self.pages) for each in begun]

    def unfinished(self) -> list[Journal]:
        """Return the runs without a manifest, in their order."""
        return [each for each in self.journals() if not (each.folder / "manifest.json").exists()]

    def manifests(self) -> list[dict[str, Any]]:
        """Return the manifests of runs, and of mornings without one, by day and run."""
        found = [json.loads(path.read_bytes()) for path in self.folder.glob("runs/*/manifest.json")]
        found += [json.loads(path.read_bytes()) for path in self.folder.glob("missing/*.json")]
        return sorted(found, key=lambda each: (each["day"], each["run"] or ""))

    def validators(self) -> dict[str, Validator]:
        """Return how pages can be asked for changes, of those that are kept undamaged."""
        path = self.folder / "validators.json"
        said = json.loads(path.read_bytes()) if path.exists() else {}
        known = {address: Validator(**each) for address, each in said.items()}
        return {address: each for address, each in known.items() if self.pages.has(each.sha256)}

    def record_missing(self, day: date, reason: str, now: datetime) -> None:
        """Write down that nothing was asked on a morning, and why.

        Parameters
        ----------
        day
            Of the morning.
        reason
            In a sentence.
        now
            When this was found.
        """
        said = manifests.missing(self.folder.name, day, reason, VERSION, now)
        write_atomically(self.folder / "missing" / f"{day}.json", _json(said))

    def note(self, day: date, sentence: str) -> None:
        """Write down why a run could not be made, in case the day goes by without one."""
        write_atomically(self.folder / "notes" / f"{day}.txt", sentence.encode())

    def noted(self, day: date) -> str | None:
        """Return why no run could be made on a day, as it was noted last; None if nothing was."""
        path = self.folder / "notes" / f"{day}.txt"
        return path.read_text() if path.exists() else None

    def begin(self, shop: Shop, agent: str, zone: str, ahead: timedelta = timedelta(0)) -> Journal:
        """Begin a run now.

        Parameters
        ----------
        shop
            Its description.
        agent
            As the collector calls itself.
        zone
            Of the installation.
        ahead
            By how much the clock of the run goes before that of the machine.

        Raises
        ------
        NotCollected
            If it is outside of the hours of the shop.
        """
        clock = ZoneInfo(shop.zone or zone)
        now = datetime.now(UTC) + ahead
        local = now.astimezone(clock)
        first, last = (datetime.combine(local.date(), each, clock) for each in (shop.hours.first, shop.hours.last))
        if not first <= local < last:
            raise NotCollected(
                f"it is {local:%H:%M} at {shop.retailer}, which may be asked from {shop.hours.first:%H:%M} to "
                f"{shop.hours.last:%H:%M}"
            )
        run = _free_stamp(self.folder / "runs", local)
        plan = Plan(run, now, last.astimezone(UTC), clock.key, agent, ahead.total_seconds())
        # What it is compared with is kept with it, so that it can be made again.
        before = self.folder / "known.json"
        write_atomically(self.folder / "runs" / run / "known.json", before.read_bytes() if before.exists() else b"null")
        return Journal.begin(
            self.folder / "runs" / run, self.pages, plan, renamed(shop, accepted(self.folder), local.date())
        )


def journal_of(folder: Path) -> Journal:
    """Return the journal of a run."""
    return Journal(folder, Runs.of_run(folder).pages)


def fetch(journals: Sequence[Journal], held: Sequence[int] = ()) -> int:
    """Ask what some runs want still, in a process of its own; return how that ended.

    Parameters
    ----------
    journals
        Of the runs.
    held
        What keeps other runs out: the process holds it too, so that nobody else asks while it outlives this one.
    """
    command = [sys.executable, "-m", MODULE, *(str(each.folder) for each in journals)]
    return subprocess.run(command, check=False, pass_fds=tuple(held)).returncode


def replayed(journal: Journal, shop: Shop, known: Known | None) -> Collected:
    """Return what a run found, from its pages that are kept; nothing is asked.

    Parameters
    ----------
    journal
        Of the run.
    shop
        Description by which the pages are read.
    known
        What the run before showed.
    """
    answers = journal.answers()
    way = crawl(shop, known)
    try:
        address = next(way)
        while True:
            never = Answer(address, "never_asked", "the run ended before it was asked")
            address = way.send(answers.get(address, never))
    except StopIteration as end:
        collected: Collected = end.value
        return collected


def day_of(plan: Plan) -> date:
    """Return the local day of a run."""
    return plan.began_utc.astimezone(ZoneInfo(plan.zone)).date()


def finish(home: Home, runs: Runs, journal: Journal, least_overlap: float) -> dict[str, Any]:
    """Write the file of a run and its manifest, each in one step; return the manifest.

    A run of which a page was answered has a file, if only with a header: the collection report tells an empty run from
    a missing one. Done again it gives the same bytes, so that a kill in between does no harm.

    Parameters
    ----------
    home
        In whose drop folder the file is put.
    runs, journal
        Of the shop.
    least_overlap
        Share of products in common from which a new shelf is one that is gone.
    """
    known = known_before(journal)
    made = _made(journal, journal.shop, known, least_overlap)
    said = _written(home, journal, journal.shop, made)
    _remember(runs, journal, made.collected, known)
    _forget_old_pages(runs, journal)
    return said


def make_good(
    home: Home, runs: Runs, journals: Sequence[Journal], new: Sequence[Acceptance], least_overlap: float
) -> list[dict[str, Any]]:
    """Take over shelves under their new names, and make days again from the pages that are kept; return the manifests.

    Parameters
    ----------
    home
        In whose drop folder the files are put; each takes the place of that of its run.
    runs, journals
        Of the shop, the runs that are made again, in their order.
    new
        What a person accepted.
    least_overlap
        As for `finish`: what was not accepted is proposed still.

    Raises
    ------
    NotCollected
        If a page is not kept that a new shelf needs; nothing is changed then.
    """
    names, again = {each.becomes for each in new}, []
    every = [*accepted(runs.folder), *new]
    for journal in journals:
        shop = renamed(journal.shop, every, day_of(journal.plan))
        made = _made(journal, shop, known_before(journal), least_overlap)
        lost = [walked for shelf, walked in made.collected.shelves if shelf.name in names and not walked.found]
        if lost:
            raise NotCollected(f"the day cannot be made good from the pages that are kept: {lost[0].reason}")
        again.append((journal, shop, made))
    accept(runs.folder, new)
    manifests_made = []
    for journal, shop, made in again:
        manifests_made.append(_written(home, journal, shop, made))
        _remember(runs, journal, made.collected, known_before(journal))
    return manifests_made


def known_before(journal: Journal) -> Known | None:
    """Return what the run before showed; None before the first."""
    said = json.loads((journal.folder / "known.json").read_bytes())
    if said is None:
        return None
    directory = None if said["directory"] is None else frozenset(said["directory"])
    return Known({(item, shelf): tuple(names) for item, shelf, names in said["products"]}, directory)


def _made(journal: Journal, shop: Shop, known: Known | None, least_overlap: float) -> manifests.Made:
    collected = replayed(journal, shop, known)
    rows, plan = collected.rows, journal.plan
    text = run_files.text_of(rows, shop, plan)
    found: list[Proposal] = proposals(collected, known, least_overlap) if known is not None else []
    answered = any(walked.pages for _, walked in collected.shelves) or collected.directory is not None
    name = run_files.file_name(shop, plan.run) if answered else None
    digest = hashlib.sha256(text).hexdigest() if answered else None
    return manifests.Made(collected, len(rows), name, digest, found)


def _written(home: Home, journal: Journal, shop: Shop, made: manifests.Made) -> dict[str, Any]:
    if made.file is not None:
        text = run_files.text_of(made.collected.rows, shop, journal.plan)
        write_atomically(home.drops / DROPS / made.file, text)
    said = manifests.manifest(journal, made, day_of(journal.plan), VERSION)
    write_atomically(journal.folder / "manifest.json", _json(said))
    return said


def _remember(runs: Runs, journal: Journal, collected: Collected, before: Known | None) -> None:
    """Keep what the next run compares with; of a shelf that is lost, what it was, and when it was not yet new."""
    products = dict(before.products) if before is not None else {}
    lost = False
    for shelf, walked in collected.shelves:
        key = (shelf.item_id, shelf.name)
        if walked.found:
            products[key] = tuple(walked.products)
        lost |= not walked.found and bool(products.get(key))
    directory = None if collected.directory is None else sorted(collected.directory)
    if before is not None and before.directory is not None and (lost or directory is None):
        directory = sorted(before.directory)
    current = {(shelf.item_id, shelf.name) for shelf, _ in collected.shelves}
    said = [[item, shelf, list(names)] for (item, shelf), names in products.items() if (item, shelf) in current]
    write_atomically(runs.folder / "known.json", _json({"directory": directory, "products": said}))
    validators = runs.validators() | validators_of(list(journal.lines()))
    write_atomically(runs.folder / "validators.json", _json({each: vars(said) for each, said in validators.items()}))


def _forget_old_pages(runs: Runs, journal: Journal) -> None:
    """Let pages go that no run of the last days shows."""
    since = day_of(journal.plan) - timedelta(days=journal.shop.evidence_days)
    named = {
        str(line["sha256"])
        for each in runs.journals()
        if day_of(each.plan) > since
        for line in each.lines()
        if line.get("sha256")
    }
    runs.pages.forget_all_but(named)


def _free_stamp(folder: Path, local: datetime) -> str:
    """Stamp of a run, a second later if there is one already."""
    while (folder / local.strftime(STAMP)).exists():
        local += timedelta(seconds=1)
    return local.strftime(STAMP)


def _json(said: Any) -> bytes:
    return json.dumps(said, indent=1, ensure_ascii=False).encode()
