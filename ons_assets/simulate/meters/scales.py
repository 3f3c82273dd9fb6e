"""How large the simulated world is, and how its files are laid out."""

from dataclasses import dataclass, field
from datetime import date

from ons_assets.simulate.meters.large_loads import EquipmentShares
from ons_assets.simulate.named_scales import chosen

# The CER trial ran from day 195 to day 730 of its own count, day 1 being 2009-01-01.
TRIAL_START = date(2009, 7, 14)
TRIAL_DAYS = 536
TRIAL_METERS = 6_445


@dataclass(frozen=True)
class FaultRates:
    """How often readings go wrong between a meter and its file."""

    spike: float = 0.25
    """Of a meter and year, as are the next five."""
    stuck: float = 0.25
    zero_run: float = 0.4
    meter_off: float = 0.3
    communication: float = 1.6
    contradicted: float = 0.3
    """Half hours that are delivered a second time with another value."""
    not_started: float = 0.06
    """Of the meters, those that deliver nothing for up to a fifth of the days at the beginning."""
    ended: float = 0.03
    """The same at the end."""
    repeated: float = 0.3
    """Of the first half hours of every thirtieth day, those that are delivered twice."""
    bad_line: float = 0.08
    """Of the meters of CER files, those with a line that cannot be read."""
    null: float = 0.6
    """Of the meters of Low Carbon London files, those with a line without a reading."""
    least_outages: int = 1
    """Outages of the collecting system, in which no meter delivers: so many in a world of more than a week."""
    outages: float = 365 / 180
    """Further ones a year."""


NO_FAULTS = FaultRates(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Scale:
    """Size of a simulated world.

    Parameters
    ----------
    name
        Name of the scale.
    homes
        Homes with a meter.
    days
        Days of the world, at least 1.
    start
        First day.
    lcl_share
        Share of the homes whose readings are written in the Low Carbon London layout; the others are
        written as CER text.
    cer_files
        CER files, ``File1.txt`` and so on; each meter is in one of them.
    homes_per_area
        Mean number of homes in a small area.
    keep_consumption
        Whether the truth holds the readings as they were before any fault.
    equipment
        Shares of homes with panels, storage heating, a car to charge, and a heat pump.
    faults
        Of readings and their lines.
    """

    name: str
    homes: int
    days: int
    start: date = TRIAL_START
    lcl_share: float = 0.3
    cer_files: int = 2
    homes_per_area: int = 25
    keep_consumption: bool = True
    equipment: EquipmentShares = field(default_factory=EquipmentShares)
    faults: FaultRates = FaultRates()


ELECTRIC = EquipmentShares(solar=0.25, storage_heating=0.1, electric_car=0.3, heat_pump=0.25)
"""Every kind of large equipment is common."""

SCALES: dict[str, Scale] = {
    scale.name: scale
    for scale in (
        # October and November: a clock change, a school holiday, and the heating season begins.
        Scale("small", homes=100, days=60, start=date(2009, 10, 5)),
        Scale("medium", homes=600, days=365, homes_per_area=40),
        # A year of homes as they may be in some years' time.
        Scale("electric", homes=600, days=365, homes_per_area=40, equipment=ELECTRIC),
        Scale("full", TRIAL_METERS, TRIAL_DAYS, lcl_share=0.0, cer_files=6, homes_per_area=60, keep_consumption=False),
    )
}
"""The named scales: ``small`` (a demonstration), ``medium``, ``electric``, ``full`` (the size of the CER trial)."""

IN_COUNTRY: dict[str, Scale] = {
    "small": Scale("small", homes=160, days=61, start=date(2011, 6, 1), lcl_share=0.2, homes_per_area=20),
    "medium": Scale("medium", homes=600, days=61, start=date(2011, 6, 1), homes_per_area=75),
}
"""What is metered of a country, by the name of its scale: as many homes of each of eight districts."""


def scale_of(scale: str | Scale) -> Scale:
    """Return the scale of that name, or the scale itself.

    Raises
    ------
    ValueError
        If no scale has that name, or it has no home or no day.
    """
    scale = chosen(scale, SCALES)
    if scale.homes < 1 or scale.days < 1:
        raise ValueError("a world needs at least one home and one day")
    return scale
