"""What runs assets: read what waits, make tables, and tell of it, in Dagster's history."""

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import reduce
from zoneinfo import ZoneInfo

import dagster as dg

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import (
    ACCOUNTS_OF_FILES,
    ASSETS,
    AT_THE_END,
    DATED,
    DAYS_OF,
    RAW,
    checked_register,
    definitions_of,
)
from ons_assets.intake.drops import archived_path
from ons_assets.intake.ledger import Drop, Ledger, Status
from ons_assets.intake.reading import Difference, Rereading, rereading
from ons_assets.intake.reading import read_waiting as read_all
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.staleness import lacking
from ons_assets.operations import Progress, UnknownName, source_named, span_of
from ons_assets.orchestration.assets import DerivedAsset, RawAsset
from ons_assets.orchestration.partitions import add_days_of_ledger, add_days_until, tags_of_days
from ons_assets.orchestration.runs import NOTHING, Outcome, instance, materialize
from ons_assets.settings import Settings
from ons_assets.wording import no_such

# What stands for a run where a command reads.
COMMAND_LINE = "command-line"


def read_waiting(settings: Settings, progress: Progress) -> list[Outcome]:
    """Read all drops that wait, and make the raw tables of what they gave, one run a source."""
    home, ledger = Home(settings.home), Ledger(Home(settings.home))
    # Before anything is read, of which nothing could be made.
    checked_register(settings)
    outcomes = []
    for raw in RAW:
        source = raw.source(settings)
        if ledger.drops(source.name, [Status.RECEIVED]):
            with home.working():
                read_all(
                    home,
                    ledger,
                    source,
                    CATALOGUE[raw.table],
                    COMMAND_LINE,
                    attempts=settings.drops.attempts,
                    progress=progress,
                )
        waiting = ledger.drops(source.name, [Status.READ])
        if waiting:
            outcomes.append(publish_raw(settings, raw, span_of(waiting), progress))
    return outcomes


def retry(settings: Settings, names: Sequence[str], progress: Progress) -> tuple[list[Drop], list[Outcome]]:
    """Read refused drops once more: a layout, a suite or the program may have changed since.

    A content that could not be read may have come under another name, too, by which a layout knows it: named by that,
    it is read under it.

    Parameters
    ----------
    names
        Names of files, or numbers of drops; without any, all that were refused and lie in the archive.
    progress
        Called with what is at work.

    Raises
    ------
    UnknownName
        If a name is not that of a refused drop.
    """
    ledger = Ledger(Home(settings.home))
    refused = [
        drop
        for drop in ledger.drops(statuses=[Status.REFUSED])
        if drop.sha256 is not None and archived_path(Home(settings.home), drop.source, drop.sha256).exists()
    ]
    wanted = refused
    if names:
        called = {name: drop for drop in refused for name in (drop.name, drop.original_name, str(drop.drop_id))}
        wanted = [drop for drop in refused if drop in (called.get(name) for name in names)]
        others = _other_names(ledger, [drop for drop in refused if drop.layout is None])
        if unknown := {*names} - called.keys() - others.keys():
            raise UnknownName(f"no refused file in the archive is called {', '.join(sorted(unknown))}")
        again = [ledger.receive_under(*others[name]) for name in names if name in others.keys() - called.keys()]
    else:
        again = []
    again += [ledger.receive_again(drop) for drop in wanted]
    return again, read_waiting(settings, progress)


def _other_names(ledger: Ledger, unread: Sequence[Drop]) -> dict[str, tuple[Drop, Drop]]:
    """Duplicates of files that could not be read, with those, by what they are called."""
    refused = {(drop.source, drop.sha256): drop for drop in unread}
    duplicates = [drop for drop in ledger.drops(statuses=[Status.DUPLICATE]) if (drop.source, drop.sha256) in refused]
    return {
        name: (drop, refused[drop.source, drop.sha256])
        for drop in duplicates
        for name in (drop.name, drop.original_name, str(drop.drop_id))
    }


@contextmanager
def reread(settings: Settings, name: str, days: tuple[date, date] | None) -> Iterator["Again"]:
    """Read drops of a source once more under the layouts and parameters of now, without effect until it is applied.

    Parameters
    ----------
    name
        Of the source.
    days
        Only drops with rows of these days; None for all.
    """
    home, ledger = Home(settings.home), Ledger(Home(settings.home))
    raw = next(each for each in RAW if each.source(settings).name == source_named(settings, name).name)
    with home.working(), rereading(home, ledger, raw.source(settings), CATALOGUE[raw.table], days) as again:
        yield Again(settings, raw, again)


@dataclass(frozen=True)
class Again:
    """Another reading of the drops of a source."""

    settings: Settings
    raw: RawAsset
    reading: Rereading

    @property
    def differences(self) -> list[Difference]:
        """What it changes, drop by drop."""
        return self.reading.differences

    def apply(self, progress: Progress) -> Outcome:
        """Let it take effect, and make the raw table of all its days anew."""
        days = self.reading.apply(COMMAND_LINE)
        return publish_raw(self.settings, self.raw, days, progress)


def publish_raw(settings: Settings, raw: RawAsset, days: tuple[date, date] | None, progress: Progress) -> Outcome:
    """Make the raw table of a source, for some days or whole.

    Parameters
    ----------
    settings
        Of the home.
    raw
        The asset.
    days
        First and last; None for all, and of no account for a table without days.
    progress
        Called with what is at work.
    """
    home = Home(settings.home)
    with instance(home) as opened:
        tags: dict[str, str] = {}
        if raw.by_day:
            add_days_of_ledger(home, opened, raw.table, raw.source(settings).name)
            tags = tags_of_days(opened, raw.table, days)
        definitions = definitions_of(settings, {raw.key})
        return materialize(definitions, opened, dg.AssetSelection.assets(raw.key), tags=tags, progress=progress)


