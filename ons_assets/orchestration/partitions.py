"""Partitions of assets that are made by day."""

from datetime import date
from functools import cache

import dagster as dg


# One object for all assets: it keeps what it has worked out of its days.
@cache
def days_from(first_day: date, time_zone: str) -> dg.DailyPartitionsDefinition:
    """Return the days of an installation.

    Parameters
    ----------
    first_day
        The first of which rows are taken.
    time_zone
        Of the clock that says when a day has come.
    """
    # Today is a partition as well: files arrive on the day that they are about.
    return dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), end_offset=1, timezone=time_zone)
