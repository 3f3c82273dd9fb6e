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
    weekend: float = Field(0.3, ge=-1, le=1, description="weight of the same hours on Saturday and Sunday")
    working: float = Field(1.0, ge=-1, le=1, description="weight of the working hours")
    work_start: int = Field(8, ge=0, le=24, description="hour at which a working day begins, Monday to Friday")
    work_end: int = Field(19, ge=0, le=24, description="hour at which it ends")


class AnchorParameters(Parameters):
    """Home, work and study from stays; the defaults were chosen on the labelled stops."""

    home_profile: HomeProfile = HomeProfile()
    work_profile: WorkProfile = WorkProfile()
    home_hours: float = Field(
        2.0, gt=0, le=24, description="weighted hours in a day that count as a whole day of home; more count no more"
    )
    work_hours: float = Field(4.0, gt=0, le=24, description="the same for work and study")
    sleep_start: int = Field(1, ge=0, le=23, description="hour of the local clock at which the small hours begin")
    sleep_end: int = Field(5, ge=1, le=24, description="hour at which they end")
    sleep_hours: float = Field(2.0, gt=0, le=24, description="hours at a place within them that make a night there")
    residence_nights: int = Field(3, ge=0, description="nights that a residence needs, unless its address is one")
    residence_weeks: int = Field(2, ge=0, description="weeks in which these nights must lie at least")
    residence_night_share: float = Field(
        0.0, ge=0, le=1, description="share of the days at a residence that must have a night there"
    )
    residence_needed: bool = Field(
        False,
        description="whether a person without a residence has no home; else the place with the most evidence is one",
    )
    window_days: int = Field(
        28, ge=0, description="the main home of a day has the most evidence from so many days before to as many after"
    )
    change_days: float = Field(
        28.0, ge=0, description="days that a main home lasts at least; who is back sooner has not changed it"
    )
    date_days: int = Field(
        3,
        ge=0,
        description="how far from the day on which the balance tips that of the change is looked for: the one that"
        " parts the days at the old home and those at the new best",
    )
    second_home_weeks: int = Field(
        4, ge=0, description="weeks with a night that a second home needs; a holiday has fewer"
    )
    second_home_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="share of the evidence of both that a residence beside the main home must hold to be a second home",
    )
    slept_half_share: float = Field(
        0.05, gt=0, description="share of the days at a place with a night there that halves the evidence of work"
    )
    work_change_days: float = Field(
        60.0, ge=0, description="days of evidence that a change of work or study costs; less does not pay for it"
    )
    min_change_evidence: float = Field(
        1.0, ge=0, description="least cost of a change in days of evidence, for people of whom little is seen"
    )
    home_odds_power: float = Field(
        2.0, gt=0, description="power of the evidence to which the odds of places to be the home are proportional"
    )
    home_odds_days: float = Field(0.3, ge=0, description="days of evidence with which a home is as likely as none")
    second_home_odds_days: float = Field(5.0, ge=0, description="the same for a second home")
    work_odds_power: float = Field(1.75, gt=0, description="the same power for work and study")
    work_odds_share: float = Field(
        0.06,
        ge=0,
        le=1,
        description="evidence of work in days, by weekday seen, with which a place of work is as likely as none",
    )
    least_work_confidence: float = Field(
        0.05, ge=0, le=1, description="least confidence of work and study; with less, none is seen"
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
