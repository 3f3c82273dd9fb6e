"""What the command line does: take files, read what waits, make what follows, say how things stand."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_
from pathlib import Path

import dagster as dg
import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import ASSETS, SOURCES, build_definitions
from ons_assets.lakehouse import lake, quarantine
from ons_assets.lakehouse.drops import recover, register
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.ledger import Drop, Ledger, Status
from ons_assets.lakehouse.sources import Source
from ons_assets.orchestration.runs import Outcome, instance, materialize
from ons_assets.settings import Settings

Progress = Callable[[str], None]


@dataclass(frozen=True)
class TableState:
    """A table as it stands."""

    name: str
    rows: int
    versions: int
    published_utc: datetime


class UnknownName(ValueError):
    """There is no source or asset of this name."""


def open_home(settings: Settings) -> Home:
    """Make the folders of a home, those for drops among them, and clear away what a process that died left there."""
    home = Home(settings.home).ensure()
    for source in sources(settings):
        (home.drops / source.name).mkdir(exist_ok=True)
    recover(home)
    return home


def take(settings: Settings, files: Sequence[Path], source_name: str | None, progress: Progress) -> list[Drop]:
    """Archive files and write them into the ledger; a file that was refused earlier is tried again.

    Parameters
    ----------
    source_name
        Source of the files; without it, the one source that recognises a file.

    Raises
    ------
    UnknownName
        If there is no such source, or none or more than one recognises a file; then no file is taken.
    FileNotFoundError
        If there is no such file; then no file is taken.
    """
    home, ledger = Home(settings.home), Ledger(Home(settings.home))
    for file in files:
        if not file.exists():
            raise FileNotFoundError(f"there is no file {file}")
    chosen = [(file, _source_of(settings, file, source_name)) for file in files]
    taken = []
    with home.working():
        for file, source in chosen:
            progress(file.name)
            taken.append(register(home, ledger, source, file, settings.drops.max_bytes, retry=True))
    return taken


def take_dropped(settings: Settings, progress: Progress) -> list[Drop]:
    """Take every file that lies in the drop folders."""
    taken: list[Drop] = []
    for source in sources(settings):
        folder = Home(settings.home).drops / source.name
        files = [file for file in sorted(folder.glob("*")) if not file.name.startswith(".")]
        taken += take(settings, files, source.name, progress)
    return taken


def read_waiting(settings: Settings, progress: Progress) -> list[Outcome]:
    """Make the raw tables of all drops that wait, one run a source."""
    home, definitions = Home(settings.home), build_definitions(settings)
    outcomes = []
    for key, make_source in SOURCES.items():
        waiting = Ledger(home).drops(make_source(settings).name, [Status.RECEIVED])
        if waiting:
            with instance(home) as opened:
                selection = dg.AssetSelection.assets(key)
                outcomes.append(materialize(definitions, opened, selection, days=_span(waiting), progress=progress))
    return outcomes


def make(settings: Settings, names: Sequence[str], days: tuple[date, date] | None, progress: Progress) -> Outcome:
    """Materialise assets by name, or what follows from the raw tables, of some groups or of all.

    Tables that one computation makes are made together, also where only one of them is named.

    Parameters
    ----------
    days
        Days for the assets that have days; without it, all days of the ledger.

    Raises
    ------
    UnknownName
        If there is no such asset or group.
    """
    home, definitions = Home(settings.home), build_definitions(settings)
    selection = _selection(names)
    keys = selection.resolve(definitions.resolve_asset_graph())
    dated = {key for asset in ASSETS for key in asset.keys if asset.partitions_def is not None}
    if keys & dated and days is None:
        days = _span(Ledger(home).drops(statuses=[Status.RECEIVED, Status.ACCEPTED, Status.REFUSED]))
        if days is None:
            selection -= dg.AssetSelection.assets(*dated)
    with instance(home) as opened:
        return materialize(definitions, opened, selection, days=days if keys & dated else None, progress=progress)


def made_together(names: Sequence[str]) -> dict[str, list[str]]:
    """Return those of the named tables that are never made alone, and what is made with each."""
    together = {}
    for name in names:
        for asset in ASSETS:
            tables = [key.to_user_string() for key in asset.keys]
            if name in tables and (others := sorted({*tables} - {*names})):
                together[name] = others
    return together


def sources(settings: Settings) -> list[Source]:
    """Return every source of files."""
    return [make_source(settings) for make_source in SOURCES.values()]


def current(settings: Settings, taken: Sequence[Drop]) -> list[Drop]:
    """Return drops as the ledger has them now."""
    rows = {drop.drop_id: drop for drop in Ledger(Home(settings.home)).drops()}
    return [rows[drop.drop_id] for drop in taken]


def drops_by_status(settings: Settings) -> pl.DataFrame:
    """Return the number of files and rows by source and status."""
    ledger = Ledger(Home(settings.home)).frame()
    return (
        ledger.group_by("source", "status")
        .agg(
            files=pl.len(),
            accepted_rows=pl.col("accepted_rows").sum(),
            quarantined_rows=pl.col("quarantined_rows").sum(),
        )
        .sort("source", "status")
    )


def table_states(settings: Settings) -> list[TableState]:
    """Return every published table as it stands."""
    home = Home(settings.home)
    states = []
    for table in CATALOGUE.values():
        if versions := lake.history(home, table):
            rows = lake.read(home, table).select(pl.len()).collect().item()
            states.append(TableState(table.name, rows, len(versions), versions[0].published_utc))
    return states


def quarantined(settings: Settings) -> list[quarantine.Entry]:
    """Return what lies in quarantine, newest first."""
    return quarantine.entries(Home(settings.home))


def _source_of(settings: Settings, file: Path, name: str | None) -> Source:
    known = sources(settings)
    names = ", ".join(source.name for source in known)
    if name is not None:
        named = [source for source in known if source.name == name]
        if not named:
            raise UnknownName(f"there is no source {name!r}; there are {names}")
        return named[0]
    # Which of several comes first is nobody's decision, so a person is asked.
    fitting = [source for source in known if file.is_file() and source.recognises(file, file.name)]
    if len(fitting) > 1:
        several = " and ".join(source.name for source in fitting)
        raise UnknownName(f"{file.name} may be of {several}; say whose it is with --source")
    if not fitting:
        raise UnknownName(f"no source recognises {file.name}; say whose it is with --source, one of {names}")
    return fitting[0]


def _selection(names: Sequence[str]) -> dg.AssetSelection:
    raw = dg.AssetSelection.assets(*SOURCES)
    if not names:
        return dg.AssetSelection.all() - raw
    keys = {key.to_user_string(): asset.keys for asset in ASSETS for key in asset.keys}
    groups = {name.split("/")[0] for name in keys}
    chosen: list[dg.AssetSelection] = []
    for name in names:
        if name in keys:
            chosen.append(dg.AssetSelection.assets(*keys[name]))
        elif name in groups:
            chosen.append(dg.AssetSelection.groups(name) - raw)
        else:
            raise UnknownName(f"there is no asset or group {name!r}; there are {', '.join(sorted([*groups, *keys]))}")
    return reduce(or_, chosen)


def _span(drops: Iterable[Drop]) -> tuple[date, date] | None:
    days = [day for drop in drops for day in drop.days]
    return (min(days), max(days)) if days else None
