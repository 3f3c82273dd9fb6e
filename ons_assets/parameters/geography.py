"""Parameters of where an installation is, and of what pilots share about places."""

from datetime import date
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from ons_assets.parameters.base import Parameters
from ons_assets.projections import BadProjection, check_grid
from ons_assets.public_holidays import NOBODY, public_holidays, with_more

BRITISH_GRID = "EPSG:27700"
BRITISH_HOLIDAYS = "GB-ENG"
TIME_ZONE = "Europe/London"
# How far from the centre of an area its people may be.
REACH_M = 20_000.0


def known_zone(zone: str) -> str:
    """Return a time zone that exists.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone {zone!r}") from None
    return zone


class Country(Parameters):
    """The country of an installation: its grid, and its clock."""

    crs: str = Field(
        BRITISH_GRID,
        pattern=r"^[A-Z]+:[0-9]+$",
        description="grid of all eastings and northings, in metres, such as EPSG:32618; that of Great Britain is"
        " reached by OSTN15, any other by PROJ. It stays as it is once a home has files",
    )
    accuracy_m: float = Field(
        5.0, gt=0, description="what PROJ must say of the way between WGS 84 and another grid, or the grid of a file"
    )
    time_zone: str = Field(TIME_ZONE, description="clock of every local day and hour, where a layout says no other")
    holidays: str | None = Field(
        None,
        pattern=r"^([A-Z]{2}(-[A-Z0-9]{1,3})?|none)$",
        description="whose public holidays are the country's, as of ISO 3166, such as GB-SCT, DE-BY or NZ; none for"
        " nobody's. If it is not said, those of England and Wales on the grid of Great Britain, and nobody's elsewhere",
    )

    @field_validator("crs", mode="before")
    @classmethod
    def _in_capitals(cls, crs: object) -> object:
        return crs.upper() if isinstance(crs, str) else crs

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, zone: str) -> str:
        return known_zone(zone)

    @field_validator("holidays")
    @classmethod
    def _has_calendar(cls, calendar: str | None) -> str | None:
        public_holidays(calendar or NOBODY)
        return calendar

    def public_holidays(self, *more: date) -> tuple[date, ...]:
        """Return the public holidays of the country, with others that are named besides. Sorted.

        Parameters
        ----------
        *more
            Days of a parameter of a method.
        """
        usual = BRITISH_HOLIDAYS if self.crs == BRITISH_GRID else NOBODY
        return with_more(self.holidays or usual, more)

    @model_validator(mode="after")
    def _is_within_reach(self) -> "Country":
        if self.crs != BRITISH_GRID:
            try:
                check_grid(self.crs, self.accuracy_m)
            except BadProjection as error:
                raise ValueError(f"crs {self.crs} {error}") from None
        return self


class NearestParameters(Parameters):
    """What kind of place a point is, from the addresses around it."""

    neighbours: int = Field(10, ge=1, le=1_000, description="how many addresses are asked at most")
    radius_m: float = Field(100.0, gt=0, description="how far away they may be")
    kernel_m: float = Field(
        25.0, gt=0, description="standard deviation of the position of a point; an address this far away counts 0.61"
    )
