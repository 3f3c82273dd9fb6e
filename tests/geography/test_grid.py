"""Grids of other countries: against formulas that are not PROJ's, and refused where the best way is not there."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ons_assets.geography.grid import Grid, to_degrees
from ons_assets.geography.national_grid import to_national_grid
from ons_assets.parameters.geography import Country
from ons_assets.projections import BadProjection

# Krüger's series for the transverse Mercator projection, to the third power of the flattening, on WGS 84.
AXIS_M, FLATTENING, SCALE, FALSE_EASTING_M = 6_378_137.0, 1 / 298.257223563, 0.9996, 500_000.0
N = FLATTENING / (2 - FLATTENING)
RADIUS_M = AXIS_M / (1 + N) * (1 + N**2 / 4 + N**4 / 64)
ALPHA = (N / 2 - 2 / 3 * N**2 + 5 / 16 * N**3, 13 / 48 * N**2 - 3 / 5 * N**3, 61 / 240 * N**3)


def utm(latitude: float, longitude: float, meridian: float) -> tuple[float, float]:
    """Easting and northing of the northern half of a zone of UTM."""
    sine, east = math.sin(math.radians(latitude)), math.radians(longitude - meridian)
    root = 2 * math.sqrt(N) / (1 + N)
    t = math.sinh(math.atanh(sine) - root * math.atanh(root * sine))
    xi, eta = math.atan2(t, math.cos(east)), math.atanh(math.sin(east) / math.sqrt(1 + t * t))
    turns = [(a, 2 * (j + 1)) for j, a in enumerate(ALPHA)]
    x = eta + sum(a * math.cos(k * xi) * math.sinh(k * eta) for a, k in turns)
    y = xi + sum(a * math.sin(k * xi) * math.cosh(k * eta) for a, k in turns)
    return FALSE_EASTING_M + SCALE * RADIUS_M * x, SCALE * RADIUS_M * y


@settings(deadline=None, max_examples=50)
@given(latitude=st.floats(0.5, 80), east=st.floats(-2.9, 2.9))
@pytest.mark.parametrize(("crs", "meridian"), [("EPSG:32618", -75.0), ("EPSG:32650", 117.0)])
def test_new_york_and_beijing_are_where_the_formulas_of_utm_have_them(crs, meridian, latitude, east):
    easting, northing = Grid(crs).to_grid([latitude], [meridian + east])
    assert [easting[0], northing[0]] == pytest.approx(utm(latitude, meridian + east, meridian), abs=0.001)


def test_the_worked_example_of_epsg_for_the_grid_of_europe():
    """Guidance note 7-2 of IOGP: 50 degrees north and 5 east are 3,962,799.45 m east and 2,999,718.85 m north."""
    easting, northing = Grid("EPSG:3035").to_grid([50.0], [5.0])
    assert [easting[0], northing[0]] == pytest.approx([3_962_799.45, 2_999_718.85], abs=0.01)


@settings(deadline=None, max_examples=50)
@given(east=st.floats(0.02, 0.98), north=st.floats(0.02, 0.98))
@pytest.mark.parametrize("crs", ["EPSG:27700", "EPSG:32618", "EPSG:3035", "EPSG:2154", "EPSG:2193"])
def test_there_and_back(crs, east, north):
    grid = Grid(crs)
    west, south, far_east, far_north = grid.bounds_degrees
    latitude, longitude = south + north * (far_north - south), west + east * (far_east - west)
    easting, northing = grid.to_grid([latitude], [longitude])
    assert np.isfinite(easting[0]) == grid.covers([latitude], [longitude])[0]
    if np.isfinite(easting[0]):
        back = grid.from_grid(easting, northing)
        np.testing.assert_allclose([back[0][0], back[1][0]], [latitude, longitude], atol=2e-8)


def test_what_is_outside_the_country_is_nan():
    easting, northing = Grid("EPSG:32618").to_grid([51.5, 39.9, np.nan, 40.7], [-0.1, 116.4, -74.0, np.inf])
    assert np.isnan([easting, northing]).all()
    assert Grid("EPSG:2193").covers([-41.0, -44.0, 0.0], [174.8, -176.5, 174.8]).tolist() == [True, False, False]
    assert Grid("EPSG:32660").covers([10.0, 10.0], [179.0, -179.0]).tolist() == [True, False]


def test_great_britain_is_on_ostn15_whatever_proj_has():
    place = [50.7953752], [-1.1075899]
    assert Grid().to_grid(*place) == to_national_grid(*place)
    assert Grid.of(Country()) == Grid()
    easting, northing = to_national_grid(*place)
    latitude, longitude = to_degrees("urn:ogc:def:crs:EPSG::27700", easting, northing, 5.0)
    assert [latitude[0], longitude[0]] == pytest.approx([place[0][0], place[1][0]], abs=1e-8)


def test_positions_are_held_against_the_grid():
    rows = pl.DataFrame({"easting_m": [585_628.0, -1.0, None, np.nan], "northing_m": [4_511_322.0] * 4})
    found = rows.select(Grid("EPSG:32618").holds("easting_m", "northing_m")).to_series().fill_null(False)
    assert found.to_list() == [True, False, False, False]


@pytest.mark.parametrize(
    ("crs", "said"),
    [
        ("EPSG:31467", "EPSG:31467 needs the grid file de_adv_BETA2007.tif for its best way to WGS 84"),
        ("EPSG:2263", "EPSG:2263 is no grid in metres"),
        ("EPSG:4326", "EPSG:4326 is no grid in metres"),
        ("EPSG:3857", "EPSG:3857 is a map of the world"),
        ("EPSG:4547", "EPSG:4547 has no way to WGS 84 that is more than a guess"),
        ("EPSG:5514", "EPSG:5514 is 6 m off WGS 84 by its best way, and 5 m are allowed"),
        ("EPSG:1", "EPSG:1 is no coordinate reference system that PROJ knows"),
        ("New York", "crs"),
    ],
)
def test_a_grid_that_cannot_be_reached_is_refused_with_the_reason(crs, said):
    with pytest.raises(ValidationError, match=said):
        Country(crs=crs)


def test_less_accuracy_can_be_allowed():
    assert Country(crs="EPSG:5514", accuracy_m=6).crs == "EPSG:5514"


def test_a_clock_that_does_not_exist_is_refused():
    with pytest.raises(ValidationError, match="there is no time zone 'Europe/Londres'"):
        Country(time_zone="Europe/Londres")


def test_a_reference_system_of_a_file_that_is_not_known_is_refused():
    with pytest.raises(BadProjection, match="is no coordinate reference system"):
        to_degrees("EPSG:999999", [0.0], [0.0], 5.0)
