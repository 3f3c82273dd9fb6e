"""Parameters of what pilots share about people on the move: where they live, work and study."""

from typing import Annotated

from pydantic import Field

from ons_assets.parameters.base import Parameters

Weight = Annotated[float, Field(ge=0)]


class WeeklyProfile(Parameters):
    """How much an hour at a place tells, by hour of the week."""

    night: float = Field(1.0, ge=-1, le=1, description="weight of an hour of the night")
    evening: float = Field(0.5, ge=-1, le=1, description="weight of the other hours outside working hours, on weekdays")
    weekend: float = Field(0.3, ge=-1, le=1, description="weight of the same hours on Saturday and Sunday")
    working: float = Field(0.1, ge=-1, le=1, description="weight of the working hours")
    night_start: int = Field(22, ge=0, le=24, description="hour of the local clock at which night begins")
    night_end: int = Field(6, ge=0, le=24, description="hour at which it ends")
    work_start: int = Field(9, ge=0, le=24, description="hour at which a working day begins, Monday to Friday")
    work_end: int = Field(17, ge=0, le=24, description="hour at which it ends")


class HomeProfile(WeeklyProfile):
    """How much an hour at a place tells of a home."""


class WorkProfile(WeeklyProfile):
    """How much an hour at a place tells of work and study."""

    night: float = Field(-0.5, ge=-1, le=1, description="weight of an hour of the night")
    evening: float = Field(0.0, ge=-1, le=1, description="weight of the other hours outside working hours, on weekdays")
    weekend: float = Field(0.0, ge=-1, le=1, description="weight of the same hours on Saturday and Sunday")
    working: float = Field(1.0, ge=-1, le=1, description="weight of the working hours")


class AnchorParameters(Parameters):
    """Home, work and study from stays; the defaults were tuned on one half of the labelled stops."""

    home_profile: HomeProfile = HomeProfile()
    work_profile: WorkProfile = WorkProfile()
    home_hours: float = Field(
        2.0, gt=0, le=24, description="weighted hours in a day that count as a whole day of home; more count no more"
    )
    work_hours: float = Field(4.0, gt=0, le=24, description="the same for work and study")
    change_days: float = Field(
        21.0, ge=0, description="days of evidence that a change of home costs; shorter absences do not pay for it"
    )
    work_change_days: float = Field(60.0, ge=0, description="the same for work and study")
    min_change_evidence: float = Field(
        1.0, ge=0, description="least cost of a change in days of evidence, for people of whom little is seen"
    )
    instant_hours: float = Field(
        0.5, gt=0, le=24, description="what a stay without length, such as a tweet, counts for"
    )
    min_home_days: int = Field(2, ge=1, description="days with evidence that a home needs")
    min_work_days: int = Field(3, ge=1, description="days with evidence that a place of work or study needs")
    home_weight: dict[str, Weight] = Field(
        {"commercial": 0.4, "education": 0.3, "transport": 0.1, "other": 0.7},
        description="factor on the evidence of home by class of address; a class that is not named, and none, count 1",
    )
    work_weight: dict[str, Weight] = Field(
        {"residential": 0.5, "transport": 0.3}, description="the same for work and study"
    )
