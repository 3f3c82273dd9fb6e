"""Traces of a home: of figures, of files, of releases."""

from dataclasses import replace
from pathlib import Path

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.releases.release_ledger import Entry, ReleaseLedger
from ons_assets.governance.releases.words import trace_page
from ons_assets.governance.trace import page, tracing
from ons_assets.governance.trace.history import History
from ons_assets.governance.trace.tracing import Impact, Trace
from ons_assets.governance.trace.verification import Standing, Verdict, obstacles
from ons_assets.lakehouse.home import Home, write_atomically
from ons_assets.operations import Progress, verifying
from ons_assets.operations.contributing import contributions_of_products
from ons_assets.raw_tables import RAW_TABLES
from ons_assets.settings import Settings


def history(settings: Settings) -> History:
    """Return what a home knows of its tables."""
    return History(Home(settings.home), CATALOGUE)


def sources_by_table(settings: Settings) -> dict[str, str]:
    """Return the source that fills each raw table."""
    return {raw.name: raw.source(settings).name for raw in RAW_TABLES}


def trace(settings: Settings, of: History, name: str, where: str | None = None, version: int | None = None) -> Trace:
    """Follow a figure back to its files.

    Parameters
    ----------
    settings, of
        Of the home, and its history.
    name, where, version
        As for `ons_assets.governance.trace.tracing.trace`.
    """
    found = tracing.trace(of, sources_by_table(settings), name, where, version)
    return replace(found, contributions=[*found.contributions, *contributions_of_products(settings, of, found)])


def impact(settings: Settings, start: str) -> Impact:
    """Follow a file forward; see `ons_assets.governance.trace.tracing.impact`."""
    return tracing.impact(history(settings), start)


def verify(settings: Settings, of: History, found: Trace, progress: Progress) -> Verdict:
    """Make a figure again.

    Parameters
    ----------
    settings, of
        Of the home, and its history.
    found
        The figure.
    progress
        As for `ons_assets.operations.verifying.verify`.
    """
    [verdict] = verifying.verify(settings, of, [found], progress)
    return verdict


def standing(settings: Settings, progress: Progress) -> list[Standing]:
    """Say of the latest version of every table that is not about persons, and of every release, whether it stands.

    Nothing is made again: it is looked whether the files, the program and the layouts are there.

    Parameters
    ----------
    settings
        Of the home.
    progress
        Is told which table is looked at.
    """
    of, sources, found = history(settings), verifying.sources(settings), []
    released: dict[tuple[str, int], list[int]] = {}
    for entry in ReleaseLedger(Home(settings.home)).entries():
        if entry.release_version is not None:
            released.setdefault((entry.table_name, entry.lake_version), []).append(entry.release_version)
    for table in CATALOGUE.values():
        if table.is_individual or not of.commits(table.name):
            continue
        versions = {of.latest(table.name), *(version for name, version in released if name == table.name)}
        for version in sorted(versions):
            progress(f"looking at {table.name}")
            traced = trace(settings, of, table.name, None, version)
            against = [*obstacles(traced.origin, traced.files), *verifying.lost_layouts(of, traced, sources)]
            numbers = tuple(released.get((table.name, version), ()))
            found.append(Standing(table.name, version, numbers, tuple(against)))
    return found


def page_of_release(settings: Settings, entry: Entry) -> Path:
    """Write the page that says where the figures of a release come from, and return it.

    Parameters
    ----------
    settings
        Of the home.
    entry
        Row of the release.
    """
    home = Home(settings.home)
    found = trace(settings, history(settings), entry.table_name, None, entry.lake_version)
    path = home.reports / "trace" / trace_page(entry.table_name, str(entry.release_version))
    write_atomically(path, page.as_html(found, settings.office.name, entry))
    return path


def write_page(settings: Settings, found: Trace, path: Path) -> None:
    """Write the page of a trace.

    Parameters
    ----------
    settings
        Of the home.
    found
        The trace.
    path
        Of the page.
    """
    write_atomically(path, page.as_html(found, settings.office.name))
