"""Large equipment that not every home has: panels on the roof, storage heating, a car to charge, a heat pump.

What a home has of it comes from a stream of random numbers of its own: the same home with and without a heat pump
has the same people, who do the same, and differs by the heat pump alone. All loads are in Wh a half hour.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ons_assets.simulate.meters.calendar import SLOTS, Calendar
from ons_assets.simulate.meters.presence import STATES, Presence, State

FloatArray = npt.NDArray[np.floating]
SLOT_MINUTES = 30
# The cheap rate of the night: 00:30 to 07:30.
NIGHT_RATE = slice(1, 15)
TILT = 1.12
"""What panels on a roof get over a year, against panels that lie flat."""
BACK_HOME = 32
"""The first half hour (16:00) at which a car that came home is plugged in for the night."""
CHARGER_WH = (1_150, 1_800, 3_600)
"""What a socket of 10 A, a charger of 16 A and one of 32 A give in half an hour."""
FROST_PROTECTION = 0.15
"""Share of the usual heating that is left on in a home that nobody lives in."""


@dataclass(frozen=True)
class EquipmentShares:
    """Shares of homes with each kind of large equipment; a setting of the world.

    Parameters
    ----------
    solar, storage_heating, electric_car, heat_pump
        Shares in [0, 1]; one kind does not depend on another.
    """

    solar: float = 0.04
    storage_heating: float = 0.06
    electric_car: float = 0.002
    heat_pump: float = 0.005

    def __post_init__(self) -> None:
        if not all(0 <= share <= 1 for share in (self.solar, self.storage_heating, self.electric_car, self.heat_pump)):
            raise ValueError("shares of equipment must lie between 0 and 1")


@dataclass(frozen=True)
class LargeEquipment:
    """What one home has; 0 for what it has not."""

    solar_kw: float
    storage_heating_kw: float
    car_wh_a_day: float
    """Mean charge for a day on which somebody went out."""
    charger_wh: float
    """Charge in half an hour."""
    charges_at_night: bool
    """The car waits for the cheap rate; others begin when it is plugged in."""
    heat_pump_w_per_degree: float
    """Loss of heat of the house for each degree."""
    turns_heating_down: bool
    """The heating is turned down for a holiday."""


def draw_large_equipment(
    solar: bool, storage_heating: bool, shares: EquipmentShares, rng: np.random.Generator
) -> LargeEquipment:
    """Draw what a home has.

    Parameters
    ----------
    solar, storage_heating
        Whether there are panels and storage heaters.
    shares
        Shares of homes with a car and with a heat pump; a home with storage heaters has no heat pump.
    rng
        Stream of the large equipment of the home.
    """
    has = rng.random(4)
    solar_kw, heaters_kw = rng.uniform(3.0, 4.2), rng.uniform(4.5, 8.5)
    car_wh = 6_800 * float(np.exp(rng.normal(0, 0.4)))
    charger_wh = float(rng.choice(CHARGER_WH, p=[0.2, 0.4, 0.4]))
    loss = rng.uniform(110, 210)
    has_car, has_pump = has[0] < shares.electric_car, has[1] < shares.heat_pump and not storage_heating
    return LargeEquipment(
        solar_kw=float(solar_kw) if solar else 0.0,
        storage_heating_kw=float(heaters_kw) if storage_heating else 0.0,
        car_wh_a_day=car_wh if has_car else 0.0,
        charger_wh=charger_wh if has_car else 0.0,
        charges_at_night=bool(has[2] < 0.5),
        heat_pump_w_per_degree=float(loss) if has_pump else 0.0,
        turns_heating_down=bool(has[3] < 0.5),
    )


def large_loads(
    equipment: LargeEquipment, presence: Presence, calendar: Calendar, rng: np.random.Generator
) -> FloatArray:
    """Return what the large equipment of a home uses, generation apart, (half hours,).

    Parameters
    ----------
    equipment
        What the home has.
    presence
        People at home, and what the home is, each day.
    calendar
        Days and weather of the world.
    rng
        Stream of the large equipment of the home.
    """
    load = np.zeros(calendar.days * SLOTS)
    # Streams of their own: a heat pump does not move the trips of the car.
    heat_rng, car_rng, pump_rng = rng.spawn(3)
    if equipment.storage_heating_kw:
        load += _storage_heating(equipment, presence, calendar, heat_rng)
    if equipment.charger_wh:
        load += _electric_car(equipment, presence, calendar, car_rng)
    if equipment.heat_pump_w_per_degree:
        load += _heat_pump(equipment, presence, calendar, pump_rng)
    return load


def solar(equipment: LargeEquipment, calendar: Calendar) -> FloatArray:
    """Return the generation of the panels on the roof, (half hours,); they are tilted towards the sun."""
    return calendar.sunshine.ravel() * equipment.solar_kw * 500 * TILT


def _storage_heating(
    equipment: LargeEquipment, presence: Presence, calendar: Calendar, rng: np.random.Generator
) -> FloatArray:
    """Heaters that are charged at the night rate: full power until they hold what the day's cold asks for.

    In warm weather they are switched off.
    """
    wanted_wh = equipment.storage_heating_kw * rng.uniform(460, 660) * _heating_level(equipment, presence)
    wanted_wh *= np.where(calendar.cold > rng.uniform(1, 4), calendar.cold, 0)
    wanted_wh *= np.exp(rng.normal(0, 0.08, calendar.days))
    return _charge(wanted_wh, equipment.storage_heating_kw * 500, NIGHT_RATE, calendar.days)


def _electric_car(
    equipment: LargeEquipment, presence: Presence, calendar: Calendar, rng: np.random.Generator
) -> FloatArray:
    """Charging of a car: trips empty its battery, and it is plugged in by people who are home in the evening.

    A charge that has begun goes on when they go out again. After a holiday, on which it may have been taken along, it
    is charged for longer.
    """
    days = calendar.days
    inside = presence.home
    lives_here = np.isin(presence.state, [STATES.index(State.OCCUPIED), STATES.index(State.SECOND_STAY)])
    went_out = lives_here & (inside.min(axis=1) < inside.max(axis=1)) & (rng.random(days) < 0.85)
    driven = np.where(went_out, equipment.car_wh_a_day * rng.gamma(2.0, 0.5, days), 0.0)
    was_away = np.concatenate([[False], presence.state[:-1] == STATES.index(State.AWAY)])
    driven += np.where(was_away & lives_here, rng.uniform(0, 20_000, days), 0.0)
    waits = rng.uniform(0.1, 0.7)
    evening = inside[:, BACK_HOME:46] > 0
    slots = days * SLOTS
    load = np.zeros(slots + 2 * SLOTS)
    owed = 0.0
    for day in range(days):
        owed = min(owed + driven[day], 30_000)
        if not lives_here[day] or not evening[day].any() or owed < 1_000 or rng.random() < waits:
            continue
        plugged_in = BACK_HOME + int(evening[day].argmax())
        first = SLOTS + NIGHT_RATE.start if equipment.charges_at_night else plugged_in
        count = int(np.ceil(owed / equipment.charger_wh))
        start = day * SLOTS + first
        load[start : start + count] = equipment.charger_wh
        load[start + count - 1] = owed - (count - 1) * equipment.charger_wh
        owed = 0.0
    return load[:slots]


def _heat_pump(
    equipment: LargeEquipment, presence: Presence, calendar: Calendar, rng: np.random.Generator
) -> FloatArray:
    """A pump that heats the house day and night, less at night, and its hot water once a day.

    Its output falls with the cold while more is asked for; when little is asked for, the compressor runs in cycles.
    """
    days, slots = calendar.days, calendar.days * SLOTS
    hour = np.arange(SLOTS) / 2
    outside = calendar.temperature[:, None] - 3 * np.cos(2 * np.pi * (hour - 4) / 24)
    at_night = (hour < 5.5) | (hour >= 22.5)
    schedule = np.where(at_night, rng.uniform(0.4, 0.9), 1.0)
    level = _heating_level(equipment, presence)
    wanted_w = equipment.heat_pump_w_per_degree * np.maximum(15.5 - outside, 0) * schedule * level[:, None]
    gain = np.clip(2.15 + 0.07 * outside, 1.6, 3.6)
    running_w = (wanted_w / gain).ravel()
    rated_w = equipment.heat_pump_w_per_degree * 18 / 2
    least_w = 0.35 * rated_w
    share: FloatArray = np.clip(running_w / least_w, 0, 1)
    minutes = np.arange(slots + 1) * float(SLOT_MINUTES)
    period = rng.uniform(40, 110)
    run = cycling(minutes + rng.uniform(0, period), period, np.concatenate([share, [0.0]]))
    load = np.where(share < 1, run / SLOT_MINUTES * least_w, np.minimum(running_w, rated_w * 1.2)) / 2
    load *= np.exp(rng.normal(0, 0.06, slots))
    load += 5.0  # its control and pumps never stop
    lived_in = np.isin(presence.state, [STATES.index(State.OCCUPIED), STATES.index(State.SECOND_STAY)])
    kept_on = lived_in | ((presence.state == STATES.index(State.AWAY)) & (not equipment.turns_heating_down))
    water_wh = np.where(lived_in, rng.uniform(1_300, 2_600) * np.exp(rng.normal(0, 0.3, days)), 450.0)
    first = int(rng.choice([4, 26]))
    return load + _charge(np.where(kept_on, water_wh, 0.0), 900.0, slice(first, first + 6), days)


def cycling(minutes: FloatArray, period: float, share: FloatArray) -> FloatArray:
    """Return the minutes, in each step, that a compressor runs which runs for a share of each cycle.

    Parameters
    ----------
    minutes
        Time at the bounds of the steps, (steps + 1,), rising.
    period
        Minutes of a cycle.
    share
        Share of the cycle in which it runs, (steps + 1,).
    """
    cycles = minutes / period
    of_cycle = cycles % 1
    ran = period * (np.floor(cycles) + np.minimum(of_cycle / np.maximum(share, 1e-9), 1))
    step = np.clip(np.diff(ran), 0, None)
    running: FloatArray = np.clip(step * share[:-1], 0, np.diff(minutes))
    return running


def _heating_level(equipment: LargeEquipment, presence: Presence) -> FloatArray:
    """Share of the usual heating on each day: less on a holiday if it is turned down, little where nobody lives."""
    nobody = np.isin(presence.state, [STATES.index(State.VACANT), STATES.index(State.SECOND_EMPTY)])
    on_holiday = presence.state == STATES.index(State.AWAY)
    reduced = 0.4 if equipment.turns_heating_down else 1.0
    level: FloatArray = np.where(nobody, FROST_PROTECTION, np.where(on_holiday, reduced, 1.0))
    return level


def _charge(wanted_wh: FloatArray, most_wh: float, hours: slice, days: int) -> FloatArray:
    """Spread what is wanted of each day over some half hours: at full power from the first until it is there."""
    count = hours.stop - hours.start
    load = np.zeros((days, SLOTS))
    load[:, hours] = np.clip(wanted_wh[:, None] - np.arange(count) * most_wh, 0, most_wh)
    return load.ravel()