def add_days(settings: Settings) -> None:
    """Have all days be partitions of which the ledger knows: a home may come from a version that kept none."""
    with instance(Home(settings.home)) as opened:
        _add_days(settings, opened)


def _add_days(settings: Settings, opened: dg.DagsterInstance) -> None:
    for raw in RAW:
        if raw.by_day:
            add_days_of_ledger(Home(settings.home), opened, raw.table, raw.source(settings).name)


def make(settings: Settings, names: Sequence[str], days: tuple[date, date] | None, progress: Progress) -> Outcome:
    """Materialise assets by name, or what follows from the raw tables, of some groups or of all.

    Tables that one computation makes are made together, also where only one of them is named. What says what happened
    is made at the end, whatever came of the others. Where nothing can be made, no run begins.

    Parameters
    ----------
    days
        Days for the assets that have days; without it, all days of the ledger.

    Raises
    ------
    UnknownName
        If there is no such asset or group.
    BadSettings, RegisterError
        As `ons_assets.definitions.build_definitions`.
    """
    if not (keys := _keys(names)):
        return NOTHING
    if keys <= (lost := _lacking(settings, keys)).keys():
        # A home of which nothing could be made whatever there is says so.
        checked_register(settings)
        return replace(NOTHING, waiting=_waiting(settings, lost))
    definitions = definitions_of(settings, keys)
    with instance(Home(settings.home)) as opened:
        _add_days(settings, opened)
        tags = {table: _tags_of_days(settings, opened, table, days) for table in {DAYS_OF[key] for key in keys & DATED}}
        keys = {key for key in keys if key not in DATED or tags[DAYS_OF[key]]}
        outcomes = [
            materialize(
                definitions,
                opened,
                dg.AssetSelection.assets(*some),
                tags=next((tags[DAYS_OF[key]] for key in some & DATED), {}),
                progress=progress,
            )
            for some in _runs_of(keys)
        ]
    return reduce(Outcome.and_then, outcomes) if outcomes else NOTHING


def _lacking(settings: Settings, keys: Set[dg.AssetKey]) -> dict[dg.AssetKey, tuple[str, ...]]:
    derivations = [each.derivation for each in ASSETS if isinstance(each, DerivedAsset) and keys & {*each.keys}]
    found = lacking(Home(settings.home), derivations, {key.to_user_string() for key in keys})
    return {dg.AssetKey(name.split("/")): absent for name, absent in found.items()}


def _waiting(settings: Settings, lost: Mapping[dg.AssetKey, tuple[str, ...]]) -> dict[str, str]:
    """What tables wait for; those that are made by day wait for nothing as long as there are no days."""
    told = [key for key in lost if key not in DATED or lake.exists(Home(settings.home), CATALOGUE[DAYS_OF[key]])]
    return {key.to_user_string(): " and ".join(lost[key]) for key in told}


def _tags_of_days(
    settings: Settings, opened: dg.DagsterInstance, raw_table: str, days: tuple[date, date] | None
) -> dict[str, str]:
    if days is not None:
        today = datetime.now(ZoneInfo(settings.geography.time_zone)).date()
        add_days_until(Home(settings.home), opened, raw_table, min(days[1], today))
    return tags_of_days(opened, raw_table, days)


def _runs_of(keys: Set[dg.AssetKey]) -> list[Set[dg.AssetKey]]:
    """Assets by the runs that make them: a run has the days of one raw table, and accounts are made at the end."""
    several = len({DAYS_OF[key] for key in keys & DATED}) > 1
    alone = [{raw.key} for raw in RAW if several and raw.by_day and raw.key in keys]
    rest = keys - AT_THE_END - {*(key for each in alone for key in each)}
    return [some for some in (*alone, rest, keys & AT_THE_END) if some]


def account_for_files(settings: Settings, progress: Progress) -> Outcome:
    """Say what became of files, whatever it was: in the ledger as a table, in the database, in the report."""
    with instance(Home(settings.home)) as opened:
        selection = dg.AssetSelection.assets(*ACCOUNTS_OF_FILES)
        return materialize(definitions_of(settings, ACCOUNTS_OF_FILES), opened, selection, progress=progress)


def made_together(names: Sequence[str]) -> dict[str, list[str]]:
    """Return those of the named tables that are never made alone, and what is made with each.

    Raises
    ------
    UnknownName
        If there is no such asset or group.
    """
    _keys(names)
    together = {}
    for name in names:
        for asset in ASSETS:
            tables = [key.to_user_string() for key in asset.keys]
            if name in tables and (others := sorted({*tables} - {*names})):
                together[name] = others
    return together


def _keys(names: Sequence[str]) -> set[dg.AssetKey]:
    raw = {each.key for each in RAW}
    together = {key.to_user_string(): {*asset.keys} for asset in ASSETS for key in asset.keys}
    groups: dict[str, set[dg.AssetKey]] = {}
    for name, keys in together.items():
        groups.setdefault(name.split("/")[0], set()).update(keys - raw)
    chosen = together | groups
    if unknown := [name for name in names if name not in chosen]:
        raise UnknownName(no_such("asset or group", unknown[0], [*sorted(groups), *sorted(together)]))
    return {key for name in names or groups for key in chosen[name]}
