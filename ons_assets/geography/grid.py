"""The grid of an installation: metres from degrees, and degrees from metres, in any country.

Great Britain is on OSTN15 and has an outline of its own (`ons_assets.geography.national_grid`). Everywhere else PROJ
goes the best way there is, and the country reaches as far as its reference system is meant to be used.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.geography.national_grid import (
    Degrees,
    FloatArray,
    as_pair,
    from_national_grid,
    in_great_britain,
    to_national_grid,
)
from ons_assets.parameters.geography import BRITISH_GRID, Country
from ons_assets.projections import Projection, known, projection

# West, south, east and north of Great Britain: by its outline in degrees, and by the squares of the National Grid.
BRITISH_DEGREES = (-9.0, 49.5, 2.0, 61.0)
BRITISH_METRES = (0.0, 0.0, 700_000.0, 1_300_000.0)
# Latitude and longitude of the true origin of the National Grid, and its easting and northing.
BRITISH_ORIGIN = (49.0, -2.0, 400_000.0, -100_000.0)


@dataclass(frozen=True)
class Grid:
    """A grid in metres.

    Parameters
    ----------
    crs
        Such as EPSG:27700.
    accuracy_m
        Least accuracy of the way from WGS 84, as PROJ states it.
    """

    crs: str = BRITISH_GRID
    accuracy_m: float = Country().accuracy_m

    @classmethod
    def of(cls, country: Country | None) -> "Grid":
        """Return the grid of a country; of Great Britain, if none is said."""
        return cls() if country is None else cls(country.crs, country.accuracy_m)

    @property
    def is_british(self) -> bool:
        """Whether it is the British National Grid."""
        return self.crs == BRITISH_GRID

    @property
    def place(self) -> str:
        """Where it is, to stand after *in*."""
        return "Great Britain" if self.is_british else f"the area of {self.crs} ({self._projection.name})"

    @property
    def bounds_degrees(self) -> tuple[float, float, float, float]:
        """West, south, east and north of a box around the country; west is more than east across 180 degrees."""
        return BRITISH_DEGREES if self.is_british else self._projection.bounds_degrees

    @cached_property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """West, south, east and north of the grid."""
        if self.is_british:
            return BRITISH_METRES
        return self._projection.transformer.transform_bounds(*self.bounds_degrees)

    @cached_property
    def origin(self) -> tuple[float, float, float, float]:
        """A point in the country or near it: latitude, longitude, easting and northing."""
        if self.is_british:
            return BRITISH_ORIGIN
        west, south, east, north = self.bounds_degrees
        latitude, longitude = (south + north) / 2, (west + east + (360 if west > east else 0)) / 2
        easting, northing = self._projection.transformer.transform(longitude, latitude)
        return latitude, longitude, easting, northing

    def covers(self, latitude: Degrees, longitude: Degrees) -> npt.NDArray[np.bool_]:
        """Return which points lie in the country: in Great Britain, or where the reference system is meant to be used.

        Parameters
        ----------
        latitude, longitude : array of float, shape (n,)
            Degrees, WGS 84.
        """
        if self.is_british:
            return in_great_britain(latitude, longitude)
        north_of, east_of = as_pair(latitude, longitude)
        west, south, east, north = self.bounds_degrees
        across = (east_of >= west) | (east_of <= east) if west > east else (east_of >= west) & (east_of <= east)
        return across & (north_of >= south) & (north_of <= north)

    def to_grid(self, latitude: Degrees, longitude: Degrees) -> tuple[FloatArray, FloatArray]:
        """Convert degrees to metres.

        Parameters
        ----------
        latitude, longitude : array of float, shape (n,)
            Degrees, WGS 84, in that order.

        Returns
        -------
        easting_m, northing_m : array of float64
            NaN where a point is not covered, or a coordinate is not a finite number.

        Examples
        --------
        The Empire State Building, and London, on the grid of New York:

        >>> easting_m, northing_m = Grid("EPSG:32618").to_grid([40.7484, 51.5007], [-73.9857, -0.1246])
        >>> easting_m.round(1), northing_m.round(1)
        (array([585628.4,      nan]), array([4511322.4,       nan]))
        """
        if self.is_british:
            return to_national_grid(latitude, longitude)
        north_of, east_of = as_pair(latitude, longitude)
        inside = self.covers(north_of, east_of)
        easting, northing = np.full(north_of.shape, np.nan), np.full(north_of.shape, np.nan)
        easting[inside], northing[inside] = _finite(
            *self._projection.transformer.transform(east_of[inside], north_of[inside])
        )
        return easting, northing

    def from_grid(self, easting_m: Degrees, northing_m: Degrees) -> tuple[FloatArray, FloatArray]:
        """Convert metres to degrees.

        Parameters
        ----------
        easting_m, northing_m : array of float, shape (n,)
            On the grid.

        Returns
        -------
        latitude, longitude : array of float64
            Degrees, WGS 84; NaN off the grid.
        """
        if self.is_british:
            return from_national_grid(easting_m, northing_m)
        easting, northing = as_pair(easting_m, northing_m)
        longitude, latitude = _finite(*self._projection.transformer.transform(easting, northing, direction="INVERSE"))
        return latitude, longitude

    def holds(self, easting: str, northing: str) -> pl.Expr:
        """Return whether positions lie on the grid.

        Parameters
        ----------
        easting, northing
            Names of columns of metres.
        """
        west, south, east, north = self.bounds_m
        return pl.col(easting).is_between(west, east) & pl.col(northing).is_between(south, north)

    @property
    def _projection(self) -> Projection:
        return projection(self.crs, self.accuracy_m)


def to_degrees(crs: str, x: Degrees, y: Degrees, accuracy_m: float) -> tuple[FloatArray, FloatArray]:
    """Convert coordinates of any reference system to degrees.

    Parameters
    ----------
    crs
        As the file states it.
    x, y : array of float, shape (n,)
        East and north, or longitude and latitude, in that order whatever the system says of its axes, as GeoJSON has
        them.
    accuracy_m
        What PROJ must say of the way.

    Returns
    -------
    latitude, longitude : array of float64
        WGS 84; NaN where there is no such place.

    Raises
    ------
    BadProjection
        If the system is not known, or cannot be reached.
    """
    if known(crs).equals(known(BRITISH_GRID)):
        return from_national_grid(x, y)
    longitude, latitude = _finite(
        *projection(crs, accuracy_m).transformer.transform(*as_pair(x, y), direction="INVERSE")
    )
    return latitude, longitude


def _finite(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both coordinates, NaN where one is infinite: so PROJ says that there is no such place."""
    lost = ~(np.isfinite(first) & np.isfinite(second))
    return np.where(lost, np.nan, first), np.where(lost, np.nan, second)
