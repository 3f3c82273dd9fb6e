"""What runs in a home whether or not anybody is there, and what people switch on. All in Wh a half hour."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ons_assets.simulate.meters.calendar import SLOTS, Calendar
from ons_assets.simulate.meters.households import Household
from ons_assets.simulate.meters.large_loads import EquipmentShares, LargeEquipment, draw_large_equipment
from ons_assets.simulate.meters.presence import STATES, Presence, State

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
SLOT_MINUTES = 30


@dataclass(frozen=True)
class Equipment:
    """What a home has; drawn once a home."""

    standby_w: float
    cold_appliances: int
    electric_cooker: bool
    electric_shower: bool
    dryer: bool
    dishwasher: bool
    delayed_start: bool
    """Washing is started by a clock, also while everybody is out or asleep."""
    immersion: bool
    immersion_stays_on: bool
    """The immersion heater's clock is not switched off for a holiday."""
    room_heaters: bool
    boiler_pump: bool
    light_on_timer: bool
    forgets_screen: bool
    """A television or computer is left running by people who go out."""
    emptied: bool
    """The refrigerator of a home that nobody lives in is switched off."""
    net_metered: bool
    """The reading is import less export, and can be negative; elsewhere it is at least 0."""
    large: LargeEquipment

    @property
    def solar_kw(self) -> float:
        """Rated power of the panels, 0 if there are none."""
        return self.large.solar_kw

    @property
    def storage_heating(self) -> bool:
        """Whether there are heaters that are charged at night."""
        return self.large.storage_heating_kw > 0

    @property
    def electric_car(self) -> bool:
        """Whether a car is charged here."""
        return self.large.charger_wh > 0

    @property
    def heat_pump(self) -> bool:
        """Whether a heat pump warms the house."""
        return self.large.heat_pump_w_per_degree > 0


def draw_equipment(
    household: Household, shares: EquipmentShares, rng: np.random.Generator, large_rng: np.random.Generator
) -> Equipment:
    """Draw what a home has; larger households have more of it.

    Parameters
    ----------
    household
        Who lives there.
    shares
        Shares of homes with large equipment.
    rng, large_rng
        Stream of the home, and that of its large equipment.
    """
    size = household.size
    has = rng.random(14)
    return Equipment(
        standby_w=float(np.clip(np.exp(rng.normal(np.log(62), 0.65)), 8, 320)) * (1 + 0.08 * (size - 1)),
        cold_appliances=int(rng.choice([1, 2, 3], p=[0.55, 0.35, 0.1] if size < 3 else [0.35, 0.45, 0.2])),
        electric_cooker=bool(has[0] < 0.65),
        electric_shower=bool(has[1] < 0.55),
        dryer=bool(has[2] < 0.35 + 0.09 * min(size, 4)),
        dishwasher=bool(has[3] < 0.2 + 0.12 * min(size, 4)),
        delayed_start=bool(has[4] < 0.15),
        immersion=bool(has[5] < 0.3),
        immersion_stays_on=bool(has[6] < 0.5),
        room_heaters=bool(has[8] < 0.3),
        boiler_pump=bool(has[9] < 0.75),
        light_on_timer=bool(has[10] < 0.12),
        forgets_screen=bool(has[11] < 0.12),
        emptied=bool(has[12] < 0.6),
        net_metered=bool(rng.random() < 0.3),
        large=draw_large_equipment(
            bool(has[13] < shares.solar), bool(has[7] < shares.storage_heating), shares, large_rng
        ),
    )


