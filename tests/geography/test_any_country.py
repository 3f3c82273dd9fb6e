"""Grids with negative coordinates, of the south and across the date line: what shipped bounds let pass."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue import CATALOGUE
from ons_assets.geography.grid import Grid
from ons_assets.lakehouse.gate import Suite, audit
from ons_assets.mobile.footprints import BLOCK, TILE, footprints
from ons_assets.mobile.plan import cell_plan
from ons_assets.mobile.sources import CellFiles
from ons_assets.parameters.geography import Country
from ons_assets.parameters.mobile_network import FootprintParameters
from ons_assets.settings import Settings

EXPECTATIONS = Path(__file__).resolve().parents[2] / "expectations"
# Australia, the United States and Alaska (negative coordinates), New Zealand, Fiji (across 180 degrees), Brazil,
# a strip of Argentina whose eastings begin with its number, and Beijing.
GRIDS = ("EPSG:3577", "EPSG:5070", "EPSG:3338", "EPSG:2193", "EPSG:3460", "EPSG:31983", "EPSG:5348", "EPSG:32650")
NEGATIVE, ACROSS = ("EPSG:3577", "EPSG:5070", "EPSG:3338"), ("EPSG:3460", "EPSG:3338")
# The largest way between two places of the earth.
HALF_ROUND_KM = 20_016


def bounds(column: str) -> list[tuple[str, float | None, float | None]]:
    """Return the bounds of a column in all suites but that of addresses, which are of Great Britain."""
    return [
        (f"{path.parent.name}/{path.stem}", each["kwargs"].get("min_value"), each["kwargs"].get("max_value"))
        for path in sorted(EXPECTATIONS.glob("*/*.json"))
        if path.stem != "addresses"
        for each in json.loads(path.read_text())["expectations"]
        if each["kwargs"].get("column") == column and each["type"] == "expect_column_values_to_be_between"
    ]


def within(column: str, least: float, most: float) -> list[str]:
    """Return the suites that would refuse, or warn of, what is rightly there."""
    return [
        suite
        for suite, low, high in bounds(column)
        if (low is not None and low > least) or (high is not None and high < most)
    ]


@pytest.mark.parametrize("crs", GRIDS)
def test_no_suite_has_bounds_that_a_grid_does_not_keep(crs: str) -> None:
    west, south, east, north = Grid(crs).bounds_m
    assert np.isfinite([west, south, east, north]).all()
    assert west < east
    assert south < north
    assert within("easting_m", west, east) == within("northing_m", south, north) == []
    assert (min(west, south) < 0) >= (crs in NEGATIVE)
    assert bounds("easting_m")


def test_no_suite_has_bounds_of_one_country_for_degrees_distances_or_days() -> None:
    assert within("latitude", -90, 90) == within("longitude", -180, 180) == []
    # A way to work of more than 200 km is no daily one, in any country.
    assert within("distance_km", 0, HALF_ROUND_KM) == ["tweets/user_commutes"]
    first = Settings().calendar.model_fields["first_day"].metadata[0].ge
    days = [(suite, low) for suite, low, _ in bounds("event_date")]
    assert days
    assert [suite for suite, low in days if date.fromisoformat(str(low)) > first] == []


@settings(max_examples=60, deadline=None)
@given(crs=st.sampled_from(GRIDS), at=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_place_of_a_country_goes_to_its_grid_and_back(crs: str, at: tuple[float, float]) -> None:
    grid = Grid(crs)
    west, south, east, north = grid.bounds_degrees
    assert (west > east) == (crs in ACROSS)
    width = (east - west) % 360
    latitude = np.array([south + at[0] * (north - south)])
    longitude = (np.array([west + at[1] * width]) + 180) % 360 - 180
    if not grid.covers(latitude, longitude).all():
        return  # on the very edge, by the last digit
    easting, northing = grid.to_grid(latitude, longitude)
    frame = pl.DataFrame({"e": easting, "n": northing})
    assert frame.select(grid.holds("e", "n").all()).item()
    back = grid.from_grid(easting, northing)
    assert back[0] == pytest.approx(latitude, abs=1e-6)
    assert (back[1] - longitude + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


def plan_of(tmp_path: Path, crs: str, places: list[tuple[float, float]]) -> pl.DataFrame:
    """Return the cells that a file of masts at degrees becomes."""
    path = tmp_path / "cells.csv"
    rows = [f"north,c{number},{latitude},{longitude},2014-01-01" for number, (latitude, longitude) in enumerate(places)]
    path.write_text("\n".join(["operator,cell_id,latitude,longitude,valid_from", *rows]) + "\n")
    made = Settings(home=tmp_path, geography=Country(crs=crs))
    return CellFiles.of(made).whole(path, path.name, datetime(2015, 1, 1, tzinfo=UTC)).accepted


def test_cells_west_of_the_middle_of_australia_are_let_pass(tmp_path: Path) -> None:
    perth = plan_of(tmp_path, "EPSG:3577", [(-31.95, 115.86), (-31.96, 115.87)])
    assert perth["easting_m"].max() < 0  # type: ignore[operator]
    assert perth["northing_m"].max() < 0  # type: ignore[operator]
    table = CATALOGUE["mobile/cells"]
    batch = table.conform(perth.with_columns(arrival=pl.lit(1), drop_sha256=pl.lit("0" * 64)))
    found = audit(Suite.load(EXPECTATIONS, table.name), table, batch)
    assert not found.is_critical, found.reason


def test_fiji_is_one_country_on_both_sides_of_the_date_line(tmp_path: Path) -> None:
    """Taveuni lies on 180 degrees; a cell far beyond the grid, laid flat, is on its side of the world too."""
    cells = plan_of(tmp_path, "EPSG:3460", [(-16.85, 179.98), (-16.85, -179.98), (-13.8, -171.8)])
    plan = cell_plan(cells.with_columns(arrival=pl.lit(1)), Grid("EPSG:3460"))
    assert plan.cells["easting_m"].null_count() == 1
    apart = np.hypot(plan.x_m - plan.x_m[0], plan.y_m - plan.y_m[0])
    assert apart[1] == pytest.approx(4_260, abs=30)
    # Apia in Samoa, 940 km away.
    assert apart[2] == pytest.approx(940_000, rel=0.05)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 500), tiles=st.tuples(st.integers(-5_000, 5_000), st.integers(-5_000, 5_000)))
def test_footprints_are_the_same_wherever_the_grid_begins(seed: int, tiles: tuple[int, int]) -> None:
    random = np.random.default_rng(seed)
    parameters = FootprintParameters(prior="area")
    east, north = (1_000.0 * BLOCK * each for each in tiles)
    cells = pl.DataFrame(
        {
            "operator": "north", "cell_id": ["a", "b", "c"], "technology": "4G", "cell_type": "macro",
            "valid_from_utc": datetime(2014, 1, 1, tzinfo=UTC), "valid_until_utc": None,
            "x_m": random.uniform(0, 9_000, 3), "y_m": random.uniform(0, 9_000, 3),
            "azimuth_degrees": [None, 90.0, 200.0], "beam_width_degrees": [None, 65.0, 65.0], "range_m": 3_000.0,
            "power_w": None, "height_m": None,
        },
        schema_overrides={"valid_until_utc": pl.Datetime("us", "UTC"), "power_w": pl.Float64, "height_m": pl.Float64},
    )  # fmt: skip
    [here] = footprints(cells, parameters)
    [there] = footprints(cells.with_columns(pl.col("x_m") + east, pl.col("y_m") + north), parameters)
    back = there.with_columns(pl.col(TILE[0]) - int(east), pl.col(TILE[1]) - int(north))
    both = here.join(back, on=["cell_id", *TILE], how="full", suffix="_there")
    assert both["probability"].null_count() == both["probability_there"].null_count() == 0
    assert (both["probability"] - both["probability_there"]).abs().max() < 1e-6  # type: ignore[operator]
