"""Parameters of the networks of operators: where a device may be that is seen at a cell, and what is out of order."""

from typing import Literal

from pydantic import Field

from ons_assets.parameters.base import Parameters, Positive


class FootprintParameters(Parameters):
    """Footprints of cells on a grid of tiles."""

    method: Literal["strength", "dominance", "voronoi"] = Field(
        "strength", description="how likely a device is seen at a cell; see docs/methods/cell_footprints.md"
    )
    grid: Literal["country", "EPSG:3035"] = Field(
        "country", description="grid of the tiles: that of the country, or the one that Europe shares"
    )
    tile_m: float = Field(500, ge=50, le=10_000, description="side of a tile")
    prior: Literal["best", "land_use", "addresses", "residents", "area"] = Field(
        "best",
        description="where people are before anything is seen: a grid of land use, addresses, residents of parts of "
        "areas, or alike everywhere; best is the first of them that there is",
    )
    everywhere: float = Field(0.05, ge=0, le=1, description="share of the prior that is spread over all tiles alike")
    power_w: float = Field(10.0, gt=0, description="power of an antenna where the plan does not say it")
    power_small_w: float = Field(5.0, gt=0, description="and of a small cell")
    height_m: float = Field(30.0, ge=0, description="height of an antenna where the plan does not say it")
    height_small_m: float = Field(8.0, ge=0, description="and of a small cell")
    path_loss: float = Field(
        3.75, ge=2, le=8, description="power of the distance with which the signal falls (Tennekes and Gootzen)"
    )
    path_loss_small: float = Field(6.0, ge=2, le=8, description="and that of a small cell, among walls")
    range_m: dict[str, Positive] = Field(
        {"2G": 10_000.0, "3G": 5_000.0, "4G": 4_000.0, "5G": 1_500.0},
        description="how far a cell reaches where the plan does not say it, by technology",
    )
    other_range_m: float = Field(5_000.0, gt=0, description="and of any other technology")
    range_small_m: float = Field(1_000.0, gt=0, description="and of a small cell of any technology")
    beam_width_degrees: float = Field(65.0, gt=0, le=360, description="of a sector where the plan does not say it")
    back_loss_db: float = Field(20.0, ge=0, description="most that a sector loses behind it (3GPP TR 36.942)")
    beyond: float = Field(2.0, ge=1, description="so many times its range a cell still serves: a range is nominal")
    out_of_range_db: float = Field(15.0, ge=0, description="what a signal loses beyond the range")
    softness_db: float = Field(
        6.0, gt=0, description="of strength: decibels that make a cell e times as likely; 0.78 of a shadowing of 8 dB"
    )
    dominance_steepness: float = Field(0.2, gt=0, description="of dominance, for each decibel")
    dominance_midpoint_dbm: float = Field(-92.5, ge=-150, le=0, description="signal of which the dominance is a half")
    least_dominance: float = Field(0.0, ge=0, lt=1, description="dominance up to which a cell does not serve a tile")
    least_of_best: float = Field(
        0.0, ge=0, le=1, description="share of the best dominance of a tile below which a cell does not serve it"
    )
    least_connection: float = Field(0.01, ge=0, lt=1, description="probability below which a cell is not seen")
    nearest_cells: int = Field(100, ge=1, le=10_000, description="cells near a tile that are looked at")
    most_cells: int = Field(20, ge=1, le=10_000, description="cells that serve a tile at most: the strongest")
    least_probability: float = Field(
        1e-6, ge=0, lt=0.1, description="probability below which a tile is left out of a footprint: it moves nobody"
    )
    unserved: float = Field(
        0.001, gt=0, le=0.01, description="probability that a device is seen at a cell that does not serve its tile"
    )
    draws_a_place: float = Field(
        2.5,
        gt=0,
        le=100,
        description="independent events that all those of a device at one place are worth: what is between a place and "
        "a mast stays as it is",
    )
    points_a_side: int = Field(
        4, ge=1, le=20, description="points along the side of a tile, by which it is shared among areas"
    )
    least_area: float = Field(
        1e-4, ge=0, lt=0.1, description="probability below which an area is left out of a place: it moves nobody"
    )
    neighbour_m: float = Field(5_000.0, ge=0, description="masts farther from each other are no neighbours")


class QualityWarningParameters(Parameters):
    """Days held against those before them."""

    look_back_days: int = Field(28, ge=3, le=400, description="days before a day that it is held against")
    least_days: int = Field(
        6, ge=3, description="days of the same kind for there to be limits: weekdays, or weekends; these for a holiday"
    )
    holiday_margin: float = Field(
        0.25,
        ge=0,
        le=1,
        description="share of the mean by which the events of a public holiday may differ more from those of weekends: "
        "phones are not used on it as on these",
    )
    level: float = Field(
        0.999, gt=0.5, lt=1, description="probability that a day in order lies between the limits, as a new one"
    )
    most_share: float = Field(0.2, gt=0, le=1, description="share of errors that is too much whatever was before")
