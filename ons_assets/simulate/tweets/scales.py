"""How large the simulated world of tweets is."""

from dataclasses import dataclass
from datetime import date

from ons_assets.simulate.named_scales import chosen


@dataclass(frozen=True)
class FaultRates:
    """How often lines of the collector's JSON files are at fault; files of points have no such faults."""

    duplicate: float = 0.002
    """Statuses that are written twice."""
    broken: float = 0.0003
    """Statuses after which half of them stands again, as a line of its own."""


NO_FAULTS = FaultRates(0, 0)


@dataclass(frozen=True)
class Scale:
    """Size of a simulated world.

    Parameters
    ----------
    name
        Name of the scale.
    users
        People who tweet with a position.
    people_per_user
        Residents for each of them, of a country that is made for them; the others move and register, but never tweet.
    first_day, days
        Days that are collected; of a given country, all of its days are.
    tweets_per_day
        Mean tweets with a position, for each user and day; a few users write most of them.
    as_json
        Whether drops are v1.1 JSON by day, gzip; else Parquet of points by day.
    outages
        Times at which the collector was down; without any, and without `faults`, nothing is wrong with the files.
    unlocated_share
        Further statuses without a position, for each tweet with one (JSON only).
    faults
        Of lines (JSON only).
    """

    name: str
    users: int
    people_per_user: float
    first_day: date
    days: int
    tweets_per_day: float
    as_json: bool
    outages: int
    unlocated_share: float = 0.1
    faults: FaultRates = FaultRates()


SCALES: dict[str, Scale] = {
    scale.name: scale
    for scale in (
        Scale("small", 500, 20, date(2014, 8, 20), 60, 1.2, True, 3),
        Scale("medium", 20_000, 5, date(2014, 4, 1), 365, 0.4, False, 12),
        # The pilot: 38.9 million tweets in 82 days. Nearly all of 16 and over tweet.
        Scale("full", 2_000_000, 1.3, date(2014, 8, 11), 82, 0.2471, False, 12),
    )
}
"""The named scales: ``small`` (a demonstration), ``medium``, ``full`` (the pilot's own size)."""

IN_COUNTRY: dict[str, Scale] = {
    "small": Scale("small", 2_000, 6, date(2011, 5, 1), 92, 0.55, True, 3, unlocated_share=0.02),
    "medium": Scale("medium", 20_000, 5, date(2011, 5, 1), 92, 0.4, False, 3),
}
"""Who tweets of a country, by the name of its scale; `people_per_user` is what comes of its people."""


def scale_of(scale: str | Scale) -> Scale:
    """Return the scale of that name, or the scale itself.

    Raises
    ------
    ValueError
        If no scale has that name.
    """
    return chosen(scale, SCALES)
