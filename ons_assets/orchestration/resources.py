"""What every asset and sensor is given: the home and its settings."""

from functools import lru_cache

import dagster as dg

from ons_assets.engine.choice import engine_of
from ons_assets.engine.parts import Engine
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings

# Settings of so many homes, or of times.
KEPT = 4


class Lakehouse(dg.ConfigurableResource["Lakehouse"]):
    """The home folder, with the settings in force, so that a run records the settings it used."""

    settings_json: str

    @classmethod
    def of(cls, settings: Settings) -> "Lakehouse":
        """Return the resource of some settings."""
        return cls(settings_json=settings.model_dump_json())

    @property
    def settings(self) -> Settings:
        """Settings in force."""
        return _settings(self.settings_json)

    @property
    def home(self) -> Home:
        """The home folder, with its folders made."""
        return Home(self.settings.home).ensure()

    @property
    def engine(self) -> Engine:
        """Where parts of tables are worked."""
        stated = self.settings.engine
        return engine_of(stated.processes, stated.spark, stated.spark_options, self.home.staging)

    @property
    def ledger(self) -> Ledger:
        """The ledger of drops."""
        return Ledger(self.home)


@lru_cache(KEPT)
def _settings(text: str) -> Settings:
    # Every step of a run asks for them, several times.
    return Settings.model_validate_json(text)
