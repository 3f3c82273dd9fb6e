"""The days of an installation."""

from datetime import date

from pydantic import Field

from ons_assets.parameters.base import Parameters

FIRST_DAY = date(2014, 1, 1)


class InstallationCalendar(Parameters):
    """Which days there are."""

    first_day: date = Field(
        FIRST_DAY,
        ge=date(1970, 1, 1),
        description="first day of prices, tweets and events; rows of an earlier one are rejected with that reason",
    )
