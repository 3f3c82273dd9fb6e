"""Paths and method parameters: from the environment, one TOML file, or the defaults here.

`ONS_ASSETS_HOME=/data/ons` sets the home; `ONS_ASSETS_PRICES__MAX_PRICE=500` a parameter of a
pilot. The same names, in tables, may stand in `<home>/ons-assets.toml`; the environment wins.
"""

import os
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from ons_assets.parameters.meters import Meters
from ons_assets.parameters.mobile import Mobile
from ons_assets.parameters.prices import Prices
from ons_assets.parameters.tweets import Tweets

DEFAULT_HOME = Path("data")
# Day partitions begin here, for every domain; a row of an earlier day is rejected with that reason.
FIRST_DAY = date(2014, 1, 1)
TOML_NAME = "ons-assets.toml"


class Drops(BaseModel):
    """When a file is complete, and how much of it is read."""

    model_config = ConfigDict(extra="forbid")

    settle_seconds: float = Field(5, ge=0, description="a file is complete when it has not changed for so long")
    max_bytes: int = Field(4 << 30, gt=0, description="largest file that is taken")
    max_unpacked_bytes: int = Field(
        1 << 30, gt=0, description="largest content after decompression; text needs about eight times as much memory"
    )
    bytes_at_once: int = Field(64 << 20, gt=0, description="files of so much are read together; a day is never divided")
    max_line_bytes: int = Field(1 << 20, gt=0, description="longest line")
    files_per_look: int = Field(500, gt=0, description="files that a sensor takes at one look")
    attempts: int = Field(3, gt=0, description="runs that may die over a drop before it is refused")


class Settings(BaseSettings):
    """Everything that a user can set."""

    model_config = SettingsConfigDict(
        env_prefix="ONS_ASSETS_", env_nested_delimiter="__", env_ignore_empty=True, extra="forbid"
    )

    home: Path = DEFAULT_HOME
    expectations: Path = Path(__file__).resolve().parents[1] / "expectations"
    drops: Drops = Drops()
    prices: Prices = Prices()
    tweets: Tweets = Tweets()
    meters: Meters = Meters()
    mobile: Mobile = Mobile()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is pydantic's)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read, in this order: arguments, the environment, the TOML file in the home.

        Parameters
        ----------
        settings_cls
            This class, which the TOML file is read for.
        init_settings, env_settings
            Arguments and environment, which go before the file.
        dotenv_settings, file_secret_settings
            Not read: settings have no other place.
        """
        home = Path(init_settings().get("home") or os.environ.get("ONS_ASSETS_HOME") or DEFAULT_HOME)
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, home / TOML_NAME)


def load_settings(home: Path | None = None) -> Settings:
    """Return the settings of a home; without one, of `$ONS_ASSETS_HOME` or `./data`."""
    settings = Settings(home=home) if home is not None else Settings()
    return settings.model_copy(update={"home": settings.home.resolve()})
