"""How large the simulated world of phones is."""

from dataclasses import dataclass
from datetime import date, timedelta

from ons_assets.simulate.named_scales import chosen

SATURDAY = 5


@dataclass(frozen=True)
class FaultRates:
    """Shares of the events of text files that are at fault, and masts that are out of order."""

    no_device: float = 0.002
    no_time: float = 0.001
    lost_cell: float = 0.002
    """At a cell that no plan has."""
    elsewhere: float = 0.0005
    """At the cell of another event of the day."""
    outside: float = 0.0005
    """Years before the day of the file."""
    repeated: float = 0.004
    """Written twice."""
    silent_masts: int = 2
    """Masts of each operator without an event on the fourth and fifth day, whatever the form of the files."""


NO_FAULTS = FaultRates(0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Scale:
    """Size of a simulated world.

    Parameters
    ----------
    name
        Name of the scale.
    people
        Residents, about, of a country that is made for this world; of one that is given all have part.
    first_day, days
        Days that are observed.
    active_per_day, passive_per_day
        Mean events of a device and day: of its holder, and of the network.
    as_csv
        Whether events come as CSV by day, gzip, with faults; else as Parquet.
    holidays
        Days of the week that are as those of weekends; shifts of nights go on.
    travels
        Whether residents travel, and visitors come from abroad. All else is drawn as in a world where nobody does.
    faults
        Of events and of the network.
    """

    name: str
    people: int
    first_day: date
    days: int
    active_per_day: float
    passive_per_day: float
    as_csv: bool
    holidays: tuple[date, ...] = ()
    travels: bool = False
    faults: FaultRates = FaultRates()

    def is_free(self, day: int) -> bool:
        """Return whether a day, from 0, is one of a weekend or a public holiday."""
        of_calendar = self.first_day + timedelta(day)
        return of_calendar.weekday() >= SATURDAY or of_calendar in self.holidays


SCALES: dict[str, Scale] = {
    scale.name: scale
    for scale in (
        Scale("demo", 12_000, date(2014, 10, 6), 14, 3.0, 6.0, True),
        # The clock changes on 26 October.
        Scale("medium", 200_000, date(2014, 10, 6), 28, 4.0, 6.0, False),
        # One operator of three tenths has a million devices and a hundred million events.
        Scale("full", 3_300_000, date(2014, 10, 6), 14, 2.2, 4.8, False),
        Scale("tourism", 30_000, date(2014, 9, 29), 28, 4.0, 6.0, True, travels=True),
    )
}
"""The named scales: ``demo``, ``medium``, ``full`` (100 million events of a million devices) and ``tourism``."""

IN_COUNTRY: dict[str, Scale] = {
    "small": Scale("small", 12_000, date(2011, 6, 6), 14, 3.0, 6.0, True, travels=True),
    "medium": Scale("medium", 100_000, date(2011, 6, 6), 28, 3.0, 6.0, False, travels=True),
}
"""What operators see of a country, by the name of its scale; its people are as many as it has."""


def scale_of(scale: str | Scale) -> Scale:
    """Return the scale of that name, or the scale itself.

    Raises
    ------
    ValueError
        If no scale has that name.
    """
    return chosen(scale, SCALES)