def cold_appliances(
    equipment: Equipment, presence: Presence, calendar: Calendar, rng: np.random.Generator
) -> FloatArray:
    """Refrigerators and freezers: a compressor that runs a part of each cycle, whoever is at home.

    Parameters
    ----------
    equipment
        What the home has.
    presence
        People at home and awake, each half hour.
    calendar
        Days, weather and light of the world.
    rng
        Stream of the home.
    """
    minutes = np.arange(calendar.days * SLOTS + 1) * float(SLOT_MINUTES)
    warmth = np.concatenate([(1 + 0.02 * (calendar.temperature - 10)).repeat(SLOTS), [1.0]])
    total = np.zeros(len(minutes) - 1)
    for _ in range(equipment.cold_appliances):
        power_w, period = rng.uniform(75, 150), rng.uniform(35, 110)
        share = rng.uniform(0.25, 0.5)
        # The compressor keeps no exact time: its clock drifts by a slow random walk.
        drift = np.cumsum(rng.normal(0, 1.5, len(minutes)))
        cycles = (minutes + drift + rng.uniform(0, period)) / period
        on = np.clip(share * warmth, 0.05, 0.95)
        run_minutes = period * (np.floor(cycles) * share + np.minimum(cycles % 1, share))
        total += np.clip(np.diff(run_minutes), 0, SLOT_MINUTES) * (on / share)[:-1] * power_w / 60
    opened = 1 + 0.03 * np.minimum(presence.awake.ravel(), 4)
    return total * opened


def always_on(equipment: Equipment, calendar: Calendar, rng: np.random.Generator) -> FloatArray:
    """Standby and whatever else never stops, with a slow drift.

    Parameters
    ----------
    equipment
        What the home has.
    calendar
        Days, weather and light of the world.
    rng
        Stream of the home.
    """
    slow = np.repeat(1 + 0.06 * rng.normal(0, 1, calendar.days), SLOTS)
    return equipment.standby_w / 2 * np.clip(slow, 0.7, 1.4)


def by_the_clock(equipment: Equipment, presence: Presence, calendar: Calendar, rng: np.random.Generator) -> FloatArray:
    """Immersion heater, boiler pump and lights that a clock switches, not a person.

    Parameters
    ----------
    equipment
        What the home has.
    presence
        People at home and awake, each half hour.
    calendar
        Days, weather and light of the world.
    rng
        Stream of the home.
    """
    load = np.zeros((calendar.days, SLOTS))
    lived_in = np.isin(presence.state, [STATES.index(State.OCCUPIED), STATES.index(State.SECOND_STAY)])
    on_holiday = presence.state == STATES.index(State.AWAY)
    if equipment.immersion:
        runs = lived_in | (on_holiday & equipment.immersion_stays_on)
        for first in (int(rng.integers(10, 15)), int(rng.integers(32, 37)))[: rng.integers(1, 3)]:
            energy = np.clip(rng.normal(700, 220, calendar.days), 120, None) * np.where(lived_in, 1.0, 0.35)
            load[runs, first] += (energy * 0.7)[runs]
            load[runs, first + 1] += (energy * 0.3)[runs]
    if equipment.boiler_pump:
        morning, evening = int(rng.integers(12, 16)), int(rng.integers(32, 36))
        hours = np.clip(calendar.cold / 12, 0, 1)
        runs = np.where(lived_in, hours, np.where(on_holiday, hours * 0.5, hours * 0.1))
        for first, length in ((morning, 5), (evening, 11)):
            load[:, first : first + length] += (45 * runs)[:, None]
    if equipment.light_on_timer:
        dusk = (calendar.darkness > 0.5) & (np.arange(SLOTS) >= 34) & (np.arange(SLOTS) < 46)
        load += 25 * dusk
    return load.ravel()


