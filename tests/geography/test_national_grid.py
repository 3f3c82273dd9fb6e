import numpy as np
import polars as pl
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.geography.national_grid import from_national_grid, in_great_britain, to_national_grid

OUTSIDE = {
    "Belfast": (54.597, -5.930),
    "Dublin": (53.350, -6.260),
    "Rathlin": (55.290, -6.190),
    "Donaghadee": (54.640, -5.530),
    "Calais": (50.950, 1.860),
    "Cap Gris-Nez": (50.870, 1.585),
    "Jersey": (49.190, -2.110),
    "Cherbourg": (49.640, -1.620),
    "Beijing": (39.984, 116.319),
    "the origin": (0.0, 0.0),
    "Portsmouth with its axes swapped": (-1.1075899, 50.7953752),
    "the North Sea": (55.5, 3.0),
}
INSIDE = {
    "Portsmouth": (50.7953752, -1.1075899),
    "Lowestoft": (52.480, 1.763),
    "Land's End": (50.066, -5.715),
    "Unst": (60.780, -0.840),
    "Mull of Kintyre": (55.310, -5.800),
    "Lundy": (51.180, -4.670),
    "Barra Head": (56.785, -7.630),
}


@pytest.fixture(scope="module")
def ordnance_survey_points(shared_data):
    return pl.read_csv(shared_data / "geo" / "bng" / "ostn15_test_points.csv")


def test_the_forty_ordnance_survey_points_to_the_millimetre(ordnance_survey_points):
    points = ordnance_survey_points
    assert len(points) == 40
    easting, northing = to_national_grid(points["etrs89_lat"], points["etrs89_lon"])
    np.testing.assert_array_equal(easting.round(3), points["osgb36_easting_m"])
    np.testing.assert_array_equal(northing.round(3), points["osgb36_northing_m"])


def test_the_forty_points_back_to_degrees(ordnance_survey_points):
    points = ordnance_survey_points
    latitude, longitude = from_national_grid(points["osgb36_easting_m"], points["osgb36_northing_m"])
    np.testing.assert_allclose(latitude, points["etrs89_lat"], atol=5e-8)
    np.testing.assert_allclose(longitude, points["etrs89_lon"], atol=5e-8)


def test_pyproj_agrees_where_it_has_the_grid(shared_data):
    grid = shared_data / "geo" / "bng" / "uk_os_OSTN15_NTv2_OSGBtoETRS.tif"
    pipeline = (
        "+proj=pipeline +step +proj=axisswap +order=2,1 +step +proj=unitconvert +xy_in=deg +xy_out=rad "
        f"+step +inv +proj=hgridshift +grids={grid} "
        "+step +proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=airy"
    )
    generator = np.random.default_rng(7)
    latitude, longitude = generator.uniform(50.5, 58.0, 2_000), generator.uniform(-4.0, 0.0, 2_000)
    easting, northing = to_national_grid(latitude, longitude)
    other_easting, other_northing = pyproj.Transformer.from_pipeline(pipeline).transform(latitude, longitude)
    inside = np.isfinite(easting)
    assert inside.sum() > 1_000
    apart = np.hypot(easting - other_easting, northing - other_northing)[inside]
    assert np.median(apart) < 0.002
    # The shifts of the grid file are resampled: near the edge of a cell the two differ by centimetres.
    assert apart.max() < 0.05


@pytest.mark.parametrize(("latitude", "longitude"), OUTSIDE.values(), ids=OUTSIDE)
def test_outside_great_britain_is_nan(latitude, longitude):
    easting, northing = to_national_grid(latitude, longitude)
    assert np.isnan(easting)
    assert np.isnan(northing)


@pytest.mark.parametrize(("latitude", "longitude"), INSIDE.values(), ids=INSIDE)
def test_edges_of_great_britain_are_inside(latitude, longitude):
    easting, northing = to_national_grid([latitude], [longitude])
    assert np.isfinite(easting).all()
    assert np.isfinite(northing).all()


def test_every_small_area_of_great_britain_and_none_of_northern_ireland(shared_data):
    centres = pl.read_csv(shared_data / "geo" / "geography" / "lsoa_centroids.csv.gz").drop_nulls()
    british = centres["LSOACD"].str.slice(0, 1).is_in(["E", "W", "S"])
    inside = in_great_britain(centres["latitude"], centres["longitude"])
    assert british.sum() > 40_000
    np.testing.assert_array_equal(inside, british.to_numpy())


def test_shapes_are_kept_and_must_agree():
    easting, northing = to_national_grid([], [])
    assert easting.shape == northing.shape == (0,)
    with pytest.raises(ValueError, match="different shapes"):
        to_national_grid([51.0, 52.0], [0.0])


def test_not_a_number_stays_so():
    easting, _ = to_national_grid([np.nan, np.inf, 51.5], [-1.0, -1.0, np.nan])
    assert np.isnan(easting).all()


@given(latitude=st.floats(50.6, 58.4), longitude=st.floats(-4.4, -1.7))
def test_there_and_back(latitude, longitude):
    easting, northing = to_national_grid([latitude], [longitude])
    if np.isnan(easting[0]):
        assert not in_great_britain([latitude], [longitude])[0]
    else:
        back = from_national_grid(easting, northing)
        np.testing.assert_allclose([back[0][0], back[1][0]], [latitude, longitude], atol=2e-8)
