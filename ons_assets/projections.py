"""Coordinate reference systems by their names, and the best way from one to another, or why there is none here.

PROJ goes another way, without a word, where a grid file is missing that the best one needs, metres off; its switch
`only_best` does not keep it from that. Here the ways are listed first, and the best is taken or none.
"""

import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import pyproj
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import AreaOfInterest, TransformerGroup

WGS84 = "EPSG:4326"
ESRI_AS_EPSG = re.compile(r"^(?:urn:ogc:def:crs:)?EPSG:+(\d{6})$", re.IGNORECASE)
# Its metres are none: in Oslo a metre of it is half a metre on the ground.
WEB_MERCATOR = "Popular Visualisation Pseudo Mercator"


class BadProjection(ValueError):
    """A reference system cannot be used; the message is half a sentence that follows its name."""


@dataclass(frozen=True)
class Projection:
    """The way from WGS 84 to a reference system, and back.

    Parameters
    ----------
    name
        In words.
    bounds_degrees
        West, south, east and north of where the system is meant to be used; west is more than east across 180 degrees.
    accuracy_m
        What PROJ says of the way; None if it says nothing.
    transformer
        From longitude and latitude to east and north.
    """

    name: str
    bounds_degrees: tuple[float, float, float, float]
    accuracy_m: float | None
    transformer: pyproj.Transformer


@cache
def known(code: str) -> pyproj.CRS:
    """Return a reference system by what a file or a person calls it: ``EPSG:27700``, an URN, WKT.

    Numbers of Esri's that are called EPSG's are known too: ArcGIS writes them so.

    Raises
    ------
    BadProjection
        If PROJ does not know it.
    """
    for name in (code, ESRI_AS_EPSG.sub(r"ESRI:\1", code)):
        with suppress(CRSError, ValueError):
            return pyproj.CRS.from_user_input(name)
    raise BadProjection("is no coordinate reference system that PROJ knows, such as EPSG:32618")


@cache
def is_wgs84(code: str) -> bool:
    """Return whether a reference system is WGS 84 in degrees, whatever the order of its axes.

    Raises
    ------
    BadProjection
        If PROJ does not know it.
    """
    return known(code).equals(pyproj.CRS(WGS84), ignore_axis_order=True)


@cache
def projection(code: str, accuracy_m: float) -> Projection:
    """Return the way to a reference system.

    Parameters
    ----------
    code
        As for `known`.
    accuracy_m
        What PROJ must say of its accuracy at least, metres.

    Raises
    ------
    BadProjection
        If the system is not known, or the best way to it is a guess, is not accurate enough, or needs a grid file that
        is not here.
    """
    crs = known(code)
    area = crs.area_of_use
    if area is None:
        raise BadProjection("does not say where it is to be used")
    ways = _ways(crs, AreaOfInterest(*area.bounds))
    if ways is None or not (ways.transformers or ways.unavailable_operations):
        raise BadProjection("has no way to WGS 84 that is more than a guess")
    if not ways.best_available or not ways.transformers:
        grids = [grid.short_name for grid in ways.unavailable_operations[0].grids]
        raise BadProjection(
            f"needs the grid file {' and '.join(grids)} for its best way to WGS 84, and PROJ does not have it: "
            f"`pyproj sync --file {grids[0]}` fetches it"
        )
    best = ways.transformers[0]
    stated = best.accuracy if best.accuracy >= 0 else None
    if stated is None or stated > accuracy_m:
        said = "an unknown number of metres" if stated is None else f"{stated:g} m"
        raise BadProjection(f"is {said} off WGS 84 by its best way, and {accuracy_m:g} m are allowed")
    return Projection(crs.name, area.bounds, stated, best)


def check_grid(code: str, accuracy_m: float) -> None:
    """Make sure that a reference system can be the grid of an installation: flat, in metres, and within reach.

    Parameters
    ----------
    code, accuracy_m
        As for `projection`.

    Raises
    ------
    BadProjection
        If it cannot.
    """
    crs = known(code)
    if not crs.is_projected or any(axis.unit_name != "metre" for axis in crs.axis_info):
        raise BadProjection("is no grid in metres, such as EPSG:32618: distances are computed on it")
    if crs.coordinate_operation is not None and crs.coordinate_operation.method_name == WEB_MERCATOR:
        raise BadProjection(
            "is a map of the world whose metres are none but at the equator; take a grid of the country"
        )
    projection(code, accuracy_m)


def _ways(crs: pyproj.CRS, area: AreaOfInterest) -> TransformerGroup | None:
    """The ways from WGS 84, best first; None if there are only guesses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return TransformerGroup(WGS84, crs, always_xy=True, area_of_interest=area, allow_ballpark=False)
    except (IndexError, ProjError):
        # pyproj 3.7 asks for the first of an empty list.
        return None