def by_people(
    household: Household, equipment: Equipment, presence: Presence, calendar: Calendar, rng: np.random.Generator
) -> FloatArray:
    """Light, screens, cooking, washing, showers and room heaters: what people use when they are awake.

    Parameters
    ----------
    household
        Size and habits of the people.
    equipment
        What the home has.
    presence
        People at home and awake, each half hour.
    calendar
        Days, weather and light of the world.
    rng
        Stream of the home.
    """
    days, slots = calendar.days, calendar.days * SLOTS
    awake = presence.awake.ravel().astype(np.float64)
    someone = awake > 0
    crowd = np.sqrt(awake)
    habit = household.frugality
    load = rng.uniform(40, 105) * calendar.darkness.ravel() * crowd * _patches(slots, 0.85, rng)
    screens = _patches(slots, rng.uniform(0.35, 0.85), rng)
    evening = np.tile(np.where(np.arange(SLOTS) >= 35, 1.5, 0.8), days)
    watched = someone | (np.roll(someone, 4) & equipment.forgets_screen)
    load += watched * screens * evening * rng.uniform(60, 165) * np.maximum(crowd, 1) ** 0.8
    load += rng.poisson(0.22 * crowd) * rng.uniform(55, 110)
    if equipment.room_heaters:
        load += someone * _patches(slots, 0.35, rng) * np.repeat(calendar.cold, SLOTS) * rng.uniform(12, 45)
    starts: list[tuple[IntArray, FloatArray]] = []
    for first, last, chance, mean_wh in ((13, 18, 0.6, 140), (24, 28, 0.4, 280), (33, 40, 0.8, 780)):
        meal = np.arange(days) * SLOTS + rng.integers(first, last, days)
        cooked = someone[meal] & (rng.random(days) < chance)
        wh = mean_wh * (1.0 if equipment.electric_cooker else 0.3) * household.size**0.35
        starts.append((meal[cooked], np.array([0.65, 0.35]) * wh))
    laundry = _washing(1.1 + 0.9 * household.size, someone, equipment.delayed_start, days, rng)
    starts.append((laundry, np.array([420.0, 160.0, 130.0])))
    if equipment.dryer:
        dried = laundry[rng.random(len(laundry)) < np.clip(0.3 + 0.02 * calendar.cold, 0, 0.8)[laundry // SLOTS]]
        starts.append((dried + 3, np.array([1000.0, 900.0, 350.0])))
    if equipment.dishwasher:
        dishes = _washing(1.5 + 1.1 * household.size, someone, equipment.delayed_start, days, rng)
        starts.append((dishes, np.array([700.0, 250.0, 350.0])))
    if equipment.electric_shower:
        for waking in presence.waking:
            bath = np.arange(days) * SLOTS + np.minimum(waking + 1, SLOTS - 1)
            taken = someone[bath] & (rng.random(days) < 0.62)
            starts.append((bath[taken], np.array([float(rng.uniform(450, 1000))])))
    for start, profile in starts:
        size = np.exp(rng.normal(0, 0.25, len(start)))
        for step, wh in enumerate(profile):
            load += np.bincount(np.minimum(start + step, slots - 1), weights=wh * size, minlength=slots)
    return load * habit


def _patches(slots: int, share: float, rng: np.random.Generator) -> FloatArray:
    """A level between 0 and 1 that stays for an hour or three, and is above 0 for a share of the time."""
    blocks = rng.random(slots // 4 + 2)
    level = np.where(blocks < share, 0.5 + 0.5 * blocks / share, 0)
    edges = np.arange(slots) + rng.integers(0, 2, slots)
    levels: FloatArray = level[edges // 4]
    return levels


def _washing(
    runs_a_week: float, someone: npt.NDArray[np.bool_], delayed: bool, days: int, rng: np.random.Generator
) -> IntArray:
    """Half hours in which a machine is started: by somebody at home, or by its own clock."""
    wanted = rng.poisson(min(runs_a_week, 12) / 7, days)
    day = np.repeat(np.arange(days), wanted)
    start = day * SLOTS + rng.integers(15, 44, len(day))
    if delayed:
        lived_in = np.logical_or.reduce(someone.reshape(days, SLOTS), axis=1)
        by_clock = rng.random(len(day)) < 0.6
        start = np.where(by_clock, day * SLOTS + rng.integers(0, 28, len(day)), start)
        begun: IntArray = start[np.where(by_clock, lived_in[day], someone[start])]
    else:
        begun = start[someone[start]]
    return begun
