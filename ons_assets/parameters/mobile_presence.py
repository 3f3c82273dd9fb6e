"""Parameters of where devices are: permanence scores, the usual environment, and the population that is present."""

from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from ons_assets.parameters.base import Parameters, Share

Hour = Annotated[int, Field(ge=0, le=23)]
Monday0 = Annotated[int, Field(ge=0, le=6)]
Period = Annotated[
    str, Field(pattern=r"^(all|workdays|weekends|holidays)/(all|night|working_hours|evening)$"),
]  # fmt: skip
# What the rules of the usual environment ask of.
ALL_HOURS, NIGHTS, WORKING_HOURS = "all/all", "all/night", "workdays/working_hours"


class PermanenceParameters(Parameters):
    """Hours at places, added up by day, month and season."""

    present_minutes: float = Field(
        15,
        gt=0,
        le=60,
        description="minutes of an hour at a place that make it an hour there; 15 are what a lone event has at least",
    )
    bridge_night_start: Hour = Field(
        23, description="hour at which silences at one place begin to be bridged as those of a night"
    )
    bridge_night_end: Hour = Field(9, description="hour at which that ends")
    day_start_hour: Hour = Field(
        4, description="hour of the local clock at which a day begins: what is before is of the day before"
    )
    night_start: Hour = Field(18, description="hour at which the night begins, of the day that it belongs to")
    night_end: Hour = Field(8, description="hour at which it ends")
    work_start: Hour = Field(8, description="hour at which working hours begin")
    work_end: Annotated[int, Field(ge=1, le=24)] = Field(17, description="hour at which they end")
    evening_start: Hour = Field(16, description="hour at which the evening begins")
    evening_end: Annotated[int, Field(ge=1, le=24)] = Field(22, description="hour at which it ends")
    weekend: tuple[Monday0, ...] = Field((5, 6), description="days of the weekend, Monday being 0")
    holidays: tuple[date, ...] = Field(
        (), description="holidays besides those of geography.holidays: no working days, whatever day of the week"
    )
    around_days: int = Field(
        7, ge=0, le=28, description="days before and after a month in which a visit bounds its first and last gap"
    )
    periods: tuple[Period, ...] = Field(
        (ALL_HOURS, NIGHTS, WORKING_HOURS, "workdays/night", "weekends/all"),
        description="day types and times of the day that scores are made of",
    )

    @model_validator(mode="after")
    def _has_what_the_rules_ask_of(self) -> "PermanenceParameters":
        if missing := {ALL_HOURS, NIGHTS, WORKING_HOURS} - set(self.periods):
            raise ValueError(f"periods lack {', '.join(sorted(missing))}, of which homes and work are made")
        if self.work_start >= self.work_end or self.evening_start >= self.evening_end:
            raise ValueError("working hours and the evening must end after they begin")
        return self


class UsualEnvironmentParameters(Parameters):
    """Which places are usual, and which of them are home, work and second home."""

    least_hours: int = Field(2, ge=0, description="hours in which a device is seen, for it to have a usual environment")
    least_days: int = Field(4, ge=1, description="and days")
    usual_gap_share: Share = Field(
        1.0,
        description="fall in hours, from one place to the next by hours, that ends usual places; share of the first; 1 "
        "for none",
    )
    home_gap_hours: int = Field(1, ge=1, description="fall in hours that ends the places that may be home")
    work_gap_hours: int = Field(1, ge=1, description="and those that may be work, by working hours")
    usual_share: Share = Field(
        0.2, description="of all hours, of nights, of working hours or of days, that makes a place usual"
    )
    home_share: Share = Field(0.3, description="of all hours, else of hours at night, that makes a home")
    home_days_share: Share = Field(0.3, description="of the days seen at night, that makes a home if hours do not")
    work_at_home: bool = Field(False, description="whether a place of work may be where the home is")
    work_share: Share = Field(0.3, description="of working hours that makes a place of work")
    work_days_share: Share = Field(0.7, description="of the days seen in working hours, that makes one if hours do not")
    second_home_days: int = Field(4, ge=1, description="nights at a place that make it a second home, at least")
    second_home_night_hours: float = Field(6, ge=0, le=24, description="hours of such a night, in the mean")


class PresentPopulationParameters(Parameters):
    """Devices present by area, hour and kind of day."""

    holidays: tuple[date, ...] = Field(
        (), description="holidays besides those of geography.holidays; all of them count as sundays"
    )
    fewest_day_devices: int = Field(
        10,
        ge=5,
        description="devices seen by an operator on a day, for the day to count: of fewer, clocks may be wrong",
    )


class InternalMigrationParameters(Parameters):
    """Homes of one season beside those of the season before."""

    same_home_overlap: Share = Field(
        0.5, description="probability that homes of two seasons share by area, from which on they are one home"
    )
