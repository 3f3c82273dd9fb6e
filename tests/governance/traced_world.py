"""A small home with prices of two months in two versions, for what follows figures through it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ons_assets import operations
from ons_assets.governance.trace.history import History
from ons_assets.governance.trace.tracing import Trace
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse.derivation import Made
from ons_assets.lakehouse.home import Home
from ons_assets.operations import tracing
from ons_assets.orchestration.assets import DerivedAsset, ingested
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.prices import assets
from ons_assets.prices.raw import raw_quotes
from ons_assets.settings import Settings
from tests.run_files import PRICES, run_name, run_text

JUNE, JULY = date(2016, 6, 15), date(2016, 7, 15)
DERIVED = [assets.classified_quotes, assets.checked_quotes, assets.item_indices, assets.index_vintages]


@dataclass
class TracedWorld:
    """A home and its settings."""

    settings: Settings

    @classmethod
    def at(cls, folder: Path) -> "TracedWorld":
        world = cls(Settings(home=folder))
        operations.open_home(world.settings)
        return world

    @property
    def home(self) -> Home:
        return Home(self.settings.home)

    @property
    def history(self) -> History:
        return tracing.history(self.settings)

    @property
    def lakehouse(self) -> Lakehouse:
        return Lakehouse.of(self.settings)

    def take(self, day: date, prices: Mapping[str, float] = PRICES, retailer: str = "tesco", hour: int = 5) -> str:
        """Take a run file, and return the hash of it."""
        path = self.home.drops / "prices" / run_name(retailer, day, hour)
        path.write_text(run_text(retailer, day, prices))
        [drop] = operations.take(self.settings, [path], "prices", lambda _: None).drops
        return str(drop.sha256)

    def ingest(self, first: date, last: date) -> None:
        outcome = ingested(raw_quotes).ingest(self.lakehouse, f"ingest-{last}", (first, last), lambda _: None)
        assert outcome.version is not None

    def make(self, run_id: str, *made: DerivedAsset) -> None:
        for asset in made or DERIVED:
            assert isinstance(asset.derive(self.lakehouse, run_id, None), Made)

    def trace(self, table: str, where: str | None = None, version: int | None = None) -> Trace:
        return tracing.trace(self.settings, self.history, table, where, version)

    def copy(self, folder: Path) -> "TracedWorld":
        """A home of its own with the same content."""
        shutil.copytree(self.settings.home, folder)
        return TracedWorld(self.settings.model_copy(update={"home": folder}))

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.home)


def two_months(folder: Path) -> TracedWorld:
    """June, then July under another parameter, then a correction of July."""
    world = TracedWorld.at(folder)
    world.take(JUNE)
    world.ingest(JUNE, JUNE)
    world.make("first")
    quotes = world.settings.prices.quotes.model_copy(update={"max_price": 500.0})
    prices = world.settings.prices.model_copy(update={"quotes": quotes})
    world.settings = world.settings.model_copy(update={"prices": prices})
    world.take(JULY, {name: price * 1.1 for name, price in PRICES.items()})
    world.ingest(JULY, JULY)
    world.make("second")
    return world
