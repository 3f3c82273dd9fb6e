"""The demonstration: a simulated country through the whole road, and what a statistician reads at its end.

A pilot takes part with a module that has `simulate`, which writes its files in folders named after their sources, of a
country or of one of its own size, and the truth apart from them; `figures`, which returns a few figures beside their
truth; and `results`, which returns the tables for who wants to see more.
"""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from ons_assets import operations
from ons_assets.demo import collection, harvesting, meters, mobile, prices, tweets
from ons_assets.demo.figure import Figure
from ons_assets.geography.grid import Grid
from ons_assets.intake.ledger import Drop, Ledger
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.runs import Outcome
from ons_assets.settings import TOML_NAME, Settings, load_settings
from ons_assets.simulate.country import DEFAULT_SEED, Scale, make_country, write_office_files, write_truth
from ons_assets.simulate.country.scales import scale_of

__all__ = [
    "PILOTS",
    "collect",
    "figures",
    "harvest",
    "ingest",
    "materialize",
    "next_steps",
    "prepared",
    "results",
    "scale_of",
    "simulate",
    "simulate_country",
]

Progress = Callable[[str], None]
PILOTS = {"prices": prices, "tweets": tweets, "meters": meters, "mobile": mobile}
# Of the areas of the country, those in which all sources are placed.
AREA_LEVEL = "district"
FIRST_DAY = date(2011, 1, 1)
SETTINGS = f"""# Of the demonstration, whose sources are of the months of one country.
[calendar]
first_day = {FIRST_DAY}
[tweets.locating]
area_level = "{AREA_LEVEL}"
"""


def prepared(settings: Settings) -> Settings:
    """Return the settings of a home of which the country can be made; where it says nothing, that is written there.

    Parameters
    ----------
    settings
        Names the home.

    Raises
    ------
    ValueError
        If the home is not in Great Britain, where the country is, has files of its own, begins later, or places tweets
        in other areas.
    """
    grid = Grid.of(settings.geography)
    if not grid.is_british:
        raise ValueError(
            f"the demonstration is of Great Britain, and geography.crs of this home is {grid.crs}: "
            "give it a home of its own with --home"
        )
    home = Home(settings.home)
    if not _simulated(settings).exists() and home.ledger.exists() and Ledger(home).drops():
        raise ValueError(
            f"{settings.home} has files of its own, with which those of the demonstration would be mixed: "
            "give it a home of its own with --home"
        )
    file = settings.home / TOML_NAME
    if not file.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        file.write_text(SETTINGS)
        settings = load_settings(settings.home)
    level, first_day = settings.tweets.locating.area_level, settings.calendar.first_day
    if level != AREA_LEVEL or first_day > FIRST_DAY:
        raise ValueError(
            f"the demonstration is of {FIRST_DAY:%Y}, in areas of the level {AREA_LEVEL}; in this home "
            f"calendar.first_day is {first_day}, and tweets.locating.area_level is {level or 'not set'}: "
            "give it a home of its own with --home"
        )
    return settings


def simulate_country(drops: Path, truth: Path, scale: str | Scale, seed: int | None, progress: Progress) -> str:
    """Write the files of all sources of one country, and apart from them the truth; return what was simulated.

    Parameters
    ----------
    drops, truth
        Folders for the files, one folder a source, and for the truth, one folder a pilot and one of the country.
    scale
        A scale of the country, such as "small"; what is drawn of it hangs on its name.
    seed
        The same seed gives the same files; None is that of each simulator.
    progress
        Is told in a sentence what is being made.
    """
    progress("simulating a country")
    country = make_country(scale, DEFAULT_SEED if seed is None else seed)
    write_office_files(country, drops)
    write_truth(country, truth / "country")
    summaries = []
    for name, pilot in PILOTS.items():
        progress(f"simulating {name}")
        summaries.append(pilot.simulate(drops, truth / name, country.scale.name, seed, country))
    return f"{len(country.people):,} people of one country: {'; '.join(summaries)}"


def simulate(settings: Settings, scale: str | Scale, progress: Progress) -> None:
    """Write the files of the simulated country, and apart from them the truth.

    Parameters
    ----------
    settings
        Names the home, in which `simulated` is made anew.
    scale
        A scale of the country, such as "small".
    progress
        Is told in a sentence what is being made.
    """
    operations.open_home(settings)
    shutil.rmtree(_simulated(settings), ignore_errors=True)
    simulate_country(_simulated(settings) / "drops", _simulated(settings) / "truth", scale, None, progress)


def collect(settings: Settings, progress: Progress) -> None:
    """Collect the last mornings of one supermarket from its pages."""
    simulated = _simulated(settings)
    collection.collect(settings, simulated / "drops" / "prices", simulated / "truth" / "prices", progress)


def harvest(settings: Settings, progress: Progress) -> None:
    """Harvest the tweets of the last day from a stream that breaks."""
    harvesting.harvest(settings, _simulated(settings) / "drops" / "tweets", progress)


def ingest(settings: Settings, progress: Progress) -> list[Drop]:
    """Take the simulated files, and those that were collected and harvested, and read them."""
    home = Home(settings.home)
    taken = operations.take(settings, collection.files(home), "prices", progress).drops
    for source in harvesting.SOURCES:
        taken += operations.take(settings, harvesting.files(home, source), source, progress).drops
    for folder in sorted((_simulated(settings) / "drops").iterdir()):
        taken += operations.take(settings, sorted(folder.iterdir()), folder.name, progress).drops
    operations.read_waiting(settings, progress)
    return operations.current(settings, taken)


def materialize(settings: Settings, progress: Progress) -> list[Outcome]:
    """Make everything that follows from the raw tables."""
    return [operations.make(settings, [], None, progress)]


def results(settings: Settings) -> dict[str, pl.DataFrame]:
    """Return the tables that the demonstration prints, by their titles."""
    home = Home(settings.home)
    tables = collection.results(home) | harvesting.results(home)
    for name, pilot in PILOTS.items():
        tables |= pilot.results(home, _simulated(settings) / "truth" / name)
    return tables


def figures(settings: Settings) -> dict[str, list[Figure]]:
    """Return figures by the pilot that found them, each beside its truth."""
    home, truth = Home(settings.home), _simulated(settings) / "truth"
    return {name: pilot.figures(home, truth / name) for name, pilot in PILOTS.items()}


def next_steps(settings: Settings, *, everything: bool = False) -> dict[str, str]:
    """Return where to look next.

    Parameters
    ----------
    settings
        Name the home.
    everything
        Whether what only some look for is among it.
    """
    home = Home(settings.home)
    first = {
        "how good it all is": str(home.report),
        "the UI": "make serve",
        "tables in DuckDB": str(home.warehouse),
        "what was refused": "ons-assets status",
        "all that was found": "ons-assets demo --verbose",
    }
    if not everything:
        return first
    return {
        **first,
        "products that need a person": str(home.reports / "classification" / "review_queue.csv"),
        "what a shop was asked": str(collection.manifests(home)),
        "what befell a stream": str(harvesting.journals(home)),
        "the prices of the month": str(home.reports / "prices" / "latest.html"),
        "a map of commuters": str(home.reports / "mobile" / "flow_map.png"),
        "refused rows": str(home.quarantine),
        "the truth of the simulation": str(_simulated(settings) / "truth"),
    }


def _simulated(settings: Settings) -> Path:
    return settings.home / "simulated"
