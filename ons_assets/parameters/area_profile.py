"""Parameters of what all sources say of an area: side by side, and together."""

from typing import Annotated

from pydantic import Field

from ons_assets.parameters.base import Parameters, Share

Hour = Annotated[int, Field(ge=0, le=23)]


class AreaProfileParameters(Parameters):
    """Which figures stand for an area and month, and of which one is warned."""

    night_hour: Hour = Field(3, description="hour of a weekday at which who is present is taken to be at home")
    day_hour: Hour = Field(11, description="hour of a weekday at which most who work are there")
    least_days: int = Field(
        7, ge=1, le=31, description="days of a month that a period of phones must hold to stand for it"
    )
    low_coverage: Share = Field(
        0.1, description="homes metered, of all dwellings of an area, below which one is warned"
    )
    low_price_coverage: Share = Field(
        0.9, description="spending at retailers with prices, of all spending of an area, below which one is warned"
    )
    wide_interval: Share = Field(
        0.5, description="half of an interval, as a share of its figure, above which one is warned"
    )


class CombinedEstimateParameters(Parameters):
    """How what several sources say of areas is put together."""

    level: float = Field(0.95, gt=0.5, lt=1, description="of the intervals, those of the sources and those made of all")
    fewest_areas: int = Field(
        6, ge=4, le=10_000, description="areas without which no model is fitted, nor a source joined to the others"
    )
    least_told: Share = Field(
        0.5,
        description="share of the dwellings of an area that its parts told by meters must hold",
    )
