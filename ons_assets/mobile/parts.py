"""What is made of some devices: functions of the rows of some buckets, which an engine works part by part.

Their first arguments are rows of tables, in the order of the assets that name them; the rest is the same for all parts.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from ons_assets.mobile import internal_migration, present_population, usual_environment
from ons_assets.mobile.present_population import Present
from ons_assets.mobile.release import without_excluded
from ons_assets.mobile.time_segments import hours_abroad
from ons_assets.mobile.tourism import all_trips, counts_of_trips
from ons_assets.parameters.mobile import ReleaseParameters
from ons_assets.parameters.mobile_presence import InternalMigrationParameters
from ons_assets.parameters.mobile_tourism import TourismParameters

DEVICE = ("operator", "user")


@dataclass(frozen=True)
class Residents:
    """Who is counted: devices of this country that the register does not exclude."""

    foreign: pl.DataFrame
    register: pl.DataFrame | None
    release: ReleaseParameters

    def among(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of those who are counted."""
        return without_excluded(rows.join(self.foreign, on=DEVICE, how="anti"), self.register, self.release)


def trips_of_part(
    segments: pl.DataFrame,
    labels: pl.DataFrame,
    places: pl.DataFrame,
    foreign: pl.DataFrame,
    days: tuple[date, date],
    parameters: TourismParameters,
    time_zone: str,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return trips and stays of some devices; see `all_trips`.

    Parameters
    ----------
    segments, labels, places
        Rows of `mobile/time_segments`, `mobile/usual_places` (whole observation) and `mobile/device_places`.
    foreign
        Devices of other countries.
    days
        First and last day of the observation.
    parameters, time_zone
        Of the method, and of the local clock.
    """
    return all_trips(segments, foreign, labels, places, days, parameters, time_zone)


def visits_of_part(
    trips: pl.DataFrame,
    stays: pl.DataFrame,
    places: pl.DataFrame,
    register: pl.DataFrame | None,
    days: pl.DataFrame,
    release: ReleaseParameters,
) -> pl.DataFrame:
    """Count visitors and nights of some devices; see `counts_of_trips`.

    Parameters
    ----------
    trips, stays, places
        Rows of `mobile/tourism_trips`, `mobile/tourism_stays` and `mobile/device_places`.
    register
        Devices as the operator knows them; None if it does not say.
    days
        Days that each operator observed.
    release
        Who is excluded.
    """
    return counts_of_trips(without_excluded(trips, register, release), stays, places, days)


def environment_of_part(
    labels: pl.DataFrame, places: pl.DataFrame, residents: Residents, weights: pl.DataFrame | None
) -> pl.DataFrame:
    """Count the places of some devices by area; see `environment_of_areas`.

    Parameters
    ----------
    labels, places
        Rows of `mobile/usual_places` and `mobile/device_places`.
    residents
        Who is counted.
    weights
        People that a device stands for; None if devices are counted.
    """
    return usual_environment.environment_of_areas(residents.among(labels), places, weights)


def moves_of_part(
    labels: pl.DataFrame,
    places: pl.DataFrame,
    residents: Residents,
    pairs: pl.DataFrame,
    parameters: InternalMigrationParameters,
    weights: pl.DataFrame | None,
) -> pl.DataFrame:
    """Count moves of some devices between seasons; see `moves_between_seasons`.

    Parameters
    ----------
    labels, places
        Rows of `mobile/usual_places` and `mobile/device_places`.
    residents
        Who is counted.
    pairs, parameters
        Successive seasons, and what a move is.
    weights
        People that a device stands for; None if devices are counted.
    """
    return internal_migration.moves_between_seasons(residents.among(labels), places, pairs, parameters, weights)


def present_of_part(
    daily: pl.DataFrame,
    places: pl.DataFrame,
    abroad: pl.DataFrame,
    foreign: pl.DataFrame,
    days: pl.DataFrame,
    weights: pl.DataFrame | None,
    time_zone: str,
) -> Present:
    """Say what some devices add to the population that is present; see `present`.

    Parameters
    ----------
    daily, places, abroad
        Rows of `mobile/daily_permanence`, `mobile/device_places` and, of time abroad, `mobile/time_segments`.
    foreign
        Devices of other countries, which are not counted.
    days, weights
        Days by their kind; people that a device stands for, None if devices are counted.
    time_zone
        Of the local clock.
    """
    residents = daily.join(foreign, on=DEVICE, how="anti")
    return present_population.present(residents, places, days, weights, hours_abroad(abroad, time_zone))
