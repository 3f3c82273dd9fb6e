"""The report: static pages for those who answer for the figures, made whatever the gate decided."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path

from ons_assets.governance.report.facts import Facts
from ons_assets.governance.report.gathering import gather
from ons_assets.governance.report.methods import method_page
from ons_assets.governance.report.page import Page, as_html
from ons_assets.governance.report.pages import GENERAL_PAGES, START, site
from ons_assets.governance.report.table_page import table_page
from ons_assets.lakehouse.home import Home, unfinished
from ons_assets.settings import Settings

# While one draws a picture, which needs no lock of the interpreter, another writes a page.
THREADS = 2
__all__ = ["gather", "pages_of", "write_pages", "write_report"]


def write_report(home: Home, settings: Settings, since: datetime | None = None, until: datetime | None = None) -> Path:
    """Gather the facts of a home, write the report in place of the one before, and return its start page.

    Parameters
    ----------
    home, settings
        The home, and its settings.
    since, until
        Between which changes are told; without them the last days.
    """
    return write_pages(gather(home, settings, since=since, until=until), home.report.parent)


def write_pages(facts: Facts, target: Path) -> Path:
    """Write all pages into a folder in place of what was there, and return the start page.

    Parameters
    ----------
    facts
        What they say.
    target
        The folder. Whoever reads meanwhile finds every page, as it was or as it is.
    """
    folder, on_every_page = unfinished(target), site(facts)

    def written(make: Callable[[], Page]) -> None:
        page = make()
        path = folder / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_html(page, on_every_page))

    pages = pages_of(facts)
    # Templates and readers that are made at their first use are made before there are two threads.
    written(next(pages))
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(written, pages):
            pass
    _put_in_place(folder, target)
    return target / START


def _put_in_place(folder: Path, target: Path) -> None:
    """Let the files of a folder take the place of others one by one: the start page after all that it leads to."""
    pages = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    for page in sorted(pages, key=lambda page: (str(page) == START, page)):
        (target / page).parent.mkdir(parents=True, exist_ok=True)
        (folder / page).replace(target / page)
    for path in target.rglob("*"):
        if path.is_file() and path.relative_to(target) not in pages:
            path.unlink(missing_ok=True)
    shutil.rmtree(folder)


def pages_of(facts: Facts) -> Iterator[Callable[[], Page]]:
    """Yield what makes every page: the general ones, one a table, one a method.

    Parameters
    ----------
    facts
        Of the home.
    """
    yield from (partial(page, facts) for page in GENERAL_PAGES)
    methods: dict[str, None] = {}
    for table in facts.tables:
        yield partial(table_page, table, facts.listed)
        if table.method is not None:
            methods[table.method] = None
    yield from (partial(method_page, text) for text in methods)
