"""Paths and method parameters: from the environment, one TOML file, or the defaults here.

`ONS_ASSETS_HOME=/data/ons` sets the home; `ONS_ASSETS_PRICES__MAX_PRICE=500` a parameter of a
pilot. The same names, in tables, may stand in `<home>/ons-assets.toml`; the environment wins.
"""

import os
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from ons_assets.parameters.meters import Meters
from ons_assets.parameters.mobile import Mobile

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


QuoteFlag = Literal[
    "out_of_scope",
    "repeated_row",
    "price_typo",
    "outlier",
    "dump_price",
    "stuck",
    "unit_conflict",
    "reentered",
    "relaunched",
    "imputed",
]


class OutlierChoice(BaseModel):
    """A rule for outliers; see docs/methods/checked_quotes.md."""

    model_config = ConfigDict(extra="forbid")

    method: Literal[
        "none", "relative-fences", "quartile", "resistant-fences", "robust-z", "tukey", "hidiroglou-berthelot"
    ] = "resistant-fences"
    reach: float | None = Field(None, gt=0, description="how far out is too far; null: the default of the method")
    least: float = Field(2.5, ge=1, description="factor within which no change of a price is an outlier")


class Prices(BaseModel):
    """Parameters of the prices pilot."""

    model_config = ConfigDict(extra="forbid")

    max_price: float = Field(10_000, gt=0, description="a price above this is no price")
    index_methods: tuple[dict[str, Any], ...] = Field(
        (
            {"method": "jevons"},
            {"method": "jevons", "chain": "chained", "label": "jevons-chained"},
            {"method": "geks-jevons"},
        ),
        description="methods by item, with their options; see docs/methods/price_indices.md",
    )
    frequencies: tuple[Literal["day", "week", "month"], ...] = Field(
        ("day", "week", "month"), description="periods of the indices"
    )
    index_price: Literal["pack", "unit"] = Field(
        "pack", description="whether an index follows the price of a pack, or per kg, l or each across relaunches"
    )
    index_excludes: tuple[QuoteFlag, ...] = Field(
        ("out_of_scope", "repeated_row", "price_typo", "outlier"), description="quotes with these flags are in no index"
    )
    review_between: tuple[float, float] = Field(
        (0.2, 0.8), description="a product goes to a person if the rules give it a probability between these"
    )
    review_precision: float = Field(
        0.98, gt=0.5, le=1, description="share of the decisions of the model that must be right; people get the others"
    )
    outliers: OutlierChoice = Field(OutlierChoice(), description="how outliers are found")
    outliers_of_item: dict[str, OutlierChoice] = Field({}, description="the same, for single items by item_id")
    carry_days: int = Field(7, ge=0, le=31, description="most days that a price is carried forward")
    carry: Literal["not_collected", "always"] = Field(
        "not_collected", description="carry prices to days without a collection, or to all days without a quote"
    )
    aggregation: Literal["complete", "available"] = Field(
        "available", description="whether a group needs an index of each of its items"
    )


class Tweets(BaseModel):
    """Parameters of the tweets pilot."""

    model_config = ConfigDict(extra="forbid")

    area_level: str | None = Field(
        None, description="level of reference/areas, such as msoa11; null if there is one only"
    )
    eps_m: float = Field(20, gt=0, description="two tweets of a user are neighbours within this distance")
    min_tweets: int = Field(3, ge=1, description="tweets from which on a cluster is valid")
    terms: tuple[tuple[date, date], ...] = Field(
        (), description="first and last days of university terms; without any, the usual ones"
    )
    fewest_tweets: int = Field(20, ge=1, description="a user with fewer tweets counts in no flow")
    fewest_movers: int = Field(3, ge=1, description="a flow of fewer users is suppressed")
    rows_at_once: int = Field(2_500_000, gt=0, description="rows that are in memory together")


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
        """Read, in this order: arguments, the environment, the TOML file in the home."""
        home = Path(init_settings().get("home") or os.environ.get("ONS_ASSETS_HOME") or DEFAULT_HOME)
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, home / TOML_NAME)


def load_settings(home: Path | None = None) -> Settings:
    """Return the settings of a home; without one, of `$ONS_ASSETS_HOME` or `./data`."""
    settings = Settings(home=home) if home is not None else Settings()
    return settings.model_copy(update={"home": settings.home.resolve()})
