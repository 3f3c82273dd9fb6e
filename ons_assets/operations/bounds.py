"""What a home lays over the shipped suites of expectations: looked at, and said in words."""

from dataclasses import dataclass
from pathlib import Path

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import gate
from ons_assets.lakehouse.gate import Suite, SuiteError
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.overlays import laid_over, load, overlays_in
from ons_assets.lakehouse.suites import said
from ons_assets.settings import Settings
from ons_assets.wording import meant, no_such


@dataclass(frozen=True)
class Checked:
    """An overlay that was looked at.

    Parameters
    ----------
    table
        Table that it is about, by its name.
    changes
        In a line each, what it changes.
    fault
        Why it cannot be used, in a sentence; None if it can.
    """

    file: Path
    table: str
    changes: tuple[str, ...] = ()
    fault: str | None = None


def check(settings: Settings, file: Path, table: str) -> Checked:
    """Look at an overlay, wherever it lies.

    Parameters
    ----------
    file
        The overlay.
    table
        Table that it is to be about.
    """
    if table not in CATALOGUE:
        hint = meant(f"{table}.json", [f"{name}.json" for name in CATALOGUE])
        return Checked(file, table, fault=f"{file} is about no table: there is no {table}{hint}")
    try:
        suite = laid_over(Suite.load(settings.expectations, table), file)
        gate.verify(suite, CATALOGUE[table])
    except SuiteError as error:
        told = str(error)
        return Checked(file, table, fault=told if str(file) in told else f"the overlay {file} cannot be used: {told}")
    assert suite.overlay is not None, "it was just laid over"
    return Checked(file, table, suite.overlay.changes)


def check_all(settings: Settings) -> list[Checked]:
    """Look at all overlays of a home."""
    folder = Home(settings.home).expectations
    return [check(settings, path, table) for table, path in overlays_in(folder)]


def strays(settings: Settings) -> list[str]:
    """Return a sentence on each file among the overlays that is about no table, and so changes nothing."""
    files = overlays_in(Home(settings.home).expectations)
    faults = [check(settings, path, table).fault for table, path in files if table not in CATALOGUE]
    return [fault for fault in faults if fault is not None]


def in_force(settings: Settings, table: str) -> list[tuple[str, str]]:
    """Return the bounds that hold for a table, by name, with those of the home.

    Raises
    ------
    LookupError
        If there is no such table.
    SuiteError
        If its suite, or what lies over it, cannot be used.
    """
    if table not in CATALOGUE:
        raise LookupError(no_such("table", table, CATALOGUE))
    suite = load(settings.expectations, table, Home(settings.home).expectations)
    return [(str((each.get("meta") or {}).get("name", name)), said(each)) for name, each in suite.bounds.items()]
