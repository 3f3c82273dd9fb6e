"""What all homes share: days, daylight, temperature and sunshine."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

SLOTS = 48
LATITUDE_DEGREES = 53.3
FloatArray = npt.NDArray[np.float64]

# Mean, amplitude (deg C) and coldest day of a temperate maritime year.
MEAN_TEMPERATURE, TEMPERATURE_AMPLITUDE, COLDEST_DAY = 9.8, 5.6, 25
SCHOOL_HOLIDAYS = ((7, 1, 8, 31), (10, 26, 10, 30), (12, 23, 12, 31), (1, 1, 1, 4), (2, 15, 2, 19), (3, 29, 4, 9))


@dataclass(frozen=True)
class Calendar:
    """Days of a world; every array has one row a day.

    Parameters
    ----------
    start, days
        First local day and number of days.
    seed
        Seed of the weather.
    """

    start: date
    days: int
    seed: int

    @cached_property
    def dates(self) -> list[date]:
        """The local days."""
        return [self.start + timedelta(day) for day in range(self.days)]

    @cached_property
    def weekday(self) -> npt.NDArray[np.int64]:
        """0 for Monday to 6 for Sunday."""
        return (self.start.weekday() + np.arange(self.days)) % 7

    @cached_property
    def is_weekend(self) -> npt.NDArray[np.bool_]:
        """Saturdays and Sundays."""
        return self.weekday >= 5

    @cached_property
    def is_school_holiday(self) -> npt.NDArray[np.bool_]:
        """Days on which schools are shut, weekends apart."""
        return np.array(
            [
                any((first, from_) <= (day.month, day.day) <= (last, to) for first, from_, last, to in SCHOOL_HOLIDAYS)
                for day in self.dates
            ]
        )

    @cached_property
    def is_public_holiday(self) -> npt.NDArray[np.bool_]:
        """Days on which almost nobody works."""
        fixed = {(1, 1), (12, 25), (12, 26)}
        return np.array([(day.month, day.day) in fixed for day in self.dates])

    @cached_property
    def day_of_year(self) -> npt.NDArray[np.int64]:
        """1 for 1 January."""
        return np.array([day.timetuple().tm_yday for day in self.dates])

    @cached_property
    def temperature(self) -> FloatArray:
        """Mean outdoor temperature of each day, deg C: the season, and spells of weather."""
        rng = np.random.default_rng([self.seed, 1])
        spell = np.zeros(self.days)
        shock = rng.normal(0, 1.6, self.days)
        for day in range(1, self.days):
            spell[day] = 0.75 * spell[day - 1] + shock[day]
        season = -np.cos(2 * np.pi * (self.day_of_year - COLDEST_DAY) / 365.25)
        temperature: FloatArray = MEAN_TEMPERATURE + TEMPERATURE_AMPLITUDE * season + spell
        return temperature

    @cached_property
    def cold(self) -> FloatArray:
        """Degrees by which a day is colder than 15.5 deg C, at least 0."""
        return np.maximum(15.5 - self.temperature, 0)

    @cached_property
    def sun_height(self) -> FloatArray:
        """Sine of the height of the sun in the middle of each half hour, (days, 48)."""
        declination = np.radians(-23.44) * np.cos(2 * np.pi * (self.day_of_year + 10) / 365.25)
        # Summer time puts noon of the sun at 13 o'clock; the change within a day is of no account here.
        noon = np.where((self.day_of_year > 86) & (self.day_of_year < 300), 13.2, 12.2)
        hour_angle = np.radians(15) * ((np.arange(SLOTS) + 0.5) / 2 - noon[:, None])
        latitude = np.radians(LATITUDE_DEGREES)
        daily = np.cos(latitude) * np.cos(declination)[:, None] * np.cos(hour_angle)
        height: FloatArray = np.sin(latitude) * np.sin(declination)[:, None] + daily
        return height

    @cached_property
    def darkness(self) -> FloatArray:
        """Need of light, 0 by day to 1 by night, (days, 48)."""
        return np.clip((0.12 - self.sun_height) / 0.18, 0, 1)

    @cached_property
    def sunshine(self) -> FloatArray:
        """Share of its rated power that a solar panel gives, (days, 48)."""
        rng = np.random.default_rng([self.seed, 2])
        clear = rng.beta(1.3, 1.5, self.days)[:, None]
        broken = rng.uniform(0.5, 1.0, (self.days, SLOTS))
        return np.clip(self.sun_height, 0, None) * (0.2 + 0.75 * clear * broken)
