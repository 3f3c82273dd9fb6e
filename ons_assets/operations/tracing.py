"""Traces of a home: of figures, of files, of releases."""

from pathlib import Path

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import RAW
from ons_assets.governance.releases.release_ledger import Entry
from ons_assets.governance.trace import page, tracing
from ons_assets.governance.trace.history import History
from ons_assets.governance.trace.tracing import Impact, Trace
from ons_assets.governance.trace.verification import Verdict
from ons_assets.lakehouse.home import Home, write_atomically
from ons_assets.operations import Progress, verifying
from ons_assets.settings import Settings


def history(settings: Settings) -> History:
    """Return what a home knows of its tables."""
    return History(Home(settings.home), CATALOGUE)


def sources_by_table(settings: Settings) -> dict[str, str]:
    """Return the source that fills each raw table."""
    return {raw.table: raw.source(settings).name for raw in RAW}


def trace(settings: Settings, of: History, name: str, where: str | None = None, version: int | None = None) -> Trace:
    """Follow a figure back to its files; see `ons_assets.governance.trace.tracing.trace`."""
    return tracing.trace(of, sources_by_table(settings), name, where, version)


def impact(settings: Settings, start: str) -> Impact:
    """Follow a file forward; see `ons_assets.governance.trace.tracing.impact`."""
    return tracing.impact(history(settings), start)


def verify(settings: Settings, of: History, found: Trace, progress: Progress) -> Verdict:
    """Make a figure again; see `ons_assets.operations.verifying.verify`."""
    [verdict] = verifying.verify(settings, of, [found], progress)
    return verdict


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
    path = home.reports / "trace" / f"{entry.table_name.replace('/', '-')}-v{entry.release_version}.html"
    write_atomically(path, page.as_html(found, entry).encode())
    return path


def write_page(found: Trace, path: Path) -> None:
    """Write the page of a trace.

    Parameters
    ----------
    found
        The trace.
    path
        Of the page.
    """
    write_atomically(path, page.as_html(found).encode())
