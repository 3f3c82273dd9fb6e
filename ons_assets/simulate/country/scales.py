"""How large the simulated country is, and for how long people live there."""

from dataclasses import dataclass
from datetime import date

from ons_assets.simulate.named_scales import chosen


@dataclass(frozen=True)
class Scale:
    """Size of a simulated country.

    Parameters
    ----------
    name
        Name of the scale.
    people
        Residents, about: whole households live there.
    first_day, days
        Days through which they live; day 0 is the first.

    Raises
    ------
    ValueError
        Without a day.
    """

    name: str
    people: int
    first_day: date
    days: int

    def __post_init__(self) -> None:
        if self.days < 1:
            raise ValueError(f"a country lives for a day or more, not for {self.days}")


SCALES: dict[str, Scale] = {
    scale.name: scale
    for scale in (
        # In June students leave; files of the meters' trial reach to September 2011, ids of tweets from November 2010.
        Scale("small", 12_000, date(2011, 5, 1), 92),
        Scale("medium", 100_000, date(2011, 5, 1), 92),
    )
}
"""The named scales: ``small`` (a demonstration) and ``medium``."""


def scale_of(scale: str | Scale) -> Scale:
    """Return the scale of that name, or the scale itself.

    Raises
    ------
    ValueError
        If no scale has that name.
    """
    return chosen(scale, SCALES)
