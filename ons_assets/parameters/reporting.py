"""What the report shows: how far it looks back, and how much of a list stands on a page. It changes no figure."""

from pydantic import Field

from ons_assets.parameters.base import Parameters


class ReportParameters(Parameters):
    """How far the report looks back, and how long its lists are."""

    week_days: int = Field(7, ge=1, le=366, description="days before the report that are this week")
    month_days: int = Field(31, ge=1, le=366, description="days of the change log and the summary, if not said")
    calendar_days: int = Field(400, ge=7, le=4000, description="days of the calendar of outages, up to the last one")
    act_within_days: int = Field(
        1, ge=0, le=366, description="working days from when it began, by which what one must act on is to be done"
    )
    look_within_days: int = Field(
        5, ge=0, le=366, description="working days from when it began, by which what is to be looked at is to be done"
    )
    listed: int = Field(30, ge=1, le=1000, description="entries of a list on a page; how many more there are is said")
