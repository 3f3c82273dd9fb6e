"""The first step of the demonstration: the last two mornings of one supermarket are collected from a shop on loopback.

Its shelf of tea is renamed before the second one: the collector recognises the new shelf, and the day is made good from
the pages that are kept, as if somebody had accepted it.
"""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import yaml

from ons_assets.collectors.prices import shops
from ons_assets.collectors.prices.runs import Runs
from ons_assets.lakehouse.home import Home
from ons_assets.operations import collecting
from ons_assets.settings import Settings
from ons_assets.simulate.shops import Faults, ShopServer, Stock, describe
from ons_assets.simulate.shops.stock import Renaming

SHOP, SHELF, BECOMES = "larkmere", "Everyday_tea", "Tea_and_infusions"
MORNINGS = 2
WHO = "the demonstration"
# The shop is ours, and waits for nobody.
HASTE = {"delay_seconds": 0.02, "backoff_seconds": 0.1, "jitter_minutes": 0, "attempts": 4}
TROUBLE = Faults(rate=0.1, kinds=("busy", "unavailable"), lasting=0.0)


def collect(settings: Settings, drops: Path, truth: Path, progress: Callable[[str], None]) -> None:
    """Collect the last mornings of a supermarket from its pages, in place of the run files that were simulated.

    Parameters
    ----------
    settings
        Of the home.
    drops, truth
        Folder of the simulated run files, which those of these mornings are removed from, and of the truth.
    progress
        Is told in a sentence what is being done.
    """
    days = Stock.of(truth).days[-MORNINGS:]
    for day in days:
        for file in drops.glob(f"{SHOP}_products_{day:%Y%m%d}*"):
            file.unlink()
    home = Home(settings.home)
    # What an earlier demonstration accepted would leave nothing to accept.
    shutil.rmtree(Runs.of(home, SHOP).folder, ignore_errors=True)
    path = shops.folder(home) / f"{SHOP}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    stock = Stock.of(truth, (Renaming(SHOP, SHELF, BECOMES, days[-1]),))
    with ShopServer(stock, SHOP, days[0], TROUBLE) as shop:
        said = describe(stock, SHOP, shop.address, days[0], **HASTE)
        path.write_text(yaml.safe_dump(said, sort_keys=False))
        try:
            for day in days:
                shop.day = day
                collecting.collect(settings, [SHOP], progress, again=True, ahead=_ahead(day, settings))
            collecting.accept(settings, SHOP, WHO)
        finally:
            # The shop closes: nobody is to ask it every morning from now on.
            path.replace(path.with_name(f"{path.name}.closed"))


def files(home: Home) -> list[Path]:
    """Return the run files that were collected."""
    return sorted((home.drops / "prices").glob(f"{SHOP}_products_*.csv"))


def manifests(home: Home) -> Path:
    """Return where the manifests of the runs lie."""
    return Runs.of(home, SHOP).folder / "runs" / "*" / "manifest.json"


def results(home: Home) -> dict[str, pl.DataFrame]:
    """Return the tables that the demonstration prints, by their titles."""
    runs = Runs.of(home, SHOP)
    accepted = json.loads((runs.folder / "accepted.json").read_bytes())
    rows = [
        {
            "day": each["day"],
            "status": each["status"],
            "requests": each["requests"],
            "pages": each["pages"]["answered"],
            "unchanged": each["pages"]["unchanged"],
            "quotes": each["quotes"],
            "made good": "; ".join(one["evidence"] for one in accepted if one["from_day"] == each["day"]) or None,
        }
        for each in runs.manifests()[-MORNINGS:]
    ]
    return {f"What was collected from the pages of {SHOP}, politely": pl.DataFrame(rows)}


def _ahead(day: date, settings: Settings) -> timedelta:
    """By how much the morning of a day of the world goes before now."""
    morning = datetime.combine(day, datetime.min.time(), ZoneInfo(settings.geography.time_zone)) + timedelta(hours=8)
    return morning - datetime.now(UTC)
