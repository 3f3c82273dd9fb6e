"""Public holidays of countries and of their parts, as the package `holidays` has them."""

from collections.abc import Iterable
from datetime import date
from functools import cache

import holidays as calendars

NOBODY = "none"
YEARS = range(1970, 2100)


class UnknownCalendar(ValueError):
    """There is no calendar of that name; the message is one sentence."""


@cache
def public_holidays(calendar: str) -> tuple[date, ...]:
    """Return all public holidays from 1970 to 2099, with the days on which they are made up for. Sorted.

    Parameters
    ----------
    calendar
        Country, and part of it if there is one, as of ISO 3166: GB-ENG, DE-BY, NZ; ``"none"`` has no holidays.

    Raises
    ------
    UnknownCalendar
        If the package has no such country, or not that part of it.
    """
    if calendar == NOBODY:
        return ()
    country, _, part = calendar.partition("-")
    try:
        return tuple(sorted(calendars.country_holidays(country, subdiv=part or None, years=YEARS)))
    except NotImplementedError:
        parts = calendars.list_supported_countries(include_aliases=False).get(country)
        known = f"known parts of {country} are {', '.join(parts)}" if parts else f"no country {country} is known"
        raise UnknownCalendar(f"there is no calendar of public holidays {calendar!r}: {known}") from None


def with_more(calendar: str, days: Iterable[date]) -> tuple[date, ...]:
    """Return the public holidays of a calendar, and more of them. Sorted.

    Parameters
    ----------
    calendar
        See `public_holidays`.
    days
        Days that an installation names besides, such as a mourning.
    """
    return tuple(sorted({*public_holidays(calendar), *days}))
