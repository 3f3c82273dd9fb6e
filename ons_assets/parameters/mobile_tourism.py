"""Parameters of trips: segments of time, and what is a visit, a night and a usual environment of tourism."""

from typing import Annotated

from pydantic import Field

from ons_assets.parameters.base import Parameters, Share

Code = Annotated[str, Field(pattern=r"^[2-79]\d{2}$")]


class TimeSegmentParameters(Parameters):
    """From events to segments of stay, move, abroad and unknown."""

    home_mcc: tuple[Code, ...] = Field(
        (),
        description="mobile country codes of the country of the networks; empty for those of the country that most "
        "events are of SIMs of",
    )
    least_stay_minutes: float = Field(15, ge=0, description="at one place that make a stay")
    silent_stay_hours: float = Field(12, gt=0, description="longest silence between events at one place that it lasts")
    silent_move_hours: float = Field(2, gt=0, description="longest silence between two places that is a move")
    silent_abroad_hours: float = Field(
        72, gt=0, description="longest silence between events in a country abroad, or there and at home, that is known"
    )
    pad_minutes: float = Field(5, ge=0, description="what an event tells of the time around it, where silence begins")
    same_place_overlap: Share = Field(
        0.2, description="of their footprints, from which on two cells may serve one place, if footprints are made"
    )


class TourismParameters(Parameters):
    """Trips of visitors, by the definitions of the International Recommendations for Tourism Statistics 2008."""

    night_hour: int = Field(
        4, ge=0, le=8, description="hour of the local clock of which a night is: who is away then spends it there"
    )
    least_visit_hours: float = Field(3, ge=0, description="that a visit without a night lasts at least")
    visit_gap_hours: float = Field(72, gt=0, description="longest time unseen within one visit of a foreign SIM")
    resident_days: int = Field(
        183, ge=1, description="days seen within a year from which on a foreign SIM is one of a resident"
    )
    usual_area_share: Share = Field(
        0.5, description="probability of a place to be in usual areas, from which on it is in the usual environment"
    )
    usual_visits_a_week: float = Field(
        1.0, gt=0, description="visits to an area a week, in the mean of the time observed, that make it usual"
    )
    fewest_usual_visits: int = Field(2, ge=1, description="and visits at least")
    least_days_seen: int = Field(
        7, ge=1, description="days on which a device is seen, for its usual environment to be known"
    )
