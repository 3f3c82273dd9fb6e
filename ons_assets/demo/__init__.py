"""The demonstration: a simulated world through the whole road, and what a statistician reads at its end.

A pilot takes part with a module that has `simulate`, which writes its files in folders named after their
sources, and the truth apart from them; and `results`, which returns the tables to print.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl

from ons_assets import operations
from ons_assets.demo import collection, meters, mobile, prices, tweets
from ons_assets.geography.grid import Grid
from ons_assets.intake.ledger import Drop
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.runs import Outcome
from ons_assets.settings import Settings

Progress = Callable[[str], None]
PILOTS = {"prices": prices, "tweets": tweets, "meters": meters, "mobile": mobile}


def simulate(settings: Settings, scale: str, progress: Progress) -> None:
    """Write the files of the simulated worlds, and apart from them the truth.

    Parameters
    ----------
    settings
        Names the home, in which `simulated` is made anew.
    scale
        A scale that all simulators know, such as "small".
    progress
        Is told in a sentence which world is being made.

    Raises
    ------
    ValueError
        If the home is not in Great Britain, where the worlds are; nothing is made then.
    """
    grid = Grid.of(settings.geography)
    if not grid.is_british:
        raise ValueError(
            f"the demonstration is of Great Britain, and geography.crs of this home is {grid.crs}: "
            "give it a home of its own with --home"
        )
    operations.open_home(settings)
    shutil.rmtree(_simulated(settings), ignore_errors=True)
    for name, pilot in PILOTS.items():
        progress(f"simulating {name}")
        pilot.simulate(_drops(settings, name), _truth(settings, name), scale)


def collect(settings: Settings, progress: Progress) -> None:
    """Collect the last mornings of one supermarket from its pages."""
    collection.collect(settings, _drops(settings, "prices") / "prices", _truth(settings, "prices"), progress)


def ingest(settings: Settings, progress: Progress) -> list[Drop]:
    """Take the simulated files, and those that were collected, and read them."""
    taken = operations.take(settings, collection.files(Home(settings.home)), "prices", progress).drops
    for name in PILOTS:
        for folder in sorted(_drops(settings, name).iterdir()):
            taken += operations.take(settings, sorted(folder.iterdir()), folder.name, progress).drops
    operations.read_waiting(settings, progress)
    return operations.current(settings, taken)


def materialize(settings: Settings, progress: Progress) -> list[Outcome]:
    """Make everything that follows from the raw tables."""
    return [operations.make(settings, [], None, progress)]


def results(settings: Settings) -> dict[str, pl.DataFrame]:
    """Return the tables that the demonstration prints, by their titles."""
    home = Home(settings.home)
    tables = collection.results(home)
    for name, pilot in PILOTS.items():
        tables |= pilot.results(home, _truth(settings, name))
    return tables


def next_steps(settings: Settings) -> dict[str, str]:
    """Return where to look next."""
    home = Home(settings.home)
    return {
        "the UI": "make serve",
        "tables in DuckDB": str(home.warehouse),
        "products that need a person": str(home.reports / "classification" / "review_queue.csv"),
        "what a shop was asked": str(collection.manifests(home)),
        "the prices of the month": str(home.reports / "prices" / "latest.html"),
        "a map of commuters": str(home.reports / "mobile" / "flow_map.png"),
        "what was refused": str(home.quarantine),
        "the truth of the simulation": str(_simulated(settings) / "*" / "truth"),
        "how good it all is": str(home.report),
    }


def _simulated(settings: Settings) -> Path:
    return settings.home / "simulated"


def _drops(settings: Settings, pilot: str) -> Path:
    return _simulated(settings) / pilot / "drops"


def _truth(settings: Settings, pilot: str) -> Path:
    return _simulated(settings) / pilot / "truth"
