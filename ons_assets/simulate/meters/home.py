"""One simulated home: its household, presence and electricity."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ons_assets.simulate.meters import appliances, large_loads
from ons_assets.simulate.meters.appliances import Equipment, draw_equipment
from ons_assets.simulate.meters.calendar import SLOTS, Calendar
from ons_assets.simulate.meters.households import Household, Kind, draw_household
from ons_assets.simulate.meters.large_loads import EquipmentShares
from ons_assets.simulate.meters.presence import STATES, Presence, State, simulate_presence
from ons_assets.simulate.meters.scales import Scale, scale_of


@dataclass(frozen=True)
class SimulatedHome:
    """A home with its truth.

    Parameters
    ----------
    number
        Number of the home in its world, from 0.
    area
        Code of its small area.
    household, equipment, presence
        Who lives there, what they have, and when they are in.
    kwh
        True consumption, kWh in each half hour of the local clock, (days, 48) float32. Homes whose
        meter nets solar export from import have negative values.
    uprn
        Its dwelling in a country; None in a world without one.
    """

    number: int
    area: str
    household: Household
    equipment: Equipment
    presence: Presence
    kwh: npt.NDArray[np.float32]
    uprn: int | None = None


@dataclass(frozen=True)
class Area:
    """A small area: its code, and its shares of second and of long-term vacant homes."""

    code: str
    second_share: float
    vacant_share: float


@dataclass(frozen=True)
class Settled:
    """Where a home is, and who lives there."""

    area: str
    household: Household
    uprn: int | None = None


Settle = Callable[[int, np.random.Generator], Settled]
"""Says of the number of a home, with its stream, where it is and who lives there."""


@dataclass(frozen=True)
class Drawn:
    """Homes of a world without a country: their areas are all as likely."""

    areas: list[Area]

    def __call__(self, _: int, rng: np.random.Generator) -> Settled:
        """Draw a home."""
        area = self.areas[int(rng.integers(0, len(self.areas)))]
        return Settled(area.code, draw_household(rng, second_share=area.second_share, vacant_share=area.vacant_share))


def draw_areas(scale: Scale, seed: int) -> list[Area]:
    """Draw the areas of a world: a few by the sea have many second homes, most have hardly any."""
    rng = np.random.default_rng([seed, 0])
    count = max(2, round(scale.homes / scale.homes_per_area))
    by_the_sea = rng.random(count) < 0.2
    second = np.where(by_the_sea, rng.uniform(0.08, 0.2, count), rng.uniform(0, 0.015, count))
    vacant = rng.beta(2, 45, count)
    return [Area(f"SIM{area + 1:05d}", float(second[area]), float(vacant[area])) for area in range(count)]


def simulate_home(number: int, settle: Settle, calendar: Calendar, shares: EquipmentShares) -> SimulatedHome:
    """Simulate one home; its random streams depend on the seed and its number alone.

    Parameters
    ----------
    number
        Number of the home, from 0.
    settle
        Says where a home is and who lives there.
    calendar
        Days, weather and light, and the seed of the world.
    shares
        Shares of homes with large equipment. A home differs from itself under other shares by that alone.
    """
    large_rng = np.random.default_rng([calendar.seed, 7, number])
    rng = np.random.default_rng([calendar.seed, 3, number])
    settled = settle(number, rng)
    household = settled.household
    equipment = draw_equipment(household, shares, rng, large_rng)
    presence = simulate_presence(household, calendar, rng)
    wh = (
        _running(household, equipment, presence, calendar, rng)
        + appliances.by_the_clock(equipment, presence, calendar, rng)
        + appliances.by_people(household, equipment, presence, calendar, rng)
    )
    wh *= 1 + 0.02 * rng.normal(0, 1, len(wh))
    wh += large_loads.large_loads(equipment.large, presence, calendar, large_rng)
    wh -= large_loads.solar(equipment.large, calendar)
    if not equipment.net_metered:
        wh = np.maximum(wh, 0)
    kwh = (np.rint(wh) / 1000).astype(np.float32).reshape(calendar.days, SLOTS)
    return SimulatedHome(number, settled.area, household, equipment, presence, kwh, settled.uprn)


def _running(
    household: Household, equipment: Equipment, presence: Presence, calendar: Calendar, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Standby and refrigerators; some homes that stand empty are switched off at the board, or nearly so."""
    standby = appliances.always_on(equipment, calendar, rng)
    cold = appliances.cold_appliances(equipment, presence, calendar, rng)
    empty = np.isin(presence.state, [STATES.index(State.VACANT), STATES.index(State.SECOND_EMPTY)]).repeat(SLOTS)
    left_on = float(rng.choice([0.0, 0.15, 0.6, 1.0], p=[0.25, 0.3, 0.25, 0.2]))
    if household.kind is Kind.SECOND:
        left_on = max(left_on, 0.3)
    keeps_cold = not equipment.emptied
    return np.where(empty, standby * left_on + cold * keeps_cold, standby + cold)


def simulated_homes(scale: str | Scale, seed: int, settle: Settle | None = None) -> Iterator[SimulatedHome]:
    """Yield the homes of a world one by one; memory holds one at a time.

    Parameters
    ----------
    scale
        Name of a scale, or a `Scale`.
    seed
        Seed of the world, not negative.
    settle
        Says where each home is and who lives there; None for areas and households of this world's own.

    Examples
    --------
    >>> home = next(simulated_homes("small", seed=1))
    >>> home.kwh.shape, home.presence.home.shape
    ((60, 48), (60, 48))
    """
    scale = scale_of(scale)
    calendar = Calendar(scale.start, scale.days, seed)
    settled = settle or Drawn(draw_areas(scale, seed))
    for number in range(scale.homes):
        yield simulate_home(number, settled, calendar, scale.equipment)
