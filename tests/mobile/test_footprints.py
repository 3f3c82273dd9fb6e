"""Footprints obey the laws of probability, are those of a slow version, and find simulated people where they are."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from benchmarks import cell_location
from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.publication import Publication
from ons_assets.mobile.footprints import TILE, Prior, footprints
from ons_assets.mobile.located import whereabouts
from ons_assets.mobile.neighbours import cell_neighbours
from ons_assets.mobile.plan import CellPlan
from ons_assets.mobile.priors import prior_of
from ons_assets.mobile.sources import CellFiles
from ons_assets.mobile.tile_grids import EUROPE, on_grid
from ons_assets.mobile.versions import network_versions
from ons_assets.parameters.mobile_network import FootprintParameters

START = datetime(2023, 1, 1, tzinfo=UTC)
UTC_TYPE = pl.Datetime("us", "UTC")
FLOATS = ("x_m", "y_m", "azimuth_degrees", "beam_width_degrees", "range_m", "power_w", "height_m")


def moment(day):
    return START + timedelta(days=day)


def network(seed, n=6, until=lambda _: None):
    """Cells within a few kilometres, some with a direction, some small."""
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        [
            {
                "operator": "north", "cell_id": f"c{number}", "valid_from_utc": START, "valid_until_utc": until(number),
                "x_m": float(x), "y_m": float(y), "technology": "4G", "cell_type": ("macro", "small")[number % 3 == 2],
                "azimuth_degrees": float(random.integers(0, 360)) if number % 2 else None,
                "beam_width_degrees": 120.0 if number % 2 else None, "range_m": float(random.integers(800, 2_500)),
                "power_w": None, "height_m": None,
            }
            for number, (x, y) in enumerate(random.uniform(400_000, 404_000, (n, 2)))
        ],
        schema_overrides={"valid_until_utc": UTC_TYPE, **dict.fromkeys(FLOATS, pl.Float64())},
    )  # fmt: skip


def by_hand(cells, parameters, prior):
    """{(cell, tile): posterior} of the method strength: tile by tile, cell by cell."""
    side, reach = int(parameters.tile_m), max(cells["range_m"]) * parameters.beyond
    masts = cells.select("x_m", "y_m").rows()
    tiles = [
        (east, north)
        for east in range(int(400_000 - 3 * reach) // side * side, int(404_000 + 3 * reach), side)
        for north in range(int(400_000 - 3 * reach) // side * side, int(404_000 + 3 * reach), side)
        if min(np.hypot(east + side / 2 - x, north + side / 2 - y) for x, y in masts) <= reach
    ]
    weight = dict(zip(tiles, prior.of(np.array(tiles) + side / 2, side), strict=True)) if prior else None
    joint = {}
    for tile in tiles:
        signal = {}
        for cell in cells.rows(named=True):
            east, north = tile[0] + side / 2 - cell["x_m"], tile[1] + side / 2 - cell["y_m"]
            if np.hypot(east, north) > cell["range_m"] * parameters.beyond:
                continue
            watts, loss, high = (5, 6.0, 8) if cell["cell_type"] == "small" else (10, 3.75, 30)
            far = max(np.sqrt(east**2 + north**2 + high**2), 1)
            signal[cell["cell_id"]] = 10 * np.log10(watts * 1_000) - 10 * loss * np.log10(far)
            if cell["azimuth_degrees"] is not None:
                off = abs((np.degrees(np.arctan2(east, north)) - cell["azimuth_degrees"] + 180) % 360 - 180)
                signal[cell["cell_id"]] -= min(12 * (off / cell["beam_width_degrees"]) ** 2, 20)
            if np.hypot(east, north) > cell["range_m"]:
                signal[cell["cell_id"]] -= 15
        fit = {cell: np.exp(each / 6) for cell, each in signal.items()}
        fit = {cell: each / sum(fit.values()) for cell, each in fit.items()}
        fit = {cell: each for cell, each in fit.items() if each >= 0.01}
        before = 1 / len(tiles) if prior is None else 0.95 * weight[tile] / sum(weight.values()) + 0.05 / len(tiles)
        joint |= {(cell, *tile): before * each / sum(fit.values()) for cell, each in fit.items()}
    whole = {}
    for (cell, *_), each in joint.items():
        whole[cell] = whole.get(cell, 0) + each
    return {key: each / whole[key[0]] for key, each in joint.items()}


PEOPLE = Prior(pl.DataFrame({"x_m": [400_500.0, 403_000.0], "y_m": [401_000.0, 402_500.0], "weight": [7.0, 3.0]}), True)


@pytest.mark.parametrize("prior", [None, PEOPLE], ids=["alike", "people"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_posterior_is_prior_times_chance_of_the_cell_tile_by_tile(seed, prior):
    cells, parameters = network(seed), FootprintParameters(tile_m=500, least_probability=0)
    [made] = footprints(cells, parameters, prior)
    found = {
        (cell, east, north): each for cell, east, north, each in made.select("cell_id", *TILE, "probability").rows()
    }
    expected = by_hand(cells, parameters, prior)
    served = {key: each for key, each in found.items() if key in expected}
    assert served == pytest.approx(expected, abs=1e-9)
    # What is more are cells that serve no tile, and have the one that they stand in.
    assert all(found[key] == 1 for key in found.keys() - expected.keys())


@examples(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    n=st.integers(1, 12),
    method=st.sampled_from(["strength", "dominance", "voronoi"]),
    tile_m=st.sampled_from([250, 1_000]),
)
def test_probabilities_add_up_and_the_order_of_rows_does_not_matter(seed, n, method, tile_m):
    cells, parameters = network(seed, n), FootprintParameters(method=method, tile_m=tile_m)
    [made] = footprints(cells, parameters)
    assert set(made["cell_id"]) == set(cells["cell_id"])
    for by, column in (("cell_id", "probability"), (TILE, "connection_probability")):
        sums = made.drop_nulls("connection_probability" if by == TILE else []).group_by(by).agg(pl.col(column).sum())
        if by == "cell_id":
            assert sums[column].to_list() == pytest.approx([1] * len(sums))
        else:
            assert sums[column].max() <= 1 + 1e-9 if len(sums) else True
    assert made.select("cell_id", *TILE).is_unique().all()
    [again] = footprints(cells.sample(fraction=1, shuffle=True, seed=seed), parameters)
    assert again.equals(made)


def test_voronoi_is_the_nearest_mast_and_its_cells_share_it():
    cells = pl.concat([network(3, 4), network(3, 1).with_columns(cell_id=pl.lit("second"))])
    [made] = footprints(cells, FootprintParameters(method="voronoi", tile_m=500))
    at = cells.select("x_m", "y_m").to_numpy()
    for row in made.drop_nulls("connection_probability").rows(named=True):
        apart = np.hypot(*(at - [row["tile_easting_m"] + 250, row["tile_northing_m"] + 250]).T)
        nearest = set(cells["cell_id"].filter(pl.Series(apart == apart.min())))
        assert row["cell_id"] in nearest
        assert row["connection_probability"] == 1 / len(nearest)


def test_a_network_is_of_cells_that_are_on_the_air_together():
    cells = network(4, 4, until=lambda number: moment(10) if number == 0 else None)
    first, second = footprints(cells, FootprintParameters(tile_m=1_000))
    assert (first["valid_from_utc"][0], first["valid_until_utc"][0]) == (START, moment(10))
    assert (second["valid_from_utc"][0], second["valid_until_utc"][0]) == (moment(10), None)
    assert set(first["cell_id"]) - set(second["cell_id"]) == {"c0"}


def test_neighbours_share_what_both_footprints_have():
    cells, parameters = network(5, 6), FootprintParameters(tile_m=500, neighbour_m=3_000)
    [made] = footprints(cells, parameters)
    tiles = {
        cell: dict(zip(of.select(TILE).rows(), of["probability"], strict=True))
        for (cell,), of in made.group_by("cell_id")
    }
    at = dict(zip(cells["cell_id"], cells.select("x_m", "y_m").rows(), strict=True))
    expected = {}
    for one in at:
        for other in at:
            apart = np.hypot(at[one][0] - at[other][0], at[one][1] - at[other][1])
            if one < other and apart <= 3_000:
                both = tiles[one].keys() & tiles[other].keys()
                gap = min(np.hypot(a[0] - b[0], a[1] - b[1]) for a in tiles[one] for b in tiles[other])
                overlap = sum(min(tiles[one][tile], tiles[other][tile]) for tile in both)
                expected[one, other] = (apart, gap, len(both), overlap)
    pairs = cell_neighbours(made, cells, parameters)
    found = {row[3:5]: row[5:] for row in pairs.rows()}
    assert found.keys() == expected.keys()
    assert len(found) > 3
    assert all(found[key] == pytest.approx(expected[key]) for key in expected)


def test_a_network_whose_masts_are_far_apart_has_no_neighbours_and_is_published(settings):
    cells, parameters = network(5, 3), FootprintParameters(tile_m=500, neighbour_m=0)
    [made] = footprints(cells, parameters)
    table = CATALOGUE["mobile/cell_neighbours"]
    publication = Publication(Home(settings.home), table, Suite.load(settings.expectations, table.name), "a-run")
    publication.add(cell_neighbours(made, cells, parameters))
    publication.commit({}, {})
    assert lake.read(Home(settings.home), table).collect().is_empty()


def test_a_place_of_one_cell_and_one_draw_is_in_the_areas_of_its_footprint():
    """The posterior of a cell: its tiles added up, over the time in which neighbours come and go."""
    cells = network(6, 4, until=lambda number: moment(10) if number == 0 else None).with_row_index("cell")
    cells = cells.with_columns(pl.col("cell").cast(pl.Int32()), easting_m="x_m", northing_m="y_m")
    parameters = FootprintParameters(tile_m=500, draws_a_place=1, points_a_side=1, least_area=0)
    made = pl.concat(footprints(cells, parameters))
    parts = pl.DataFrame(
        {"part": ["w", "e"], "area": ["west", "east"], "easting_m": [401_000.0, 403_000.0], "northing_m": 402_000.0}
    )
    where = whereabouts(CellPlan(cells), made, parts, parameters)
    found = where.of_places(cells.select(user=pl.lit(1), place="cell", cell="cell", events=pl.lit(7)))
    assert found.group_by("place").agg(pl.col("probability").sum())["probability"].to_list() == pytest.approx([1] * 4)
    of_cells = made.filter(pl.col("cell_id").is_in(["c0", "c1"])).group_by("cell_id", *TILE).agg(
        # A cell that stays has the mean of both networks; the second has no end, and counts as long as the first.
        weight=pl.col("prior").max() * pl.col("connection_probability").sum()
    )  # fmt: skip
    east = of_cells.group_by("cell_id").agg(
        share=pl.col("weight").filter(pl.col("tile_easting_m") >= 402_000).sum() / pl.col("weight").sum()
    )
    said = dict(found.filter(area="east").select("place", "probability").iter_rows())
    # Shares of the prior are of a few tiles more in the first network, in which alone the cell is that ends.
    assert said[0] == pytest.approx(east.filter(cell_id="c0")["share"].item(), abs=0.01)
    assert said[1] == pytest.approx(east.filter(cell_id="c1")["share"].item(), abs=1e-6)


@examples(max_examples=25, deadline=None)
@given(seed=st.integers(0, 500), draws=st.sampled_from([1.0, 2.5, 6.0]))
def test_a_place_of_several_cells_is_by_the_product_of_what_each_says(seed, draws):
    cells = network(seed, 4).with_row_index("cell").with_columns(easting_m="x_m", northing_m="y_m")
    cells = cells.with_columns(pl.col("cell").cast(pl.Int32()))
    parameters = FootprintParameters(tile_m=500, draws_a_place=draws, points_a_side=2, least_area=0)
    [made] = footprints(cells, parameters)
    random = np.random.default_rng(seed)
    parts = pl.DataFrame(
        {
            "part": ["a", "b", "c"], "area": ["A", "B", "A"],
            "easting_m": random.uniform(400_000, 404_000, 3), "northing_m": random.uniform(400_000, 404_000, 3),
        }
    )  # fmt: skip
    events = random.integers(1, 9, 3)
    seen = pl.DataFrame({"user": 5, "place": 0, "cell": [0, 1, 2], "events": events}).cast({"cell": pl.Int32()})
    found = whereabouts(CellPlan(cells), made, parts, parameters).of_places(seen)
    served = {
        (row["cell_id"], row["tile_easting_m"], row["tile_northing_m"]): row for row in made.iter_rows(named=True)
    }
    expected: dict[str, float] = {}
    alike = made["prior"].max()
    for east, north in {key[1:] for key in served if key[0] in ("c0", "c1", "c2")}:
        weight = alike
        for cell, count in enumerate(events):
            row = served.get((f"c{cell}", east, north))
            likely = 0.001 if row is None else (row["connection_probability"] or 1.0)
            weight *= likely ** (draws * count / events.sum())
        for x in (125, 375):
            for y in (125, 375):
                apart = (parts["easting_m"] - east - x) ** 2 + (parts["northing_m"] - north - y) ** 2
                area = parts["area"][int(apart.arg_min())]
                expected[area] = expected.get(area, 0.0) + weight / 4
    whole = sum(expected.values())
    said = dict(found.select("area", "probability").iter_rows())
    assert said == pytest.approx({area: value / whole for area, value in expected.items()}, abs=1e-6)


def test_a_prior_loses_nobody_and_is_refused_where_there_is_none():
    tiles = np.array([(x + 0.5, y + 0.5) for x in range(20) for y in range(20)]) * 100
    random = np.random.default_rng(1)
    points = pl.DataFrame({"x_m": random.uniform(0, 2_000, 900), "y_m": random.uniform(0, 2_000, 900), "weight": 2.0})
    for spread in (True, False):
        assert Prior(points, spread).of(tiles, 100).sum() == pytest.approx(1_800)
    parts = pl.LazyFrame({"easting_m": [4e5], "northing_m": [3e5], "residents": [9.0]})
    best = prior_of({"land_use": None, "residents": parts}, FootprintParameters())
    assert best is not None
    assert best.points.rows() == [(4e5, 3e5, 9.0)]
    assert prior_of({"residents": parts}, FootprintParameters(prior="area")) is None
    with pytest.raises(ValueError, match="prior is addresses, and reference/addresses has no rows for it"):
        prior_of({"residents": parts}, FootprintParameters(prior="addresses"))


def test_what_is_known_of_residents_brings_footprints_nearer_to_true_homes():
    versions, residents, homes = cell_location.world(7)
    expected = {}
    for method, prior in (("voronoi", None), ("strength", None), ("strength", residents)):
        made = pl.concat(footprints(versions, FootprintParameters(method=method, tile_m=1_000), prior))
        expected[method, prior is None] = cell_location.errors(homes, made, 1_000)["expected_m"].mean()
    assert expected["strength", False] < expected["strength", True] < expected["voronoi", True]


def test_all_round_cells_of_multimno_are_those_of_its_own_footprint(settings, shared_data):
    folder = shared_data / "geo" / "mobile"
    path = folder / "multimno_synthetic_network.parquet"
    rows = CellFiles.of(settings).whole(path, path.name, datetime(2024, 1, 1, tzinfo=UTC)).accepted
    versions = on_grid(network_versions(rows.with_columns(arrival=1)), EUROPE)
    [made] = footprints(versions, cell_location.AS_MULTIMNO)
    outputs = folder / "multimno_outputs"
    grid = pl.read_parquet(outputs / "silver__setup__grid.parquet")
    corner = [
        (pl.col(axis) - 50).round().cast(pl.Int64()).alias(f"tile_{axis}") for axis in ("easting_m", "northing_m")
    ]
    theirs = pl.read_parquet(outputs / "silver__network_coverage__cell_footprint.parquet").filter(pl.col("day") == 10)
    both = made.join(grid.select("grid_id", *corner), on=TILE).join(theirs, on=["cell_id", "grid_id"])
    plan = pl.read_parquet(path).filter(pl.col("directionality") == 0, pl.col("cell_type") != "picocell")
    alike = both.filter(pl.col("cell_id").is_in(plan["cell_id"].implode()))
    assert len(alike) > 38_000
    assert (alike["dominance"] - alike["signal_dominance"]).abs().max() < 1e-5
